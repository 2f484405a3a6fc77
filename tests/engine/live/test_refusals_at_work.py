"""What a refusal leaves at work: an order that could not be replaced, and nothing that adds."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.paper_runs import CROSSES, begun, ledger, worked
from tests.scripted_account import Script, account, fills, journaled, orders, reasons, took
from tradewind.engine.live import opening
from tradewind.engine.live.facts import Command
from tradewind.engine.live.status import status_of
from tradewind.engine.types import Action, Intent, OrderType

LIMIT, STOP = OrderType.LIMIT, OrderType.STOP
PLAIN, REPLACE = Action.ORDER, Action.REPLACE
# at the first close 50 are bought with a stop at 90 and a target at 120: orders 0, 1 and 2
ENTRY = Intent(0, action=PLAIN, qty=50.0, stop_loss=90.0, take_profit=120.0)
RISES, FALLS = (100.0, 125.0, 100.0, 120.0), (100.0, 100.0, 85.0, 88.0)


class Case(NamedTuple):
    says: str
    limits: dict[str, Any]
    asked: list[Intent]
    candle: tuple[float, float, float, float]
    refused: dict[int, str]
    want: list[tuple[float, float]]


REPLACEMENTS = [
    Case("a target that would be sold far below the market", {"price_collar": 0.1},
         [Intent(0, action=REPLACE, order=2, limit=50.0)], RISES,
         {3: "price_collar"}, [(-50.0, 120.0)]),
    Case("a stop while the symbol is halted", {"halted": "[KO]"},
         [Intent(0, action=REPLACE, order=1, stop=95.0)], FALLS,
         {3: "halted"}, [(-50.0, 90.0)]),
    Case("stop and target at once, each in its place", {"halted": "[KO]"},
         [Intent(0, action=REPLACE, order=2, limit=110.0),
          Intent(0, action=REPLACE, order=1, stop=95.0)], FALLS,
         {3: "halted", 4: "halted"}, [(-50.0, 90.0)]),
    Case("a stop whose successor is replaced at once", {"halted": "[KO]"},
         [Intent(0, action=REPLACE, order=1, stop=95.0),
          Intent(0, action=REPLACE, order=3, stop=96.0)], FALLS,
         {4: "halted"}, [(-50.0, 90.0)]),
    Case("a stop at no price, which the rule book refuses before the gate", {},
         [Intent(0, action=REPLACE, order=1, stop=-1.0)], FALLS,
         {}, [(-50.0, 90.0)]),
    Case("everything, by a target that cannot be sent", {"halted": "[KO]"},
         [Intent(0, 0.0)], FALLS,
         {3: "halted"}, [(-50.0, 90.0)]),
    Case("but what is asked to be withdrawn is withdrawn", {"halted": "[KO]"},
         [Intent(0, action=Action.CANCEL, order=1)], FALLS,
         {}, []),
    Case("and a stop that may be replaced is", {"price_collar": 0.1},
         [Intent(0, action=REPLACE, order=1, stop=95.0)], FALLS,
         {}, [(-50.0, 95.0)]),
]  # fmt: skip


@pytest.mark.parametrize("case", REPLACEMENTS, ids=lambda case: case.says)
def test_a_position_keeps_the_protection_that_could_not_be_replaced(case: Case) -> None:
    limits = {key: value for key, value in case.limits.items() if key != "halted"}
    one = account({0: [ENTRY], 1: case.asked}, **limits)
    took(one, 100.0)
    if "halted" in case.limits:  # after the entry was sent
        one.obey(Command("halt", "halt", "test", 1, {"symbol": "KO"}))
    events = took(one, 100.0)
    assert one.book.state.qty[0] == 50.0
    assert reasons(events) == case.refused
    written = journaled(events)
    assert written == orders(one)[: len(written)]
    for facts in (event.facts for event in events if event.kind == "refused"):
        assert orders(one)[facts["number"]] == "REJECTED_RISK"
        if "instead" in facts:
            assert f"order {facts['instead']}, which it was to replace, works" in facts["reason"]
    assert fills(took(one, case.candle)) == case.want


def test_an_entry_that_may_not_grow_works_on_with_what_protects_it() -> None:
    asked = Intent(0, action=PLAIN, qty=5.0, order_type=LIMIT, limit=98.0, stop_loss=90.0)
    more = Intent(0, action=REPLACE, order=0, qty=10.0)
    one = account({0: [asked], 1: [more]}, max_weight=0.06)
    took(one, 100.0)
    assert reasons(took(one, 100.0)) == {2: "max_weight", 3: "entry"}
    assert fills(took(one, (99.0, 99.0, 97.0, 97.0))) == [(5.0, 98.0)]
    assert fills(took(one, (97.0, 97.0, 80.0, 85.0))) == [(-5.0, 90.0)]


def test_an_entry_may_always_be_made_smaller() -> None:
    both = [Intent(0, action=PLAIN, qty=5.0, order_type=LIMIT, limit=98.0),
            Intent(0, action=PLAIN, qty=50.0)]  # fmt: skip
    less = Intent(0, action=REPLACE, order=0, qty=4.0)
    one = account({0: both, 1: [less]}, max_weight=0.56)
    took(one, 100.0)
    assert reasons(took(one, (100.0, 110.0, 100.0, 110.0))) == {}  # 50 weigh 58 % by now
    assert fills(took(one, (99.0, 99.0, 97.0, 97.0))) == [(4.0, 98.0)]


WAITING = Intent(0, action=PLAIN, qty=10.0, order_type=LIMIT, limit=80.0)
SCRIPT: Script = {0: [ENTRY, WAITING]}


@pytest.mark.parametrize("what", ["a loss stop that freezes", "the kill switch"])
def test_what_works_and_would_add_is_withdrawn_and_what_protects_stays(what: str) -> None:
    freezes = what != "the kill switch"
    limits: dict[str, Any] = {"max_daily_loss": 0.02, "on_breach": "freeze"} if freezes else {}
    one = account(SCRIPT, **limits)
    took(one, 100.0)
    took(one, 100.0)
    found = took(one, 95.0) if freezes else one.obey(Command("k", "kill", "test", 1, {}))
    assert reasons(found) == {3: "frozen" if freezes else "killed"}
    assert one.book.working.tolist() == [1, 2]
    one.load(one.dump())
    assert fills(took(one, (95.0, 95.0, 70.0, 75.0))) == [(-50.0, 90.0)]


def test_a_loss_stop_ends_flat_whatever_the_limits_and_however_little_is_traded() -> None:
    thin = "execution: {participation: 0.1, rest: cancel}"
    again = [Intent(0, action=PLAIN, qty=1.0)]
    one = account(
        {0: [ENTRY], 2: again, 3: again, 4: again, 5: again, 6: again}, more=thin,
        max_daily_loss=0.02, on_breach="flatten", max_orders_per_minute=1, price_collar=0.001,
        duplicate_s=1e6,
    )  # fmt: skip
    took(one, 100.0)
    took(one, 100.0)
    assert [e.kind for e in took(one, 95.0)].count("risk") == 1
    sold = []
    for number in range(6):
        one.load(one.dump())  # a restart forgets nothing of it
        sold += fills(took(one, 94.0, volume=100.0 if number else 200.0))
        if not one.book.state.qty[0]:
            break
    assert sold == [(-20.0, 94.0), (-10.0, 94.0), (-10.0, 94.0), (-10.0, 94.0)]
    assert not one.closing


@pytest.mark.parametrize(
    ("risk", "asked", "says"),
    [pytest.param("max_orders_per_minute: 1", {}, "", id="a limit bars nothing for good"),
     pytest.param("max_drawdown: 0.001", {}, "nothing that adds is sent: max_drawdown: equity",
                  id="a loss stop does"),
     pytest.param("max_weight: 2", {30: "kill"}, "the kill switch is on: by test",
                  id="so does the kill switch"),
     pytest.param("max_weight: 2", {30: "kill", 40: "thaw"}, "", id="until it is lifted")],
)  # fmt: skip
def test_the_status_tells_what_bars_and_what_was_refused_last(
    tmp_path: Path, risk: str, asked: dict[int, str], says: str
) -> None:
    text = CROSSES.replace("max_orders_per_minute: 20, max_weight: 0.9", risk)
    commands = {n: Command(f"c{n}", name, "test", n, {}) for n, name in asked.items()}
    worked(begun(tmp_path, text), commands=commands)
    found = status_of(tmp_path / "run")
    assert found.barred.startswith(says) and bool(found.barred) == bool(says)
    assert says in found.cells()[-1]
    refused = reasons_of(tmp_path / "run")
    assert (found.refused, found.refusal) == (len(refused), refused[-1] if refused else "")
    page = worked(opening.resume(tmp_path / "run", workers=0), commands={}).latest()
    assert [one["reason"] for one in page["refused"]] == refused[::-1][: len(page["refused"])]
    assert bool(page["refused"]) == bool(refused)


def reasons_of(folder: Path) -> list[str]:
    """Reason of every refusal in a journal."""
    return [facts["reason"] for kind, _, facts, _ in ledger(folder) if kind == "refused"]
