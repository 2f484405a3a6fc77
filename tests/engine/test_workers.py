import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tradewind.engine.errors import DataError, ForecastError, OutsideError
from tradewind.engine.walkforward.workers import ENVIRONMENT, each, heard_by, usable_cores

HERE = Path(__file__).parent
PATIENCE_SECONDS = 60.0  # how long a process that must end is waited for before the test fails


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of tasks, importable here and, because sys.path travels, in a worker."""
    monkeypatch.syspath_prepend(HERE)
    return import_module("tasks_for_workers")


def run(
    function: Callable[..., Any], work: list[Any], *, start: Callable[[], Any], workers: int = 2
) -> dict[int, Any]:
    found: dict[int, Any] = {}
    each(
        function,
        work,
        start=start,
        workers=workers,
        done=found.__setitem__,
        names=[f"task {number}" for number in range(len(work))],
    )
    return found


def gone(pid: int) -> bool:
    """Whether a process has ended, a zombie nobody waits for included."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        os.sched_yield()
    return True


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_task_is_done_once_whatever_the_number_of_workers(
    tasks: ModuleType, workers: int
) -> None:
    found = run(tasks.square, list(range(7)), start=tasks.nothing, workers=workers)
    assert found == {number: number * number for number in range(7)}


def test_a_worker_makes_its_shared_state_once_and_keeps_it(tasks: ModuleType) -> None:
    found = run(tasks.who, [0, 1, 2], start=tasks.shared, workers=1)
    pids = {pid for pid, _, _ in found.values()}
    assert len(pids) == 1
    assert pids != {os.getpid()}
    assert [(maker in pids, seen) for _, maker, seen in found.values()] == [
        (True, 1),
        (True, 2),
        (True, 3),
    ]


def test_a_worker_has_one_thread_that_waits_passively(tasks: ModuleType) -> None:
    found = run(tasks.environment, [list(ENVIRONMENT)], start=tasks.nothing)
    assert found[0] == list(ENVIRONMENT.values())
    assert ENVIRONMENT["OMP_NUM_THREADS"] == "1"
    assert ENVIRONMENT["OMP_WAIT_POLICY"] == "PASSIVE"


def test_torch_sees_one_thread_in_a_worker(
    tmp_path: Path, tasks: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "torch_threads_task.py"
    path.write_text("def count(_, __):\n    import torch\n    return torch.get_num_threads()\n")
    monkeypatch.syspath_prepend(tmp_path)
    count = import_module(path.stem).count
    assert run(count, [0], start=tasks.nothing) == {0: 1}


def test_what_a_task_prints_or_reads_does_not_disturb_its_answer(
    tasks: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(tasks.shout, [1, 2], start=tasks.nothing) == {0: 1, 1: 2}
    printed = capfd.readouterr()
    assert "noise" in printed.err
    assert "noise" not in printed.out


def test_an_error_of_ours_comes_back_as_it_was(tasks: ModuleType) -> None:
    with pytest.raises(DataError) as caught:
        run(tasks.fail, ["fine", "ours"], start=tasks.nothing)
    assert str(caught.value) == "row 7 of MSFT is not sorted"
    assert "in fail" in "".join(caught.value.__notes__)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("theirs", "task 0: KeyError: 'volume'"),
        ("odd", "Odd: 1 and 2"),
        ("interrupt", "task 0: KeyboardInterrupt"),
        ("unpicklable", "task 0: .*pickle"),
        ("exit", r"task 0: its worker process ended by itself \(status 7\)"),
        ("crash", r"task 0: its worker process crashed \(signal 6\)"),
    ],
)
def test_a_task_that_fails_in_its_own_way_is_a_forecast_error(
    tasks: ModuleType, how: str, message: str
) -> None:
    with pytest.raises(ForecastError, match=message):
        run(tasks.fail, [how], start=tasks.nothing)


def test_a_killed_worker_is_an_outside_error_that_says_so(tasks: ModuleType) -> None:
    with pytest.raises(OutsideError, match=r"task 1: .* killed \(signal 9\).*ran out of memory"):
        run(tasks.fail, ["fine", "kill"], start=tasks.nothing, workers=1)


def test_a_task_that_cannot_be_sent_is_an_error_and_not_a_hang(tasks: ModuleType) -> None:
    with pytest.raises(ForecastError, match=r"task 0: .*pickle"):
        run(tasks.square, [lambda: None], start=tasks.nothing)


