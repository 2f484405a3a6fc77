"""``tradewind sweep`` and what its folder holds."""

import json
from pathlib import Path
from typing import Any

import pytest

from tradewind.engine.cli.app import main

CONFIG = """
name: cross
seed: 7
data: {source: embedded, symbols: [MSFT, KO], end: 2015-12-31}
strategy: {kind: sma_cross}
costs: {fee_bps: 1}
sweep:
  space:
    strategy.fast: {low: 2, high: 30}
    strategy.slow: {low: 5, high: 120}
    strategy.short: [false, true]
  trials: 60
  batch: 20
  validate: {folds: 3, train: 0.4}
  holdout: {start: 2015-07-01}
"""


def told(capsys: Any, *argv: str, code: int = 0) -> dict[str, Any]:
    with pytest.raises(SystemExit) as ended:
        main([*argv, "--json"])
    out = capsys.readouterr()
    assert ended.value.code == code, out.err
    found: dict[str, Any] = json.loads(out.out)
    return found


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADEWIND_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "cross.yaml"
    path.write_text(CONFIG, "utf-8")
    return path


def test_a_backtest_of_the_best_gives_its_numbers_to_the_last_digit(
    config: Path, tmp_path: Path, capsys: Any
) -> None:
    out = str(tmp_path / "results")
    swept = told(capsys, "sweep", str(config), "--out", out)
    run = told(capsys, "backtest", swept["best_config"], "--out", out)
    assert run["metrics"]["strategy"] == swept["best"]["metrics"]["strategy"]
    assert run["metrics"]["strategy"]["sharpe"] == swept["best"]["whole"]["strategy.sharpe"]
    assert swept["trials"]["all"] == 60
    assert swept["spans"]["search"]["last_date"] <= "2015-06-30"


def test_a_hold_out_is_opened_once_and_the_asking_is_written_down(
    config: Path, tmp_path: Path, capsys: Any
) -> None:
    out = str(tmp_path / "results")
    swept = told(capsys, "sweep", str(config), "--out", out)
    best = Path(swept["best_config"])
    opened = told(capsys, "sweep", swept["run"], "--open-holdout", "--out", out)
    assert not opened["opened_before"]
    assert opened["trial"] == swept["best"]["number"]
    assert opened["metrics"]["span"]["first_date"] >= "2015-07-01"
    record = json.loads((Path(swept["folder"]) / "holdout.json").read_text("utf-8"))
    again = told(capsys, "sweep", swept["run"], "--open-holdout", "--out", out, code=1)
    assert again["opened_before"] and again["opened"] == opened["opened"] == record["opened"]
    assert again["metrics"] == opened["metrics"]
    longer = told(capsys, "backtest", str(best), "--set", "data.end=2015-12-31", "--out", out)
    import pyarrow.parquet as pq

    table = pq.read_table(Path(longer["folder"]) / "equity.parquet")
    days = [str(day) for day in table["ts"].to_pylist()]
    first = next(i for i, day in enumerate(days) if day[:10] >= "2015-07-01")
    equity = table["equity"].to_numpy()
    assert opened["metrics"]["strategy"]["total_return"] == equity[-1] / equity[first - 1] - 1.0


