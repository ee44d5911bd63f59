"""Calls with odd arguments, drawn from a seed: each works, or ends in one line that says why not.

The figures are printed: runs, tracebacks or foreign exceptions, hangs, and files left over.
"""

import os
import reprlib
import signal
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from commands import run

import patchvid
from patchvid import metrics, plot

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="needs SIGALRM"),
]

CALLS, COMMANDS = 800, 250
SECONDS = 60  # that a call may take on a loaded machine

CLIP = np.random.default_rng(0).integers(0, 256, (4, 16, 18, 3), dtype=np.uint8)
ALPHA = np.concatenate([CLIP, CLIP[..., :1]], axis=3)
FLOW = np.random.default_rng(1).normal(size=(3, 16, 18, 2)).astype(np.float32)
NNF, _ = patchvid.search(CLIP, CLIP, patch=(2, 5, 5), seed=0, sweeps=1)

# Nothing here is a valid value that would take long.
ODD: list[Any] = [
    *(None, True, -1, 0, 1, 2.5, float("nan"), float("inf"), -(10**400), 10**400, 1j),
    *("", "x", "a\0b", b"x", "é" * 300, Path("none.mp4"), object(), Ellipsis, set(), {}),
    *((), [], (1,), (1, 2), (1, 2, 3), (0, 0, 0), (1, 2, 3, 4), (-1, 5, 5), ("a", "b", "c")),
    *((1, 1, 1e308), (10**400, 1, 1), [[1], [2, 3]], [None] * 3, range(3), iter([1, 2])),
    *(np.zeros(()), np.zeros(0), np.zeros((0, 5, 5, 3)), np.zeros((2, 3)), np.zeros((3, 9, 9))),
    *(np.zeros((4, 16, 18)), np.ones((4, 16, 18), bool), np.zeros((1, 16, 18, 3), np.uint8)),
    *(np.full((4, 16, 18, 3), np.nan), np.full((4, 16, 18, 3), np.inf), np.zeros((4, 3, 20, 20))),
    *(np.zeros((4, 16, 18, 3), complex), np.zeros((4, 16, 18, 3), object)),
    *(np.full((4, 16, 18, 3), "a"), np.zeros((4, 16, 18, 3), "datetime64[s]")),
    *(CLIP[:, ::-1], CLIP.astype(np.float64) * 1e30, CLIP.astype(np.int64) << 40, CLIP[..., :1]),
    *(np.ma.masked_array(CLIP, CLIP > 99), np.array([1, "x"], object), CLIP[0], CLIP[:1, :2, :2]),
    *(np.zeros((2, 12, 14, 3), int), np.full((3, 12, 14, 3), 10**9), np.zeros((1, 1, 1, 1))),
]

