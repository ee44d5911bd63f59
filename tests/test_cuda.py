"""Tests of the CUDA kernels on machines without a GPU.

They are compiled for real GPUs. To run, CUDA C is compiled as C++, and the kernels of numba.cuda
run in Numba's simulator. Both must give the bytes of the CPU's kernels. See `cuda_simulated` and
`standin`.
"""

import importlib
import json
import math
import mmap
import os
import re
import shutil
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import cuda_compiled
import cuda_simulated
import naive
import numpy as np
import pytest
import standin
from click.testing import CliRunner
from numpy.typing import NDArray

import patchvid
from patchvid import DeviceError, InvalidInput, _device, kernels
from patchvid.core import fields, noise
from patchvid.kernels import cpu
from patchvid.kernels.ordinals import to_ordinals

OLDEST, NEWEST = CAPABILITIES = ((7, 5), (9, 0))
PATCHES = [(3, 7, 7), (3, 5, 5), (1, 7, 7), (4, 11, 12)]
ROOT = Path(__file__).parents[1]
SUPPORT = ROOT / "tests" / "support"


@pytest.fixture(scope="session")
def compiler() -> None:
    """Skip tests of CUDA C that is compiled as C++ if there is no compiler."""
    if shutil.which("g++") is None:
        pytest.skip("there is no C++ compiler on the PATH (g++)")


@pytest.fixture(scope="session")
def numba_cuda() -> None:
    """Skip tests of numba-cuda on systems that have none."""
    pytest.importorskip("numba_cuda", reason="there is no numba-cuda for this system")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory, compiler: None, numba_cuda: None) -> Any:
    """The results that `cuda_simulated` writes."""
    path = tmp_path_factory.mktemp("simulated") / "results.npz"
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1"}
    script = SUPPORT / "cuda_simulated.py"
    subprocess.run([sys.executable, "-W", "ignore", script, path], env=environment, check=True)
    with np.load(path) as results:
        yield results


def expected() -> Iterator[tuple[str, NDArray[Any]]]:
    yield from cuda_simulated.run_public(lambda array: array, "cpu")
    for name, value in cuda_simulated.run_kernels(cpu, lambda array: array):
        yield f"numba_cuda: {name}", value
        yield f"raw_cuda: {name}", value


@pytest.mark.slow
def test_the_gpu_gives_the_bytes_of_the_cpu(simulated: Any) -> None:
    wanted = dict(expected())
    assert {name for name in simulated.files if "called" not in name} == set(wanted)
    for name, value in wanted.items():
        assert_same(name, simulated[name], value)


@pytest.mark.slow
def test_both_forms_give_the_same_means(simulated: Any) -> None:
    names = [name for name in simulated.files if name.startswith("raw_cuda: vote, mean, float32")]
    assert names
    for name in names:
        other = simulated[name.replace("raw_cuda", "numba_cuda")]
        np.testing.assert_array_equal(simulated[name], other, err_msg=name)


@pytest.mark.slow
def test_every_function_of_the_tables_was_checked(simulated: Any) -> None:
    launched = set(kernels.LAUNCHES)
    assert set(simulated["called: raw_cuda"]) == set(simulated["called: numba_cuda"]) == launched
    assert set(simulated["called: cuda"]) == set(kernels.CONTRACT)


def assert_same(name: str, made: NDArray[Any], wanted: NDArray[Any]) -> None:
    """Check that the bytes are the same; means of floats may differ a little."""
    assert (made.dtype, made.shape) == (wanted.dtype, wanted.shape), name
    if "vote, mean, float32" in name:  # the CPU adds in double precision, which is slow on GPUs
        np.testing.assert_allclose(made, wanted, rtol=3e-7, atol=1e-7, err_msg=name)
    else:
        np.testing.assert_array_equal(made, wanted, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["numba_cuda", "raw_cuda"])
