"""What people and the risk gate did is told apart from the data: each act has its own sum."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from tests.scripted_account import Script, account, took
from tradewind.engine.journal.event import Event
from tradewind.engine.live.account import Account
from tradewind.engine.live.departing import Books, departure
from tradewind.engine.live.facts import Command
from tradewind.engine.live.intervening import KINDS, Interventions, interventions
from tradewind.engine.types import Action, Intent

RISING = (100.0, 110.0, 120.0, 130.0, 140.0, 150.0)
FALLING = (100.0, 110.0, 90.0, 80.0, 85.0, 95.0)
BUY = Intent(0, action=Action.ORDER, qty=10.0)
SELL = Intent(0, action=Action.ORDER, qty=-10.0)
Told = Mapping[str, tuple[float, int]]


class Case(NamedTuple):
    """What is asked for at a close, what people do behind it, and what the two make of it."""

    name: str
    closes: tuple[float, ...]
    script: Script
    acts: Mapping[int, tuple[str, Mapping[str, Any]]]
    limits: Mapping[str, Any]
    want: Told


# Orders decided at a close fill at the next one. BUY at 100 fills at 110, SELL at 130 at 140.
ROUND: Script = {0: [BUY], 3: [SELL]}
CASES = [
    Case("nobody does anything", RISING, ROUND, {}, {}, {}),
    Case(
        "a person closes at 120 what the backtest sells at 140, and the strategy is not asked",
        RISING, ROUND, {1: ("flatten", {})}, {}, {"flatten by page": (-200.0, 2)},
    ),
    Case(
        "a paused run keeps to 150 what the backtest sells at 140",
        RISING, ROUND, {2: ("pause", {})}, {}, {"pause by page": (100.0, 1)},
    ),
    Case(
        "what was decided before the pause still fills",
        RISING, {0: [BUY]}, {0: ("pause", {})}, {}, {},
    ),
    Case(
        "flattened while the purchase works: it never fills",
        RISING, ROUND, {0: ("flatten", {})}, {}, {"flatten by page": (-300.0, 2)},
    ),
    Case(
        "a halted symbol is not sold; its refusals are the person's",
        RISING, ROUND, {2: ("halt", {"symbol": "KO"})}, {}, {"halt by page": (100.0, 1)},
    ),
    Case(
        "killed and closed at 120",
        RISING, ROUND, {1: ("kill", {"flatten": True})}, {}, {"kill by page": (-200.0, 2)},
    ),
    Case(
        "stopped and closed at 120",
        RISING, ROUND, {1: ("stop", {"flatten": True})}, {}, {"stop by page": (-200.0, 2)},
    ),
    Case(
        "delisted by hand: closed at the next bar's 120, where the backtest holds to 150",
        RISING, {0: [BUY]}, {1: ("delist", {"symbol": "KO"})}, {}, {"delist by page": (-300.0, 1)},
    ),
    Case(
        "refused for its notional; the sale, which would go short, as well",
        RISING, ROUND, {}, {"max_order_notional": 500},
        {"refused: max_order_notional": (-300.0, 2)},
    ),
    Case(
        "refused, and bought again a close later: what follows is the refusal's",
        RISING, {0: [BUY], 2: [Intent(0, action=Action.ORDER, qty=4.0)]}, {},
        {"max_order_notional": 500}, {"refused: max_order_notional": (-400.0, 1)},
    ),
    Case(
        "10 units fall by 20 each, more than 1 %: closed at 80, where the backtest sells at 85",
        FALLING, ROUND, {}, {"max_drawdown": 0.01, "on_breach": "flatten"},
        {"loss stop: max_drawdown": (-50.0, 2)},
    ),
    Case(
        "the stop freezes: nothing that adds is sent, 10 more at 80 are not bought",
        FALLING, {0: [BUY], 2: [BUY]}, {}, {"max_drawdown": 0.01, "on_breach": "freeze"},
        {"loss stop: max_drawdown": (-150.0, 1)},
    ),
    Case(
        "two acts stand apart: 10 refused at 110 worth 40 each at 150, 10 sold at 140 not at 150",
        RISING, {0: [BUY], 1: [Intent(0, action=Action.ORDER, qty=4.0)]},
        {3: ("flatten", {})}, {"max_order_notional": 500},
        {"refused: max_order_notional": (-400.0, 1), "flatten by page": (-40.0, 1)},
    ),
]  # fmt: skip


def played(case: Case, *, live: bool) -> tuple[Account, list[Event]]:
    """Account behind the candles of a case, and everything that came of them."""
    one, events = account(case.script, **(case.limits if live else {})), list[Event]()
    for n, close in enumerate(case.closes):
        events += took(one, close)
        if live and n in case.acts:
            name, facts = case.acts[n]
            events += one.obey(Command(f"c{n}", name, "page", 0, facts))
    return one, events


def books(case: Case, *, live: bool) -> Books:
    """Books of a case, with what was done to it."""
    one, events = played(case, live=live)
    done = interventions(event for event in events if event.kind in KINDS)
    book = one.book
    return Books(
        book.panel, book.orders, book.fills, book.happenings, float(book.equity[-1]), 10_000.0,
        done if live else Interventions(),
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_people_and_the_gate_did_is_no_matter_of_data(case: Case) -> None:
    found = departure(books(case, live=True), books(case, live=False))
    told = {one.what: (round(one.difference, 9), one.orders) for one in found.interventions}
    assert told == case.want
    total = sum(difference for difference, _ in case.want.values())
    assert found.parts.values == pytest.approx((0.0, 0.0, 0.0, 0.0, total))
    assert found.difference == pytest.approx(total)
    assert found.other == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("third", "data", "intervention"), [(120.0, 0.0, -140.0), (121.0, -40.0, -110.0)]
)
def test_what_follows_is_the_last_acts_until_both_hold_the_same_and_bars_differ(
    third: float, data: float, intervention: float
) -> None:
    """The purchase (-400) and the sale (+300, or 290) are refused; 4 units only the other buys."""
    case = Case("", RISING, {0: [BUY], 1: [SELL]}, {}, {"max_order_notional": 500}, {})
    closes = (*RISING[:2], third, *RISING[3:])
    more = {**case.script, 3: [Intent(0, action=Action.ORDER, qty=4.0)]}
    other = books(case._replace(closes=closes, script=more), live=False)
    found = departure(books(case, live=True), other)
    assert found.parts.values == pytest.approx((data, 0.0, 0.0, 0.0, intervention))
    assert found.other == pytest.approx(0.0, abs=1e-9)
