"""Video files and pictures, through PyAV and imageio: everything that knows a codec.

Video files go through PyAV, which shows what clips in the wild need: colour matrix, display
rotation, signs of damage. Pictures go through imageio's Pillow plugin. Frames are RGB or RGBA.

Chroma is interpolated and rounded without bias, and written where it is read: with FFmpeg's quick
defaults a clip gets darker by a level each time it is read, and its colours move by half a pixel.
"""

import os
import re
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import av
import imageio.v3 as iio
import numpy as np
from av.container import InputContainer
from av.filter import Graph
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from patchvid._convert import Pixels, to_8_bits, to_rgb
from patchvid.errors import VideoError

# What decoders raise on damaged data. Anything else, such as a TypeError, is a bug, and must not be
# reported as a damaged file.
DAMAGE = (
    *(av.FFmpegError, OSError, EOFError, ValueError, LookupError, ArithmeticError, SyntaxError),
    *(struct.error, zlib.error),
)

StrPath = str | os.PathLike[str]

# Titles in other encodings than UTF-8 are an error to PyAV before 19, unless it is told otherwise;
# later ones have no such argument and need none.
_ODD_METADATA: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)

_FROM_YUV = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_TO_YUV = "out_color_matrix=bt709:out_range=tv:out_chroma_loc=left:flags=bicubic+accurate_rnd"
_YUV_TAGS = {
    "colorspace": "bt709",
    "color_primaries": "bt709",
    "color_trc": "bt709",
    "color_range": "tv",
    "chroma_sample_location": "left",
}


class Codec(NamedTuple):
    """How a suffix is written: FFmpeg's names of container, encoder and pixels; their options."""

    container: str
    encoder: str
    pixels: str
    options: dict[str, str]
    muxing: dict[str, str]


# The number of threads is fixed because the bytes that these encoders write depend on it. Those of
# x264 also depend on the processor, and where the width is no multiple of 16 on what its memory
# held before, unless it is told that they must not.
_SAME = {"threads": "8", "x264-params": "cpu-independent=1"}
_H264 = ("libx264", "yuv420p", {"crf": "8", **_SAME, **_YUV_TAGS})
_VP9 = {"crf": "8", "b": "0", "cpu-used": "4", "row-mt": "1", "threads": "8", **_YUV_TAGS}
_BESIDE = 0.5  # how far beside their range floats are thought to be by resampling
_WEBP = {"lossless": "1", "compression_level": "0"}
_APNG = Codec("apng", "apng", "rgba", {"compression_level": "3", "pred": "paeth"}, {"plays": "0"})
CODECS = {
    ".mp4": Codec("mp4", *_H264, {"movflags": "+faststart"}),
    ".mov": Codec("mov", *_H264, {"movflags": "+faststart"}),
    ".mkv": Codec("matroska", *_H264, {}),
    ".webm": Codec("webm", "libvpx-vp9", "yuv420p", _VP9, {}),
    ".gif": Codec("gif", "gif", "pal8", {}, {"loop": "0"}),
    ".webp": Codec("webp", "libwebp_anim", "bgra", _WEBP, {"loop": "0"}),
    ".png": _APNG,
    ".apng": _APNG,
}
PICTURES = {".gif", ".png", ".apng", ".webp", ".avif"}  # these may move
PICTURES |= {".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"}


def read_film(path: Path, first: int, last: int | None) -> tuple[Pixels, float | None]:
    """Read frames `first` to `last` of a video file, and its average frame rate."""
    with av.open(f"file:{path}", **_ODD_METADATA) as container:
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream) or container.format.name == "tty":
            raise VideoError(f"there is no video in {quoted(path)}; give a video file")
        stream.thread_type = "AUTO"
        n_expected = (stream.frames if last is None else min(stream.frames, last)) - first
        times: list[float] = []
        frames = islice(_decode(container, stream, path, times), first, last)
        return _stack(frames, n_expected, path), _frame_rate(stream, times)


