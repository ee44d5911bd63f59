"""What all parts of a visit to a GPU share: the device, the clips and the time that is left."""

import time
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from harness import MissingDataError, Options, Row

import patchvid
from patchvid._device import backend
from patchvid.data.sample_clip import sample_clip

N_FRAMES = 13
QUICK = (4, 18, 32)  # frames, rows, columns


class Bench(NamedTuple):
    """What the command line says, and when this has to end."""

    options: Options
    device: str
    published: Path | None
    end: float

    @property
    def kernels(self) -> ModuleType:
        """The back end that is measured."""
        return backend(self.device)

    @property
    def left(self) -> float:
        """Seconds."""
        return self.end - time.perf_counter()

    def clip(self, height: int) -> tuple[str, Any]:
        """A name and 13 frames, 16:9, on the device; without shared data the sample clip's.

        In a quick run they are fewer and small.
        """
        large = height > 144
        name = f"clips/{'large/balloons_1080p' if large else 'generation/air_ballons_cut'}.mp4"
        try:
            video, _ = patchvid.read_video(self.options.data(name))
        except (MissingDataError, ImportError):  # it may lack a reader, too
            name, video = "sample clip", sample_clip()
        size = QUICK if self.options.quick else (N_FRAMES, height, height * 16 // 9)
        return Path(name).stem, patchvid.resize(self.kernels.to_device(video[: size[0]]), size)


def left_out(case: str, why: str) -> tuple[str, Row]:
    return "left out", {"case": case, "why": why}
