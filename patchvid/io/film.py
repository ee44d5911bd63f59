"""Video files: their contents, and the wanted frames, with as little decoding as possible."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from patchvid._paths import quoted
from patchvid.errors import VideoError
from patchvid.io.colors import CONVERTED
from patchvid.io.decoding import (
    Converter,
    Decoder,
    Frame,
    FrameFormat,
    container_colors,
    content_light,
    format_of,
    mastering_display,
)
from patchvid.io.deep_pictures import profile_of
from patchvid.io.info import VideoInfo
from patchvid.io.packets import Packets, list_packets, open_film, video_stream
from patchvid.io.profiles import words_on_profile
from patchvid.io.source import Source, Wanted
from patchvid.io.truncation import is_cut_short

_NO_FRAME = (
    "no frame of {} can be decoded; it is damaged, or stored in a rare way: copy it again, or "
    "convert it"
)


def film_source(path: Path) -> Source:
    """List the packets of a video file, and decode its first frame."""
    with open_film(path) as container:
        packets = list_packets(container, video_stream(container, path))
        if container.duration is None and len(packets.timeline.order) == 1:  # a picture
            packets = packets._replace(timeline=packets.timeline._replace(fps=None))
    with open_film(path) as container:
        stream = video_stream(container, path)
        stated = container_colors(stream)
        decoder = Decoder(stream, deinterlace=False)
        first = next(_all_frames(container, stream, decoder), None)
        if first is None:
            raise VideoError(_NO_FRAME.format(quoted(path)))
        frame_format = format_of(first, stream, stated)
        info = VideoInfo(
            frames=len(packets.timeline.order),
            height=frame_format.height,
            width=frame_format.width,
            channels=4 if frame_format.has_alpha else 3,
            dtype="uint16" if frame_format.bits > 8 else "uint8",
            fps=packets.timeline.fps,
            pixel_aspect=frame_format.pixel_aspect,
            rotation=frame_format.orientation.rotation,
            mirrored=frame_format.orientation.mirrored,
            interlaced=frame_format.is_interlaced,
            variable_rate=packets.timeline.is_variable,
            keyframe_interval=packets.usual_distance(),
            color=frame_format.tags,
            mastering_display=mastering_display(first, stream),
            content_light=content_light(first, stream),
            has_audio=bool(container.streams.audio),
            container=container.format.name.split(",")[0],
            codec=stream.codec_context.name,
            pixel_format=first.format.name,
        )
        base = float(stream.time_base or 0)
    damage: list[str] = []
    if packets.missing:
        damage.append(
            f"{quoted(path)} is cut short: {packets.missing:.1f} s are missing; copy or download "
            "it again"
        )
    elif is_cut_short(path, info.container):
        damage.append(f"{quoted(path)} is cut short: its end is missing; copy or download it again")
    decode = partial(_decode, path, packets, frame_format, damage)
    held = 1 / packets.timeline.fps if packets.timeline.fps else 0.0
    words, times = _words(path, info), packets.pts.astype(np.float64) * base
    if frame_format.bits > 8:
        profile = profile_of(path, "png") if info.container == "apng" else frame_format.profile
        words += words_on_profile(path, profile, "RGB")
    return Source(path, info, packets.timeline, decode, times, held, words, damage)


def _words(path: Path, info: VideoInfo) -> list[str]:
    name, words = quoted(path), []
    if info.interlaced:
        words.append(f"{name} is interlaced; its fields are made into whole frames")
    if info.pixel_aspect != 1:
        words.append(
            f"the pixels of {name} are not square but {info.pixel_aspect.numerator}:"
            f"{info.pixel_aspect.denominator}; frames are not resized to make them square"
        )
    if info.color.matrix not in CONVERTED:
        words.append(
            f"{name} has colours of the kind {info.color.matrix}, which is not supported; they may "
            "look wrong"
        )
    if "f16" in (info.pixel_format or "") or "f32" in (info.pixel_format or ""):
        words.append(f"{name} holds floats, which are cut to what is from 0, black, to 1, white")
    return words


def _decode(
    path: Path, packets: Packets, frame_format: FrameFormat, damage: list[str], wanted: Wanted
) -> Iterator[Frame]:
    """Yield frames of a video file, upright."""
    convert = Converter(frame_format, is_deep=wanted.is_deep, size=wanted.size)
    with open_film(path) as container:
        stream = video_stream(container, path)
        decoder = Decoder(stream)
        if wanted.stored is None:
            yield from map(convert, _all_frames(container, stream, decoder))
        elif not len(packets.pts):
            counted = enumerate(_all_frames(container, stream, decoder))
            yield from _select(counted, wanted.stored, convert, decoder)
        else:
            needed = [range(packets.n_packets)]
            # Fields are filled from the frames beside them.
            if not (frame_format.is_interlaced or decoder.has_two_streams):
                needed = packets.needed_for(set(wanted.stored.tolist()))
            decoded = _some_frames(container, stream, decoder, needed)
            yield from _select(_indexed(decoded, packets.pts), wanted.stored, convert, decoder)
        if n_damaged := max(decoder.n_damaged, packets.n_corrupt):
            frames = "1 frame is" if n_damaged == 1 else f"about {n_damaged} frames are"
            damage.append(f"{quoted(path)} is damaged: {frames} missing or wrong")
        if convert.n_resized:
            n, size = convert.n_resized, f"{frame_format.width}x{frame_format.height}"
            frames = "1 frame is" if n == 1 else f"{n} frames are"
            damage.append(
                f"{quoted(path)} changes its size: {frames} resized to {size}, the size of the "
                "first one"
            )


def _video_packets(container: Any, stream: VideoStream) -> Iterator[Any]:
    """Yield the packets that `list_packets` counts."""
    try:
        for packet in container.demux(stream):
            if packet.size:
                yield packet
    except av.error.InvalidDataError:
        return


def _all_frames(container: Any, stream: VideoStream, decoder: Decoder) -> Iterator[av.VideoFrame]:
    for packet in _video_packets(container, stream):
        yield from decoder.decode(packet)
    yield from decoder.decode(None)


def _some_frames(
    container: Any, stream: VideoStream, decoder: Decoder, needed: Iterable[range]
) -> Iterator[av.VideoFrame]:
    """Decode ranges of packets only, each from a start."""
    coming = iter(needed)
    run = next(coming)
    for index, packet in enumerate(_video_packets(container, stream)):
        if index in run:
            yield from decoder.decode(packet)
        if index == run.stop - 1:
            yield from decoder.decode(None)
            run = next(coming, range(0))
            if not run:
                return
            decoder.start_anew()


def _indexed(
    frames: Iterable[av.VideoFrame], pts: NDArray[np.int64]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield frames with their index among the time stamps; drop frames without one."""
    indices = {int(time): index for index, time in enumerate(pts)}
    for frame in frames:
        if frame.pts in indices:
            yield indices[frame.pts], frame


def _select(
    indexed: Iterable[tuple[int, av.VideoFrame]],
    stored: NDArray[np.intp],
    convert: Converter,
    decoder: Decoder,
) -> Iterator[Frame]:
    """Yield the frames of some indices; replace a missing frame by the one before it."""
    n_done, before = 0, None
    for at, frame in indexed:
        n_missing, n_known = np.searchsorted(stored, [at, at + 1]).tolist()
        if n_missing > n_done:
            decoder.n_damaged += 1
            yield from repeat(convert(before or frame), n_missing - n_done)
        if n_known > n_missing:
            yield from repeat(convert(frame), n_known - n_missing)
        n_done, before = n_known, frame
        if n_done == len(stored):
            return
    if before is not None:
        decoder.n_damaged += 1
        yield from repeat(convert(before), len(stored) - n_done)
