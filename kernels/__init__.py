"""Kernels: patch distance, search, voting and resampling, with one back end for each device.

A back end is a module with the functions of `CONTRACT`. It also names its device, `DEVICE`, and the
package its arrays belong to, `xp`: NumPy or CuPy. The CUDA back end launches its kernels through
the functions of `LAUNCHES`, which exist in two forms: `raw_cuda`, in CUDA C, and `numba_cuda`.

In the tables, ``t y x c: uint8 float32`` is a C-contiguous array of `xp` with four axes and one of
two dtypes. Within a call, a name always stands for the same size. Query and output are t, y, x; key
and value are T, Y, X. ``t'`` counts the patches along t, and ``ft`` belongs to a finer level.
``n?`` is an axis of samples, which the CUDA back end takes at once: an array that all samples
share, or that of a single sample, lacks it. ``(t y x)`` is a tuple of sizes, where ``...`` allows
more of them. ``as query`` is the dtype of that argument, ``or empty`` allows an array of size 0,
``or prepared`` the result of `prepare` or `prepare_value` for such an array, and ``host`` marks
arrays of NumPy. A default follows ``=``, and the arguments after ``*`` are keyword-only.

A field holds, for every query patch, the flat index ``(t * Y + y) * X + x`` of the first voxel of
its key patch.
"""

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Literal, NamedTuple

Spec = str | tuple["Spec", ...]


class Function(NamedTuple):
    """A function that several modules have: a description, its arguments in order, its result."""

    does: str
    arguments: dict[str, Spec]
    returns: Spec


_PATCH: dict[str, Spec] = {"patch": "3 int"}
_PERIODIC: dict[str, Spec] = {"periodic": "3 bool = (False, False, False)"}
_PAIR: dict[str, Spec] = {
    "query": "n? t y x c: uint8 float32 or prepared",
    "key": "n? T Y X c: as query or prepared",
}
_FIELD: dict[str, Spec] = {"field": "n? t' y' x': int32"}
_LEVELS: dict[str, Spec] = dict.fromkeys(
    ("firsts", "coarse_sizes", "fine_sizes"), ("3 int", "3 int")
)

