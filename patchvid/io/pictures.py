"""Still and animated pictures, read through the Pillow plugin of imageio.

Photos are turned upright as their EXIF tag says. Animations are written by `patchvid.io.ffmpeg`.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np

from patchvid._convert import Pixels, to_8_bits
from patchvid._paths import quoted
from patchvid.errors import VideoError
from patchvid.io._frames import stack_frames

ANIMATIONS = (".gif", ".png", ".apng", ".webp", ".avif")
PICTURES = (*ANIMATIONS, ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")

# Milliseconds. Browsers and viewers show frames of a GIF that are this short for longer.
TOO_SHORT, SHOWN_INSTEAD = 10, 100


def read_picture(path: Path, first: int, last: int | None) -> tuple[Pixels, float | None]:
    """Read frames `first` to `last` of a still or animated picture, and its mean frame rate."""
    is_gif = path.suffix.lower() == ".gif"
    if is_gif and not _is_whole_gif(path.read_bytes()):
        raise VideoError(f"{quoted(path)} is damaged or cut short; copy or download it again")
    with _open(path) as file:
        repeats = [1] * (file.properties(index=...).n_images or 1)
        if path.suffix.lower() == ".webp":
            durations = _webp_durations(path.read_bytes())
            if len(durations) == len(repeats):
                repeats = _repeats(durations)
        stored = np.repeat(np.arange(len(repeats)), repeats)[first:last].tolist()
        milliseconds = 0.0

        def decode() -> Iterator[Pixels]:
            nonlocal milliseconds
            for index, equal in groupby(stored):
                pixels = _pixels(file, index)
                duration = (file.metadata(index=index).get("duration") or 0) / repeats[index]
                if is_gif and len(repeats) > 1 and duration <= TOO_SHORT:
                    duration = SHOWN_INSTEAD
                for _ in equal:
                    milliseconds += duration
                    yield pixels

        video = stack_frames(decode(), len(stored), path)
    return video, 1000 * len(video) / milliseconds if milliseconds else None


def read_still(path: Path) -> Pixels:
    """Read the first frame of a picture, (y, x, 3 or 4)."""
    with _open(path) as file:
        return _pixels(file, 0)


def _open(path: Path) -> Any:
    return iio.imopen(path, "r", plugin="pillow")


def _pixels(file: Any, index: int) -> Pixels:
    """Decode one frame of an open picture: upright, 8 bits, (y, x, 3 or 4)."""
    metadata = file.metadata(index=index)
    if metadata["mode"] in ("F", "I"):  # they state no range of values
        raise ValueError("its pixels have 32 bits; save them as an array, .npy")
    if metadata["mode"].startswith("I;16"):  # Pillow's own conversion clips instead of scaling
        grey = to_8_bits(file.read(index=index, rotate=True))
    elif metadata["mode"] == "L" and "transparency" not in metadata:
        grey = file.read(index=index, rotate=True)
    else:
        opaque = metadata["mode"] == "RGB" and "transparency" not in metadata
        return file.read(index=index, mode="RGB" if opaque else "RGBA", rotate=True)
    return np.repeat(grey[..., None], 3, axis=2)


def _is_whole_gif(raw: bytes) -> bool:
    """Whether the blocks of a GIF are complete, which Pillow does not check."""

    def table(flags: int) -> int:
        """Bytes of a table of colours."""
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    try:
        at = 13 + table(raw[10])
        while raw[at] in b"!,":
            at += 2 if raw[at] == ord("!") else 11 + table(raw[at + 9])
            while raw[at]:
                at += 1 + raw[at]
            at += 1
    except IndexError:
        return False
    return True


def _webp_durations(raw: bytes) -> list[int]:
    """The milliseconds of each stored frame of a WebP animation; Pillow decodes to tell them."""
    durations, at = [], 12
    while at < len(raw):
        size = int.from_bytes(raw[at + 4 : at + 8], "little")
        if raw[at : at + 4] == b"ANMF":
            durations.append(int.from_bytes(raw[at + 20 : at + 23], "little"))
        at += 8 + size + size % 2
    return durations


def _repeats(durations: list[int]) -> list[int]:
    """How many equal frames each stored frame of a WebP animation is.

    Encoders store equal neighbours as one frame with the sum of their durations. At a constant
    frame rate, all durations are multiples of one, which the frames that stand alone tell. Other
    animations keep their frames.
    """
    total = count = 0
    repeats = {}
    for duration in sorted(set(durations)):  # short ones first, which are surely one frame
        if not duration:
            return [1] * len(durations)
        repeats[duration] = max(1, round(duration * count / total)) if total else 1
        total += duration * durations.count(duration)
        count += repeats[duration] * durations.count(duration)
    unit = total / count
    # Each duration is rounded to a whole number of milliseconds, and so is their sum.
    rounding = {n: 1 + n / count for n in repeats.values()}
    constant = all(abs(d - n * unit) <= rounding[n] for d, n in repeats.items())
    return [repeats[duration] if constant else 1 for duration in durations]
