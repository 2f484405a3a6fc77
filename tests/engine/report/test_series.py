"""What a page draws, against cases small enough to check by eye and against slow definitions."""

from base64 import b64decode
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.engine.records import FILL
from tradewind.engine.report import packing
from tradewind.engine.report.hexagons import hexagons
from tradewind.engine.report.sections.equity import rolling_window
from tradewind.engine.report.sections.months import shade
from tradewind.engine.report.sections.trades import merged_fills
from tradewind.engine.report.series import (
    Candles,
    candles,
    drawdown,
    month_table,
    rolling_sharpe,
    steps,
    thin,
)

NAN = np.nan


def test_a_drawdown_is_the_share_lost_of_the_highest_value_so_far() -> None:
    fall = drawdown(np.array([100.0, 120.0, 90.0, 120.0, 60.0]))
    np.testing.assert_allclose(fall, [0, 0, -0.25, 0, -0.5])


def test_steps_begin_with_nothing_and_stop_at_ruin() -> None:
    moves = steps(np.array([100.0, 110.0, 0.0, 5.0]))
    np.testing.assert_allclose(moves, [0, 0.1, -1, 0])


def test_rolling_sharpe_is_mean_over_deviation_of_each_window() -> None:
    returns = np.random.default_rng(5).normal(0.001, 0.01, 80)
    found = rolling_sharpe(returns, 20, 252)
    assert np.isnan(found[:19]).all()
    for t in range(19, 80):
        window = returns[t - 19 : t + 1]
        wanted = window.mean() / window.std(ddof=1) * np.sqrt(252)
        assert found[t] == pytest.approx(wanted, rel=1e-9)


def test_rolling_sharpe_of_a_window_that_does_not_move_is_none() -> None:
    wild = np.random.default_rng(5).normal(0, 0.1, 60)
    returns = np.concatenate([wild, np.full(30, 0.0003), wild])
    found = rolling_sharpe(returns, 20, 252)
    flat = np.arange(len(returns))
    inside = (flat >= 60 + 19) & (flat < 90)
    assert np.isnan(found[inside]).all() and inside.sum() == 11
    assert np.isfinite(found[~inside & (flat >= 19)]).all()


def test_rolling_sharpe_needs_a_window() -> None:
    assert np.isnan(rolling_sharpe(np.ones(5), 6, 252)).all()


@pytest.mark.parametrize(
    ("n_bars", "per_year", "wanted"),
    [(1_000, 252, 252), (300, 252, 100), (59, 252, 0), (0, 252, 0)],
)
def test_the_rolling_window_is_a_year_or_a_third_of_the_run(
    n_bars: int, per_year: float, wanted: int
) -> None:
    assert rolling_window(n_bars, per_year) == wanted


def test_months_compound_and_years_do_too() -> None:
    days = ["2020-01-30", "2020-01-31", "2020-03-02", "2021-12-31"]
    table = month_table(np.array([0.1, 0.1, -0.5, 0.2]), np.array(days, "datetime64[D]"))
    assert table.years == (2020, 2021)
    assert table.months[0, 0] == pytest.approx(0.21)
    assert np.isnan(table.months[0, 1]) and table.months[0, 2] == pytest.approx(-0.5)
    np.testing.assert_allclose(table.totals, [1.21 * 0.5 - 1, 0.2])


def test_months_of_intraday_bars_compound_by_their_time() -> None:
    stamps = np.array(["2020-01-31T23:59", "2020-02-01T00:01"], "datetime64[ns]")
    table = month_table(np.array([0.1, 0.2]), stamps)
    np.testing.assert_allclose(table.months[0, :2], [0.1, 0.2])


def test_a_year_without_bars_between_two_others_is_empty() -> None:
    days = np.array(["2019-05-01", "2021-05-01"], "datetime64[D]")
    table = month_table(np.array([0.1, 0.1]), days)
    assert table.years == (2019, 2020, 2021) and np.isnan(table.totals[1])


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (0.04, "gain-4"),
        (0.4, "gain-4"),
        (0.01, "gain-1"),
        (-0.02, "loss-2"),
        (0.001, ""),
        (NAN, ""),
    ],
)
def test_shades_grow_with_the_return(value: float, wanted: str) -> None:
    assert shade(value, 0.04) == wanted


