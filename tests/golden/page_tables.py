"""The candle tables of docs/broker-rules/, read from the pages themselves and run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.golden.tables import Asks
from tests.golden.wording import Row, filled_in, rows_of, settings, wishes, words
from tests.markets import EXECUTORS, NO_BAR, candles
from tradewind.engine.bars.adjusting import DIVIDEND, SPLIT
from tradewind.engine.config.run import RunConfig
from tradewind.engine.executors.state import NO_PATH
from tradewind.engine.executors.state import Path as Finer
from tradewind.engine.executors.terms import market, terms
from tradewind.engine.feeds.borrow_rates import AVAILABLE
from tradewind.engine.feeds.exchange_rates import CLOSE, OPEN
from tradewind.engine.records import DAY_NS, Floats, Ints, Panel, Simulation
from tradewind.engine.types import Happening, Intent, Reason

DOCS = Path(__file__).parents[2] / "docs"
CONTRACT = DOCS / "broker-rules.md"
PAGES = sorted((DOCS / "broker-rules").glob("*.md"))
HEADING = re.compile(r"^### (\d+\.\d+) (.+)$", re.M)
SETTINGS = re.compile(r"^Settings: `(\{.*\})`\.$", re.M)
ENDS = re.compile(
    r"^(?:Orders end as: ([^.]+)|No order is sent)\. (?:Events: (.+)\. )?Equity (-?[\d.]+)\.$", re.M
)
WHY = re.compile(r"^Why: (.+)", re.M)
EVENT = re.compile(r"^`(\w+)` (-?[\d.]+) on bar (\d+)$")
PLACE = re.compile(r"^(\d+)(?:\.(\d))?(?: ([AB]))?(?: (ask|bid))?$")
PRICES = ("open", "high", "low", "close")
EXTRA = {  # column of a table -> column of the panel, and what an empty cell means
    "split": (SPLIT, 1.0),
    "dividend": (DIVIDEND, 0.0),
    "rate at open": (OPEN, 1.0),
    "rate at close": (CLOSE, 1.0),
    "borrowable": (AVAILABLE, np.inf),
}
FREE: dict[str, Any] = {"fee_bps": 0, "slippage_bps": 0, "borrow_annual": 0, "spread": {"bps": 0}}
PLAIN: dict[str, Any] = {
    "strategy": {"kind": "x"},
    "account": {"cash": 1_000, "max_leverage": 10},
    "sizing": {"kind": "target_weight", "weight": 1},
}
HOUR_NS = DAY_NS // 24
FINER = {"source": "parquet", "path": "the rows 1.1, 1.2 ... of a table", "interval": "1h"}
SHORT_FORMS = {"fees": "fee_bps", "slippage": "slippage_bps", "borrow": "borrow_annual"}
Told = tuple[int, int, float, float, float]  # bar, column, units, price, fee


@dataclass(frozen=True)
class Shown:
    """One heading of a page and the table below it."""

    number: str
    title: str
    panel: Panel
    asks: Mapping[int, list[Intent]]
    finer: Finer
    fills: list[Told]
    given: Mapping[str, Any]
    ends: list[str]
    events: list[tuple[int, str, float]]  # bar, name, amount
    equity: float
    why: str

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def run(self, executor: str) -> Simulation:
        """Trade what is asked."""
        config = RunConfig.model_validate(_config(self.given))
        given = terms(config, self.panel, 252)
        of = market(config, self.panel, path=self.finer)
        return EXECUTORS[executor](Asks(self.asks), None, self.panel, given, start=0, market=of)


def _config(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a table over the plain ones of the pages."""
    config = {**PLAIN, **given}
    for block in ("account", "sizing"):
        config[block] = {**PLAIN[block], **given.get(block, {})}
    if config["account"].get("kind") == "cash":
        config["account"]["max_leverage"] = 1
    config["sizing"].setdefault("max_weight", config["account"]["max_leverage"])
    if config["sizing"]["kind"] != "target_weight":
        config["sizing"].pop("weight")
    if given.get("execution", {}).get("intrabar") == "path":
        config["data"] = {**given.get("data", {}), "intrabar": FINER}
    costs = given.get("costs", {})
    gone = {short for block, short in SHORT_FORMS.items() if block in costs}
    config["costs"] = {**{k: v for k, v in FREE.items() if k not in gone}, **costs}
    return config


def shown() -> list[Shown]:
    """Every table of the pages."""
    return [table for page in PAGES for table in _of_page(page)]


