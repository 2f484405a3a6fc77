"""Finer bars inside those a run trades on."""

from dataclasses import replace

import numpy as np
import pytest

from tests.minutes import bars_at, session_bars
from tradewind.engine.bars.nesting import nested
from tradewind.engine.bars.resampling import resample
from tradewind.engine.errors import DataError
from tradewind.engine.executors.paths import path_of
from tradewind.engine.records import FIELDS, Panel

NAN = np.nan


def half_hours(symbols: str = "AB") -> Panel:
    ts = session_bars("XNYS", "2013-11-27", "2013-12-02", 30)
    return bars_at(ts, symbols, interval="30min", calendar="XNYS")


def test_the_finer_bars_of_a_day_are_those_of_its_session() -> None:
    fine = half_hours()
    path = path_of(fine, resample(fine, "1d").panel)
    assert path.first.tolist() == [0, 13, 20, 33]  # a half day has seven
    assert path.open.base is not None  # nothing was copied
    np.testing.assert_array_equal(path.high, fine.high)


def test_each_bar_has_the_extremes_of_its_finer_ones() -> None:
    rng = np.random.default_rng(3)
    fine = half_hours()
    gone = rng.random(fine.shape) < 0.3
    fine.volume[rng.random(fine.shape) < 0.2] = 0.0
    for name in FIELDS:
        getattr(fine, name)[gone] = NAN
    coarse = resample(fine, "2h").panel
    path = path_of(fine, coarse)
    for t in range(coarse.n_bars):
        span = slice(path.first[t], path.first[t + 1])
        for k in range(coarse.n_symbols):
            if coarse.volume[t, k] > 0:
                assert np.nanmax(path.high[span, k]) == coarse.high[t, k]
                assert np.nanmin(path.low[span, k]) == coarse.low[t, k]
            else:
                assert np.isnan(path.high[span, k]).all()


def test_bars_before_and_after_those_traded_on_are_left_out() -> None:
    fine = half_hours()
    daily = resample(fine, "1d").panel.rows(1, 2)
    path = path_of(fine, daily)
    assert path.first.tolist() == [0, 7]
    np.testing.assert_array_equal(path.close, fine.close[13:20])


def test_exchanges_of_different_hours_each_keep_their_own_path() -> None:
    new_york = session_bars("XNYS", "2018-01-04", "2018-01-05", 60)
    ts = np.union1d(new_york, session_bars("24/7", "2018-01-04", "2018-01-05", 60))
    fine = bars_at(ts, "AB", interval="1h", calendars=("XNYS", "24/7"))
    for name in FIELDS:
        getattr(fine, name)[~np.isin(ts, new_york), 0] = NAN
        getattr(fine, name)[ts % 3_600_000_000_000 != 0, 1] = NAN
    coarse = resample(fine, "1d").panel
    path = path_of(fine, coarse)
    for t in range(coarse.n_bars):
        span = slice(path.first[t], path.first[t + 1])
        for k in range(2):
            held = path.high[span, k][~np.isnan(path.high[span, k])]
            assert held.max(initial=-1.0) == np.nan_to_num(coarse.high[t, k], nan=-1.0)
            assert len(held) == (0 if np.isnan(coarse.close[t, k]) else [7, 24][k])


def test_finer_bars_that_trade_outside_their_bar_are_refused() -> None:
    fine = half_hours()
    daily = resample(fine, "1d").panel
    cheaper = replace(daily, **{name: getattr(daily, name) * 0.5 for name in FIELDS[:4]})
    with pytest.raises(DataError, match=r"finer bars of A reach from .* adjusted alike\?"):
        nested(fine, cheaper)


def test_finer_bars_that_do_not_show_everything_are_counted() -> None:
    fine = half_hours()
    daily = resample(fine, "1d").panel
    wider = replace(daily, high=daily.high * 1.01)
    assert nested(fine, daily).notes == ()
    (note,) = nested(fine, wider).notes
    assert note.startswith("Inside the bar: 6 bars have finer bars that do not reach the high")
    (note,) = nested(fine.rows(0, 20), daily).notes
    assert note.startswith("Inside the bar: 2 bars have no finer bars")


def test_a_symbol_without_finer_bars_is_refused() -> None:
    fine = half_hours()
    with pytest.raises(DataError, match="no finer bars of B; take them from a source"):
        nested(fine.select(["A"]), resample(fine, "1d").panel)


def test_bars_that_close_at_other_times_are_refused() -> None:
    fine = half_hours()
    daily = resample(fine, "1d").panel
    late = replace(daily, ts=daily.ts - 3_600_000_000_000)
    with pytest.raises(DataError, match="do they follow the same calendar and zone"):
        nested(fine, late)
    with pytest.raises(DataError, match="its calendar is XNYS, that of the bars None"):
        nested(fine, replace(daily, calendar=None))


def test_finer_bars_of_another_time_are_refused() -> None:
    fine = half_hours()
    daily = resample(fine, "1d").panel
    with pytest.raises(DataError, match="not one finer bar lies inside the bars traded on"):
        nested(fine.rows(20, 33), daily.rows(0, 2))