@given(st.integers(1, 4_000), st.integers(0, 2**31))
def test_thinned_lines_keep_their_ends_and_extremes(n_rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, two = rng.normal(size=n_rows).cumsum(), rng.normal(size=n_rows)
    rows = thin([one, two], 300)
    assert len(rows) <= max(300, min(n_rows, 6)) and (np.diff(rows) > 0).all()
    assert rows[0] == 0 and rows[-1] == n_rows - 1
    for line in (one, two):
        assert line[rows].max() == line.max() and line[rows].min() == line.min()


def test_thinning_a_line_with_holes_keeps_what_is_there() -> None:
    line = np.full(1_000, NAN)
    line[500:] = np.arange(500.0)
    line[777] = 9_999.0
    rows = thin([line], 100)
    assert 777 in rows and np.nanmin(line[rows]) == 0.0


def test_candles_hold_first_open_extremes_and_last_close() -> None:
    columns = (
        [1.0, 2, NAN, NAN, NAN, 6, 7],
        [5.0, 9, NAN, NAN, NAN, 8, 8],
        [0.5, 1, NAN, NAN, NAN, 4, 3],
        [2.0, 3, NAN, NAN, NAN, 7, 5],
    )
    made = candles(Candles(*map(np.array, columns)), 3)
    np.testing.assert_array_equal(made.open, [1, 6, 7])
    np.testing.assert_array_equal(made.high, [9, 8, 8])
    np.testing.assert_array_equal(made.low, [0.5, 4, 3])
    np.testing.assert_array_equal(made.close, [3, 7, 5])


def test_a_candle_without_bars_is_empty() -> None:
    made = candles(Candles(*[np.array([1.0, NAN, NAN, 4.0])] * 4), 1)
    assert np.isnan(made.close[1:3]).all()
    wide = candles(Candles(*[np.array([1.0, 1, NAN, NAN, 4, 4])] * 4), 2)
    assert np.isnan(wide.high[1]) and wide.low[2] == 4


def test_fills_of_one_candle_merge_by_side_so_that_what_is_held_stays_exact() -> None:
    fills = np.zeros(5, FILL)
    fills["bar"] = [3, 3, 4, 5, 9]
    fills["qty"] = [1.0, 3.0, -2.0, 1.0, -3.0]
    fills["price"] = [10.0, 14.0, 12.0, 20.0, 30.0]
    at, qty, price = merged_fills(fills, 3)
    np.testing.assert_array_equal(at, [1, 1, 3])
    np.testing.assert_allclose(qty, [5, -2, -3])
    np.testing.assert_allclose(price, [(10 + 3 * 14 + 20) / 5, 12, 30])


def _unpacked(packed: dict[str, Any]) -> Any:
    at = np.frombuffer(b64decode(packed["u2"]), "<u2").astype(np.float64)
    low, high = packed["low"], packed["high"]
    if packed["log"]:
        low, high = np.log(low), np.log(high)
    value = low + (high - low) * at / packing.STEPS
    return np.where(at > packing.STEPS, NAN, np.exp(value) if packed["log"] else value)


@given(st.floats(1e-6, 1e6), st.floats(1.0001, 1e9), st.integers(0, 2**31))
def test_packed_prices_are_as_close_as_promised(low: float, ratio: float, seed: int) -> None:
    prices = low * ratio ** np.random.default_rng(seed).random(50)
    prices[7] = NAN
    packed = packing.quantised(prices, low, low * ratio)
    back = _unpacked(packed)
    bound = np.expm1(np.log(ratio) / (2 * packing.STEPS)) * 1.001 + 1e-12
    assert np.isnan(back[7])
    assert np.nanmax(np.abs(back / prices - 1)) <= bound


def test_prices_below_zero_are_packed_on_a_plain_scale() -> None:
    spread = np.array([-3.0, 0.0, 5.0, NAN])
    packed = packing.quantised(spread, -3.0, 5.0)
    assert packed["log"] is False
    np.testing.assert_allclose(_unpacked(packed), spread, atol=8 / packing.STEPS)


def test_a_price_that_never_moves_can_be_packed() -> None:
    np.testing.assert_allclose(_unpacked(packing.quantised(np.full(3, 7.0), 7.0, 7.0)), 7.0)


@pytest.mark.parametrize("text", ["</script>", "<!--", "\u2028", "&lt;", "]]>", "'\""])
def test_json_inside_a_script_cannot_end_it(text: str) -> None:
    import json

    written = packing.script_json({"name": text})
    assert not set("<>&\u2028") & set(written)
    assert json.loads(written) == {"name": text}


@given(st.integers(0, 2**31))
def test_every_point_is_counted_in_the_hexagon_it_is_nearest_to(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-2, 3, 300), rng.uniform(0, 0.1, 300)
    cells = hexagons(x, y, (-2.0, 3.0), (0.0, 0.1))
    assert cells.n.sum() == 300 and (cells.n > 0).all()
    # Distances on the page, where a hexagon is regular.
    across = 2 * cells.half_width
    upward = 3 * cells.radius / np.sqrt(3.0)
    gap = np.hypot((x[:, None] - cells.x) / across, (y[:, None] - cells.y) / upward)
    nearest = np.bincount(gap.argmin(axis=1), minlength=len(cells.n))
    np.testing.assert_array_equal(nearest, cells.n)
    assert gap.min(axis=1).max() <= 1 / np.sqrt(3.0) + 1e-9
