"""Runs side by side."""

import json
from dataclasses import replace
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

from tradewind.engine.errors import RunError
from tradewind.engine.report.compare import common_returns, compare
from tradewind.engine.report.run import Run
from tradewind.engine.scoring.sharpe import sharpe_difference

BUILDER = run_path(str(Path(__file__).with_name("make_run.py")))
ONE: Run = replace(BUILDER["make_run"](("MSFT", "KO")), name="one")
TWO: Run = replace(
    BUILDER["make_run"](("MSFT", "KO"), seed=8, costs={"fee_bps": 3.0}, forecaster=None), name="two"
)


def test_numbers_stand_side_by_side_as_values_and_as_texts() -> None:
    found = compare([ONE, TWO])
    assert found.names == ("one", "two")
    rows = {row.key: row for row in found.metrics}
    sharpe = rows["sharpe"]
    wanted = tuple(run.metrics["strategy"]["sharpe"] for run in (ONE, TWO))
    assert sharpe.values == wanted and wanted[0] != wanted[1]
    assert sharpe.texts[0].startswith(f"{wanted[0]:.2f}") and "±" in sharpe.texts[0]
    assert rows["costs.fee"].values[0] == ONE.metrics["costs"]["fee"]


def test_only_what_differs_in_the_configs_is_listed() -> None:
    rows = {row.key: row.values for row in compare([ONE, TWO]).config}
    assert rows["costs.fee_bps"] == (1.0, 3.0)
    assert rows["forecaster.kind"] == ("lstm", None)
    assert "seed" not in rows and "costs.slippage_bps" not in rows


def test_the_sharpe_difference_is_paired_on_the_bars_both_share() -> None:
    pair = compare([ONE, TWO]).sharpe[0]
    value, se = sharpe_difference(
        *(run.simulation.equity[300:][1:] / run.simulation.equity[300:][:-1] - 1
          for run in (ONE, TWO))
    )  # fmt: skip
    assert pair.paired and pair.n_bars == ONE.panel.n_bars - 301
    assert pair.difference == pytest.approx(value * np.sqrt(252), rel=1e-9)
    assert pair.se == pytest.approx(se * np.sqrt(252), rel=1e-9)
    assert pair.within_error == (abs(value) < se)


def test_runs_that_share_a_part_are_compared_on_that_part() -> None:
    late = replace(ONE, first_bar=700)
    ours, theirs, density = common_returns(late, TWO)
    assert len(ours) == len(theirs) == ONE.panel.n_bars - 701
    assert density == pytest.approx(252)
    assert compare([late, TWO]).sharpe[0].n_bars == len(ours)


def test_a_coarser_clock_in_common_gives_returns_between_its_bars() -> None:
    keep = np.arange(0, ONE.panel.n_bars, 5)
    panel = replace(
        ONE.panel,
        ts=ONE.panel.ts[keep],
        ends=np.full(2, -1),
        interval="5d",
        **{name: getattr(ONE.panel, name)[keep] for name in ("open", "high", "low", "close")},
        volume=ONE.panel.volume[keep],
    )
    sim = replace(ONE.simulation, equity=ONE.simulation.equity[keep])
    weekly = replace(ONE, name="weekly", panel=panel, simulation=sim, first_bar=60)
    ours, theirs, density = common_returns(ONE, weekly)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    assert density == pytest.approx(252 / 5, rel=0.02)


def test_runs_on_different_periods_are_compared_as_strangers() -> None:
    early = ONE.panel.ts - 40 * 365 * 86_400_000_000_000
    past = replace(TWO, panel=replace(TWO.panel, ts=early))
    pair = compare([ONE, past]).sharpe[0]
    a, b = ONE.metrics["strategy"], TWO.metrics["strategy"]
    assert not pair.paired and pair.n_bars == 0 and "different periods" in pair.sentence
    assert pair.difference == pytest.approx(a["sharpe"] - b["sharpe"])
    assert pair.se == pytest.approx(np.hypot(a["sharpe_se"], b["sharpe_se"]))


def test_a_run_beside_itself_does_not_differ() -> None:
    found = compare([ONE, replace(ONE, name="again")])
    assert found.config == ()
    assert found.sharpe[0].difference == 0.0 and found.sharpe[0].within_error
    assert "chance would do the same" in found.sharpe[0].sentence


def test_a_run_without_a_sharpe_ratio_can_be_compared_all_the_same() -> None:
    flat = replace(
        ONE,
        name="flat",
        simulation=replace(ONE.simulation, equity=np.full(ONE.panel.n_bars, 100_000.0)),
        metrics={},
    )
    pair = compare([ONE, flat]).sharpe[0]
    assert pair.difference is None and pair.se is None and pair.within_error
    assert "no Sharpe ratio" in pair.sentence


def test_three_runs_give_three_pairs_and_one_json_object() -> None:
    found = compare([ONE, TWO, replace(ONE, name="three")])
    assert [(p.first, p.second) for p in found.sharpe] == [
        ("one", "two"), ("one", "three"), ("two", "three"),
    ]  # fmt: skip
    again = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert again["names"] == ["one", "two", "three"] and len(again["metrics"]) > 20


@pytest.mark.parametrize("runs", [[], [ONE]])
def test_one_run_alone_cannot_be_compared(runs: list[Run]) -> None:
    with pytest.raises(RunError, match="wanted at least two"):
        compare(runs)
