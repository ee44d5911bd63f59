"""Formats of video files and animations by suffix, their codecs, and the limits of each."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import av

from patchvid._validation import check_integer, shown
from patchvid.errors import InvalidInput

DEPTHS = (8, 10, 12, 16)  # bits per channel, of all codecs


class Codec(NamedTuple):
    """An encoder of FFmpeg, its options, and its pixel formats by bits per channel."""

    encoder: str
    options: Mapping[str, str]
    opaque: Mapping[int, str]
    with_alpha: Mapping[int, str] = {}
    least_side: int = 1  # in pixels
    has_even_sizes: bool = False  # with chroma subsampling, which players need
    has_aspect: bool = False  # of pixels, in any container

    @property
    def has_quality(self) -> bool:
        """Whether a user can choose how much detail is kept."""
        return "crf" in self.options

    def pixels(self, *, alpha: bool) -> Mapping[int, str]:
        """The pixel formats for a video with or without transparency."""
        return self.with_alpha if alpha and self.with_alpha else self.opaque


class Format(NamedTuple):
    """A container, and its codecs: the default is the first one that can hold the video."""

    container: str
    codecs: tuple[str, ...]
    options: Mapping[str, str]
    has_sound: bool = False
    has_aspect: bool = False  # of pixels, with any codec


# The output of some encoders depends on the number of threads, so it is fixed. That of x264 also
# depends on the processor and, if the width is no multiple of 16, on uninitialized memory, unless
# options rule out both.
CODECS = {
    "h264": Codec(
        "libx264",
        {"crf": "8", "threads": "8", "x264-params": "cpu-independent=1"},
        {8: "yuv420p"},
        has_even_sizes=True,
        has_aspect=True,
    ),
    "h265": Codec(
        "libx265",
        {"crf": "8", "x265-params": "log-level=none:pools=4:frame-threads=2"},
        {8: "yuv420p", 10: "yuv420p10le", 12: "yuv420p12le"},
        least_side=16,
        has_even_sizes=True,
        has_aspect=True,
    ),
    "prores": Codec("prores_ks", {"vendor": "apl0"}, {10: "yuv422p10le"}, {10: "yuva444p10le"}),
    "vp9": Codec(
        "libvpx-vp9",
        {"crf": "8", "b": "0", "cpu-used": "4", "row-mt": "1", "threads": "8"},
        {8: "yuv420p"},
        {8: "yuva420p"},
    ),
    "av1": Codec(
        "libsvtav1",
        {"crf": "8", "preset": "6"},
        {8: "yuv420p", 10: "yuv420p10le"},
        least_side=64,  # below, SVT-AV1 may hang
    ),
    "ffv1": Codec(
        "ffv1", {"level": "3"}, {8: "bgr0", 16: "gbrp16le"}, {8: "bgra", 16: "gbrap16le"}
    ),
    "gif": Codec("gif", {}, {8: "pal8"}, {8: "pal8"}),
    "webp": Codec(
        "libwebp_anim", {"lossless": "1", "compression_level": "0"}, {8: "bgra"}, {8: "bgra"}
    ),
    "apng": Codec(
        "apng",
        {"compression_level": "3", "pred": "paeth"},
        {8: "rgb24", 16: "rgb48be"},
        {8: "rgba", 16: "rgba64be"},
    ),
}
FILM_CODECS = ("h264", "h265", "prores", "vp9", "av1", "ffv1")  # those that users know by name

_FAST = {"movflags": "+faststart"}
_APNG = Format("apng", ("apng",), {"plays": "0"})
FORMATS = {
    ".mp4": Format("mp4", ("h264", "h265", "av1"), _FAST, has_sound=True, has_aspect=True),
    ".mov": Format("mov", ("h264", "prores", "h265"), _FAST, has_sound=True, has_aspect=True),
    ".webm": Format("webm", ("vp9", "av1"), {}, has_sound=True),
    ".mkv": Format(
        "matroska", ("h264", "h265", "vp9", "av1", "prores", "ffv1"), {}, has_sound=True
    ),
    ".gif": Format("gif", ("gif",), {"loop": "0"}),
    ".webp": Format("webp", ("webp",), {"loop": "0"}),
    ".png": _APNG,
    ".apng": _APNG,
}


def states_colors(suffix: str) -> bool:
    """Whether files with a suffix state what their values mean."""
    return suffix in FORMATS and FORMATS[suffix].codecs[0] in FILM_CODECS


def check_codec(suffix: str, codec: str | None, quality: int | None, depth: int | None) -> None:
    """Check that a format has a codec, the codec a quality, and PyAV an encoder for it.

    Raises
    ------
    InvalidInput
        If one of them is missing.
    """
    settings = {"codec": codec, "quality": quality, "depth": depth}
    given = [name for name, value in settings.items() if value is not None]
    if not given:
        return
    names = FORMATS[suffix].codecs if suffix in FORMATS else ()
    if not set(names) & set(FILM_CODECS):
        raise InvalidInput(
            f"{given[0]} is for video files, .mp4, .mov, .mkv or .webm, got "
            f"{suffix or 'a folder'}; leave it out"
        )
    if codec is not None and not isinstance(codec, str):
        raise InvalidInput(f"codec must be {_either(FILM_CODECS)}, got {shown(codec)}")
    if codec is not None and codec not in names:
        files = [suffix for suffix in FORMATS if codec in FORMATS[suffix].codecs]
        remedy = f"; write {_either(files)}" if codec in FILM_CODECS else ""
        raise InvalidInput(f"codec of {suffix} must be {_either(names)}, got {codec!r}{remedy}")
    if quality is not None:
        if not 1 <= check_integer("quality", quality, 1) <= 100:
            raise InvalidInput(f"quality must be from 1 to 100, got {quality}")
        if codec is not None and not CODECS[codec].has_quality:
            raise InvalidInput(f"{codec} has one quality only; leave quality out")
    if depth is not None and (hasattr(depth, "ndim") or depth not in DEPTHS):
        raise InvalidInput(f"depth must be {_either(map(str, DEPTHS))}, got {shown(depth)}")
    if codec is not None:
        check_encoder(codec)


def check_encoder(name: str) -> None:
    """Raise an error unless PyAV has an encoder for a codec."""
    encoder = CODECS[name].encoder
    try:
        av.Codec(encoder, "w")
    except av.codec.codec.UnknownCodecError:
        raise InvalidInput(
            f"this build of PyAV has no encoder for {name} ({encoder}); choose another codec, or "
            "install PyAV from PyPI"
        ) from None


def _either(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
