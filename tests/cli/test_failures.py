"""Every ending has its exit code and a message; what nobody foresaw leaves a crash file."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradewind.engine.cli.failures import Interrupted, report, write_crash
from tradewind.engine.config import file as config_file
from tradewind.engine.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    DiskError,
    ForecastError,
    InvariantError,
    JournalDiskError,
    JournalError,
    MalformedPayloadError,
    OutsideError,
    PartialUniverseError,
    ProviderDownError,
    RateLimitedError,
    RunError,
    StoreError,
    StrategyError,
    TooLittleHistoryError,
    TradewindError,
    UnknownSymbolError,
)

WRONG_INPUT = (
    CheckpointError, ConfigError, DataError, ForecastError, JournalError, RunError, StoreError,
    StrategyError,
    TooLittleHistoryError,
    UnknownSymbolError,
)  # fmt: skip
OUTSIDE = (
    DiskError, JournalDiskError,
    MalformedPayloadError, OutsideError, PartialUniverseError, ProviderDownError, RateLimitedError,
)  # fmt: skip


def every_error() -> set[type]:
    found: set[type] = set()
    waiting: list[type] = [TradewindError]
    while waiting:
        error = waiting.pop()
        if error.__module__ == TradewindError.__module__:
            found.add(error)
            waiting += error.__subclasses__()
    return found


def test_every_error_has_its_exit_code() -> None:
    assert every_error() == {TradewindError, InvariantError, *WRONG_INPUT, *OUTSIDE}
    assert {error.exit_code for error in WRONG_INPUT} == {2}
    assert {error.exit_code for error in OUTSIDE} == {3}
    assert InvariantError.exit_code == 1


def broken_load(error: BaseException) -> Callable[..., Any]:
    def load(*arguments: object) -> None:
        raise error

    return load


@pytest.mark.parametrize("kind", [*WRONG_INPUT, *OUTSIDE])
def test_an_error_on_purpose_is_its_message_and_no_traceback(
    inside: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, kind: type[TradewindError]
) -> None:
    monkeypatch.setattr(config_file, "load", broken_load(kind("prices.csv: row 3 is wrong")))
    ended = inside("backtest", "c.yaml", "--json")
    assert ended.code == kind.exit_code
    assert ended.err == "prices.csv: row 3 is wrong\n"
    assert ended.json == {
        "error": {
            "type": kind.__name__,
            "message": "prices.csv: row 3 is wrong",
            "exit_code": kind.exit_code,
        }
    }


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("by zero"), InvariantError("books"), MemoryError()]
)
def test_what_nobody_foresaw_leaves_a_crash_file_and_no_traceback(
    inside: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(config_file, "load", broken_load(error))
    ended = inside("backtest", "secret-name.yaml", "--json")
    assert ended.code == 1
    ended.says("that is a bug in tradewind or in a plug-in: " + type(error).__name__)
    crash = Path(ended.json["error"]["crash_file"])
    assert str(crash) in ended.err
    text = crash.read_text("utf-8")
    assert "Traceback (most recent call last)" in text
    assert type(error).__name__ in text
    assert "tradewind backtest secret-name.yaml --json" in text
    assert text.startswith("tradewind 0.1.0, Python 3.")


def test_debugging_prints_the_traceback_besides(
    inside: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEWIND_DEBUG", "1")
    monkeypatch.setattr(config_file, "load", broken_load(ZeroDivisionError("by zero")))
    ended = inside("backtest", "c.yaml")
    assert ended.code == 1
    assert "Traceback (most recent call last)" in ended.err


def test_where_no_crash_file_can_be_written_the_details_go_to_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(blocked / "state"))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(blocked / "tmp"))
    assert write_crash(ZeroDivisionError("by zero"), ["runs"]) is None
    assert "ZeroDivisionError: by zero" in capsys.readouterr().err


def test_a_disk_that_fails_is_the_outside(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = OSError(28, "No space left on device", "/data/x.parquet")
    assert report(error, [], as_json=False) == 3
    assert capsys.readouterr().err == "/data/x.parquet: No space left on device\n"


def test_an_interruption_says_how_far_it_came_and_what_was_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = Interrupted({"fits": (3, 12), "reading": (5, None)}, "fits are kept")
    assert report(error, [], as_json=True) == 130
    captured = capsys.readouterr()
    assert captured.err == "interrupted (fits 3 of 12, reading 5); fits are kept\n"
    assert json.loads(captured.out)["error"] == {
        "type": "Interrupted",
        "message": "interrupted (fits 3 of 12, reading 5); fits are kept",
        "exit_code": 130,
        "done": {"fits": {"done": 3, "total": 12}, "reading": {"done": 5, "total": None}},
        "kept": "fits are kept",
    }


def test_ctrl_c_outside_any_work_ends_with_130(
    inside: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_file, "load", broken_load(KeyboardInterrupt()))
    ended = inside("backtest", "c.yaml", "--json")
    assert (ended.code, ended.err) == (130, "interrupted\n")
    assert ended.json["error"]["exit_code"] == 130


def test_a_reader_that_leaves_early_is_no_fault() -> None:
    script = Path(sys.executable).with_name("tradewind")
    both = subprocess.run(
        f"'{script}' data check nowhere.csv --json | true; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
    )
    assert both.stdout == "2\n", "the command keeps its own exit code"
    assert "Traceback" not in both.stderr
    assert "BrokenPipe" not in both.stderr
