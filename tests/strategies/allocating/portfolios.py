"""Markets, books and wishes that the tests of allocation share."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.markets import book
from tradewind.engine.compiling import compiled
from tradewind.engine.intents import INTENT, room_for_intents
from tradewind.engine.protocols import Forecasts, Signals
from tradewind.engine.records import DAY_NS, GROUP, Floats, Panel
from tradewind.strategies.allocating.rebalancing import AllocationInputs
from tradewind.strategies.allocation import Allocation

MONDAY = np.datetime64("2024-01-01").astype("datetime64[ns]").astype(np.int64)


def daily(close: Any, groups: Sequence[float] = ()) -> Panel:
    """Bars on consecutive days from a Monday on, whose four prices are the close."""
    prices = np.array(close, float, ndmin=2)
    ts = MONDAY + DAY_NS * np.arange(1, len(prices) + 1)
    names = tuple("ABCDEFGHIJKLMNOP"[: prices.shape[1]])
    columns = {GROUP: np.tile(np.array(groups, float), (len(prices), 1))} if groups else {}
    volume = np.where(np.isnan(prices), np.nan, 1e6)
    return Panel(names, ts, prices, prices, prices, prices, volume, columns=columns)


def walks(seed: int, n_bars: int, n_symbols: int, groups: Sequence[float] = ()) -> Panel:
    """Random walks of different volatility, some with gaps, a late start or an early end."""
    draw = np.random.default_rng(seed)
    vol = draw.uniform(0.005, 0.03, n_symbols)
    common = draw.normal(0, 0.01, (n_bars, 1))
    steps = common + draw.normal(0, 1, (n_bars, n_symbols)) * vol
    close = 50.0 * np.exp(np.cumsum(steps, axis=0))
    close[draw.random(close.shape) < 0.01] = np.nan
    close[: n_bars // 3, 1] = np.nan
    close[2 * n_bars // 3 :, 2] = np.nan
    return daily(close, groups)


def ranks(panel: Panel, seed: int = 0) -> Signals:
    """Scores of every bar at random, NaN where there is none."""
    draw = np.random.default_rng(seed)
    return Signals(None, np.where(np.isnan(panel.close), np.nan, draw.normal(size=panel.shape)))


def views(panel: Panel, seed: int = 0) -> Signals:
    """Forecasts of every bar at random, NaN where there is no bar."""
    draw = np.random.default_rng(seed)
    gone = np.isnan(panel.close)
    mean = np.where(gone, np.nan, draw.normal(0, 0.01, panel.shape))
    return Signals(Forecasts(mean, np.where(gone, np.nan, 0.02), horizon=5))


def formed(strategy: Allocation, panel: Panel, said: Signals | None = None) -> AllocationInputs:
    """Target weights of every formation."""
    return strategy.prepare(panel, said or Signals())


def at_the_end(strategy: Allocation, panel: Panel, said: Signals | None = None) -> list[float]:
    """Target weights of the last formation, rounded for the eye."""
    weights: Floats = formed(strategy, panel, said).weights
    return [round(float(weight), 6) for weight in weights[-1]]


def wished(
    strategy: Allocation, targets: Sequence[float], held: Sequence[float], *, fast: bool = False
) -> dict[int, float]:
    """Column -> weight asked for, where weights ``held`` are to become ``targets``.

    Equity is 1,000 and every price 1, so that 300 units are a weight of 0.3.
    """
    n = len(targets)
    none = np.zeros(0, np.int64)
    inputs = AllocationInputs(
        np.zeros(1, np.int64), np.array([targets], float), np.ones((1, n)), none, none,
        np.zeros((0, 1), np.int64),
    )  # fmt: skip
    rows = np.zeros(room_for_intents(n), INTENT)
    rule = compiled(strategy.rule) if fast else strategy.rule
    count = rule(0, inputs, strategy.params, book(list(1000.0 * np.array(held))), rows)
    return {int(row["symbol"]): round(float(row["weight"]), 9) for row in rows[:count]}
