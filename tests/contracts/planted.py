"""Panels with a known signal, and with none: what a learner must find, and what it must not.

The direction of each bar's return is right with probability ``ACCURACY`` where it follows a rule of
the bars before, and nothing else is known: nobody can say it more often. Sizes of returns say
nothing about directions.

- ``size``: up after a large move, down after a small one, whatever its direction. No line can see
  it.
- ``pair``: up after two moves in the same direction, down after two in opposite ones. No line can
  see that either.
- ``swing``: in the direction of a small move, against a large one: trend and reversal. A line can
  see that large moves turn, and is then right as often as a coin.
- ``trend``: in the direction of the last move. A line sees all of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import DAY_NS, Floats, Panel
from tradewind.engine.scoring.evaluation import realised

ACCURACY = 0.55
VOL = 0.01  # of one bar, about
SMALL, LARGE = (0.4, 0.8), (1.2, 1.6)  # sizes of moves in VOL; a gap that a learner can find


def _size(last: Floats, before: Floats) -> Floats:
    return np.where(np.abs(last) > VOL, 1.0, -1.0)


def _pair(last: Floats, before: Floats) -> Floats:
    return np.where(last * before > 0, 1.0, -1.0)


def _swing(last: Floats, before: Floats) -> Floats:
    return np.where((last > 0) == (np.abs(last) < VOL), 1.0, -1.0)


def _trend(last: Floats, before: Floats) -> Floats:
    return np.where(last > 0, 1.0, -1.0)


Rule = Callable[[Floats, Floats], Floats]
RULES: Mapping[str, Rule] = {"pair": _pair, "size": _size, "swing": _swing, "trend": _trend}


@dataclass(frozen=True, slots=True)
class Planted:
    """A panel and what is known about it.

    Attributes
    ----------
    panel : Panel
    best : ndarray of float64, shape (n_bars, n_symbols)
        The likelier direction of the next bar's return, known at each close: 1 or -1; 0 before
        there is one.
    accuracy : float
        How often ``best`` is right; nobody can do better.
    """

    panel: Panel
    best: Floats
    accuracy: float

    def share_of_edge(self, forecasts: Forecasts, *, first: int) -> float:
        """Part of the edge over one half that forecasts reach, in expectation.

        Parameters
        ----------
        forecasts : Forecasts
            Of the bars from ``first`` on.
        first : int
            First bar that counts.

        Returns
        -------
        float
            1 for the best rule, 0 for a coin, -1 for the best rule turned round. It is counted on
            what the signal is, not on how the coin fell, so it is not blurred by luck.
        """
        return float(np.mean(np.sign(forecasts.mean) * self.best[first:]))


def planted(rule: str, *, n_bars: int, n_symbols: int, seed: int) -> Planted:
    """Make a panel whose returns follow a rule, as often as ``ACCURACY``.

    Parameters
    ----------
    rule : str
        A key of :data:`RULES`.
    n_bars, n_symbols : int
    seed : int
    """
    draw = np.random.default_rng(seed)
    large = draw.random((n_bars, n_symbols)) < 0.5
    size = VOL * np.where(
        large, draw.uniform(*LARGE, large.shape), draw.uniform(*SMALL, large.shape)
    )
    obeys = np.where(draw.random((n_bars, n_symbols)) < ACCURACY, 1.0, -1.0)
    steps = size * np.where(draw.random((n_bars, n_symbols)) < 0.5, 1.0, -1.0)
    best = np.zeros((n_bars, n_symbols))
    for bar in range(1, n_bars):
        best[bar] = RULES[rule](steps[bar], steps[bar - 1])
        if bar + 1 < n_bars:
            steps[bar + 1] = size[bar + 1] * best[bar] * obeys[bar + 1]
    return Planted(_panel(steps, draw), best, ACCURACY)


def permuted(panel: Panel, *, seed: int) -> Panel:
    """The returns of each symbol in a random order, with random signs: nothing is left to learn.

    Bars keep their ranges and volumes, so features look as before.
    """
    draw = np.random.default_rng(seed)
    steps = np.diff(np.log(panel.close), axis=0)
    order = np.argsort(draw.random(steps.shape), axis=0)
    steps = np.take_along_axis(steps, order, axis=0)
    steps *= np.where(draw.random(steps.shape) < 0.5, 1.0, -1.0)
    return replace(
        _panel(np.insert(steps, 0, 0.0, axis=0), draw), symbols=panel.symbols, ts=panel.ts
    )


def hits(forecasts: Forecasts, panel: Panel, *, first: int) -> tuple[int, int]:
    """How many directions of next bars were said rightly, and how many were said at all."""
    outcome = np.sign(realised(panel, 1)[first:])
    said = np.sign(forecasts.mean)
    counted = np.isfinite(outcome) & np.isfinite(said) & (said != 0) & (outcome != 0)
    return int((said == outcome)[counted].sum()), int(counted.sum())


def net_sharpe(position: Floats, panel: Panel, *, first: int, cost_bps: float) -> float:
    """Sharpe ratio per bar, after costs, of a book with an equal share in each symbol.

    Parameters
    ----------
    position : ndarray of float64, shape (n_bars - first, n_symbols)
        Share of a symbol's part of capital held over the next bar; from nothing at the start.
    panel : Panel
    first : int
        Bar of the first position.
    cost_bps : float
        Of what is traded.
    """
    returns = np.expm1(realised(panel, 1)[first:-1])
    held = position[:-1]
    before = np.concatenate((np.zeros_like(held[:1]), held[:-1]))
    net = (held * returns - 1e-4 * cost_bps * np.abs(held - before)).mean(axis=1)
    return float(net.mean() / net.std())


def _panel(steps: Floats, draw: np.random.Generator) -> Panel:
    n_bars, n_symbols = steps.shape
    close = 100.0 * np.exp(np.cumsum(steps, axis=0))
    open_ = np.concatenate((close[:1], close[:-1]))
    high = np.maximum(open_, close) * np.exp(draw.uniform(0, 0.002, steps.shape))
    low = np.minimum(open_, close) * np.exp(-draw.uniform(0, 0.002, steps.shape))
    volume = np.rint(np.exp(draw.normal(12, 0.5, steps.shape)))
    ts = (np.arange(n_bars, dtype=np.int64) + 10_000) * DAY_NS
    names = tuple(f"S{k:02}" for k in range(n_symbols))
    return Panel(names, ts, open_, high, low, close, volume)
