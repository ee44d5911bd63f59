"""Memory: what the machine and control groups leave, and what happens where it is too little."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import patchvid
from patchvid import DeviceError, read_video
from patchvid.kernels import cpu_memory
from patchvid.kernels.cpu_memory import GIB, Room, room

IS_LINUX = sys.platform == "linux"
MEMINFO = "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\nSwapFree: {} kB\n"

resource = pytest.importorskip("resource", reason="Windows has no such limits")

pytestmark = pytest.mark.skipif(not IS_LINUX, reason="control groups are Linux's")


def write(folder: Path, **files: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n", "utf-8")


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /proc of 16 GiB, of which 8 are free, without control groups and limits."""
    write(tmp_path / "proc", meminfo=MEMINFO.format(0))
    monkeypatch.setattr("resource.getrlimit", lambda name: (-1, -1))
    return tmp_path / "proc"


def mount(proc: Path, version: int, path: str, root: str = "/") -> Path:
    """Mount a hierarchy of control groups in which the process is at `path`."""
    top = proc.parent / f"v{version}"
    name = "0::" if version == 2 else "4:memory:"
    kind = "cgroup2 cgroup2 rw" if version == 2 else "cgroup cgroup rw,memory"
    before = {"cgroup": "", "mountinfo": ""}
    for file in before:
        if (proc / "self" / file).exists():
            before[file] = (proc / "self" / file).read_text("utf-8")
    write(
        proc / "self",
        cgroup=f"{before['cgroup']}5:cpu:/elsewhere\n{name}{path}",
        mountinfo=f"{before['mountinfo']}31 23 0:28 / /cpu rw - cgroup cgroup rw,cpu\n"
        f"33 31 0:30 {root} {top} rw,relatime shared:1 - {kind}",
    )
    return top


def test_memory_of_the_machine(proc: Path) -> None:
    assert room(proc) == Room(8 * GIB, 16 * GIB, "this machine")
    write(proc, meminfo=MEMINFO.format(2**20))
    assert room(proc) == Room(9 * GIB, 16 * GIB, "this machine")


