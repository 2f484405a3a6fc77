"""When a pair has come apart: detectors that watch a spread after its formation."""

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Bools, Floats
from tradewind.strategies.pairing.reversion import autoregression

# Largest |B(s)|, s in [0, 1], of a Brownian motion that is passed with this probability.
CRITICAL = {0.01: 2.8070, 0.05: 2.2414, 0.10: 1.9600}


def mean_shift(formation: Floats, later: Floats, level: float = 0.05) -> Bools:
    """Whether a spread's mean has moved since its formation, known at each later bar.

    Parameters
    ----------
    formation : ndarray of float64, shape (n_formation, n_spreads)
        The spread while the pair was formed.
    later : ndarray of float64, shape (n_bars, n_spreads)
        The spread afterwards; NaN counts as no deviation.
    level : float
        Probability of an alarm, ever, where nothing moved: 0.01, 0.05 or 0.10.

    Returns
    -------
    ndarray of bool, shape (n_bars, n_spreads)
        True from the first alarm on; at once where the formation has no reverting fit.

    Raises
    ------
    StrategyError
        For another level.

    Notes
    -----
    The sum of deviations from the formation's mean passes c s sqrt(n) (1 + k / n) after k bars, s
    the long-run standard deviation of an autoregression and c the level's bound for a Brownian
    motion on [0, 1]. The level holds for long formations; slow reversion needs longer ones.

    References
    ----------
    Horvath, Huskova, Kokoszka and Steinebach (2004), Monitoring changes in linear models.
    """
    if level not in CRITICAL:
        raise StrategyError(f"break level {level:g} is not known; use 0.01, 0.05 or 0.10")
    _, slope, noise = autoregression(formation)
    n = len(formation)
    with np.errstate(invalid="ignore", divide="ignore"):
        long_run = np.where((slope < 1.0) & (slope > -1.0), noise / (1.0 - slope), np.nan)
    away = later - formation.mean(axis=0)
    total = np.abs(np.cumsum(np.where(np.isnan(away), 0.0, away), axis=0))
    bars = np.arange(1, len(later) + 1)[:, None]
    bound = CRITICAL[level] * long_run * np.sqrt(n) * (1.0 + bars / n)
    alarm = ~(total <= bound)
    return np.asarray(np.maximum.accumulate(alarm, axis=0))


def stays_away(deviate: Floats, beyond: float, bars: int) -> Bools:
    """Whether a spread was beyond ``beyond`` standard deviations for ``bars`` bars in a row, once.

    Parameters
    ----------
    deviate : ndarray of float64, shape (n_bars, n_spreads)
        The spread in standard deviations; NaN neither counts nor interrupts.
    beyond : float
    bars : int

    Returns
    -------
    ndarray of bool, shape (n_bars, n_spreads)
        True from the first such bar on.
    """
    run = np.zeros(deviate.shape[1], np.int64)
    broken = np.zeros(deviate.shape, np.bool_)
    for t, row in enumerate(deviate):
        known = ~np.isnan(row)
        run = np.where(known, np.where(np.abs(row) > beyond, run + 1, 0), run)
        broken[t] = run >= bars
    return np.asarray(np.maximum.accumulate(broken, axis=0))