CONTRACT = {
    "to_device": Function("Bring an array to the device.", {"array": "any"}, "any"),
    "to_host": Function("Bring an array to the host.", {"array": "any"}, "any"),
    "devices_of": Function("List the devices that hold some arrays.", {"arrays": "any"}, "set"),
    "use_device": Function("Open a context that works on a device.", {"number": "int"}, "context"),
    "synchronize": Function("Wait for all work to end.", {}, "None"),
    "record_event": Function("Mark a moment in the work.", {}, "any"),
    "seconds_between": Function(
        "Seconds from one event to another.", {"begin": "any", "end": "any"}, "float"
    ),
    "check_memory": Function(
        "Why `size` bytes are not available, in one line, or nothing.", {"size": "int"}, "str"
    ),
    "samples_at_once": Function(
        "How many samples to make at once, if each takes `size` bytes.", {"size": "int"}, "int"
    ),
    "footprint": Function(
        "Bytes that a level takes in addition to its value, from the voxels of key and query, and "
        "the channels of the value and the bytes of each.",
        {"n_keys": "int", "n_queries": "int", "channels": "int", "itemsize": "int"}, "int",
    ),
    "indices": Function(
        "Flat indices where a mask is True, in order; any others follow.", {"mask": "...: bool"},
        "n: int64",
    ),
    "select": Function(
        "Flat indices where a mask is True, by their ranks in order.",
        {"mask": "...: bool", "ranks": "...: int64"}, "...: int64",
    ),
    "patch_grid": Function(
        "Number of patches along t, y and x.", {"shape": "(t y x ...)", **_PATCH, **_PERIODIC},
        "(t' y' x')",
    ),
    "prepare": Function(
        "Bring a video into the layout in which its patches are compared, for several searches. "
        "The layout in which it votes, if there is one, may serve.",
        {
            "video": "n? t y x c: uint8 float32", "*": "", **_PATCH, **_PERIODIC,
            "few": "bool = False", "votes": "any = None",
        },
        "prepared",
    ),
    "prepare_value": Function(
        "Bring a video into the layout in which its patches vote, for several votes.",
        {"value": "T Y X c: uint8 uint16 float32", "*": "", "reduce": "str = 'median'"}, "prepared",
    ),
    "search": Function(
        "Improve `field` in place by PatchMatch; return its cost and the next threshold.",
        {
            **_PAIR, **_FIELD, "*": "", **_PATCH,
            "weights": "n? T' Y' X': float32 bool = None",
            "query_mask": "t' y' x': bool = None", **_PERIODIC, "sweeps": "int",
            "first_sweep": "int = 0", "search_radius": "int = None",
            "cost_threshold": "n: float32 = None", "seed": "seed = 0", "alpha": "float = None",
        },
        ("n? t' y' x': float32", "n: float32"),
    ),
    "search_exact": Function(
        "Find the nearest key of every query patch; return the field and its cost.",
        {
            "query": "n? t y x c: uint8 float32", "key": "n? T Y X c: as query", "*": "", **_PATCH,
            "weights": "n? T' Y' X': float32 bool = None", **_PERIODIC, "alpha": "float = None",
        },
        ("n? t' y' x': int32", "n? t' y' x': float32"),
    ),
    "patch_distance": Function(
        "Mean squared difference of every query patch and its key patch.",
        {**_PAIR, **_FIELD, "*": "", **_PATCH, **_PERIODIC}, "n? t' y' x': float32",
    ),
    "carry": Function(
        "Scale the field of a coarser level to a finer one, from the first patches of both fields, "
        "and the sizes of query and key on both levels.",
        {**_FIELD, "fine_grid": "(ft' fy' fx')", **_LEVELS, "*": "", **_PATCH},
        "n? ft' fy' fx': int32",
    ),
    "vote": Function(
        "Reconcile the patches that cover each voxel by their lower median or their mean. The "
        "result may be written into the first channels of a query, `over`, and is then `over`.",
        {
            "value": "T Y X c: uint8 uint16 float32 or prepared", **_FIELD, "*": "", **_PATCH,
            "update_mask": "t y x: bool = None", **_PERIODIC, "reduce": "str = 'median'",
            "over": "prepared = None",
        },
        "n? t y x c: as value or prepared",
    ),
    "apply_taps": Function(
        "Resample `video` into `out`; each axis has its first entries and their weights.",
        {
            "video": "n? T Y X c: uint8 uint16 float32",
            "tables": tuple(
                (f"{axis}: host int64", f"{axis} n{axis}: host float32") for axis in "tyx"
            ),
            "out": "n? t y x c: as video",
        },
        "None",
    ),
}  # fmt: skip

THREADS = 128  # of a CUDA block
_WHERE: dict[str, Spec] = {
    "field": "n t' y' x': int32", "update_mask": "t y x or empty: bool",
}  # fmt: skip
_BY: dict[str, Spec] = {"key_size": "(T Y X)", **_PATCH, "periodic": "3 bool"}
_WORDS: dict[str, Spec] = {
    "query": "one_or_n t y x w: uint32 float32", "key": "n_or_one T Y X w: as query",
}  # fmt: skip

