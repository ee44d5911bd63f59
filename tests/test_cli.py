"""The command line on small files: what it writes and prints, and how it fails."""

import errno
import inspect
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import imageio.v3
import numpy as np
import pytest
from click.testing import CliRunner
from commands import fail, run, succeed
from numpy.typing import NDArray

from patchvid import (
    InvalidInput,
    __version__,
    generate,
    read_video,
    resize,
    sample_clip,
    write_video,
)
from patchvid.cli.command import SECTIONS
from patchvid.cli.gen import gen
from patchvid.cli.main import FORMER_NAMES, Boundary, main

Video = NDArray[Any]

PATCHVID = [sys.executable, "-m", "patchvid"]


@pytest.fixture(scope="module")
def video() -> Video:
    """Return a part of the sample in which things move, (5, 24, 32, 3)."""
    return sample_clip()[:5, 20:44, 40:72]


@pytest.fixture
def clip(here: Path, video: Video) -> Path:
    """Save an array file in the current folder."""
    return save(here / "clip.npz", video)


def save(path: Path, video: Video) -> Path:
    np.savez(path, video=video)
    return path


# Files that are written


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["a.mp4", "a.mov", "a.mkv", "a.webm", "a.gif", "a.webp", "a.png", "a.npy", "a.npz", "frames"],
)
def test_every_kind_of_output(clip: Path, name: str) -> None:
    (line,) = succeed("gen", clip, "-o", name, "--fps", 10, "--seed", 3)
    assert re.fullmatch(
        rf"{name}: 5x24x32, seed 3, novelty [\d.]+, structure [\d.]+, \d+\.\d s", line
    )
    assert read_video(name)[0].shape == (5, 24, 32, 3)
    assert sorted(os.listdir()) == sorted([name, "clip.npz"])


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("clip.mkv", "clip_gen.mp4"),
        ("clip.gif", "clip_gen.gif"),
        ("clip.npy", "clip_gen.npy"),
        ("clip.v2", "clip_v2_gen"),
    ],
)
def test_name_of_the_output(here: Path, video: Video, source: str, target: str) -> None:
    if source == "clip.v2":  # a folder of frames whose name has a dot
        write_video("clip", video)
        os.rename("clip", source)
    else:
        write_video(source, video)
    succeed("gen", source)
    assert read_video(target)[0].shape == (5, 24, 32, 3)


def test_photo_gives_a_picture(here: Path, video: Video) -> None:
    imageio.v3.imwrite("photo.jpg", video[0])
    succeed("gen", "photo.jpg")
    assert read_video("photo_gen.png")[0].shape == (1, 24, 32, 3)


def test_fps_is_kept(here: Path, video: Video) -> None:
    write_video("slow.mp4", video, fps=7)
    succeed("gen", "slow.mp4")
    assert read_video("slow_gen.mp4")[1] == 7


def test_without_a_clip(here: Path) -> None:
    (line,) = succeed("gen", "--max-size", 32, "--frames", "20:")
    assert line.startswith("sample_gen.mp4: 4x18x32, ")
    assert read_video("sample_gen.mp4")[1] == 12


@pytest.mark.parametrize("name", ["a.mp4", "a.npz"])
def test_printed_seed_repeats_the_file(clip: Path, name: str) -> None:
    (line,) = succeed("gen", clip, "-o", name, "--fps", 10)
    seed = line.split("seed ")[1].split(",")[0]
    first = Path(name).read_bytes()
    succeed("gen", clip, "-o", name, "--fps", 10, "--seed", seed, "--overwrite")
    assert Path(name).read_bytes() == first
    succeed("gen", clip, "-o", name, "--fps", 10, "--seed", int(seed) + 1, "--overwrite")
    assert Path(name).read_bytes() != first


