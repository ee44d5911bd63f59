"""The sample clip: koi in a rippling pond, drawn by NumPy so that no data file is needed.

One set of water waves bends the light: it makes the caustics on the bed, and everything below the
surface wobbles. Colours are linear light in [0, 1] until the last step.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# In double precision no value is so near a rounding boundary that machines could disagree.
Array = NDArray[np.float64]

SAMPLE_FPS = 12.0
N_FRAMES, HEIGHT, WIDTH = 24, 128, 224
MARGIN = 14  # pixels around the frame from which waves can bend light and bed into it
SHADOW = (9, 6)  # offset of a fish's shadow, pixels down and right
SPEED = 0.045  # body lengths per frame
BEAT = 0.7  # radians of tail beat per frame

MOSS, SLATE = np.array([0.06, 0.22, 0.12]), np.array([0.06, 0.20, 0.26])
WHITE, RED, GOLD, INK = np.array([[86, 80, 70], [80, 13, 2], [85, 45, 6], [3, 3, 3]]) / 100


class _Koi(NamedTuple):
    """A fish that swims along an arc: its head in the middle frame, and its appearance."""

    y: float
    x: float
    heading: float  # degrees, from right to down
    turn: float  # degrees per frame, not 0
    length: float  # pixels, without the tail fin
    phase: float  # of the tail beat, and of the marks
    base: Array
    marks: Array


# No fish touch, because touching fish would be copied together.
SCHOOL = (
    _Koi(19, 84, 6, 0.7, 46, 0.3, WHITE, RED),
    _Koi(26, 160, -8, -0.8, 48, 2.1, GOLD, GOLD),
    _Koi(30, 234, 14, 0.5, 46, 5.2, WHITE, RED),
    _Koi(58, 46, -14, 0.6, 48, 3.7, RED, INK),
    _Koi(69, 122, 4, -0.8, 48, 1.0, WHITE, RED),
    _Koi(62, 202, -14, 0.8, 46, 6.3, WHITE, INK),
    _Koi(102, 74, 8, 0.8, 44, 4.4, GOLD, GOLD),
    _Koi(104, 152, -10, -0.6, 48, 7.9, WHITE, RED),
    _Koi(110, 226, -6, 0.4, 44, 8.8, RED, RED),
    _Koi(98, -2, 6, 0.7, 46, 9.6, WHITE, INK),
    _Koi(26, 6, -6, -0.7, 46, 0.9, RED, RED),
)


def _uniform(seed: int, *shape: int) -> Array:
    """Numbers in [0, 1) from raw bits, the only random stream that NumPy promises to keep."""
    return np.random.PCG64(seed).random_raw(int(np.prod(shape))).reshape(shape) / 2.0**64


def _ramp(low: float, high: float, x: Array) -> Array:
    """0 at ``low``, 1 at ``high``, smooth between them."""
    x = np.clip((x - low) / (high - low), 0, 1)
    return x * x * (3 - 2 * x)


def _waves(seed: int, n: int, shortest: float, longest: float) -> tuple[Array, ...]:
    """``n`` plane waves: wave numbers along y and x, their magnitude, and phase at the origin."""
    spread, angle, start = _uniform(seed, 3, n)
    k = 2 * np.pi / (shortest * (longest / shortest) ** spread)
    return k * np.sin(2 * np.pi * angle), k * np.cos(2 * np.pi * angle), k, 2 * np.pi * start


def _water() -> tuple[Array, Array, Array]:
    """Slopes of the surface along y and x, and the light that falls on the bed (mean 1)."""
    t = np.arange(N_FRAMES)[:, None, None]
    y, x = np.arange(HEIGHT + 2 * MARGIN)[:, None], np.arange(WIDTH + 2 * MARGIN)
    ky, kx, k, start = _waves(5, 40, 18, 72)
    height = k**-1.7 / np.sqrt(np.sum(k**-1.4) / 2)  # root mean square of the slopes: 1
    # A plane wave is a product of one factor for each axis, so a sum of waves is a matrix product.
    rows = 1j * height * np.exp(1j * (ky * y - 0.6 * np.sqrt(k) * t + start))
    columns = np.exp(1j * np.outer(kx, x))
    slope_y, slope_x = ((rows * ky) @ columns).real, ((rows * kx) @ columns).real
    # Every pixel of the surface sends a ray down; the four pixels around its end share the light.
    end_y = np.clip(y + 5 * slope_y, 0, len(y) - 2)
    end_x = np.clip(x + 5 * slope_x, 0, len(x) - 2)
    top, left = end_y.astype(int), end_x.astype(int)
    down, right = end_y - top, end_x - left
    first = (t * len(y) + top) * len(x) + left
    light = np.zeros(first.size)
    for dy, row in ((0, 1 - down), (1, down)):
        for dx, column in ((0, 1 - right), (1, right)):
            place = first + dy * len(x) + dx
            light += np.bincount(place.ravel(), (row * column).ravel(), first.size)
    light = light.reshape(first.shape)
    for axis in (1, 2):
        light = (np.roll(light, 1, axis) + 2 * light + np.roll(light, -1, axis)) / 4
    inner = np.s_[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
    return slope_y[inner], slope_x[inner], light[inner]


def _bed() -> Array:
    """The mossy bed, (y, x, 3), at twice the resolution, so that nearest values suffice."""
    y, x = (np.arange(0, size + 2 * MARGIN, 0.5) for size in (HEIGHT, WIDTH))
    ky, kx, k, start = _waves(11, 120, 4, 64)
    rows = k**-0.4 * np.exp(1j * (np.outer(y, ky) + start))
    bumps = rows @ np.exp(1j * np.outer(kx, x)) / np.sqrt(np.sum(k**-0.8) / 2)
    moss = _ramp(-2.5, 2.5, bumps.imag)[..., None]
    light = np.exp(0.25 * bumps.real - 0.15)[..., None]
    colour: Array = light * (SLATE + moss * (MOSS - SLATE))
    return colour


def _pose(koi: _Koi, t: float) -> tuple[float, float, float]:
    """Position (y, x) of the head and heading in radians, ``t`` frames after the middle frame."""
    middle, heading = np.radians([koi.heading, koi.heading + koi.turn * t])
    radius = SPEED * koi.length / np.radians(koi.turn)
    y = koi.y - radius * (np.cos(heading) - np.cos(middle))
    return y, koi.x + radius * (np.sin(heading) - np.sin(middle)), heading


def _window(koi: _Koi, t: float, shift: tuple[int, int] = (0, 0)) -> tuple[slice, slice]:
    """Rows and columns where the fish, or its copy moved by ``shift``, may be visible."""
    head_y, head_x, heading = _pose(koi, t)
    parts = []
    for head, ahead, beside in (
        (head_y + shift[0], np.sin(heading), np.cos(heading)),
        (head_x + shift[1], np.cos(heading), np.sin(heading)),
    ):
        middle = head - 0.62 * koi.length * ahead
        reach = koi.length * (0.7 * abs(ahead) + 0.32 * abs(beside)) + 5
        parts.append(slice(max(0, int(middle - reach)), max(0, int(middle + reach))))
    return parts[0], parts[1]


def _body(koi: _Koi, t: float, y: Array, x: Array) -> tuple[Array, Array, Array]:
    """Depth inside the outline (pixels, < 0 outside), and body coordinates along and across."""
    head_y, head_x, heading = _pose(koi, t)
    dy, dx = (y - head_y) / koi.length, (x - head_x) / koi.length
    along = -dx * np.cos(heading) - dy * np.sin(heading)
    # The spine follows the arc of the path. A wave runs down it and grows towards the tail.
    arc = np.radians(koi.turn) / SPEED / 2
    wave = np.sin(5.3 * along - BEAT * t + koi.phase)
    square = along * along
    across = dy * np.cos(heading) - dx * np.sin(heading) - arc * square
    across -= (0.01 + 0.07 * square) * wave
    front, back = np.minimum(along, 1), np.maximum(1 - along, 0)
    outline = 0.105 * front * back * back + 0.0005 - across * across
    taper = 0.105 * back * (1 - 3 * front)
    return koi.length * outline / np.sqrt(taper**2 + 4 * across**2 + 1e-4), along, across


def _paint(picture: Array, light: Array, koi: _Koi, t: float, y: Array, x: Array) -> None:
    """Paint a fish over ``picture``."""
    depth, along, across = _body(koi, t, y, x)
    aside = np.abs(across)
    body = np.clip(0.5 + depth, 0, 1) * (along < 1)
    tail = np.clip(0.5 + koi.length * (0.42 * along - 0.374 - aside), 0, 1) * (along > 0.9)
    tail *= np.clip(0.5 + koi.length * (1.14 + 0.8 * aside - along), 0, 1)
    flap = 0.62 + 0.12 * np.sin(BEAT * t + koi.phase)
    fin_y, fin_x = aside - 0.155, along - 0.4
    fin = ((fin_x * np.cos(flap) + fin_y * np.sin(flap)) / 0.115) ** 2
    fin += ((fin_y * np.cos(flap) - fin_x * np.sin(flap)) / 0.045) ** 2
    fins = np.maximum(0.75 * tail, 0.7 * _ramp(1.25, 0.75, fin))
    rays = light * (0.68 + 0.12 * np.cos(70 * across))

    blotches = np.sin(8 * along + koi.phase) + np.sin(17 * along + 14 * across + 2 * koi.phase)
    marks = _ramp(0.1, 0.4, blotches + 0.6 * np.sin(23 * across - 5 * along))
    eyes = _ramp(0.0007, 0.0003, (along - 0.1) ** 2 + (aside - 0.05) ** 2)
    skin = koi.base + marks[..., None] * (koi.marks - koi.base)
    ridge = np.clip(depth / (0.09 * koi.length), 0, 1)
    shade = light * (0.45 + 0.55 * np.sqrt(ridge)) + 0.25 * _ramp(0.6, 1, ridge)
    shade *= 1 - 0.9 * eyes
    picture += fins[..., None] * (rays[..., None] * koi.base - picture)
    picture += body[..., None] * (shade[..., None] * skin - picture)


def sample_clip() -> NDArray[np.uint8]:
    """Draw the sample clip: koi swim through caustics for two seconds.

    Returns
    -------
    array of uint8
        (24, 128, 224, 3): RGB frames at 12 frames per second; the same bytes at every call.

    Examples
    --------
    >>> sample_clip().shape
    (24, 128, 224, 3)
    """
    slope_y, slope_x, light = _water()
    bed = _bed()
    clip = np.empty((N_FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    for frame in range(N_FRAMES):
        t = frame - N_FRAMES / 2
        y, x = np.arange(HEIGHT)[:, None] + slope_y[frame], np.arange(WIDTH) + slope_x[frame]
        picture = bed[np.rint(2 * (y + MARGIN)).astype(int), np.rint(2 * (x + MARGIN)).astype(int)]
        for koi in SCHOOL:
            part = _window(koi, t, SHADOW)
            depth, along, _ = _body(koi, t, y[part] - SHADOW[0], x[part] - SHADOW[1])
            cover = _ramp(-3, 3, depth) * _ramp(1, 0.8, along)
            picture[part] *= 1 - 0.65 * cover[..., None]
        picture *= 0.25 + 0.75 * light[frame][..., None]
        for koi in SCHOOL:
            part = _window(koi, t)
            _paint(picture[part], 0.7 + 0.3 * light[frame][part], koi, t, y[part], x[part])
        clip[frame] = np.rint(255 * np.sqrt(np.clip(picture, 0, 1)))
    return clip
