"""The ledger: every trial counted once, every lost line noticed, kill -9 survived."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tradewind.engine.luck.ledger import Entry, Ledger, LedgerError

DATA = "ab" * 32


def entry(*trials: str) -> Entry:
    return Entry("sweep", "a", "2017-01-01T00:00:00+00:00", "code", trials, 1.5)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path, DATA)
    for number in range(5):
        made.append(entry(f"t{number}", "same"))
    return made


def lines(ledger: Ledger) -> list[str]:
    return ledger.path.read_text().splitlines(keepends=True)


def test_distinct_trials_are_counted_whoever_tried_them(ledger: Ledger) -> None:
    count = ledger.count(["mine", "t0"])
    assert (count.lines, count.trials, count.repeated) == (5, 7, 10)
    assert [one.trials[0] for one in ledger.entries()] == ["t0", "t1", "t2", "t3", "t4"]
    assert Ledger(ledger.folder, "cd" * 32).count().trials == 0


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda rows: rows[:1] + rows[2:], ":2: is not the line"),
        (lambda rows: [rows[1], rows[0], *rows[2:]], ":1: is not the line"),
        (lambda rows: [rows[0].replace("t0", "tX"), *rows[1:]], ":1: is not the line"),
        (lambda rows: rows[:4], "taken from the end"),
        (lambda rows: [], "taken from the end"),
        (lambda rows: [*rows[:2], "{}\n", *rows[2:]], ":3: is not the line"),
        (lambda rows: [*rows[:2], "no json\n", *rows[3:]], ":3: is not the line"),
    ],
)
def test_a_line_that_was_taken_out_or_changed_is_noticed(
    ledger: Ledger, spoil: object, words: str
) -> None:
    ledger.path.write_text("".join(spoil(lines(ledger))))  # type: ignore[operator]
    with pytest.raises(LedgerError, match=words):
        ledger.count()


def test_nothing_is_appended_to_a_ledger_with_lines_missing(ledger: Ledger) -> None:
    ledger.path.write_text("".join(lines(ledger)[:3]))
    with pytest.raises(LedgerError, match="holds 3 lines and 5 were written"):
        ledger.append(entry("t9"))
    ledger.head.unlink()
    with pytest.raises(LedgerError, match="is gone while"):
        ledger.append(entry("t9"))
    ledger.head.write_text("no json")
    with pytest.raises(LedgerError, match="is damaged"):
        ledger.append(entry("t9"))


def test_half_a_line_of_a_killed_writer_is_taken_off(ledger: Ledger) -> None:
    with ledger.path.open("a") as file:
        file.write('{"number": 5, "bef')
    assert ledger.count().lines == 5
    ledger.append(entry("t5"))
    assert ledger.count().lines == 6


def test_a_line_whose_writer_was_killed_before_the_head_counts(ledger: Ledger) -> None:
    head = ledger.head.read_text()
    ledger.append(entry("t5"))
    ledger.head.write_text(head)
    assert ledger.count().lines == 6
    ledger.append(entry("t6"))
    assert ledger.count().lines == 7


WRITER = """
import sys
from pathlib import Path
from tradewind.engine.luck.ledger import Entry, Ledger
ledger = Ledger(Path(sys.argv[1]), sys.argv[2])
for number in range(int(sys.argv[4])):
    ledger.append(Entry("sweep", "a", "t", "c", (f"{sys.argv[3]}-{number}",), None))
    print(number, flush=True)
"""


def writer(folder: Path, name: str, n: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), DATA, name, str(n)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_processes_at_once_lose_no_line(tmp_path: Path) -> None:
    made = [writer(tmp_path, name, 20) for name in "ab"]
    said = [one.communicate(timeout=60)[0] for one in made]
    assert [len(text.splitlines()) for text in said] == [20, 20]
    assert Ledger(tmp_path, DATA).count().trials == 40


def test_what_was_said_to_be_written_is_there_after_kill_9(tmp_path: Path) -> None:
    said = 0
    for round_ in range(6):
        one = writer(tmp_path, f"r{round_}", 10_000)
        time.sleep(0.25 + 0.03 * round_)
        os.kill(one.pid, signal.SIGKILL)
        out, _ = one.communicate()
        said += len(out.splitlines())
        count = Ledger(tmp_path, DATA).count()
        assert count.trials >= said
        assert count.trials <= said + round_ + 1  # written, and killed before it could say so
    assert said > 0


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="cannot be written"):
        Ledger(tmp_path / "file" / "x", DATA).append(entry("t"))


def test_a_line_is_plain_json(ledger: Ledger) -> None:
    first = json.loads(lines(ledger)[0])
    assert first["trials"] == ["t0", "same"] and first["best"] == 1.5