@pytest.mark.slow
def test_samples_are_numbered_and_seeded_in_turn(clip: Path) -> None:
    fast = ["--iterations", 1]
    lines = succeed("gen", clip, "-n", 10, "--seed", 5, "-o", "a.npy", *fast)
    names = [f"a_{i:02}.npy" for i in range(1, 11)]
    assert sorted(os.listdir()) == [*names, "clip.npz"]
    assert [line.split(",")[:2] for line in lines] == [
        [f"{name}: 5x24x32", f" seed {seed}"] for seed, name in enumerate(names, 5)
    ]
    succeed("gen", clip, "--seed", 7, "-o", "b.npy", *fast)
    assert Path("b.npy").read_bytes() == Path("a_03.npy").read_bytes()


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        (["--frames", "1:4"], (3, 24, 32, 3)),
        (["--frames", ":4"], (4, 24, 32, 3)),
        (["--frames", "2:3"], (1, 24, 32, 3)),
        (["--max-size", "20"], (5, 16, 20, 3)),
        (["--max-size", "99"], (5, 24, 32, 3)),
        (["--scale", "1,1,1.5"], (5, 24, 48, 3)),
        (["--scale", "1,1.04,0.7"], (5, 24, 24, 3)),
        (["--size", "4,30,20"], (4, 30, 20, 3)),
    ],
)
def test_sizes(clip: Path, options: list[str], shape: tuple[int, ...]) -> None:
    succeed("gen", clip, "-o", "a.npy", *options)
    assert np.load("a.npy").shape == shape


@pytest.mark.slow
def test_every_option_reaches_the_algorithm(clip: Path, video: Video) -> None:
    options: dict[str, Any] = {
        "noise": 0.5,
        "patch": (1, 5, 5),
        "factor": (0.9, 0.7),
        "coarsest": (2, 12),
        "iterations": 2,
        "reduce": "mean",
        "device": "cpu",
    }
    words = [
        word
        for name, value in options.items()
        for word in (f"--{name}", str(value).strip("()").replace(" ", "").replace("'", ""))
    ]
    succeed("gen", clip, "-o", "a.npy", "--seed", 1, *words)
    np.testing.assert_array_equal(np.load("a.npy"), generate(video, seed=1, **options))


@pytest.mark.parametrize(("former", "name"), FORMER_NAMES.items())
def test_options_have_their_former_names_too(former: str, name: str) -> None:
    stderr = run("gen", "clip.mp4", f"--{former}", "no").stderr
    assert f"Error: Invalid value for '--{name}': 'no' is not" in stderr


def test_defaults_are_those_of_generate() -> None:
    defaults = gen.make_context("gen", []).params
    for name, parameter in inspect.signature(generate).parameters.items():
        if name in defaults and name != "samples":
            assert defaults[name] == parameter.default, name


# Printed lines and messages


def test_quiet(clip: Path) -> None:
    assert succeed("gen", clip, "--quiet") == []


def test_everything_has_help() -> None:
    for name, command in main.commands.items():
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.name}"
    assert "patchvid gen clip.mp4" in run("gen", "--help").stdout


def test_help_lists_every_option_in_its_section_and_in_one_order() -> None:
    known = [name for names in SECTIONS.values() for name in names]
    assert len(set(known)) == len(known)
    for command in main.commands.values():
        given = command.get_params(click.Context(command))  # of a batch also those of gen
        options = [p for p in given if isinstance(p, click.Option) and "--help" not in p.opts]
        assert {option.name for option in options} <= set(known)
        shown = run(str(command.name), "--help").stdout
        listed = re.findall(r"^  (?:-\w, )?(--[\w-]+)", shown, re.MULTILINE)
        in_order = sorted(options, key=lambda option: known.index(str(option.name)))
        assert listed == [max(o.opts, key=len) for o in in_order] + ["--help"], command.name
        assert "Other:\n  -h, --help" in shown


def test_shell_completion(here: Path) -> None:
    words = {"COMP_WORDS": "patchvid gen --red", "COMP_CWORD": "2"}
    environment = {**os.environ, **words, "_PATCHVID_COMPLETE": "bash_complete"}
    script = "from patchvid.cli.main import main; main(prog_name='patchvid')"
    completed = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert completed.stdout.split() == ["plain,--reduce"]


