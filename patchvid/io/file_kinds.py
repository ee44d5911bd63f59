"""The kind of a file, by its first bytes, because names may be wrong."""

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
_HAS_AVIF = "avif" in features.modules and features.check("avif")  # since Pillow 11.3
FLOATS = ("exr", "pfm", "hdr")
PICTURES = (*FLOATS, "gif", "png", "jpeg", "tiff", "bmp", "pnm", "webp", "avif")


def check_is_file(path: Path) -> None:
    """Refuse pipes and devices, which may never end and cannot be read twice."""
    if path.exists() and not (path.is_file() or path.is_dir()):
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
            if kind == "png" and head[24:25] == _DEEP and _is_animated(path):
                return "film"  # Pillow would lose half of the bits
            if kind == "avif" and (not _HAS_AVIF or _is_deep_avif(path)):
                return "film"  # here too
            return kind
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "pnm"
    return "film"


def _is_deep_avif(path: Path) -> bool:
    """Whether an AVIF has more than 8 bits, and neither alpha nor tiles, which FFmpeg drops."""
    with path.open("rb") as file:
        head = file.read(_AVIF_HEAD)
    at = head.find(b"av1C")
    is_deep = at > 0 and head[at + 6 : at + 7] > b"" and bool(head[at + 6] & 0x40)
    return is_deep and b"auxiliary:alpha" not in head and b"grid" not in head


def _is_animated(path: Path) -> bool:
    """Whether a PNG has more than one frame: a block before its pixels says so."""
    with path.open("rb") as file:
        file.seek(8)
        while len(block := file.read(8)) == 8 and block[4:] != b"IDAT":
            if block[4:] == b"acTL":
                return int.from_bytes(file.read(4)) > 1
            file.seek(int.from_bytes(block[:4]) + 4, 1)
    return False
