"""What a strategy sees of longer bars: nothing that later bars could change."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.minutes import bars_at, session_bars
from tradewind.contracts import strategy_contract as contract
from tradewind.engine.bars.timeframes import Timeframe, finished
from tradewind.engine.errors import DataError
from tradewind.engine.protocols import Signals, View
from tradewind.engine.records import FIELDS, Floats, Panel
from tradewind.engine.types import Intent

NAN = np.nan
See = Callable[[Panel, str], Floats]


def seen(panel: Panel, interval: str) -> Floats:
    """Everything a strategy can see at each bar: values, and which bar they are of."""
    longer = finished(panel, interval)
    fields = [longer.spread(getattr(longer.panel, name)) for name in FIELDS]
    average = longer.spread(np.cumsum(np.nan_to_num(longer.panel.close), axis=0))
    closed = longer.spread(longer.panel.ts[:, None].astype(float))
    return np.concatenate([*fields, average, closed], axis=1)


def seen_left_labelled(panel: Panel, interval: str) -> Floats:
    """A leak: each longer bar is known from its beginning, as labels at the left have it."""
    longer = finished(panel, interval)
    begins = np.append(0, longer.panel.ts[:-1])
    row = np.searchsorted(begins, panel.ts) - 1
    early = Timeframe(longer.panel, row)
    return np.concatenate([early.spread(getattr(longer.panel, name)) for name in FIELDS], axis=1)


def seen_unfinished(panel: Panel, interval: str) -> Floats:
    """A leak of one bar: a longer bar is known as soon as its last shorter one begins."""
    longer = finished(panel, interval)
    row = np.searchsorted(longer.panel.ts, np.append(panel.ts[1:], panel.ts[-1]), "right") - 1
    early = Timeframe(longer.panel, row)
    return np.concatenate([early.spread(getattr(longer.panel, name)) for name in FIELDS], axis=1)


def differs(see: See, panel: Panel, interval: str, t: int, other: Panel) -> bool:
    """Whether bars up to ``t`` look otherwise when the later ones are others, or are not there."""
    whole = see(panel, interval)[: t + 1]
    for later in (other, panel.past(t + 1)):
        if not np.array_equal(whole, see(later, interval)[: t + 1], equal_nan=True):
            return True
    return False


def with_another_future(panel: Panel, t: int, rng: np.random.Generator) -> Panel:
    """Later bars of other prices and volumes, some gone, some times gone for good."""
    later = {name: getattr(panel, name).copy() for name in FIELDS}
    gone = rng.random(panel.shape) < 0.3
    gone[: t + 1] = False
    for array in later.values():
        array[t + 1 :] *= rng.uniform(0.5, 2.0, array[t + 1 :].shape)
        array[gone] = NAN
    kept = np.arange(panel.n_bars) <= t
    kept |= rng.random(panel.n_bars) < 0.8
    arrays: Any = {name: np.ascontiguousarray(array[kept]) for name, array in later.items()}
    return replace(panel, ts=panel.ts[kept], ends=np.full(panel.n_symbols, -1), **arrays)


def holed(minutes: int, mixed: bool, hole: float, rng: np.random.Generator) -> Panel:
    """Short bars over a change of clocks, a holiday and a half day, some of them missing."""
    new_york = session_bars("XNYS", "2013-10-30", "2013-12-02", minutes)
    around = session_bars("24/7", "2013-10-30", "2013-12-02", minutes)
    ts = np.union1d(new_york, around) if mixed else new_york
    panel = bars_at(ts, "AB", seed=int(rng.integers(2**32)), interval=f"{minutes}min",
                    calendar=None if mixed else "XNYS",
                    calendars=("XNYS", "24/7") if mixed else ())  # fmt: skip
    gone = rng.random(panel.shape) < hole
    gone[:, 0] |= ~np.isin(ts, new_york)
    gone[:, 1] |= ~np.isin(ts, around if mixed else new_york)
    for name in FIELDS:
        getattr(panel, name)[gone] = NAN
    return panel


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    minutes=st.sampled_from([30, 60]),
    mixed=st.booleans(),
    hole=st.sampled_from([0.0, 0.3]),
    interval=st.sampled_from(["2h", "1d", "1wk", "1mo"]),
    where=st.floats(0, 1),
)
def test_what_is_seen_at_a_bar_does_not_depend_on_later_bars(
    seed: int, minutes: int, mixed: bool, hole: float, interval: str, where: float
) -> None:
    rng = np.random.default_rng(seed)
    panel = holed(minutes, mixed, hole, rng)
    t = int(where * (panel.n_bars - 2))
    assert not differs(seen, panel, interval, t, with_another_future(panel, t, rng))


@pytest.mark.parametrize("see", [seen_left_labelled, seen_unfinished])
def test_a_planted_leak_is_seen(see: See) -> None:
    ts = session_bars("XNYS", "2013-11-25", "2013-12-02", 30)
    panel = bars_at(ts, interval="30min", calendar="XNYS")
    rng = np.random.default_rng(1)
    caught = [
        differs(see, panel, "1d", t, with_another_future(panel, t, rng))
        for t in range(panel.n_bars - 1)
    ]
    assert sum(caught) >= 4
    assert not any(
        differs(seen, panel, "1d", t, with_another_future(panel, t, rng))
        for t in range(panel.n_bars - 1)
    )


def test_a_day_is_seen_at_its_close_and_not_a_bar_earlier() -> None:
    ts = session_bars("XNYS", "2013-11-27", "2013-12-02", 30)
    panel = bars_at(ts, interval="30min", calendar="XNYS")
    daily = finished(panel, "1d")
    assert daily.row.tolist() == [-1] * 12 + [0] * 7 + [1] * 13 + [2]
    shown = daily.spread(daily.panel.close)
    assert np.isnan(shown[11, 0])
    assert shown[12, 0] == panel.close[12, 0]


def test_a_panel_in_which_nothing_is_over_shows_nothing() -> None:
    panel = bars_at(session_bars("XNYS", "2013-11-27", "2013-11-27", 30), interval="30min")
    weekly = finished(panel.past(3), "1wk")
    assert weekly.panel.n_bars == 0
    assert np.isnan(weekly.spread(weekly.panel.close)).all()


def test_a_value_is_held_where_a_symbol_has_no_bar_unless_told_otherwise() -> None:
    panel = bars_at(session_bars("24/7", "2018-01-06", "2018-01-07", 60), interval="1h")
    daily = finished(panel, "12h")
    values = np.array([[1.0], [NAN], [3.0], [NAN]])
    assert daily.spread(values)[[11, 23, 35, 47], 0].tolist() == [1.0, 1.0, 3.0, 3.0]
    bare = daily.spread(values, hold=False)[[11, 23, 35, 47], 0]
    np.testing.assert_array_equal(bare, [1.0, NAN, 3.0, NAN])
    with pytest.raises(DataError, match="3 rows of values for 4 bars of 12h"):
        daily.spread(values[1:])


class AboveWeekly:
    """Holds what closes above the average of its last four weekly closes."""

    warmup = 30

    def row(self, panel: Panel, weekly: Timeframe) -> Timeframe:
        del panel
        return weekly

    def prepare(self, panel: Panel, signals: Signals) -> Floats:
        del signals
        weekly = finished(panel, "1wk")
        close = weekly.panel.close
        average = np.full(close.shape, NAN)
        for t in range(3, len(close)):
            average[t] = close[t - 3 : t + 1].mean(axis=0)
        return np.asarray(panel.close - self.row(panel, weekly).spread(average, hold=False))

    def decide(self, view: View) -> list[Intent]:
        above = view.inputs[view.bar]
        return [Intent(int(k), float(above[k] > 0)) for k in np.flatnonzero(~np.isnan(above))]


class AboveUnfinished(AboveWeekly):
    """The same with each week known from its first day on, as left labels have it."""

    def row(self, panel: Panel, weekly: Timeframe) -> Timeframe:
        early = np.searchsorted(np.append(0, weekly.panel.ts[:-1]), panel.ts) - 1
        return Timeframe(weekly.panel, early)


def test_the_contract_passes_a_strategy_of_two_lengths_and_catches_its_leaking_twin() -> None:
    contract.does_not_look_ahead(AboveWeekly)
    with pytest.raises(AssertionError):
        contract.does_not_look_ahead(AboveUnfinished)
