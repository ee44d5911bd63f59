"""Weights of networks: files on this machine, or published ones, which are downloaded once.

What is downloaded is kept in the user's cache, and only if its hash is the published one.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from patchvid._paths import StrPath, quoted, reason
from patchvid._progress import Progress, ignore
from patchvid.errors import InvalidInput, WeightsError


class Published(NamedTuple):
    """A file of weights: its address, and its SHA-256 or the known beginning of it."""

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
_CHUNK = 1 << 18  # bytes from one report of progress to the next

_failures: dict[str, str] = {}  # messages of downloads that failed in this process


def find_weights(
    source: StrPath | None,
    *,
    names: Sequence[str],
    variable: str,
    progress: Progress = ignore,
) -> Path:
    """Find a file of weights, and download it if need be.

    Parameters
    ----------
    source : str or path, optional
        A path, or one of `names`. By default the value of the environment's `variable`, or else the
        first of `names`.
    names : sequence of str
        Keys of `PUBLISHED` that may be used.
    variable : str
        Name of an environment variable that may hold a path or a name.
    progress : callable
        Called as ``progress(fraction, message)`` with the fraction of a download that is done.

    Returns
    -------
    path
        The file.

    Raises
    ------
    InvalidInput
        If there is no file at a path that was given.
    WeightsError
        If published weights are not in the cache and cannot be downloaded.
    """
    origin = "" if source else f" ({variable})"
    source = os.fspath(source or os.environ.get(variable) or names[0])
    if source in names:
        return fetch_weights(source, progress)
    path = Path(os.path.expanduser(source))
    if not path.is_file():
        raise InvalidInput(
            f"there is no file of weights at {quoted(path)}{origin}; give a path, "
            f"or {' or '.join(map(repr, names))}"
        )
    return path


def fetch_weights(name: str, progress: Progress = ignore) -> Path:
    """Return the file of published weights in the cache; download it if it is not there.

    A download that is cut short, or is not what was published, leaves nothing behind. One that
    fails is not tried again by the same process.

    Parameters
    ----------
    name : str
        A key of `PUBLISHED`.
    progress : callable
        Called as ``progress(fraction, message)`` with the fraction of a download that is done.

    Returns
    -------
    path
        The file.

    Raises
    ------
    WeightsError
        If the weights cannot be downloaded.
    """
    import pooch
    from platformdirs import user_cache_path

    url, sha256 = PUBLISHED[name]
    path = user_cache_path("patchvid", appauthor=False) / url.rpartition("/")[2]
    if path.is_file() and pooch.file_hash(str(path)).startswith(sha256):
        return path
    if name in _failures:
        raise WeightsError(_failures[name])
    http = pooch.HTTPDownloader(_Bar(progress), chunk_size=_CHUNK, timeout=_TIMEOUT)

    def download(url: str, target: str, _: Any) -> None:
        http(url, target, None)
        # Of some files only the beginning of the hash is published, which Pooch does not check.
        if not pooch.file_hash(target).startswith(sha256):
            raise OSError("what came is damaged, or not what was published")

    try:
        with _without_messages(pooch.get_logger()):
            path.unlink(missing_ok=True)  # Pooch would take it as it is
            pooch.retrieve(url, None, fname=path.name, path=path.parent, downloader=download)
    except (OSError, ValueError) as error:
        _failures[name] = (
            f"cannot download the weights {name} from {url}: {reason(_innermost(error))}; download "
            "them by other means and give their path"
        )
        raise WeightsError(_failures[name]) from error
    return path


class _Bar:
    """A progress bar as Pooch wants it, which reports fractions."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.total = 0  # bytes; 0 if not known
        self.done = 0

    def update(self, n_bytes: int) -> None:
        self.done += n_bytes
        if self.total:
            self.progress(min(1.0, self.done / self.total), "downloading weights")

    def reset(self) -> None:
        """Begin again: at the end, Pooch sets the bar to all bytes."""
        self.done = 0

    def close(self) -> None:
        """Do nothing: the bar belongs to the caller."""


def _innermost(error: BaseException) -> BaseException:
    """The error that caused the others: libraries for HTTP wrap it several times."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return error


@contextmanager
def _without_messages(logger: logging.Logger) -> Iterator[None]:
    """Keep a logger from telling what goes as it should."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
