"""Clips drawn by code, with the mask of a thing that moves in them."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid import resize

SIZE = (120, 160)


class Drawn(NamedTuple):
    """A clip (t, y, x, 3), where its thing is seen (t, y, x), and the clip without the thing."""

    clip: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    without: NDArray[np.uint8]


class Pose(NamedTuple):
    """Where a thing is in a frame: its centre, its angle and its size."""

    y: float
    x: float
    angle: float = 0.0
    scale: float = 1.0


def texture(height: int, width: int, seed: int, low: int = 40, high: int = 215) -> NDArray[Any]:
    """Draw a smooth picture (y, x, 3) of float64, with details of many sizes."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for step in (3, 6, 12, 24):
        coarse = random.normal(size=(1, height // step + 3, width // step + 3, 3))
        total += resize(coarse, (1, height, width))[0] * step**0.5
    total -= total.mean(axis=(0, 1))
    return np.clip((low + high) / 2 + total * (high - low) / (5 * total.std()), low, high)


def sample(picture: NDArray[Any], y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Look a picture up between its pixels, linearly; outside, its border goes on."""
    height, width = picture.shape[:2]
    y, x = np.clip(y, 0, height - 1.001), np.clip(x, 0, width - 1.001)
    top, left = y.astype(int), x.astype(int)
    dy, dx = (y - top)[..., None], (x - left)[..., None]
    rows = [picture[top + i, left] * (1 - dx) + picture[top + i, left + 1] * dx for i in range(2)]
    return rows[0] * (1 - dy) + rows[1] * dy


def paste(
    frame: NDArray[Any], skin: NDArray[Any], pose: Pose, radii: tuple[float, float], power: float
) -> NDArray[np.bool_]:
    """Draw a thing on a frame, in place, and return where it is; `power` 2 is an ellipse."""
    y, x = np.indices(frame.shape[:2])
    dy, dx = (y - pose.y) / pose.scale, (x - pose.x) / pose.scale
    cos, sin = np.cos(pose.angle), np.sin(pose.angle)
    v, u = cos * dy - sin * dx, sin * dy + cos * dx
    edge = np.abs(v / radii[0]) ** power + np.abs(u / radii[1]) ** power
    share = np.clip((1 - edge ** (1 / power)) * min(radii) * pose.scale + 0.5, 0, 1)
    centre = (skin.shape[0] / 2, skin.shape[1] / 2)
    colours = sample(skin, v + centre[0], u + centre[1])
    frame[:] = frame * (1 - share[..., None]) + colours * share[..., None]
    return share > 0.5


def draw(kind: str, n_frames: int = 31, size: tuple[int, int] = SIZE, seed: int = 0) -> Drawn:
    """Draw a clip in which a thing moves, turns, grows, or passes behind a post."""
    height, width = size
    back = texture(height, width, seed)
    skin = texture(height, height, seed + 1)[..., ::-1] * 0.8 + [40.0, 0.0, -20.0]
    post = texture(height, height, seed + 2) * 0.5
    clip, without, masks = [], [], []
    r = height / 6
    for t in range(n_frames):
        share = t / (n_frames - 1)
        pose = {
            "moves": Pose(height * (0.4 + 0.2 * share), width * (0.25 + 0.5 * share)),
            "turns": Pose(height * 0.5, width * (0.4 + 0.2 * share), 1.6 * share),
            "grows": Pose(height * 0.5, width * (0.45 + 0.1 * share), 0.0, 0.8 + 0.8 * share),
            "hides": Pose(height * 0.5, width * (0.22 + 0.56 * share)),
        }[kind]
        frame, empty = back.copy(), back.copy()
        mask = paste(frame, skin, pose, (r, 1.4 * r), 2 if kind in ("moves", "hides") else 4)
        if kind == "hides":
            place = Pose(height * 0.5, width * 0.5)
            hidden = paste(frame, post, place, (height, 0.5 * r), 20)
            paste(empty, post, place, (height, 0.5 * r), 20)
            mask &= ~hidden
        clip.append(frame)
        without.append(empty)
        masks.append(mask)
    whole, bare = (np.rint(np.clip(x, 0, 255)).astype(np.uint8) for x in (clip, without))
    return Drawn(whole, np.array(masks), bare)


def draw_pan(speed: tuple[float, float], n_frames: int = 16) -> Drawn:
    """Draw a thing that moves while the camera pans by so many rows and columns a frame."""
    height, width = SIZE
    wide = texture(height + 40, width + 120, 0)
    skin = texture(height, height, 1) * 0.8
    y, x = np.indices(SIZE)
    clip, without, masks = [], [], []
    for t in range(n_frames):
        frame = sample(wide, y + 10 + speed[0] * t, x + 5 + speed[1] * t)
        without.append(frame.copy())
        masks.append(paste(frame, skin, Pose(height / 2, 30.0 + 6 * t), (14, 18), 2))
        clip.append(frame)
    whole, bare = (np.rint(np.clip(v, 0, 255)).astype(np.uint8) for v in (clip, without))
    return Drawn(whole, np.array(masks), bare)


def iou(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """The intersection over union of two masks (t, y, x), for every frame."""
    both, either = (a & b).sum(axis=(1, 2)), (a | b).sum(axis=(1, 2))
    return np.where(either == 0, 1.0, both / np.maximum(either, 1))
