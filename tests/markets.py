"""Markets and strategies that executor tests share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tradewind.engine.costs import costs
from tradewind.engine.executors import cerebro, reference
from tradewind.engine.executors.state import PLAIN_EXECUTION, Account, Terms
from tradewind.engine.protocols import Book, Signals, View
from tradewind.engine.records import DAY_NS, ORDER, Floats, Panel, Simulation, empty
from tradewind.engine.series import Series, constant
from tradewind.engine.sizing import ewma_volatility, fixed_weight
from tradewind.engine.types import Intent

Candle = tuple[float, float, float, float]
NO_BAR: Candle = (np.nan, np.nan, np.nan, np.nan)
EXECUTORS = {"kernel": reference.simulate, "cerebro": cerebro.simulate}


@dataclass
class Wishes:
    """A strategy that asks for what a table says; NaN = nothing."""

    table: Floats  # (n_bars, n_symbols)
    warmup: int = 1

    def prepare(self, panel: Panel, signals: Signals) -> Floats:
        """The table itself."""
        del panel, signals
        return self.table

    def decide(self, view: View) -> Sequence[Intent]:
        """This bar's row."""
        row = view.inputs[view.bar]
        return [Intent(int(k), float(row[k])) for k in np.flatnonzero(~np.isnan(row))]


def book(qty: Sequence[float], equity: float = 1_000.0) -> Book:
    """What is held, in a book in which nothing was ever ordered."""
    nothing = np.zeros(1, np.int64)
    return Book(
        np.array(qty, float),
        np.full(1, equity),
        np.zeros(len(qty)),
        empty(ORDER),
        nothing[:0],
        nothing,
        np.zeros((len(qty), 0)),
    )


def candles(*columns: Sequence[Candle], volume: Any = 1e6) -> Panel:
    """Panel from one list of (open, high, low, close) a symbol."""
    prices = np.array(columns, float).transpose(1, 0, 2)
    n_bars, n_symbols, _ = prices.shape
    alive = ~np.isnan(prices[:, :, 3])
    traded = np.where(alive, np.broadcast_to(volume, (n_symbols, n_bars)).T, np.nan).astype(float)
    open_, high, low, close = (np.ascontiguousarray(prices[:, :, i]) for i in range(4))
    ts = np.arange(1, n_bars + 1, dtype=np.int64) * DAY_NS
    names = tuple("ABCDEFGH"[:n_symbols])
    return Panel(names, ts, open_, high, low, close, np.ascontiguousarray(traded))


def terms(
    panel: Panel,
    *,
    cash: float = 1_000.0,
    fee_bps: float = 0.0,
    spread_bps: float = 0.0,
    slippage_bps: float = 0.0,
    borrow_annual: float = 0.0,
    weight: float = 1.0,
    max_weight: float = 10.0,
    vol_target: float = 0.0,
    lot: float = 0.0,
    min_notional: float = 0.0,
    max_leverage: float = 1.0,
    reject: bool = False,
    delisting_return: float = 0.0,
    lookback: int = 5,
) -> Terms:
    """Terms of an account, everything free and fractional unless said otherwise."""
    full = constant(weight)
    if vol_target > 0.0:
        vol = ewma_volatility(panel.close, lookback)
        with np.errstate(divide="ignore"):
            full = Series(weight * vol_target / vol, 1, int(panel.n_symbols > 1))
    sizing = fixed_weight(1.0, panel.n_symbols, max_weight=max_weight, lot=lot)
    return Terms(
        costs(fee_bps, spread_bps, slippage_bps, borrow_annual),
        sizing._replace(full=full, min_notional=min_notional),
        account(panel, cash, max_leverage=max_leverage, reject=reject, gone=delisting_return),
        PLAIN_EXECUTION,
    )


def account(
    panel: Panel,
    cash: float,
    *,
    max_leverage: float = 1.0,
    reject: bool = False,
    gone: float = 0.0,
) -> Account:
    """Account in which everything can be sold short and nothing calls for margin."""
    everything = np.ones(panel.n_symbols, np.bool_)
    return Account(cash, max_leverage, reject, gone, False, 0.0, everything)


def trade(executor: str, panel: Panel, table: Any, given: Terms, *, start: int = 0) -> Simulation:
    """Trade a table of wishes on one executor."""
    strategy = Wishes(np.array(table, float).reshape(panel.shape))
    inputs = strategy.prepare(panel, Signals())
    return EXECUTORS[executor](strategy, inputs, panel, given, start=start)


def random_panel(rng: np.random.Generator, n_bars: int, n_symbols: int) -> Panel:
    """Bars with gaps, flat bars, bars without volume, late listings and delistings."""
    close = 50.0 * np.exp(np.cumsum(rng.normal(0, 0.02, (n_bars, n_symbols)), axis=0))
    before = np.vstack([close[:1], close[:-1]])
    open_ = before * np.exp(rng.normal(0, 0.01, close.shape))
    flat = rng.random(close.shape) < 0.05
    open_[flat] = close[flat]
    high = np.maximum(open_, close) * np.where(flat, 1.0, 1.005)
    low = np.minimum(open_, close) * np.where(flat, 1.0, 0.995)
    volume = np.where(rng.random(close.shape) < 0.08, 0.0, 1e5)
    gone = rng.random(close.shape) < 0.06
    for k in range(n_symbols):
        if rng.random() < 0.3:
            gone[: rng.integers(1, n_bars // 2), k] = True
        if rng.random() < 0.3:
            gone[rng.integers(n_bars // 2, n_bars) :, k] = True
    for field in (open_, high, low, close, volume):
        field[gone] = np.nan
    ts = np.cumsum(rng.choice([1, 1, 1, 3], n_bars)) * DAY_NS
    names = tuple("ABCDEFGH"[:n_symbols])
    return Panel(names, ts, open_, high, low, close, volume)


def random_terms(rng: np.random.Generator, panel: Panel) -> Terms:
    """Any mixture of costs, sizings and accounts."""
    return terms(
        panel,
        cash=1e5,
        fee_bps=rng.choice([0.0, 1.0, 20.0]),
        spread_bps=rng.choice([0.0, 4.0, 80.0]),
        slippage_bps=rng.choice([0.0, 1.0, 15.0]),
        borrow_annual=rng.choice([0.0, 0.1]),
        weight=rng.choice([1.0 / panel.n_symbols, 0.5, 1.0]),
        max_weight=rng.choice([0.4, 1.0]),
        vol_target=rng.choice([0.0, 0.01]),
        lot=rng.choice([0.0, 1.0, 10.0]),
        min_notional=rng.choice([0.0, 0.0, 2_000.0]),
        max_leverage=rng.choice([0.5, 1.0, 1.0, 2.5]),
        reject=bool(rng.random() < 0.3),
        delisting_return=rng.choice([0.0, -0.3]),
    )


def random_wishes(rng: np.random.Generator, panel: Panel) -> Floats:
    """Weights of both signs and of zero on about a third of the bars."""
    weights = rng.choice([-1.0, -0.5, 0.0, 0.3, 1.0], panel.shape)
    return np.where(rng.random(panel.shape) < 0.35, weights, np.nan)
