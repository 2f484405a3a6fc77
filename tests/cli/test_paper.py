"""``tradewind paper`` as a user meets it: begun, watched, stopped, killed, gone on with."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import paper_runs
from tests.cli.conftest import SCRIPT
from tradewind.engine.cli import paper_asking
from tradewind.engine.errors import JournalDiskError
from tradewind.engine.journal import lease
from tradewind.engine.journal.journal import JournalReader
from tradewind.engine.live import control, home, opening, running

CONFIG = """
name: crosses
data: {{source: embedded, symbols: [KO, MSFT, XOM], start: 2016-01-04}}
strategy: {{kind: sma_cross, fast: 5, slow: 20}}
costs: {{fee_bps: 1, spread: {{kind: constant, bps: 4}}}}
paper:
  feed: {{kind: replay, speed: {speed}}}
  start: 2017-01-03
  journal: {{sync: normal}}
"""
SLOW = 1_000_000  # a day takes 0.09 s
Command = Callable[..., Any]


@pytest.fixture
def config(project: Path) -> Path:
    """A config that replays as fast as it goes."""
    file = project / "crosses.yaml"
    file.write_text(CONFIG.format(speed="max"), "utf-8")
    return file


@pytest.fixture
def slow(project: Path) -> Path:
    """A config that takes its time."""
    file = project / "slow.yaml"
    file.write_text(CONFIG.format(speed=SLOW), "utf-8")
    return file


def begun(project: Path, config: Path, *more: str) -> "subprocess.Popen[str]":
    """A run in a process of its own, once it has taken some bars."""
    process = subprocess.Popen(
        [str(SCRIPT), "paper", str(config), "--name", "run", *more], cwd=project, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    at_work(project, process)
    return process


def at_work(project: Path, process: "subprocess.Popen[str]") -> None:
    """Wait until a process has taken some bars."""
    signed = project / "results" / "run" / "control" / "process"
    end = time.monotonic() + 120.0
    while not signed.exists() or signed.read_text("utf-8") != str(process.pid):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(1.0)


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a process that is about to end."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_a_run_replays_to_the_end_of_its_data_and_says_what_came_of_it(
    inside: Command, config: Path
) -> None:
    found = inside("paper", str(config), "--name", "run", "--json")
    assert found.code == 0
    assert found.json["bars"] == 217
    assert found.json["fills"] > 10
    assert found.json["ended"] == "the feed is at its end"
    status = inside("paper", "status", "--json").json["runs"]
    assert [one["state"] for one in status] == ["stopped"]
    signed = Path("results/run/control/process")
    signed.write_text(str(os.getpid()), "utf-8")  # as a power cut leaves it, for anybody to have
    assert inside("paper", "status", "--json").json["runs"] == status
    inside("paper", "stop", "run").says("no process works on it")
    backtest = inside("backtest", str(config), "--json").json  # the same file, without a feed
    assert backtest["metrics"]["strategy"]["final_equity"] > 0


def test_a_run_is_paused_resumed_and_stopped_from_another_process(
    project: Path, slow: Path, inside: Command
) -> None:
    process = begun(project, slow)
    assert inside("paper", "pause", "run", "--json").json["obeyed"] is True
    assert inside("paper", "status", "run", "--json").json["runs"][0]["mode"] == "paused"
    assert "running, paused" in inside("paper", "status").out
    assert inside("paper", "resume", "run").out == "run: resume, obeyed\n"
    idle = inside("paper", "resume", "run", "--json")
    assert idle.json["obeyed"] is False
    idle.says("run: works and is not paused")
    assert inside("paper", "halt", "run", "KO").code == 0
    for command in (["halt", "run", "MSF"], ["halt", "run", "MSF", "--delisted"]):
        wrong = inside("paper", *command)
        assert wrong.code == 2
        wrong.says("run: 'MSF' is not traded by this run (did you mean 'MSFT'?)")
    folder = project / "results" / "run" / "control"  # whatever comes by another door
    number = control.drop(folder, "halt", by="file", symbol="NOPE")
    while (answer := control.answer(folder, number)) is None:
        time.sleep(0.05)
    assert answer.startswith("'NOPE' is not traded by this run")
    second = inside("paper", "resume", "run", "--thaw")  # it works: nobody takes it over
    assert second.code == 0
    assert inside("paper", "stop", "run").code == 0
    code, out, _ = ended(process)
    assert code == 0
    assert "stop by cli" in out
    assert inside("paper", "status").out.split()[12:14] == ["run", "stopped"]


def test_a_killed_run_is_seen_as_such_and_goes_on(
    project: Path, slow: Path, inside: Command
) -> None:
    process = begun(project, slow)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    before = inside("paper", "status", "run", "--json").json["runs"][0]
    assert before["state"] == "died"
    asked = inside("paper", "stop", "run")
    assert asked.code == 2
    asked.says("no process works on it", "paper resume run")
    process = subprocess.Popen([str(SCRIPT), "paper", "resume", "run", "--json"], cwd=project,
                               text=True, stdout=subprocess.PIPE)  # fmt: skip
    at_work(project, process)
    process.send_signal(signal.SIGTERM)
    code, out, _ = ended(process)
    assert code == 0
    after = json.loads(out)
    assert after["bars"] > before["bars"]
    assert "signal 15" in after["ended"]


def test_a_command_that_its_process_did_not_live_to_obey_is_taken_back(
    inside: Command, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper_runs.begun(Path("results"), config.read_text("utf-8")).journal.close()
    answers = iter([True, False])
    monkeypatch.setattr(paper_asking, "works", lambda home: next(answers))
    found = inside("paper", "pause", "run")
    assert found.code == 2
    found.says("run: its process ended before it obeyed 'pause', which is taken back")
    assert not list(Path("results/run/control").iterdir())


def test_the_kill_switch_is_heard_while_a_run_is_being_opened(
    inside: Command, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, arguments in (("start", [str(config), "--name", "run"]), ("resume", ["run"])):
        opens = getattr(opening, name)

        def opened(*given: Any, opens: Any = opens, **more: Any) -> Any:
            os.kill(os.getpid(), signal.SIGUSR1)
            return opens(*given, **more)

        monkeypatch.setattr(opening, name, opened)
        found = inside("paper", name, *arguments, "--json")
        assert found.code == 0
        assert (found.json["bars"], found.json["fills"]) == (217, 0)
    with JournalReader(Path("results") / "run" / "journal.sqlite") as reader:
        asked = [event.facts["by"] for event in reader.events(kinds=("command",))]
    assert asked == [f"signal {int(signal.SIGUSR1)}"] * 2
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


@pytest.mark.parametrize("more", [[], ["--live"]])
def test_a_paused_run_that_died_goes_on_paused_unless_a_person_says_live(
    inside: Command, config: Path, more: list[str]
) -> None:
    opened = paper_runs.begun(Path("results"), config.read_text("utf-8"))
    opened.asks = [control.command("pause", by="a test")]

    def dies(step: str) -> None:
        if step == "after_command":
            raise MemoryError

    with pytest.raises(MemoryError):
        paper_runs.worked(opened, commands={}, reached=dies)
    found = inside("paper", "resume", "run", *more, "--json")
    assert found.code == 0
    assert (found.json["fills"] > 10) is bool(more)
    assert ("run: paused by a test at " in found.err) is not bool(more)
    assert ("as --live does at the start" in found.err) is not bool(more)


def test_a_run_has_one_process_at_a_time(project: Path, slow: Path, inside: Command) -> None:
    process = begun(project, slow)
    from tradewind.engine.errors import JournalError
    from tradewind.engine.live import opening

    with pytest.raises(JournalError, match=rf"process {process.pid} on .* writes it"):
        opening.resume(project / "results" / "run")
    process.send_signal(signal.SIGINT)
    assert ended(process)[0] == 0


def test_a_run_closes_everything_before_it_stops_if_asked(
    project: Path, slow: Path, inside: Command
) -> None:
    process = begun(project, slow)
    assert inside("paper", "stop", "run", "--flatten").code == 0
    assert ended(process)[0] == 0
    found = inside("paper", "status", "run", "--json").json["runs"][0]
    assert (found["positions"], found["orders"]) == (0, 0)


def test_the_kill_switch_outlives_the_process(project: Path, slow: Path, inside: Command) -> None:
    process = begun(project, slow)
    assert inside("paper", "stop", "run", "--kill", "--flatten").code == 0
    assert ended(process)[0] == 0
    again = subprocess.Popen([str(SCRIPT), "paper", "resume", "run"], cwd=project, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    at_work(project, again)
    again.send_signal(signal.SIGTERM)
    code, _, err = ended(again)
    assert code == 0
    assert "--thaw lifts that" in err
    assert inside("paper", "status", "run", "--json").json["runs"][0]["positions"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("paper.feed=yahooo", "did you mean 'yahoo'?"),
        ("paper.feed={kind: replay, sped: 3}", "paper.feed.sped: unknown key"),
        ("paper.start=1990-01-01", "name a day inside the data"),
        ("paper.feed=yahoo", "a history that ends on 2017-11-10"),
        ("paper.risk.max_weight=-1", "paper.risk.max_weight"),
        ("paper.risk.halted=[KOO]", "did you mean 'KO'?"),
        ("paper.venue=alpacca", "known: paper, alpaca"),
        ("executor=cerebro", "executor: the compiled kernel fills a paper run"),
        ("rules=backtrader", "the rules of tradewind alone"),
        ("paper.rsk={}", "did you mean 'risk'?"),
    ],
)
def test_a_wrong_config_is_one_message_and_exit_code_2(
    inside: Command, config: Path, change: str, message: str
) -> None:
    found = inside("paper", str(config), "--set", change)
    assert found.code == 2
    found.says(message)
    assert not list(Path("results").glob("*")) if Path("results").exists() else True


def test_a_start_that_is_refused_leaves_nothing(inside: Command, config: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        taken = inside("paper", str(config), "--page", "--set", f"paper.dashboard.port={port}")
    assert taken.code == 2
    taken.says("--set[0]: paper.dashboard.port", f"{port} cannot be listened on", "name another")
    assert not Path("results").exists()


@pytest.mark.parametrize(
    ("file", "way"),
    [("journal.sqlite", "'tradewind paper resume run' goes on with that run"),
     ("metrics.json", "it is no paper run; remove it")],
)  # fmt: skip
def test_a_name_that_is_taken_is_refused_with_the_way_out(
    inside: Command, config: Path, file: str, way: str
) -> None:
    (Path("results") / "run").mkdir(parents=True)
    (Path("results") / "run" / file).touch()
    found = inside("paper", str(config), "--name", "run")
    assert found.code == 2
    found.says(f"--name run: {Path('results') / 'run'} is there already", way, "give another")
    assert [path.name for path in Path("results").iterdir()] == ["run"]


def full(*_: Any, **__: Any) -> None:
    """A disk without room."""
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(("place", "call"), [(home, "put"), (lease, "_taken_over")])
def test_a_start_on_a_full_disk_may_be_tried_again_and_leaves_nothing(
    inside: Command, config: Path, monkeypatch: pytest.MonkeyPatch, place: Any, call: str
) -> None:
    with monkeypatch.context() as disk:
        disk.setattr(place, call, full)
        found = inside("paper", str(config), "--name", "run")
    assert found.code == 3
    found.says("No space left on device")
    assert not list(Path("results").iterdir())
    assert inside("paper", str(config), "--name", "run").code == 0


def test_a_run_that_dies_of_a_full_disk_says_so_and_may_be_tried_again(
    inside: Command, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = paper_runs.begun(Path("results"), config.read_text("utf-8"))
    append, turns = opened.journal.append, [3]

    def no_room(events: Any) -> int:
        turns[0] -= 1
        if turns[0] < 0:
            raise JournalDiskError("journal.sqlite: the disk is full, nothing more was written")
        return append(events)

    monkeypatch.setattr(opened.journal, "append", no_room)
    with pytest.raises(JournalDiskError, match="the disk is full"):
        running.work(opened)
    found = inside("paper", "status", "run", "--json").json["runs"][0]
    assert found["state"] == "died"
    assert "the disk is full, nothing more was written" in found["ended"]
    places: list[tuple[Any, str, int]] = [(lease, "_taken_over", 3), (Path, "write_text", 0)]
    for place, call, code in places:
        with monkeypatch.context() as disk:
            disk.setattr(place, call, full)
            again = inside("paper", "resume", "run")
        assert again.code == code
        assert "Traceback" not in again.err
    assert inside("paper", "status", "run", "--json").json["runs"][0]["bars"] == 217


def test_a_run_is_told_as_an_ordinary_one_and_cerebro_fills_the_same(
    inside: Command, config: Path
) -> None:
    inside("paper", str(config), "--name", "run")
    assert inside("runs", "--json").json["runs"] == []
    told = inside("report", "run", "--json").json
    assert Path(told["report"]).is_file()
    verified = inside("verify", told["run"], "--json").json
    assert verified["identical"] is True
    assert verified["n_fills"] > 10
    compared = inside("compare", "run", "--json").json
    assert compared["difference"] == 0.0
    assert compared["only_live"] == compared["only_backtest"] == 0
    found = inside("verify", "run")
    assert found.code == 2
    found.says("is a paper run", "tradewind report run")


def test_a_run_is_compared_with_a_backtest_over_the_days_of_the_run_alone(
    inside: Command, config: Path
) -> None:
    days = ("--set", "data.end=2017-03-31")
    inside("paper", str(config), "--name", "run", *days)
    earlier = inside("backtest", str(config), "--set", "account.cash=5000", "--json").json["run"]
    compared = inside("compare", "run", earlier, "--json").json
    assert compared["anew"] is True
    assert compared["since"].startswith("2017-01-03")
    assert compared["upto"].startswith("2017-03-31")
    assert compared["matched"] > 5
    assert compared["only_live"] == compared["only_backtest"] == 0
    assert compared["difference"] == pytest.approx(0.0, abs=0.01)


def test_what_is_no_paper_run_is_named(inside: Command, config: Path) -> None:
    run = inside("backtest", str(config), "--json").json["run"]
    for command in ("resume", "stop", "pause"):
        found = inside("paper", command, run)
        assert found.code == 2
        found.says("is no paper run")


def test_a_feed_that_cannot_be_reached_is_waited_for_and_says_so_without_a_traceback(
    project: Path, config: Path, inside: Command
) -> None:
    process = begun(project, config, "--set", "paper.feed={kind: yahoo, url: 'ws://127.0.0.1:9/'}",
                    "--set", "paper.oldest_history_days=null")  # fmt: skip
    log, end = project / "results" / "run" / "log.jsonl", time.monotonic() + 60.0
    while "down: " not in log.read_text("utf-8"):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert inside("paper", "status", "run", "--json").json["runs"][0]["feed"].startswith("down ")
    process.send_signal(signal.SIGTERM)
    code, out, err = ended(process)
    assert code == 0
    assert "no bar was taken" in out
    assert "Traceback" not in err
