"""Limits of memory, and arrays of the caller that need not fit in memory.

Arrays in chunks, as of zarr, dask and h5py, are read and written in bands of frames. They are known
by their attributes, so none of these packages is imported.
"""

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from patchvid.errors import InvalidInput
from patchvid.kernels import limits

P = ParamSpec("P")
R = TypeVar("R")

BAND = 2**26  # bytes that are read or written at once, unless a chunk has more

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY_UNITS = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def within_memory(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function take `memory`, the most that the process may use meanwhile.

    If its work needs more, or more than is free, large arrays go to files.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        memory: Any = kwargs.get("memory")
        telling = [_warn] if memory is None else []
        with limits.limited(check_memory_size(memory), *telling):
            return function(*args, **kwargs)

    return call


def check_memory_size(memory: Any) -> int | None:
    """Check a number of bytes, or text such as "4GB" or "500 MiB"; None is no limit."""
    if memory is None:
        return None
    text = memory if isinstance(memory, str) else repr(memory)
    match = re.fullmatch(r"\s*(\d{1,18}(?:\.\d{1,9})?)\s*([kmgt]?)(i?)b?\s*", text, re.IGNORECASE)
    units = _BINARY_UNITS if match and match[3] else _UNITS
    if not match or match[2].lower() not in units or isinstance(memory, bool):
        raise InvalidInput(
            f"memory must be a number of bytes or text such as '4GB', got {text[:80]}"
        )
    return int(float(match[1]) * units[match[2].lower()])


def brought_in(values: Any) -> Any:
    """The values, read into an array if they are an array in chunks."""
    limit = limits.current()
    if limit is not None and hasattr(values, "nbytes"):
        limit.expect(values)
    if isinstance(values, np.ndarray) or not (is_chunked(values) and values.shape):
        return values
    array = np.empty(values.shape, values.dtype)
    for band in _bands(values, array):
        array[band] = np.asarray(values[band])
    return array


def is_chunked(values: Any) -> bool:
    """Whether these are an array in chunks, as of zarr, dask or h5py."""
    return getattr(values, "chunks", None) is not None and hasattr(values, "dtype")


def as_lazy_as(given: Any, made: NDArray[Any]) -> Any:
    """The array as one of dask if a given one is of dask."""
    return np.asarray(made, like=given) if _is_lazy(given) else made


def check_out(
    out: Any, given: Any, size: Sequence[int], *, samples: int = 1, details: bool = False
) -> None:
    """Check the array that a result is to be written to, before it is made.

    The result is like the `given` clip, and has `size` (t, y, x).
    """
    if out is None:
        return
    if details:
        raise InvalidInput("out takes the video alone; leave out either out or details")
    if not (hasattr(out, "__setitem__") and hasattr(out, "dtype")) or _is_lazy(out):
        raise InvalidInput(
            "out must be an array that can be written, such as a memory map or one of zarr, "
            f"got {type(out).__name__}"
        )
    given = given if hasattr(given, "dtype") else np.asarray(given)
    shape = (*[samples] * (samples > 1), *size, *given.shape[3:])
    if tuple(out.shape) != shape or out.dtype != given.dtype:
        raise InvalidInput(
            f"out must be {given.dtype} of shape {shape}, got {out.dtype} of shape "
            f"{tuple(out.shape)}"
        )


def write_out(out: Any, made: NDArray[Any], order: NDArray[np.int64] | None = None) -> Any:
    """Write a video, or several samples, to an array, and return that array.

    `order` has the numbers of the frames; None is all of them.
    """
    for band in _bands(out, made if order is None else made[order[:1]]):
        out[band] = made[band if order is None else order[band]]
    return out


def _is_lazy(values: Any) -> bool:
    return hasattr(values, "__dask_graph__")


def _bands(chunked: Any, array: NDArray[Any]) -> Iterator[slice]:
    """Parts of the first axis that are whole chunks, and about as large as a band."""
    n, chunks = chunked.shape[0], getattr(chunked, "chunks", None)
    first = chunks[0] if chunks else 1
    chunk = first if isinstance(first, int) else max(first)
    fitting = max(1, BAND // max(1, array[:1].nbytes))
    step = max(chunk, fitting // chunk * chunk)
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))


def _warn(line: str) -> None:
    warnings.warn(line, stacklevel=2)
