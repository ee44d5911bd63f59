"""Request handlers: the page, frames, films, and the work that the page asks for."""

import json
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

import patchvid
from patchvid.errors import PatchvidError
from patchvid.io.codecs import FORMATS
from patchvid.io.sequences import ARRAYS
from patchvid.studio import clips, page, project, work
from patchvid.studio.errors import Refused, TooLarge
from patchvid.studio.session import Session

MOST_JSON, MOST_PAINT, MOST_FILE = 1 << 20, 1 << 27, 1 << 32  # bytes of a request

Answer = Callable[[Request], Awaitable[Response]]


def make_app(session: Session) -> Starlette:
    """Return the application that serves a session."""
    routes = _Routes(session)
    return Starlette(
        routes=[
            Route("/", routes.index),
            Route("/page/{name}", routes.part),
            Route("/state", routes.state),
            Route("/made", routes.made),
            Route("/clip", routes.upload, methods=["PUT"]),
            Route("/clip", routes.choose, methods=["POST"]),
            Route("/style", routes.upload, methods=["PUT"]),
            Route("/project", routes.save),
            Route("/project", routes.load, methods=["PUT"]),
            Route("/settings", routes.settings, methods=["PUT"]),
            Route("/palette", routes.palette, methods=["PUT"]),
            Route("/videos/{name}/film", routes.film),
            Route("/videos/{name}/frames/{frame:int}", routes.frame),
            Route("/layers/{name}", routes.mode, methods=["PUT"]),
            Route("/layers/{name}/{frame:int}", routes.paint),
            Route("/layers/{name}/{frame:int}", routes.put_paint, methods=["PUT"]),
            Route("/jobs", routes.queue, methods=["POST"]),
            Route("/jobs/{number:int}", routes.cancel, methods=["DELETE"]),
            Route("/results/{number:int}", routes.remove, methods=["DELETE"]),
            Route("/results/{number:int}/file", routes.download),
            Route("/results/{number:int}/inputs/{name}", routes.input),
        ],
        exception_handlers={
            TooLarge: _tell(413),
            PatchvidError: _tell(400),
        },
    )


