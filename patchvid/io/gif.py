"""GIF animations as browsers show them.

Pillow decodes the pixels of each stored frame. The format lets readers decide how to combine
frames. This one does as browsers do: pixels that no frame has drawn are transparent, whatever the
background colour of the file, and a frame shorter than two hundredths of a second shows for ten.
"""

import struct
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from patchvid._paths import quoted
from patchvid.errors import VideoError
from patchvid.io.info import VideoInfo
from patchvid.io.source import Frame, Source, Wanted
from patchvid.io.timeline import even_out

CLEARED, RESTORED = 2, 3  # disposal methods: how a frame is removed before the next one
TOO_SHORT, SHOWN_INSTEAD = 1, 10  # hundredths of a second

_FRAME, _EXTENSION, _END = b",", b"!", b";"
_CONTROL = b"!\xf9"  # how the next frame is shown

_Palette = NDArray[np.uint8]
_Control = tuple[int | None, int, int]  # the clear colour, the disposal and the delay

# A palette in which each colour is its own number, so that Pillow returns the numbers of pixels.
_NUMBERS = bytes(np.repeat(np.arange(256, dtype=np.uint8), 3))
_NO_PALETTE: _Palette = np.full((256, 4), 255, np.uint8)
_NO_PALETTE[:, :3] = np.arange(256, dtype=np.uint8)[:, None]
_DEFAULT: _Control = (None, 0, 0)


class _Stored(NamedTuple):
    """A stored frame: `still` is a GIF of its pixels alone."""

    still: bytes
    palette: _Palette
    corner: tuple[int, int]  # top, left
    size: tuple[int, int]
    clear: int | None  # the colour that is transparent
    disposal: int
    delay: int


class _Gif(NamedTuple):
    """The parts of a GIF: its size, its complete frames, and whether all blocks are there."""

    size: tuple[int, int]
    frames: list[_Stored]
    is_whole: bool
    has_end: bool


def gif_source(path: Path) -> Source:
    """Open a GIF, still or animated. If more than its last byte is missing, it is damaged."""
    gif = _parse(path.read_bytes())
    if not gif.frames:
        raise VideoError(
            f"{quoted(path)} is damaged or cut short before its first frame; copy it again"
        )
    words, damage = [], []
    if not gif.is_whole:
        damage.append(
            f"{quoted(path)} is damaged or cut short after {len(gif.frames)} frames; copy it again"
        )
    elif not gif.has_end:
        words.append(f"{quoted(path)} has no end mark; all of its frames are read")
    delays = np.array([frame.delay for frame in gif.frames])
    shown = np.where(delays <= TOO_SHORT, SHOWN_INSTEAD, delays) / 100
    if len(gif.frames) == 1:
        shown = np.zeros(1)
    times = np.cumsum(shown) - shown
    timeline = even_out(times, shown[-1], resolution=0.01)
    info = VideoInfo(
        frames=len(timeline.order),
        height=gif.size[0],
        width=gif.size[1],
        channels=4 if _may_be_clear(gif) else 3,
        dtype="uint8",
        fps=timeline.fps,
        variable_rate=timeline.is_variable,
        container="gif",
    )
    decode = partial(_decode, gif)
    known = times if len(gif.frames) > 1 else times[:0]
    return Source(path, info, timeline, decode, known, shown[-1], words, damage)


def _may_be_clear(gif: _Gif) -> bool:
    """Whether pixels may be transparent: not covered by the first frame, or cleared later."""
    first = gif.frames[0]
    covers = first.corner == (0, 0) and first.size == gif.size and first.clear is None
    return not covers or any(frame.disposal == CLEARED for frame in gif.frames)


def _decode(gif: _Gif, wanted: Wanted) -> Iterator[Frame]:
    """Yield the wanted frames, (y, x, 4), each drawn over those before."""
    order = np.arange(len(gif.frames)) if wanted.stored is None else wanted.stored
    times_shown = np.bincount(order, minlength=len(gif.frames))
    canvas = np.zeros((*gif.size, 4), np.uint8)
    for frame, count in zip(gif.frames[: order[-1] + 1], times_shown):
        before = canvas.copy() if frame.disposal == RESTORED else canvas
        place = tuple(slice(at, at + n) for at, n in zip(frame.corner, frame.size))
        _draw(frame, canvas[place])
        for _ in range(count):
            yield canvas.copy()
        if frame.disposal == CLEARED:
            canvas[place] = 0
        elif frame.disposal == RESTORED:
            canvas = before


