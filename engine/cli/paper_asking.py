"""Asking something of a paper run that works, and waiting until it is obeyed."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewind.engine.cli.console import err, out, out_json
from tradewind.engine.cli.failures import DONE

if TYPE_CHECKING:
    from tradewind.engine.live.home import Home
    from tradewind.engine.live.opening import Opened
    from tradewind.engine.live.pausing import Pause

PATIENCE_S = 30.0  # for a run to obey


def home_of(folder: Path) -> "Home":
    """Home of a paper run; raises ConfigError where the folder is none."""
    from tradewind.engine.live.home import Home
    from tradewind.engine.live.running import folder_of

    return Home(folder_of(folder))


def works(home: "Home") -> bool:
    """Whether a process has the run."""
    from tradewind.engine.journal.lease import writer_of

    return writer_of(home.journal) is not None


def ask(folder: Path, name: str, as_json: bool, *, quiet: bool = False, **facts: Any) -> int:
    """Leave a command for a run and wait until it is obeyed or refused."""
    from tradewind.engine.errors import ConfigError, OutsideError, RunError
    from tradewind.engine.live import control

    home = home_of(folder)
    if not works(home):
        raise RunError(
            f"{folder.name}: no process works on it, so nobody can obey {name!r}; 'tradewind paper "
            f"resume {folder.name}' goes on with it"
        )
    number = control.drop(home.control, name, by="cli", **facts)
    until = time.monotonic() + PATIENCE_S
    while (answer := control.answer(home.control, number)) is None:
        if not works(home) and control.answer(home.control, number) is None:
            control.withdraw(home.control, number)
            raise RunError(
                f"{folder.name}: its process ended before it obeyed {name!r}, which is taken back; "
                f"'tradewind paper status {folder.name}' says how it ended"
            )
        if time.monotonic() > until:
            raise OutsideError(
                f"{folder.name}: {name!r} was not obeyed within {PATIENCE_S:.0f} s; it waits in "
                f"{home.control} and will be when the run's turn is over"
            )
        time.sleep(0.05)
    if answer:
        raise ConfigError(f"{folder.name}: {name!r} is refused: {answer}")
    if not quiet:
        _obeyed(folder, name, number, as_json)
    return DONE


def _obeyed(folder: Path, name: str, number: str, as_json: bool) -> None:
    if as_json:
        out_json({"run": folder.name, "command": name, "id": number, "obeyed": True})
    else:
        out(f"{folder.name}: {name}, obeyed")


def resume_at_work(folder: Path, as_json: bool) -> int:
    """Lift the pause of a run that works; say so where there is none."""
    held = pause_of(folder)
    if held is None:
        err(f"{folder.name}: works and is not paused; nothing is changed")
        if as_json:
            out_json({"run": folder.name, "command": "resume", "id": None, "obeyed": False})
        return DONE
    code = ask(folder, "resume", as_json)
    if held.name == "kill":
        err(f"{folder.name}: the kill switch is still on; --thaw lifts that")
    return code


def pause_of(folder: Path) -> "Pause | None":
    """What keeps the strategy of a run from being asked."""
    from tradewind.engine.journal.journal import JournalReader
    from tradewind.engine.live import pausing

    with JournalReader(home_of(folder).journal) as reader:
        return pausing.pause_of(reader)


def asked_at_start(opened: "Opened", *, thaw: bool, live: bool) -> None:
    """Have a run that goes on obey, before its first bar, what 'resume' says; tell its mode."""
    from tradewind.engine.live import control, pausing

    run, held = opened.home.run, pausing.pause_of(opened.journal)
    if thaw or live or (held is not None and held.over):
        opened.asks.append(control.command("thaw" if thaw else "resume", by="cli"))
        held = None
    barred = opened.account.gate.killed or opened.account.gate.frozen
    if barred and not thaw:
        err(f"{run}: nothing that adds is sent ({barred}); --thaw lifts that")
    elif held is not None:
        err(
            f"{run}: {held.sentence}, and goes on so: the strategy is not asked; 'tradewind paper "
            f"resume {run}' in another terminal lifts that, as --live does at the start"
        )


def refuse_unknown(folder: Path, symbol: str) -> None:
    """Refuse a symbol that a run does not trade; raises ConfigError."""
    from tradewind.engine.errors import ConfigError
    from tradewind.engine.journal.journal import JournalReader
    from tradewind.engine.live.asking import unknown_symbol

    with JournalReader(home_of(folder).journal) as reader:
        started = reader.last("started")
    if started is not None and (fault := unknown_symbol(symbol, started.facts["symbols"])):
        raise ConfigError(f"{folder.name}: {fault}")
