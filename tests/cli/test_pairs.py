"""Pairs from the command line: run, explained, verified, reproduced; bad input told at its line."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Command
from tradewind.engine.records import DAY_NS

CONFIG = """\
name: legs
data: {source: csv, path: bars.csv}
strategy:
  kind: pairs
  pairs: [[A, B]]
  formation: 60
  entry: 1.5
  lot: 0
account: {max_leverage: 2}
costs: {fee_bps: 1, spread: {kind: constant, bps: 4}, borrow_annual: 0.01}
benchmark: cash
"""


def bars(n: int = 400, seed: int = 1) -> str:
    """Two prices around one, and a third."""
    draw = np.random.default_rng(seed)
    walk = 4.0 + np.cumsum(draw.normal(0, 0.01, (n, 2)), axis=0)
    apart = np.zeros(n)
    for t in range(1, n):
        apart[t] = 0.9 * apart[t - 1] + draw.normal(0, 0.01)
    prices = np.exp(np.column_stack([walk[:, 0] + apart, walk[:, 0], walk[:, 1]]))
    days = (np.arange(n) * DAY_NS).astype("datetime64[ns]").astype("datetime64[D]") + 15_000
    rows = ["date,symbol,open,high,low,close,volume"]
    for t in range(n):
        for name, price in zip("ABC", prices[t], strict=True):
            begin = price * (1.0 + 0.002 * draw.normal())
            high, low = max(begin, price), min(begin, price)
            rows.append(f"{days[t]},{name},{begin},{high},{low},{price},{10_000 + t % 7}")
    return "\n".join(rows)


@pytest.fixture
def legs(project: Path) -> Path:
    (project / "bars.csv").write_text(bars())
    (project / "legs.yaml").write_text(CONFIG)
    return project


def test_a_run_is_explained_verified_and_reproduced(legs: Path, inside: Command) -> None:
    ended = inside("backtest", "legs.yaml", "--json")
    assert ended.code == 0, ended.err
    folder = legs / ended.json["folder"]
    told = json.loads((folder / "explanation.json").read_text())
    assert told["numbers"]["n_trades"] >= 3
    assert abs(told["numbers"]["leg_risk"]) < 1e-6
    earned = told["numbers"]["net"]
    assert earned == pytest.approx(
        ended.json["metrics"]["strategy"]["final_equity"] - 100_000, abs=0.01
    )
    titles = [sheet["title"] for sheet in told["sheets"]]
    assert titles == ["What each pair came to", "A / B", "All trades"]
    rows = told["sheets"][-1]["grids"][0]["rows"]
    assert all("standard deviations too" in row[3] for row in rows)
    assert {row[5] for row in rows} <= {"came back", "open at the end"}
    page = (folder / "explanation.html").read_text()
    assert (
        "What each pair came to" in page
        and "explanation.html" in (folder / "report.html").read_text()
    )
    assert inside("verify", folder.name).code == 0
    assert inside("reproduce", folder.name).code == 0
    (folder / "explanation.html").unlink()
    assert inside("report", folder.name).code == 0
    assert (folder / "explanation.html").read_text() == page


def test_a_forecaster_learns_the_spread_and_its_run_is_read_back(
    legs: Path, inside: Command
) -> None:
    (legs / "bars.csv").write_text(bars(900))
    ended = inside(
        "backtest", "legs.yaml", "--json", "--set", "strategy.due=0.01", "strategy.entry=0.5",
        "forecaster={kind: ridge, horizon: 3, window: 10, walk_forward: {train: 450, refit: 200}}",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    folder = legs / ended.json["folder"]
    told = json.loads((folder / "explanation.json").read_text())
    assert told["numbers"]["n_trades"] > 0
    assert inside("verify", folder.name).code == 0
    assert inside("reproduce", folder.name).code == 0
    assert inside("report", folder.name).code == 0


def test_the_audit_finds_nothing(legs: Path, inside: Command) -> None:
    ended = inside("audit", "legs.yaml", "--quick", "--json")
    assert ended.code == 0, ended.out


def test_a_damaged_explanation_is_refused(legs: Path, inside: Command) -> None:
    folder = legs / inside("backtest", "legs.yaml", "--json").json["folder"]
    path = folder / "explanation.json"
    path.write_text(path.read_text() + " ")
    ended = inside("report", folder.name)
    assert ended.code == 2
    ended.says("explanation.json", "is not the file the run wrote")


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        ("strategy.pairs=[[A, X]]", ("no symbol 'X'", "data.symbols")),
        ("strategy.pairs=[[A]]", ("legs.yaml:3", "one symbol")),
        ("strategy.pairs=A", ("strategy.pairs", "list")),
        ("strategy.entri=3", ("entri", "did you mean", "entry")),
        ("strategy.find=nearest", ("strategy.find", "distance")),
        ("strategy.stop=1", ("must rise",)),
        ("strategy.due=0.1", ("forecaster",)),
        ("strategy.formation=500", ("500",)),
        ("strategy.half_life=[9, 2]", ("larger one first",)),
        ("account.kind=cash", ("sells short", "margin")),
    ],
)
def test_bad_input_ends_in_an_error_that_says_what_to_do(
    legs: Path, inside: Command, change: str, texts: tuple[str, ...]
) -> None:
    del legs
    more = ("account.max_leverage=1", "costs.borrow_annual=0") if "cash" in change else ()
    ended = inside("backtest", "legs.yaml", "--set", change, *more)
    assert ended.code == 2, ended.out
    ended.says(*texts)


def test_minute_bars_trade_too(project: Path, inside: Command) -> None:
    lines = bars(300).splitlines()
    head, rows = lines[0].replace("date", "time"), lines[1:]
    minutes = []
    for i, row in enumerate(rows):
        stamp = np.datetime64("2017-03-01T10:00", "m") + i // 3
        minutes.append(f"{stamp}:00Z,{row.split(',', 1)[1]}")
    (project / "bars.csv").write_text("\n".join([head, *minutes]))
    (project / "legs.yaml").write_text(
        CONFIG.replace("path: bars.csv", "path: bars.csv, interval: 1min, calendar: 24/7")
    )
    ended = inside("backtest", "legs.yaml", "--json")
    assert ended.code == 0, ended.err
    folder = project / ended.json["folder"]
    assert json.loads((folder / "explanation.json").read_text())["numbers"]["n_trades"] > 0
    assert inside("verify", folder.name).code == 0
