"""Paper runs for tests: a short history, replayed through the whole process."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tradewind.engine.config.file import parse, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.journal.journal import JournalReader
from tradewind.engine.live import dispatch, opening
from tradewind.engine.live.board import Board
from tradewind.engine.live.facts import Command
from tradewind.engine.live.opening import Opened
from tradewind.engine.live.process import Process
from tradewind.engine.live.recovery import ACCOUNT
from tradewind.engine.live.telling import Teller
from tradewind.engine.streams.facts import RowSink
from tradewind.engine.streams.replay import Replay
from tradewind.engine.venues.facts import Venue

CROSSES = """
name: crosses
data: {source: embedded, symbols: [KO, MSFT, XOM], start: 2016-06-01, end: 2017-03-31}
strategy: {kind: sma_cross, fast: 3, slow: 12, short: true}
costs: {fee_bps: 1, spread: {kind: constant, bps: 4}, borrow_annual: 0.01}
account: {fractional: false}
paper:
  start: 2016-12-01
  journal: {sync: normal, snapshot_bars: 9}
  risk: {max_orders_per_minute: 20, max_weight: 0.9}
"""
COMMANDS: Mapping[int, Command] = {
    n: Command(f"scripted-{n}", name, "test", n, facts)
    for n, name, facts in (
        (20, "pause", {}), (26, "resume", {}), (35, "halt", {"symbol": "KO"}), (41, "flatten", {}),
        (44, "resume", {}),
        (50, "unhalt", {"symbol": "KO"}), (60, "kill", {"flatten": True}), (66, "thaw", {}),
    )
}  # fmt: skip
"""Bar since the history -> what a person asks just before it."""


class Quiet:
    """A log that nobody reads."""

    def event(self, level: str, event: str, text: str, **facts: Any) -> None:
        """Forget it."""


class Scripted(Replay):
    """A replay with a person beside it."""

    commands: Mapping[int, Command] = COMMANDS
    origin = 0
    waits_for: Any = None

    async def run(self, sink: RowSink) -> None:
        """Deliver bars, and before some of them a command."""

        class Interleaved:
            """Sink that puts commands between the bars."""

            async def row(_, row: Any, leaving: tuple[int, ...]) -> None:
                command = self.commands.get(count[0] - self.origin)
                if command is not None:
                    await sink._inbox.put(command)  # type: ignore[attr-defined]
                while self.waits_for is not None and len(self.waits_for.working):
                    await asyncio.sleep(0.001)
                done = sink.n_bars  # type: ignore[attr-defined]
                await sink.row(row, leaving)
                while self.waits_for is not None and sink.n_bars == done:  # type: ignore[attr-defined]
                    await asyncio.sleep(0.001)
                count[0] += 1

            def __getattr__(_, name: str) -> Any:
                return getattr(sink, name)

        count = [self._first]
        await super().run(Interleaved())


def config_of(text: str = CROSSES) -> tuple[RunConfig, Any]:
    """Config and document of a text."""
    document = parse(text, where="test.yaml", folder=Path.cwd())
    return validate(RunConfig, document), document


def begun(results: Path, text: str = CROSSES, name: str = "run") -> Opened:
    """A run that has not yet taken a bar."""
    return opening.start(*config_of(text), results=results, name=name, workers=0)


def worked(
    opened: Opened,
    *,
    commands: Mapping[int, Command] = COMMANDS,
    reached: Callable[[str], None] = lambda name: None,
    venue: Venue | None = None,
) -> Board:
    """Work on a run to the end of its history."""
    assert opened.coming is not None
    feed = Scripted().over(opened.coming, opened.account.book.panel.n_bars)
    feed.origin, feed.commands = opened.account.first_row, commands
    feed.waits_for = None if venue is None else opened.account.book
    dispatch.FIRST_WAIT_S = 0.001  # a broker of a test is back at once
    board = Board()

    async def work() -> None:
        process = Process(
            opened, feed, board=board, teller=Teller(Quiet()), reached=reached, venue=venue
        )
        await process.run()

    asyncio.run(work())
    return board


def ledger(folder: Path) -> list[tuple[str, int, Any, bytes]]:
    """Everything in a journal that is money: the same list for the same run."""
    reader = JournalReader(folder / "journal.sqlite")
    try:
        return [
            (event.kind, event.at, dict(event.facts), event.blob)
            for event in reader.events()
            if event.kind in ACCOUNT
        ]
    finally:
        reader.close()


class Killer:
    """Kills its process at the n-th time that a step is reached.

    Parameters
    ----------
    step : str
        Empty: any step.
    count : int
    """

    def __init__(self, step: str, count: int) -> None:
        self.step, self.left = step, count

    def __call__(self, name: str) -> None:
        """Count, and kill."""
        if self.step in ("", name):
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def in_a_child(work: Callable[[], None]) -> int:
    """Do something in a forked process; its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def killed_and_resumed(
    results: Path,
    name: str,
    kills: list[tuple[str, int]],
    *,
    text: str = CROSSES,
    venue: Callable[[], Venue] | None = None,
    commands: Mapping[int, Command] = COMMANDS,
) -> int:
    """Begin a run, kill it at each place in turn, and bring it to its end; deaths in all."""

    def do(opened: Opened, kill: tuple[str, int]) -> None:
        broker = None if venue is None else venue()
        worked(opened, reached=Killer(*kill), venue=broker, commands=commands)

    def start(kill: tuple[str, int]) -> Callable[[], None]:
        return lambda: do(begun(results, text, name), kill)

    def go_on(kill: tuple[str, int]) -> Callable[[], None]:
        return lambda: do(opening.resume(results / name, workers=0), kill)

    deaths = 0
    for number, kill in enumerate([*kills, ("", 10**9)]):
        code = in_a_child((start if number == 0 else go_on)(kill))
        if code == 0:
            break
        assert code == -signal.SIGKILL, f"a child ended with {code}"
        deaths += 1
    return deaths


def killed_at_a_moment(
    results: Path, name: str, seconds: float, commands: Mapping[int, Command] = COMMANDS
) -> None:
    """Begin a run, kill it from outside after a time, and bring it to its end."""
    child = os.fork()
    if child == 0:
        try:
            worked(begun(results, name=name), commands=commands)
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    begins = not (results / name / "journal.sqlite").exists()
    if begins:  # killed before its first word: nothing was done
        shutil.rmtree(results / name, ignore_errors=True)
        shutil.rmtree(results / f".{name}.partial", ignore_errors=True)
    code = in_a_child(
        lambda: do_all(begun(results, name=name) if begins else opening.resume(results / name),
                       commands)
    )  # fmt: skip
    assert code == 0, f"going on ended with {code}"


def do_all(opened: Opened, commands: Mapping[int, Command]) -> None:
    """Work on a run to the end of its history."""
    worked(opened, commands=commands)
