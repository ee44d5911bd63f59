"""GIF animations as browsers show them.

Pillow decodes the pixels of each stored frame. How frames come together is left to readers by the
format, and here follows browsers: what no frame has drawn is transparent, whatever the file calls
its background, and a frame shorter than two hundredths of a second shows for ten.
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

CLEARED, RESTORED = 2, 3  # what becomes of a frame before the next one: the disposal methods
TOO_SHORT, SHOWN_INSTEAD = 1, 10  # hundredths of a second

_Palette = NDArray[np.uint8]


class _Stored(NamedTuple):
    """A frame as it is stored: `still` is a GIF of its pixels alone."""

    still: bytes
    palette: _Palette
    corner: tuple[int, int]  # top, left
    size: tuple[int, int]
    clear: int | None  # the colour that is transparent
    disposal: int
    delay: int


class _Gif(NamedTuple):
    """The parts of a GIF: its size, and its whole frames; whether all blocks are there."""

    size: tuple[int, int]
    frames: list[_Stored]
    is_whole: bool
    has_end: bool


def gif_source(path: Path) -> Source:
    """A GIF, still or animated. Without its last byte it is whole; if more is missing, damaged."""
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
    """Whether a pixel may be transparent: the first frame leaves some out, or some are cleared."""
    first = gif.frames[0]
    covers = first.corner == (0, 0) and first.size == gif.size and first.clear is None
    return not covers or any(frame.disposal == CLEARED for frame in gif.frames)


def _decode(gif: _Gif, wanted: Wanted) -> Iterator[Frame]:
    """Yield the frames that are wanted, (y, x, 4), each drawn over those before."""
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


def _parse(raw: bytes) -> _Gif:
    """Split a GIF into its frames. The last one counts only if it is complete."""
    frames: list[_Stored] = []
    control = _DEFAULT  # of the next frame
    width = height = 0
    is_whole = has_end = False
    try:
        width, height, flags = struct.unpack_from("<HHB", raw, 6)
        shared, at = _palette(raw, 13, flags)
        while True:
            if at >= len(raw):
                is_whole = control is _DEFAULT
                break
            mark = raw[at]
            if mark == 0x3B:  # the end
                is_whole = has_end = True
                break
            if mark == 0x21:  # an extension
                if raw[at + 1] == 0xF9:  # how the next frame is shown
                    packed, delay, number = struct.unpack_from("<BHB", raw, at + 3)
                    control = number if packed & 1 else None, packed >> 2 & 7, delay
                at = _after_blocks(raw, at + 2)
            elif mark == 0x2C:  # a frame
                left, top, columns, rows, flags = struct.unpack_from("<HHHHB", raw, at + 1)
                palette, start = _palette(raw, at + 10, flags)
                at = _after_blocks(raw, start + 1)
                screen = struct.pack("<HHBBB", columns, rows, 0xF7, 0, 0)
                place = struct.pack("<BHHHHB", 0x2C, 0, 0, columns, rows, flags & 0x40)
                still = b"GIF89a" + screen + _NUMBERS + place + raw[start:at] + b";"
                palette = shared if palette is None else palette
                frames.append(
                    _Stored(
                        still, _NO_PALETTE if palette is None else palette, (top, left),
                        (rows, columns), *control,
                    )
                )  # fmt: skip
                control = _DEFAULT
            else:
                break  # damaged: what follows is no block
    except (IndexError, struct.error):
        pass  # cut short within a block
    if frames:  # some files state a size of nothing, or one that the first frame leaves
        height, width = (max(n, m) for n, m in zip((height, width), _reach(frames[0])))
    return _Gif((height, width), frames, is_whole, has_end)


def _reach(frame: _Stored) -> tuple[int, int]:
    return frame.corner[0] + frame.size[0], frame.corner[1] + frame.size[1]


def _palette(raw: bytes, at: int, flags: int) -> tuple[_Palette | None, int]:
    """The table of colours at a place, opaque and filled up with black, and where it ends."""
    if not flags & 0x80:
        return None, at
    count = 2 << (flags & 7)
    palette = np.zeros((256, 4), np.uint8)
    palette[:, 3] = 255
    palette[:count, :3] = np.reshape(list(struct.unpack_from(f"{3 * count}B", raw, at)), (-1, 3))
    return palette, at + 3 * count


def _after_blocks(raw: bytes, at: int) -> int:
    """Where a chain of blocks that begins at a place ends."""
    while raw[at]:
        at += 1 + raw[at]
    return at + 1


# Colours that are their own numbers: Pillow gives the numbers of pixels then.
_NUMBERS = bytes(np.repeat(np.arange(256, dtype=np.uint8), 3))
_DEFAULT: tuple[int | None, int, int] = (None, 0, 0)  # no colour is clear, frames stay, no delay
_NO_PALETTE: _Palette = np.full((256, 4), 255, np.uint8)
_NO_PALETTE[:, :3] = np.arange(256, dtype=np.uint8)[:, None]
