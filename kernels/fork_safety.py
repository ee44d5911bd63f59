"""Products of matrices during which the process cannot fork: a fork would hang in OpenBLAS."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_whole = Lock()


@contextmanager
def unforked() -> Iterator[None]:
    """A context for products of matrices: no process forks while they are made.

    OpenBLAS has threads and locks of its own. A process that is forked while another thread of its
    parent is in a product would wait for them forever.
    """
    with _whole:
        yield


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_whole.acquire, after_in_parent=_whole.release, after_in_child=_whole.release
    )
