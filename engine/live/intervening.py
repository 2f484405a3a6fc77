"""What people and the risk gate did to a run, read from its journal, for each order and bar.

A command, a loss stop and a refusal are told by one line each, as ``flatten by page`` or
``refused: max_weight``; whatever they did to orders is told by the same line.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tradewind.engine.executors import state as states
from tradewind.engine.journal.event import Event
from tradewind.engine.live.facts import Mode, records_of
from tradewind.engine.records import Records

KINDS = ("command", "decision", "order", "refused", "report", "risk")
SWITCHES = ("pause", "flatten", "kill")  # the strategy is not asked from here on
UNTIL_NEXT_DAY = "max_daily_loss"
ENDED_BY_A_CLOSE = (states.REBALANCED, states.BY_BRACKET, states.BY_USER)


class Interventions(NamedTuple):
    """What was done to a run besides what its strategy wanted.

    Attributes
    ----------
    orders : mapping of int to str
        Number of an order that was made, refused or withdrawn -> by what.
    silent : mapping of int to str
        Row of the panel at whose close the strategy was not asked -> because of what.
    delisted : sequence of (int, str, str)
        Row of the last bar before a person said that a symbol has stopped, the symbol, the line.
    """

    orders: Mapping[int, str] = {}
    silent: Mapping[int, str] = {}
    delisted: Sequence[tuple[int, str, str]] = ()


def interventions(events: Iterable[Event]) -> Interventions:
    """Read events of :data:`KINDS`, oldest first."""
    reading = _Reading()
    for event in events:
        reading.take(event)
    return Interventions(reading.orders, reading.silent, reading.delisted)


@dataclass(slots=True)
class _Reading:
    """What is known between two events."""

    orders: dict[int, str] = field(default_factory=dict)
    silent: dict[int, str] = field(default_factory=dict)
    delisted: list[tuple[int, str, str]] = field(default_factory=list)
    row: int = -1
    day: int = 0
    command: str = ""  # whose outputs are being read
    switch: str = ""  # why the strategy is not asked
    kill: str = ""
    stop: tuple[str, bool, int] = "", False, 0  # loss stop: line, closes everything, day
    halts: dict[str, str] = field(default_factory=dict)
    at_this_close: list[Any] = field(default_factory=list)
    frozen: list[int] = field(default_factory=list)  # orders of this close, before a stop is told

    def take(self, event: Event) -> None:
        """Read one more."""
        getattr(self, f"_{event.kind}")(event)

    def _report(self, event: Event) -> None:
        self.command = ""

    def _command(self, event: Event) -> None:
        facts = event.facts
        name, symbol = str(facts["name"]), str(facts.get("symbol", ""))
        line = f"{name} by {facts['by']}"
        self.command = line
        if name in SWITCHES or facts.get("flatten"):
            self.switch = line
        if name == "kill":
            self.kill = line
        elif name == "halt":
            self.halts[symbol] = line
        elif name == "unhalt":
            self.halts.pop(symbol, None)
        elif name == "delist":
            self.delisted.append((self.row, symbol, line))
        elif name in ("resume", "thaw"):
            self.switch = ""
        if name == "thaw":
            self.kill, self.stop = "", ("", False, 0)

    def _decision(self, event: Event) -> None:
        facts = event.facts
        self.command, self.row, self.day = "", int(facts["n"]), int(facts["day"])
        self.frozen = []
        line, closes, day = self.stop
        if line.endswith(UNTIL_NEXT_DAY) and day != self.day:
            line, closes = "", False
            self.stop = "", False, 0
        if facts["mode"] != Mode.LIVE:
            self.silent[self.row] = self.switch or str(facts["mode"])
        elif closes:
            self.silent[self.row] = line

    def _order(self, event: Event) -> None:
        found = records_of([event], "order")
        because = self.command or self.silent.get(self.row, "")
        if because:
            self._done(found, because)
        self.at_this_close = [] if self.command else [found]

    def _done(self, found: Records, because: str) -> None:
        """Note the orders of an event that a close of everything made or withdrew."""
        for order in found:
            made = order["bar"] == self.row and order["reason"] != states.FILLED
            if made or (self.command and order["reason"] in ENDED_BY_A_CLOSE):
                self.orders.setdefault(int(order["id"]), because)

    def _risk(self, event: Event) -> None:
        line = f"loss stop: {event.facts['rule']}"
        self.stop = line, bool(event.facts["flatten"]), self.day
        if event.facts["flatten"]:
            for found in self.at_this_close:
                self.command = line
                self._done(found, line)
        self.orders.update(dict.fromkeys(self.frozen, line))
        self.command = ""

    def _refused(self, event: Event) -> None:
        rule, symbol = str(event.facts["rule"]), str(event.facts["symbol"])
        known = {"halted": self.halts.get(symbol, ""), "killed": self.kill, "frozen": self.stop[0]}
        line = known.get(rule) or f"refused: {rule}"
        if rule == "frozen":
            self.frozen.append(int(event.facts["number"]))
        self.orders[int(event.facts["number"])] = line
        if "instead" in event.facts:
            self.orders[int(event.facts["instead"])] = line
