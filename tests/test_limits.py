"""Work in files where memory is limited: the same bytes, little memory, and arrays in chunks."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dask.array
import numpy as np
import pytest
import zarr
from click.testing import CliRunner

import patchvid
from patchvid import DeviceError, InvalidInput, generate
from patchvid._memory import check_memory_size
from patchvid.cli.main import main
from patchvid.kernels import cpu_memory, limits, scratch

CLIP = np.ascontiguousarray(patchvid.sample_clip()[:7, 30:62, 40:88])
HOLE = np.zeros(CLIP.shape[1:3], bool)
HOLE[8:16, 20:30] = True

GIB = 2**30


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let small arrays go to files in an empty folder, and too little memory be enough."""
    monkeypatch.setattr(limits, "LEAST", -(2**60))
    monkeypatch.setattr(scratch, "SMALLEST", 4096)
    monkeypatch.setattr(scratch, "SHARE", 2**60)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of all arrays that go to files."""
    allocated: list[int] = []
    allocate = scratch.Files.allocate

    def note(files: scratch.Files, size: int) -> int:
        allocated.append(size)
        return allocate(files, size)

    monkeypatch.setattr(scratch.Files, "allocate", note)
    return allocated


ONCE: dict[str, Any] = {"seed": 1, "iterations": 1}
MADE: dict[str, Any] = {**ONCE, "noise": 2, "device": "cpu"}

APPLICATIONS: dict[str, Callable[..., Any]] = {
    "generate": lambda **options: generate(CLIP, noise=2, **ONCE, **options),
    "generate floats": lambda **options: generate(
        CLIP / np.float32(255), reduce="mean", loop=True, noise=2, **ONCE, **options
    ),
    "retarget": lambda **options: patchvid.retarget(CLIP, scale=(1, 1, 0.7), **ONCE, **options),
    "inpaint": lambda **options: patchvid.inpaint(CLIP, HOLE, **ONCE, **options),
    "loop": lambda **options: patchvid.loop(CLIP, join=1, patch=(2, 5, 5), **ONCE, **options),
    "analogy": lambda **options: patchvid.analogy(
        CLIP, CLIP[:, ::-1], structure="luma", **ONCE, **options
    ),
}


SLOW = ("generate floats", "inpaint")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in APPLICATIONS],
)
def test_work_in_files_gives_the_same_bytes(
    name: str, small: Path, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    make = APPLICATIONS[name]
    expected = make(device="cpu")
    assert not sizes
    # Arrays in memory and in files mix.
    for smallest in (2**13, 2**15, 2**16) if name == "generate" else (2**14,):
        monkeypatch.setattr(scratch, "SMALLEST", smallest)
        made = make(device="cpu", memory="1 kB")  # pages are dropped all the time
        assert sizes
        assert min(sizes) >= smallest
        np.testing.assert_array_equal(made, expected)
        assert made.flags.c_contiguous
        assert not list(small.iterdir())
        sizes.clear()


def test_what_fits_stays_in_memory(sizes: list[int]) -> None:
    generate(CLIP, memory="900 GB", **MADE)
    assert not sizes


def test_what_does_not_fit_in_the_free_memory_goes_to_files(
    small: Path, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    least = cpu_memory.Room(10_000, GIB, "this machine")
    monkeypatch.setattr(cpu_memory, "room", lambda: least)
    with pytest.warns(UserWarning, match=r"^the work does not fit in memory: it takes up to \d"):
        generate(CLIP, **MADE)
    assert sizes


def test_a_small_disk_is_told_before_the_work(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    told = rf"the limit leaves 0\.0 of 0\.0 GiB, and {small} has 0\.0 GiB for files; make the clip"
    with pytest.raises(DeviceError, match=told):
        generate(CLIP, memory=1000, **MADE)


def test_a_limit_that_leaves_nothing_to_work_with_is_refused() -> None:
    told = r"the limit leaves 0\.0 of 0\.0 GiB; at least 0\.1 must be left; make the clip"
    with pytest.raises(DeviceError, match=told):
        generate(CLIP, memory="1 MB", **MADE)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system reserves no room")
def test_a_disk_that_fills_up_ends_the_work_with_its_name(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", fail)
    told = rf"^an array of \d+ bytes does not fit in {small}: .*No space left"
    with pytest.raises(MemoryError, match=told):
        generate(CLIP, memory=1000, **MADE)


def test_arrays_in_files_are_like_others(small: Path, sizes: list[int]) -> None:
    with limits.limited(0) as limit:
        assert not limit.check(1)
        files = limit.files
        assert files is not None
        zeros, ones = np.zeros(5000, np.int32), np.ones((100, 100))
        grown = np.arange(5000)
        grown.resize(9000, refcheck=False)
        assert len(sizes) == 4
        files.drop()
        assert not zeros.any()
        assert ones.all()
        np.testing.assert_array_equal(grown, [*range(5000), *[0] * 4000])
        grown.resize(3000, refcheck=False)
        tiny = np.arange(9)
        tiny.resize(5000, refcheck=False)  # from memory to memory
        assert tiny.sum() == 36
    sizes.clear()
    after = np.ones((100, 100))
    assert not sizes
    np.testing.assert_array_equal(ones, after)  # it outlives its context
    assert (ones.flags.owndata, ones.ctypes.data % 4096) == (True, 0)
    del zeros, ones, grown
    assert not files._maps


def test_nested_limits_are_those_of_the_outer_one() -> None:
    with limits.limited(GIB) as outer, limits.limited(None) as inner:
        assert inner is outer
    assert limits.current() is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the memory in use")
def test_the_process_stays_within_its_limit() -> None:
    code = """
