from math import inf, nan

import numpy as np
import pytest

from tradewind.engine.compiling import compiled
from tradewind.engine.series import constant
from tradewind.engine.sizing import (
    BY_GROSS,
    BY_GROUP,
    BY_NAME,
    BY_PYRAMIDING,
    KELLY,
    NO_CUT,
    NOTIONAL,
    PARITY,
    RISK,
    UNITS,
    WEIGHT,
    Sizing,
    capped,
    ewma_volatility,
    fixed_weight,
    inverse_vol,
    sized,
    throttled,
    whole_lots,
)

PLAIN = fixed_weight(1.0, 3, max_weight=inf)
NO_STOP = NO_PARITY = nan


def of_kind(kind: int, full: float, *, distance: float = nan, vol: float = nan) -> Sizing:
    return PLAIN._replace(
        kind=kind, full=constant(full), distance=constant(distance), vol=constant(vol)
    )


# An account of 10,000 and a price of 50.
# fmt: off
SIZED = [
    # kind, full, own distance, vol, strength, distance, parity, units
    ("a quarter of equity", WEIGHT, 0.25, nan, nan, 1.0, NO_STOP, NO_PARITY, 50.0),
    ("half of it, short", WEIGHT, 0.25, nan, nan, -0.5, NO_STOP, NO_PARITY, -25.0),
    ("units are units", UNITS, 7.0, nan, nan, -1.0, NO_STOP, NO_PARITY, -7.0),
    ("2,000 buy 40 at 50", NOTIONAL, 2_000.0, nan, nan, 1.0, NO_STOP, NO_PARITY, 40.0),
    ("100 lost at a stop 4 away", RISK, 0.01, 0.10, nan, 1.0, 4.0, NO_PARITY, 25.0),
    ("100 lost at 10 % of 50", RISK, 0.01, 0.10, nan, 1.0, NO_STOP, NO_PARITY, 20.0),
    ("neither stop nor estimate", RISK, 0.01, nan, nan, 1.0, NO_STOP, NO_PARITY, nan),
    ("a stop needs no estimate", RISK, 0.01, nan, nan, -1.0, 4.0, NO_PARITY, -25.0),
    ("a flat market has no distance", RISK, 0.01, 0.0, nan, 1.0, NO_STOP, NO_PARITY, nan),
    ("half of a budget of 0.8", PARITY, 0.8, nan, 0.02, 1.0, NO_STOP, 100.0, 80.0),
    ("no volatility, no share", PARITY, 0.8, nan, nan, 1.0, NO_STOP, 100.0, nan),
    ("what never moves has none", PARITY, 0.8, nan, 0.0, 1.0, NO_STOP, 100.0, nan),
    ("mean over variance, long", KELLY, 0.5, nan, nan, 1.0, NO_STOP, NO_PARITY, 100.0),
    ("mean over variance, short", KELLY, -0.5, nan, nan, -1.0, NO_STOP, NO_PARITY, -100.0),
    ("strategy against forecast", KELLY, -0.5, nan, nan, 1.0, NO_STOP, NO_PARITY, 0.0),
    ("no forecast", KELLY, nan, nan, nan, 1.0, NO_STOP, NO_PARITY, nan),
]
# fmt: on


