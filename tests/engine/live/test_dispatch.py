"""In which order a broker outside hears of what an account wants."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from tests.scripted_account import account, took
from tradewind.engine.live.account import Account
from tradewind.engine.live.dispatch import Dispatch
from tradewind.engine.live.facts import Command
from tradewind.engine.live.sendings import Sendings
from tradewind.engine.types import Action, Intent
from tradewind.engine.venues.facts import ReportKind, VenueOrder, VenueReport, VenueState

ENTRY = Intent(0, action=Action.ORDER, qty=50.0, stop_loss=90.0)


class Listening:
    """A broker that remembers what it was asked."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def submit(self, order: VenueOrder) -> VenueReport:
        self.heard.append(f"send {order.client_id} {order.qty:g}")
        return VenueReport(ReportKind.ACCEPTED, order.client_id, 0, f"{order.client_id}/ack")

    async def cancel(self, client_id: str) -> None:
        self.heard.append(f"withdraw {client_id}")

    async def find(self, client_id: str) -> VenueState | None:
        return None


def heard(one: Account, *acts: Callable[[], Any]) -> list[list[str]]:
    """What a broker is asked behind each act."""
    broker, found = Listening(), list[list[str]]()

    async def nothing(given: Any) -> None:
        del given

    async def aside(do: Callable[[], Any]) -> Any:
        return do()

    async def work() -> None:
        dispatch = Dispatch(
            one, cast(Any, broker), Sendings("run"), write=nothing, hear=nothing, aside=aside,
            later=lambda seconds, do: None, reached=lambda name: None,
            tell=lambda text: None,
        )  # fmt: skip
        for act in acts:
            act()
            broker.heard.clear()
            await dispatch.send()
            found.append(list(broker.heard))

    asyncio.run(work())
    return found


def test_a_stop_is_withdrawn_before_what_takes_its_place_is_sent() -> None:
    one = account({0: [ENTRY], 2: [Intent(0, action=Action.REPLACE, order=1, stop=95.0)]})
    close = Command("c", "flatten", "test", 1, {})
    bar = lambda: took(one, 100.0)  # noqa: E731 - three times the same
    assert heard(one, bar, bar, bar, lambda: one.obey(close)) == [
        ["send run-0 50"], ["send run-1 -50"], ["withdraw run-1", "send run-2 -50"],
        ["withdraw run-2", "send run-3 -50"],
    ]  # fmt: skip


def test_a_replacement_that_the_gate_refuses_is_never_heard_of() -> None:
    one = account({0: [ENTRY], 2: [Intent(0, action=Action.REPLACE, order=1, stop=95.0)]})
    halt = Command("h", "halt", "test", 1, {"symbol": "KO"})
    bar = lambda: took(one, 100.0)  # noqa: E731 - three times the same
    assert heard(one, bar, bar, lambda: one.obey(halt), bar)[1:] == [["send run-1 -50"], [], []]
