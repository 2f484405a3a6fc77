"""Who is told what happens in a run: its log, its page, people far away."""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from tradewind.engine.journal.event import Event
from tradewind.engine.live import view
from tradewind.engine.live.account import Account
from tradewind.engine.live.facts import Command, Decision, records_of
from tradewind.engine.live.opening import REPLAY, Opened
from tradewind.engine.live.step_times import StepTimes
from tradewind.engine.records import label
from tradewind.engine.secret import redacted
from tradewind.engine.streams.facts import FeedNotice, FeedState, Skipped
from tradewind.engine.streams.intake import Intake

REFUSED, LINES = 50, 200


class Log(Protocol):
    """Where lines go; never raises."""

    def event(self, level: str, event: str, text: str, **facts: Any) -> None:
        """Write a line."""
        ...


class Teller:
    """Passes on what happens.

    Parameters
    ----------
    log : Log
    tell : callable
        ``tell(kind, text)``, for people who are not there.
    """

    def __init__(
        self, log: Log, tell: Callable[[str, str], None] = lambda kind, text: None
    ) -> None:
        self._log, self._tell = log, tell
        self._lines: deque[dict[str, Any]] = deque(maxlen=LINES)
        self._refused: deque[dict[str, Any]] = deque(maxlen=REFUSED)
        self._refusals: Counter[str] = Counter()
        self._times = StepTimes()
        self.since = time.time_ns()
        self.outcome = ""

    def event(self, level: str, event: str, text: str, **facts: Any) -> None:
        """Write a line to the log, and keep it for the page."""
        line = {"ts": time.time_ns(), "level": level, "event": event, "text": redacted(text)}
        self._lines.append(line)
        self._log.event(level, event, text, **facts)

    def began(self, opened: Opened) -> None:
        """The process has the run."""
        word = "goes on" if opened.resumed else "begins"
        panel = opened.account.book.panel
        where = f"{word} behind bar {panel.n_bars}, of {label(panel.ts[-1])}"
        if opened.resumed:  # the page shows what was refused before, too
            before = opened.journal.events(kinds=("refused",))
            self._refused.extend({"ts": event.at, **event.facts} for event in before)
        self.event("info", "start", f"{opened.home.run} {where}")
        self._tell("start", where)

    def feed(self, notice: FeedNotice) -> None:
        """A feed changed its state."""
        calm = notice.state in (FeedState.LIVE, FeedState.CONNECTING)
        self.event("info" if calm else "warning", "feed", f"{notice.state}: {notice.reason}")
        if notice.state in (FeedState.DOWN, FeedState.STALE, FeedState.GAP):
            self._tell("feed", f"the feed is {notice.state}: {notice.reason}")

    def skipped(self, item: Skipped, symbols: Sequence[str]) -> None:
        """Bars are not taken, which is in the journal."""
        when = f"that closes at {label(item.last)}" if item.first == item.last else (
            f"between {label(item.first)} and {label(item.last)}"
        )  # fmt: skip
        whose = f" of {', '.join(symbols)}" if symbols else ""
        text = f"no bar{whose} {when} is taken: {item.reason}"
        self.event("warning", "skipped", text)
        self._tell("feed", text)

    def turned(self, account: Account, events: Sequence[Event], seconds: float) -> None:
        """A bar was taken, in so many seconds, and is in the journal."""
        self._times.add(seconds)
        for event in events:
            if event.kind == "refused":
                self._was_refused(event)
            elif event.kind == "risk":
                self.event("error", "breach", str(event.facts["reason"]), **event.facts)
                self._tell("breach", str(event.facts["reason"]))
            elif event.kind == "fill":
                for fill in records_of([event], "fill"):
                    self._tell("fill", self._filled(account, fill))

    def _was_refused(self, event: Event) -> None:
        self._refused.append({"ts": event.at, **event.facts})
        self._refusals[str(event.facts["rule"])] += 1
        self.event("warning", "refused", str(event.facts["reason"]), **event.facts)
        self._tell("refused", str(event.facts["reason"]))

    @staticmethod
    def _filled(account: Account, fill: Any) -> str:
        name = account.book.panel.symbols[fill["symbol"]]
        word = "bought" if fill["qty"] > 0.0 else "sold"
        return f"{word} {abs(fill['qty']):g} {name} at {fill['price']:g}"

    def daily(self, sentence: str, others: Sequence[str] = ()) -> None:
        """A day is over and reported; others were caught up with and are not."""
        if others:
            sentence += (
                f"; {len(others)} days from {others[0]} to {others[-1]} were caught up with: "
                "'tradewind paper daily RUN --day DAY' reports one"
            )
        self.event("info", "daily", sentence)
        self._tell("daily", sentence)

    def obeyed(self, command: Command, events: Sequence[Event]) -> None:
        """A command was obeyed, and is in the journal."""
        self.event("info", "command", f"{command.name} by {command.by}", **command.facts)
        for event in events:
            if event.kind == "refused":  # what the kill switch withdraws
                self._was_refused(event)

    def ended(self, reason: str, *, failed: bool) -> None:
        """The process lets go of the run."""
        self.outcome = reason
        self.event("error" if failed else "info", "stop", reason)
        self._tell("error" if failed else "stop", reason)

    def view(
        self, opened: Opened, intake: Intake, decision: Decision | None, *, stopping: bool
    ) -> dict[str, Any]:
        """View of the run."""
        account = opened.account
        state, reason = view.state_of(account, stopping=stopping)
        if self.outcome:
            state, reason = "stopped", self.outcome
        now, shown = time.time_ns(), view.marked(account, intake.traded, intake.quoted_at)
        ages = {
            name: (now - int(at)) / 1e9
            for name, at in zip(intake.symbols, intake.quoted_at, strict=True)
            if at
        }
        return {
            "run": opened.home.run, "config": opened.parts.config.name, "state": state,
            "reason": reason, "now": now, "since": self.since,
            "mode": REPLAY if opened.config.feed.kind == REPLAY else "live",
            **view.account_view(account),
            "marked": shown,
            "feed": {
                "name": opened.config.feed.kind, "state": str(intake.state.state),
                "reason": intake.state.reason, "since": intake.state.at,
                "last_tick_age_s": min(ages.values(), default=None), "ticks": intake.n_ticks,
                "bars": account.book.panel.n_bars - account.first_row,
                "reconnects": intake.reconnects, "gaps": intake.gaps,
                "dropped": dict(intake.drops),
                "symbols": [{"symbol": name, "age_s": age} for name, age in ages.items()],
            },
            "risk": view.risk_view(account, decision),
            "refused": list(self._refused)[::-1], "log": list(self._lines)[::-1],
            "refusals": dict(self._refusals), "n_refused": self._refusals.total(),
            "steps": self._times.view(),
            "day_start_equity": view.day_start(account, int(shown["ts"]) if shown else 0),
        }  # fmt: skip