def _decode(
    container: InputContainer, stream: VideoStream, path: Path, times: list[float]
) -> Iterator[Pixels]:
    """Yield the upright frames of a stream; raise where the container shows signs of damage.

    The seconds at which the frames are shown are appended to `times`.
    """
    reformatter = VideoReformatter()
    end = 0.0
    damaged = "{} is damaged or cut short after {} frames; copy or download it again"
    for packet in container.demux():
        if packet.is_corrupt:
            raise VideoError(damaged.format(quoted(path), len(times)))
        if packet.pts is not None and packet.time_base is not None:
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        if packet.stream.index != stream.index:
            continue
        for frame in stream.decode(packet):
            if frame.is_corrupt:
                raise VideoError(damaged.format(quoted(path), len(times)))
            if frame.time is not None:
                times.append(frame.time)
            has_alpha = any(component.is_alpha for component in frame.format.components)
            pixels = reformatter.reformat(
                frame, format="rgba" if has_alpha else "rgb24", interpolation=_FROM_YUV
            )
            yield np.rot90(pixels.to_ndarray(), round(frame.rotation / 90))
    # Every container promises a duration. Rounding, and the last frame where its own duration is
    # not stored, may cost a frame and a half; less than that cannot be told from a whole file.
    slack = 1.5 / float(stream.average_rate or 10)
    if container.duration and end < container.duration / av.time_base - slack:
        raise VideoError(damaged.format(quoted(path), len(times)))


def _frame_rate(stream: VideoStream, times: list[float]) -> float | None:
    """The rate the container states, unless the times of the frames say otherwise."""
    stated = float(stream.average_rate or stream.guessed_rate or 0)
    seconds = times[-1] - times[0] if times else 0
    if seconds > 0 and abs(stated * seconds / (len(times) - 1) - 1) > 0.05:
        return (len(times) - 1) / seconds
    return stated or None


def read_picture(path: Path, first: int, last: int | None) -> tuple[Pixels, float | None]:
    """Read frames `first` to `last` of a still or animated picture, and its average frame rate."""
    if path.suffix.lower() == ".gif" and not _is_whole_gif(path.read_bytes()):
        raise VideoError(f"{quoted(path)} is damaged or cut short; copy or download it again")
    with _open_picture(path) as file:
        wanted = range(file.properties(index=...).n_images or 1)[first:last]
        durations: list[float] = []

        def decode() -> Iterator[Pixels]:
            for index in wanted:
                yield _picture(file, index)
                durations.append(file.metadata(index=index).get("duration") or 0)

        video = _stack(decode(), len(wanted), path)
    milliseconds = sum(durations)
    return video, 1000 * len(durations) / milliseconds if milliseconds else None


def _is_whole_gif(raw: bytes) -> bool:
    """Whether the blocks of a GIF go on to its end, which Pillow does not ask for."""

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


def read_folder(path: Path, first: int, last: int | None) -> tuple[Pixels, None]:
    """Read the pictures `first` to `last` of a folder, in the natural order of their names."""
    pictures = [
        file
        for file in path.iterdir()
        if file.suffix.lower() in PICTURES and not file.name.startswith(".")
    ]
    if not pictures:
        raise VideoError(f"the folder {quoted(path)} holds no pictures; put frames into it")
    wanted = sorted(pictures, key=lambda file: natural(file.name))[first:last]

    def decode() -> Iterator[Pixels]:
        for picture in wanted:
            with _open_picture(picture) as file:
                yield _picture(file, 0)

    return _stack(decode(), len(wanted), path), None


