"""Alarms: their rate where nothing breaks, and how soon they come where something does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats
from tradewind.strategies.pairing import breaks, hedge

FORMATION = 250
SPREADS = 600
# An alarm at 5 % in 600 spreads: a standard error is 0.9 %; beyond these one run in 1,000 fails
# where the rate is the 4.5 to 6 % that larger simulations give.
RATES = (0.02, 0.095)


def residuals(seed: int, n_bars: int, slope: float = 0.5) -> Floats:
    """What a line fitted over a formation leaves of two cointegrated random walks."""
    draw = np.random.default_rng(seed)
    noise = draw.normal(size=(100 + n_bars, SPREADS))
    for t in range(1, len(noise)):
        noise[t] += slope * noise[t - 1]
    x = np.cumsum(draw.normal(size=(n_bars, SPREADS)), axis=0)
    y = x + noise[100:]
    line = hedge.fitted(y[:FORMATION], x[:FORMATION])
    return np.asarray(y - line.intercept - line.slope * x)


@pytest.mark.parametrize("horizon", [63, 125, 250])
def test_a_fitted_hedge_raises_false_alarms_at_its_level(horizon: int) -> None:
    spread = residuals(horizon, FORMATION + horizon)
    alarm = breaks.mean_shift(spread[:FORMATION], spread[FORMATION:], horizon=horizon, hedged=True)
    assert RATES[0] < alarm[-1].mean() < RATES[1]


def test_a_fitted_hedge_is_not_watched_as_a_known_one() -> None:
    spread = residuals(5, 3 * FORMATION)
    alarm = breaks.mean_shift(spread[:FORMATION], spread[FORMATION:])
    assert alarm[-1].mean() > 0.15, "the error of the line alone sets off one in four"


def test_a_horizon_notices_a_break_within_a_month_that_an_endless_watch_misses() -> None:
    spread = residuals(6, FORMATION + 63, slope=0.9)
    later = spread[FORMATION:] + 3.0 * spread[:FORMATION].std(axis=0)
    formation = spread[:FORMATION]
    soon = breaks.mean_shift(formation, later, horizon=63, hedged=True)
    late = breaks.mean_shift(formation, later)
    assert soon[-1].mean() > 0.9
    noticed = soon.argmax(axis=0)[soon[-1]]
    assert np.median(noticed) < 42
    assert late[-1].mean() < soon[-1].mean() - 0.2


def test_the_heights_of_the_bound_are_those_of_a_simulation() -> None:
    """1,500 paths of 200 bars a formation: within 12 %, three standard errors of the quantile."""
    draw = np.random.default_rng(7)
    n, paths = 200, 1_500
    noise = draw.normal(size=(2 * n, paths))
    x = np.cumsum(draw.normal(size=(2 * n, paths)), axis=0)
    line = hedge.fitted(noise[:n], x[:n])
    left = (noise - line.intercept - line.slope * x)[n:]
    passed = np.abs(np.cumsum(left, axis=0)) / np.sqrt(n) / (1 + np.arange(1, n + 1)[:, None] / n)
    for share in (0.25, 0.5, 1.0):
        top = passed[: int(share * n)].max(axis=0)
        for level in (0.05, 0.10):
            found = breaks.critical(level, share, hedged=True)
            assert found == pytest.approx(float(np.quantile(top, 1 - level)), rel=0.12)


@given(st.sampled_from([0.01, 0.05, 0.10]), st.floats(0.01, 3.9), st.floats(0.01, 0.1))
@settings(max_examples=60, deadline=None)
def test_a_longer_watch_and_a_fitted_line_need_a_higher_bound(
    level: float, share: float, more: float
) -> None:
    for hedged in (False, True):
        low = breaks.critical(level, share, hedged=hedged)
        assert low <= breaks.critical(level, share + more, hedged=hedged)
    assert breaks.critical(level, share) < breaks.critical(level)
    assert breaks.critical(level, share) <= breaks.critical(level, share, hedged=True)


def test_a_fitted_line_raises_the_bound_of_every_watch_worth_having() -> None:
    for level in breaks.CRITICAL:
        for share in (0.25, 0.5, 1.0, 2.0, 4.0):
            plain = breaks.critical(level, share)
            assert breaks.critical(level, share, hedged=True) > 1.01 * plain


def test_what_has_no_level_is_refused() -> None:
    with pytest.raises(StrategyError, match="no end"):
        breaks.critical(0.05, hedged=True)
    with pytest.raises(StrategyError, match="at most 4"):
        breaks.critical(0.05, 5.0, hedged=True)
    with pytest.raises(StrategyError, match="more than 0"):
        breaks.critical(0.05, 0.0)
    with pytest.raises(StrategyError, match=r"use 0\.01"):
        breaks.critical(0.2, 1.0)


@given(st.integers(0, 1_000), st.integers(1, 79))
@settings(max_examples=30, deadline=None)
def test_no_alarm_knows_a_later_bar(seed: int, cut: int) -> None:
    draw = np.random.default_rng(seed)
    formation, later = draw.normal(size=(100, 3)), draw.normal(0.3, 1.0, (80, 3))
    later[draw.integers(0, 80), 1] = np.nan
    other = later.copy()
    other[cut:] = 50.0
    for ours, changed in (
        (breaks.mean_shift(formation, later), breaks.mean_shift(formation, other)),
        (breaks.mean_shift(formation, later, horizon=80, hedged=True),
         breaks.mean_shift(formation, other, horizon=80, hedged=True)),
        (breaks.stays_away(later, 1.0, 2), breaks.stays_away(other, 1.0, 2)),
    ):  # fmt: skip
        np.testing.assert_array_equal(ours[:cut], changed[:cut])
        assert (ours[1:] >= ours[:-1]).all(), "an alarm stays"
    assert breaks.mean_shift(formation, other)[-1].all(), "the change is seen from its bar on"
