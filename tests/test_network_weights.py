"""Files of weights: reading without trust, finding, and fetching whole files or nothing.

``data/checkpoint_*.pth`` were written by PyTorch 2.15 in its zip and its old format, with views,
several types, an attribute on the dictionary and an entry that is no tensor.
"""

import hashlib
import json
import os
import pickle
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
from commands import run, succeed
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from patchvid.errors import InvalidInput, WeightsError
from patchvid.networks.checkpoint import read_tensors
from patchvid.networks.weights import Published, fetch_weights, find_weights

DATA = Path(__file__).parent / "data"
CHECKPOINTS = ["checkpoint_zip.pth", "checkpoint_old.pth", "checkpoint_nested.pth"]
OLD_HEAD = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})


# Reading


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoints_are_read_without_the_framework(name: str) -> None:
    tensors = read_tensors(DATA / name)
    whole = np.arange(24, dtype=np.float32).reshape(4, 6)
    expected: dict[str, NDArray[Any]] = {
        "whole": whole,
        "turned": whole.T[1:3, ::2],
        "half": np.array([0.5, -2], np.float16),
        "count": np.array(7),
        "empty": np.zeros((0, 3), np.float32),
        "parameter": np.array([[1.5]], np.float32),
        "flags": np.array([True, False]),
    }
    assert tensors.keys() == expected.keys()
    for key, tensor in tensors.items():
        assert tensor.dtype == expected[key].dtype
        np.testing.assert_array_equal(tensor, expected[key], strict=True)


def test_published_checkpoint_holds_the_published_tensors(shared: Path) -> None:
    tensors = read_tensors(shared / "raft" / "raft-small.pth")
    with np.load(shared / "raft" / "raft_small_weights.npz") as expected:
        assert {name.removeprefix("module.") for name in tensors} == set(expected)
        for name in expected:
            np.testing.assert_array_equal(tensors[f"module.{name}"], expected[name], strict=True)


