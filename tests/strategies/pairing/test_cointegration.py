"""Statistics against statsmodels, planted pairs, and what cannot be tested."""

from collections.abc import Iterable
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats
from tradewind.strategies.pairing.cointegration import LEAST_BARS, engle_granger, longest_lag
from tradewind.strategies.pairing.mackinnon import critical_values, p_value
from tradewind.strategies.pairing.scanning import Fault, all_pairs


def walks(seed: int, n_bars: int = 300, n_symbols: int = 5) -> Floats:
    draw = np.random.default_rng(seed)
    return np.asarray(4.0 + np.cumsum(draw.normal(0, 0.01, (n_bars, n_symbols)), axis=0))


def coint(y: Floats, x: Floats, **options: Any) -> Any:
    from statsmodels.tsa.stattools import coint as oracle

    return oracle(y, x, **options)


@pytest.mark.parametrize("n_bars", [40, 121, 500])
@pytest.mark.parametrize("lags", [None, 0, 3])
def test_statistics_and_p_values_are_those_of_statsmodels(n_bars: int, lags: int | None) -> None:
    prices = walks(n_bars, n_bars)
    prices[:, 1] = 1.3 * prices[:, 0] + np.random.default_rng(1).normal(0, 0.01, n_bars)
    found = engle_granger(prices, lags=lags)
    given = {"autolag": "aic"} if lags is None else {"autolag": None, "maxlag": lags}
    for i, (y, x) in enumerate(zip(found.y, found.x, strict=True)):
        statistic, p, critical = coint(prices[:, y], prices[:, x], **given)
        assert found.statistic[i] == pytest.approx(statistic, rel=1e-10, abs=1e-10)
        assert found.p_value[i] == pytest.approx(p, abs=1e-10)
        np.testing.assert_allclose(critical_values(n_bars - 1), critical, rtol=1e-12)


def test_p_values_of_one_to_six_series_are_those_of_statsmodels() -> None:
    from statsmodels.tsa.adfvalues import mackinnonp

    for n in range(1, 7):
        for value in (-40.0, -6.0, -3.5, -2.0, 0.0, 0.7, 3.0):
            assert p_value(np.array(value), n) == pytest.approx(
                mackinnonp(value, "c", n), abs=1e-14
            )
    assert np.isnan(p_value(np.array(np.nan)))
    with pytest.raises(StrategyError, match="7 series"):
        p_value(np.array(-3.0), 7)


@pytest.mark.parametrize("n_bars", [30, 250, 5_000])
def test_critical_values_of_one_to_twelve_series_are_those_of_statsmodels(n_bars: int) -> None:
    from statsmodels.tsa.adfvalues import mackinnoncrit

    for n in range(1, 13):
        want = mackinnoncrit(n, "c", n_bars)
        np.testing.assert_allclose(critical_values(n_bars, n), want, rtol=1e-14)
    with pytest.raises(StrategyError, match="13 series"):
        critical_values(n_bars, 13)


def test_the_planted_pair_is_found_among_all() -> None:
    prices = walks(3, 500, 12)
    prices[:, 7] = 0.8 * prices[:, 2] + np.random.default_rng(4).normal(0, 0.005, 500)
    found = engle_granger(prices)
    best = int(np.argmin(found.p_value))
    assert {int(found.y[best]), int(found.x[best])} == {2, 7}
    assert found.p_value[best] < 1e-6


def test_independent_walks_pass_as_often_as_the_level_says() -> None:
    """At 5 % of 10,000 ordered pairs; those of one draw share symbols: within 2 %."""
    p = np.concatenate([engle_granger(walks(seed, 400, 32)).p_value for seed in range(10)])
    assert abs((p < 0.05).mean() - 0.05) < 0.02


