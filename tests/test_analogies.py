"""Analogies: layout, look, details, errors and the command."""

import inspect
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from patchvid import (
    SKETCH,
    DeviceError,
    InvalidInput,
    analogy,
    optical_flow,
    read_video,
    show_structures,
    write_video,
)
from patchvid.apps.structure import describe
from patchvid.cli.analogy import analogy as command
from patchvid.cli.main import Boundary
from patchvid.core.pyramid import level_shapes, plan_levels

Array = NDArray[Any]

N_FRAMES, HEIGHT, WIDTH = 6, 48, 60

# Quick, and structure is compared on all levels.
FIRM: Any = {
    "seed": 1, "flow": "classical", "coarsest": (6, 24), "factor": (0.7, 0.7), "structure_levels": 1
}  # fmt: skip


def texture(shift: int, seed: int) -> Array:
    """Make blobs of a few pixels that move to the right: (t, y, x) from 0 to 1."""
    still = np.random.default_rng(seed).random((HEIGHT, WIDTH))
    for axis in (0, 1):
        still = still + np.roll(still, 1, axis) + np.roll(still, 2, axis)
    still = (still - still.min()) / np.ptp(still)
    return np.stack([np.roll(still, shift * t, axis=1) for t in range(N_FRAMES)])


def box(speed: int, left: int, side: int) -> Array:
    """Make the mask of a square that moves to the right: (t, y, x) of bool."""
    mask = np.zeros((N_FRAMES, HEIGHT, WIDTH), bool)
    for t in range(N_FRAMES):
        at = left + speed * t
        mask[t, 12 : 12 + side, at : at + side] = True
    return mask


# In grey, a square moves over what is still.
SQUARE = box(speed=4, left=6, side=26)
GREY = np.where(SQUARE, texture(4, seed=1), texture(0, seed=2))
CONTENT = np.rint(255 * GREY[..., None]).astype(np.uint8)

# What moves, in a window that stays, is red; what does not is blue.
WINDOW = box(speed=0, left=20, side=26)
RED, BLUE = texture(3, seed=3) * WINDOW, texture(0, seed=4) * ~WINDOW
STYLE = np.rint(100 + 155 * np.stack([RED, 0 * RED, BLUE], axis=-1)).astype(np.uint8)


def is_red(video: Array) -> Array:
    return video[..., 0] > video[..., 2]


# The layout


@pytest.mark.parametrize("structure", ["flow", (SQUARE, WINDOW)])
def test_what_moves_becomes_what_moves(structure: Any) -> None:
    red = is_red(analogy(CONTENT, STYLE, structure=structure, **FIRM))
    assert red[SQUARE].mean() > 0.8
    assert red[~SQUARE].mean() < 0.1


def test_brightness_becomes_brightness() -> None:
    drawing = np.where(SQUARE, 30, 240).astype(np.uint8)[..., None]
    style = np.where(WINDOW, 90, 160).astype(np.uint8)[..., None]
    video = analogy(drawing, style, **{**FIRM, "structure": "luma"})
    assert (video[SQUARE] == 90).mean() > 0.8
    assert (video[~SQUARE] == 160).mean() > 0.9


@pytest.mark.parametrize(("sign", "extreme"), [(-1, 0), (1, 127)])
def test_contrast_is_brightness_without_shadows(sign: int, extreme: int) -> None:
    stroke = SQUARE ^ np.roll(box(speed=4, left=6, side=20), 3, axis=(1, 2))
    shadow = np.linspace(0, 150, WIDTH)
    drawing = (52 + sign * 40 * stroke + shadow).astype(np.uint8)[..., None]
    apart = {}
    for kind in ("luma", "contrast"):
        settings = {**FIRM, "structure": kind, "bins": (3, 3)}
        made = analogy(drawing, drawing, details=True, **settings)
        found = made.structures[0].guides[-1][..., 0] == extreme
        apart[kind] = found[stroke].mean() - found[~stroke].mean()
    assert apart["contrast"] > 0.8
    assert apart["luma"] < 0.5


