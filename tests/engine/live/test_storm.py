"""A storm of faults over a whole run: its books are those of a calm day, and nothing is lost."""

from collections import Counter
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tests.bar_storm import ADDED, Arrival, BarStorm, bar_storm
from tests.storm import Weather, storm
from tradewind.engine.books.ledger import fold
from tradewind.engine.config.file import parse, validate
from tradewind.engine.config.paper import PaperConfig, TicksConfig
from tradewind.engine.config.run import RunConfig
from tradewind.engine.live.account import Account
from tradewind.engine.live.facts import Decision, Mode
from tradewind.engine.live.prospect import Prospect
from tradewind.engine.pipeline import resolve
from tradewind.engine.records import Panel
from tradewind.engine.risk.gate import Gate
from tradewind.engine.streams import reasons
from tradewind.engine.streams.facts import Tick
from tradewind.engine.streams.intake import Intake
from tradewind.engine.streams.sim import Sim
from tradewind.engine.types import Bar

SYMBOLS = tuple("ABCDEFGHIJ")
MINUTE = 60_000_000_000
BEGIN = 1_511_533_800_000_000_000  # 2017-11-24 14:30 UTC: round the clock here
N_TICKS, SEED = 40_000, 7
TICKS = TicksConfig(lateness_s=10.0)
CALM = Weather(gaps=0, unsized=0.0, ahead_s=0.0)  # adds and delays, and takes nothing away
TEXT = """
name: storm
data: {source: embedded}
strategy: {kind: sma_cross, fast: 2, slow: 5, short: true}
costs: {fee_bps: 1, spread: {kind: constant, bps: 4}}
account: {fractional: false}
"""


def account_of(history: Panel) -> Account:
    """Account that trades on made-up bars."""
    document = parse(TEXT, where="storm.yaml", folder=Path.cwd())
    parts = resolve(validate(RunConfig, document), document)
    prospect = Prospect(parts, workers=0, cache=None)
    prospect.begin(history)
    strategy: Any = parts.strategy
    return Account.begin(
        "storm", parts.config, strategy, history, prospect,
        Gate(PaperConfig().risk, history.symbols), bars_per_year=525_600.0, start=history.n_bars,
    )  # fmt: skip


def begun() -> tuple[Account, Intake]:
    """Account and intake behind a short history."""
    price = np.full((6, len(SYMBOLS)), 100.0)
    ts = BEGIN // MINUTE * MINUTE - MINUTE * np.arange(5, -1, -1)
    history = Panel(SYMBOLS, ts, price, price, price, price, price, "1m", "24/7")
    return account_of(history), Intake(history, TICKS)


def traded(ticks: list[Tick]) -> tuple[Account, Intake]:
    """Account after a day of ticks, our clock being when each was received."""
    account, intake = begun()

    def advance(now: int) -> None:
        for row in intake.advance(now):
            quoted = np.zeros(len(SYMBOLS), np.int64)
            account.bar(row, Decision(row.ts, 0, Mode.LIVE, (), quoted))

    for first in range(0, len(ticks), 50):
        batch = ticks[first : first + 50]
        intake.take(batch)
        advance(batch[-1].received)
    advance(ticks[-1].received + 3600 * 1_000_000_000)
    return account, intake


def test_through_ten_thousand_faults_the_books_are_those_of_a_calm_day() -> None:
    feed = Sim(seed=3, per_second=8.0).following(SYMBOLS, "1m")
    clean = list(islice(feed.ticks(BEGIN), N_TICKS))
    blown = storm(clean, seed=SEED, weather=CALM)
    assert len(blown.log) >= 10_000
    calm, _ = traded(clean)
    rough, intake = traded(list(blown.arrivals))
    assert len(calm.book.fills) > 100
    assert rough.book.fills.tobytes() == calm.book.fills.tobytes()
    assert rough.book.orders.tobytes() == calm.book.orders.tobytes()
    assert np.array_equal(rough.book.equity, calm.book.equity)
    intake.drops[reasons.SPIKE] += intake.filter.n_held
    assert intake.drops == blown.counted()
    assert intake.drops.total() > 5000


