"""Sound is copied from clip to clip: the same samples at the same time, or a word."""

import shutil
import subprocess
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from patchvid import read_video, video_info, write_video
from patchvid.errors import InvalidInput, VideoError

RATE = 48_000
FPS = 10
SECONDS = 2


def clicks(seconds: float = SECONDS) -> NDArray[np.float32]:
    """A low hum with a click of 10 ms in the middle of every frame."""
    time = np.arange(round(seconds * RATE)) / RATE
    hum = 0.02 * np.sin(2 * np.pi * 200 * time)
    click = np.abs(time * FPS % 1 - 0.5) < 0.05
    return (hum + 0.7 * click * np.sin(2 * np.pi * 3000 * time)).astype(np.float32)


def clip_with_sound(path: Path, *codecs: str, video_codec: str = "libx264") -> Path:
    """A clip of 20 frames, each of its own grey, with a stream of sound in each codec."""
    frames = np.arange(20, dtype=np.uint8)[:, None, None, None] * 12
    with av.open(path, "w") as container:
        video: Any = container.add_stream(video_codec, rate=FPS)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        sounds: list[Any] = [container.add_stream(codec, rate=RATE) for codec in codecs]
        for sound, language in zip(sounds, ["eng", "deu"]):
            sound.layout = "mono"
            sound.metadata["language"] = language
        for index, grey in enumerate(frames):
            picture = np.full((32, 32, 3), grey, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for sound in sounds:
            samples = av.AudioFrame.from_ndarray(clicks()[None], "fltp", "mono")
            samples.rate, samples.pts, samples.time_base = RATE, 0, Fraction(1, RATE)
            container.mux(sound.encode(samples))
            container.mux(sound.encode(None))
    return path


def packets(path: Path) -> list[bytes]:
    with av.open(path) as container:
        stream = container.streams.audio[0]
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def heard(path: Path, stream: int = 0) -> NDArray[Any]:
    """The sound from the first frame on, as a player lines it up."""
    with av.open(path) as container:
        start = seconds(container.streams.video[0], container.streams.video[0].start_time)
        track = container.streams.audio[stream]
        frames = list(container.decode(track))
        at = round((seconds(track, frames[0].pts) - start) * RATE)
        values = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
    values = values / 32768 if values.dtype == np.int16 else values
    return np.concatenate([np.zeros(max(0, at)), values[max(0, -at) :]])


def seconds(stream: Any, time: int | None) -> float:
    return float((time or 0) * stream.time_base)


def assert_same_sound(
    before: NDArray[Any], after: NDArray[Any], first: int = 0, last: int | None = None
) -> None:
    """Compare sounds between two samples; containers round times, some to milliseconds."""
    lags = range(-60, 61)
    part = slice(first + 60, (last or min(len(before), len(after))) - 60)
    errors = [
        np.abs(before[part] - after[part.start + lag : part.stop + lag]).mean() for lag in lags
    ]
    assert min(errors) < 1e-3  # decoders of AAC add some noise of their own
    assert np.abs(before[part]).mean() > 0.01


def new_frames(n_frames: int = 20) -> NDArray[np.uint8]:
    return np.full((n_frames, 32, 48, 3), 99, np.uint8)


@pytest.mark.parametrize(
    ("source", "codec", "target"),
    [
        ("a.mp4", "aac", "b.mp4"),
        ("a.mp4", "aac", "b.mov"),
        ("a.mp4", "aac", "b.mkv"),
        ("a.mkv", "aac", "b.mp4"),
        ("a.mkv", "libmp3lame", "b.mp4"),
        ("a.mkv", "libopus", "b.webm"),
        ("a.mkv", "libopus", "b.mp4"),
        ("a.mkv", "flac", "b.mkv"),
        ("a.mov", "pcm_s16le", "b.mov"),
        ("a.mov", "pcm_s16le", "b.mkv"),
    ],
)
def test_sound_is_the_same_at_the_same_time(
    tmp_path: Path, source: str, codec: str, target: str
) -> None:
    clip = clip_with_sound(tmp_path / source, codec)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_video(tmp_path / target, new_frames(), fps=FPS, audio=clip)
    assert b"".join(packets(tmp_path / target)) == b"".join(packets(clip))
    before, after = heard(clip), heard(tmp_path / target)
    assert min(len(before), len(after)) > (SECONDS - 0.05) * RATE
    assert_same_sound(before, after)
    assert read_video(tmp_path / target)[0].shape == (20, 32, 48, 3)
    assert read_video(tmp_path / target)[1] == pytest.approx(FPS)


def test_all_streams_are_copied_with_their_languages(tmp_path: Path) -> None:
    clip = clip_with_sound(tmp_path / "a.mkv", "aac", "flac")
    write_video(tmp_path / "b.mkv", new_frames(), fps=FPS, audio=clip)
    with av.open(tmp_path / "b.mkv") as container:
        streams = container.streams.audio
        assert [stream.codec_context.codec.canonical_name for stream in streams] == ["aac", "flac"]
        assert [stream.language for stream in streams] == ["eng", "deu"]


def test_a_word_where_a_file_cannot_hold_a_stream(tmp_path: Path) -> None:
    clip = clip_with_sound(tmp_path / "a.mkv", "aac", "libopus")
    with pytest.warns(UserWarning, match=r"a.mkv' is left out: webm files hold no aac"):
        write_video(tmp_path / "b.webm", new_frames(), fps=FPS, audio=clip)
    with av.open(tmp_path / "b.webm") as container:
        assert [
            stream.codec_context.codec.canonical_name for stream in container.streams.audio
        ] == ["opus"]


def test_a_word_where_pyav_does_not_know_a_stream(tmp_path: Path) -> None:
    clip = clip_with_sound(tmp_path / "a.mkv", "aac", "flac")
    clip.write_bytes(clip.read_bytes().replace(b"A_FLAC", b"A_XLAC"))  # as phones' spatial sound
    with pytest.warns(UserWarning, match=r"sound 2 of .*a.mkv' is left out: PyAV does not know"):
        write_video(tmp_path / "b.mp4", new_frames(), fps=FPS, audio=clip)
    assert packets(tmp_path / "b.mp4") == packets(clip)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".npz", ""])
