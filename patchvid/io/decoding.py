"""The frames of a video file as upright RGB: decoded, shrunk and converted.

Chroma is interpolated and rounded without bias. With FFmpeg's quick defaults a clip gets darker by
one level each time it is read and written again.
"""

import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, cast

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from patchvid.io.colors import color_tags, matrix_code, needs_mapping
from patchvid.io.deinterlacing import Deinterlacer
from patchvid.io.info import ColorTags
from patchvid.io.orientation import Orientation
from patchvid.io.profiles import to_srgb

_FROM_YUV = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_CODES = ("color_primaries", "color_trc", "colorspace", "color_range")  # PyAV's names
_FULL = 2  # FFmpeg's code of full range; 1 is limited range

Frame = NDArray[Any]

# Errors of FFmpeg for damaged data, after which it can go on.
_DAMAGE = (
    *(av.error.InvalidDataError, av.error.ExternalError, av.error.UnknownError),
    *(av.error.PatchWelcomeError, av.error.BufferTooSmallError),
)

_CRASHING = ("png", "apng")  # decoders whose side data PyAV cannot release

# FFmpeg's own decoders of these codecs ignore alpha, a stream beside the one of the colours.
_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


class FrameFormat(NamedTuple):
    """How the frames of a stream are stored.

    Attributes
    ----------
    height, width
        Size of an upright frame.
    bits
        Bits per channel.
    has_alpha, is_interlaced
        Whether there is alpha, and two fields in a frame.
    orientation
        How stored frames become upright.
    tags
        Its colours.
    pixel_aspect
        Width of an upright pixel relative to its height.
    profile
        The ICC profile of its colours, if only that tells them.
    """

    height: int
    width: int
    bits: int
    has_alpha: bool
    is_interlaced: bool
    orientation: Orientation
    tags: ColorTags
    pixel_aspect: Fraction
    profile: bytes | None


def container_colors(stream: VideoStream) -> list[int]:
    """The codes of primaries, transfer, matrix and range in a container.

    Decoders replace those of the stream, even if frames state none.
    """
    return [getattr(stream.codec_context, name) for name in _CODES]


def format_of(frame: av.VideoFrame, stream: VideoStream, stated: Sequence[int]) -> FrameFormat:
    """The format of all frames of a stream, from one frame and the colours in the container."""
    components = frame.format.components
    orientation = Orientation.of(side_data(frame, stream, "DISPLAYMATRIX"))
    height, width = frame.height, frame.width
    context = stream.codec_context
    own = [getattr(frame, name) for name in _CODES[:3]]
    told = [code if code != 2 else other for code, other in zip(own, stated)]
    is_rgb = frame.format.is_rgb or frame.format.has_palette
    is_full = frame.format.name.startswith("yuvj")
    is_full |= (frame.color_range or stated[3]) == _FULL
    tags = color_tags(told, is_full=is_full, is_rgb=is_rgb, height=height, width=width)
    told_aspect = stream.sample_aspect_ratio or context.sample_aspect_ratio or Fraction(1)
    aspect = Fraction(told_aspect.numerator, told_aspect.denominator)
    if orientation.swaps:
        height, width, aspect = width, height, 1 / aspect
    return FrameFormat(
        height,
        width,
        max(component.bits for component in components),
        any(component.is_alpha for component in components) or frame.format.has_palette,
        frame.interlaced_frame,
        orientation,
        tags,
        aspect,
        None if needs_mapping(tags) else side_data(frame, stream, "ICC_PROFILE"),
    )


def side_data(frame: av.VideoFrame, stream: VideoStream, name: str) -> bytes | None:
    """What the file says of a frame beside its pixels, by PyAV's name; None if it says nothing.

    None also for PNG, whose profiles have names: PyAV frees the names twice, and Python crashes.
    """
    if stream.codec_context.name in _CRASHING:
        return None
    data: Any = frame.side_data.get(name)
    return None if data is None else bytes(data)


def mastering_display(frame: av.VideoFrame, stream: VideoStream) -> tuple[float, ...] | None:
    """The `mastering_display` of `VideoInfo` in the first frame of a video."""
    data = side_data(frame, stream, "MASTERING_DISPLAY_METADATA")
    if data is None:
        return None
    # FFmpeg's AVMasteringDisplayMetadata: ten fractions, and whether colours and luminance are set.
    *parts, has_colors, has_luminance = struct.unpack_from("22i", data)
    if not (has_colors and has_luminance and all(parts[1::2])):
        return None
    return tuple(above / below for above, below in zip(parts[::2], parts[1::2]))


def content_light(frame: av.VideoFrame, stream: VideoStream) -> tuple[int, int] | None:
    """The `content_light` of `VideoInfo` in the first frame of a video."""
    data = side_data(frame, stream, "CONTENT_LIGHT_LEVEL")
    if data is None:
        return None
    of_pixel, of_frame = struct.unpack_from("2I", data)
    return of_pixel, of_frame