@pytest.mark.parametrize(
    ("case", "dtypes"), [*zip(cuda_simulated.CASES, cuda_simulated.VALUES, strict=True)]
)
def test_the_gpu_agrees_with_the_reference(
    simulated: Any, case: Any, dtypes: Any, form: str
) -> None:
    name, query, key, field = cuda_simulated.make_case(*case)
    patch, periodic = cuda_simulated.PATCH, case[2]
    nnf = np.stack(np.unravel_index(field, key.shape[:3]), axis=-1)
    cost = naive.patch_distance(query, key, nnf, patch, periodic)
    np.testing.assert_allclose(simulated[f"{form}: patch distance, {name}"], cost, rtol=1e-6)
    for dtype in dtypes:
        value = cuda_simulated.random_array(key.shape, dtype)
        voted = naive.vote(value, nnf, patch, periodic)
        made = simulated[f"{form}: vote, median, {np.dtype(dtype)}, {name}"]
        np.testing.assert_array_equal(made, voted)
        voted = naive.vote(value, nnf, patch, periodic, reduce="mean")
        made = simulated[f"{form}: vote, mean, {np.dtype(dtype)}, {name}"]
        np.testing.assert_allclose(made, voted, rtol=1e-6, atol=1e-6)


def applications(move: Callable[[Any], Any]) -> dict[str, Callable[..., Any]]:
    """Prepare calls of the applications on arrays that `move` has put on a device."""
    clip = patchvid.sample_clip()[:6, 20:50, 30:72]
    hole = np.zeros(clip.shape[1:3], bool)
    hole[9:17, 12:22] = True
    end = np.zeros(clip.shape[:3], bool)
    end[4:], end[:, 8:15, 36:] = True, True
    soft = np.zeros((1, *hole.shape, 4), np.uint8)  # its last channel is alpha
    soft[:, 8:18, 11:25], soft[:, hole] = (255, 240, 90, 130), 255
    cue = np.where(hole[..., None], np.uint8(250), clip)
    compressed = cue // 4 * 4  # and so painted where it has rectangles
    moved, hole, end, soft, cue = map(move, (clip, hole, end, soft, cue))
    retarget, inpaint = patchvid.retarget, patchvid.inpaint
    return {
        "generate": partial(patchvid.generate, moved, layout="noise", iterations=1),
        "generate, layouts": partial(patchvid.generate, moved, iterations=1),
        "generate, loop": partial(patchvid.generate, moved, noise=2, loop=True),
        "loop": partial(patchvid.loop, moved, length=9, iterations=1),
        "retarget": partial(retarget, moved, scale=(1, 1, 1.3)),
        "retarget, keep": partial(retarget, moved, scale=(1, 1, 0.7), keep=hole),
        "retarget, keep, loop, tile": partial(
            retarget, moved, scale=(1, 1, 0.8), keep=soft, loop=True, tile="x"
        ),
        "inpaint": partial(inpaint, moved, hole),
        "inpaint, grow": partial(inpaint, moved, soft, grow=2),
        "inpaint, loop, tile": partial(inpaint, moved, end, loop=True, tile="xy"),
        "inpaint, rectangles": partial(inpaint, moved, cue=move(compressed)),
        "inpaint, cue, mask": partial(inpaint, moved, soft, cue=cue),
        "inpaint, floats": partial(inpaint, move(clip / 127.5 - 1), hole),
        "analogy": partial(patchvid.analogy, moved, move(clip[:, :, ::-1]), structure="luma"),
        "analogy, drawing": partial(
            patchvid.analogy, moved, move(clip[:, :, ::-1]), structure="contrast", bins=(4, 5)
        ),
    }


# How much applications may copy back to the host, relative to the bytes of the clip. Painted
# regions are found on the host. The bins of structures are computed there, from samples, which are
# large compared with such a small clip. Layouts are drawn there, from the coarsest level, which is
# not much smaller than this clip. Otherwise, applications read single numbers only, to decide
# where to start and whether to draw noise again, and where along each axis a hole begins and ends.
READ = {
    **dict.fromkeys(["retarget, keep, loop, tile", "inpaint, cue, mask"], 1 / 3),  # soft masks
    # What other frames show behind a hole is found on the host.
    **dict.fromkeys(["inpaint", "inpaint, floats"], 5 / 3),
    "inpaint, grow": 2,
    "generate, layouts": 6.5,
    "loop": 2,  # frames are compared and morphed on the host, at a size that this clip has
    "inpaint, rectangles": 4 / 3,
    "analogy": 2.5,
    "analogy, drawing": 5.0,
}
NUMBERS = 1000
JUDGED = {"generate": 2 * noise.DRAWS}  # reads between the levels: two a draw