@given(st.integers(0, 10_000), st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_no_number_depends_on_the_threads_or_on_the_other_pairs(seed: int, threads: int) -> None:
    prices = walks(seed, 80, 4)
    whole = engle_granger(prices, threads=threads)
    alone = engle_granger(prices, all_pairs(4)[5:7])
    np.testing.assert_array_equal(whole.statistic[5:7], alone.statistic)
    np.testing.assert_array_equal(whole.lag[5:7], alone.lag)


@given(st.floats(0.01, 100.0), st.floats(-50.0, 50.0))
@settings(max_examples=20, deadline=None)
def test_the_statistic_does_not_depend_on_units(scale: float, shift: float) -> None:
    prices = walks(8, 120, 2)
    moved = prices * scale + shift
    a, b = engle_granger(prices), engle_granger(moved)
    np.testing.assert_allclose(a.statistic, b.statistic, rtol=1e-6)


def test_what_cannot_be_tested_says_why() -> None:
    prices = walks(9, 100, 6)
    prices[:, 1] = 5.0
    prices[:, 2] = prices[:, 0]
    prices[:, 3] = 2.0 * prices[:, 0] + 1.0
    prices[50, 4] = np.nan
    found = engle_granger(prices, [(0, 1), (1, 0), (0, 2), (0, 3), (0, 4), (4, 1), (0, 5)])
    want = [Fault.CONSTANT, Fault.CONSTANT, Fault.COLLINEAR, Fault.COLLINEAR, Fault.GAPS,
            Fault.GAPS, Fault.NONE]  # fmt: skip
    assert found.fault.tolist() == want
    assert np.isnan(found.statistic[:6]).all() and np.isnan(found.p_value[:6]).all()
    assert np.isfinite(found.statistic[6])


@pytest.mark.parametrize(
    ("y", "x"),
    [
        (lambda t: np.exp(0.01 * t), lambda t: t),
        (lambda t: np.sin(0.3 * t), lambda t: t),
        (lambda t: t, lambda t: t**2),
        (lambda t: np.cos(t), lambda t: np.sin(t)),
    ],
)
def test_a_spread_without_chance_is_never_taken_as_significant(y: Any, x: Any) -> None:
    t = np.arange(200.0)
    found = engle_granger(np.column_stack([y(t), x(t)]))
    assert found.fault.tolist() == [Fault.FORETOLD, Fault.FORETOLD]
    assert np.isnan(found.statistic).all() and np.isnan(found.p_value).all()
    assert found.lag.tolist() == [-1, -1]
    told = engle_granger(np.column_stack([y(t), x(t)]), lags=5)
    assert told.fault.tolist() == [Fault.FORETOLD, Fault.FORETOLD]


def test_a_series_that_moves_by_rounding_alone_is_constant() -> None:
    prices = walks(10, 100, 2)
    prices[:, 1] = 100.0 + np.spacing(100.0) * np.random.default_rng(1).integers(0, 3, 100)
    assert engle_granger(prices).fault.tolist() == [Fault.CONSTANT, Fault.CONSTANT]
    prices[:, 1] = 100.0 + 1e-9 * np.random.default_rng(1).integers(0, 3, 100)
    assert engle_granger(prices).fault.tolist() == [Fault.NONE, Fault.NONE]


SPECIAL = st.sampled_from([0.0, 1.0, -1.0, 1e-300, 1e300, np.nan, np.inf, 100.0])


@given(st.integers(30, 60), st.data())
@settings(max_examples=60, deadline=None)
def test_a_fault_and_nan_come_together_whatever_the_numbers(
    n_bars: int, data: st.DataObject
) -> None:
    with np.errstate(all="ignore"):
        prices = walks(data.draw(st.integers(0, 99)), n_bars, 3) * data.draw(SPECIAL)
        prices[:, 2] = prices[:, 2] * data.draw(SPECIAL) + data.draw(SPECIAL)
    found = engle_granger(prices)
    sound = found.fault == Fault.NONE
    np.testing.assert_array_equal(sound, np.isfinite(found.statistic))
    np.testing.assert_array_equal(sound, np.isfinite(found.p_value))
    np.testing.assert_array_equal(sound, found.lag >= 0)


@given(st.integers(-900, 900), st.integers(-900, 900))
@settings(max_examples=30, deadline=None)
def test_a_unit_that_is_a_power_of_two_changes_no_digit(a: int, b: int) -> None:
    prices = walks(8, 120, 2)
    plain, moved = engle_granger(prices), engle_granger(np.ldexp(prices, [a, b]))
    np.testing.assert_array_equal(plain.statistic, moved.statistic)
    if abs(a - b) < 1_000:
        np.testing.assert_array_equal(np.ldexp(plain.slope, [a - b, b - a]), moved.slope)


def total(terms: Iterable[Decimal]) -> Decimal:
    return sum(terms, Decimal(0))


def exact(y: Floats, x: Floats, lag: int) -> float:
    """Return the statistic by least squares in sixty digits."""
    with localcontext() as digits:
        digits.prec = 60
        own, other = [[Decimal(float(v)) for v in series] for series in (y, x)]
        mine, its = total(own) / len(own), total(other) / len(other)
        square = total((b - its) ** 2 for b in other)
        slope = total((a - mine) * (b - its) for a, b in zip(own, other, strict=True)) / square
        error = [a - mine - slope * (b - its) for a, b in zip(own, other, strict=True)]
        step = [b - a for a, b in pairwise(error)]
        rows = [
            [*(step[t - j] for j in range(1, lag + 1)), error[t], step[t]]
            for t in range(lag, len(step))
        ]
        for k in range(lag):  # what each lagged step explains is taken out of all that follow it
            size = total(row[k] ** 2 for row in rows)
            for column in range(k + 1, lag + 2):
                part = total(row[k] * row[column] for row in rows) / size
                for row in rows:
                    row[column] -= part * row[k]
        level, both, left = (
            total(row[i] * row[j] for row in rows) for i, j in [(-2, -2), (-2, -1), (-1, -1)]
        )
        noise = (left - both**2 / level) / (len(rows) - lag - 1)
        return float(both / (level * noise).sqrt())


@pytest.mark.parametrize("far", [0.0, 100.0, 1e6])
def test_far_from_zero_the_statistic_keeps_its_digits(far: float) -> None:
    """There least squares with a column of ones, as in statsmodels, loses half of them."""
    prices = walks(11, 60, 3) * [0.01, 1.0, 30.0] + far
    found = engle_granger(prices)
    for i, (y, x) in enumerate(zip(found.y, found.x, strict=True)):
        want = exact(prices[:, y], prices[:, x], int(found.lag[i]))
        assert found.statistic[i] == pytest.approx(want, rel=1e-12)


def test_a_column_that_is_not_there_and_no_threads_are_refused() -> None:
    for pair in [(0, 3), (-1, 0)]:
        with pytest.raises(StrategyError, match="of 3 symbols; wanted columns from 0 to 2"):
            engle_granger(walks(1, 60, 3), [pair])
    with pytest.raises(StrategyError, match="0 threads"):
        engle_granger(walks(1, 60, 3), threads=0)


def test_too_short_a_history_is_said_and_too_many_lags_are_refused() -> None:
    short = engle_granger(walks(1, LEAST_BARS - 1, 3))
    assert set(short.fault.tolist()) == {Fault.TOO_SHORT}
    assert engle_granger(walks(1, LEAST_BARS, 3)).fault.tolist() == [Fault.NONE] * 6
    assert longest_lag(500) == 18
    with pytest.raises(StrategyError, match="lags of 30 bars"):
        engle_granger(walks(1, 30, 3), lags=20)
