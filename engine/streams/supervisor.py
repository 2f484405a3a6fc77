"""What every live connection needs and no client gives: somebody who watches over it.

A connection is used once. It is watched for silence, left when it breaks, and made anew after a
wait that grows and is never quite the same; what was missed is told as a gap.
"""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from tradewind.engine.errors import ConfigError
from tradewind.engine.streams.facts import FeedState, Sink
from tradewind.engine.streams.patience import Patience, Waits
from tradewind.engine.streams.watch import CLOSING_S, Connection, Mute, Telling, Watch

__all__ = ["Connection", "Patience", "Slowed", "Supervisor"]


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
    about : str
        What a person must know about the source; told at the start.
    """

    connect: Callable[[], Connection]
    patience: Patience = field(default_factory=Patience)
    in_session: Callable[[int], bool] = lambda now: True
    draw: random.Random = field(default_factory=random.Random)
    now: Callable[[], int] = time.time_ns
    about: str = ""
    _closing: set["asyncio.Task[None]"] = field(default_factory=set)

    async def run(self, sink: Sink) -> None:
        """Deliver until cancelled.

        Raises
        ------
        ConfigError
            For what no new connection can mend.
        """
        told, waits = Telling(sink, self.now), Waits(self.patience, self.draw)
        told.tell(FeedState.CONNECTING, f"connecting; {self.about}".removesuffix("; "))
        known = 0
        while True:
            watch = Watch(
                sink, told, self.patience, in_session=self.in_session, now=self.now,
                mute_s=waits.mute_s,
            )  # fmt: skip
            wait = await self._once(watch, told, waits, known)
            known = max(known, watch.known)
            await asyncio.sleep(wait)
            if watch.known or told.state is FeedState.STALE:
                told.tell(FeedState.CONNECTING, "connecting anew")

    async def _once(self, watch: Watch, told: Telling, waits: Waits, known: int) -> float:
        """One connection, from its making to its end; seconds to wait before the next."""
        connection: Connection | None = None
        try:
            try:
                connection = self.connect()
                async with asyncio.timeout(self.patience.open_s):
                    await connection.open()
            except TimeoutError:
                ended: Exception = ConnectionError(f"not open within {self.patience.open_s:g} s")
            except Exception as error:
                ended = error
            else:
                if known:
                    told.tell(FeedState.GAP, "connected again; something was missed", known)
                ended = await watch.run(connection)
                if watch.known:
                    waits.brought(watch.lasted_s)
                elif not isinstance(ended, Mute):
                    waits.stood(watch.lasted_s)
            return _told_why(ended, told, waits)
        finally:
            if connection is not None:
                await self._let_go(connection)

    async def _let_go(self, connection: Connection) -> None:
        """Close a connection; one whose other side is gone is not waited for for long."""
        closing = asyncio.create_task(_closed(connection))
        self._closing.add(closing)  # a loop alone does not keep its tasks
        closing.add_done_callback(self._closing.discard)
        await asyncio.wait({closing}, timeout=CLOSING_S)
        closing.cancel()  # clients there are that go on nevertheless


def _told_why(ended: Exception, told: Telling, waits: Waits) -> float:
    """Tell what ended a connection; how long to wait before the next one, in seconds."""
    if isinstance(ended, ConfigError):
        told.tell(FeedState.DOWN, f"refused for good: {ended}")
        raise ended
    if isinstance(ended, Mute):  # told when it was noticed
        return waits.muted()
    if isinstance(ended, Slowed):
        wait = waits.slowed(ended.wait_s)
        told.tell(FeedState.DOWN, f"{ended}; waiting {wait:.0f} s")
        return wait
    told.tell(FeedState.DOWN, f"{type(ended).__name__}: {ended}; connecting anew")
    return waits.failed()


async def _closed(connection: Connection) -> None:
    with suppress(Exception):
        await connection.close()
