"""A run is found by its folder, its name, the start of its name, or as the latest."""

from pathlib import Path

import pytest

from tradewind.engine.cli.results import run_folder, run_names
from tradewind.engine.errors import RunError

NAMES = (
    "sma-20261124-101500-3f9a1c",
    "sma-20261124-101500-3f9a1c-2",
    "lstm-20261123-090000-aaaaaa",
    "odd",
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / "results" / name).mkdir(parents=True)
        (tmp_path / "results" / name / "manifest.json").write_text("{}")
    (tmp_path / "results" / "half").mkdir()
    (tmp_path / "results" / ".new.partial").mkdir()
    return tmp_path / "results"


def test_only_complete_runs_have_names(results: Path) -> None:
    assert run_names(results) == sorted(NAMES)
    assert run_names(results / "nowhere") == []


@pytest.mark.parametrize(
    ("typed", "name"),
    [(NAMES[0], NAMES[0]), ("lstm", NAMES[2]), ("od", "odd"), ("latest", NAMES[1])],
)
def test_a_run_is_found(results: Path, typed: str, name: str) -> None:
    assert run_folder(typed, results) == results / name


def test_the_latest_is_told_by_its_name_and_not_by_the_folder_s_time(results: Path) -> None:
    (results / NAMES[2] / "manifest.json").write_text("{ }")
    assert run_folder("latest", results).name == NAMES[1]


def test_a_folder_is_found_wherever_it_lies(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_folder(str(results / "odd"), Path("elsewhere")) == results / "odd"
    monkeypatch.chdir(results)
    assert run_folder("odd", Path("elsewhere")) == Path("odd")


def test_a_name_wins_over_the_start_of_longer_ones(results: Path) -> None:
    assert run_folder(NAMES[0], results).name == NAMES[0]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("sma", f"sma: 2 runs begin that way: {NAMES[0]}, {NAMES[1]}; write one of them out"),
        ("lsmt-20261123-090000-aaaaaa", r"did you mean 'lstm-20261123-090000-aaaaaa'\?"),
        ("zzz", "zzz: no such run below .*results; 'tradewind runs' lists them"),
    ],
)
def test_a_name_that_is_none_is_refused(results: Path, typed: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        run_folder(typed, results)


def test_a_folder_that_is_no_run_is_refused(results: Path) -> None:
    with pytest.raises(RunError, match=r"half: is no run folder: it has no manifest.json"):
        run_folder(str(results / "half"), results)


@pytest.mark.parametrize("typed", ["latest", "sma"])
def test_without_any_run_it_says_how_to_make_one(tmp_path: Path, typed: str) -> None:
    with pytest.raises(RunError, match=r"there are none below .*: 'tradewind backtest' makes one"):
        run_folder(typed, tmp_path)
