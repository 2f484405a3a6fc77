"""Hedges keep their digits: prices far from zero, legs far apart, a filter that trusts its line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine.records import Floats
from tradewind.strategies.pairing import hedge


def drifting(seed: int, n_bars: int, level: float) -> tuple[Floats, Floats]:
    draw = np.random.default_rng(seed)
    x = level * (1.0 + np.cumsum(draw.normal(1e-5, 3e-4, (n_bars, 1)), axis=0))
    return 0.8 * x + draw.normal(0, 2e-4 * level, x.shape), x


def test_a_rolling_line_keeps_nine_digits_over_5000_drifting_bars_at_1e5() -> None:
    y, x = drifting(1, 5_000, 1e5)
    ours = hedge.rolling(y, x, 60)
    axes = hedge.rolling(y, x, 60, total=True)
    for t in range(59, 5_000, 61):
        rows = slice(t - 59, t + 1)
        dx, dy = x[rows, 0] - x[rows, 0].mean(), y[rows, 0] - y[rows, 0].mean()
        slope = np.linalg.lstsq(dx[:, None], dy, rcond=None)[0][0]
        assert ours.slope[t, 0] == pytest.approx(slope, rel=1e-9)
        said = y[rows, 0].mean() - slope * x[rows, 0].mean()
        assert ours.intercept[t, 0] == pytest.approx(said, rel=1e-9, abs=1e-9 * 1e5)
        first = np.linalg.svd(np.stack([dx, dy], axis=1), full_matrices=False)[2][0]
        assert axes.slope[t, 0] == pytest.approx(first[1] / first[0], rel=1e-9)


@given(st.integers(0, 1_000), st.integers(-9, 9))
@settings(max_examples=60, deadline=None)
def test_total_least_squares_inverts_however_far_apart_the_legs_are(seed: int, power: int) -> None:
    draw = np.random.default_rng(seed)
    x = 100.0 + np.cumsum(draw.normal(0, 1, (80, 1)), axis=0)
    y = 10.0**power * (0.7 * x + draw.normal(0, 0.5, x.shape))
    slope = hedge.fitted(y, x, total=True).slope[0]
    assert hedge.fitted(x, y, total=True).slope[0] * slope == pytest.approx(1.0, rel=1e-12)


@given(st.integers(0, 1_000), st.floats(1e-9, 1e9), st.floats(1e-9, 1e9))
@settings(max_examples=60, deadline=None)
def test_a_line_follows_the_units_of_its_legs(seed: int, unit_y: float, unit_x: float) -> None:
    y, x = drifting(seed, 80, 50.0)
    plain, other = hedge.fitted(y, x), hedge.fitted(unit_y * y, unit_x * x)
    assert other.slope[0] == pytest.approx(plain.slope[0] * unit_y / unit_x, rel=1e-9)


@pytest.mark.parametrize("level", [0.0, 1e-12, 3.3, 1e5 + 0.1, 1e12])
@pytest.mark.parametrize("total", [False, True])
def test_a_leg_that_does_not_move_has_no_line_at_any_price(level: float, total: bool) -> None:
    y = np.random.default_rng(2).normal(size=(50, 1))
    line = hedge.fitted(y, np.full_like(y, level), total=total)
    assert np.isnan(line.slope[0]) and np.isnan(line.intercept[0])


def by_joseph(y: Floats, x: Floats, step: float, noise: float) -> tuple[Floats, Floats]:
    """Slopes and deviations in extended precision, the covariance updated in Joseph's form."""
    wide = np.longdouble
    state, known = np.zeros(2, wide), np.eye(2).astype(wide)
    slopes, deviations = [], []
    for t in range(len(y)):
        if t:
            known = known + np.eye(2).astype(wide) * wide(step)
        row = np.array([x[t], 1.0], wide)
        variance = row @ known @ row + wide(noise)
        gain = known @ row / variance
        state = state + gain * (wide(y[t]) - row @ state)
        left = np.eye(2).astype(wide) - np.outer(gain, row)
        known = left @ known @ left.T + np.outer(gain, gain) * wide(noise)
        slopes.append(state[0])
        deviations.append(np.sqrt(variance))
    return np.array(slopes, np.float64), np.array(deviations, np.float64)


@pytest.mark.parametrize("level", [4.0, 100.0, 1e5])
@pytest.mark.parametrize("delta", [1e-8, 1e-4])
def test_the_filter_keeps_ten_digits_at_any_price(level: float, delta: float) -> None:
    y, x = drifting(3, 1_000, level)
    found = hedge.kalman(y, x, delta=delta, noise=1e-3)
    slope, deviation = by_joseph(y[:, 0], x[:, 0], delta / (1.0 - delta), 1e-3)
    np.testing.assert_allclose(found.slope[:, 0], slope, rtol=1e-10)
    np.testing.assert_allclose(found.deviation[:, 0], deviation, rtol=1e-10)


def test_a_filter_that_starts_certain_stays_there_without_steps() -> None:
    y, x = drifting(4, 50, 10.0)
    found = hedge.kalman(y, x, delta=1e-300, noise=1e-3, prior=0.0)
    np.testing.assert_allclose(found.innovation, y, rtol=1e-12)
    np.testing.assert_allclose(found.deviation, np.sqrt(1e-3), rtol=1e-12)


@given(st.integers(0, 1_000), st.integers(1, 98), st.booleans())
@settings(max_examples=30, deadline=None)
def test_an_innovation_is_made_of_the_line_before(seed: int, bar: int, gap: bool) -> None:
    y, x = drifting(seed, 100, 10.0)
    if gap:
        x[bar - 1, 0] = np.nan  # the line of the bar before is then that of an earlier one
    found = hedge.kalman(y, x)
    said = found.intercept[bar - 1, 0] + found.slope[bar - 1, 0] * x[bar, 0]
    if not np.isnan(said):
        assert found.innovation[bar, 0] == pytest.approx(y[bar, 0] - said, rel=1e-9, abs=1e-12)
    else:
        assert bar == 1 and gap, "only before the first bar with both prices is there no line"
    moved = y.copy()
    moved[bar] *= 2.0
    other = hedge.kalman(moved, x)
    assert other.deviation[bar, 0] == found.deviation[bar, 0], "known before the bar's own price"
    assert other.innovation[bar, 0] != found.innovation[bar, 0]
