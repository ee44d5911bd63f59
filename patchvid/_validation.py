"""Checks of arguments, which return them in one form or raise an error of one line."""

import math
import operator
import os
import reprlib
import secrets
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from patchvid._memory import as_lazy_as, brought_in
from patchvid.errors import InvalidInput
from patchvid.kernels import is_on_gpu

Seed = int | np.random.Generator | None
Triple = tuple[int, int, int]
Axes = tuple[bool, bool, bool]

MOST_VOXELS = 2**31 - 1  # fields hold indices of 32 bits
LARGEST_FLOAT = float(np.finfo(np.float32).max)
COMPARABLE = 1e15  # up to here, sums of squared differences of floats stay finite
MANY_CHANNELS = 16  # a last axis longer than this, after one of 3 or 4, holds columns
EXACT_INTEGERS = 2**24  # up to here float32 holds every integer

_COUNTS = {2: "two", 3: "three"}


def check_form(name: str, video: NDArray[Any]) -> None:
    """Refuse an array whose shape or type is not a video's (t, y, x, c). Values are not read."""
    if video.ndim != 4 or 0 in video.shape:
        raise InvalidInput(
            f"{name} must be a filled array (t, y, x, c), or (t, y, x) for grey, "
            f"got shape {video.shape}"
        )
    if video.shape[1] in (3, 4) and min(video.shape[2:]) > MANY_CHANNELS:
        raise InvalidInput(
            f"{name} must be (t, y, x, c), got shape {video.shape}, which looks like (t, c, y, x); "
            f"move the channels to the end: np.moveaxis({name}, 1, -1)"
        )
    if video.dtype.kind not in "buif" or video.dtype.itemsize > 8:
        raise InvalidInput(f"{name} must hold integers or floats, got {video.dtype}")


def check_video(name: str, video: Any, most: float = LARGEST_FLOAT) -> NDArray[Any]:
    """Return a contiguous (t, y, x, c) array of uint8, uint16 or floats from -`most` to `most`.

    (t, y, x) gets a channel. Booleans and other integers become float32, see `like_input`.
    """
    video = with_channels(name, video)
    check_form(name, video)
    if video.size // video.shape[3] > MOST_VOXELS:
        raise InvalidInput(f"{name} must have fewer than 2**31 voxels, got shape {video.shape}")
    video = video.astype(video.dtype.newbyteorder("="), copy=False)  # FITS files have another
    if video.dtype.kind in "bi" or video.dtype in (np.uint32, np.uint64):
        if max(abs(int(video.min())), int(video.max())) > EXACT_INTEGERS:
            raise InvalidInput(
                f"{name} must hold integers from -2**24 to 2**24, got {video.min()} to "
                f"{video.max()}; scale them, or convert them to floats"
            )
        video = video.astype(np.float32)
    if video.dtype.kind == "f":
        extreme = max(abs(float(video.min())), abs(float(video.max())))
        if not extreme <= most:
            raise InvalidInput(
                f"{name} must be finite and at most {most:.2g} in size, got {extreme:g}; "
                "fill gaps first, or scale the values"
            )
    return contiguous(video)


def with_channels(name: str, video: Any) -> NDArray[Any]:
    """Add an axis for channels to (t, y, x); leave other arrays as they are."""
    video = as_array(video)
    if video.ndim == 3 and video.shape[2] in (3, 4):
        raise InvalidInput(
            f"{name} must be (t, y, x, c), got shape {video.shape}, which looks like one frame "
            f"(y, x, c); give it a time axis: {name}[None]"
        )
    return video[..., None] if video.ndim == 3 else video


def like_input(made: NDArray[Any], given: Any) -> NDArray[Any]:
    """Bring an output to the dtype of the video that it was made from.

    If that video had no axis for channels, the output has none. Means of integers are rounded.
    Bytes are in the machine's order. An array of dask gives one.
    """
    given = given if hasattr(given, "dtype") else as_array(given)
    dtype = given.dtype.newbyteorder("=")
    if given.ndim == 3:
        made = made[..., 0]
    if dtype.kind in "biu" and made.dtype.kind == "f":
        made = np.rint(made)
    return as_lazy_as(given, made.astype(dtype, copy=False))


def as_array(values: Any) -> NDArray[Any]:
    """Convert to a NumPy array; return a CuPy array unchanged."""
    if isinstance(values, (str, os.PathLike)):
        raise InvalidInput(
            f"an array is needed, got the path {os.fspath(values)!r}; read it first, with "
            "patchvid.read_video"
        )
    if isinstance(values, np.ma.MaskedArray):
        raise InvalidInput("a masked array would lose its mask; fill it with its method filled()")
    if is_on_gpu(values):
        return values
    try:
        return np.asarray(brought_in(values))
    except ValueError as error:  # nested sequences of unequal lengths
        raise InvalidInput(
            f"an array must have rows of equal lengths, got {shown(values)}; pad or cut them"
        ) from error


def shown(value: Any) -> str:
    """A value for a message: for an array its type and shape, for a long value its start."""
    if getattr(value, "ndim", 0):
        return f"an array of {value.dtype} {tuple(value.shape)}"
    return " ".join(reprlib.repr(value).split())


def contiguous(array: NDArray[Any]) -> NDArray[Any]:
    """The array, or a contiguous copy of it."""
    return array if array.flags.c_contiguous else array.copy()