@pytest.mark.parametrize(
    ("kind", "full", "own", "vol", "strength", "distance", "parity", "units"),
    [pytest.param(*row[1:], id=row[0]) for row in SIZED],
)
def test_each_kind_by_hand(
    kind: int,
    full: float,
    own: float,
    vol: float,
    strength: float,
    distance: float,
    parity: float,
    units: float,
) -> None:
    sizing = of_kind(kind, full, distance=own, vol=vol)
    for function in (sized, compiled(sized)):
        found = function(sizing, 0, 0, strength, 10_000.0, 50.0, distance, parity)
        assert found == pytest.approx(units, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("kind", [WEIGHT, UNITS, NOTIONAL, RISK, PARITY, KELLY])
def test_no_price_or_no_equity_is_no_number_and_nothing_wished_is_nothing(kind: int) -> None:
    sizing = of_kind(kind, 0.5, distance=0.1, vol=0.02)
    for equity, price in ((0.0, 50.0), (-5.0, 50.0), (100.0, nan), (100.0, 0.0), (nan, 50.0)):
        assert np.isnan(sized(sizing, 0, 0, 1.0, equity, price, 2.0, 100.0))
    assert sized(of_kind(kind, nan), 0, 0, 0.0, nan, nan, nan, nan) == 0.0


def test_only_risk_parity_adds_up_inverse_volatilities() -> None:
    assert inverse_vol(of_kind(PARITY, 1.0, vol=0.02), 0, 0) == 50.0
    assert inverse_vol(of_kind(PARITY, 1.0, vol=0.0), 0, 0) == 0.0
    assert inverse_vol(of_kind(PARITY, 1.0), 0, 0) == 0.0
    assert inverse_vol(of_kind(WEIGHT, 1.0, vol=0.02), 0, 0) == 0.0


# An account of 1,000, a price of 10: one unit is a weight of 0.01. The group of column 0 holds 300
# besides, all others 500.
# fmt: off
CAPPED = [
    # max weight, group, gross, adds, aim, held, made adds, left, by
    ("nothing in the way", inf, inf, inf, 9, 60, 0, 0, 60, NO_CUT),
    ("the cap itself fits", 0.6, inf, inf, 9, 60, 0, 0, 60, NO_CUT),
    ("by name, long", 0.5, inf, inf, 9, 60, 0, 0, 50, BY_NAME),
    ("by name, short", 0.5, inf, inf, 9, -60, 0, 0, -50, BY_NAME),
    ("by name, below what is held", 0.5, inf, inf, 9, 60, 55, 0, 50, BY_NAME),
    ("by group: 300 of 700 are taken", inf, 0.7, inf, 9, 60, 0, 0, 40, BY_GROUP),
    ("by gross: 500 of 800 are taken", inf, inf, 0.8, 9, -60, 0, 0, -30, BY_GROSS),
    ("the tightest is named", 0.5, 0.7, 0.8, 9, 60, 0, 0, 30, BY_GROSS),
    ("the first of equals is named", 0.4, 0.7, 0.9, 9, 60, 0, 0, 40, BY_NAME),
    ("a full book leaves nothing", inf, inf, 0.4, 9, 60, 0, 0, 0, BY_GROSS),
    ("but sells nothing", inf, inf, 0.4, 9, 60, 20, 0, 20, BY_GROSS),
    ("and lets go what is let go", inf, inf, 0.4, 9, 10, 20, 0, 10, NO_CUT),
    ("a reversal keeps nothing", inf, inf, 0.4, 9, -60, 20, 0, 0, BY_GROSS),
    ("one more addition", inf, inf, inf, 2, 60, 20, 1, 60, NO_CUT),
    ("and no third", inf, inf, inf, 2, 60, 20, 2, 20, BY_PYRAMIDING),
    ("rounding is no addition", inf, inf, inf, 0, 20 + 1e-14, 20, 0, 20 + 1e-14, NO_CUT),
    ("a reversal is no addition", inf, inf, inf, 0, -60, 20, 0, -60, NO_CUT),
    ("neither is an opening", inf, inf, inf, 0, 60, 0, 0, 60, NO_CUT),
    ("nor a reduction", inf, inf, inf, 0, 10, 20, 5, 10, NO_CUT),
    ("flat is always within", 0.1, 0.1, 0.1, 0, 0, 20, 5, 0, NO_CUT),
]
# fmt: on


@pytest.mark.parametrize(
    ("weight", "group", "gross", "most", "aim", "held", "adds", "left", "by"),
    [pytest.param(*row[1:], id=row[0]) for row in CAPPED],
)
def test_each_cap_by_hand(
    weight: float,
    group: float,
    gross: float,
    most: int,
    aim: float,
    held: float,
    adds: int,
    left: float,
    by: int,
) -> None:
    sizing = PLAIN._replace(
        max_weight=weight,
        group=np.array([0, 0, -1]),
        max_group=group,
        max_gross=gross,
        max_adds=most,
    )
    for function in (capped, compiled(capped)):
        found = function(sizing, 0, float(aim), float(held), adds, 10.0, 1_000.0, 300.0, 500.0)
        assert found == (pytest.approx(left, abs=1e-15, rel=1e-12), by)


def test_who_is_in_no_group_has_no_group_cap() -> None:
    sizing = PLAIN._replace(group=np.array([0, 0, -1]), max_group=0.1)
    assert capped(sizing, 2, 60.0, 0.0, 0, 10.0, 1_000.0, 300.0, 500.0) == (60.0, NO_CUT)
    assert capped(sizing, 1, 60.0, 0.0, 0, 10.0, 1_000.0, 300.0, 500.0) == (0.0, BY_GROUP)


def test_an_account_that_is_under_water_has_room_for_nothing() -> None:
    sizing = PLAIN._replace(max_weight=1.0)
    assert capped(sizing, 0, 60.0, 0.0, 0, 10.0, -1.0, 0.0, 0.0) == (0.0, BY_NAME)
    assert capped(PLAIN, 0, 60.0, 0.0, 0, 10.0, 0.0, 0.0, 0.0) == (60.0, NO_CUT)


@pytest.mark.parametrize(
    ("equity", "factor"),
    [(120.0, 1.0), (100.0, 1.0), (90.0, 1.0), (85.0, 0.75), (80.0, 0.5), (70.0, 0.0), (5.0, 0.0)],
)
def test_the_throttle_shrinks_strength_linearly(equity: float, factor: float) -> None:
    sizing = PLAIN._replace(throttle_from=0.1, throttle_to=0.3)
    for function in (throttled, compiled(throttled)):
        assert function(sizing, equity, 100.0) == pytest.approx(factor, abs=1e-12)
        assert function(PLAIN, equity, 100.0) == 1.0


@pytest.mark.parametrize(
    ("qty", "lot", "want"),
    [
        (7.9, 1.0, 7.0),
        (-7.9, 1.0, -7.0),
        (0.4, 1.0, 0.0),
        (37.0, 10.0, 30.0),
        (3.0 - 1e-12, 1.0, 3.0),  # whole but for rounding
        (0.123, 0.0, 0.123),
    ],
)
def test_quantities_are_rounded_toward_zero_to_the_lot(qty: float, lot: float, want: float) -> None:
    assert whole_lots(qty, lot) == pytest.approx(want, abs=1e-15)


def test_a_quantity_that_is_not_a_number_stays_one() -> None:
    assert np.isnan(whole_lots(np.nan, 1.0))


def test_ewma_volatility_by_hand() -> None:
    close = np.array([[100.0], [110.0], [99.0], [99.0]])
    r1, r2, r3 = np.log(1.1), np.log(0.9), 0.0
    decay = 1 - 2 / 3
    want = np.sqrt((r2**2 + decay * r1**2) / (1 + decay))
    last = np.sqrt((r3**2 + decay * r2**2 + decay**2 * r1**2) / (1 + decay + decay**2))
    np.testing.assert_allclose(
        ewma_volatility(close, 2)[:, 0], [np.nan, np.nan, want, last], rtol=1e-12
    )


def test_ewma_volatility_takes_the_return_across_a_gap() -> None:
    close = np.array([[100.0], [np.nan], [110.0], [121.0]])
    found = ewma_volatility(close, 2)[:, 0]
    assert np.isnan(found[:3]).all()
    assert found[3] == pytest.approx(np.log(1.1))


@pytest.mark.parametrize("cut", [3, 17, 40])
def test_ewma_volatility_does_not_change_when_the_future_does(cut: int) -> None:
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (60, 3)), axis=0))
    other = close.copy()
    other[cut:] = rng.uniform(1, 500, other[cut:].shape)
    a, b = ewma_volatility(close, 10)[:cut], ewma_volatility(other, 10)[:cut]
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, ewma_volatility(close[:cut], 10))


def test_a_gap_keeps_the_last_volatility_and_nothing_comes_before_the_first() -> None:
    close = np.array([[np.nan], [100.0], [110.0], [100.0], [np.nan], [100.0]])
    vol = ewma_volatility(close, 2)[:, 0]
    assert np.isnan(vol[:3]).all()
    assert vol[4] == vol[3]
    assert vol[5] < vol[4]
