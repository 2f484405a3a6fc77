"""When a pair has come apart: detectors that watch a spread after its formation."""

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Bools, Floats
from tradewind.strategies.pairing.reversion import autoregression

# Largest |B(s)|, s in [0, 1], of a Brownian motion that is passed with this probability.
CRITICAL = {0.01: 2.8070, 0.05: 2.2414, 0.10: 1.9600}


# The same for a watch that ends at s formations' time, of W(1 + s) - W(1) less what a line fitted
# to a random walk over the formation makes of the time after it, over 1 + s; quantiles of 200,000
# paths of 1,000 bars a formation, to 1 %.
HORIZONS = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
HEDGED: dict[float, tuple[float, ...]] = {
    0.01: (0.625, 0.916, 1.599, 2.650, 3.631, 4.549, 6.260, 7.735, 10.235, 12.342),
    0.05: (0.492, 0.711, 1.187, 1.815, 2.367, 2.866, 3.793, 4.607, 6.021, 7.190),
    0.10: (0.426, 0.615, 1.007, 1.487, 1.887, 2.239, 2.883, 3.443, 4.429, 5.276),
}


def critical(level: float, share: float | None = None, *, hedged: bool = False) -> float:
    """Height of the bound on a spread's summed deviations.

    Parameters
    ----------
    level : float
        Probability of a false alarm: 0.01, 0.05 or 0.10.
    share : float, optional
        Length of the watch in formations, > 0; without end where it is left out.
    hedged : bool
        Whether the spread's line was fitted to the formation; such a watch has to end.

    Raises
    ------
    StrategyError
        For another level, a watch of no length, and a fitted line watched beyond HORIZONS.
    """
    if level not in CRITICAL:
        raise StrategyError(f"break level {level:g} is not known; use 0.01, 0.05 or 0.10")
    if share is not None and not share > 0.0:
        raise StrategyError(f"break watch of {share:g} formations; wanted more than 0")
    plain = CRITICAL[level] * (1.0 if share is None else float(np.sqrt(share / (1.0 + share))))
    if not hedged:
        return plain
    if share is None or share > HORIZONS[-1]:
        found = "no end" if share is None else f"{share:g} formations"
        raise StrategyError(
            f"break watch of a fitted hedge: {found}; wanted at most {HORIZONS[-1]:g}, "
            "for the error of its line grows without bound"
        )
    # HEDGED is simulated: over the shortest watches its error exceeds what the fit adds.
    fitted = float(np.interp(share, HORIZONS, HEDGED[level]))  # audit: ok, horizons are no bars
    return max(plain, fitted)


def mean_shift(
    formation: Floats,
    later: Floats,
    level: float = 0.05,
    *,
    horizon: int | None = None,
    hedged: bool = False,
) -> Bools:
    """Whether a spread's mean has moved since its formation, known at each later bar.

    Parameters
    ----------
    formation : ndarray of float64, shape (n_formation, n_spreads)
        The spread while the pair was formed.
    later : ndarray of float64, shape (n_bars, n_spreads)
        The spread afterwards; NaN counts as no deviation.
    level : float
        Probability of an alarm where nothing moved: 0.01, 0.05 or 0.10.
    horizon : int, optional
        Bars after the formation for which the level holds, set beforehand: the shorter, the sooner
        a shift is noticed. Left out, the level holds for ever.
    hedged : bool
        Whether the line that makes the spread was fitted to the same formation by least squares of
        one random walk on another. Its error, times how far the prices have gone since, moves the
        spread as well: with the bound for a known line and no horizon, 5 % become 10 % after one
        formation's time and 24 % after two. Asks for a horizon.

    Returns
    -------
    ndarray of bool, shape (n_bars, n_spreads)
        True from the first alarm on; at once where the formation has no reverting fit.

    Raises
    ------
    StrategyError
        For a level or a horizon that :func:`critical` does not know.

    Notes
    -----
    The sum of deviations from the formation's mean passes c s sqrt(n) (1 + k / n) after k bars, s
    the long-run standard deviation of an autoregression and c from :func:`critical`. The level
    holds for long formations; slow reversion needs longer ones. At 5 % with a fitted line, of 2,000
    simulated spreads whose slope on the bar before was at most 0.9, 4.7 to 7.5 % raised an alarm
    after formations of 250 bars and 4.4 to 5.8 % after 1,000; at 0.95 up to 9 and 7 %. Where shocks
    to the spread move the second leg as well (correlation 0.5), 7 to 13 %: the line is biased then.

    References
    ----------
    Horvath, Huskova, Kokoszka and Steinebach (2004), Monitoring changes in linear models; for the
    fitted line Wagner and Wied (2017), Consistent monitoring of cointegrating relationships.
    """
    _, slope, noise = autoregression(formation)
    n = len(formation)
    c = critical(level, None if horizon is None else horizon / max(n, 1), hedged=hedged)
    with np.errstate(invalid="ignore", divide="ignore"):
        long_run = np.where((slope < 1.0) & (slope > -1.0), noise / (1.0 - slope), np.nan)
    away = later - formation.mean(axis=0)
    total = np.abs(np.cumsum(np.where(np.isnan(away), 0.0, away), axis=0))
    bars = np.arange(1, len(later) + 1)[:, None]
    bound = c * long_run * np.sqrt(n) * (1.0 + bars / n)
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
