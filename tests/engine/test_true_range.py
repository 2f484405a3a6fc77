import numpy as np
import pandas as pd
import pytest
from ta.volatility import AverageTrueRange

from tradewind.engine.compiling import compiled
from tradewind.engine.records import Floats
from tradewind.engine.true_range import average_true_range, last_known

#      high   low  close  true range
BARS = [
    (12.0, 10.0, 11.0, 2.0),  # the first has no close before it
    (12.0, 11.0, 12.0, 1.0),
    (15.0, 14.0, 14.0, 3.0),  # up from 12: the gap counts
    (13.0, 10.0, 11.0, 4.0),  # down from 14
]


def columns(rows: list[tuple[float, float, float, float]]) -> tuple[Floats, Floats, Floats]:
    high, low, close, _ = np.array(rows).T[:, :, np.newaxis]
    return high, low, close


def test_three_bars_by_hand() -> None:
    want = [np.nan, np.nan, 2.0, 2.0 + (4.0 - 2.0) / 3]
    np.testing.assert_allclose(average_true_range(*columns(BARS), 3)[:, 0], want, rtol=1e-12)


def test_a_gap_repeats_the_last_value_and_counts_in_the_next_range() -> None:
    gap = (np.nan, np.nan, np.nan, np.nan)
    found = average_true_range(*columns([BARS[0], gap, BARS[2]]), 1)[:, 0]
    np.testing.assert_array_equal(found, [2.0, 2.0, 4.0])


def test_a_late_listing_starts_late() -> None:
    gap = (np.nan, np.nan, np.nan, np.nan)
    found = average_true_range(*columns([gap, gap, *BARS[:3]]), 3)[:, 0]
    np.testing.assert_array_equal(found, [np.nan, np.nan, np.nan, np.nan, 2.0])


@pytest.mark.parametrize("lookback", [1, 2, 14, 60])
def test_it_is_the_average_true_range_of_ta(lookback: int) -> None:
    rng = np.random.default_rng(5)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (300, 2)), axis=0))
    high = close * np.exp(rng.uniform(0, 0.02, close.shape))
    low = close * np.exp(-rng.uniform(0, 0.02, close.shape))
    found = compiled(average_true_range)(high, low, close, lookback)
    np.testing.assert_allclose(found, average_true_range(high, low, close, lookback), rtol=1e-13)
    for k in range(2):
        series = (pd.Series(prices[:, k]) for prices in (high, low, close))
        want = AverageTrueRange(*series, window=lookback).average_true_range()
        np.testing.assert_allclose(found[lookback - 1 :, k], want[lookback - 1 :], rtol=1e-9)
        assert np.isnan(found[: lookback - 1, k]).all(), "ta writes zeros here"


def test_the_last_known_price_stands_in_for_what_is_missing() -> None:
    prices = np.array([[np.nan, 1.0], [5.0, np.nan], [np.nan, 2.0]])
    np.testing.assert_array_equal(last_known(prices), [[np.nan, 1.0], [5.0, 1.0], [5.0, 2.0]])
