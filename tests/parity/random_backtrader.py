"""Random markets, broker options and wishes for ``rules: backtrader``, run on both executors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.config.backtrader import (
    BacktraderConfig,
    CommissionConfig,
    FillerConfig,
    FixedSizerConfig,
    PercentSizerConfig,
    ReverserSizerConfig,
    SlippageConfig,
)
from tradewind.engine.executors import backtrader_profile, plain_backtrader
from tradewind.engine.executors.backtrader_profile import Options, Outcome
from tradewind.engine.intents import (
    CANCEL,
    DAY,
    GTC,
    GTD,
    INTENT,
    LIMIT,
    MARKET,
    MARKET_ON_CLOSE,
    ORDER,
    STOP,
    STOP_LIMIT,
    TARGET,
    TRAILING_STOP,
)
from tradewind.engine.protocols import Signals, View
from tradewind.engine.records import DAY_NS, Panel
from tradewind.engine.types import Intent
from tradewind.strategies.deciding import fact_of

BARS = 40
HOUR_NS = DAY_NS // 24
NAMES = tuple("ABCDEFGH")


class Planned(NamedTuple):
    """Wishes by bar, and what was held when they were made."""

    rows: Any  # INTENT, those of bar t from first[t] to first[t + 1] - 1
    first: Any
    held: Any  # (n_bars, n_symbols) written by the rule
    paid: Any  # (n_bars, n_symbols) average price
    worth: Any  # (n_bars,)
    queue: Any  # (n_bars,) orders in the queue that is matched


def play(bar: int, inputs: Any, params: Any, book: Any, intents: Any) -> int:
    """Send what the plan says, and write down what is held."""
    for k in range(len(book.qty)):
        inputs.held[bar, k] = book.qty[k]
        inputs.paid[bar, k] = book.entry[k]
    inputs.worth[bar] = book.equity[0]
    inputs.queue[bar] = book.n_working[0]
    n = 0
    for i in range(inputs.first[bar], inputs.first[bar + 1]):
        intents[n] = inputs.rows[i]
        n += 1
    return n


@dataclass
class Plan:
    """A strategy that does what a table of wishes says."""

    rows: Any
    first: Any
    warmup: int = 1
    params: tuple[float, ...] = ()

    @property
    def rule(self) -> Any:
        """The compiled decision."""
        return play

    def prepare(self, panel: Panel, signals: Signals) -> Planned:
        """The table, and room for what is seen."""
        del signals
        held, paid = np.zeros(panel.shape), np.zeros(panel.shape)
        worth, queue = np.zeros(panel.n_bars), np.zeros(panel.n_bars)
        return Planned(self.rows, self.first, held, paid, worth, queue)

    def decide(self, view: View) -> Sequence[Intent]:
        """The same, as facts."""
        rows = np.zeros(len(self.rows) + 1, INTENT)
        n = play(view.bar, view.inputs, self.params, view.book, rows)
        return [fact_of(row) for row in rows[:n]]


@dataclass
class Run:
    """Everything one random run needs."""

    panel: Panel
    plan: Plan
    options: Options


def random_market(rng: np.random.Generator, n_symbols: int) -> Panel:
    """Bars to the cent; with several symbols gaps, late listings and early ends."""
    shape = (BARS, n_symbols)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.02, shape), axis=0))
    open_ = np.vstack([close[:1], close[:-1]]) * np.exp(rng.normal(0, 0.01, shape))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 0.008, shape)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, 0.008, shape)))
    open_, high, low, close = (np.round(x, 2) for x in (open_, high, low, close))
    flat = rng.random(shape) < 0.05
    for field in (open_, high, low):
        field[flat] = close[flat]
    high, low = (
        np.maximum(np.maximum(high, open_), close), np.minimum(np.minimum(low, open_), close)
    )  # fmt: skip
    doji = rng.random(shape) < 0.05
    open_[doji] = close[doji]
    volume = rng.integers(0, 40, shape).astype(float)
    if n_symbols > 1 and rng.random() < 0.8:
        gone = rng.random(shape) < rng.choice([0.05, 0.3])
        for k in range(n_symbols):
            gone[: rng.integers(0, 4), k] = True
            gone[BARS - rng.integers(0, 4) :, k] |= rng.random() < 0.5
        gone[:, 0] &= rng.random() < 0.5
        for field in (open_, high, low, close, volume):
            field[gone] = np.nan
    if rng.random() < 0.75:
        ts, interval = np.cumsum(rng.choice([1, 1, 1, 3], BARS)) * DAY_NS, "1d"
    else:
        ts, interval = np.cumsum(rng.choice([1, 1, 1, 15], BARS)) * HOUR_NS, "1h"
    ts = ts + 18_000 * DAY_NS
    return Panel(NAMES[:n_symbols], ts, open_, high, low, close, volume, interval)


def random_options(rng: np.random.Generator, n_symbols: int) -> Options:
    """Any mixture of the broker's options."""
    x = rng.random()
    slippage = SlippageConfig(
        slip_perc=float(rng.choice([0.001, 0.01, 0.03])) if x < 0.3 else 0.0,
        slip_fixed=float(rng.choice([0.05, 1.0])) if 0.3 <= x < 0.5 else 0.0,
        slip_open=_maybe(rng, 0.5),
        slip_match=_maybe(rng, 0.7),
        slip_limit=_maybe(rng, 0.7),
        slip_out=_maybe(rng, 0.3),
    )
    filler = rng.choice(
        np.array(
            [
                FillerConfig(),
                FillerConfig(),
                FillerConfig(kind="fixed_size", size=float(rng.integers(1, 6))),
                FillerConfig(kind="fixed_size"),
                FillerConfig(kind="fixed_bar_perc", perc=float(rng.choice([10.0, 50.0]))),
                FillerConfig(kind="bar_point_perc", perc=80.0, minmov=0.5),
            ]
        )
    )
    sizer = rng.choice(
        np.array(
            [
                FixedSizerConfig(stake=3.0),
                PercentSizerConfig(kind="percent", percents=15.0, retint=_maybe(rng, 0.5)),
                ReverserSizerConfig(kind="fixed_reverser", stake=2.0),
            ]
        )
    )
    schemes = {}
    if _maybe(rng, 0.4):
        schemes = {name: random_scheme(rng) for name in NAMES[:n_symbols] if _maybe(rng, 0.5)}
    broker = BacktraderConfig(
        commission=random_scheme(rng),
        schemes=schemes,
        slippage=slippage,
        filler=filler,
        sizer=sizer,
        shortcash=_maybe(rng, 0.85),
        checksubmit=_maybe(rng, 0.85),
        coc=_maybe(rng, 0.15),
        coo=_maybe(rng, 0.2),
        int2pnl=_maybe(rng, 0.8),
        session_end=[None, "16:00"][int(_maybe(rng, 0.3))],
        stale_bars=True,
        value_order=["columns", "traded"][int(_maybe(rng, 0.5))],
    )
    return Options(broker, float(rng.choice([1e3, 3e3, 2e4])), float(rng.choice([1.0, 0.3])))


