"""Several workers on one study, for real: journal, SQLite, PostgreSQL, kill -9, a storage away."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.postgres import Server, binaries, server
from tradewind.engine.errors import ConfigError, OutsideError
from tradewind.engine.sweeping.storage import lock_of, shown, study_storage

SCRIPT = Path(sys.executable).with_name("tradewind")
CONFIG = """\
name: shared
data: {source: embedded, symbols: [KO, PEP, JPM]}
strategy: {kind: sma_cross}
costs: {fee_bps: 1, spread: {kind: constant, bps: 4}}
sweep:
  space:
    strategy.fast: {low: 2, high: 60}
    strategy.slow: {low: 70, high: 200, step: 5}
  sampler: random
  trials: TRIALS
"""


def written(folder: Path, trials: int = 40) -> None:
    (folder / "c.yaml").write_text(CONFIG.replace("TRIALS", str(trials)))


def begun(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(SCRIPT), "sweep", *arguments, "--json"], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(one: subprocess.Popen[str], code: int = 0) -> Any:
    out, err = one.communicate(timeout=200)
    assert one.returncode == code, err
    return json.loads(out)


def trials(folder: Path, name: str = "s") -> Any:
    return pq.read_table(folder / "results" / name / "trials.parquet").to_pydict()


def check_whole(folder: Path, n: int) -> None:
    """Every setting stands once, and the best one is what a backtest gives."""
    found = trials(folder)
    assert len(set(found["content"])) == len(found["content"])
    assert n - 4 <= len(found["content"]) <= n + 8  # doubles count as asked, and are told apart
    best = max(found["score sharpe"])
    table = json.loads((folder / "results/s/sweep.json").read_text())
    assert table["best"]["scores"]["sharpe"] == best
    run = subprocess.run(
        [str(SCRIPT), "backtest", "results/s/best.yaml", "--json"], cwd=folder,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(run.stdout)["metrics"]["strategy"]["sharpe"] == pytest.approx(
        table["best"]["whole"]["strategy.sharpe"], abs=0.0
    )


def test_the_storage_is_chosen_by_its_address_and_passwords_are_not_shown(tmp_path: Path) -> None:
    assert shown("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"
    assert shown("journal:x") == "journal:x"
    for where, words in (("redis://x", "unknown"), ("journal:", "wanted a file")):
        with pytest.raises(ConfigError, match=words):
            study_storage(where)
    with pytest.raises(OutsideError, match="cannot be reached"):
        study_storage("postgresql://me:secret@127.0.0.1:1/none")
    with pytest.raises(OutsideError, match="unable to open"):
        study_storage(f"sqlite:///{tmp_path}/none/x.db")


def test_a_killed_writer_holds_nobody_up(tmp_path: Path) -> None:
    """Optuna's own lock would make the next writer wait for 30 s."""
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from tradewind.engine.sweeping.storage import lock_of\n"
        "lock_of(Path(sys.argv[1])).acquire(); print('held', flush=True); time.sleep(60)"
    )
    one = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "j")], stdout=subprocess.PIPE, text=True
    )
    assert one.stdout is not None and one.stdout.readline() == "held\n"
    os.kill(one.pid, signal.SIGKILL)
    begins = time.monotonic()
    lock = lock_of(tmp_path / "j")
    assert lock.acquire()
    lock.release()
    one.communicate()
    assert time.monotonic() - begins < 5.0


@pytest.mark.slow
def test_workers_share_a_journal_and_one_that_is_killed_loses_no_trial(tmp_path: Path) -> None:
    written(tmp_path, 60)
    where = f"journal:{tmp_path / 'study.journal'}"
    first = begun(tmp_path, "c.yaml", "--storage", where, "--study", "s")
    while not (tmp_path / "study.journal").exists() or first.poll() is not None:
        time.sleep(0.2)
    victims = [begun(tmp_path, "worker", "--storage", where, "--study", "s") for _ in range(2)]
    time.sleep(6)
    os.kill(victims[0].pid, signal.SIGKILL)
    victims[0].communicate()
    ended(first)
    ended(victims[1])
    check_whole(tmp_path, 60)
    assert ended(begun(tmp_path, "worker", "--storage", where))["done"] >= 50  # nothing is left


def test_a_study_of_that_name_with_another_space_is_refused(tmp_path: Path) -> None:
    written(tmp_path, 4)
    where = f"sqlite:///{tmp_path}/s.db"
    ended(begun(tmp_path, "c.yaml", "--storage", where, "--study", "s"))
    one = begun(
        tmp_path, "c.yaml", "--storage", where, "--study", "s", "--set",
        "sweep.space={strategy.fast: {low: 2, high: 9}}",
    )  # fmt: skip
    error = ended(one, 2)["error"]["message"]
    assert "another study" in error and "high: 60 there, 9 here" in error
    none = ended(begun(tmp_path, "worker", "--storage", where, "--study", "t"), 2)
    assert "holds no study 't'; it has: s" in none["error"]["message"]
    grid = begun(tmp_path, "c.yaml", "--storage", where, "--set", "sweep.sampler=grid")
    assert "leave --storage out" in ended(grid, 2)["error"]["message"]


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    folder = binaries()
    if folder is None:
        pytest.skip("needs PostgreSQL: apt install postgresql")
    with server(folder) as made:
        yield made


@pytest.mark.slow
def test_a_database_that_goes_away_for_a_while_costs_no_trial(
    tmp_path: Path, database: Server
) -> None:
    written(tmp_path, 50)
    first = begun(tmp_path, "c.yaml", "--storage", database.url, "--study", "s")
    time.sleep(7)
    database.stop()
    time.sleep(4)
    database.start()
    helper = begun(tmp_path, "worker", "--storage", database.url, "--study", "s")
    ended(first)
    helper.communicate(timeout=200)
    check_whole(tmp_path, 50)


@pytest.mark.slow
def test_a_proxy_stands_before_the_database(tmp_path: Path, database: Server) -> None:
    written(tmp_path, 8)
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    proxy = subprocess.Popen(
        [str(SCRIPT), "sweep", "proxy", "--storage", database.url, "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        where = f"grpc://127.0.0.1:{port}"
        ended(begun(tmp_path, "c.yaml", "--storage", where, "--study", "through-a-proxy"))
    finally:
        proxy.kill()
        proxy.wait()
    found = trials(tmp_path, "through-a-proxy")
    assert len(found["content"]) == 8
