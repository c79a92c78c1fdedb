"""HTTP for the viewer: the page, pictures, and commands, all as small plain requests.

A page of another origin cannot reach in: commands need the type ``application/json``, which browsers send across origins
only after asking, and, on loopback, the request must name a loopback host.
"""

from __future__ import annotations

import errno
import io
import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from envs.errors import UserError

from ..play.episode_files import write_episodes
from .viewer import Viewer

_PAGE = Path(__file__).parent / "page"
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/viewer.css": ("viewer.css", "text/css; charset=utf-8"),
    "/viewer.js": ("viewer.js", "text/javascript; charset=utf-8"),
}
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
_WAIT_SECONDS = 2.0
_MOST_BYTES = 100_000
"""Largest command."""


class ViewerServer(ThreadingHTTPServer):
    """Serves one viewer in the background.

    Args:
      viewer: what is served.
      host: address to listen on; a loopback address is reached from this machine only.
      port: 0 takes any free one.

    Raises:
      UserError: the port is in use, or the address is none of this machine's.
    """

    daemon_threads = True
    allow_reuse_port = False

    def __init__(self, viewer: Viewer, host: str, port: int) -> None:
        self.viewer = viewer
        self.loopback_only = host in _LOOPBACK
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise _cannot_listen(host, port, error) from error
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

    @property
    def url(self) -> str:
        """Where a browser finds the page."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}/"

    def __enter__(self) -> ViewerServer:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.shutdown()
        self.server_close()


def _cannot_listen(host: str, port: int, error: Exception) -> UserError:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return UserError(f"port {port} is in use; choose another with --port, or 0 for any free one")
    if number == errno.EACCES:
        return UserError(f"port {port} may not be used by this user; choose one above 1023 with --port")
    return UserError(f"cannot listen on {host} port {port} ({getattr(error, 'strerror', None) or error})")


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: ViewerServer
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        """Send the page, a picture, or the episode as a file."""
        url = urlsplit(self.path)
        if not self._is_ours():
            return
        if url.path in _FILES:
            name, kind = _FILES[url.path]
            self._send((_PAGE / name).read_bytes(), kind)
        elif url.path == "/frame":
            self._send_frame(parse_qs(url.query))
        elif url.path == "/episode.npz":
            self._send_episode()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Do a command: its name is the path, its arguments are a JSON object."""
        if not self._is_ours():
            return
        try:
            size = int(self.headers.get("Content-Length", "0"))
            kind = self.headers.get_content_type()
            if kind != "application/json" or not 0 <= size <= _MOST_BYTES:
                raise UserError("commands are JSON")
            arguments = json.loads(self.rfile.read(size) or b"{}")
            if not isinstance(arguments, dict):
                raise UserError("arguments must be an object")
            answer = self.server.viewer.command(self.path.removeprefix("/do/"), arguments)
            self._send(json.dumps({"answer": answer}).encode(), "application/json")
        except (UserError, ValueError, TimeoutError) as error:
            text = " ".join(str(error).split()) or "the viewer is busy"
            self._send(json.dumps({"error": text}).encode(), "application/json")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _is_ours(self) -> bool:
        """Refuse requests that reached this machine under a foreign name."""
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname or ""
        if self.server.loopback_only and host not in _LOOPBACK:
            self.send_error(HTTPStatus.FORBIDDEN)
            return False
        return True

    def _send_frame(self, query: dict[str, list[str]]) -> None:
        try:
            after = int(query.get("after", ["0"])[0])
        except ValueError:
            after = 0
        frame = self.server.viewer.frame(after, _WAIT_SECONDS)
        if frame is None:
            self.send_response(HTTPStatus.NO_CONTENT)
            self.end_headers()
            return
        self._send(frame.jpeg, "image/jpeg", {"X-State": json.dumps(frame.state)})

    def _send_episode(self) -> None:
        memory = io.BytesIO()
        write_episodes(memory, [self.server.viewer.episode()])
        self._send(
            memory.getvalue(),
            "application/octet-stream",
            {"Content-Disposition": 'attachment; filename="episode.npz"'},
        )

    def _send(self, body: bytes, kind: str, more: dict[str, str] | None = None) -> None:
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store"} | (more or {})
        try:
            self.send_response(HTTPStatus.OK)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
