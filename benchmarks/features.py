"""What features cost: per fold, made anew or once; per bar, made anew or kept up to date.

    python benchmarks/features.py [--quick] [--json]

Rows: ``case, symbols, bars, seconds, peer, ratio``; ``ratio`` is the peer's seconds over the row's.
A fold asks for its table three times, as a walk-forward does: to fit, to forecast, and to look for
look-ahead. Seconds are CPU seconds of this process.
"""

import argparse
import json
import tempfile
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from tradewind.engine import features
from tradewind.engine.causality import probe
from tradewind.engine.features.store import FeatureStore
from tradewind.engine.features.stream import FeatureStream, Row
from tradewind.engine.records import Panel
from tradewind.forecasters.inputs.framing import FEATURES

NAMES = (*FEATURES, "vol_60")
TRAIN, REFIT = 500, 63
WARM = 200  # bars before the first that is timed


def of_folds(panel: Panel, context: Any) -> float:
    """CPU seconds per fold of an expanding walk-forward."""
    first = range(TRAIN, panel.n_bars, REFIT)
    begun = process_time()
    with context:
        for start in first:
            stop = min(start + REFIT, panel.n_bars)
            for known in (start, stop, (start + stop) // 2):
                features.table(panel.past(known), NAMES)
    return (process_time() - begun) / len(first)


def fold_rows(n_symbols: int, n_bars: int) -> list[dict[str, Any]]:
    """A fold with columns of its own, with shared ones, and with those of an earlier config."""
    panel = probe(0, n_bars=n_bars, n_symbols=n_symbols)
    features.table(panel.past(WARM), NAMES)  # what is imported and tried once
    with tempfile.TemporaryDirectory() as folder:
        store = FeatureStore(Path(folder))
        seconds = {
            "fold, made anew": of_folds(panel, nullcontext()),
            "fold, shared": of_folds(panel, features.share(panel, store)),
            "fold, next config": of_folds(panel, features.share(panel, store)),
        }
    return rows_of(seconds, n_symbols, n_bars, "fold, made anew")


def bar_rows(n_symbols: int, n_bars: int) -> list[dict[str, Any]]:
    """A bar taken in by a stream, and by making the table of all bars again."""
    panel = probe(1, n_bars=n_bars, n_symbols=n_symbols)
    stream = FeatureStream(NAMES, panel)
    taken = []
    for number in range(n_bars):
        row = Row.of(panel, number)
        begun = perf_counter()
        stream.update(row)
        taken.append(perf_counter() - begun)
    begun = process_time()
    features.table(panel, NAMES)
    seconds = {"bar, made anew": process_time() - begun, "bar, kept up": median(taken[WARM:])}
    return rows_of(seconds, n_symbols, n_bars, "bar, made anew")


def rows_of(
    seconds: dict[str, float], n_symbols: int, n_bars: int, peer: str
) -> list[dict[str, Any]]:
    """Rows with their ratios."""
    rows = []
    for case, took in seconds.items():
        row = {"case": case, "symbols": n_symbols, "bars": n_bars, "seconds": took}
        rows.append(row if case == peer else row | {"peer": peer, "ratio": seconds[peer] / took})
    return rows


def main() -> None:
    """Print a row a line."""
    parser = argparse.ArgumentParser(description="What features cost, per fold and per bar.")
    parser.add_argument("--quick", action="store_true", help="fewer symbols")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    asked = parser.parse_args()
    for n_symbols in (3, 50) if asked.quick else (3, 50, 500):
        for row in fold_rows(n_symbols, 1_200):
            show(row, as_json=asked.json)
    for n_symbols in (1, 50, 500):
        for row in bar_rows(n_symbols, 400):
            show(row, as_json=asked.json)


def show(row: dict[str, Any], *, as_json: bool) -> None:
    """Print one row."""
    if as_json:
        print(json.dumps(row), flush=True)
        return
    line = f"{row['case']:18} {row['symbols']:>4} x {row['bars']:<6,}"
    line += f" {row['seconds'] * 1e6:>12,.0f} us"
    if "ratio" in row:
        line += f" {row['ratio']:>10,.1f} x {row['peer']}"
    print(line, flush=True)


if __name__ == "__main__":
    main()
