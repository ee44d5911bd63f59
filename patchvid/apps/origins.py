"""The field of a clip in which a hole was filled: where each of its patches comes from.

Patches outside of the hole are at their own places. Those in the background that was found in other
frames are where their centres come from, and those that touch the rest are what the search found.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._validation import Triple
from patchvid.apps.holes import Region
from patchvid.core.fields import Field, Window, patches_within
from patchvid.core.settings import Settings


def own_places(kernels: ModuleType, shape: Triple, settings: Settings) -> Field:
    """The field of a clip that is not changed.

    No patch of the clip wraps around a periodic end; such places name the last one before it.
    """
    patch, _ = settings.at(shape)
    counts = zip(kernels.patch_grid(shape, patch, settings.periodic), shape, patch)
    t, y, x = (
        kernels.xp.arange(count, dtype=np.int32).clip(0, n - extent) for count, n, extent in counts
    )
    return _flat(shape, t[:, None, None], y[:, None], x)


def name_found(
    field: Field,
    seen: Region,
    origins: NDArray[np.int64],
    window: Window,
    settings: Settings,
) -> None:
    """Put into a field where the voxels come from that were found in other frames.

    `origins` are their flat indices, and the window holds all patches that touch them.
    """
    shape: Any = seen.shape
    patch, _ = settings.at(shape)
    axes = (np.arange(part.start, part.stop, dtype=np.int32, like=field) for part in window)
    t, y, x = axes
    origin = _flat(shape, t[:, None, None], y[:, None], x)
    origin[seen[window]] = origins
    half = [extent // 2 for extent in patch]
    counts = [n - extent + 1 for n, extent in zip(origin.shape, patch)]
    centres = origin[tuple(slice(begin, begin + n) for begin, n in zip(half, counts))]
    rows = centres // shape[2]
    places = (rows // shape[1], rows % shape[1], centres % shape[2])
    firsts = (
        (place - begin).clip(0, n - extent)
        for place, begin, n, extent in zip(places, half, shape, patch)
    )
    field[_from(window, counts)] = _flat(shape, *firsts)


def name_made(field: Field, made: Field, window: Window, rest: Region, settings: Settings) -> None:
    """Put into a field what the search found for the patches of a window that touch the rest."""
    patch, _ = settings.at(rest.shape)
    untouched = patches_within(~rest[window], patch)
    keeps = np.zeros(made.shape, bool, like=untouched)
    keeps[tuple(map(slice, untouched.shape))] = untouched
    place = _from(window, made.shape)
    field[place] = np.where(keeps, field[place], made)


def _from(window: Window, counts: Sequence[int]) -> Window:
    t, y, x = (slice(part.start, part.start + n) for part, n in zip(window, counts))
    return t, y, x


def _flat(shape: Triple, t: Any, y: Any, x: Any) -> Field:
    """Flat indices of voxels of a clip."""
    field: Field = ((t * shape[1] + y) * shape[2] + x).astype(np.int32, copy=False)
    return field
