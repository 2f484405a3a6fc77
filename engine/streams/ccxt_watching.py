"""Trades that an exchange streams, each taken as it comes.

By itself ccxt hands over what came since it was last asked, of one symbol at a time and at most a
thousand trades; one message that it cannot read ends its reading for good, without a word; and so
does a burst, because it takes messages out of a buffer behind the back of whoever fills it.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tradewind.engine.streams.optional import client

TOGETHER = 100  # symbols of one subscription
TURN_S = 0.01  # what is read before others in the event loop have their turn
ABNORMAL = 1006  # how a connection ends that nobody closed
SHOWN = 80  # characters of a message in the log


class Watching:
    """Streams of an exchange object.

    Parameters
    ----------
    made : ccxt.pro.Exchange
    symbols : sequence of str
    base_error : type
        Of ccxt's errors.

    Attributes
    ----------
    trades : list
        That came and were not taken.
    broken : list of str
        What came and could not be read.
    """

    def __init__(self, made: Any, symbols: Sequence[str], base_error: type[Exception]) -> None:
        self.trades: list[Any] = []
        self.broken: list[str] = []
        self._made, self._base_error = made, base_error
        self._cache = client("ccxt.async_support.base.ws.cache", wanted_by="paper.feed").BaseCache
        self._last: dict[Any, Any] = {}
        self._news, self._error = asyncio.Event(), None
        self._stands = asyncio.Event()
        self._client: Callable[[str], Any] = made.client
        made.client, made.on_connected = self._looked_into, self._connected
        together = made.has.get("watchTradesForSymbols")
        groups = [
            list(symbols[k : k + TOGETHER]) for k in range(0, len(symbols), TOGETHER)
        ]  # fmt: skip
        watches = (
            [partial(made.watch_trades_for_symbols, group) for group in groups] if together
            else [partial(made.watch_trades, name) for name in symbols]
        )  # fmt: skip
        self._tasks = [asyncio.create_task(self._watch(watch)) for watch in watches]

    async def begun(self) -> None:
        """Wait until a connection stands; raises what went wrong instead."""
        await self._stands.wait()
        if self._error is not None:
            raise self._error

    async def wait(self) -> None:
        """Wait until something came; raises what ended a stream."""
        while not self.trades and not self.broken:
            if self._error is not None:
                raise self._error
            self._news.clear()
            await self._news.wait()

    async def _watch(self, watch: Callable[[], Any]) -> None:
        try:
            while True:
                await watch()
        except asyncio.CancelledError:
            self._end(ConnectionError("the stream was closed"))
            raise
        except Exception as error:
            self._end(error)

    def _end(self, error: Any) -> None:
        self._error = self._error or error
        self._news.set()
        self._stands.set()

    def _connected(self, *about: Any) -> None:
        self._stands.set()

    def _looked_into(self, url: str) -> Any:
        """Client of an address, its messages looked at on their way."""
        found = self._client(url)
        if "handle_message" not in vars(found):
            found.receive_loop = partial(self._begin_reading, found)
            found.handle_message = partial(self._handle, found.handle_message)
            found.resolve = partial(self._resolve, found.resolve)
            found.future = partial(_watched, found.future)
            found.connected.add_done_callback(_seen)
        return found

    def _begin_reading(self, found: Any) -> None:
        self._tasks.append(asyncio.create_task(self._read(found)))

    async def _read(self, found: Any) -> None:
        """Read a connection to its end, as fast as messages come, and leave others their turn."""
        loop = asyncio.get_running_loop()
        turn = loop.time()
        try:
            while not found.closed():
                found.handle_message(await found.receive())
                if loop.time() - turn > TURN_S:
                    await asyncio.sleep(0)
                    turn = loop.time()
            found.on_close(ABNORMAL)
        except Exception as error:
            self._end(error)

    def _handle(self, handle: Callable[[Any], None], message: Any) -> None:
        try:
            handle(message)
        except self._base_error as error:
            self._end(error)
        except Exception as error:
            shown = str(getattr(message, "data", message))[:SHOWN]
            self.broken.append(f"{type(error).__name__}: {shown}")
            self._news.set()

    def _resolve(self, resolve: Callable[[Any, Any], Any], result: Any, about: Any) -> Any:
        if isinstance(result, self._cache):
            last, fresh = self._last.get(about), []
            for trade in reversed(result):
                if trade is last:
                    break
                fresh.append(trade)
            if fresh:
                self._last[about] = fresh[0]
                self.trades += reversed(fresh)
                self._news.set()
        return resolve(result, about)

    async def close(self) -> None:
        """Watch no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _watched(make: Callable[[Any], Any], about: Any) -> Any:
    """Future of a client, its failure looked at: of many that fail together one is waited for."""
    future = make(about)
    future.remove_done_callback(_seen)
    future.add_done_callback(_seen)
    return future


def _seen(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()