def _tell(status: int) -> Any:
    async def answer(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": " ".join(str(error).split())}, status_code=status)

    return answer


async def _read(request: Request, most: int) -> bytes:
    """Read a body of at most `most` bytes."""
    parts = [part async for part in _stream(request, most)]
    return b"".join(parts)


async def _stream(request: Request, most: int) -> Any:
    told = request.headers.get("content-length", "0")
    n_bytes = 0
    if told.isdigit() and int(told) > most:
        raise TooLarge(f"this has {int(told)} bytes, but the limit is {most}")
    async for part in request.stream():
        n_bytes += len(part)
        if n_bytes > most:
            raise TooLarge(f"this has more than {most} bytes, the limit")
        yield part


async def _json(request: Request) -> Any:
    try:
        return json.loads(await _read(request, MOST_JSON))
    except ValueError as error:
        raise Refused("this is not JSON") from error


async def _object(request: Request) -> dict[str, Any]:
    """Read an object of JSON."""
    value = await _json(request)
    if not isinstance(value, dict):
        raise Refused("this is not an object of JSON")
    return value


class _Routes:
    """The answers, one method for each route."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def index(self, request: Request) -> Response:
        return self._part("index.html")

    async def part(self, request: Request) -> Response:
        return self._part(request.path_params["name"])

    def _part(self, name: str) -> Response:
        found = page.part(name)
        if found is None:
            return JSONResponse({"error": "there is no such part"}, status_code=404)
        return Response(found[0], media_type=found[1])

    async def state(self, request: Request) -> Response:
        return JSONResponse(self._session.facts())

    async def made(self, request: Request) -> Response:
        return JSONResponse(self._session.made())

    async def upload(self, request: Request) -> Response:
        """Open an uploaded file as the clip, or as the clip with the look."""
        name = Path(request.query_params.get("name", "clip")).name.lstrip(".-") or "clip"
        path = self._session.folder / f"{secrets.token_hex(4)}_{name[-80:]}"
        try:
            await self._store(request, path)
            clip = await run_in_threadpool(clips.read_clip, path, name=name, is_copy=True)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        if request.url.path == "/style":
            self._session.style = clip
        else:
            self._session.open(clip)
        return await self.state(request)

    async def choose(self, request: Request) -> Response:
        """Open a result as the clip, or a scene of the clip, or all of its scenes."""
        asked = await _object(request)
        if "scene" in asked:
            self._session.open(self._session.whole, asked["scene"])
        else:
            self._session.open(self._session.video(str(asked.get("result"))))
        return await self.state(request)

    async def save(self, request: Request) -> Response:
        data = await run_in_threadpool(project.save, self._session)
        name = f"{self._session.clip.stem}_project.zip"
        return Response(data, media_type="application/zip", headers=_as_file(name))

    async def load(self, request: Request) -> Response:
        path = self._session.folder / f"{secrets.token_hex(4)}.zip"
        try:
            await self._store(request, path)
            await run_in_threadpool(project.load, self._session, path)
        finally:
            path.unlink(missing_ok=True)
        return await self.state(request)

    async def _store(self, request: Request, path: Path) -> None:
        with path.open("wb") as file:
            async for part in _stream(request, MOST_FILE):
                await run_in_threadpool(file.write, part)

    async def settings(self, request: Request) -> Response:
        self._session.settings = await _object(request)
        return Response(status_code=204)

    async def palette(self, request: Request) -> Response:
        self._session.choose_palette(await _json(request))
        return Response(status_code=204)

    async def film(self, request: Request) -> Response:
        video = self._session.video(request.path_params["name"])
        return Response(await run_in_threadpool(video.film), media_type="video/mp4")

    async def frame(self, request: Request) -> Response:
        video = self._session.video(request.path_params["name"])
        data, kind = await run_in_threadpool(video.frame, request.path_params["frame"])
        return Response(data, media_type=kind)

    async def mode(self, request: Request) -> Response:
        name = request.path_params["name"]
        self._session.layer(name).choose((await _object(request)).get("mode"))
        return JSONResponse(self._session.layer_facts(name))

    async def paint(self, request: Request) -> Response:
        clip, frame = self._session.clip, request.path_params["frame"]
        layer = self._session.layer(request.path_params["name"])
        if frame >= len(clip.video):
            raise Refused(f"there is no frame {frame}")
        paint = layer.at(frame, clip.shape[1:])
        return Response(paint.tobytes(), media_type="application/octet-stream")

    async def put_paint(self, request: Request) -> Response:
        name, frame = request.path_params["name"], request.path_params["frame"]
        self._session.put(name, frame, await _read(request, MOST_PAINT))
        return JSONResponse(self._session.layer_facts(name))

    async def queue(self, request: Request) -> Response:
        asked = await _object(request)
        if asked.get("follow"):
            job = work.add_following(self._session, str(asked["follow"]))
        else:
            job = work.add_making(
                self._session, str(asked.get("task")), asked.get("settings", {}),
                preview=bool(asked.get("preview")),
            )  # fmt: skip
        return JSONResponse(job.facts())

    async def cancel(self, request: Request) -> Response:
        self._session.queue.cancel(request.path_params["number"])
        return Response(status_code=204)

    async def remove(self, request: Request) -> Response:
        self._session.remove(request.path_params["number"])
        return Response(status_code=204)

    async def download(self, request: Request) -> Response:
        video = self._session.video(str(request.path_params["number"]))
        suffix = request.query_params.get("suffix", ".mp4")
        if suffix not in (*FORMATS, *ARRAYS):
            raise Refused(f"there is no format {suffix!r}")
        return await self._as_download(video.stem + suffix, video.write)

    async def input(self, request: Request) -> Response:
        """Send a mask or a cue that a result's command line reads."""
        video, name = (
            self._session.video(str(request.path_params["number"])), request.path_params["name"],
        )  # fmt: skip
        if name not in video.files:
            raise Refused(f"there is no {name!r}")
        array = video.files[name]
        return await self._as_download(name, lambda path: patchvid.write_video(path, array))

    async def _as_download(self, name: str, write: Callable[[Path], object]) -> Response:
        path = self._session.folder / f"{secrets.token_hex(8)}{Path(name).suffix}"
        await run_in_threadpool(write, path)
        return FileResponse(
            path, media_type="application/octet-stream", headers=_as_file(name),
            background=BackgroundTask(path.unlink),
        )  # fmt: skip


def _as_file(name: str) -> dict[str, str]:
    """The header that makes a browser save the response as a file of a name."""
    safe = "".join(x if x.isascii() and (x.isalnum() or x in "._-") else "_" for x in name)
    return {"Content-Disposition": f'attachment; filename="{safe}"'}
