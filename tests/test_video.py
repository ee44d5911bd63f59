"""Clips in files: every format, both ways, and errors."""

import os
import pickle
import re
import signal
import subprocess
import sys
import time
import warnings
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import imageio.v3 as iio
import numpy as np
import pytest
import standin
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from patchvid import resize, sample_clip
from patchvid.errors import InvalidInput, PatchvidError, TargetExists, VideoError
from patchvid.io import _frames as frames_module
from patchvid.io.reading import read_video
from patchvid.io.writing import check_target, write_video

ROOT = Path(__file__).parents[1]
FILMS = [".mp4", ".mov", ".mkv", ".webm"]
ANIMATIONS = [".gif", ".webp", ".png", ".apng"]
ARRAYS = [".npy", ".npz"]
FOLDER = ""
EVERY_FORMAT = [*FILMS, *ANIMATIONS, *ARRAYS, FOLDER]


def moving_colours(
    n_frames: int = 6, height: int = 64, width: int = 96, n_channels: int = 3
) -> NDArray[np.uint8]:
    """Make a smooth, colourful clip that changes in every frame."""
    t, y, x, c = np.ogrid[:n_frames, :height, :width, :n_channels]
    wave = np.sin(0.09 * x + 0.05 * y * (c - 1) + 0.4 * t + 2.1 * c)
    return (127.5 + 120 * wave).astype(np.uint8)


def encode(path: Path, video: NDArray[Any], codec: str, pixels: str, **options: Any) -> None:
    """Write a film with PyAV alone, with settings that `write_video` never uses."""
    times = options.pop("times", range(len(video)))
    rotation = options.pop("rotation", None)
    kind = {1: "gray", 3: "rgb24", 4: "rgba"}[video.shape[3]]
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=10, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width, stream.pix_fmt = *video.shape[1:3], pixels
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for pts, pixel_values in zip(times, video, strict=True):
            frame = av.VideoFrame.from_ndarray(pixel_values.squeeze(), kind)
            frame.pts, frame.time_base = pts, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def run_python(code: str, *arguments: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)


def save(path: Path, picture: NDArray[Any]) -> None:
    iio.imwrite(path, picture, plugin="pillow")


# Both ways


@pytest.mark.parametrize("suffix", [".png", ".apng", ".webp", ".npy", ".npz", FOLDER])
@pytest.mark.parametrize("n_channels", [1, 3, 4])
def test_lossless_formats_return_the_same_pixels(
    tmp_path: Path, suffix: str, n_channels: int
) -> None:
    video = moving_colours(5, 13, 17, n_channels)
    if n_channels == 4:
        video[..., 3] |= 1  # what is invisible has no colour
    write_video(tmp_path / f"clip{suffix}", video)
    read, _ = read_video(tmp_path / f"clip{suffix}")
    if n_channels == 1 and suffix not in ARRAYS:
        video = np.repeat(video, 3, axis=3)
    np.testing.assert_array_equal(read, video)


@pytest.mark.filterwarnings("ignore:.* holds odd sizes only without chroma subsampling")
@pytest.mark.parametrize("suffix", [*FILMS, ".gif"])
@pytest.mark.parametrize("size", [(64, 96), (63, 95)])
def test_lossy_formats_keep_size_and_colours(
    tmp_path: Path, suffix: str, size: tuple[int, int]
) -> None:
    video = moving_colours(6, *size)
    write_video(tmp_path / f"clip{suffix}", video)
    read, _ = read_video(tmp_path / f"clip{suffix}")
    error = read.astype(float) - video
    mean_error, bias = (8, 1.5) if suffix == ".gif" else (2, 0.6)
    assert np.abs(error).mean() < mean_error
    assert np.abs(error.mean(axis=(0, 1, 2))).max() < bias


