"""Bars for tests: small, seeded, made on the spot."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tradewind.engine.records import DAY_NS, Floats, Panel

FIRST_DAY = 16_000  # 2013-10-22


def panel_of(close: Floats, **fields: Any) -> Panel:
    """Daily panel around closes of shape (n_bars, n_symbols); open is the close before."""
    n_bars, n_symbols = close.shape
    opened = np.vstack([close[:1], close[:-1]]) if n_bars else close.copy()
    opened = np.where(np.isnan(close), np.nan, np.where(np.isnan(opened), close, opened))
    return Panel(
        symbols=tuple(f"S{k}" for k in range(n_symbols)),
        ts=(np.arange(n_bars, dtype=np.int64) + FIRST_DAY) * DAY_NS,
        open=opened,
        high=np.fmax(opened, close) * 1.01,
        low=np.fmin(opened, close) * 0.99,
        close=close,
        volume=np.where(np.isnan(close), np.nan, 1_000.0),
        **fields,
    )


def walk_of(seed: int, n_bars: int, n_symbols: int) -> Panel:
    """Random walks of one percent a bar."""
    steps = np.random.default_rng(seed).normal(0, 0.01, (n_bars, n_symbols))
    return panel_of(100.0 * np.exp(np.cumsum(steps, axis=0)))


@pytest.fixture(scope="session")
def make_panel() -> Callable[..., Panel]:
    """Panel around given closes."""
    return panel_of


@pytest.fixture(scope="session")
def make_walk() -> Callable[..., Panel]:
    """Panel of random walks: seed, bars, symbols."""
    return walk_of