def random_scheme(rng: np.random.Generator) -> CommissionConfig:
    """Stocks or futures, free or not."""
    stock = rng.random() < 0.7
    percent = stock or rng.random() < 0.3
    rate = rng.choice([0.0, 0.001, 0.01]) if percent else rng.choice([0.0, 0.5])
    return CommissionConfig(
        commission=float(rate),
        commtype="percent" if percent else "fixed",
        margin=None if stock else float(rng.choice([10.0, 50.0])),
        automargin=0.0 if stock else float(rng.choice([0.0, 0.0, 0.2, -1.0])),
        mult=1.0 if stock else float(rng.choice([1.0, 5.0])),
        stocklike=bool(stock),
        leverage=float(rng.choice([1.0, 1.0, 1.0, 2.0])),
        interest=float(rng.choice([0.0, 0.0, 0.1])),
        interest_long=_maybe(rng, 0.3),
    )


def _maybe(rng: np.random.Generator, chance: float) -> bool:
    return bool(rng.random() < chance)


def blank(symbol: int, action: int) -> Any:
    """One row with every default."""
    row = np.zeros(1, INTENT)[0]
    for name in ("qty", "limit", "stop", "trail", "trail_fraction", "stop_loss", "take_profit",
                 "stop_trail", "stop_trail_fraction"):  # fmt: skip
        row[name] = np.nan
    row["symbol"], row["action"], row["order"] = symbol, action, -1
    return row


