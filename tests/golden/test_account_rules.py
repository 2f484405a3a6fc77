"""Fees, lenders, margin, carry, splits and currencies: sections 1 and 7 to 9, bar by bar."""

from math import inf, nan

import numpy as np

from tests.golden.tables import (
    LIMIT,
    STARTED,
    Case,
    buy,
    by_case,
    check,
    flat,
    on_both,
    sell,
    target,
)
from tests.markets import NO_BAR
from tradewind.engine.costs import Fees
from tradewind.engine.executors.state import Actions
from tradewind.engine.series import Series, constant
from tradewind.engine.types import Happening, Reason

FILLED = Reason.FILLED


def fees(taker: list[float], maker: list[float] | None = None, **more: float) -> Fees:
    """A table of fees with a tier at every 400."""
    n = len(taker)
    plain = Fees(
        np.arange(n) * 400.0, np.array(taker), np.array(maker or taker), np.zeros(n), 0.0, inf
    )
    return plain._replace(**more)


def by_bar(*values: float) -> Series:
    """One value a bar, the same for every symbol."""
    return Series(np.array(values)[:, None], 1, 0)


FEES = [
    Case(
        "the minimum is that of the order, not of each fill",
        [STARTED, flat(100.0), flat(101.0), flat(102.0)],
        {0: [buy(25)]},
        [(1, 10, 100), (2, 10, 101), (3, 5, 102)],
        fees=[15.0, 5.1, 5.1],  # of 10, 20.1 and 25.2 in all
        given={"fees": fees([0.01], minimum=15.0), "participation": 0.1},
        volume=100.0,
    ),
    Case(
        "the maximum is a part of the value",
        [STARTED, flat(100.0)],
        {0: [buy(5)]},
        [(1, 5, 100)],
        fees=[0.5],
        given={"fees": fees([0.01], maximum=0.001)},
    ),
    Case(
        "tiers go by what was traded this month before the fill",
        [STARTED, flat(100.0), flat(100.0)],
        {0: [buy(5)], 1: [buy(5)]},
        [(1, 5, 100), (2, 5, 100)],
        fees=[5.0, 0.5],
        given={"fees": fees([0.01, 0.001])},
    ),
    Case(
        "a limit filled at its own price pays the maker's fee, at the open the taker's",
        [STARTED, (100, 100, 97, 99), flat(95.0)],
        {0: [buy(5, LIMIT, limit=98)], 1: [buy(5, LIMIT, limit=98)]},
        [(1, 5, 98), (2, 5, 95)],
        fees=[0.49, 4.75],
        given={"fees": fees([0.01], [0.001])},
    ),
    Case(
        "a minimum fee counts when cash is short",
        [STARTED, flat(100.0)],
        {0: [buy(10)]},
        [(1, 9.8, 100)],
        [Reason.PARTLY_FILLED],
        fees=[20.0],
        given={"fees": fees([0.0], minimum=20.0), "max_leverage": 1.0},
        equity=980.0,
    ),
]
LENDERS = [
    Case(
        "a cash account sells nothing short",
        [STARTED, flat(100.0), flat(100.0)],
        {0: [sell(5)], 1: [buy(3)]},
        [(2, 3, 100)],
        [Reason.REJECTED_NOT_SHORTABLE, FILLED],
        given={"cash_only": True, "max_leverage": 1.0},
    ),
    Case(
        "but it may sell what it has",
        [STARTED, flat(100.0), flat(100.0)],
        {0: [buy(3)], 1: [sell(5)]},
        [(1, 3, 100), (2, -3, 100)],
        [FILLED, Reason.PARTLY_FILLED],
        given={"cash_only": True, "max_leverage": 1.0},
    ),
    Case(
        "a short is filled as far as units can be borrowed",
        [STARTED, flat(100.0)],
        {0: [sell(5)]},
        [(1, -3, 100)],
        [Reason.PARTLY_FILLED],
        given={"borrowable": 3.0},
    ),
    Case(
        "or refused where there are none",
        [STARTED, flat(100.0)],
        {0: [sell(5)]},
        [],
        [Reason.REJECTED_BORROW],
        given={"borrowable": 0.0},
    ),
    Case(
        "what is recalled is bought back at the open",
        [STARTED, flat(100.0), (103, 104, 102, 104)],
        {0: [sell(5)]},
        [(1, -5, 100), (2, 3, 103)],
        [FILLED, Reason.RECALLED],
        given={"borrowable": by_bar(inf, inf, 2.0)},
    ),
    Case(
        "a recall waits for a bar",
        [STARTED, flat(100.0), NO_BAR, flat(104.0)],
        {0: [sell(5)]},
        [(1, -5, 100), (3, 3, 104)],
        given={"borrowable": by_bar(inf, inf, 2.0, 2.0)},
    ),
]
FALL = [STARTED, flat(100.0), flat(85.0), flat(85.0)]
MARGIN = [
    Case(
        "an account below maintenance is closed at the next open",
        FALL,
        {0: [buy(30)]},
        [(1, 30, 100), (3, -30, 85)],
        [FILLED, Reason.LIQUIDATED],
        events=[(Happening.MARGIN_CALL, 2, 550 / 2550)],
        given={"maintenance": 0.25},
    ),
    Case(
        "unless the open has mended it",
        [*FALL[:3], flat(95.0)],
        {0: [buy(30)]},
        [(1, 30, 100)],
        [FILLED],
        given={"maintenance": 0.25},
    ),
    Case(
        "the largest loser goes first, and no more than must",
        [
            [STARTED, flat(100.0), flat(85.0), flat(85.0)],
            [STARTED, flat(100.0), flat(95.0), flat(95.0)],
        ],
        {0: [buy(20), buy(10, symbol=1)]},
        [(1, 20, 100), (1, 10, 100, 1), (3, -20, 85)],  # 650 of 2,650, then 650 of 950
        [FILLED, FILLED, Reason.LIQUIDATED],
        given={"maintenance": 0.25},
    ),
    Case(
        "its working orders go with it",
        FALL,
        {0: [buy(30, take_profit=120)]},
        [(1, 30, 100), (3, -30, 85)],
        [FILLED, Reason.CANCELLED_LIQUIDATION, Reason.LIQUIDATED],
        given={"maintenance": 0.25},
    ),
    Case(
        "a lost equity is called without any maintenance margin",
        [STARTED, flat(100.0), flat(60.0), flat(60.0)],
        {0: [buy(30)]},
        [(1, 30, 100), (3, -30, 60)],
        [FILLED, Reason.LIQUIDATED],
    ),
]
CARRY = [
    Case(
        "interest is earned on cash as it stood before the borrow fee",
        [STARTED, flat(100.0), flat(100.0)],
        {0: [sell(5)]},
        [(1, -5, 100)],
        events=[
            (Happening.INTEREST, 1, 0.2),
            (Happening.BORROW, 2, -0.5),
            (Happening.INTEREST, 2, 0.30004),  # of 1,500.2
        ],
        given={"credit_daily": 0.0002, "borrow_daily": 0.001},
        equity=1_000.0 + 0.2 - 0.5 + 0.30004,
    ),
    Case(
        "and owed on debt",
        [STARTED, flat(100.0), flat(100.0)],
        {0: [buy(30)]},
        [(1, 30, 100)],
        events=[(Happening.INTEREST, 2, -2.0)],
        given={"debit_daily": 0.001},
    ),
]


