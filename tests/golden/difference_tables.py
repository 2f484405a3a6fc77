"""The candle tables of docs/backtrader-rules.md, read and run under both profiles."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.golden.tables import Asks, plain_terms
from tests.golden.wording import Fills, Row, fills, place, rows_of, settings, wishes, words
from tests.markets import NO_BAR, candles
from tradewind.engine.config.backtrader import BacktraderConfig
from tradewind.engine.executors import backtrader_profile, plain_backtrader, reference
from tradewind.engine.executors.backtrader_options import Options
from tradewind.engine.executors.backtrader_profile import Outcome
from tradewind.engine.executors.backtrader_state import STATUS_NAMES
from tradewind.engine.records import Panel, Simulation
from tradewind.engine.types import Intent, Reason

PAGE = Path(__file__).parents[2] / "docs" / "backtrader-rules.md"
HEADING = re.compile(r"^### (\d+)\. (.+)$", re.M)
SETTINGS = re.compile(
    r"^Settings: (?:tradewind `(\{.*?\})`)?(?:, )?(?:backtrader `(\{.*\})`)?\.$", re.M
)
ENDS = re.compile(r"^Orders end as: tradewind (.+); backtrader (.+)\.$", re.M)
VALUE = re.compile(r"^Value at the end: tradewind ([\d.]+); backtrader ([\d.]+)\.$", re.M)
CASH = 1_000.0


@dataclass(frozen=True)
class Difference:
    """One heading of the page and the table below it."""

    number: int
    title: str
    panel: Panel
    asks: dict[int, list[Intent]]
    tradewind: Fills
    backtrader: Fills
    terms: dict[str, Any]
    broker: dict[str, Any]
    ends: tuple[list[str], list[str]] | None
    value: tuple[float, float] | None

    def __str__(self) -> str:
        return f"{self.number}. {self.title}"

    def by_tradewind(self) -> Simulation:
        """Run it under ``rules: tradewind``."""
        given = plain_terms(self.panel, **{"max_leverage": 1.0, **self.terms})
        return reference.simulate(Asks(self.asks), None, self.panel, given, start=0)

    def options(self) -> Options:
        """Settings of backtrader's broker."""
        given = dict(self.broker)
        full = given.pop("full", 1.0)
        return Options(BacktraderConfig.model_validate(given), CASH, full)

    def by_backtrader(self, executor: Any) -> Outcome:
        """Run it under ``rules: backtrader``, compiled or in backtrader itself."""
        found: Outcome = executor.outcome(
            Asks(self.asks), None, self.panel, self.options(), start=0
        )
        return found


BACKTRADERS = {"compiled": backtrader_profile, "plain backtrader": plain_backtrader}


def differences() -> list[Difference]:
    """Every difference that the page shows a table for."""
    text = PAGE.read_text("utf-8")
    heads = list(HEADING.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return [
        _read(int(head[1]), head[2], text[head.end() : end])
        for head, end in zip(heads, ends, strict=True)
    ]


def _read(number: int, title: str, text: str) -> Difference:
    table = rows_of(text)
    panel = _panel(table)
    given, ends, value = SETTINGS.search(text), ENDS.search(text), VALUE.search(text)
    assert given or "Settings:" not in text, f"{number}: cannot be read: its settings"
    terms, broker = (settings(s, PAGE) for s in given.groups()) if given else ({}, {})
    return Difference(
        number,
        title,
        panel,
        wishes(table, panel),
        fills(table, "tradewind"),
        fills(table, "backtrader"),
        terms,
        broker,
        (words(ends[1]), words(ends[2])) if ends else None,
        (float(value[1]), float(value[2])) if value else None,
    )


def _panel(table: list[Row]) -> Panel:
    places = [place(row) for row in table]
    n_bars, n_symbols = (1 + max(numbers) for numbers in zip(*places, strict=True))
    columns = [[NO_BAR] * n_bars for _ in range(n_symbols)]
    volume = np.full((n_symbols, n_bars), 1e6)
    for (t, k), row in zip(places, table, strict=True):
        if row["open"]:
            prices = [float(row[name]) for name in ("open", "high", "low", "close")]
            columns[k][t] = (prices[0], prices[1], prices[2], prices[3])
        if row.get("volume"):
            volume[k, t] = float(row["volume"])
    return candles(*columns, volume=volume)


def filled(simulation: Simulation) -> Fills:
    """Fills of a run, as a table says them."""
    return sorted(
        (int(f["bar"]), int(f["symbol"]), float(f["qty"]), float(f["price"]))
        for f in simulation.fills
    )


def reasons(simulation: Simulation) -> list[str]:
    """How tradewind's orders ended."""
    return [Reason(int(order["reason"])).name.lower() for order in simulation.orders]


def statuses(found: Outcome) -> list[str]:
    """How backtrader's orders ended."""
    return [STATUS_NAMES[status] for status in found.statuses]