@pytest.mark.parametrize("suffix", FILMS)
def test_flat_colours_survive_in_films(tmp_path: Path, suffix: str) -> None:
    corners = np.array(np.meshgrid([10, 128, 245], [10, 128, 245], [10, 128, 245]), np.uint8)
    video = np.repeat(np.repeat(corners.reshape(3, 1, 27)[None], 32, axis=2), 32, axis=3)
    video = np.moveaxis(video, 1, 3)
    write_video(tmp_path / f"clip{suffix}", video)
    read, _ = read_video(tmp_path / f"clip{suffix}")
    centres = read[:, 16, 16::32].astype(int) - video[:, 16, 16::32]
    assert np.abs(centres).max() <= 3


def test_films_are_tagged_with_the_colours_they_are_in(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", moving_colours())
    with av.open(tmp_path / "clip.mp4") as container:
        context = container.streams.video[0].codec_context
        tags = (context.colorspace, context.color_primaries, context.color_trc)
        assert (context.pix_fmt, context.color_range, *tags) == ("yuv420p", 1, 1, 1, 1)


def test_reading_and_writing_again_and_again_does_not_drift(tmp_path: Path) -> None:
    video = moving_colours()
    read: NDArray[Any] = video
    for _ in range(5):
        write_video(tmp_path / "clip.mp4", read, overwrite=True)
        read, _ = read_video(tmp_path / "clip.mp4")
    error = read.astype(float) - video
    assert np.abs(error).mean() < 2.5
    assert np.abs(error.mean(axis=(0, 1, 2))).max() < 1


@pytest.mark.filterwarnings("ignore:.* holds odd sizes only without chroma subsampling")
@settings(max_examples=25)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 20)),
    suffix=st.sampled_from([*FILMS, ".gif", ".png", FOLDER]),
)
def test_any_size_is_kept(
    tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, int, int], suffix: str
) -> None:
    path = tmp_path_factory.mktemp("sizes") / f"clip{suffix}"
    write_video(path, moving_colours(*shape))
    assert read_video(path)[0].shape == (*shape, 3)


@pytest.mark.parametrize("suffix", [*FILMS, *ANIMATIONS])
@pytest.mark.parametrize("fps", [5, 23.976, 30, 50])
def test_frame_rate_is_kept(tmp_path: Path, suffix: str, fps: float) -> None:
    write_video(tmp_path / f"clip{suffix}", moving_colours(24, 16, 16), fps=fps)
    _, read = read_video(tmp_path / f"clip{suffix}")
    # Animations store durations in whole hundredths (gif) or thousandths (webp) of a second.
    assert read == pytest.approx(fps, rel={".gif": 0.01, ".webp": 0.002}.get(suffix, 1e-4))


@pytest.mark.parametrize("suffix", [*ARRAYS, FOLDER])
def test_folders_and_arrays_have_no_frame_rate(tmp_path: Path, suffix: str) -> None:
    write_video(tmp_path / f"clip{suffix}", moving_colours(), fps=12)
    assert read_video(tmp_path / f"clip{suffix}")[1] is None


