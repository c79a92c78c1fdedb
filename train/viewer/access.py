"""Who may talk to the viewer: which names it answers to, pages of which origin, and who has the token.

A page of a stranger runs in a browser that reaches this machine. What browsers say truthfully keeps it out: the name in
``Host``, which stays the stranger's own where he makes it point to this machine (DNS rebinding), ``Origin``, and
``Sec-Fetch-Site``. People elsewhere reach a viewer only if it listens on another address than loopback; there all
need a token.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from email.message import Message
from urllib.parse import SplitResult, parse_qs

_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[0-9a-z._-]+)(:[0-9]{1,5})?")
"""A lower-case Host header: name or address, and port."""


class Access:
    """Decides about requests to one server.

    Args:
      host: what the user asked to listen on.
      address: what that is as a number.
      port: where the server listens.
    """

    def __init__(self, host: str, address: str, port: int) -> None:
        loopback = ipaddress.ip_address(address).is_loopback
        self._names = (*_LOOPBACK_NAMES, host.lower()) if loopback else None
        self.token = None if loopback else secrets.token_urlsafe(32)
        """What everybody must know who is not on this machine; None on loopback."""
        self._cookie = f"hideseek-{port}"

    def refusal(self, method: str, url: SplitResult, headers: Message) -> str | None:
        """Return why a request is refused, one line; None if it is not."""
        hosts = headers.get_all("Host", [])
        host = hosts[0].lower() if len(hosts) == 1 else ""
        parts = _HOST.fullmatch(host)
        if parts is None or (self._names is not None and parts[1] not in self._names):
            return "this viewer answers only under the address that 'hideseek watch' printed"
        if not _is_own_page(method, url.path, host, headers):
            return "a page from elsewhere may not talk to this viewer"
        if self.token is not None and not self.has_token(url) and not self._is_token(self._cookie_value(headers)):
            return "this viewer wants its token: open the whole address that 'hideseek watch' printed"
        return None

    def has_token(self, url: SplitResult) -> bool:
        """Whether a request for the page says the token in its address."""
        return url.path == "/" and self._is_token(parse_qs(url.query).get("token", [""])[0])

    def cookie(self) -> str:
        """Return the header that makes a browser say the token with every request from now on."""
        # Lax, not Strict, or it would be missing where the page is reached by a click on a link.
        return f"{self._cookie}={self.token}; Path=/; HttpOnly; SameSite=Lax"

    def _cookie_value(self, headers: Message) -> str:
        pairs = (item.strip().partition("=") for item in headers.get("Cookie", "").split(";"))
        return next((value for name, _, value in pairs if name == self._cookie), "")

    def _is_token(self, given: str) -> bool:
        return self.token is not None and secrets.compare_digest(given.encode(), self.token.encode())


def _is_own_page(method: str, path: str, host: str, headers: Message) -> bool:
    """Whether a request comes from a page of this server, or from no page at all.

    A link on another page may lead to this one, but not into a frame, where users would press its buttons unknowingly.
    """
    origin = headers.get("Origin")
    if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
        return False
    if headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin"):
        return True
    link = (headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest")) == ("navigate", "document")
    return link and (method, path) == ("GET", "/")
