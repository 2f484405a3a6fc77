"""The account of a paper run: what a bar, a command or a broker's answer makes of it.

Nothing here knows a clock, a network, a file or a page. The same inputs give the same outputs, in
every bit, now and when a journal is read back: that is how a run goes on after it was killed.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tradewind.engine.config.run import RunConfig
from tradewind.engine.executors import state as states
from tradewind.engine.executors.paper import PaperBook, Step
from tradewind.engine.features.stream import Row
from tradewind.engine.journal.event import Event
from tradewind.engine.live import packing
from tradewind.engine.live.facts import (
    Command,
    Decision,
    Mode,
    bar_event,
    command_event,
    decision_event,
    forecast_event,
    record_events,
    report_event,
)
from tradewind.engine.live.prospect import Prospect, Said
from tradewind.engine.live.refusing import asked_of, judged, withdrawn
from tradewind.engine.protocols import Strategy
from tradewind.engine.records import Floats, Ints, Panel
from tradewind.engine.risk.facts import Breach, Situation
from tradewind.engine.risk.gate import Gate
from tradewind.engine.venues.facts import ReportKind, VenueReport
from tradewind.engine.venues.ids import number_in

ENDINGS = {
    ReportKind.REJECTED: states.BY_VENUE,
    ReportKind.CANCELLED: states.BY_USER,
    ReportKind.EXPIRED: states.EXPIRED,
}


@dataclass(slots=True)
class Account:
    """What is held, what works, what was said, and whether orders may be sent.

    Attributes
    ----------
    run : str
        Its orders are called ``RUN-NUMBER``.
    book : PaperBook
    prospect : Prospect
    gate : Gate
    mode : Mode
    leaving : list of int
        Columns that a person said have stopped trading; they leave with the next bar.
    first_row : int
        Of the panel that is no history.
    obeyed : set of str
        Commands by their id: one that comes again, because a process was killed before it could
        say that it had obeyed, is not obeyed twice.
    heard : set of str
        What a broker outside said, by its ids.
    closing : bool
        Whether everything is to be closed, and is not yet.
    """

    run: str
    book: PaperBook
    prospect: Prospect
    gate: Gate
    mode: Mode = Mode.LIVE
    leaving: list[int] = field(default_factory=list)
    first_row: int = 0
    obeyed: set[str] = field(default_factory=set)
    heard: set[str] = field(default_factory=set)
    closing: bool = False

    @classmethod
    def begin(
        cls,
        run: str,
        config: RunConfig,
        strategy: Strategy,
        history: Panel,
        prospect: Prospect,
        gate: Gate,
        *,
        bars_per_year: float,
        start: int,
        at_a_venue: bool = False,
    ) -> "Account":
        """Account before its first bar; the arguments are those of :class:`PaperBook`."""
        book = PaperBook(
            config, strategy, history, bars_per_year=bars_per_year, start=start,
            at_a_venue=at_a_venue,
        )  # fmt: skip
        return cls(run, book, prospect, gate, first_row=history.n_bars)

    def bar(self, row: Row, decision: Decision, said: Said | None = None) -> list[Event]:
        """Take the next bar: fills, then what the strategy decides at its close.

        Parameters
        ----------
        row : Row
        decision : Decision
        said : Said or None
            What was said at its close in an earlier life; None: it is said now.

        Returns
        -------
        list of Event
            Inputs first, then everything that came of them.
        """
        book, n = self.book, self.book.panel.n_bars
        panel = book.take(row, decision.leaving)
        if said is None or self.prospect.whole:
            said = self.prospect.next(panel)
        else:
            self.prospect.keep(said)
        undoes = self.gate.flattens or self.closing
        asks = decision.mode is Mode.LIVE and not undoes
        step = book.step(self.prospect.signals(panel), asks=asks)
        seen = self.situation(decision)
        breach = self.gate.mark(seen)
        refused = judged(book, self.gate, self.run, step.asked, step.changed, seen)
        ended, stray = withdrawn(book, self.gate, self.run, seen)
        changed = np.union1d(step.changed, ended)
        if breach is not None and breach.flatten:
            changed = np.union1d(changed, self._flatten())
        elif self.closing:
            changed = np.union1d(changed, self._close_rest())
        events = [bar_event(n, row, tuple(panel.columns), decision.leaving)]
        events += filter(None, [forecast_event(row.ts, said)])
        events.append(decision_event(n, row.ts, decision))
        events += self._outputs(n, row.ts, step, changed)
        events += refused + stray
        events += [] if breach is None else [self._breach_event(row.ts, breach)]
        self.leaving = [k for k in self.leaving if k not in decision.leaving]
        return events

    def _outputs(self, n: int, at: int, step: Step, changed: Ints) -> list[Event]:
        events = record_events("fill", n, at, step.fills)
        events += record_events("happening", n, at, step.happenings)
        events += record_events("order", n, at, self.book.orders[changed])
        facts: dict[str, Any] = {
            "n": n, "ts": at, "equity": step.equity, "cash": step.cash, "gross": step.gross
        }  # fmt: skip
        if self.gate.closed:
            facts["barred"] = self.gate.closed
        return [*events, Event(0, at, "equity", facts)]

    def obey(self, command: Command) -> list[Event]:
        """Do what a command asks, between two bars; nothing for one that was obeyed before."""
        if command.id in self.obeyed:
            return []
        self.obeyed.add(command.id)
        events = [command_event(command)]
        name = command.name
        symbol = str(command.facts.get("symbol", ""))
        if name in ("pause", "flatten"):
            self.mode = Mode.PAUSED
        elif name == "resume":
            self.mode = Mode.LIVE
            self.closing &= bool(self.gate.killed or self.gate.flattens)
        elif name == "thaw":
            self.gate.thaw()
            self.mode, self.closing = Mode.LIVE, False
        elif name == "stop" and command.facts.get("flatten"):
            self.mode = Mode.PAUSED
        elif name == "kill":
            self.mode = Mode.STOPPED
            self.gate.kill(str(command.facts.get("reason", f"by {command.by}")))
        elif name == "halt":
            self.gate.halt(symbol, str(command.facts.get("reason", f"by {command.by}")))
        elif name == "unhalt":
            self.gate.unhalt(symbol)
        elif name == "delist":
            self.leaving.append(self.book.panel.column(symbol))
        if name == "flatten" or command.facts.get("flatten"):
            events += self._flattened(command.at)
        elif name == "kill":
            events += self._withdrawn(command.at)
        return events

    def _withdrawn(self, at: int) -> list[Event]:
        """What works and would add ends with the kill switch, not with the next bar."""
        book = self.book
        if book.market is None:
            return []
        seen = self.situation(
            Decision(at, 0, self.mode, (), np.zeros(len(book.state.qty), np.int64))
        )
        ended, events = withdrawn(book, self.gate, self.run, seen)
        return record_events("order", book.panel.n_bars - 1, at, book.orders[ended]) + events

    def answer(self, report: VenueReport) -> list[Event]:
        """Take what a broker outside said; nothing for what it said before."""
        number = self.number_of(report.client_id)
        if number is None or report.id in self.heard:
            return []
        self.heard.add(report.id)
        book, before = self.book, self._standing()
        n_fills = len(book.fills)
        works = book.orders[number]["reason"] == states.WORKING
        if report.kind is ReportKind.FILL:
            book.fill(number, report.qty, report.price, report.fee)
        elif works and report.kind in ENDINGS:
            book.end(number, ENDINGS[report.kind])
        n = book.panel.n_bars - 1
        changed = [i for i, was in before.items() if book.orders[i].tobytes() != was]
        events = [report_event(report)]
        events += record_events("fill", n, report.at, book.fills[n_fills:])
        return events + record_events("order", n, report.at, book.orders[changed])

    def _standing(self) -> dict[int, bytes]:
        """Orders that a broker's answer may change, as they are."""
        return {int(i): self.book.orders[i].tobytes() for i in self.book.unended()}

    def number_of(self, client_id: str) -> int | None:
        """Number of the order that a broker knows by this id; None for one of another run."""
        number = number_in(client_id, self.run)
        return number if number is not None and number < len(self.book.orders) else None

    def _flattened(self, at: int) -> list[Event]:
        """Orders that close everything, where there has been a bar to decide at."""
        if self.book.market is None:
            self.closing = bool(self.book.state.qty.any())
            return []
        changed = self._flatten()
        return record_events("order", self.book.panel.n_bars - 1, at, self.book.orders[changed])

    def _flatten(self) -> Ints:
        """Numbers of the orders that ended or began."""
        worked = self.book.working.copy()
        changed = np.union1d(worked, self.book.flatten()).astype(np.int64)
        self.closing = bool(self.book.state.qty.any())
        return changed

    def _close_rest(self) -> Ints:
        """Ask again for what an earlier order to close it has left: not filled, or refused."""
        book = self.book
        self.closing = bool(book.state.qty.any())
        left = book.unclosed()
        if not len(left):
            return np.empty(0, np.int64)
        worked = book.working[np.isin(book.orders["symbol"][book.working], left)]
        return np.union1d(worked, book.flatten(left)).astype(np.int64)

    def situation(self, decision: Decision) -> Situation:
        """What the gate may look at when orders of the last close are asked for."""
        book = self.book
        before = book.working[book.orders["bar"][book.working] != book.panel.n_bars - 1]
        return Situation(
            now=decision.now, day=decision.day, equity=float(book.state.equity[0]),
            qty=book.state.qty, price=book.prices(), quoted_at=decision.quoted_at,
            working=asked_of(book, self.run, before),
            quote=book.quotes(),
        )  # fmt: skip

    def _breach_event(self, at: int, breach: Breach) -> Event:
        facts = {"rule": breach.rule, "reason": breach.reason, "flatten": breach.flatten}
        return Event(0, at, "risk", facts)

    def dump(self) -> bytes:
        """Everything but bars and what was said, which the journal has."""
        facts = {
            "mode": str(self.mode), "leaving": self.leaving, "closing": self.closing,
            "gate": self.gate.state(),
            "obeyed": sorted(self.obeyed), "heard": sorted(self.heard),
            "fitted_at": dict(self.prospect.fitted_at), "n_bars": self.book.panel.n_bars,
        }  # fmt: skip
        return packing.packed(facts, self.book.dump())

    def load(self, blob: bytes) -> int:
        """Take over what was dumped; rows of the panel at that time.

        The bars and what was said up to then are put in before.
        """
        facts, arrays = packing.unpacked(blob)
        self.mode, self.leaving = Mode(facts["mode"]), list(facts["leaving"])
        self.obeyed, self.heard = set(facts["obeyed"]), set(facts["heard"])
        self.closing = bool(facts["closing"])
        self.gate.restore(facts["gate"])
        self.book.load(arrays)
        if self.book.panel.n_bars > self.first_row:
            self.book.look(self.prospect.signals(self.book.panel))
        return int(facts["n_bars"])

    @property
    def prices(self) -> Floats:
        """Last close of each symbol, account currency."""
        return self.book.prices() if self.book.market is not None else self.book.panel.close[-1]


def fitted_at(blob: bytes) -> dict[str, Any]:
    """Rows at which the fits in use were made, from a dump."""
    return dict(packing.unpacked(blob)[0]["fitted_at"])