import numpy as np
from patchvid.kernels import limits, scratch
used = scratch.resident()
with limits.limited(used + 160 * 2**20) as limit:
    assert not limit.check(2**30), limit.check(2**30)
    arrays = [np.full(12 * 2**20, number, np.uint8) for number in range(40)]
    most = open("/proc/self/status").read().split("VmHWM:")[1].split()[0]
    assert [array[-1] for array in arrays] == [*range(40)]
    print(int(most) * 1024 - used)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 170 * 2**20  # of 480


def test_the_memory_in_use_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    dropped: list[int] = []
    monkeypatch.setattr(scratch.Files, "drop", lambda files: dropped.append(files.limit))
    ticks = iter([False, False, True])
    ended: Any = SimpleNamespace(wait=lambda interval: next(ticks))
    scratch.Files(2**60, []).watch(ended)
    assert not dropped
    ticks = iter([False, False, True])
    scratch.Files(0, []).watch(ended)
    assert dropped == [0, 0]
    monkeypatch.setattr(scratch, "resident", lambda: None)  # as on other systems than Linux
    ticks = iter([False, True])
    scratch.Files(2**60, []).watch(ended)
    assert dropped == [0, 0, 2**60]


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GB", 4e9), ("500 MB", 5e8), ("1.5g", 1.5e9), ("2GiB", 2**31), (1000, 1000), ("64k", 64000)],
)
def test_sizes(text: str | int, size: float) -> None:
    assert check_memory_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "4 boxes", True, "1e9", "iB"])
