"""What the worker tests send to other processes; found there by the name of this file's module."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tradewind.engine.errors import DataError
from tradewind.engine.walkforward.workers import tell


class Odd(Exception):
    """Cannot be rebuilt from its arguments."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")


def nothing() -> None:
    """No shared state."""


def shared() -> list[int]:
    return [os.getpid()]


def square(_: Any, number: int) -> int:
    return number * number


def who(state: list[int], number: int) -> tuple[int, int, int]:
    """Process, the process that made the state, and how many tasks it has seen."""
    state.append(number)
    return os.getpid(), state[0], len(state) - 1


def environment(_: Any, names: list[str]) -> list[str | None]:
    return [os.environ.get(name) for name in names]


def shout(_: Any, number: int) -> int:
    print("noise" * 20_000)
    sys.stdin.read()
    return number


def fail(_: Any, how: str) -> Any:
    match how:
        case "ours":
            raise DataError("row 7 of MSFT is not sorted")
        case "theirs":
            raise KeyError("volume")
        case "odd":
            raise Odd(1, 2)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "crash":
            os.kill(os.getpid(), signal.SIGABRT)
        case "exit":
            os._exit(7)
        case "unpicklable":
            return lambda: None
        case "interrupt":
            raise KeyboardInterrupt
    return how


def start_and_wait(_: Any, folder: str) -> None:
    """Leave the ids of this process and of a child behind, and never come back."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    draft = Path(folder) / f"{os.getpid()}.draft"
    draft.write_text(f"{os.getpid()} {child.pid}")
    draft.rename(draft.with_suffix(".pids"))
    time.sleep(600)


def mixed(state: Any, task: tuple[str, Any]) -> Any:
    """Any of the above by name."""
    return globals()[task[0]](state, task[1])


def talk(_: Any, number: int) -> int:
    for step in range(3):
        tell((number, step))
    return number


def leave_mark(_: Any, task: tuple[str, str, str | None]) -> list[str]:
    """Leave a file called ``own`` and say which files were there before it."""
    folder, own, wanted = task
    there = sorted(path.name for path in Path(folder).iterdir())
    assert wanted is None or wanted in there
    (Path(folder) / own).touch()
    return there