def test_bins_are_the_same_on_all_levels() -> None:
    bands = np.repeat([0, 90, 180], WIDTH // 3)
    bands[10 :: WIDTH // 3] = 255  # lines, which are pale on coarse levels
    clip = np.broadcast_to(bands, SQUARE.shape).astype(np.uint8)[..., None]
    made = analogy(clip, clip, details=True, **{**FIRM, "structure": "luma", "bins": (5, 5)})
    found = set()
    for guide in made.structures[0].guides:
        width = guide.shape[2]
        found.add(tuple(guide[0, 0, [0, width // 2 + 2, width - 1], 0].tolist()))
    assert len(found) == 1


@pytest.mark.parametrize(("kind", "power"), [("flow", 0.25), ("luma", 0.25), ("contrast", 0.1)])
def test_the_lower_bins_are_further_apart(kind: str, power: float) -> None:
    def estimate(clip: Array, *, method: str) -> Array:
        return np.stack([clip[1:, ..., 0], 0 * clip[1:, ..., 0]], axis=-1).astype(np.float32)

    clip = np.zeros((3, 40, 40, 1), np.uint8)
    clip[:, 10:20, 10:20], clip[:, 20:30, 10:20], clip[:, 10:30, 20:30] = 80, 160, 240
    (guide,), _ = describe(
        "content", clip, kind, "auto", estimate, 4, plan_levels((3, 40, 40))[-1:]
    )
    heights = np.rint(127 * (np.arange(4) / 3) ** power)
    np.testing.assert_array_equal(np.unique(guide), heights)


def test_flow_of_large_clips_is_estimated_as_finely_as_it_is_compared() -> None:
    seen: list[tuple[int, ...]] = []

    def estimate(clip: Array, *, method: str) -> Array:
        seen.append(clip.shape)
        flow = np.ones((len(clip) - 1, *clip.shape[1:3], 2), np.float32)
        flow[:, :, : clip.shape[2] // 2] = 0
        return flow

    clip = np.zeros((3, 480, 720, 3), np.uint8)
    for level in plan_levels(clip.shape[:3]):
        _, flow = describe("content", clip, "flow", "auto", estimate, 4, [level])
        assert flow is not None
        assert flow.shape == (2, 480, 720, 2)
        faster = 480 / seen[-1][1]  # in pixels of the clip
        np.testing.assert_allclose(flow[:, :, -100:], faster, rtol=1e-5)
    heights = [shape[1] for shape in seen]
    assert heights[0] == 240
    assert heights == sorted(heights)
    assert heights[-1] == 480


def test_fewer_levels_with_structure_follow_the_layout_less() -> None:
    shares = []
    for share in (1.0, 0.01):
        made = analogy(CONTENT, STYLE, details=True, **{**FIRM, "structure_levels": share})
        red = is_red(made.video)
        shares.append(red[SQUARE].mean() - red[~SQUARE].mean())
        shapes = level_shapes(STYLE.shape[:3], factor=(0.7, 0.7), coarsest=(6, 24))
        count = len(shapes) if share == 1 else 1
        for structure in made.structures:
            assert [guide.shape[:3] for guide in structure.guides] == shapes[:count]
    assert shares[0] > shares[1]


def test_what_says_nothing_leaves_the_style_as_it_is() -> None:
    nothing = np.zeros(STYLE.shape[:3], bool)
    nothing[:, :2, :2] = True
    structures = nothing, np.roll(nothing, 40, axis=2)
    video = analogy(CONTENT, STYLE, structure=structures, **FIRM)
    assert (np.abs(video[:, 10:] - STYLE[:, 10:].astype(int)).max(axis=3) < 30).mean() > 0.9


def test_completeness_brings_the_style_in() -> None:
    missing = []
    for alpha in (None, 0.001):
        red = is_red(
            analogy(CONTENT, STYLE, alpha=alpha, structure=(SQUARE & False, WINDOW), **FIRM)
        )
        missing.append(red.mean())
    assert missing[0] < 0.02 < missing[1]


# The video


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 2, 4])
def test_size_is_the_contents_and_the_rest_the_styles(dtype: Any, channels: int) -> None:
    style = np.random.default_rng(0).random((5, 20, 30, channels))
    style = (style * 200).astype(dtype)
    video = analogy(CONTENT[:4, :26, :24], style, seed=1, structure="luma")
    assert video.shape == (4, 26, 24, channels)
    assert video.dtype == dtype
    assert np.isin(video, style.astype(np.float32)).all()


def test_one_frame() -> None:
    for content, style in ((CONTENT[:1], STYLE), (CONTENT, STYLE[:1]), (CONTENT[:1], STYLE[:1])):
        assert analogy(content, style, structure="luma", seed=1).shape == (*content.shape[:3], 3)


def test_flow_that_was_made_elsewhere() -> None:
    flows = [optical_flow(clip, method="classical") for clip in (CONTENT, STYLE)]
    estimated = analogy(CONTENT, STYLE, **FIRM)
    np.testing.assert_array_equal(analogy(CONTENT, STYLE, **{**FIRM, "flow": flows}), estimated)
    mixed = {**FIRM, "flow": (flows[0], "classical")}
    np.testing.assert_array_equal(analogy(CONTENT, STYLE, **mixed), estimated)


def test_seeds() -> None:
    first, again = (analogy(CONTENT, STYLE, **FIRM) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (analogy(CONTENT, STYLE, **{**FIRM, "seed": 2}) != first).any()


def test_bytes_do_not_depend_on_the_number_of_threads() -> None:
    if numba.get_num_threads() < 2:
        pytest.skip("this machine runs one thread only (NUMBA_NUM_THREADS)")
    before = numba.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            results.append(analogy(CONTENT, STYLE, **FIRM).tobytes())
    finally:
        numba.set_num_threads(before)
    assert results[0] == results[1]


# Details and progress


@pytest.mark.parametrize("structure", ["flow", "luma", ("luma", "flow")])
def test_progress_goes_to_one(structure: Any) -> None:
    calls: list[tuple[float, str]] = []
    options = {**FIRM, "structure": structure, "progress": lambda *call: calls.append(call)}
    analogy(CONTENT, STYLE, **options)
    fractions, messages = zip(*calls, strict=True)
    assert messages[0].startswith("level 1/" if structure == "luma" else "optical flow 1/")
    level, n_levels = messages[-1].removeprefix("level ").split("/")
    assert level == n_levels
    assert (np.diff(fractions) > 0).all()
    assert fractions[-1] == pytest.approx(1)


def test_structures_can_be_seen() -> None:
    style = STYLE[:4, :, :40]
    made = analogy(CONTENT, style, details=True, **FIRM)
    film = show_structures(CONTENT, style, made)
    assert film.shape == (N_FRAMES, 2 * HEIGHT, 3 * WIDTH, 3)
    assert film.dtype == np.uint8
    np.testing.assert_array_equal(film[:, :HEIGHT, :WIDTH], np.repeat(CONTENT, 3, axis=3))
    np.testing.assert_array_equal(film[:4, HEIGHT:, :40], style)
    np.testing.assert_array_equal(film[4:, HEIGHT:], film[3:4, HEIGHT:].repeat(2, axis=0))
    bins = film[:, :HEIGHT, 2 * WIDTH :, 0]
    assert bins[SQUARE].mean() > 200
    assert bins[~SQUARE].mean() < 50


# Errors


STILL = np.repeat(CONTENT[:1], 4, axis=0)
FLOW = np.zeros((N_FRAMES - 1, HEIGHT, WIDTH, 2), np.float32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"content": CONTENT[0, 0]}, "content must be a filled"),
        ({"style": STYLE.astype(complex)}, "style must hold integers or floats"),
        ({"content": STILL}, "content does not move, .* use structure='luma'"),
        ({"style": STILL}, "style does not move, .* use structure='luma'"),
        ({"content": CONTENT[:1]}, "content must have two frames or more for a flow, got 1"),
        ({"style": STYLE[:1]}, "style must have two frames or more for a flow, got 1"),
        ({"content": CONTENT[:, :4]}, "smaller than the patch"),
        ({"style": STYLE[:2]}, "2 frames, .* smaller than the patch 3x5x5"),
        ({"content": STILL * 0, "structure": "luma"}, "content is equally bright everywhere"),
        ({"structure": "depth"}, "structure must be 'flow', 'luma', 'contrast' or .*, got 'depth'"),
        ({"structure": ("flow", "luma", "luma")}, "structure must be one .* or a pair .*, got 3"),
        ({"structure": (SQUARE[1:], WINDOW)}, "structure of content must be .t, y, x. or"),
        ({"structure": (SQUARE, WINDOW * 2.0)}, "structure of style must be bool, uint8 or floats"),
        ({"structure": (SQUARE, WINDOW * np.nan)}, "structure of style must be bool, uint8 or"),
        ({"structure": (SQUARE, STYLE)}, "same number of channels, got 1 and 3"),
        ({"flow": "magic"}, "method must be 'auto', 'raft' or 'classical', got 'magic'"),
        ({"flow": FLOW[1:]}, "the flow of content must be finite floats of shape"),
        ({"flow": (FLOW + 1, FLOW * np.nan)}, "content does not move"),
        ({"flow": ("classical", FLOW * np.nan)}, "the flow of style must be finite"),
        ({"bins": (1, 8)}, "bins must be two or more for each clip"),
        ({"bins": 4}, "bins must be two whole numbers"),
        ({"alpha": 0}, "alpha must be above 0"),
        ({"structure_levels": 0}, "structure_levels must be above 0, got 0"),
        ({"structure_levels": 1.5}, "structure_levels must be between 0 and 1, got 1.5"),
        ({"reduce": "mode"}, "reduce must be"),
        ({"iterations": 0}, "iterations must be"),
        ({"seed": -1}, "seed must be"),
        ({"device": "tpu"}, "device must be"),
    ],
)
def test_analogy_names_what_is_wrong(arguments: dict[str, Any], message: str) -> None:
    usual = {"content": CONTENT, "style": STYLE, "seed": 1, "flow": "classical"}
    with pytest.raises(InvalidInput, match=message) as error:
        analogy(**{**usual, **arguments})
    assert "\n" not in str(error.value)


def test_a_device_that_is_not_there_is_an_error() -> None:
    with pytest.raises(DeviceError, match="device 'cuda'"):
        analogy(CONTENT, STYLE, device="cuda")


# The command


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a folder with both clips in it."""
    monkeypatch.chdir(tmp_path)
    write_video("a.mkv", CONTENT.repeat(3, axis=3), fps=7)
    np.save("b.npy", STYLE)
    return tmp_path


def run(*args: object) -> Result:
    return CliRunner().invoke(Boundary(commands=[command]), ["analogy", *map(str, args)])


def fail(*args: object, exit_code: int = 1) -> str:
    """Run a command that must fail and leave no file behind, and return its message."""
    before = sorted(Path().rglob("*"))
    result = run(*args)
    assert result.exit_code == exit_code, result.output
    assert sorted(Path().rglob("*")) == before
    *usage, line = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert bool(usage) == (exit_code == 2)
    return line


def test_command(clips: Path) -> None:
    result = run("a.mkv", "b.npy", "--seed", 3, "--flow", "classical", "--save-structure", "s.mkv")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("a_analogy.mp4: 6x48x60, seed 3, ")
    assert result.stderr == ""
    video, fps = read_video("a_analogy.mp4")
    assert (video.shape, fps) == ((N_FRAMES, HEIGHT, WIDTH, 3), 7)
    film, fps = read_video("s.mkv")
    assert (film.shape, fps) == ((N_FRAMES, 2 * HEIGHT, 3 * WIDTH, 3), 7)


@pytest.mark.slow
def test_every_option_reaches_the_algorithm(clips: Path) -> None:
    for name, clip in (("fa.npy", CONTENT), ("fb.npy", STYLE)):
        np.save(name, optical_flow(clip, method="classical"))
    options: dict[str, Any] = {
        "bins": (3, 5), "alpha": 0.1, "structure_levels": 0.8, "patch": (1, 7, 7),
        "factor": (0.8, 0.7), "coarsest": (2, 16), "iterations": 2, "reduce": "mean",
        "device": "cpu",
    }  # fmt: skip
    words = [
        word
        for name, value in options.items()
        for word in (f"--{name.replace('_', '-')}", str(value).strip("()").replace(" ", ""))
    ]
    np.save("a.npy", CONTENT)
    flows = ["--content-flow", "fa.npy", "--style-flow", "fb.npy"]
    result = run("a.npy", "b.npy", "-o", "c.npy", "--seed", 1, *flows, *words)
    assert result.exit_code == 0, result.output
    expected = analogy(CONTENT, STYLE, seed=1, flow="classical", **options)
    np.testing.assert_array_equal(np.load("c.npy"), expected)


def test_a_flow_of_the_whole_clip_serves_a_part_of_it(clips: Path) -> None:
    whole = optical_flow(CONTENT, method="classical")
    np.save("f.npy", whole)
    words = "a.npy", "b.npy", "--seed", 1, "--frames", "2:", "--flow", "classical", "--content-flow"
    np.save("a.npy", CONTENT)
    for name, flow in (("whole", whole), ("part", whole[2:])):
        np.save("f.npy", flow)
        result = run(*words, "f.npy", "-o", f"{name}.npy")
        assert result.exit_code == 0, result.output
    assert Path("whole.npy").read_bytes() == Path("part.npy").read_bytes()
    result = run(*words, "f.npy", "-o", "small.npy", "--max-size", WIDTH - 8)
    assert result.exit_code == 0, result.output
    assert "--content-flow is 3x48x60, which does not fit a clip of 5x48x60" in fail(
        *("a.npy", "b.npy", "--frames", "1:", "--content-flow", "f.npy"), exit_code=2
    )


def test_defaults_are_those_of_analogy() -> None:
    defaults = command.make_context("analogy", ["a", "b"]).params
    for name, parameter in inspect.signature(analogy).parameters.items():
        if name in defaults and name not in ("content", "style"):
            assert defaults[name] == parameter.default, name


def test_preset_changes_defaults_only() -> None:
    words = ["a", "b", "--iterations", "2", "--preset", "sketch"]
    chosen = command.make_context("analogy", words).params
    assert {name: chosen[name] for name in SKETCH} == {**SKETCH, "iterations": 2}


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["none.mp4", "b.npy"], "none.mp4"),
        (["a.mkv", "none.mp4"], "none.mp4"),
        (["a.mkv", "b.npy", "-o", "b.npy"], "b.npy"),
        (["a.mkv", "b.npy", "--save-structure", "b.npy"], "b.npy"),
        (["a.mkv", "b.npy", "--style-flow", "none.npz"], "none.npz"),
        (["a.mkv", "b.npy", "--style-flow", "b.npy"], "b.npy"),
        (["a.mkv", "b.npy", "--structure", "luma", "--frames", "1:3"], "smaller than the patch"),
        (
            ["a.mkv", "b.npy", "--flow", "classical", "--style-frames", "1:2"],
            "style must have two frames or more",
        ),
        (["a.mkv", "b.npy", "--flow-weights", "b.npy"], "b.npy"),
        (["a.mkv", "b.npy", "--bins", "1,4"], "bins"),
    ],
)
def test_failures(clips: Path, words: list[str], hint: str) -> None:
    assert hint in fail(*words)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--preset", "oil"], "sketch"),
        (["--structure", "depth"], "luma"),
        (["--bins", "4"], "A,B"),
        (["--alpha", "0"], "--alpha"),
        (["--structure-levels", "2"], "--structure-levels"),
        (["--flow", "fast"], "classical"),
        (["--style-frames", "3"], "A:B"),
        (["--structure", "luma", "--style-flow", "f.npy"], "--structure flow"),
        (["--preview", "--content-flow", "f.npy"], "--preview"),
        (["--flow", "classical", "--flow-weights", "w.npz"], "--flow-weights"),
        (["--structure", "luma", "--flow", "raft"], "--structure luma uses no flow"),
        (["-o", "one.mp4", "--save-structure", "./one.mp4"], "written twice"),
        (["-o", "one.mp4", "-n", "2", "--save-structure", "one_2.mp4"], "written twice"),
    ],
)
def test_wrong_usage(clips: Path, words: list[str], hint: str) -> None:
    assert hint in fail("a.mkv", "b.npy", *words, exit_code=2)
