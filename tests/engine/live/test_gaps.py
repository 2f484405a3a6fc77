"""A live run fetches what its feed did not see, and writes down what nobody knows whole."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from tests.file_broker import KIND, FileBroker
from tests.loopback import until
from tests.paper_runs import CROSSES, Quiet, begun
from tradewind.engine.feeds import load
from tradewind.engine.journal.journal import JournalReader
from tradewind.engine.live import opening
from tradewind.engine.live.board import Board
from tradewind.engine.live.facts import Command
from tradewind.engine.live.process import Process
from tradewind.engine.live.telling import Teller
from tradewind.engine.streams import backfill, reasons
from tradewind.engine.streams.facts import FeedNotice, FeedState, Skipped, Tick

LIVE = CROSSES.replace("  start: 2016-12-01\n", "  feed: sim\n").replace(
    "end: 2017-03-31", "end: 2017-11-03"
)
N_BEHIND = 4  # bars of the embedded data behind that day


class Silent:
    """A feed that is live and says nothing but what a scene has it say."""

    symbols = ("KO", "MSFT", "XOM")

    def __init__(self, *, n_bars: int) -> None:
        self._n_bars = n_bars

    async def run(self, sink: Any) -> None:
        """Wait for the bars of the history, fail to know two more, and stop."""
        now = time.time_ns()
        sink.notice(FeedNotice(FeedState.LIVE, now, "a test"))
        await until(lambda: sink.n_bars >= self._n_bars)
        sink.ticks([Tick("KO", now, -1.0, 1.0, received=now, id="7")])
        sink.dropped(reasons.MALFORMED, "{")
        sink.intake.maker.skipped.append(Skipped(now, now, "a test", (0, 2)))
        await until(lambda: not sink.intake.maker.skipped)
        await sink._inbox.put(Command("stop-1", "stop", "test", now, {}))
        await asyncio.Event().wait()


class Lines(Quiet):
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def event(self, level: str, event: str, text: str, **facts: Any) -> None:
        """Remember it."""
        self.lines.append(f"{level} {event} {text}")


def worked(opened: Any, n_bars: int, venue: Any = None) -> list[str]:
    """Work on a run until the scene ends; its log."""
    lines = Lines()

    async def work() -> None:
        feed = Silent(n_bars=n_bars)
        await Process(opened, feed, board=Board(), teller=Teller(lines), venue=venue).run()

    asyncio.run(work())
    return lines.lines


def test_a_run_catches_up_and_journals_what_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def away_at_first(config: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("no network")
        return load(config)

    monkeypatch.setattr(backfill, "load", away_at_first)
    monkeypatch.setattr(backfill, "FIRST_WAIT_S", 0.1)
    log = worked(begun(tmp_path, LIVE), N_BEHIND)
    reader = JournalReader(tmp_path / "run" / "journal.sqlite")
    events = list(reader.events(kinds=("bar", "skipped")))
    reader.close()
    assert [event.kind for event in events].count("bar") == N_BEHIND
    assert events[-1].kind == "skipped"
    assert events[-1].facts["symbols"] == ["KO", "XOM"]
    assert events[-1].facts["reason"] == "a test"
    assert any("no network; try 2 in" in line for line in log)
    assert any(line == f"info gap {N_BEHIND} bars were fetched behind the last one known"
               for line in log)  # fmt: skip
    days = sorted(page.stem for page in (tmp_path / "run" / "daily").glob("*.html"))
    assert len(days) == 1  # of all that were caught up with
    (daily,) = (line for line in log if line.startswith("info daily"))
    assert daily.startswith(f"info daily {days[0]}") and "2 days from" in daily
    assert any(line.startswith("warning skipped no bar of KO, XOM that closes at") for line in log)
    assert any("drop not_positive: 1 not used (1 in all); the last: KO at -1 (number 7), stamped"
               in line for line in log)  # fmt: skip
    assert any(line.endswith("drop malformed: 1 not used (1 in all); the last: {") for line in log)
    again = opening.resume(tmp_path / "run", workers=0)  # what is skipped is no part of the books
    assert again.account.book.panel.n_bars == again.account.first_row + N_BEHIND
    again.journal.close()


def test_a_broker_outside_gets_no_orders_of_bars_that_are_caught_up_with(tmp_path: Path) -> None:
    text = LIVE.replace("paper:\n", f"paper:\n  venue: '{KIND}'\n")
    worked(begun(tmp_path, text), N_BEHIND, FileBroker(tmp_path / "broker"))
    reader = JournalReader(tmp_path / "run" / "journal.sqlite")
    modes = [event.facts["mode"] for event in reader.events(kinds=("decision",))]
    reader.close()
    assert modes == ["behind"] * (N_BEHIND - 1) + ["live"]
