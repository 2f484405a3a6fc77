"""One connection at work: it is read, what it brings is handed over, its silence is noticed."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from tradewind.engine.secret import redacted
from tradewind.engine.streams import reasons
from tradewind.engine.streams.backlog import Backlog
from tradewind.engine.streams.facts import FeedNotice, FeedState, Sink, Tick
from tradewind.engine.streams.patience import Patience

SECOND_NS = 1_000_000_000
TURN_S, TURN_MESSAGES = 0.01, 100  # what is done before others in the event loop have their turn
LOOK_S = 0.5  # between two looks at a clock, at most
CLOSING_S = 1.0


class Connection(Protocol):
    """One connection of one client; never used again once it has failed."""

    async def open(self) -> None:
        """Connect and subscribe.

        Raises :class:`tradewind.engine.streams.supervisor.Slowed` where the other side wants fewer
        connections, ConfigError for what no other connection can mend, or whatever went wrong.
        """
        ...

    async def receive(self, sink: Sink) -> Sequence[Tick]:
        """Wait for the next message and give its ticks; unusable ones are told to ``sink``.

        Raises what :meth:`open` does when the connection is at its end.
        """
        ...

    async def close(self) -> None:
        """Let go of everything, within a second; what it raises is not looked at."""
        ...


class Mute(Exception):
    """A connection stands and brings nothing."""


class Telling:
    """Tells a sink how a feed is doing: each change once.

    Parameters
    ----------
    sink : Sink
    now : callable
        Our clock, UTC nanoseconds.
    """

    def __init__(self, sink: Sink, now: Callable[[], int]) -> None:
        self.state: FeedState | None = None
        self._sink, self._now, self._reason = sink, now, ""

    def tell(self, state: FeedState, reason: str, since: int = 0) -> None:
        """Tell a state that is news; one more reason to be down is."""
        if state is self.state and (state is not FeedState.DOWN or reason == self._reason):
            return
        self.state, self._reason = state, reason
        self._sink.notice(FeedNotice(state, self._now(), redacted(reason), since=since))


class Watch:
    """Watches over one connection.

    Parameters
    ----------
    sink : Sink
    told : Telling
    patience : Patience
    in_session : callable
        Whether the exchange trades at a moment (UTC ns): outside of it silence means nothing.
    now : callable
        Our clock, UTC nanoseconds.
    mute_s : float
        Silence after which the connection is given up before it has brought anything; then it is
        that of ``patience``.

    Attributes
    ----------
    known : int
        Stamp of the last tick, or when it came where it is stamped later than that; 0: none came.
    """

    def __init__(
        self,
        sink: Sink,
        told: Telling,
        patience: Patience,
        *,
        in_session: Callable[[int], bool],
        now: Callable[[], int],
        mute_s: float,
    ) -> None:
        self.known = 0
        self._sink, self._told, self._patience = sink, told, patience
        self._in_session, self._now, self._mute_s = in_session, now, mute_s
        self._backlog, self._came = Backlog(patience.most_held), asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._begun = self._heard = self._on_time = self._loop.time()
        self._lost_since = 0

    @property
    def lasted_s(self) -> float:
        """Seconds since the connection stood."""
        return self._loop.time() - self._begun

    async def run(self, connection: Connection) -> Exception:
        """Work until the connection is at its end; what ended it, for the caller to judge."""
        self._begun = self._heard = self._on_time = self._loop.time()
        reader = self._loop.create_task(self._read(connection))
        reader.add_done_callback(lambda _: self._came.set())
        try:
            while True:
                await self._news()
                await self._hand_over()
                if reader.done() and not self._backlog:
                    return _why(reader)
                if self._is_mute():
                    self._told.tell(
                        FeedState.STALE, f"no tick for {self._mute_s:g} s; connecting anew"
                    )
                    return Mute()
        finally:
            reader.cancel()
            await asyncio.wait({reader}, timeout=CLOSING_S)

    async def _news(self) -> None:
        """Wait for a tick, though not for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(LOOK_S, self._mute_s / 4.0)):
                await self._came.wait()
        self._came.clear()

    async def _read(self, connection: Connection) -> None:
        """Read as fast as messages come, and leave others their turn; ends with what is raised."""
        turn, n_messages = self._loop.time(), 0
        while True:
            ticks = await connection.receive(self._sink)
            for tick in ticks:
                lost = self._backlog.put(tick)
                if lost is not None:
                    self._lose(lost)
            if ticks:
                self._came.set()
            n_messages += 1
            if n_messages >= TURN_MESSAGES or self._loop.time() - turn > TURN_S:
                await asyncio.sleep(0)
                turn, n_messages = self._loop.time(), 0

    def _lose(self, tick: Tick) -> None:
        if not self._lost_since:
            self._lost_since = _known(tick.ts, tick.received)
            self._told.tell(
                FeedState.DELAYED,
                "ticks come faster than they are taken; the newest of each symbol are kept",
            )
        self._sink.dropped(reasons.OVERFLOW, f"{tick.symbol} at {tick.price:g}")

    async def _hand_over(self) -> None:
        turn = self._loop.time()
        while self._backlog:
            batch = self._backlog.take(TURN_MESSAGES)
            self._judge(batch)
            self._sink.ticks(batch)
            if self._loop.time() - turn > TURN_S:
                await asyncio.sleep(0)
                turn = self._loop.time()
        if self._lost_since:
            since, self._lost_since = self._lost_since, 0
            self._told.tell(FeedState.GAP, "ticks were lost: they came too fast", since)

    def _judge(self, batch: Sequence[Tick]) -> None:
        """Say that ticks come, on time or late.

        One late tick among others is that of a symbol that trades seldom; it takes ``delayed_s``
        with nothing but late ones to be delayed.
        """
        stamp, received = max(tick.ts for tick in batch), batch[-1].received
        self.known = max(self.known, _known(stamp, received))
        self._heard, self._mute_s = self._loop.time(), self._patience.mute_s
        late_s = (received - stamp) / SECOND_NS
        if late_s <= self._patience.delayed_s:
            self._on_time = self._heard
            if not self._lost_since:
                self._told.tell(FeedState.LIVE, "ticks come")
        elif self._heard - self._on_time >= self._patience.delayed_s and self._trades():
            self._told.tell(FeedState.DELAYED, f"ticks are {late_s:.0f} s old when they come")

    def _is_mute(self) -> bool:
        if self._trades():
            return self._loop.time() - self._heard >= self._mute_s
        self._heard = self._on_time = self._loop.time()
        if self._told.state is not FeedState.LIVE:
            self._told.tell(FeedState.LIVE, "connected; the exchange is closed")
        return False

    def _trades(self) -> bool:
        return self._in_session(self._now())


def _known(stamp: int, received: int) -> int:
    """A moment that is surely past: stamps may be of the future."""
    return min(stamp, received or stamp)


def _why(reader: "asyncio.Task[None]") -> Exception:
    """What ended a reader."""
    error = None if reader.cancelled() else reader.exception()
    if error is None:
        return ConnectionError("the client gave up")
    if isinstance(error, Exception):
        return error
    raise error