def random_plan(rng: np.random.Generator, panel: Panel) -> Plan:
    """Wishes of every kind, at prices around the last close."""
    rows: list[Any] = []
    first = [0]
    close = panel.close[0].copy()
    made = 0
    whole = _maybe(rng, 0.7)
    for t in range(panel.n_bars):
        close = np.where(np.isnan(panel.close[t]), close, panel.close[t])
        n = 0
        while rng.random() < 0.45 and n < 10:
            k = int(rng.integers(panel.n_symbols))
            price = float(close[k]) if close[k] == close[k] else 100.0
            row = random_wish(rng, k, price, made, int(panel.ts[t]), panel, whole)
            rows.append(row)
            made += int(row["action"] != CANCEL)
            made += 2 * int(row["stop_loss"] == row["stop_loss"])
            n += 1
        first.append(len(rows))
    table = np.array(rows, INTENT) if rows else np.zeros(0, INTENT)
    return Plan(table, np.array(first, np.int64))


def random_wish(
    rng: np.random.Generator, k: int, price: float, made: int, ts: int, panel: Panel, whole: bool
) -> Any:
    """One row: a cancel, a target, a bracket or a single order."""
    x = rng.random()
    if x < 0.12 and made:
        row = blank(k, CANCEL)
        row["order"] = -1 if _maybe(rng, 0.2) else rng.integers(made)
        return row
    if x < 0.24:
        row = blank(k, TARGET)
        row["weight"] = rng.choice([0.0, 0.0, 0.2, 0.5, 0.9, -0.3])
        if _maybe(rng, 0.2):
            row["order_type"] = LIMIT
            row["limit"] = near(rng, price)
        return row
    row = blank(k, ORDER)
    side = int(rng.choice([1, -1]))
    units = float(rng.integers(1, 12)) if whole else float(rng.uniform(0.1, 9.0))
    row["qty"] = side * units
    if _maybe(rng, 0.1):
        row["qty"], row["weight"] = np.nan, side
    if x < 0.4:
        return with_bracket(rng, row, side, price)
    kind = int(
        rng.choice(
            [MARKET, MARKET, MARKET_ON_CLOSE, LIMIT, STOP, STOP_LIMIT, TRAILING_STOP, TRAILING_STOP]
        )
    )
    row["order_type"] = kind
    trail_limit = kind == TRAILING_STOP and _maybe(rng, 0.5)
    if kind in (LIMIT, STOP_LIMIT) or trail_limit:
        row["limit"] = near(rng, price)
    if kind in (STOP, STOP_LIMIT) or (kind == TRAILING_STOP and _maybe(rng, 0.4)):
        row["stop"] = near(rng, price)
    if kind == TRAILING_STOP and _maybe(rng, 0.9):
        how = str(rng.choice(["trail", "trail_fraction"]))
        row[how] = rng.uniform(0.2, 3.0) / (1.0 if how == "trail" else 100.0)
    if _maybe(rng, 0.05) and kind in (LIMIT, STOP):
        row["limit"] = row["stop"] = np.nan  # backtrader then takes the close
    row["tif"] = rng.choice([GTC, GTC, GTC, GTD, GTD, DAY])
    if row["tif"] == GTD:
        step = DAY_NS if panel.daily else HOUR_NS
        row["until"] = ts + int(rng.integers(1, 6)) * step
    if _maybe(rng, 0.25):
        row["oco"] = rng.integers(1, 8) + made // 12
    return row


