"""Let NumPy take the memory of large arrays from somewhere else.

NumPy has a hook for this, which belongs to the context of a thread: NEP 49, "Data allocation
strategies". It is part of the C interface only, so `ctypes` calls it.
"""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import c_char, c_char_p, c_size_t, c_ubyte, c_void_p, py_object
from typing import Any

from numpy._core import _multiarray_umath  # type: ignore[attr-defined]

_SET, _GET = 304, 305  # PyDataMem_SetHandler and PyDataMem_GetHandler in NumPy's table of functions
_NAME, _VERSION = b"mem_handler", 1

# Functions that hold Python's lock, as NumPy's own ones expect.
_Malloc = ctypes.PYFUNCTYPE(c_void_p, c_void_p, c_size_t)
_Calloc = ctypes.PYFUNCTYPE(c_void_p, c_void_p, c_size_t, c_size_t)
_Realloc = ctypes.PYFUNCTYPE(c_void_p, c_void_p, c_void_p, c_size_t)
_Free = ctypes.PYFUNCTYPE(None, c_void_p, c_void_p, c_size_t)


class _Handler(ctypes.Structure):
    """``PyDataMem_Handler`` of NumPy."""

    _fields_ = (
        ("name", c_char * 127),
        ("version", c_ubyte),
        ("own", c_void_p),
        ("malloc", _Malloc),
        ("calloc", _Calloc),
        ("realloc", _Realloc),
        ("free", _Free),
    )


_new_capsule: Any = ctypes.PYFUNCTYPE(py_object, c_void_p, c_char_p, c_void_p)(
    ("PyCapsule_New", ctypes.pythonapi)
)
_address_in: Any = ctypes.PYFUNCTYPE(c_void_p, py_object, c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def _functions():
    """NumPy's functions that set the handler, which returns the one before, and get it."""
    address = _address_in(_multiarray_umath._ARRAY_API, None)
    table: Any = (c_void_p * (_GET + 1)).from_address(address)
    return (
        ctypes.PYFUNCTYPE(py_object, py_object)(table[_SET]),
        ctypes.PYFUNCTYPE(py_object)(table[_GET]),
    )


@contextmanager
def allocating(
    least: int,
    allocate: Callable[[int], int],
    extend: Callable[[int, int], int | None],
    free: Callable[[int], bool],
) -> Iterator[None]:
    """Give arrays of this thread that have `least` bytes or more the memory of `allocate`.

    Arrays may outlive the context.

    Parameters
    ----------
    least : int
        Bytes of the smallest array.
    allocate : callable
        Returns the address of so many bytes, all zero, or 0 if there are none.
    extend : callable
        Takes an address and a new size, and returns the address of the same content in this size,
        0 if there is no memory, and None if the address is not from `allocate`.
    free : callable
        Frees an address, and returns whether it was from `allocate`.
    """
    set_handler, get_handler = _functions()
    before = get_handler()
    usual = _Handler.from_address(_address_in(before, _NAME))
    functions = usual.own, usual.malloc, usual.calloc, usual.realloc, usual.free
    own, usual_malloc, usual_calloc, usual_realloc, usual_free = functions

    def malloc(_, size):
        return allocate(size) if size >= least else usual_malloc(own, size)

    def calloc(_, count, size):
        return allocate(count * size) if count * size >= least else usual_calloc(own, count, size)

    def realloc(_, address, size):
        extended = extend(address, size)
        return usual_realloc(own, address, size) if extended is None else extended

    def release(_, address, size):
        if not free(address):
            usual_free(own, address, size)

    handler = _Handler(
        b"patchvid", _VERSION, None,
        _Malloc(malloc), _Calloc(calloc), _Realloc(realloc), _Free(release),
    )  # fmt: skip
    # Arrays may exist until Python ends, so the handler must never go away.
    ctypes.pythonapi.Py_IncRef(py_object(handler))
    set_handler(_new_capsule(ctypes.addressof(handler), _NAME, None))
    try:
        yield
    finally:
        set_handler(before)
