"""The report of a day: gains by symbol add up to the day's, and every event is on its own day."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paper_runs import COMMANDS, begun, ledger, worked
from tradewind.engine.errors import RunError
from tradewind.engine.live.daily import Day, days_of, write_day
from tradewind.engine.live.home import Home
from tradewind.engine.live.reading import read_paper


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A run with commands, refusals and shorts in it."""
    results = tmp_path_factory.mktemp("results")
    opened = begun(results)
    worked(opened)
    yield opened.home


@pytest.fixture(scope="module")
def reports(home: Home) -> list[Day]:
    """The report of every day."""
    return [write_day(home, day)[0] for day in days_of(read_paper(home))]


def test_gains_by_symbol_add_up_to_the_gain_of_the_day_but_for_carry(
    home: Home, reports: list[Day]
) -> None:
    run = read_paper(home)
    total = 0.0
    for found in reports:
        rows = [t for t in range(run.first_row, run.panel.n_bars)
                if str(run.panel.dates[t]) == found.day]  # fmt: skip
        carry = sum(float(one["amount"]) for one in run.happenings if one["bar"] in rows)
        assert sum(one["pnl"] for one in found.by_symbol) + carry == pytest.approx(found.pnl)
        total += found.pnl
    assert total == pytest.approx(float(run.equity[-1]) - run.config.account.cash)


def test_fills_refusals_and_commands_stand_on_their_days_and_nowhere_twice(
    home: Home, reports: list[Day]
) -> None:
    run, found = read_paper(home), reports
    assert sum(len(day.fills) for day in found) == len(run.fills)
    refused = [1 for kind, *_ in ledger(home.folder) if kind == "refused"]
    assert sum(len(day.refused) for day in found) == len(refused) > 0
    told = [one["what"] for day in found for one in day.happened]
    assert "command: kill by test" in told
    assert len([one for one in told if one.startswith("command")]) == len(COMMANDS)


def test_a_page_and_its_numbers_are_written_and_the_last_day_is_the_default(home: Home) -> None:
    day, page = write_day(home)
    assert day.sentence.split(", equity")[0] in page.read_text("utf-8")
    numbers = json.loads(page.with_suffix(".json").read_text("utf-8"))
    assert numbers["after"] == pytest.approx(day.after)
    assert page == home.folder / "daily" / f"{day.day}.html"


def test_a_day_that_is_none_is_named(home: Home, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has no day 1999-01-01; it has 2016-12-01 to"):
        write_day(home, "1999-01-01")
