"""Still and animated pictures: which reader takes them, and those that Pillow reads.

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

from patchvid._convert import Pixels
from patchvid._paths import quoted
from patchvid.io.deep_pictures import is_deep, profile_of, read_pages
from patchvid.io.exr import exr_size
from patchvid.io.file_kinds import FLOATS, avif_bits, kind_of
from patchvid.io.film import film_source
from patchvid.io.gif import gif_source
from patchvid.io.info import ColorTags, VideoInfo
from patchvid.io.profiles import stated_colors, to_srgb, words_on_profile
from patchvid.io.source import Frame, Source, Wanted
from patchvid.io.timeline import Timeline, even_out


def picture_source(path: Path) -> Source:
    """Open a still or animated picture: its properties and times, without decoding all frames."""
    kind = kind_of(path)
    if kind == "gif":
        return gif_source(path)
    if kind == "film":  # a picture that FFmpeg reads best
        return film_source(path)
    if is_deep(path, kind):
        return _deep_source(path, kind)
    with Image.open(path) as image:
        height, width = _upright_size(image)
        has_alpha = image.mode in ("RGBA", "LA", "PA", "P") or "transparency" in image.info
        durations = _durations(path, image)
        hidden = _n_hidden(image)
    repeats = _repeats(durations) if kind == "webp" else [1] * len(durations)
    shares = np.repeat(np.divide(durations, repeats), repeats) / 1000
    times = np.cumsum(shares) - shares
    timeline = even_out(times, shares[-1])
    stated = stated_colors(path, kind)
    info = VideoInfo(
        frames=len(timeline.order),
        height=height,
        width=width,
        channels=4 if has_alpha else 3,
        dtype="uint8",
        fps=timeline.fps,
        variable_rate=timeline.is_variable,
        color=stated or ColorTags(),
        container=kind,
    )
    words = []
    if kind == "avif" and avif_bits(path) > 8:
        words.append(f"{quoted(path)} has more than 8 bits per channel, of which 8 are read")
    pictures = hidden + np.repeat(np.arange(len(repeats)), repeats)
    decode = partial(_decode, path, pictures, has_profile=stated is None)
    times = times if any(durations) else times[:0]
    return Source(path, info, timeline, decode, times, shares[-1], words, [])


def _deep_source(path: Path, kind: str) -> Source:
    """A picture of more than 8 bits; the pages of a TIFF file are frames."""
    pages = read_pages(path, kind)
    frames = [page for page in pages if page.shape[:2] == pages[0].shape[:2]]
    height, width, channels = frames[0].shape
    is_float = frames[0].dtype.kind == "f"
    stated = stated_colors(path, kind)
    info = VideoInfo(
        frames=len(frames),
        height=height,
        width=width,
        channels=channels if is_float else max(3, channels),
        dtype=frames[0].dtype.name,
        fps=None,
        color=ColorTags(transfer="linear") if is_float else stated or ColorTags(),
        container=kind,
    )

    def decode(wanted: Wanted) -> Iterator[Frame]:
        chosen = range(len(frames)) if wanted.stored is None else wanted.stored
        for index in chosen:
            yield frames[index] if is_float else _as_rgb(frames[index])

    words = []
    if len(frames) < len(pages):
        words.append(f"{quoted(path)}: pages that differ in size from the first one are left out")
    profile = None if stated or is_float else profile_of(path, kind)
    words += words_on_profile(path, profile, "L" if channels == 1 else "RGB")
    timeline = Timeline(None, np.arange(len(frames)))
    return Source(path, info, timeline, decode, np.empty(0), 0.0, words, [])


def still_size(path: Path) -> tuple[int, int]:
    """Height and width of a picture, if possible without decoding it."""
    kind = kind_of(path)
    if kind == "exr":
        return exr_size(path)
    if kind in (*FLOATS, "tiff") and is_deep(path, kind):
        height, width = read_pages(path, kind)[0].shape[:2]
        return height, width
    if kind == "film":
        info = film_source(path).info
        return info.height, info.width
    with Image.open(path) as image:
        return _upright_size(image)


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    turned = image.getexif().get(ExifTags.Base.Orientation, 1) > 4
    return (width, height) if turned else (height, width)


def _as_rgb(pixels: NDArray[Any]) -> NDArray[Any]:
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def _decode(
    path: Path, pictures: NDArray[np.intp], wanted: Wanted, *, has_profile: bool
) -> Iterator[Frame]:
    """Yield frames of a still or animated picture, given the stored picture of each."""
    stored = pictures if wanted.stored is None else pictures[wanted.stored]
    with _open(path) as file:
        for index, equal in groupby(stored.tolist()):
            pixels = _pixels(file, index, has_profile=has_profile)
            for _ in equal:
                yield pixels


def read_still(path: Path) -> Frame:
    """Read the first frame of a picture, (y, x, c)."""
    source = picture_source(path)
    info, first = source.info, np.zeros(1, np.intp)
    wanted = Wanted(first, (info.height, info.width), is_deep=info.dtype != "uint8")
    return next(source.decode(wanted))


def _open(path: Path) -> Any:
    return iio.imopen(path, "r", plugin="pillow")


def _pixels(file: Any, index: int, *, has_profile: bool) -> Pixels:
    """Decode one frame of an open picture: upright, 8 bits, in sRGB, (y, x, 3 or 4)."""
    metadata = file.metadata(index=index)
    mode, profile = metadata["mode"], metadata.get("icc_profile") if has_profile else None
    if mode in ("F", "I"):  # they state no range of values
        raise ValueError("its pixels have 32 bits; save them as an array, .npy")
    is_opaque = "transparency" not in metadata
    if mode == "L" and is_opaque:
        grey = file.read(index=index, rotate=True)[..., None]
        return _as_rgb(to_srgb(grey, profile, "L"))
    if mode == "CMYK" and profile:
        return to_srgb(file.read(index=index, rotate=True), profile, mode)
    wanted = "RGB" if mode == "RGB" and is_opaque else "RGBA"
    pixels = file.read(index=index, mode=wanted, rotate=True)
    return to_srgb(pixels, profile, "L" if mode in ("L", "LA") else "RGB")


def _count(image: Image.Image) -> int:
    """Number of stored frames. Other pictures in a photo, such as previews, do not count."""
    n_stored: int = 1 if image.format in ("JPEG", "MPO") else getattr(image, "n_frames", 1)
    return max(1, n_stored - _n_hidden(image))


def _n_hidden(image: Image.Image) -> int:
    """Number of pictures before the animation, for viewers that cannot play it."""
    return int(getattr(image, "default_image", False) and getattr(image, "n_frames", 1) > 1)


def _durations(path: Path, image: Image.Image) -> list[float]:
    """The milliseconds that each stored frame shows; 0 where none are stored."""
    n_stored = _count(image)
    if image.format == "WEBP":  # Pillow would decode all frames to find them
        return _webp_durations(path.read_bytes()) or [0]
    durations: list[float] = []
    for index in range(_n_hidden(image), _n_hidden(image) + n_stored):
        image.seek(index)
        if image.format == "AVIF" and n_stored > 1:
            image.load()  # tells the duration
        durations.append(image.info.get("duration") or 0)
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
    """The number of equal frames that each stored frame of a WebP animation stands for.

    Encoders store equal frames in a row as one frame with the sum of their durations. So at a
    constant rate, all durations are multiples of a single frame's. If they are not, each stored
    frame counts once.
    """
    total, count = 0.0, 0
    repeats = {}
    for duration in sorted(set(durations)):  # the shortest ones must be single frames
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
