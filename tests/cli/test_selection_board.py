"""``tradewind train`` with several selectors: one board, on the same formations, after costs."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tradewind.engine.config.file import read_document
from tradewind.engine.leaderboard.run import Compared, bench, compute

SCRIPT = Path(sys.executable).with_name("tradewind")
CONFIG = """\
name: pick
seed: 3
data:
  symbols: [KO, PEP, XOM, CVX, HD, LOW, GS, MS, MSFT, JPM, MA, BA]
  start: 2014-01-02
  end: 2016-12-30
strategy: {kind: monthly.py:Best}
strategies:
  few: {kind: monthly.py:Best, share: 0.1}
sizing: {kind: target_weight, weight: 1}
costs: {fee_bps: 1, spread: {kind: constant, bps: 4}, slippage_bps: 2}
walk_forward: {train: 250, refit: 250}
shared: {horizon: 21}
groups: 3
base: year
periods: [2016-01-01]
selectors:
  year: {kind: monthly.py:Past, lookback: 200}
  month: {kind: monthly.py:Past, lookback: 21}
  alike: {kind: monthly.py:Alike}
  fails: {kind: monthly.py:Failing}
"""
# Selectors that rank on the first bar of a month, and a strategy that holds the best of a ranking.
MONTHLY = """\
from typing import NamedTuple

import numpy as np
from tradewind.engine.bars.formation import formations
from tradewind.engine.errors import ForecastError
from tradewind.engine.types import Intent


class Past:
    def __init__(self, *, horizon: int = 21, lookback: int = 100) -> None:
        self.horizon, self.lookback = horizon, lookback

    @property
    def warmup(self):
        return self.lookback + 1

    def fit(self, past):
        return self

    def score(self, past, *, first):
        close = np.log(past.close)
        gain = close[first:] - close[first - self.lookback : past.n_bars - self.lookback]
        return np.where(formations(past, "month")[first:, None], gain, np.nan)


class Alike(Past):
    def score(self, past, *, first):
        return super().score(past, first=first) * 0.0


class Failing(Past):
    def fit(self, past):
        raise ForecastError("Failing: this one never ranks")


class Best:
    warmup = 1

    def __init__(self, *, share: float = 0.3) -> None:
        self.share = share

    def prepare(self, panel, signals):
        return signals.scores

    def decide(self, view):
        row = view.inputs[view.bar]
        if np.isnan(row).all():
            return []
        best = row >= np.nanquantile(row, 1 - self.share)
        return [Intent(k, float(held) / best.sum()) for k, held in enumerate(best)]
"""
PRESSING = """

import os, signal
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