def _draw(frame: _Stored, region: NDArray[np.uint8]) -> None:
    """Draw a frame on a region of the canvas, which may be smaller at its borders."""
    with Image.open(BytesIO(frame.still)) as image:
        numbers = np.asarray(image)[: region.shape[0], : region.shape[1]]
    is_drawn = numbers != (-1 if frame.clear is None else frame.clear)
    region[is_drawn] = frame.palette[numbers[is_drawn]]


def clear_between_frames(path: Path) -> None:
    """Make a GIF clear every frame before the next one, which must cover the whole picture.

    FFmpeg does so only after frames with transparent pixels; others would show through later ones.
    """
    raw = bytearray(path.read_bytes())
    for at, _ in _blocks(raw):
        if raw[at : at + 2] == _CONTROL:
            raw[at + 3] = raw[at + 3] & ~(7 << 2) | CLEARED << 2
    path.write_bytes(raw)


def _parse(raw: bytes) -> _Gif:
    """Split a GIF into its frames. The last one counts only if it is complete."""
    frames: list[_Stored] = []
    control = _DEFAULT  # of the next frame
    width = height = at = 0
    is_whole = True
    try:
        width, height, flags = struct.unpack_from("<HHB", raw, 6)
        shared, at = _palette(raw, 13, flags)
        for start, at in _blocks(raw):
            if raw[start : start + 2] == _CONTROL:
                packed, delay, number = struct.unpack_from("<BHB", raw, start + 3)
                control = number if packed & 1 else None, packed >> 2 & 7, delay
            elif raw[start : start + 1] == _FRAME:
                frames.append(_stored(raw, start, at, shared, control))
                control = _DEFAULT
    except (IndexError, struct.error, ValueError):  # cut short within a block, or no block
        is_whole = False
    if at >= len(raw) and control is not _DEFAULT:
        is_whole = False
    if frames:  # some files state a size of 0, or one smaller than the first frame
        height, width = (max(n, m) for n, m in zip((height, width), _reach(frames[0])))
    return _Gif((height, width), frames, is_whole, raw[at : at + 1] == _END)


def _blocks(raw: bytes | bytearray) -> Iterator[tuple[int, int]]:
    """The begin and end of each block before the end mark."""
    at = 13 + _palette_size(raw[10])
    while raw[at : at + 1] not in (b"", _END):
        if raw[at : at + 1] == _FRAME:
            end = _after_data(raw, at + 11 + _palette_size(raw[at + 9]))
        elif raw[at : at + 1] == _EXTENSION:
            end = _after_data(raw, at + 2)
        else:
            raise ValueError("the next bytes are not a block")
        yield at, end
        at = end


def _stored(
    raw: bytes, start: int, end: int, shared: _Palette | None, control: _Control
) -> _Stored:
    left, top, width, height, flags = struct.unpack_from("<HHHHB", raw, start + 1)
    palette, data = _palette(raw, start + 10, flags)
    if palette is None:
        palette = _NO_PALETTE if shared is None else shared
    screen = struct.pack("<HHBBB", width, height, 0xF7, 0, 0)
    place = struct.pack("<HHHHB", 0, 0, width, height, flags & 0x40)
    still = b"GIF89a" + screen + _NUMBERS + _FRAME + place + raw[data:end] + _END
    return _Stored(still, palette, (top, left), (height, width), *control)


def _reach(frame: _Stored) -> tuple[int, int]:
    return frame.corner[0] + frame.size[0], frame.corner[1] + frame.size[1]


def _palette(raw: bytes, at: int, flags: int) -> tuple[_Palette | None, int]:
    """The colour table at a position, opaque and filled up with black, and where it ends."""
    size = _palette_size(flags)
    if not size:
        return None, at
    palette = np.zeros((256, 4), np.uint8)
    palette[:, 3] = 255
    colours = np.array(struct.unpack_from(f"{size}B", raw, at), np.uint8).reshape(-1, 3)
    palette[: len(colours), :3] = colours
    return palette, at + size


def _palette_size(flags: int) -> int:
    return 6 << (flags & 7) if flags & 0x80 else 0


def _after_data(raw: bytes | bytearray, at: int) -> int:
    """The end of the chain of data blocks that begins at a position."""
    while raw[at]:
        at += 1 + raw[at]
    return at + 1
