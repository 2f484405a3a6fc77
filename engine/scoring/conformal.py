"""Intervals held to what came of earlier forecasts, on top of any forecaster.

A forecast's error is measured in its own standard deviation, or beyond its own quantiles. An
interval of the forecast at bar t is as wide as it had to be for the forecasts whose outcome was
known at t: those of bars up to t - horizon. Nothing is fitted again, and nothing is read later.

Without dependence between errors, an interval holds its share whatever the forecaster is worth
(split; Vovk, Gammerman and Shafer 2005; quantile form: Romano, Patterson and Candes 2019). Where
errors drift, adaptive intervals keep the share over time (Gibbs and Candes 2021), with a step that
is learned among several if none is named (Gibbs and Candes 2024).
"""

from math import log, sqrt
from typing import Any

import numpy as np

from tradewind.engine.config.conformal import ConformalConfig
from tradewind.engine.jsonable import jsonable
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Bools, Floats, Panel
from tradewind.engine.scoring.evaluation import realised
from tradewind.engine.scoring.intervals import Mean, ratio_hac

RATES = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128)
MEMORY = 500  # bars over which a step has to prove itself
ROUNDING = 1e-9  # of a rank: 0.95 * 20 is 19, not the 20 that floating point makes of it


def calibrated(forecasts: Forecasts, panel: Panel, config: ConformalConfig) -> Forecasts:
    """The same forecasts with conformal intervals as their quantiles.

    Parameters
    ----------
    forecasts : Forecasts
        Out of sample, aligned with the panel.
    panel : Panel
        Whose closes tell what came.
    config : ConformalConfig

    Returns
    -------
    Forecasts
        ``levels`` are the ends of the intervals, two for each of ``config.levels``; quantiles are
        NaN until enough outcomes are known: ``level / (1 - level)`` of them.
    """
    ends = sorted({end for level in config.levels for end in ends_of(level)})
    quantiles = np.full((*forecasts.mean.shape, len(ends)), np.nan)
    truth = realised(panel, forecasts.horizon)
    inner: tuple[Floats, Floats] | None = None
    for level in config.levels:
        low, high = forecasts.interval(level)
        score = np.maximum(low - truth, truth - high) / forecasts.std
        reach = _reaches(score, level, forecasts.horizon, config)
        middle = (low + high) / 2.0  # a reach below zero shrinks an interval, never turns it round
        low = np.minimum(low - reach * forecasts.std, middle)
        high = np.maximum(high + reach * forecasts.std, middle)
        if inner is not None:  # a larger share is held by a wider interval
            low, high = np.fmin(low, inner[0] + 0 * low), np.fmax(high, inner[1] + 0 * high)
        inner = low, high
        for end, side in zip(ends_of(level), inner, strict=True):
            quantiles[:, :, ends.index(end)] = side
    return Forecasts(forecasts.mean, forecasts.std, forecasts.horizon, tuple(ends), quantiles)


def ends_of(level: float) -> tuple[float, float]:
    """Probabilities between which a central interval lies; ten digits, so that names are short."""
    return round((1.0 - level) / 2.0, 10), round((1.0 + level) / 2.0, 10)


def measured(
    raw: Forecasts, held: Forecasts, panel: Panel, *, levels: tuple[float, ...], first_bar: int
) -> dict[str, Any]:
    """Coverage of the forecaster's own intervals and of the conformal ones, on the same pairs.

    Parameters
    ----------
    raw : Forecasts
        With the forecaster's own quantiles or none.
    held : Forecasts
        From :func:`calibrated`.
    panel : Panel
    levels : tuple of float
    first_bar : int
        First bar that counts.

    Returns
    -------
    dict
        Per level: ``promised``; ``own`` and ``conformal``, each with ``value``, ``low``, ``high``
        (95 % interval of the coverage, a date being one observation) and ``width``, the median in
        log return; ``n`` pairs and ``n_dates``.
    """
    truth = realised(panel, raw.horizon)
    result = {}
    for level in levels:
        low, high = held.interval(level)
        scored = np.isfinite(truth) & np.isfinite(low)
        scored[:first_bar] = False
        result[f"{level:g}"] = {
            "promised": level,
            "n": int(scored.sum()),
            "n_dates": int(scored.any(axis=1).sum()),
            "own": _coverage(raw.interval(level), truth, scored, raw.horizon),
            "conformal": _coverage((low, high), truth, scored, raw.horizon),
        }
    return jsonable(result)  # type: ignore[no-any-return]


def _coverage(
    interval: tuple[Floats, Floats], truth: Floats, scored: Bools, horizon: int
) -> dict[str, Any]:
    low, high = interval
    inside = scored & (truth >= low) & (truth <= high)
    dates = scored.any(axis=1)
    hits, pairs = (marks.sum(axis=1)[dates].astype(np.float64) for marks in (inside, scored))
    share: Mean = ratio_hac(hits, pairs, overlap=horizon - 1)
    ends = np.clip([share.low, share.high], 0.0, 1.0).tolist()
    width = float(np.median((high - low)[scored])) if scored.any() else float("nan")
    return {"value": share.value, "low": ends[0], "high": ends[1], "width": width}


