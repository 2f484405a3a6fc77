"""Who has left, and who is merely closed today."""

import numpy as np
import pytest

from tests.minutes import ns, session_bars
from tradewind.engine.feeds.lives import ends_of


def given_at(ts: np.ndarray, *closes: np.ndarray) -> np.ndarray:
    return np.stack([np.isin(ts, own) for own in closes], axis=1)


def test_a_stock_has_not_left_because_a_coin_trades_on_sunday() -> None:
    stock = session_bars("XNYS", "2018-01-03", "2018-01-05", 390)
    coin = session_bars("24/7", "2018-01-03", "2018-01-07", 1440)
    ts = np.union1d(stock, coin)
    given = given_at(ts, stock, coin)
    assert ends_of(given, ts, "1d", ["XNYS", "24/7"]).tolist() == [-1, -1]


def test_a_stock_has_left_once_its_exchange_traded_without_it() -> None:
    stock = session_bars("XNYS", "2018-01-03", "2018-01-05", 390)
    coin = session_bars("24/7", "2018-01-03", "2018-01-09", 1440)
    ts = np.union1d(stock, coin)
    given = given_at(ts, stock, coin)
    last = int(np.searchsorted(ts, stock[-1]))
    assert ends_of(given, ts, "1d", ["XNYS", "24/7"]).tolist() == [last, -1]


def test_a_market_on_holiday_has_not_left() -> None:
    tokyo = session_bars("XTKS", "2017-12-27", "2017-12-29", 1440)
    london = session_bars("XLON", "2017-12-27", "2018-01-03", 1440)
    ts = np.union1d(tokyo, london)
    given = given_at(ts, tokyo, london)
    assert ends_of(given, ts, "1d", ["XTKS", "XLON"]).tolist() == [-1, -1]


def test_a_quiet_last_minute_is_no_end_and_a_missed_session_is_one() -> None:
    ts = session_bars("XNYS", "2018-01-03", "2018-01-05", 30)
    quiet, gone = ts[:-2], ts[: 13 + 5]
    given = given_at(ts, ts, quiet, gone)
    assert ends_of(given, ts, "30min", ["XNYS"] * 3).tolist() == [-1, -1, 17]


@pytest.mark.parametrize("interval", ["1wk", "1mo", "1d"])
def test_without_a_calendar_whoever_misses_the_last_bar_of_the_others_has_left(
    interval: str,
) -> None:
    ts = np.array([ns(f"2018-01-{day:02d}") for day in (1, 8, 15)])
    given = np.array([[True, True, False], [True, True, False], [True, False, False]])
    assert ends_of(given, ts, interval, [None] * 3).tolist() == [-1, 1, -1]
    if interval != "1d":
        assert ends_of(given, ts, interval, ["XNYS"] * 3).tolist() == [-1, 1, -1]


def test_without_a_calendar_a_symbol_has_left_when_others_had_the_whole_last_day() -> None:
    ts = session_bars("24/7", "2018-01-03", "2018-01-04", 60)
    given = given_at(ts, ts, ts[:-3], ts[:20])
    assert ends_of(given, ts, "1h", [None] * 3).tolist() == [-1, -1, 19]