def actions(*by_bar_: tuple[float, float]) -> Actions:
    """(ratio, dividend) of each bar."""
    ratio, paid = np.array(by_bar_).T
    happens = (ratio != 1.0) | (paid != 0.0)
    return Actions(happens, 1, Series(ratio[:, None], 1, 0), Series(paid[:, None], 1, 0))


RAW = [
    Case(
        "a split changes what is held and what works",
        [STARTED, flat(100.0), (52, 56, 52, 54)],
        {0: [buy(5), sell(5, LIMIT, limit=110)]},
        [(1, 5, 100), (2, -10, 55)],
        events=[(Happening.SPLIT, 2, 2.0)],
        market={"actions": actions((1, 0), (1, 0), (2, 0))},
        equity=1_050.0,
    ),
    Case(
        "a dividend is paid on new units, to us or by us",
        [[STARTED, flat(100.0), flat(50.0)], [STARTED, flat(100.0), flat(50.0)]],
        {0: [buy(5), sell(3, symbol=1)]},
        [(1, 5, 100), (1, -3, 100, 1)],
        events=[
            (Happening.SPLIT, 2, 2.0),
            (Happening.DIVIDEND, 2, 15.0),
            (Happening.SPLIT, 2, 2.0),
            (Happening.DIVIDEND, 2, -9.0),
        ],
        market={"actions": actions((1, 0), (1, 0), (2, 1.5))},
        equity=1_006.0,
    ),
    Case(
        "what works for a symbol that leaves ends as delisted",
        [[STARTED, flat(100.0), NO_BAR], [STARTED, flat(100.0), flat(100.0)]],
        {0: [buy(5), buy(5, LIMIT, limit=90)]},
        [(1, 5, 100), (1, -5, 100)],
        [FILLED, Reason.DELISTED, Reason.DELISTED],
    ),
]
CURRENCIES = [
    Case(
        "a fill is converted at the rate of the open, a mark at that of the close",
        [STARTED, flat(100.0)],
        {0: [buy(5)]},
        [(1, 5, 100)],
        market={"foreign": 1, "fx_open": by_bar(2, 2), "fx_close": by_bar(2, 3)},
        equity=1_500.0,
    ),
    Case(
        "cash must pay for it in the account's currency",
        [STARTED, flat(100.0)],
        {0: [buy(8)]},
        [(1, 5, 100)],
        [Reason.PARTLY_FILLED],
        given={"max_leverage": 1.0},
        market={"foreign": 1, "fx_open": constant(2.0), "fx_close": constant(2.0)},
    ),
]
REFUSED = [
    Case(
        "a strength that cannot be sized",
        [STARTED, flat(100.0)],
        {0: [target(0.5)]},
        [],
        [Reason.REJECTED_SIZING],
        given={"full": constant(nan)},
    ),
    Case(
        "what no cap leaves room for",
        [STARTED, flat(100.0)],
        {0: [target(0.5)]},
        [],
        [Reason.REJECTED_CAP],
        events=[(Happening.CUT, 0, 3)],
        given={"max_gross": 0.0},
    ),
]


@on_both
@by_case([*FEES, *LENDERS, *MARGIN, *CARRY, *RAW, *CURRENCIES, *REFUSED])
def test_rule(case: Case, executor: str) -> None:
    check(case, executor)
