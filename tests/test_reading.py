"""Video as others make it: colours, rates, shapes of pixels, fields, damage; read in parts."""

import base64
import io
import itertools
import re
import subprocess
import sys
import warnings
import zlib
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from patchvid import InvalidInput, VideoError, iter_video, read_video, resize, video_info
from patchvid import write_video as write
from patchvid.io import decoding
from patchvid.io.timeline import even_out, resampled

RGB = np.array([200, 40, 90])
# Shares of red and blue in luma, by the codes of H.273 for matrices.
SHARES = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 5: (0.299, 0.114), 6: (0.299, 0.114)}
SHARES |= {7: (0.212, 0.087), 9: (0.2627, 0.0593)}
PQ, HLG, BT2020 = 16, 18, 9
TENTH = Fraction(1, 10)


def as_yuv(rgb: Sequence[float], matrix: int, *, full: bool = False, bits: int = 8) -> list[int]:
    """The values of luma and chroma for a colour of 8 bits, as BT.709 and its kin define them."""
    red, blue = SHARES[matrix]
    r, g, b = (value / 255 for value in rgb)
    y = red * r + (1 - red - blue) * g + blue * b
    chroma = (b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))
    if full:
        return [round((2**bits - 1) * (v + s)) for v, s in zip((y, *chroma), (0, 0.5, 0.5))]
    unit = 2 ** (bits - 8)
    return [round(unit * (16 + 219 * y)), *(round(unit * (128 + 224 * c)) for c in chroma)]


def flat(
    path: Path,
    values: Sequence[int],
    pixels: str,
    size: tuple[int, int] = (32, 48),
    *,
    codec: str = "ffv1",
    tags: Sequence[int] = (2, 0, 2, 2),  # matrix, range, primaries, transfer; 2 and 0 say nothing
    **options: str,
) -> None:
    """Write three frames of one colour, given its values in the file."""
    height, width = size
    with av.open(path, "w") as container:
        stream: Any = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        context = stream.codec_context
        context.colorspace, context.color_range, context.color_primaries, context.color_trc = tags
        for _ in range(3):
            frame = av.VideoFrame(width, height, pixels)
            frame.colorspace, frame.color_range = tags[:2]
            for plane, value in zip(frame.planes, values, strict=True):
                dtype = "<u2" if pixels.endswith("le") else "u1"
                count = plane.buffer_size // np.dtype(dtype).itemsize
                plane.update(np.full(count, value, dtype).tobytes())
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def encode(
    path: Path,
    video: NDArray[np.uint8],
    times: Sequence[int] | None = None,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    base: Fraction = TENTH,
    turn: dict[str, Any] | None = None,
    **options: str,
) -> None:
    """Write a film by PyAV alone."""
    with av.open(path, "w") as container:
        stream: Any = container.add_stream(codec, rate=1 / base, options=options)
        stream.height, stream.width, stream.pix_fmt = *video.shape[1:3], pixels
        stream.codec_context.time_base = base
        if turn is not None:
            stream.set_display_rotation(**turn)
        for pts, values in zip(times or range(len(video)), video, strict=True):
            frame = av.VideoFrame.from_ndarray(values, "rgb24")
            frame.pts, frame.time_base = pts, base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def numbered(n_frames: int, size: tuple[int, int] = (32, 64)) -> NDArray[np.uint8]:
    """Frames that can be told apart: each is brighter than the one before by 4 levels."""
    video = np.empty((n_frames, *size, 3), np.uint8)
    video[:] = 4 * np.arange(n_frames)[:, None, None, None]
    return video


def numbers(video: NDArray[Any]) -> list[int]:
    """The numbers of frames made by `numbered`."""
    return [round(float(frame.mean()) / 4) for frame in video]