def test_gif_plays_at_most_50_frames_a_second(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.gif", moving_colours(), fps=120)
    assert read_video(tmp_path / "clip.gif")[1] == pytest.approx(50)


def test_equal_frames_of_a_gif_stay_separate(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.gif", np.repeat(moving_colours(1), 4, axis=0))
    assert len(read_video(tmp_path / "clip.gif")[0]) == 4


@pytest.mark.parametrize("fps", [12, 24, 23.976, 120])
@pytest.mark.parametrize(
    "order", [[0, 0, 1], [0, 1, 1], [0, 1, 1, 0, 2, 2, 2], [0, *[1] * 30, *range(2, 12)]]
)
def test_equal_frames_of_a_webp_are_separate_again(
    tmp_path: Path, order: list[int], fps: float
) -> None:
    video = moving_colours(12, 16, 16)[order]
    write_video(tmp_path / "clip.webp", video, fps=fps)
    read, read_fps = read_video(tmp_path / "clip.webp")
    np.testing.assert_array_equal(read, video)
    assert read_fps == pytest.approx(fps, rel=0.5 * fps / 1000 / len(video) + 0.03)
    part, _ = read_video(tmp_path / "clip.webp", frames=(1, 3))
    np.testing.assert_array_equal(part, video[1:3])


def test_frames_of_a_webp_without_a_constant_rate_are_kept(tmp_path: Path) -> None:
    video = moving_colours(4, 16, 16)
    iio.imwrite(
        tmp_path / "clip.webp", video, plugin="pillow", duration=[100, 250, 170, 90], lossless=True
    )
    read, fps = read_video(tmp_path / "clip.webp")
    np.testing.assert_array_equal(read, video)
    assert fps == pytest.approx(4000 / 610)


@pytest.mark.parametrize("suffix", [*FILMS, *ANIMATIONS, FOLDER])
def test_one_frame_is_a_video(tmp_path: Path, suffix: str) -> None:
    write_video(tmp_path / f"clip{suffix}", moving_colours(1))
    assert read_video(tmp_path / f"clip{suffix}")[0].shape == (1, 64, 96, 3)


@pytest.mark.slow
def test_same_video_gives_same_bytes_whatever_memory_held(tmp_path: Path) -> None:
    random, made = np.random.default_rng(0), set()
    video = resize(sample_clip()[:8], (8, 38, 1000))  # its width is no multiple of 16
    for _ in range(15):
        for size in random.integers(1000, 400_000, 30):
            random.integers(0, 256, size, np.uint8)
        write_video(tmp_path / "a.mp4", video, fps=12, overwrite=True)
        made.add((tmp_path / "a.mp4").read_bytes())
    assert len(made) == 1


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs to choose the cores")
def test_same_video_gives_same_bytes_on_one_core_and_on_all(tmp_path: Path) -> None:
    video, cores = moving_colours(12, 144, 256), os.sched_getaffinity(0)
    try:
        for folder, usable in (("one", list(cores)[:1]), ("all", cores)):
            os.sched_setaffinity(0, usable)  # of this thread, and of those that it starts
            (tmp_path / folder).mkdir()
            for suffix in EVERY_FORMAT:
                write_video(tmp_path / folder / f"clip{suffix}", video)
    finally:
        os.sched_setaffinity(0, cores)
    names = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*")]
    assert len(names) == len(EVERY_FORMAT) - 1 + 12
    for name in names:
        one, all_ = (tmp_path / folder / name for folder in ("one", "all"))
        assert one.read_bytes() == all_.read_bytes(), name


# Values


@pytest.mark.parametrize(
    ("video", "expected"),
    [
        (np.array([0, 128, 255], np.uint8), [0, 128, 255]),
        (np.array([0, 128 * 257, 65535], np.uint16), [0, 128, 255]),
        (np.array([0, 0.5, 1], np.float32), [0, 128, 255]),
        (np.array([-3, 0.5, 7], np.float64), [0, 128, 255]),
        (np.array([0, 0.5, 1], np.float16), [0, 128, 255]),
    ],
)
@pytest.mark.filterwarnings("ignore:a frame has floats from")
@pytest.mark.filterwarnings("ignore:.* holds 8 bits per channel")
def test_values_become_eight_bits(tmp_path: Path, video: NDArray[Any], expected: list[int]) -> None:
    write_video(tmp_path / "clip.webp", video.reshape(3, 1, 1, 1))
    read, _ = read_video(tmp_path / "clip.webp")
    assert read[:, 0, 0, 0].tolist() == expected


@pytest.mark.parametrize("suffix", ARRAYS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64, ">f4"])
def test_arrays_keep_their_type(tmp_path: Path, suffix: str, dtype: Any) -> None:
    video = moving_colours(3, 4, 5, 7).astype(dtype)
    write_video(tmp_path / f"clip{suffix}", video)
    read, _ = read_video(tmp_path / f"clip{suffix}")
    assert read.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(read, video)


def test_alpha_is_kept_where_there_is_room_and_blended_with_white_elsewhere(tmp_path: Path) -> None:
    video = moving_colours(2, 32, 32, 4)
    video[..., 3] = 255
    video[1, :16, :, :] = (255, 0, 0, 0)
    for suffix in [".png", ".webp", ".gif", ".tif", *ARRAYS, FOLDER]:
        write_video(tmp_path / f"clip{suffix}", video)
        read, _ = read_video(tmp_path / f"clip{suffix}")
        assert read.shape == video.shape, suffix
        np.testing.assert_array_equal(read[..., 3], video[..., 3], suffix)
    with pytest.warns(UserWarning, match="holds no alpha, so it is blended with white"):
        write_video(tmp_path / "clip.mp4", video)
    read, _ = read_video(tmp_path / "clip.mp4")
    assert read.shape == (2, 32, 32, 3)
    assert read[1, :12].min() > 245


@pytest.mark.parametrize("suffix", [".mp4", ".npz"])
def test_arrays_of_a_gpu_are_copied_to_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    video = moving_colours()
    write_video(tmp_path / f"host{suffix}", video)
    back_end = SimpleNamespace(to_device=standin.wrap, to_host=standin.to_plain)
    monkeypatch.setattr(frames_module, "backend_of", lambda array: back_end)
    write_video(tmp_path / f"gpu{suffix}", standin.wrap(video))
    assert (tmp_path / f"gpu{suffix}").read_bytes() == (tmp_path / f"host{suffix}").read_bytes()


# Files that others made


def test_published_clip(shared: Path) -> None:
    video, fps = read_video(shared / "clips" / "generation" / "fish.mp4")
    assert video.shape == (13, 144, 256, 3)
    assert video.dtype == np.uint8
    assert fps == 10
    assert video.flags.c_contiguous


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("clip.avi", "mpeg4", "yuv420p"),
        ("clip.ts", "libx264", "yuv420p"),
        ("clip.mkv", "ffv1", "yuv444p"),
        ("clip.mkv", "libx264", "yuv420p10le"),
        ("clip.webm", "libvpx", "yuv420p"),
        ("clip.mov", "mjpeg", "yuvj420p"),
    ],
)
def test_other_codecs(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    video = moving_colours()
    encode(tmp_path / name, video, codec, pixels, b="4000000")
    read, fps = read_video(tmp_path / name, depth=8)
    assert read.shape == video.shape
    assert fps == pytest.approx(10)
    assert np.abs(read.astype(float) - video).mean() < 6


def test_grey_film_becomes_rgb(tmp_path: Path) -> None:
    video = moving_colours(n_channels=1)
    encode(tmp_path / "clip.mkv", video, "ffv1", "gray")
    read, _ = read_video(tmp_path / "clip.mkv")
    assert np.abs(read.astype(int) - video).max() <= 1


@pytest.mark.parametrize("opaque", [True, False])
def test_alpha_of_a_film_is_kept_unless_it_is_opaque(tmp_path: Path, opaque: bool) -> None:
    video = moving_colours(4, 32, 32, 4)
    video[..., 3] = 255
    if not opaque:
        video[2:, 5, 5, 3] = 99
    encode(tmp_path / "clip.mov", video, "qtrle", "argb")
    read, _ = read_video(tmp_path / "clip.mov")
    np.testing.assert_array_equal(read, video[..., :3] if opaque else video)


@pytest.mark.parametrize("degrees", [-90, 90, 180])
def test_display_rotation_is_applied(tmp_path: Path, degrees: int) -> None:
    video = moving_colours(2, 32, 48)
    encode(tmp_path / "clip.mp4", video, "libx264", "yuv444p", rotation=degrees)
    read, _ = read_video(tmp_path / "clip.mp4")
    upright = np.rot90(video, degrees // 90, axes=(1, 2))
    assert read.shape == upright.shape
    assert np.abs(read.astype(float) - upright).mean() < 5


def test_picture_types(tmp_path: Path) -> None:
    colour = moving_colours(1, 24, 32)[0]
    grey = colour[..., 0]
    save(tmp_path / "colour.png", colour)
    save(tmp_path / "grey.png", grey)
    save(tmp_path / "colour.bmp", colour)
    save(tmp_path / "colour.tif", colour)
    save(tmp_path / "colour.ppm", colour)
    for path in tmp_path.iterdir():
        video, fps = read_video(path)
        expected = colour if path.stem == "colour" else np.repeat(grey[..., None], 3, axis=2)
        np.testing.assert_array_equal(video, expected[None], path.name)
        assert video.dtype == np.uint8
        assert fps is None


def test_photo_is_turned_upright(tmp_path: Path) -> None:

    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held so that a quarter turn clockwise is needed
    photo = Image.fromarray(moving_colours(1, 24, 32)[0])
    photo.save(tmp_path / "photo.jpg", exif=exif, quality=95)
    video, _ = read_video(tmp_path / "photo.jpg")
    upright = np.rot90(moving_colours(1, 24, 32), -1, axes=(1, 2))
    assert video.shape == (1, 32, 24, 3)
    assert np.abs(video.astype(float) - upright).mean() < 5


def test_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    video = moving_colours(12)
    for index, frame in enumerate(video):
        save(tmp_path / f"frame{index}.png", frame)
    (tmp_path / "notes.txt").write_text("not a frame")
    (tmp_path / ".hidden.png").write_bytes(b"not a frame either")
    np.testing.assert_array_equal(read_video(tmp_path)[0], video)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".gif", ".png", ".npz", FOLDER])
