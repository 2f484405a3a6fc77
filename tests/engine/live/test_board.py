"""What a run shows: a view that is whole, made often enough, and never at the run's expense."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.paper_runs import begun, worked
from tradewind.engine.dashboard.metrics import exposition
from tradewind.engine.dashboard.parts import Parts
from tradewind.engine.live.board import LOOKED_S, Board
from tradewind.engine.live.opening import Opened
from tradewind.engine.live.showing import Showing
from tradewind.engine.live.step_times import StepTimes
from tradewind.engine.live.view import marked, symbol_view
from tradewind.engine.types import Reason

FORECASTS = """
name: forecasts
data: {source: embedded, symbols: [KO, MSFT, XOM], start: 2013-06-01, end: 2016-03-31}
forecaster: {kind: ar, horizon: 5, walk_forward: {train: 300, refit: 100}}
sizing: {kind: volatility_target, vol_annual: 0.15}
strategy: {kind: timing}
costs: {fee_bps: 1, spread: {kind: constant, bps: 4}}
paper: {start: 2016-03-01, risk: {max_gross: 0.9}, journal: {sync: normal}}
"""
Run = tuple[Opened, Board]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run that has come to its end, and what it showed last."""
    opened = begun(tmp_path_factory.mktemp("results"), FORECASTS)
    yield opened, worked(opened, commands={})


def test_a_view_is_whole_and_can_be_written_down(run: Run) -> None:
    account, view = run[0].account, run[1].latest()
    assert json.loads(Parts(run[1]).newer()[1]).keys() == view.keys()
    assert view["equity"] == view["curve"][-1][1] == account.book.equity[-1]
    assert view["bar"]["number"] == len(view["curve"])
    assert view["symbols"] == ["KO", "MSFT", "XOM"]
    held = sum(row["value"] for row in view["positions"])
    assert held + view["cash"] == pytest.approx(view["equity"])
    ended = Counter(Reason(int(one)).name.lower() for one in account.book.orders["reason"] if one)
    assert view["outcomes"] == ended
    assert ended["filled"] > 5
    assert view["steps"]["buckets"][-1] == ["+Inf", view["bar"]["number"]]
    assert view["log"][0]["event"] == "stop"
    assert (view["state"], view["reason"]) == ("stopped", "the feed is at its end")
    assert view["day_start_equity"] == account.book.equity[-2]
    last = view["fills"][0]
    close = int(account.book.panel.ts[account.book.fills[-1]["bar"]])
    assert (last["when"], last["ts"]) == ("open", close - 6.5 * 3600 * 1_000_000_000)


def test_forecasts_stand_beside_what_came(run: Run) -> None:
    panel = run[0].account.book.panel
    rows = {(row["symbol"], row["came"] is None): row for row in run[1].latest()["forecasts"]}
    assert len(rows) == 6
    said = rows["KO", False]
    t = int(np.searchsorted(panel.ts, said["asof"]))
    assert t + said["horizon"] == panel.n_bars - 1
    assert said["came"] == pytest.approx(np.log(panel.close[-1, 0] / panel.close[t, 0]))
    assert said["low"] < said["mean"] < said["high"]
    found = symbol_view(run[0].account, "KO")
    assert found["forecasts"][-1]["came"] is None
    assert found["bars"][-1][0] == panel.ts[-1]


def test_metrics_of_a_run_are_what_prometheus_reads(run: Run) -> None:
    text = exposition(run[1].latest()).decode()
    found = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["tradewind_equity"] == run[1].latest()["equity"]
    assert found["tradewind_step_seconds_count"] == run[1].latest()["bar"]["number"]


def test_between_bars_what_is_held_is_worth_its_last_trade(run: Run) -> None:
    account = run[0].account
    panel, qty = account.book.panel, account.book.state.qty
    held = int(np.flatnonzero(qty)[0])
    traded = np.where(np.arange(3) == held, panel.close[-1] + 1.0, np.nan)
    later, before = np.full(3, panel.ts[-1] + 1), np.full(3, panel.ts[-1])
    found = marked(account, traded, later)
    assert found is not None
    assert found["equity"] == pytest.approx(account.book.equity[-1] + qty[held])
    assert 0.0 <= found["drawdown"] < 1.0
    assert found["ts"] == panel.ts[-1] + 1
    assert marked(account, traded, before) is None  # the bar knows better
    assert marked(account, np.full(3, np.nan), later) is None


def test_only_symbols_that_somebody_looks_at_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    board = Board()
    for name in "ABCDEF":
        assert board.symbol(name)["bars"] == []
        now[0] += 1.0
    assert board.looked_at() == ["C", "D", "E", "F"]
    board.symbol("C")
    now[0] += LOOKED_S - 1.0
    assert board.looked_at() == ["F", "C"]
    now[0] += 60.0
    assert board.looked_at() == []


def test_a_symbol_is_made_again_only_when_there_is_something_new(run: Run) -> None:
    made: list[set[str]] = []
    board = Board()
    board.publish = lambda view, symbols: made.append(set(symbols))  # type: ignore[method-assign]
    teller: Any = SimpleNamespace(view=lambda *args, **keys: {})
    showing = Showing(board, teller, run[0], Any)  # type: ignore[arg-type]
    board.symbol("KO")
    for _ in range(2):
        showing.show(None, stopping=False)
    board.symbol("XOM")
    showing.show(None, stopping=False)
    showing.show(None, stopping=False, every_s=3600.0)
    assert made == [{"KO"}, set(), {"XOM"}]


def test_a_view_that_cannot_be_made_does_not_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*args: Any) -> None:
        raise RuntimeError("no such number")

    monkeypatch.setattr("tradewind.engine.live.view.account_view", failing)
    opened = begun(tmp_path, FORECASTS)
    board = worked(opened, commands={})
    assert board.latest() == {"state": "starting"}
    assert len(opened.account.book.fills) > 0


def test_turns_are_counted_by_how_long_they_took() -> None:
    times = StepTimes()
    for seconds in (0.0005, 0.001, 0.03, 100.0):
        times.add(seconds)
    view = times.view()
    buckets = dict(map(tuple, view["buckets"]))
    assert (buckets["0.001"], buckets["0.025"], buckets["0.05"]) == (2, 2, 3)
    assert (buckets["60.0"], buckets["+Inf"]) == (3, 4)
    assert view["sum_s"] == pytest.approx(100.0315)
