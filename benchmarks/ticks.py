"""What a tick costs on its way into a bar: parsed, judged, aggregated.

``python benchmarks/ticks.py [--quick] [--json]``. Trades and quotes of 500 symbols that never
existed, in batches, all on one thread. *bare_loop* groups them into the same bars and does nothing
else: no rule, no session, no order of arrival, no lateness. *tradewind* is the filter and the bar
maker as a paper run has them; *tradewind_storm* the same under one fault to four good ticks;
*tradewind_yahoo* begins with Yahoo's messages (JSON, base64, protobuf). ``loss`` counts good ticks
that went into no bar. Times are those of the processor; ``ratio`` is the median over the rounds of
a row's time over that of ``peer``, in turn with it.
"""

import argparse
import asyncio
import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from itertools import islice
from statistics import median
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.features.stream import Row
from tradewind.engine.records import Panel
from tradewind.engine.streams.day_volume import DayVolumes
from tradewind.engine.streams.facts import Tick
from tradewind.engine.streams.intake import Intake
from tradewind.engine.streams.sim import Sim
from tradewind.engine.streams.yahoo import YahooConnection

SYMBOLS, PER_SECOND, BATCH = 500, 20_000.0, 256
BEGIN = 1_704_294_000_000_000_000  # 2024-01-03, 15:00 UTC: a session of New York
MINUTE_NS, FAULTS = 60_000_000_000, 4  # good ticks to a faulty one
GOAL_PER_S = 20_000
NAMES = tuple(f"S{k:03}" for k in range(SYMBOLS))


class Case(NamedTuple):
    """One way to make bars; ``work`` gives how many good ticks went into them, by volume."""

    engine: str
    n_ticks: int
    work: Callable[[], float]


def history() -> Panel:
    """One bar of every symbol before the ticks."""
    price = np.full((1, SYMBOLS), 100.0)
    return Panel(
        NAMES, np.array([BEGIN - MINUTE_NS]), price, price, price, price, price, "1m", "XNYS"
    )


def bare_loop(ticks: Sequence[Tick]) -> float:
    """Group ticks into bars."""
    bars: dict[tuple[int, str], list[float]] = {}
    for tick in ticks:
        key = tick.ts // MINUTE_NS, tick.symbol
        bar = bars.get(key)
        if bar is None:
            bars[key] = [tick.price, tick.price, tick.price, tick.price, tick.size]
            continue
        if tick.price > bar[1]:
            bar[1] = tick.price
        if tick.price < bar[2]:
            bar[2] = tick.price
        bar[3] = tick.price
        bar[4] += tick.size
    return sum(bar[4] for bar in bars.values())


def volume(rows: Sequence[Row]) -> float:
    """Units traded in all bars."""
    return float(sum(np.nansum(row.volume) for row in rows))


def whole_way(ticks: Sequence[Tick]) -> float:
    """Filter and bar maker, with a look at the clock after each batch."""
    intake, rows = Intake(history(), TicksConfig()), []
    for first in range(0, len(ticks), BATCH):
        batch = ticks[first : first + BATCH]
        intake.take(batch)
        rows += intake.advance(batch[-1].received)
    return volume(rows + intake.advance(ticks[-1].received + 2 * MINUTE_NS))


class Messages:
    """A socket that has it all already."""

    def __init__(self, messages: Sequence[str]) -> None:
        self._coming = iter(messages)

    async def recv(self) -> str:
        """Next message."""
        return next(self._coming)


class Ignored:
    """A sink that counts what could not be used."""

    n = 0

    def dropped(self, reason: str, what: str) -> None:
        """Count it."""
        self.n += 1


def from_the_wire(messages: Sequence[str]) -> float:
    """Parse Yahoo's messages, then all the way."""
    import yfinance.live

    connection = YahooConnection(yfinance.live, "", {name: name for name in NAMES}, DayVolumes())
    made: Any = connection._made
    made._ws = Messages(messages)
    config = TicksConfig(stale_s=1e12)  # the stamps are of another year
    intake, rows, sink = Intake(history(), config), [], Ignored()

    async def take() -> None:
        for number in range(len(messages)):
            ticks = await connection.receive(sink)  # type: ignore[arg-type]
            intake.take(ticks)
            if number % BATCH == 0:
                rows.extend(intake.advance(ticks[-1].ts))

    asyncio.run(take())
    rows.extend(intake.advance(BEGIN + 86_400_000_000_000))
    return volume(rows) if not sink.n else 0.0