@pytest.fixture
def device(stand_in: None, compiler: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in for a device."""
    monkeypatch.setattr(_device, "why_no_gpu", lambda: "")


@pytest.mark.slow
@pytest.mark.usefixtures("device")
def test_applications_stay_on_the_device_and_give_the_same() -> None:
    on_device = applications(standin.wrap)
    for name, run in applications(lambda array: array).items():
        wanted = run(seed=0, device="cpu", details=True)
        calls: list[int] = []  # reads so far, after every iteration

        def count(*_: Any, calls: Any = calls) -> None:
            calls.append(len(standin.READS))

        standin.READS.clear()
        made = on_device[name](seed=0, details=True, progress=count)
        read = READ.get(name, 0) * made.video.nbytes + NUMBERS
        assert sum(standin.READS) <= read, f"{name}: {sum(standin.READS)} bytes came back"
        assert calls[-1] - calls[0] <= JUDGED.get(name, 0), f"{name}: levels wait for the host"
        for array, same in ((made.video, wanted.video), (made.nnf, wanted.nnf)):
            assert isinstance(array, standin.DeviceArray), name
            np.testing.assert_array_equal(standin.to_plain(array), same, err_msg=name)
            assert array.dtype == same.dtype


@pytest.mark.slow
@pytest.mark.usefixtures("device")
def test_arrays_of_the_host_come_back_to_it() -> None:
    clip = patchvid.sample_clip()[:6, 20:50, 30:72]
    hole = [[9 <= y < 17 and 12 <= x < 22 for x in range(42)] for y in range(30)]
    for read, run in (
        (1, partial(patchvid.retarget, clip, scale=(1, 1, 0.7), keep=hole)),
        (1 + READ["inpaint"], partial(patchvid.inpaint, clip, hole)),
    ):
        standin.READS.clear()
        made = run(seed=0, device="cuda")
        assert type(made) is np.ndarray
        np.testing.assert_array_equal(made, run(seed=0, device="cpu"))
        assert sum(standin.READS) <= read * made.nbytes + NUMBERS


@pytest.mark.slow
@pytest.mark.usefixtures("device")
def test_lists_are_taken_beside_arrays_of_the_device() -> None:
    clip = patchvid.sample_clip()[:4, :16, :20]
    nnf, cost = patchvid.search(clip, clip[:, 4:], seed=0)
    weights, query_mask = np.full(nnf[:, 4:, :, 0].shape, 2.0), np.ones(nnf.shape[:3], bool)
    others = {"nnf": nnf.tolist(), "weights": weights.tolist(), "query_mask": query_mask.tolist()}
    made = {}
    for device, move in (("cpu", np.asarray), ("cuda", standin.wrap)):
        query, key = move(clip), move(clip[:, 4:])
        found, cost = patchvid.search(query, key, seed=1, **others)
        distance = patchvid.patch_distance(query, key, nnf.tolist())
        voted = patchvid.vote(key, nnf.tolist())
        made[device] = [standin.to_plain(x) for x in (found, cost, distance, voted)]
    for one, other in zip(made["cpu"], made["cuda"], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("device")
def test_arrays_of_two_gpus_are_refused() -> None:
    clip = standin.wrap(np.zeros((3, 7, 7, 1), np.uint8))
    other = clip.copy()
    other.device = SimpleNamespace(id=1)
    with pytest.raises(InvalidInput, match="on one GPU, got some on 0 and 1"):
        patchvid.search(clip, other)


@pytest.mark.slow
@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    ("dtype", "channels", "loop"),
    [(np.uint8, 3, False), (np.uint8, 3, True), (np.uint16, 3, False), (np.float32, 1, False)],
)
def test_memory_is_what_was_predicted(
    dtype: Any, channels: int, loop: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from patchvid.kernels import cuda as back_end
    from patchvid.kernels import cuda_memory

    clip = patchvid.resize(patchvid.sample_clip()[..., :channels], (13, 60, 106)).astype(dtype)
    make = partial(patchvid.generate, standin.wrap(clip), seed=0, iterations=1, noise=2, loop=loop)
    make()  # compiles, which takes memory too
    predicted: list[int] = []

    def begin(size: int) -> str:
        predicted.append(tracemalloc.get_traced_memory()[0] + size)
        tracemalloc.reset_peak()
        return ""

    monkeypatch.setattr(back_end, "check_memory", begin)
    monkeypatch.setattr(cuda_memory, "BETWEEN", 1 << 16)
    monkeypatch.setattr(fields, "DRAWN", 1 << 10)
    tracemalloc.start()
    try:
        make()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    last = predicted[-1]  # before the levels; the one before resampling is a first look
    assert peak <= last + cuda_memory.BETWEEN
    assert last <= 1.3 * peak


@pytest.mark.slow
@pytest.mark.usefixtures("device")
def test_memory_in_flight_is_waited_for_and_too_little_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clip = standin.wrap(patchvid.sample_clip()[:4, :32, :40])
    make = partial(patchvid.generate, clip, seed=0, iterations=1, noise=2)
    waited: list[int] = []

    def wait(device: standin.Device) -> None:
        waited.append(1)
        monkeypatch.setattr(standin.Device, "mem_info", (2**40, 2**40))

    monkeypatch.setattr(standin.Device, "mem_info", (1, 2**40))
    monkeypatch.setattr(standin.Device, "synchronize", wait)
    make()
    assert len(waited) == 2  # for room, and for the result
    monkeypatch.setattr(standin.Device, "mem_info", (2**30, 2**40))
    monkeypatch.setattr(standin.Device, "synchronize", lambda device: None)
    monkeypatch.setattr("patchvid.kernels.cuda_memory.BETWEEN", 2**31)
    with pytest.raises(DeviceError, match=r"GPU has 1.0 GiB of memory free, but about 2.0 GiB"):
        make()


@pytest.mark.slow
@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    "settings", [{"noise": 2.0}, {}, {"loop": True, "tile": "x"}, {"layout": "noise"}]
)
def test_samples_are_made_at_once(settings: dict[str, Any]) -> None:
    clip = patchvid.sample_clip()[:6, 20:50, 30:72]
    counts = {}
    for samples in (1, 4):
        standin.LAUNCHED.clear()
        make = partial(patchvid.generate, seed=1, samples=samples, iterations=1, **settings)
        made = make(standin.wrap(clip))
        counts[samples] = Counter(standin.LAUNCHED)["sweep_kernel"]
        np.testing.assert_array_equal(standin.to_plain(made), make(clip, device="cpu"))
    judged = settings == {"layout": "noise"}  # sample by sample, to choose the noise
    assert counts[4] <= counts[1] * (2 if judged else 1.1)


@pytest.mark.slow
@pytest.mark.usefixtures("device")
def test_large_samples_are_made_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from patchvid.kernels import cuda_memory

    clip = patchvid.sample_clip()[:3, :20, :24]
    make = partial(patchvid.generate, samples=3, seed=0, iterations=1, noise=2)
    messages: list[str] = []
    for at_once in (1, 2):
        size = cuda_memory.footprint(clip[..., 0].size, clip[..., 0].size, 3, 1)
        monkeypatch.setattr(cuda_memory, "AT_ONCE", at_once * size)
        told = make(standin.wrap(clip), progress=lambda _, message: messages.append(message))
        np.testing.assert_array_equal(standin.to_plain(told), make(clip, device="cpu"))
    named = dict.fromkeys(message.partition(",")[0] for message in messages)
    assert [*named] == ["sample 1/3", "sample 2/3", "sample 3/3", "samples 1 to 2/3"]


@pytest.mark.slow
@pytest.mark.usefixtures("device")
def test_the_script_for_gpus_measures_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from patchvid.kernels import numba_cuda, raw_cuda

    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    gpu, gpu_cases = map(importlib.import_module, ("gpu", "gpu_cases"))
    small = {"BLOCKS": 2, "ROUNDS": 8, "COPIED": (1 << 10, 1 << 12), "REPEATS": 1}
    for name, value in small.items():
        monkeypatch.setattr(gpu_cases, name, value)
    # The kernel that counts takes long to compile, and is tested with the benchmarks of the CPU.
    monkeypatch.setattr(gpu_cases, "count_work", lambda *a: SimpleNamespace(rows=1e4 * a[-1]))

    for name in kernels.LAUNCHES:  # without a GPU Numba launches nothing
        monkeypatch.setattr(numba_cuda, name, getattr(raw_cuda, name))
    tables: dict[str, list[Any]] = {}
    # Commands run on the CPU in test_benchmarks, and on the stand-in in tests above.
    for part in ("agreement", "times", "published", "kernels"):
        run = CliRunner().invoke(gpu.main, ["--quick", "--part", part, "--shared", str(tmp_path)])
        assert run.exit_code == 0, run.output
        for line in run.stdout.splitlines():
            if line.startswith('["'):
                table, row = json.loads(line)
                tables.setdefault(table, []).append(row)
    assert [row["case"] for row in tables.pop("left out")] == ["published"], run.output
    assert tables.keys() == {"agreement", "rates", "kernels", "speed", "sample"}
    assert all(row["same bytes"] for row in tables["agreement"])
    both = {"raw_cuda", "numba_cuda"}
    for kernel in {row["kernel"] for row in tables["kernels"]}:
        assert {row["form"] for row in tables["kernels"] if row["kernel"] == kernel} == both


# What a sample takes: for each of its iterations two halves of a sweep from query to key and two
# back, and a vote; for each level three resamplings, words of the first query, of the first key and
# of the value, and two fields carried. All else is where the coarsest level begins.
LAUNCHES = {
    "sweep_kernel": 250, "pack_kernel": 30, "median_kernel": 76, "blend_kernel": 36,
    "carry_kernel": 12, "compare_kernel": 2, "nearest_kernel": 2,
}  # fmt: skip
BEGINNING = 10


@pytest.mark.slow
@pytest.mark.usefixtures("device")
def test_a_sample_takes_few_launches() -> None:
    clip = patchvid.resize(patchvid.sample_clip()[:8], (8, 48, 80))
    make = partial(patchvid.generate, standin.wrap(clip), seed=1, noise=2.0)
    make()  # copies tables
    standin.LAUNCHED.clear()
    made = make()
    counts = Counter(standin.LAUNCHED)
    expected = patchvid.generate(clip, seed=1, noise=2.0, device="cpu")
    np.testing.assert_array_equal(standin.to_plain(made), expected)
    for name, most in LAUNCHES.items():
        assert 0 < counts.pop(name) <= most, name
    assert counts.total() <= BEGINNING, counts


@pytest.mark.usefixtures("device")
def test_a_sample_takes_fewer_than_500_launches_and_copies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def counting(module: Any, name: str) -> Callable[..., None]:
        return lambda *_: standin.LAUNCHED.append(name)

    monkeypatch.setattr(standin.RawModule, "__init__", lambda *_, **options: None)
    monkeypatch.setattr(standin.RawModule, "get_function", counting)  # and run nothing
    clip = standin.wrap(np.zeros((13, 144, 256, 3), np.uint8))
    for most in (499, 475):  # tables are copied at the first call only
        standin.LAUNCHED.clear()
        patchvid.generate(clip, seed=1, noise=2.0)
        assert len(standin.LAUNCHED) <= most, Counter(standin.LAUNCHED)


MAP_NORESERVE = 0x4000  # of Linux; older versions of Python do not name it


def reserve(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """An array of zeros that takes no memory but for what is written."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
    size = math.prod(shape) * np.dtype(dtype).itemsize
    return standin.wrap(np.frombuffer(mmap.mmap(-1, size, flags), dtype).reshape(shape))


@pytest.mark.usefixtures("device")
@pytest.mark.skipif(sys.platform != "linux", reason="huge arrays take memory on this system")
def test_more_than_2_to_31_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from patchvid.kernels import raw_cuda

    monkeypatch.setattr(standin, "MOST_BLOCKS", 1)
    monkeypatch.setattr(sys.modules["cupy"], "empty", reserve, raising=False)
    values = reserve((90, 2160, 3840, 3), np.float32)
    assert values.size > 2**31
    last = np.array([3, -1, 0], np.float32)
    values[-1, -1, -1] = standin.wrap(last)
    words = raw_cuda.pack(values.reshape(-1, 3))
    assert standin.to_plain(words[-1]).tolist() == to_ordinals(last).tolist()
    shape = (3, 7, 7, 2**31 // 147 + 99)
    field, voted = reserve((1, 1, 1, 1), np.int32), reserve((1, *shape), np.float32)
    value = reserve(shape, np.float32)
    value[-1, -1, -1, -1] = 5
    none = standin.wrap(np.zeros((0, 0, 0), bool))
    raw_cuda.mean(value, field, none, voted, (3, 7, 7), (3, 7, 7), (False, False, False))
    assert voted[-1, -1, -1, -1, -1] == 5


# Compilation for real devices


def is_single(ptx: str) -> bool:
    """Whether kernels use no double precision; only exact search may."""
    return ".f64" not in ptx or "compare" in ptx or "nearest" in ptx


@pytest.mark.slow
@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    ("capability", "patch"),
    [(OLDEST, PATCHES[0]), *((NEWEST, patch) for patch in PATCHES[1:])],
)
def test_kernels_in_cuda_c_compile(
    capability: tuple[int, int], patch: tuple[int, int, int]
) -> None:
    for kind, ptx in cuda_compiled.compile_cuda_c(capability, patch):
        assert is_single(ptx), kind


@pytest.mark.slow
@pytest.mark.usefixtures("stand_in")
def test_small_floats_are_not_taken_for_zero() -> None:
    for kind, ptx in cuda_compiled.compile_cuda_c(NEWEST, (3, 5, 5)):
        if any(f"{name}_kernel" in ptx for name in ("sweep", "blend", "compare")):
            assert re.findall(r"(?:fma|div|sub|cvt(?=\S*f64))[.\w]*ftz[.\w]*", ptx) == [], kind


def measured(
    compiled: Iterator[tuple[str, str]], measure: Callable[[str], Any], left_out: Sequence[str] = ()
) -> dict[str, Any]:
    """Measure kernels, by name and kind, but for some kinds."""
    results: dict[str, Any] = {}
    for kind, ptx in compiled:
        assert is_single(ptx), kind
        if kind not in left_out:
            results |= {f"{name}, {kind}": result for name, result in measure(ptx)}
    return results


@pytest.mark.slow
@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("capability", CAPABILITIES)
def test_kernels_in_cuda_c_have_enough_registers(capability: tuple[int, int]) -> None:
    compiled = cuda_compiled.compile_cuda_c(capability, PATCHES[0])
    codes = measured(compiled, cuda_compiled.resources)
    assert codes["median, uint8"].registers < 192  # of 255, for 147 votes
    assert codes["mean, uint8"].registers < 128
    assert codes["median, float32"].stack < 256  # a few of its votes
    assert all(codes[name].stack == 0 for name in codes.keys() - {"median, float32"})


@pytest.mark.slow
@pytest.mark.usefixtures("stand_in")
@pytest.mark.skipif(
    not hasattr(np, "row_stack"), reason="numba-cuda 0.30 does not work with NumPy 2.5"
)
def test_kernels_in_cuda_c_take_fewer_instructions() -> None:
    # Numba's form is compiled for the oldest GPU only: newer ones can do all that it can.
    blended = [" to ".join(pair) for pair in cuda_compiled.BLENDED]
    numba, raw = (
        measured(compiled, cuda_compiled.instructions, blended[1:-1])
        for compiled in (
            cuda_compiled.compile_numba(OLDEST),
            cuda_compiled.compile_cuda_c(OLDEST, PATCHES[0]),
        )
    )
    for name in ("sweep, uint32", "sweep, float32", "distance, uint32", "distance, float32"):
        assert raw[name].instructions_a_load < numba[name].instructions_a_load / 8
    for name in (f"blend, {blended[0]}", f"blend, {blended[-1]}"):
        assert raw[name].instructions_a_load < numba[name].instructions_a_load / 4
    assert raw["carry, "].instructions < numba["carry, "].instructions
    for kind in ("uint8", "uint16", "float32"):
        ordinals = kind.replace("float", "uint")  # Numba's form takes those of floats
        # One thread per voxel, for any number of words.
        assert raw[f"pack, {kind}"].instructions < numba[f"pack, {ordinals}"].instructions / 2
        # Votes are fetched once and stay in registers; Numba's form fetches them for every bit.
        for name, other in (("median", ordinals), ("mean", kind)):
            assert np.isnan(raw[f"{name}, {kind}"].instructions_a_load)  # unrolled
            assert numba[f"{name}, {other}"].instructions_a_load > 8


# The boundary


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
def test_a_gpu_needs_no_numba() -> None:
    code = """
import sys
import standin, patchvid
standin.install()
assert patchvid.generate(patchvid.sample_clip()[:3, :20, :24], seed=1, device="cuda").any()
print(*(name for name in sys.modules if name.partition(".")[0] in ("numba", "numba_cuda")))
"""
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SUPPORT), str(ROOT)])}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (run.stdout, run.returncode) == ("\n", 0), run.stderr


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(("name", "module"), [("", "raw_cuda"), ("raw", "raw_cuda"),
                                              ("numba", "numba_cuda")])  # fmt: skip
