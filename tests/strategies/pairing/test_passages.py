"""How long an Ornstein-Uhlenbeck process takes, and the thresholds with the best Sharpe ratio."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine.errors import StrategyError
from tradewind.strategies.pairing import ornstein_uhlenbeck as ou

BERTRAM = ou.Process(np.zeros(1), np.array([180.967]), np.array([0.1538]))
COST = 0.001
STEP = 0.01  # of the simulation, in units of 1 / speed
LATER = 0.5826  # a level is met that many standard deviations of a step late (Broadie et al. 1997)


def series(u: float) -> tuple[float, float]:
    """Sums in gamma functions of Ricciardi and Sato (1988); they cancel beyond a scale or two."""
    from scipy.special import digamma, gammaln

    k = np.arange(1, 120)
    term = np.sign(u) ** k * np.exp(gammaln(k / 2) + k * np.log(2 * abs(u)) - gammaln(k + 1)) / 2
    return float(term.sum()), float((term * (digamma(k / 2) - digamma(1))).sum())


def one(value: float) -> Any:
    return np.array([value])


@given(st.floats(-1.2, 1.2), st.floats(0.01, 1.0), st.floats(0.01, 10.0), st.floats(-5.0, 5.0))
@settings(max_examples=60, deadline=None)
def test_passages_upwards_are_the_series_and_downwards_their_mirror(
    start: float, way: float, speed: float, mean: float
) -> None:
    start = start if abs(start) > 0.01 else 0.01
    end = start + way if abs(start + way) > 0.01 else start + way + 0.05
    process = ou.Process(one(mean), one(speed), one(np.sqrt(speed)))  # its scale is 1
    found = process.passage(one(mean + start), one(mean + end))
    (a1, a2), (m1, m2) = series(start), series(end)
    assert found.mean[0] * speed == pytest.approx(m1 - a1, rel=1e-9, abs=1e-12)
    variance = m1 * m1 - m2 + a2 - a1 * a1
    assert found.variance[0] * speed**2 == pytest.approx(variance, rel=1e-8, abs=1e-11)
    mirrored = process.passage(one(mean - start), one(mean - end))
    assert mirrored.mean[0] == pytest.approx(found.mean[0], rel=1e-9)
    assert mirrored.variance[0] == pytest.approx(found.variance[0], rel=1e-9)


@given(st.floats(-4.0, 4.0), st.floats(0.01, 3.0), st.floats(0.01, 3.0))
@settings(max_examples=60, deadline=None)
def test_a_way_takes_as_long_as_its_two_halves(start: float, first: float, second: float) -> None:
    process = ou.Process(one(0.0), one(0.3), one(np.sqrt(0.3)))
    middle, end = start + first, start + first + second
    whole = process.passage(one(start), one(end))
    parts = process.passage(one(start), one(middle)), process.passage(one(middle), one(end))
    assert whole.mean[0] == pytest.approx(sum(p.mean[0] for p in parts), rel=1e-10)
    assert whole.variance[0] == pytest.approx(sum(p.variance[0] for p in parts), rel=1e-10)


def test_no_way_takes_no_time_and_what_does_not_revert_has_none() -> None:
    process = ou.Process(np.zeros(2), np.array([0.1, np.nan]), np.array([0.1, np.nan]))
    found = process.passage(np.full(2, 0.05), np.full(2, 0.05))
    assert found.mean[0] == found.variance[0] == 0.0
    assert np.isnan(found.mean[1]) and np.isnan(found.variance[1])


def test_a_round_trip_is_bertrams() -> None:
    """Mean and variance of its length and return as ArbitrageLab's tests hold them."""
    found = ou.thresholds(BERTRAM, COST)
    trip = BERTRAM.trip(found.reach)
    assert trip.mean[0] == pytest.approx(found.length[0], rel=1e-12)
    assert trip.mean[0] == pytest.approx(0.017122, abs=5e-7)
    assert trip.variance[0] == pytest.approx(0.00015438, rel=5e-4)
    earned = 2.0 * found.reach[0] - COST
    assert earned**2 * trip.variance[0] / trip.mean[0] ** 3 == pytest.approx(0.0021857, rel=5e-4)


def test_simulated_passages_take_as_long_as_is_said() -> None:
    """4,000 passages from 0.8 scales below to 0.5 above: mean and variance within four errors."""
    draw = np.random.default_rng(11)
    slope = np.exp(-STEP)
    noise = np.sqrt((1.0 - slope**2) / 2.0)
    level, taken, on = np.full(4_000, -0.8), np.zeros(4_000), np.ones(4_000, np.bool_)
    for _ in range(20_000):
        taken[on] += STEP
        level[on] = slope * level[on] + draw.normal(0, noise, int(on.sum()))
        on &= level < 0.5
        if not on.any():
            break
    assert not on.any()
    process = ou.Process(one(0.0), one(1.0), one(1.0))
    found = process.passage(one(-0.8), one(0.5 + LATER * noise))
    assert taken.mean() == pytest.approx(found.mean[0], rel=0.05)
    assert taken.var() == pytest.approx(found.variance[0], rel=0.2)


def test_the_best_sharpe_ratio_is_bertrams() -> None:
    """ArbitrageLab's test holds 3.86293, to two places."""
    found = ou.sharpest(BERTRAM, COST, per_trade=0.01)
    assert found.ratio[0] == pytest.approx(3.86293, abs=2e-3)
    assert found.reach[0] > ou.thresholds(BERTRAM, COST).reach[0]


@pytest.mark.parametrize("asked", [{"per_trade": 0.004}, {"per_time": 0.02}])
def test_no_levels_have_a_better_ratio_not_even_lopsided_ones(asked: dict[str, float]) -> None:
    found = ou.sharpest(BERTRAM, COST, **asked)
    near = found.reach[0] * np.linspace(0.6, 1.6, 41)
    below, above = (grid.ravel() for grid in np.meshgrid(near, near))
    many = ou.Process(*(np.broadcast_to(part, below.shape) for part in BERTRAM))
    there, back = many.passage(-below, above), many.passage(above, -below)
    time, spread = there.mean + back.mean, there.variance + back.variance
    earned = below + above - COST
    beaten = 1.0 - (asked.get("per_trade", 0.0) + asked.get("per_time", 0.0) * time) / earned
    ratio = np.where(earned > 0.0, beaten * np.sqrt(time / spread), -np.inf)
    assert ratio.max() == pytest.approx(found.ratio[0], rel=1e-6)
    assert ratio.min() < 0.999 * found.ratio[0], "the grid sees that other levels are worse"


def test_ratios_are_found_spread_by_spread_and_none_where_nothing_pays() -> None:
    process = ou.Process(
        np.zeros(3), np.array([180.967, np.nan, 180.967]), np.array([0.1538, np.nan, 0.1538])
    )
    found = ou.sharpest(process, np.array([COST, COST, 1.0]), per_time=0.01)
    alone = ou.sharpest(BERTRAM, COST, per_time=0.01)
    assert found.reach[0] == alone.reach[0] and found.length[0] == alone.length[0]
    assert np.isnan(found.ratio[1:]).all()


def test_free_trades_and_nothing_to_beat_are_refused() -> None:
    with pytest.raises(StrategyError, match="wanted above 0"):
        ou.thresholds(BERTRAM, 0.0)
    with pytest.raises(StrategyError, match="wanted above 0"):
        ou.sharpest(BERTRAM, np.array([np.nan]), per_time=0.1)
    with pytest.raises(StrategyError, match="nothing to beat"):
        ou.sharpest(BERTRAM, COST)
