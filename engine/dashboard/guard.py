"""Who may talk to the page: this machine, with the run's token, from the page itself.

A request must name this host (another name means a rebound DNS), carry the token or the cookie the
token was exchanged for, and, where it changes something, come from the page's own origin with a
second token that only the page can read. Everything is compared in constant time.
"""

import secrets
import time
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

from tradewind.engine.secret import remember

COOKIE, CSRF = "tradewind", "x-tradewind"
CONFIRM_S = 30.0  # between asking for a confirmation and using it
HEADERS = (
    (b"content-security-policy",
     b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),
)  # fmt: skip


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
        What the page must say with each request that changes something.
    """

    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    _confirmations: dict[str, tuple[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Have them hidden in every text."""
        for value in (self.token, self.session, self.csrf):
            remember(value)

    def confirmation(self, name: str) -> str:
        """Permission to ask for one command, once and soon."""
        now = time.monotonic()
        self._confirmations = {
            key: (what, until) for key, (what, until) in self._confirmations.items() if until > now
        }
        made = secrets.token_urlsafe(16)
        self._confirmations[made] = (name, now + CONFIRM_S)
        return made

    def confirmed(self, name: str, given: str) -> bool:
        """Whether a permission is for that command; it is then used up."""
        what, until = self._confirmations.pop(given, ("", 0.0))
        return what == name and time.monotonic() <= until

    def knows(self, headers: dict[str, str], query: dict[str, str]) -> bool:
        """Whether a request carries the token or the cookie."""
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and same(bearer, self.token):
            return True
        if same(query.get("token", ""), self.token):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and same(cookie.value, self.session)


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

    def __init__(self, app: Any, keys: Keys, port: Any) -> None:
        self.app, self.keys, self.port = app, keys, port

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let a request through, or say why not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        fault = self._fault(scope)
        if fault is None:
            await self.app(scope, receive, sent)
            return
        status, why = fault
        body = f"{why}\n".encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await sent({"type": "http.response.start", "status": status, "headers": headers})
        await sent({"type": "http.response.body", "body": body})

    def _fault(self, scope: Any) -> tuple[int, str] | None:
        """(status, reason) of what is wrong with a request."""
        from urllib.parse import parse_qsl

        headers = {
            key.decode("latin-1").lower(): value.decode("latin-1")
            for key, value in scope["headers"]
        }
        own = [f"{host}:{self.port()}" for host in ("127.0.0.1", "localhost")]
        if headers.get("host") not in own:
            return 421, "this page answers to 127.0.0.1 alone"
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
        if not self.keys.knows(headers, query):
            return 401, "open the address that the run printed: it carries the token"
        if scope["method"] in ("GET", "HEAD"):
            return None
        if scope["method"] != "POST":
            return 405, "only GET and POST are known here"
        if headers.get("origin") not in [f"http://{host}" for host in own]:
            return 403, "commands are taken from the page itself alone"
        if not same(headers.get(CSRF, ""), self.keys.csrf):
            return 403, "the request does not carry the page's own token; load the page anew"
        return None
