"""MPEG-TS and Ogg files that were cut short, by their last bytes; `packets` has other formats."""

from pathlib import Path

_PACKETS = ((188, 0), (192, 4), (204, 0))  # of MPEG-TS: length, and where the mark is
_TS_MARK = b"G"
_PAGE, _HEADER, _LAST = b"OggS", 27, 4  # of Ogg: the mark, bytes of a header, a bit of its flags
_LARGEST_PAGE = _HEADER + 255 + 255 * 255


def is_cut_short(path: Path, container: str) -> bool:
    """Whether a file in one of FFmpeg's containers visibly lacks its end."""
    if container == "mpegts":
        return _ends_within_a_packet(path)
    return container == "ogg" and not _ends_with_the_last_page(path)


def _ends_within_a_packet(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(3 * 204)
    size = path.stat().st_size
    for length, at in _PACKETS:
        marks = [head[start + at : start + at + 1] for start in (0, length, 2 * length)]
        if marks == [_TS_MARK] * 3:
            return size % length > 0
    return False


def _ends_with_the_last_page(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LARGEST_PAGE))
        tail = file.read()
    page = tail[tail.rfind(_PAGE) :]
    n_segments = page[_HEADER - 1] if len(page) >= _HEADER else 0
    n_bytes = _HEADER + n_segments + sum(page[_HEADER : _HEADER + n_segments])
    return bool(page[5:6] and page[5] & _LAST) and len(page) >= n_bytes
