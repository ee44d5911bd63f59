"""The public face: names, types, docstrings, seeds."""

import inspect
import subprocess
import sys
from typing import TYPE_CHECKING, Any, assert_type

import numpy as np
import pytest
from numpy.typing import NDArray
from numpydoc.validate import validate

import patchvid
from patchvid import InvalidInput, generate, metrics, plot, search
from patchvid.results import Structure

CLIP = np.random.default_rng(0).integers(0, 256, (3, 16, 18, 3), dtype=np.uint8)

# What numpydoc's validation asks of every public function: a summary in one line, parameters that
# are those of the signature with a type and a description each, and what is returned and raised.
CHECKS = {
    *("GL08", "SS01", "SS02", "SS03", "SS04", "SS06"),
    *("PR01", "PR02", "PR03", "PR04", "PR07"),
    *("RT01", "RT03", "YD01", "EX01"),
}


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_everything_public_is_there_after_the_import_and_nothing_else_is_seen() -> None:
    names = [*patchvid.__all__]
    assert dir(patchvid) == sorted(names)
    assert not [name for name in names if name.startswith("_")]
    for name in names:
        assert getattr(patchvid, name) is not None
    code = "import patchvid; print(patchvid.metrics.coherence, patchvid.plot, patchvid.errors)"
    assert "function coherence" in run(code)


def test_importing_patchvid_imports_nothing_heavy() -> None:
    code = "import patchvid, sys; print(sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = set(eval(run(code)))
    assert not loaded & {"numpy", "numba", "scipy", "sklearn", "av", "cupy", "click", "PIL", "tqdm"}


def test_a_command_begins_to_listen_to_ctrl_c_at_once() -> None:
    code = "import sys; old = {*sys.modules}; import patchvid.cli; print({*sys.modules} - old)"
    assert eval(run(code)) == {"patchvid", "patchvid.cli"}


def test_help_begins_with_what_the_package_is() -> None:
    assert (patchvid.__doc__ or "").startswith("patchvid makes new videos from one short clip")
    shown = inspect.cleandoc(patchvid.__doc__ or "")
    missing = [name for name in ("generate", "read_video", "metrics") if f"`{name}`" not in shown]
    assert not missing


# Types


if TYPE_CHECKING:  # mypy checks all tests, these lines too

    def types_tell_videos_from_results(clip: NDArray[Any]) -> None:
        assert_type(generate(clip, seed=1), NDArray[Any])
        assert_type(generate(clip, seed=np.random.default_rng(0), samples=2), NDArray[Any])
        assert_type(generate(clip, samples=2, details=True), patchvid.GenerateResult)
        narrow = patchvid.retarget(clip, scale=(1, 1, 0.5), details=True)
        assert_type(narrow.levels[0].seconds, float)
        assert_type(patchvid.inpaint(clip, clip[0, ..., 0] > 9, details=False), NDArray[Any])
        like = patchvid.analogy(clip, clip, structure="luma", details=True)
        assert_type(like.structures, list[Structure])
        assert_type(metrics.coherence(clip, clip).value, float)


# Docstrings


def documented() -> list[str]:
    """Full names of all public functions."""
    names = []
    for module in (patchvid, metrics, plot):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value):
                names.append(f"{value.__module__}.{value.__name__}")
    return sorted(names)


@pytest.mark.parametrize("name", documented())
def test_docstrings_are_complete(name: str) -> None:
    problems = [f"{code}: {text}" for code, text in validate(name)["errors"] if code in CHECKS]
    assert not problems


# Seeds


def test_a_seed_may_be_a_generator_of_numpy() -> None:
    options: dict[str, Any] = {"patch": (1, 3, 3), "noise": 3}
    first = generate(CLIP, seed=np.random.default_rng(5), **options)
    np.testing.assert_array_equal(generate(CLIP, seed=np.random.default_rng(5), **options), first)
    assert (generate(CLIP, seed=np.random.default_rng(6), **options) != first).any()
    random = np.random.default_rng(5)
    generate(CLIP, seed=random, **options)
    assert (generate(CLIP, seed=random, **options) != first).any()  # the generator has gone on
    one, _ = search(CLIP, CLIP[:, ::-1], patch=(1, 3, 3), sweeps=1, seed=np.random.default_rng(1))
    two, _ = search(CLIP, CLIP[:, ::-1], patch=(1, 3, 3), sweeps=1, seed=np.random.default_rng(1))
    np.testing.assert_array_equal(one, two)


