"""Files that appear only when they are complete, whatever ends the process that writes them."""

import ctypes
import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import patchvid
from patchvid import VideoError, read_video, write_video
from patchvid.io import _unfinished
from patchvid.io._files import complete_or_nothing

OLD, NEW = (np.full((3, 8, 8, 3), value, np.uint8) for value in (10, 200))

posix = pytest.mark.skipif(os.name != "posix", reason="needs signals and locks of POSIX")


def hidden(folder: Path) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name.startswith("."))


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    write_video(tmp_path / "frames", OLD)
    write_video(tmp_path / "frames", NEW[:2], overwrite=True)
    np.testing.assert_array_equal(read_video(tmp_path / "frames")[0], NEW[:2])
    (tmp_path / "empty").mkdir()
    write_video(tmp_path / "empty", NEW)
    assert sorted(os.listdir(tmp_path)) == ["empty", "frames"]


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EINVAL])
def test_a_system_that_cannot_exchange_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def cannot(*_: Any) -> int:
        ctypes.set_errno(code)
        return -1

    monkeypatch.setattr(_unfinished, "_exchanger", lambda: cannot)
    test_a_folder_is_replaced_whole(tmp_path)
    monkeypatch.setattr(_unfinished, "_exchanger", lambda: None)
    write_video(tmp_path / "frames", OLD, overwrite=True)
    np.testing.assert_array_equal(read_video(tmp_path / "frames")[0], OLD)
    assert hidden(tmp_path) == []


