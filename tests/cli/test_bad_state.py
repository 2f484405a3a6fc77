"""Damaged stores, damaged checkpoints and folders nobody can write to, through the real command."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewind.engine.feeds.store import Store
from tradewind.engine.feeds.store_records import Entry
from tradewind.engine.feeds.store_series import Prices, Series, no_events
from tradewind.engine.records import DAY_NS

FIRST_DAY, N_DAYS = 19_000, 200  # 2022-01-08
SMA = "strategy: {kind: sma_cross, fast: 5, slow: 20}\n"
LSTM = """\
strategy: {kind: timing}
data: {symbols: [MSFT, KO], start: 2015-01-02, end: 2016-12-30}
forecaster:
  kind: lstm
  window: 5
  hidden: 2
  epochs: 1
  features: [scaled_return_1]
  vol_lookback: 10
  stride: 1
  walk_forward: {train: 250, refit: 100}
"""


@pytest.fixture
def store(project: Path) -> Path:
    """A store with 200 days of SPY, and a config that reads it offline."""
    ts = (np.arange(N_DAYS) + FIRST_DAY) * DAY_NS
    close = 100.0 + np.arange(N_DAYS) % 30
    values = np.stack([close, close + 1, close - 1, close, np.full(N_DAYS, 1e6)], axis=1)
    first, last = (str(np.datetime64(int(t), "ns").astype("datetime64[D]")) for t in ts[[0, -1]])
    entry = Entry(
        provider="yahoo", interval="1d", symbol="SPY", covered_from=first, covered_to=last,
        first=0, last=0, rows=0, timezone="America/New_York", session_end=960, currency="USD",
        fetched_at=1_700_000_000 * 10**9, provider_version="yfinance", prices_file="",
        prices_sha256="", events_file="", events_sha256="", bytes=0,
    )  # fmt: skip
    with Store(project / "store").writing() as pen:
        pen.save(entry, Series(Prices(ts, values), no_events()))
    (project / "config.yaml").write_text(
        f"{SMA}data: {{source: yahoo, symbols: [SPY], start: {first}, end: {last}, offline: true, "
        "store: store, calendar: none}\n"
    )
    return project / "store"


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def test_a_sound_store_is_traded_without_the_network(
    inside: Callable[..., Any], store: Path
) -> None:
    ended = inside("backtest", "config.yaml", "--json")
    assert ended.code == 0, ended.err
    assert ended.json["metrics"]["orders"]["fills"] > 0
    listed = inside("data", "show", "--store", "store", "--json").json
    assert [(s["symbol"], s["rows"]) for s in listed["series"]] == [("SPY", N_DAYS)]


def test_a_damaged_price_file_is_refused_with_its_name_and_the_way_out(
    tradewind: Callable[..., Any], store: Path
) -> None:
    (prices,) = store.rglob("prices*.parquet")
    flip(prices)
    ended = tradewind("backtest", "config.yaml", "--json")
    assert ended.code == 2
    ended.says(prices.name, "tradewind data fetch SPY", "--refetch")
    assert ended.json["error"]["type"] == "StoreError"


def test_a_damaged_table_of_contents_is_refused(inside: Callable[..., Any], store: Path) -> None:
    (manifest,) = (path for path in store.iterdir() if path.is_file() and "-" not in path.name)
    manifest.write_bytes(b"not a database" * 100)
    for command in (["backtest", "config.yaml"], ["data", "show", "--store", "store"]):
        ended = inside(*command)
        assert ended.code == 2, ended.err
        ended.says(manifest.name, "--refetch")


def test_a_damaged_checkpoint_is_refused_and_a_fresh_fit_replaces_it(
    tradewind: Callable[..., Any],
    inside: Callable[..., Any],
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (project / "config.yaml").write_text(LSTM)
    monkeypatch.setenv("TRADEWIND_CACHE", str(project / "cache"))
    trained = inside("train", "config.yaml", "--workers", "0", "--json")
    assert trained.code == 0, trained.err
    folds = trained.json["folds"]
    assert [fold["from_cache"] for fold in folds] == [False, False, False]
    weights = [*Path(folds[0]["folder"]).rglob("*.safetensors")]
    assert weights, "a checkpoint is kept"
    flip(weights[0])
    refused = tradewind("backtest", "config.yaml", "--json")
    assert refused.code == 2
    refused.says(weights[0].name, "damaged", "--fresh")
    assert refused.json["error"]["type"] == "CheckpointError"
    again = inside("train", "config.yaml", "--fresh", "--workers", "0", "--json")
    assert again.code == 0, again.err
    kept = inside("train", "config.yaml", "--json").json["folds"]
    assert [fold["from_cache"] for fold in kept] == [True, True, True]


@pytest.mark.parametrize("place", ["file/below", "/proc/tradewind", "/dev/null/x"])
def test_a_results_folder_nobody_can_write_to_is_refused_before_the_work(
    tradewind: Callable[..., Any], project: Path, place: str
) -> None:
    if place.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("there is no such folder here")
    (project / "file").write_text("")
    (project / "config.yaml").write_text(LSTM)
    cache = project / "cache"
    ended = tradewind("backtest", "config.yaml", "--out", place, TRADEWIND_CACHE=str(cache))
    assert ended.code == 2
    ended.says(place, "cannot be written", "--out")
    assert not cache.exists(), "nothing was fitted for a folder that cannot be written"


def test_a_run_that_is_damaged_is_refused_by_everything_that_reads_it(
    inside: Callable[..., Any], project: Path
) -> None:
    (project / "config.yaml").write_text(SMA + "data: {symbols: [KO], end: 2014-12-31}\n")
    folder = Path(inside("backtest", "config.yaml", "--json").json["folder"])
    flip(folder / "fills.parquet")
    for command in ("verify", "reproduce", "report"):
        ended = inside(command, "latest")
        assert ended.code == 2
        ended.says(f"{folder / 'fills.parquet'}: is not the file the run wrote")
    (folder / "fills.parquet").unlink()
    assert "fills.parquet" in inside("runs", "--json").json["runs"][0]["damage"]


def test_a_run_that_does_not_verify_or_reproduce_says_no(
    inside: Callable[..., Any], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradewind.engine import runner

    (project / "config.yaml").write_text(SMA + "data: {symbols: [KO], end: 2014-12-31}\n")
    assert inside("backtest", "config.yaml").code == 0
    for command, result in (
        ("verify", runner.Verification(False, "kernel", "cerebro", 9, ("fill 3: price",) * 30)),
        ("reproduce", runner.Reproduction(False, ("fill 3: price",) * 30)),
    ):
        monkeypatch.setattr(runner, command, lambda *_, result=result, **__: result)
        ended = inside(command, "latest")
        assert ended.code == 1
        assert "fill 3: price" in ended.out
        assert "and 10 more" in ended.out
        answer = inside(command, "latest", "--json")
        assert (answer.code, answer.json["identical"]) == (1, False)
        assert len(answer.json["differences"]) == 30


def test_two_runs_at_once_do_not_disturb_each_other(
    tradewind: Callable[..., Any], project: Path
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    (project / "config.yaml").write_text(SMA + "data: {symbols: [KO], end: 2014-12-31}\n")
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda _: tradewind("backtest", "config.yaml", "--json"), range(2)))
    assert [run.code for run in ended] == [0, 0]
    folders = {run.json["folder"] for run in ended}
    assert len(folders) == 2
    assert {entry.name for entry in os.scandir(project / "results")} == {
        Path(folder).name for folder in folders
    }
