"""What a market that is open costs: from a tick to an order that is on the disk.

``python benchmarks/paper.py [--quick] [--json]``.

``latency``: 500 symbols, 5,000 ticks a second by the wall clock, each second a bar of ten ticks a
symbol; a stateful LSTM forecasts every symbol at every close and ``timing`` trades on it. Measured
for each close that sends orders is the time from the last tick of the bar until everything decided
on it is in the journal: ``median_ms`` and ``p99_ms`` without the disk's own sync (journal.sync:
normal), ``sync_median_ms`` and ``sync_p99_ms`` what one full transaction of that size takes.

``soak``: minute bars of 50 symbols replayed as fast as they go through the whole process, journal
and all; memory after a fifth and at the end, what the journal grows by a bar, and how long an
account takes to be where it was again, from the journal.
"""

import argparse
import asyncio
import gc
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.config.file import parse, validate
from tradewind.engine.config.paper import PaperConfig, TicksConfig
from tradewind.engine.config.run import RunConfig
from tradewind.engine.features.stream import Row
from tradewind.engine.journal.journal import Journal
from tradewind.engine.live import home as homes
from tradewind.engine.live import opening
from tradewind.engine.live.account import Account
from tradewind.engine.live.board import Board
from tradewind.engine.live.facts import Decision, Mode, records_of
from tradewind.engine.live.process import Process
from tradewind.engine.live.prospect import Prospect
from tradewind.engine.live.recovery import recovered
from tradewind.engine.live.telling import Teller
from tradewind.engine.pipeline import resolve
from tradewind.engine.records import Panel
from tradewind.engine.risk.gate import Gate
from tradewind.engine.streams.facts import Tick
from tradewind.engine.streams.intake import Intake
from tradewind.engine.streams.replay import Replay

ENTRIES = (0.16, 0.1)  # of the strategy: some orders at each close, and many
WARM_UP = 20  # closes
MINUTE_NS = 60_000_000_000
BEGUN = 1_483_282_800 * 1_000_000_000  # 2017-01-01 15:00 UTC; 24/7, so every minute is a bar
LSTM = """
name: live
data: {source: embedded}
forecaster:
  kind: lstm
  serving: stateful
  hidden: 32
  window: 20
  epochs: 1
  horizon: 5
  features: [scaled_return_1, range]
  walk_forward: {train: 240, refit: 100000}
strategy: {kind: timing, entry: ENTRY}
costs: {fee_bps: 1, spread: {kind: constant, bps: 4}}
account: {max_leverage: 2}
"""
CROSS = """
name: soak
data: {source: embedded}
strategy: {kind: sma_cross, fast: 15, slow: 90, short: true}
costs: {fee_bps: 1, spread: {kind: constant, bps: 4}}
paper: {journal: {sync: normal, snapshot_bars: 20000}}
"""


def walk(n_bars: int, n_symbols: int, seed: int) -> Panel:
    """Made-up minute bars round the clock, that half return from where a bar took them."""
    draw = np.random.default_rng(seed)
    shocks = draw.normal(0.0, 4e-4, (n_bars, n_symbols))
    close = 50.0 * np.exp(np.cumsum(shocks, axis=0) + draw.normal(0.0, 4e-4, shocks.shape))
    opens = np.vstack([close[:1], close[:-1]])
    wide = np.abs(draw.normal(0.0, 2e-4, (n_bars, n_symbols))) * close
    return Panel(
        symbols=tuple(f"S{k:03}" for k in range(n_symbols)),
        ts=BEGUN + MINUTE_NS * np.arange(1, n_bars + 1),
        open=opens, high=np.maximum(opens, close) + wide, low=np.minimum(opens, close) - wide,
        close=close, volume=np.full((n_bars, n_symbols), 1000.0), interval="1m", calendar="24/7",
    )  # fmt: skip


def account_of(text: str, history: Panel) -> Account:
    """Account of a config over a history that no source has."""
    document = parse(text, where="bench.yaml", folder=Path.cwd())
    parts = resolve(validate(RunConfig, document), document)
    prospect = Prospect(parts, workers=0, cache=None)
    prospect.begin(history)
    strategy: Any = parts.strategy
    return Account.begin(
        "bench", parts.config, strategy, history, prospect,
        Gate(PaperConfig().risk, history.symbols), bars_per_year=525_600.0, start=history.n_bars,
    )  # fmt: skip


