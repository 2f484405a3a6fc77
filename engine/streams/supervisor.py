"""What every live connection needs and no client gives: somebody who watches over it.

A connection is used once. It is watched for silence, left when it breaks, and made anew after a
wait that grows and is never quite the same; what was missed is told as a gap.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from tradewind.engine.errors import ConfigError
from tradewind.engine.secret import redacted
from tradewind.engine.streams.facts import FeedNotice, FeedState, Sink, Tick

SECOND_NS = 1_000_000_000
TURN_S, TURN_MESSAGES = 0.01, 100  # what a connection may do before others have their turn
CLOSING_S = 2.0


class Connection(Protocol):
    """One connection of one client; never used again once it has failed."""

    async def open(self) -> None:
        """Connect and subscribe; raises :class:`Slowed`, ConfigError or whatever went wrong."""
        ...

    async def receive(self, sink: Sink) -> Sequence[Tick]:
        """Wait for the next message and give its ticks; unusable ones are told to ``sink``.

        Raises whatever ends the connection.
        """
        ...

    async def close(self) -> None:
        """Let go of everything; must not fail on a connection that is broken."""
        ...


class Slowed(Exception):
    """The other side wants fewer connections or requests.

    Attributes
    ----------
    wait_s : float
        How long it asks for; 0: it did not say.
    """

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a supervisor waits for what.

    Attributes
    ----------
    open_s : float
        For a connection to stand.
    mute_s : float
        For a message while the exchange trades.
    delayed_s : float
        Messages older than this by their own clock are delayed.
    first_wait_s, longest_wait_s : float
        Before a new connection.
    slowed_s : float
        Before a new connection where the other side asked for fewer.
    """

    open_s: float = 10.0
    mute_s: float = 20.0
    delayed_s: float = 10.0
    first_wait_s: float = 0.25
    longest_wait_s: float = 4.0
    slowed_s: float = 30.0


@dataclass
class Supervisor:
    """Keeps a feed connected.

    Attributes
    ----------
    connect : callable
        Makes a new connection object.
    patience : Patience
    in_session : callable
        Whether the exchange trades at a moment (UTC ns): outside of it silence means nothing.
    draw : Random
        For the jitter of the waits.
    now : callable
        Our clock, UTC nanoseconds.
    """

    connect: Callable[[], Connection]
    patience: Patience = field(default_factory=Patience)
    in_session: Callable[[int], bool] = lambda now: True
    draw: random.Random = field(default_factory=random.Random)
    now: Callable[[], int] = time.time_ns
    _state: FeedState | None = None
    _last_tick: int = 0

    async def run(self, sink: Sink) -> None:
        """Deliver until cancelled.

        Raises
        ------
        ConfigError
            For what no new connection can mend.
        """
        failures = 0
        while True:
            self._tell(sink, FeedState.CONNECTING, "connecting")
            connection = self.connect()
            wait = 0.0
            begun = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(self.patience.open_s):  # wait_for may lose a cancel
                    await connection.open()
                if self._last_tick:
                    self._tell(
                        sink, FeedState.GAP, "connected again; what came meanwhile is missing",
                        since=self._last_tick,
                    )  # fmt: skip
                await self._listen(connection, sink)
            except ConfigError:
                self._tell(sink, FeedState.DOWN, "refused for good")
                raise
            except Slowed as slowed:
                wait = max(self.patience.slowed_s, slowed.wait_s)
                self._down(sink, f"{slowed}; waiting {wait:.0f} s")
            except asyncio.CancelledError:
                await self._close(connection)
                raise
            except Exception as error:
                self._down(sink, f"{type(error).__name__}: {error}")
            await self._close(connection)
            lasted = asyncio.get_running_loop().time() - begun
            failures = 0 if lasted > self.patience.mute_s else failures + 1
            await asyncio.sleep(wait or self._pause(failures))

    async def _listen(self, connection: Connection, sink: Sink) -> None:
        """Take messages until the connection ends; every end is an exception."""
        loop = asyncio.get_running_loop()
        turn, n_messages = loop.time(), 0
        while True:
            try:
                async with asyncio.timeout(self.patience.mute_s):
                    ticks = await connection.receive(sink)
            except TimeoutError:
                if not self.in_session(self.now()):
                    continue
                self._tell(
                    sink,
                    FeedState.STALE,
                    f"no message for {self.patience.mute_s:g} s; reconnecting",
                )
                raise ConnectionError("mute") from None
            if ticks:
                self._judge(ticks[-1], sink)
                sink.ticks(ticks)
                self._last_tick = max(self._last_tick, ticks[-1].ts)
            n_messages += 1
            if n_messages >= TURN_MESSAGES or loop.time() - turn > TURN_S:
                await asyncio.sleep(0)
                turn, n_messages = loop.time(), 0

    def _judge(self, tick: Tick, sink: Sink) -> None:
        """Say that messages come, on time or late."""
        late_s = (tick.received - tick.ts) / SECOND_NS
        if late_s > self.patience.delayed_s:
            self._tell(sink, FeedState.DELAYED, f"messages are {late_s:.0f} s old when they come")
        else:
            self._tell(sink, FeedState.LIVE, "messages come")

    def _tell(self, sink: Sink, state: FeedState, reason: str, since: int = 0) -> None:
        if state is not self._state:
            self._state = state
            sink.notice(FeedNotice(state, self.now(), redacted(reason), since=since))

    def _down(self, sink: Sink, reason: str) -> None:
        self._tell(sink, FeedState.DOWN, reason)

    def _pause(self, failures: int) -> float:
        """Seconds before the next connection: longer after each failure, up to a limit."""
        most = min(
            self.patience.first_wait_s * 2.0 ** max(failures - 1, 0), self.patience.longest_wait_s
        )
        return most * self.draw.uniform(0.5, 1.0)

    async def _close(self, connection: Connection) -> None:
        """Let go of a connection; one whose other side is gone is not waited for."""
        closing = asyncio.create_task(_closed(connection))
        done, _ = await asyncio.wait({closing}, timeout=CLOSING_S)
        if not done:
            closing.cancel()


async def _closed(connection: Connection) -> None:
    with suppress(Exception):
        await connection.close()