def test_an_opening_that_fails_counts_as_one(
    config: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradewind.engine.sweeping import holdout

    out = str(tmp_path / "results")
    swept = told(capsys, "sweep", str(config), "--out", out)

    def stopped(*given: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(holdout, "_shown", stopped)
    told(capsys, "sweep", swept["run"], "--open-holdout", "--out", out, code=130)
    again = told(capsys, "sweep", swept["run"], "--open-holdout", "--out", out, code=1)
    assert again["opened_before"] and again["metrics"] is None


def test_a_study_is_gone_on_with_by_its_name(config: Path, tmp_path: Path, capsys: Any) -> None:
    out = str(tmp_path / "results")
    name = ("--set", "sweep.name=mine", "--out", out)
    first = told(capsys, "sweep", str(config), "-n", "40", *name)
    second = told(capsys, "sweep", str(config), "-n", "70", *name)
    assert first["folder"] == second["folder"] == str(tmp_path / "results" / "mine")
    assert second["trials"]["all"] == 70 and second["trials"]["earlier"] == 40
    import pyarrow.parquet as pq

    table = pq.read_table(Path(second["folder"]) / "trials.parquet").to_pylist()
    assert [row["number"] for row in table] == list(range(70))
    best = max((row for row in table if row["feasible"]), key=lambda row: row["score sharpe"])
    assert best["number"] == second["best"]["number"]
    alike = {row["content"] for row in table}
    assert len(alike) == len({(r["strategy.fast"], r["strategy.slow"], r["strategy.short"])
                              for r in table})  # fmt: skip
    third = told(capsys, "sweep", str(config), "-n", "70", *name)
    assert third["trials"]["all"] == 70 and third["best"] == second["best"]


def test_another_study_under_a_name_that_is_taken_is_refused_with_what_differs(
    config: Path, tmp_path: Path, capsys: Any
) -> None:
    out = str(tmp_path / "results")
    name = ("--set", "sweep.name=mine", "--out", out)
    told(capsys, "sweep", str(config), "-n", "20", *name)
    space = ("--set", "sweep.space={strategy.fast: {low: 2, high: 9}}")
    error = told(capsys, "sweep", str(config), *name, *space, code=2)["error"]["message"]
    assert "is the name of another study" in error
    assert "space.params.strategy.fast.high: 30 there, 9 here" in error
    other = ("--set", "costs.fee_bps=7")
    error = told(capsys, "sweep", str(config), *name, *other, code=2)["error"]["message"]
    assert "config.costs.fee_bps: 1 there, 7 here" in error


def test_ctrl_c_writes_what_was_tried(
    config: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradewind.engine.sweeping.evaluating import Evaluator

    real, calls = Evaluator.evaluate, []

    def stopped(self: Any, *given: Any) -> Any:
        calls.append(1)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return real(self, *given)

    monkeypatch.setattr(Evaluator, "evaluate", stopped)
    out = str(tmp_path / "results")
    ended = told(capsys, "sweep", str(config), "--set", "sweep.name=mine", "--out", out, code=130)[
        "error"
    ]
    assert "everything that was tried is in" in ended["message"]
    said = json.loads((tmp_path / "results" / "mine" / "sweep.json").read_text("utf-8"))
    assert said["trials"]["all"] == 40 and said["best"] is not None
    monkeypatch.undo()
    monkeypatch.setenv("TRADEWIND_CACHE", str(tmp_path / "cache"))
    on = told(capsys, "sweep", str(config), "--set", "sweep.name=mine", "--out", out)
    assert on["trials"]["all"] == 60 and on["trials"]["earlier"] == 40


def test_where_nothing_can_be_best_the_trials_are_kept_and_the_exit_code_says_no(
    config: Path, tmp_path: Path, capsys: Any
) -> None:
    out = str(tmp_path / "results")
    limit = ("--set", "sweep.constraints=[max_drawdown < 0.0001]")
    said = told(capsys, "sweep", str(config), *limit, "--out", out, code=1)
    assert said["best"] is None and said["best_config"] is None
    assert "Of 60 trials none can be the best" in said["verdict"]
    assert said["trials"]["breached"] > 40
    error = told(capsys, "sweep", said["run"], "--open-holdout", "--out", out, code=2)["error"]
    assert "has no best trial" in error["message"]


def test_other_commands_say_what_to_do_with_a_sweep(
    config: Path, tmp_path: Path, capsys: Any
) -> None:
    out = str(tmp_path / "results")
    swept = told(capsys, "sweep", str(config), "--out", out)
    page = Path(swept["report"])
    assert page.parent == Path(swept["folder"])
    drawn = page.read_bytes()
    page.unlink()
    assert told(capsys, "report", swept["run"], "--out", out)["report"] == str(page)
    assert page.read_bytes() == drawn
    error = told(capsys, "backtest", str(config), "--out", out, code=2)["error"]["message"]
    assert "tries many settings, which 'tradewind sweep" in error
    with pytest.raises(SystemExit):
        main(["runs", "--out", out])
    assert "sweep of 60 settings" in capsys.readouterr().out