def natural(name: str) -> list[str | int]:
    """Sort key that puts frame2 before frame10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def _open_picture(path: Path) -> Any:
    return iio.imopen(path, "r", plugin="pillow")


def _picture(file: Any, index: int) -> Pixels:
    """Decode one frame of an open picture: upright, 8 bits, (y, x, 3 or 4)."""
    metadata = file.metadata(index=index)
    if metadata["mode"] in ("F", "I"):  # nobody knows their range
        raise ValueError("its pixels have 32 bits; save them as an array, .npy")
    if metadata["mode"].startswith("I;16"):  # Pillow's own conversion clips instead of scaling
        grey = to_8_bits(file.read(index=index, rotate=True))
    elif metadata["mode"] == "L" and "transparency" not in metadata:
        grey = file.read(index=index, rotate=True)
    else:
        opaque = metadata["mode"] == "RGB" and "transparency" not in metadata
        return file.read(index=index, mode="RGB" if opaque else "RGBA", rotate=True)
    return np.repeat(grey[..., None], 3, axis=2)


def _stack(frames: Iterable[Pixels], n_expected: int, path: Path) -> Pixels:
    """Gather frames (y, x, 3 or 4) into one array, allocated once if `n_expected` is right.

    The array has alpha from the first frame on that has a pixel that is not opaque.
    """
    video = np.empty((0, 0, 0, 3), np.uint8)
    n_frames = 0
    for frame in frames:
        if frame.shape[2] == 4 and frame[..., 3].min() == 255:
            frame = frame[..., :3]
        height, width, n_channels = frame.shape
        if n_frames == 0:
            video = np.empty((max(n_expected, 1), height, width, n_channels), np.uint8)
        if (height, width) != video.shape[1:3]:
            raise VideoError(
                f"the frames of {quoted(path)} must have one size, got {video.shape[2]}x"
                f"{video.shape[1]} and, {n_frames} frames later, {width}x{height} pixels"
            )
        if n_channels > video.shape[3]:
            video = np.concatenate([video, np.full_like(video[..., :1], 255)], axis=3)
        if n_frames == len(video):
            video.resize((2 * n_frames, *video.shape[1:]), refcheck=False)
        video[n_frames, ..., :n_channels] = frame
        video[n_frames, ..., n_channels:] = 255
        n_frames += 1
    video.resize((n_frames, *video.shape[1:]), refcheck=False)
    return video


def write_film(path: Path, video: NDArray[Any], suffix: str, fps: float) -> None:
    """Encode a video (t, y, x, 1, 3 or 4) as `suffix` asks."""
    encode_film(f"file:{path}", video, CODECS[suffix], fps)


def encode_film(target: str | BinaryIO, video: NDArray[Any], codec: Codec, fps: float) -> None:
    """Encode a video (t, y, x, 1, 3 or 4) to a file or an open one."""
    height, width, n_channels = video.shape[1:]
    rate = Fraction(fps).limit_denominator(1001)
    pixels = codec.pixels
    if codec.encoder == "libx264" and (height % 2 or width % 2):
        pixels = "yuv444p"
    if codec.encoder == "apng" and n_channels != 4:
        pixels = "rgb24"
    if codec.encoder == "gif":
        rate = min(rate, Fraction(50))  # viewers slow down what is faster
    keep_alpha = n_channels == 4 and pixels in ("rgba", "bgra")
    given = av.VideoFormat("rgba" if keep_alpha else "rgb24", width, height)
    graph = _conversion(given, pixels, 1 / rate)
    with av.open(
        target,
        "w",
        format=codec.container,
        container_options={"fflags": "+bitexact", **codec.muxing},
    ) as container:
        stream = cast(VideoStream, container.add_stream(codec.encoder, rate, dict(codec.options)))
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        for index, rgb in enumerate(rgb_frames(video, keep_alpha=keep_alpha)):
            frame = av.VideoFrame.from_ndarray(rgb, given.name)
            frame.pts, frame.time_base = index, 1 / rate
            graph.vpush(frame)
            container.mux(stream.encode(graph.vpull()))
        container.mux(stream.encode(None))


def _conversion(given: av.VideoFormat, pixels: str, time_base: Fraction) -> Graph:
    """A filter graph that converts RGB frames to `pixels`, one by one.

    YUV is BT.709 of limited range, its chroma where players expect it. A palette has the 256
    colours that suit the frame best, and no dithering: that would flicker, and add more error
    and bytes than it hides banding.
    """
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=given.width, height=given.height, format=given, time_base=time_base
    )
    sink = graph.add("buffersink")
    if pixels == "pal8":
        split, palette = graph.add("split"), graph.add("palettegen", "stats_mode=single")
        use = graph.add("paletteuse", "new=1:dither=none")
        graph.link_nodes(source, split, use, sink)
        split.link_to(palette, 1, 0)
        palette.link_to(use, 0, 1)
    else:
        scale = graph.add("scale", _TO_YUV if pixels.startswith("yuv") else None)
        graph.link_nodes(source, scale, graph.add("format", pixels), sink)
    graph.configure()
    return graph


def write_folder(path: Path, video: NDArray[Any]) -> None:
    """Write the frames of a video (t, y, x, 1, 3 or 4) to a new folder: 00000.png and on."""
    path.mkdir()
    for index, frame in enumerate(rgb_frames(video, keep_alpha=True)):
        iio.imwrite(path / f"{index:05d}.png", frame, plugin="pillow", compress_level=3)


def rgb_frames(video: NDArray[Any], *, keep_alpha: bool) -> Iterator[Pixels]:
    """Yield the frames as 8-bit RGB, or RGBA where there is alpha to keep."""
    if video.dtype.kind == "f" and not -_BESIDE <= video.min() <= video.max() <= 1 + _BESIDE:
        warnings.warn(
            f"the video has floats from {video.min():g} to {video.max():g}; what is outside of "
            "0 to 1 is clipped",
            stacklevel=2,
        )
    for frame in video:
        pixels = to_8_bits(frame)
        if not (keep_alpha and pixels.shape[2] == 4):
            pixels = to_rgb(pixels)
        yield np.ascontiguousarray(pixels)


def quoted(path: StrPath) -> str:
    """A path as messages show it, on one line."""
    return repr(os.fspath(path))