@pytest.mark.parametrize("name", ["memory.max", "memory.high"])
@pytest.mark.parametrize("inner", ["own", "parent", "top"])
def test_groups_of_version_2_count_at_every_height(proc: Path, name: str, inner: str) -> None:
    top = mount(proc, 2, "/parent/own")
    for folder in ("", "parent", "parent/own"):
        write(
            top / folder, memory__max="max", memory__high="max", memory__current=0, memory__stat=""
        )
    folders = {"own": "parent/own", "parent": "parent", "top": ""}
    limited = top / folders[inner]
    (limited / name).write_text(f"{GIB}\n")
    write(
        limited, memory__current=GIB * 3 // 4,
        memory__stat=f"anon 9\ninactive_file {GIB // 4}\nactive_file 0\nshmem {GIB // 8}",
    )  # fmt: skip
    assert room(proc) == Room(GIB // 2, GIB, f"the container ({name})")


def test_groups_of_version_1_with_memory_and_swap(proc: Path) -> None:
    write(proc, meminfo=MEMINFO.format(2**20))
    top = mount(proc, 1, "/docker/abc", root="/docker/abc")  # only its own folder is mounted
    write(
        top, memory__limit_in_bytes=GIB, memory__usage_in_bytes=GIB // 2,
        memory__stat=f"inactive_file 0\ntotal_inactive_file {GIB // 4}",
    )  # fmt: skip
    assert room(proc) == Room(GIB * 7 // 4, GIB, "the container (memory.limit_in_bytes)")
    write(top, memory__memsw__limit_in_bytes=GIB, memory__memsw__usage_in_bytes=GIB // 2)
    name = "memory.memsw.limit_in_bytes"
    assert room(proc) == Room(GIB * 3 // 4, GIB, f"the container ({name})")
    write(top, memory__limit_in_bytes=2**63 - 4096, memory__memsw__limit_in_bytes=2**63 - 4096)
    assert room(proc) == Room(9 * GIB, 16 * GIB, "this machine")


def test_swap_of_a_group_counts_as_far_as_it_may_be_used(proc: Path) -> None:
    write(proc, meminfo=MEMINFO.format(2**20))
    top = mount(proc, 2, "/../outside")
    write(
        top, memory__max=GIB, memory__current=0, memory__swap__max=GIB // 2,
        memory__swap__current=GIB // 4,
    )  # fmt: skip
    assert room(proc) == Room(GIB * 5 // 4, GIB, "the container (memory.max)")


def test_limits_of_the_process(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(proc / "self", status=f"Name: python\nVmSize: {2**20} kB\nVmData: 4 kB")
    limits = {resource.RLIMIT_AS: 3 * GIB}
    monkeypatch.setattr("resource.getrlimit", lambda name: (limits.get(name, -1), -1))
    assert room(proc) == Room(2 * GIB, 3 * GIB, "the limit of this process (RLIMIT_AS)")


def test_odd_files_of_the_system_are_no_limits(proc: Path) -> None:
    top = mount(proc, 2, "/a")
    write(top / "a", memory__max="", memory__current="x", memory__stat="\n\nhuge page 3 4")
    assert room(proc) == Room(8 * GIB, 16 * GIB, "this machine")
    write(proc, meminfo="")
    assert room(proc) is not None  # what sysconf says


def test_what_does_not_fit_is_refused_before_it_is_resampled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clip = patchvid.sample_clip()

    def fail(*_: Any, **__: Any) -> Any:
        raise AssertionError("the clip is resampled")

    monkeypatch.setattr("patchvid.core.plan.resample_levels", fail)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2**30))
    with pytest.raises(
        DeviceError, match=r"^2000x2000x500 voxels out of 24x128x224: about \d+\.\d"
    ):
        patchvid.generate(clip, size=(2000, 2000, 500), device="cpu")


def limited(code: str, *words: str, megabytes: int) -> subprocess.CompletedProcess[str]:
    """Run code in a process with so much more address space than it has at its start."""
    limit = (
        "import resource, sys; import numpy as np; import patchvid.cli.main, patchvid;"
        "patchvid.search(*np.zeros((2, 3, 7, 7, 3), np.uint8), device='cpu', seed=0);"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize();"
        f"resource.setrlimit(resource.RLIMIT_AS, (used + {megabytes} * 2**20, -1))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", limit + code, *words], capture_output=True, text=True, check=False
    )


def sparse(path: Path, shape: tuple[int, ...]) -> None:
    """A ``.npy`` of zeros that takes no room on the disk."""
    np.lib.format.open_memmap(path, "w+", np.uint8, shape)


def test_of_a_large_array_only_the_frames_in_use_are_read(tmp_path: Path) -> None:
    sparse(tmp_path / "large.npy", (3000, 1080, 1920, 3))  # 19 GB
    with (tmp_path / "large.npy").open("r+b") as file:
        file.seek(128 + 7 * 1080 * 1920 * 3)
        file.write(b"\x09" * 1080 * 1920 * 3)
    video, _ = read_video(tmp_path / "large.npy", frames=(6, 8), max_size=64)
    assert video.shape == (2, 36, 64, 3)
    assert not video[0].any()
    assert (video[1] == 9).all()


@pytest.mark.slow
def test_a_healthy_file_is_never_called_damaged(tmp_path: Path) -> None:
    sparse(tmp_path / "large.npy", (300, 1080, 1920, 3))  # 1.9 GB
    code = """
path = sys.argv[1]
for words in (["gen", path], ["eval", path, path]):
    try:
        patchvid.cli.main.main(words, prog_name="patchvid")
    except SystemExit as ended:
        print(ended.code)
try:
    patchvid.read_video(path, frames=(0, 9))
except MemoryError:
    print("no room to map the file")
"""
    done = limited(code, str(tmp_path / "large.npy"), megabytes=900)
    assert done.stdout.splitlines() == ["1", "1", "no room to map the file"]
    assert len(done.stderr.splitlines()) == 2
    for line in done.stderr.splitlines():
        assert "memory" in line
        assert "damaged" not in line


def test_an_archive_that_would_unpack_to_more_than_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "a.npz", np.zeros((9, 99, 99, 3), np.uint8))
    monkeypatch.setattr(cpu_memory, "room", lambda: Room(10, 100, "this machine"))
    with pytest.raises(MemoryError, match=r"'.*a.npz': about 0.0 GiB of memory are needed"):
        read_video(tmp_path / "a.npz")