def _of_page(page: Path) -> list[Shown]:
    text = page.read_text("utf-8")
    heads = list(HEADING.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return [
        _read(head[1], head[2], text[head.end() : end], page)
        for head, end in zip(heads, ends, strict=True)
    ]


def _read(number: str, title: str, text: str, page: Path) -> Shown:
    table, where = rows_of(text), f"{page.name}, {number}"
    given, ends, why = SETTINGS.search(text), ENDS.search(text), WHY.search(text)
    assert given or "Settings:" not in text, f"{where}: its settings cannot be read"
    assert ends, f"{where}: how its orders end cannot be read"
    assert why, f"{where}: there is no reason"
    bars = [row for row in table if _place(row)[1] < 0 and not _place(row)[3]]
    panel = _panel(bars, [row for row in table if _place(row)[3]])
    return Shown(
        number,
        title,
        panel,
        wishes(bars, panel),
        _finer([row for row in table if _place(row)[1] >= 0], panel),
        [told for row in bars for told in _fills(row)],
        settings(given[1] if given else None, page),
        words(ends[1] or ""),
        [_event(part) for part in (ends[2] or "").split(", ") if part],
        float(ends[3]),
        why[1],
    )


def _place(row: Row) -> tuple[int, int, int, str]:
    """(bar, finer bar or -1, column, ask or bid or nothing) of a row."""
    match = PLACE.match(row["bar"])
    assert match, f"cannot be read as a bar: {row['bar']!r}"
    return int(match[1]), int(match[2] or 0) - 1, "AB".index(match[3] or "A"), match[4] or ""


def _candle(row: Row) -> list[float]:
    return [float(row[name] or "nan") for name in PRICES]


def _fills(row: Row) -> list[Told]:
    t, _, k, _ = _place(row)
    return [(t, k, *fill) for fill in filled_in(row, "filled")]


def _event(text: str) -> tuple[int, str, float]:
    match = EVENT.match(text)
    assert match, f"cannot be read as an event: {text!r}"
    return int(match[3]), match[1], float(match[2])


def _panel(bars: list[Row], quotes: list[Row]) -> Panel:
    places = [_place(row) for row in bars]
    n_bars, n_symbols = 1 + max(p[0] for p in places), 1 + max(p[2] for p in places)
    prices = [[NO_BAR] * n_bars for _ in range(n_symbols)]
    volume = np.full((n_symbols, n_bars), 1e6)
    columns = {
        name: np.full((n_bars, n_symbols), empty)
        for header, (name, empty) in EXTRA.items()
        if header in bars[0] or ({header} | set(bars[0])) >= {"split", "dividend"}
    }
    for (t, _, k, _), row in zip(places, bars, strict=True):
        open_, high, low, close = _candle(row)
        prices[k][t] = open_, high, low, close
        if row.get("volume"):
            volume[k, t] = np.nan if row["volume"] == "?" else float(row["volume"])
        for header, (name, empty) in EXTRA.items():
            if header in row:
                columns[name][t, k] = float(row[header] or empty)
    panel = candles(*prices, volume=volume)
    panel = replace(panel, ts=_times(bars, panel.ts))
    return replace(panel, columns={**columns, **_quotes(quotes, panel)})


def _times(bars: list[Row], daily: Ints) -> Ints:
    """Closes of the bars where a table has days of its own, counted from a first of January.

    A day closes at its end, or at the hour that stands behind it: ``3 14h``.
    """
    ts = daily.copy()
    for row in bars:
        if "day" in row:
            day, _, hour = row["day"].partition(" ")
            hours = int(hour.removesuffix("h")) if hour else 24
            ts[_place(row)[0]] = int(day) * DAY_NS + hours * HOUR_NS
    return ts


def _quotes(rows: list[Row], panel: Panel) -> dict[str, Floats]:
    """Bars of both sides; a side that a table leaves out is that of the bar itself."""
    columns = {}
    for side in ("ask", "bid") if rows else ():
        for i, name in enumerate(PRICES):
            column = getattr(panel, name).copy()
            for row in rows:
                t, _, k, of = _place(row)
                if of == side:
                    column[t, k] = _candle(row)[i]
            columns[f"{side}_{name}"] = column
    return columns


def _finer(rows: list[Row], panel: Panel) -> Finer:
    if not rows:
        return NO_PATH
    counts = np.bincount([_place(row)[0] for row in rows], minlength=panel.n_bars)
    first = np.concatenate([[0], np.cumsum(counts)])
    return Finer(first, *(np.array([[float(row[name])] for row in rows]) for name in PRICES))


def told_fills(run: Simulation) -> list[Told]:
    """Fills of a run as a table says them."""
    names = ("bar", "symbol", "qty", "price", "fee")
    return [tuple(fill[name].item() for name in names) for fill in run.fills]


def told_ends(run: Simulation) -> list[str]:
    """Why its orders ended, by number."""
    return [Reason(int(order["reason"])).name.lower() for order in run.orders]


def told_events(run: Simulation) -> list[tuple[int, str, float]]:
    """What else happened."""
    return [
        (int(e["bar"]), Happening(int(e["kind"])).name.lower(), float(e["amount"]))
        for e in run.events
    ]