def test_part_of_a_clip(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip{suffix}"
    write_video(path, moving_colours(8), fps=10)
    whole, fps = read_video(path)
    for frames in [(0, 3), (2, 5), (5, None), (6, 100)]:
        part, part_fps = read_video(path, frames=frames)
        np.testing.assert_array_equal(part, whole[slice(*frames)])
        assert part_fps == fps
    with pytest.raises(InvalidInput, match="has no frame 8"):
        read_video(path, frames=(8, None))
    with pytest.raises(InvalidInput, match="0 <= first < last"):
        read_video(path, frames=(3, 3))


def test_npz_with_several_arrays(tmp_path: Path) -> None:
    video = moving_colours(3, 4, 5)
    np.savez(tmp_path / "a.npz", other=video[:1], video=video)
    np.savez(tmp_path / "b.npz", whatever=video[..., 0])
    np.savez(tmp_path / "c.npz", one=video, two=video)
    np.testing.assert_array_equal(read_video(tmp_path / "a.npz")[0], video)
    np.testing.assert_array_equal(read_video(tmp_path / "b.npz")[0], video[..., :1])
    with pytest.raises(VideoError, match="got 'one', 'two'"):
        read_video(tmp_path / "c.npz")


# What cannot be read


def assert_one_line(error: pytest.ExceptionInfo[PatchvidError], path: Path) -> None:
    assert str(path) in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("suffix", [*FILMS, *ANIMATIONS, ".avi", *ARRAYS])
def test_file_cut_short_is_an_error_if_strict(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], suffix: str, share: float
) -> None:
    path = tmp_path / f"clip{suffix}"
    if suffix == ".avi":
        encode(path, moving_colours(30), "mpeg4", "yuv420p")
    else:
        write_video(path, moving_colours(30))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(VideoError) as error:
        read_video(path, strict=True)
    assert_one_line(error, path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("hundredths", "fps"), [(0, 10), (1, 10), (2, 50), (7, 100 / 7)])
