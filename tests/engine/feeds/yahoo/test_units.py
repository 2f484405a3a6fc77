"""From Yahoo's units to prices as traded and on to adjusted ones, checked by hand."""

import numpy as np
import pytest

from tradewind.engine.errors import DataError
from tradewind.engine.feeds.store_series import Events, Prices, Series, no_events
from tradewind.engine.feeds.yahoo_units import adjusted, as_traded, split_factors


def bars(*closes: float) -> Prices:
    """Bars at 10, 20, 30 ... with every price the same and volume 600."""
    ts = np.arange(1, len(closes) + 1, dtype=np.int64) * 10
    return Prices(ts, np.array([[c, c, c, c, 600.0] for c in closes]))


def events(*rows: tuple[int, str, float]) -> Events:
    ts, kind, value = zip(*rows, strict=True)
    return Events(np.array(ts, np.int64), np.array(kind, "U12"), np.array(value, np.float64))


def closes(prices: Prices) -> list[float]:
    return [float(close) for close in prices.values[:, 3]]


def test_splits_after_a_bar_count_and_one_on_its_day_is_done() -> None:
    splits = events((20, "split", 2.0), (30, "split", 3.0))
    factors = split_factors(np.array([10, 19, 20, 30, 40], np.int64), splits)
    assert factors.tolist() == [6.0, 6.0, 3.0, 1.0, 1.0]


def test_yahoos_units_become_what_was_traded() -> None:
    told = events((20, "dividend", 0.5), (30, "split", 4.0))
    series = as_traded(bars(25, 26, 27), told, told.of("split"))
    assert closes(series.prices) == [100, 104, 27]
    assert series.prices.values[:, 4].tolist() == [150, 150, 600]
    assert series.events.value.tolist() == [2.0, 4.0]


def test_a_dividend_lowers_what_came_before_by_its_share_of_the_close() -> None:
    series = Series(bars(100, 200, 190), events((30, "dividend", 10.0)))
    assert closes(adjusted(series, 99, "X")) == pytest.approx([95, 190, 190])
    assert adjusted(series, 99, "X").values[:, 4].tolist() == [600, 600, 600]


def test_what_comes_at_or_after_the_end_is_not_known() -> None:
    series = Series(bars(100, 200, 190), events((20, "split", 2.0), (30, "dividend", 10.0)))
    assert closes(adjusted(series, 30, "X")) == [50, 200, 190]
    assert closes(adjusted(series, 20, "X")) == [100, 200, 190]


def test_a_split_and_a_dividend_on_one_day_are_in_new_units() -> None:
    # 100 before, split 2 for 1: 50 in new units; 5 paid on each new share.
    series = Series(bars(100, 45), events((20, "dividend", 5.0), (20, "split", 2.0)))
    assert closes(adjusted(series, 99, "X")) == pytest.approx([45, 45])


def test_a_payment_before_the_first_bar_changes_nothing() -> None:
    series = Series(bars(100, 200), events((5, "dividend", 50.0)))
    assert closes(adjusted(series, 99, "X")) == [100, 200]


def test_the_last_known_close_counts_where_the_one_before_is_missing() -> None:
    series = Series(bars(100, float("nan"), 90), events((30, "dividend", 10.0)))
    assert closes(adjusted(series, 99, "X"))[0] == pytest.approx(90)


def test_gains_beyond_the_dividend_are_paid_on_top() -> None:
    series = Series(bars(100, 90), events((20, "capital_gain", 6.0), (20, "dividend", 4.0)))
    assert closes(adjusted(series, 99, "X"))[0] == pytest.approx(90)


@pytest.mark.parametrize("amount", [100.0, 250.0, -1.0])
def test_a_payment_as_large_as_the_price_is_refused(amount: float) -> None:
    series = Series(bars(100, 90), events((20, "dividend", amount)))
    with pytest.raises(DataError, match=r"X: pays .* a share on .*below the price was wanted"):
        adjusted(series, 99, "X")


def test_no_events_change_nothing() -> None:
    series = Series(bars(100, 90), no_events())
    assert closes(adjusted(series, 99, "X")) == [100, 90]
    assert closes(as_traded(series.prices, no_events(), no_events()).prices) == [100, 90]
