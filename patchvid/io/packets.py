"""Find the video stream of a file, and list its packets without decoding; tell what is cut off."""

import os
from collections.abc import Collection, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from patchvid._paths import StrPath, quoted
from patchvid.errors import VideoError
from patchvid.io.timeline import Timeline, even_out

# PyAV before 19 raises an error for titles that are not UTF-8, unless told otherwise. Later
# versions have no such argument and need none.
_ODD_METADATA: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)
_MOST_THREADS = 4  # each holds frames, which take much memory in 4K
_WORTH_A_JUMP = 8  # packets that a jump must save to be worth restarting the decoder
# Codecs whose packets state truly where a decoder can start. Others may mark every packet.
_MARKED = ("av1", "cfhd", "h264", "hevc", "mpeg2video", "mpeg4", "png", "vp8", "vp9", "vvc")
_JUMPING = ("mpegts", "mpeg", "vob", "flv")  # their clock may restart in the middle
_LONGEST_WAIT = 10.0  # seconds between frames; after more, the clock has restarted


def open_film(path: StrPath) -> InputContainer:
    """Open a video file."""
    return av.open(f"file:{os.fspath(path)}", **_ODD_METADATA)


def video_stream(container: InputContainer, path: StrPath) -> VideoStream:
    """The video of a file, ready to be decoded."""
    stream = container.streams.best("video")
    is_cover = bool(stream and stream.disposition & av.stream.Disposition.attached_pic) and bool(
        container.streams.audio
    )
    if not isinstance(stream, VideoStream) or is_cover or container.format.name == "tty":
        raise VideoError(f"there is no video in {quoted(path)}; give a video file")
    if getattr(stream, "codec_context", None) is None:
        raise VideoError(
            f"PyAV has no decoder for {quoted(path)} ({container.format.name}); convert it with "
            "the program that made it"
        )
    if stream.disposition & av.stream.Disposition.dependent:
        raise VideoError(
            f"{quoted(path)} is stored in tiles, which are not supported; save it as PNG or JPEG"
        )
    stream.thread_type = av.codec.context.ThreadType.AUTO
    stream.thread_count = min(_MOST_THREADS, os.cpu_count() or 1)
    stream.codec_context.flags |= av.codec.context.Flags.output_corrupt
    return stream


class Packets(NamedTuple):
    """Times and positions of a video's frames, as its packets state them.

    Attributes
    ----------
    timeline
        Its frames at a constant rate.
    pts
        Time stamps of the stored frames, ascending; empty if packets do not state them all.
    position
        The packet of each stored frame, counted from 0.
    starts
        Packets at which a decoder can start.
    n_packets
        Number of packets.
    missing
        Seconds by which the file is shorter than it says.
    n_corrupt
        Number of packets that the container marks as damaged.
    """

    timeline: Timeline
    pts: NDArray[np.int64]
    position: NDArray[np.intp]
    starts: NDArray[np.intp]
    n_packets: int
    missing: float
    n_corrupt: int

    def usual_distance(self) -> int | None:
        """The usual number of frames between starts; None if there is only one start."""
        return int(np.median(np.diff(self.starts))) if len(self.starts) > 1 else None

    def needed_for(self, stored: Collection[int]) -> list[range]:
        """The packets to decode for some stored frames, as few ranges that begin at a start."""
        first_shown = {int(at): index for index, at in enumerate(self.position)}
        needed: list[range] = []
        for index in sorted(stored):
            at = int(self.position[index])
            start = int(np.searchsorted(self.starts, at, side="right")) - 1
            # A frame stored after a start but shown before it needs packets from before the start.
            while start > 0 and index < first_shown.get(int(self.starts[start]), 0):
                start -= 1
            begin = int(self.starts[start]) if start > 0 else 0
            if needed and begin - needed[-1].stop < _WORTH_A_JUMP:
                begin, at = needed[-1].start, max(needed[-1].stop - 1, at)
                needed.pop()
            needed.append(range(begin, at + 1))
        return needed