class Call:
    """An object that is pickled as a call."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def old_file(path: Path, tree: Any) -> None:
    parts: list[Any] = [*OLD_HEAD, tree, []]
    path.write_bytes(b"".join(pickle.dumps(part, 2) for part in parts))


def zip_file(path: Path, tree: Any) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/data.pkl", pickle.dumps(tree, 2))


@pytest.mark.parametrize("write", [old_file, zip_file])
@pytest.mark.parametrize(
    ("function", "name"), [(os.mkdir, "mkdir"), (eval, "eval"), (partial, "partial")]
)
def test_a_pickle_that_calls_anything_is_refused_before_it_does(
    tmp_path: Path, write: Callable[[Path, Any], None], function: Callable[..., Any], name: str
) -> None:
    harm = tmp_path / "harm"
    arguments: dict[str, tuple[Any, ...]] = {
        "mkdir": (str(harm),),
        "eval": (f"__import__('os').mkdir({str(harm)!r})",),
        "partial": (os.mkdir, str(harm)),
    }
    write(tmp_path / "hostile.pth", {"weight": Call(function, *arguments[name])})
    with pytest.raises(InvalidInput, match=rf"refused to read weights that ask for '.*{name}'"):
        read_tensors(tmp_path / "hostile.pth")
    assert not harm.exists()


def number(n: int) -> bytes:
    return pickle.dumps(n, 2)[2:-1]


def numbers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def view_file(
    path: Path, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], size: int = 8
) -> None:
    """Make a checkpoint with a view of a few numbers."""
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu")
    storage += number(size) + b"tQ"
    view = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset)
    view += numbers(shape) + numbers(strides) + b"tR"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/data.pkl", b"\x80\x02}" + text("weight") + view + b"s.")
        archive.writestr("weights/data/0", np.arange(size, dtype="<f4").tobytes())


def test_views_stay_inside_of_their_storage(tmp_path: Path) -> None:
    path = tmp_path / "views.pth"
    view_file(path, 1, (2, 3), (4, 1))
    np.testing.assert_array_equal(read_tensors(path)["weight"], [[1, 2, 3], [5, 6, 7]])
    for offset, shape, strides in [
        (2, (2, 3), (4, 1)),
        (-1, (2,), (1,)),
        (4, (2,), (-1,)),
        (0, (-2, -2), (1, 1)),
        (0, (10**9, 10**9), (0, 0)),
        (9, (), ()),
        (0, (2,), (1, 1)),
        (0, (2, 2), (2**62, 2**62)),
    ]:
        view_file(path, offset, shape, strides)
        with pytest.raises(InvalidInput, match=r"a tensor that|shorter|longer"):
            read_tensors(path)


@pytest.mark.parametrize(
    ("pickled", "opcode"),
    [
        (b"\x80\x02}p2147483647\n.", "PUT"),
        (b"\x80\x05\x96\x01\0\0\0\0\0\0\0A.", "BYTEARRAY8"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x02}2\x86.", "DUP"),
        (b"\x80\x02(ccollections\nOrderedDict\no.", "OBJ"),
        (b"\x80\x02(ios\nsystem\n.", "INST"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "SHORT_BINUNICODE"),
        (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "NEWOBJ"),
    ],
    ids=["PUT", "BYTEARRAY8", "EXT1", "DUP", "OBJ", "INST", "SHORT_BINUNICODE", "NEWOBJ"],
)
def test_instructions_that_no_tensor_needs_are_refused(
    tmp_path: Path, pickled: bytes, opcode: str
) -> None:
    with zipfile.ZipFile(tmp_path / "odd.pth", "w") as archive:
        archive.writestr("weights/data.pkl", pickled)
    with pytest.raises(InvalidInput, match=f"its pickle has {opcode}, which no tensors need"):
        read_tensors(tmp_path / "odd.pth")


def test_a_memo_of_many_entries_is_not_made(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "odd.pth", "w") as archive:
        archive.writestr("weights/data.pkl", b"\x80\x02}r\xff\xff\xff\x7f.")
    with pytest.raises(InvalidInput, match="its pickle numbers an object 2147483647, out of order"):
        read_tensors(tmp_path / "odd.pth")


@pytest.mark.parametrize(
    "key",
    [
        # Pairs of pairs: a hash takes 2**64 steps.
        b")" + b"".join(b"q%ch%c\x86" % (i, i) for i in range(64)),
        b")" + b"\x85" * 40_000,  # a hash goes deeper than the interpreter can
    ],
    ids=["pairs of pairs", "tuples in tuples"],
)
@pytest.mark.parametrize(
    "made", [b"}", b"ccollections\nOrderedDict\n)R"], ids=["dict", "OrderedDict"]
)
def test_tuples_are_no_keys(tmp_path: Path, made: bytes, key: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "nested.pth", "w") as archive:
        archive.writestr("weights/data.pkl", b"\x80\x02" + made + key + b"K\x01s.")
    with pytest.raises(InvalidInput, match="a tuple as a key"):
        read_tensors(tmp_path / "nested.pth")


def test_only_what_has_a_name_is_called(tmp_path: Path) -> None:
    for pickled in (
        b"}X\0\0\0\0)R",
        b"}ctorch\nFloatStorage\n)R",
        b"}ccollections\nOrderedDict\n]R",
    ):
        with zipfile.ZipFile(tmp_path / "odd.pth", "w") as archive:
            archive.writestr("weights/data.pkl", b"\x80\x02" + pickled + b".")
        with pytest.raises(InvalidInput, match="its pickle calls something other than a function"):
            read_tensors(tmp_path / "odd.pth")


def test_items_are_given_to_lists_and_dictionaries_only(tmp_path: Path) -> None:
    for pickled, message in [
        (b"}K\x01a", "something other than a list"),
        (b"](K\x01K\x02u", "something other than a dictionary"),
        (b"}(K\x01K\x02K\x03u", "cannot read weights"),
        (b"}K\x01a.", "something other than a list"),
    ]:
        with zipfile.ZipFile(tmp_path / "odd.pth", "w") as archive:
            archive.writestr("weights/data.pkl", b"\x80\x02" + pickled + b".")
        with pytest.raises(InvalidInput, match=message):
            read_tensors(tmp_path / "odd.pth")


def test_a_dictionary_by_python_2_holds_its_items(tmp_path: Path) -> None:
    path = tmp_path / "items.pth"
    view_file(path, 0, (2,), (1,))
    pickled = zipfile.ZipFile(path).read("weights/data.pkl")
    view = pickled[pickled.index(b"ctorch._utils") : -2]
    with zipfile.ZipFile(path, "w") as archive:
        item = b"]" + text("weight") + b"a" + view + b"a"
        items = b"\x80\x02ccollections\nOrderedDict\n]" + item + b"a\x85R."
        archive.writestr("weights/data.pkl", items)
        archive.writestr("weights/data/0", np.arange(8, dtype="<f4").tobytes())
    np.testing.assert_array_equal(read_tensors(path)["weight"], [0, 1])


def test_many_views_of_a_few_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "views.pth"
    view_file(path, 0, (99,), (1,), size=99)
    pickled = zipfile.ZipFile(path).read("weights/data.pkl")
    view = pickled[pickled.index(b"ctorch._utils") : -2] + b"q\0"  # a name in the memo
    many = b"".join(text(f"{number}") + b"h\0s" for number in range(2000))
    with zipfile.ZipFile(path, "w") as archive:
        pickled = b"\x80\x02}" + text("first") + view + b"s" + many + b"."
        archive.writestr("weights/data.pkl", pickled)
        archive.writestr("weights/data/0", np.arange(99, dtype="<f4").tobytes())
    with pytest.raises(InvalidInput, match="its tensors are much larger than the file"):
        read_tensors(path)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_file_cut_short_is_refused(tmp_path: Path, name: str) -> None:
    whole = (DATA / name).read_bytes()
    for length in [*range(0, len(whole) - 1, 37), len(whole) - 1]:
        (tmp_path / name).write_bytes(whole[:length])
        with pytest.raises(InvalidInput, match=r"cannot read weights from .*; it may be damaged"):
            read_tensors(tmp_path / name)


@given(
    name=st.sampled_from(CHECKPOINTS),
    place=st.floats(0, 1, exclude_max=True),
    change=st.integers(1, 255),
)
def test_a_damaged_file_gives_tensors_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, name: str, place: float, change: int
) -> None:
    raw = bytearray((DATA / name).read_bytes())
    raw[int(place * len(raw))] ^= change
    path = tmp_path_factory.getbasetemp() / "damaged.pth"
    path.write_bytes(raw)
    with suppress(InvalidInput):
        assert all(tensor.size <= 24 for tensor in read_tensors(path).values())


def test_other_files_are_refused(tmp_path: Path) -> None:
    def refused(name: str, message: str) -> None:
        with pytest.raises(InvalidInput, match=message) as caught:
            read_tensors(tmp_path / name)
        assert "\n" not in str(caught.value)

    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("holiday/beach.txt", "sun")
    refused("other.zip", "cannot read weights")
    (tmp_path / "page.pth").write_text("<html>\nnot found</html>")
    refused("page.pth", "cannot read weights")
    zip_file(tmp_path / "empty.pth", {})
    refused("empty.pth", "there are no tensors")
    zip_file(tmp_path / "list.pth", [1, 2])
    refused("list.pth", "cannot read weights")
    np.savez(tmp_path / "objects.npz", weight=np.array([{}], object))
    refused("objects.npz", "cannot read weights")
    refused("none.pth", "cannot read weights")


# Finding and fetching

CONTENT = bytes(range(256)) * 4096
NAME = "raft_small"


class Server(ThreadingHTTPServer):
    """Answer every request as `kind` says, and count the requests."""

    kind, requests = "whole", 0
    gone = Event()  # the client has given up


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests += 1
        kind = self.server.kind
        if kind == "nonsense":
            self.wfile.write(b"nonsense\r\n")
            return
        half = CONTENT[: len(CONTENT) // 2]
        body = {"cut": half, "stalled": half, "other": CONTENT[::-1], "missing": b""}
        self.send_response(404 if kind == "missing" else 200)
        if kind != "unknown":
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(body.get(kind, CONTENT))
        if kind == "stalled":
            self.server.gone.wait(10)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Start a server of weights, and make an empty cache for them."""
    with Server(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}/weights.pth"
        sha256 = hashlib.sha256(CONTENT).hexdigest()
        monkeypatch.setattr(
            "patchvid.networks.weights.PUBLISHED", {NAME: Published(url, sha256[:8])}
        )
        monkeypatch.setattr("platformdirs.user_cache_path", lambda *a, **k: tmp_path / "cache")
        for variable in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.delenv(variable, raising=False)
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_weights_are_fetched_once(server: Server, tmp_path: Path) -> None:
    told: list[float] = []
    named = tmp_path / "cache" / "weights.pth"

    def tell(fraction: float, message: str) -> None:
        assert not named.exists()  # before it is whole
        told.append(fraction)

    path = fetch_weights(NAME, progress=tell)
    assert path == named
    assert path.read_bytes() == CONTENT
    assert told == sorted(told)
    assert told[-1] == 1
    assert len(told) > 1
    assert fetch_weights(NAME) == path
    assert server.requests == 1
    assert [file.name for file in path.parent.iterdir()] == ["weights.pth"]


