"""What commands print, for a person and for a script, as docs/cli.md lists it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DOCS = (Path(__file__).parents[2] / "docs" / "cli.md").read_text("utf-8")
ROW = re.compile(r"^\| `([a-z ]+)` \| ((?:`\w+`[^|]*)+) \|$", re.MULTILINE)
CONFIG = """\
name: quick
strategy: {kind: sma_cross, fast: 5, slow: 20}
data: {symbols: [MSFT, KO], start: 2016-01-04, end: 2016-12-30}
"""


def keys(command: str) -> set[str]:
    """Keys of a command's JSON object by the documentation; of ``data show`` those of a source."""
    listed = dict(ROW.findall(DOCS))[command].partition(";")[0]
    return set(re.findall(r"`(\w+)`", listed))


@pytest.fixture
def two_runs(inside: Callable[..., Any], project: Path) -> list[str]:
    """Names of two runs that differ in one key."""
    (project / "config.yaml").write_text(CONFIG)
    first = inside("backtest", "config.yaml", "--json")
    second = inside("backtest", "config.yaml", "--set", "strategy.fast=10", "--json")
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert set(first.json) == keys("backtest")
    return [first.json["run"], second.json["run"]]


def test_a_backtest_tells_a_person_what_counts(inside: Callable[..., Any], project: Path) -> None:
    (project / "config.yaml").write_text(CONFIG)
    ended = inside("backtest", "config.yaml", "--executor", "cerebro")
    assert (ended.code, ended.err) == (0, "")
    for text in ("2 symbols", "cerebro executor", "Annual return", "Sharpe ratio", "equal_weight"):
        assert text in ended.out
    report = ended.out.splitlines()[-1].removeprefix("Report: ")
    assert (project / report).is_file()


def test_runs_are_listed_compared_checked_and_shown_again(
    inside: Callable[..., Any], project: Path, two_runs: list[str]
) -> None:
    listed = inside("runs", "--json").json
    assert set(listed) == keys("runs")
    assert sorted(run["name"] for run in listed["runs"]) == sorted(two_runs)
    assert all(name in inside("runs").out for name in two_runs)

    compared = inside("compare", *two_runs, "--json").json
    assert set(compared) == keys("compare")
    assert compared["names"] == two_runs
    assert {row["key"]: row["values"] for row in compared["config"]} == {"strategy.fast": [5, 10]}
    text = inside("compare", *two_runs).out
    assert "strategy.fast" in text
    assert f"A  {two_runs[0]}" in text

    for command in ("verify", "reproduce"):
        answer = inside(command, two_runs[0], "--json")
        assert (answer.code, set(answer.json)) == (0, keys(command))
        assert answer.json["identical"] is True
        assert answer.json["differences"] == []
        assert two_runs[0] in inside(command, two_runs[0]).out

    page = project / "results" / two_runs[0] / "report.html"
    page.unlink()
    answer = inside("report", two_runs[0], "--json")
    assert set(answer.json) == keys("report")
    assert page.stat().st_size > 1_000


def test_a_run_may_lie_anywhere(inside: Callable[..., Any], project: Path) -> None:
    (project / "config.yaml").write_text(CONFIG)
    folder = inside("backtest", "config.yaml", "--out", "deep/er", "--json").json["folder"]
    assert Path(folder).parent == Path("deep/er")
    assert inside("runs").out == "results: holds no runs yet; tradewind backtest makes one\n"
    assert inside("verify", folder).code == 0
    assert inside("verify", "quick", "--out", "deep/er").code == 0


def test_the_resolved_config_of_a_run_gives_the_run_again(
    inside: Callable[..., Any], two_runs: list[str]
) -> None:
    again = inside("backtest", f"results/{two_runs[0]}/config.yaml", "--json")
    assert again.code == 0, again.err
    (same,) = [
        run["metrics"]
        for run in inside("runs", "--json").json["runs"]
        if run["name"] == two_runs[0]
    ]
    assert again.json["metrics"]["strategy"] == same


def test_training_a_baseline_is_answered_as_listed(
    inside: Callable[..., Any], project: Path
) -> None:
    (project / "config.yaml").write_text(
        "strategy: {kind: timing}\nforecaster: {kind: drift, walk_forward: {train: 100}}\n"
        "data: {symbols: [MSFT, KO, XOM], start: 2016-01-04, end: 2016-12-30}\n"
    )
    answer = inside("train", "config.yaml", "--workers", "0", "--json")
    assert answer.code == 0, answer.err
    assert set(answer.json) == keys("train")
    assert [fold["test"] for fold in answer.json["folds"]] == [[100, 163], [163, 226], [226, 252]]
    text = inside("train", "config.yaml").out
    assert "from the cache" in text
    assert "Cache: " in text


def test_data_is_answered_as_listed(inside: Callable[..., Any]) -> None:
    shown = inside("data", "show", "embedded", "KO", "--json").json
    assert set(shown) == keys("data show")
    assert [row["symbol"] for row in shown["symbols"]] == ["KO"]
    checked = inside("data", "check", "embedded", "KO", "--json")
    assert checked.code == 0
    assert set(checked.json) == keys("data check")
    assert checked.json["symbols"] == 1
    assert set(inside("data", "show", "--json").json) == {"store", "series"}


def test_what_is_not_fetched_is_refused(inside: Callable[..., Any]) -> None:
    ended = inside("data", "fetch", "sma-cross")
    assert ended.code == 2
    ended.says("data.source: embedded is not fetched, only yahoo is")
