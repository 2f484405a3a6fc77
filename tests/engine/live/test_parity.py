"""Backtest, replay and paper: the same orders and fills on every bar, whatever the strategy."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.paper_runs import begun, config_of
from tradewind.engine import pipeline, trading
from tradewind.engine.executors import state as states
from tradewind.engine.live import running
from tradewind.engine.live.opening import Opened
from tradewind.engine.outlook import outlook as outlook_of
from tradewind.engine.pipeline import Diary
from tradewind.engine.progress import SILENT
from tradewind.engine.records import Records, Simulation
from tradewind.engine.registry import names

DATA = "{source: embedded, symbols: [KO, MSFT, XOM, JPM, PG], start: 2015-01-02, end: 2017-06-30}"
STRATEGIES = {
    "sma_cross": "strategy: {kind: sma_cross, fast: 5, slow: 20, short: true}",
    "inverse_volatility": "strategy: {kind: inverse_volatility, lookback: 40}\n"
    "sizing: {kind: target_weight, weight: 1.0}",
    "momentum": "strategy: {kind: momentum, lookback: 120, skip: 10, top: 0.4}\n"
    "sizing: {kind: target_weight, weight: 1.0}",
    "allocation": "strategy: {kind: allocation, lookback: 60, take: {top: 3}}\n"
    "selector: {kind: momentum, lookback: 60, skip: 5,"
    " walk_forward: {train: 150, refit: 42}}\n"
    "sizing: {kind: target_weight, weight: 1.0}",
    "timing": "strategy: {kind: timing, entry: 0.05}\n"
    "forecaster: {kind: ridge, horizon: 3, window: 10, walk_forward: {train: 200, refit: 42}}\n"
    "sizing: {kind: volatility_target, vol_annual: 0.15, lookback: 20}",
    "pairs": "strategy: {kind: pairs}\nsizing: {kind: target_weight, weight: 1.0}\n"
    "account: {max_leverage: 2}",
}
PLAYED = {"bars": "replay", "ticks": "{kind: replay, played_as: ticks}"}
START = "paper: {start: 2017-02-01, journal: {sync: normal}}"


def text_of(strategy: str) -> str:
    """A config of the strategy, with costs."""
    costs = "costs: {fee_bps: 1, spread: {kind: constant, bps: 4}, borrow_annual: 0.01}"
    return f"name: parity\ndata: {DATA}\n{STRATEGIES[strategy]}\n{costs}\n{START}\n"


def backtest(opened: Opened, text: str) -> tuple[Simulation, int]:
    """What a backtest does that begins to decide where the paper run did."""
    parts = pipeline.resolve(*config_of(text))
    assert opened.coming is not None
    panel = opened.coming
    found = outlook_of(
        parts, panel, Diary(), SILENT, workers=0, cache=pipeline.forecast_cache(fresh=False)
    )
    start = opened.account.book.start
    later = replace(found, first_bar=max(found.first_bar, start))
    traded = trading.simulate(parts, panel, later, Diary(), explains=False)
    assert traded.start == start
    return traded.simulation, start


def ended(orders: Records) -> Records:
    """Orders as a backtest leaves them at the end of its bars."""
    orders = orders.copy()
    waits = orders["reason"] == states.WORKING
    asleep = orders["triggered"][waits] == states.ASLEEP
    orders["reason"][waits] = np.where(asleep, states.BY_BRACKET, states.OVER)
    return orders


def test_every_shipped_strategy_is_here() -> None:
    assert sorted(STRATEGIES) == names("strategies")


@pytest.mark.parametrize(
    ("strategy", "played_as"),
    [(strategy, "bars") for strategy in sorted(STRATEGIES)]
    + [("sma_cross", "ticks"), ("timing", "ticks")],
)
def test_a_paper_run_does_what_the_backtest_does_on_every_bar(
    strategy: str, played_as: str, tmp_path: Path
) -> None:
    text = text_of(strategy).replace("paper: {", f"paper: {{feed: {PLAYED[played_as]}, ")
    opened = begun(tmp_path, text)
    running.work(opened)
    found, start = backtest(opened, text)
    book: Any = opened.account.book
    assert len(found.fills) > 0
    assert book.fills.tobytes() == found.fills.tobytes()
    assert ended(book.orders).tobytes() == found.orders.tobytes()
    assert book.happenings.tobytes() == found.events.tobytes()
    assert np.array_equal(book.equity[start:], found.equity[start:])