class Failing(Past):
    def fit(self, past):
        pressed = Path(__file__).with_name("pressed")
        if not pressed.exists():
            pressed.touch()
            os.killpg(os.getpgid(os.getpid()), signal.SIGINT)
        return self
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Compared]]:
    """A folder with the config, its results and its cache; and the comparison made there."""
    home = tmp_path_factory.mktemp("home")
    (home / "pick.yaml").write_text(CONFIG)
    (home / "monthly.py").write_text(MONTHLY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRADEWIND_CACHE", str(home / "cache"))
        yield home, bench(home / "pick.yaml", [], results=home / "results", workers=0)


@pytest.fixture
def table(made: tuple[Path, Compared]) -> Mapping[str, Any]:
    """What the comparison found."""
    return made[1].board.table


@pytest.fixture
def folder(made: tuple[Path, Compared]) -> Path:
    """Where it was written."""
    assert made[1].folder is not None
    return made[1].folder


@pytest.fixture
def written(made: tuple[Path, Compared], project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The config and its selectors in the working folder; the same cache."""
    monkeypatch.setenv("TRADEWIND_CACHE", str(made[0] / "cache"))
    (project / "pick.yaml").write_text(CONFIG)
    (project / "monthly.py").write_text(MONTHLY)
    return project


def test_the_board_holds_who_ranked_and_names_who_failed(table: Mapping[str, Any]) -> None:
    assert set(table["rows"]) == {"year", "month", "alike"}
    assert [one["name"] for one in table["failed"]] == ["fails"]
    assert (table["of"], table["horizon"], table["base"]) == ("selectors", 21, "year")
    assert table["n_dates"] == 23  # months of 2015 and 2016, but that the data ends inside the last
    assert (table["n"], table["n_unknown"]) == (23 * 12, 12)
    assert table["side_bps"] == 5.0


def test_every_measure_of_a_row_has_a_number(table: Mapping[str, Any]) -> None:
    row = table["rows"]["month"]
    for name in ("rank_ic", "spread", "net", "against"):
        assert row[name]["low"] < row[name]["value"] < row[name]["high"], name
        assert row[name]["t"] is not None, name
    assert 0.3 < row["accuracy"]["value"] < 0.7
    assert len(row["groups"]) == 3
    assert row["spread"]["value"] == pytest.approx(row["groups"][2] - row["groups"][0])
    assert 0.0 < row["turnover"] < 1.0
    assert row["net"]["value"] < row["spread"]["value"]
    assert row["strategy"]["sharpe_se"] > 0
    assert row["strategy"]["cost_bps_annual"] > 0
    assert table["rows"]["year"]["against"] is None
    assert row["less"]["year"] == row["against"]
    assert table["rows"]["year"]["less"]["month"]["value"] == -row["against"]["value"]


def test_further_strategies_trade_the_same_scores(table: Mapping[str, Any]) -> None:
    row = table["rows"]["month"]
    assert set(row["strategies"]) == {"few"}
    assert row["strategies"]["few"]["sharpe_se"] > 0
    assert row["strategies"]["few"]["turnover_annual"] > row["strategy"]["turnover_annual"]


def test_periods_are_parts_of_the_whole(table: Mapping[str, Any]) -> None:
    early, late = table["periods"]
    assert (early["n_dates"], late["n_dates"]) == (12, 11)
    assert (early["last_date"], late["first_date"]) == ("2015-12-01", "2016-01-04")
    whole = table["rows"]["month"]["spread"]["value"]
    parts = [one["rows"]["month"]["spread"]["value"] for one in (early, late)]
    assert whole == pytest.approx((12 * parts[0] + 11 * parts[1]) / 23)
    assert list(early["rows"]) == list(table["rows"])


def test_who_scores_all_alike_has_no_groups_and_stands_last(table: Mapping[str, Any]) -> None:
    assert list(table["rows"])[-1] == "alike"
    row = table["rows"]["alike"]
    assert row["spread"]["value"] is None and row["groups"] == [None] * 3
    assert row["strategy"]["sharpe"] is not None  # everything is held


def test_sentences_say_what_the_choice_of_the_best_does(table: Mapping[str, Any]) -> None:
    said = " ".join([table["verdict"], *table["sentences"]])
    assert "has the largest difference of top and bottom group" in table["verdict"]
    assert "without skill" in table["verdict"]
    assert "The best of 3 was chosen after the fact" in said
    assert "year (paired by formation" in said
    assert "After the costs of both sides" in said


def test_the_page_draws_the_groups_and_needs_nothing_from_outside(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    assert "<script" not in page
    assert "http" not in page.split("<main>")[1]
    assert page.count('class="bars"') == 2  # of those that tell groups apart
    assert "Groups from the lowest score to the highest" in page
    assert "<small>few</small>" in page
    assert "Each less each other" in page
    assert "Period by period" in page and "2016-01-04 to 2016-12-01" in page
    assert "this one never ranks" in page
    assert "survivors are over-represented" in page


def test_the_table_on_the_screen_and_the_json_hold_the_same_rows(
    written: Path, inside: Callable[..., Any], table: Mapping[str, Any]
) -> None:
    shown = inside("train", "pick.yaml", "--workers", "0")
    assert shown.code == 0, shown.err
    assert "23 formations of 12 symbols (276 pairs)" in shown.out
    assert "Not compared: fails: " in shown.out and "this one never ranks" in shown.out
    said = inside("train", "pick.yaml", "--workers", "0", "--json").json
    for name, row in table["rows"].items():
        assert said["leaderboard"]["rows"][name]["rank_ic"] == row["rank_ic"]
        assert said["leaderboard"]["rows"][name]["folds_from_cache"] == row["folds"]


def test_it_stands_among_the_runs_and_is_reproduced(
    made: tuple[Path, Compared], folder: Path, written: Path, inside: Callable[..., Any]
) -> None:
    shutil.copytree(made[0] / "results", written / "results")
    (written / "results" / folder.name / "report.html").unlink()
    assert folder.name in inside("runs").out
    assert inside("report", folder.name).code == 0
    again = inside("reproduce", folder.name, "--json").json
    assert again["identical"], again["differences"]
    equity = pq.read_table(folder / "equity.parquet")
    assert set(equity.column_names) == {"date", "equity year", "equity month", "equity alike"}


FACTORS = "factors: {path: factors.csv, names: [mkt]}\nreference: published.csv\n"


@pytest.fixture
def with_factors(written: Path) -> Path:
    """A factor and published portfolios beside the config, which names them."""
    rng = np.random.default_rng(0)
    days = np.arange(np.datetime64("2014-01-01"), np.datetime64("2017-01-10"))
    rows = [f"{day},{x:.6f}" for day, x in zip(days, rng.normal(0, 0.01, len(days)), strict=True)]
    (written / "factors.csv").write_text("\n".join(["date,mkt", *rows]))
    months = np.arange(np.datetime64("2013-01"), np.datetime64("2017-01"))
    rows = [f"{month}-01,-0.01,0.0,{0.02 + 0.001 * (i % 3):.3f}" for i, month in enumerate(months)]
    (written / "published.csv").write_text("\n".join(["date,d1,d2,d3", *rows]))
    (written / "pick.yaml").write_text(CONFIG + FACTORS)
    return written


def test_factors_give_alpha_and_published_portfolios_a_row(with_factors: Path) -> None:
    board, _ = compute(read_document(with_factors / "pick.yaml"), workers=0)
    found = board.table
    assert found["factors"] == ["mkt"]
    assert found["rows"]["month"]["alpha"]["n"] == 23
    assert found["rows"]["month"]["alpha"]["value"] != found["rows"]["month"]["spread"]["value"]
    published = found["reference"]
    assert (published["name"], published["n"]) == ("published", 23)
    assert published["groups"][0] == pytest.approx(-0.01)
    assert published["spread"]["value"] == pytest.approx(0.031, abs=1e-3)
    assert board.values["reference"] == with_factors / "published.csv"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("kind: monthly.py:Alike", "kind: momentun"), "selectors.alike.kind: unknown 'momentun'"),
        (("lookback: 21}", "lokback: 21}"), "pick.yaml:19:34: selectors.month.lokback: unknown"),
        (("{horizon: 21}", "{horizont: 21}"), "shared.horizont: is a parameter of none"),
        (("lookback: 21}", "horizon: 5}"), "look ahead by different horizons"),
        (("base: year", "base: yeer"), "base 'yeer' is none of the selectors"),
        (("groups: 3", "groups: 1"), "groups"),
        (("share: 0.1", "shere: 0.1"), "pick.yaml:9:32: strategies.few.shere: unknown"),
        (("[2016-01-01]", "[2016-01-01, 2015-01-01]"), "2015-01-01 does not come after"),
        (
            ("groups: 3", "groups: 13"),
            "are more than 12 symbols ranked by all, and 13",
        ),
        (("seed: 3", "selector: {kind: x}"), "stands beside 'selectors'"),
        (("seed: 3", "forecasters: {a: {}, b: {}}"), "stands beside 'forecasters'"),
        (("groups: 3", "factors: {path: nowhere.csv}"), "factors.path: "),
        (("groups: 3", "reference: nowhere.csv"), "reference: "),
        (("groups: 3", "factors: {path: factors.csv, names: [smb]}"), "no column 'smb'"),
    ],
)
def test_a_fault_is_refused_at_its_line(
    change: tuple[str, str], told: str, with_factors: Path, inside: Callable[..., Any]
) -> None:
    (with_factors / "pick.yaml").write_text(CONFIG.replace(*change))
    ended = inside("train", "pick.yaml", "--workers", "0")
    assert ended.code == 2
    ended.says(told)


def test_other_commands_say_which_one_compares(written: Path, inside: Callable[..., Any]) -> None:
    ended = inside("backtest", "pick.yaml")
    assert ended.code == 2
    ended.says("compares several selectors, which 'tradewind train pick.yaml' does")


def test_factors_that_end_before_the_formations_are_refused(
    with_factors: Path, inside: Callable[..., Any]
) -> None:
    (with_factors / "factors.csv").write_text("date,mkt\n2013-01-02,0.01\n2013-01-03,0.01\n")
    ended = inside("train", "pick.yaml", "--workers", "0")
    assert ended.code == 2
    ended.says("factors.path: ", "has mkt for none of the", "reaches over them")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups of this kind")
def test_ctrl_c_keeps_the_board_of_those_that_were_done(written: Path) -> None:
    (written / "monthly.py").write_text(MONTHLY + PRESSING)
    process = subprocess.Popen(
        [str(SCRIPT), "train", "pick.yaml", "--workers", "0"],
        cwd=written, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert "Not compared: fails: not run: interrupted before its turn" in out
    (kept,) = (written / "results").iterdir()
    assert set(json.loads((kept / "leaderboard.json").read_text())["rows"]) == {
        "year", "month", "alike"
    }  # fmt: skip


def test_formations_with_fewer_symbols_than_groups_are_counted(written: Path) -> None:
    late = "symbols: [KO, PEP, XOM, CVX, HD, LOW, GS, MS, MSFT, JPM, MA, BA]"
    few = "symbols: [KO, PEP, XOM, BRCM, EMC, HOT]"  # three of them leave in 2016
    text = CONFIG.replace(late, few).replace("groups: 3", "groups: 5")
    (written / "pick.yaml").write_text(text)
    board, _ = compute(read_document(written / "pick.yaml"), workers=0)
    assert 0 < board.table["n_too_few"] < board.table["n_dates"]
    assert any("fewer than 5 symbols are ranked" in said for said in board.table["sentences"])


def test_the_study_is_written_up_from_a_board(made: tuple[Path, Compared]) -> None:
    path = Path(__file__).parents[2] / "benchmarks" / "rbm_momentum_page.py"
    spec = spec_from_file_location("rbm_momentum_page", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    board = made[1].board
    text = module.page({"embedded": board, "long": board}, ["walk_forward.seeds=1"])
    assert "Run with changes to the presets:** `walk_forward.seeds=1`" in text
    assert "It holds 12 stocks" in text and "The data ends on 2016-12-30" in text
    spread = board.table["rows"]["month"]["spread"]
    assert f"{spread['value']:+.2%} ({spread['t']:.2f})".replace("-", "\N{MINUS SIGN}") in text
    assert text.count("| month | few |") == 2
    assert "survivors are over-represented" in text and "this one never ranks" in text
    assert str(made[0]) not in text