# Arrays of other types and shapes


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int16, np.int32, np.uint32, np.int64])
def test_integers_and_booleans_work_as_they_are(dtype: Any) -> None:
    low = -128 if np.dtype(dtype).kind == "i" else 0
    clip = (CLIP > 99) if dtype is bool else (CLIP.astype(int) // 2 + low // 2).astype(dtype)
    made = generate(clip, patch=(1, 3, 3), seed=1)
    assert (made.dtype, made.shape) == (clip.dtype, clip.shape)
    assert np.isin(made, clip).all()  # a median is one of the votes
    assert patchvid.resize(clip, (3, 8, 9)).dtype == clip.dtype
    hole = np.zeros(clip.shape[:3], bool)
    hole[:, 4:9, 5:9] = True
    completed = patchvid.inpaint(clip, hole, patch=(1, 3, 3), seed=1)
    assert completed.dtype == clip.dtype
    np.testing.assert_array_equal(completed[~hole], clip[~hole])


def test_a_mean_of_integers_is_rounded() -> None:
    clip = CLIP.astype(np.int16) - 128
    nnf, _ = search(clip, clip, patch=(1, 3, 3), seed=1, method="exact")
    itself = patchvid.vote(clip, nnf, patch=(1, 3, 3), reduce="mean")
    np.testing.assert_array_equal(itself, clip)


def test_grey_videos_need_no_channel() -> None:
    grey = CLIP[..., 0]
    options: dict[str, Any] = {"patch": (1, 3, 3), "seed": 1}
    hole = np.zeros(grey.shape, bool)
    hole[:, 4:9, 5:9] = True
    for made, same in [
        (generate(grey, samples=2, **options), generate(grey[..., None], samples=2, **options)),
        (
            patchvid.retarget(grey, scale=(1, 1, 0.8), **options),
            patchvid.retarget(grey[..., None], scale=(1, 1, 0.8), **options),
        ),
        (
            patchvid.inpaint(grey, hole, **options),
            patchvid.inpaint(grey[..., None], hole, **options),
        ),
        (
            patchvid.analogy(CLIP, grey, structure="luma", **options),
            patchvid.analogy(CLIP, grey[..., None], structure="luma", **options),
        ),
        (patchvid.resize(grey, (2, 8, 9)), patchvid.resize(grey[..., None], (2, 8, 9))),
    ]:
        np.testing.assert_array_equal(made, same[..., 0])


def test_what_is_no_video_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"the path 'clip.mp4'; read it first, with patchvid"):
        generate("clip.mp4")  # type: ignore[call-overload]
    with pytest.raises(InvalidInput, match=r"video must hold integers from -2\*\*24 to 2\*\*24"):
        generate(CLIP.astype(np.int64) << 40)
    with pytest.raises(InvalidInput, match=r"\(t, y, x, c\), or \(t, y, x\) for grey, got shape"):
        generate(CLIP[0, 0])
    with pytest.raises(InvalidInput, match=r"looks like one frame .* video\[None\]"):
        generate(CLIP[0])
    with pytest.raises(InvalidInput, match=r"the end: np.moveaxis\(video, 1, -1\)"):
        generate(np.moveaxis(np.zeros((3, 20, 30, 3)), -1, 1))


def test_wrong_arguments_are_named_with_the_function() -> None:
    with pytest.raises(TypeError, match=r"generate\(\) got an unexpected keyword argument 'size_'"):
        generate(CLIP, size_=3)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"search\(\) missing a required argument: 'query'"):
        search()  # type: ignore[call-arg]


@pytest.mark.parametrize("offset", [1e6, 1e8, -1e12])
def test_a_large_offset_does_not_hide_differences(offset: float) -> None:
    query, key = CLIP[:, :10].astype(float), CLIP[:, 5:].astype(float)
    plain, cost = search(query, key, patch=(1, 3, 3), method="exact")
    nnf, same = search(query + offset, key + offset, patch=(1, 3, 3), method="exact")
    np.testing.assert_array_equal(nnf, plain)
    np.testing.assert_allclose(same, cost, rtol=1e-3, atol=1e-3)
    again = patchvid.patch_distance(query + offset, key + offset, nnf, patch=(1, 3, 3))
    np.testing.assert_allclose(again, cost, rtol=1e-3, atol=1e-3)
