"""What the page asks for, and what it is answered."""

import asyncio
import json
from collections.abc import AsyncIterator
from importlib import resources
from typing import Any, Protocol

from tradewind.engine.dashboard.guard import COOKIE, Guard, Keys, same
from tradewind.engine.dashboard.metrics import exposition
from tradewind.engine.jsonable import jsonable

COMMANDS = ("pause", "resume", "flatten", "stop", "kill", "thaw")
PUSH_S, BEAT_S = 0.25, 2.0  # between two looks at the board; between two signs of life
MOST_BYTES = 4096  # of a request
ASSETS = {
    "page.js": ("tradewind.engine.dashboard", "text/javascript"),
    "charts.js": ("tradewind.engine.dashboard", "text/javascript"),
    "page.css": ("tradewind.engine.dashboard", "text/css"),
    "echarts-6.1.0.min.js": ("tradewind.engine.report", "text/javascript"),
}


class BoardLike(Protocol):
    """What the page may see and ask."""

    def latest(self) -> dict[str, Any]:
        """View of the run."""
        ...

    def symbol(self, name: str) -> dict[str, Any]:
        """Bars, fills and forecasts of a symbol."""
        ...

    def command(self, name: str, *, by: str, **facts: Any) -> str:
        """Ask something of the run."""
        ...


def app_of(board: BoardLike, keys: Keys, port: Any) -> Any:
    """ASGI application over a board, with its guard.

    Parameters
    ----------
    board : BoardLike
    keys : Keys
    port : callable
        Gives the port it listens on.
    """
    from starlette.applications import Starlette
    from starlette.routing import Route

    pages = Pages(board, keys)
    routes = [
        Route("/", pages.page), Route("/health", pages.health), Route("/metrics", pages.metrics),
        Route("/assets/{name}", pages.asset), Route("/api/session", pages.session),
        Route("/api/state", pages.state), Route("/api/stream", pages.stream),
        Route("/api/symbol", pages.symbol),
        Route("/api/confirm", pages.confirm, methods=["POST"]),
        Route("/api/command", pages.command, methods=["POST"]),
    ]  # fmt: skip
    return Guard(Starlette(routes=routes), keys, port)


class Pages:
    """Answers to requests that the guard has let through."""

    def __init__(self, board: BoardLike, keys: Keys) -> None:
        self.board, self.keys = board, keys
        self.closing = False

    async def page(self, request: Any) -> Any:
        """The page; a token in its address is exchanged for a cookie and disappears from it."""
        from starlette.responses import RedirectResponse, Response

        if same(request.query_params.get("token", ""), self.keys.token):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(COOKIE, self.keys.session, httponly=True, samesite="strict")
            return answer
        return Response(_read("page.html"), media_type="text/html; charset=utf-8")

    async def asset(self, request: Any) -> Any:
        """A file of the page."""
        from starlette.responses import PlainTextResponse, Response

        name = request.path_params["name"]
        if name not in ASSETS:
            return PlainTextResponse("no such file\n", 404)
        return Response(_read(name), media_type=f"{ASSETS[name][1]}; charset=utf-8")

    async def session(self, request: Any) -> Any:
        """What only the page itself can read and must say with each command."""
        return _json({"csrf": self.keys.csrf})

    async def state(self, request: Any) -> Any:
        """The view, once."""
        return _json(self.board.latest())

    async def symbol(self, request: Any) -> Any:
        """One symbol."""
        return _json(self.board.symbol(request.query_params.get("name", "")))

    async def stream(self, request: Any) -> Any:
        """The view, whenever it is another one."""
        from starlette.responses import StreamingResponse

        return StreamingResponse(self._views(), media_type="text/event-stream")

    async def _views(self) -> AsyncIterator[bytes]:
        last, waited = "", 0.0
        while not self.closing:
            text = _text(self.board.latest())
            if text != last or waited >= BEAT_S:
                yield f"data: {text}\n\n".encode() if text != last else b"event: beat\ndata: 1\n\n"
                last, waited = text, 0.0
            await asyncio.sleep(PUSH_S)
            waited += PUSH_S

    async def health(self, request: Any) -> Any:
        """Whether the run works."""
        from starlette.responses import PlainTextResponse

        state = self.board.latest().get("state", "starting")
        return PlainTextResponse(f"{state}\n", 200 if state not in ("stopping",) else 503)

    async def metrics(self, request: Any) -> Any:
        """Numbers for Prometheus."""
        from starlette.responses import Response

        return Response(exposition(self.board.latest()), media_type="text/plain; version=0.0.4")

    async def confirm(self, request: Any) -> Any:
        """Permission to ask for a command."""
        given = await _body(request)
        name = given.get("name") if given is not None else None
        if name not in COMMANDS:
            return _refused(f"wanted a command: {', '.join(COMMANDS)}")
        return _json({"confirm": self.keys.confirmation(str(name))})

    async def command(self, request: Any) -> Any:
        """Ask the run for what was confirmed."""
        given = await _body(request)
        if given is None or given.get("name") not in COMMANDS:
            return _refused(f"wanted a command: {', '.join(COMMANDS)}")
        name = str(given["name"])
        if not self.keys.confirmed(name, str(given.get("confirm", ""))):
            return _refused("the confirmation is too old or was used; ask again", 409)
        facts = {"flatten": True} if given.get("flatten") is True else {}
        return _json({"id": self.board.command(name, by="page", **facts)})


async def _body(request: Any) -> dict[str, Any] | None:
    """Small JSON object of a request; None for anything else."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            return None
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _refused(why: str, status: int = 400) -> Any:
    from starlette.responses import JSONResponse

    return JSONResponse({"error": why}, status)


def _json(value: Any) -> Any:
    from starlette.responses import Response

    return Response(_text(value), media_type="application/json")


def _text(value: Any) -> str:
    return json.dumps(jsonable(value), allow_nan=False, separators=(",", ":"))


def _read(name: str) -> bytes:
    package = ASSETS.get(name, ("tradewind.engine.dashboard", ""))[0]
    return (resources.files(package) / "assets" / name).read_bytes()
