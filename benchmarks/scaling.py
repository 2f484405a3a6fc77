"""How a shared study scales: 1, 2 and 4 workers, per storage; round trips of a trial.

``python benchmarks/scaling.py [--quick] [--json] [--storage URL ...]``. Trials are single runs in
backtrader's Cerebro, which take long enough to be worth sharing. PostgreSQL is measured where its
address is given.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

Row = dict[str, Any]
SCRIPT = Path(sys.executable).with_name("tradewind")
CONFIG = """\
name: scaling
data: {source: embedded, symbols: [KO, PEP, JPM, MSFT]}
strategy: {kind: sma_cross}
executor: cerebro
sweep:
  space:
    strategy.fast: {low: 2, high: 60}
    strategy.slow: {low: 70, high: 200}
  sampler: random
  keep_returns: 10
  trials: TRIALS
"""


def swept(folder: Path, where: str, name: str, workers: int) -> float:
    """Trials a second between the first that was begun and the last that was told."""
    command = [str(SCRIPT), "sweep", "c.yaml", "--storage", where, "--study", name, "--json"]
    others = [
        subprocess.Popen(
            [str(SCRIPT), "sweep", "worker", "--storage", where, "--study", name], cwd=folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for _ in range(workers - 1)
    ] if _begun(folder, where, name) else []  # fmt: skip
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    for one in others:
        one.wait()
    import optuna

    from tradewind.engine.sweeping.storage import study_storage
    from tradewind.engine.sweeping.study import quiet

    with quiet():
        study = optuna.load_study(study_name=name, storage=study_storage(where))
        done = [t for t in study.trials if t.state.is_finished() and t.datetime_complete]
    begun = min(t.datetime_start for t in done if t.datetime_start)
    end = max(t.datetime_complete for t in done if t.datetime_complete)
    return len(done) / (end - begun).total_seconds()


def _begun(folder: Path, where: str, name: str) -> bool:
    """Make the study first, so that workers find it."""
    from tradewind.engine.config.file import override, read_document
    from tradewind.engine.pipeline import Diary
    from tradewind.engine.sweeping import sharing
    from tradewind.engine.sweeping.preparing import prepared

    document = override(read_document(folder / "c.yaml"), [f"sweep.name={name}"])
    sharing.open_study(prepared(document, Diary()), where, name)
    return True


def rows(quick: bool, storages: list[str]) -> Iterator[Row]:
    """Throughput by number of workers, and what a trial that does nothing costs."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "c.yaml").write_text(CONFIG.replace("TRIALS", "12" if quick else "60"))
        for where in [f"journal:{folder}/study.journal", f"sqlite:///{folder}/study.db", *storages]:
            kind = where.partition(":")[0]
            alone = None
            for workers in (1, 2) if quick else (1, 2, 4):
                rate = swept(folder, where, f"{kind}-{workers}-{os.getpid()}", workers)
                alone = alone or rate
                yield {"case": "workers", "storage": kind, "workers": workers,
                       "trials_per_second": rate, "ratio": rate / alone}  # fmt: skip
            yield trips(where, 20 if quick else 200)


def trips(where: str, n: int) -> Row:
    """Seconds that a storage takes for a trial: asked, described, told."""
    import optuna

    from tradewind.engine.sweeping.storage import study_storage
    from tradewind.engine.sweeping.study import quiet

    with quiet():
        study = optuna.create_study(storage=study_storage(where), study_name=f"trips-{os.getpid()}")
        begun = perf_counter()
        for _ in range(n):
            trial = study.ask()
            trial.suggest_int("a", 1, 9)
            trial.set_user_attr("content", "x" * 64)
            trial.set_user_attr("outcome", "x" * 400)
            study.tell(trial, 1.0)
        took = (perf_counter() - begun) / n
    return {"case": "storage", "storage": where.partition(":")[0], "seconds_per_trial": took,
            "most_trials_per_second": 1.0 / took}  # fmt: skip


def main() -> int:
    """Print rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--storage", action="append", default=[], metavar="URL")
    given = parser.parse_args()
    for row in rows(given.quick, given.storage):
        print(json.dumps(row) if given.json else row, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
