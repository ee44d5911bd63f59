"""The kind of a file, by its first bytes, because names may be wrong."""

import stat
from pathlib import Path

from PIL import features

from patchvid._paths import quoted
from patchvid.errors import VideoError

# Kinds of files by some first bytes, and their offset. FFmpeg tells all kinds of video apart.
_SIGNATURES = (
    ("gif", 0, (b"GIF87a", b"GIF89a")),
    ("png", 0, (b"\x89PNG\r\n\x1a\n",)),
    ("jpeg", 0, (b"\xff\xd8\xff",)),
    ("tiff", 0, (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    ("exr", 0, (b"v/1\x01",)),
    ("pfm", 0, (b"PF\n", b"Pf\n")),
    ("hdr", 0, (b"#?RADIANCE\n", b"#?RGBE\n")),
    ("npy", 0, (b"\x93NUMPY",)),
    ("npz", 0, (b"PK\x03\x04", b"PK\x05\x06")),
    ("webp", 8, (b"WEBP",)),
    ("avif", 4, (b"ftypavif", b"ftypavis")),
)
# How lists of other files begin, within so many bytes. FFmpeg would open those files.
_PLAYLISTS = (
    *((b"#EXTM3U", 7), (b"ffconcat version", 16)),
    *((b"<MPD", 1024), (b"<CompositionPlaylist", 1024)),
)
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)  # the lengths that its second header may have
_DEEP = b"\x10"  # bits of a PNG, after its size
_AVIF_HEAD = 1 << 16  # bytes that hold the properties of an AVIF
_SHORT = 64  # bytes
_HAS_AVIF = "avif" in features.modules and features.check("avif")  # since Pillow 11.3
FLOATS = ("exr", "pfm", "hdr")
PICTURES = (*FLOATS, "gif", "png", "jpeg", "tiff", "bmp", "pnm", "webp", "avif")


def check_is_file(path: Path) -> None:
    """Refuse pipes and devices, which may never end and cannot be read twice."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # opening it says why
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise VideoError(f"{quoted(path)} is a pipe or a device; save it as a file first")


def kind_of(path: Path) -> str:
    """The kind of picture or array in a file; ``"folder"`` for a folder; otherwise ``"film"``."""
    if path.is_dir():
        return "folder"
    check_is_file(path)
    with path.open("rb") as file:
        head = file.read(1024)
    if not head:
        raise VideoError(f"{quoted(path)} is empty; copy or download it again")
    if any(mark in head.lstrip(b"\xef\xbb\xbf \r\n\t")[:at] for mark, at in _PLAYLISTS):
        raise VideoError(f"{quoted(path)} is a list of other files; give the videos that it names")
    for kind, start, marks in _SIGNATURES:
        if head[start:].startswith(marks):
            if kind == "jpeg" and path.suffix.lower() in (".mjpeg", ".mjpg"):
                return "film"  # a sequence of JPEG files, which begins as a single one does
            if kind == "png" and head[24:25] == _DEEP:
                n_frames = int.from_bytes(png_block(path, b"acTL")[:4])
                kind = "film" if n_frames > 1 else kind  # Pillow would lose half of the bits
            if kind == "avif" and (not _HAS_AVIF or _is_for_ffmpeg(path)):
                return "film"  # here too
            return kind
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "pnm"
    return "film"


def avif_head(path: Path) -> bytes:
    """The first bytes of an AVIF, which hold its properties."""
    with path.open("rb") as file:
        return file.read(_AVIF_HEAD)


def avif_bits(path: Path) -> int:
    """The bits per channel of an AVIF."""
    head = avif_head(path)
    at = head.find(b"av1C")
    flags = head[at + 6] if 0 < at < len(head) - 6 else 0
    return (12 if flags & 0x20 else 10) if flags & 0x40 else 8


def _is_for_ffmpeg(path: Path) -> bool:
    """Whether an AVIF has more than 8 bits, and neither alpha nor tiles, which FFmpeg drops."""
    head = avif_head(path)
    return avif_bits(path) > 8 and b"auxiliary:alpha" not in head and b"grid" not in head


def png_block(path: Path, name: bytes) -> bytes:
    """A short block of a PNG that comes before the pixels; empty if there is none."""
    with path.open("rb") as file:
        file.seek(8)
        while len(block := file.read(8)) == 8 and block[4:] != b"IDAT":
            size = int.from_bytes(block[:4])
            if block[4:] == name:
                return file.read(min(size, _SHORT))
            file.seek(size + 4, 1)
    return b""
