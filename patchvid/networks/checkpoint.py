"""Tensors out of files of weights: PyTorch's checkpoints, read without PyTorch and without trust.

A checkpoint is a pickle, a program that may call whatever it names. This reader knows the few
instructions and names that tensors need, gives the names harmless meanings, and refuses all others.

Source of the two formats: torch/serialization.py of PyTorch.
"""

import math
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid.errors import InvalidInput

Tensors = dict[str, NDArray[Any]]

_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}
_PROTOCOL = 2  # of the pickles that PyTorch writes
_OLD_MAGIC = 0x1950A86A20F9469CFC6C
_OLD_VERSION = 1001


class _Storage(NamedTuple):
    """Numbers in a row that tensors are views of; they are read when all tensors are known."""

    dtype: str
    key: str
    size: int

    @property
    def n_bytes(self) -> int:
        return self.size * np.dtype(self.dtype).itemsize


class _Tensor(NamedTuple):
    """A tensor to be: a view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_tensors(path: Path) -> Tensors:
    """Read named arrays from a file of weights.

    Parameters
    ----------
    path
        ``.npz``, or a checkpoint of PyTorch in its old or its zip format: a dictionary of tensors,
        perhaps under ``state_dict``. What is no tensor in it is left out.

    Raises
    ------
    InvalidInput
        For a file that is missing, damaged, of another kind, or names anything but tensors.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "weights.npz")
    >>> np.savez(path, weight=np.ones((2, 3), np.float32))
    >>> {name: tensor.shape for name, tensor in read_tensors(path).items()}
    {'weight': (2, 3)}
    """
    try:
        tensors = _read_npz(path) if path.suffix.lower() == ".npz" else _read_checkpoint(path)
    except InvalidInput:
        raise
    except Exception as error:  # damaged pickles and archives raise nearly anything
        raise InvalidInput(
            f"cannot read weights from {str(path)!r}: {first_line(error)}; "
            "it may be damaged or cut short, or no file of weights"
        ) from error
    if not tensors:
        raise InvalidInput(f"there are no tensors in {str(path)!r}; give a file of weights")
    return tensors


def first_line(error: Exception) -> str:
    """What a library's error says, on one line."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _read_npz(path: Path) -> Tensors:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _read_checkpoint(path: Path) -> Tensors:
    raw = path.read_bytes()
    tree, read = _open_zip(raw) if zipfile.is_zipfile(BytesIO(raw)) else _open_old(raw)
    tree = tree.get("state_dict", tree)
    return {str(name): _to_array(x, read) for name, x in tree.items() if isinstance(x, _Tensor)}


def _open_zip(raw: bytes) -> tuple[dict[Any, Any], Callable[[_Storage], bytes]]:
    """The pickled dictionary, and what reads a storage."""
    archive = zipfile.ZipFile(BytesIO(raw))
    (pickled,) = [name for name in archive.namelist() if f"/{name}".endswith("/data.pkl")] or [""]
    folder = pickled.removesuffix("data.pkl")

    def member(name: str, n_bytes: int | None = None) -> bytes:
        entry = archive.getinfo(folder + name)
        # Checkpoints are not compressed, and so no small file can claim to be a large one.
        if entry.compress_type != zipfile.ZIP_STORED or n_bytes not in (None, entry.file_size):
            raise ValueError(f"{entry.filename} has not the size that is expected")
        return archive.read(entry)

    if f"{folder}byteorder" in archive.namelist() and member("byteorder") != b"little":
        raise ValueError("its byte order is not little endian")
    tree, _ = _unpickle(BytesIO(member("data.pkl")))
    return tree, lambda storage: member(f"data/{storage.key}", storage.n_bytes)


def _open_old(raw: bytes) -> tuple[dict[Any, Any], Callable[[_Storage], bytes]]:
    """As `_open_zip`, for pickles one after the other, with the storages behind them."""
    file = BytesIO(raw)
    magic, version, system = (_unpickle(file)[0] for _ in range(3))
    if (magic, version) != (_OLD_MAGIC, _OLD_VERSION):
        raise ValueError("it does not begin like a checkpoint")
    if not system["little_endian"]:
        raise ValueError("its byte order is not little endian")
    tree, storages = _unpickle(file)
    found = {}
    for key in _unpickle(file)[0]:
        n_bytes = storages[key].n_bytes
        if int.from_bytes(file.read(8), "little") != storages[key].size:
            raise ValueError(f"storage {key} has not the size that is expected")
        start = file.tell()
        found[key] = raw[start : start + n_bytes]
        file.seek(start + n_bytes)
    return tree, lambda storage: found[storage.key]


