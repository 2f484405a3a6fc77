"""Workload F: from the start of a process to its first result, warm and for the first time ever."""

import json
import subprocess
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from engines import Engine, environment_of
from workloads import WORKLOADS, market, save

BARS = 5_000
CACHES = ("TRADEWIND_KERNELS", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME")


def once(engine: Engine, file: Path, caches: Path | None) -> tuple[float, dict[str, Any]]:
    """(seconds to the first result, the result) of one process; ``caches`` empty = first ever."""
    environment = environment_of(engine)
    if caches is not None:
        environment |= {name: str(caches) for name in CACHES}
    child = Path(__file__).with_name("child.py")
    command = [engine.python, child, engine.module, "A", str(BARS), "1", file]
    begun = perf_counter()
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment
    )
    took = perf_counter() - begun
    if done.returncode:
        return took, {"absent": (done.stderr.strip().splitlines() or ["failed"])[-1][-200:]}
    return took, dict(json.loads(done.stdout))


def startup_rows(engines: list[Engine], quick: bool) -> list[dict[str, Any]]:
    """Rows of every engine that can run workload A; processes of all engines in turn."""
    engines = [e for e in engines if "A" in e.workloads and e.python.exists()]
    took: dict[str, list[float]] = {engine.name: [] for engine in engines}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bars.npz"
        save(file, market(WORKLOADS["A"], BARS))
        for number in range(2 if quick else 6):
            for engine in engines[:2] if quick and not number else engines:
                seconds, _ = once(engine, file, None)
                if number:  # the first one fills the caches
                    took[engine.name].append(seconds)
        for engine in engines:
            caches = None if quick and engine.name != "tradewind" else Path(folder) / engine.name
            first, result = once(engine, file, caches)
            rows.append(
                {
                    "engine": engine.name,
                    "workload": "F",
                    "bars": BARS,
                    "symbols": 1,
                    "configs": 1,
                    "seconds": median(took[engine.name]),
                    "first_call_seconds": first,
                    "ns_per_bar": median(took[engine.name]) / BARS * 1e9,
                    **{k: v for k, v in result.items() if k in ("final_equity", "absent")},
                }
            )
    return with_ratios(rows)


def with_ratios(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Set every row against tradewind's."""
    ours = next((row for row in rows if row["engine"] == "tradewind"), None)
    for row in rows:
        if ours is not None and row is not ours:
            row |= {"peer": "tradewind", "ratio": row["seconds"] / ours["seconds"]}
    return rows