def test_what_cannot_be_removed_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(path: Any, *_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    write_video(tmp_path / "frames", OLD)
    monkeypatch.setattr(shutil, "rmtree", fails)
    with pytest.warns(UserWarning, match=r"cannot remove .*\.patchvid-.*: Permission denied; rem"):
        write_video(tmp_path / "frames", NEW, overwrite=True)
    np.testing.assert_array_equal(read_video(tmp_path / "frames")[0], NEW)


@posix
def test_what_is_replaced_keeps_its_permissions(tmp_path: Path) -> None:
    write_video(tmp_path / "a.npy", OLD)
    (tmp_path / "a.npy").chmod(0o640)
    write_video(tmp_path / "a.npy", NEW, overwrite=True)
    assert stat.S_IMODE((tmp_path / "a.npy").stat().st_mode) == 0o640
    write_video(tmp_path / "frames", OLD)
    (tmp_path / "frames").chmod(0o750)
    for frame in (tmp_path / "frames").iterdir():
        frame.chmod(0o604)
    write_video(tmp_path / "frames", NEW, overwrite=True)
    assert stat.S_IMODE((tmp_path / "frames").stat().st_mode) == 0o750
    modes = {stat.S_IMODE(f.stat().st_mode) for f in (tmp_path / "frames").iterdir()}
    assert modes == {0o604}
    mask = os.umask(0o027)
    try:
        write_video(tmp_path / "new.npy", NEW)
        write_video(tmp_path / "new.mp4", NEW)
    finally:
        os.umask(mask)
    assert {stat.S_IMODE((tmp_path / f"new.{s}").stat().st_mode) for s in ("npy", "mp4")} == {0o640}


# Processes that end at a bad moment

# At which moments a process is ended, and by what: before and after names are exchanged.
ENDINGS = [
    (when, ending)
    for when in ("writing", "before", "after")
    for ending in ("SIGTERM", "SIGHUP", "SIGINT", "SIGKILL")
]

WRITERS = """
import os, signal, sys, time
import numpy as np
from patchvid import write_video
from patchvid.io import _files, writing
exchange, frames = _files.put_in_place, writing.still_frames
def write(when, ending):
    def at(moment):
        if moment == when:
            os.kill(os.getpid(), signal.Signals[ending])
            time.sleep(0.05)
    def put(part, target):
        at("before")
        exchange(part, target)
        at("after")
    def slow(*args, **options):
        for frame in frames(*args, **options):
            yield frame
            at("writing")
    _files.put_in_place, writing.still_frames = put, slow
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which nohup ignores
    write_video("frames", np.full((3, 8, 8, 3), 200, np.uint8), overwrite=True)
for folder in sys.argv[1:]:
    child = os.fork()
    if not child:
        os.chdir(folder)
        write(*folder.split("-"))
        sys.exit()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.slow
@posix
def test_a_process_that_is_ended_leaves_the_old_or_the_new(here: Path) -> None:
    folders = [f"{when}-{ending}" for when, ending in ENDINGS]
    for folder in folders:
        os.mkdir(folder)
        write_video(f"{folder}/frames", OLD)
    words = [sys.executable, "-uc", WRITERS, *folders]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    for (when, ending), folder, code in zip(ENDINGS, folders, told, strict=True):
        assert int(code) == -signal.Signals[ending], folder
        # While names are exchanged, only a kill is not delayed.
        is_old = when == "writing" or (when == "before" and ending == "SIGKILL")
        np.testing.assert_array_equal(read_video(f"{folder}/frames")[0], OLD if is_old else NEW)
        if ending == "SIGKILL":
            assert len(hidden(here / folder)) == 1
            write_video(f"{folder}/another.npy", NEW)  # which cleans up
        assert hidden(here / folder) == []


@pytest.mark.slow
@posix
def test_a_process_that_is_killed_at_every_system_call(here: Path) -> None:
    """Kill while a folder is replaced over and over, at moments that advance by little."""
    code = """
import os, signal, time
import numpy as np
from patchvid import read_video, write_video
write_video("frames", np.full((3, 8, 8, 3), 255, np.uint8))
for number in range(25):
    child = os.fork()
    value = 0
    while not child:
        value = (value + 1) % 200
        write_video("frames", np.full((3, 8, 8, 3), value, np.uint8), overwrite=True)
    time.sleep(0.02 + 0.0007 * number)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found = read_video("frames")[0]
    assert found.shape == (3, 8, 8, 3)
    assert found.min() == found.max()
assert found.max() < 255
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    write_video("another.npy", NEW)
    assert hidden(here) == []


@pytest.mark.slow
@posix
def test_a_film_that_is_being_written_leaves_nothing(here: Path) -> None:
    code = (
        "import numpy as np; from patchvid import write_video\n"
        "noise = np.random.default_rng(0).integers(0, 256, (200, 120, 160, 3), np.uint8)\n"
        "write_video('out.mp4', np.tile(noise, (9, 1, 1, 1)))"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as job:
        while not hidden(here):
            assert job.poll() is None
            time.sleep(0.01)
        time.sleep(0.1)
        job.terminate()
    assert job.returncode == -signal.SIGTERM
    assert os.listdir(here) == []


@posix
def test_what_a_living_process_writes_is_left_alone(tmp_path: Path) -> None:
    with complete_or_nothing(tmp_path / "a.npy") as part:
        write_video(tmp_path / "b.npy", NEW)
        assert part.exists()
        part.write_bytes(b"whole")
    assert (tmp_path / "a.npy").read_bytes() == b"whole"
    (tmp_path / ".patchvid-notes.txt").write_text("not a part")
    (tmp_path / ".patchvid-0123abcd.npy").write_text("left")
    write_video(tmp_path / "c.npy", NEW)
    assert hidden(tmp_path) == [".patchvid-notes.txt"]


@posix
def test_handlers_of_the_caller_are_kept(tmp_path: Path) -> None:
    told: list[int] = []
    hangup = signal.getsignal(signal.SIGHUP)
    before = signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    try:
        with complete_or_nothing(tmp_path / "a.npy") as part:
            os.kill(os.getpid(), signal.SIGTERM)
            part.write_bytes(b"whole")
        assert told == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGHUP) == hangup
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (tmp_path / "a.npy").exists()


# What cannot be written is said before the work


@posix
def test_links(tmp_path: Path) -> None:
    (tmp_path / "link.npy").symlink_to(tmp_path / "a.npy")
    write_video(tmp_path / "link.npy", NEW)
    assert (tmp_path / "link.npy").is_symlink()
    assert (tmp_path / "a.npy").is_file()
    (tmp_path / "nowhere.npy").symlink_to(tmp_path / "none" / "a.npy")
    with pytest.raises(VideoError, match=r"there is no folder '.*none'; create it first"):
        write_video(tmp_path / "nowhere.npy", NEW)
    (tmp_path / "self.npy").symlink_to(tmp_path / "self.npy")
    with pytest.raises(VideoError, match=r"it is a link that leads to itself"):
        write_video(tmp_path / "self.npy", NEW)


@posix
def test_pipes_and_devices_are_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npy")
    with pytest.raises(VideoError, match="it is a device or a pipe; choose another name"):
        write_video(tmp_path / "pipe.npy", NEW, overwrite=True)
    assert stat.S_ISFIFO((tmp_path / "pipe.npy").stat().st_mode)


@pytest.mark.parametrize("name", ["", "a\0.npy", "\0"])
def test_what_is_no_name(here: Path, name: str) -> None:
    with pytest.raises(VideoError, match="this is not a file name"):
        write_video(name, NEW)
    with pytest.raises(VideoError):
        patchvid.write_field(name, None)  # type: ignore[arg-type]


# What is no clip is said at once


@posix
@pytest.mark.parametrize("name", ["pipe.mp4", "pipe.npy", "pipe.png"])
def test_pipes_are_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(VideoError, match=r"is a pipe or a device; save it as a file first"):
        read_video(tmp_path / name)
    (tmp_path / "flow").mkdir()
    os.mkfifo(tmp_path / "flow" / "0.flo")
    with pytest.raises(patchvid.InvalidInput, match="is a pipe or a device"):
        patchvid.read_flow(tmp_path / "flow")
    with pytest.raises(VideoError, match="is a pipe or a device"):
        patchvid.read_field(tmp_path / name)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.mp4\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile secret.mp4\n",
        '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    ],
)
def test_lists_of_other_files_are_not_followed(tmp_path: Path, text: str) -> None:
    write_video(tmp_path / "secret.mp4", NEW)
    for name in ("clip.mp4", "clip.m3u8"):
        (tmp_path / name).write_text(text)
        with pytest.raises(VideoError, match="is a list of other files; give the videos"):
            read_video(tmp_path / name)
