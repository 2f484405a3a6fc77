"""A paper run as a process: a feed, a clock and people on one side, the account on the other.

One event loop takes what comes; one thread beside it does what takes time - forecasts, decisions,
the journal - a turn after the other. Whatever a turn decided is in the journal before anything is
done about it.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from tradewind.engine.errors import TradewindError
from tradewind.engine.features.stream import Row
from tradewind.engine.journal.event import Event
from tradewind.engine.live import control, standing
from tradewind.engine.live.answers import Answers
from tradewind.engine.live.asking import SIGNALS, Asking, fault_of, label_of
from tradewind.engine.live.board import Board
from tradewind.engine.live.daily import write_day
from tradewind.engine.live.dispatch import Dispatch
from tradewind.engine.live.facts import Command, Decision, Mode
from tradewind.engine.live.inbox import BarCame, Ended, Inbox, Item
from tradewind.engine.live.opening import REPLAY, Opened
from tradewind.engine.live.sendings import Sendings
from tradewind.engine.live.showing import Showing
from tradewind.engine.live.telling import Teller
from tradewind.engine.records import Ints
from tradewind.engine.secret import redacted
from tradewind.engine.streams.backfill import GapFiller, missed
from tradewind.engine.streams.facts import FeedNotice, LiveFeed, Skipped, Tick
from tradewind.engine.streams.intake import MUTE_S, Intake
from tradewind.engine.types import Bar
from tradewind.engine.venues.facts import Venue, VenueReport

SHOW_S, IDLE_S = 0.25, 1.0  # between two views: while turns come, and while none does
LOOK_S = 0.2  # between two looks at the clock, the board and the control folder
SNAPSHOT_EVENTS = 100_000  # at most so many between snapshots: a restart reads them again
Reached = Callable[[str], None]


class Process:
    """One run at work.

    Parameters
    ----------
    opened : Opened
    feed : LiveFeed
    board : Board
    teller : Teller
        Who is told what happens: log, notifications, progress.
    reached : callable
        Told the name of each step before and after it: tests kill the process there.
    venue : Venue or None
        Broker outside; None: our rule book fills the orders.
    """

    def __init__(
        self,
        opened: Opened,
        feed: LiveFeed,
        *,
        board: Board,
        teller: Teller,
        reached: Reached = lambda name: None,
        venue: Venue | None = None,
    ) -> None:
        self.opened, self.feed, self.board, self.teller = opened, feed, board, teller
        self.reached = reached
        self.replays = opened.config.feed.kind == REPLAY
        self.intake = Intake(opened.account.book.panel, opened.config.ticks)
        self.venue, self._thread = venue, ThreadPoolExecutor(1, "turns")
        self._to_send = asyncio.Event()
        self.sendings = Sendings(opened.home.run, opened.sent)
        self.stopping = self.stops = ""
        self.decision: Decision | None = None
        self._day: int | None = None
        self._days_over: list[str] = []  # and not reported
        self._inbox = Inbox()
        self.asking = Asking(opened.home.control, board, self._inbox, teller)
        self.n_bars = self._since_snapshot = 0
        self._unsummed = standing.EVERY if opened.resumed else 0
        self.showing = Showing(board, teller, opened, self.intake)
        self._idle: asyncio.Future[None] | None = None
        data, intake = opened.parts.config.data, self.intake
        self.filler = GapFiller(
            intake.maker,
            lambda since: missed(feed, data, intake.symbols, since, intake.interval),
            tell=lambda level, text: teller.event(level, "gap", text),
        )

    async def run(self) -> None:
        """Work until the feed ends or somebody says stop; the journal then says why.

        Raises
        ------
        TradewindError
            What ended the run, after it was written down.
        """
        loop = asyncio.get_running_loop()
        for number, name in SIGNALS.items():
            with suppress(NotImplementedError, RuntimeError):  # not everywhere, not in threads
                loop.add_signal_handler(number, self.asking.signalled, name, number)
        tasks = [asyncio.create_task(self._kept(partial(self.feed.run, self))),
                 asyncio.create_task(self._look())]  # fmt: skip
        if not self.replays:  # the history may have ended long before the first tick
            patience = getattr(self.feed, "patience", None)
            self.intake.begin(time.time_ns(), getattr(patience, "mute_s", MUTE_S))
            self.filler.wake()
        failure: BaseException | None = None
        try:
            await loop.run_in_executor(self._thread, self._began)
            tasks.append(asyncio.create_task(self._listen()))
            if self.venue is not None:
                for work in (partial(self.venue.run, self.answers),
                             partial(self._send, self.venue)):  # fmt: skip
                    tasks.append(asyncio.create_task(self._kept(work)))
            while not self.stopping:
                item = await self._inbox.get()
                await loop.run_in_executor(self._thread, self._turn, item)
                self.n_bars += isinstance(item, BarCame)
                self._to_send.set()
        except BaseException as error:
            failure = error
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, self.filler.close(), return_exceptions=True)
            self._thread.shutdown()
            self._ended(failure)

    async def _send(self, venue: Venue) -> None:
        """Send what turns have made, again and again; first settle what an earlier life left."""
        loop = asyncio.get_running_loop()

        async def write(events: list[Event]) -> None:
            await loop.run_in_executor(self._thread, self._write, events)

        def later(seconds: float, do: Callable[[], None]) -> None:
            loop.call_later(seconds, do)
            loop.call_later(seconds, self._to_send.set)

        dispatch = Dispatch(
            self.opened.account, venue, self.sendings, write=write, hear=self._inbox.put,
            aside=partial(loop.run_in_executor, self._thread), later=later, reached=self.reached,
            tell=partial(self.teller.event, "warning", "venue"),
        )  # fmt: skip
        await dispatch.settle()
        while True:
            await self._to_send.wait()
            self._to_send.clear()
            await dispatch.send()

    @property
    def answers(self) -> "Answers":
        """Where a broker's answers go."""
        return Answers(self._inbox, self.teller, self.sendings)

    async def _kept(self, work: Callable[[], Awaitable[None]]) -> None:
        """Work that the run ends with, as it ends where that fails for good."""
        error: BaseException | None = None
        try:
            await work()
        except asyncio.CancelledError:
            raise
        except BaseException as failed:
            error = failed
        await self._inbox.put(Ended(error))

    async def _listen(self) -> None:
        """Look, again and again, for what is asked; never waits for a turn."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.asking.look()

    async def _look(self) -> None:
        """Look, again and again, at the clock and what was not used."""
        while True:
            now = time.time_ns()
            due = None if self.replays else self.intake.maker.due_after(now)
            await asyncio.sleep(LOOK_S if due is None else min(LOOK_S, (due - now) / 1e9))
            if self._idle is None or self._idle.done():  # while a turn works it waits
                loop = asyncio.get_running_loop()
                self._idle = loop.run_in_executor(self._thread, self._show, IDLE_S)
            for told in self.intake.drops.news(time.time_ns()):
                self.teller.event("info", "drop", told)
            if not self.replays:
                if skewed := self.intake.skew.news():
                    self.teller.event("warning", "clock", skewed)
                await self._advance(time.time_ns())

    async def _advance(self, now: int) -> None:
        """Take the bars that are over, and write down those that nobody knows whole."""
        rows = self.intake.advance(now)
        self.intake.filling = self.filler.state
        skipped, self.intake.maker.skipped = self.intake.maker.skipped, []
        for item in skipped:
            await self._inbox.put(item)
        for row in rows:
            await self.row(row, (), self.intake.quoted_at.copy())

    async def row(self, row: Row, leaving: tuple[int, ...], quoted_at: Ints | None = None) -> None:
        """Take a bar of every symbol."""
        if quoted_at is None:
            quoted_at = np.where(np.isnan(row.close), 0, row.ts).astype(np.int64)
        await self._inbox.put(BarCame(row, leaving, quoted_at))

    async def clock(self, now: int, leaving: tuple[int, ...]) -> None:
        """Let the bars out that a replay says are complete."""
        late = int(self.opened.config.ticks.lateness_s * 1e9)
        for row in self.intake.advance(now + late):
            await self.row(row, leaving if row.ts == now else (), self.intake.quoted_at.copy())

    def ticks(self, batch: Sequence[Tick]) -> None:
        """Take ticks; those that are not believed are counted."""
        self.intake.take(batch)

    def bars(self, closed: Sequence[Bar]) -> None:
        """Take bars that closed together, of a source that makes them itself."""
        self.intake.maker.put(self.intake.take_bars(closed, now=time.time_ns()))

    def notice(self, notice: FeedNotice) -> None:
        """Take a change of the feed's state."""
        notice = notice._replace(reason=redacted(notice.reason))
        self.intake.heard(notice)
        self.teller.feed(notice)
        if self.intake.maker.holes.matter and not self.replays:
            self.filler.wake()
        with suppress(asyncio.QueueFull):
            self._inbox.put_nowait(notice)

    def dropped(self, reason: str, what: str) -> None:
        """Count a message that could not be used."""
        self.intake.count(reason, what)

    def _began(self) -> None:
        """First thing in the thread: say that this process has the run, and do what was asked.

        What was left for an earlier process, and what the command that began this one asks, is
        done before the first bar.
        """
        opened = self.opened
        if opened.resumed:
            self._write([Event(0, time.time_ns(), "resumed", {"process": os.getpid()})])
        self.teller.began(opened)
        if fault := control.sign_in(opened.home.control):
            self.teller.event("warning", "control", fault)
        for command in [*self.asking.left_before(opened.left), *opened.asks]:
            self._obey(command)
        self._show()

    def _turn(self, item: Item) -> None:
        match item:
            case BarCame():
                self._bar(item)
            case Command():
                self._obey(item)
            case VenueReport():
                self.reached("before_fill")
                self._write(self.opened.account.answer(item._replace(reason=redacted(item.reason))))
                self.reached("after_fill")
            case FeedNotice():
                facts = {"state": str(item.state), "reason": item.reason, "since": item.since,
                         "symbols": list(item.symbols)}  # fmt: skip
                self._write([Event(0, item.at, "feed", facts)])
            case Skipped():
                self._skip(item)
            case Ended():
                if item.error is not None:
                    raise item.error
                self.stopping = "the feed is at its end"
        self._show(0.0 if self.stopping else SHOW_S)

    def _skip(self, item: Skipped) -> None:
        """Write down bars that are not taken: no decision is made on what nobody knows whole."""
        symbols = [self.intake.symbols[k] for k in item.columns]
        facts = {"first": item.first, "last": item.last, "symbols": symbols, "reason": item.reason}
        self._write([Event(0, time.time_ns(), "skipped", facts)])
        self.teller.skipped(item, symbols)

    def _bar(self, came: BarCame) -> None:
        account, ts = self.opened.account, came.row.ts
        self.reached("bar")
        begun = time.perf_counter()
        now = ts if self.replays else time.time_ns()
        stale = self.opened.config.risk.stale_s is not None
        quoted_at = came.quoted_at if stale else np.zeros(len(came.quoted_at), np.int64)
        leaving = tuple(sorted({*came.leaving, *account.leaving}))
        self.decision = Decision(now, self.intake.day_of(ts), self._mode(), leaving, quoted_at)
        events = account.bar(came.row, self.decision)
        self._unsummed += len(events)
        if self._unsummed >= standing.EVERY:
            events, self._unsummed = [*events, standing.standing_event(account.book, ts)], 0
        self.reached("before_intent")
        self._write(events)
        self.reached("after_intent")
        self.teller.turned(account, events, time.perf_counter() - begun)
        self._day_over(self.decision.day)
        if self.stops:
            self._stop_when_flat()
        self._since_snapshot += 1
        journal, bars = self.opened.journal, self.opened.config.journal.snapshot_bars
        if self._since_snapshot >= bars or journal.since_snapshot >= SNAPSHOT_EVENTS:
            self._snapshot()

    def _mode(self) -> Mode:
        """Whether the strategy is asked; a broker outside trades an old bar at today's price."""
        mode, outside = self.opened.account.mode, self.venue is not None and not self.replays
        return Mode.BEHIND if outside and mode is Mode.LIVE and self._inbox.bars else mode

    def _day_over(self, day: int) -> None:
        """Report the day before, where a new one has begun; a replay has too many of them.

        Of days that are caught up with there is one report, of the last that is over.
        """
        before, self._day = self._day, day
        if self.replays:
            return
        if before not in (None, day):
            self._days_over.append(str(np.datetime64(before, "D")))
        if not self._days_over or self._inbox.bars:
            return
        (*others, last), self._days_over = self._days_over, []
        try:
            found, page = write_day(self.opened.home, last)
        except TradewindError as error:
            self.teller.event("warning", "daily", str(error))
            return
        facts = {"day": found.day, "page": page.name, "pnl": found.pnl}
        self._write([Event(0, time.time_ns(), "daily", facts)])
        self.teller.daily(found.sentence, others)

    def _snapshot(self) -> None:
        self.reached("before_snapshot")
        self.opened.journal.keep_snapshot(self.opened.journal.count, self.opened.account.dump())
        self.opened.account.book.give_back(now=True)  # it has looked at everything
        self.reached("after_snapshot")
        self._since_snapshot = 0

    def _obey(self, command: Command) -> None:
        self.reached("before_command")
        if fault := fault_of(command, self.intake.symbols):
            said = {"refused": label_of(command), "reason": fault}
            self._write([Event(0, time.time_ns(), "note", said)])
            self.asking.refuse(command, fault)
            return
        events = self.opened.account.obey(command)
        self._write(events)
        self.reached("after_command")
        self.teller.obeyed(command, events)
        self.asking.done(command)
        if command.name == "stop":
            self.stops = f"stop by {command.by}"
            self._stop_when_flat(closing=bool(command.facts.get("flatten")))

    def _stop_when_flat(self, *, closing: bool = True) -> None:
        """Stop, where positions are to be closed first as soon as they are."""
        book = self.opened.account.book
        if not closing or not (len(book.working) or book.state.qty.any()):
            self.stopping = self.stops

    def _write(self, events: Sequence[Event]) -> None:
        self.opened.journal.append(events)

    def _show(self, every_s: float = 0.0) -> None:
        self.showing.show(self.decision, stopping=bool(self.stopping), every_s=every_s)

    def _ended(self, failure: BaseException | None) -> None:
        """Last thing: say why, keep a snapshot, let go of the journal."""
        why = self.stopping or "interrupted"
        for told in self.intake.drops.news():
            self.teller.event("info", "drop", told)
        facts: dict[str, Any] = {"reason": why}
        if failure is not None and not isinstance(failure, asyncio.CancelledError):
            facts = {"reason": redacted(f"{type(failure).__name__}: {failure}")}
        try:
            self._write([Event(0, time.time_ns(), "stopped", facts)])
            self._snapshot()
        except Exception as error:
            self.teller.event("error", "journal", str(error))
        finally:
            self.asking.close()
            self.opened.journal.close()
            control.sign_out(self.opened.home.control)
            self.teller.ended(facts["reason"], failed=failure is not None)
            self._show()