def test_gif_plays_as_viewers_show_it(tmp_path: Path, hundredths: int, fps: float) -> None:
    first, *others = map(Image.fromarray, moving_colours(4))
    path = tmp_path / "clip.gif"
    first.save(path, save_all=True, append_images=others, duration=10 * hundredths)
    assert read_video(path)[1] == pytest.approx(fps)


def test_gif_cut_short_is_damaged(tmp_path: Path) -> None:
    write_video(tmp_path / "whole.gif", np.zeros((4, 8, 8, 3), np.uint8))
    raw = (tmp_path / "whole.gif").read_bytes()
    (tmp_path / "padded.gif").write_bytes(raw + b"made by hand")
    assert len(read_video(tmp_path / "padded.gif")[0]) == 4
    found: set[tuple[str, int]] = set()
    for length in range(7, len(raw) - 1):
        (tmp_path / "cut.gif").write_bytes(raw[:length])
        with warnings.catch_warnings(record=True) as shown:
            warnings.simplefilter("always")
            try:
                n_frames = len(read_video(tmp_path / "cut.gif")[0])
            except VideoError as error:
                n_frames, words = 0, str(error)
            else:
                (words,) = (str(warning.message) for warning in shown)
        words = re.sub(r".*cut.gif' |\d+|;.*", "", words)
        found.add((words, n_frames))
        if n_frames and "damaged" in words:
            with pytest.raises(VideoError, match=r"cut.gif' is damaged or cut short after"):
                read_video(tmp_path / "cut.gif", strict=True)
    assert found == {
        ("is damaged or cut short before its first frame", 0),
        *(("is damaged or cut short after  frames", n) for n in (1, 2, 3)),
        *(("has no end mark", n) for n in (1, 2, 3)),  # a cut between frames cannot be told
    }


