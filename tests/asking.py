"""Requests to a page, as a browser and as others make them."""

import http.client
import json
from typing import Any, NamedTuple

from tradewind.engine.dashboard.guard import cookie_of
from tradewind.engine.dashboard.server import HOST, Dashboard


class Answer(NamedTuple):
    """What came back."""

    status: int
    text: str
    headers: dict[str, str]


def asked(
    page: Dashboard, path: str, method: str = "GET", body: Any = None, /, **headers: str | None
) -> Answer:
    """Answer to a request; without further headers it is one that is let through."""
    given = {
        "Host": f"{HOST}:{page.port}", "Authorization": f"Bearer {page.keys.token}",
        "Origin": f"http://{HOST}:{page.port}", "X-Tradewind": page.keys.csrf,
    } | {key.replace("_", "-"): value for key, value in headers.items()}  # fmt: skip
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    connection = http.client.HTTPConnection(HOST, page.port, timeout=30)
    try:
        kept = {key: value for key, value in given.items() if value is not None}
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for key, value in kept.items():
            connection.putheader(key, value)
        connection.putheader("Content-Length", str(len(content or b"")))
        connection.endheaders(content)
        found = connection.getresponse()
        return Answer(
            found.status, found.read().decode(), {k.lower(): v for k, v in found.getheaders()}
        )
    finally:
        connection.close()


def cookie(page: Dashboard) -> str:
    """Cookie that a browser has after it has opened the printed address."""
    return f"{cookie_of(page.port)}={page.keys.session}"
