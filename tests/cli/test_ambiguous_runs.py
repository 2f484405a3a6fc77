"""Brackets so narrow that a bar touches both ends: counted, bounded and told, file to report."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tradewind.engine.report.folder import read
from tradewind.engine.types import Happening

RULES = '''
from typing import NamedTuple

from tradewind.engine.intents import target
from tradewind.engine.types import Intent
from tradewind.strategies.deciding import decide_by


class Inputs(NamedTuple):
    close: object


class Params(NamedTuple):
    near: float


def rule(bar, inputs, params, book, intents):
    n = 0
    for k in range(len(book.qty)):
        if book.qty[k] == 0.0 and bar % 5 == k:
            n = target(intents, n, k, 1.0)
            intents[n - 1]["stop_loss"] = inputs.close[bar, k] * (1.0 - params.near)
            intents[n - 1]["take_profit"] = inputs.close[bar, k] * (1.0 + params.near)
    return n


class Narrow:
    """A bracket around each close."""

    warmup = 2

    def __init__(self, *, near: float = 0.004) -> None:
        self.params = Params(near)

    @property
    def rule(self):
        return rule

    def prepare(self, panel, signals):
        return Inputs(panel.close)

    def decide(self, view):
        return decide_by(rule, self.params, view)


class Plain:
    """The same without a rule."""

    warmup = 2

    def prepare(self, panel, signals):
        return Inputs(panel.close)

    def decide(self, view):
        return decide_by(rule, Params(0.004), view)


class Forgetful(Plain):
    """Buys less from run to run: it counts in an attribute of its own."""

    asked = 0

    def decide(self, view):
        self.asked += 1
        return [] if self.asked > 400 else super().decide(view)
'''
CONFIG = """\
name: narrow
strategy: {kind: "rules.py:Narrow"}
data: {symbols: [MSFT, KO], start: 2016-01-04, end: 2016-12-30}
"""


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file for all tests, whose rule is compiled once."""
    path = tmp_path_factory.mktemp("rules") / "rules.py"
    path.write_text(RULES)
    return path


@pytest.fixture
def ran(inside: Callable[..., Any], project: Path, rules: Path) -> Callable[..., Any]:
    """Run the strategy with changes to its config; returns (what --json said, the run)."""

    def run(more: str = "", kind: str = "Narrow", config: str = CONFIG) -> Any:
        text = config.replace("Narrow", kind).replace("rules.py", str(rules)) + more
        (project / "config.yaml").write_text(text)
        ended = inside("backtest", "config.yaml", "--json")
        assert ended.code == 0, ended.err
        return ended.json, read(Path(ended.json["folder"]))

    return run


def test_bounds_are_the_run_itself_and_one_more_trading_the_best_way(ran: Any) -> None:
    said, worst = ran()
    block = said["metrics"]["ambiguity"]
    events = worst.simulation.events
    assert block["bars"] == int((events["kind"] == Happening.AMBIGUOUS).sum()) > 10
    assert block["worst"]["final_equity"] == said["metrics"]["strategy"]["final_equity"]
    assert block["worst"]["sharpe"] == said["metrics"]["strategy"]["sharpe"]
    assert block["best"]["final_equity"] > block["worst"]["final_equity"]
    assert 0 < block["trades_decided"] <= block["trades_changed"]
    np.testing.assert_array_equal(worst.bounds.worst, worst.simulation.equity)

    _, best = ran("execution: {intrabar: best}\n")
    np.testing.assert_array_equal(best.simulation.equity, worst.bounds.best)
    np.testing.assert_array_equal(best.bounds.worst, worst.simulation.equity)
    assert best.metrics["ambiguity"]["best"] == block["best"]
    assert best.metrics["ambiguity"]["worst"] == block["worst"]
    assert best.metrics["ambiguity"]["trades_decided"] == block["trades_decided"]


