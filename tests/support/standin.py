"""A stand-in for CuPy on machines without a GPU: arrays of NumPy, kernels compiled as C++.

It is as strict as CuPy: arrays on the host and on the "device" cannot be mixed, and only `asnumpy`
copies arrays to the host. `READS` lists these copies, and `LAUNCHED` all that a device is told to
do: kernels, also those of CuPy, copies from the host, and memory to fill.
`install` puts the stand-in in CuPy's place for good, `imported` for a while.
"""

import ctypes
import math
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

HOST = Path(__file__).with_name("cuda_host.h")

READS: list[int] = []  # bytes of all that was copied to the host, in order
LAUNCHED: list[str] = []  # all that the device was told to do, in order

MOST_BLOCKS = 2**31  # of a launch, which runs its last ones; tests of huge arrays lower it

# These functions wait for the GPU, as indexing by booleans does. Some read back how much they
# found, to allocate the result, or whether their input is valid. The others are from Thrust, which
# waits.
WAITING = (
    "argsort", "argwhere", "flatnonzero", "nonzero", "sliding_window_view", "sort", "unique",
    "unravel_index",
)  # fmt: skip


# Functions and methods that launch nothing, because they only look at an array in another way.
VIEWS = ("broadcast_to", "empty", "empty_like", "expand_dims", "moveaxis", "ndim", "ravel",
         "reshape", "result_type", "shape", "size", "squeeze", "transpose")  # fmt: skip
METHODS = ("all", "any", "argmax", "argmin", "clip", "copy", "cumsum", "fill", "max", "mean", "min",
           "prod", "repeat", "sum", "take")  # fmt: skip


