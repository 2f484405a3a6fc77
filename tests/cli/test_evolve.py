"""``tradewind evolve``: one front, one folder, and each of its portfolios as a run of its own."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tradewind.engine import registry
from tradewind.engine.config import evolving as evolving_config
from tradewind.engine.evolving import run as breeding
from tradewind.engine.evolving import search as searching
from tradewind.engine.evolving.run import Evolved, evolve

ROOT = Path(__file__).parents[2]
CONFIG = """\
name: few
seed: 3
data: {symbols: [MSFT, KO, JPM, BA, CVX, PG, UNH, HD]}
costs: {fee_bps: 1, spread: {kind: constant, bps: 4}}
evolve:
  count: {least: 2, most: 4}
  weight: {least: 0.05, most: 0.6}
  train: {start: 2014-12-31, end: 2015-12-30}
  test: {start: 2015-12-31, end: 2016-12-30}
  population: 16
  generations: 6
"""


@pytest.fixture(scope="module")
def bred(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evolved]:
    folder = tmp_path_factory.mktemp("bred")
    (folder / "few.yaml").write_text(CONFIG)
    yield evolve(folder / "few.yaml", [], results=folder / "results")


@pytest.fixture
def project_with(project: Path) -> Path:
    (project / "few.yaml").write_text(CONFIG)
    return project


@pytest.fixture
def allocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """The strategy that holds given weights, from its file where it is not yet registered."""
    if "allocation" not in registry.names("strategies"):
        path = f"{ROOT / 'strategies' / 'allocation.py'}:Allocation"
        monkeypatch.setattr(evolving_config, "STRATEGY", path)


def test_a_front_is_printed_written_and_listed(
    project_with: Path, inside: Callable[..., Any]
) -> None:
    ended = inside("evolve", "few.yaml", "--json")
    assert ended.code == 0, ended.err
    said = ended.json
    folder = Path(said["folder"])
    assert {path.name for path in folder.iterdir()} == {
        "config.yaml", "manifest.json", "front.json", "front.parquet", "equity.parquet",
        "log.jsonl", "report.html",
    }  # fmt: skip
    assert said["evaluated"] <= 16 * 6 and said["generations"] == 6
    assert said["spans"]["train"]["last_date"] < said["spans"]["test"]["first_date"]
    assert said["chosen"]["min_risk"] == 1
    assert all(one["largest_gap"] == 0.0 for one in said["checked"].values())
    assert said["checked"]["test"]["portfolios"] == len(said["portfolios"]) + 1
    for one in said["portfolios"]:
        assert 2 <= len(one["weights"]) <= 4
        assert sum(one["weights"].values()) == pytest.approx(1.0)
    listed = inside("runs", "--json").json["runs"]
    assert [one["name"] for one in listed] == [said["run"]] and not listed[0]["damage"]
    text = inside("evolve", "few.yaml", "--set", "evolve.generations=1").out
    assert "in sample" in text and "equal weight" in text and "Report: " in text


def test_the_folder_makes_the_same_front_again(bred: Evolved, inside: Callable[..., Any]) -> None:
    assert bred.folder is not None
    ended = inside("reproduce", str(bred.folder), "--json")
    assert ended.code == 0 and ended.json["identical"], ended.out


def test_a_front_that_was_tampered_with_is_not_reproduced(
    bred: Evolved, inside: Callable[..., Any]
) -> None:
    assert bred.folder is not None
    page = bred.folder / "report.html"
    before = page.read_text()
    page.unlink()
    assert inside("report", str(bred.folder)).code == 0
    assert page.read_text() == before
    table = bred.folder / "front.parquet"
    whole = table.read_bytes()
    table.write_bytes(whole[:-1] + b"x")
    ended = inside("reproduce", str(bred.folder))
    table.write_bytes(whole)
    assert ended.code == 2
    ended.says("front.parquet", "is not the file the run wrote")


def test_numbers_of_the_folder_are_those_of_the_front(bred: Evolved) -> None:
    assert bred.folder is not None
    table = pq.read_table(bred.folder / "front.parquet").to_pydict()
    risk = np.array(table["train volatility"])
    assert (np.diff(risk) > 0).all(), "from the least risk to the most"
    assert (np.diff(table["train annual_return"]) > 0).all(), "more risk only for more return"
    curves = pq.read_table(bred.folder / "equity.parquet").to_pydict()
    np.testing.assert_array_equal(
        [curves[str(n)][-1] for n in table["number"]], table["test final_equity"]
    )


def test_a_chosen_portfolio_has_the_equity_of_the_front_on_either_span(
    bred: Evolved, project: Path, inside: Callable[..., Any], allocation: None
) -> None:
    assert bred.folder is not None
    front = bred.front
    number = int(front.table["chosen"]["knee"])
    for span, which in (("test", "knee"), ("train", str(number))):
        ended = inside("evolve", str(bred.folder), "--choose", which, "--span", span, "--json")
        assert ended.code == 0, ended.err
        final = ended.json["metrics"]["strategy"]["final_equity"]
        assert final == pytest.approx(front.numbers[span]["final_equity"][number - 1], abs=0.005)
        turned = ended.json["metrics"]["strategy"]["turnover_annual"]
        assert turned == pytest.approx(front.numbers[span]["turnover"][number - 1], rel=1e-9)
        if span == "test":
            curve = pq.read_table(Path(ended.json["folder"]) / "equity.parquet")["equity"]
            np.testing.assert_allclose(curve.to_numpy(), front.equity[number - 1], atol=0.005)


def test_an_exported_config_is_the_run_of_the_portfolio(
    bred: Evolved, project: Path, inside: Callable[..., Any], allocation: None
) -> None:
    ended = inside(
        "evolve", str(bred.folder), "--choose", "max-return", "--export", "one.yaml", "--json"
    )
    assert ended.code == 0 and ended.json["config"] == "one.yaml"
    run = inside("backtest", "one.yaml", "--json")
    assert run.code == 0, run.err
    number = ended.json["number"]
    final = run.json["metrics"]["strategy"]["final_equity"]
    assert final == pytest.approx(bred.front.numbers["test"]["final_equity"][number - 1], abs=0.005)
    again = inside("evolve", str(bred.folder), "--choose", "1", "--export", "one.yaml")
    assert again.code == 2
    again.says("one.yaml: is there already")


def test_the_page_draws_both_spans_and_links_each_point_to_its_row(bred: Evolved) -> None:
    assert bred.folder is not None
    html = (bred.folder / "report.html").read_text()
    n = len(bred.front.weights)
    assert len(re.findall(r'<tr id="p\d+">', html)) == n
    assert html.count("<circle") == 2 * n, "in sample and out of sample"
    targets = set(re.findall(r'href="#p(\d+)"', html))
    assert targets == {str(i + 1) for i in range(n)}
    assert "<script" not in html and not re.search(r"\bnan\b", html)
    for sentence in bred.front.table["sentences"]:
        assert sentence.split(":")[0][:40] in html
    for text in ("In sample", "Out of sample", "knee", "least risk", "most return", "Optimism"):
        assert text in html


@pytest.mark.parametrize(
    ("assignments", "texts"),
    [
        (["evolve.weight.most=0.2"], ["4 names of at most 0.2 each hold 0.8"]),
        (["account.fractional=false", "account.cash=50"], ["a lot of", "can be bought"]),
        (["evolve.train.start=1990-01-01"], ["evolve.train: asks for 1990-01-01", "2013-02-28"]),
        (["evolve.train.end=2030-01-01", "evolve.test={}"], ["asks for 2014-12-31 to 2030-01-01"]),
        (
            ["evolve.test={start: 2018-01-01}"],
            ["no bar from 2018-01-01 to the end", "2017-11-10: change evolve.test"],
        ),
        (["evolve.test.end=2030-01-01"], ["evolve.test: asks for"]),
        (["evolve.turnover.annual=0.01"], ["none keeps to all limits", "turnover.annual allows"]),
        (
            ["evolve.turnover={current: {XYZ: 0.5}, now: 2}"],
            ["evolve.turnover.current.XYZ: is none of the 8 symbols"],
        ),
        (["evolve.rebalance=year"], ["evolve.test", "holds no bar at which a portfolio is formed"]),
        (["data.symbols=[MSFT, KO, NOPE]"], ["evolve.train: ", "NOPE"]),
    ],
)
def test_what_cannot_be_bred_is_refused_with_exit_code_2(
    project_with: Path, inside: Callable[..., Any], assignments: list[str], texts: list[str]
) -> None:
    if assignments == ["evolve.rebalance=year"]:
        assignments = [*assignments, "evolve.test={start: 2016-03-01, end: 2016-12-30}"]
    words = [word for one in assignments for word in ("--set", one)]
    ended = inside("evolve", "few.yaml", *words)
    assert ended.code == 2
    ended.says(*texts)
    assert not list((project_with / "results").glob("*/manifest.json"))


def test_other_wrong_words_are_told(bred: Evolved, inside: Callable[..., Any]) -> None:
    for words, text in (
        (("--choose", "nose"), "has no portfolio 'nose'; wanted 1 to"),
        (("--choose", "0"), "has no portfolio '0'"),
        (("--choose", "1", "--set", "seed=1"), "--export its config"),
        (("--export", "x.yaml"), "add --choose knee"),
    ):
        ended = inside("evolve", str(bred.folder), *words)
        assert ended.code == 2, words
        ended.says(text)
    ended = inside("backtest", str(ROOT / "configs" / "pareto-front.yaml"))
    assert ended.code == 2
    ended.says("'tradewind evolve")
    ended = inside("verify", str(bred.folder))
    assert ended.code == 2
    ended.says("is a front of portfolios")


def test_ctrl_c_keeps_the_front_so_far_and_its_folder_makes_it_again(
    project_with: Path, inside: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = searching.search

    def pressed(*task: Any, **given: Any) -> Iterator[Any]:
        for generation in whole(*task, **given):
            yield generation
            if generation.number == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(breeding, "search", pressed)
    ended = inside("evolve", "few.yaml", "--json")
    monkeypatch.undo()
    assert ended.code == 130
    assert ended.json["error"]["done"] == {"breeding portfolios": {"done": 3, "total": 6}}
    ended.says("the front so far is in")
    (folder,) = (project_with / "results").glob("few-*")
    assert json.loads((folder / "front.json").read_text())["generations"] == 3
    again = inside("reproduce", str(folder), "--json")
    assert again.code == 0 and again.json["identical"]


def test_ctrl_c_before_there_is_a_front_writes_nothing(
    project_with: Path, inside: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*task: Any, **given: Any) -> Iterator[Any]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(breeding, "search", pressed)
    ended = inside("evolve", "few.yaml")
    assert ended.code == 130
    ended.says("nothing was written")
    assert not list((project_with / "results").glob("few-*"))