def test_a_state_that_cannot_be_made_is_an_error(
    tasks: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bad_start_task.py"
    path.write_text("def start():\n    raise RuntimeError('no panel')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ForecastError, match="RuntimeError: no panel"):
        run(tasks.square, [1], start=import_module(path.stem).start)


def test_leaving_early_ends_every_worker_and_what_it_started(
    tasks: ModuleType, tmp_path: Path
) -> None:
    def stop(number: int, _: Any) -> None:
        assert wait_for(lambda: len(list(tmp_path.glob("*.pids"))) == 1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        each(
            tasks.mixed,
            [("square", 3), ("start_and_wait", str(tmp_path))],
            start=tasks.nothing,
            workers=2,
            done=stop,
            names=["a", "b"],
        )
    pids = [int(word) for path in tmp_path.glob("*.pids") for word in path.read_text().split()]
    assert len(pids) == 2
    assert wait_for(lambda: all(gone(pid) for pid in pids))


SCRIPT = """
import sys
sys.path.insert(0, {here!r})
import tasks_for_workers as tasks
from tradewind.engine.walkforward.workers import each
each(tasks.start_and_wait, [{folder!r}], start=tasks.nothing, workers=1, done=print, names=["a"])
"""


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_a_parent_that_is_interrupted_or_killed(
    tmp_path: Path, signal_number: int
) -> None:
    script = SCRIPT.format(here=str(HERE), folder=str(tmp_path))
    said = tmp_path / "stderr"
    with (
        said.open("wb") as stderr,
        subprocess.Popen([sys.executable, "-c", script], stderr=stderr) as parent,
    ):
        assert wait_for(lambda: bool(list(tmp_path.glob("*.pids"))))
        worker, child = (int(word) for word in next(tmp_path.glob("*.pids")).read_text().split())
        parent.send_signal(signal_number)
        assert parent.wait(PATIENCE_SECONDS) == -signal_number
    try:
        assert ("KeyboardInterrupt" in said.read_text()) == (signal_number == signal.SIGINT)
        assert wait_for(lambda: gone(worker))
        assert wait_for(lambda: gone(child))
    finally:
        if not gone(child):
            os.kill(child, signal.SIGKILL)


def test_usable_cores_follow_the_affinity_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert usable_cores() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_cores() >= 1


def test_what_a_task_says_meanwhile_is_heard_before_its_answer(tasks: ModuleType) -> None:
    heard: list[Any] = []
    each(
        tasks.talk,
        [4, 5],
        start=tasks.nothing,
        workers=1,
        done=lambda number, result: heard.append(result),
        names=["a", "b"],
        said=lambda number, message: heard.append((number, message)),
    )
    assert heard == [
        *((0, (4, step)) for step in range(3)), 4, *((1, (5, step)) for step in range(3)), 5,
    ]  # fmt: skip


def test_in_this_process_it_is_heard_by_whoever_listens(tasks: ModuleType) -> None:
    heard: list[Any] = []
    with heard_by(heard.append):
        tasks.talk(None, 1)
    tasks.talk(None, 2)
    assert heard == [(1, 0), (1, 1), (1, 2)]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_task_begins_only_when_the_one_it_waits_for_is_done(
    tasks: ModuleType, tmp_path: Path, workers: int
) -> None:
    # c waits for b and b for a; d and e wait for nobody. The order given puts c first.
    wanted = {"c": "b", "b": "a", "a": None, "d": None, "e": None}
    order = list(wanted)
    found: dict[int, list[str]] = {}
    each(
        tasks.leave_mark,
        [(str(tmp_path), own, before) for own, before in wanted.items()],
        start=tasks.nothing,
        workers=workers,
        done=found.__setitem__,
        names=order,
        after=[None if before is None else order.index(before) for before in wanted.values()],
    )
    assert sorted(found) == [0, 1, 2, 3, 4]
    if workers == 1:
        assert found == {
            2: [],
            1: ["a"],
            0: ["a", "b"],
            3: ["a", "b", "c"],
            4: ["a", "b", "c", "d"],
        }


def test_a_failure_lets_go_of_workers_that_wait(tasks: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        each(
            tasks.mixed,
            [("fail", "ours"), ("square", 2)],
            start=tasks.nothing,
            workers=2,
            done=lambda number, result: None,
            names=["a", "b"],
            after=[None, 0],
        )
