"""``tradewind audit`` as a user meets it: exit codes, names, lines, JSON."""

from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Command

FEW = ["--set", "data.symbols=[MSFT,KO,XOM]", "data.start=2015-01-01", "data.end=2016-12-31"]
PEEKING = '''
"""Buys what will rise."""
from typing import NamedTuple

import numpy as np

from tradewind.engine.types import Intent


class Inputs(NamedTuple):
    rises: np.ndarray


class Peeks:
    warmup = 5

    def prepare(self, panel, signals):
        steps = np.diff(np.log(panel.close), axis=0, prepend=np.nan)
        return Inputs(np.roll(steps, -SHIFT, axis=0))

    def decide(self, view):
        row = view.inputs.rises[view.bar]
        return [Intent(int(k), 1.0 if row[k] > 0 else 0.0) for k in range(len(row))]
'''
CONFIG = """
name: mine
data: {source: embedded, symbols: [MSFT, KO, XOM], start: 2015-01-01, end: 2016-12-31}
strategy: {kind: "mine.py:Peeks"}
"""


@pytest.fixture
def peeking(project: Path) -> Path:
    """A project whose strategy buys before it rises."""
    (project / "mine.py").write_text(PEEKING.replace("SHIFT", "1"), "utf-8")
    (project / "mine.yaml").write_text(CONFIG, "utf-8")
    return project


def test_a_preset_is_clean(inside: Command) -> None:
    ended = inside("audit", "sma-cross", "--quick", *FEW)
    assert ended.code == 0
    assert "No leak found in" in ended.out
    assert "strategy sma_cross" in ended.out
    assert "Not seen: Embedded universe" in ended.out
    assert ended.err == ""


def test_a_leak_is_named_and_the_command_says_no(peeking: Path, inside: Command) -> None:
    ended = inside("audit", "mine.yaml", "--quick")
    assert ended.code == 1
    assert "strategy Peeks rises" in ended.out
    assert f"{peeking}/mine.py:19:26" in ended.out
    assert "leaks found" in ended.out


def test_json_carries_everything_a_script_needs(peeking: Path, inside: Command) -> None:
    ended = inside("audit", "mine.yaml", "--quick", "--json")
    assert ended.code == 1
    told = ended.json
    assert told["clean"] is False
    assert told["quick"] is True
    first = told["findings"][0]
    assert (first["danger"], first["stage"], first["part"]) == ("future_value", "strategy", "Peeks")
    assert first["severity"] == "leak"
    assert first["bar"] >= 0
    assert len(first["date"]) == 10
    assert first["worth"]["ic"] > 0.5
    assert told["n_leaks"] == sum(one["severity"] == "leak" for one in told["findings"])
    assert {check["means"] for check in told["checks"]} >= {"code", "tampering", "same-bar fills"}


def test_an_honest_strategy_of_ones_own_is_clean(peeking: Path, inside: Command) -> None:
    text = PEEKING.replace("np.roll(steps, -SHIFT, axis=0)", "steps")
    (peeking / "mine.py").write_text(text, "utf-8")
    ended = inside("audit", "mine.yaml", "--quick", "--strict")
    assert ended.code == 0, ended.out


def test_fills_on_the_deciding_bar_are_the_first_danger(project: Path, inside: Command) -> None:
    del project
    cheating = [*FEW, "rules=backtrader", "backtrader.coc=true", "sizing.weight=0.2"]
    ended = inside("audit", "sma-cross", "--quick", "--json", *cheating)
    assert ended.code == 1
    first = ended.json["findings"][0]
    assert first["danger"] == "same_bar_fill"
    assert "was decided with bar" in first["text"]


def test_code_alone_is_read_without_running_it(project: Path, inside: Command) -> None:
    (project / "notes.py").write_text("raise SystemExit\nx = y.rolling(9, center=True).mean()\n")
    ended = inside("audit", "notes.py")
    assert ended.code == 1
    assert "notes.py:2:7" in ended.out
    assert "leave center out" in ended.out
    (project / "notes.py").write_text("raise SystemExit\nx = y.rolling(9).mean()\n")
    assert inside("audit", "notes.py").code == 0


def test_a_doubt_counts_only_when_it_is_asked_for(project: Path, inside: Command) -> None:
    (project / "notes.py").write_text("z = (x - x.mean()) / x.std()\n")
    assert inside("audit", "notes.py").code == 0
    assert inside("audit", "notes.py", "--strict").code == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("gone.py",), "no such file or folder"),
        (("gone.yaml",), "gone.yaml"),
        (("sma-cross", "--set", "strategy.fats=3"), "fats"),
    ],
)
def test_bad_input_is_told_and_not_audited(
    words: tuple[str, ...], says: str, inside: Command
) -> None:
    ended = inside("audit", *words)
    assert ended.code == 2
    ended.says(says)


def test_a_strategy_that_fails_is_wrong_input(peeking: Path, inside: Command) -> None:
    (peeking / "mine.py").write_text(
        PEEKING.replace("np.roll(steps, -SHIFT, axis=0)", "NOBODY"), "utf-8"
    )
    ended = inside("audit", "mine.yaml", "--quick", "--json")
    assert ended.code == 2
    ended.says("not audited, because it fails as it is", "NOBODY")
    assert ended.json["clean"] is False
    assert len(ended.json["failed"]) == 2


def test_a_column_with_its_publication_beside_it_is_checked(project: Path, inside: Command) -> None:
    days = np.arange("2015-01-01", "2015-12-31", dtype="datetime64[D]")
    close = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, len(days))))
    known = (days + 3).astype("datetime64[ns]").astype(np.int64)
    rows = [
        f"{day},{c:.4f},{c * 1.01:.4f},{c * 0.99:.4f},{c:.4f},1000,1.5,{when}"
        for day, c, when in zip(days, close, known, strict=True)
    ]
    head = "date,open,high,low,close,volume,eps,eps_asof"
    (project / "A.csv").write_text("\n".join([head, *rows]) + "\n", "utf-8")
    (project / "eps.yaml").write_text(
        "data: {source: csv, path: A.csv, calendar: none}\n"
        "strategy: {kind: sma_cross, fast: 5, slow: 20}\n",
        "utf-8",
    )
    ended = inside("audit", "eps.yaml", "--quick", "--json")
    assert ended.code == 1, ended.err
    found = [one for one in ended.json["findings"] if one["means"] == "publication"]
    assert [(one["column"], one["danger"]) for one in found] == [("eps", "not_yet_known")]
