"""``tradewind init`` writes a project that works as it is."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradewind.contracts.strategy_contract import CHECKS

FILES = {"README.md", "config.yaml", "strategy.py", "test_strategy.py"}


def test_a_new_project_backtests_verifies_and_passes_its_own_tests(
    tradewind: Callable[..., Any], project: Path
) -> None:
    assert tradewind("init", "mine", "--json").json == {
        "folder": "mine",
        "files": ["config.yaml", "strategy.py", "test_strategy.py", "README.md"],
    }
    assert {path.name for path in (project / "mine").iterdir()} == FILES
    ended = tradewind("backtest", "mine/config.yaml", "--json")
    assert ended.code == 0, ended.err
    assert ended.json["metrics"]["orders"]["fills"] > 10
    assert Path(ended.json["report"]).is_file()
    verified = tradewind("verify", "latest", "--json")
    assert verified.code == 0, verified.err
    assert verified.json["identical"] is True
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project / "mine",
        capture_output=True,
        text=True,
    )
    assert tests.returncode == 0, tests.stdout
    assert f"{5 + len(CHECKS)} passed" in tests.stdout


def test_editing_the_strategy_changes_the_run(tradewind: Callable[..., Any], project: Path) -> None:
    tradewind("init")
    first = tradewind("backtest", "config.yaml", "--json").json["metrics"]
    text = (project / "strategy.py").read_text("utf-8")
    assert "target(intents, n, k, 1.0)" in text
    (project / "strategy.py").write_text(
        text.replace("target(intents, n, k, 1.0)", "target(intents, n, k, 0.5)"), "utf-8"
    )
    second = tradewind("backtest", "config.yaml", "--json").json["metrics"]
    assert first["strategy"]["gross_exposure"] > 1.5 * second["strategy"]["gross_exposure"] > 0


def test_it_says_what_to_do_next(inside: Callable[..., Any]) -> None:
    assert inside("init", "mine").out.endswith("Next: cd mine && tradewind backtest config.yaml\n")
    assert inside("init").out.endswith("Next: tradewind backtest config.yaml\n")


@pytest.mark.parametrize("name", sorted(FILES))
def test_nothing_is_overwritten(inside: Callable[..., Any], project: Path, name: str) -> None:
    (project / name).write_text("mine")
    ended = inside("init")
    assert ended.code == 2
    ended.says(f"{name}: there already, and nothing is overwritten; name another folder")
    assert {path.name: path.read_text() for path in project.iterdir()} == {name: "mine"}


def test_a_folder_that_cannot_be_made_is_named(inside: Callable[..., Any], project: Path) -> None:
    (project / "file").write_text("")
    ended = inside("init", "file/below")
    assert ended.code == 2
    ended.says("file/below: cannot be written: Not a directory")
