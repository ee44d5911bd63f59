"""Tracking: from masks of objects in some frames, find their masks in all others.

Between two frames with masks, the object is followed from both, the results are blended, and the
outline follows what fits each pixel in either frame.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid._convert import ValueRange, to_rgb
from patchvid._device import backend_of
from patchvid._masks import check_soft_mask
from patchvid._paths import StrPath
from patchvid._progress import Progress, part_of, reporting
from patchvid._validation import check_choice, check_integer, check_video, shown
from patchvid.apps.fitting import refine, signed_distance
from patchvid.apps.following import Found, follow
from patchvid.apps.holes import Region
from patchvid.errors import InvalidInput
from patchvid.motion.optical_flow import Flow
from patchvid.motion.warping import both_ways

Pixels = NDArray[np.uint8]
Labels = NDArray[np.uint8]


def track(
    video: NDArray[Any],
    masks: Mapping[int, ArrayLike],
    *,
    flow: Literal["auto", "raft", "classical"] = "auto",
    flow_weights: StrPath | None = None,
    device: str = "auto",
    progress: Progress | bool | None = None,
) -> NDArray[np.bool_]:
    """Follow an object through a clip from its mask in one frame, or in a few.

    Parameters
    ----------
    video : array
        (t, y, x, c) or (t, y, x), as for `generate`.
    masks : mapping of int to array
        Masks (y, x) by frame number, from 0. They are white, as for `inpaint`, where the object is
        visible. Each further mask corrects the result: between two frames with masks, the object is
        followed from both, and the outlines are blended by their distance in time. A black mask
        says that the object is not visible in its frame.
    flow : {"auto", "raft", "classical"}
        How to estimate motion, see `optical_flow`.
    flow_weights : str or path, optional
        Weights of RAFT, see `optical_flow`.
    device : {"auto", "cpu", "cuda"}
        Where to run RAFT; everything else runs on the CPU.
    progress : callable, bool or None
        As for `generate`.

    Returns
    -------
    array of bool
        (t, y, x), on the device of `video`: True where the object is visible. Frames in `masks`
        keep the mask that was given.

    Raises
    ------
    InvalidInput
        If a frame is not in the clip, a mask has another size, or all are black.
    WeightsError
        If `flow` is "raft" and its weights are not on this machine.

    Warns
    -----
    UserWarning
        If the object is lost in some frames, because it is hidden, has left, or looks different.

    Notes
    -----
    While the object is hidden, its motion is assumed to go on, so it may be found again.
    With the classical flow, a frame of 242x432 takes about a quarter of a second.

    Examples
    --------
    >>> from patchvid import sample_clip
    >>> picture = sample_clip()[0]
    >>> video = np.stack([picture[:, 2 * i : 160 + 2 * i] for i in range(4)])
    >>> y, x = np.indices(video.shape[1:3])
    >>> first = (y - 40) ** 2 + (x - 80) ** 2 < 300
    >>> found = track(video, {0: first}, flow="classical")
    >>> moved = np.roll(first, -6, axis=1)
    >>> bool((found[3] & moved).sum() > 0.9 * (found[3] | moved).sum())
    True
    """
    kernels = backend_of(video)
    video = kernels.to_host(check_video("video", video))
    check_choice("flow", flow, "auto", "raft", "classical")
    check_choice("device", device, "auto", "cpu", "cuda")
    given = _check_masks(masks, video.shape)
    (found,) = _track_each(
        video, [given], progress, method=flow, weights=flow_weights, device=device
    )
    return kernels.to_device(found)


def track_labels(
    video: NDArray[Any],
    labels: Mapping[int, Labels],
    *,
    progress: Progress | bool | None = None,
) -> Labels:
    """Follow several objects through a checked clip (t, y, x, c) on the host, as `track` does.

    Parameters
    ----------
    video : array
        (t, y, x, c).
    labels : mapping of int to array of uint8
        By frame number, the numbers (y, x) of the objects; 0 is none of them. A frame without any
        says that none is visible; otherwise it tells nothing of the objects that it lacks.
    progress : callable, bool or None
        As for `track`.

    Returns
    -------
    array of uint8
        (t, y, x): the numbers of the objects. Frames in `labels` keep the numbers that were given.

    Raises
    ------
    InvalidInput
        If there is no object.
    """
    numbers = sorted({int(number) for one in labels.values() for number in np.unique(one)} - {0})
    if not numbers:
        raise InvalidInput("there is no object to follow: paint over one, not too softly")
    objects = [
        {
            frame: one == number
            for frame, one in labels.items()
            if (one == number).any() or not one.any()
        }
        for number in numbers
    ]
    found = np.zeros(video.shape[:3], np.uint8)
    for number, place in zip(numbers, _track_each(video, objects, progress)):
        found[place] = number
    for frame, one in labels.items():
        found[frame] = np.where(one > 0, one, found[frame])
    return found


def _track_each(
    video: NDArray[Any],
    objects: Sequence[Mapping[int, Region]],
    progress: Progress | bool | None,
    *,
    method: Literal["auto", "raft", "classical"] = "auto",
    weights: StrPath | None = None,
    device: str = "auto",
) -> list[Region]:
    """Follow each of some objects, given by their masks by frame; the flow is estimated once."""
    frames = to_rgb(ValueRange.of_values(video).quantize(video))
    each = [np.zeros(frames.shape[:3], bool) for _ in objects]
    lost = np.zeros(len(frames), bool)
    with reporting(progress, "track") as report:
        if any(len(given) < len(frames) for given in objects):
            flows = both_ways(
                frames, part_of(report, 0, 0.5), method=method, weights=weights, device=device
            )
            share = 0.5 / len(objects)
            for n, (found, given) in enumerate(zip(each, objects)):
                part = part_of(report, 0.5 + share * n, 0.5 + share * (n + 1))
                _fill(found, lost, frames, flows, given, part)
    for found, given in zip(each, objects):
        for number, mask in given.items():
            found[number] = mask
    if lost.any():
        _tell_lost([int(n) for n in np.flatnonzero(lost)])
    return each


def _check_masks(masks: Mapping[int, ArrayLike], shape: tuple[int, ...]) -> dict[int, Region]:
    if not isinstance(masks, Mapping) or not masks:
        raise InvalidInput(
            f"masks must map one or more frame numbers to masks, such as {{0: mask}}, got "
            f"{shown(masks)}"
        )
    given = {}
    for frame, mask in masks.items():
        number = check_integer("the frame of a mask", frame, 0)
        if number >= shape[0]:
            raise InvalidInput(
                f"there is a mask for frame {number}, but the clip has frames 0 to {shape[0] - 1}"
            )
        soft = check_soft_mask(f"the mask of frame {number}", mask, (1, *shape[1:]))
        given[number] = backend_of(soft).to_host(soft)[0] > 0.5
    if not any(mask.any() for mask in given.values()):
        raise InvalidInput("a mask must be white where the object is, got only black masks")
    return given


def _fill(
    found: Region,
    lost: Region,
    frames: Pixels,
    flows: tuple[Flow, Flow],
    given: Mapping[int, Region],
    progress: Progress,
) -> None:
    """Write to `found` (t, y, x) the masks of all frames but those with a given one (y, x).

    `lost` (t,) becomes True for the frames in which the object is lost.
    """
    numbers = sorted(given)
    for before, after in zip([None, *numbers], [*numbers, None]):
        first, stop = (before or 0) / len(frames), (after or len(frames)) / len(frames)
        part = part_of(progress, first, stop)
        _fill_between(found, lost, frames, flows, given, before, after, part)


def _fill_between(
    found: Region,
    lost: Region,
    frames: Pixels,
    flows: tuple[Flow, Flow],
    given: Mapping[int, Region],
    before: int | None,
    after: int | None,
    progress: Progress,
) -> None:
    """Likewise between two given masks, before the first, or after the last."""
    on, back = flows
    both = before is not None and after is not None
    forth: list[Found] = []
    home: list[Found] = []
    if before is not None:
        pairs = slice(before, (len(frames) if after is None else after) - 1)
        part = part_of(progress, 0, 0.5 if both else 1)
        ours = frames[before : pairs.stop + 1]
        forth = follow(ours, back[pairs], on[pairs], given[before], part)
    if after is not None:
        pairs = slice(0 if before is None else before + 1, after)
        part = part_of(progress, 0.5 if both else 0, 1)
        ours = frames[pairs.start : after + 1][::-1]
        home = follow(ours, on[pairs][::-1], back[pairs][::-1], given[after], part)[::-1]
    if before is None or after is None:
        first = 0 if before is None else before + 1
        for number, (mask, is_lost, _) in enumerate(forth or home, first):
            found[number], lost[number] = mask, lost[number] or is_lost
        return
    for n, (one, two) in enumerate(zip(forth, home), 1):
        blended = _blend(one.mask, two.mask, n / (after - before))
        found[before + n] = refine(blended, one.fit.best_of(two.fit))
        lost[before + n] |= one.is_lost and two.is_lost


def _blend(first: Region, second: Region, share: float) -> Region:
    """Blend two masks by the signed distances to their outlines; an empty mask does not count."""
    if not (first.any() and second.any()):
        return first | second
    return (1 - share) * signed_distance(first) + share * signed_distance(second) > 0


def _tell_lost(frames: Sequence[int]) -> None:
    runs = np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1)
    names = [f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    warnings.warn(
        f"the object is lost in {len(frames)} frames, {', '.join(names)}: if it is visible there, "
        "give a mask of one of these frames too",
        stacklevel=4,
    )
