"""Follow one object from frame to frame, from its mask in one frame.

The object and its background are two layers, and the flow gives each its own motion. Three pictures
predict each frame: the object as first given and as last found, both over the background, and the
bare background. The query is the frame, keys are these predictions, and value is their masks.
Patches that no prediction explains, such as a limb that moves by itself, are searched for. Place
and outline are corrected, see `patchvid.apps.fitting`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid._progress import Progress
from patchvid.apps.fitting import BETTER, NOT_SEEN, UNKNOWN, Fit, best_shift, fit, refine
from patchvid.apps.holes import Region, dilate, fill_smoothly
from patchvid.core.search import patch_distance, search
from patchvid.core.vote import vote
from patchvid.motion.layer_motion import layer_motion
from patchvid.motion.optical_flow import Flow, optical_flow
from patchvid.motion.warping import returns, warp

Pixels = NDArray[np.uint8]

PATCH = (1, 7, 7)
NEAR = 8  # pixels around a prediction in which the mask may lie
INSIDE = 4  # pixels inside of the outline: from there on the flow is the object's own
OUTSIDE = 6  # pixels outside of the outline: from there on the flow is the background's
ENOUGH = 0.25  # least share of the object inside of that margin; if less, a smaller margin is used
EDGE = 1  # pixels around a mask that may have colours of the object
SMALL_DRIFT = 2.0  # pixels: errors of a prediction up to this are corrected

# Costs, in squared differences of 8-bit values. The object as first given is preferred to the one
# carried from frame to frame, which drifts, unless the latter costs less by this factor.
PREFERENCE, SLIGHT = 1.5, 20
UNLIKE, NOISE = 60, 4  # patches that cost more than UNLIKE + NOISE * usual cost are searched for
APART = 1.0  # pixels by which a motion must differ from the background's
STRANGE = 0.9  # if more of the object than this share looks unlike all before, it is lost
LOST = 0.02  # if it has less than this share of its first pixels, it is lost
BETTER_PATCH = 0.5  # a patch that was found must cost less than this share of the predicted one
SWEEPS = 2


class Found(NamedTuple):
    """What was found in a frame: the mask, whether the object is lost, and how pixels fit it."""

    mask: Region
    is_lost: bool
    fit: Fit


def follow(
    frames: Pixels, flow_back: Flow, flow_on: Flow, mask: Region, progress: Progress
) -> list[Found]:
    """Find the object in all frames after the first.

    Parameters
    ----------
    frames : array of uint8
        (t, y, x, 3).
    flow_back, flow_on : array of float32
        (t - 1, y, x, 2): between neighbouring frames, backwards and forwards in time.
    mask : array of bool
        (y, x), of the first frame.
    progress : callable
        Called as ``progress(fraction, message)``.
    """
    found: list[Found] = []
    if not mask.any():
        nothing = np.full(mask.shape, NOT_SEEN, np.uint8)
        return [Found(mask, False, Fit(nothing, nothing))] * len(flow_back)
    target = _Target(frames[0], mask)
    for frame, back, on, next_on in zip(frames[1:], flow_back, flow_on, [*flow_on[1:], None]):
        found.append(target.advance(frame, back, returns(back, on), next_on))
        progress(len(found) / len(flow_back), f"following {len(found)}/{len(flow_back)}")
    return found


class _Target:
    """The followed object: as first given, and as found in the current frame.

    Masks are (y, x, 1) of uint8, from 0 to 255.
    """

    def __init__(self, frame: Pixels, mask: Region) -> None:
        self.given, self.given_mask = frame, _white(mask)
        self.frame, self.mask = self.given, self.given_mask
        self.ground = fill_smoothly(frame[None], _grown(mask, EDGE)[None])[0]  # the background
        self.given_ground = _white(~_grown(mask, EDGE))
        self.seen = self.given_ground  # where the background was seen before
        self.way = np.zeros((*mask.shape, 2), np.float32)  # flow from this frame to the first one
        self.ground_way = self.way  # the same, of the background
        self.motion: NDArray[np.float64] | None = None

    def advance(self, frame: Pixels, flow: Flow, is_sure: Region, on: Flow | None) -> Found:
        """Find the object in the next frame, by the flow from there back.

        Parts that come into view belong to the layer with which they move `on`. The object is lost
        if most of it is hidden or looks unlike all predictions.
        """
        moved = _is_white(warp(self.mask, flow))
        taken = moved | _is_white(self.mask)
        everywhere = np.ones_like(taken)
        behind = layer_motion(flow, is_sure & ~_grown(taken, OUTSIDE), everywhere).flow
        ground, seen = warp(self.ground, behind), _is_white(warp(self.seen, behind))
        along = self._move(frame, flow, _inside(moved, is_sure), ground, seen)
        is_ground = _moves_with(on, behind, along)
        last, carried = _carry(self.frame, self.mask, along, frame, is_ground)
        self._correct_way(frame, _is_white(carried))
        first, shape = _carry(self.given, self.given_mask, self.way, frame, is_ground)
        keys = np.stack([_over(first, shape, ground), _over(last, carried, ground), ground])
        masks = np.stack([shape, carried, np.zeros_like(shape)])
        near = _grown(_is_white(shape) | _is_white(carried), NEAR)
        nnf, is_new = _match(frame, keys, near)
        voted = _sharper(vote(masks, nnf, patch=PATCH)[0])
        is_seen = _grown(is_new, PATCH[1] // 2) & _moves_with(on, along, behind)
        voted = np.where(is_seen[..., None], np.uint8(255), voted)
        self.ground_way = behind + warp(self.ground_way, behind)
        ground_seen = _is_white(warp(self.given_ground, self.ground_way))
        fits = Fit(
            fit(frame, first, _is_white(shape)),
            fit(frame, warp(self.given, self.ground_way), ground_seen),
        )
        found = near & refine(_is_white(voted), fits)
        # Keep the soft edges of the vote.
        edge = np.where(found[..., None], np.maximum(voted, 128), np.minimum(voted, 127))
        self.frame, self.mask = frame, np.where(near[..., None], edge, np.uint8(0))
        hidden = _grown(found, EDGE)
        self.ground = np.where(hidden[..., None], ground, frame)
        self.seen = _white(seen | ~hidden)
        size = np.count_nonzero(found)
        is_lost = size < LOST * np.count_nonzero(self.given_mask)
        is_strange = np.count_nonzero(found & is_new) > STRANGE * size
        return Found(found, bool(is_lost or is_strange), fits)

    def _move(self, frame: Pixels, flow: Flow, known: Region, ground: Pixels, seen: Region) -> Flow:
        """Find the flow of the object back from a frame, and bring its way to the first frame.

        The motion stays as it was, unless that of the flow fits clearly better, because flow is
        wrong where little of the object is visible. Either is shifted to fit best.
        """
        whole = _is_white(warp(self.given_mask, self.way))
        tried = []
        for sure in (known, np.zeros_like(known)):
            motion, along = layer_motion(flow, sure, whole, self.motion)
            way = along + warp(self.way, along)
            thing, shape = warp(self.given, way), warp(self.given_mask, way)
            shift, error = best_shift(frame, thing, shape, ground, seen)
            motion = motion + np.array([shift, (0, 0), (0, 0)])
            tried.append((motion, along + np.array(shift, np.float32), error))
        moving, steady = tried
        needed = 1 / BETTER if self.motion is None else BETTER
        self.motion, along, _ = moving if moving[2] < needed * steady[2] else steady
        self.way = along + warp(self.way, along)
        return along

    def _correct_way(self, frame: Pixels, seen: Region) -> None:
        """Correct the flow to the first frame, if the object predicted by it then fits better."""
        first = warp(self.given, self.way)
        pair = np.stack([frame, first])
        flow, back = (
            optical_flow(frames, method="classical", progress=False)[0]
            for frames in (pair, pair[::-1])
        )
        whole = _is_white(warp(self.given_mask, self.way))
        seen = seen & whole
        is_sure = returns(flow, back) & (_length(flow) < SMALL_DRIFT)
        drift = layer_motion(flow, _inside(seen, is_sure), whole, np.zeros((3, 2))).flow
        way = drift + warp(self.way, drift)
        if _error(frame, warp(self.given, way), seen) < _error(frame, first, seen):
            self.way = way


def _match(frame: Pixels, keys: Pixels, near: Region) -> tuple[NDArray[np.int32], Region]:
    """The best patches in the predictions (n, y, x, 3) of a frame, and where none is similar."""
    query = frame[None]
    grid = (1, *(n - extent + 1 for n, extent in zip(near.shape, PATCH[1:])))
    itself = np.stack([*np.indices(grid, np.int32)], axis=3)
    costs = np.stack(
        [
            patch_distance(query, keys[n : n + 1], itself, patch=PATCH, device="cpu")
            for n in range(len(keys))
        ]
    )
    usual = NOISE * float(np.median(costs[-1]))
    rated = costs + (usual + SLIGHT)
    rated[1:] *= PREFERENCE
    itself[..., 0] = rated.argmin(axis=0)
    least = costs.min(axis=0)
    inside = tuple(slice(extent // 2, extent // 2 + n) for extent, n in zip(PATCH, grid))
    wanted = near[None][inside] & (least > usual + UNLIKE)
    is_new = np.zeros(near.shape, bool)
    if not wanted.any():
        return itself, is_new
    nnf, cost = search(
        query, keys, patch=PATCH, nnf=itself, query_mask=wanted, sweeps=SWEEPS, seed=0,
        device="cpu",
    )  # fmt: skip
    better = wanted & (cost < np.minimum(BETTER_PATCH * least, usual + UNLIKE))
    is_new[inside[1:]] = (wanted & ~better)[0]
    return np.where(better[..., None], nnf, itself), is_new


def _carry(
    thing: Pixels, mask: Pixels, way: Flow, frame: Pixels, is_ground: Region
) -> tuple[Pixels, Pixels]:
    """Carry an object (y, x, 3) and its mask (y, x, 1) along the flow from a frame back to them.

    Nothing is known beyond their border. The object is taken to go on there if its colours at the
    border fit the frame, unless the frame moves with the background (`is_ground`).
    """
    carried, shape = warp(thing, way), warp(mask, way)
    height, width = mask.shape[:2]
    y, x = np.indices((height, width))
    beyond = (x + way[..., 0] < -0.5) | (x + way[..., 0] > width - 0.5)
    beyond |= (y + way[..., 1] < -0.5) | (y + way[..., 1] > height - 0.5)
    ends = beyond & (is_ground | (fit(frame, carried, beyond) > UNKNOWN))
    return carried, np.where(ends[..., None], np.uint8(0), shape)


def _moves_with(on: Flow | None, layer: Flow, other: Flow) -> Region:
    """Where the flow to the next frame is a layer's rather than another's.

    Those of the layers lead back, from the same frame to the last one.
    """
    if on is None:
        return np.zeros(layer.shape[:2], bool)
    return 2 * _length(on + layer) + APART < _length(on + other)


def _inside(shape: Region, is_sure: Region) -> Region:
    """Where a flow is surely the object's own: inside of its outline, by a margin that fits it."""
    for margin in range(INSIDE, 0, -1):
        inside = is_sure & ~_grown(~shape, margin)
        if np.count_nonzero(inside) >= ENOUGH * np.count_nonzero(shape):
            return inside
    return is_sure & shape


def _grown(mask: Region, radius: int) -> Region:
    grown: Region = dilate(mask[None].astype(np.float32), radius)[0] > 0
    return grown


def _length(flow: Flow) -> NDArray[np.float32]:
    return np.hypot(flow[..., 0], flow[..., 1])


def _white(mask: Region) -> Pixels:
    return np.where(mask, np.uint8(255), np.uint8(0))[..., None]


def _is_white(mask: Pixels) -> Region:
    return mask[..., 0] >= 128


def _sharper(mask: Pixels) -> Pixels:
    """A mask with steeper edges, because each warp from frame to frame blurs it."""
    return np.clip(2 * mask.astype(np.int16) - 128, 0, 255).astype(np.uint8)


def _over(front: Pixels, mask: Pixels, ground: Pixels) -> Pixels:
    """The object composited over the background."""
    share = mask.astype(np.uint16)
    return ((front * share + ground * (255 - share) + 127) // 255).astype(np.uint8)


def _error(frame: Pixels, other: Pixels, region: Region) -> float:
    """Mean squared difference in a region."""
    difference = frame[region].astype(np.float32) - other[region]
    return float((difference**2).mean()) if difference.size else 0.0