LAUNCHES = {
    "pack": Function(
        "Pack the channels of every voxel into words, the last one filled with zeros. Floats "
        "become integers in the same order.",
        {"values": "voxels c: uint8 uint16 float32"}, "voxels w: uint32",
    ),
    "sweep": Function(
        "Improve the patches of even t + y + x, then the odd ones; write the mean cost.",
        {
            **_WORDS, "weights": "any_n T' Y' X' or empty: float32",
            "query_mask": "t' y' x' or empty: bool", "field": "n t' y' x': int32",
            "cost": "n t' y' x': float32", "threshold": "n or empty: float32",
            "mean": "n: float32", "totals": "n m: uint64", "counted": "1 or empty: int64",
            "geometry": "tuple", "plans": "list", "number": "int", "streams": "tuple",
            "divisor": "float", "alpha": "float",
        },
        "None",
    ),
    "distance": Function(
        "Write the distance of every query patch to its key patch, divided by `divisor`.",
        {
            **_WORDS, "field": "n t' y' x': int32", "cost": "n t' y' x': float32",
            "geometry": "tuple", "divisor": "float",
        },
        "None",
    ),
    "exact": Function(
        "Write the nearest key of every query patch, and its cost. `least` and `found` are for the "
        "distance of the nearest key in each part of the keys, and for that key.",
        {
            **_WORDS, "weights": "any_n T' Y' X' or empty: float32", "least": "n p k: float64",
            "found": "n p k: int32", "field": "n t' y' x': int32", "cost": "n t' y' x': float32",
            "geometry": "tuple", "divisor": "float", "alpha": "float",
        },
        "None",
    ),
    "median": Function(
        "Write the lower median of the votes on every voxel; values after its channels stay.",
        {
            "value": "T Y X w: uint32", **_WHERE, "voted": "n t y x any_c: uint8 uint16 float32",
            "channels": "int", **_BY,
        },
        "None",
    ),
    "mean": Function(
        "Write the mean of the votes on every voxel; integers are rounded, halves up.",
        {
            "value": "T Y X c: uint8 uint16 float32", **_WHERE, "voted": "n t y x c: as value",
            **_BY,
        },
        "None",
    ),
    "carry": Function(
        "Write the field of a finer level.",
        {
            "field": "n t' y' x': int32", "fine_field": "n ft' fy' fx': int32", **_LEVELS, **_PATCH,
        },
        "None",
    ),
    "blend": Function(
        "Resample a clip by the tables of the axes t, y and x: first entries, and their weights. "
        "`top` is the largest integer, or 0 for floats.",
        {
            "source": "n T Y X c: uint8 uint16 float32",
            "starts": tuple(f"{axis}: int64" for axis in "tyx"),
            "weights": tuple(f"{axis} n{axis}: float32" for axis in "tyx"),
            "out": "n t y x c: uint8 uint16 float32", "top": "int",
        },
        "None",
    ),
}  # fmt: skip


def load(device: Literal["cpu", "cuda"]) -> ModuleType:
    """The back end of a device. It must be usable, see `why_no_gpu` and `form_problem`."""
    return import_module(f"patchvid.kernels.{device}")


def is_on_gpu(array: Any) -> bool:
    """Whether an array, of any package, is in the memory of a CUDA device."""
    if hasattr(array, "__cuda_array_interface__"):
        return True
    dlpack_device = getattr(array, "__dlpack_device__", None)
    return dlpack_device is not None and dlpack_device()[0] in (2, 13)  # CUDA and CUDA managed


@cache
def why_no_gpu() -> str:
    """Why kernels cannot run on a GPU, in one line; empty if they can."""
    if find_spec("cupy") is None:
        return "CuPy is not installed; install patchvid with the extra cuda12 or cuda13"
    try:
        import cupy

        if not cupy.cuda.runtime.getDeviceCount():
            return "no CUDA device was found"
        capability = int(cupy.cuda.Device().compute_capability)
    except Exception as error:  # a broken installation or driver can raise anything
        return _first_line(error)
    if capability < 75:
        return f"the GPU has compute capability {capability / 10}, and 7.5 is needed"
    return ""


def cuda_form() -> str:
    """The form of the CUDA kernels that the variable PATCHVID_CUDA names; by default CUDA C."""
    return os.environ.get("PATCHVID_CUDA") or "raw"


def form_problem() -> str:
    """Why the form that `cuda_form` names cannot be used, in one line; empty if it can."""
    form = cuda_form()
    if form not in ("raw", "numba"):
        return f"PATCHVID_CUDA must be 'raw' or 'numba', got {form!r}"
    return why_no_numba() if form == "numba" and not why_no_gpu() else ""


@cache
def why_no_numba() -> str:
    """Why the Numba form of the CUDA kernels does not work here, in one line; empty if it does.

    A launch is tried, because numba-cuda can fail at its first one.
    """
    try:
        import cupy

        from patchvid.kernels import numba_cuda

        numba_cuda.pack(cupy.zeros((1, 1, 1, 1), "uint8"))
    except Exception as error:  # as for `why_no_gpu`
        return f"numba-cuda fails: {_first_line(error)}"
    return ""


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
