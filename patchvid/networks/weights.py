"""Weights of networks: files on this machine, and published ones, downloaded on request.

Downloads are kept in the user's cache, and only if their hash is the published one.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from patchvid._paths import StrPath, as_path, quoted, reason, user_cache
from patchvid._progress import Progress, reporting
from patchvid._validation import shown
from patchvid.errors import InvalidInput, WeightsError


class Published(NamedTuple):
    """A file of weights: its address, its SHA-256 or the known beginning of it, and its use."""

    url: str
    sha256: str
    use: str = ""


PUBLISHED = {
    "raft_small": Published(
        "https://download.pytorch.org/models/raft_small_C_T_V2-01064c6d.pth",
        "01064c6dba73b0fc9fc8edf772248560a00a3acfd62ac6677e9eeebad9680e27",
        "optical flow for analogies, 4 MB",
    ),
    "raft_large": Published(
        "https://download.pytorch.org/models/raft_large_C_T_SKHT_V1-0b8c9e55.pth",
        "0b8c9e55",
        "the same, slower, 20 MB",
    ),
    "c3d_sports1m": Published(
        "https://download.openmmlab.com/mmaction/recognition/c3d/"
        "c3d_sports1m_pretrain_20201016-dcc47ddc.pth",
        "dcc47ddc",
        "svfid of patchvid eval, 300 MB",
    ),
}

_TIMEOUT = 20  # seconds without an answer
_CHUNK = 1 << 18  # bytes from one report of progress to the next


def find_weights(source: StrPath | None, *, names: Sequence[str], variable: str) -> Path:
    """Find a file of weights on this machine.

    Parameters
    ----------
    source : str or path, optional
        A path, or one of `names`. By default the value of the environment's `variable`, otherwise
        the first of `names`.
    names : sequence of str
        The allowed keys of `PUBLISHED`.
    variable : str
        Name of an environment variable that may hold a path or a name.

    Returns
    -------
    path
        The file.

    Raises
    ------
    InvalidInput
        If there is no file at a given path.
    WeightsError
        If published weights are not in the cache.
    """
    if source is not None:
        as_path(source)
    origin = "" if source else f" ({variable})"
    source = os.fspath(source or os.environ.get(variable) or names[0])
    if source in names:
        if (cached := cached_weights(source)) is None:
            raise WeightsError(
                f"the weights {source} are not on this machine; fetch them with `patchvid weights "
                f"{source} --download` or patchvid.fetch_weights({source!r})"
            )
        return cached
    path = Path(os.path.expanduser(source))
    if not os.path.isfile(path):
        raise InvalidInput(
            f"there is no file of weights at {quoted(path)}{origin}; give a path, "
            f"or {' or '.join(map(repr, names))}"
        )
    return path


def cached_weights(name: str) -> Path | None:
    """The file of published weights in the user's cache, if it is there and complete."""
    import pooch

    try:
        path = _place(name)
    except OSError:
        return None
    is_whole = path.is_file() and pooch.file_hash(str(path)).startswith(PUBLISHED[name].sha256)
    return path if is_whole else None


def fetch_weights(name: str, *, progress: Progress | bool | None = None) -> Path:
    """Download published weights to the user's cache, unless they are there.

    Nothing else in patchvid uses the network. If a download is cut short, or is not the published
    file, no file remains.

    Parameters
    ----------
    name : {"raft_small", "raft_large", "c3d_sports1m"}
        Weights of RAFT, for `optical_flow` and `analogy` (4 or 20 MB), or of C3D, for
        `metrics.svfid` (300 MB).
    progress : callable or bool, optional
        Called as ``progress(fraction, message)``, with the fraction of the download done. None
        shows a bar in a terminal, False shows nothing.

    Returns
    -------
    path
        The file.

    Raises
    ------
    InvalidInput
        If there are no weights of this name.
    WeightsError
        If the weights cannot be downloaded.

    Examples
    --------
    >>> fetch_weights("raft_small")  # doctest: +SKIP
    PosixPath('/home/ada/.cache/patchvid/raft_small_C_T_V2-01064c6d.pth')
    """
    import pooch

    if not isinstance(name, str) or name not in PUBLISHED:
        raise InvalidInput(f"name must be one of {', '.join(PUBLISHED)}, got {shown(name)}")
    if (cached := cached_weights(name)) is not None:
        return cached
    url, sha256, _ = PUBLISHED[name]
    try:
        path = _place(name)
        with reporting(progress, "fetching weights") as report, _without_messages():
            http = pooch.HTTPDownloader(_Bar(report), chunk_size=_CHUNK, timeout=_TIMEOUT)

            def download(url: str, target: str, _: Any) -> None:
                http(url, target, None)
                # For some files only the beginning of the hash is published, which Pooch cannot
                # check.
                if not pooch.file_hash(target).startswith(sha256):
                    raise OSError("the file is damaged, or not the one that was published")

            path.unlink(missing_ok=True)  # Pooch would use it unchecked
            pooch.retrieve(url, None, fname=path.name, path=path.parent, downloader=download)
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"cannot download the weights {name} from {url}: {reason(_innermost(error))}; download "
            "them in another way and give their path"
        ) from error
    return path


def _place(name: str) -> Path:
    """The path of published weights in the cache."""
    return user_cache() / PUBLISHED[name].url.rpartition("/")[2]


class _Bar:
    """A progress bar with the interface that Pooch needs, which reports fractions."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.total = 0  # bytes; 0 if not known
        self.done = 0

    def update(self, n_bytes: int) -> None:
        self.done += n_bytes
        if self.total:
            self.progress(min(1.0, self.done / self.total), "downloading weights")

    def reset(self) -> None:
        """Start again: at the end, Pooch sets the bar to all bytes."""
        self.done = 0

    def close(self) -> None:
        """Do nothing: the bar belongs to the caller."""


def _innermost(error: BaseException) -> BaseException:
    """The error that caused the others: libraries for HTTP wrap it several times."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return error


@contextmanager
def _without_messages() -> Iterator[None]:
    """Silence Pooch's messages below a warning."""
    import pooch

    logger: logging.Logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
