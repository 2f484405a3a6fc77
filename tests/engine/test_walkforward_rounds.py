"""Tasks sent to workers that may be lost: a scripted cluster, no network and no clock."""

import queue
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tradewind.engine.cache import ForecastCache
from tradewind.engine.errors import ConfigError, DataError, ForecastError, OutsideError
from tradewind.engine.walkforward.errand import Reply, Request
from tradewind.engine.walkforward.heeding import ProbeTask
from tradewind.engine.walkforward.parcel import Parcel
from tradewind.engine.walkforward.rounds import LOSSES, SENDINGS, Event, Round
from tradewind.engine.walkforward.schedule import Fold
from tradewind.engine.walkforward.work import Work

WORKER = "tcp://w:1"
FOLD = Fold(0, 0, 10, 10, 20)


class KilledWorker(Exception):
    """Named as Dask's own."""


@dataclass
class Future:
    outcome: Any

    def result(self) -> Any:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


@dataclass
class Script:
    """Answers each sending of a task with the next of its outcomes; ``done`` after the last."""

    outcomes: dict[int, list[Any]] = field(default_factory=dict)
    cache: ForecastCache | None = None
    events: "queue.SimpleQueue[Event]" = field(default_factory=queue.SimpleQueue)
    sent: list[int] = field(default_factory=list)
    laid: list[str] = field(default_factory=list)
    forgotten: list[Any] = field(default_factory=list)
    checks: int = 0

    def send(self, request: Request, weights: Parcel | None) -> Future:
        assert weights is None
        number = request.number
        self.sent.append(number)
        left = self.outcomes.get(number, [])
        outcome = left.pop(0) if left else Reply("done", f"result {number}", WORKER)
        for word in outcome if isinstance(outcome, list) else ():
            self.events.put((word, number, request.ticket, f"{word} of {number}"))
        if isinstance(outcome, list):
            outcome = left.pop(0) if left else Reply("done", f"result {number}", WORKER)
        self.events.put(("ended", number, request.ticket, None))
        return Future(outcome)

    def lay_anew(self, worker: str, number: int, ticket: str) -> Future:
        self.laid.append(worker)
        self.events.put(("laid", number, ticket, None))
        return Future(worker)

    def check(self) -> None:
        self.checks += 1

    def forget(self, futures: list[Any]) -> None:
        self.forgotten += futures


def go(
    script: Script, after: list[int | None], said: Callable[[int, Any], None] = lambda n, m: None
) -> dict[int, Any]:
    found: dict[int, Any] = {}
    names = [f"fold {number}" for number in range(len(after))]
    tasks = [ProbeTask(FOLD, number) for number in range(len(after))]
    work = Work(print, tasks, names, [1] * len(after), after, found.__setitem__, said)
    Round(script, work).run()
    return found


def died(status: int = -9) -> Reply:
    return Reply("died", status, WORKER)


def test_every_task_is_sent_once_and_behind_the_one_it_waits_for() -> None:
    script = Script()
    assert go(script, [1, None, 0]) == {number: f"result {number}" for number in range(3)}
    assert script.sent == [1, 0, 2]
    assert script.forgotten == []


@pytest.mark.parametrize(
    "outcome", [died(), died(-15), died(0), CancelledError()], ids=["kill", "term", "ended", "lost"]
)
def test_what_is_lost_once_is_sent_again(outcome: Any) -> None:
    script = Script({0: [outcome]})
    assert sorted(go(script, [None, None])) == [0, 1]
    assert sorted(script.sent) == [0, 0, 1]
    assert script.checks == 1


@pytest.mark.parametrize(
    ("outcomes", "says"),
    [
        ([died()] * LOSSES, "of the processes it ran in were killed"),
        ([["begun"] * LOSSES, died(1), died()], "ended by itself"),
        ([["begun"] * (LOSSES + 1)], "workers were killed in the middle of it"),
        ([KilledWorker("x")], "workers were killed in the middle of it"),
        ([CancelledError()] * SENDINGS, f"was sent {SENDINGS} times"),
    ],
    ids=["processes", "crash", "workers", "by Dask's own count", "for ever"],
)
def test_a_task_that_is_lost_again_and_again_is_given_up_by_name(
    outcomes: list[Any], says: str
) -> None:
    script = Script({1: outcomes})
    with pytest.raises((OutsideError, ForecastError), match=f"fold 1: .*{says}"):
        go(script, [None, None, None])


def test_a_task_whose_result_was_lost_is_not_to_blame_for_it() -> None:
    script = Script({0: [["begun", "over"] * 9]})
    assert go(script, [None]) == {0: "result 0"}


def test_a_worker_without_bars_gets_them_before_the_task_is_sent_again() -> None:
    script = Script({0: [Reply("wanting", None, WORKER), Reply("wanting", None, "tcp://w:2")]})
    assert go(script, [None]) == {0: "result 0"}
    assert script.laid == [WORKER, "tcp://w:2"]
    assert script.sent == [0, 0, 0]


def test_words_of_an_earlier_sending_are_not_passed_on() -> None:
    heard: list[Any] = []
    script = Script({0: [["said"], died(), ["said"]]})
    script.events.put(("said", 0, "of another walk-forward", "nothing"))
    go(script, [None], lambda number, message: heard.append((number, message)))
    assert heard == [(0, "said of 0")] * 2


@pytest.mark.parametrize(
    ("outcome", "kind", "says"),
    [
        (Reply("failed", DataError("row 7"), WORKER), DataError, "row 7"),
        (Reply("failed", KeyError("volume"), WORKER), ForecastError, "fold 0: KeyError: 'volume'"),
        (ConfigError("numpy differs"), ConfigError, "numpy differs"),
        (RuntimeError("odd"), ForecastError, "fold 0: RuntimeError: odd"),
    ],
)
def test_errors_come_back_and_the_rest_is_forgotten(outcome: Any, kind: Any, says: str) -> None:
    script = Script({0: [outcome]})
    with pytest.raises(kind, match=says):
        go(script, [None, None])
    assert len(script.forgotten) == 1


def test_an_entry_that_was_changed_on_its_way_is_not_kept(tmp_path: Path) -> None:
    script = Script({0: [Reply("done", True, WORKER, entry={"entry.json": b"{}"})]})
    script.cache = ForecastCache(tmp_path / "cache")
    assert go(script, [None]) == {0: True}
    assert not [path for path in script.cache.folder.rglob("*") if path.is_file()]