# Colours


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", SHARES)
@pytest.mark.parametrize(
    ("name", "pixels", "bits"),
    [("a.mkv", "yuv420p", 8), ("a.mkv", "yuv422p10le", 10), ("a.mkv", "yuv444p12le", 12)],
)
def test_tagged_colours_are_exact(
    tmp_path: Path, name: str, pixels: str, bits: int, matrix: int, full: bool
) -> None:
    values = as_yuv(RGB.tolist(), matrix, full=full, bits=bits)
    flat(tmp_path / name, values, pixels, tags=(matrix, 2 if full else 1, 2, 2))
    video, _ = read_video(tmp_path / name)
    assert video.dtype == (np.uint8 if bits == 8 else np.uint16)
    unit = 1 if bits == 8 else 257
    # A step of the values moves red and blue by up to two levels of as many bits.
    assert np.abs(video[1, 16, 24] / unit - RGB).max() <= (2 if bits == 8 else 0.6)
    for depth in (8, 16):
        again, _ = read_video(tmp_path / name, depth=depth)
        assert again.dtype == f"uint{depth}"
        assert np.abs(again[1, 16, 24] / ((depth > 8 and 257) or 1) - RGB).max() <= 2


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm"])
@pytest.mark.parametrize(
    ("size", "matrix"),
    [((576, 720), 6), ((32, 48), 6), ((720, 1280), 1), ((600, 64), 1), ((64, 1280), 1)],
)
def test_untagged_video_is_what_players_take_it_for(
    tmp_path: Path, name: str, size: tuple[int, int], matrix: int
) -> None:
    codec = "libvpx-vp9" if name == "a.webm" else "libx264"
    flat(tmp_path / name, as_yuv(RGB.tolist(), matrix), "yuv420p", size, codec=codec)
    height, width = size
    video, _ = read_video(tmp_path / name)
    assert np.abs(video[1, height // 2, width // 2].astype(int) - RGB).max() <= 3
    tags = video_info(tmp_path / name).color
    assert (tags.matrix, tags.range) == ("bt709" if matrix == 1 else tags.matrix, "tv")
    assert (tags.matrix == "bt709") == (matrix == 1)


def pq(luminance: float) -> float:
    """BT.2100: the value of a luminance in cd/m2."""
    root = (luminance / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * root) / (1 + 18.6875 * root)) ** 78.84375


def hdr(path: Path, transfer: int, value: float, codec: str = "ffv1") -> None:
    values = [round(64 + 876 * value), 512, 512]
    flat(path, values, "yuv420p10le", codec=codec, tags=(BT2020, 1, BT2020, transfer))


@pytest.mark.parametrize(("transfer", "name"), [(PQ, "PQ"), (HLG, "HLG")])
def test_high_dynamic_range_is_kept_and_told(tmp_path: Path, transfer: int, name: str) -> None:
    hdr(tmp_path / "a.mkv", transfer, 0.58)
    info = video_info(tmp_path / "a.mkv")
    assert (info.color.hdr, info.color.primaries, info.color.matrix) == (name, "bt2020", "bt2020nc")
    with pytest.warns(UserWarning, match=rf"'.*a.mkv' has high dynamic range \({name}\)"):
        video, _ = read_video(tmp_path / "a.mkv")
    assert video.dtype == np.uint16
    assert np.abs(video / 65535 - 0.58).max() < 0.002


def test_colours_that_only_the_container_states(tmp_path: Path) -> None:
    tags = (BT2020, 1, BT2020, PQ)
    flat(tmp_path / "a.mov", (500, 512, 512), "yuv422p10le", codec="prores_ks", tags=tags)
    with av.open(tmp_path / "a.mov") as container:
        assert next(container.decode(video=0)).color_trc == 2  # ProRes itself states nothing
    color = video_info(tmp_path / "a.mov").color
    assert (color.hdr, color.primaries, color.matrix) == ("PQ", "bt2020", "bt2020nc")


@pytest.mark.filterwarnings("ignore:.* has high dynamic range")
def test_tone_mapping(tmp_path: Path) -> None:
    shown = {}
    # Below the knee of BT.2390, at 88 cd/m2, light stays as it is relative to white at 203 cd/m2.
    for luminance in (0, 20, 50, 80, 203, 500, 1000, 4000):
        hdr(tmp_path / "a.mkv", PQ, pq(luminance) if luminance else 0)
        video, _ = read_video(tmp_path / "a.mkv", tone_map=True, depth=8)
        assert np.ptp(video[1, 16, 24]) <= 1  # grey
        shown[luminance] = int(video[1, 16, 24, 0])
    for luminance in (0, 20, 50, 80):
        expected = 255 * (luminance / 203) ** (1 / 2.4)
        assert shown[luminance] == pytest.approx(expected, abs=1)
    assert 220 < shown[203] < shown[500] < shown[1000] == shown[4000] == 255
    hdr(tmp_path / "b.mkv", HLG, 0.75)  # white of BT.2408 in HLG
    video, _ = read_video(tmp_path / "b.mkv", tone_map=True)
    assert video.dtype == np.uint16
    assert video[1, 16, 24] / 257 == pytest.approx([shown[203]] * 3, abs=2)


def test_tone_mapping_turns_wide_gamuts_into_bt709(tmp_path: Path) -> None:
    # A colour of BT.709 in linear light, in terms of BT.2020 as BT.2087 defines it.
    linear = np.array([0.6, 0.2, 0.1])
    rows = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    wide = 255 * (np.array(rows) @ linear) ** (1 / 2.4)
    values = as_yuv(wide.tolist(), BT2020, bits=10)
    flat(tmp_path / "a.mkv", values, "yuv444p10le", tags=(BT2020, 1, BT2020, 14))
    video, _ = read_video(tmp_path / "a.mkv", tone_map=True, depth=8)
    assert np.abs(video[1, 16, 24] - 255 * linear ** (1 / 2.4)).max() <= 2
    kept, _ = read_video(tmp_path / "a.mkv", depth=8)
    assert np.abs(kept[1, 16, 24] - wide).max() <= 2


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_deep_values_come_back(tmp_path: Path, name: str) -> None:
    video = np.empty((2, 32, 96, 3), np.uint16)
    video[:, :, :48], video[:, :, 48:] = 65535, (50000, 10000, 30000)
    write(tmp_path / name, video)
    read, _ = read_video(tmp_path / name)
    assert read.dtype == np.uint16
    assert read[1, 16, 20].tolist() == [65535] * 3
    # Ten bits of limited range have steps of 75, and red and blue up to two of them.
    assert np.abs(read[1, 16, 76].astype(int) - video[1, 16, 76]).max() <= 150


# Sizes


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_clip_that_changes_its_size_says_so(tmp_path: Path, interlaced: bool) -> None:
    fields: dict[str, Any] = {"x264-params": "tff=1"} if interlaced else {}
    for name, size in (("a.h264", (32, 48)), ("b.h264", (64, 96)), ("c.h264", (32, 48))):
        encode(tmp_path / name, numbered(8, size), **fields)
    parts = [(tmp_path / name).read_bytes() for name in ("a.h264", "b.h264", "c.h264")]
    (tmp_path / "all.h264").write_bytes(b"".join(parts))
    line = "all.h264' changes its size: 8 frames are resized to 48x32, the size of the first one"
    with pytest.warns(UserWarning, match=line):
        video, _ = read_video(tmp_path / "all.h264")
    assert video.shape == (24, 32, 48, 3)
    assert numbers(video) == [*range(8)] * 3
    with pytest.raises(VideoError, match=line):
        read_video(tmp_path / "all.h264", strict=True)


# Rates


def test_a_constant_rate_is_kept_with_jitter() -> None:
    random = np.random.default_rng(0)
    times = np.arange(300) / 30 + random.uniform(-0.005, 0.005, 300)
    timeline = even_out(np.sort(times), stated=[Fraction(30)])
    assert timeline.fps == pytest.approx(30, rel=1e-3)
    assert not timeline.is_variable
    assert len(timeline.order) == 300


def test_pulldown_is_even() -> None:
    times = np.cumsum([0, *[2 / 59.94, 3 / 59.94] * 50])
    timeline = even_out(times, stated=[Fraction(30000, 1001)])
    assert timeline.fps == pytest.approx(23.976, abs=2e-3)
    assert not timeline.is_variable


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(24000, 1001), Fraction(60000, 1001)])
def test_rounded_times_have_the_stated_rate(rate: Fraction) -> None:
    times = np.round(np.arange(50) / float(rate), 3)
    timeline = even_out(times, resolution=0.001, stated=[rate])
    assert timeline.fps == float(rate)


