"""The candle tables of docs/backtrader-rules.md, read and run under both profiles."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.golden.tables import Asks, plain_terms
from tests.markets import NO_BAR, candles
from tradewind.engine.config_backtrader import BacktraderConfig
from tradewind.engine.config_yaml import parse
from tradewind.engine.executors import backtrader_profile, plain_backtrader, reference
from tradewind.engine.executors.backtrader_options import Options
from tradewind.engine.executors.backtrader_profile import Outcome
from tradewind.engine.executors.backtrader_state import STATUS_NAMES
from tradewind.engine.records import Panel, Simulation
from tradewind.engine.types import Action, Intent, OrderType, Reason, TimeInForce

PAGE = Path(__file__).parents[2] / "docs" / "backtrader-rules.md"
HEADING = re.compile(r"^### (\d+)\. (.+)$", re.M)
SETTINGS = re.compile(
    r"^Settings: (?:tradewind `(\{.*?\})`)?(?:, )?(?:backtrader `(\{.*\})`)?\.$", re.M
)
ENDS = re.compile(r"^Orders end as: tradewind (.+); backtrader (.+)\.$", re.M)
VALUE = re.compile(r"^Value at the end: tradewind ([\d.]+); backtrader ([\d.]+)\.$", re.M)
FILL = re.compile(r"^([+-][\d.]+)(?: ([AB]))? @ ([\d.]+)$")
NUMBERS = ("limit", "stop", "trail", "stop_loss", "take_profit", "stop_trail")
CASH = 1_000.0
Fills = list[tuple[int, int, float, float]]  # bar, column, units, price


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
    lines = [line for line in text.splitlines() if line.startswith("|")]
    names, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    table = [dict(zip(names, row, strict=True)) for row in rows[1:]]
    settings, ends, value = SETTINGS.search(text), ENDS.search(text), VALUE.search(text)
    assert settings or "Settings:" not in text, f"{number}: cannot be read: its settings"
    terms, broker = (_yaml(s) for s in settings.groups()) if settings else ({}, {})
    return Difference(
        number,
        title,
        _panel(table),
        _asks(table),
        _fills(table, "tradewind"),
        _fills(table, "backtrader"),
        terms,
        broker,
        (_words(ends[1]), _words(ends[2])) if ends else None,
        (float(value[1]), float(value[2])) if value else None,
    )


def _yaml(text: str | None) -> dict[str, Any]:
    document = parse(f"given: {text or '{}'}", where=PAGE.name, folder=PAGE.parent)
    return dict(document.values["given"])


def _words(text: str) -> list[str]:
    return [word.strip(" `") for word in text.split(",")]


def _place(row: dict[str, str]) -> tuple[int, int]:
    """(bar, column) of a row; the bar stands alone where there is one symbol."""
    bar, _, symbol = row["bar"].partition(" ")
    return int(bar), "AB".index(symbol or "A")


def _panel(table: list[dict[str, str]]) -> Panel:
    places = [_place(row) for row in table]
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


def _asks(table: list[dict[str, str]]) -> dict[int, list[Intent]]:
    asks: dict[int, list[Intent]] = {}
    panel = _panel(table)
    for row in table:
        for words in filter(None, row["asked at its close"].split(";")):
            t, k = _place(row)
            asks.setdefault(t, []).append(_wish(words.split(), k, panel))
    return asks


def _wish(words: list[str], k: int, panel: Panel) -> Intent:
    """``buy 5 stop 102 limit 101 oco 1 until 2`` and the like."""
    verb, number, *rest = words
    if verb == "target":
        return Intent(k, float(number))
    given: dict[str, Any] = {"action": Action.ORDER}
    given["qty"] = float(number) * (1.0 if verb == "buy" else -1.0)
    while rest:
        name = rest.pop(0)
        if name == "day":
            given["tif"] = TimeInForce.DAY
        elif name == "close":
            given["order_type"] = OrderType.MARKET_ON_CLOSE
        elif name == "until":
            given["tif"], given["until"] = TimeInForce.GTD, int(panel.ts[int(rest.pop(0))])
        else:
            assert name in (*NUMBERS, "oco"), name
            given[name] = int(rest.pop(0)) if name == "oco" else float(rest.pop(0))
    if "order_type" not in given:
        given["order_type"] = _type(given)
    return Intent(k, **given)


def _type(given: dict[str, Any]) -> OrderType:
    if "trail" in given:
        return OrderType.TRAILING_STOP
    if "stop" in given:
        return OrderType.STOP_LIMIT if "limit" in given else OrderType.STOP
    return OrderType.LIMIT if "limit" in given else OrderType.MARKET


def _fills(table: list[dict[str, str]], profile: str) -> Fills:
    found = []
    for row in table:
        for text in filter(None, (part.strip() for part in row[profile].split(","))):
            match = FILL.match(text)
            assert match, f"cannot be read as a fill: {text!r}"
            t, k = _place(row)
            found.append((t, k, float(match[1]), float(match[3])))
    return sorted(found)


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
