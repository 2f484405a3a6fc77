"""Small markets, and a strategy of backtrader's that is one function."""

from typing import Any

import backtrader as bt
import numpy as np

from tradewind.engine.config.backtrader import BacktraderConfig, CommissionConfig, SlippageConfig
from tradewind.engine.executors.backtrader_options import Options
from tradewind.engine.executors.user_backtrader import UserRun, run
from tradewind.engine.executors.user_strategy import BacktraderStrategy
from tradewind.engine.protocols import Signals
from tradewind.engine.records import DAY_NS, Panel
from tradewind.engine.types import Reason


def options(slippage: SlippageConfig | None = None, share: float = 0.0, **more: Any) -> Options:
    """A thousand in cash, and what is said of costs."""
    costs = CommissionConfig(**more)
    given = BacktraderConfig(commission=costs, slippage=slippage or SlippageConfig(slip_out=True))
    return Options(given, 1_000.0, 1.0, share)


FREE = options()
NO_BAR = (np.nan,) * 4
FLAT = [(10.0, 10.5, 9.5, 10.0)] * 8


def candles(*columns: Any) -> Panel:
    """Panel of symbols A, B ..., one list of (open, high, low, close) each."""
    prices = np.array(columns, float)  # (n_symbols, n_bars, 4)
    open_, high, low, close = (np.ascontiguousarray(prices[:, :, i].T) for i in range(4))
    volume = np.where(np.isnan(close), np.nan, 1e6)
    ts = np.arange(1, prices.shape[1] + 1, dtype=np.int64) * DAY_NS
    return Panel(tuple("ABC"[: len(columns)]), ts, open_, high, low, close, volume)


def ran(next_: Any, *columns: Any, settings: Options = FREE, setup: Any = None) -> UserRun:
    """Run ``next_(strategy)`` at every bar."""
    Script = type("Script", (bt.Strategy,), {"next": next_})
    panel = columns[0] if isinstance(columns[0], Panel) else candles(*columns)
    return run(BacktraderStrategy(Script, {}, {}, setup), panel, Signals(), settings)


def reasons(found: UserRun) -> list[Reason]:
    return [Reason(int(row["reason"])) for row in found.simulation.orders]


def on(*bars: int) -> Any:
    """Whether a strategy stands on one of the bars, counted from 0."""
    return lambda strategy: len(strategy) - 1 in bars