def test_after_a_storm_that_takes_ticks_away_the_books_still_balance() -> None:
    feed = Sim(seed=4, per_second=8.0).following(SYMBOLS, "1m")
    blown = storm(list(islice(feed.ticks(BEGIN), N_TICKS)), seed=SEED + 1)
    account, _ = traded(list(blown.arrivals))
    book = account.book
    folded = fold(  # raises where fills and equity do not agree to the cent
        book.panel, 100_000.0, book.equity, book.orders, book.fills, book.happenings
    )
    assert len(folded.fills) > 100
    bars = book.panel
    assert float(np.nanmin(bars.low)) > 0.0
    steps = np.abs(np.diff(np.log(bars.close[6:]), axis=0))
    assert float(np.nanmax(steps)) < 0.5  # no spike of a hundred times became a price


def walked(n_minutes: int, seed: int) -> list[Bar]:
    """Bars of a walk of each symbol, a minute each, row by row."""
    draw = np.random.default_rng(seed)
    steps = np.cumsum(draw.normal(0.0, 0.002, (n_minutes, 4, len(SYMBOLS))).reshape(
        4 * n_minutes, len(SYMBOLS)), axis=0).reshape(n_minutes, 4, len(SYMBOLS))  # fmt: skip
    paths = 100.0 * np.exp(steps)
    return [
        Bar(name, BEGIN + (t + 1) * MINUTE, float(path[0]), float(path.max()), float(path.min()),
            float(path[3]), 100.0 + k)
        for t in range(n_minutes) for k, name in enumerate(SYMBOLS) for path in [paths[t, :, k]]
    ]  # fmt: skip


def barred(arrivals: list[Arrival]) -> tuple[Account, Intake, list[str]]:
    """Account after bars of a source, our clock being when each came; and what a log is told."""
    account, intake = begun()
    lines = []

    def advance(now: int) -> None:
        for row in intake.advance(now):
            quoted = np.zeros(len(SYMBOLS), np.int64)
            account.bar(row, Decision(row.ts, 0, Mode.LIVE, (), quoted))

    for one in arrivals:
        advance(one.at)
        intake.maker.put(intake.take_bars([one.bar], now=one.at))
        lines.extend(intake.drops.news(one.at))
    advance(arrivals[-1].at + 3600 * 1_000_000_000)
    return account, intake, [*lines, *intake.drops.news()]


def told(lines: list[str]) -> Counter[str]:
    """How many drops a log speaks of, by reason."""
    found: Counter[str] = Counter()
    for line in lines:
        reason, _, rest = line.partition(": ")
        found[reason] += int(rest.split(" not used")[0])
    return found


@cache
def rough_bars() -> tuple[list[Bar], BarStorm, Account, Intake, list[str]]:
    clean = walked(220, 5)
    blown = bar_storm(clean, seed=SEED, per_bar=5)
    return clean, blown, *barred(blown.arrivals)


def test_through_ten_thousand_faulty_bars_the_books_are_those_of_a_calm_day() -> None:
    clean, blown, rough, _, _ = rough_bars()
    assert {one.kind for one in blown.faults} == {*ADDED, "reordered"}
    assert sum(blown.counted().values()) >= 10_000
    calm, intake, lines = barred([Arrival(bar.ts, bar, "", "") for bar in clean])
    assert (intake.drops, lines) == ({}, [])
    assert len(calm.book.fills) > 100
    assert rough.book.orders.tobytes() == calm.book.orders.tobytes()  # none came of a faulty bar
    assert rough.book.fills.tobytes() == calm.book.fills.tobytes()
    assert np.array_equal(rough.book.equity, calm.book.equity)
    assert np.array_equal(rough.book.panel.close, calm.book.panel.close)


def test_of_faulty_bars_the_log_says_how_many_were_dropped_and_why() -> None:
    _, blown, _, intake, lines = rough_bars()
    assert intake.drops == blown.counted()
    assert told(lines) == blown.counted()


def test_behind_faulty_bars_the_ledger_balances() -> None:
    book = rough_bars()[2].book
    folded = fold(book.panel, 100_000.0, book.equity, book.orders, book.fills, book.happenings)
    assert len(folded.fills) > 100
