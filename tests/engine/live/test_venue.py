"""Orders at a broker outside: each there once and counted once, whatever happens on the way."""

import random
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.file_broker import KIND, FileBroker
from tests.paper_runs import CROSSES, begun, killed_and_resumed, ledger, worked
from tradewind.engine.errors import ConfigError

OUTSIDE = CROSSES.replace("paper:\n", f"paper:\n  venue: '{KIND}'\n")
STEPS = ("before_submit", "after_submit", "before_ack", "after_ack", "before_fill", "after_fill")
TRIALS, SEED, REACHED = 12, 7, 500


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Any, list[str]]]:
    """A run that nobody killed, its books and the broker's orders."""
    results = tmp_path_factory.mktemp("results")
    broker = FileBroker(results / "whole.broker")
    worked(begun(results, OUTSIDE, "whole"), venue=broker, commands={})
    yield results, ledger(results / "whole"), [one.rpartition("-")[2] for one in broker.ids()]
    shutil.rmtree(results, ignore_errors=True)


def renamed(books: Any, name: str) -> Any:
    """Books with the run's own name in the ids of its orders."""
    return [
        (kind, at, {key: value.replace("whole-", f"{name}-") if isinstance(value, str) else value
                    for key, value in facts.items()}, blob)
        for kind, at, facts, blob in books
    ]  # fmt: skip


def test_a_broker_fills_in_parts_and_each_part_is_booked_once(
    whole: tuple[Path, Any, list[str]],
) -> None:
    _, books, orders = whole
    reports = [facts["id"] for kind, _, facts, _ in books if kind == "report"]
    fills = [1 for kind, *_ in books if kind == "fill"]
    assert len(orders) > 20
    assert len(reports) == len(set(reports))
    assert len(fills) >= len(reports) > len(orders)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("count", [1, 4])
def test_a_run_killed_around_a_message_sends_no_order_twice_and_loses_none(
    whole: tuple[Path, Any, list[str]], step: str, count: int
) -> None:
    results, books, orders = whole
    name = f"{step}{count}"
    place = results / f"{name}.broker"
    deaths = killed_and_resumed(
        results, name, [(step, count)], text=OUTSIDE, venue=lambda: FileBroker(place), commands={}
    )
    assert deaths == 1
    assert ledger(results / name) == renamed(books, name)
    assert [one.rpartition("-")[2] for one in FileBroker(place).ids()] == orders


def test_runs_killed_at_random_with_a_broker_that_fails_end_with_the_same_books(
    whole: tuple[Path, Any, list[str]],
) -> None:
    results, books, orders = whole
    draw = random.Random(SEED)
    for trial in range(TRIALS):
        name, place = f"random{trial}", results / f"random{trial}.broker"
        kills = [("", draw.randrange(1, REACHED)) for _ in range(2)]
        killed_and_resumed(
            results, name, kills, text=OUTSIDE, commands={},
            venue=partial(FileBroker, place, random.Random(trial)),
        )  # fmt: skip
        assert ledger(results / name) == renamed(books, name), (trial, kills)
        assert [one.rpartition("-")[2] for one in FileBroker(place).ids()] == orders


@pytest.mark.parametrize("call", ["run", "submit"])
def test_a_broker_that_refuses_for_good_ends_the_run_with_its_words(
    tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*asked: Any) -> Any:
        raise ConfigError("paper.venue: the keys are refused")

    broker = FileBroker(tmp_path / "refusing.broker")
    monkeypatch.setattr(broker, call, refuse)
    opened = begun(tmp_path, OUTSIDE, "refused")
    with pytest.raises(ConfigError, match="the keys are refused"):
        worked(opened, venue=broker, commands={})
