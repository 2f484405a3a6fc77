"""The shell of the command line: help, version, spelling, completion, exit codes."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from tradewind.engine.cli.app import app, separate_assignments

ROOT = Path(__file__).parents[2]
COMMANDS = (
    "audit", "backtest", "compare", "data check", "data fetch", "data show", "evolve", "init",
    "ledger show", "ledger verify", "paper daily", "paper flatten", "paper halt", "paper pause",
    "paper reconcile", "paper resume", "paper salvage", "paper start", "paper status",
    "paper stop", "report", "reproduce", "runs", "sweep", "train", "verify",
)  # fmt: skip


def leaves() -> dict[str, Any]:
    """Every command by its full name."""
    found = {}
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        parts = getattr(command, "commands", None)
        if parts is None:
            found[name] = command
        else:
            found |= {f"{name} {part}": leaf for part, leaf in parts.items()}
    return found


def test_these_are_the_commands() -> None:
    assert tuple(sorted(leaves())) == COMMANDS


@pytest.mark.parametrize("command", ["", "data", *COMMANDS])
def test_every_command_explains_itself(inside: Callable[..., Any], command: str) -> None:
    ended = inside(*command.split(), "--help")
    assert ended.code == 0
    assert ended.out.startswith(f"Usage: tradewind {command}".rstrip())
    assert len(ended.out.splitlines()) > 6
    assert max(map(len, ended.out.splitlines())) <= 100
    assert ended.err == ""
    assert inside(*command.split(), "-h").out == ended.out


def test_every_option_has_a_description() -> None:
    for name, command in leaves().items():
        for parameter in command.params:
            assert getattr(parameter, "help", ""), f"{name}: {parameter.name}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_answer_a_script(command: str) -> None:
    assert any("--json" in parameter.opts for parameter in leaves()[command].params)


def test_the_documentation_lists_every_command_and_option() -> None:
    text = (ROOT / "docs" / "cli.md").read_text("utf-8")
    for name, command in leaves().items():
        assert f"`tradewind {name}" in text, name
        assert f"| `{name}` |" in text, f"{name}: keys of its JSON object"
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert parameter.opts[0] in text, f"{name} {parameter.opts[0]}"


def test_the_version_is_that_of_the_package(tradewind: Callable[..., Any]) -> None:
    ended = tradewind("--version")
    assert (ended.code, ended.out) == (0, "tradewind 0.1.0\n")


def test_without_a_command_it_shows_the_help_and_calls_it_wrong(inside: Callable[..., Any]) -> None:
    ended = inside()
    assert ended.code == 2
    assert "backtest" in ended.out + ended.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["backtset"], "No such command 'backtset'. Did you mean 'backtest'?"),
        (["data", "chekc"], "No such command 'chekc'. Did you mean 'check'?"),
        (["backtest", "--stes"], "No such option: --stes"),
        (["runs", "--jsno"], "No such option: --jsno (Possible options: --json)"),
        (["backtest", "--executor", "kernal"], "'--executor': 'kernal' is not one of 'kernel'"),
        (["backtest", "--workers", "-1"], "'--workers': Input should be greater than"),
        (["backtest", "--workers", "x"], "'--workers': Input should be a valid int"),
        (["verify"], "Missing argument 'RUN'"),
        (["runs", "surplus"], "Got unexpected extra argument(s) (surplus)"),
        (["backtest", "--set"], "Option '--set' requires an argument"),
    ],
)
def test_a_wrong_command_line_is_named_with_exit_code_2(
    inside: Callable[..., Any], arguments: list[str], message: str
) -> None:
    ended = inside(*arguments)
    assert (ended.code, ended.out) == (2, "")
    ended.says(message, "--help'.")


def test_an_error_is_one_json_object_where_that_was_asked_for(inside: Callable[..., Any]) -> None:
    ended = inside("backtest", "nowhere.yaml", "--json")
    assert ended.code == 2
    error = ended.json["error"]
    assert error["type"] == "ConfigError"
    assert error["exit_code"] == 2
    assert error["message"].startswith("nowhere.yaml: no such file")
    assert ended.err == error["message"] + "\n"
    assert inside("backtset", "--json").json["error"]["exit_code"] == 2


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("backtest c --set a=1 b.c=2 --json", "backtest c --set a=1 --set b.c=2 --json"),
        ("backtest --set a=1 b=2 c=3", "backtest --set a=1 --set b=2 --set c=3"),
        ("backtest --set=a=1 b=2", "backtest --set=a=1 --set b=2"),
        ("backtest --set a=1 c.yaml", "backtest --set a=1 c.yaml"),
        ("backtest --set a=1 --out x=1", "backtest --set a=1 --out x=1"),
        ("backtest --set a=--set b=1", "backtest --set a=--set --set b=1"),
        ("backtest --set", "backtest --set"),
        ("data fetch EURUSD=X GC=F", "data fetch EURUSD=X GC=F"),
        ("", ""),
    ],
)
def test_several_assignments_may_follow_one_set(written: str, meant: str) -> None:
    assert separate_assignments(written.split()) == meant.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_there_for_the_usual_shells(
    tradewind: Callable[..., Any], shell: str
) -> None:
    ended = tradewind("--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert ended.code == 0
    assert "_TRADEWIND_COMPLETE" in ended.out


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("tradewind ba", ["backtest"]),
        ("tradewind data ", ["fetch", "check", "show"]),
        ("tradewind backtest sma", ["sma-cross"]),
        ("tradewind backtest mine", ["mine.yaml"]),
        ("tradewind verify run", ["run-a", "run-b"]),
        ("tradewind verify la", ["latest"]),
        ("tradewind backtest --exe", ["--executor"]),
        ("tradewind backtest --executor ce", ["cerebro"]),
    ],
)
def test_the_tab_key_completes_commands_options_presets_and_runs(
    tradewind: Callable[..., Any], project: Path, words: str, found: list[str]
) -> None:
    (project / "mine.yaml").write_text("")
    for name in ("run-a", "run-b"):
        (project / "results" / name).mkdir(parents=True)
        (project / "results" / name / "manifest.json").write_text("{}")
    ended = tradewind(
        _TRADEWIND_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(words.count(" "))
    )
    assert sorted(ended.out.split()) == sorted(found), ended.err


@pytest.mark.parametrize("words", [["--help"], ["backtest", "--help"], ["data", "show", "--help"]])
def test_help_loads_nothing_that_it_does_not_show(words: list[str]) -> None:
    code = (
        "import sys\nfrom tradewind.engine.cli.app import main\n"
        f"try: main({words!r})\nexcept SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    ).stderr.split()
    assert "typer" in loaded
    assert not {"pydantic", "numpy", "pandas", "torch", "rich", "ruamel.yaml"} & set(loaded)
