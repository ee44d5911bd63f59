"""Accept requests only from the page that was opened with the token.

Other pages in the same browser can send requests to 127.0.0.1, or to a name of theirs that resolves
to it. So the host must be ours, the origin must be ours if the browser tells it, and the request
must have the token: at first in the address of the page, later in a cookie.
"""

import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = "127.0.0.1"

SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; media-src blob:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses all requests except those of the page.

    Parameters
    ----------
    app
        The application that answers the page.
    port
        The port of the server.
    token
        The secret of this server.
    """

    def __init__(self, app: ASGIApp, *, port: int, token: str) -> None:
        self._app, self._token = app, token
        self._host = f"{HOST}:{port}"
        self._cookie = f"patchvid-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        in_address = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[-1]
        problem = self._problem(headers, in_address)
        if problem:
            await PlainTextResponse(problem, status_code=403, headers=SAFE)(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = MutableHeaders(scope=message)
                sent.update(SAFE)
                if in_address:
                    sent.append(
                        "Set-Cookie",
                        f"{self._cookie}={self._token}; Path=/; HttpOnly; SameSite=Strict",
                    )
            await send(message)

        await self._app(scope, receive, send_safely)

    def _problem(self, headers: Headers, in_address: str) -> str:
        """The reason to refuse a request; empty if there is none."""
        if headers.getlist("host") != [self._host]:
            return f"This server answers only at {self._host}."
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{self._host}":
            return "This server does not answer other pages."
        # A link in another page would send our cookie, although that page does not know the token.
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return "This server does not answer other pages."
        if not any(self._is_token(given) for given in (in_address, self._in_cookie(headers))):
            return "Open the address that `patchvid studio` printed, with its token."
        return ""

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._token.encode())

    def _in_cookie(self, headers: Headers) -> str:
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return ""
        found = cookies.get(self._cookie)
        return found.value if found is not None else ""