def test_help_loads_no_library(here: Path) -> None:
    script = (
        "import sys; from patchvid.cli.main import main; main(['gen', '--help'], 'x', "
        "standalone_mode=False); assert not {'numpy', 'numba', 'av'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)


def test_version(here: Path) -> None:
    result = subprocess.run([*PATCHVID, "--version"], capture_output=True, text=True, check=True)
    assert result.stdout == f"patchvid {__version__}\n"


def test_info_names_the_distribution_of_cupy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cupy").mkdir()
    (tmp_path / "cupy/__init__.py").write_text("raise ImportError('it does not work')")
    about = tmp_path / "cupy_rocm_5_0-14.2.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: cupy-rocm-5-0\nVersion: 14.2.0\n")
    (about / "top_level.txt").write_text("cupy\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert any(re.fullmatch(r"cupy +cupy-rocm-5-0 14.2.0", line) for line in succeed("info"))


def test_info() -> None:
    rows = dict(line.split(maxsplit=1) for line in succeed("info"))
    assert rows["patchvid"] == __version__
    assert rows["numpy"] == np.__version__
    assert re.search(r"\d+ threads", rows["cpu"])
    assert any(line.startswith("cuda kernels  raw; numba ") for line in succeed("info"))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs a pseudoterminal")
def test_progress_on_a_terminal(clip: Path) -> None:
    words = ["gen", str(clip), "--iterations", "1"]
    shown, quiet = on_a_terminal(words, [*words, "--quiet", "--overwrite"])
    assert re.search(r"\rpatchvid gen: +\d+%, level \d+/\d+.*, \d\d:\d\d left \|.*\|", shown)
    assert re.search(r"\r +\r$", shown)  # wiped away
    assert "\n" not in shown
    assert quiet == ""


def on_a_terminal(*commands: list[str]) -> list[str]:
    """Run commands whose stderr is a terminal of 80 columns, and return what each shows there.

    Bars appear at once, not after a second, so the speed of the machine does not matter.
    """
    import pty
    import termios

    script = (
        "import sys; from functools import partial; from patchvid import _progress\n"
        "_progress.bar = partial(_progress.bar, delay=0)\n"
        "from patchvid.cli.main import main\n"
        f"for words in {commands}:\n"
        "    main(words, 'patchvid', standalone_mode=False)\n"
        "    print('END', end='', file=sys.stderr, flush=True)"
    )
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    command = [sys.executable, "-c", script]
    job = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # the end of the job closes the terminal
        while part := os.read(ours, 1 << 16):
            shown += part
    os.close(ours)
    assert job.wait() == 0
    return shown.decode().split("END")[:-1]


def test_json(clip: Path) -> None:
    result = json.loads("\n".join(succeed("gen", clip, "-n", 2, "--seed", 5, "--json")))
    first, second = result["files"]
    assert (first["file"], second["file"]) == ("clip_gen_1.npz", "clip_gen_2.npz")
    assert (first["shape"], second["seed"], result["report"]) == ([5, 24, 32, 3], 6, None)
    assert first["seconds"] > 0
    made = generate(np.load(clip)["video"], seed=5, details=True)
    assert ([first["novelty"]], first["noise"]) == (made.novelty, made.noise)
    assert [first["structure"]] == made.structure
    assert json.loads("\n".join(succeed("info", "--json")))["numpy"] == np.__version__


def test_what_exists_is_replaced_only_on_request(clip: Path) -> None:
    Path("old.npy").write_bytes(b"old")
    said = fail("gen", clip, "-o", "old.npy")
    assert said.endswith("it exists; choose another name, or replace it with --overwrite")
    assert "overwrite=True" not in said


def test_a_coarsest_level_is_no_larger_than_the_clip(clip: Path) -> None:
    said = fail("gen", clip, "--coarsest", "3,40", exit_code=2)
    assert "3,40 is larger than the clip of 5 frames, whose shorter side has 24 pixels" in said
    fail("gen", clip, "--coarsest", "6,15", exit_code=2)
    succeed("gen", clip, "--frames", ":1", "--coarsest", "3,15", "-o", "still.npy")


def test_frames_beyond_the_clip_are_left_out(clip: Path) -> None:
    assert "clip.npz' has no frame 9" in fail("gen", clip, "--frames", "9:12")
    (line,) = succeed("gen", clip, "--frames", "2:99", "-o", "a.npy")
    assert line.startswith("a.npy: 3x24x32, ")


def test_a_missing_clip_is_named_before_an_output_that_exists(clip: Path) -> None:
    Path("other_gen.mp4").write_bytes(b"kept")
    assert fail("gen", "other.mp4") == "Error: there is no 'other.mp4'; check the name"
    assert Path("other_gen.mp4").read_bytes() == b"kept"


def test_printed_command_repeats_the_file(clip: Path) -> None:
    options = ["gen", clip, "--iterations", 1, "-o", "it's.npy"]
    result = json.loads("\n".join(succeed(*options, "--json")))
    first = Path("it's.npy").read_bytes()
    name, *words = shlex.split(result["command"])
    assert name == "patchvid"
    succeed(*words, "--overwrite")
    assert Path("it's.npy").read_bytes() == first
    told = json.loads("\n".join(succeed("gen", "--json", "-o", "-", "--seed=3", "--", clip)))
    assert told["command"] == f"patchvid gen --json -o - --seed=3 -- {clip}"


def test_no_video_is_written_to_nowhere(clip: Path) -> None:
    result = json.loads("\n".join(succeed("gen", clip, "-o", "-", "--json", "--quiet")))
    assert result["files"][0]["file"] is None
    assert os.listdir() == ["clip.npz"]
    assert "--report or --json" in fail("gen", clip, "-o", "-", exit_code=2)


@pytest.mark.slow
def test_preview_is_small_and_tells_what_comes_next(here: Path, video: Video) -> None:
    write_video("long.mp4", np.tile(video, (10, 1, 6, 1)), fps=20)
    options = ["--size", "25,24,240", "-n", 2, "--seed", 4, "-o", "a.mkv", "--report", "r.html"]
    small = ["--iterations", 1, "--noise", 1]
    lines = succeed("gen", "long.mp4", *options, *small, "--preview")
    assert [line.split(",")[0] for line in lines[:2]] == [
        f"a_preview_{i}.mkv: 24x20x200" for i in (1, 2)
    ]
    assert read_video("a_preview_1.mkv")[1] == pytest.approx(19.2)  # the clip's pace
    assert lines[2].startswith("r_preview.html: ")
    assert lines[3] == "in full: patchvid gen long.mp4 " + " ".join(map(str, [*options, *small]))
    assert sorted(os.listdir()) == [
        "a_preview_1.mkv", "a_preview_2.mkv", "long.mp4", "r_preview.html",
    ]  # fmt: skip


def test_preview_of_a_size_is_as_much_smaller_as_the_clip(here: Path, video: Video) -> None:
    write_video("large.npy", np.repeat(np.repeat(video, 20, axis=1), 20, axis=2))
    words = ["--max-size", 320, "--size", "5,240,320", "--iterations", 1, "--preview", "--seed", 1]
    succeed("gen", "large.npy", *words)
    assert read_video("large_gen_preview.npy")[0].shape == (5, 120, 160, 3)


def test_preview_of_a_hole(here: Path, video: Video) -> None:
    wide = np.tile(video, (1, 2, 10, 1))  # 48x320
    np.save("wide.npy", wide)
    options = ["--box", "100,10,30,20", "--grow", 4, "--iterations", 1, "--preview", "--seed", 1]
    succeed("inpaint", "wide.npy", *options)
    made = read_video("wide_inpaint_preview.npy")[0]
    assert made.shape == (5, 24, 160, 3)
    changed = (made != resize(wide, made.shape[:3])).any(axis=(0, 3))
    assert changed[3:17, 48:67].any()
    assert not changed[:, :45].any()
    assert not changed[:, 70:].any()


@pytest.mark.slow
def test_report(clip: Path) -> None:
    result = run("gen", clip, "-n", 2, "--seed", 1, "--report", "r.html")
    assert result.exit_code == 0, result.output
    assert "has no frame rate; 24 frames a second are used" in result.stderr
    *lines, page = result.stdout.splitlines()
    assert len(lines) == 2
    assert re.fullmatch(r"r\.html: \d\.\d MB", page)
    html = Path("r.html").read_text()
    assert html.count("<video") == 6
    assert f"patchvid gen {clip} -n 2 --seed 1 --report r.html" in html
    assert re.search(r"5 frames, 24x32, seed 2, novelty [\d.]+", html)
    for told in ("clip_gen_2.npz", "--coarsest", "3,15", np.__version__, "5x24x32"):
        assert told in html
    assert "exists" in fail("gen", clip, "-o", "b.npz", "--report", "r.html")
    assert "suffix" in fail("gen", clip, "--report", "r.pdf")
    succeed("gen", clip, "-o", "b.npz", "--report", "r.html", "--overwrite", "--quiet")
    assert "b.npz" in Path("r.html").read_text()


# Failures


def test_missing_clip(here: Path) -> None:
    assert "none.mp4" in fail("gen", "none.mp4")


def test_no_video(here: Path) -> None:
    Path("notes.mp4").write_text("no video at all")
    assert "notes.mp4" in fail("gen", "notes.mp4")


def test_truncated_video(here: Path, video: Video) -> None:
    write_video("whole.mp4", video)
    data = Path("whole.mp4").read_bytes()
    Path("half.mp4").write_bytes(data[: len(data) // 2])
    assert "half.mp4" in fail("gen", "half.mp4")


def test_output_exists(clip: Path) -> None:
    Path("b_2.npz").write_bytes(b"precious")
    assert "b_2.npz" in fail("gen", clip, "-n", 2, "-o", "b.npz")
    assert Path("b_2.npz").read_bytes() == b"precious"
    succeed("gen", clip, "-n", 2, "-o", "b.npz", "--overwrite")
    assert Path("b_2.npz").read_bytes() != b"precious"


@pytest.mark.parametrize("target", ["clip.npz/a.mp4", "nowhere/a.mp4", "a.doc"])
def test_output_cannot_be_written(clip: Path, target: str) -> None:
    assert target in fail("gen", clip, "-o", target)


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="this machine has a GPU")
def test_no_gpu(clip: Path) -> None:
    assert "cuda" in fail("gen", clip, "--device", "cuda").lower()


def test_an_output_that_is_too_large(clip: Path) -> None:
    assert "fewer than 2**31 voxels" in fail("gen", clip, "--scale", "1,1,1e308")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are texts on this system")
def test_names_that_are_no_text(here: Path, video: Video) -> None:
    name, folder = (os.fsdecode(name) for name in (b"cl\xe9.mp4", b"d\xe9"))
    write_video("clip.mp4", video)
    os.rename("clip.mp4", name)
    os.mkdir(folder)
    words = ["gen", name, "--iterations", "1", "-o", f"{folder}/a.mp4", "--report", "r.html"]
    done = subprocess.run([*PATCHVID, *words], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"d\\udce9/a.mp4: 5x24x32" in done.stdout
    assert read_video(f"{folder}/a.mp4")[0].shape == video.shape
    assert "cl\\udce9.mp4" in Path("r.html").read_text()
    told = succeed("gen", name, "--iterations", "1", "-o", f"{folder}/b.mp4", "--json")
    assert "d\\udce9/b.mp4" in "\n".join(told)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&- <&-"])
def test_closed_streams(clip: Path, closed: str) -> None:
    words = shlex.join([*PATCHVID, "gen", str(clip), "-o", "a.mp4", "--iterations", "1"])
    assert (
        subprocess.run(f"{words} {closed}", shell=True, stdout=subprocess.DEVNULL).returncode == 0
    )
    assert read_video("a.mp4")[0].shape == (5, 24, 32, 3)


@pytest.mark.slow
def test_a_strict_stdout(clip: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii:strict"}
    words = [*PATCHVID, "gen", str(clip), "-o", "é.npy", "--iterations", "1"]
    done = subprocess.run(words, capture_output=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b".npy: 5x24x32" in done.stdout
    assert Path("é.npy").is_file()


@pytest.mark.skipif(os.name == "nt", reason="needs SIGINT")
def test_interrupt_while_the_command_starts(here: Path) -> None:
    script = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Stop:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'click': signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Stop())\n"
        "from patchvid.cli import run; run()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "Error: interrupted\n")


def test_interrupt_while_arguments_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Boundary, "parse_args", stop)
    result = CliRunner().invoke(main, ["gen"])
    assert (result.exit_code, result.stderr) == (130, "Error: interrupted\n")


def test_no_frames_left(clip: Path) -> None:
    assert "frames" in fail("gen", clip, "--frames", "7:")
    fail("gen", "--frames", "24:")


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((0, 24, 32, 3), np.uint8),
        np.zeros((2, 24, 32, 3), np.uint8),  # smaller than the patch, as is the next one
        np.zeros((5, 6, 32, 3), np.uint8),
        np.full((5, 24, 32, 3), np.nan, np.float32),
    ],
    ids=["no frames", "short", "small", "nan"],
)
def test_unusable_video(here: Path, bad: Video) -> None:
    fail("gen", save(here / "bad.npz", bad))


@pytest.mark.parametrize(
    ("error", "line", "exit_code"),
    [
        (MemoryError("no room"), "Error: out of memory: no room; try", 1),
        (PermissionError(13, "Permission denied", "a.mp4"), "Error: [Errno 13] Permission", 1),
        (InvalidInput("first\nsecond"), "Error: first second\n", 1),
        (KeyboardInterrupt(), "Error: interrupted\n", 130),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "", 1),
    ],
)
def test_boundary(error: BaseException, line: str, exit_code: int) -> None:
    result = CliRunner().invoke(Boundary(commands=[raising(error)]), ["job"])
    assert result.exit_code == exit_code
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") <= 1