@pytest.mark.parametrize("executor", ["interpreted", "cerebro"])
def test_every_executor_has_the_same_bounds(ran: Any, executor: str) -> None:
    _, kernel = ran()
    _, other = ran(f"executor: {executor}\n")
    ours, theirs = kernel.metrics["ambiguity"], other.metrics["ambiguity"]
    assert theirs["trades_decided"] == ours["trades_decided"]
    assert theirs["bars"] == ours["bars"]
    np.testing.assert_allclose(other.bounds.best, kernel.bounds.best, rtol=1e-9)
    np.testing.assert_allclose(other.bounds.worst, kernel.bounds.worst, rtol=1e-9)


def test_a_strategy_in_plain_python_is_asked_again(ran: Any) -> None:
    _, kernel = ran()
    _, plain = ran(kind="Plain")
    np.testing.assert_array_equal(plain.bounds.best, kernel.bounds.best)


def test_a_strategy_that_does_something_else_when_asked_again_gets_no_bounds(
    ran: Any, inside: Callable[..., Any], project: Path
) -> None:
    said, run = ran(kind="Forgetful")
    block = said["metrics"]["ambiguity"]
    assert block["bars"] > 10
    assert block["worst"] is block["best"] is block["trades_decided"] is None
    assert run.bounds is None
    assert "no_bounds" in [event["event"] for event in run.log]
    ended = inside("backtest", "config.yaml")
    assert "without bounds, since the strategy did not do the same when asked again" in ended.out
    html = (project / "results" / run.name / "report.html").read_text("utf-8")
    assert "There are no bounds, because the strategy did something else" in html


def test_nothing_is_traded_again_where_nothing_was_ambiguous(ran: Any, project: Path) -> None:
    said, run = ran(config=CONFIG.replace('Narrow"', 'Narrow", near: 0.4'))
    block = said["metrics"]["ambiguity"]
    assert block["bars"] == block["trades_decided"] == block["trades_changed"] == 0
    assert block["worst"] == block["best"]
    assert run.bounds is None
    assert "bounds" not in run.manifest["seconds"]
    names = pq.read_table(project / "results" / run.name / "equity.parquet").column_names
    assert not [name for name in names if name.startswith("equity_")]
    html = (project / "results" / run.name / "report.html").read_text("utf-8")
    assert "In no bar did the path between its prices decide what was filled." in html


def test_the_run_is_verified_reproduced_and_drawn_again_with_its_bounds(
    ran: Any, inside: Callable[..., Any], project: Path
) -> None:
    said, run = ran()
    assert inside("verify", said["run"], "--json").json["identical"] is True
    again = inside("reproduce", said["run"], "--json").json
    assert again["identical"] is True, again["differences"]
    path = project / "results" / run.name / "report.html"
    first = path.read_text("utf-8")
    assert inside("report", said["run"]).code == 0
    assert path.read_text("utf-8") == first
    block = json.loads((path.parent / "metrics.json").read_text("utf-8"))["ambiguity"]
    told = f"In {block['bars']} bars the path between the prices decides what is filled"
    assert told in first
    assert 'id="ambiguity-equity"' in first
    assert f"{block['best']['final_equity']:,.0f}" in first


def test_the_summary_has_one_line_for_bounds_and_one_for_what_was_refused(
    ran: Any, inside: Callable[..., Any]
) -> None:
    said, run = ran("account: {min_notional: 9_800, cash: 20_000}\n")
    out = inside("backtest", "config.yaml").out
    (line,) = [row for row in out.splitlines() if row.startswith("Ambiguous: ")]
    block = said["metrics"]["ambiguity"]
    assert f"{block['bars']} bars decided {block['trades_decided']} closed trade" in line
    assert f"{block['worst']['final_equity']:,.0f} and {block['best']['final_equity']:,.0f}" in line
    refused = said["metrics"]["rejections"]
    counted = sum(sum(by.values()) for by in refused["by_symbol"].values())
    assert refused["total"] == counted == said["metrics"]["orders"]["rejected_minimum"] > 0
    assert set(refused["by_symbol"]) == {"MSFT", "KO"}
    total = len(run.simulation.orders)
    assert f"Orders rejected: {counted} of {total} (too small {counted})" in out.splitlines()
    assert len(run.simulation.orders) == said["metrics"]["orders"]["orders"]
