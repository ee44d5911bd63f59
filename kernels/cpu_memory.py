"""Memory on the CPU: how much is free, and how much a level needs.

The machine, every control group around the process and the process itself have limits. The tightest
one counts.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from patchvid.kernels.rules import MANY

GIB = 2**30
_UNLIMITED = 2**60  # control groups without a limit name a larger number


class Room(NamedTuple):
    """Bytes that are still free under a limit, the limit itself in bytes, and what sets it."""

    free: int
    limit: int
    setter: str


def room(proc=Path("/proc")):
    """The least room under any limit; None if the system does not tell."""
    return min(_rooms(proc), default=None)


def check_room(size):
    """Why `size` bytes are not available, in one line; empty if they are."""
    least = room()
    if least is None or size <= least.free:
        return ""
    return (
        f"about {size / GIB:.1f} GiB of memory are needed, but {least.setter} leaves "
        f"{least.free / GIB:.1f} of {least.limit / GIB:.1f} GiB"
    )


def footprint(n_keys, n_queries, channels, itemsize):
    """About how many bytes a level takes in addition to its value."""
    if n_queries * MANY <= n_keys:
        keys = 6 + channels * (1 + itemsize)  # masks, blurred key, its layout
    else:
        keys = 8 + channels * (4 + 2 * itemsize)  # layouts for search and votes, blurred key
    queries = 8 + channels * (4 + itemsize)  # field, cost, layout, query, output
    return n_keys * keys + n_queries * queries


def _rooms(proc: Path) -> Iterator[Room]:
    meminfo = _numbers(proc / "meminfo")
    swap = meminfo.get("SwapFree", 0) * 1024
    if "MemAvailable" in meminfo:
        free = meminfo["MemAvailable"] * 1024 + swap
        yield Room(free, meminfo["MemTotal"] * 1024, "this machine")
    elif hasattr(os, "sysconf"):
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        yield Room(total, total, "this machine")
    for folder, version in _groups(proc):
        yield from _group_rooms(folder, version, swap)
    if sys.platform != "win32":
        import resource

        status = _numbers(proc / "self/status")
        for name, used in (("RLIMIT_AS", "VmSize"), ("RLIMIT_DATA", "VmData")):
            limit, _ = resource.getrlimit(getattr(resource, name))
            if 0 <= limit < _UNLIMITED:
                free = max(limit - status.get(used, 0) * 1024, 0)
                yield Room(free, limit, f"the limit of this process ({name})")


def _groups(proc: Path) -> Iterator[tuple[Path, int]]:
    """Folders of the control groups around this process, from the inside out, and the version."""
    paths = {}
    for line in _text(proc / "self/cgroup").splitlines():
        number, controllers, inside_of = line.split(":", 2)
        if number == "0" or "memory" in controllers.split(","):
            paths[2 if number == "0" else 1] = PurePosixPath(inside_of)
    for line in _text(proc / "self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        fields, (kind, *options) = before.split(), after.split() or [""]
        version = {"cgroup": 1, "cgroup2": 2}.get(kind)
        is_memory = version == 2 or "memory" in ",".join(options).split(",")
        if version not in paths or not is_memory:
            continue
        root, top = PurePosixPath(fields[3]), Path(fields[4])
        path = paths[version]
        # Inside a container the path may be the host's, but only its root is mounted.
        inside = path.relative_to(root) if path.is_relative_to(root) else PurePosixPath()
        if ".." in inside.parts or not (top / inside).is_dir():
            inside = PurePosixPath()
        for part in (inside, *inside.parents):
            yield top / part, version
            if not part.parts:
                break


def _group_rooms(folder: Path, version: int, swap: int) -> Iterator[Room]:
    """The room under each limit of a control group. Cached files count as free."""
    stat = _numbers(folder / "memory.stat")
    prefix = "total_" if version == 1 else ""
    kinds = ("inactive_file", "active_file", "slab_reclaimable")
    cache = sum(stat.get(prefix + kind, 0) for kind in kinds)
    if version == 1:
        names = [("memory.limit_in_bytes", "memory.usage_in_bytes", swap)]
        names.append(("memory.memsw.limit_in_bytes", "memory.memsw.usage_in_bytes", 0))
    else:
        swap_limit, swapped = _number(folder / "memory.swap.max"), folder / "memory.swap.current"
        if swap_limit is not None:
            swap = min(swap, max(swap_limit - (_number(swapped) or 0), 0))
        names = [(name, "memory.current", swap) for name in ("memory.max", "memory.high")]
    for name, current, more in names:
        limit, used = _number(folder / name), _number(folder / current)
        if limit is not None and used is not None and limit < _UNLIMITED:
            free = max(limit - max(used - cache, 0) + more, 0)
            yield Room(free, limit, f"the container ({name})")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _numbers(path: Path) -> dict[str, int]:
    """Numbers by the name before them, as in ``MemTotal:  1024 kB`` and ``inactive_file 1024``."""
    words = (line.replace(":", " ").split() for line in _text(path).splitlines())
    return {
        name: int(word) for name, word, *_ in (w for w in words if len(w) > 1) if word.isdecimal()
    }