def test_pictures_of_32_bit_integers_are_refused(tmp_path: Path) -> None:

    Image.fromarray(np.ones((8, 8), np.int32)).save(tmp_path / "deep.tif")
    with pytest.raises(VideoError, match="pixels of int32, which state no range of values"):
        read_video(tmp_path / "deep.tif")


def test_floats_far_from_their_range_are_clipped_with_a_warning(tmp_path: Path) -> None:
    video = np.linspace(-1, 1, 3 * 64).reshape(1, 8, 8, 3)
    with pytest.warns(UserWarning, match="floats from -1 to 1; values outside of 0 to 1"):
        write_video(tmp_path / "a.png", video)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".txt", "", ".gif", ".png", ".npy", ".npz"])
@pytest.mark.parametrize("content", [b"", b"no video\n" * 100, bytes(range(256)) * 50])
def test_file_that_is_no_video_is_an_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], suffix: str, content: bytes
) -> None:
    path = tmp_path / f"clip{suffix}"
    path.write_bytes(content)
    with pytest.raises(VideoError) as error:
        read_video(path)
    assert_one_line(error, path)
    assert capfd.readouterr() == ("", "")


def test_sound_without_pictures_is_an_error(tmp_path: Path) -> None:
    with av.open(tmp_path / "sound.wav", "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(VideoError, match="there is no video in"):
        read_video(tmp_path / "sound.wav")


@pytest.mark.parametrize("name", ["missing.mp4", "missing.gif", "missing.npz", "missing", "a\nb"])
def test_missing_file_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(VideoError, match=r"there is no .*; check the name") as error:
        read_video(tmp_path / name)
    assert "\n" not in str(error.value)


def test_folder_without_frames_or_with_frames_of_several_sizes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="holds no pictures"):
        read_video(tmp_path)
    for index, width in enumerate([10, 12, 14]):
        save(tmp_path / f"{index}.png", moving_colours(1, 8, width)[0])
    with pytest.raises(VideoError, match="must have one size, got 10x8 and 12x8 and 14x8 pixels"):
        read_video(tmp_path)


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (np.zeros((2, 4, 4, 3), complex), "must hold integers or floats, got complex128"),
        (np.zeros((4, 4), np.uint8), r"must be a filled array .*, got shape \(4, 4\)"),
        (np.zeros((9, 9, 3), np.uint8), r"looks like one frame \(y, x, c\)"),
        (np.zeros((0, 4, 4, 3), np.uint8), r"must be a filled .*, got shape \(0, 4, 4, 3\)"),
        (np.full((1, 2, 2, 1), np.nan), "must be finite .*, got nan"),
        (np.full((1, 2, 2, 1), np.inf, np.float32), "must be finite .*, got inf"),
    ],
)
def test_array_that_is_no_video_is_refused_both_ways(
    tmp_path: Path, video: NDArray[Any], message: str
) -> None:
    np.save(tmp_path / "clip.npy", video)
    with pytest.raises(InvalidInput, match=message):
        read_video(tmp_path / "clip.npy")
    with pytest.raises(InvalidInput, match=message):
        write_video(tmp_path / "out.npy", video)
    assert not (tmp_path / "out.npy").exists()


