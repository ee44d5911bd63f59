"""What video files hold: codecs, bits, colours, alpha, and warnings where something is lost."""

import shutil
import subprocess
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import pytest
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from patchvid.errors import InvalidInput
from patchvid.io import codecs
from patchvid.io.info import ColorTags, VideoInfo
from patchvid.io.reading import read_video, video_info
from patchvid.io.writing import check_target, write_video

FILMS = (".mp4", ".mov", ".mkv", ".webm")
PQ = ColorTags("bt2020", "smpte2084", "bt2020nc", "tv")
HLG = ColorTags("bt2020", "arib-std-b67", "bt2020nc", "tv")
SD = ColorTags("smpte170m", "smpte170m", "smpte170m", "tv")
P3 = ColorTags("smpte432", "bt709", "bt709", "tv")

# By ITU-R BT.709 and BT.2020: the weights of R, G and B in luma.
WEIGHTS = {"bt709": (0.2126, 0.7152, 0.0722), "bt2020": (0.2627, 0.6780, 0.0593)}


def info(**properties: Any) -> VideoInfo:
    return VideoInfo(None, 64, 80, 3, "uint16", 24.0, **properties)


def waves(n_channels: int = 3, dtype: Any = np.uint8, size: tuple[int, int] = (64, 80)) -> Any:
    """A smooth clip over the whole range of its type."""
    t, y, x, c = np.ogrid[:3, : size[0], : size[1], :n_channels]
    wave = 0.5 + 0.5 * np.sin(0.05 * x + 0.03 * y * (c - 1) + 0.1 * t + 2.1 * c)
    return np.rint(wave * np.iinfo(dtype).max).astype(dtype)


class Stream(NamedTuple):
    """What FFmpeg tells of a file."""

    codec: str
    tag: str
    pixels: str
    aspect: Fraction | None
    tags: tuple[int, int, int, int]
    metadata: dict[str, str]


def probe(path: Path) -> Stream:
    with av.open(path) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        tags = (context.color_primaries, context.color_trc, context.colorspace)
        aspect = stream.sample_aspect_ratio
        return Stream(
            context.codec.canonical_name,
            context.codec_tag,
            str(context.pix_fmt),
            Fraction(aspect.numerator, aspect.denominator) if aspect else None,
            (*tags, context.color_range),
            stream.metadata,
        )


