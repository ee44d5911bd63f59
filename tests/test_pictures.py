"""Pictures: GIF as browsers show it, alpha, 16 bits, OpenEXR, folders of frames.

Right values come from Pillow, tifffile, OpenEXR and files put together by hand.
"""

import struct
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms, features

from patchvid import InvalidInput, VideoError, generate, read_video, video_info, write_video
from patchvid.errors import TargetExists

Array = NDArray[Any]

OpenEXR = pytest.importorskip("OpenEXR", reason="OpenEXR is not installed")


def colours(*shape: int, dtype: Any = np.uint8) -> Array:
    most = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    return (np.random.default_rng(0).random(shape) * most).astype(dtype)


def hide(video: Array) -> Array:
    """The video with black under its transparent pixels."""
    return np.where(video[..., 3:] > 0, video, 0)


# GIF, put together by hand: a screen of 4x3 pixels, colours 0 red, 1 green, 2 blue, 3 white

RED, GREEN, BLUE, WHITE = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))
CLEAR = (0, 0, 0, 0)


def gif_frame(
    numbers: Array, left: int, top: int, *, disposal: int = 0, clear: int | None = None, delay: int
) -> bytes:
    """A frame as a GIF stores it, its pixels as a plain chain of 3-bit codes."""
    control = (disposal << 2) | (clear is not None)
    codes = []
    for number in numbers.ravel():
        codes += [4, int(number)]  # 4 starts anew, so that codes never grow
    bits = "".join(f"{code:03b}"[::-1] for code in [*codes, 5])
    bits += "0" * (-len(bits) % 8)
    data = bytes(int(bits[i : i + 8][::-1], 2) for i in range(0, len(bits), 8))
    height, width = numbers.shape
    return (
        b"!\xf9\x04" + struct.pack("<BHBB", control, delay, clear or 0, 0)
        + b"," + struct.pack("<HHHHB", left, top, width, height, 0)
        + b"\x02" + bytes([len(data)]) + data + b"\0"
    )  # fmt: skip


def gif(*frames: bytes, size: tuple[int, int] = (4, 3), end: bytes = b";") -> bytes:
    table = b"".join(map(bytes, (RED, GREEN, BLUE, WHITE)))
    screen = struct.pack("<HHBBB", *size, 0x81, 2, 0)  # its background is said to be blue
    return b"GIF89a" + screen + table + b"".join(frames) + end


def test_gif_pixels_come_and_go_as_in_browsers(tmp_path: Path) -> None:
    whole, dot = np.zeros((3, 4), int), np.ones((1, 2), int)
    (tmp_path / "a.gif").write_bytes(
        gif(
            gif_frame(whole, 0, 0, delay=5),
            gif_frame(dot, 1, 1, disposal=2, delay=5),  # then cleared
            gif_frame(dot * 2, 0, 0, disposal=3, delay=5),  # then as it was before
            gif_frame(np.array([[3, 1]]), 2, 2, clear=1, delay=5),
        )
    )
    video, fps = read_video(tmp_path / "a.gif")
    red, hole = np.full((3, 4, 4), (*RED, 255)), (slice(1, 2), slice(1, 3))
    second, third = red.copy(), red.copy()
    second[hole] = (*GREEN, 255)
    third[hole] = CLEAR
    fourth = third.copy()
    third[0, :2] = (*BLUE, 255)
    fourth[2, 2] = (*WHITE, 255)  # beside it nothing is drawn
    assert fps == 20
    np.testing.assert_array_equal(video, [red, second, third, fourth])