def test_what_is_no_size(text: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^memory must be a number of bytes or text such"):
        check_memory_size(text)


# Arrays that need not fit in memory


def test_a_memory_map_in_and_out(small: Path, sizes: list[int]) -> None:
    video: Any = np.lib.format.open_memmap(small / "clip.npy", "w+", np.uint8, CLIP.shape)
    video[:] = CLIP
    out = np.lib.format.open_memmap(small / "new.npy", "w+", np.uint8, CLIP.shape)
    with limits.limited(0) as limit:
        assert generate(video, out=out, **MADE) is out
        assert limit.files is not None
        assert video._mmap in limit.files._others
    np.testing.assert_array_equal(np.load(small / "new.npy"), generate(CLIP, **MADE))


@pytest.mark.parametrize("frames", [1, 3, 7])
def test_zarr_in_and_out(frames: int, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patchvid._memory.BAND", 2 * CLIP[:1].nbytes)
    options = {"chunks": (frames, 32, 48, 3), "dtype": np.uint8, "shape": CLIP.shape}
    video, out = (zarr.create_array(store=small / name, **options) for name in ("clip", "new"))
    video[:] = CLIP
    assert generate(video, out=out, memory=1000, **MADE) is out
    np.testing.assert_array_equal(out[:], generate(CLIP, **MADE))


@pytest.mark.slow
def test_dask_in_gives_dask(small: Path) -> None:
    video = dask.array.from_array(CLIP, chunks=(2, 20, 48, 3))
    made: Any = generate(video, memory=1000, **MADE)
    assert isinstance(made, dask.array.Array)
    expected = generate(CLIP, **MADE)
    np.testing.assert_array_equal(made, expected)
    several: Any = generate(video, samples=2, **MADE)
    assert isinstance(several, dask.array.Array)
    np.testing.assert_array_equal(several[0], expected)
    looped: Any = patchvid.loop(video, join=1, patch=(2, 5, 5), **ONCE)
    assert isinstance(looped, dask.array.Array)
    np.testing.assert_array_equal(looped, APPLICATIONS["loop"]())


@pytest.mark.slow
def test_all_applications_write_to_an_array() -> None:
    for make in APPLICATIONS.values():
        expected = make()
        out = np.empty_like(expected)
        assert make(out=out) is out
        np.testing.assert_array_equal(out, expected)


def test_arrays_that_cannot_hold_a_result_are_refused_before_the_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("patchvid.core.plan.resample_levels", None)
    with pytest.raises(InvalidInput, match=r"out must be uint8 of shape \(2, 7, 32, 48, 3\), got"):
        generate(CLIP, out=np.empty(CLIP.shape, np.uint8), samples=2)
    with pytest.raises(InvalidInput, match=r"out must be uint8 of shape .*, got float32 of"):
        generate(CLIP, out=np.empty(CLIP.shape, np.float32))
    with pytest.raises(InvalidInput, match="out must be an array that can be written, such as"):
        generate(CLIP, out=dask.array.zeros(CLIP.shape, dtype=np.uint8))
    with pytest.raises(InvalidInput, match="leave out either out or details"):
        patchvid.inpaint(CLIP, HOLE, out=CLIP.copy(), details=True)


def test_memory_is_for_the_cpu_only(gpu: Any) -> None:
    with pytest.raises(InvalidInput, match="memory is limited on the CPU only; leave memory out"):
        generate(CLIP, memory="4GB", device="cuda")


# The command line


def test_a_command_tells_of_files_and_makes_the_same_file(small: Path, here: Path) -> None:
    np.save("clip.npy", CLIP)
    words = ["gen", "clip.npy", "--seed", "1", "--iterations", "1", "--noise", "2"]
    run = CliRunner().invoke
    made = run(main, [*words, "-o", "b.npy", "--memory", "1kB"])
    assert made.exit_code == 0
    told = "clip.npy: 7 frames of 48x32 pixels need about 0.0 GB of memory: 0.0 GB in memory, and "
    assert made.stderr.startswith(f"{told}the rest in files in {small}; --max-size, fewer")
    assert run(main, [*words, "-o", "a.npy"]).exit_code == 0
    assert Path("a.npy").read_bytes() == Path("b.npy").read_bytes()
    wrong = run(main, [*words, "--memory", "much"])
    assert wrong.exit_code == 2
    assert "'much' is not a size such as 4GB or 500MB." in wrong.stderr


def test_the_limit_of_a_job_does_not_change_its_video() -> None:
    jobs = [patchvid.Job("gen", "a.mp4", "b.mp4", options) for options in ({"memory": "4GB"}, {})]
    one, other = (job._settings() for job in jobs)
    assert one == other
