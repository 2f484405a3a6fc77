"""Commands to a run from other processes: files in its folder, each taken away when obeyed.

A command is written under another name and renamed, so it is seen whole or not at all; it needs no
port, and waits for a process that is busy or not there yet.
"""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from tradewind.engine.errors import OutsideError
from tradewind.engine.journal.lease import held
from tradewind.engine.live.facts import Command

NAMES = ("pause", "resume", "flatten", "stop", "kill", "thaw", "halt", "unhalt", "delist")
PID, JOURNAL = "process", "journal.sqlite"


def drop(control: Path, name: str, *, by: str, **facts: Any) -> str:
    """Leave a command for a run; its id.

    Raises
    ------
    OutsideError
        If the folder cannot be written.
    """
    number = f"{time.time_ns():020d}-{uuid4().hex[:8]}"
    draft = control / f".{number}.tmp"
    content = {"id": number, "name": name, "by": by, "at": time.time_ns(), "facts": facts}
    try:
        control.mkdir(exist_ok=True)
        draft.write_text(json.dumps(content), "utf-8")
        draft.rename(control / f"{number}.json")
    except OSError as error:
        raise OutsideError(
            f"{control}: the command cannot be left there: {error.strerror or error}; free space, "
            "or run it as the user that the paper run belongs to"
        ) from None
    return number


def waiting(control: Path) -> list[tuple[Path, Command | str]]:
    """Commands left for a run, oldest first; text says what is wrong with a file that is none."""
    found: list[tuple[Path, Command | str]] = []
    try:
        files = sorted(control.glob("*.json"))
    except OSError:
        return []
    for file in files:
        try:
            given = json.loads(file.read_text("utf-8"))
            found.append((file, _command(given)))
        except (OSError, ValueError, KeyError, TypeError) as error:
            found.append((file, f"{file.name} is no command: {error}"))
    return found


def _command(given: Mapping[str, Any]) -> Command:
    if given["name"] not in NAMES:
        raise ValueError(f"{given['name']!r} is none of {', '.join(NAMES)}")
    return Command(
        str(given["id"]), given["name"], str(given["by"]), int(given["at"]), dict(given["facts"])
    )


def done(file: Path) -> None:
    """Take a command away that was obeyed and is in the journal."""
    file.unlink(missing_ok=True)


def sign_in(control: Path) -> None:
    """Say which process works here."""
    control.mkdir(exist_ok=True)
    draft = control / f".{PID}.tmp"
    draft.write_text(str(os.getpid()), "utf-8")
    draft.replace(control / PID)


def sign_out(control: Path) -> None:
    """Say that none does any more."""
    (control / PID).unlink(missing_ok=True)


def process_of(control: Path) -> int | None:
    """Process that works here and is alive, None where there is none.

    A number alone says little: after a power cut another program may have it. Whoever works on a
    run holds its journal besides.
    """
    if not held(control.with_name(JOURNAL)):
        return None
    try:
        number = int((control / PID).read_text("utf-8"))
        os.kill(number, 0)
    except PermissionError:
        return number
    except (OSError, ValueError):
        return None
    return number