def near(rng: np.random.Generator, price: float) -> float:
    """A price within 3 % of another, to the cent."""
    return round(price * (1.0 + rng.uniform(-0.03, 0.03)), 2)


def with_bracket(rng: np.random.Generator, row: Any, side: int, price: float) -> Any:
    """The row with a stop and a target."""
    kind = int(rng.choice([MARKET, LIMIT, STOP]))
    row["order_type"] = kind
    if kind != MARKET:
        row["limit" if kind == LIMIT else "stop"] = round(
            price * (1.0 + side * rng.uniform(-0.02, 0.01)), 2
        )
    x = rng.random()
    if x < 0.85:
        row["stop_loss"] = round(price * (1.0 - side * rng.uniform(0.005, 0.03)), 2)
    elif x < 0.9:
        row["stop_trail"] = rng.uniform(0.2, 3.0)
    elif x < 0.95:
        row["stop_trail_fraction"] = rng.uniform(0.002, 0.03)
    if _maybe(rng, 0.85):
        row["take_profit"] = round(price * (1.0 + side * rng.uniform(0.005, 0.03)), 2)
    if _maybe(rng, 0.2):
        row["oco"] = rng.integers(1, 8)
    return row


def random_run(seed: int, symbols: tuple[int, int] = (1, 4)) -> Run:
    """Everything of one seed."""
    rng = np.random.default_rng(seed)
    n_symbols = int(rng.integers(symbols[0], symbols[1] + 1))
    panel = random_market(rng, n_symbols)
    options = random_options(rng, n_symbols)
    return Run(panel, random_plan(rng, panel), options)


def ours(run: Run, **changed: Any) -> tuple[Outcome, Planned]:
    """The run in the compiled profile, broker options changed."""
    broker = run.options.broker.model_copy(update=changed)
    inputs = run.plan.prepare(run.panel, Signals())
    options = replace(run.options, broker=broker)
    return backtrader_profile.outcome(run.plan, inputs, run.panel, options, start=0), inputs


def theirs(run: Run) -> tuple[Outcome, Planned]:
    """The run in plain backtrader."""
    inputs = run.plan.prepare(run.panel, Signals())
    return plain_backtrader.outcome(run.plan, inputs, run.panel, run.options, start=0), inputs


def differences(a: Outcome, seen_a: Planned, b: Outcome, seen_b: Planned) -> list[str]:
    """What is not the same in every bit."""
    x, y = a.simulation, b.simulation
    pairs = [
        ("cash", x.cash, y.cash),
        ("value", x.equity, y.equity),
        ("positions", seen_a.held, seen_b.held),
        ("average prices", seen_a.paid, seen_b.paid),
        ("value at the decision", seen_a.worth, seen_b.worth),
        ("queue", seen_a.queue, seen_b.queue),
        ("states", a.statuses, b.statuses),
        ("average fill prices", a.fill_prices, b.fill_prices),
    ]
    for name in ("symbol", "bar", "qty", "order_type", "filled_qty", "limit", "stop", "trail",
                 "trail_fraction", "parent", "oco", "triggered", "fee"):  # fmt: skip
        pairs.append((f"orders: {name}", x.orders[name], y.orders[name]))
    for name in ("order", "symbol", "bar", "qty", "price", "fee"):
        pairs.append((f"fills: {name}", x.fills[name], y.fills[name]))
    found = []
    for name, p, q in pairs:
        if p.shape != q.shape:
            found.append(f"{name}: {p.shape} here, {q.shape} there")
        elif not np.array_equal(p, q, equal_nan=True):
            at = np.argwhere(~((p == q) | ((p != p) & (q != q))))[0]
            found.append(f"{name} at {at.tolist()}: {p[tuple(at)]!r} here, {q[tuple(at)]!r} there")
    return found
