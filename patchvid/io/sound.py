"""Sound: the audio streams of a clip, copied to a new file without being encoded again."""

import math
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from patchvid._paths import StrPath, as_path, quoted, reason
from patchvid._validation import shown
from patchvid.errors import InvalidInput, VideoError
from patchvid.io.codecs import FORMATS
from patchvid.io.packets import open_film

_LEAD_IN = 0.2  # seconds before the first sound; decoders of some codecs need these packets


class Sound(NamedTuple):
    """The sound of a clip between two times, in seconds from its first frame; None is the end."""

    path: Path
    start: float = 0
    stop: float | None = None


def find_sound(path: StrPath, clip: StrPath, seconds: tuple[float, float | None]) -> Sound | None:
    """The part of a clip's sound to copy into the file `path`, if that can hold sound.

    Raises
    ------
    VideoError
        If there is no such clip.
    InvalidInput
        If `seconds` is not a range.
    """
    try:
        start, stop = seconds
        valid = 0 <= start < math.inf and (stop is None or start < stop)
    except (TypeError, ValueError):
        valid = False
    if not valid:
        raise InvalidInput(
            "audio_range must be seconds (start, stop) with 0 <= start < stop, got "
            f"{shown(seconds)}"
        )
    if not os.path.isfile(as_path(clip)):
        raise VideoError(f"there is no {quoted(clip)}; check the name")
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS or not FORMATS[suffix].has_sound:
        warnings.warn(
            f"{quoted(path)} cannot hold the sound of {quoted(clip)}, so it is left out; write "
            ".mp4, .mov, .mkv or .webm to keep it",
            stacklevel=3,
        )
        return None
    return Sound(Path(clip), start, stop)


@contextmanager
def copying(sound: Sound, target: OutputContainer) -> Iterator[Callable[[float], None]]:
    """Add the streams of a sound to a new file; yield a function that copies them up to a time.

    Leaves out streams with a codec that the file cannot hold, with a warning; and warns if there is
    nothing to copy.
    """
    try:
        opened = open_film(sound.path)
    except av.FFmpegError as error:
        raise VideoError(
            f"cannot read the sound of {quoted(sound.path)}: {reason(error)}; give a video file"
        ) from error
    with opened as source:
        streams = {}
        for number, stream in enumerate(source.streams.audio, 1):
            try:
                streams[stream.index] = _like(stream, target)
            except ValueError:
                which = "the sound" if len(source.streams.audio) == 1 else f"sound {number}"
                why = "PyAV does not know its codec"
                if codec := getattr(stream, "codec_context", None):
                    why = f"{target.format.name} files hold no {codec.name}; write .mkv or .mp4"
                warnings.warn(f"{which} of {quoted(sound.path)} is left out: {why}", stacklevel=4)
        packets = _packets(source, streams, sound)
        waiting = next(packets, None)
        if streams and waiting is None:
            line = f"{quoted(sound.path)} is silent in the chosen frames, and so is the new file"
            warnings.warn(line, stacklevel=4)

        def copy(until: float) -> None:
            nonlocal waiting
            while waiting is not None and waiting[0] < until:
                target.mux(waiting[1])
                waiting = next(packets, None)

        yield copy


def _like(stream: Stream, target: OutputContainer) -> Stream:
    """Add a stream for the packets of another one."""
    new = target.add_stream_from_template(stream)
    new.disposition = stream.disposition
    if stream.language:
        new.metadata["language"] = stream.language
    return new


def _packets(
    source: InputContainer, streams: dict[int, Stream], sound: Sound
) -> Iterator[tuple[float, "Packet[Any]"]]:
    """Yield packets with the seconds at which they are due in the new file."""
    if not streams:
        return
    first = _first_frame(source)
    stop = math.inf if sound.stop is None else sound.stop
    earliest = sound.start or -_LEAD_IN
    for packet in source.demux([source.streams[index] for index in streams]):
        if packet.pts is None or packet.time_base is None:
            continue
        seconds = float(packet.pts * packet.time_base) - first
        if earliest <= seconds < stop:
            shift = round((first + sound.start) / packet.time_base)
            packet.pts -= shift
            if packet.dts is not None:
                packet.dts -= shift
            packet.stream = streams[packet.stream.index]
            yield seconds - sound.start, packet


def _first_frame(source: InputContainer) -> float:
    """The time of the first frame of a clip, in seconds."""
    video = source.streams.best("video")
    if isinstance(video, VideoStream) and video.start_time is not None and video.time_base:
        return float(video.start_time * video.time_base)
    return 0.0
