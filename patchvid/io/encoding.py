"""Choose container, codec and pixel format, and warn about what a file cannot hold."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from patchvid._convert import is_opaque
from patchvid._paths import StrPath, quoted
from patchvid.errors import InvalidInput
from patchvid.io.codecs import CODECS, FILM_CODECS, FORMATS, check_encoder
from patchvid.io.colors import WIDE, to_bt709
from patchvid.io.info import ColorTags, VideoInfo

BT709 = ColorTags("bt709", "bt709", "bt709", "tv")


class Encoding(NamedTuple):
    """How to write a video: FFmpeg's names of container, encoder and pixels; their options."""

    container: str
    encoder: str
    pixels: str
    options: Mapping[str, str]
    muxing: Mapping[str, str]
    has_alpha: bool = False
    colors: ColorTags | None = None  # None if files cannot state them
    tag: str | None = None
    pixel_aspect: Fraction = Fraction(1)

    @property
    def is_deep(self) -> bool:
        """Whether a channel has more than 8 bits."""
        return av.VideoFormat(self.pixels).components[0].bits > 8


def choose_encoding(
    path: StrPath,
    video: NDArray[Any],
    *,
    alpha: bool | None = None,
    codec: str | None = None,
    quality: int | None = None,
    depth: int | None = None,
    info: VideoInfo | None = None,
) -> Encoding:
    """Decide how to write a video (t, y, x, c); warn of properties that the file cannot hold.

    Three frames are enough if `alpha` tells whether some pixel of some frame is not opaque.
    """
    suffix = Path(path).suffix.lower()
    format_ = FORMATS[suffix]
    height, width, n_channels = video.shape[1:]
    if alpha is None:
        alpha = n_channels == 4 and not is_opaque(video)
    hdr = None if info is None else info.color.hdr
    wanted = depth or (10 if hdr or video.dtype == np.uint16 else 8)
    names = [name for name in format_.codecs if quality is None or CODECS[name].has_quality]
    name = codec or _preferred(names, alpha, wanted, min(height, width))
    chosen = CODECS[name]
    check_encoder(name)
    if min(height, width) < chosen.least_side:
        raise InvalidInput(
            f"{name} needs at least {chosen.least_side} pixels per side, got {width}x{height}; "
            "choose another codec"
        )
    formats = chosen.pixels(alpha=alpha)
    held = min((bits for bits in formats if bits >= wanted), default=max(formats))
    pixels = formats[held]
    options = dict(chosen.options)
    if quality is not None:
        options["crf"] = str(max(1, round((100 - quality) / 2)))
    if name == "h265":
        options["x265-params"] += _x265_workarounds(video.shape)
    if info is not None and hdr:
        options |= _hdr10(name, options, info)
    if pixels == "yuva420p":
        options["auto-alt-ref"] = "0"  # libvpx cannot reorder frames with alpha
    if alpha and name == "gif":
        options["gifflags"] = "-offsetting-transdiff"  # whole frames, see `clear_between_frames`
    if alpha and not chosen.with_alpha:
        _warn(f"{quoted(path)} holds no alpha, so it is blended with white; {_KEEPS_ALPHA}")
    if held < wanted:
        _warn(f"{quoted(path)} holds {held} bits per channel, and loses the others; {_KEEPS_BITS}")
    if chosen.has_even_sizes and (height % 2 or width % 2):
        pixels = pixels.replace("yuv420", "yuv444")
        _warn(
            f"{quoted(path)} is {width}x{height}: {name} holds odd sizes only without chroma "
            "subsampling, which browsers, QuickTime and phones do not play; choose even sizes, or "
            "write .webm"
        )
    aspect = Fraction(1) if info is None else info.pixel_aspect
    if aspect != 1 and not (format_.has_aspect or chosen.has_aspect):
        warn_of_aspect(path, aspect)
        aspect = Fraction(1)
    how = Encoding(
        format_.container,
        chosen.encoder,
        pixels,
        options,
        format_.options,
        has_alpha=alpha and bool(chosen.with_alpha),
    )
    if name not in FILM_CODECS:
        return how
    colors = _tags(BT709 if info is None else info.color, is_rgb=name == "ffv1")
    tag = "hvc1" if name == "h265" and format_.has_aspect else None  # for QuickTime
    return how._replace(
        options=options | _as_options(colors), colors=colors, tag=tag, pixel_aspect=aspect
    )


