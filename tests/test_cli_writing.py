"""How commands write: codecs and depth, even sizes, and the sound of the clip."""

import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import slow
from click.testing import CliRunner, Result

from patchvid import sample_clip, video_info, write_video
from patchvid.cli.main import main

SECONDS = 0.5  # 6 frames
FAST = ("--seed", 1, "--iterations", 1)


def run(*args: object) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args])


def succeed(*args: object) -> Result:
    result = run(*args)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a clip of 6 frames with 10 bits, pixels of 4:3, and PCM sound that counts."""
    video = sample_clip()[:6, 20:52, 40:88].astype(np.uint16) * 257
    folder = tmp_path_factory.mktemp("clip")
    with av.open(folder / "sound.mov", "w") as container:
        picture: Any = container.add_stream("libx264", rate=12)
        picture.width, picture.height, picture.pix_fmt = 32, 32, "yuv420p"
        sound: Any = container.add_stream("pcm_s16le", rate=8000)
        sound.layout = "mono"
        for index in range(6):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 12)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        for first in range(0, 4000, 100):
            numbers = np.arange(first, first + 100, dtype=np.int16)[None]
            block = av.AudioFrame.from_ndarray(numbers, "s16", "mono")
            block.rate, block.pts, block.time_base = 8000, first, Fraction(1, 8000)
            container.mux(sound.encode(block))
        container.mux(sound.encode(None))
    sound_only = folder / "sound.mov"
    info = video_info(sound_only).__class__(6, 32, 48, 3, "uint16", 12.0, Fraction(4, 3))
    write_video(folder / "clip.mov", video, fps=12, codec="h265", audio=sound_only, info=info)
    return folder


@pytest.fixture
def clip(here: Path, written: Path) -> Path:
    """Change to a folder with a copy of the clip."""
    shutil.copytree(written, here, dirs_exist_ok=True)
    return here / "clip.mov"


def samples(path: Path) -> list[int]:
    """The numbers that the sound counts; none where there is no sound."""
    with av.open(path) as container:
        blocks = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    return np.concatenate(blocks).tolist()


@pytest.mark.parametrize(
    "words",
    slow.but_the_first(
        [
            ("inpaint", "--box", "12,10,14,12"),
            ("inpaint", "--box", "12,10,14,12", "--loop"),
            ("retarget", "--scale", "1,1,0.75"),
            ("analogy", "clip.mov", "--flow", "classical"),
        ]
    ),
)
def test_sound_is_kept_where_things_happen_when_they_did(clip: Path, words: Any) -> None:
    command, *options = words
    result = succeed(command, clip, *options, "-o", "made.mov", *FAST)
    assert "its sound" not in result.stderr
    assert samples(Path("made.mov")) == list(range(4000))
    made = video_info("made.mov")
    assert (made.dtype, made.pixel_aspect, made.fps) == ("uint16", Fraction(4, 3), 12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("gen",), "the output does not keep the clip's timing"),
        (("retarget", "--scale", "0.5,1,1"), "the output is shorter than the clip"),
        (("retarget", "--size", "9,32,48"), "the output is longer than the clip"),
    ],
)
def test_a_line_where_the_sound_is_left_out(clip: Path, words: Any, why: str) -> None:
    command, *options = words
    result = succeed(command, clip, *options, "-o", "made.mov", *FAST)
    assert f"clip.mov: its sound is left out, because {why}" in result.stderr
    assert not video_info("made.mov").has_audio
    result = succeed(command, clip, *options, "-o", "made.mov", *FAST, "--overwrite", "--no-audio")
    assert "its sound" not in result.stderr


def test_no_audio(clip: Path) -> None:
    succeed("retarget", clip, "--scale", "1,1,0.75", "-o", "made.mov", "--no-audio", *FAST)
    assert not video_info("made.mov").has_audio


@pytest.mark.parametrize(("frames", "first", "stop"), [("2:5", 1333, 3333), ("3:", 2000, 4000)])
def test_sound_of_some_frames(clip: Path, frames: str, first: int, stop: int) -> None:
    options = ("--frames", frames, "--size", f"{3},32,36")
    succeed("retarget", clip, *options, "-o", "made.mov", *FAST)
    heard = samples(Path("made.mov"))
    assert heard == list(range(heard[0], heard[-1] + 1))
    assert 0 <= heard[0] - first <= 1024  # packets are copied as a whole
    assert -1024 <= heard[-1] + 1 - stop <= 1024


def test_sound_of_a_rate_of_ones_own_keeps_its_pace(clip: Path) -> None:
    succeed("inpaint", clip, "--box", "12,10,14,12", "--fps", 6, "-o", "made.mov", *FAST)
    assert samples(Path("made.mov")) == list(range(4000))
    assert (video_info("made.mov").frames, video_info("made.mov").fps) == (3, 6)


def test_sound_of_a_preview(clip: Path) -> None:
    succeed("inpaint", clip, "--box", "12,10,14,12", "--preview", "-o", "made.mov", *FAST)
    assert samples(Path("made_preview.mov")) == list(range(4000))


def test_a_gif_holds_no_sound_and_says_so(clip: Path) -> None:
    result = succeed("inpaint", clip, "--box", "12,10,14,12", "-o", "made.gif", *FAST)
    assert "made.gif' cannot hold the sound" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "name", "codec", "pixels"),
    [
        ((), "clip_gen.mp4", "hevc", "yuv420p10le"),
        (("--codec", "prores"), "clip_gen.mov", "prores", "yuv422p10le"),
        (("--codec", "ffv1"), "clip_gen.mkv", "ffv1", "gbrp16le"),
        (("--codec", "h264", "--depth", 8), "clip_gen.mp4", "h264", "yuv420p"),
        (("--depth", 8), "clip_gen.mp4", "h264", "yuv420p"),
        (("--depth", 12, "--quality", 50), "clip_gen.mp4", "hevc", "yuv420p12le"),
        (("--depth", 16, "--codec", "h265"), "clip_gen.mp4", "hevc", "yuv420p10le"),
        (("--codec", "vp9", "--depth", 8), "clip_gen.webm", "vp9", "yuv420p"),
    ],
)
def test_codecs_and_bits(
    clip: Path, options: tuple[Any, ...], name: str, codec: str, pixels: str
) -> None:
    result = succeed("gen", clip, *options, *FAST, "--no-audio")
    assert name in result.stdout
    made = video_info(name)
    assert (made.codec, made.pixel_format) == (codec, pixels)
    assert "loses" not in result.stderr


def test_settings_of_a_codec_are_checked_before_the_work(clip: Path) -> None:
    result = run("gen", clip, "-o", "made.gif", "--quality", 50)
    assert result.exit_code == 1
    assert "quality is for video files" in result.stderr
    assert "codec of .mp4 must be" in run("gen", clip, "-o", "a.mp4", "--codec", "vp9").stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "size"),
    [
        (("gen", "--max-size", 31), (20, 30)),
        (("gen", "--scale", "1,0.8,0.7"), (26, 34)),  # of 32 and 48: not 26 and 34
        (("gen", "--scale", "1,1.04,1.6"), (34, 76)),  # not 34 and 77
        (("retarget", "--scale", "1,1,0.77"), (32, 38)),  # not 37
        (("retarget", "--scale", "1,1.1,1"), (36, 48)),
        (("gen", "--size", "6,31,48"), (31, 48)),
    ],
)
def test_sizes_of_our_own_choice_are_even(clip: Path, words: Any, size: tuple[int, int]) -> None:
    command, *options = words
    result = succeed(command, clip, *options, "-o", "made.mp4", *FAST)
    made = video_info("made.mp4")
    assert (made.height, made.width) == size
    is_odd = bool(size[0] % 2)
    assert ("holds odd sizes only" in result.stderr) == is_odd
    assert made.pixel_format == ("yuv444p10le" if is_odd else "yuv420p10le")


def test_sides_of_a_scale_that_changes_neither_are_kept(here: Path) -> None:
    write_video("clip.npz", sample_clip()[:4, :31, :33])
    succeed("gen", "clip.npz", "--scale", "1.5,1,1", "-o", "made.npy", *FAST)
    assert np.load("made.npy").shape == (6, 31, 33, 3)


def test_a_field_is_applied_as_clips_are_written(clip: Path) -> None:
    words = ["inpaint", "clip.mov", "--box", "8,8,9,9", *FAST, "--save-field", "f.npz"]
    succeed(*words, "-o", "full.mov")
    result = succeed("apply", "f.npz", "clip.mov", "--codec", "prores")
    assert result.stdout.startswith("clip_apply.mov: 6x32x48")
    assert "its sound" not in result.stderr
    assert video_info("clip_apply.mov").codec == "prores"
    assert video_info("clip_apply.mov").pixel_aspect == Fraction(4, 3)
    assert samples(Path("clip_apply.mov")) == samples(Path("full.mov")) == list(range(4000))
    succeed("apply", "f.npz", "clip.mov", "-o", "mute.mp4", "--depth", 12, "--no-audio")
    assert not video_info("mute.mp4").has_audio
    assert video_info("mute.mp4").pixel_format == "yuv420p12le"
    succeed("gen", "clip.mov", *FAST, "--save-field", "g.npz", "-o", "gen.mov")
    result = succeed("apply", "g.npz", "clip.mov", "-o", "other.mov")
    assert "its sound is left out, because the output does not keep" in result.stderr


@pytest.mark.slow
def test_what_has_no_rate_says_so_wherever_one_is_written(here: Path) -> None:
    line = "clip.npy has no frame rate; 24 frames a second are used; --fps sets another rate"
    clip = sample_clip()[:4, 20:44, 40:72]
    np.save("clip.npy", clip)
    write_video("layer.mov", clip, fps=12)
    words = ["gen", "clip.npy", *FAST, "--overwrite"]
    assert line not in succeed(*words, "--save-field", "f.npz").stderr
    assert line in succeed(*words, "-o", "a.webp").stderr
    assert line in succeed(*words, "-o", "-", "--report", "a.html").stderr
    assert line in succeed(*words, "--layer", "layer.mov").stderr
    assert line in succeed("apply", "f.npz", "clip.npy", "-o", "b.mp4").stderr
    assert line not in succeed(*words, "-o", "c.mp4", "--fps", 12).stderr
