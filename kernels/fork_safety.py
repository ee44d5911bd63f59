"""Matrix products during which the process cannot fork: a fork would hang in OpenBLAS."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_whole = Lock()


@contextmanager
def unforked() -> Iterator[None]:
    """Open a context for matrix products, in which the process cannot fork.

    OpenBLAS has its own threads and locks. A process forked while another thread of its parent
    computes a product would wait for them forever.
    """
    with _whole:
        yield


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_whole.acquire, after_in_parent=_whole.release, after_in_child=_whole.release
    )
