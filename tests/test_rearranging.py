"""One field for all layers: what follows a clip is rearranged exactly as the clip was."""

import json
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from commands import fail, succeed
from numpy.typing import NDArray

import patchvid
from patchvid import InvalidInput, PatchField, Result, VideoError, rearrange
from patchvid.core.noise import DRAWS

Array = NDArray[Any]

CLIP = patchvid.sample_clip()[:6, 20:52, 40:88]
STYLE = patchvid.sample_clip()[3:9, 60:94, 10:60]

HOLE = np.zeros(CLIP.shape[:3], np.float32)
HOLE[:, 10:20, 14:26] = 1
HOLE[:, 9, 14:26] = 0.4  # a soft border
KEEP = np.zeros(CLIP.shape[:3], np.float32)
KEEP[:, 4:16, 25:40] = 1
KEEP[:, 16, 25:40] = 0.3

ALPHA = np.where(CLIP[..., 1:2] > 120, 255, CLIP[..., :1]).astype(np.uint8)
TRANSLUCENT = np.concatenate([CLIP, np.where(CLIP[..., :1] < 60, 0, ALPHA)], axis=3)
BRIGHT = (CLIP / 255).astype(np.float32) ** 4 * 50  # highlights above white

MADE: dict[str, Any] = {
    "generate": partial(patchvid.generate, CLIP),
    "generate, mean": partial(patchvid.generate, CLIP, reduce="mean"),
    "generate, another size": partial(patchvid.generate, CLIP, size=(5, 40, 44)),
    "generate, loop and tile": partial(patchvid.generate, CLIP, loop=True, tile="x"),
    "generate, floats": partial(patchvid.generate, CLIP / 255),
    "generate, integers": partial(patchvid.generate, CLIP.astype(np.int16) - 128),
    "generate, an image": partial(patchvid.generate, CLIP[:1]),
    "generate, samples": partial(patchvid.generate, CLIP, samples=2),
    "generate, alpha": partial(patchvid.generate, TRANSLUCENT),
    "generate, highlights": partial(patchvid.generate, BRIGHT),
    "inpaint, alpha": partial(patchvid.inpaint, TRANSLUCENT, HOLE),
    "retarget, alpha": partial(patchvid.retarget, TRANSLUCENT, scale=(1, 1, 0.8), keep=KEEP),
    "analogy": partial(patchvid.analogy, CLIP, STYLE, structure="luma"),
    "retarget": partial(patchvid.retarget, CLIP, scale=(1, 1, 0.7)),
    "retarget, keep": partial(patchvid.retarget, CLIP, scale=(1, 1.2, 0.8), keep=KEEP),
    "retarget, loop": partial(patchvid.retarget, CLIP, size=(6, 30, 40), loop=True, keep=KEEP),
    "inpaint": partial(patchvid.inpaint, CLIP, HOLE),
    "inpaint, floats": partial(patchvid.inpaint, CLIP / 255, HOLE),
    "inpaint, tile": partial(patchvid.inpaint, CLIP, np.roll(HOLE, 20, 2), loop=True, tile="x"),
}


@cache
def make(name: str) -> Any:
    return MADE[name](seed=1, details=True, iterations=2)