def _reaches(score: Floats, level: float, horizon: int, config: ConformalConfig) -> Floats:
    """How far beyond the forecaster's own interval the conformal one reaches, in std.

    Parameters
    ----------
    score : ndarray of float64, shape (n_bars, n_symbols)
        How far beyond it the outcome lay; known ``horizon`` bars later, NaN where never.
    level : float
    horizon : int
    config : ConformalConfig

    Returns
    -------
    ndarray of float64, shape (n_bars, n_symbols)
    """
    n_bars, n_symbols = score.shape
    groups, members = (n_symbols, 1) if config.per_symbol else (1, n_symbols)
    came = score.reshape(n_bars, groups, members)
    rates = (0.0,) if config.method == "split" else (config.rate,) if config.rate else RATES
    rule = _Steps(level, np.array(rates), groups)
    window = min(config.window, n_bars)
    last = np.full((groups, window, members), np.nan)  # errors known, the oldest overwritten
    known = _Known(np.empty((groups, 0)))
    by_step = np.empty((n_bars, groups, len(rates)))
    reach = np.empty((n_bars, groups, 1))
    for bar in range(n_bars):
        past = bar - horizon
        if past >= 0:
            rule.learn(came[past], known, by_step[past])
            last[:, past % window] = came[past]
            known = _Known(np.sort(last.reshape(groups, -1), axis=1))
        by_step[bar] = known.exceeded_by(rule.misses, level)
        reach[bar] = known.exceeded_by(rule.miss[:, None], level)
    return np.broadcast_to(reach, came.shape).reshape(score.shape)


class _Known:
    """Past errors of each group, sorted, (n_groups, n); NaN, at the end, is none."""

    def __init__(self, errors: Floats) -> None:
        self.errors = errors
        self.n = np.isfinite(errors).sum(axis=1)

    def exceeded_by(self, misses: Floats, level: float) -> Floats:
        """Errors that shares ``misses`` of those to come exceed, each from a rank; (n_groups, K).

        Where more is asked than was ever seen it is the largest; NaN as long as ``level`` itself
        asks for more.
        """
        n = self.n[:, None]
        enough = np.ceil((n + 1) * level - ROUNDING) <= n
        if not enough.any():
            return np.full(misses.shape, np.nan)
        rank = np.ceil((n + 1) * (1.0 - misses) - ROUNDING).astype(np.int64)
        place = np.clip(rank, 1, np.maximum(n, 1)) - 1
        return np.where(enough, np.take_along_axis(self.errors, place, axis=1), np.nan)

    def shares_above(self, came: Floats) -> Floats:
        """Share of misses that would just have held each error, (n_groups, n_members)."""
        below = [
            np.searchsorted(own[:n], new)
            for own, n, new in zip(self.errors, self.n, came, strict=True)
        ]
        n = self.n[:, None]
        return np.asarray((n - np.array(below) + 1) / (n + 1))


class _Steps:
    """Shares of misses to ask for, one per group and step length, and how far each is trusted.

    Parameters
    ----------
    level : float
    rates : ndarray of float64, shape (n_steps,)
        A single 0 never moves.
    groups : int
    """

    def __init__(self, level: float, rates: Floats, groups: int) -> None:
        self.allowed = 1.0 - level
        self.rates = rates
        self.misses = np.full((groups, len(rates)), self.allowed)  # alpha of each
        self.weights = np.full((groups, len(rates)), 1.0 / len(rates))  # sum to 1
        spread = level**2 * self.allowed**3 + self.allowed**2 * level**3
        # Their equation for the least regret over ``MEMORY`` bars.
        self.eagerness = sqrt(3.0 / MEMORY) * sqrt((log(len(rates) * MEMORY) + 2.0) / spread)

    @property
    def miss(self) -> Floats:
        """Share of misses to ask for now, (n_groups,)."""
        return np.asarray((self.weights * self.misses).sum(axis=1))

    def learn(self, came: Floats, known: _Known, reaches: Floats) -> None:
        """Take in errors that became known, (n_groups, n_members), NaN where none did.

        ``reaches``, (n_groups, n_steps), is how far each step reached when they were forecast.
        Gibbs and Candes (2024), algorithm 1, with the mean over members in place of one error.
        """
        given = np.isfinite(came)  # (n_groups, n_members)
        n = given.sum(axis=1)[:, None]
        active = (n > 0) & np.isfinite(reaches[:, :1])  # (n_groups, 1)
        if not (active.any() and self.rates.any()):
            return
        n = np.maximum(n, 1)
        missed = (came[:, :, None] > reaches[:, None]).sum(axis=1) / n  # (n_groups, n_steps)
        if len(self.rates) > 1:
            error = known.shares_above(came)[:, :, None] - self.misses[:, None]
            loss = self.allowed * error - np.minimum(0.0, error)
            loss = np.where(given[:, :, None], loss, 0.0).sum(axis=1) / n  # (n_groups, n_steps)
            grown = self.weights * np.exp(-self.eagerness * loss)
            grown /= grown.sum(axis=1, keepdims=True)
            share = 1.0 / (2.0 * MEMORY)
            mixed = (1.0 - share) * grown + share / len(self.rates)
            self.weights = np.where(active, mixed, self.weights)
        moved = np.clip(self.misses + self.rates * (self.allowed - missed), 0.0, 1.0)
        self.misses = np.where(active, moved, self.misses)
