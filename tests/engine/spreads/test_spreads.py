"""From a config to the half-spread of every bar, and what is refused on the way."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tests.known_spreads import bars_of_trades, panel_of
from tradewind.engine import spreads
from tradewind.engine.config.spread import EstimatedSpreadConfig, SpreadConfig
from tradewind.engine.errors import ConfigError, DataError, UnknownSymbolError
from tradewind.engine.quotes import QUOTES, mids
from tradewind.engine.records import FIELDS, Floats, Panel
from tradewind.engine.series import Series, at
from tradewind.engine.spread_estimators import ESTIMATORS, known_before

NAN = np.nan


def config(**keys: Any) -> SpreadConfig:
    found: SpreadConfig = TypeAdapter(SpreadConfig).validate_python(keys)
    return found


def market(**columns: Floats) -> Panel:
    """Two symbols, four bars; B has no bar on the second."""
    price = np.array([[100.0, 50.0], [101.0, NAN], [102.0, 51.0], [103.0, 52.0]])
    flat = np.ascontiguousarray(price.T)
    panel = panel_of(*((side, side, side, side) for side in flat))
    return replace(panel, columns=columns)


def quoted(half: float = 0.5) -> Panel:
    """The same with quotes ``half`` price units around each price."""
    panel = market()
    sides = {"ask": half, "bid": -half}
    columns = {name: panel.close + sides[name[:3]] for name in QUOTES}
    return replace(panel, columns=columns)


def whole(series: Series) -> list[list[float]]:
    """Full spreads in basis points, bar by bar."""
    return [[round(2e4 * float(at(series, t, k)), 6) for k in range(2)] for t in range(4)]


def test_a_constant_is_half_of_its_full_spread_everywhere() -> None:
    found = spreads.half_spread(config(kind="constant", bps=8), market())
    assert found.values.tolist() == [[0.0004]]
    assert (found.by_bar, found.by_symbol) == (0, 0)


def test_each_symbol_has_its_own_and_the_others_the_default() -> None:
    found = spreads.half_spread(config(kind="by_symbol", bps={"B": 6}, default_bps=2), market())
    assert whole(found) == [[2.0, 6.0]] * 4
    assert found.values.shape == (1, 2)


def test_a_column_holds_basis_points_and_a_bar_without_trade_keeps_the_last() -> None:
    panel = market(spread=np.array([[1.0, 2.0], [3.0, NAN], [5.0, 6.0], [0.0, 8.0]]))
    found = spreads.half_spread(config(kind="column"), panel)
    assert whole(found) == [[1, 2], [3, 2], [5, 6], [0, 8]]


def test_a_column_in_price_units_is_read_against_the_open() -> None:
    panel = market(quoted=np.array([[1.0, 0.5], [1.01, NAN], [0.51, 0.51], [0.0, 0.52]]))
    found = spreads.half_spread(config(kind="column", column="quoted", unit="price"), panel)
    assert whole(found) == [[100, 100], [100, 100], [50, 100], [0, 100]]


def test_quotes_give_their_distance_over_their_mid() -> None:
    found = spreads.half_spread(config(kind="quotes"), quoted())
    assert whole(found)[0] == [100.0, 200.0]
    assert whole(found)[1] == [round(1e4 / 101, 6), 200.0]


def test_an_estimate_has_a_floor_and_a_fallback_and_says_how_often() -> None:
    rng = np.random.default_rng(2)
    panel = panel_of(bars_of_trades(rng, 120, 0.0), bars_of_trades(rng, 120, 0.01))
    rule = EstimatedSpreadConfig(kind="estimated", window=20, floor_bps=3, fallback_bps=17)
    found = spreads.half_spread(rule, panel)
    wanted = known_before(panel, "edge", 20)
    assert (found.values[:20] == 17 / 1e4 / 2).all()
    np.testing.assert_array_equal(found.values[20:], np.maximum(wanted[20:], 3 / 1e4) / 2)
    n_floor = int((wanted[20:] <= 3e-4).sum())
    assert 20 < n_floor < 150
    assert spreads.recorded(rule, panel, found) == {
        "kind": "estimated", "estimator": "edge", "window": 20,
        "n_bars": 240, "n_fallback": 40, "n_floor": n_floor,
    }  # fmt: skip


def test_bars_after_a_cut_change_no_spread_up_to_it() -> None:
    panel = panel_of(bars_of_trades(np.random.default_rng(6), 80, 0.01))
    later = replace(panel, high=np.where(np.arange(80)[:, None] < 50, panel.high, panel.high * 1.2))
    rule = config(kind="estimated", window=20)
    ours, theirs = (spreads.half_spread(rule, p).values for p in (panel, later))
    np.testing.assert_array_equal(ours[:51], theirs[:51])
    assert (ours[51:] != theirs[51:]).any()


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    estimator=st.sampled_from(ESTIMATORS),
    spread=st.floats(0.0, 0.05),
    floor=st.floats(0.0, 50.0),
)
def test_whatever_the_market_an_estimate_is_charged_between_the_floor_and_the_price(
    seed: int, estimator: str, spread: float, floor: float
) -> None:
    rng = np.random.default_rng(seed)
    panel = panel_of(*(bars_of_trades(rng, 50, spread, n_trades=3) for _ in range(2)))
    halted = rng.random(panel.shape) < 0.2
    prices: dict[str, Any] = {n: np.where(halted, NAN, getattr(panel, n)) for n in FIELDS}
    panel = replace(panel, ends=panel.ends, **prices)
    rule = config(kind="estimated", estimator=estimator, window=12, floor_bps=floor)
    half = spreads.half_spread(rule, panel).values
    assert np.isfinite(half).all()
    charged = half[~np.isnan(panel.close)]
    assert (charged >= min(floor, 10.0) / 2e4).all()
    assert (charged <= 0.5).all()


def test_quotes_are_handed_on_only_where_the_config_asks_for_them() -> None:
    panel = quoted()
    assert spreads.traded_on(config(kind="quotes"), panel) is panel
    plain = spreads.traded_on(
        config(kind="constant"), replace(panel, columns={**panel.columns, "x": panel.close})
    )
    assert list(plain.columns) == ["x"]


def test_the_mid_of_quotes_is_halfway() -> None:
    np.testing.assert_array_equal(mids(quoted().columns)["high"], market().close)


BROKEN: list[tuple[dict[str, float], tuple[int, int], str]] = [
    ({"bid_low": 150.0}, (2, 0), "A at 1970-01-03: bid_low 150 lies above ask_low 102.5"),
    ({"ask_close": NAN}, (3, 1), "B at 1970-01-04: ask_close is nan"),
    ({"bid_open": 0.0}, (0, 0), "A at 1970-01-01: bid_open is 0"),
    ({"ask_high": 400.0}, (2, 1), "B at 1970-01-03: bid_high 50.5 and ask_high 400 are more than"),
    (
        {"ask_open": 103.0},
        (2, 0),
        "A at 1970-01-03: open 103 and close 102.5 of the ask do not",
    ),
]


@pytest.mark.parametrize(("change", "place", "says"), BROKEN)
def test_faulty_quotes_are_refused_with_symbol_time_and_values(
    change: dict[str, float], place: tuple[int, int], says: str
) -> None:
    panel = quoted()
    for name, value in change.items():
        panel.columns[name][place] = value
    with pytest.raises(DataError, match=r"costs\.spread") as refused:
        spreads.half_spread(config(kind="quotes"), panel)
    assert says in str(refused.value)
    assert "drop_bad_bars" in str(refused.value)
    spreads.check(config(kind="constant"), panel)


@pytest.mark.parametrize(
    ("value", "unit", "says"),
    [
        (NAN, "bps", "'spread' of A at 1970-01-03 is nan bps, which is missing"),
        (-1.0, "bps", "'spread' of A at 1970-01-03 is -1 bps, which is negative"),
        (10_001.0, "bps", "is 10001 bps, which is over 100 % of the price"),
        (103.0, "price", "is 103 at a price of 102, which is over 100 % of the price"),
    ],
)
def test_a_faulty_column_is_refused_with_symbol_time_and_value(
    value: float, unit: str, says: str
) -> None:
    panel = market(spread=np.full((4, 2), 5.0))
    panel.columns["spread"][2, 0] = value
    with pytest.raises(DataError) as refused:
        spreads.check(config(kind="column", unit=unit), panel)
    assert says in str(refused.value)
    assert "correct the data" in str(refused.value)


def test_what_the_data_does_not_have_is_named_with_the_nearest_there_is() -> None:
    panel = market(spread_bps=np.full((4, 2), 5.0))
    with pytest.raises(ConfigError, match=r"no column 'spread_bp' \(did you mean 'spread_bps'\?\)"):
        spreads.check(config(kind="column", column="spread_bp"), panel)
    with pytest.raises(ConfigError, match="quotes needs bid and ask bars, and the data has no ask"):
        spreads.check(config(kind="quotes"), panel)
    with pytest.raises(UnknownSymbolError, match=r"names 'AA' .did you mean 'A'"):
        spreads.check(config(kind="by_symbol", bps={"AA": 1.0}, default_bps=2), panel)
    with pytest.raises(ConfigError, match="names no spread for B; name them"):
        spreads.check(config(kind="by_symbol", bps={"A": 1.0}), panel)


def test_an_estimate_beyond_the_price_itself_is_refused() -> None:
    open_ = np.full(30, 10.0)
    panel = panel_of((open_, open_ * 3, open_ / 3, open_ * 3))  # closes at the high: all spread
    rule = config(kind="estimated", window=20, estimator="abdi_ranaldo")
    with pytest.raises(DataError, match=r"gives a spread of 220% for A at 1970-01-21 .and so"):
        spreads.half_spread(rule, panel)
