"""Protection, groups and what a bar leaves open: section 5 of docs/broker-rules.md, bar by bar."""

import numpy as np

from tests.golden.tables import (
    LIMIT,
    STARTED,
    STOP,
    STOP_LIMIT,
    Case,
    buy,
    by_case,
    check,
    flat,
    on_both,
    sell,
    target,
)
from tradewind.engine.executors.state import BEST, BY_PATH, Path
from tradewind.engine.types import Happening, Reason, TimeInForce

FILLED, BRACKET = Reason.FILLED, Reason.CANCELLED_BRACKET
AMBIGUOUS = Happening.AMBIGUOUS

AT_OPEN = [
    Case(
        "a stop protects in the bar of an entry at the open",
        [STARTED, (100, 101, 94, 98)],
        {0: [buy(5, stop_loss=95)]},
        [(1, 5, 100), (1, -5, 95)],
        [FILLED, FILLED],
        events=[],
    ),
    Case(
        "where stop and target are touched, the stop fills, and the bar is counted",
        [STARTED, (100, 106, 94, 100)],
        {0: [buy(5, stop_loss=95, take_profit=105)]},
        [(1, 5, 100), (1, -5, 95)],
        [FILLED, FILLED, BRACKET],
        events=[(AMBIGUOUS, 1, 0)],
    ),
    Case(
        "the best way it could have gone is the target",
        [STARTED, (100, 106, 94, 100)],
        {0: [buy(5, stop_loss=95, take_profit=105)]},
        [(1, 5, 100), (1, -5, 105)],
        [FILLED, BRACKET, FILLED],
        events=[(AMBIGUOUS, 1, 0)],
        given={"intrabar": BEST},
    ),
    Case(
        "an open beyond the stop leaves nothing open",
        [STARTED, (93, 106, 92, 93)],
        {0: [buy(5, stop_loss=95, take_profit=105)]},
        [(1, 5, 93), (1, -5, 93)],
        events=[],
    ),
    Case(
        "an open beyond the target fills the target at the open",
        [STARTED, (107, 108, 94, 100)],
        {0: [buy(5, stop_loss=95, take_profit=105)]},
        [(1, 5, 107), (1, -5, 107)],
        events=[],
    ),
    Case(
        "a short is protected by the mirror image",
        [STARTED, (100, 106, 94, 100)],
        {0: [sell(5, stop_loss=105, take_profit=95)]},
        [(1, -5, 100), (1, 5, 105)],
        events=[(AMBIGUOUS, 1, 0)],
    ),
]
INSIDE = [
    Case(
        "after a limit inside the bar a target touched is certain only by the close",
        [STARTED, (100, 103, 97, 100)],
        {0: [buy(5, LIMIT, limit=98, stop_loss=95, take_profit=102)]},
        [(1, 5, 98)],
        events=[(AMBIGUOUS, 1, 0)],
    ),
    Case(
        "the best way is that it came later",
        [STARTED, (100, 103, 97, 100)],
        {0: [buy(5, LIMIT, limit=98, stop_loss=95, take_profit=102)]},
        [(1, 5, 98), (1, -5, 102)],
        events=[(AMBIGUOUS, 1, 0)],
        given={"intrabar": BEST},
    ),
    Case(
        "a close beyond the target proves it",
        [STARTED, (100, 103, 97, 102.5)],
        {0: [buy(5, LIMIT, limit=98, stop_loss=95, take_profit=102)]},
        [(1, 5, 98), (1, -5, 102)],
        events=[],
    ),
    Case(
        "the fall to the stop passes a limit, so its stop is certain",
        [STARTED, (100, 101, 94, 100)],
        {0: [buy(5, LIMIT, limit=98, stop_loss=95)]},
        [(1, 5, 98), (1, -5, 95)],
        events=[],
    ),
    Case(
        "after a stop inside the bar its own stop may have been touched before; it fills",
        [STARTED, (100, 106, 97, 104)],
        {0: [buy(5, STOP, stop=105, stop_loss=98)]},
        [(1, 5, 105), (1, -5, 98)],
        events=[(AMBIGUOUS, 1, 0)],
    ),
    Case(
        "the best way is that it was touched before",
        [STARTED, (100, 106, 97, 104)],
        {0: [buy(5, STOP, stop=105, stop_loss=98)]},
        [(1, 5, 105)],
        events=[(AMBIGUOUS, 1, 0)],
        given={"intrabar": BEST},
    ),
    Case(
        "the rise to the target passes a stop, so its target is certain",
        [STARTED, (100, 111, 99, 108)],
        {0: [buy(5, STOP, stop=105, stop_loss=98, take_profit=110)]},
        [(1, 5, 105), (1, -5, 110)],
        events=[],
    ),
    Case(
        "after a stop-limit that came back nothing but the close is certain",
        [STARTED, (100, 111, 99, 102)],
        {0: [buy(5, STOP_LIMIT, stop=105, limit=103, take_profit=110)]},
        [(1, 5, 103)],
        events=[(AMBIGUOUS, 1, 0)],
    ),
]
UP_THEN_DOWN = Path(
    np.array([0, 0, 2]),
    open=np.array([[100.0], [105.0]]),
    high=np.array([[106.0], [105.0]]),
    low=np.array([[99.0], [94.0]]),
    close=np.array([[105.0], [100.0]]),
)
TWO_IN_ONE = UP_THEN_DOWN._replace(low=np.array([[94.0], [94.0]]))
LATER = [
    Case(
        "on a later bar the stop goes first, too",
        [STARTED, flat(100.0), (100, 106, 94, 100)],
        {0: [buy(5, stop_loss=95, take_profit=105)]},
        [(1, 5, 100), (2, -5, 95)],
        [FILLED, FILLED, BRACKET],
        events=[(AMBIGUOUS, 2, 1)],
    ),
    Case(
        "the best way lets the target go first",
        [STARTED, flat(100.0), (100, 106, 94, 100)],
        {0: [buy(5, stop_loss=95, take_profit=105)]},
        [(1, 5, 100), (2, -5, 105)],
        [FILLED, BRACKET, FILLED],
        events=[(AMBIGUOUS, 2, 1)],
        given={"intrabar": BEST},
    ),
    Case(
        "a target that the open is beyond is not in doubt",
        [STARTED, flat(100.0), (106, 107, 94, 100)],
        {0: [buy(5, stop_loss=95, take_profit=105)]},
        [(1, 5, 100), (2, -5, 106)],
        events=[],
    ),
    Case(
        "finer bars decide",
        [STARTED, (100, 106, 94, 100)],
        {0: [buy(5, stop_loss=95, take_profit=105)]},
        [(1, 5, 100), (1, -5, 105)],
        events=[],
        given={"intrabar": BY_PATH},
        market={"path": UP_THEN_DOWN},
    ),
    Case(
        "a finer bar that touches both is as ambiguous as a coarse one",
        [STARTED, (100, 106, 94, 100)],
        {0: [buy(5, stop_loss=95, take_profit=105)]},
        [(1, 5, 100), (1, -5, 95)],
        events=[(AMBIGUOUS, 1, 0)],
        given={"intrabar": BY_PATH},
        market={"path": TWO_IN_ONE},
    ),
    Case(
        "without finer bars the pessimistic rule stands",
        [STARTED, (100, 106, 94, 100)],
        {0: [buy(5, stop_loss=95, take_profit=105)]},
        [(1, 5, 100), (1, -5, 95)],
        events=[(AMBIGUOUS, 1, 0)],
        given={"intrabar": BY_PATH},
    ),
]
LIVES = [
    Case(
        "children of an entry that never fills end with it",
        [STARTED, flat(100.0), flat(100.0)],
        {0: [buy(5, LIMIT, limit=90, stop_loss=85, tif=TimeInForce.BARS, until=1)]},
        [],
        [Reason.EXPIRED, BRACKET],
    ),
    Case(
        "children end when the position is gone",
        [STARTED, flat(100.0), flat(100.0)],
        {0: [buy(5, stop_loss=95)], 1: [sell(5)]},
        [(1, 5, 100), (2, -5, 100)],
        [FILLED, BRACKET, FILLED],
    ),
    Case(
        "an entry in parts wakes its children with the first, and adds to them with each",
        [STARTED, flat(100.0), flat(101.0), (94, 95, 94, 95)],
        {0: [buy(15, stop_loss=95)]},
        [(1, 10, 100), (2, 5, 101), (3, -10, 94)],
        [FILLED, Reason.END_OF_DATA],  # 5 of it still work: the volume is used up
        given={"participation": 0.1},
        volume=100.0,
    ),
    Case(
        "a child's fill cancels what is left of the entry",
        [STARTED, flat(100.0), (102, 106, 101, 104)],
        {0: [buy(25, LIMIT, limit=100, take_profit=105)]},
        [(1, 10, 100), (2, -10, 105)],
        [BRACKET, FILLED],
        given={"participation": 0.1},
        volume=100.0,
    ),
    Case(
        "a trailing child starts from the fill of its entry",
        [STARTED, (102, 104, 98, 103), (103, 103, 97, 97)],
        {0: [buy(5, stop_trail=5)]},  # 97 from the fill, 98 from the close
        [(1, 5, 102), (2, -5, 98)],
    ),
    Case(
        "a target protects what it opens",
        [STARTED, (100, 101, 94, 98)],
        {0: [target(0.5, stop_loss=95)]},
        [(1, 5, 100), (1, -5, 95)],
    ),
    Case(
        "and what is held already, by orders of their own",
        [STARTED, flat(100.0), (100, 100, 94, 96)],
        {0: [target(0.5)], 1: [target(0.5, stop_loss=95, take_profit=110)]},
        [(1, 5, 100), (2, -5, 95)],
        [FILLED, FILLED, BRACKET],
    ),
    Case(
        "protection on the wrong side refuses the entry",
        [STARTED, flat(100.0)],
        {0: [buy(5, stop_loss=101)]},
        [],
        [Reason.REJECTED_PRICE, Reason.REJECTED_PRICE],
    ),
]
GROUPS = [
    Case(
        "a fill of one order cancels its group",
        [STARTED, (100, 106, 99, 104), flat(97.0)],
        {0: [buy(5, LIMIT, limit=98, oco=1), buy(5, STOP, stop=105, oco=1)]},
        [(1, 5, 105)],
        [Reason.CANCELLED_OCO, FILLED],
        events=[],
    ),
    Case(
        "where both lie inside the bar the stop goes first, and the bar is counted",
        [STARTED, (100, 106, 97, 104)],
        {0: [buy(5, LIMIT, limit=98, oco=1), buy(5, STOP, stop=105, oco=1)]},
        [(1, 5, 105)],
        [Reason.CANCELLED_OCO, FILLED],
        events=[(AMBIGUOUS, 1, 1)],
    ),
    Case(
        "reduce-only is cut to what is held, and filled with it",
        [STARTED, flat(100.0), flat(101.0), flat(102.0)],
        {0: [buy(5)], 1: [sell(8, reduce_only=True)], 2: [sell(8, reduce_only=True)]},
        [(1, 5, 100), (2, -5, 101)],
        [FILLED, FILLED, Reason.CANCELLED_REDUCE_ONLY],
    ),
    Case(
        "a fill that crosses zero is two",
        [STARTED, flat(100.0), flat(101.0)],
        {0: [buy(5)], 1: [sell(8)]},
        [(1, 5, 100), (2, -5, 101), (2, -3, 101)],
        [FILLED, FILLED],
    ),
]


@on_both
@by_case([*AT_OPEN, *INSIDE, *LATER, *LIVES, *GROUPS])
def test_rule(case: Case, executor: str) -> None:
    check(case, executor)
