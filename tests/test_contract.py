"""The back ends have the functions of one table, with the arguments and results that it says."""

from types import ModuleType
from typing import Any

import contract
import numpy as np
import pytest
from contract import ContractError
from numpy.typing import NDArray

import patchvid
from patchvid import _device
from patchvid.kernels import CONTRACT, LAUNCHES, Function, cpu

CLIP = np.random.default_rng(0).integers(0, 256, (4, 16, 20, 3), np.uint8)
TINY: dict[str, Any] = {
    "factor": (0.8, 0.75), "coarsest": (3, 9), "patch": (3, 4, 4), "iterations": 1, "seed": 1,
}  # fmt: skip


def assert_same_signatures(module: ModuleType, table: contract.Table) -> None:
    for name, function in table.items():
        found = contract.signature_of(getattr(module, name))
        assert found == contract.parameters(function), name


def test_the_cpu_has_the_functions_of_the_table() -> None:
    assert_same_signatures(cpu, CONTRACT)


@pytest.mark.usefixtures("stand_in")
def test_cuda_has_the_functions_of_the_tables() -> None:
    from patchvid.kernels import cuda, raw_cuda

    assert_same_signatures(cuda, CONTRACT)
    assert_same_signatures(raw_cuda, LAUNCHES)


@pytest.mark.usefixtures("stand_in")
def test_the_form_in_numba_has_the_functions_of_the_table() -> None:
    pytest.importorskip("numba_cuda", reason="there is no numba-cuda for this system")
    from patchvid.kernels import numba_cuda

    assert_same_signatures(numba_cuda, LAUNCHES)


@pytest.mark.parametrize(
    "dtype",
    ["uint8", *(pytest.param(name, marks=pytest.mark.slow) for name in ("uint16", "float32"))],
)
def test_every_call_on_the_cpu_is_as_the_table_says(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: set[str] = set()
    checked = contract.checked(cpu, CONTRACT, np, called)
    monkeypatch.setattr(_device, "load", {"cpu": checked}.__getitem__)
    settings = {**TINY, "device": "cpu"}
    clip = CLIP / np.float32(255) if dtype == "float32" else CLIP.astype(dtype)
    hole = np.zeros(clip.shape[1:3], bool)
    hole[5:9, 6:12] = True
    made = patchvid.generate(clip, loop=True, tile="x", details=True, **settings)
    assert made.levels[0].seconds > 0
    patchvid.retarget(clip, size=(4, 16, 14), keep=hole, **settings)
    patchvid.inpaint(clip, hole, **settings)
    patchvid.analogy(clip, clip[:, ::-1], structure="luma", **settings)
    anywhere = np.ones((2, 10, 14), bool)
    nnf, _ = patchvid.search(clip, clip, sweeps=2, key_mask=anywhere)
    patchvid.search(clip, clip, nnf=nnf, sweeps=1, key_mask=anywhere)
    patchvid.patch_distance(clip, clip, nnf)
    patchvid.vote(clip, nnf, reduce="mean")
    patchvid.vpnn(clip, clip, clip, alpha=5, seed=0, device="cpu")
    patchvid.metrics.evaluate(CLIP, [CLIP[:, ::-1]], device="cpu")
    assert called == set(CONTRACT) - {"devices_of", "use_device"}  # nobody asks for the only host


# The check itself


def double(query: Any, field: Any, *, patch: Any, periodic: Any, weights: Any = None) -> Any:
    """Return an array that differs from the table below in its shape only."""
    return query.astype(np.float32), field[:1].copy()


TABLE = {
    "double": Function(
        "An example.",
        {
            "query": "t y x c: uint8 float32", "field": "t' y' x': int32", "*": "",
            "patch": "3 int", "periodic": "3 bool", "weights": "t' y' x' or empty: float32 = None",
        },
        ("t y x c: float32", "n y' x': int32"),
    )
}  # fmt: skip
QUERY, FIELD = np.zeros((3, 8, 9, 3), np.uint8), np.zeros((2, 6, 9), np.int32)
RIGHT: dict[str, Any] = {
    "query": QUERY, "field": FIELD, "patch": (2, 3, 4), "periodic": (False, False, True),
}  # fmt: skip


def call_double(**changes: Any) -> Any:
    called: set[str] = set()
    module = ModuleType("example")
    vars(module)["double"] = double
    result = contract.checked(module, TABLE, np, called).double(**{**RIGHT, **changes})
    assert called == {"double"}
    return result


@pytest.mark.parametrize("weights", [None, np.ones((2, 6, 9), np.float32), np.zeros(0, np.float32)])
def test_right_calls_pass(weights: NDArray[Any] | None) -> None:
    assert call_double(weights=weights)[1].shape == (1, 6, 9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"query": QUERY.astype(np.uint16)}, "query must be t y x c: uint8 float32.*got uint16"),
        ({"query": QUERY[0]}, "query must be"),
        ({"query": QUERY[:, :, ::2]}, r"query must be .*got \(216, 27, 6, 1\)"),
        ({"query": QUERY.tolist()}, "query must be .*list"),
        ({"field": None}, "field must be .*NoneType"),
        ({"field": FIELD[:1]}, r"patches must be \(2, 6, 9\).*got \(1, 6, 9\)"),
        ({"weights": np.ones((2, 6, 8), np.float32)}, r"weights must be .*got \(2, 6, 8\)"),
        ({"patch": (2, 3)}, "patch must be 3 int"),
        ({"periodic": (0, 0, 1)}, "periodic must be 3 bool"),
    ],
)
def test_wrong_calls_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        call_double(**changes)