@pytest.mark.parametrize("dtype", [bool, np.int16, np.int64])
def test_other_integers_are_for_arrays_only(tmp_path: Path, dtype: Any) -> None:
    video = moving_colours().astype(dtype)
    write_video(tmp_path / "clip.npy", video)
    read, _ = read_video(tmp_path / "clip.npy")
    assert read.dtype == dtype
    np.testing.assert_array_equal(read, video)
    with pytest.raises(InvalidInput, match=f"got {np.dtype(dtype)}; convert it, or write to .npz"):
        write_video(tmp_path / "clip.mp4", video)


# What cannot be written


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("clip.xyz", r"suffix must be \.mp4, .*, \.npz or none \(a folder\), got '\.xyz'"),
        ("clip.jpg", r"got '\.jpg'"),
        ("missing/clip.mp4", "there is no folder .*missing'; create it first"),
        ("file/clip.mp4", "there is no folder"),
        ("file", "it is a file; choose another name"),
        ("old.mp4", "it exists; choose another name, or pass overwrite=True"),
        ("frames", "it exists"),
        ("frames/", "it exists"),
        ("precious", "it is a folder with other files"),
        ("folder.mp4", "it is a folder with other files"),
        (f"{'long' * 100}.mp4", "File name too long"),
    ],
)
def test_target_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "old.mp4").write_text("old")
    (tmp_path / "folder.mp4").mkdir()
    write_video(tmp_path / "frames", moving_colours(2))
    write_video(tmp_path / "precious", moving_colours(2))
    (tmp_path / "precious" / "thesis.txt").write_text("the only copy")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(VideoError, match=message):
        check_target(f"{tmp_path}/{name}")
    with pytest.raises(VideoError, match=message):
        write_video(f"{tmp_path}/{name}", moving_colours(2))
    assert sorted(tmp_path.rglob("*")) == before


def test_what_exists_is_an_error_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "old.mp4"
    path.write_text("old")
    with pytest.raises(FileExistsError) as error:
        check_target(path)
    assert isinstance(error.value, TargetExists)
    assert error.value.path == str(path)
    copied = pickle.loads(pickle.dumps(error.value))
    assert str(copied) == str(error.value)


def test_folder_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("this user may write everywhere (root)")
    with pytest.raises(VideoError, match="no permission to write in"):
        check_target(tmp_path / "clip.mp4")


