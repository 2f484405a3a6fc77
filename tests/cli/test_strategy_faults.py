"""What an author of an own strategy reads when it fails: their file, their line, no traceback."""

from pathlib import Path

import pytest

from tests.cli.conftest import Command

CONFIG = """
data: {source: embedded, symbols: [MSFT], start: 2015-01-01, end: 2015-06-30}
strategy: {kind: mine.py:Mine}
"""
HEAD = """
from typing import NamedTuple

import numpy as np

from tradewind.engine import target


class Inputs(NamedTuple):
    close: np.ndarray


class Params(NamedTuple):
    low: float


class Plain:
    warmup = 5

    def prepare(self, panel, signals):
        return Inputs(panel.close)

    def decide(self, view):
        return []
"""
RULE = """

def rule(bar, inputs, params, book, intents):
    n = 0
    if inputs.close[bar, 0] > params.lo:
        n = target(intents, n, 0, 1.0)
    return n


class Mine(Plain):
    params = Params(1.0)
    rule = staticmethod(rule)
"""


def write(project: Path, body: str) -> Path:
    path = project / "mine.py"
    path.write_text(HEAD + body)
    (project / "config.yaml").write_text(CONFIG)
    return path


@pytest.mark.parametrize(
    ("body", "line", "says"),
    [
        ("\nclass Mine(Plain):\n    def decide(self, view):\n        return {}['a']\n",
         "return {}['a']", "KeyError: 'a'"),
        ("\nclass Mine(Plain):\n    def prepare(self, panel, signals):\n"
         "        return panel.closes\n", "return panel.closes", "no attribute 'closes'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("executor", ["interpreted", "cerebro"])
def test_what_a_strategy_raises_is_told_by_its_file_and_line(
    project: Path, inside: Command, body: str, line: str, says: str, executor: str
) -> None:
    path = write(project, body)
    ended = inside("backtest", "config.yaml", "--executor", executor, "--json")
    row = path.read_text().splitlines().index(f"        {line}") + 1
    assert ended.code == 2
    ended.says(f"{path}:{row}: Mine: stopped by ", says, f"\n    {line}")
    assert ended.json["error"]["type"] == "StrategyError"


@pytest.mark.parametrize("given", ["[1]", "7", "'buy'", "{'MSFT': 1.0}"])
@pytest.mark.parametrize(
    "how", [["interpreted"], ["cerebro"], ["cerebro", "--set", "rules=backtrader"]], ids=str
)
def test_a_decision_that_is_no_list_of_wishes_is_told(
    project: Path, inside: Command, given: str, how: list[str]
) -> None:
    write(project, f"\n\nclass Mine(Plain):\n    def decide(self, view):\n        return {given}\n")
    ended = inside("backtest", "config.yaml", "--executor", *how)
    assert ended.code == 2
    ended.says(f"Mine: at bar 4 'decide' gave {given}; wanted a list of Intent")


def test_a_rule_numba_refuses_is_told_by_its_line_and_runs_as_plain_python(
    project: Path, inside: Command
) -> None:
    path = write(project, RULE)
    ended = inside("backtest", "config.yaml")
    row = path.read_text().splitlines().index("    if inputs.close[bar, 0] > params.lo:") + 1
    assert ended.code == 2
    ended.says(
        f"{path}:{row}: Mine: numba cannot compile this line: the tuple Params has no 'lo' in "
        "compiled code (did you mean 'low'?)",
        "if inputs.close[bar, 0] > params.lo:",
        "--executor interpreted",
    )
    done = inside("backtest", "config.yaml", "--executor", "interpreted", "--json")
    assert done.code == 0, done.err
    text = (project / done.json["folder"] / "config.yaml").read_text()
    assert "executor: interpreted" in text
