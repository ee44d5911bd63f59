"""Weights of networks: where they are on this machine, and where they come from otherwise.

What is fetched is kept in the user's cache, and only if its hash is what was published.
"""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

from patchvid._progress import Progress, ignore
from patchvid.errors import InvalidInput, WeightsError

StrPath = str | os.PathLike[str]


class Published(NamedTuple):
    """A file of weights: its address, and its SHA-256 or what is known of the beginning of it."""

    url: str
    sha256: str


PUBLISHED = {
    "raft_small": Published(
        "https://download.pytorch.org/models/raft_small_C_T_V2-01064c6d.pth",
        "01064c6dba73b0fc9fc8edf772248560a00a3acfd62ac6677e9eeebad9680e27",
    ),
    "raft_large": Published(
        "https://download.pytorch.org/models/raft_large_C_T_SKHT_V1-0b8c9e55.pth", "0b8c9e55"
    ),
    "c3d_sports1m": Published(
        "https://download.openmmlab.com/mmaction/recognition/c3d/"
        "c3d_sports1m_pretrain_20201016-dcc47ddc.pth",
        "dcc47ddc",
    ),
}

_TIMEOUT = 20  # seconds without an answer
_CHUNK = 1 << 18

_failures: dict[str, str] = {}  # what could not be fetched is not tried again by this process


def find_weights(
    source: StrPath | None,
    *,
    names: Sequence[str],
    variable: str,
    progress: Progress = ignore,
) -> Path:
    """Find a file of weights, and fetch it if need be.

    Parameters
    ----------
    source
        A path, or one of `names`. None: what the environment's `variable` holds, or else the first
        of `names`.
    names
        Those of `PUBLISHED` that will do.
    variable
        Name of an environment variable.
    progress
        Called with the fraction of a download that is done, from 0 to 1, and a message.

    Raises
    ------
    InvalidInput
        If there is no file at a path that was given.
    WeightsError
        If published weights are not in the cache and cannot be fetched.
    """
    origin = "" if source else f" ({variable})"
    source = os.fspath(source or os.environ.get(variable) or names[0])
    if source in names:
        return fetch_weights(source, progress)
    path = Path(source).expanduser()
    if not path.is_file():
        raise InvalidInput(
            f"there is no file of weights at {str(path)!r}{origin}; give a path, "
            f"or {' or '.join(map(repr, names))}"
        )
    return path


def fetch_weights(name: str, progress: Progress = ignore) -> Path:
    """The file of published weights in the cache, fetched if it is not there.

    A download that is cut short or is not what was published leaves nothing behind. One that
    fails is not tried again by the same process.

    Parameters
    ----------
    name
        One of `PUBLISHED`.
    progress
        Called with the fraction of a download that is done, from 0 to 1, and a message.

    Raises
    ------
    WeightsError
        If the weights cannot be fetched.
    """
    from platformdirs import user_cache_path

    url, sha256 = PUBLISHED[name]
    path = user_cache_path("patchvid", appauthor=False) / url.rpartition("/")[2]
    if path.is_file() and _digest(path).startswith(sha256):
        return path
    if name not in _failures:
        try:
            _download(url, sha256, path, progress)
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
            _failures[name] = (
                f"cannot fetch the weights {name} from {url}: {str(reason).strip()}; fetch them by "
                "other means and give their path"
            )
        else:
            return path
    raise WeightsError(_failures[name])


def _download(url: str, sha256: str, path: Path, progress: Progress) -> None:
    """Write what is at `url` to `path`, completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, part = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with open(descriptor, "wb") as file, urlopen(url, timeout=_TIMEOUT) as response:
            size = response.length  # what is left of it; None if it is not known
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                if size:
                    progress(min(1.0, file.tell() / size), "fetching weights")
            if size is not None and file.tell() < size:
                raise OSError(f"the connection was cut after {file.tell()} of {size} bytes")
        if not _digest(Path(part)).startswith(sha256):
            raise OSError("what came is damaged, or not what was published")
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