@pytest.mark.parametrize("suffix", EVERY_FORMAT)
def test_overwriting_replaces_the_old(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip{suffix}"
    write_video(path, moving_colours(7))
    check_target(path, overwrite=True)
    write_video(path, moving_colours(3), overwrite=True)
    assert len(read_video(path)[0]) == 3
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_written_to_a_link_is_where_it_points(tmp_path: Path) -> None:
    folder, link = tmp_path / "frames", tmp_path / "link"
    write_video(folder, np.zeros((3, 8, 8, 3), np.uint8))
    link.symlink_to(folder)
    file, other = tmp_path / "a.png", tmp_path / "other.png"
    other.symlink_to(file)
    write_video(other, np.zeros((1, 8, 8, 3), np.uint8))
    assert other.is_symlink()
    assert read_video(file)[0].shape == (1, 8, 8, 3)
    file.unlink()
    other.unlink()
    write_video(link, np.ones((2, 8, 8, 3), np.uint8), overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frames", "link"]
    assert link.is_symlink()
    assert read_video(folder)[0].shape == (2, 8, 8, 3)


def test_overwriting_never_removes_a_folder_of_other_things(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("the only copy")
    with pytest.raises(VideoError, match="it is a folder with other files"):
        write_video(tmp_path / "precious", moving_colours(2), overwrite=True)
    assert (tmp_path / "precious" / "thesis.txt").exists()


def test_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    write_video(f"{tmp_path}/frames/", moving_colours(2))
    assert sorted(os.listdir(tmp_path / "frames")) == ["00000.png", "00001.png"]


@pytest.mark.parametrize(
    ("suffix", "n_channels", "fps", "message"),
    [
        (".mp4", 2, None, r"must have 1, 3 or 4 channels, got 2; write to \.npz instead"),
        (FOLDER, 5, None, "got 5"),
        (".mp4", 3, 0, "fps must be between 0.01 and 1000, got 0"),
        (".mp4", 3, -5, "got -5"),
        (".mp4", 3, float("nan"), "got nan"),
    ],
)
def test_wrong_arguments_leave_nothing_behind(
    tmp_path: Path, suffix: str, n_channels: int, fps: float | None, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        write_video(tmp_path / f"clip{suffix}", moving_colours(n_channels=n_channels), fps=fps)
    assert not list(tmp_path.iterdir())


def test_a_bug_is_not_called_a_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_video(tmp_path / "clip.mp4", moving_colours())

    def open_with_a_bug(*_: Any, **__: Any) -> None:
        raise TypeError("unexpected keyword argument")

    monkeypatch.setattr("av.open", open_with_a_bug)
    with pytest.raises(TypeError, match="keyword"):
        read_video(tmp_path / "clip.mp4")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    code = """
import numpy as np, resource, sys
from patchvid.errors import VideoError
from patchvid.io.writing import write_video
noise = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), np.uint8)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
for name in sys.argv[1:]:
    try:
        write_video(name, noise)
    except VideoError as error:
        print(error)
"""
    run = run_python(code, *(tmp_path / f"clip{suffix}" for suffix in EVERY_FORMAT))
    assert run.stderr == ""
    told = run.stdout.splitlines()
    assert len(told) == len(EVERY_FORMAT)
    for suffix, line in zip(EVERY_FORMAT, told, strict=True):
        wrong = f"cannot write '.*clip{re.escape(suffix)}': (File too large|.* written)"
        assert re.fullmatch(wrong, line)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    # A parent may ignore SIGINT, as shells do for what runs in the background. And within an import
    # Python may lose it, and so everything is imported before.
    code = """
import numpy as np, signal, sys, tempfile, time
from pathlib import Path
from patchvid.io.writing import write_video
signal.signal(signal.SIGINT, signal.default_int_handler)
noise = np.random.default_rng(0).integers(0, 256, (10, 240, 320, 3), np.uint8)
for name in sys.argv[1:]:
    with tempfile.TemporaryDirectory() as folder:
        write_video(Path(folder, Path(name).name), noise[:2])
def endless():  # so that the signal cannot come too late
    while True:
        yield from noise
        time.sleep(0.01)
for line in sys.stdin:
    try:
        print("ready", flush=True)
        write_video(line.strip(), endless())
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""
    names = [str(tmp_path / f"clip{suffix}") for suffix in EVERY_FORMAT]
    command = [sys.executable, "-c", code, *names]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, bufsize=1, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for name in names:
            process.stdin.write(f"{name}\n")
            assert process.stdout.readline() == "ready\n"
            give_up = time.monotonic() + 0.5  # webp is written at the very end
            while not list(tmp_path.iterdir()) and time.monotonic() < give_up:
                time.sleep(0.001)
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "interrupted\n", name
            assert not list(tmp_path.iterdir()), name
    assert process.returncode == 0
