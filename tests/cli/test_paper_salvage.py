"""``tradewind paper salvage``: a run whose journal lost a page goes on, and says what is gone."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.paper_runs import CROSSES, ledger
from tradewind.engine.journal import connecting
from tradewind.engine.journal.journal import Journal, JournalReader

PAGE = 4096
Command = Callable[..., Any]


@pytest.fixture
def run(project: Path, inside: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of a run that has come to its end."""
    monkeypatch.setattr(connecting, "PAGE", PAGE)
    (project / "crosses.yaml").write_text(CROSSES, "utf-8")
    assert inside("paper", "crosses.yaml", "--name", "run").code == 0
    return project / "results" / "run"


def spoilt(journal: Path, share: float) -> None:
    """Overwrite every page with the bar in it that so large a share of the bars comes before."""
    with JournalReader(journal) as reader:
        bars = list(reader.events(kinds=("bar",)))
    blob = bars[int(share * len(bars))].blob
    places = [found.start() for found in re.finditer(re.escape(blob), journal.read_bytes())]
    assert places
    with journal.open("r+b") as file:
        for place in places:
            file.seek(place // PAGE * PAGE)
            file.write(b"\xa5" * PAGE)


@pytest.mark.parametrize("share", [0.05, 0.6, 0.97])
def test_a_damaged_run_names_the_command_and_goes_on_to_the_same_end(
    run: Path, inside: Command, share: float
) -> None:
    whole, journal = ledger(run), run / "journal.sqlite"
    spoilt(journal, share)
    before = journal.read_bytes()
    refused = inside("paper", "resume", "run")
    assert refused.code == 2
    refused.says("is not what was written", "'tradewind paper salvage run'")
    assert "paper salvage run" in inside("paper", "status", "run").out
    found = inside("paper", "salvage", "run", "--json").json
    assert Path(found["damaged"]).read_bytes() == before
    assert found["lost"] > 0
    assert found["lost"] == sum(found["by_kind"].values()) or share < 0.5
    with JournalReader(journal) as reader:
        assert reader.verify() == found["kept"] + 1
        note = reader.last("note")
        last = reader.last("bar")
    assert note is not None
    assert note.facts["lost"] == found["lost"]
    assert last is None or found["last_bar"] < "2017-03-31"
    kept = ledger(run)
    assert whole[: len(kept)] == kept  # whole turns, from the first
    assert len(kept) < len(whole)
    assert inside("paper", "resume", "run").code == 0
    assert [one for one in ledger(run) if one[0] != "command"] == whole


def test_what_is_lost_is_told(run: Path, inside: Command) -> None:
    spoilt(run / "journal.sqlite", 0.6)
    found = inside("paper", "salvage", "run")
    assert found.code == 0
    assert re.search(
        r"run: [\d,]+ events are kept, the last bar is that of 2017-0\d-\d\d .*; [\d,]+ events "
        r"behind it are lost \(\d+ bar, .*\), up to the bar of 2017-03-31",
        found.out,
    ), found.out
    assert "journal.damaged-" in found.out


def test_an_end_that_was_cut_off_is_given_up(run: Path, inside: Command) -> None:
    holder = run / "journal.sqlite.holder"
    with JournalReader(run / "journal.sqlite") as reader:
        n = reader.count
    holder.write_text(f"{n + 7:020d} 1 there\n", "utf-8")  # as if a -wal file had been lost
    refused = inside("paper", "resume", "run")
    assert refused.code == 2
    refused.says(f"{n + 7} were acknowledged", "'tradewind paper salvage run'")
    found = inside("paper", "salvage", "run", "--json").json
    assert found["lost"] >= 7
    assert inside("paper", "resume", "run").code == 0


def test_a_sound_journal_is_left_as_it_is(run: Path, inside: Command) -> None:
    before = (run / "journal.sqlite").read_bytes()
    found = inside("paper", "salvage", "run")
    assert found.code == 2
    found.says("nothing to salvage", "'tradewind paper resume run' goes on")
    assert (run / "journal.sqlite").read_bytes() == before
    assert not list(run.glob("*damaged*"))


def test_a_journal_that_a_process_writes_is_not_touched(run: Path, inside: Command) -> None:
    with Journal.open(run / "journal.sqlite"):
        found = inside("paper", "salvage", "run")
    assert found.code == 2
    found.says("writes it, and a journal has one writer")


def test_an_exchange_that_was_interrupted_is_finished(run: Path, inside: Command) -> None:
    journal = run / "journal.sqlite"
    for tail in ("", ".holder"):
        (run / f"journal.sqlite{tail}").rename(run / f"journal.salvaged.sqlite{tail}")
    found = inside("paper", "salvage", "run")
    found.says("nothing to salvage")
    assert journal.is_file()
    assert inside("paper", "status", "run").code == 0