def latency(*, seconds: int, entry: float, folder: Path) -> dict[str, Any]:
    """Time from the last tick of a bar to its orders in the journal, at 5,000 ticks a second."""
    history_bars, n_symbols, a_symbol = 260, 500, 10
    panel = walk(history_bars + seconds + WARM_UP, n_symbols, 1)
    account = account_of(LSTM.replace("ENTRY", str(entry)), panel.past(history_bars))
    intake = Intake(panel.past(history_bars), TicksConfig(lateness_s=0.0))
    journals = {
        sync: Journal.create(folder / f"{sync}-{entry}.sqlite", about={}, sync=sync)
        for sync in ("normal", "full")
    }
    took, synced, n_orders, late, begun = [], [], [], 0, 0.0
    gc.freeze()  # as a run does (engine/live/running.py)
    for t in range(history_bars, history_bars + seconds + WARM_UP):
        ticks, second = ticks_of(panel, t, a_symbol), t - history_bars - WARM_UP
        if second == 0:  # the first closes compile
            begun = time.perf_counter()
        for k in range(0, len(ticks), 100):  # they arrive in small messages all through the second
            pause = begun + second + k / len(ticks) - time.perf_counter()
            if second >= 0 and pause > 0:
                time.sleep(pause)
            late += second >= 0 and pause < -0.5
            intake.take(ticks[k : k + 100])
        at = time.perf_counter_ns()
        rows = intake.advance(int(panel.ts[t]))
        events = [event for row in rows for event in account.bar(row, decision(row))]
        journals["normal"].append(events)
        done = time.perf_counter_ns()
        journals["full"].append(events)
        durable = time.perf_counter_ns()
        sent = sum(int((records_of([e], "order")["reason"] == 0).sum()) for e in events
                   if e.kind == "order")  # fmt: skip
        if second >= 0 and sent:
            n_orders.append(sent)
            took.append((done - at) / 1e6)
            synced.append((durable - done) / 1e6)
    for journal in journals.values():
        journal.close()
    return {
        "case": "latency", "symbols": n_symbols, "ticks_per_second": n_symbols * a_symbol,
        "closes": len(took), "orders_per_close": float(np.median(n_orders)),
        "late_messages": late,
        "median_ms": round(float(np.median(took)), 3),
        "p99_ms": round(float(np.quantile(took, 0.99)), 3),
        "sync_median_ms": round(float(np.median(synced)), 3),
        "sync_p99_ms": round(float(np.quantile(synced, 0.99)), 3),
    }  # fmt: skip


def decision(row: Row) -> Decision:
    """Nothing besides the bar."""
    return Decision(row.ts, 0, Mode.LIVE, (), np.zeros(len(row.close), np.int64))


def ticks_of(panel: Panel, t: int, a_symbol: int) -> list[Tick]:
    """Ticks that make the bars of one close, by time."""
    first = int(panel.ts[t]) - MINUTE_NS
    step = MINUTE_NS // (a_symbol + 1)
    found = []
    for i in range(a_symbol):
        ts = first + (i + 1) * step
        for k, name in enumerate(panel.symbols):
            share = i / (a_symbol - 1)
            price = float((1 - share) * panel.open[t, k] + share * panel.close[t, k])
            found.append(Tick(name, ts, price, 10.0, received=ts, id=f"{t}/{i}"))
    return found


def soak(*, n_bars: int, folder: Path) -> dict[str, Any]:
    """Minute bars of 50 symbols through the whole process."""
    history = 500
    panel = walk(history + n_bars, 50, 3)
    document = parse(CROSS, where="bench.yaml", folder=Path.cwd())
    parts = resolve(validate(RunConfig, document), document)
    account = account_of(CROSS, panel.past(history))
    home = homes.found(
        parts, panel.past(history), account.prospect.signals(panel.past(history)), 0, folder
    )
    journal = Journal.create(home.journal, about={"run": home.run}, sync="normal")
    opened = opening.Opened(home, parts, document, account, journal, panel, resumed=False)
    marks: list[float] = []

    def reached(name: str) -> None:
        if name == "bar" and account.book.panel.n_bars in (history + n_bars // 5,):
            marks.append(rss_mb())

    async def work() -> None:
        process = Process(opened, Replay().over(panel, history), board=Board(),
                          teller=Teller(_Quiet()), reached=reached)  # fmt: skip
        await process.run()

    at = time.perf_counter()
    asyncio.run(work())
    seconds, ended = time.perf_counter() - at, rss_mb()
    at = time.perf_counter()
    with Journal.open(home.journal, sync="normal") as again:
        fresh = account_of(CROSS, panel.past(history))
        recovered(fresh, again)
    restart = time.perf_counter() - at
    assert fresh.book.equity[-1] == account.book.equity[-1]
    size = sum(file.stat().st_size for file in home.folder.glob("journal.sqlite*"))
    return {
        "case": "soak", "symbols": 50, "bars": n_bars, "seconds": round(seconds, 1),
        "ms_per_bar": round(1e3 * seconds / n_bars, 3), "fills": len(account.book.fills),
        "rss_mb_after_a_fifth": marks[0], "rss_mb_at_the_end": ended,
        "growth": round(ended / marks[0] - 1.0, 3), "restart_s": round(restart, 2),
        "history_mb": round(account.book.panel.nbytes / 1e6, 1),
        "journal_bytes_per_bar": round(size / n_bars), "exceptions": 0,
    }  # fmt: skip


class _Quiet:
    def event(self, level: str, event: str, text: str, **facts: Any) -> None:
        """Forget it."""


def rss_mb() -> float:
    """Memory of this process now."""
    with Path("/proc/self/statm").open() as file:
        pages = int(file.read().split()[1])
    return round(pages * resource.getpagesize() / 1e6, 1)


def main() -> None:
    """Print rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ends within a minute")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    given = parser.parse_args()
    os.environ.setdefault("TRADEWIND_LEDGER", "off")
    folder = Path(tempfile.mkdtemp(prefix="tradewind-paper-"))
    try:
        for entry in ENTRIES:
            row = latency(seconds=15 if given.quick else 120, entry=entry, folder=folder)
            print(json.dumps(row) if given.json else row, flush=True)
        row = soak(n_bars=3_000 if given.quick else 98_280, folder=folder)
        print(json.dumps(row) if given.json else row, flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0)


if __name__ == "__main__":
    main()