def test_boundary_shortens_long_numbers() -> None:
    result = CliRunner().invoke(
        Boundary(commands=[raising(click.BadParameter("9" * 400))]), ["job"]
    )
    assert result.exit_code == 2
    shortened = "9" * 20 + "..." + "9" * 20
    assert result.stderr.splitlines()[-1] == f"Error: Invalid value: {shortened}"


def test_boundary_lets_bugs_through() -> None:
    bug = ZeroDivisionError()
    assert CliRunner().invoke(Boundary(commands=[raising(bug)]), ["job"]).exception is bug


def raising(error: BaseException) -> click.Command:
    @click.command("job")
    def job() -> None:
        raise error

    return job


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (["--size", "1,2"], "T,H,W"),
        (["--size", "1,2,2.5"], "T,H,W"),
        (["--size", f"1,2,{'9' * 400}"], "99...99"),
        (["--patch", f"1,2,{'9' * 6400}"], "99...99"),
        (["--frames", f"0:{'9' * 400}"], "99...99"),
        (["--noise", "9" * 400], "99...99"),
        (["-n", "1000000"], "1<=x<=10000"),
        (["-o", "."], "'.' is not a name of a file or folder"),
        (["-o", ".", "-n", "2"], "'.' is not a name of a file or folder"),
        (["-o", ""], "'' is not a name of a file or folder"),
        (["-o", ".mp4"], "'.mp4' is a suffix without a name"),
        (["--scale", "0,1,1"], "T,H,W"),
        (["--scale", "nan,1,1"], "T,H,W"),
        (["--size", "5,24,32", "--scale", "1,1,1"], "--scale and --size"),
        (["--patch", "3,x,7"], "T,H,W"),
        (["--factor", "0.8,1"], "T,S"),
        (["--coarsest", "3"], "T,PX"),
        (["--frames", "3"], "A:B"),
        (["--frames", "4:2"], "A < B"),
        (["--max-size", "0"], "--max-size"),
        (["--noise", "loud"], "auto"),
        (["--noise", "-1"], "auto"),
        (["--iterations", "0"], "--iterations"),
        (["--reduce", "max"], "median"),
        (["--device", "tpu"], "cuda"),
        (["-n", "0"], "--samples"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_wrong_usage(clip: Path, options: list[str], hint: str) -> None:
    assert hint in fail("gen", clip, *options, exit_code=2)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs SIGINT")
def test_interrupt_keeps_only_what_is_complete(clip: Path) -> None:
    # A child inherits from a parent such as nohup that SIGINT is ignored, so it is switched on.
    listening = "import signal, runpy; signal.signal(signal.SIGINT, signal.default_int_handler); "
    script = listening + "runpy.run_module('patchvid', run_name='__main__')"
    job_of = ["gen", str(clip), "-o", "a.npy", "-n", "9999", "--iterations", "1"]
    command, pipe = [sys.executable, "-c", script, *job_of], subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as job:
        assert job.stdout
        first = job.stdout.readline()
        job.send_signal(signal.SIGINT)
        rest, error = job.communicate()
    assert job.returncode == 130
    assert error == "Error: interrupted\n"
    named = [line.split(":")[0] for line in [first, *rest.splitlines()]]
    assert sorted(os.listdir()) == [*named, "clip.npz"]
