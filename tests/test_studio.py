"""The studio's server: who is answered, what is taken, jobs, results and projects."""

import http.client
import io
import json
import shlex
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

import patchvid
from patchvid.cli.main import main
from patchvid.studio import app, project, tasks, work
from patchvid.studio.errors import Refused
from patchvid.studio.server import Studio

SHAPE = (6, 32, 48)


class Answer(NamedTuple):
    """The answer to a request."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        """Return the body, parsed."""
        return json.loads(self.body)


class Client:
    """Sends requests as the page does, with its cookie."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        parts = urlsplit(studio.address)
        self.host, self.token = parts.netloc, parts.query.removeprefix("token=")
        self.cookie = {"Cookie": f"patchvid-{parts.port}={self.token}"}

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send exactly these headers."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def __call__(self, method: str, path: str, body: Any = None) -> Answer:
        """Send a request with the cookie; what is not bytes is sent as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        return self.send(method, path, data, self.cookie)

    def finish(self, number: int) -> Any:
        """Wait for a job to end."""
        while True:
            jobs = self("GET", "/made").json()["jobs"]
            (job,) = [job for job in jobs if job["number"] == number]
            if job["state"] not in ("waiting", "running"):
                return job
            time.sleep(0.02)

    def make(self, task: str, *, preview: bool = False, **settings: Any) -> Any:
        """Run a job to its end, and return its results."""
        asked = {"task": task, "settings": settings, "preview": preview}
        job = self("POST", "/jobs", asked).json()
        ended = self.finish(job["number"])
        assert ended["state"] == "done", ended
        results = self("GET", "/made").json()["results"]
        return [result for result in results if result["number"] in ended["results"]]


@pytest.fixture(scope="module")
def video() -> NDArray[np.uint8]:
    return patchvid.sample_clip()[: SHAPE[0]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, video: NDArray[np.uint8]) -> Path:
    """Change to a folder with a small clip."""
    monkeypatch.chdir(tmp_path)
    clip = video[:, 20 : 20 + SHAPE[1], 40 : 40 + SHAPE[2]]
    patchvid.write_video("my clip.mp4", clip, fps=12)
    return tmp_path


@pytest.fixture
def client(folder: Path) -> Iterator[Client]:
    """A client of a studio with the small clip."""
    studio = Studio(Path("my clip.mp4"))
    thread = threading.Thread(target=studio.run)
    thread.start()
    yield Client(studio)
    studio.stop()
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert not studio.session.folder.exists()


def disc(y: int, x: int) -> NDArray[np.uint8]:
    """Paint a disc."""
    rows, columns = np.ogrid[: SHAPE[1], : SHAPE[2]]
    return ((rows - y) ** 2 + (columns - x) ** 2 < 25).astype(np.uint8) * np.uint8(255)


# Who is answered


@pytest.mark.parametrize("path", ["/", "/state", "/page/main.js", "/videos/clip/frames/0"])
def test_nothing_is_answered_without_the_token(client: Client, path: str) -> None:
    wrong = {"Cookie": client.cookie["Cookie"][:-1] + "#"}
    for headers in ({}, wrong, {"Cookie": "patchvid-1=x; ="}):
        answer = client.send("GET", path, None, headers)
        assert answer.status == 403
        assert b"token" in answer.body
    assert client.send("GET", f"{path}?token=x").status == 403
    assert client("GET", path).status == 200


def test_the_address_gives_a_cookie_that_pages_elsewhere_do_not_get(client: Client) -> None:
    answer = client.send("GET", f"/?token={client.token}")
    assert answer.status == 200
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert client.send("GET", "/state", None, {"Cookie": cookie.split(";")[0]}).status == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_other_pages_get_nothing(client: Client, headers: dict[str, str]) -> None:
    for method, path in (("GET", "/state"), ("POST", "/jobs"), ("PUT", "/clip")):
        answer = client.send(method, path, b"{}", {**client.cookie, **headers})
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_other_names_of_this_machine_get_nothing(client: Client) -> None:
    port = client.host.split(":")[1]
    for host in (f"evil.example:{port}", f"localhost:{port}", "127.0.0.1", ""):
        answer = client.send("GET", "/state", None, {**client.cookie, "Host": host})
        assert answer.status == 403, host
    own = {**client.cookie, "Host": client.host, "Origin": f"http://{client.host}"}
    assert client.send("GET", "/state", None, own).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/page/../server.py",
        "/page/..%2fserver.py",
        "/page/__init__.py",
        "/page/%2e%2e%2f%2e%2e%2fpyproject.toml",
        "//etc/passwd",
        "/page//etc/passwd",
        "/videos/..%2f..%2fetc/film",
        "/results/1/inputs/..%2f..%2fetc%2fpasswd",
        "/layers/..%2fx/0",
    ],
)
def test_no_path_leads_out_of_the_page(client: Client, path: str) -> None:
    answer = client("GET", path)
    assert answer.status in (400, 404)
    assert b"root:" not in answer.body
    assert b"import" not in answer.body


def test_only_this_machine_is_listened_to(client: Client) -> None:
    assert client.studio._socket.getsockname()[0] == "127.0.0.1"
    with pytest.raises(Refused, match="choose another"):
        Studio(None, client.studio._socket.getsockname()[1])


# What is taken


def test_what_is_too_large_is_not_taken(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("MOST_JSON", "MOST_PAINT", "MOST_FILE"):
        monkeypatch.setattr(app, limit, 1000)
    for method, path in (
        ("POST", "/jobs"), ("PUT", "/layers/remove/0"), ("PUT", "/clip"), ("PUT", "/project"),
        ("PUT", "/style"), ("PUT", "/settings"),
    ):  # fmt: skip
        assert client(method, path, b"x" * 1001).status == 413, path
        chunked = client.send(method, path, iter([b"x" * 600] * 3), client.cookie)
        assert chunked.status == 413, path
    assert client.studio.session.clip.name == "my clip.mp4"
    assert not list(client.studio.session.folder.iterdir())


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/layers/remove/0", b"x"),
        ("PUT", "/layers/remove/99", b""),
        ("PUT", "/layers/other/0", b""),
        ("PUT", "/layers/cue/0", bytes([200]) * (SHAPE[1] * SHAPE[2])),
        ("PUT", "/layers/remove", {"mode": "other"}),
        ("PUT", "/palette", ["red"]),
        ("PUT", "/palette", "#ffffff"),
        ("PUT", "/clip?name=a.mp4", b"no clip"),
        ("PUT", "/project", b"no project"),
        ("POST", "/jobs", {"task": "other"}),
        ("POST", "/jobs", {"task": "inpaint"}),
        ("POST", "/jobs", {"task": "analogy"}),
        ("POST", "/jobs", {"task": "retarget"}),
        ("POST", "/jobs", {"task": "generate", "settings": {"novelty": 2}}),
        ("POST", "/jobs", {"task": "generate", "settings": {"seed": "x"}}),
        ("POST", "/jobs", {"follow": "remove"}),
        ("POST", "/jobs", b"{"),
        ("POST", "/clip", {"result": 7}),
        ("POST", "/clip", {"scene": 1}),
        ("POST", "/clip", {"scene": "x"}),
        ("POST", "/clip", [1]),
        ("POST", "/jobs", "x"),
        ("GET", "/videos/clip/frames/99", None),
        ("GET", "/results/1/file", None),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    client: Client, method: str, path: str, body: Any
) -> None:
    answer = client(method, path, body)
    assert answer.status == 400
    assert answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_clips_are_uploaded_under_their_own_name(client: Client, folder: Path) -> None:
    data = Path("my clip.mp4").read_bytes()
    facts = client("PUT", "/clip?name=..%2F..%2Fother%20clip.mp4", data).json()
    assert facts["clip"]["name"] == "other clip.mp4"
    assert sorted(path.name for path in folder.iterdir()) == ["my clip.mp4"]
    assert client("PUT", "/style?name=look.mp4", data).json()["style"]["name"] == "look.mp4"
    (made,) = client.make("analogy", structure="luma", seed=1)
    (line,) = made["commands"]
    assert line.startswith("patchvid analogy 'other clip.mp4' look.mp4 --structure luma --seed 1")


def test_frames_are_exact(client: Client) -> None:
    clip, _ = patchvid.read_video("my clip.mp4")
    for number in (0, 5):
        answer = client("GET", f"/videos/clip/frames/{number}")
        assert answer.headers["Content-Type"] == "image/png"
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(answer.body))), clip[number])
    film = client("GET", "/videos/clip/film").body
    Path("film.mp4").write_bytes(film)
    assert patchvid.read_video("film.mp4")[0].shape == clip.shape


# Paint


def test_paint_in_other_frames(client: Client) -> None:
    first, last = disc(10, 12), disc(20, 30)
    client("PUT", "/layers/remove/1", first.tobytes())
    facts = client("PUT", "/layers/remove/4", last.tobytes()).json()
    assert facts == {
        "modes": ["follow", "same", "only"], "mode": "follow", "keys": [1, 4], "followed": False,
        "lost": [],
    }  # fmt: skip

    def paint(frame: int) -> NDArray[np.uint8]:
        body = client("GET", f"/layers/remove/{frame}").body
        return np.frombuffer(body, np.uint8).reshape(SHAPE[1:])

    assert not paint(0).any()
    client("PUT", "/layers/remove", {"mode": "same"})
    for frame, expected in enumerate([first, first, first, last, last, last]):
        np.testing.assert_array_equal(paint(frame), expected)
    client("PUT", "/layers/remove", {"mode": "only"})
    assert [bool(paint(frame).any()) for frame in range(6)] == [
        frame in (1, 4) for frame in range(6)
    ]
    assert client("PUT", "/layers/remove/1", b"").json()["keys"] == [4]


def test_paint_follows(client: Client) -> None:
    client("PUT", "/layers/remove/2", disc(10, 12).tobytes())
    job = client("POST", "/jobs", {"follow": "remove"}).json()
    assert client.finish(job["number"])["state"] == "done"
    made = client("GET", "/made").json()
    followed = {name for name, facts in made["layers"].items() if facts["followed"]}
    assert followed == {"remove"}
    clip, _ = patchvid.read_video("my clip.mp4")
    expected = patchvid.track(clip, {2: disc(10, 12) > 0})
    for frame in (0, 5):
        body = client("GET", f"/layers/remove/{frame}").body
        np.testing.assert_array_equal(
            np.frombuffer(body, np.uint8).reshape(SHAPE[1:]), 255 * expected[frame]
        )
    client("PUT", "/layers/remove/5", disc(20, 12).tobytes())
    assert not client("GET", "/made").json()["layers"]["remove"]["followed"]


# Jobs and results


def download(client: Client, result: Any, suffix: str = ".npz") -> Path:
    """Save a result as a browser does."""
    answer = client("GET", f"/results/{result['number']}/file?suffix={suffix}")
    assert answer.status == 200
    assert f'{suffix}"' in answer.headers["Content-Disposition"]
    path = Path(f"downloaded{suffix}")
    path.write_bytes(answer.body)
    return path


def repeat(client: Client, result: Any) -> Path:
    """Run the command lines of a result with the files that they read, and name the last output."""
    for name in result["files"]:
        Path(name).write_bytes(client("GET", f"/results/{result['number']}/inputs/{name}").body)
    for line in result["commands"]:
        words = shlex.split(line)
        run = CliRunner().invoke(main, words[1:])
        assert run.exit_code == 0, run.output
    return Path(words[-1])


CASES: list[tuple[str, dict[str, Any]]] = [
    ("generate", {"novelty": 0.5, "samples": 2}),
    ("generate", {"loop": True, "size": [6, 30, 50], "alpha": 4}),
    ("retarget", {"size": [6, 32, 40]}),
    ("loop", {"join": 1}),
    ("inpaint", {"grow": 1}),
    ("generate", {"structure": 0.5}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("task", "settings"), CASES, ids=[name for name, _ in CASES])
def test_the_command_line_repeats_a_result(
    client: Client, task: str, settings: dict[str, Any]
) -> None:
    soft = (disc(10, 12) * np.linspace(0.3, 1, SHAPE[2])).astype(np.uint8)
    client("PUT", "/layers/remove/2", soft.tobytes())
    client("PUT", "/layers/remove", {"mode": "same"})
    client("PUT", "/layers/keep/0", disc(20, 30).tobytes())
    client("PUT", "/layers/keep", {"mode": "same"})
    left = np.zeros(SHAPE[1:], np.uint8)
    left[:, :36] = 255
    client("PUT", "/layers/source/0", left.tobytes())
    result = client.make(task, seed=3, **settings)[-1]
    made = np.load(download(client, result))["video"]
    np.testing.assert_array_equal(made, np.load(repeat(client, result))["video"])


@pytest.mark.parametrize("also_removed", [False, True])
def test_colours_become_a_cue(client: Client, also_removed: bool) -> None:
    client("PUT", "/layers/cue/0", (disc(14, 20) // 255 * 2).tobytes())
    if also_removed:
        client("PUT", "/layers/remove/0", disc(20, 40).tobytes())
        client("PUT", "/layers/remove", {"mode": "only"})
    assert client.make("inpaint", seed=3, preview=True)[0]["shape"] == [6, 32, 48]
    (result,) = client.make("inpaint", seed=3)
    made = np.load(download(client, result))["video"]
    np.testing.assert_array_equal(made, np.load(repeat(client, result))["video"])
    number = result["commands"][0].rpartition("_")[2].split(".")[0].strip("'")
    cue = np.load(f"cue_{number}.npz")["video"]
    red, green, blue = bytes.fromhex(client("GET", "/state").json()["palette"][1][1:])
    assert (cue[0, 14, 20] == (red, green, blue)).all()


def test_colours_follow_their_objects(client: Client) -> None:
    clip = client.studio.session.clip.video
    one, two = (disc(10, 12) > 0) * np.uint8(2), (disc(20, 34) > 0) * np.uint8(5)
    client("PUT", "/layers/cue/0", one.tobytes())
    client("PUT", "/layers/cue/3", two.tobytes())
    assert client("PUT", "/layers/cue", {"mode": "follow"}).json()["mode"] == "follow"
    job = client("POST", "/jobs", {"follow": "cue"}).json()
    assert client.finish(job["number"])["state"] == "done"
    paint = client.studio.session.layers["cue"].all(SHAPE)
    expected = np.where(patchvid.track(clip, {0: one > 0}), np.uint8(2), np.uint8(0))
    expected[patchvid.track(clip, {3: two > 0})] = 5
    np.testing.assert_array_equal(paint, expected)
    (result,) = client.make("inpaint", seed=3, iterations=1)
    made = np.load(download(client, result))["video"]
    np.testing.assert_array_equal(made, np.load(repeat(client, result))["video"])


def test_a_result_is_the_next_clip(client: Client) -> None:
    (first,) = client.make("generate", seed=1)
    facts = client("POST", "/clip", {"result": first["number"]}).json()
    assert facts["clip"]["shape"] == [6, 32, 48]
    (second,) = client.make("retarget", seed=2, size=[6, 32, 40])
    made = np.load(download(client, second))["video"]
    assert len(second["commands"]) == 2
    np.testing.assert_array_equal(made, np.load(repeat(client, second))["video"])
    assert client("DELETE", f"/results/{first['number']}").status == 204
    assert client("GET", f"/videos/{first['number']}/film").status == 400


def test_a_scene_of_a_clip(client: Client) -> None:
    clip = client.studio.session.clip.video
    patchvid.write_video("cut.npz", np.concatenate([clip, 255 - clip, clip[:, ::-1]]), fps=12)
    assert client("GET", "/state").json()["scenes"] == []
    facts = client("PUT", "/clip?name=cut.npz", Path("cut.npz").read_bytes()).json()
    assert (facts["scenes"], facts["scene"]) == ([[0, 6], [6, 12], [12, 18]], None)
    facts = client("POST", "/clip", {"scene": 2}).json()
    assert (facts["clip"]["shape"], facts["scene"]) == ([6, 32, 48], 2)
    np.testing.assert_array_equal(client.studio.session.clip.video, 255 - clip)
    client("PUT", "/layers/remove/1", disc(10, 12).tobytes())
    client("PUT", "/layers/remove", {"mode": "same"})
    (result,) = client.make("inpaint", seed=1)
    made = np.load(download(client, result))["video"]
    np.testing.assert_array_equal(made, np.load(repeat(client, result))["video"])
    data = saved(client)
    assert client("POST", "/clip", {"scene": None}).json()["clip"]["shape"] == [18, 32, 48]
    facts = client("PUT", "/project", data).json()
    assert (facts["scene"], facts["layers"]["remove"]["keys"]) == (2, [1])
    assert client("POST", "/clip", {"scene": 4}).status == 400


@pytest.mark.slow
def test_what_is_needed_is_loaded_at_first(client: Client) -> None:
    work.add_warm_up(client.studio.session)
    (job,) = client("GET", "/made").json()["jobs"]
    assert job["label"] == "Getting ready"
    while jobs := client("GET", "/made").json()["jobs"]:
        assert jobs[0]["problem"] == ""
        time.sleep(0.1)


@pytest.mark.slow
def test_results_are_written_in_every_format(client: Client) -> None:
    (result,) = client.make("generate", seed=1)
    formats = client("GET", "/state").json()["formats"]
    assert {".mp4", ".mov", ".webm", ".gif", ".webp", ".png", ".npz"} <= set(formats)
    for suffix in formats:
        path = download(client, result, suffix)
        assert patchvid.read_video(path)[0].shape[1:3] == (32, 48), suffix
    assert client("GET", f"/results/{result['number']}/file?suffix=.exe").status == 400
    assert not list(client.studio.session.folder.glob("*.gif"))


def test_previews_are_small(folder: Path, video: NDArray[np.uint8]) -> None:
    patchvid.write_video("large.mp4", video, fps=12)
    studio = Studio(Path("large.mp4"))
    thread = threading.Thread(target=studio.run)
    thread.start()
    try:
        client = Client(studio)
        (result,) = client.make("generate", preview=True, seed=1)
        assert result["shape"] == [6, 92, 160]
        assert result["preview"]
    finally:
        studio.stop()
        thread.join()


def test_the_filling_comes_from_where_it_is_painted(client: Client) -> None:
    clip = client.studio.session.clip.video
    client("PUT", "/layers/remove/0", disc(10, 12).tobytes())
    client("PUT", "/layers/remove", {"mode": "same"})
    right = np.zeros(SHAPE[1:], np.uint8)
    right[:, 30:] = 255
    client("PUT", "/layers/source/0", right.tobytes())
    (result,) = client.make("inpaint", seed=1)
    made = np.load(download(client, result))["video"]
    expected = patchvid.inpaint(clip, disc(10, 12) > 0, source=right > 0, seed=1)
    np.testing.assert_array_equal(made, expected)
    assert "--source source_1.npz" in result["commands"][0]
    client("PUT", "/layers/remove/0", b"")
    answer = client("POST", "/jobs", {"task": "inpaint"})  # there is nothing to remove
    assert answer.status == 400


def test_paint_in_one_frame_is_in_the_preview_of_a_long_clip(client: Client) -> None:
    video = np.repeat(client.studio.session.clip.video, 20, axis=0)
    patchvid.write_video("long.npz", video)
    data = Path("long.npz").read_bytes()
    client("PUT", "/clip?name=long.npz", data)
    client("PUT", "/layers/remove/119", disc(10, 12).tobytes())
    client("PUT", "/layers/remove", {"mode": "only"})
    (result,) = client.make("inpaint", preview=True, seed=1)
    assert result["shape"] == [24, 32, 48]
    made = client.studio.session.results[result["number"]].video
    np.testing.assert_array_equal(made[:23], video[:115:5])


def test_a_preview_follows_the_paint_in_its_own_frames(client: Client) -> None:
    client("PUT", "/layers/remove/2", disc(10, 12).tobytes())
    (result,) = client.make("inpaint", preview=True, seed=1)
    made = client.studio.session.results[result["number"]].video
    assert (made != client.studio.session.clip.video).any(axis=(1, 2, 3)).all()
    assert not client("GET", "/state").json()["layers"]["remove"]["followed"]


def test_a_job_is_cancelled_within_a_second(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patchvid.kernels.threads.INTERVAL", 0.25)
    job = client(
        "POST", "/jobs", {"task": "generate", "settings": {"iterations": 100, "samples": 9}}
    )
    waiting = client("POST", "/jobs", {"task": "generate", "settings": {"seed": 1}}).json()[
        "number"
    ]
    number = job.json()["number"]
    while client("GET", "/made").json()["jobs"][0]["state"] == "waiting":
        time.sleep(0.02)
    client("DELETE", f"/jobs/{waiting}")
    client("DELETE", f"/jobs/{number}")
    ended = client.finish(number)
    assert ended["state"] == "cancelled"
    assert client.finish(waiting)["results"] == []
    start = time.monotonic()
    client.make("generate", seed=1, preview=True)  # the thread is free
    assert time.monotonic() - start < 60
    client("DELETE", f"/jobs/{number}")
    assert number not in [job["number"] for job in client("GET", "/made").json()["jobs"]]


def test_a_job_that_fails_says_why_and_the_next_one_runs(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug")

    task = tasks.TASKS["generate"]
    with monkeypatch.context() as patched:
        patched.setitem(tasks.TASKS, "generate", task._replace(make=fail))
        number = client("POST", "/jobs", {"task": "generate"}).json()["number"]
        ended = client.finish(number)
    assert (ended["state"], ended["problem"]) == ("failed", "RuntimeError: a bug")
    assert len(client.make("generate", seed=1, samples=2)) == 2


# Projects


def saved(client: Client) -> bytes:
    answer = client("GET", "/project")
    assert answer.status == 200
    return answer.body


def test_a_project_opens_again(client: Client) -> None:
    soft = np.arange(SHAPE[1] * SHAPE[2]).astype(np.uint8)
    client("PUT", "/layers/remove/3", soft.tobytes())
    client("PUT", "/layers/keep", {"mode": "only"})
    client("PUT", "/palette", ["#010203", "#ffffff"])
    client("PUT", "/settings", {"generate": {"novelty": 0.5}})
    before = client("GET", "/state").json()
    data = saved(client)
    client("PUT", "/clip?name=x.mp4", Path("my clip.mp4").read_bytes())
    assert client("GET", "/state").json()["layers"]["remove"]["keys"] == []
    after = client("PUT", "/project", data).json()
    for name in ("clip", "layers", "palette", "settings"):
        assert after[name] == before[name]
    assert client("GET", "/layers/remove/3").body == soft.tobytes()
    assert client.studio.session.clip.path == Path("my clip.mp4").resolve()


def test_a_project_holds_a_clip_that_has_no_file(client: Client) -> None:
    (result,) = client.make("generate", seed=1)
    client("POST", "/clip", {"result": result["number"]})
    video = client.studio.session.clip.video
    data = saved(client)
    client("PUT", "/clip?name=x.mp4", Path("my clip.mp4").read_bytes())
    uploaded = saved(client)
    assert client("PUT", "/project", data).status == 200
    np.testing.assert_array_equal(client.studio.session.clip.video, video)
    assert client.studio.session.clip.fps == 12
    assert client("PUT", "/project", uploaded).json()["clip"]["name"] == "x.mp4"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 99}, "another patchvid"),
        ({"clip": "/nowhere/clip.mp4"}, "put it back"),
        ({"shape": [1, 2, 3]}, "size differs"),
        ({"layers": {"remove": {"mode": "follow", "frames": [5]}}}, "not a project"),
        ({"layers": {"remove": {"mode": "follow", "frames": [1]}}}, "damaged"),
        ({"layers": {"remove": {"mode": "x", "frames": []}}}, "mode must be"),
        ({"palette": ["url(x)"]}, "a colour must be like"),
    ],
    ids=str,
)
def test_projects_that_do_not_fit_are_refused(
    client: Client, changes: dict[str, Any], reason: str
) -> None:
    client("PUT", "/layers/remove/1", disc(10, 12).tobytes())
    before = client("GET", "/state").json()
    with zipfile.ZipFile(io.BytesIO(saved(client))) as archive:
        facts = json.loads(archive.read(project.MEMBER))
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        archive.writestr(project.MEMBER, json.dumps({**facts, "layers": {}, **changes}))
        archive.writestr("../../evil.txt", "x")
        archive.writestr("remove/00001.png", "no picture")
    answer = client("PUT", "/project", changed.getvalue())
    assert answer.status == 400
    assert reason in answer.json()["error"]
    assert client("GET", "/state").json()["clip"] == before["clip"]


# The command


def test_the_command_prints_the_address(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("patchvid.studio.server.Studio.run", lambda studio: studio.close())
    for words, is_opened in (([], True), (["--no-browser"], False)):
        opened.clear()
        run = CliRunner().invoke(main, ["studio", "my clip.mp4", *words])
        assert run.exit_code == 0, run.output
        assert run.stdout.startswith("http://127.0.0.1:")
        assert "/?token=" in run.stdout
        assert opened == ([run.stdout.strip()] if is_opened else [])
    run = CliRunner().invoke(main, ["studio", "nothing.mp4"])
    assert (run.exit_code, run.stdout) == (1, "")
    assert run.stderr == "Error: there is no clip 'nothing.mp4'; check the name\n"
