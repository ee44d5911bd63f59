"""The server of the studio, on this machine only."""

import secrets
import socket
import sys
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvicorn

from patchvid.studio.app import make_app
from patchvid.studio.clips import read_clip, sample
from patchvid.studio.errors import Refused
from patchvid.studio.guard import HOST, Guard
from patchvid.studio.session import Session
from patchvid.studio.work import add_warm_up


class Studio:
    """A server with a session of its own.

    Parameters
    ----------
    clip
        The clip to open; None is the sample.
    port
        Port to listen at; 0 is any free port.

    Attributes
    ----------
    address
        The address of the page, with its token.
    """

    def __init__(self, clip: Path | None, port: int = 0) -> None:
        self._socket = _listen(port)
        port = self._socket.getsockname()[1]
        token = secrets.token_urlsafe(24)
        self.address = f"http://{HOST}:{port}/?token={token}"
        self.session = Session(sample() if clip is None else read_clip(clip, name=str(clip)))
        config = uvicorn.Config(
            Guard(make_app(self.session), port=port, token=token),
            log_level="error", access_log=False, lifespan="off", ws="none", server_header=False,
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Answer requests until `stop` is called or a signal arrives."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self.close()

    def close(self) -> None:
        """Free the port, end the jobs, and remove the files."""
        self._socket.close()
        self.session.close()

    def stop(self) -> None:
        """Make `run` return."""
        self._server.should_exit = True


def serve(
    clip: Path | None, *, port: int, open_browser: bool, tell: Callable[[str], object]
) -> None:
    """Serve a clip, or the sample, until Ctrl-C; `tell` is called with the address."""
    studio = Studio(clip, port)
    add_warm_up(studio.session)
    tell(studio.address)
    if open_browser:
        webbrowser.open(studio.address)
    with suppress(KeyboardInterrupt):
        studio.run()


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    if sys.platform != "win32":  # on Windows it would let other programs share this port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise Refused(f"port {port} cannot be used: {error.strerror}; choose another") from error
    listener.listen()
    return listener
