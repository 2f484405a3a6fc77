"""Hedges, the process of a spread, copulas and breaks, against oracles and by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats
from tradewind.strategies.pairing import breaks, copulas, hedge
from tradewind.strategies.pairing import ornstein_uhlenbeck as ou


def legs(seed: int, n_bars: int = 300, level: float = 4.0) -> tuple[Floats, Floats]:
    draw = np.random.default_rng(seed)
    x = level + np.cumsum(draw.normal(0, 0.01, (n_bars, 2)), axis=0)
    return 1.5 * x + 0.3 + draw.normal(0, 0.01, x.shape), x


def test_rolling_lines_are_those_of_least_squares_even_for_large_prices() -> None:
    y, x = legs(1, level=1e5)
    found = hedge.rolling(y, x, 60)
    assert np.isnan(found.slope[:59]).all() and np.isfinite(found.slope[59:]).all()
    for t in (59, 200, 299):
        slope, intercept = np.polyfit(x[t - 59 : t + 1, 1] - 1e5, y[t - 59 : t + 1, 1], 1)
        assert found.slope[t, 1] == pytest.approx(slope, rel=1e-7)
        said = found.intercept[t, 1] + found.slope[t, 1] * x[t, 1]
        assert said == pytest.approx(intercept + slope * (x[t, 1] - 1e5), abs=1e-6)
    assert hedge.fitted(y[-60:], x[-60:]).slope[1] == found.slope[-1, 1]


def test_total_least_squares_is_the_first_principal_axis_and_inverts() -> None:
    y, x = legs(2)
    slope = hedge.fitted(y, x, total=True).slope[0]
    _, vectors = np.linalg.eigh(np.cov(x[:, 0], y[:, 0]))
    assert slope == pytest.approx(vectors[1, -1] / vectors[0, -1], rel=1e-9)
    assert hedge.fitted(x, y, total=True).slope[0] == pytest.approx(1.0 / slope, rel=1e-9)


def test_the_filter_is_that_of_pykalman() -> None:
    from pykalman import KalmanFilter

    y, x = legs(3)
    delta, noise = 1e-3, 2e-3
    found = hedge.kalman(y, x, delta=delta, noise=noise)
    rows = np.stack([x[:, 0], np.ones(len(x))], axis=1)[:, None, :]
    theirs = KalmanFilter(
        transition_matrices=np.eye(2), observation_matrices=rows,
        transition_covariance=delta / (1 - delta) * np.eye(2), observation_covariance=noise,
        initial_state_mean=np.zeros(2), initial_state_covariance=np.eye(2),
    ).filter(y[:, 0])[0]  # fmt: skip
    np.testing.assert_allclose(found.slope[:, 0], theirs[:, 0], rtol=1e-8)
    np.testing.assert_allclose(found.intercept[:, 0], theirs[:, 1], rtol=1e-8, atol=1e-10)


@given(st.integers(0, 1_000), st.integers(70, 290))
@settings(max_examples=20, deadline=None)
def test_no_hedge_knows_a_later_bar(seed: int, cut: int) -> None:
    y, x = legs(seed)
    other = y.copy()
    other[cut:] *= 3.0
    for ours, theirs in (
        (hedge.rolling(y, x, 60), hedge.rolling(other, x, 60)),
        (hedge.rolling(y, x, 60, total=True), hedge.rolling(other, x, 60, total=True)),
        (hedge.kalman(y, x), hedge.kalman(other, x)),
    ):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a[:cut], b[:cut])


def test_gaps_and_a_still_leg() -> None:
    y, x = legs(4)
    y[100:110, 0] = np.nan
    found = hedge.rolling(y, x, 60)
    assert np.isfinite(found.slope[105, 0])  # 54 of 60 bars are there, three quarters suffice
    y[100:130, 0] = np.nan
    assert np.isnan(hedge.rolling(y, x, 60).slope[129, 0])
    filtered = hedge.kalman(y, x)
    assert (filtered.slope[100:130, 0] == filtered.slope[99, 0]).all()
    assert np.isnan(filtered.innovation[100:130, 0]).all()
    assert filtered.deviation[130, 0] > filtered.deviation[99, 0]
    x[:, 1] = 7.0
    assert np.isnan(hedge.rolling(y, x, 60).slope[:, 1]).all()


def test_bertrams_published_thresholds() -> None:
    process = ou.Process(np.zeros(1), np.array([180.967]), np.array([0.1538]))
    found = ou.thresholds(process, 0.001)
    assert found.reach[0] == pytest.approx(0.0047, abs=5e-5)
    assert found.rate[0] == pytest.approx(0.492358, abs=5e-7)


def test_no_other_threshold_has_a_higher_rate() -> None:
    from scipy.special import erfi

    speed, volatility, cost = 0.05, 0.01, 0.004
    best = ou.thresholds(ou.Process(np.zeros(1), np.array([speed]), np.array([volatility])), cost)
    reach = np.linspace(0.3, 3.0, 200) * best.reach[0]
    root = np.sqrt(speed) / volatility
    rate = (2.0 * reach - cost) / (2.0 * np.pi * erfi(reach * root) / speed)
    assert rate.max() <= best.rate[0] * (1 + 1e-12)


def test_a_round_trip_takes_as_long_as_the_formula_says() -> None:
    """10,000 simulated bars of 60 spreads, some 2,000 trips: 10 % is four standard errors."""
    draw = np.random.default_rng(7)
    b, noise = 0.98, 0.01
    process = ou.Process(np.zeros(1), np.array([-np.log(b)]), np.array([noise * np.sqrt(
        2.0 * -np.log(b) / (1 - b * b))]))  # fmt: skip
    found = ou.thresholds(process, 0.02)
    spread = np.zeros(60)
    side, trips = np.zeros(60), 0
    for _ in range(10_000):
        spread = b * spread + draw.normal(0, noise, 60)
        up, down = spread >= found.reach[0], spread <= -found.reach[0]
        trips += int(np.sum(up & (side < 0)))
        side = np.where(up, 1.0, np.where(down, -1.0, side))
    # a process seen at whole bars passes a level later than a continuous one: the reach grows by
    # 0.5826 noise (Broadie, Glasserman and Kou 1997)
    from scipy.special import erfi

    later = found.reach[0] + 0.5826 * noise
    length = 2.0 * np.pi * erfi(later * np.sqrt(process.speed[0]) / process.volatility[0])
    assert 600_000 / trips == pytest.approx(length / process.speed[0], rel=0.1)


def test_the_fit_finds_the_process_and_refuses_a_trend() -> None:
    draw = np.random.default_rng(8)
    spread = np.zeros((50_000, 2))
    noise = draw.normal(0, 0.02, spread.shape)
    for t in range(1, len(spread)):
        spread[t] = 1.0 + 0.95 * (spread[t - 1] - 1.0) + noise[t]
    spread[:, 1] = np.exp(1e-4 * np.arange(50_000))
    found = ou.fit(spread)
    assert found.mean[0] == pytest.approx(1.0, abs=0.02)
    assert found.speed[0] == pytest.approx(-np.log(0.95), rel=0.05)
    assert found.deviation[0] == pytest.approx(0.02 / np.sqrt(1 - 0.95**2), rel=0.05)
    assert np.isnan(found.speed[1])


PARAMETERS = {"gaussian": (0.6, 0.0), "student_t": (0.5, 4.0), "clayton": (2.0, 0.0),
              "gumbel": (1.8, 0.0), "frank": (5.0, 0.0)}  # fmt: skip


def theirs_of(family: str) -> Any:
    import pyvinecopulib as pv

    kind = {"student_t": "student"}.get(family, family)
    first, second = PARAMETERS[family]
    values = [[first], [second]] if second else [[first]]
    return pv.Bicop(family=getattr(pv.BicopFamily, kind), parameters=np.array(values))


@pytest.mark.parametrize("family", sorted(PARAMETERS))
def test_densities_and_conditionals_are_those_of_pyvinecopulib(family: str) -> None:
    draw = np.random.default_rng(9)
    u, v = draw.uniform(0.01, 0.99, (2, 200))
    copula, theirs = copulas.Copula(family, *PARAMETERS[family]), theirs_of(family)
    both = np.stack([u, v], axis=1)
    np.testing.assert_allclose(copulas.density(copula, u, v), theirs.pdf(both), rtol=1e-7)
    first, second = copulas.conditional(copula, u, v)
    np.testing.assert_allclose(first, theirs.hfunc2(both), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(second, theirs.hfunc1(both), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("family", sorted(PARAMETERS))
def test_a_fit_finds_the_parameter_and_the_family(family: str) -> None:
    sample = theirs_of(family).sample(3_000, seeds=[1, 2, 3])
    u, v = sample.T
    found, _ = copulas.fit(u, v, family)
    assert found.first == pytest.approx(PARAMETERS[family][0], rel=0.1)
    assert copulas.fit_best(u, v).family == family


def test_copulas_refuse_what_they_cannot_describe() -> None:
    draw = np.random.default_rng(1)
    u = draw.uniform(size=100)
    with pytest.raises(StrategyError, match="against each other"):
        copulas.fit(u, 0.7 * (1.0 - u) + 0.3 * draw.uniform(size=100), "clayton")
    with pytest.raises(StrategyError, match="are one"):
        copulas.fit(u, u, "frank")
    with pytest.raises(StrategyError, match="20 bars"):
        copulas.fit(u[:20], u[:20], "gaussian")


def test_mispricing_asks_both_legs() -> None:
    first = np.array([0.05, 0.95, 0.05, 0.5])
    second = np.array([0.99, 0.01, 0.01, 0.5])
    np.testing.assert_allclose(
        copulas.mispricing(first, second), [-1.645, 1.645, 0.0, 0.0], atol=1e-3
    )
    assert copulas.ranks(np.array([0.0, 2.0, 9.0]), np.array([1.0, 2.0, 3.0])).tolist() == [
        0.125, 0.5, 0.875,
    ]  # fmt: skip


def reverting(seed: int, n_bars: int, n: int) -> Floats:
    draw = np.random.default_rng(seed)
    noise = draw.normal(size=(n_bars, n))
    out = np.zeros_like(noise)
    for t in range(1, n_bars):
        out[t] = 0.5 * out[t - 1] + noise[t]
    return np.asarray(out)


def test_a_shift_is_noticed_and_a_sound_pair_is_left_alone() -> None:
    """Of 400 sound spreads some 5 % raise an alarm in two formations' time; measured 3 to 8 %."""
    whole = reverting(10, 1_500, 400)
    sound = breaks.mean_shift(whole[:500], whole[500:])
    assert sound[-1].mean() < 0.08
    moved = whole[500:] + 2.0
    noticed = breaks.mean_shift(whole[:500], moved)
    assert noticed[-1].all()
    assert np.median(noticed.argmax(axis=0)) < 120
    with pytest.raises(StrategyError, match="or 0"):
        breaks.mean_shift(whole, whole, 0.2)


def test_an_alarm_stays_and_a_gap_does_not_interrupt() -> None:
    deviate = np.array([[0.0], [4.0], [np.nan], [-4.0], [4.0], [0.0], [0.0]])
    assert breaks.stays_away(deviate, 3.0, 3)[:, 0].tolist() == [False] * 4 + [True] * 3
