"""Run a back end on tiny inputs; as a script, run the CUDA back end without a GPU.

``python cuda_simulated.py OUTPUTS.npz`` runs the kernels of numba.cuda in Numba's simulator, and
the kernels in CUDA C over the stand-in for CuPy. Every call is checked against the tables in
`patchvid.kernels`. `test_cuda` starts the script and compares its results with the CPU's.
"""

import sys
from collections.abc import Callable, Iterator
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np

PATCH, KEY_GRID = (2, 3, 4), (2, 5, 5)
CASES = (
    (np.uint8, 3, (False, False, False)),
    (np.uint8, 5, (True, True, False)),
    (np.float32, 3, (False, True, True)),
)
# The simulator votes slowly, so that each case has values of its own.
VALUES: tuple[tuple[Any, ...], ...] = ((np.uint8, np.uint16), (np.uint8,), (np.float32,))


def random_array(shape: tuple[int, ...], dtype: Any) -> Any:
    random = np.random.default_rng(len(shape))
    if np.dtype(dtype).kind == "u":
        return random.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    return random.normal(size=shape).astype(dtype)


def random_field(grid: tuple[int, ...], key: tuple[int, ...], key_grid: tuple[int, ...]) -> Any:
    places = np.random.default_rng(1).integers(0, np.prod(key_grid), grid)
    return np.ravel_multi_index(np.unravel_index(places, key_grid), key[:3]).astype(np.int32)


def make_case(dtype: Any, channels: int, periodic: Any) -> tuple[str, Any, Any, Any]:
    """Make the name of a case, a query, a key and a field between them."""
    query, key = (random_array((3, n, n + 1, channels), dtype) for n in (5, 7))
    grid = tuple(
        n if wraps else n - extent + 1 for n, extent, wraps in zip(query.shape, PATCH, periodic)
    )
    field = random_field(grid, key.shape, KEY_GRID)
    return f"{np.dtype(dtype)}, {channels}, {periodic}", query, key, field


def run_kernels(kernels: ModuleType, move: Callable[[Any], Any]) -> Iterator[tuple[str, Any]]:
    """Yield results of the functions of a back end, with names."""
    from patchvid._resampling import _taps
    from patchvid.kernels import rules

    for case, value_dtypes in zip(CASES, VALUES, strict=True):
        periodic = case[2]
        name, query, key, field = make_case(*case)
        pair = move(query), move(key)
        for restricted in (False, True):
            found, restrictions = move(field.copy()), {}
            if restricted:
                weights = np.random.default_rng(2).uniform(0.1, 2, KEY_GRID).astype(np.float32)
                weights[:, 2:4] = np.inf
                restrictions = {
                    "weights": move(weights),
                    "query_mask": move(np.random.default_rng(3).random(field.shape) < 0.6),
                }
            cost, threshold = kernels.search(
                *pair, found, patch=PATCH, periodic=periodic, sweeps=2, first_sweep=5,
                search_radius=2, seed=6, **restrictions,
            )  # fmt: skip
            yield f"search, {restricted}, {name}: field", found
            yield f"search, {restricted}, {name}: cost", cost
            yield f"search, {restricted}, {name}: threshold", threshold
        yield (
            f"patch distance, {name}",
            kernels.patch_distance(*pair, move(field), patch=PATCH, periodic=periodic),
        )
        if query.dtype == np.uint8:  # sums of floats depend on their order
            exact = kernels.search_exact(*pair, patch=PATCH, periodic=periodic)
            yield f"exact search, {name}: field", exact[0]
            yield f"exact search, {name}: cost", exact[1]
            exact = kernels.search_exact(
                *pair, patch=PATCH, weights=restrictions["weights"], periodic=periodic, alpha=2.0
            )
            yield f"exact search, weights, {name}: field", exact[0]
            yield f"exact search, weights, {name}: weights", exact[1]
        shape = rules.output_shape(field.shape, PATCH, periodic)
        update_mask = move(np.random.default_rng(4).random(shape) < 0.8)
        for reduce, value_dtype in product(("median", "mean"), value_dtypes):
            value = move(random_array(key.shape, value_dtype))
            yield (
                f"vote, {reduce}, {np.dtype(value_dtype)}, {name}",
                kernels.vote(value, move(field), patch=PATCH, periodic=periodic, reduce=reduce),
            )
        for reduce in ("median", "mean"):
            voted = kernels.vote(
                move(random_array(key.shape, np.uint8)), move(field), patch=PATCH,
                periodic=periodic, reduce=reduce, update_mask=update_mask,
            )  # fmt: skip
            masked = np.where(update_mask[..., None], voted, np.zeros((), voted.dtype, like=voted))
            yield f"vote, {reduce}, masked, {name}", masked
    mask = np.random.default_rng(8).random((3, 4, 5)) < 0.3
    yield "indices", kernels.indices(move(mask))[: np.count_nonzero(mask)]
    yield "select", kernels.select(move(mask), move(np.array([5, 0, 9, 5])))
    tables = tuple(_taps(*axis) for axis in ((3, 2, 0.5), (9, 14, 1.5), (11, 6, 0.6)))
    for dtype in (np.uint8, np.uint16, np.float32):
        out = kernels.xp.empty((2, 14, 6, 2), dtype)
        kernels.apply_taps(move(random_array((3, 9, 11, 2), dtype)), tables, out)
        yield f"resampling, {np.dtype(dtype)}", out
    query, key, fine_query, fine_key = (3, 7, 8), (3, 8, 9), (4, 9, 11), (4, 11, 10)
    sizes = (query, key), (fine_query, fine_key)
    for name, periodic in (("carry", (False,) * 3), ("carry, periodic", (False, True, True))):
        grid, fine_grid = (rules.patch_grid(size, PATCH, periodic) for size, _ in sizes)
        field = move(random_field(grid, key, (2, 6, 6)))
        firsts = (0, 1, 0), (1, 0, 2)
        yield name, kernels.carry(field, fine_grid, firsts, *sizes, patch=PATCH)