def test_a_variable_chooses_the_form(
    name: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "why_no_numba", lambda: "")
    monkeypatch.setenv("PATCHVID_CUDA", name)
    assert _device.backend("cuda").launches.__name__ == f"patchvid.kernels.{module}"


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("asked", ["cuda", "auto"])
def test_a_form_that_cannot_be_used_is_an_error(
    asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHVID_CUDA", "opencl")
    clip = np.zeros((3, 7, 7, 1), np.uint8)
    with pytest.raises(DeviceError, match="PATCHVID_CUDA must be 'raw' or 'numba', got 'opencl'"):
        patchvid.search(clip, clip, device=asked)
    monkeypatch.setenv("PATCHVID_CUDA", "numba")
    monkeypatch.setattr(standin.StandIn, "zeros", lambda *_: 1 / 0, raising=False)
    with pytest.raises(DeviceError, match="numba-cuda fails: division by zero"):
        patchvid.search(clip, clip, device=asked)


def test_an_explicit_gpu_is_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_device, "why_no_gpu", lambda: "no CUDA device was found")
    clip = np.zeros((3, 7, 7, 1), np.uint8)
    with pytest.raises(DeviceError, match=r"'cuda' cannot be used: no CUDA device was found"):
        patchvid.generate(clip, device="cuda")
    assert patchvid.search(clip, clip, device="auto")[1].max() == 0


