"""How fast a paper run's journal takes events, and how soon a month of them is gone on with.

``python benchmarks/journal.py [--quick] [--json]``. A month is 21 days of 390 bars of 500 symbols:
10 million events, 1,221 a bar, written as one durable transaction each. Their mix: a bar (one blob
of 5 columns by 500 symbols), a forecast (mean, deviation and two quantiles of 500), a decision, an
equity and a feed event; of the other 1,216, 54 % orders and 36 % fills (a record each), 5 %
refusals and 5 % cancellations. A snapshot of 4 MB is kept every 82 bars, as a run of so many events
does, the last one 81 bars before the end: the worst that can happen.

Rows: ``append`` (median and 99th percentile of calls), ``build``; ``restart``, in a new process
whose start and imports are not in it: open, read the snapshot, read bars and forecasts up to it,
fold the events behind it, with the file in the page cache (a process died) and out of it (the
machine did); ``stream`` and ``verify`` of everything; ``kill``: processes killed at random while
they append, and how many journals then verified and had every acknowledged event. ``--quick``
writes 300 bars and kills 10 in the place of 300.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests import journal_writer
from tradewind.engine.journal.event import Event
from tradewind.engine.journal.journal import Journal, JournalReader
from tradewind.engine.live.process import SNAPSHOT_EVENTS
from tradewind.engine.records import FILL, ORDER

BARS, QUICK_BARS, N_SYMBOLS, PER_BAR = 21 * 390, 300, 500, 1221
SNAPSHOT_BARS, STATE_BYTES = -(-SNAPSHOT_EVENTS // PER_BAR), 4_000_000
GOAL_S = 5.0
KILLS, QUICK_KILLS = 300, 10
MINUTE_NS, BEGIN_NS = 60_000_000_000, 1_790_000_000_000_000_000
ACKNOWLEDGED = 40  # most events of a turn that may have been written but not told


class Turns:
    """Events of bars, made up and seeded."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.prices = [rng.normal(100, 1, (5, N_SYMBOLS)).tobytes() for _ in range(16)]
        self.said = [rng.normal(0, 1, (4, N_SYMBOLS)).tobytes() for _ in range(16)]
        self.quoted = rng.integers(0, 1 << 60, N_SYMBOLS).tobytes()
        self.orders, self.fills = (
            [rng.bytes(kind.itemsize) for _ in range(256)] for kind in (ORDER, FILL)
        )
        self.kinds = rng.choice(
            ["order", "fill", "refused", "cancelled"], PER_BAR - 5, p=[0.54, 0.36, 0.05, 0.05]
        ).tolist()

    def of(self, n: int) -> list[Event]:
        """Events of bar ``n``."""
        at = BEGIN_NS + n * MINUTE_NS
        levels = {"ts": at, "horizon": 5, "levels": [0.05, 0.95], "columns": N_SYMBOLS}
        known = {"n": n, "now": at + 12_345, "day": 20_000 + n // 390, "mode": "live"}
        money = {"n": n, "ts": at, "equity": 1e6 + n / 7, "cash": 1e5 + n / 3, "gross": 9e5 + n / 9}
        return [
            Event(0, at, "feed", {"name": "made up", "state": "live", "n": n}),
            Event(0, at, "bar", {"n": n, "ts": at, "leaving": []}, self.prices[n % 16]),
            Event(0, at, "forecast", levels, self.said[n % 16]),
            Event(0, at, "decision", known, self.quoted),
            *(self._small(n, at, k, kind) for k, kind in enumerate(self.kinds)),
            Event(0, at, "equity", money),
        ]

    def _small(self, n: int, at: int, k: int, kind: str) -> Event:
        number = n * PER_BAR + k
        if kind == "order":
            return Event(0, at, kind, {"n": n, "number": number}, self.orders[k % 256])
        if kind == "fill":
            return Event(0, at, kind, {"n": n}, self.fills[k % 256])
        return Event(0, at, kind, {"number": number, "symbol": f"S{k % 500}", "reason": "gross"})


def appends(folder: Path, quick: bool) -> Iterator[dict[str, Any]]:
    """Time of single calls."""
    small = [one for one in Turns().of(0) if one.kind in ("order", "fill")][:500]
    for sync in ("full", "normal"):
        with Journal.create(folder / f"{sync}.sqlite", about={}, sync=sync) as journal:
            for n_events in (1, 10, 500):
                took = []
                for _ in range(50 if quick else 500):
                    begun = perf_counter()
                    journal.append(small[:n_events])
                    took.append((perf_counter() - begun) * 1e3)
                median, p99 = np.percentile(took, [50, 99])
                yield {
                    "case": "append", "sync": sync, "events": n_events, "calls": len(took),
                    "median_ms": float(median), "p99_ms": float(p99),
                }  # fmt: skip


def build(path: Path, n_bars: int) -> dict[str, Any]:
    """Write a month."""
    turns, state = Turns(), np.random.default_rng(1).normal(0, 1, STATE_BYTES // 8).tobytes()
    begun, worst = perf_counter(), 0.0
    with Journal.create(path, about={"run": "benchmark"}) as journal:
        for n in range(n_bars):
            events = turns.of(n)
            before = perf_counter()
            upto = journal.append(events)
            worst = max(worst, perf_counter() - before)
            if (n_bars - n) % SNAPSHOT_BARS == 0:
                journal.keep_snapshot(upto, state)
    seconds = perf_counter() - begun
    return {
        "case": "build", "events": upto, "seconds": seconds, "mb": path.stat().st_size / 1e6,
        "events_per_second": upto / seconds, "worst_append_ms": worst * 1e3,
    }  # fmt: skip


def restart(path: Path) -> dict[str, Any]:
    """Go on with a month where it ended."""
    times, spent = [perf_counter()], process_time()

    def lap() -> float:
        times.append(perf_counter())
        return times[-1] - times[-2]

    with Journal.open(path) as journal:
        row: dict[str, Any] = {"case": "restart", "events": journal.count, "open_s": lap()}
        kept = journal.snapshot()
        after = 0 if kept is None else kept[0]
        row |= {"snapshot_s": lap(), "snapshot_mb": 0 if kept is None else len(kept[1]) / 1e6}
        taken = 0
        for event in journal.events(kinds=("bar", "forecast")):
            if event.seq > after:
                break
            taken += np.frombuffer(event.blob).size
        row |= {"bars_s": lap(), "bars_mb": taken * 8 / 1e6}
        folded = {"count": 0, "equity": 0.0}
        for event in journal.events(after=after):
            folded["count"] += 1
            folded["equity"] += event.facts.get("equity", 0.0)
        row |= {"fold_s": lap(), "folded": folded["count"]}
    seconds = times[-1] - times[0]
    row |= {"seconds": seconds, "cpu_s": process_time() - spent}
    return row | {"goal": GOAL_S, "met": seconds < GOAL_S}


def stream(path: Path) -> dict[str, Any]:
    """Read everything, and say how much memory that took."""
    with JournalReader(path) as reader:
        before, begun = peak_mb(), perf_counter()
        count = sum(1 for _ in reader.events())
        seconds = perf_counter() - begun
    return {"case": "stream", "events": count, "seconds": seconds, "more_mb": peak_mb() - before}


def verify(path: Path) -> dict[str, Any]:
    """Check everything."""
    with JournalReader(path) as reader:
        begun = perf_counter()
        count = reader.verify()
    return {"case": "verify", "events": count, "seconds": perf_counter() - begun}


def peak_mb() -> float:
    """Most memory this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def in_new_process(what: str, path: Path, *, cached: bool) -> dict[str, Any]:
    """Row of a part, with the file in the page cache or out of it when it begins."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        if cached:
            while file.read(1 << 24):
                pass
        else:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    command = [sys.executable, __file__, "--part", what, str(path)]
    found: dict[str, Any] = json.loads(subprocess.check_output(command, text=True))
    return {"case": found["case"], "cached": cached, **found}


def kills(folder: Path, sync: str, trials: int) -> dict[str, Any]:
    """Kill writers at random; a new journal after every 30th."""
    when, identical, before = random.Random(sync), 0, 0
    for trial in range(trials):
        path = folder / f"killed-{sync}-{trial // 30}.sqlite"
        before = 0 if trial % 30 == 0 else before
        command = [sys.executable, journal_writer.__file__, str(path), sync]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            told = [int(process.stdout.readline()) for _ in range(when.randint(1, 60))]
            process.kill()
            told += [int(line) for line in process.stdout.read().split("\n")[:-1]]
        with JournalReader(path) as reader:
            there = reader.verify()
            new = [one == journal_writer.event(one.seq) for one in reader.events(after=before)]
        identical += max(told) <= there <= max(told) + ACKNOWLEDGED and all(new)
        before = there
    return {"case": "kill", "sync": sync, "trials": trials, "identical": identical}


def rows(folder: Path, quick: bool) -> Iterator[dict[str, Any]]:
    """Every row."""
    yield from appends(folder, quick)
    month = folder / "month.sqlite"
    yield build(month, QUICK_BARS if quick else BARS)
    for what, cached in (("restart", False), ("restart", True), ("stream", True), ("verify", True)):
        yield in_new_process(what, month, cached=cached)
    for sync in ("full", "normal"):
        yield kills(folder, sync, (QUICK_KILLS if quick else KILLS) // 2)


PARTS = {"restart": restart, "stream": stream, "verify": verify}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smaller journal, fewer kills")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--folder", help="where to write, by default the system's temporary folder")
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        what, path = given.part
        print(json.dumps(PARTS[what](Path(path))))
        return 0
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for row in rows(Path(folder), given.quick):
            shown = "  ".join(
                f"{name} {value:,.3f}" if isinstance(value, float) else f"{name} {value}"
                for name, value in row.items()
            )
            print(json.dumps(row) if given.json else shown, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
