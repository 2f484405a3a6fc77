"""Run folders: whole or not at all, the same bytes each time, and the same run when read back."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tradewind.engine.config import file as config_file
from tradewind.engine.errors import RunError
from tradewind.engine.protocols import Forecasts, Signals
from tradewind.engine.report import contents, folder, page, prices
from tradewind.engine.report.run import Run
from tradewind.engine.types import OrderType, Reason

BUILDER = run_path(str(Path(__file__).with_name("make_run.py")))
RUN: Run = BUILDER["make_run"](("MSFT", "JPM", "EMC"))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return folder.write(RUN, tmp_path)


def test_a_folder_holds_everything_the_contract_names(written: Path) -> None:
    wanted = {"config.yaml", "manifest.json", "metrics.json", "log.jsonl", "report.html"}
    tables = ("equity", "orders", "fills", "events", "trades", "signals", "prices")
    wanted |= {f"{name}.parquet" for name in tables}
    assert {path.name for path in written.iterdir()} == wanted
    assert written.name == RUN.name


def test_the_same_run_gives_the_same_bytes_in_every_parquet(tmp_path: Path) -> None:
    one, two = folder.write(RUN, tmp_path / "a"), folder.write(RUN, tmp_path / "b")
    compared = [p.name for p in one.glob("*.parquet") if p.stat().st_size > 0]
    assert len(compared) == 7
    for name in compared:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_the_run_read_back_is_the_run_written(written: Path) -> None:
    back = folder.read(written)
    assert back.panel.digest() == RUN.panel.digest()
    assert back.config == RUN.config
    assert RUN.signals.forecasts is not None and back.signals.forecasts is not None
    np.testing.assert_array_equal(back.signals.forecasts.mean, RUN.signals.forecasts.mean)
    np.testing.assert_array_equal(back.signals.forecasts.std, RUN.signals.forecasts.std)
    assert back.signals.forecasts.horizon == RUN.signals.forecasts.horizon
    for name in ("equity", "cash", "gross", "borrow", "orders", "fills"):
        ours, theirs = getattr(back.simulation, name), getattr(RUN.simulation, name)
        assert len(ours) and ours.tobytes() == theirs.tobytes(), name
    assert back.trades.tobytes() == RUN.trades.tobytes()
    np.testing.assert_array_equal(back.benchmark, RUN.benchmark)
    assert (back.name, back.first_bar, back.notes) == (RUN.name, RUN.first_bar, RUN.notes)
    assert (back.metrics, back.log, back.manifest) == (RUN.metrics, RUN.log, RUN.manifest)


def test_a_run_read_back_and_written_again_gives_the_same_parquets(tmp_path: Path) -> None:
    one = folder.write(RUN, tmp_path / "a")
    two = folder.write(folder.read(one), tmp_path / "b")
    for name in contents.PARQUETS:
        assert folder.file_hash(one / name) == folder.file_hash(two / name), name


def test_scores_and_quantiles_survive_the_folder(tmp_path: Path) -> None:
    forecasts = RUN.signals.forecasts
    assert forecasts is not None
    levels = (0.1, 0.9)
    spread = np.array([-1.28, 1.28])
    quantiles = forecasts.mean[..., None] + forecasts.std[..., None] * spread
    scores = np.where(np.isnan(forecasts.mean), np.nan, forecasts.mean / forecasts.std)
    made = Forecasts(forecasts.mean, forecasts.std, forecasts.horizon, levels, quantiles)
    back = folder.read(folder.write(replace(RUN, signals=Signals(made, scores)), tmp_path)).signals
    assert back.forecasts is not None and back.forecasts.levels == levels
    np.testing.assert_array_equal(back.forecasts.quantiles, quantiles)
    np.testing.assert_array_equal(np.asarray(back.scores), scores)


def test_a_run_without_forecasts_orders_or_trades_survives_the_folder(tmp_path: Path) -> None:
    sim = replace(RUN.simulation, orders=RUN.simulation.orders[:0], fills=RUN.simulation.fills[:0])
    bare = replace(RUN, signals=Signals(), simulation=sim, trades=RUN.trades[:0], log=())
    back = folder.read(folder.write(bare, tmp_path))
    assert back.signals.forecasts is None and back.signals.scores is None
    assert len(back.simulation.orders) == len(back.simulation.fills) == len(back.trades) == 0
    assert back.panel.digest() == RUN.panel.digest()


def test_tables_speak_in_names_words_and_times(written: Path) -> None:
    orders = pq.read_table(written / "orders.parquet").to_pylist()
    assert {row["symbol"] for row in orders} <= set(RUN.panel.symbols)
    assert {"filled", "rejected_leverage"} <= {row["reason"] for row in orders}
    assert {row["order_type"] for row in orders} == {"market"}
    trades = pq.read_table(written / "trades.parquet")
    assert trades["exit_ts"].null_count == int((RUN.trades["exit_bar"] < 0).sum()) > 0
    first = trades.slice(0, 1).to_pylist()[0]
    assert first["entry_ts"].value == RUN.panel.ts[first["entry_bar"]]
    equity = pq.read_table(written / "equity.parquet")
    grown = 100_000 * np.cumprod(1 + RUN.benchmark)
    np.testing.assert_allclose(equity["benchmark"].to_numpy(), grown, rtol=1e-12)


def test_every_reason_and_order_type_survives_the_folder(tmp_path: Path) -> None:
    orders = np.zeros(len(Reason) + len(OrderType), RUN.simulation.orders.dtype)
    orders["reason"][: len(Reason)] = list(Reason)
    orders["order_type"][len(Reason) :] = list(OrderType)
    run = replace(RUN, simulation=replace(RUN.simulation, orders=orders))
    back = folder.read(folder.write(run, tmp_path))
    assert back.simulation.orders.tobytes() == orders.tobytes()


def test_numbers_json_does_not_know_are_null(tmp_path: Path) -> None:
    odd = {"strategy": {"profit_factor": float("inf"), "sharpe": float("nan"), "n": np.int64(3)}}
    made = folder.write(replace(RUN, metrics=odd), tmp_path)
    stored = json.loads((made / "metrics.json").read_text(), parse_constant=pytest.fail)
    assert stored["strategy"] == {"profit_factor": None, "sharpe": None, "n": 3}
    assert folder.read(made).metrics["strategy"] == stored["strategy"]


def test_the_manifest_lists_the_hash_of_every_parquet(written: Path) -> None:
    files = json.loads((written / "manifest.json").read_text())["files"]
    for path in written.glob("*.parquet"):
        assert files[path.name]["sha256"] == folder.file_hash(path)
        assert files[path.name]["bytes"] == path.stat().st_size


def test_the_config_in_the_folder_gives_the_run_again(written: Path) -> None:
    assert config_file.load(written / "config.yaml")[0] == RUN.config


def test_an_existing_run_is_never_overwritten(tmp_path: Path) -> None:
    one = folder.write(RUN, tmp_path)
    before = (one / "metrics.json").read_bytes()
    two = folder.write(replace(RUN, metrics={"strategy": {"sharpe": 9.0}}), tmp_path)
    assert two.name == f"{RUN.name}-2"
    assert (one / "metrics.json").read_bytes() == before
    assert json.loads((two / "manifest.json").read_text())["run"]["name"] == two.name


def test_a_name_another_writer_holds_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / f".{RUN.name}.partial").mkdir()
    assert folder.write(RUN, tmp_path).name == f"{RUN.name}-2"


def test_an_interrupted_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Run) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(folder, "facts", interrupted)
    with pytest.raises(KeyboardInterrupt):
        folder.write(RUN, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_made_does_not_cost_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Run) -> str:
        raise ZeroDivisionError("no")

    with monkeypatch.context() as patch:
        patch.setattr(page, "render", broken)
        with pytest.raises(RunError, match=r"the run is saved, but its page .*ZeroDivisionError"):
            folder.write(RUN, tmp_path)
    kept = tmp_path / RUN.name
    assert folder.read(kept).trades.tobytes() == RUN.trades.tobytes()
    assert folder.rebuild(kept).read_text().startswith("<!doctype html>")


def test_the_page_made_again_from_the_folder_is_the_page(written: Path) -> None:
    first = (written / "report.html").read_bytes()
    (written / "report.html").unlink()
    assert folder.rebuild(written).read_bytes() == first
    assert not list(written.glob(".*"))


@pytest.mark.parametrize("name", [*contents.PARQUETS, *contents.TEXTS, "manifest.json"])
def test_a_folder_without_a_file_says_which(written: Path, name: str) -> None:
    (written / name).unlink()
    with pytest.raises(RunError, match=f"incomplete, lacks {name}"):
        folder.read(written)


@pytest.mark.parametrize("name", [*contents.PARQUETS, *contents.TEXTS])
def test_a_changed_file_is_refused(written: Path, name: str) -> None:
    with (written / name).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(RunError, match=f"{name}: is not the file the run wrote"):
        folder.read(written)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("{", "manifest.json: cannot be read"),
        ("[]", "manifest.json is not one of a run"),
        ("{}", "manifest.json is not one of a run"),
        ('{"run": {"format": 99}, "files": {}}', "written in format 99, this version reads 2"),
    ],
)
def test_a_damaged_manifest_says_so(written: Path, content: str, wanted: str) -> None:
    (written / "manifest.json").write_text(content)
    with pytest.raises(RunError, match=wanted):
        folder.read(written)


def _forge(written: Path, name: str, content: bytes) -> None:
    """Replace a file and its hash: damage that a checksum cannot find."""
    (written / name).write_bytes(content)
    manifest = json.loads((written / "manifest.json").read_text())
    manifest["files"][name]["sha256"] = folder.file_hash(written / name)
    (written / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("name", list(contents.PARQUETS))
def test_a_file_that_is_no_parquet_says_so(written: Path, name: str) -> None:
    _forge(written, name, b"PAR1 nonsense PAR1")
    with pytest.raises(RunError, match=f"{name}: cannot be read as Parquet"):
        folder.read(written)


def test_a_parquet_of_another_table_names_the_missing_column(written: Path) -> None:
    _forge(written, "fills.parquet", (written / "orders.parquet").read_bytes())
    with pytest.raises(RunError, match=r"fills\.parquet: has no column 'order'"):
        folder.read(written)


def test_a_config_this_version_cannot_use_says_where(written: Path) -> None:
    text = (written / "config.yaml").read_text().replace("fee_bps:", "fee_bsp:")
    _forge(written, "config.yaml", text.encode())
    with pytest.raises(RunError, match=r"config.yaml:\d+:\d+: costs.fee_bsp: unknown key"):
        folder.read(written)


def test_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such run folder"):
        folder.read(tmp_path / "nowhere")


def test_a_results_folder_that_is_a_file_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    for call in (folder.check_writable, lambda path: folder.write(RUN, path)):
        with pytest.raises(RunError, match=r"cannot be written.*--out") as caught:
            call(tmp_path / "results")
        assert caught.value.exit_code == 2


def test_a_results_folder_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refused)  # permissions do not bind the super-user
    with pytest.raises(RunError, match=r"cannot be written: Permission denied; .*--out"):
        folder.check_writable(tmp_path)


def test_a_disk_that_fills_up_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder, "put", full)
    with pytest.raises(RunError, match="No space left on device; make room") as caught:
        folder.write(RUN, tmp_path)
    assert caught.value.exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_checking_a_results_folder_makes_it_and_leaves_nothing_in_it(tmp_path: Path) -> None:
    folder.check_writable(tmp_path / "a/b")
    assert list((tmp_path / "a/b").iterdir()) == []


def test_names_carry_time_and_config_and_sort_by_time() -> None:
    early = folder.new_name(RUN.config, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert early == f"lstm-timing-20260102-030405-{folder.config_hash(RUN.config)[:6]}"
    other = BUILDER["config"](seed=8)
    assert folder.config_hash(other) != folder.config_hash(RUN.config)


def test_runs_are_listed_oldest_first_and_a_damaged_one_says_so(tmp_path: Path) -> None:
    late = folder.write(replace(RUN, name="a-20260102-000000-ffffff-2"), tmp_path)
    early = folder.write(replace(RUN, name="z-20260101-000000-ffffff"), tmp_path)
    broken = folder.write(replace(RUN, name="m-20260103-000000-ffffff"), tmp_path)
    (broken / "fills.parquet").unlink()
    later = folder.write(replace(RUN, name="a-20260102-000000-ffffff-10"), tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / ".x.partial").mkdir()
    listed = folder.summaries(tmp_path)
    assert [s.name for s in listed] == [early.name, late.name, later.name, broken.name]
    assert listed[0].metrics == RUN.metrics["strategy"] and listed[0].n_trades == len(RUN.trades)
    assert (listed[0].strategy, listed[0].n_symbols, listed[0].damage) == ("timing", 3, "")
    assert listed[3].damage == "lacks fills.parquet"
    (broken / "manifest.json").write_text("{")
    assert "cannot be read" in folder.summaries(tmp_path)[-1].damage


def test_no_results_folder_means_no_runs(tmp_path: Path) -> None:
    assert folder.summaries(tmp_path / "none") == []


def test_a_large_panel_is_written_in_batches_and_comes_back_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prices, "BATCH_ROWS", 2 * RUN.panel.n_bars)
    made = folder.write(RUN, tmp_path)
    assert pq.ParquetFile(made / "prices.parquet").num_row_groups == 2
    assert folder.read(made).panel.digest() == RUN.panel.digest()


def test_columns_of_the_source_survive_the_folder(tmp_path: Path) -> None:
    panel = replace(RUN.panel, columns={"bid": RUN.panel.close - 0.01, "open": RUN.panel.open * 2})
    back = folder.read(folder.write(replace(RUN, panel=panel), tmp_path))
    assert back.panel.digest() == panel.digest()
