"""Read optical flow that was computed elsewhere."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from patchvid._paths import StrPath, as_path, quoted, raise_if_out_of_memory, reason
from patchvid.errors import InvalidInput
from patchvid.io.file_kinds import check_is_file
from patchvid.io.sequences import load_array, natural_order

Flow = NDArray[np.float32]

_FLO_MAGIC = b"PIEH"
_UNKNOWN = 1e9  # ``.flo`` files mark unknown flow with values above this one


def read_flow(path: StrPath) -> Flow:
    """Read an optical flow that was computed elsewhere.

    Parameters
    ----------
    path : str or path
        A ``.npy`` file, or a ``.npz`` file with an array named ``flow`` or a single array, of shape
        (t - 1, y, x, 2) and floats; or a folder of Middlebury ``.flo`` files [1]_, which are read
        in the natural order of their names.

    Returns
    -------
    array of float32
        (t - 1, y, x, 2): x to the right, then y downwards, in pixels per frame.

    Raises
    ------
    InvalidInput
        If there is no flow at `path`, or the flow is unknown somewhere (NaN, or 1e9 and more).

    References
    ----------
    .. [1] S. Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 92, 2011.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> np.save(f"{folder.name}/flow.npy", np.zeros((7, 32, 48, 2)))
    >>> read_flow(f"{folder.name}/flow.npy").shape
    (7, 32, 48, 2)
    """
    source = as_path(path)
    try:
        read = _read_flo_folder(source) if source.is_dir() else load_array(source, "flow")
    except FileNotFoundError as error:
        raise InvalidInput(f"there is no flow at {quoted(source)}; check the name") from error
    except (OSError, ValueError) as error:
        raise_if_out_of_memory(error)
        raise InvalidInput(f"cannot read a flow from {quoted(source)}: {reason(error)}") from error
    flow = np.array(read)
    if flow.ndim != 4 or flow.shape[3] != 2 or 0 in flow.shape or flow.dtype.kind != "f":
        raise InvalidInput(
            f"the flow in {quoted(source)} must be floats of shape (t - 1, y, x, 2), "
            f"got {flow.dtype} {flow.shape}"
        )
    if not np.abs(flow).max() < _UNKNOWN:  # false for NaN too
        raise InvalidInput(f"the flow in {quoted(source)} has gaps; fill them first")
    return flow.astype(np.float32, copy=False)


def _read_flo_folder(folder: Path) -> list[Flow]:
    files = sorted(folder.glob("*.flo"), key=lambda file: natural_order(file.name))
    if not files:
        raise ValueError("the folder holds no .flo files")
    fields = []
    for file in files:
        check_is_file(file)
        raw = file.read_bytes()
        width, height = (int.from_bytes(raw[at : at + 4], "little") for at in (4, 8))
        if raw[:4] != _FLO_MAGIC or len(raw) != 12 + 8 * width * height:
            raise ValueError(f"{file.name} is not a .flo file, or cut short")
        fields.append(np.frombuffer(raw, "<f4", offset=12).reshape(height, width, 2))
    if len({field.shape for field in fields}) > 1:
        raise ValueError("its files differ in size")
    return fields