def test_a_word_where_a_file_holds_no_sound(tmp_path: Path, suffix: str) -> None:
    clip = clip_with_sound(tmp_path / "a.mp4", "aac")
    with pytest.warns(UserWarning, match="cannot hold the sound of .*a.mp4', so it is left out"):
        write_video(tmp_path / f"b{suffix}", new_frames(), fps=FPS, audio=clip)
    assert (tmp_path / f"b{suffix}").exists()


def test_a_clip_without_sound_gives_none(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", new_frames(), fps=FPS)
    write_video(tmp_path / "b.mp4", new_frames(), fps=FPS, audio=tmp_path / "a.mp4")
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "a.mp4").read_bytes()


@pytest.mark.parametrize(("codec", "suffix"), [("aac", ".mp4"), ("pcm_s16le", ".mov")])
@pytest.mark.parametrize(("start", "stop"), [(0.5, 1.2), (0, 0.7), (1, None)])
def test_a_part_of_the_sound(
    tmp_path: Path, codec: str, suffix: str, start: float, stop: float | None
) -> None:
    clip = clip_with_sound(tmp_path / f"a{suffix}", codec)
    length = (stop or SECONDS) - start
    write_video(
        tmp_path / f"b{suffix}",
        new_frames(round(length * FPS)),
        fps=FPS,
        audio=clip,
        audio_range=(start, stop),
    )
    before = heard(clip)[round(start * RATE) :]
    after = heard(tmp_path / f"b{suffix}")
    packet = 1024
    assert abs(len(after) - length * RATE) <= 2 * packet
    assert_same_sound(before, after, 2 * packet, round(length * RATE) - 2 * packet)


def test_a_word_where_the_sound_ends_before_the_frames(tmp_path: Path) -> None:
    clip = clip_with_sound(tmp_path / "a.mp4", "aac")
    late = (SECONDS + 1, None)
    with pytest.warns(UserWarning, match="a.mp4' is silent in the chosen frames, and so"):
        write_video(tmp_path / "b.mp4", new_frames(), fps=FPS, audio=clip, audio_range=late)
    assert video_info(tmp_path / "b.mp4").frames == len(new_frames())


def test_sound_lasts_as_long_as_in_the_clip_where_it_is_longer_than_the_film(
    tmp_path: Path,
) -> None:
    clip = clip_with_sound(tmp_path / "a.mkv", "flac")
    write_video(tmp_path / "b.mkv", new_frames(5), fps=FPS, audio=clip)
    assert packets(tmp_path / "b.mkv") == packets(clip)


def test_sound_and_frames_alternate_in_the_file(tmp_path: Path) -> None:
    clip = clip_with_sound(tmp_path / "a.mkv", "flac")
    write_video(tmp_path / "b.mkv", new_frames(), fps=FPS, audio=clip)
    with av.open(tmp_path / "b.mkv") as container:
        kinds = [packet.stream.type for packet in container.demux() if packet.size]
    middle = len(kinds) // 2
    assert set(kinds[:middle]) == set(kinds[middle:]) == {"audio", "video"}


def test_same_clip_gives_the_same_bytes(tmp_path: Path) -> None:
    clip = clip_with_sound(tmp_path / "a.mp4", "aac")
    for name in ("b.mp4", "c.mp4"):
        write_video(tmp_path / name, new_frames(), fps=FPS, audio=clip)
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "c.mp4").read_bytes()


def test_ffmpeg_hears_the_same(tmp_path: Path) -> None:
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("there is no ffmpeg on the PATH")
    clip = clip_with_sound(tmp_path / "a.mp4", "aac")
    write_video(tmp_path / "b.mp4", new_frames(), fps=FPS, audio=clip)
    digests = [
        subprocess.run(
            [ffmpeg, "-v", "error", "-i", path, "-map", "0:a", "-f", "md5", "-"],
            capture_output=True,
            check=True,
        ).stdout
        for path in (clip, tmp_path / "b.mp4")
    ]
    assert digests[0] == digests[1]


@pytest.mark.parametrize("audio_range", [(-1, 2), (2, 1), (float("nan"), None), 3, ("a", "b")])
def test_range_that_is_none(tmp_path: Path, audio_range: Any) -> None:
    clip = clip_with_sound(tmp_path / "a.mp4", "aac")
    with pytest.raises(InvalidInput, match="audio_range must be seconds"):
        write_video(tmp_path / "b.mp4", new_frames(), audio=clip, audio_range=audio_range)


def test_clip_that_is_missing_or_none(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"there is no .*a.mp4'; check the name"):
        write_video(tmp_path / "b.mp4", new_frames(), audio=tmp_path / "a.mp4")
    (tmp_path / "a.mp4").write_text("no clip")
    with pytest.raises(VideoError, match=r"cannot read the sound of .*a.mp4'"):
        write_video(tmp_path / "b.mp4", new_frames(), audio=tmp_path / "a.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