FUNCTIONS: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (
        patchvid.generate,
        {
            **{"video": CLIP, "seed": 1, "samples": 1, "scale": (1, 1, 1), "size": None},
            **{"noise": 2, "replicate_noise": True, "patch": (2, 5, 5), "factor": (0.8, 0.8)},
            **{"coarsest": (3, 12), "reduce": "median", "alpha": 15, "loop": False, "tile": ""},
            **{"device": "cpu", "progress": False, "details": False},
        },
    ),
    (
        patchvid.retarget,
        {
            **{"video": CLIP, "scale": (1, 1, 0.8), "keep": None, "seed": 1, "patch": (2, 5, 5)},
            **{"factor": (0.8, 0.8), "coarsest": (3, 12), "iterations": 1, "reduce": "mean"},
            **{"alpha": 15, "loop": False, "tile": "x", "progress": False},
        },
    ),
    (
        patchvid.inpaint,
        {
            **{"video": CLIP, "mask": np.pad(np.ones((5, 5)), 5)[:16, :], "cue": None, "grow": 0},
            **{"seed": 1, "patch": (2, 3, 3), "factor": (0.8, 0.8), "coarsest": (3, 12)},
            **{"iterations": 1, "reduce": "median", "loop": False, "tile": "", "progress": False},
        },
    ),
    (
        patchvid.analogy,
        {
            **{"content": CLIP, "style": CLIP[:, ::-1], "bins": (2, 3), "structure": "luma"},
            **{"alpha": 9, "structure_levels": 0.5, "seed": 1, "flow": "classical"},
            **{"patch": (2, 3, 3), "factor": (0.8, 0.8), "coarsest": (3, 12), "iterations": 1},
            **{"progress": False},
        },
    ),
    (
        patchvid.search,
        {
            **{"query": CLIP, "key": CLIP, "patch": (2, 5, 5), "nnf": None, "weights": None},
            **{"key_mask": None, "query_mask": None, "periodic": (False,) * 3, "sweeps": 1},
            **{"method": "patchmatch", "seed": 1, "device": "cpu"},
        },
    ),
    (
        patchvid.vpnn,
        {
            **{"query": CLIP, "key": CLIP, "value": CLIP, "patch": (2, 5, 5), "alpha": 9},
            **{"nnf": None, "key_mask": None, "periodic": (False,) * 3, "sweeps": 1, "seed": 1},
        },
    ),
    (
        patchvid.vote,
        {"value": CLIP, "nnf": NNF, "patch": (2, 5, 5), "periodic": (False,) * 3, "reduce": "mean"},
    ),
    (
        patchvid.patch_distance,
        {"query": CLIP, "key": CLIP, "nnf": NNF, "patch": (2, 5, 5), "periodic": (False,) * 3},
    ),
    (
        patchvid.rearrange,
        {
            "layer": CLIP,
            "field": patchvid.PatchField(
                np.zeros((3, 12, 14), np.int32), (2, 5, 5), (False,) * 3, "median", (4, 16, 18)
            ),
        },
    ),
    (patchvid.resize, {"video": CLIP, "size": (2, 8, 9), "scale": None}),
    (patchvid.build_pyramid, {"video": CLIP, "factor": (0.8, 0.8), "coarsest": (3, 9)}),
    (patchvid.plan_levels, {"shape": (4, 16, 18), "size": None, "factor": (0.8, 0.8)}),
    (
        patchvid.optical_flow,
        {"video": CLIP, "method": "classical", "weights": None, "iterations": 2, "device": "cpu"},
    ),
    (patchvid.flow_to_color, {"flow": FLOW}),
    (patchvid.field_to_color, {"nnf": NNF, "shape": (4, 16, 18)}),
    (patchvid.pixel_sources, {"nnf": NNF, "size": (4, 16, 18)}),
    (partial(patchvid.show, CLIP), {"fps": 10, "labels": None}),
    (lambda video: patchvid.show(video), {"video": CLIP}),
    (metrics.coherence, {"source": CLIP, "output": CLIP, "patch": (2, 5, 5)}),
    (metrics.completeness, {"source": CLIP, "output": CLIP, "patch": (2, 5, 5)}),
    (metrics.sliced_wasserstein, {"source": CLIP, "output": CLIP}),
    (metrics.diversity, {"source": CLIP, "outputs": [CLIP, CLIP[::-1]]}),
    (metrics.evaluate, {"source": CLIP, "outputs": [CLIP], "device": "cpu"}),
    (
        patchvid.read_video,
        {
            **{"path": "clip.npy", "frames": (0, None), "max_size": 9, "fps": 12, "depth": 8},
            **{"tone_map": False, "strict": True, "progress": False},
        },
    ),
    (
        lambda **settings: [*patchvid.iter_video(**settings)],
        {"path": "clip.mp4", "frames": (0, 4, 2), "max_size": None, "fps": None, "depth": 16},
    ),
    (patchvid.video_info, {"path": "clip.mp4"}),
    (patchvid.fetch_weights, {"name": "none"}),
    (
        patchvid.write_field,
        {
            "path": "new.npz",
            "field": patchvid.PatchField(
                np.zeros((3, 12, 14), np.int32), (2, 5, 5), (False,) * 3, "median", (4, 16, 18)
            ),
            "overwrite": True,
        },
    ),
    (patchvid.read_flow, {"path": "flow.npy"}),
    (patchvid.read_field, {"path": "field.npz"}),
    (patchvid.write_video, {"path": "new.npy", "video": CLIP, "fps": 10, "overwrite": True}),
    (
        patchvid.write_video,
        {
            **{"path": "new.mp4", "video": CLIP, "audio": "clip.mp4", "audio_range": (0, None)},
            **{"codec": "h264", "quality": 50, "depth": 8, "info": None, "order": None},
            **{"overwrite": True},
        },
    ),
    (patchvid.optical_flow, {"video": CLIP, "method": "raft", "weights": "none.npz"}),
    (metrics.evaluate, {"source": CLIP, "outputs": [CLIP], "weights": "none.npz"}),
    (plot.film_strip, {"video": CLIP}),
]


class Hang(BaseException):
    """A call took too long."""


