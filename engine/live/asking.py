"""What is asked of a run at work: by the page, by files, by signals, and what was left before it.

A command that cannot be obeyed is refused: told, journaled, and answered to whoever left its file.
It never ends the run.
"""

import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tradewind.engine.live import control
from tradewind.engine.live.board import Board
from tradewind.engine.live.facts import Command
from tradewind.engine.live.inbox import Inbox
from tradewind.engine.live.telling import Teller

SIGNALS = {signal.SIGTERM: "stop", signal.SIGINT: "stop", signal.SIGUSR1: "kill"}
OF_A_SYMBOL = ("halt", "unhalt", "delist")
LIFTS = ("resume", "thaw", "unhalt")  # what lets more through than before
KINDS: dict[str, type] = {"symbol": str, "reason": str, "flatten": bool}
LONGEST = 1000  # characters of a word
LATEST = 2**63  # nanoseconds; a journal keeps no later time


class Asking:
    """Brings commands to the run, and answers to whoever left them.

    Parameters
    ----------
    folder : Path
        Where files with commands are left.
    board : Board
    inbox : Inbox
    teller : Teller
    """

    def __init__(self, folder: Path, board: Board, inbox: Inbox, teller: Teller) -> None:
        self._folder, self._board, self._inbox, self._teller = folder, board, inbox, teller
        self._files: dict[str, Path] = {}  # of each command that was left in one
        self._seen: set[str] = set()

    def look(self) -> None:
        """Bring what the page asks and what was left since the last look."""
        for command in [*self._board.commands(), *self._read(control.waiting(self._folder))]:
            self._inbox.ask(command)

    def _read(self, waiting: Iterable[tuple[Path, Command | str]]) -> list[Command]:
        found = []
        for file, left in waiting:
            if file.name in self._seen:
                continue
            self._seen.add(file.name)
            if isinstance(left, Command):
                self._files[left.id] = file
                found.append(left)
            else:
                self._teller.event("warning", "command", f"refused: {left}")
                control.refuse(file, left)
        return found

    def left_before(self, left: Sequence[tuple[Path, Command | str]]) -> list[Command]:
        """Commands to an earlier process that nobody obeyed, but those that lift something.

        What a person wanted less of, they want no more of now; what would let more through was
        asked of another state of the run, and is refused.
        """
        found = []
        for command in self._read(left):
            if command.name in LIFTS:
                self.refuse(command, "no process worked when it was left; ask again")
            else:
                self._teller.event(
                    "warning", "command", f"{label_of(command)} was left before this process began"
                )
                found.append(command)
        return found

    def signalled(self, name: str, number: int) -> None:
        """Bring what a signal asks."""
        self._inbox.ask(_signal(name, number))

    def done(self, command: Command) -> None:
        """Answer a command that was obeyed and is in the journal."""
        file = self._files.pop(command.id, None)
        if file is not None:
            control.done(file)

    def refuse(self, command: Command, why: str) -> None:
        """Answer a command that is not obeyed."""
        self._teller.event("warning", "command", f"{label_of(command)} is refused: {why}")
        file = self._files.pop(command.id, None)
        if file is not None:
            control.refuse(file, why)

    def close(self) -> None:
        """Say of what still waits that this process will not do it."""
        for command in self._inbox.unasked():
            self._teller.event(
                "warning", "command", f"{label_of(command)} was not obeyed: the run ended before"
            )


def _signal(name: str, number: int) -> Command:
    at = time.time_ns()
    facts = {"flatten": True} if name == "kill" else {}
    return Command(f"signal-{at}", name, f"signal {int(number)}", at, facts)


@contextmanager
def kill_heard() -> Iterator[list[Command]]:
    """Hear the kill switch while a run is being opened: what is to be done before its first bar.

    Until the run listens the signal would end the process, and whatever restarts it would not know
    of the switch.
    """
    heard: list[Command] = []
    try:
        before = signal.signal(
            signal.SIGUSR1, lambda number, _: heard.append(_signal("kill", number))
        )
    except ValueError:  # signals come to the main thread alone
        yield heard
        return
    try:
        yield heard
    finally:
        signal.signal(signal.SIGUSR1, before or signal.SIG_DFL)


def label_of(command: Command) -> str:
    """What was asked and by whom, whatever it is."""
    return f"{str(command.name)[:LONGEST]!r} by {str(command.by)[:LONGEST]!r}"


def fault_of(command: Command, symbols: Sequence[str]) -> str:
    """Why a command cannot be obeyed by a run of these symbols; empty: it can."""
    if command.name not in control.NAMES:
        return f"there is no such command; wanted one of {', '.join(control.NAMES)}"
    facts = dict(command.facts)
    for key, value in facts.items():
        if key not in KINDS or not isinstance(value, KINDS[key]):
            return f"it says {key} = {value!r}; wanted {_wanted()}"
    words = (command.id, command.by, *(v for v in facts.values() if isinstance(v, str)))
    if not all(_is_plain(word) for word in words):
        return f"wanted words of at most {LONGEST} characters that can be written down"
    if not 0 <= command.at < LATEST:
        return f"its time {command.at} is none"
    if command.name not in OF_A_SYMBOL:
        return ""
    return unknown_symbol(str(facts.get("symbol", "")), symbols)


def unknown_symbol(symbol: str, symbols: Sequence[str]) -> str:
    """Why a symbol is none of a run's; empty: it is one."""
    if symbol in symbols:
        return ""
    near = get_close_matches(symbol, symbols, 1) or get_close_matches(symbol.upper(), symbols, 1)
    guess = f" (did you mean {near[0]!r}?)" if near else f"; it trades {', '.join(symbols[:20])}"
    return f"{symbol!r} is not traded by this run{guess}"


def _wanted() -> str:
    return ", ".join(f"{key} ({kind.__name__})" for key, kind in KINDS.items())


def _is_plain(word: Any) -> bool:
    try:
        return isinstance(word, str) and len(word) <= LONGEST and bool(word.encode() or True)
    except UnicodeEncodeError:
        return False