def _x265_workarounds(shape: Sequence[int]) -> str:
    """Settings without which x265 writes outside of its memory, or writes random decoding times."""
    small = ":no-cutree=1" if min(shape[1:3]) < 64 else ""
    return small + (":bframes=0" if shape[0] < 3 else "")


def _hdr10(codec: str, options: Mapping[str, str], info: VideoInfo) -> dict[str, str]:
    """The options that write HDR10's metadata of display and light; only two codecs have them."""
    names = {
        "h265": ("x265-params", "master-display", 50_000, 10_000, "max-cll"),
        "av1": ("svtav1-params", "mastering-display", 1, 1, "content-light"),
    }
    if codec not in names:
        return {}
    key, display, per_color, per_luminance, light = names[codec]
    parts = [options[key]] if key in options else []
    if info.mastering_display is not None:
        scaled = [value * per_color for value in info.mastering_display[:8]]
        scaled += [value * per_luminance for value in info.mastering_display[8:]]
        rx, ry, gx, gy, bx, by, wx, wy, least, most = (
            str(round(value)) if per_color > 1 else f"{value:.5f}" for value in scaled
        )
        parts.append(
            f"{display}=G({gx},{gy})B({bx},{by})R({rx},{ry})WP({wx},{wy})L({most},{least})"
        )
    if info.content_light is not None:
        parts.append(f"{light}={info.content_light[0]},{info.content_light[1]}")
    return {key: ":".join(parts)} if parts else {}


def warn_of_aspect(path: StrPath, aspect: Fraction) -> None:
    """Warn that a file cannot state the shape of pixels."""
    _warn(
        f"{quoted(path)} can only hold square pixels, but the clip's are "
        f"{aspect.numerator}:{aspect.denominator}, so it looks "
        f"{'narrow' if aspect > 1 else 'wide'}; write .mp4 or .mov instead"
    )


def without_tags(path: StrPath, colors: ColorTags) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """How to convert a video for a file that cannot state its colours; warn about HDR."""
    if colors.hdr:
        _warn(
            f"{quoted(path)} cannot state that its values are {colors.hdr}, so it looks pale; "
            "write .mp4, .mov, .mkv or .webm instead"
        )

    def convert(video: NDArray[Any]) -> NDArray[Any]:
        is_wide = colors.primaries in WIDE and not colors.hdr and video.shape[3] > 1
        return to_bt709(video, colors.primaries) if is_wide else video

    return convert


def _as_options(colors: ColorTags) -> dict[str, str]:
    """The options that make an encoder write tags."""
    options = {
        "color_primaries": colors.primaries,
        "color_trc": colors.transfer,
        "colorspace": "rgb" if colors.matrix == "gbr" else colors.matrix,
        "color_range": colors.range,
    }
    return options if colors.matrix == "gbr" else {**options, "chroma_sample_location": "left"}


def _tags(source: ColorTags, *, is_rgb: bool) -> ColorTags:
    """The tags of a written file: BT.709, unless the source has HDR or a wide gamut."""
    primaries = source.primaries if source.primaries in WIDE else "bt709"
    transfer = source.transfer if source.hdr else "bt709"
    if is_rgb:
        return ColorTags(primaries, transfer, "gbr", "pc")
    return ColorTags(primaries, transfer, "bt2020nc" if primaries == "bt2020" else "bt709", "tv")


_KEEPS_ALPHA = "write .webm, .mov, .png or a folder to keep it"
_KEEPS_BITS = "write .mp4, .mov or .mkv to keep more"


def _preferred(names: Sequence[str], alpha: bool, depth: int, side: int) -> str:
    """The first codec that holds everything in a video, or as much as possible."""

    def rank(name: str) -> tuple[bool, bool, int]:
        codec = CODECS[name]
        holds_alpha = bool(codec.with_alpha) or not alpha
        return side >= codec.least_side, holds_alpha, min(depth, max(codec.pixels(alpha=alpha)))

    return max(names, key=rank)


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=3)
