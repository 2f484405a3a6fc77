"""What a strategy is asked with when nobody has forecast or traded anything: all of it made up."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tradewind.engine.protocols import Book, Forecasts, Signals, Strategy, View
from tradewind.engine.records import ORDER, Floats, Panel

CASH = 100_000.0
Wishes = list[tuple[int, float]]


def signals(panel: Panel, seed: int = 5) -> Signals:
    """Made-up forecasts and scores of a panel, NaN where a symbol has no bar."""
    draw = np.random.default_rng(seed)
    gone = np.isnan(panel.close)
    mean = np.where(gone, np.nan, draw.normal(0, 0.02, panel.shape))
    std = np.where(gone, np.nan, draw.uniform(0.01, 0.03, panel.shape))
    scores = np.where(gone, np.nan, draw.normal(0, 1, panel.shape))
    return Signals(Forecasts(mean, std, horizon=5), scores)


def other_future(said: Signals, cut: int, n_bars: int) -> Signals:
    """The same signals up to a cut, others behind it, ``n_bars`` in all."""
    forecasts, scores = said.forecasts, said.scores
    if forecasts is not None:
        mean, std = forecasts.mean[:n_bars].copy(), forecasts.std[:n_bars]
        mean[cut:] *= -3.0
        quantiles = forecasts.quantiles
        quantiles = quantiles[:n_bars].copy() if forecasts.levels else quantiles
        quantiles[cut:] *= -3.0
        forecasts = replace(forecasts, mean=mean, std=std, quantiles=quantiles)
    if scores is not None:
        scores = scores[:n_bars].copy()
        scores[cut:] *= -1.0
    return Signals(forecasts, scores, said.series)


def books(panel: Panel, memory: int = 16) -> Sequence[Book]:
    """A state of the account for each bar: flat, long and short in turn, worth more or less.

    The same for a bar whatever comes after it.
    """
    qty = np.random.default_rng(9).choice([-50.0, 0.0, 0.0, 80.0], panel.shape)
    equity = np.random.default_rng(10).uniform(0.5, 2.0, panel.n_bars) * CASH
    return [_book(panel, t, qty[t], equity[t : t + 1], memory) for t in range(panel.n_bars)]


def _book(panel: Panel, t: int, qty: Floats, equity: Floats, memory: int) -> Book:
    """Account without orders on the market, entered at the last close."""
    close = np.where(np.isnan(panel.close[t]), 1.0, panel.close[t])
    no_orders, nobody = np.empty(0, ORDER), np.empty(0, np.int64)
    remembered = np.zeros((panel.n_symbols, max(16, memory)))
    return Book(qty, equity, close, no_orders, nobody, np.zeros(1, np.int64), remembered)


def wishes(strategy: Strategy, panel: Panel, said: Signals, bars: range) -> list[Wishes]:
    """What a strategy wants at each of ``bars``, the account being what :func:`books` says."""
    inputs = strategy.prepare(panel, said)
    held = books(panel)
    return [
        [(wish.symbol, wish.weight) for wish in strategy.decide(View(t, inputs, held[t]))]
        for t in bars
    ]