def test_what_a_gif_does_not_draw_is_transparent(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(gif(gif_frame(np.ones((1, 2), int), 1, 1, delay=0)))
    video, fps = read_video(tmp_path / "a.gif")
    assert fps is None
    assert (video[0, ..., 3] > 0).sum() == 2
    np.testing.assert_array_equal(video[0, 1, 1], (*GREEN, 255))


@pytest.mark.parametrize(("delay", "fps"), [(0, 10), (1, 10), (2, 50), (3, 100 / 3), (10, 10)])
def test_gif_rates_are_those_of_browsers(tmp_path: Path, delay: int, fps: float) -> None:
    whole = np.zeros((3, 4), int)
    (tmp_path / "a.gif").write_bytes(
        gif(*(gif_frame(whole + n, 0, 0, delay=delay) for n in range(3)))
    )
    assert read_video(tmp_path / "a.gif")[1] == pytest.approx(fps, rel=1e-3)


def test_gif_without_its_end_or_its_size(tmp_path: Path) -> None:
    frames = [gif_frame(np.full((3, 4), n), 0, 0, delay=5) for n in range(3)]
    (tmp_path / "a.gif").write_bytes(gif(*frames, size=(0, 0), end=b""))
    with pytest.warns(UserWarning, match="has no end mark; all of its frames are read"):
        video, _ = read_video(tmp_path / "a.gif", strict=True)
    np.testing.assert_array_equal(video[:, 1, 1], [RED, GREEN, BLUE])
    assert video.shape == (3, 3, 4, 3)


@pytest.mark.parametrize("disposal", [1, 2])
@pytest.mark.parametrize("interlace", [False, True])
def test_gifs_of_pillow(tmp_path: Path, disposal: int, interlace: bool) -> None:
    frames = colours(5, 20, 30, 4) & 0xC0
    frames[..., 3] = np.where(colours(5, 20, 30) > 128, 255, 0)
    pictures = [Image.fromarray(frame) for frame in frames]
    pictures[0].save(
        tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=80, loop=0,
        disposal=disposal, interlace=interlace,
    )  # fmt: skip
    video, fps = read_video(tmp_path / "a.gif")
    assert fps == 12.5
    if disposal == 2:
        np.testing.assert_array_equal(hide(video), hide(frames))
    else:  # each frame lies over those before
        over = frames.copy()
        for before, frame in pairwise(over):
            frame[frame[..., 3] == 0] = before[frame[..., 3] == 0]
        np.testing.assert_array_equal(hide(video), hide(over))


# Alpha


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.apng", "a.webp", "a.tif", "folder/"])
def test_alpha_goes_out_and_in(tmp_path: Path, name: str) -> None:
    video = colours(4, 24, 32, 4)
    video[..., 3] = np.where(video[..., 3] > 120, 255, 0)
    video[1, ..., 3] = 255
    if name == "a.gif":
        video[..., :3] &= 0xE0
        video[..., :3] = video[:, :4, :4, :3].repeat(6, 1).repeat(8, 2)  # few colours
    write_video(f"{tmp_path}/{name}", video, fps=10)
    read, _ = read_video(tmp_path / name)
    np.testing.assert_array_equal(hide(read), hide(video))
    if name == "a.gif":  # seen by others in the same way
        with Image.open(tmp_path / name) as image:
            for index, frame in enumerate(video):
                image.seek(index)
                np.testing.assert_array_equal(hide(np.asarray(image.convert("RGBA"))), hide(frame))


def test_a_gif_cuts_alpha_at_one_half(tmp_path: Path) -> None:
    video = np.full((2, 16, 16, 4), 200, np.uint8)
    video[..., 3] = np.arange(0, 256, 16)
    write_video(tmp_path / "a.gif", video)
    read, _ = read_video(tmp_path / "a.gif")
    np.testing.assert_array_equal(read[..., 3], np.where(video[..., 3] >= 128, 255, 0))
    assert (read[read[..., 3] > 0] >= 198).all()  # no darker edge


def test_a_picture_before_an_animation_is_no_frame(tmp_path: Path) -> None:
    frames = [Image.fromarray(frame) for frame in colours(4, 12, 16, 3)]
    frames[0].save(
        tmp_path / "a.png",
        save_all=True,
        append_images=frames[1:],
        default_image=True,
        duration=100,
    )
    video, fps = read_video(tmp_path / "a.png")
    np.testing.assert_array_equal(video, np.stack([np.asarray(frame) for frame in frames[1:]]))
    assert fps == pytest.approx(10)


# 16 bits


def block(name: bytes, data: bytes) -> bytes:
    """A block of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(pixels: Array, kind: int) -> bytes:
    """A PNG of 16 bits, by its specification."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    blocks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(block(*pair) for pair in blocks)


@pytest.mark.parametrize(("channels", "kind"), [(1, 0), (2, 4), (3, 2), (4, 6)])
def test_pngs_keep_16_bits(tmp_path: Path, channels: int, kind: int) -> None:
    pixels = colours(10, 14, channels, dtype=np.uint16)
    (tmp_path / "a.png").write_bytes(png(pixels, kind))
    (video,), fps = read_video(tmp_path / "a.png")
    rgb = pixels if channels > 2 else np.repeat(pixels[..., :1], 3, axis=2)
    expected = np.concatenate([rgb, pixels[..., 1:]], axis=2) if channels == 2 else rgb
    assert (fps, video.dtype) == (None, np.uint16)
    np.testing.assert_array_equal(video, expected)
    assert video_info(tmp_path / "a.png").dtype == "uint16"
    assert read_video(tmp_path / "a.png", depth=8)[0].dtype == np.uint8


@pytest.mark.parametrize("name", ["a.png", "a.tif", "folder/", "named/%05d.tif", "named/%03d.png"])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("frames", [1, 3])
def test_16_bits_go_out_and_in(tmp_path: Path, name: str, channels: int, frames: int) -> None:
    video = colours(frames, 10, 14, channels, dtype=np.uint16)
    write_video(f"{tmp_path}/{name}", video, fps=10)
    target = tmp_path / name
    read, _ = read_video(target.parent if "%" in name else target)
    np.testing.assert_array_equal(read, video)
    for path in tmp_path.rglob("*.tif"):
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            assert isinstance(page, tifffile.TiffPage)
            assert page.shape == video.shape[1:]
            extra = page.tags.get("ExtraSamples")
            assert (extra and extra.value) == ((2,) if channels == 4 else None)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiffs_of_tifffile(
    tmp_path: Path, dtype: Any, channels: int, compression: str | None
) -> None:
    video = colours(3, 10, 14, channels, dtype=dtype)
    tifffile.imwrite(
        tmp_path / "a.tif", video if channels > 1 else video[..., 0], compression=compression,
        photometric="rgb" if channels > 1 else "minisblack",
        extrasamples=["unassalpha"] if channels == 4 else None,
    )  # fmt: skip
    read, _ = read_video(tmp_path / "a.tif")
    assert read.dtype == dtype
    grey = channels == 1 and dtype != np.float32
    np.testing.assert_array_equal(read, np.repeat(video, 3, axis=3) if grey else video)


def test_a_range_of_12_bits_is_named(tmp_path: Path) -> None:
    video = colours(2, 10, 14, 3, dtype=np.uint16) >> 4
    write_video(tmp_path / "a.tif", video)
    with pytest.warns(UserWarning, match=r"never exceed 4095, as if they had 12 bits.* by 16"):
        read_video(tmp_path / "a.tif")
    np.save(tmp_path / "a.npy", video >> 2)
    with pytest.warns(UserWarning, match=r"never exceed 1023, as if they had 10 bits.* by 64"):
        read_video(tmp_path / "a.npy")


@pytest.mark.parametrize("name", ["a.pfm", "a.hdr"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_of_floats(tmp_path: Path, name: str, channels: int) -> None:
    pixels = np.exp2(np.random.default_rng(0).integers(-3, 9, (10, 14, channels))).astype("f4")
    if name == "a.hdr" and channels == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    _, data = cv2.imencode(name[1:], pixels[..., ::-1])
    (tmp_path / "as.png").write_bytes(data.tobytes())
    (video,), fps = read_video(tmp_path / "as.png")
    assert (fps, video.dtype) == (None, np.float32)
    np.testing.assert_allclose(video, pixels, atol=1 if name == "a.hdr" else 0)
    assert video_info(tmp_path / "as.png").color.transfer == "linear"


@pytest.mark.parametrize("n_frames", [1, 3])
def test_avif_of_10_bits(tmp_path: Path, n_frames: int) -> None:
    with av.open(tmp_path / "a.avif", "w") as container:
        stream: Any = container.add_stream("libsvtav1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p10le"
        context = stream.codec_context
        context.color_trc, context.colorspace, context.color_primaries = 16, 9, 9
        for _ in range(n_frames):
            frame = av.VideoFrame(64, 64, "yuv420p10le")
            for plane in frame.planes:
                plane.update(np.full(plane.buffer_size // 2, 513, "<u2").tobytes())
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.warns(
        UserWarning, match=r"'.*a.avif' has high dynamic range \(PQ\), which is kept"
    ):
        video, fps = read_video(tmp_path / "a.avif")
    assert video.shape == (n_frames, 64, 64, 3)
    assert video.dtype == np.uint16
    assert fps == (10 if n_frames > 1 else None)
    assert abs(video[..., 1] / 65535 - (513 - 64) / 876).max() < 0.01


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif_keeps_its_rate(tmp_path: Path) -> None:
    first, *others = map(Image.fromarray, colours(3, 16, 16, 4))
    first.save(tmp_path / "a.avif", save_all=True, append_images=others, duration=80)
    first.save(tmp_path / "still.avif")
    video, fps = read_video(tmp_path / "a.avif")
    assert (video.shape, fps) == ((3, 16, 16, 4), 12.5)
    assert read_video(tmp_path / "still.avif")[1] is None


# Colours: a profile of ICC's simplest kind, and numbers of ITU-T H.273

# The columns of red, green and blue in XYZ, for a white of D50.
ADOBE = np.array(
    [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]]
)
SRGB = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
)


def icc(space: bytes, gamma: float, columns: Array | None = None) -> bytes:
    """A profile of grey, or of RGB with the given columns."""

    def fixed(*values: float) -> bytes:
        return struct.pack(f">{len(values)}i", *(round(65536 * value) for value in values))

    curve = b"curv" + struct.pack(">IIH", 0, 1, round(256 * gamma)) + b"\0\0"
    tags = {b"wtpt": b"XYZ \0\0\0\0" + fixed(0.9642, 1, 0.8249)}
    tags[b"desc"] = b"desc" + struct.pack(">II", 0, 5) + b"test\0" + bytes(79)
    if columns is None:
        tags[b"kTRC"] = curve
    else:
        for name, column in zip((b"r", b"g", b"b"), columns.T):
            tags[name + b"XYZ"] = b"XYZ \0\0\0\0" + fixed(*column)
            tags[name + b"TRC"] = curve
    table, data = struct.pack(">I", len(tags)), b""
    for tag, value in tags.items():
        table += tag + struct.pack(">II", 132 + 12 * len(tags) + len(data), len(value))
        data += value
    head = struct.pack(
        ">I4sI4s4s4s", 132 + 12 * len(tags) + len(data), b"", 0x2100000, b"mntr", space, b"XYZ "
    )
    head += bytes(12) + b"acsp" + bytes(28) + fixed(0.9642, 1, 0.8249)
    return head.ljust(128, b"\0") + table + data


def srgb_of(values: Array, gamma: float, columns: Array) -> Array:
    """Values from 0 to 1 with a gamma and columns of XYZ, in sRGB from 0 to 1."""
    light = np.clip(values**gamma @ (np.linalg.inv(SRGB) @ columns).T, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def with_block(raw: bytes, name: bytes, body: bytes) -> bytes:
    """A PNG with a further block."""
    return raw[:33] + block(name, body) + raw[33:]


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif", "a.avif"])
def test_profiles_are_converted_to_srgb(tmp_path: Path, name: str) -> None:
    if name == "a.avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    pixels = np.repeat(np.repeat(colours(4, 6, 3), 16, axis=0), 16, axis=1)
    profile = icc(b"RGB ", 2.2, ADOBE)
    settings: dict[str, Any] = {} if name == "a.tif" else {"quality": 100}
    settings |= {"subsampling": "4:4:4"} if name in ("a.jpg", "a.avif") else {}
    settings |= {"lossless": True} if name == "a.webp" else {}
    Image.fromarray(pixels).save(tmp_path / name, icc_profile=profile, **settings)
    (read,), _ = read_video(tmp_path / name)
    expected = 255 * srgb_of(pixels / 255, 2.2, ADOBE)
    off = np.abs(read - expected)
    assert np.quantile(off, 0.98) < (3 if name in ("a.jpg", "a.avif") else 1)
    assert np.abs(expected - pixels).max() > 40
    Image.fromarray(pixels).save(tmp_path / name, icc_profile=b"damaged", **settings)
    (kept,), _ = read_video(tmp_path / name)
    assert np.quantile(np.abs(kept.astype(int) - pixels), 0.98) < 3


@pytest.mark.parametrize("name", ["a.png", "a.tif", "animated.png"])
def test_profiles_of_deep_pictures_are_named(tmp_path: Path, name: str) -> None:
    pixels, profile = colours(8, 9, 3, dtype=np.uint16), icc(b"RGB ", 2.2, ADOBE)
    path, body = tmp_path / name, b"name\0\0" + zlib.compress(profile)
    if name == "a.tif":
        tifffile.imwrite(path, pixels, photometric="rgb", iccprofile=profile)
    elif name == "a.png":
        path.write_bytes(with_block(png(pixels, 2), b"iCCP", body))
    else:
        write_video(path, np.stack([pixels, pixels[::-1]]))
        path.write_bytes(with_block(path.read_bytes(), b"iCCP", body))
    with pytest.warns(UserWarning, match=rf"{name}' has more than 8 bits .* profile 'test', which"):
        video, _ = read_video(path)
    np.testing.assert_array_equal(video[0], pixels)


def test_profiles_of_grey_and_of_srgb(tmp_path: Path) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(8, 32)
    Image.fromarray(grey).save(tmp_path / "a.png", icc_profile=icc(b"GRAY", 1.0))
    (read,), _ = read_video(tmp_path / "a.png")
    expected = 255 * srgb_of(np.repeat(grey[..., None], 3, 2) / 255, 1.0, SRGB)
    assert np.abs(read - expected).max() <= 1
    pixels = colours(8, 9, 4)
    for profile in (
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        b"\0" * 200,
    ):
        Image.fromarray(pixels).save(tmp_path / "b.png", icc_profile=profile)
        np.testing.assert_array_equal(read_video(tmp_path / "b.png")[0][0], pixels)


@pytest.mark.parametrize("deep", [False, True])
def test_colours_that_a_png_states_by_number(tmp_path: Path, deep: bool) -> None:
    pixels = colours(8, 9, 3, dtype=np.uint16 if deep else np.uint8)
    save(tmp_path / "8.png", colours(8, 9, 3))
    raw = png(pixels, 2) if deep else (tmp_path / "8.png").read_bytes()
    (tmp_path / "hlg.png").write_bytes(with_block(raw, b"cICP", bytes((9, 18, 0, 1))))
    with pytest.warns(UserWarning, match=r"hlg.png' has high dynamic range \(HLG\), which is kept"):
        (read,), _ = read_video(tmp_path / "hlg.png")
    np.testing.assert_array_equal(read, pixels)
    (tmp_path / "p3.png").write_bytes(with_block(raw, b"cICP", bytes((12, 13, 0, 1))))
    np.testing.assert_array_equal(read_video(tmp_path / "p3.png")[0][0], pixels)
    assert video_info(tmp_path / "p3.png").color.primaries == "smpte432"
    (mapped,), _ = read_video(tmp_path / "p3.png", tone_map=True)
    assert mapped.dtype == pixels.dtype
    assert np.abs(mapped.astype(int) - pixels).max() > 20


def test_deep_avif_with_alpha(tmp_path: Path) -> None:
    pixels = np.kron(colours(2, 3, 4, dtype=np.uint16) >> 6, np.ones((32, 32, 1), np.uint16))
    encoded, data = False, np.empty(0, np.uint8)
    if cv2.haveImageWriter("a.avif"):
        settings = (cv2.IMWRITE_AVIF_DEPTH, 10, cv2.IMWRITE_AVIF_QUALITY, 100)
        encoded, data = cv2.imencode(".avif", pixels[..., [2, 1, 0, 3]], settings)
    if not encoded:
        pytest.skip("this OpenCV has no AVIF")
    (tmp_path / "a.avif").write_bytes(data.tobytes())
    (read,), _ = read_video(tmp_path / "a.avif")
    assert read.dtype == np.uint16
    inner = np.abs(read / 65535 - pixels / 1023)[8::32, 8::32]
    assert inner.max() < 0.01
    (tmp_path / "frames").mkdir()
    for number in range(2):
        (tmp_path / "frames" / f"{number}.avif").write_bytes(data.tobytes())
    np.testing.assert_array_equal(read_video(tmp_path / "frames")[0], np.stack([read, read]))


# OpenEXR


def save_exr(path: Path, channels: dict[str, Array], **header: Any) -> None:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    with OpenEXR.File(header, {k: np.ascontiguousarray(v) for k, v in channels.items()}) as file:
        file.write(str(path))


def load_exr(path: Path) -> dict[str, Array]:
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return {name: channel.pixels for name, channel in file.channels().items()}


def light(*shape: int, dtype: Any = np.float16) -> Array:
    """Linear light with highlights up to 60000."""
    random = np.random.default_rng(0)
    video = random.random(shape)
    video[random.random(shape) > 0.98] = 60000
    return video.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_exr_sequences_come_out_as_they_were(tmp_path: Path, dtype: Any) -> None:
    video = light(4, 20, 24, 3, dtype=dtype)
    (tmp_path / "shot").mkdir()
    for index, frame in enumerate(video):
        save_exr(tmp_path / f"shot/{index + 8}.exr", {"RGB": frame})
    read, fps = read_video(tmp_path / "shot")
    assert (fps, read.dtype) == (None, dtype)
    np.testing.assert_array_equal(read, video)
    info = video_info(tmp_path / "shot")
    write_video(f"{tmp_path}/out/", read, info=info)
    written = [load_exr(tmp_path / f"out/{index:05d}.exr") for index in range(4)]
    for channel, name in enumerate("RGB"):
        np.testing.assert_array_equal([frame[name] for frame in written], video[..., channel])
        assert written[0][name].dtype == dtype
    made = generate(read, seed=1, coarsest=(3, 12), iterations=1)
    assert made.dtype == dtype
    assert np.isin(made, video).all()


def test_exr_alpha_is_straight_in_arrays_and_premultiplied_in_files(tmp_path: Path) -> None:
    pixels = np.zeros((6, 8, 4), np.float16)
    pixels[:, 2:] = (2, 1, 0.5, 0.5)
    save_exr(tmp_path / "a.exr", {"RGBA": pixels})
    video, _ = read_video(tmp_path / "a.exr")
    np.testing.assert_array_equal(video[0, 3, 4], (4, 2, 1, 0.5))
    np.testing.assert_array_equal(video[0, 3, 1], 0)
    write_video(tmp_path / "b.exr", video)
    back = load_exr(tmp_path / "b.exr")
    np.testing.assert_array_equal(np.stack([back[name] for name in "RGBA"], axis=-1), pixels)


def test_exr_windows_channels_and_gaps(tmp_path: Path) -> None:
    window = (np.array([0, 0], np.int32), np.array([11, 7], np.int32))
    part = (np.array([2, 1], np.int32), np.array([13, 4], np.int32))  # beyond the right border
    pixels = light(4, 12, 3)
    save_exr(tmp_path / "part.exr", {"RGB": pixels}, dataWindow=part, displayWindow=window)
    (frame,), _ = read_video(tmp_path / "part.exr")
    assert frame.shape == (8, 12, 3)
    np.testing.assert_array_equal(frame[1:5, 2:], pixels[:, :10])
    assert frame[0].max() == frame[5:].max() == frame[:, :2].max() == 0
    depth = light(8, 12, dtype=np.float32)
    depth[0, :2] = (np.nan, np.inf)
    save_exr(tmp_path / "depth.exr", {"Z": depth})
    (frame,), _ = read_video(tmp_path / "depth.exr")
    np.testing.assert_array_equal(frame[0, :2, 0], (0, 65504))
    np.testing.assert_array_equal(frame[1:, :, 0], depth[1:])
    save_exr(tmp_path / "layers.exr", {f"diffuse.{c}": pixels[..., i] for i, c in enumerate("RGB")})
    np.testing.assert_array_equal(read_video(tmp_path / "layers.exr")[0][0], pixels)


def test_exr_as_other_formats_and_the_reverse(tmp_path: Path) -> None:
    save_exr(tmp_path / "a.exr", {"RGB": np.full((16, 16, 3), 0.2158605, np.float32)})
    video, _ = read_video(tmp_path / "a.exr")
    with pytest.warns(UserWarning, match="gets the curve of sRGB: the clip is linear light; write"):
        write_video(tmp_path / "a.png", video, info=video_info(tmp_path / "a.exr"))
    assert (read_video(tmp_path / "a.png")[0] == 128).all()
    write_video(tmp_path / "b.exr", read_video(tmp_path / "a.png")[0])
    np.testing.assert_allclose(read_video(tmp_path / "b.exr")[0], 0.2158605, atol=1e-6)


def test_exr_files_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match=r"holds one frame, got 3; give a name such as"):
        write_video(tmp_path / "a.exr", light(3, 8, 8, 3))
    save_exr(tmp_path / "a.exr", {"RGB": light(40, 50, 3)})
    (tmp_path / "cut.exr").write_bytes((tmp_path / "a.exr").read_bytes()[:900])
    with pytest.raises(VideoError, match=r"cannot read .*cut.exr': it is damaged or cut short"):
        read_video(tmp_path / "cut.exr")
    monkeypatch.setitem(__import__("sys").modules, "OpenEXR", None)
    remedy = r"a.exr' needs the package OpenEXR; install it: pip install 'patchvid\[exr\]'"
    with pytest.raises(VideoError, match=remedy):
        read_video(tmp_path / "a.exr")
    with pytest.raises(VideoError, match=remedy.replace("a.exr", "b.exr")):
        write_video(tmp_path / "b.exr", light(1, 8, 8, 3))


# Folders


def save(path: Path, pixels: Array) -> None:
    Image.fromarray(pixels).save(path)


def test_a_folder_says_what_it_leaves_out(tmp_path: Path) -> None:
    frames = colours(12, 10, 14, 3)
    for index, frame in enumerate(frames):
        save(tmp_path / f"frame{index}.png", frame)  # 10 after 9
    save(tmp_path / "cover.jpg", frames[0])
    save(tmp_path / "thumbnail.png", frames[0, ::2, ::2])
    (tmp_path / "notes.txt").write_text("not a picture")
    with pytest.warns(UserWarning, match="left out; most") as shown:
        video, _ = read_video(tmp_path)
    np.testing.assert_array_equal(video, frames)
    first, second = (str(warning.message) for warning in shown)
    assert first.endswith("'cover.jpg' is left out; most files are .png")
    assert second.endswith("'thumbnail.png' is left out; most frames are 14x10")


def test_misnamed_and_damaged_pictures_of_a_folder(tmp_path: Path) -> None:
    frames = colours(3, 10, 14, 3)
    for index, frame in enumerate(frames):
        save(tmp_path / f"{index}.png", frame)
    Image.fromarray(frames[1]).save(tmp_path / "1.png", format="BMP")
    np.testing.assert_array_equal(read_video(tmp_path)[0], frames)
    whole = (tmp_path / "2.png").read_bytes()
    for raw, words in ((b"", "is empty"), (whole[:60], "damaged"), (whole[:-60], "damaged")):
        (tmp_path / "2.png").write_bytes(raw)
        with pytest.raises(VideoError, match=rf"2.png' ?.*{words}") as error:
            read_video(tmp_path)
        assert "\n" not in str(error.value)


def test_8_and_16_bits_in_one_folder(tmp_path: Path) -> None:
    pixels = colours(2, 10, 14, 3)
    save(tmp_path / "0.png", pixels[0])
    (tmp_path / "1.png").write_bytes(png(pixels[1].astype(np.uint16) * 257, 2))
    video, _ = read_video(tmp_path)
    np.testing.assert_array_equal(video, pixels.astype(np.uint16) * 257)


def test_numbered_names_are_folders_of_their_own(tmp_path: Path) -> None:
    video = colours(3, 10, 14, 3)
    write_video(tmp_path / "out/shot.%04d.tif", video)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"shot.{index:04d}.tif" for index in range(3)
    ]
    with pytest.raises(TargetExists):
        write_video(tmp_path / "out/shot.%04d.tif", video)
    write_video(tmp_path / "out/shot.%04d.tif", video[:1], overwrite=True)
    assert len(list((tmp_path / "out").iterdir())) == 1
    with pytest.raises(VideoError, match="it is a folder with other files"):
        write_video(tmp_path / "out/%04d.png", video, overwrite=True)
