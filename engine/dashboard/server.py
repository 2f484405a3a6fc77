"""The page's server, in a thread with a loop of its own: it cannot hold trading up."""

import asyncio
import logging
import socket
import threading
import time
from typing import Any, Self

from tradewind.engine.dashboard.app import Pages
from tradewind.engine.dashboard.board_protocol import BoardLike
from tradewind.engine.dashboard.guard import Keys
from tradewind.engine.errors import ConfigError

HOST = "127.0.0.1"  # and nothing else: whoever is far away comes through ssh
PATIENCE_S = 10.0
MOST_AT_ONCE = 64  # connections
log = logging.getLogger(__name__)


class Dashboard:
    """Serves the page of a run.

    Parameters
    ----------
    board : BoardLike
    port : int
        0: any that is free.
    keys : Keys, optional
        Secrets of this start; made anew by default.
    """

    def __init__(self, board: BoardLike, port: int = 0, *, keys: Keys | None = None) -> None:
        self._wanted = port
        self.keys = keys or Keys()
        self.port = 0
        self._pages = Pages(board, self.keys, lambda: self.port)
        self._server: Any = None
        self._thread: threading.Thread | None = None

    @property
    def place(self) -> str:
        """Address of the page, for whoever has the token."""
        return f"http://{HOST}:{self.port}/"

    @property
    def url(self) -> str:
        """Address of the page, with the token."""
        return f"{self.place}?token={self.keys.token}"

    def start(self) -> Self:
        """Listen; returns when it does.

        Raises
        ------
        ConfigError
            If the port is taken, or the packages that serve it are not installed.
        """
        uvicorn = _uvicorn()
        listener = listener_on(self._wanted)
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._pages.app(), log_config=None, access_log=False, server_header=False,
            lifespan="off", ws="none", proxy_headers=False, limit_concurrency=MOST_AT_ONCE,
            timeout_graceful_shutdown=2,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._serve, args=(listener,), name="page", daemon=True
        )
        self._thread.start()
        until = time.monotonic() + PATIENCE_S
        while not self._server.started and self._thread.is_alive() and time.monotonic() < until:
            time.sleep(0.01)
        return self

    def _serve(self, listener: socket.socket) -> None:
        try:
            with listener:
                asyncio.run(self._server.serve(sockets=[listener]))
        except BaseException:  # a page that fails must not end the run beside it
            log.exception("the page has failed; the run goes on without it")

    def stop(self) -> None:
        """Listen no more; pages that are open say that the connection is lost."""
        self._pages.closing = True
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(PATIENCE_S)


def check_port(port: int) -> None:
    """Refuse a port that another program has, and packages that are missing.

    Raises
    ------
    ConfigError
        Saying which.
    """
    _uvicorn()
    listener_on(port).close()


def listener_on(port: int) -> socket.socket:
    """Socket bound to this machine alone; raises ConfigError where the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(64)  # who comes before the server has begun waits for it
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"paper.dashboard.port: {port} cannot be listened on: {error.strerror}; "
            "name another, or 0 for any that is free"
        ) from None
    return listener


def _uvicorn() -> Any:
    """The package that serves; raises ConfigError where one of those needed is missing."""
    try:
        import prometheus_client  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise ConfigError(
            f"paper.dashboard: the page needs a package that is not installed ({error.name}); "
            "pip install 'tradewind[live]', or leave the page out with --no-page"
        ) from None
    return uvicorn