class Converter:
    """Turn decoded frames into upright RGB or RGBA: (y, x, 3 or 4), uint8 or uint16.

    Parameters
    ----------
    frame_format
        How frames are stored.
    is_deep
        Whether to return uint16, and not uint8.
    size
        Wanted height and width of upright frames. Frames with alpha keep their size, because
        shrinking would mix in colours of transparent pixels.

    Attributes
    ----------
    n_resized
        Number of frames so far that are stored at another size than the first one.
    """

    def __init__(self, frame_format: FrameFormat, *, is_deep: bool, size: tuple[int, int]) -> None:
        self._frame_format = frame_format
        if frame_format.has_alpha:
            size = frame_format.height, frame_format.width
        self._size = size[::-1] if frame_format.orientation.swaps else size
        self._reformatter = VideoReformatter()
        names = ("rgb24", "rgb48le", "rgba", "rgba64le")
        self._format = names[2 * frame_format.has_alpha + is_deep]
        self._matrix = matrix_code(frame_format.tags)
        self._gain = _deep_gain(frame_format) if is_deep else None
        self._stored = frame_format.height, frame_format.width
        if frame_format.orientation.swaps:
            self._stored = self._stored[::-1]
        self.n_resized = 0

    def __call__(self, frame: av.VideoFrame) -> Frame:
        """Convert a frame."""
        height, width = self._size
        self.n_resized += (frame.height, frame.width) != self._stored
        if self._frame_format.tags.matrix != "gbr":
            frame.colorspace = self._matrix
            frame.color_range = 2 if self._frame_format.tags.range == "pc" else 1
        pixels = self._reformatter.reformat(
            frame, width, height, format=self._format, interpolation=_FROM_YUV
        ).to_ndarray()
        if self._gain is not None:
            scaled = np.rint(pixels * self._gain)
            pixels = np.minimum(scaled, 65535, out=scaled).astype(np.uint16)
        pixels = to_srgb(pixels, self._frame_format.profile, "RGB")
        return self._frame_format.orientation.turn_upright(pixels)


def _deep_gain(frame_format: FrameFormat) -> NDArray[np.float32] | None:
    """The factor for each channel that makes white 65535 in FFmpeg's 16-bit RGB.

    FFmpeg shifts bits: white of limited range becomes 255 << 8, and the largest value of b bits is
    followed by zeros. If the file holds RGB, FFmpeg fills these bits.
    """
    if frame_format.tags.matrix == "gbr":
        return None
    largest = 65536 - 2.0 ** (16 - frame_format.bits)
    white = 255 * 256 if frame_format.tags.range == "tv" else largest
    gains = [65535 / white] * 3 + [65535 / largest] * frame_format.has_alpha
    return np.array(gains, np.float32)


class Decoder:
    """Decode packets of a stream, and go on after damage as FFmpeg does.

    Everything before the first whole frame is dropped, as in a recording that began in the middle.

    Parameters
    ----------
    stream
        The stream.
    deinterlace
        Whether to make whole frames out of fields.

    Attributes
    ----------
    has_two_streams
        Whether alpha is a separate stream, whose starts may differ from those of the colours.
    n_damaged
        Number of damaged packets and frames so far.
    """

    def __init__(self, stream: VideoStream, *, deinterlace: bool = True) -> None:
        self._context, self._deinterlaces = _decoding_context(stream), deinterlace
        self.has_two_streams = self._context is not stream.codec_context
        self._deinterlacer: Deinterlacer | None = None
        self._has_begun = False
        self.n_damaged = 0

    def decode(self, packet: Any) -> Iterator[av.VideoFrame]:
        """Yield the frames that are ready; with None, all remaining ones."""
        try:
            frames = self._context.decode(packet)
        except _DAMAGE:
            self.n_damaged += 1
            frames = []
        for frame in frames:
            if frame.is_corrupt and not self._has_begun:
                continue
            self._has_begun = True
            self.n_damaged += frame.is_corrupt
            if self._deinterlaces and self._deinterlacer is None and frame.interlaced_frame:
                self._deinterlacer = Deinterlacer()
            if self._deinterlacer is None:
                yield frame
            else:
                yield from self._deinterlacer(frame)
        if packet is None and self._deinterlacer is not None:
            yield from self._deinterlacer(None)

    def start_anew(self) -> None:
        """Forget all decoded data, before packets are skipped."""
        self._context.flush_buffers()
        self._has_begun = False


def _decoding_context(stream: VideoStream) -> VideoCodecContext:
    """The decoder of a stream: one that also decodes its alpha, if there is any."""
    own = stream.codec_context
    name = _WITH_ALPHA.get(own.name)
    tags = {key.lower(): value for key, value in stream.metadata.items()}
    if name not in av.codecs_available or tags.get("alpha_mode") != "1":
        return own
    context = cast(VideoCodecContext, av.CodecContext.create(name, "r"))
    context.thread_count = own.thread_count
    return context
