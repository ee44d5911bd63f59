"""Shades that a clip lacks: correct what patches filled, so that no seam shows.

Patches bring their own shade into a hole. If the hole is the brightest corner of a sky, no patch is
bright enough. But the sky still brightens from voxel to voxel inside each patch, so patches also
vote on these steps. The correction changes as little as possible from voxel to voxel, while the
corrected values have these steps and continue the known values around the hole.

Reference: Darabi et al., "Image Melding: Combining Inconsistent Images using Patch-based Synthesis"
(ACM Trans. Graph. 31(4), 2012), which votes on gradients.
"""

import math
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import ValueRange
from patchvid._validation import Axes, Triple, contiguous
from patchvid.core.fields import Field, are_few, named_patches
from patchvid.core.plan import LevelInputs
from patchvid.core.poisson import add_steps, integrate
from patchvid.kernels.threads import poll

LARGEST = 12.0  # step of the correction in 8 bits; larger ones are edges of objects
ALIKE = 3.0  # in 8 bits: patches on a voxel disagree if their mean differs more from the output
EXACT = 1 << 24  # whole numbers up to this, and so their sums in any order, are exact in float32

Floats = NDArray[np.float32]


def correct_shades(
    level: LevelInputs,
    output: NDArray[Any],
    field: Field,
    patch: Triple,
    *,
    kernels: ModuleType,
    periodic: Axes,
    values: ValueRange,
) -> NDArray[Any]:
    """Correct the shades of a level's output where it is not fixed.

    Parameters
    ----------
    level : LevelInputs
        The level, with fixed voxels.
    output : array
        (t, y, x, c), voted by `field`.
    field : array of int32
        (t', y', x').
    patch : tuple of int
        The level's patch.
    kernels : module
        The back end.
    periodic : tuple of bool
        Axes along which the output is periodic.
    values : ValueRange
        The range of the clip's values.
    """
    value = level.value
    if are_few(field.size, value, patch):
        value, field = named_patches(value, field, patch)
    assert level.fixed is not None
    known, given = level.fixed
    hole = ~known
    unit = 1 << max(0, (EXACT // (255 * math.prod(patch))).bit_length() - 1)  # 1 in 8 bits

    def whole(video: NDArray[Any]) -> Floats:
        return np.rint(values.scale(contiguous(video)) * np.float32(unit))

    missing = np.zeros((output.shape[3], *hole.shape), np.float32, like=hole)
    for channel in range(output.shape[3]):
        one = slice(channel, channel + 1)
        _vote_steps(
            missing[channel], kernels, whole(value[..., one]), field, hole,
            whole(given[..., one])[..., 0], whole(output[..., one])[..., 0],
            patch=patch, periodic=periodic, unit=unit,
        )  # fmt: skip
    change = np.moveaxis(integrate(missing, hole, periodic), 0, 3)
    del missing
    shades = output + change * np.float32((values.high - values.low) / 255 / unit)
    if output.dtype.kind == "u":
        shades = np.rint(shades).clip(0, np.iinfo(output.dtype).max)
    return level.restore_fixed(shades.astype(output.dtype))


def _vote_steps(
    missing: Floats,
    kernels: ModuleType,
    value: Floats,
    field: Field,
    hole: NDArray[np.bool_],
    given: Floats,
    output: Floats,
    *,
    patch: Triple,
    periodic: Axes,
    unit: int,
) -> None:
    """Add to the divergence `missing` by how much mean steps in patches exceed those of the means.

    All values are whole numbers.
    """
    poll()
    vote = partial(kernels.vote, periodic=periodic, reduce="mean")
    means = np.where(hole, vote(value, field, patch=patch, update_mask=hole)[..., 0], given)
    agrees = abs(means - output) <= ALIKE * unit
    for axis, extent in enumerate(patch):
        if extent == 1:
            continue
        poll()
        before = (slice(None),) * axis
        ours = (*before, slice(None) if periodic[axis] else slice(-1))
        touched = contiguous((hole | np.roll(hole, -1, axis))[ours])
        inside = np.zeros_like(value)
        inside[*before, :-1] = value[*before, 1:] - value[*before, :-1]
        thinner = tuple(n - (other == axis) for other, n in enumerate(patch))
        voted = vote(inside, field, patch=thinner, update_mask=touched)[..., 0]
        between = (np.roll(means, -1, axis) - means)[ours]
        step = np.where(touched, voted, between) - between
        is_shade = (abs(step) <= LARGEST * unit) & (agrees & np.roll(agrees, -1, axis))[ours]
        steps = np.zeros_like(means)
        steps[ours] = np.where(is_shade, step, np.float32(0))
        add_steps(missing, steps, axis, periodic[axis])
