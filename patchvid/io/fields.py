"""Save and load fields as ``.npz`` files, so that other layers can be rearranged later."""

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from patchvid._device import backend_of
from patchvid._paths import StrPath, as_path, quoted, raise_if_out_of_memory, reason
from patchvid._validation import shown
from patchvid.errors import InvalidInput, PatchvidError
from patchvid.io._files import (
    cannot_write,
    check_target_is_free,
    complete_or_nothing,
    naming_failures,
)
from patchvid.io.file_kinds import check_is_file
from patchvid.kernels.cpu_memory import check_room
from patchvid.results import PatchField

SUFFIX = ".npz"

_NEEDED = ("places", "patch", "periodic", "reduce", "shape", "shift", "keeps_time")


def write_field(path: StrPath, field: PatchField, *, overwrite: bool = False) -> None:
    """Write a field to a file; `path` appears only when it is complete.

    Parameters
    ----------
    path : str or path
        A name that ends in ``.npz``.
    field : PatchField
        The `field` of a `Result`.
    overwrite : bool
        Whether to replace an existing file.

    Raises
    ------
    TargetExists
        If something is at `path` that `overwrite` would replace.
    VideoError
        If `path` cannot be written. No partial file remains.

    Notes
    -----
    The file is a NumPy archive. Its arrays are named as the attributes of `PatchField`: ``places``
    (t', y', x') of int32, ``patch``, ``shape`` and ``shift`` of three integers, ``periodic`` of
    three booleans, ``reduce`` a string, ``keeps_time`` a boolean, and, if not None, ``made``
    (t, y, x) of float32 and ``frames`` (t) of integers.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> places = np.zeros((2, 4, 4), np.int32)
    >>> field = PatchField(places, (1, 3, 3), (False, False, False), "median", (2, 6, 6))
    >>> write_field(f"{folder.name}/field.npz", field)
    >>> read_field(f"{folder.name}/field.npz").shape
    (2, 6, 6)
    """
    check_field_target(path, overwrite=overwrite)
    if not isinstance(field, PatchField):
        raise InvalidInput(f"field must be a PatchField, as in Result.field, got {shown(field)}")
    arrays = {name: value for name, value in field._asdict().items() if value is not None}
    target = Path(os.path.abspath(path))
    with (
        naming_failures(path),
        complete_or_nothing(target) as part,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        for name, value in arrays.items():
            array = np.asarray(backend_of(value).to_host(value))
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def check_field_target(path: StrPath, *, overwrite: bool = False) -> None:
    """Raise an error unless `write_field` can write to `path`; call it before long work.

    Parameters
    ----------
    path : str or path
        As for `write_field`.
    overwrite : bool
        As for `write_field`.

    Raises
    ------
    VideoError
        If the name does not end in ``.npz``, or no file can be written there.
    """
    suffix = as_path(path).suffix
    if suffix.lower() != SUFFIX:
        raise cannot_write(path, f"the suffix of a field must be {SUFFIX}, got {suffix!r}")
    check_target_is_free(path, overwrite=overwrite)


def read_field(path: StrPath) -> PatchField:
    """Read a field written by `write_field` or ``--save-field``.

    Parameters
    ----------
    path : str or path
        The ``.npz`` file.

    Returns
    -------
    PatchField
        As it was written.

    Raises
    ------
    InvalidInput
        If there is no field at `path`.

    Examples
    --------
    See `write_field`.
    """
    source = as_path(path)
    check_is_file(source)
    try:
        with np.load(source, allow_pickle=False) as archive:
            n_bytes = sum(entry.file_size for entry in archive.zip.infolist())
            if problem := check_room(n_bytes):
                raise MemoryError(f"{quoted(path)}: {problem}")
            arrays: dict[str, Any] = {name: archive[name] for name in archive.files}
        missing = [name for name in _NEEDED if name not in arrays]
        if missing:
            raise InvalidInput(
                f"{quoted(path)} is not a field: it has no array {missing[0]!r}; give a file from "
                "--save-field or write_field"
            )
        return PatchField(
            places=arrays["places"], made=arrays.get("made"), reduce=arrays["reduce"].item(),
            periodic=_three(arrays["periodic"]), patch=_three(arrays["patch"]),
            shape=_three(arrays["shape"]), shift=_three(arrays["shift"]),
            keeps_time=bool(arrays["keeps_time"]),
            frames=arrays.get("frames"),
        )  # fmt: skip
    except PatchvidError:
        raise
    except FileNotFoundError as error:
        raise InvalidInput(f"there is no field at {quoted(path)}; check the name") from error
    except OSError as error:
        raise_if_out_of_memory(error)
        raise InvalidInput(f"cannot read a field from {quoted(path)}: {reason(error)}") from error
    except Exception as error:  # damaged archives raise nearly anything
        raise_if_out_of_memory(error)
        raise InvalidInput(
            f"{quoted(path)} is not a field, or cut short; give a file from --save-field or "
            "write_field"
        ) from error


def _three(array: Any) -> Any:
    """The three numbers or booleans of a small array."""
    first, second, third = array.tolist()
    return first, second, third
