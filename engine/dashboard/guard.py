"""Who may talk to the page: this machine, with the run's token, from the page itself.

A request must name this host (another name means a rebound DNS), come from no other page, carry
the token or the cookie that the token was exchanged for, and, where it asks for something, come
from the page's own origin with a second token. Browsers show a cookie of 127.0.0.1 to every port
of it: whoever listens on another one may read the cookie and look, but the second token lies where
only this origin can read it. Everything is compared in constant time.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from tradewind.engine.secret import remember

HEADER = "x-tradewind"  # that carries the second token
CONFIRM_S = 30.0  # between asking for a confirmation and using it
MOST_OPEN = 64  # confirmations that wait
HEADERS = (
    (b"content-security-policy",
     b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)  # fmt: skip


def _made() -> str:
    return secrets.token_urlsafe(32)


@dataclass
class Keys:
    """Secrets of one start of the page.

    Attributes
    ----------
    token : str
        Whoever has it may look and ask.
    session : str
        What a browser is given for it, in a cookie that no script can read.
    csrf : str
        What the page must say with each request that asks for something.
    clock : callable
        Seconds that never go back.
    """

    token: str = field(default_factory=_made)
    session: str = field(default_factory=_made)
    csrf: str = field(default_factory=_made)
    clock: Callable[[], float] = time.monotonic
    _open: dict[str, tuple[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Have them hidden in every text."""
        for value in (self.token, self.session, self.csrf):
            remember(value)

    def confirmation(self, name: str) -> str:
        """Permission to ask for one command, once and soon."""
        now = self.clock()
        waiting = [(key, one) for key, one in self._open.items() if one[1] >= now]
        self._open = dict(waiting[-MOST_OPEN + 1 :])
        made = secrets.token_urlsafe(16)
        self._open[made] = (name, now + CONFIRM_S)
        return made

    def confirmed(self, name: str, given: str) -> bool:
        """Whether a permission is for that command; it is then used up."""
        what, until = self._open.pop(given, ("", 0.0))
        return what == name and self.clock() <= until

    def knows(self, headers: dict[str, str], port: int) -> bool:
        """Whether a request carries the token or the cookie."""
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and same(bearer.strip(), self.token):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(cookie_of(port))
        except CookieError:
            return False
        return cookie is not None and same(cookie.value, self.session)


def cookie_of(port: int) -> str:
    """Name of the cookie: two runs on one machine keep theirs apart by it."""
    return f"tradewind-{port}"


def same(given: str, wanted: str) -> bool:
    """Whether two texts are equal, in a time that does not tell how much of them is."""
    return secrets.compare_digest(given.encode(), wanted.encode())


class Guard:
    """Stands before an ASGI application.

    Parameters
    ----------
    app : callable
    keys : Keys
    port : callable
        Gives the port, known only once it is bound.
    """

    def __init__(self, app: Any, keys: Keys, port: Callable[[], int]) -> None:
        self.app, self.keys, self.port = app, keys, port

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let a request through, or say why not."""

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        fault = self._fault(scope)
        if fault is None:
            await self.app(scope, receive, sent)
            return
        status, why = fault
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await sent({"type": "http.response.start", "status": status, "headers": headers})
        await sent({"type": "http.response.body", "body": f"{why}\n".encode()})

    def _fault(self, scope: Any) -> tuple[int, str] | None:
        """(status, reason) of what is wrong with a request."""
        headers = {
            key.decode("latin-1").lower(): value.decode("latin-1")
            for key, value in scope["headers"]
        }
        own = [f"{host}:{self.port()}" for host in ("127.0.0.1", "localhost")]
        if headers.get("host") not in own:
            return 421, "this page answers to 127.0.0.1 alone"
        door = scope["path"] == "/" and scope["method"] == "GET"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not door:
            return 403, "another page asks; only this one may"
        if not self.keys.knows(headers, self.port()) and not (door and self._brings(scope)):
            return 401, "open the address that the run printed: it carries the token"
        if scope["method"] in ("GET", "HEAD"):
            return None
        if scope["method"] != "POST":
            return 405, "only GET and POST are known here"
        if headers.get("origin") not in [f"http://{host}" for host in own]:
            return 403, "commands are taken from the page itself alone"
        if not same(headers.get(HEADER, ""), self.keys.csrf):
            return 403, "the request lacks the page's second token; open the printed address again"
        return None

    def _brings(self, scope: Any) -> bool:
        """Whether the token is in the address, which is so for the first request alone."""
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])
        return same(given[0], self.keys.token)