def messages_of(ticks: Sequence[Tick]) -> list[str]:
    """The ticks on Yahoo's wire, which tells the volume of the day so far."""
    from yfinance.pricing_pb2 import PricingData

    traded, found = dict.fromkeys(NAMES, 1), []
    for name in NAMES:  # the first message of a symbol says where its volume stands
        found.append(PricingData(id=name, price=100.0, time=BEGIN // 1_000_000, day_volume=1))
    for tick in ticks:
        traded[tick.symbol] += int(tick.size)
        found.append(
            PricingData(
                id=tick.symbol, price=tick.price, time=tick.ts // 1_000_000, price_hint=2,
                bid=tick.bid, ask=tick.ask, day_volume=traded[tick.symbol],
            )
        )  # fmt: skip
    return [
        json.dumps({"type": "pricing", "message": b64encode(one.SerializeToString()).decode()})
        for one in found
    ]


def faulty(ticks: Sequence[Tick]) -> list[Tick]:
    """The ticks with a faulty one behind every few, in turn of every kind."""
    wrong: tuple[Callable[[Tick], Tick], ...] = (
        lambda t: t,
        lambda t: t._replace(price=float("nan"), bid=float("nan"), ask=float("nan")),
        lambda t: t._replace(price=0.0),
        lambda t: t._replace(symbol="ACME"),
        lambda t: t._replace(bid=t.ask + 1.0),
        lambda t: t._replace(ts=t.ts - 3_600_000_000_000),
        lambda t: t._replace(price=100.0 * t.price, id=f"{t.id}/s"),
    )
    found: list[Tick] = []
    for number, tick in enumerate(ticks):
        found.append(tick)
        if number % FAULTS == 0:
            found.append(wrong[number // FAULTS % len(wrong)](tick))
    return found


def cases(quick: bool) -> tuple[list[Case], float]:
    """Every way, and the volume that must be in their bars."""
    feed = Sim(seed=3, per_second=PER_SECOND).following(NAMES, "1m")
    ticks = list(islice(feed.ticks(BEGIN), 200_000 if quick else 1_000_000))
    few = ticks[: len(ticks) // 10]
    storm, wire = faulty(ticks), messages_of(few)
    ways = [
        Case("bare_loop", len(ticks), lambda: bare_loop(ticks)),
        Case("tradewind", len(ticks), lambda: whole_way(ticks)),
        Case("tradewind_storm", len(storm), lambda: whole_way(storm)),
        Case("tradewind_yahoo", len(wire), lambda: from_the_wire(wire) / _volume(few)),
    ]
    return ways, _volume(ticks)


def _volume(ticks: Sequence[Tick]) -> float:
    return float(sum(tick.size for tick in ticks))


def measure(quick: bool) -> list[dict[str, Any]]:
    """All ways in turn, round after round."""
    ways, wanted = cases(quick)
    from_the_wire(messages_of([]))  # imports
    took: list[list[float]] = [[] for _ in ways]
    found = [0.0] * len(ways)
    for _ in range(3 if quick else 5):
        for k, way in enumerate(ways):
            begun = process_time()
            found[k] = way.work()
            took[k].append((process_time() - begun) / way.n_ticks)
    rows = []
    for way, mine, got in zip(ways, took, found, strict=True):
        share = got if way.engine == "tradewind_yahoo" else got / wanted
        row: dict[str, Any] = {
            "engine": way.engine,
            "symbols": SYMBOLS,
            "ticks": way.n_ticks,
            "ns_per_tick": median(mine) * 1e9,
            "ticks_per_s": 1.0 / median(mine),
            "loss": 1.0 - share,
        }
        if way.engine != "bare_loop":
            ratios = [a / b for a, b in zip(mine, took[0], strict=True)]
            row |= {"peer": "bare_loop", "ratio": median(ratios), "goal": GOAL_PER_S}
            row["met"] = row["ticks_per_s"] >= GOAL_PER_S and row["loss"] == 0.0
        rows.append(row)
    return rows


def text(row: dict[str, Any]) -> str:
    """One line."""
    line = f"{row['engine']:16} {row['symbols']} symbols {row['ticks']:>9,} ticks"
    line += f"  {row['ticks_per_s']:>11,.0f}/s  loss {row['loss']:.3g}"
    return line + (f"  {row['ratio']:5.1f} x {row['peer']}" if "ratio" in row else "")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer ticks and rounds")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    given = parser.parse_args()
    for row in measure(given.quick):
        print(json.dumps(row) if given.json else text(row))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
