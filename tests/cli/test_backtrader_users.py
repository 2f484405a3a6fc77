"""A backtrader strategy at the command line, as its guide says, and when it goes wrong."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command

GUIDE = Path(__file__).parents[2] / "docs" / "backtrader-users.md"
BLOCK = re.compile(r"```(?:python|yaml)\n# ([\w.]+)\n(.*?)```", re.DOTALL)
CONFIG = """
name: one
data: {source: embedded, symbols: [MSFT], start: 2015-01-01, end: 2015-06-30}
strategy: {kind: mine.py:Mine}
"""
HEAD = "import backtrader as bt\n\n\nclass Mine(bt.Strategy):\n"


def write(project: Path, body: str, config: str = CONFIG) -> None:
    lines = body.strip("\n").splitlines()
    (project / "mine.py").write_text(HEAD + "".join(f"    {line}\n" for line in lines))
    (project / "config.yaml").write_text(config)


def test_the_guides_five_minutes_work_as_they_are_written(project: Path, inside: Command) -> None:
    written = dict(BLOCK.findall(GUIDE.read_text("utf-8")))
    assert sorted(written) == ["config.yaml", "crossing.py"]
    for name, text in written.items():
        (project / name).write_text(text)
    done = inside("backtest", "config.yaml", "--json")
    assert done.code == 0, done.err
    folder = project / done.json["folder"]
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    (analysis,) = [line for line in log if line["event"] == "analyzer"]
    assert analysis["name"] == "drawdown"
    assert analysis["analysis"]["max"]["drawdown"] > 0
    printed = [line["text"] for line in log if line["event"] == "printed"]
    assert len(printed) > 10
    assert printed[0] in done.err
    assert any("the strategy is backtrader's" in note for note in done.json["notes"])
    assert "rules: backtrader" in (folder / "config.yaml").read_text()
    page = (folder / "report.html").read_text("utf-8")
    assert 'id="money"' in page
    assert 'id="sizing"' not in page, "the strategy sizes its own orders"

    again = inside("reproduce", "latest")
    assert (again.code, again.out.split(": ")[1].strip()) == (0, "reproduced")
    refused = inside("verify", "latest", "--json")
    assert refused.code == 2
    refused.says("Crossing is a backtrader strategy", "no second executor", "tradewind reproduce")
    assert refused.json["error"]["type"] == "StrategyError"

    (project / "config.yaml").write_text(written["config.yaml"].replace("period: 20", "period: 5"))
    assert inside("backtest", "config.yaml").code == 0
    runs = sorted(path.name for path in (project / "results").iterdir())
    compared = inside("compare", *runs, "--json")
    assert [row["key"] for row in compared.json["config"]] == ["strategy.period"]


@pytest.mark.parametrize(
    ("body", "line", "says"),
    [
        ("def next(self):\n    self.buy(sise=1)\n    1 / 0", 7, "ZeroDivisionError"),
        ("def __init__(self):\n    self.average = bt.ind.SAM(period=3)", 6, "AttributeError"),
        ("def next(self):\n    raise ValueError('enough')", 6, "stopped at bar 0 (2015-01-02) by "
         "ValueError: enough"),
        ("def next(self):\n    import sys\n    sys.exit(3)", 7, "SystemExit: 3"),
        ("def next(self):\n    self.data.close[0] / self.nothing", 6, "nothing"),
        ("def stop(self):\n    self.broker.add_cash(5)", 6, "moves 5 in or out of the account"),
        ("def notify_order(self, order):\n    order.nonsense.price\n"
         "def next(self):\n    self.buy()", 6, "nonsense"),
    ],
    ids=str,
)  # fmt: skip
def test_what_goes_wrong_in_a_strategy_is_told_by_its_file_and_line(
    project: Path, inside: Command, body: str, line: int, says: str
) -> None:
    write(project, body)
    ended = inside("backtest", "config.yaml", "--json")
    assert ended.code == 2
    ended.says(f"{project / 'mine.py'}:{line}: Mine: stopped", says)
    assert ended.json["error"]["type"] == "StrategyError"
    source = (project / "mine.py").read_text().splitlines()[line - 1].strip()
    assert ended.err.splitlines()[-1].strip() == source


def test_what_a_file_prints_when_it_is_loaded_stays_out_of_the_result(
    project: Path, inside: Command
) -> None:
    write(project, "def next(self):\n    print('in next')")
    path = project / "mine.py"
    path.write_text(path.read_text() + "\n\nprint('loading')\n")
    done = inside("backtest", "config.yaml", "--json")
    assert done.json["run"]
    assert "loading" in done.err
    assert "in next" in done.err


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (f"{CONFIG}executor: kernel\n", "config.yaml:5:1: executor: a backtrader strategy runs by"),
        (f"{CONFIG}rules: tradewind\n", "config.yaml:5:1: rules: a backtrader strategy runs by"),
        (CONFIG.replace("mine.py:Mine", "mine.py:Mine, perod: 3"),
         "strategy.perod: unknown key"),
        (f"{CONFIG}execution: {{participation: 0.1}}\n",
         "config.yaml:5:13: execution.participation: 0.1 cannot be had"),
        (f"{CONFIG}backtrader: {{setp: a.py:b}}\n", "backtrader.setp: unknown key"),
        (f"{CONFIG}backtrader: {{setup: prepare}}\n", "backtrader.setup: "),
        (CONFIG.replace("mine.py:Mine", "sma_cross") + "backtrader: {setup: mine.py:Mine}\n",
         "sma_cross is no backtrader strategy"),
        (CONFIG.replace("mine.py:Mine", "mine.py:Min"), "did you mean 'Mine'?"),
    ],
    ids=str,
)  # fmt: skip
def test_a_config_that_a_backtrader_strategy_cannot_have_is_refused_at_its_place(
    project: Path, inside: Command, config: str, says: str
) -> None:
    write(project, "params = (('period', 3),)", config)
    ended = inside("backtest", "config.yaml")
    assert ended.code == 2
    ended.says(says)


def test_backtrader_is_loaded_only_where_it_is_named() -> None:
    code = (
        "import sys\nfrom tradewind.engine import pipeline, runner\n"
        "import tradewind.engine.cli.app\nassert 'backtrader' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
