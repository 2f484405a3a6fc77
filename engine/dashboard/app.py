"""What the page asks for, and what it is answered."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from functools import cache
from importlib import resources
from typing import Any

from tradewind.engine.dashboard.board_protocol import BoardLike
from tradewind.engine.dashboard.guard import Guard, Keys, cookie_of, same
from tradewind.engine.dashboard.health import alive, ready
from tradewind.engine.dashboard.metrics import exposition
from tradewind.engine.dashboard.parts import Parts, text

COMMANDS = ("pause", "resume", "flatten", "stop", "kill", "thaw")
PUSH_S, BEAT_S = 0.25, 2.0  # between two looks at the board; between two signs of life
MOST_BYTES = 4096  # of a request
MOST_STREAMS = 16
OWN, REPORT = "tradewind.engine.dashboard", "tradewind.engine.report"
SCRIPT, STYLE = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
ASSETS = {
    "page.js": (OWN, SCRIPT), "link.js": (OWN, SCRIPT), "tables.js": (OWN, SCRIPT),
    "panels.js": (OWN, SCRIPT), "asking.js": (OWN, SCRIPT), "format.js": (OWN, SCRIPT),
    "charts.js": (OWN, SCRIPT), "candles.js": (OWN, SCRIPT), "page.css": (OWN, STYLE),
    "echarts-6.1.0.min.js": (REPORT, SCRIPT), "LICENSE-echarts": (REPORT, "text/plain"),
}  # fmt: skip


class Pages:
    """Answers to requests that the guard has let through.

    Parameters
    ----------
    board : BoardLike
    keys : Keys
    port : callable
        Gives the port it listens on.
    """

    def __init__(self, board: BoardLike, keys: Keys, port: Callable[[], int]) -> None:
        self.board, self.keys, self.port = board, keys, port
        self.parts = Parts(board)
        self.streams = 0
        self.closing = False

    def app(self) -> Guard:
        """ASGI application, with its guard."""
        from starlette.applications import Starlette
        from starlette.routing import Route

        routes = [
            Route("/", self.page), Route("/assets/{name}", self.asset),
            Route("/api/state", self.state), Route("/api/symbol", self.symbol),
            Route("/api/stream", self.stream), Route("/metrics", self.metrics),
            Route("/health", self.health), Route("/ready", self.ready),
            Route("/api/confirm", self.confirm, methods=["POST"]),
            Route("/api/command", self.command, methods=["POST"]),
        ]  # fmt: skip
        return Guard(Starlette(routes=routes), self.keys, self.port)

    async def page(self, request: Any) -> Any:
        """The page; the token in its address is exchanged for a cookie and disappears from it."""
        from starlette.responses import RedirectResponse, Response

        if same(request.query_params.get("token", ""), self.keys.token):
            answer = RedirectResponse(f"/#{self.keys.csrf}", 303)
            answer.set_cookie(
                cookie_of(self.port()), self.keys.session, httponly=True, samesite="strict"
            )
            return answer
        return Response(_read(OWN, "page.html"), media_type="text/html; charset=utf-8")

    async def asset(self, request: Any) -> Any:
        """A file of the page."""
        from starlette.responses import PlainTextResponse, Response

        name = request.path_params["name"]
        if name not in ASSETS:
            return PlainTextResponse("no such file\n", 404)
        package, kind = ASSETS[name]
        return Response(_read(package, name), media_type=kind)

    async def state(self, request: Any) -> Any:
        """The view, once."""
        return _json(self.parts.newer()[1])

    async def symbol(self, request: Any) -> Any:
        """One of the run's symbols."""
        name = request.query_params.get("name", "")
        if name not in (self.board.latest().get("symbols") or ()):
            return _refused("the run does not follow this symbol", 404)
        return _json(text(self.board.symbol(name)))

    async def stream(self, request: Any) -> Any:
        """The view, and whatever of it changes from then on."""
        from starlette.responses import StreamingResponse

        if self.streams >= MOST_STREAMS:
            return _refused(f"{MOST_STREAMS} pages are open; close one", 503)
        return StreamingResponse(self._views(), media_type="text/event-stream")

    async def _views(self) -> AsyncIterator[bytes]:
        turn, waited = 0, BEAT_S
        self.streams += 1
        try:
            yield b"retry: 1000\n\n"
            while not self.closing:
                before = turn
                turn, parts = self.parts.newer(turn)
                if turn != before:
                    yield f"data: {parts}\n\n".encode()
                if turn != before or waited >= BEAT_S:
                    yield f"event: beat\ndata: {time.time_ns()}\n\n".encode()
                    waited = 0.0
                await asyncio.sleep(PUSH_S)
                waited += PUSH_S
            yield f"data: {self.parts.newer(turn)[1]}\n\nevent: end\ndata: 1\n\n".encode()
        finally:
            self.streams -= 1

    async def health(self, request: Any) -> Any:
        """Whether the run's loop turns."""
        return _said(*alive(self.board.latest(), time.time_ns()))

    async def ready(self, request: Any) -> Any:
        """Whether the run trades."""
        return _said(*ready(self.board.latest(), time.time_ns()))

    async def metrics(self, request: Any) -> Any:
        """Numbers for Prometheus."""
        from prometheus_client.exposition import CONTENT_TYPE_LATEST
        from starlette.responses import Response

        found = exposition(self.board.latest())
        return Response(found, headers={"content-type": CONTENT_TYPE_LATEST})

    async def confirm(self, request: Any) -> Any:
        """Permission to ask for a command."""
        given = await _body(request)
        if given is None or given.get("name") not in COMMANDS:
            return _refused(f"wanted a command: {', '.join(COMMANDS)}")
        return _json(text({"confirm": self.keys.confirmation(str(given["name"]))}))

    async def command(self, request: Any) -> Any:
        """Ask the run for what was confirmed."""
        given = await _body(request)
        if given is None or given.get("name") not in COMMANDS:
            return _refused(f"wanted a command: {', '.join(COMMANDS)}")
        name = str(given["name"])
        if not self.keys.confirmed(name, str(given.get("confirm", ""))):
            return _refused("the confirmation is too old or was used; ask again", 409)
        facts = {"flatten": True} if given.get("flatten") is True else {}
        return _json(text({"id": self.board.command(name, by="page", **facts)}))


async def _body(request: Any) -> dict[str, Any] | None:
    """Small JSON object of a request; None for anything else."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            return None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _refused(why: str, status: int = 400) -> Any:
    return _json(text({"error": why}), status)


def _json(content: str, status: int = 200) -> Any:
    from starlette.responses import Response

    return Response(content, status, media_type="application/json")


def _said(good: bool, why: str) -> Any:
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(f"{why}\n", 200 if good else 503)


@cache
def _read(package: str, name: str) -> bytes:
    return (resources.files(package) / "assets" / name).read_bytes()