def list_packets(container: InputContainer, stream: VideoStream) -> Packets:
    """Go through a file without decoding it."""
    base = stream.time_base
    rows: list[tuple[int, int, int]] = []  # of shown frames: time stamp, position, duration
    starts: list[int] = []
    kinds = container.format.name.split(",")
    # AVI has a constant rate; its packets state when they are decoded, not when they are shown.
    is_told, jumps = "avi" not in kinds, any(name in _JUMPING for name in kinds)
    n_packets, n_corrupt, end = 0, 0, 0.0
    last_dts = None
    for packet in _packets(container):
        n_corrupt += packet.is_corrupt
        if packet.pts is not None and packet.time_base is not None:
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        if packet.stream_index != stream.index or not packet.size:
            continue
        if packet.is_keyframe:
            starts.append(n_packets)
        if packet.pts is None:
            is_told = False
        elif not packet.is_discard and not _is_hidden(packet, stream):
            rows.append((packet.pts, n_packets, packet.duration or 0))
        if jumps and base and packet.dts is not None:
            if last_dts is not None:
                wait = float((packet.dts - last_dts) * base)
                is_told &= 0 <= wait < _LONGEST_WAIT
            last_dts = packet.dts
        n_packets += 1
    codec = stream.codec_context
    if len(starts) == n_packets and not (codec.codec.intra_only or codec.name in _MARKED):
        starts = starts[:1]
    start = min(0.0, float(container.start_time or 0) / av.time_base)
    whole = (container.duration or 0) / av.time_base  # in Matroska and FLV counted from 0
    # Every container promises a duration. Rounding, and the last frame where its own duration is
    # not stored, may cost a frame and a half; less than that cannot be told from a whole file.
    slack = 1.5 / float(stream.average_rate or 10)
    missing = whole - (end - start)
    missing = missing if missing > slack else 0.0
    return _in_order(stream, rows if is_told else [], starts, n_packets, missing, n_corrupt)


def _packets(container: InputContainer) -> Iterator[Any]:
    try:
        yield from container.demux()
    except av.error.InvalidDataError:
        return  # FFmpeg stops here too


def _is_hidden(packet: Any, stream: VideoStream) -> bool:
    """Whether a packet of VP8 holds a frame that only serves others and is not shown."""
    return stream.codec_context.name in ("vp8", "libvpx") and not memoryview(packet)[0] & 0x10


def _in_order(
    stream: VideoStream,
    rows: list[tuple[int, int, int]],
    starts: list[int],
    n_packets: int,
    missing: float,
    n_corrupt: int,
) -> Packets:
    rates = (stream.guessed_rate, stream.average_rate, stream.base_rate)
    stated = [Fraction(rate.numerator, rate.denominator) for rate in rates if rate]
    by_time = {time: (at, duration) for time, at, duration in reversed(rows)}
    if starts:  # a decoder drops frames shown before the first one that it can start from
        first = next((time for time, at, _ in rows if at == starts[0]), None)
        by_time = {time: row for time, row in by_time.items() if first is None or time >= first}
    pts = np.array(sorted(by_time), np.int64)
    position = np.array([by_time[int(time)][0] for time in pts], np.intp)
    base = float(stream.time_base or 0)
    if len(pts):
        held = by_time[int(pts[-1])][1] * base
        times = pts.astype(np.float64) * base
        n_cut = _count_cut(position)
        timeline = even_out(times, held, resolution=base, stated=stated, n_cut=n_cut)
    else:
        timeline = even_out(np.zeros(0), stated=stated)
        timeline = timeline._replace(order=np.arange(n_packets))
    if n_corrupt and timeline.is_variable:  # gaps are damage, not frames that show for longer
        timeline = Timeline(timeline.fps, np.arange(len(pts)))
    return Packets(
        timeline, pts, position, np.array(starts, np.intp), n_packets, missing, n_corrupt
    )


def _count_cut(position: NDArray[np.intp]) -> int:
    """Count the frames at the end between which others may be missing because the clip was cut.

    A frame may be stored before frames that show before it. If the clip is cut in between, these
    are missing. They would show after all frames that were stored before.
    """
    if (np.diff(position) > 0).all():
        return 0
    latest = np.maximum.accumulate(np.argsort(position))  # the last frame that shows so far
    return int(latest[-1] - latest[latest < latest[-1]].max(initial=-1))