def test_a_length_that_is_not_told_is_not_needed(server: Server) -> None:
    server.kind = "unknown"
    assert fetch_weights(NAME).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("cut", ""),
        ("other", "the file is damaged"),
        ("missing", "Not Found"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_bad_download_leaves_nothing(
    server: Server, tmp_path: Path, kind: str, reason: str
) -> None:
    server.kind = kind
    with pytest.raises(WeightsError, match=f"cannot download the weights .*{reason}") as caught:
        fetch_weights(NAME)
    assert "\n" not in str(caught.value)
    assert server.requests == 1
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_interrupted_download_leaves_nothing(server: Server, tmp_path: Path) -> None:
    def interrupt(fraction: float, message: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_weights(NAME, progress=interrupt)
    assert list((tmp_path / "cache").iterdir()) == []
    assert fetch_weights(NAME).read_bytes() == CONTENT
    assert server.requests == 2


def test_a_server_that_falls_silent_is_not_waited_for(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patchvid.networks.weights._TIMEOUT", 0.2)
    server.kind = "stalled"
    with pytest.raises(WeightsError, match="timed out"):
        fetch_weights(NAME)
    server.gone.set()
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_a_killed_download_left_is_no_weights(server: Server, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / ".weights.pth-part").write_bytes(CONTENT[:5000])
    assert fetch_weights(NAME).read_bytes() == CONTENT
    assert server.requests == 1


def test_a_damaged_file_in_the_cache_is_fetched_again(server: Server, tmp_path: Path) -> None:
    path = fetch_weights(NAME)
    path.write_bytes(CONTENT[:-1])
    assert fetch_weights(NAME).read_bytes() == CONTENT
    path.write_bytes(CONTENT[:-1])
    server.kind = "missing"
    with pytest.raises(WeightsError):
        fetch_weights(NAME)


def test_no_network_is_one_line(server: Server) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(WeightsError, match=r"cannot download the weights .*refused") as caught:
        fetch_weights(NAME)
    assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written_is_one_line(server: Server, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(WeightsError, match="cannot download the weights"):
        fetch_weights(NAME)


def test_argument_comes_before_variable_before_default(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = partial(find_weights, names=[NAME], variable="PATCHVID_TEST")
    monkeypatch.delenv("PATCHVID_TEST", raising=False)
    with pytest.raises(WeightsError, match=rf"{NAME} are not on this machine; fetch them with"):
        find(None)
    assert server.requests == 0  # nothing is downloaded unless it is asked for
    cached = fetch_weights(NAME)
    assert find(None) == cached
    assert cached.read_bytes() == CONTENT
    for name in ("a.pth", "b.pth"):
        (tmp_path / name).touch()
    monkeypatch.setenv("PATCHVID_TEST", str(tmp_path / "b.pth"))
    assert find(None) == tmp_path / "b.pth"
    assert find(tmp_path / "a.pth") == tmp_path / "a.pth"
    assert find(NAME) == cached
    monkeypatch.setenv("PATCHVID_TEST", str(tmp_path / "gone.pth"))
    with pytest.raises(InvalidInput, match=r"gone.pth' \(PATCHVID_TEST\); give a path, or 'raft_"):
        find(None)


def test_a_damaged_file_in_the_cache_is_not_used(server: Server) -> None:
    path = fetch_weights(NAME)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(WeightsError, match="are not on this machine"):
        find_weights(NAME, names=[NAME], variable="PATCHVID_TEST")


# Small files that claim much


def test_an_archive_that_claims_much_is_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "bomb.npz", weight=np.zeros(1 << 23, np.uint8))
    assert (tmp_path / "bomb.npz").stat().st_size < 1 << 14
    with pytest.raises(InvalidInput, match="its arrays are much larger than the file"):
        read_tensors(tmp_path / "bomb.npz")
    np.savez_compressed(tmp_path / "small.npz", weight=np.zeros(1 << 20, np.uint8))
    assert read_tensors(tmp_path / "small.npz")["weight"].size == 1 << 20


def test_nobody_is_told_to_load_objects(tmp_path: Path) -> None:
    np.savez(tmp_path / "objects.npz", weight=np.array([{}, None]))
    with pytest.raises(InvalidInput, match="objects that are not arrays of numbers") as caught:
        read_tensors(tmp_path / "objects.npz")
    assert "allow_pickle" not in str(caught.value)


def test_keys_whose_hashes_are_equal_are_refused(tmp_path: Path) -> None:
    keys = {n * (2**61 - 1): None for n in range(1, 2000)}
    with (tmp_path / "keys.pth").open("wb") as file:
        parts: list[Any] = [*OLD_HEAD, keys, []]
        for part in parts:
            pickle.dump(part, file, protocol=2)
    with pytest.raises(InvalidInput, match="as a key, which no tensors need"):
        read_tensors(tmp_path / "keys.pth")


# The command


def test_weights_are_listed_fetched_and_checked(server: Server, tmp_path: Path) -> None:
    (line,) = succeed("weights")
    assert line.startswith(f"{NAME:14}not here (")
    assert run("weights", NAME).exit_code == 1
    assert server.requests == 0
    cached = str(tmp_path / "cache" / "weights.pth")
    (line,) = succeed("weights", NAME, "--download")
    assert cached in line
    assert succeed("weights", NAME, "--quiet") == []
    assert json.loads("\n".join(succeed("weights", NAME, "--json")))[0]["file"] == cached
    assert server.requests == 1
    Path(cached).write_bytes(CONTENT[:-1])
    assert run("weights", NAME).exit_code == 1
    assert "no weights 'raft'; known are" in run("weights", "raft").stderr
    assert "needs the NAMES" in run("weights", "--download").stderr
    with pytest.raises(InvalidInput, match=f"name must be one of {NAME}, got 'raft'"):
        fetch_weights("raft")