def source_of(name: str) -> Array:
    call = MADE[name]
    return call.args[1] if name == "analogy" else call.args[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
def test_the_clip_itself_becomes_the_output(name: str) -> None:
    made = make(name)
    assert isinstance(made.field, PatchField)
    again = rearrange(source_of(name), made.field)
    assert (again.dtype, again.shape) == (made.video.dtype, made.video.shape)
    if name.startswith("inpaint"):  # its shades are corrected after the last vote
        apart = np.abs(again.astype(float) - made.video) * (255 if "floats" in name else 1)
        assert apart.mean() < 0.5
        return
    np.testing.assert_array_equal(again, made.video)


def coordinates(shape: Any, dtype: Any = np.float32) -> Array:
    """A layer whose values are the voxels (t, y, x) themselves."""
    return np.moveaxis(np.indices(shape), 0, -1).astype(dtype)


@pytest.mark.parametrize("name", ["generate", "generate, loop and tile", "analogy", "retarget"])
@pytest.mark.parametrize(
    "dtype",
    [np.float32, *(pytest.param(dtype, marks=pytest.mark.slow) for dtype in (np.uint16, np.int64))],
)
def test_a_layer_of_coordinates_is_the_field(name: str, dtype: Any) -> None:
    made = make(name)
    layer = coordinates(source_of(name).shape[:3], dtype)
    places = rearrange(layer, made.field)
    assert places.dtype == dtype
    votes = votes_of(made)
    middle = (np.isfinite(votes).sum(axis=0) - 1) // 2
    median = np.take_along_axis(np.sort(votes, axis=0), middle[None], axis=0)[0]
    np.testing.assert_array_equal(places, median)
    # Inside of a piece that was copied all votes agree, and the clip is where they point.
    agreed = (np.nanmin(votes, axis=0) == np.nanmax(votes, axis=0)).all(axis=-1)
    assert agreed.any()
    t, y, x = places[agreed].astype(int).T
    np.testing.assert_array_equal(made.video[agreed], source_of(name)[t, y, x])


def votes_of(made: Result) -> Array:
    """The voxels (n, t, y, x, 3) that the n patches over each voxel take it from, NaN for none."""
    field = made.field
    grid, size = made.nnf.shape[:3], made.video.shape[:3]
    votes = np.full((np.prod(field.patch), *size, 3), np.nan)
    for votes_of_one, offset in zip(votes, np.ndindex(field.patch), strict=True):
        first = [np.arange(n) - by for n, by in zip(size, offset)]
        wrapped = [at % n if wraps else at for at, n, wraps in zip(first, grid, field.periodic)]
        inside = [(at >= 0) & (at < n) for at, n in zip(wrapped, grid)]
        named = made.nnf[np.ix_(*(at[i] for at, i in zip(wrapped, inside)))]
        votes_of_one[np.ix_(*inside)] = named + offset
    return votes


def test_what_is_kept_moves_with_its_region() -> None:
    made = make("retarget, keep")
    places = rearrange(coordinates(CLIP.shape[:3]), made.field)
    assert made.field.made is not None
    kept = made.field.made == 0
    assert kept.sum() == (KEEP == 1).sum()
    expected = coordinates(kept.shape) - np.float32(made.field.shift)
    np.testing.assert_array_equal(places[kept], expected[kept])


def test_nothing_changes_outside_of_a_hole() -> None:
    made = make("inpaint")
    layer = coordinates(CLIP.shape[:3])
    places = rearrange(layer, made.field)
    np.testing.assert_array_equal(places[HOLE == 0], layer[HOLE == 0])
    t, y, x = places[HOLE == 1].astype(int).T
    assert (HOLE[t, y, x] == 0).mean() > 0.9  # medians of several votes may lie between


def test_a_layout_that_was_drawn_again_has_the_last_field(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def largest_share(*_: Any) -> float:
        calls.append(1)
        return float(len(calls) < 3)

    monkeypatch.setattr("patchvid.core.noise._largest_share", largest_share)
    made = patchvid.generate(CLIP, seed=3, layout="noise", details=True)
    assert 1 < len(calls) <= DRAWS
    np.testing.assert_array_equal(rearrange(CLIP, made.field), made.video)


def test_a_layer_has_the_size_of_the_clip() -> None:
    made = make("generate, another size")
    with pytest.raises(InvalidInput, match=r"the field's clip, 6x32x48, got 6x32x47; cut or"):
        rearrange(CLIP[:, :, 1:], made.field)
    with pytest.raises(InvalidInput, match=r"field must be a PatchField, .* got an array of int32"):
        rearrange(CLIP, made.nnf)
    with pytest.raises(InvalidInput, match=r"field.made must have the size of the output, 5x40x44"):
        rearrange(CLIP, made.field._replace(made=HOLE))
    with pytest.raises(InvalidInput, match=r"must begin whole patches; some patches reach out"):
        rearrange(CLIP, made.field._replace(places=made.field.places + 2))
    with pytest.raises(InvalidInput, match=r"must be voxels of its clip; some lie outside"):
        rearrange(CLIP, made.field._replace(places=made.field.places - 9999))
    with pytest.raises(InvalidInput, match=r"whole numbers \(t', y', x'\), got float64"):
        rearrange(CLIP, made.field._replace(places=made.field.places / 2))


# Fields in files


@pytest.mark.parametrize("name", ["generate, loop and tile", "generate, samples", "retarget, keep"])
def test_a_field_comes_back_as_it_was_written(tmp_path: Path, name: str) -> None:
    made = make(name)
    patchvid.write_field(tmp_path / "field.npz", made.field)
    read = patchvid.read_field(tmp_path / "field.npz")
    for one, other in zip(read, made.field, strict=True):
        if isinstance(one, np.ndarray):
            np.testing.assert_array_equal(one, other)
        else:
            assert one == other
    np.testing.assert_array_equal(rearrange(CLIP, read), made.video)


def test_what_is_no_field_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "video.npz", video=CLIP)
    with pytest.raises(
        InvalidInput, match=r"is not a field: it has no array 'places'; give a file from"
    ):
        patchvid.read_field(tmp_path / "video.npz")
    with pytest.raises(InvalidInput, match=r"there is no field at .*; check the name"):
        patchvid.read_field(tmp_path / "none.npz")
    whole = make("generate").field
    patchvid.write_field(tmp_path / "field.npz", whole)
    data = (tmp_path / "field.npz").read_bytes()
    (tmp_path / "half.npz").write_bytes(data[: len(data) // 2])
    with pytest.raises(InvalidInput, match=r"is not a field, or cut short"):
        patchvid.read_field(tmp_path / "half.npz")
    np.savez(tmp_path / "odd.npz", **{**whole._asdict(), "made": 1, "patch": 3})
    with pytest.raises(InvalidInput, match=r"is not a field, or cut short"):
        patchvid.read_field(tmp_path / "odd.npz")
    with pytest.raises(VideoError, match=r"the suffix of a field must be .npz, got '.npy'"):
        patchvid.write_field(tmp_path / "field.npy", whole)
    with pytest.raises(patchvid.TargetExists):
        patchvid.write_field(tmp_path / "field.npz", whole)


# On the command line


@pytest.fixture
def files(here: Path) -> Path:
    """A clip, and layers of it: depth in floats, and a matte as a picture for every frame."""
    np.save("clip.npy", CLIP)
    np.save("depth.npy", coordinates(CLIP.shape[:3])[..., 2:] * np.float32(0.37))
    patchvid.write_video("matte", 255 * (CLIP[..., :1] > 99).astype(np.uint8))
    return here


JOBS = {
    "gen": ["gen", "clip.npy"],
    "analogy": ["analogy", "content.npy", "clip.npy", "--structure", "luma"],
    "retarget": ["retarget", "clip.npy", "--scale", "1,1,0.8"],
    "inpaint": ["inpaint", "clip.npy", "--box", "14,10,12,10"],
}


@pytest.mark.parametrize("job", JOBS)
def test_layers_are_written_beside_the_output(files: Path, job: str) -> None:
    np.save("content.npy", STYLE)
    words = [*JOBS[job], "--seed", 2, "--layer", "depth.npy", "--layer", "matte"]
    (line,) = succeed(*words, "--layer", "clip.npy", "-o", "a.npy", "--save-field", "f.npz")
    assert line.startswith("a.npy: ")
    depth, matte, same = np.load("a_depth.npy"), patchvid.read_video("a_matte")[0], "a_clip.npy"
    field = patchvid.read_field("f.npz")
    difference = np.abs(np.load(same).astype(int) - np.load("a.npy"))
    assert difference.max() <= (12 if job == "inpaint" else 0)  # whose shades are corrected
    np.testing.assert_array_equal(depth, rearrange(np.load("depth.npy"), field))
    assert depth.dtype == np.float32
    np.testing.assert_array_equal(matte, rearrange(patchvid.read_video("matte")[0], field))
    assert set(np.unique(matte)) == {0, 255}
    (line,) = succeed("apply", "f.npz", "depth.npy")
    assert line == f"depth_apply.npy: {'x'.join(map(str, depth.shape[:3]))}"
    np.testing.assert_array_equal(np.load("depth_apply.npy"), depth)


KINDS = {  # of layers, and the companions of clip_gen.npy
    "still.exr": "clip_gen_still.exr",
    "many.exr": "clip_gen_many.npy",
    "still.tif": "clip_gen_still.tif",
    "half": "clip_gen_half",
    "deep": "clip_gen_deep",
    "light": "clip_gen_light",
    "film.mov": "clip_gen_film.mp4",
    "alpha.mkv": "clip_gen_alpha.webm",
}


@pytest.mark.parametrize("name", KINDS)
def test_layers_come_back_as_files_of_their_kind(files: Path, name: str) -> None:
    clip = CLIP[: 1 if name.endswith((".exr", ".tif")) else None]
    np.save("clip.npy", clip)
    deep = coordinates(clip.shape[:3]).astype(np.uint16) * 999
    if name == "many.exr":
        channels = {letter: np.float32(deep[0, ..., 0]) for letter in "uvwxy"}
        pytest.importorskip("OpenEXR").File({}, channels).write(name)
    elif name == "half":
        patchvid.write_video("half/%03d.exr", deep.astype(np.float16))
    elif name == "light":
        Path(name).mkdir()
        for number, frame in enumerate(deep.astype(np.float32)):
            cv2.imwrite(f"{name}/{number}.pfm", frame[..., ::-1])
    elif name == "alpha.mkv":
        matte = np.where(CLIP[..., :1] > 99, np.uint8(255), np.uint8(0))
        patchvid.write_video(name, np.concatenate([CLIP, matte], axis=3), codec="ffv1")
    else:
        patchvid.write_video(name, deep.astype(np.float32) if name == "still.exr" else deep)
    words = ["--seed", 2, "--fps", 24, "--layer", name, "--save-field", "f.npz"]
    succeed("gen", "clip.npy", *words)
    layer, made = patchvid.read_video(name)[0], patchvid.read_video(KINDS[name])[0]
    assert made.dtype == layer.dtype
    right = rearrange(layer, patchvid.read_field("f.npz"))
    assert np.abs(made.astype(float) - right).mean() <= {"film.mov": 800, "alpha.mkv": 3}.get(
        name, 0
    )
    if name == "half":
        assert Path("clip_gen_half/00000.exr").is_file()


def test_a_file_that_holds_one_frame_is_refused_before_the_work(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patchvid, "generate", None)
    monkeypatch.setattr(patchvid, "rearrange", None)
    message = "an .exr file holds one frame, got 6; give a name such as 'frames/%05d.exr'"
    assert message in fail("gen", "clip.npy", "-o", "a.exr")
    assert "got 9" in fail("gen", "clip.npy", "-o", "a.exr", "--scale", "1.5,1,1")
    field = patchvid.PatchField(
        np.zeros((4, 26, 42), np.int32), (3, 7, 7), (False,) * 3, "median", CLIP.shape[:3]
    )
    patchvid.write_field("f.npz", field)
    assert message in fail("apply", "f.npz", "clip.npy", "-o", "a.exr")


def test_layers_of_samples_and_of_a_smaller_clip(files: Path) -> None:
    words = ["gen", "clip.npy", "--frames", "1:6", "--max-size", 40, "-n", 2, "--seed", 5]
    told = json.loads("\n".join(succeed(
        *words, "--layer", "depth.npy", "--save-field", "f.npz", "--json"
    )))  # fmt: skip
    assert [file["layers"] for file in told["files"]] == [
        ["clip_gen_1_depth.npy"],
        ["clip_gen_2_depth.npy"],
    ]
    assert [file["field"] for file in told["files"]] == ["f_1.npz", "f_2.npz"]
    small = patchvid.resize(np.load("depth.npy")[1:], (5, 26, 40))
    for number in (1, 2):
        expected = rearrange(small, patchvid.read_field(f"f_{number}.npz"))
        np.testing.assert_array_equal(np.load(f"clip_gen_{number}_depth.npy"), expected)
    succeed("apply", "f_2.npz", "depth.npy", "--frames", "1:6", "--max-size", 40, "-o", "b.npy")
    np.testing.assert_array_equal(np.load("b.npy"), np.load("clip_gen_2_depth.npy"))
    said = fail("apply", "f_2.npz", "depth.npy", "-o", "c.npy")
    assert "the size of the field's clip, 5x26x40, got 6x32x48" in said


@pytest.mark.slow
def test_several_samples_in_one_field(files: Path) -> None:
    made = patchvid.generate(CLIP, samples=2, seed=1, details=True)
    patchvid.write_field("f.npz", made.field)
    told = json.loads("\n".join(succeed("apply", "f.npz", "clip.npy", "--json")))
    assert told["files"][1] == {"file": "clip_apply_2.npy", "shape": [*CLIP.shape]}
    np.testing.assert_array_equal(np.load("clip_apply_2.npy"), made.video[1])


def test_layers_that_do_not_fit(files: Path) -> None:
    np.save("short.npy", CLIP[1:])
    said = fail("gen", "clip.npy", "--layer", "short.npy")
    assert "'short.npy' is 5x32x48, but its clip is 6x32x48" in said
    assert "'none.npy'; check the name" in fail("gen", "clip.npy", "--layer", "none.npy")
    said = fail("gen", "clip.npy", "--json", "-o", "-", "--layer", "depth.npy", exit_code=2)
    assert "layers are named after the video" in said
    Path("other").mkdir()
    np.save("other/depth.npy", CLIP)
    twice = ["--layer", "depth.npy", "--layer", "other/depth.npy"]
    assert "written twice" in fail("gen", "clip.npy", *twice, exit_code=2)
    Path("clip_gen_depth.npy").write_bytes(b"kept")
    assert "exists" in fail("gen", "clip.npy", "--layer", "depth.npy")
    assert "must be .npz" in fail("gen", "clip.npy", "--save-field", "field.npy")