def _unpickle(file: BytesIO) -> tuple[Any, dict[str, _Storage]]:
    """What the next pickle of a file makes, and the storages that it speaks of."""
    start = file.tell()
    for opcode, argument, place in pickletools.genops(file):
        # Later protocols reserve whatever memory is asked for, and so does the number of a memo;
        # extensions may stand for anything.
        reserves = opcode.name in ("PUT", "LONG_BINPUT") and int(argument or 0) > (place or 0)
        if opcode.proto > _PROTOCOL or opcode.name.startswith("EXT") or reserves:
            raise ValueError(f"its pickle has {opcode.name}, which no tensors need")
    file.seek(start)
    unpickler = _Unpickler(file)
    return unpickler.load(), unpickler.storages


class _Row(tuple[Any, ...]):
    """A tuple that is no key: a hash goes down nested ones without end."""

    def __hash__(self) -> int:
        raise ValueError("its pickle has a tuple as a key, which no tensors need")


def _as_row(load: Callable[[Any], None]) -> Callable[[Any], None]:
    """What does as an instruction that makes a tuple, but makes a `_Row`."""

    def load_row(unpickler: Any) -> None:
        load(unpickler)
        unpickler.stack[-1] = _Row(unpickler.stack[-1])

    return load_row


class _Unpickler(pickle._Unpickler):  # the one in Python, whose instructions can be replaced
    """Makes numbers, strings, tuples, lists, dictionaries and tensors, and nothing else.

    What names stand for cannot be changed from inside a pickle either: a type of the interpreter,
    bound methods, strings.
    """

    dispatch: ClassVar = dict(pickle._Unpickler.dispatch)
    for code in (pickle.EMPTY_TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3, pickle.TUPLE):
        dispatch[code[0]] = _as_row(dispatch[code[0]])

    def __init__(self, file: BytesIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """What a name stands for."""
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): self._rebuild_tensor,
            ("torch._utils", "_rebuild_parameter"): self._rebuild_parameter,
        }
        if (module, name) not in known:
            raise InvalidInput(
                f"refused to read weights that ask for {f'{module}.{name}'!r}: tensors need no "
                "such thing, and it could do harm; use a file of tensors only"
            )
        return known[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        """A storage, which the pickle has but a number for."""
        kind, dtype, key, _, size, *view = pid
        checked = dtype in _DTYPES.values() and isinstance(key, str) and _is_extent(size)
        if kind != "storage" or not checked or any(view):
            raise ValueError("a storage of an unknown kind")
        storage = _Storage(dtype, key, size)
        if self.storages.setdefault(key, storage) != storage:
            raise ValueError(f"storage {key} is described in two ways")
        return storage

    def _rebuild_tensor(
        self, storage: Any, offset: Any, shape: Any, strides: Any, *_training: Any
    ) -> _Tensor:
        extents = (offset, *shape, *strides)
        if not isinstance(storage, _Storage) or not all(map(_is_extent, extents)):
            raise ValueError("a tensor that is no view of a storage")
        last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
        if math.prod(shape) > storage.size or (math.prod(shape) and last >= storage.size):
            raise ValueError("a tensor that reaches beyond its storage")
        return _Tensor(storage, offset, tuple(shape), tuple(strides))

    def _rebuild_parameter(self, tensor: Any, *_training: Any) -> Any:
        return tensor


def _is_extent(value: Any) -> bool:
    return type(value) is int and value >= 0


def _to_array(tensor: _Tensor, read: Callable[[_Storage], bytes]) -> NDArray[Any]:
    dtype = np.dtype(tensor.storage.dtype)
    raw = read(tensor.storage)
    if len(raw) != tensor.storage.n_bytes:
        raise ValueError(f"storage {tensor.storage.key} has not the size that is expected")
    values = np.frombuffer(raw, dtype)[tensor.offset :]
    strides = [stride * dtype.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(values, tensor.shape, strides).copy()
