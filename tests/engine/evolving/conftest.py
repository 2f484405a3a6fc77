"""A market whose front is known: two names, daily bars, no costs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewind.engine.config.file import parse, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.evolving.span import Span, span_of
from tradewind.engine.records import DAY_NS, Panel

CONFIG = """\
data: {source: embedded, symbols: all}
strategy: {kind: allocation}
sizing: {kind: target_weight, weight: 1}
costs: {fee_bps: FEE, spread: {kind: constant, bps: 0}, slippage_bps: 0}
"""


def config_of(fee_bps: float = 0.0, extra: str = "") -> RunConfig:
    text = CONFIG.replace("FEE", str(fee_bps)) + extra
    return validate(RunConfig, parse(text, where="test.yaml", folder=Path()))


def panel_of(returns: Any, start: str = "2015-01-01") -> Panel:
    """Daily bars that open at the close before, so that an order fills where it was decided."""
    close = np.asarray(100.0 * np.cumprod(1.0 + np.asarray(returns), axis=0), np.float64)
    opened = np.vstack([np.full((1, close.shape[1]), 100.0), close[:-1]])
    first = np.datetime64(start, "ns").astype(np.int64)
    ts = first + (np.arange(len(close), dtype=np.int64) + 1) * DAY_NS
    names = tuple(f"S{k}" for k in range(close.shape[1]))
    high, low = np.fmax(opened, close), np.fmin(opened, close)
    return Panel(names, ts, opened, high, low, close, np.full_like(close, 1e9))


@pytest.fixture(scope="session")
def two() -> Span:
    """Two independent names, the first with more return and more risk; rebalanced daily, free."""
    rng = np.random.default_rng(4)
    noise = rng.standard_normal((750, 2))
    noise = (noise - noise.mean(axis=0)) / noise.std(axis=0, ddof=1)
    panel = panel_of(np.array([8e-4, 3e-4]) + np.array([0.015, 0.008]) * noise)
    return span_of(config_of(), panel, "day", 0.95)


@pytest.fixture(scope="session")
def twelve() -> Span:
    """Twelve names with a common factor, rebalanced monthly at 10 bps a side."""
    rng = np.random.default_rng(11)
    factor = rng.standard_normal((500, 1)) * 0.008
    beta, own = rng.uniform(0.5, 1.5, 12), rng.uniform(0.005, 0.02, 12)
    drift = rng.normal(4e-4, 4e-4, 12)
    panel = panel_of(drift + beta * factor + own * rng.standard_normal((500, 12)))
    return span_of(config_of(10.0), panel, "month", 0.95)