def test_arrays_of_a_gpu_are_not_for_the_cpu() -> None:
    clip = standin.wrap(np.zeros((3, 7, 7, 1), np.uint8))
    with pytest.raises(InvalidInput, match="device 'cpu'"):
        patchvid.search(clip, clip, device="cpu")


# On a real GPU


@pytest.fixture
def real() -> ModuleType:
    """The CUDA back end on a real device."""
    if problem := kernels.why_no_gpu():
        pytest.skip(problem)
    return kernels.load("cuda")


@pytest.mark.gpu
def test_public_functions_on_a_real_gpu(real: ModuleType) -> None:
    wanted = dict(cuda_simulated.run_public(lambda array: array, "cpu"))
    for name, value in cuda_simulated.run_public(real.to_device, "cuda"):
        assert_same(name, real.to_host(value), wanted[name])


@pytest.mark.gpu
@pytest.mark.parametrize("form", ["numba_cuda", "raw_cuda"])
def test_kernels_on_a_real_gpu(
    real: ModuleType, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real, "launches", importlib.import_module(f"patchvid.kernels.{form}"))
    wanted = dict(cuda_simulated.run_kernels(cpu, lambda array: array))
    for name, value in cuda_simulated.run_kernels(real, real.to_device):
        assert_same(name, real.to_host(value), wanted[name])


@pytest.mark.gpu
@pytest.mark.parametrize("name", applications(lambda array: array))
def test_applications_on_a_real_gpu(real: ModuleType, name: str) -> None:
    wanted = applications(lambda array: array)[name](seed=0, device="cpu", details=True)
    made = applications(real.to_device)[name](seed=0, details=True)
    for array, same in ((made.video, wanted.video), (made.nnf, wanted.nnf)):
        assert_same(name, real.to_host(array), same)
