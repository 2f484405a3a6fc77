"""Intervals held to what came of earlier forecasts, on top of any forecaster.

A forecast's error is measured in its own standard deviation, or beyond its own quantiles. An
interval of the forecast at bar t is as wide as it had to be for the forecasts whose outcome was
known at t: those of bars up to t - horizon. Nothing is fitted again, and nothing is read later.

Without dependence between errors, an interval holds its share whatever the forecaster is worth
(split; Vovk, Gammerman and Shafer 2005; quantile form: Romano, Patterson and Candes 2019). Where
errors drift, adaptive intervals keep the share over time (Gibbs and Candes 2021), with a step that
is learned among several if none is named (Gibbs and Candes 2024).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil, log, sqrt
from typing import Any

import numpy as np

from tradewind.engine.config_conformal import ConformalConfig
from tradewind.engine.evaluation import realised
from tradewind.engine.intervals import Mean, ratio_hac
from tradewind.engine.jsonable import jsonable
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Bools, Floats, Panel

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
        reach = np.full(score.shape, np.nan)
        for columns in _groups(score.shape[1], config):
            reach[:, columns] = _reaches(
                score[:, columns], forecasts.mean[:, columns], level, forecasts.horizon, config
            )
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


def _groups(n_symbols: int, config: ConformalConfig) -> Iterator[list[int]]:
    """Columns whose errors are pooled."""
    every = list(range(n_symbols))
    yield from ([column] for column in every) if config.per_symbol else [every]


def _reaches(
    score: Floats, mean: Floats, level: float, horizon: int, config: ConformalConfig
) -> Floats:
    """How far beyond the forecaster's own interval the conformal one reaches, in std.

    Parameters
    ----------
    score : ndarray of float64, shape (n_bars, n)
        How far beyond it the outcome lay; known ``horizon`` bars later, NaN where never.
    mean : ndarray of float64, shape (n_bars, n)
        NaN where there is no forecast.
    level : float
    horizon : int
    config : ConformalConfig

    Returns
    -------
    ndarray of float64, shape (n_bars, n)
    """
    rates = (0.0,) if config.method == "split" else (config.rate,) if config.rate else RATES
    rule = _Steps(level, np.array(rates))
    known = np.empty(0)
    by_step = np.full((len(score), len(rates)), np.nan)
    reach = np.full(score.shape, np.nan)
    for bar in range(len(score)):
        past = bar - horizon
        if past >= 0:
            came = np.sort(score[past][np.isfinite(score[past])])
            rule.learn(came, known, by_step[past])
            known = np.insert(known, np.searchsorted(known, came), came)
        if past >= config.window:
            gone = score[past - config.window]
            known = _without(known, gone[np.isfinite(gone)])
        by_step[bar] = _quantiles(known, rule.misses, level)
        reach[bar] = _quantiles(known, np.array([rule.miss]), level)[0]
    return np.where(np.isfinite(mean), reach, np.nan)


def _without(known: Floats, gone: Floats) -> Floats:
    """Sorted numbers less some of them; equal ones go once each."""
    gone = np.sort(gone)
    nth = np.arange(len(gone)) - np.searchsorted(gone, gone)
    return np.delete(known, np.searchsorted(known, gone) + nth)


def _quantiles(known: Floats, misses: Floats, level: float) -> Floats:
    """Of sorted past errors, those that a share of ``misses`` exceeds, each from a rank.

    Where more is asked than was ever seen it is the largest; NaN as long as ``level`` itself asks
    for more.
    """
    n = len(known)
    if ceil((n + 1) * level - ROUNDING) > n:
        return np.full(len(misses), np.nan)
    rank = np.ceil((n + 1) * (1.0 - misses) - ROUNDING).astype(np.int64)
    return np.asarray(known[np.clip(rank, 1, n) - 1])


@dataclass(slots=True)
class _Steps:
    """Shares of misses to ask for, one per step length, and how far each is trusted.

    Attributes
    ----------
    level : float
    rates : ndarray of float64, shape (n_steps,)
        A single 0 never moves.
    """

    level: float
    rates: Floats
    misses: Floats = field(init=False)  # (n_steps,) alpha of each
    weights: Floats = field(init=False)  # (n_steps,) sum to 1

    def __post_init__(self) -> None:
        self.misses = np.full(len(self.rates), 1.0 - self.level)
        self.weights = np.full(len(self.rates), 1.0 / len(self.rates))

    @property
    def miss(self) -> float:
        """Share of misses to ask for now."""
        return float(self.weights @ self.misses)

    def learn(self, came: Floats, known: Floats, reaches: Floats) -> None:
        """Take in errors that became known, and how far each step reached when they were forecast.

        Gibbs and Candes (2024), algorithm 1, with the mean over symbols in place of one error.
        """
        if not len(came) or np.isnan(reaches[0]):
            return
        missed = (came[:, None] > reaches).mean(axis=0)  # (n_steps,)
        if len(self.rates) > 1:
            larger = len(known) - np.searchsorted(known, came)
            beta = ((larger + 1) / (len(known) + 1))[:, None]  # the share that would just have held
            target = 1.0 - self.level
            loss = (target * (beta - self.misses) - np.minimum(0.0, beta - self.misses)).mean(
                axis=0
            )
            grown = self.weights * np.exp(-self._eagerness * loss)
            share = 1.0 / (2.0 * MEMORY)
            self.weights = (1.0 - share) * grown / grown.sum() + share / len(grown)
        self.misses = np.clip(self.misses + self.rates * (1.0 - self.level - missed), 0.0, 1.0)

    @property
    def _eagerness(self) -> float:
        """How fast trust moves; their equation for the least regret over ``MEMORY`` bars."""
        miss = 1.0 - self.level
        spread = (1.0 - miss) ** 2 * miss**3 + miss**2 * (1.0 - miss) ** 3
        return sqrt(3.0 / MEMORY) * sqrt((log(len(self.rates) * MEMORY) + 2.0) / spread)
