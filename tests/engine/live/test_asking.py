"""What is asked of a run: done before bars that wait, refused where it cannot be, never lost."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.paper_runs import CROSSES, begun
from tests.scripted_account import account, fills, took
from tradewind.engine.journal import lease
from tradewind.engine.journal.event import Event
from tradewind.engine.journal.journal import Journal, JournalReader
from tradewind.engine.live import control, opening, pausing
from tradewind.engine.live.asking import fault_of
from tradewind.engine.live.board import Board
from tradewind.engine.live.facts import Command
from tradewind.engine.live.inbox import Inbox
from tradewind.engine.live.opening import Opened
from tradewind.engine.live.process import Process
from tradewind.engine.live.telling import Teller
from tradewind.engine.streams.replay import Replay
from tradewind.engine.types import Action, Intent

SHORT = CROSSES.replace("end: 2017-03-31", "end: 2016-12-30")  # 20 bars are replayed
SYMBOLS = ("KO", "MSFT", "XOM")


class Lines:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def event(self, level: str, event: str, text: str, **facts: Any) -> None:
        """Remember it."""
        self.lines.append(f"{level} {event} {text}")


class AtBar:
    """Does something in the middle of the turn of a bar, while others wait."""

    def __init__(self, number: int, act: Any) -> None:
        self.left, self.act = number, act

    def __call__(self, step: str) -> None:
        """Count bars."""
        self.left -= step == "after_intent"
        if not self.left:
            self.left = -1
            self.act()


def worked(opened: Opened, reached: Any = lambda step: None) -> list[str]:
    """Work on a run to its end; its log."""
    lines = Lines()
    assert opened.coming is not None
    feed = Replay().over(opened.coming, opened.account.book.panel.n_bars)

    async def work() -> None:
        await Process(opened, feed, board=Board(), teller=Teller(lines), reached=reached).run()

    asyncio.run(work())
    return lines.lines


def journaled(folder: Path, *kinds: str) -> list[tuple[str, str]]:
    """(kind, what was asked) of the events of these kinds, in their order."""
    with JournalReader(folder / "journal.sqlite") as reader:
        return [
            (event.kind, str(event.facts.get("name") or event.facts.get("refused", "")))
            for event in reader.events(kinds=kinds)
        ]


def left(opened: Opened, name: str, **facts: Any) -> str:
    """A command in a file, as another process leaves it; its id."""
    return control.drop(opened.home.control, name, by="cli", **facts)


def test_what_is_asked_comes_before_bars_that_wait() -> None:
    async def scene() -> list[str]:
        inbox = Inbox()
        for number in range(3):
            await inbox.put(Command(f"bar-{number}", "as if", "feed", 0))
        inbox.ask(Command("first", "stop", "signal", 0))
        inbox.ask(Command("second", "kill", "signal", 0))
        return [(await inbox.get()).id for _ in range(5)]  # type: ignore[union-attr]

    assert asyncio.run(scene()) == ["first", "second", "bar-0", "bar-1", "bar-2"]


def test_a_signal_is_obeyed_after_the_turn_at_hand_whatever_waits(tmp_path: Path) -> None:
    opened = begun(tmp_path, SHORT)

    def act() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.2)  # it comes while bars wait

    worked(opened, AtBar(3, act))
    kinds = [kind for kind, _ in journaled(tmp_path / "run", "bar", "command", "stopped")]
    assert kinds == ["bar"] * 3 + ["command", "stopped"]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (Command("1", "halt", "page", 1, {"symbol": "NOPE"}), "'NOPE' is not traded by this run"),
        (Command("1", "delist", "page", 1, {"symbol": "MSF"}), "did you mean 'MSFT'?"),
        (Command("1", "unhalt", "page", 1, {}), "'' is not traded by this run"),
        (Command("1", "pawse", "page", 1, {}), "there is no such command"),
        (Command("1", "pause", "page", 1, {"id": "7"}), "it says id = '7'"),
        (Command("1", "stop", "page", 1, {"flatten": "yes"}), "it says flatten = 'yes'"),
        (Command("1", "kill", "page", 1, {"reason": "\ud800"}), "can be written down"),
        (Command("1", "kill", "page", 1, {"reason": "x" * 1001}), "at most 1000 characters"),
        (Command("1", "pause", "page", 2**63, {}), "its time 9223372036854775808 is none"),
        (Command("1", "halt", "page", 1, {"symbol": "KO"}), ""),
        (Command("1", "kill", "page", 1, {"flatten": True, "reason": "so"}), ""),
    ],
)  # fmt: skip
def test_a_command_that_cannot_be_obeyed_is_known_by_its_fault(command: Command, why: str) -> None:
    found = fault_of(command, SYMBOLS)
    assert why in found
    assert bool(found) == bool(why)


def test_no_command_ends_a_run_and_each_is_answered(tmp_path: Path) -> None:
    opened = begun(tmp_path, SHORT)
    opened.asks = [Command("p", "halt", "page", 1, {"symbol": "NOPE"})]
    folder, numbers = opened.home.control, []

    def act() -> None:
        numbers.extend([left(opened, "halt", symbol="MSF"), left(opened, "halt", symbol="KO")])
        for name, text in (("deep", "[" * 100_000), ("none", "7"), ("far", '{"name": "stop"}')):
            (folder / f"{name}.json").write_text(text, "utf-8")
        (folder / "folder.json").mkdir()
        time.sleep(0.5)  # it is looked for

    log = worked(opened, AtBar(1, act))
    assert log[-1] == "info stop the feed is at its end"
    assert journaled(opened.home.folder, "command", "note") == [
        ("note", "'halt' by 'page'"), ("note", "'halt' by 'cli'"), ("command", "halt"),
    ]  # fmt: skip
    assert opened.account.gate.halted == {"KO": "by cli"}
    wrong, right = (control.answer(folder, number) for number in numbers)
    assert wrong == "'MSF' is not traded by this run (did you mean 'MSFT'?)"
    assert right == ""
    for name in ("deep", "none", "far"):
        assert not (folder / f"{name}.json").exists()
        assert any(f"{name}.json is no command" in line for line in log)


def test_what_was_left_for_an_earlier_process_is_obeyed_before_a_bar_or_refused(
    tmp_path: Path,
) -> None:
    opened = begun(tmp_path, SHORT)
    opened.journal.close()
    numbers = [left(opened, name) for name in ("pause", "resume", "flatten", "thaw")]
    again = opening.resume(opened.home.folder, workers=0)
    log = worked(again)
    kinds = journaled(opened.home.folder, "resumed", "command", "bar")
    assert kinds[:3] == [("resumed", ""), ("command", "pause"), ("command", "flatten")]
    assert {kind for kind, _ in kinds[3:]} == {"bar"}
    assert "warning command 'pause' by 'cli' was left before this process began" in log
    assert any("'thaw' by 'cli' is refused: no process worked" in line for line in log)
    assert not list(again.home.control.glob("*.json"))
    said = [control.answer(again.home.control, number) for number in numbers]
    assert said == ["", "no process worked when it was left; ask again"] * 2


def test_what_is_asked_of_a_start_is_done_before_its_first_bar(tmp_path: Path) -> None:
    opened = begun(tmp_path, SHORT)
    opened.asks = [control.command("pause", by="cli"), control.command("thaw", by="cli")]
    worked(opened)
    kinds = [kind for kind, _ in journaled(tmp_path / "run", "command", "bar")]
    assert kinds == ["command", "command"] + ["bar"] * 21


PAUSES: Sequence[tuple[str, list[str], str | None]] = [
    ("nothing", [], None),
    ("a pause", ["pause"], "pause"),
    ("a pause that was lifted", ["pause", "resume"], None),
    ("a flatten", ["flatten"], "flatten"),
    ("a pause before a stop that closes", ["pause", "stop --flatten"], "pause"),
    ("a stop", ["stop"], None),
    ("a stop that closes, and was done", ["stop --flatten"], "stop, over"),
    ("a kill behind a pause", ["pause", "kill"], "kill"),
    ("a kill that was thawed", ["kill", "thaw"], None),
]


@pytest.mark.parametrize(("says", "asked", "want"), PAUSES, ids=[says for says, *_ in PAUSES])
def test_the_journal_knows_who_paused_a_run(
    tmp_path: Path, says: str, asked: list[str], want: str | None
) -> None:
    one = account({})
    with Journal.create(tmp_path / "journal.sqlite", about={}, sync="normal") as journal:
        for words in asked:
            name, *flags = words.split()
            journal.append(one.obey(control.command(name, by="cli", flatten=bool(flags))))
        journal.append([Event(0, 1, "stopped", {"reason": "stop by cli"})])
        found = pausing.pause_of(journal)
    told = found and found.name + (", over" if found.over else "")
    assert told == want
    assert (one.mode != "live") == (want is not None)
    if found:
        assert found.sentence.startswith("paused by cli")


def test_a_paused_account_is_paused_after_a_restart_and_buys_nothing() -> None:
    one = account({1: [Intent(0, action=Action.ORDER, qty=5.0)]})
    took(one, 100.0)
    one.obey(Command("p", "pause", "cli", 1, {}))
    one.load(one.dump())
    took(one, 100.0)
    assert fills(took(one, 100.0)) == []


def test_only_the_lock_says_that_a_process_works(tmp_path: Path) -> None:
    opened = begun(tmp_path, SHORT)
    assert lease.writer_of(opened.home.journal) == os.getpid()
    assert control.sign_in(opened.home.control) == ""
    opened.journal.close()  # as a power cut leaves it: the number is that of a living process
    assert (opened.home.control / "process").read_text("utf-8") == str(os.getpid())
    assert lease.writer_of(opened.home.journal) is None
    assert lease.writer_of(tmp_path / "nothing") is None
    opening.resume(opened.home.folder, workers=0).journal.close()


def test_a_refusal_is_answered_though_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = control.drop(tmp_path, "pause", by="cli")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    control.refuse(tmp_path / f"{number}.json", "so")
    assert json.loads((tmp_path / f"{number}.refused").read_text("utf-8"))["name"] == "pause"
    assert control.answer(tmp_path, number) == "the log of the run says why"
    assert control.sign_in(tmp_path).endswith("cannot be written: No space left on device")
