"""Still and animated pictures, read through the Pillow plugin of imageio.

Photos are turned upright as their EXIF tag says. Animations are written by `patchvid.io.encoder`.
"""

from collections.abc import Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from patchvid._convert import Pixels, to_8_bits
from patchvid._paths import quoted
from patchvid.errors import VideoError
from patchvid.io.info import VideoInfo
from patchvid.io.kinds import kind_of
from patchvid.io.source import Frame, Source, Wanted
from patchvid.io.timeline import even_out

ANIMATIONS = (".gif", ".png", ".apng", ".webp", ".avif")
PICTURES = (*ANIMATIONS, ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")

# Milliseconds. Browsers and viewers show frames of a GIF that are this short for longer.
TOO_SHORT, SHOWN_INSTEAD = 10, 100


def picture_source(path: Path) -> Source:
    """The properties and the times of a still or animated picture, whose frames may follow."""
    kind = kind_of(path)
    if kind == "gif" and not _is_whole_gif(path.read_bytes()):
        raise VideoError(f"{quoted(path)} is damaged or cut short; copy or download it again")
    with Image.open(path) as image:
        width, height = image.size
        if image.getexif().get(ExifTags.Base.Orientation, 1) > 4:
            width, height = height, width
        has_alpha = image.mode in ("RGBA", "LA", "PA", "P") or "transparency" in image.info
        durations = _durations(path, image)
    repeats = _repeats(durations) if kind == "webp" else [1] * len(durations)
    shares = np.repeat(np.divide(durations, repeats), repeats) / 1000
    times = np.cumsum(shares) - shares
    timeline = even_out(times, shares[-1])
    info = VideoInfo(
        frames=len(timeline.order),
        height=height,
        width=width,
        channels=4 if has_alpha else 3,
        dtype="uint8",
        fps=timeline.fps,
        variable_rate=timeline.is_variable,
        container=kind,
    )
    decode = partial(_decode, path, np.repeat(np.arange(len(repeats)), repeats))
    return Source(
        path, info, timeline, decode, times if any(durations) else times[:0], shares[-1], [], []
    )


def _decode(path: Path, pictures: NDArray[np.intp], wanted: Wanted) -> Iterator[Frame]:
    """Yield frames of a still or animated picture, given the stored picture of each."""
    stored = pictures if wanted.stored is None else pictures[wanted.stored]
    with _open(path) as file:
        for index, equal in groupby(stored.tolist()):
            pixels = _pixels(file, index)
            for _ in equal:
                yield pixels


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


def _count(image: Image.Image) -> int:
    """Number of stored frames. Other pictures in a photo, such as previews, do not count."""
    return 1 if image.format in ("JPEG", "MPO") else getattr(image, "n_frames", 1)


def _durations(path: Path, image: Image.Image) -> list[float]:
    """The milliseconds that each stored frame shows; 0 where none are stored."""
    n_stored = _count(image)
    if image.format == "WEBP":  # Pillow decodes to tell them
        return _webp_durations(path.read_bytes()) or [0]
    durations: list[float] = []
    for index in range(n_stored):
        image.seek(index)
        duration = image.info.get("duration") or 0
        is_shown_longer = image.format == "GIF" and n_stored > 1 and duration <= TOO_SHORT
        durations.append(SHOWN_INSTEAD if is_shown_longer else duration)
    return durations


def _webp_durations(raw: bytes) -> list[float]:
    """The milliseconds of each stored frame of a WebP animation."""
    durations, at = [], 12
    while at < len(raw):
        size = int.from_bytes(raw[at + 4 : at + 8], "little")
        if raw[at : at + 4] == b"ANMF":
            durations.append(float(int.from_bytes(raw[at + 20 : at + 23], "little")))
        at += 8 + size + size % 2
    return durations


def _repeats(durations: list[float]) -> list[int]:
    """How many equal frames each stored frame of a WebP animation stands for.

    Encoders store equal frames in a row as one frame with the sum of their durations. At a constant
    rate, all durations are therefore multiples of that of a single frame. If they are not, each
    stored frame counts once.
    """
    total, count = 0.0, 0
    repeats = {}
    for duration in sorted(set(durations)):  # the shortest are surely single frames
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