def to_kernel_dtype(video: NDArray[Any]) -> NDArray[Any]:
    """The array in a dtype for the kernels: uint8, uint16 or float32."""
    return video if video.dtype.kind == "u" else video.astype(np.float32, copy=False)


def check_integer(name: str, value: Any, least: int, most: float = MOST_VOXELS) -> int:
    """Check a whole number from `least` to `most`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise InvalidInput(f"{name} must be a whole number of at least {least}, got {shown(value)}")
    if number > most:
        raise InvalidInput(f"{name} must be a whole number up to {most}, got {shown(value)}")
    return number


def check_integers(name: str, values: Any, count: int = 3) -> tuple[int, ...]:
    """Check that there are `count` whole numbers, all above 0."""
    try:
        numbers = () if isinstance(values, bytes) else tuple(map(operator.index, values))
    except TypeError:
        numbers = ()
    if len(numbers) != count or min(numbers) < 1:
        raise InvalidInput(
            f"{name} must be {_COUNTS[count]} whole numbers of at least 1, got {shown(values)}"
        )
    if max(numbers) > MOST_VOXELS:
        raise InvalidInput(
            f"{name} must be {_COUNTS[count]} whole numbers below 2**31, got {shown(values)}"
        )
    return numbers


def check_size(name: str, values: Any) -> Triple:
    """Check three whole numbers above 0, for t, y and x."""
    t, y, x = check_integers(name, values)
    return t, y, x


def check_numbers(name: str, values: Any, count: int) -> tuple[float, ...]:
    """Check that there are `count` finite numbers, all above 0."""
    try:
        numbers = () if isinstance(values, bytes) else tuple(map(_to_float, values))
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != count or not all(0 < number < math.inf for number in numbers):
        raise InvalidInput(f"{name} must be {_COUNTS[count]} numbers above 0, got {shown(values)}")
    return numbers


def check_patch(patch: Any, *shapes: Sequence[int]) -> Triple:
    """Check the extents of a patch, and that it fits into arrays of these shapes."""
    extents = check_size("patch", patch)
    for shape in shapes:
        if any(size < extent for size, extent in zip(shape, extents, strict=False)):
            raise InvalidInput(f"{too_small('a video', shape, extents)}; use a smaller patch")
    return extents


def too_small(what: str, shape: Sequence[int], patch: Triple) -> str:
    """The message that an array of shape (t, y, x) is smaller than a patch."""
    t, y, x = shape[:3]
    extents = "x".join(map(str, patch))
    return f"{what} of {t} frames, {y}x{x} pixels is smaller than the patch {extents}"


def check_axes(name: str, axes: Any) -> Axes:
    """Check three booleans, for t, y and x."""
    try:
        t, y, x = ((False, True).index(wraps) for wraps in axes)
    except (TypeError, ValueError):
        raise InvalidInput(
            f"{name} must be three booleans, for t, y and x, got {shown(axes)}"
        ) from None
    return bool(t), bool(y), bool(x)


def check_mask(name: str, mask: Any, grid: Triple) -> NDArray[np.bool_]:
    """Check a mask of one boolean for each patch."""
    mask = as_array(mask)
    if mask.dtype != np.bool_ or mask.shape != grid:
        raise InvalidInput(
            f"{name} must be bool of shape {grid}, one per patch, got {mask.dtype} {mask.shape}"
        )
    return contiguous(mask)


def check_alpha(alpha: Any) -> float | None:
    """Check a completeness: a number above 0, or None."""
    if alpha is None:
        return None
    try:
        number = _to_float(alpha)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number < math.inf:
        raise InvalidInput(
            f"alpha must be above 0, or None for no completeness, got {shown(alpha)}"
        )
    return number


def check_seed(seed: Any) -> int:
    """The seed as a whole number.

    A generator draws one, which advances it; None picks one at random.
    """
    if seed is None:
        return secrets.randbits(32)
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(2**32))
    return check_integer("seed", seed, 0, math.inf)


def check_reduce(reduce: Any) -> Literal["median", "mean"]:
    """Check how to combine votes into one value."""
    checked: Literal["median", "mean"] = check_choice("reduce", reduce, "median", "mean")
    return checked


def check_choice(name: str, value: Any, *choices: str) -> Any:
    """Check that a string is one of several choices."""
    if not isinstance(value, str) or value not in choices:
        *others, last = map(repr, choices)
        known = f"{', '.join(others)} or {last}"
        raise InvalidInput(f"{name} must be {known}, got {shown(value)}")
    return value


def check_flag(name: str, value: Any) -> bool:
    """Check a boolean, or 0 or 1."""
    if not isinstance(value, (bool, np.bool_, int)) or value not in (False, True):
        raise InvalidInput(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def check_number(name: str, value: Any, least: float, most: float) -> float:
    """Check a number from `least` to `most`."""
    try:
        number = _to_float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not least <= number <= most:
        raise InvalidInput(f"{name} must be between {least} and {most}, got {shown(value)}")
    return number


def _to_float(value: Any) -> float:
    """Convert a number; refuse text, even if it reads as a number."""
    if isinstance(value, (str, bytes)) or np.ndim(value):
        raise TypeError("text and arrays are not numbers")
    try:
        return float(value)
    except OverflowError:
        raise ValueError("the number is too large") from None