@contextmanager
def limited() -> Iterator[None]:
    def stop(number: int, _: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def files(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: here / "no_cache")
    patchvid.write_video("clip.npy", CLIP)
    patchvid.write_video("clip.mp4", CLIP, fps=10)
    patchvid.write_video("frames", CLIP)
    made = patchvid.generate(CLIP, patch=(2, 5, 5), seed=1, details=True)
    patchvid.write_field("field.npz", made.field)
    np.save("flow.npy", FLOW)
    np.save("odd.npy", np.zeros((4, 3)))
    np.save("number.npy", np.array(1))
    np.save("objects.npy", np.array([{}]), allow_pickle=True)
    for suffix in ("mp4", "npy", "npz", "png", "gif"):
        Path(f"broken.{suffix}").write_bytes(Path("clip.npy").read_bytes()[7:99])
        Path(f"empty.{suffix}").write_bytes(b"")
    Path("clip.gif").write_bytes(Path("clip.mp4").read_bytes())
    Path("folder").mkdir()
    for suffix in ("mp4", "npz", "png"):
        os.mkfifo(f"pipe.{suffix}")
    patchvid.write_video("alpha.webm", ALPHA, fps=10)
    patchvid.write_video("clip.tif", CLIP)
    np.savez("layers.npz", video=CLIP[..., 0].astype(np.float32), other=FLOW)
    return here


def shorten(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"<{value.dtype} {value.shape}>"
    return reprlib.repr(value)


def shown(figures: Counter[str], problems: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print("\n" + ", ".join(f"{name}: {count}" for name, count in figures.items()))
    assert not problems, "\n".join(problems)


def test_array_functions(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    figures = Counter({"calls": 0, "refused": 0, "foreign exceptions": 0, "hangs": 0})
    problems = []
    for number in range(CALLS):
        function, valid = FUNCTIONS[number % len(FUNCTIONS)]
        names = random.permutation([*valid])[: 1 + int(random.integers(2))]
        odd = {str(name): ODD[int(random.integers(len(ODD)))] for name in names}
        told = ", ".join(f"{name}={shorten(value)}" for name, value in odd.items())
        what = f"{getattr(function, '__name__', 'show')}({told})"
        figures["calls"] += 1
        try:
            with limited(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                function(**{**valid, **odd})
        except patchvid.PatchvidError as error:
            figures["refused"] += 1
            if "\n" in str(error) or len(str(error)) > 900:
                problems.append(f"{what}: a long message, {str(error)[:200]!r}")
        except Hang:
            figures["hangs"] += 1
            problems.append(f"{what}: it hangs")
        except Exception as error:
            figures["foreign exceptions"] += 1
            problems.append(f"{what}: {type(error).__name__}: {str(error)[:150]}")
    shown(figures, problems, capsys)


FILES = [
    *("clip.npy", "clip.mp4", "frames", "clip.gif", "odd.npy", "objects.npy", "field.npz"),
    *("pipe.mp4", "pipe.npz", "pipe.png", "alpha.webm", "clip.tif", "layers.npz"),
    *(
        "flow.npy",
        "number.npy",
        "none.mp4",
        "folder",
        ".",
        "",
        "..",
        "/dev/null",
        "~nouser/x",
        "a\nb.mp4",
    ),
    *(
        f"{name}.{suffix}"
        for name in ("broken", "empty")
        for suffix in ("mp4", "npy", "png", "gif")
    ),
]
WORDS = [
    *("", "x", "-1", "0", "1", "2", "1,1,1", "1,1", "0,0,0", "2,5,5", "3,12", "0.5,0.5", "nan"),
    *(
        "inf",
        "1e308",
        "1,1,1e308",
        "9" * 400,
        "1," + "9" * 400,
        "none",
        "auto",
        "luma",
        "x,y",
        "xy",
    ),
    *("1:", ":2", "2:1", "9:", "0:0", "1,2,3,4", "-1,-1,9,9", "99,99,1,1", "é", "\udce9", "median"),
]
USED = {
    "gen": ["clip.npy"],
    "retarget": ["clip.npy", "--scale", "1,1,0.8"],
    "inpaint": ["clip.npy", "--box", "4,4,5,5"],
    "analogy": ["clip.npy", "clip.npy", "--structure", "luma"],
    "apply": ["field.npz", "clip.npy"],
    "eval": ["clip.npy", "clip.npy"],
    "weights": [],
    "info": [],
}
LONG = ("--iterations", "--samples", "-n", "--download", "--report", "--help", "-h")


def test_command_line(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from patchvid.cli.main import main

    random = np.random.default_rng(1)
    figures = Counter({"runs": 0, "failed": 0, "tracebacks": 0, "hangs": 0, "left over": 0})
    problems = []

    def draw(values: Any) -> Any:
        return values[int(random.integers(len(values)))]

    for number in range(COMMANDS):
        name = [*USED][number % len(USED)]
        words = [draw(FILES) if "." in w and draw((0, 1)) else w for w in USED[name]]
        options = [p for p in main.commands[name].params if p.opts[-1][:1] == "-"]
        for option in (draw(options) for _ in range(int(random.integers(3)))):
            if option.opts[-1] not in LONG:
                is_path = "path" in str(option.type).lower()
                value = (
                    [] if getattr(option, "is_flag", False) else [draw(FILES if is_path else WORDS)]
                )
                words += [option.opts[-1], *value]
        if name in ("gen", "retarget", "inpaint", "analogy"):
            words += ["--iterations", "1", "--overwrite", "--max-size", "18"]
        figures["runs"] += 1
        before = {*os.listdir()}
        try:
            with limited():
                result = run(name, *words)
        except Hang:
            figures["hangs"] += 1
            problems.append(f"{name} {words}: it hangs")
            continue
        figures["failed"] += result.exit_code != 0
        lines = result.stderr.splitlines()
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            figures["tracebacks"] += 1
            problems.append(f"{name} {words}: {result.exception!r}"[:400])
        elif result.exit_code and not (lines and lines[-1].startswith("Error: ")):
            if name != "weights":
                problems.append(f"{name} {words}: no line says why it failed, {lines[-2:]}")
        elif max(map(len, lines), default=0) > 900:
            problems.append(f"{name} {words}: a long message, {lines[-1][:200]!r}")
        new = {*os.listdir()} - before
        if any(file.startswith(".patchvid") for file in new) or (result.exit_code == 1 and new):
            figures["left over"] += 1
            problems.append(f"{name} {words}: it left {sorted(new)}")
    shown(figures, problems, capsys)
