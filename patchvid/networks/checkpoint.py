"""Read the tensors of PyTorch checkpoints, safely and without PyTorch.

A checkpoint is a pickle and the numbers of its tensors. Names in the pickle are mapped to functions
and types of this module; no other code runs, see `patchvid.networks.unpickling`.

Reference for the two formats: torch/serialization.py of PyTorch.
"""

import math
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid._paths import quoted, raise_if_out_of_memory, reason
from patchvid.errors import InvalidInput
from patchvid.networks.unpickling import unpickle

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
_OLD_MAGIC = 0x1950A86A20F9469CFC6C
_OLD_VERSION = 1001

# The tensors of a file may together take so many times its bytes: some share numbers, and weights
# hardly compress. If they take little memory, an archive may hold more.
_MOST_COPIES, _LITTLE = 4, 1 << 22


class _Storage(NamedTuple):
    """The array of numbers behind tensors; it is read when all tensors are known."""

    dtype: np.dtype[Any]
    key: str
    size: int

    @property
    def n_bytes(self) -> int:
        return self.size * self.dtype.itemsize


class _Tensor(NamedTuple):
    """A tensor: a view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def n_bytes(self) -> int:
        return math.prod(self.shape) * self.storage.dtype.itemsize


def read_tensors(path: Path) -> Tensors:
    """Read named arrays from a file of weights.

    Parameters
    ----------
    path : path
        A ``.npz`` file, or a checkpoint of PyTorch in its old or its zip format: a dictionary of
        tensors, or one that holds it as ``state_dict``. Other entries are left out.

    Returns
    -------
    dict of array
        The tensors by their names.

    Raises
    ------
    InvalidInput
        If the file is missing, damaged, of another kind, or asks for anything but tensors.

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
        raise_if_out_of_memory(error)
        raise InvalidInput(
            f"cannot read weights from {quoted(path)}: {reason(error)}; "
            "it may be damaged or cut short, or may hold no weights"
        ) from error
    if not tensors:
        raise InvalidInput(f"there are no tensors in {quoted(path)}; give a file of weights")
    return tensors


def _read_npz(path: Path) -> Tensors:
    with np.load(path, allow_pickle=False) as arrays:
        n_bytes = sum(entry.file_size for entry in arrays.zip.infolist())
        if n_bytes > max(_MOST_COPIES * path.stat().st_size, _LITTLE):
            raise ValueError("its arrays are much larger than the file")
        try:
            return dict(arrays)
        except ValueError:  # NumPy's message suggests unpickling
            raise ValueError("it holds objects that are not arrays of numbers") from None


def _read_checkpoint(path: Path) -> Tensors:
    raw = path.read_bytes()
    tree, read = _open_zip(raw) if zipfile.is_zipfile(BytesIO(raw)) else _open_old(raw)
    tree = tree.get("state_dict", tree)
    tensors = {str(name): x for name, x in tree.items() if isinstance(x, _Tensor)}
    if sum(tensor.n_bytes for tensor in tensors.values()) > _MOST_COPIES * len(raw):
        raise ValueError("its tensors are much larger than the file")
    return {name: _to_array(tensor, read) for name, tensor in tensors.items()}


def _open_zip(raw: bytes) -> tuple[dict[Any, Any], Callable[[_Storage], bytes]]:
    """Return the pickled dictionary, and a function that reads a storage."""
    archive = zipfile.ZipFile(BytesIO(raw))
    (pickled,) = [name for name in archive.namelist() if f"/{name}".endswith("/data.pkl")] or [""]
    folder = pickled.removesuffix("data.pkl")

    def member(name: str, n_bytes: int | None = None) -> bytes:
        entry = archive.getinfo(folder + name)
        # Only uncompressed members are read, so that no small file can hold large tensors.
        if entry.compress_type != zipfile.ZIP_STORED or n_bytes not in (None, entry.file_size):
            raise ValueError(f"{entry.filename} does not have the expected size")
        return archive.read(entry)

    if f"{folder}byteorder" in archive.namelist() and member("byteorder") != b"little":
        raise ValueError("its byte order is not little endian")
    tree, _ = _unpickle(BytesIO(member("data.pkl")))
    return tree, lambda storage: member(f"data/{storage.key}", storage.n_bytes)


def _open_old(raw: bytes) -> tuple[dict[Any, Any], Callable[[_Storage], bytes]]:
    """Do the same for the old format: several pickles in a row, followed by the storages."""
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
            raise ValueError(f"storage {key} does not have the expected size")
        start = file.tell()
        found[key] = raw[start : start + n_bytes]
        file.seek(start + n_bytes)
    return tree, lambda storage: found[storage.key]


def _unpickle(file: BytesIO) -> tuple[Any, dict[str, _Storage]]:
    """Read the next pickle of a file, with `_Tensor` for tensors; also return its storages."""
    storages: dict[str, _Storage] = {}

    def load_storage(pid: Any) -> _Storage:
        kind, dtype, key, _, size, *view = pid
        checked = isinstance(dtype, np.dtype) and isinstance(key, str) and _is_extent(size)
        if kind != "storage" or not checked or any(view):
            raise ValueError("a storage of an unknown kind")
        storage = _Storage(dtype, key, size)
        if storages.setdefault(key, storage) != storage:
            raise ValueError(f"storage {key} is described in two ways")
        return storage

    return unpickle(file, _NAMES, load_storage), storages


def _make_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_training: Any) -> _Tensor:
    extents = (offset, *shape, *strides)
    if not isinstance(storage, _Storage) or not all(map(_is_extent, extents)):
        raise ValueError("a tensor that is not a view of a storage")
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if math.prod(shape) > storage.size or (math.prod(shape) and last >= storage.size):
        raise ValueError("a tensor that reaches beyond its storage")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _make_parameter(tensor: Any, *_training: Any) -> Any:
    return tensor


def _make_dict(items: Any = ()) -> dict[str, Any]:
    """Make an ordered dictionary; pickles of Python 2 pass its items, later ones set them."""
    if not all(type(key) is str for key, _ in items):
        raise ValueError("its pickle has a key that is not a string, which no tensors need")
    return dict(items)


# The objects for names in a checkpoint.
_NAMES: dict[str, Any] = {
    **{f"torch.{name}": np.dtype(kind) for name, kind in _DTYPES.items()},
    "torch._utils._rebuild_tensor_v2": _make_tensor,
    "torch._utils._rebuild_parameter": _make_parameter,
    "collections.OrderedDict": _make_dict,
}


def _is_extent(value: Any) -> bool:
    return type(value) is int and value >= 0


def _to_array(tensor: _Tensor, read: Callable[[_Storage], bytes]) -> NDArray[Any]:
    dtype = tensor.storage.dtype
    raw = read(tensor.storage)
    if len(raw) != tensor.storage.n_bytes:
        raise ValueError(f"storage {tensor.storage.key} does not have the expected size")
    values = np.frombuffer(raw, dtype)[tensor.offset :]
    strides = [stride * dtype.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(values, tensor.shape, strides).copy()