def test_frames_left_out_are_repeated() -> None:
    left_out = {5, 6, 20}
    times = np.array([n / 30 for n in range(40) if n not in left_out])
    timeline = even_out(times, stated=[Fraction(37, 2), Fraction(30)])
    assert timeline.fps == 30
    assert timeline.is_variable
    shown = np.rint(times[timeline.order] * 30).astype(int).tolist()
    assert shown == [{5: 4, 6: 4, 20: 19}.get(n, n) for n in range(40)]


def test_a_cut_is_no_hold() -> None:
    times = np.array([*range(20), 23]) / 25  # frames that would be decoded later are missing
    assert len(even_out(times, stated=[Fraction(25)], n_cut=1).order) == 21
    assert len(even_out(times, stated=[Fraction(25)]).order) == 24


@pytest.mark.parametrize(
    ("fps", "expected"),
    [(5, [1, 3, 5, 7, 9]), (20, sorted([*range(10)] * 2)), (10, [*range(10)])],
)
def test_another_rate_keeps_the_pace(fps: float, expected: list[int]) -> None:
    order = resampled(np.arange(10) / 10, 0.1, fps).order.tolist()
    assert len(order) == len(expected)
    assert max(abs(a - b) for a, b in zip(order, expected)) <= 1


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
def test_a_hold_has_the_rate_of_the_rest(tmp_path: Path, name: str) -> None:
    codec = "libvpx-vp9" if name == "a.webm" else "libx264"
    encode(tmp_path / name, numbered(12), [0, *range(10, 21)], codec=codec)
    with pytest.warns(UserWarning, match="has a variable frame rate; .* 10 frames a second"):
        video, fps = read_video(tmp_path / name)
    assert fps == 10
    assert numbers(video) == [0] * 10 + [*range(1, 12)]
    info = video_info(tmp_path / name)
    assert (info.frames, info.fps, info.variable_rate) == (21, 10, True)
    with pytest.warns(UserWarning, match="variable frame rate"):
        part, _ = read_video(tmp_path / name, frames=(8, 14))
    assert numbers(part) == [0, 0, 1, 2, 3, 4]


