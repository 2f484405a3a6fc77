"""What goes into a longer bar, and what is not shown of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.minutes import bars_at, bars_of, ns, session_bars, utc
from tradewind.engine.bars.resampling import resample, rule_of
from tradewind.engine.errors import ConfigError, DataError
from tradewind.engine.records import FIELDS, Floats, Panel

NAN = np.nan


def row_of(panel: Panel, t: int, k: int = 0) -> list[float]:
    return [float(getattr(panel, name)[t, k]) for name in FIELDS]


def test_open_is_the_first_close_the_last_high_and_low_the_extremes_volume_the_sum() -> None:
    fine = bars_of(
        [
            ("2018-01-06T00:30", 10, 12, 9, 11, 5),
            ("2018-01-06T01:00", 11, 15, 11, 14, 7),
            ("2018-01-06T01:30", 14, 14, 8, 9, 1),
            ("2018-01-06T02:00", 9, 10, 9, 10, 2),
        ],
        interval="30min",
    )
    hourly = resample(fine, "1h").panel
    assert utc(hourly.ts) == ["2018-01-06T01:00", "2018-01-06T02:00"]
    assert row_of(hourly, 0) == [10, 15, 9, 14, 12]
    assert row_of(hourly, 1) == [14, 14, 8, 10, 3]
    assert hourly.interval == "1h"


def test_a_bar_without_volume_counts_only_where_nothing_traded() -> None:
    fine = bars_of(
        [
            ("2018-01-06T00:30", 99, 99, 99, 99, 0),  # carried over, before the first trade
            ("2018-01-06T01:00", 11, 15, 11, 14, 7),
            ("2018-01-06T01:30", 14, 14, 14, 14, 0),
            ("2018-01-06T02:00", 14, 14.5, 13, 14, 0),
        ],
        interval="30min",
    )
    hourly = resample(fine, "1h").panel
    assert row_of(hourly, 0) == [11, 15, 11, 14, 7]
    assert row_of(hourly, 1) == [14, 14.5, 13, 14, 0]


def test_a_sum_of_volumes_with_an_unknown_part_is_unknown() -> None:
    fine = bars_of(
        [("2018-01-06T00:30", 10, 12, 9, 11, 5), ("2018-01-06T01:00", 11, 15, 11, 14, NAN)],
        interval="30min",
    )
    assert np.isnan(resample(fine, "1h").panel.volume[0, 0])


def test_a_symbol_without_a_bar_in_the_time_has_none_and_one_bar_is_enough() -> None:
    ts = session_bars("24/7", "2018-01-06", "2018-01-06", 30)
    fine = bars_at(ts, "AB", interval="30min", calendar="24/7")
    for name in FIELDS:
        getattr(fine, name)[[0, 1, 2], 1] = NAN
    hourly = resample(fine, "1h").panel
    assert np.isnan(row_of(hourly, 0, 1)).all()
    assert row_of(hourly, 1, 1) == row_of(fine, 3, 1)


def test_a_bar_the_data_does_not_reach_the_end_of_is_left_out_and_that_is_said() -> None:
    ts = session_bars("XNYS", "2013-11-27", "2013-11-29", 5)
    fine = bars_at(ts, interval="5min", calendar="XNYS")
    whole = resample(fine, "1d")
    assert utc(whole.panel.ts) == ["2013-11-27T21:00", "2013-11-29T18:00"]
    assert whole.notes == ()
    cut = resample(fine.past(fine.n_bars - 1), "1d")
    assert utc(cut.panel.ts) == ["2013-11-27T21:00"]
    assert cut.notes == (
        "The last 1d bar of XNYS, which ends at 2013-11-29 18:00:00 UTC, is left out: the data "
        "does not reach its end.",
    )


def test_times_outside_the_session_are_left_out_of_days_and_counted() -> None:
    day = session_bars("XNYS", "2013-10-04", "2013-10-04", 5)
    early, late = day[:2] - 90 * 60_000_000_000, day[-3:] + 60 * 60_000_000_000
    fine = bars_at(np.concatenate([early, day, late]), interval="5min", calendar="XNYS")
    daily = resample(fine, "1d")
    assert daily.notes == ("5 times outside the sessions of XNYS are left out of the 1d bars.",)
    assert daily.panel.open[0, 0] == fine.open[2, 0]
    assert daily.panel.close[0, 0] == fine.close[-4, 0]


def test_no_finished_bar_at_all_is_an_error() -> None:
    fine = bars_at(session_bars("24/7", "2018-01-06", "2018-01-06", 60)[:5], interval="1h")
    with pytest.raises(DataError, match="not one bar of 1d is over between the first bar"):
        resample(fine, "1d")


def test_bid_and_ask_are_put_together_as_prices_a_spread_by_its_mean_splits_by_product() -> None:
    columns = {
        "bid_open": [1.0, 2.0], "bid_high": [5.0, 4.0], "bid_low": [1.0, 0.5],
        "bid_close": [3.0, 4.0], "spread": [2.0, 4.0], "split_ratio": [2.0, 3.0],
        "ex_dividend": [0.5, 0.25], "sentiment": [0.7, NAN], "bid_size": [10.0, 30.0],
        "trades": [3.0, 4.0],
    }  # fmt: skip
    rows = [("2018-01-06T00:30", 10, 12, 9, 11, 5), ("2018-01-06T01:00", 11, 15, 11, 14, 2)]
    held: dict[str, Floats] = {name: np.array([both]).T for name, both in columns.items()}
    hourly = resample(bars_of(rows, interval="30min", columns=held), "1h").panel
    assert {name: float(array[0, 0]) for name, array in hourly.columns.items()} == {
        "bid_open": 1.0, "bid_high": 5.0, "bid_low": 0.5, "bid_close": 4.0, "spread": 3.0,
        "split_ratio": 6.0, "ex_dividend": 0.75, "sentiment": 0.7, "bid_size": 30.0, "trades": 7.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        *[("fx.open", "first"), ("fx.close", "last"), ("borrow.rate", "last")],
        *[("action.split", "product"), ("action.dividend", "sum")],
    ],
)
def test_what_the_engine_puts_beside_prices_has_a_rule(name: str, rule: str) -> None:
    assert rule_of(name) == rule


def test_a_rule_of_ones_own_goes_before_the_name_and_a_wrong_one_is_refused() -> None:
    rows = [("2018-01-06T00:30", 10, 12, 9, 11, 5), ("2018-01-06T01:00", 11, 15, 11, 14, 2)]
    held: dict[str, Floats] = {"sentiment": np.array([[0.5], [-0.25]])}
    fine = bars_of(rows, interval="30min", columns=held)
    assert rule_of("sentiment") == "last"
    lowest = resample(fine, "1h", rules={"sentiment": "min"}).panel
    assert lowest.columns["sentiment"][0, 0] == -0.25
    with pytest.raises(ConfigError, match="sentiment: 'median' is no rule; wanted one"):
        resample(fine, "1h", rules={"sentiment": "median"})
    with pytest.raises(ConfigError, match="the data has no column 'mood'; it has sentiment"):
        resample(fine, "1h", rules={"mood": "last"})


def test_exchanges_of_different_hours_keep_their_own_days_on_one_clock() -> None:
    new_york = session_bars("XNYS", "2018-01-05", "2018-01-08", 60)
    coins = session_bars("24/7", "2018-01-05", "2018-01-08", 60)
    ts = np.union1d(new_york, coins)
    fine = bars_at(ts, "AB", interval="1h", calendars=("XNYS", "24/7"))
    for name in FIELDS:
        getattr(fine, name)[~np.isin(ts, new_york), 0] = NAN
        getattr(fine, name)[~np.isin(ts, coins), 1] = NAN
    daily = resample(fine, "1d").panel
    assert utc(daily.ts[~np.isnan(daily.close[:, 0])]) == ["2018-01-05T21:00", "2018-01-08T21:00"]
    assert utc(daily.ts[~np.isnan(daily.close[:, 1])]) == [
        "2018-01-06T00:00", "2018-01-07T00:00", "2018-01-08T00:00", "2018-01-09T00:00",
    ]  # fmt: skip
    at = int(np.searchsorted(ts, ns("2018-01-05T21:00")))
    assert daily.close[0, 0] == fine.close[at, 0]


def test_who_stops_trading_has_stopped_in_longer_bars_once_a_later_one_is_over() -> None:
    ts = session_bars("XNYS", "2013-11-25", "2013-11-29", 30)
    fine = bars_at(ts, "ABC", interval="30min", calendar="XNYS")
    for name in FIELDS:
        getattr(fine, name)[20:, 1] = NAN  # in the second session
        getattr(fine, name)[-2:, 2] = NAN  # in the last one
    ended = Panel(**{f: getattr(fine, f) for f in ("symbols", "ts", *FIELDS)}, interval="30min",
                  calendar="XNYS")  # fmt: skip
    assert ended.ends.tolist() == [-1, 19, len(ts) - 3]
    assert resample(ended, "1d").panel.ends.tolist() == [-1, 1, -1]


@st.composite
def panels(draw: st.DrawFn) -> Panel:
    """Half-hours of a few sessions with holes, quiet bars and unknown volumes."""
    ts = session_bars(draw(st.sampled_from(["XNYS", "24/7"])), "2013-11-27", "2013-12-02", 30)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    fine = bars_at(ts, "AB", seed=int(rng.integers(2**32)), interval="30min")
    fine.volume[rng.random(fine.shape) < 0.3] = 0.0
    fine.volume[rng.random(fine.shape) < 0.05] = NAN
    gone = rng.random(fine.shape) < draw(st.sampled_from([0.0, 0.2, 0.9]))
    for name in FIELDS:
        getattr(fine, name)[gone] = NAN
    return fine


@settings(max_examples=40, deadline=None)
@given(panels(), st.sampled_from(["1h", "4h", "1d", "1wk"]))
def test_every_longer_bar_is_what_its_shorter_ones_say(fine: Panel, interval: str) -> None:
    found = resample(fine, interval)
    of = found.of[None]
    for b in range(found.panel.n_bars):
        for k in range(fine.n_symbols):
            rows = [t for t in np.flatnonzero(of == b) if not np.isnan(fine.close[t, k])]
            traded = [t for t in rows if fine.volume[t, k] != 0] or rows
            if not rows:
                assert np.isnan(row_of(found.panel, b, k)).all()
                continue
            wanted = [
                fine.open[traded[0], k], fine.high[traded, k].max(), fine.low[traded, k].min(),
                fine.close[traded[-1], k], fine.volume[rows, k].sum(),
            ]  # fmt: skip
            np.testing.assert_allclose(row_of(found.panel, b, k), wanted, rtol=1e-12)
