"""Video files through PyAV: decoding, rotation and frame rate, and the encoding of every format.

Decoding applies the colour matrix and the display rotation of a file (`_upright_rgb`), and looks
for signs of damage. Encoding covers animated pictures too, see `CODECS`.

Chroma is interpolated and rounded without bias, and sited where players expect it. With FFmpeg's
quick defaults a clip gets darker by one level each time it is read and written again, and its
colours move by half a pixel.
"""

from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import av
from av.filter import Graph
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray

from patchvid.io._frames import rgb_frames

# PyAV before 19 raises an error for titles that are not UTF-8, unless told otherwise. Later
# versions have no such argument and need none.
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


# The bytes that these encoders write depend on the number of threads, so it is fixed. Those of x264
# also depend on the processor, and where the width is no multiple of 16 on what the memory held
# before, unless it is told to be independent of both.
_SAME = {"threads": "8", "x264-params": "cpu-independent=1"}
_H264 = ("libx264", "yuv420p", {"crf": "8", **_SAME, **_YUV_TAGS})
_VP9 = {"crf": "8", "b": "0", "cpu-used": "4", "row-mt": "1", "threads": "8", **_YUV_TAGS}
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


def write_film(path: Path, video: NDArray[Any], suffix: str, fps: float) -> None:
    """Encode a video (t, y, x, 1, 3 or 4) in the format of `suffix`."""
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