def decode(path: Path, pixels: str, decoder: str | None = None) -> NDArray[Any]:
    """All frames, by FFmpeg's decoder of this name or its own choice, without its shortcuts."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        context: Any = stream.codec_context
        if decoder is not None:
            context = av.CodecContext.create(decoder, "r")
        packets = [packet for packet in container.demux(stream) if packet.size] + [None]
        frames = [frame for packet in packets for frame in context.decode(packet)]
    reformatter = VideoReformatter()
    flags = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
    exact = [reformatter.reformat(f, format=pixels, interpolation=flags) for f in frames]
    return np.stack([frame.to_ndarray() for frame in exact])


def flat(colours: Any, dtype: Any = np.uint8) -> NDArray[Any]:
    """A clip of flat squares of 64 pixels, (2, 64, n * 64, 3)."""
    rows = np.repeat(np.array(colours, dtype)[None], 64, axis=1)
    return np.broadcast_to(rows, (2, 64, *rows.shape[1:])).copy()


# Codecs


@pytest.mark.parametrize(
    ("suffix", "codec", "name", "tag", "pixels"),
    [
        (".mp4", None, "h264", "avc1", "yuv420p"),
        (".mp4", "h265", "hevc", "hvc1", "yuv420p"),
        (".mp4", "av1", "av1", "av01", "yuv420p"),
        (".mov", None, "h264", "avc1", "yuv420p"),
        (".mov", "prores", "prores", "apch", "yuv422p10le"),
        (".mkv", "ffv1", "ffv1", None, "bgr0"),
        (".mkv", "h265", "hevc", None, "yuv420p"),
        (".webm", None, "vp9", None, "yuv420p"),
        (".webm", "av1", "av1", None, "yuv420p"),
    ],
)
def test_codecs_by_name(
    tmp_path: Path, suffix: str, codec: str | None, name: str, tag: str | None, pixels: str
) -> None:
    write_video(tmp_path / f"clip{suffix}", waves(), codec=codec)
    stream = probe(tmp_path / f"clip{suffix}")
    assert (stream.codec, stream.pixels) == (name, pixels)
    if tag is not None:
        assert stream.tag == tag
    decoded = decode(tmp_path / f"clip{suffix}", "rgb24")
    # Files of ProRes cannot say where chroma is, and so it is decoded half a pixel beside it.
    assert np.abs(decoded.astype(int) - waves()).mean() < (3 if codec == "prores" else 1.5)


def test_ffv1_is_lossless(tmp_path: Path) -> None:
    for dtype, pixels in [(np.uint8, "rgb24"), (np.uint16, "rgb48le")]:
        video = waves(3, dtype, (31, 33))
        write_video(tmp_path / "clip.mkv", video, codec="ffv1", overwrite=True)
        np.testing.assert_array_equal(decode(tmp_path / "clip.mkv", pixels), video)


@pytest.mark.parametrize(
    ("suffix", "settings", "message"),
    [
        (".mp4", {"codec": "prores"}, r"h264, h265 or av1, got 'prores'; write \.mov or \.mkv"),
        (".mp4", {"codec": "vp9"}, r"got 'vp9'; write \.webm or \.mkv"),
        (".mkv", {"codec": "mpeg2"}, "h264, h265, vp9, av1, prores or ffv1, got 'mpeg2'"),
        (".mkv", {"codec": "gif"}, "got 'gif'"),
        (".gif", {"codec": "h264"}, "codec is for video files, .*, got .gif; leave it out"),
        ("", {"quality": 50}, "quality is for video files, .*, got a folder"),
        (".npz", {"depth": 8}, "depth is for video files, .*, got .npz"),
        (".mp4", {"quality": 0}, "quality must be a whole number of at least 1, got 0"),
        (".mp4", {"quality": 101}, "quality must be from 1 to 100, got 101"),
        (".mov", {"codec": "prores", "quality": 9}, "prores has one quality only"),
        (".mp4", {"depth": 9}, "depth must be 8, 10, 12 or 16, got 9"),
    ],
)
def test_settings_that_a_format_does_not_have(
    tmp_path: Path, suffix: str, settings: dict[str, Any], message: str
) -> None:
    for refuse in (check_target, lambda path, **kw: write_video(path, waves(), **kw)):
        with pytest.raises(InvalidInput, match=message):
            refuse(tmp_path / f"clip{suffix}", **settings)
    assert not list(tmp_path.iterdir())


def test_encoder_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(codecs.CODECS, "av1", codecs.CODECS["av1"]._replace(encoder="libnone"))
    with pytest.raises(InvalidInput, match=r"no encoder for av1 \(libnone\); choose another"):
        check_target(tmp_path / "clip.mp4", codec="av1")


@pytest.mark.parametrize(("codec", "least"), [("h265", 16), ("av1", 64)])
def test_sides_that_are_too_short_for_a_codec(tmp_path: Path, codec: str, least: int) -> None:
    message = f"{codec} needs at least {least} pixels per side, got 20x8"
    with pytest.raises(InvalidInput, match=message):
        write_video(tmp_path / "clip.mp4", waves(size=(8, 20)), codec=codec)


@pytest.mark.parametrize("codec", ["h264", "h265", "vp9", "av1"])
def test_quality_decides_on_size_and_error(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "clip.mkv"
    noise = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    sizes, errors = [], []
    for quality in (10, 50, 84, 100):
        write_video(path, noise, codec=codec, quality=quality, overwrite=True)
        sizes.append(path.stat().st_size)
        errors.append(np.abs(decode(path, "rgb24").astype(int) - noise).mean())
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)
    assert sizes[0] * 2 < sizes[-1]
    write_video(path, noise, codec=codec, quality=84, overwrite=True)
    written = path.read_bytes()
    write_video(path, noise, codec=codec, overwrite=True)
    assert path.read_bytes() == written


def test_the_same_codec_gives_the_same_bytes_each_time(tmp_path: Path) -> None:
    for codec in codecs.FILM_CODECS:
        made = set()
        for _ in range(3):
            write_video(tmp_path / "clip.mkv", waves(), codec=codec, overwrite=True)
            made.add((tmp_path / "clip.mkv").read_bytes())
        assert len(made) == 1, codec


@pytest.mark.parametrize("size", [(16, 16), (32, 48), (64, 16), (50, 128)])
def test_small_sizes_in_10_bits(tmp_path: Path, size: tuple[int, int]) -> None:
    video = waves(3, np.uint16, size)
    for _ in range(5):  # x265 by itself writes outside of its memory here, and mostly crashes
        write_video(tmp_path / "clip.mp4", video, overwrite=True)
    assert decode(tmp_path / "clip.mp4", "rgb48le").shape == video.shape


@pytest.mark.parametrize("codec", codecs.FILM_CODECS)
@pytest.mark.parametrize("n_frames", [1, 2, 3, 4])
def test_short_clips(tmp_path: Path, codec: str, n_frames: int) -> None:
    video = waves()[[0, 1, 2, 0][:n_frames]]
    write_video(tmp_path / "clip.mkv", video, codec=codec)
    read = decode(tmp_path / "clip.mkv", "rgb24")
    assert read.shape == video.shape
    assert np.abs(read.astype(int) - video).mean() < 2.5


def test_encoders_print_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for codec in codecs.FILM_CODECS:
        write_video(tmp_path / f"{codec}.mkv", waves(), codec=codec)
    assert capfd.readouterr() == ("", "")


# Playing


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_files_play_before_they_are_loaded(tmp_path: Path, suffix: str) -> None:
    write_video(tmp_path / f"clip{suffix}", waves())
    raw = (tmp_path / f"clip{suffix}").read_bytes()
    assert raw.index(b"moov") < raw.index(b"mdat")


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("size", [(47, 64), (48, 63)])
def test_odd_sizes_are_kept_with_a_word(tmp_path: Path, codec: str, size: tuple[int, int]) -> None:
    with pytest.warns(UserWarning, match=f"is {size[1]}x{size[0]}: {codec} holds odd sizes only"):
        write_video(tmp_path / "clip.mp4", waves(size=size), codec=codec)
    assert decode(tmp_path / "clip.mp4", "rgb24").shape == (3, *size, 3)


@pytest.mark.parametrize("codec", ["vp9", "av1", "prores", "ffv1"])
def test_other_codecs_play_at_odd_sizes(tmp_path: Path, codec: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_video(tmp_path / "clip.mkv", waves(size=(65, 79)), codec=codec)
    assert decode(tmp_path / "clip.mkv", "rgb24").shape == (3, 65, 79, 3)


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_pixels_keep_their_shape(tmp_path: Path, suffix: str, codec: str) -> None:
    path = tmp_path / f"clip{suffix}"
    write_video(path, waves(), codec=codec, info=info(pixel_aspect=Fraction(16, 11)))
    assert probe(path).aspect == Fraction(16, 11)
    read = video_info(path).pixel_aspect
    assert (type(read), read) == (Fraction, Fraction(16, 11))  # PyAV 19 has a type of its own


@pytest.mark.parametrize("suffix", [".webm", ".gif", ".png", ""])
def test_a_word_where_pixels_lose_their_shape(tmp_path: Path, suffix: str) -> None:
    with pytest.warns(UserWarning, match="but the clip.s are 8:9, so it looks wide"):
        write_video(tmp_path / f"clip{suffix}", waves(), info=info(pixel_aspect=Fraction(8, 9)))


# Colours


@pytest.mark.parametrize("suffix", FILMS)
@pytest.mark.parametrize("source", [None, SD])
def test_films_are_in_bt709_and_say_so(
    tmp_path: Path, suffix: str, source: ColorTags | None
) -> None:
    path = tmp_path / f"clip{suffix}"
    like = None if source is None else info(color=source)
    squares = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (10, 128, 245), (255, 255, 255), (0, 0, 0)]
    write_video(path, flat(squares), info=like)
    assert probe(path).tags == (1, 1, 1, 1)  # of ITU-T H.273: BT.709, thrice, and limited range
    luma = decode(path, "yuv420p")[0, 32, 32::64]
    expected = 16 + 219 * (np.array(squares) / 255) @ WEIGHTS["bt709"]
    np.testing.assert_allclose(luma, expected, atol=1.01)


@pytest.mark.parametrize("suffix", FILMS)
def test_ffprobe_sees_the_tags(tmp_path: Path, suffix: str) -> None:
    ffprobe = shutil.which("ffprobe")
    if ffprobe is None:
        pytest.skip("there is no ffprobe on the PATH")
    write_video(tmp_path / f"clip{suffix}", waves())
    entries = "stream=color_range,color_space,color_transfer,color_primaries,pix_fmt"
    command = [ffprobe, "-v", "error", "-show_entries", entries, "-of", "csv=p=0"]
    told = subprocess.run(
        [*command, tmp_path / f"clip{suffix}"], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "yuv420p,tv,bt709,bt709,bt709"


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mp4", None), (".mp4", "av1"), (".mov", None), (".mkv", None)]
)
@pytest.mark.parametrize("color", [PQ, HLG])
def test_high_dynamic_range_is_kept(
    tmp_path: Path, suffix: str, codec: str | None, color: ColorTags
) -> None:
    path = tmp_path / f"clip{suffix}"
    squares = [(65535, 0, 0), (0, 65535, 0), (0, 0, 65535), (9000, 30000, 60000)]
    write_video(path, flat(squares, np.uint16), codec=codec, info=info(color=color))
    curve = {"smpte2084": 16, "arib-std-b67": 18}[color.transfer]
    assert probe(path).tags == (
        9,
        curve,
        9,
        1,
    )  # of ITU-T H.273: BT.2020, its matrix, limited range
    assert probe(path).pixels.endswith("p10le")
    luma = decode(path, "yuv420p10le")[0, 32, 32::64]
    expected = 64 + 876 * (np.array(squares) / 65535) @ WEIGHTS["bt2020"]
    np.testing.assert_allclose(luma, expected, atol=3)


def test_high_dynamic_range_is_never_written_in_8_bits_by_default(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", waves(), info=info(color=HLG))
    assert probe(tmp_path / "clip.mp4").pixels == "yuv420p10le"


@pytest.mark.filterwarnings("ignore:.* holds 8 bits per channel")
@pytest.mark.parametrize("suffix", [".gif", ".webp", ""])
def test_a_word_where_high_dynamic_range_gets_lost(tmp_path: Path, suffix: str) -> None:
    with pytest.warns(UserWarning, match="cannot state that its values are PQ"):
        write_video(tmp_path / f"clip{suffix}", waves(), info=info(color=PQ))


def test_wide_gamuts_are_kept(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", waves(), info=info(color=P3))
    assert probe(tmp_path / "clip.mp4").tags == (12, 1, 1, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", ["", ".png", ".webp", ".tif", ".gif"])
def test_wide_gamuts_become_srgb_where_a_file_cannot_state_them(
    tmp_path: Path, suffix: str, dtype: Any
) -> None:
    white = np.iinfo(dtype).max
    # A colour of sRGB in linear light, in terms of P3 (SMPTE EG 432-1, with the same white).
    linear = np.array([0.6, 0.2, 0.1])
    rows = [[0.822462, 0.177538, 0], [0.033194, 0.966806, 0], [0.017083, 0.072397, 0.910520]]
    wide = (np.array(rows) @ linear) ** (1 / 2.4)
    video = flat([np.rint(wide * white), (0, 0, 0)], dtype)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* holds 8 bits")
        write_video(tmp_path / f"clip{suffix}", video, info=info(color=P3))
    read, _ = read_video(tmp_path / f"clip{suffix}", depth=16)
    np.testing.assert_allclose(read[0, 32, 32] / 65535, linear ** (1 / 2.4), atol=0.006)
    np.testing.assert_array_equal(read[0, 32, 96], 0)


# Depth


@pytest.mark.parametrize(
    ("suffix", "settings", "name", "pixels"),
    [
        (".mp4", {}, "hevc", "yuv420p10le"),
        (".mp4", {"codec": "av1"}, "av1", "yuv420p10le"),
        (".mp4", {"depth": 12}, "hevc", "yuv420p12le"),
        (".mov", {}, "prores", "yuv422p10le"),
        (".mov", {"codec": "h265"}, "hevc", "yuv420p10le"),
        (".mkv", {}, "hevc", "yuv420p10le"),
        (".mkv", {"depth": 16}, "ffv1", "gbrp16le"),
        (".webm", {}, "av1", "yuv420p10le"),
    ],
)
def test_16_bits_are_written_in_10_or_more(
    tmp_path: Path, suffix: str, settings: dict[str, Any], name: str, pixels: str
) -> None:
    path = tmp_path / f"clip{suffix}"
    grey = np.linspace(0, 65535, 1024).astype(np.uint16).reshape(1, 32, 32, 1).repeat(2, axis=0)
    grey = grey.repeat(4, axis=1).repeat(4, axis=2)  # 1024 levels that 8 bits cannot tell apart
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_video(path, grey, **settings)
    assert (probe(path).codec, probe(path).pixels) == (name, pixels)
    read = decode(path, "rgb48le")[..., 0].astype(float)
    if pixels.startswith("yuv"):
        read *= 65535 / (255 << 8)  # FFmpeg makes this of the white of limited range
    centres = (slice(None), slice(1, None, 4), slice(1, None, 4))
    error = read[centres] - grey[..., 0][centres]
    assert np.abs(error).mean() < 40  # of 65535; in 8 bits it would be 64 at least
    assert np.abs(error.mean()) < 33
    assert len(np.unique(read[0])) > 600


def test_floats_fill_as_many_bits_as_asked_for(tmp_path: Path) -> None:
    video = waves(3, np.uint16)
    write_video(tmp_path / "a.mkv", video / np.float32(65535), codec="ffv1", depth=16)
    np.testing.assert_array_equal(decode(tmp_path / "a.mkv", "rgb48le"), video)


@pytest.mark.parametrize(
    ("suffix", "settings", "bits"),
    [
        (".mp4", {"codec": "h264"}, 8),
        (".webm", {"codec": "vp9"}, 8),
        (".gif", {}, 8),
        (".webp", {}, 8),
        (".mp4", {"codec": "av1", "depth": 12}, 10),
        (".mov", {"codec": "prores", "depth": 12}, 10),
    ],
)
def test_a_word_where_bits_get_lost(
    tmp_path: Path, suffix: str, settings: dict[str, Any], bits: int
) -> None:
    with pytest.warns(UserWarning, match=f"holds {bits} bits per channel, and loses the others"):
        write_video(tmp_path / f"clip{suffix}", waves(3, np.uint16), **settings)


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "h265"), (".mkv", "h265"), (".mp4", "av1")])
def test_what_hdr10_says_of_display_and_light_is_kept(
    tmp_path: Path, suffix: str, codec: str
) -> None:
    display = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329, 0.005, 1000.0)
    hdr10 = info(color=PQ, mastering_display=display, content_light=(900, 400))
    write_video(tmp_path / f"clip{suffix}", waves(3, np.uint16), codec=codec, info=hdr10)
    read = video_info(tmp_path / f"clip{suffix}")
    assert read.mastering_display == pytest.approx(display, abs=2e-4)
    assert read.content_light == (900, 400)
    write_video(tmp_path / f"bare{suffix}", waves(3, np.uint16), codec=codec, info=info(color=PQ))
    bare = video_info(tmp_path / f"bare{suffix}")
    assert (bare.mastering_display, bare.content_light) == (None, None)


# Alpha


@pytest.mark.parametrize(
    ("suffix", "settings", "decoder", "error"),
    [
        (".webm", {}, "libvpx-vp9", 3),
        (".mkv", {}, "libvpx-vp9", 3),
        (".mov", {}, None, 1),
        (".mkv", {"codec": "ffv1"}, None, 0),
    ],
)
@pytest.mark.parametrize("size", [(48, 64), (47, 63)])
def test_alpha_is_kept(
    tmp_path: Path,
    suffix: str,
    settings: dict[str, Any],
    decoder: str | None,
    error: int,
    size: tuple[int, int],
) -> None:
    video = waves(4, np.uint8, size)
    write_video(tmp_path / f"clip{suffix}", video, **settings)
    read = decode(tmp_path / f"clip{suffix}", "rgba", decoder)
    assert np.abs(read[..., 3].astype(int) - video[..., 3]).max() <= error
    assert (
        np.abs(read[..., :3].astype(int) - video[..., :3]).mean() < 3.5
    )  # chroma beside its place


def test_webm_says_that_it_has_alpha(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.webm", waves(4))
    assert probe(tmp_path / "clip.webm").metadata["alpha_mode"] == "1"


def test_opaque_alpha_needs_no_room(tmp_path: Path) -> None:
    video = waves(4)
    video[..., 3] = 255
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for suffix in FILMS:
            write_video(tmp_path / f"clip{suffix}", video)
    assert probe(tmp_path / "clip.mov").codec == "h264"


def test_deep_alpha_is_blended_with_white_in_all_its_bits(tmp_path: Path) -> None:
    video = waves(4, np.uint16)
    with pytest.warns(UserWarning, match="holds no alpha, so it is blended with white"):
        write_video(tmp_path / "clip.mp4", video)
    share = video[..., 3:] / 65535
    expected = video[..., :3] * share + 65535 * (1 - share)
    read = decode(tmp_path / "clip.mp4", "rgb48le")
    assert np.abs(read - expected).mean() < 2.5 * 257