class DeviceArray(np.ndarray):
    """An array that works only with others of its kind."""

    device: Any = SimpleNamespace(id=0)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {**super().__array_interface__, "version": 3}

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        check(*inputs, *kwargs.values())
        LAUNCHED.append(ufunc.__name__)
        out = kwargs.pop("out", None)
        if out is not None:
            kwargs["out"] = tuple(map(to_plain, out))
        return wrap(getattr(ufunc, method)(*map(to_plain, inputs), **kwargs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function.__name__ != "asarray":  # which copies arrays of the host
            check(*args, *kwargs.values())
        if function.__name__ in WAITING:
            READS.append(8)
        note(function.__name__, args)
        kwargs.pop("like", None)
        plain = {name: to_plain(value) for name, value in kwargs.items()}
        return wrap(function(*map(to_plain, args), **plain))

    def __getitem__(self, index: Any) -> Any:
        check(index)
        if any(getattr(part, "dtype", None) == np.bool_ for part in as_tuple(index)):
            READS.append(8)
        if any(isinstance(part, np.ndarray) for part in as_tuple(index)):
            LAUNCHED.append("take")
        return wrap(to_plain(self)[to_plain(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        check(index, value)
        LAUNCHED.append("copy")
        to_plain(self)[to_plain(index)] = to_plain(value)

    def astype(self, dtype: Any, *, copy: bool = True) -> Any:  # type: ignore[override]
        if not copy and self.dtype == dtype:
            return self
        LAUNCHED.append("astype")
        return wrap(to_plain(self).astype(dtype))

    def argsort(self, *args: Any, **kwargs: Any) -> Any:
        return np.argsort(self, *args, **kwargs)

    def get(self) -> np.ndarray:
        READS.append(self.nbytes)
        return to_plain(self).copy()

    def __bool__(self) -> bool:
        return bool(self.get())

    def __int__(self) -> int:
        return int(self.get())

    def __float__(self) -> float:
        return float(self.get())

    def item(self, *index: Any) -> Any:
        return self.get().item(*index)

    def tolist(self) -> Any:
        return self.get().tolist()

    __index__: Any = None  # CuPy's arrays cannot be indices of lists either


def note(name: str, args: Any) -> None:
    """Note the call of a function of CuPy, if it launches something."""
    is_same = name == "ascontiguousarray" and args[0].flags.c_contiguous
    if name not in VIEWS and not is_same:
        LAUNCHED.append(name)


def _launching(name: str) -> Any:
    """A method of arrays that launches a kernel."""
    method = getattr(np.ndarray, name)

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        LAUNCHED.append(name)
        return wrap(method(to_plain(self), *map(to_plain, args), **kwargs))

    return call


for _method in METHODS:
    setattr(DeviceArray, _method, _launching(_method))


def check(*values: Any) -> None:
    """Refuse arrays on the host."""
    for value in values:
        if isinstance(value, (tuple, list)):
            check(*value)
        elif isinstance(value, np.ndarray) and not isinstance(value, DeviceArray):
            raise TypeError("an array of the host is mixed with one of the device")


def wrap(value: Any) -> Any:
    """Convert results of NumPy to those of CuPy, which returns arrays instead of scalars."""
    if isinstance(value, (tuple, list)):
        return type(value)(map(wrap, value))
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value).view(DeviceArray)
    return value


def as_tuple(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def to_plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(map(to_plain, value))
    return np.ndarray.view(value, np.ndarray) if isinstance(value, DeviceArray) else value


class RawModule:
    """CUDA C code, compiled by a C++ compiler."""

    def __init__(self, code: str, options: tuple[str, ...] = ()) -> None:
        self.library = _compiled(code, options)

    def get_function(self, name: str) -> Any:
        run = self.library[f"run_{name}"]

        def launch(grid: tuple[int, ...], block: tuple[int], arguments: tuple[Any, ...]) -> None:
            LAUNCHED.append(name)
            values = [np.uintp(a.ctypes.data if a.size else 0) if isinstance(a, DeviceArray) else a
                      for a in arguments]  # fmt: skip
            for argument in arguments:
                if isinstance(argument, np.ndarray):
                    check(argument)
                    assert argument.flags.c_contiguous
                else:
                    assert isinstance(argument, np.generic), "its size is not known"
            holders = [np.array(value) for value in values]
            pointers = (ctypes.c_void_p * len(holders))(*(h.ctypes.data for h in holders))
            first = max(grid[0] - MOST_BLOCKS, 0)
            rows = math.prod(grid[1:])
            run(pointers, *map(ctypes.c_uint, (first, grid[0], rows, block[0])))

        return launch


@cache
def _compiled(code: str, options: tuple[str, ...]) -> ctypes.CDLL:
    """Compile kernels, once a process."""
    kernels = re.findall(r"__global__ void (\w+)", code)
    runnable = "\n".join(f"RUNNABLE({kernel})" for kernel in kernels)
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "kernels.cpp"), Path(folder, "kernels.so")
        source.write_text(f'#include "{HOST}"\n{code}\n{runnable}\n', encoding="utf-8")
        subprocess.run(
            ["g++", "-O3", "-ffp-contract=off", "-Wall", "-Wno-unknown-pragmas", "-shared",
             "-fPIC", "-Wl,-Bsymbolic",  # a kernel may be called like a function of libc
             *options, "-o", library, source],
            check=True,
        )  # fmt: skip
        return ctypes.CDLL(str(library))


def _make(name: str) -> Any:
    """Make a function of NumPy take and return arrays on the device."""
    function = getattr(np, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        check(*args, *kwargs.values())
        note(name, args)
        plain = {key: to_plain(value) for key, value in kwargs.items()}
        return wrap(function(*map(to_plain, args), **plain))

    return call


def _upload(array: Any) -> Any:
    """Copy an array from the host, unless it is one of the device."""
    if isinstance(array, DeviceArray):
        return array
    LAUNCHED.append("upload")
    return wrap(np.array(array))


class Stream:
    """A stream of launches; here, there is only one."""

    def __init__(self, non_blocking: bool = False) -> None:
        self.ptr = int(non_blocking)

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def record(self, event: "Event | None" = None) -> "Event":
        event = event or Event()
        event.time = time.perf_counter()
        return event

    def wait_event(self, event: "Event") -> None:
        pass


class Event:
    """A moment after all earlier launches, which end at once here."""

    time = 0.0

    def synchronize(self) -> None:
        pass


class Device:
    """The only device."""

    id, compute_capability, mem_info = 0, "90", (2**40, 2**40)

    def __init__(self, number: int = 0) -> None:
        assert number == 0

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def synchronize(self) -> None:
        pass


class StandIn(ModuleType):
    """The names of CuPy that the project uses."""

    def __init__(self) -> None:
        super().__init__("cupy")
        self.__spec__ = ModuleSpec("cupy", None)
        runtime = SimpleNamespace(
            getDeviceCount=lambda: 1,
            getDeviceProperties=lambda _: {"name": b"stand-in", "totalGlobalMem": 2**40},
        )
        self.cuda = SimpleNamespace(
            Device=Device, runtime=runtime, Stream=Stream, Event=Event,
            get_current_stream=Stream, MemoryHook=nullcontext, alloc=lambda size: None,
            get_elapsed_time=lambda start, stop: 1e3 * (stop.time - start.time),
        )  # fmt: skip
        pool = SimpleNamespace(
            free_all_blocks=lambda: None, used_bytes=lambda: 0, total_bytes=lambda: 0
        )
        self.get_default_memory_pool = lambda: pool
        self.ndarray, self.RawModule = DeviceArray, RawModule
        self.asarray = _upload
        self.asnumpy = lambda array: array.get() if isinstance(array, DeviceArray) else array

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _make(name)


def install() -> None:
    """Make ``import cupy`` import the stand-in."""
    sys.modules["cupy"] = StandIn()


@contextmanager
def imported() -> Iterator[None]:
    """Import the CUDA modules over the stand-in, and forget them afterwards."""
    from patchvid import kernels

    def forget() -> None:
        for name in ("cuda", "cuda_memory", "numba_cuda", "raw_cuda"):
            sys.modules.pop(f"patchvid.kernels.{name}", None)
            vars(kernels).pop(name, None)
        kernels.why_no_gpu.cache_clear()
        kernels.why_no_numba.cache_clear()

    before = sys.modules.get("cupy")
    forget()
    install()
    try:
        yield
    finally:
        forget()
        sys.modules.pop("cupy")
        if before is not None:
            sys.modules["cupy"] = before
