"""The encoding of video files and animations through PyAV.

Chroma is sited where players expect it, and rounded without bias. With FFmpeg's quick defaults a
clip gets darker by one level each time it is read and written again, and its colours move by half
a pixel.
"""

import math
import os
from collections.abc import Iterable
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain
from typing import Any, BinaryIO, cast

import av
import numpy as np
from av.filter import Graph
from av.video.stream import VideoStream
from numpy.typing import NDArray

from patchvid.io._frames import rgb_frames
from patchvid.io.encoding import Encoding
from patchvid.io.sound import Sound, copying

_TO_YUV = "out_range=tv:out_chroma_loc=left:flags=bicubic+accurate_rnd"
_MATRICES = {"bt709": "bt709", "bt2020nc": "bt2020"}  # as the filter "scale" calls them
_GIVEN = {  # the format of frames before their conversion, with or without alpha, deep or not
    (False, False): "rgb24",
    (False, True): "rgb48le",
    (True, False): "rgba",
    (True, True): "rgba64le",
}
_DEEP_WHITE = 255 * 256 / 65535  # white of limited range is 255 << 8 for FFmpeg
_FASTEST_GIF = Fraction(50)  # viewers slow down faster animations


def encode_film(
    target: str | BinaryIO,
    frames: Iterable[NDArray[Any]],
    how: Encoding,
    fps: float,
    *,
    sound: Sound | None = None,
) -> None:
    """Encode frames (y, x, 1, 3 or 4) to a file or an open one, with the sound of a clip."""
    frames = iter(frames)
    first = next(frames)
    height, width, n_channels = first.shape
    rate = Fraction(fps).limit_denominator(1001)
    if how.encoder == "gif":
        rate = min(rate, _FASTEST_GIF)
    keep_alpha = n_channels == 4 and how.has_alpha
    given = _GIVEN[keep_alpha, how.is_deep]
    graph = _conversion(av.VideoFormat(given, width, height), how, 1 / rate)
    os.environ.setdefault("SVT_LOG", "1")  # the encoder of AV1 would print all of its settings
    options = {"fflags": "+bitexact", **how.muxing}
    with ExitStack() as stack:
        container = stack.enter_context(
            av.open(target, "w", format=how.container, container_options=options)
        )
        stream = cast(VideoStream, container.add_stream(how.encoder, rate, dict(how.options)))
        stream.width, stream.height, stream.pix_fmt = width, height, how.pixels
        if how.pixel_aspect != 1:
            stream.codec_context.sample_aspect_ratio = how.pixel_aspect
        if how.tag is not None:
            stream.codec_context.codec_tag = how.tag
        copy_sound = stack.enter_context(copying(sound, container)) if sound else None
        converted = rgb_frames(chain([first], frames), keep_alpha=keep_alpha, deep=how.is_deep)
        for index, pixels in enumerate(converted):
            if how.is_deep and how.colors is not None and how.colors.matrix != "gbr":
                gains = np.array([_DEEP_WHITE] * 3 + [1] * keep_alpha, np.float32)
                pixels = np.rint(pixels * gains).astype(np.uint16)
            frame = av.VideoFrame.from_ndarray(pixels, given)
            frame.pts, frame.time_base = index, 1 / rate
            graph.vpush(frame)
            container.mux(stream.encode(graph.vpull()))
            if copy_sound:
                copy_sound((index + 1) / float(rate))
        container.mux(stream.encode(None))
        if copy_sound:
            copy_sound(math.inf)


def _conversion(given: av.VideoFormat, how: Encoding, time_base: Fraction) -> Graph:
    """A filter graph that converts RGB frames to those of an encoding, one by one.

    A palette has the 256 colours that suit the frame best. There is no dithering: it would flicker,
    and add error and bytes for little less banding.
    """
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=given.width, height=given.height, format=given, time_base=time_base
    )
    sink = graph.add("buffersink")
    if how.pixels == "pal8":
        split, palette = graph.add("split"), graph.add("palettegen", "stats_mode=single")
        use = graph.add("paletteuse", "new=1:dither=none")
        graph.link_nodes(source, split, use, sink)
        split.link_to(palette, 1, 0)
        palette.link_to(use, 0, 1)
    elif how.colors is None:
        graph.link_nodes(source, graph.add("scale"), graph.add("format", how.pixels), sink)
    else:
        colors = how.colors
        to_yuv = f"out_color_matrix={_MATRICES.get(colors.matrix)}:{_TO_YUV}"
        tags = (
            f"color_primaries={colors.primaries}:color_trc={colors.transfer}:"
            f"colorspace={colors.matrix}:range={colors.range}"
        )
        graph.link_nodes(
            source,
            graph.add("scale", None if colors.matrix == "gbr" else to_yuv),
            graph.add("format", how.pixels),
            graph.add("setparams", tags),
            sink,
        )
    graph.configure()
    return graph
