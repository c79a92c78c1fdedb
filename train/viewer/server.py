"""HTTP for the viewer: the page, pictures, and commands, all as small plain requests.

A request that is answered was read to its last byte, and one that is refused ends its connection: nothing of a request
is ever read as another one. access.py says whose requests are refused.
"""

from __future__ import annotations

import contextlib
import errno
import io
import ipaddress
import json
import logging
import re
import socket
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from envs.errors import UserError

from ..play.episode_files import write_episodes
from .access import Access
from .viewer import Viewer

_LOG = logging.getLogger(__name__)
_PAGE = Path(__file__).parent / "page"
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/viewer.css": ("viewer.css", "text/css; charset=utf-8"),
    "/viewer.js": ("viewer.js", "text/javascript; charset=utf-8"),
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer: no other page may show this one in a frame or load its parts."""
_WAIT_SECONDS = 2.0
_REQUEST_SECONDS = 10.0
"""Within which a connection must bring its next request, whole."""
_MOST_CONNECTIONS = 64
_MOST_BYTES = 100_000
"""Largest command."""


class ViewerServer(ThreadingHTTPServer):
    """Serves one viewer in the background.

    Args:
      viewer: what is served.
      host: address to listen on; a loopback address is reached from this machine only, any other needs a token.
      port: 0 takes any free one.

    Raises:
      UserError: the port is in use, or the address is none of this machine's.
    """

    daemon_threads = True
    allow_reuse_port = False
    request_queue_size = 64

    def __init__(self, viewer: Viewer, host: str, port: int) -> None:
        self.viewer = viewer
        self.awaited: dict[socket.socket, float] = {}
        """Connections without a whole request yet, and the time until when they are kept."""
        self._places = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        try:
            found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            self.address_family = found[0][0]
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError, UnicodeError) as error:
            raise _cannot_listen(host, port, error) from error
        self.access = Access(host, str(self.server_address[0]), self.server_port)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

    @property
    def url(self) -> str:
        """Where a browser finds the page; with the token, if one is needed."""
        address = ipaddress.ip_address(str(self.server_address[0]))
        name = socket.gethostname() if address.is_unspecified else f"[{address}]" if address.version == 6 else address
        query = "" if self.access.token is None else f"?token={self.access.token}"
        return f"http://{name}:{self.server_port}/{query}"

    def __enter__(self) -> ViewerServer:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, unless there are too many."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def service_actions(self) -> None:
        """Hang up on those who let their request wait; called ten times a second."""
        now = time.monotonic()
        for connection, end in list(self.awaited.items()):
            if now > end:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log in one line what broke an answer; that a browser went away is no error."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError):
            _LOG.warning("a request failed (%s: %s)", type(error).__name__, " ".join(str(error).split()))
            _LOG.debug("traceback:", exc_info=error)


def _cannot_listen(host: str, port: int, error: Exception) -> UserError:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return UserError(f"port {port} is in use; choose another with --port, or 0 for any free one")
    if number == errno.EACCES:
        return UserError(f"port {port} may not be used by this user; choose one above 1023 with --port")
    return UserError(f"cannot listen on {host} port {port} ({getattr(error, 'strerror', None) or error})")


class _RefusedError(Exception):
    """A request that is not answered, and why."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    server: ViewerServer
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # Of requests that cannot be read: their refusals need a status line too.
    server_version, sys_version = "hideseek", ""
    timeout = _REQUEST_SECONDS

    # --- requests ----------------------------------------------------------------------------------------------------

    def handle_one_request(self) -> None:
        """Receive and answer the next request."""
        self.server.awaited[self.connection] = time.monotonic() + _REQUEST_SECONDS
        try:
            super().handle_one_request()
        finally:
            self.server.awaited.pop(self.connection, None)

    def do_GET(self) -> None:
        """Send the page, a picture, or the episode as a file."""
        self._answer()

    def do_POST(self) -> None:
        """Do a command: its name is the path, its arguments are a JSON object."""
        self._answer()

    def _answer(self) -> None:
        """Answer a request, or refuse it and close the connection."""
        keep, self.close_connection = not self.close_connection, True
        try:
            url = self._url()
            reason = self.server.access.refusal(self.command, url, self.headers)
            if reason is not None:
                raise _RefusedError(HTTPStatus.FORBIDDEN, reason)
            body = self._body()
            self.server.awaited.pop(self.connection, None)
            self.close_connection = not keep  # Only here, where nothing of the request is left unread.
            if self.command == "POST":
                self._post(url, body)
            else:
                self._get(url)
        except _RefusedError as refused:
            self.send_error(refused.status, str(refused))

    def _url(self) -> SplitResult:
        try:
            url = urlsplit(self.path)
        except ValueError:
            url = urlsplit("")
        if not url.path.startswith("/") or url.netloc:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "an address must begin with /")
        return url

    def _body(self) -> bytes:
        """Read the whole body of the request."""
        lengths = self.headers.get_all("Content-Length", ["0"] if self.command == "GET" else [])
        if self.headers.defects:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "the headers cannot be read")
        if len(lengths) != 1 or "Transfer-Encoding" in self.headers:
            raise _RefusedError(HTTPStatus.LENGTH_REQUIRED, "one Content-Length must say how long the request is")
        if not re.fullmatch("[0-9]{1,9}", lengths[0]):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "Content-Length must be a number")
        if int(lengths[0]) > _MOST_BYTES:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has at most {_MOST_BYTES} bytes")
        body = self.rfile.read(int(lengths[0]))
        if len(body) < int(lengths[0]):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "the request is cut short")
        return body

    # --- answers -----------------------------------------------------------------------------------------------------

    def _get(self, url: SplitResult) -> None:
        if self.server.access.has_token(url):
            self._send(
                b"", "text/plain", {"Location": "/", "Set-Cookie": self.server.access.cookie()}, HTTPStatus.SEE_OTHER
            )
        elif url.path in _FILES:
            name, kind = _FILES[url.path]
            self._send((_PAGE / name).read_bytes(), kind)
        elif url.path == "/frame":
            self._send_frame(parse_qs(url.query))
        elif url.path == "/episode.npz":
            self._send_episode()
        else:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "there is no such page")

    def _send_frame(self, query: dict[str, list[str]]) -> None:
        after = query.get("after", ["0"])[0]
        frame = self.server.viewer.frame(int(after) if re.fullmatch("[0-9]{1,18}", after) else 0, _WAIT_SECONDS)
        if frame is None:
            self._send(b"", "text/plain", status=HTTPStatus.NO_CONTENT)
        else:
            self._send(frame.jpeg, "image/jpeg", {"X-State": json.dumps(frame.state)})

    def _send_episode(self) -> None:
        memory = io.BytesIO()
        try:
            write_episodes(memory, [self.server.viewer.episode()])
        except (UserError, TimeoutError) as error:
            raise _RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, str(error) or "the viewer is busy") from error
        saved_as = {"Content-Disposition": 'attachment; filename="episode.npz"'}
        self._send(memory.getvalue(), "application/octet-stream", saved_as)

    def _post(self, url: SplitResult, body: bytes) -> None:
        if not url.path.startswith("/do/"):
            raise _RefusedError(HTTPStatus.NOT_FOUND, "commands are sent to /do/NAME")
        if self.headers.get_content_type() != "application/json":
            raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "commands are application/json")
        try:
            answer = {"answer": self.server.viewer.command(url.path.removeprefix("/do/"), _arguments(body))}
        except UserError as error:
            answer = {"error": " ".join(str(error).split())}
        except TimeoutError:
            answer = {"error": "the viewer is busy"}
        self._send(json.dumps(answer).encode(), "application/json")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse a request: say why in one line, and close the connection."""
        self.close_connection = True
        reason = message or HTTPStatus(code).phrase
        if self.command == "POST":
            self._send(json.dumps({"error": reason}).encode(), "application/json", status=HTTPStatus(code))
        else:
            self._send(f"{reason}\n".encode(), "text/plain; charset=utf-8", status=HTTPStatus(code))

    def _send(
        self, body: bytes, kind: str, more: dict[str, str] | None = None, status: HTTPStatus = HTTPStatus.OK
    ) -> None:
        headers = {"Content-Type": kind} | _HEADERS | (more or {})
        if status != HTTPStatus.NO_CONTENT:
            headers["Content-Length"] = str(len(body))
        if self.close_connection:
            headers["Connection"] = "close"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _arguments(body: bytes) -> dict[str, Any]:
    """Return the arguments of a command."""
    try:
        arguments = json.loads(body.decode() or "{}")
    except (ValueError, RecursionError) as error:
        raise UserError("commands are JSON in UTF-8") from error
    if not isinstance(arguments, dict):
        raise UserError("the arguments of a command are an object")
    return arguments
