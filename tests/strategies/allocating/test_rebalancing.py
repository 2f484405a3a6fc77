"""From what is held to what is wished for: tables small enough to check by eye."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.markets import book
from tests.strategies.allocating.portfolios import daily, wished
from tradewind.engine.intents import INTENT, room_for_intents
from tradewind.engine.protocols import Signals
from tradewind.strategies.allocating.rebalancing import AllocationParams, width_of
from tradewind.strategies.allocation import Allocation

THIRDS = (0.5, 0.3, 0.2)


def test_without_a_band_every_name_is_brought_to_its_target() -> None:
    assert wished(Allocation(), THIRDS, (0.4, 0.3, 0.3)) == {0: 0.5, 2: 0.2}  # B is there already


def test_a_band_keeps_what_is_near_its_target() -> None:
    #                                          off by 2 %, 1 % and 3 % of equity
    assert wished(Allocation(band=0.02), THIRDS, (0.48, 0.29, 0.23)) == {2: 0.2}


def test_a_relative_band_is_a_part_of_the_target() -> None:
    band = Allocation(band=0.1, band_of="target")  # 5 %, 3 % and 2 % of equity
    assert wished(band, THIRDS, (0.46, 0.26, 0.28)) == {1: 0.3, 2: 0.2}


def test_what_leaves_its_band_may_be_traded_to_the_edge_alone() -> None:
    band = Allocation(band=0.02, trade_to="edge")
    assert wished(band, THIRDS, (0.45, 0.29, 0.26)) == {0: 0.48, 2: 0.22}


def test_what_enters_or_leaves_has_no_band() -> None:
    assert wished(Allocation(band=0.5), (0.9, 0.1, 0.0), (0.9, 0.0, 0.1)) == {1: 0.1, 2: 0.0}


def test_a_name_that_changes_sides_has_no_band() -> None:
    assert wished(Allocation(band=0.5), (0.1, -0.1), (-0.1, 0.1)) == {0: 0.1, 1: -0.1}


def test_a_turnover_limit_halves_a_move_of_twice_its_size() -> None:
    # 0.2 sold and 0.2 bought are 0.4
    assert wished(Allocation(turnover=0.2), (0.5, 0.5), (0.7, 0.3)) == {0: 0.6, 1: 0.4}


def test_a_turnover_below_its_limit_is_not_touched() -> None:
    assert wished(Allocation(turnover=0.5), (0.5, 0.5), (0.7, 0.3)) == {0: 0.5, 1: 0.5}


def test_speed_goes_a_part_of_the_way() -> None:
    assert wished(Allocation(speed=0.25), (0.5, 0.5), (0.9, 0.1)) == {0: 0.8, 1: 0.2}


def test_the_last_crumb_of_a_name_that_left_is_sold_with_it() -> None:
    found = wished(Allocation(speed=0.5), (1.0, 0.0), (0.998, 0.001))
    assert found == {0: 0.999, 1: 0.0}


def test_bands_never_ask_for_more_than_the_whole_portfolio() -> None:
    # A is kept at 0.54, so that only 0.46 are left for B and C, which are to have 0.5.
    found = wished(Allocation(band=0.05), (0.5, 0.25, 0.25), (0.54, 0.15, 0.15))
    assert found == pytest.approx({1: 0.23, 2: 0.23})


def test_costs_make_a_band_of_their_own() -> None:
    # (1.5 / 5 * 0.5^2 * 0.5^2 * 0.001)^(1/3) = 0.02657
    params = Allocation(cost_bps=10.0).params
    assert width_of(0.5, params) == pytest.approx(0.026566, abs=1e-6)
    held = (0.5 - 0.026, 0.5 - 0.027)
    assert wished(Allocation(cost_bps=10.0), (0.5, 0.5), held) == {1: 0.5}


def test_eight_times_the_cost_is_twice_the_band() -> None:
    dear, cheap = (Allocation(cost_bps=bps).params for bps in (8.0, 1.0))
    assert width_of(0.3, dear) == pytest.approx(2.0 * width_of(0.3, cheap))


def test_nothing_is_asked_for_between_formations_or_of_an_account_that_is_broke() -> None:
    strategy = Allocation(rebalance="week")
    inputs = strategy.prepare(daily(np.ones((8, 2))), Signals())
    rows = np.zeros(room_for_intents(2), INTENT)
    at = [t for t in range(8) if strategy.rule(t, inputs, strategy.params, book([0, 0]), rows)]
    assert at == [7]  # the second Monday
    assert strategy.rule(7, inputs, strategy.params, book([0, 0], equity=-1.0), rows) == 0


def test_what_has_no_bar_now_is_weighed_by_its_last_close() -> None:
    strategy = Allocation(rebalance="day", names=["A"])
    panel = daily([[2.0, 4.0], [2.0, np.nan]])
    inputs = strategy.prepare(panel, Signals())
    rows = np.zeros(room_for_intents(2), INTENT)
    n = strategy.rule(1, inputs, strategy.params, book([0.0, 250.0]), rows)
    assert [(int(r["symbol"]), float(r["weight"])) for r in rows[:n]] == [(0, 1.0), (1, 0.0)]


weights = st.lists(st.floats(-0.5, 0.5), min_size=4, max_size=4)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    weights, weights, st.floats(0, 0.2), st.booleans(), st.floats(0.05, 1), st.floats(0.01, 2),
    st.sampled_from([0.0, 20.0]),
)  # fmt: skip
def test_moves_are_never_away_from_the_target_nor_beyond_the_limits(
    targets: list[float],
    held: list[float],
    band: float,
    edge: bool,
    speed: float,
    turnover: float,
    bps: float,
) -> None:
    strategy = Allocation(
        band=band, trade_to="edge" if edge else "target", speed=speed, turnover=turnover,
        cost_bps=bps,
    )  # fmt: skip
    found = wished(strategy, targets, held)
    assert found == wished(strategy, targets, held, fast=True)
    after = np.array([found.get(k, held[k]) for k in range(4)])
    assert np.abs(after - held).sum() <= turnover + 0.005  # crumbs are sold beside it
    assert (np.minimum(targets, held) - 1e-8 <= after).all()
    assert (after <= np.maximum(targets, held) + 1e-8).all()
    most = max(np.abs(targets).sum(), np.abs(held).sum())
    assert np.abs(after).sum() <= most + 1e-8


def test_params_are_what_the_keys_say() -> None:
    strategy = Allocation(
        band=0.1, band_of="target", trade_to="edge", cost_bps=5.0, risk_aversion=3.0, speed=0.5,
        turnover=0.4,
    )  # fmt: skip
    assert strategy.params == AllocationParams(0.1, True, True, 5e-4, 3.0, 0.5, 0.4)
