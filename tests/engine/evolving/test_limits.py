"""A portfolio keeps to its limits whatever it was made of; limits that contradict are refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tradewind.engine.errors import ConfigError
from tradewind.engine.evolving.encoding import repaired
from tradewind.engine.evolving.limits import Limits, limits_of, violations
from tradewind.engine.records import Floats

SYMBOLS = tuple("ABCDEFGH")
N = len(SYMBOLS)


def limits(**given: Any) -> Limits:
    return limits_of(SYMBOLS, **{"cash": 1_000.0, "least": 1, "most": N, **given})


@st.composite
def bounds(draw: st.DrawFn) -> Limits:
    """Names and weights that do not contradict each other."""
    most = draw(st.integers(1, N))
    least = draw(st.integers(1, most))
    low = draw(st.floats(0.0, 0.9)) / least
    high = draw(st.floats(max(1.0 / most, low), 1.0))
    assume(max(least, np.ceil(1.0 / high - 1e-9)) * low <= 1.0)
    return limits(least=least, most=most, low=low, high=high)


candidates = st.lists(
    st.lists(st.floats(-1.0, 2.0, allow_subnormal=False), min_size=N, max_size=N), min_size=1,
    max_size=5,
).map(np.array)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(bounds(), candidates)
def test_whatever_comes_in_a_portfolio_that_keeps_to_names_and_weights_comes_out(
    kept: Limits, rows: Floats
) -> None:
    found = repaired(rows, kept)
    assert violations(found, kept).max() == 0.0
    assert found.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(repaired(found, kept), found, atol=1e-9)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.floats(0.0, 1.0), min_size=N, max_size=N),
    st.floats(0.05, 2.0),
    st.integers(1, N),
    candidates,
)
def test_no_more_is_bought_and_sold_than_allowed_from_what_is_held_today(
    raw: list[float], share: float, most: int, rows: Floats
) -> None:
    current = np.array(raw) / max(sum(raw), 1.0)
    try:
        kept = limits(most=most, current=current, turnover=share)
    except ConfigError as error:
        assert "must be bought and sold" in str(error)  # so few names cannot hold today's
        return
    found = repaired(rows, kept)
    assert violations(found, kept).max() == 0.0
    assert np.abs(found - current).sum(axis=1).max() <= share + 1e-9


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=N, max_size=N), st.integers(1, 3), candidates)
def test_lots_are_whole_paid_for_and_leave_no_money_for_another(
    prices: list[int], least: int, rows: Floats
) -> None:
    lot = np.array(prices, float)
    kept = limits(least=least, most=4, lot=lot)
    found = repaired(rows, kept)
    assert violations(found, kept).max() == 0.0
    units = found * 1_000.0 / lot
    np.testing.assert_allclose(units, units.round(), atol=1e-6)
    left = 1_000.0 * (1.0 - found.sum(axis=1))
    for i in range(len(found)):
        held = found[i] > 0.0
        assert left[i] >= -1e-6
        assert (lot[held] > left[i] - 1e-6).all(), "another lot of a name held could be bought"


def test_the_largest_are_held_and_keep_their_proportions() -> None:
    found = repaired(np.array([[5.0, 1.0, 3.0, 2.0, 0.0, 0.0, 0.0, 0.0]]), limits(most=3))
    np.testing.assert_allclose(found[0], [0.5, 0.0, 0.3, 0.2, 0.0, 0.0, 0.0, 0.0], atol=1e-12)


def test_what_a_cap_takes_the_others_share_in_proportion() -> None:
    found = repaired(np.array([[8.0, 1.0, 1.0, 0, 0, 0, 0, 0]]), limits(high=0.5))
    np.testing.assert_allclose(found[0, :3], [0.5, 0.25, 0.25], atol=1e-9)


def test_too_few_names_are_filled_up() -> None:
    found = repaired(np.array([[1.0, 0, 0, 0, 0, 0, 0, 0]]), limits(least=3, low=0.1))
    assert (found > 0.0).sum() == 3
    np.testing.assert_allclose(np.sort(found[0])[-3:], [0.1, 0.1, 0.8], atol=1e-9)


def test_turnover_stops_on_the_way_to_what_is_wanted() -> None:
    current = np.zeros(N)
    current[:2] = 0.5
    kept = limits(current=current, turnover=0.4)
    wanted = np.zeros((1, N))
    wanted[0, 2] = 1.0
    found = repaired(wanted, limits(most=3, current=current, turnover=0.4))
    assert np.abs(found[0] - current).sum() == pytest.approx(0.4)
    assert found[0, 2] == pytest.approx(0.2), "a fifth of the way from halves to the third name"
    assert violations(found, kept)[0] == 0.0


def test_lots_go_to_whoever_lost_most_by_rounding_down() -> None:
    # 1,000 at lots of 300: 0.5 and 0.5 are one lot each, and one more lot can be paid for.
    lot = np.array([300.0, 300.0] + [5_000.0] * 6)
    kept = limits(most=2, lot=lot)
    found = repaired(np.array([[0.55, 0.45, 0, 0, 0, 0, 0, 0]]), kept)
    np.testing.assert_allclose(found[0, :2], [0.6, 0.3], atol=1e-12)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"most": 3, "high": 0.3}, "3 names of at most 0.3 each hold 0.9"),
        ({"least": 4, "low": 0.3}, "4 names of at least 0.3 each hold 1.2"),
        ({"low": 0.75, "high": 0.75}, "2 names are the fewest of at most 0.75"),
        ({"least": 9, "most": 9}, "9 names are to be held and there are 8"),
        ({"lot": np.full(N, 1_500.0)}, "a lot of 0 can be bought with 1 of 1,000"),
        ({"least": 3, "lot": np.full(N, 400.0)}, "one lot of each of the 3 cheapest"),
        (
            {"most": 1, "current": np.full(N, 1 / N), "turnover": 0.5},
            "0.5 is less than the 1.75 that must be bought and sold",
        ),
    ],
)
def test_limits_that_contradict_each_other_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        limits(**given)


def test_a_violation_is_as_large_as_what_is_passed() -> None:
    kept = limits(least=2, most=2, low=0.1, high=0.6)
    rows = np.zeros((3, N))
    rows[0, :2] = 0.5
    rows[1, :2] = [0.7, 0.3]  # 0.1 above the cap
    rows[2, :3] = [0.5, 0.45, 0.05]  # a name too many, and 0.05 below the least weight
    np.testing.assert_allclose(violations(rows, kept), [0.0, 0.1, 1.05], atol=1e-12)
