"""Statistics against statsmodels, planted pairs, and what cannot be tested."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats
from tradewind.strategies.pairing.cointegration import (
    LEAST_BARS,
    Fault,
    all_pairs,
    engle_granger,
    longest_lag,
)
from tradewind.strategies.pairing.mackinnon import critical_values, p_value


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


def test_too_short_a_history_is_said_and_too_many_lags_are_refused() -> None:
    short = engle_granger(walks(1, LEAST_BARS - 1, 3))
    assert set(short.fault.tolist()) == {Fault.TOO_SHORT}
    assert engle_granger(walks(1, LEAST_BARS, 3)).fault.tolist() == [Fault.NONE] * 6
    assert longest_lag(500) == 18
    with pytest.raises(StrategyError, match="lags of 30 bars"):
        engle_granger(walks(1, 30, 3), lags=20)
