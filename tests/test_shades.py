"""Shades that a clip lacks: known answers, what must not change, the solver against a plain one."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from patchvid import inpaint
from patchvid.core.poisson import add_steps, integrate

Array = NDArray[Any]
NOWHERE = (False, False, False)


def sky(slope: float, dtype: Any = np.uint8) -> Array:
    """A picture that becomes brighter towards its lower right corner, five times."""
    _, y, x = np.indices((5, 40, 56))
    ramp = (70 + slope * (y + 0.7 * x))[..., None] * [1, 0.9, 0.6] + [0, 10, 60]
    if np.dtype(dtype).kind == "f":
        return (ramp / 255).astype(dtype)
    scale = 257 if dtype == np.uint16 else 1
    return np.rint(ramp * scale).astype(dtype)


def corner(clip: Array) -> Array:
    hole = np.zeros(clip.shape[1:3], bool)
    hole[26:, 38:] = True
    return hole


@pytest.mark.parametrize("slope", [0.3, 1.7])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_ramp_goes_on_beyond_the_brightest_shade(slope: float, dtype: Any) -> None:
    clip = sky(slope, dtype)
    hole = corner(clip)
    damaged = np.where(hole[..., None], clip.dtype.type(0), clip)
    made = inpaint(damaged, hole, seed=0)
    np.testing.assert_array_equal(made[:, ~hole], clip[:, ~hole])
    unit = {"uint8": 1, "uint16": 257, "float32": 1 / 255}[np.dtype(dtype).name]
    apart = np.abs(made.astype(float) - clip)[:, hole] / unit
    assert apart.max() <= 2.5
    assert apart.mean() < 1


def test_flat_colours_get_no_other_shades() -> None:
    clip = np.full((5, 40, 56, 3), 90, np.uint8)
    clip[:, :, 20:34] = (200, 60, 30)
    hole = np.zeros(clip.shape[1:3], bool)
    hole[14:28, 12:42] = True
    made = inpaint(np.where(hole[..., None], np.uint8(0), clip), hole, seed=0)
    colours = np.unique(made[:, hole].reshape(-1, 3), axis=0)
    np.testing.assert_array_equal(colours, [[90, 90, 90], [200, 60, 30]])


@pytest.mark.parametrize("periodic", [NOWHERE, (True, False, True), (False, True, False)])
@pytest.mark.parametrize("shape", [(3, 6, 7), (1, 11, 9), (5, 5, 2)])
def test_steps_are_integrated_as_by_least_squares(shape: Any, periodic: Any) -> None:
    random = np.random.default_rng(0)
    steps = [random.normal(size=(2, *shape)).astype(np.float32) for _ in shape]
    free = random.random(shape) < 0.7
    divergence = np.zeros_like(steps[0])
    for axis, along in enumerate(steps):
        for channel in range(2):
            add_steps(divergence[channel], along[channel], axis, periodic[axis])
    found = integrate(divergence, free, periodic)
    number = np.full(shape, -1)
    number[free] = np.arange(free.sum())
    rows, wanted = [], []
    for axis, along in enumerate(steps):
        n = shape[axis]
        for here in np.ndindex(*shape):
            there = list(here)
            there[axis] = (here[axis] + 1) % n
            if n == 1 or (there[axis] == 0 and not periodic[axis]):
                continue
            row = np.zeros(free.sum())
            for sign, voxel in ((-1, here), (1, tuple(there))):
                if free[voxel]:
                    row[number[voxel]] += sign
            rows.append(row)
            wanted.append(along[:, *here])
    expected = np.linalg.lstsq(np.array(rows), np.array(wanted))[0].T
    assert np.abs(found[:, free] - expected).max() < 0.03 * np.abs(expected).max()
    assert not found[:, ~free].any()
