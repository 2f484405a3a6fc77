"""Commands to a run from other processes: files in its folder, each taken away when obeyed.

A command is written under another name and renamed, so it is seen whole or not at all; it needs no
port, and waits for a process that is busy or not there yet.
"""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from tradewind.engine.errors import OutsideError
from tradewind.engine.live.facts import Command

NAMES = ("pause", "resume", "flatten", "stop", "kill", "thaw", "halt", "unhalt", "delist")
JOURNAL = "journal.sqlite"
PID = "process"  # a note for people; who works on a run is known by the right to its journal
REFUSED = ".refused"


def command(name: str, *, by: str, **facts: Any) -> Command:
    """Command of now, with an id of its own."""
    at = time.time_ns()
    return Command(f"{at:020d}-{uuid4().hex[:8]}", name, by, at, facts)


def drop(control: Path, name: str, *, by: str, **facts: Any) -> str:
    """Leave a command for a run; its id.

    Raises
    ------
    OutsideError
        If the folder cannot be written.
    """
    asked = command(name, by=by, **facts)
    draft = control / f".{asked.id}.tmp"
    try:
        control.mkdir(exist_ok=True)
        draft.write_text(json.dumps(asked._asdict()), "utf-8")
        draft.rename(control / f"{asked.id}.json")
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise OutsideError(
            f"{control}: the command cannot be left there: {error.strerror or error}; free space, "
            "or run it as the user that the paper run belongs to"
        ) from None
    return asked.id


def answer(control: Path, number: str) -> str | None:
    """What became of a command: empty text where it was obeyed, why not, None while it waits."""
    if (control / f"{number}.json").exists():
        return None
    file = control / f"{number}{REFUSED}"
    try:
        text = file.read_text("utf-8")
        file.unlink()
    except OSError:
        return ""
    try:
        return str(json.loads(text)["refused"])
    except (ValueError, KeyError, TypeError):
        return "the log of the run says why"


def withdraw(control: Path, number: str) -> None:
    """Take a command back that nobody has obeyed."""
    done(control / f"{number}.json")


def waiting(control: Path) -> list[tuple[Path, Command | str]]:
    """Commands left for a run, oldest first; text says what is wrong with a file that is none."""
    found: list[tuple[Path, Command | str]] = []
    try:
        files = sorted(control.glob("*.json"))
    except OSError:
        return []
    for file in files:
        try:
            found.append((file, _command(json.loads(file.read_text("utf-8")), file)))
        except FileNotFoundError:  # taken back
            continue
        except (OSError, ArithmeticError, RecursionError, ValueError, LookupError,
                TypeError) as error:  # fmt: skip
            found.append((file, f"{file.name} is no command: {error}"))
    return found


def _command(given: Mapping[str, Any], file: Path) -> Command:
    if given["name"] not in NAMES:
        raise ValueError(f"{given['name']!r} is none of {', '.join(NAMES)}")
    if given["id"] != file.stem:
        raise ValueError(f"its id is {given['id']!r}")
    return Command(
        file.stem, given["name"], str(given["by"]), int(given["at"]), dict(given["facts"])
    )


def done(file: Path) -> None:
    """Take a command away that was obeyed and is in the journal."""
    with suppress(OSError):
        file.unlink(missing_ok=True)


def refuse(file: Path, why: str) -> None:
    """Take a command away that is not obeyed, and answer why."""
    said, draft = file.with_suffix(REFUSED), file.with_name(f".{file.stem}.tmp")
    try:
        draft.write_text(json.dumps({"refused": why}), "utf-8")
        draft.rename(said)
        file.unlink()
    except OSError:
        with suppress(OSError):  # needs no space: whoever asked sees at least that it was refused
            file.rename(said)


def sign_in(control: Path) -> str:
    """Say which process listens here; what kept it from being said, if anything did."""
    draft = control / f".{PID}.tmp"
    try:
        control.mkdir(exist_ok=True)
        for old in control.glob(f"*{REFUSED}"):  # whoever asked is gone
            old.unlink()
        draft.write_text(str(os.getpid()), "utf-8")
        draft.replace(control / PID)
    except OSError as error:
        return f"{control}: cannot be written: {error.strerror or error}"
    return ""


def sign_out(control: Path) -> None:
    """Say that none does any more."""
    done(control / PID)