def test_a_gif_that_holds_a_frame(tmp_path: Path) -> None:
    first, *others = map(Image.fromarray, numbered(5))
    durations = [100, 100, 100, 100, 600]
    first.save(tmp_path / "a.gif", save_all=True, append_images=others, duration=durations)
    with pytest.warns(UserWarning, match="10 frames a second"):
        video, fps = read_video(tmp_path / "a.gif")
    assert fps == 10
    assert numbers(video) == [0, 1, 2, 3, *[4] * 6]


def test_rate_that_is_asked_for(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", numbered(20))
    for fps, step in [(5.0, 2), (20.0, 0.5)]:
        video, read = read_video(tmp_path / "a.mp4", fps=fps)
        assert read == fps
        expected = np.arange(len(video)) * step
        assert len(video) == 20 / step
        assert np.abs(numbers(video) - expected).max() <= 1
    np.save(tmp_path / "a.npy", numbered(4))
    video, read = read_video(tmp_path / "a.npy", fps=12)
    assert (len(video), read) == (4, 12)
    with pytest.raises(InvalidInput, match=r"fps must be between 0.01 and 1000, got 0"):
        read_video(tmp_path / "a.mp4", fps=0)


# Alpha


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_alpha_of_webm_is_read(tmp_path: Path, codec: str) -> None:
    video = np.zeros((24, 32, 64, 4), np.uint8)
    video[..., :3] = numbered(24) + 60
    video[..., 3] = np.linspace(0, 255, 64)
    with av.open(tmp_path / "a.webm", "w") as container:
        options = {"auto-alt-ref": "0", "g": "8", "crf": "4", "b": "2M"}
        stream: Any = container.add_stream(codec, rate=10, options=options)
        stream.height, stream.width, stream.pix_fmt = 32, 64, "yuva420p"
        stream.metadata["alpha_mode"] = "1"
        for pixels in video:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgba")))
        container.mux(stream.encode(None))
    assert video_info(tmp_path / "a.webm").channels == 4
    read, fps = read_video(tmp_path / "a.webm")
    assert (read.shape, fps) == (video.shape, 10)
    assert np.abs(read[..., 3].astype(int) - video[..., 3]).max() <= 6
    assert np.abs(read[..., :3].astype(int) - video[..., :3]).max() <= 6
    part, _ = read_video(tmp_path / "a.webm", frames=(10, 24, 9))
    np.testing.assert_array_equal(part, read[10::9])


def test_hidden_colours_stay_hidden_where_a_film_is_shrunk(tmp_path: Path) -> None:
    video = np.zeros((2, 48, 64, 4), np.uint8)
    video[..., 1] = 255
    video[:, 11:37, 15:45] = (255, 0, 0, 255)
    write(tmp_path / "a.mkv", video, codec="ffv1")
    for small in read_video(tmp_path / "a.mkv", max_size=20)[0]:
        assert small[small[..., 3] > 0, 1].max() == 0


# Shapes


def test_pixels_that_are_not_square_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(path, "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 144, 116, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(16, 11)
        stream.set_display_rotation(90)
        container.mux(stream.encode(av.VideoFrame(144, 116, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.warns(UserWarning, match=r"pixels of '.*a.mp4' are not square but 11:16; frames"):
        video, _ = read_video(path)
    info = video_info(path)
    assert video.shape[1:3] == (info.height, info.width) == (144, 116)
    assert info.pixel_aspect == Fraction(11, 16)


@pytest.mark.parametrize(
    ("degrees", "mirrored", "upside_down"),
    [*itertools.product([0, 90, 180, -90], [0, 1], [0, 1])],
)
def test_all_display_matrices(
    tmp_path: Path, degrees: int, mirrored: int, upside_down: int
) -> None:
    video = np.random.default_rng(1).integers(0, 2, (2, 4, 6, 1), np.uint8) * 255
    video = video.repeat(8, axis=1).repeat(8, axis=2).repeat(3, axis=3)
    turn = {"degrees": degrees, "hflip": bool(mirrored), "vflip": bool(upside_down)}
    encode(tmp_path / "a.mp4", video, pixels="yuv444p", turn=turn, crf="1")
    with av.open(tmp_path / "a.mp4") as container:
        stored: Any = next(container.decode(video=0)).side_data.get("DISPLAYMATRIX")
    a, b, _, c, d = np.frombuffer(stored, np.int32)[:5] // 65536 if stored else (1, 0, 0, 0, 1)
    # As ISO/IEC 14496-12 has it: a pixel at x, y is shown at a x + c y, b x + d y.
    y, x = np.indices(video.shape[1:3])
    shown_x, shown_y = a * x + c * y, b * x + d * y
    shown_x, shown_y = shown_x - shown_x.min(), shown_y - shown_y.min()
    expected = np.empty((2, shown_y.max() + 1, shown_x.max() + 1, 3), np.uint8)
    expected[:, shown_y, shown_x] = video
    read, _ = read_video(tmp_path / "a.mp4")
    assert read.shape == expected.shape
    assert np.abs(read.astype(int) - expected).max() < 9
    info = video_info(tmp_path / "a.mp4")
    flipped = video[:, :, ::-1] if info.mirrored else video
    np.testing.assert_array_equal(np.rot90(flipped, info.rotation // 90, axes=(1, 2)), expected)


def moving_bar(n_frames: int = 8) -> NDArray[np.uint8]:
    """A bar that moves between the two fields of each frame, the upper one first."""
    video = np.zeros((n_frames, 64, 96, 3), np.uint8)
    for t, field in itertools.product(range(n_frames), (0, 1)):
        x = 10 + 4 * (2 * t + field)
        video[t, field::2, x : x + 20] = 220
    return video


def combs(video: NDArray[Any]) -> float:
    """How much rows differ from both rows beside them."""
    rows = video[..., 1].astype(int)
    return float(np.abs(2 * rows[:, 1:-1] - rows[:, :-2] - rows[:, 2:]).mean())


def test_interlaced_video_is_made_whole(tmp_path: Path) -> None:
    video = moving_bar()
    fields: dict[str, Any] = {"x264-params": "tff=1", "flags": "+ildct+ilme", "crf": "5"}
    encode(tmp_path / "a.mp4", video, **fields)
    with pytest.warns(UserWarning, match="is interlaced; its fields are made into whole frames"):
        whole, fps = read_video(tmp_path / "a.mp4")
    assert video_info(tmp_path / "a.mp4").interlaced
    assert (len(whole), fps) == (8, 10)
    assert combs(video) > 10 > 2 > combs(whole)
    with pytest.warns(UserWarning, match="interlaced"):
        part, _ = read_video(tmp_path / "a.mp4", frames=(2, None, 3))
    np.testing.assert_array_equal(part, whole[2::3])
    encode(tmp_path / "b.mp4", video, crf="5")  # the same picture, and no fields
    assert combs(read_video(tmp_path / "b.mp4")[0]) > 10


# In parts

# x265 writes beyond its memory where a frame is at most 48 pixels wide.
CODECS = {
    "a.mp4": {"codec": "libx264", "g": "12", "bf": "3"},
    "b.mkv": {"codec": "libx264", "x264-params": "open-gop=1:keyint=12:bframes=3"},
    "c.ts": {"codec": "libx264", "x264-params": "open-gop=1:keyint=12:bframes=3"},
    "d.webm": {"codec": "libvpx-vp9", "g": "12", "deadline": "realtime"},
    "e.webm": {"codec": "libvpx", "g": "12", "auto-alt-ref": "1", "lag-in-frames": "16"},
    "f.avi": {"codec": "mpeg4", "g": "12", "bf": "2"},
    "g.avi": {"codec": "libx264", "g": "12", "bf": "3"},
    "h.mp4": {"codec": "libx265", "x265-params": "log-level=none:keyint=12"},
    "i.mpg": {"codec": "mpeg2video", "g": "12", "bf": "2"},
    "j.mov": {"codec": "prores_ks", "pixels": "yuv422p10le"},
}


@pytest.mark.parametrize("name", CODECS)
def test_parts_are_those_of_the_whole(tmp_path: Path, name: str) -> None:
    options: dict[str, Any] = dict(CODECS[name])
    encode(tmp_path / name, numbered(60), base=Fraction(1, 25), **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a whole clip has no words
        whole, fps = read_video(tmp_path / name, strict=True)
    assert fps == pytest.approx(25)
    assert len(whole) == video_info(tmp_path / name).frames == 60
    parts: list[Any] = [(0, 5), (30, 40), (50, None), (0, None, 12), (7, None, 13), (20, 55, 7)]
    for frames in parts:
        part, part_fps = read_video(tmp_path / name, frames=frames)
        np.testing.assert_array_equal(part, whole[slice(*frames)])
        assert part_fps == pytest.approx(25 / slice(*frames).indices(60)[2])
        np.testing.assert_array_equal(list(iter_video(tmp_path / name, frames=frames)), part)


def test_marks_on_every_packet_are_not_believed(tmp_path: Path) -> None:
    video = np.full((40, 32, 64, 3), 80, np.uint8)
    for number, frame in enumerate(video):
        frame[8:24, number : number + 16] = 240  # frames state only what changes
    encode(tmp_path / "a.mov", video, codec="rpza", pixels="rgb555le")
    whole, part = (read_video(tmp_path / "a.mov", frames=f)[0] for f in ((0, None), (30, 36)))
    np.testing.assert_array_equal(part, whole[30:36])


def test_few_frames_are_decoded_for_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encode(tmp_path / "a.mp4", numbered(60), g="12", bf="0")
    decoded = []
    decode = decoding.Decoder.decode

    def count(self: decoding.Decoder, packet: Any) -> Any:
        decoded.append(packet)
        return decode(self, packet)

    monkeypatch.setattr(decoding.Decoder, "decode", count)
    assert numbers(read_video(tmp_path / "a.mp4", frames=(0, None, 12))[0]) == [0, 12, 24, 36, 48]
    assert sum(packet is not None for packet in decoded) < 16


def test_frames_are_shrunk_as_they_are_read(tmp_path: Path) -> None:
    y, x = np.mgrid[:176, :320]
    video = np.empty((3, 176, 320, 3), np.uint8)
    video[:] = (127 + 90 * np.sin(x / 23) * np.cos(y / 17))[None, ..., None]
    write(tmp_path / "a.mp4", video)
    whole, _ = read_video(tmp_path / "a.mp4")
    small, _ = read_video(tmp_path / "a.mp4", max_size=80)
    assert small.shape == (3, 44, 80, 3)
    assert np.abs(small.astype(int) - resize(whole, (3, 44, 80))).max() <= 3
    np.save(tmp_path / "a.npy", whole)
    small, _ = read_video(tmp_path / "a.npy", max_size=80)
    np.testing.assert_array_equal(small, resize(whole, (3, 44, 80)))


def test_progress_is_told_for_each_frame(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", numbered(8))
    told: list[tuple[float, str]] = []
    read_video(tmp_path / "a.mp4", progress=lambda *step: told.append(step))
    assert [fraction for fraction, _ in told] == [n / 8 for n in range(1, 9)]
    assert told[2][1] == "frame 3 of 8"


@pytest.mark.slow
def test_memory_is_that_of_what_is_used(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", np.zeros((60, 2160, 3840, 3), np.uint8), preset="ultrafast", g="30")
    code = (
        "import resource, sys; from patchvid import read_video;"
        "print(read_video(sys.argv[1], max_size=160)[0].shape);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    # The system counts the memory of the process that starts another as the other's own.
    small = [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])"]
    command = [*small, sys.executable, "-c", code, str(tmp_path / "a.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    shape, kilobytes = done.stdout.splitlines()
    assert shape == "(60, 90, 160, 3)"
    assert int(kilobytes) < 500_000  # all frames have 1500 MB


def test_running_out_of_memory_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise MemoryError("no room for 75 GB")

    write(tmp_path / "a.mp4", numbered(3))
    monkeypatch.setattr(decoding.Converter, "__call__", fail)
    with pytest.raises(MemoryError, match="no room for 75 GB"):
        read_video(tmp_path / "a.mp4")


# What is amiss

TRUE = {"gif": 6, "webp": 6, "png": 6, "mp4": 6, "webm": 6, "npz": 6, "avi": 6}
STILLS = {"jpg": 1, "bmp": 1, "tif": 1, "ppm": 1}


@pytest.mark.parametrize("kind", [*TRUE, *STILLS])
def test_content_tells_what_a_file_is(tmp_path: Path, kind: str) -> None:
    video = numbered(6)
    true = tmp_path / f"true.{kind}"
    if kind in STILLS:
        Image.fromarray(video[3]).save(true)
    elif kind == "avi":
        encode(true, video, codec="mpeg4")
    else:
        write(true, video, fps=10)
    right, right_fps = read_video(true)
    for suffix in ("", ".gif", ".png", ".mp4", ".webp", ".npy", ".jpg", ".txt"):
        (tmp_path / f"named{suffix}").write_bytes(true.read_bytes())
        read, fps = read_video(tmp_path / f"named{suffix}")
        np.testing.assert_array_equal(read, right)
        assert fps == right_fps
    assert len(right) == (TRUE | STILLS)[kind]
    assert right_fps == (None if kind in STILLS or kind == "npz" else pytest.approx(10))


@pytest.mark.parametrize("name", ["a.mp4", "c.ts", "f.avi", "h.mp4", "i.mpg"])
def test_a_glitch_shows_as_ffmpeg_shows_it(tmp_path: Path, name: str) -> None:
    random = np.random.default_rng(5)
    video = random.integers(0, 256, (48, 32, 64, 3), np.uint8)
    options: dict[str, Any] = dict(CODECS[name])
    encode(tmp_path / name, video, base=Fraction(1, 25), **options)
    raw = bytearray((tmp_path / name).read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 1500] = random.bytes(1500)
    (tmp_path / name).write_bytes(raw)
    with av.open(tmp_path / name) as container:
        stream = container.streams.video[0]
        stream.codec_context.flags |= av.codec.context.Flags.output_corrupt
        expected = 0
        for packet in container.demux(stream):
            with suppress(av.error.InvalidDataError):
                expected += len(stream.decode(packet))
    with pytest.warns(UserWarning, match=rf"{name}' is (damaged: .* frame|cut short: )"):
        read, fps = read_video(tmp_path / name)
    assert len(read) == expected > 30
    assert fps == 25
    with pytest.raises(VideoError, match=rf"{name}' is (damaged|cut short)"):
        read_video(tmp_path / name, strict=True)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_what_is_missing_at_the_end_is_told(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write(path, np.random.default_rng(0).integers(0, 256, (50, 32, 48, 3), np.uint8), fps=10)
    whole = path.read_bytes()
    path.write_bytes(whole[: 6 * len(whole) // 10])
    with pytest.warns(UserWarning, match="is (cut short|damaged)") as told:
        read, fps = read_video(path)
    assert re.search(r"is cut short: [12]\.\d s are missing", str(told[0].message))
    assert 25 < len(read) < 35
    assert fps == 10


@pytest.mark.parametrize(
    ("name", "codec"), [("a.ts", "libx264"), ("a.m2ts", "libx264"), ("a.ogv", "libvpx")]
)
def test_an_end_within_a_packet_is_told(tmp_path: Path, name: str, codec: str) -> None:
    kind = {"mpegts_m2ts_mode": "1"} if name == "a.m2ts" else {}
    whole = io.BytesIO()
    video = np.random.default_rng(0).integers(0, 256, (30, 32, 48, 3), np.uint8)
    with av.open(whole, "w", "ogg" if codec == "libvpx" else "mpegts", options=kind) as container:
        stream: Any = container.add_stream(codec, rate=10)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        for pixels in video:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode(None))
    (tmp_path / name).write_bytes(whole.getvalue())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read_video(tmp_path / name)[0]) == 30
    n_bytes = len(whole.getvalue()) // 2 // 192 * 192 + 100
    (tmp_path / name).write_bytes(whole.getvalue()[:n_bytes])
    with pytest.warns(UserWarning, match="is (cut short|damaged)") as told:
        assert 10 < len(read_video(tmp_path / name)[0]) < 20
    assert f"{name}' is cut short: its end is missing; copy" in str(told[0].message)
    with pytest.raises(VideoError, match="its end is missing"):
        read_video(tmp_path / name, strict=True)


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.flv", "a.mp4", "a.ts"])
def test_a_clip_that_begins_late_is_whole(tmp_path: Path, name: str) -> None:
    codec = "libvpx-vp9" if name == "a.webm" else "libx264"
    encode(tmp_path / name, numbered(12), range(30, 42), codec=codec)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        video, fps = read_video(tmp_path / name)
    assert numbers(video) == [*range(12)]
    assert fps == 10


def test_what_pyav_cannot_decode_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
    )
    with pytest.raises(
        VideoError, match=r"PyAV has no decoder for '.*a.mp4' \(svg_pipe\); convert"
    ):
        read_video(tmp_path / "a.mp4")


TILES = (  # two grey ones, as phones store photos
    "eNptUM1Kw0AQ/rJbpBUr4k8JJUcPHo1HT4H6GPaw5qcd2G2WGEI9iPGg4GN49B18BF/GBxCcbLZQSgdmv5n5dr6d"
    "HQBRUT/ZZU4p2FRDhaEiNqQKIHg2ea3Q29Uy05WPYSmtsWWaHrrWLjy2VBtXDNhvSZdO+Q6QrsIefDIOIXz2xRgy"
    "u50B90QrJ+iYKSe58KqLirJZqUs3zoYJOj3VXMd7GLnDRFTlhR/9JCOzcN3CvfRBtrKMc7JpyXhOjzb3d1v2pP/j"
    "mtwwQz7O0lJXq1SvWWWMg3anKfF+pJp49oqoq12SNZvF8lpkICTEYCDeJGQPvHCTqdp9uEVyisNRePHy9y6m4+Rm"
    "NElChe+f3/Yfj41I4Q=="
)


def test_pictures_in_tiles_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(zlib.decompress(base64.b64decode(TILES)))
    with pytest.raises(VideoError, match=r"a.heic' is stored in tiles, which are not supported"):
        read_video(tmp_path / "a.heic")


def test_what_is_told_of_a_clip(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", numbered(5, (30, 40)), fps=12)
    info = video_info(tmp_path / "a.mp4")
    assert (info.frames, info.height, info.width, info.channels) == (5, 30, 40, 3)
    assert (info.dtype, info.fps, info.has_audio) == ("uint8", 12, False)
    assert (info.container, info.codec, info.pixel_format) == ("mov", "h264", "yuv420p")
    assert (info.color.primaries, info.color.transfer, info.color.matrix) == ("bt709",) * 3
    Image.fromarray(numbered(1)[0]).save(tmp_path / "a.png")
    still = video_info(tmp_path / "a.png")
    assert (still.frames, still.fps, still.container) == (1, None, "png")
    (tmp_path / "folder").mkdir()
    Image.fromarray(numbered(1)[0]).save(tmp_path / "folder" / "1.png")
    assert video_info(tmp_path / "folder").container == "folder"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"frames": (0, 5, 0)},
            r"frames must be whole numbers \(first, last\) or .* got \(0, 5, 0\)",
        ),
        ({"frames": (9, None)}, "has no frame 9; they are counted from 0"),
        ({"max_size": 0}, "max_size must be a whole number of at least 1, got 0"),
        ({"depth": 10}, "depth must be 8, 16 or None, got 10"),
    ],
)
def test_options_that_cannot_be_used(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    write(tmp_path / "a.mp4", numbered(3))
    with pytest.raises(InvalidInput, match=message):
        read_video(tmp_path / "a.mp4", **options)