def run_public(move: Callable[[Any], Any], device: str) -> Iterator[tuple[str, Any]]:
    """Yield results of public functions, from arrays on the host and on the device."""
    from patchvid import (
        build_pyramid,
        generate,
        inpaint,
        patch_distance,
        resize,
        retarget,
        search,
        vote,
        vpnn,
    )

    for dtype in (np.uint8, np.uint16, np.float32):
        clip = move(random_array((3, 9, 11, 2), dtype))
        yield f"resize, {np.dtype(dtype)}", resize(clip, (4, 6, 13))
    clip = random_array((3, 10, 12, 3), np.uint8)
    yield "pyramid", build_pyramid(move(clip), factor=(0.8, 0.7), coarsest=(3, 7))[0]
    settings: dict[str, Any] = {"factor": (0.8, 0.7), "coarsest": (3, 7), "patch": (3, 4, 4)}
    yield "generate", generate(clip, seed=1, iterations=2, device=device, **settings)
    yield (
        "generate, moved",
        generate(
            move(clip), seed=1, iterations=1, samples=2, tile="x", noise=1, alpha=None, **settings
        ),
    )
    region = np.zeros((10, 12), np.uint8)
    region[3:6, 4:8], region[4, 5:7] = 150, 255
    yield (
        "retarget",
        retarget(move(clip), size=(3, 10, 14), keep=move(region), seed=4, iterations=1, **settings),
    )
    # A loop, because flow, which finds what is behind a hole, needs kernels that are compiled.
    yield "inpaint", inpaint(move(clip), move(region), seed=5, iterations=1, loop=True, **settings)
    patch = settings["patch"]
    nnf, cost = search(move(clip), move(clip[:, 3:]), patch=patch, seed=2, sweeps=2)
    yield "public search: field", nnf
    yield "public search: cost", cost
    # An array as other packages make it, with its axes in another order in memory.
    nnf = np.moveaxis(np.moveaxis(nnf, 3, 0).copy(), 0, 3)
    weights = np.random.default_rng(7).uniform(0.5, 2, (9, 4, 1)).T
    again = search(
        move(clip), move(clip[:, 3:]), patch=patch, nnf=nnf, weights=move(weights), seed=2,
        sweeps=1,
    )  # fmt: skip
    yield "public search, again: field", again[0]
    yield "public search, again: cost", again[1]
    yield "public vote", vote(move(clip[:, 3:]), nnf, patch=patch)
    distance = patch_distance(move(clip), move(clip[:, 3:]), nnf, patch=patch)
    yield "public patch distance", distance
    output, nnf = vpnn(*[move(clip)] * 3, patch=patch, alpha=5, seed=3, device=device)
    yield "vpnn: output", output
    yield "vpnn: field", nnf


def main(path: str) -> None:
    import contract
    import standin
    from numba import cuda as simulator
    from numba.cuda.simulator import kernelapi

    standin.install()
    # The simulator's own fma rounds between multiplying and adding.
    kernelapi.FakeCUDAModule.fma = lambda _, a, b, c: np.float32(np.float64(a) * b + c)
    # Calls of device functions are slow in the simulator, and only kernels need it.
    jit = simulator.jit
    simulator.jit = lambda kernel=None, device=False: (lambda f: f) if device else jit(kernel)
    from patchvid import _device
    from patchvid.kernels import CONTRACT, LAUNCHES, cuda, cuda_memory, numba_cuda, raw_cuda

    def launch(kernel: Any, count: int, *arguments: Any) -> None:
        kernel[-(-count // 8), 8](*map(standin.to_plain, arguments))

    numba_cuda._launch = launch
    cuda_memory.BETWEEN = 3000  # bytes: resampling goes in bands of a few rows
    called: dict[str, set[str]] = {"cuda": set(), "raw_cuda": set(), "numba_cuda": set()}
    forms = {
        form: contract.checked(module, LAUNCHES, cuda.xp, called[form])
        for form, module in (("raw_cuda", raw_cuda), ("numba_cuda", numba_cuda))
    }
    back_end = contract.checked(cuda, CONTRACT, cuda.xp, called["cuda"])
    vars(_device)["load"] = {"cuda": back_end}.__getitem__
    cuda.launches = forms["raw_cuda"]
    results = dict(run_public(cuda.to_device, "cuda"))
    on_host = [name for name, value in results.items() if not isinstance(value, cuda.xp.ndarray)]
    assert on_host == ["generate"], on_host  # its clip was on the host
    for form, launches in forms.items():
        cuda.launches = launches
        for name, value in run_kernels(back_end, cuda.to_device):
            results[f"{form}: {name}"] = value
    begin = back_end.record_event()
    assert back_end.seconds_between(begin, back_end.record_event()) >= 0
    arrays = {name: standin.to_plain(value) for name, value in results.items()}
    arrays |= {f"called: {name}": np.array([*names]) for name, names in called.items()}
    np.savez(path, **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
