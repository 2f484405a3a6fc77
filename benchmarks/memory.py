"""Peak memory of loading minute bars from Parquet, over the bytes of the panel they become.

``python benchmarks/memory.py [--quick] [--json]``. Bars are made up, a year of New York's minutes,
written to a temporary folder that goes when it ends. Each row is a process of its own: its peak is
that of everything it ever held, Python and the libraries included. ``--quick`` takes 50 symbols in
place of 500.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

GOAL = 1.5  # peak over panel, at the full size
FULL, QUICK = 500, 50  # symbols
DAYS = 252
MINUTE_NS = 60_000_000_000
ROWS = 1 << 20  # of a row group, pyarrow's own choice
CHILD = "child"


def opens_of(days: int) -> Any:
    """Time of the open of each session, UTC nanoseconds."""
    from tradewind.engine.bars.sessions import session_closes

    sessions = session_closes("XNYS", "2016-01-01", "2017-12-31")
    whole = sessions.closes - sessions.opens == 390 * MINUTE_NS  # half days are left out here
    return sessions.opens[whole][:days]


def bars(ts: Any, rng: np.random.Generator, start: Any) -> dict[str, Any]:
    """Prices on a grid of cents around random walks; ``start`` broadcasts over symbols."""
    steps = rng.normal(0, 5e-4, (len(ts), *np.shape(start)))
    close = np.round(start * np.exp(np.cumsum(steps, axis=0)), 2)
    opened = np.round(close * (1 + rng.normal(0, 1e-4, close.shape)), 2)
    return {
        "open": opened,
        "high": np.maximum(opened, close) + 0.01,
        "low": np.minimum(opened, close) - 0.01,
        "close": close,
        "volume": rng.integers(1, 1_000, close.shape).astype(float),
    }


def by_symbol(n_symbols: int) -> Iterator[Any]:
    """Tables of one symbol after another."""
    import pyarrow as pa

    rng = np.random.default_rng(0)
    ts = (opens_of(DAYS)[:, None] + np.arange(390) * MINUTE_NS).reshape(-1)
    for k in range(n_symbols):
        names = pa.array([f"S{k:04d}"]).take(pa.array(np.zeros(len(ts), np.int32)))
        yield pa.table({"symbol": names, "timestamp": stamps(ts), **bars(ts, rng, 100.0)})


def by_time(n_symbols: int) -> Iterator[Any]:
    """Tables of one day after another, all symbols at each minute."""
    import pyarrow as pa

    rng = np.random.default_rng(0)
    names = pa.array([f"S{k:04d}" for k in range(n_symbols)])
    for opened in opens_of(DAYS):
        ts = opened + np.arange(390) * MINUTE_NS
        held = {n: a.reshape(-1) for n, a in bars(ts, rng, np.full(n_symbols, 100.0)).items()}
        every = names.take(pa.array(np.tile(np.arange(n_symbols, dtype=np.int32), len(ts))))
        yield pa.table({"symbol": every, "timestamp": stamps(np.repeat(ts, n_symbols)), **held})


def stamps(ts: Any) -> Any:
    """Nanoseconds as an Arrow column of UTC times."""
    import pyarrow as pa

    return pa.array(ts).cast(pa.timestamp("ns", "UTC"))


ORDERS = {"by symbol": by_symbol, "by time": by_time}


def write(path: Path, order: str, n_symbols: int) -> int:
    """Write a file and return its rows; runs in a child, so that nothing of it stays here."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer, held, n_rows = None, [], 0
    for table in ORDERS[order](n_symbols):
        writer = writer or pq.ParquetWriter(path, table.schema)
        held.append(table)
        n_rows += table.num_rows
        if sum(one.num_rows for one in held) >= ROWS:
            writer.write_table(pa.concat_tables(held), row_group_size=ROWS)
            held = []
    assert writer is not None
    if held:
        writer.write_table(pa.concat_tables(held), row_group_size=ROWS)
    writer.close()
    return n_rows


def load(path: Path) -> dict[str, Any]:
    """Load a file through the public door and say what it took."""
    from tradewind.engine.config.run import DataConfig
    from tradewind.engine.feeds import load as load_history

    said = {"source": "parquet", "path": path, "interval": "1min", "calendar": "XNYS"}
    begun = perf_counter()
    panel = load_history(DataConfig.model_validate(said)).panel
    seconds = perf_counter() - begun
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {
        "bars": int((~np.isnan(panel.close)).sum()),
        "symbols": panel.n_symbols,
        "seconds": round(seconds, 1),
        "panel_mb": round(panel.nbytes / 2**20, 1),
        "peak_mb": round(peak / 2**20, 1),
        "ratio": round(peak / panel.nbytes, 3),
        "peer": "panel",
    }


def in_a_child(*arguments: str) -> Any:
    """Run one step in a process of its own and return what it printed."""
    command = [sys.executable, __file__, CHILD, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def rows(n_symbols: int) -> Iterator[dict[str, Any]]:
    """One row for each order that a file may be in."""
    for order in ORDERS:
        with tempfile.TemporaryDirectory(prefix="tradewind-memory-") as folder:
            path = Path(folder) / "bars.parquet"
            written = in_a_child("write", str(path), order, str(n_symbols))
            row = {"case": f"Parquet sorted {order}", **in_a_child("load", str(path))}
        assert row["bars"] == written, "bars were lost"
        # a small panel is not larger than Python and its libraries, which count as well
        goal = {"goal": GOAL, "met": row["ratio"] < GOAL} if n_symbols == FULL else {}
        yield {**row, **goal}


def text(row: dict[str, Any]) -> str:
    """One line for a person."""
    return (
        f"{row['case']:26} {row['bars']:>11,} bars x {row['symbols']} symbols  "
        f"{row['seconds']:6.1f} s  panel {row['panel_mb']:8,.1f} MB  peak {row['peak_mb']:8,.1f} MB"
        f"  ratio {row['ratio']:.2f}"
    )


def main() -> int:
    """Measure, and print a line for each case."""
    if sys.argv[1:2] == [CHILD]:
        step, path, *rest = sys.argv[2:]
        found = load(Path(path)) if step == "load" else write(Path(path), rest[0], int(rest[1]))
        print(json.dumps(found))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    for row in rows(QUICK if given.quick else FULL):
        print(json.dumps(row) if given.json else text(row), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
