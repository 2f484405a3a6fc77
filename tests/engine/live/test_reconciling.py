"""What a run holds beside what its broker says, whatever either calls it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from tests.file_broker import KIND
from tests.paper_runs import CROSSES
from tradewind.engine.journal.event import Event
from tradewind.engine.journal.journal import Journal
from tradewind.engine.live.facts import record_events
from tradewind.engine.live.reconciling import reconciled
from tradewind.engine.records import FILL, ORDER
from tradewind.engine.venues.facts import Venue, VenueAccount, VenueOrder, VenueState
from tradewind.engine.venues.naming import by_our_names

OUTSIDE = CROSSES.replace("paper:\n", f"paper:\n  venue: '{KIND}'\n")


class Holding:
    """A broker of whom two things are asked."""

    def __init__(self, positions: dict[str, float], orders: Sequence[str] = ()) -> None:
        self.positions, self.orders = positions, orders

    async def account(self) -> VenueAccount:
        return VenueAccount(0.0, 0.0, self.positions, {})

    async def working(self) -> list[VenueState]:
        asked = [VenueOrder(name, "KO", 1.0, 0) for name in self.orders]  # type: ignore[arg-type]
        return [VenueState(order, 0.0, 0.0, working=True) for order in asked]


def run_holding(folder: Path, held: dict[str, float]) -> Path:
    """Folder of a run that has filled one order for each of its symbols, and works another."""
    folder.mkdir()
    (folder / "config.yaml").write_text(OUTSIDE)
    orders, fills = np.zeros(1, ORDER), np.zeros(len(held), FILL)
    fills["symbol"], fills["qty"] = range(len(held)), list(held.values())
    orders["id"] = 7
    with Journal.create(folder / "journal.sqlite", sync="normal", about={}) as journal:
        journal.append([
            Event(0, 1, "started", {"symbols": list(held)}),
            *record_events("fill", 0, 2, fills), *record_events("order", 0, 2, orders),
        ])  # fmt: skip
    return folder


@pytest.mark.parametrize(
    ("held", "theirs", "differences"),
    [
        pytest.param({"BRK-B": 5.0}, {"BRK.B": 5.0}, [], id="a class of shares"),
        pytest.param({"BRK.B": 5.0}, {"BRK-B": 5.0}, [], id="the other way round"),
        pytest.param({"BTC-USD": 0.5}, {"BTC/USD": 0.5}, [], id="a coin"),
        pytest.param(
            {"BRK-B": 5.0}, {"BRK.B": 4.0}, ["BRK-B: 5 units by the run, 4 at the broker"],
            id="what differs is told by our name",
        ),
        pytest.param(
            {"KO": 5.0}, {"KO": 5.0, "BF.B": 2.0}, ["BF.B: 0 units by the run, 2 at the broker"],
            id="what the run does not trade by the broker's",
        ),
    ],
)  # fmt: skip
def test_one_listing_is_one_position_however_it_is_written(
    tmp_path: Path, held: dict[str, float], theirs: dict[str, float], differences: list[str]
) -> None:
    folder = run_holding(tmp_path / "run", held)
    found = reconciled(folder, cast(Venue, Holding(theirs, ["run-7", "other-3"])))
    assert list(found.differences) == differences
    assert found.orders == {"run-7": (True, True)}


def test_an_order_that_one_side_alone_has_is_a_difference(tmp_path: Path) -> None:
    folder = run_holding(tmp_path / "run", {"KO": 5.0})
    broker: Any = Holding({"KO": 5.0}, ["run-9"])
    assert list(reconciled(folder, broker).differences) == [
        "order run-7: works by the run, does not work at the broker",
        "order run-9: does not work by the run, works at the broker",
    ]


def test_symbols_of_a_run_that_differ_in_a_stroke_alone_are_matched_as_they_are_written() -> None:
    theirs = {"A.B": 1.0, "A-B": 2.0, "C/D": 3.0}
    assert by_our_names(theirs, ["A.B", "A-B", "C-D"]) == {"A.B": 1.0, "A-B": 2.0, "C-D": 3.0}
