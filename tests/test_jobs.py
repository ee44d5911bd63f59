"""Jobs as data: words of a command line, records, what is made again and what is not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import commands
import numpy as np
import pytest

from patchvid import InvalidInput, Job, PatchvidError, TargetExists, write_video

SMALL = {"max-size": 32, "seed": 3}


@pytest.fixture
def clip(here: Path) -> Path:
    """Write a clip with moving stripes."""
    t, y, x = np.ogrid[:4, :32, :48]
    stripes = 128 + 90 * np.sin(x / 3 + t) * np.cos(y / 4)
    np.save("clip.npy", np.repeat(stripes.astype(np.uint8)[..., None], 3, axis=3))
    return Path("clip.npy")


def test_a_job_is_a_command_line() -> None:
    job = Job("inpaint", "-a.mp4", "b.mp4", {"box": [[1, 2, 3, 4], "5,6,7,8"], "loop": True})
    assert job.words() == [
        *("inpaint", "--box=1,2,3,4", "--box=5,6,7,8", "--loop", "--output=b.mp4", "--", "-a.mp4")
    ]
    options = {"style": "s.mp4", "max_size": 9, "patch": (1, 3, 3), "fps": None, "strict": False}
    assert Job("analogy", "a.mp4", "b.mp4", options).words() == [
        *("analogy", "--max-size=9", "--patch=1,3,3", "--output=b.mp4", "--", "a.mp4", "s.mp4")
    ]


def test_paths_become_absolute_for_workers_in_other_folders(here: Path) -> None:
    job = Job("inpaint", "a.mp4", "b.mp4", {"mask": ["m.png", "/n.png"], "grow": 1}).absolute()
    assert (job.clip, job.output) == (here / "a.mp4", here / "b.mp4")
    assert job.options == {"mask": [here / "m.png", Path("/n.png")], "grow": 1}
    job = Job("inpaint", "a.mp4", "b.mp4", {"source": "s.png", "cue": ["4=c.png", "d.png"]})
    expected = {"source": here / "s.png", "cue": [f"4={here / 'c.png'}", here / "d.png"]}
    assert job.absolute().options == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "a.mp4", "b.mp4"), "command must be one of gen, .* got 'show'"),
        (("gen", "a.mp4", "b.mp4", {"samples": 2}), "makes one file, so it takes no 'samples'"),
        (("analogy", "a.mp4", "b.mp4"), "takes a 'style'"),
        (("gen", "a.mp4", "b.mp4", {"style": "c.mp4"}), "takes a 'style'"),
    ],
)
def test_wrong_jobs_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Job(*arguments)


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        ("gen", {"scael": 2}, "No such option '?--scael"),
        ("gen", {"scale": "2"}, r"'2' is not T,H,W: numbers above 0"),
        ("gen", {"scale": (1, 1, 2), "size": (1, 2, 3)}, "give one of them"),
        ("retarget", {}, "Give the new size with --scale or --size"),
        ("analogy", {"style": "b", "structure": "luma", "flow-weights": "x"}, "RAFT is not used"),
    ],
)
def test_options_are_checked_without_reading_a_file(
    here: Path, command: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        Job(command, "no.mp4", "out.mp4", options).check()
    Job("gen", "no.mp4", "no folder/out.mp4").check()
    assert not [*here.iterdir()]


def test_a_job_makes_what_its_command_makes_and_only_once(clip: Path) -> None:
    commands.succeed("gen", clip, "-o", "by_hand.npy", "--max-size", "32", "--seed", "3")
    job = Job("gen", clip, "new.npy", SMALL)
    sample = job.run()
    assert sample is not None
    assert (sample.file, sample.seed) == (Path("new.npy"), 3)
    assert Path("new.npy").read_bytes() == Path("by_hand.npy").read_bytes()
    record = json.loads(Path("new.npy.json").read_text())
    assert record["settings"] == {"command": "gen", "options": SMALL}
    assert record["inputs"]["clip"]["bytes"] == clip.stat().st_size
    assert (record["made"]["seed"], record["made"]["shape"]) == (3, [*sample.shape])

    before = Path("new.npy").stat().st_mtime_ns
    assert job.run() is None
    assert Job("gen", clip, "new.npy", {**SMALL, "overwrite": True}).run() is None
    os.utime(clip, (1, 1))  # the same content, as after a copy
    assert job.run() is None
    assert Path("new.npy").stat().st_mtime_ns == before
    Path("new.npy").unlink()
    assert job.run() is not None


def test_what_was_made_otherwise_is_replaced_only_on_request(clip: Path) -> None:
    Job("gen", clip, "new.npy", SMALL).run()
    before = Path("new.npy").read_bytes()
    other = Job("gen", clip, "new.npy", {**SMALL, "seed": 4})
    with pytest.raises(TargetExists):
        other.run()
    np.save(clip, np.load(clip)[:, ::-1])  # another clip of the same name and size
    with pytest.raises(TargetExists):
        Job("gen", clip, "new.npy", SMALL).run()
    assert Path("new.npy").read_bytes() == before
    assert Job("gen", clip, "new.npy", {**SMALL, "overwrite": True}).run() is not None
    assert Path("new.npy").read_bytes() != before
    Path("mine.npy").write_text("a file without a record")
    with pytest.raises(TargetExists):
        Job("gen", clip, "mine.npy", SMALL).run()
    assert not Path("mine.npy.json").exists()


def test_masks_and_styles_count_too(clip: Path) -> None:
    mask = np.zeros((32, 48), np.uint8)
    mask[8:14, 8:16] = 255
    write_video("mask.png", mask[None])
    job = Job("inpaint", clip, "new.npy", {"mask": "mask.png", "seed": 1})
    assert job.run() is not None
    assert job.run() is None
    write_video("mask.png", mask[None, ::-1], overwrite=True)
    with pytest.raises(TargetExists):
        job.run()


def test_a_job_that_was_killed_starts_again(clip: Path) -> None:
    job = Job("gen", clip, "new.npy", SMALL)
    job.run()
    before = Path("new.npy").read_bytes()
    record = json.loads(Path("new.npy.json").read_text())
    # Killed after the file took its place, but before that was noted.
    Path("new.npy.json").write_text(json.dumps({**record, "made": {}}))
    Path("new.npy").write_bytes(before[:-1])
    assert job.run() is not None
    assert Path("new.npy").read_bytes() == before
    Path("new.npy.json").write_text("[1")  # no record: the file may be anyone's
    with pytest.raises(TargetExists):
        job.run()


def test_a_job_that_fails_leaves_nothing(clip: Path) -> None:
    Path("broken.mp4").write_text("this is no video")
    before = sorted(Path().iterdir())
    with pytest.raises(PatchvidError, match=r"broken\.mp4"):
        Job("gen", "broken.mp4", "new.mp4").run()
    with pytest.raises(PatchvidError, match="is larger than the clip"):
        Job("gen", clip, "new.npy", {"coarsest": "3,999"}).run()
    assert sorted(Path().iterdir()) == before


def test_a_folder_has_its_record_beside_it(clip: Path) -> None:
    job = Job("gen", clip, "frames", SMALL)
    assert job.run() is not None
    assert Path("frames.json").exists()
    assert len([*Path("frames").iterdir()]) == 4
    assert job.run() is None
    pattern = Job("gen", "frames", "pictures/%03d.png", SMALL)
    assert pattern.run() is not None
    assert Path("pictures.json").exists()
    assert pattern.run() is None


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_leaves_nothing_and_the_job_starts_again(clip: Path) -> None:
    code = """
import resource, sys
from patchvid import Job, PatchvidError
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
job = Job("gen", "clip.npy", "new.mp4", {"max-size": 32, "seed": 3})
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
try:
    job.run()
except PatchvidError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
print(job.run().seed)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    failure, seed = done.stdout.splitlines()
    assert failure.startswith("cannot write 'new.mp4': ")
    assert seed == "3"
    assert {path.name for path in Path().iterdir()} == {"clip.npy", "new.mp4", "new.mp4.json"}
