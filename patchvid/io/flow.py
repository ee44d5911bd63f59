"""Optical flow that was computed elsewhere, from files."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from patchvid.errors import InvalidInput
from patchvid.io._files import load_array, reason
from patchvid.io.ffmpeg import StrPath, natural

Flow = NDArray[np.float32]

_FLO_MAGIC = b"PIEH"
_UNKNOWN = 1e9  # what ``.flo`` files hold where nobody knows


def read_flow(path: StrPath) -> Flow:
    """Read a flow that was computed elsewhere.

    Parameters
    ----------
    path
        ``.npy``, or ``.npz`` with an array named ``flow`` or one array only, of shape
        (t - 1, y, x, 2); or a folder of ``.flo`` files (Middlebury), in the natural order of
        their names.

    Returns
    -------
    (t - 1, y, x, 2) of float32: x, then y, in pixels a frame.

    Raises
    ------
    InvalidInput
        If there is no flow at `path`, or it has gaps.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> np.save(f"{folder.name}/flow.npy", np.zeros((7, 32, 48, 2)))
    >>> read_flow(f"{folder.name}/flow.npy").shape
    (7, 32, 48, 2)
    """
    source = Path(path)
    try:
        read = _read_flo_folder(source) if source.is_dir() else load_array(source, "flow")
    except FileNotFoundError as error:
        raise InvalidInput(f"there is no flow at {str(source)!r}; check the name") from error
    except (OSError, ValueError) as error:
        raise InvalidInput(f"cannot read a flow from {str(source)!r}: {reason(error)}") from error
    flow = np.asarray(read)
    if flow.ndim != 4 or flow.shape[3] != 2 or 0 in flow.shape or flow.dtype.kind != "f":
        raise InvalidInput(
            f"the flow in {str(source)!r} must be floats of shape (t - 1, y, x, 2), "
            f"got {flow.dtype} {flow.shape}"
        )
    if not np.abs(flow).max() < _UNKNOWN:  # NaN is not below it either
        raise InvalidInput(f"the flow in {str(source)!r} has gaps; fill them first")
    return flow.astype(np.float32, copy=False)


def _read_flo_folder(folder: Path) -> list[Flow]:
    files = sorted(folder.glob("*.flo"), key=lambda file: natural(file.name))
    if not files:
        raise ValueError("the folder holds no .flo files")
    fields = []
    for file in files:
        raw = file.read_bytes()
        width, height = (int.from_bytes(raw[at : at + 4], "little") for at in (4, 8))
        if raw[:4] != _FLO_MAGIC or len(raw) != 12 + 8 * width * height:
            raise ValueError(f"{file.name} is no .flo file, or cut short")
        fields.append(np.frombuffer(raw, "<f4", offset=12).reshape(height, width, 2))
    if len({field.shape for field in fields}) > 1:
        raise ValueError("its files differ in size")
    return fields
