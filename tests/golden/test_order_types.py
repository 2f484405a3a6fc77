"""Every order type and time in force: sections 3 and 4 of docs/broker-rules.md, bar by bar."""

from tests.golden.tables import (
    LIMIT,
    ON_CLOSE,
    STARTED,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
    Case,
    buy,
    by_case,
    check,
    flat,
    on_both,
    sell,
)
from tests.markets import NO_BAR
from tradewind.engine.records import DAY_NS
from tradewind.engine.types import Action, Intent, Reason, TimeInForce

FILLED, WAITS = Reason.FILLED, Reason.END_OF_DATA

LIMITS = [
    Case(
        "a buy limit is filled at the open where that is better",
        [STARTED, (95, 97, 94, 96)],
        {0: [buy(5, LIMIT, limit=98)]},
        [(1, 5, 95)],
    ),
    Case(
        "a limit inside the bar is filled at its own price",
        [STARTED, (100, 101, 97, 99)],
        {0: [buy(5, LIMIT, limit=98)]},
        [(1, 5, 98)],
    ),
    Case(
        "a sell limit mirrors it",
        [STARTED, (100, 103, 99, 99), (104, 105, 103, 103)],
        {0: [sell(5, LIMIT, limit=102), sell(5, LIMIT, limit=103.5)]},
        [(1, -5, 102), (2, -5, 104)],
    ),
    Case(
        "a limit out of reach waits",
        [STARTED, (100, 101, 99, 100), (99, 99, 98, 98.5)],
        {0: [buy(5, LIMIT, limit=98)]},
        [(2, 5, 98)],
    ),
    Case(
        "with through_ticks a touch is not enough",
        [STARTED, (100, 101, 97, 99), (100, 100, 96, 97)],
        {0: [buy(5, LIMIT, limit=98)]},
        [(2, 5, 98)],
        given={"through_ticks": 2, "tick": 1.0},
    ),
    Case(
        "but the open fills a limit it is better than",
        [STARTED, (98, 98, 98, 98)],
        {0: [buy(5, LIMIT, limit=98)]},
        [(1, 5, 98)],
        given={"through_ticks": 2, "tick": 1.0},
    ),
    Case(
        "a limit never slips",
        [STARTED, (95, 97, 94, 96)],
        {0: [buy(5, LIMIT, limit=98)]},
        [(1, 5, 95)],
        given={"slippage": 0.01},
    ),
    Case(
        "a buyer's limit reads the ask",
        [STARTED, (100, 100, 98, 99), (100, 100, 97, 97)],
        {0: [buy(5, LIMIT, limit=98)]},
        [(2, 5, 98)],
        given={"half_spread": 0.01},  # the ask's lows are 98.98 and 97.97
    ),
]
STOPS = [
    Case(
        "a buy stop inside the bar is filled at its price, slipped",
        [STARTED, (100, 106, 99, 104)],
        {0: [buy(5, STOP, stop=105)]},
        [(1, 5, 105 * 1.01)],
        given={"slippage": 0.01},
    ),
    Case(
        "a stop that the open jumps over is filled at the open",
        [STARTED, (107, 108, 106, 107)],
        {0: [buy(5, STOP, stop=105)]},
        [(1, 5, 107)],
    ),
    Case(
        "a sell stop mirrors it",
        [STARTED, (99, 99, 94, 96), (90, 91, 89, 90)],
        {0: [sell(5, STOP, stop=95), sell(5, STOP, stop=92)]},
        [(1, -5, 95), (2, -5, 90)],
    ),
    Case(
        "a seller's stop is triggered by the bid",
        [STARTED, (100, 100, 96, 100)],
        {0: [sell(5, STOP, stop=95.5)]},
        [(1, -5, 95.5)],
        given={"half_spread": 0.01},  # the bid's low is 95.04
    ),
    Case(
        "a buy stop at the close is a market order in disguise",
        [STARTED, flat(101.0)],
        {0: [buy(5, STOP, stop=100)]},
        [],
        [Reason.REJECTED_PRICE],
    ),
    Case(
        "slippage is rounded to the tick against us, prices of orders when they are sent",
        [STARTED, (100, 106, 99, 104)],
        {0: [buy(5, STOP, stop=104.3)]},  # sent as 104.5; 104.5 x 1.001 = 104.6045
        [(1, 5, 105.0)],
        given={"slippage": 0.001, "tick": 0.5},
    ),
    Case(
        "impact grows with the root of the part of the volume",
        [STARTED, (100, 100, 100, 100)],
        {0: [buy(4)]},
        [(1, 4, 100 * (1 + 0.1 * 0.2))],  # 4 of 100 units: the root is 0.2
        given={"impact": 0.1},
        volume=100.0,
    ),
]
STOP_LIMITS = [
    Case(
        "a stop-limit with room is filled at its stop",
        [STARTED, (100, 107, 99, 106)],
        {0: [buy(5, STOP_LIMIT, stop=105, limit=106)]},
        [(1, 5, 105)],
    ),
    Case(
        "and slips no further than its limit",
        [STARTED, (100, 107, 99, 106)],
        {0: [buy(5, STOP_LIMIT, stop=105, limit=106)]},
        [(1, 5, 106)],
        given={"slippage": 0.02},  # 107.1
    ),
    Case(
        "with its limit behind the stop, the close must prove that the bar came back",
        [STARTED, (100, 106, 99, 102)],
        {0: [buy(5, STOP_LIMIT, stop=105, limit=103)]},
        [(1, 5, 103)],
    ),
    Case(
        "where it does not, the limit works from the next bar on",
        [STARTED, (100, 106, 99, 104), (104, 104, 102, 104)],
        {0: [buy(5, STOP_LIMIT, stop=105, limit=103)]},
        [(2, 5, 103)],
    ),
    Case(
        "opened beyond stop and limit, it waits inside the bar for its limit",
        [STARTED, (107, 108, 105, 106)],
        {0: [buy(5, STOP_LIMIT, stop=105, limit=106)]},
        [(1, 5, 106)],
    ),
    Case(
        "opened between stop and limit, it is filled at the open",
        [STARTED, (105.5, 108, 105, 106)],
        {0: [buy(5, STOP_LIMIT, stop=105, limit=106)]},
        [(1, 5, 105.5)],
    ),
]
TRAILS = [
    Case(
        "a trail follows the close, and is hit at the price it has come to",
        [STARTED, (100, 110, 99, 110), (108, 108, 104, 105)],
        {0: [sell(5, TRAILING_STOP, trail=5)]},  # 95, after bar 1 105
        [(2, -5, 105)],
    ),
    Case(
        "it never moves back",
        [STARTED, (100, 110, 99, 110), (108, 108, 106, 106), (106, 106, 104, 104)],
        {0: [sell(5, TRAILING_STOP, trail=5)]},
        [(3, -5, 105)],
    ),
    Case(
        "a fraction is of the price followed",
        [STARTED, (100, 100, 80, 80), (80, 89, 80, 85)],
        {0: [buy(5, TRAILING_STOP, trail_fraction=0.1)]},  # 110, after bar 1 88
        [(2, 5, 88)],
    ),
    Case(
        "a bar in which nobody traded does not move it",
        [STARTED, (100, 110, 99, 110), (110, 110, 103, 103), (103, 103, 94, 94)],
        {0: [sell(5, TRAILING_STOP, trail=5)]},
        [(3, -5, 95)],
        volume=[[1, 0, 0, 1]],
    ),
]
CLOSES = [
    Case(
        "a market-on-close order is filled at the close, slipped",
        [STARTED, (101, 105, 99, 104)],
        {0: [sell(5, ON_CLOSE)]},
        [(1, -5, 104 * 0.99)],
        given={"slippage": 0.01},
    ),
]
DAY, BARS, GTD, IOC = TimeInForce.DAY, TimeInForce.BARS, TimeInForce.GTD, TimeInForce.IOC
LATE = [STARTED, flat(100.0), flat(100.0), flat(98.0)]
TIMES = [
    Case(
        "a day order works on the day of the bar after the decision alone",
        LATE,
        {0: [buy(5, LIMIT, limit=98, tif=DAY)]},
        [],
        [Reason.EXPIRED],
    ),
    Case(
        "an order for two bars is gone before the third",
        LATE,
        {
            0: [
                buy(5, LIMIT, limit=98, tif=BARS, until=2),
                buy(5, LIMIT, limit=98, tif=BARS, until=3),
            ]
        },
        [(3, 5, 98)],
        [Reason.EXPIRED, FILLED],
    ),
    Case(
        "an order till a time works on the bar that closes then",
        LATE,
        {
            0: [
                buy(5, LIMIT, limit=98, tif=GTD, until=4 * DAY_NS - 1),
                buy(5, LIMIT, limit=98, tif=GTD, until=4 * DAY_NS),
            ]
        },
        [(3, 5, 98)],
        [Reason.EXPIRED, FILLED],
    ),
    Case(
        "immediate-or-cancel waits for the first bar that trades, and for no other",
        [STARTED, NO_BAR, flat(100.0), flat(98.0)],
        {0: [buy(5, tif=IOC), buy(5, LIMIT, limit=98, tif=IOC)]},
        [(2, 5, 100)],
        [FILLED, Reason.CANCELLED_REST],
    ),
]
PARTS = [
    Case(
        "participation fills a part and carries the rest",
        [STARTED, flat(100.0), flat(101.0), flat(102.0)],
        {0: [buy(25)]},
        [(1, 10, 100), (2, 10, 101), (3, 5, 102)],
        [FILLED],
        given={"participation": 0.1},
        volume=100.0,
    ),
    Case(
        "or cancels it at the end of the bar",
        [STARTED, flat(100.0), flat(101.0)],
        {0: [buy(25)]},
        [(1, 10, 100)],
        [Reason.CANCELLED_REST],
        given={"participation": 0.1, "carry": False},
        volume=100.0,
    ),
    Case(
        "orders of one symbol share the volume, oldest first",
        [STARTED, flat(100.0), flat(101.0)],
        {0: [buy(7), buy(7)]},
        [(1, 7, 100), (1, 3, 100), (2, 4, 101)],
        given={"participation": 0.1},
        volume=100.0,
    ),
    Case(
        "an unknown volume sets no cap",
        [STARTED, flat(100.0)],
        {0: [buy(25)]},
        [(1, 25, 100)],
        given={"participation": 0.1},
        volume=float("nan"),
    ),
]
CHANGES = [
    Case(
        "a cancelled order is gone before the next bar",
        [STARTED, flat(100.0), flat(98.0)],
        {0: [buy(5, LIMIT, limit=98)], 1: [Intent(0, action=Action.CANCEL, order=0)]},
        [],
        [Reason.CANCELLED_USER],
    ),
    Case(
        "a replaced order keeps what is not changed and gets a new number",
        [STARTED, flat(100.0), flat(99.0)],
        {0: [buy(5, LIMIT, limit=98)], 1: [Intent(0, action=Action.REPLACE, order=0, limit=99.0)]},
        [(2, 5, 99)],
        [Reason.CANCELLED_REPLACED, FILLED],
    ),
    Case(
        "a replacement that is refused leaves the old order at work",
        [STARTED, flat(100.0), flat(98.0)],
        {0: [buy(5, LIMIT, limit=98)], 1: [Intent(0, action=Action.REPLACE, order=0, limit=-1.0)]},
        [(2, 5, 98)],
        [FILLED, Reason.REJECTED_PRICE],
    ),
    Case(
        "to name an order that no longer works changes nothing",
        [STARTED, flat(100.0), flat(98.0)],
        {
            0: [buy(5)],
            1: [
                Intent(0, action=Action.CANCEL, order=0),
                Intent(0, action=Action.REPLACE, order=0, limit=99.0),
            ],
        },
        [(1, 5, 100)],
        [FILLED],
    ),
]


@on_both
@by_case([*LIMITS, *STOPS, *STOP_LIMITS, *TRAILS, *CLOSES, *TIMES, *PARTS, *CHANGES])
def test_rule(case: Case, executor: str) -> None:
    check(case, executor)
