"""The page's server, in a thread with a loop of its own: it cannot hold trading up."""

import asyncio
import socket
import threading
from typing import Any, Self

from tradewind.engine.dashboard.app import BoardLike, app_of
from tradewind.engine.dashboard.guard import Keys
from tradewind.engine.errors import ConfigError

HOST = "127.0.0.1"
PATIENCE_S = 10.0


class Dashboard:
    """Serves the page of a run.

    Parameters
    ----------
    board : BoardLike
    port : int
        0: any that is free.
    """

    def __init__(self, board: BoardLike, port: int = 0) -> None:
        self._board, self._wanted = board, port
        self.keys = Keys()
        self.port = 0
        self._server: Any = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Address of the page, with the token."""
        return f"http://{HOST}:{self.port}/?token={self.keys.token}"

    def start(self) -> Self:
        """Listen; returns when it does.

        Raises
        ------
        ConfigError
            If the port is taken, or the packages that serve it are not installed.
        """
        try:
            import starlette  # noqa: F401
            import uvicorn
        except ImportError as error:
            raise ConfigError(
                f"paper.dashboard: the page needs a package that is not installed ({error.name}); "
                "pip install 'tradewind[live]', or leave the page out with --no-page"
            ) from None
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, self._wanted))
        except OSError as error:
            listener.close()
            raise ConfigError(
                f"paper.dashboard.port: {self._wanted} cannot be listened on: {error.strerror}; "
                "name another, or 0 for any that is free"
            ) from None
        listener.listen(64)  # who comes before the server has begun waits for it
        self.port = listener.getsockname()[1]
        app = app_of(self._board, self.keys, lambda: self.port)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, lifespan="off",
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._serve, args=(listener,), name="page", daemon=True
        )
        self._thread.start()
        return self

    def _serve(self, listener: socket.socket) -> None:
        with listener:
            asyncio.run(self._server.serve(sockets=[listener]))

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(PATIENCE_S)
