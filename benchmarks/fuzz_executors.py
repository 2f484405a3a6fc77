"""Trade random runs on the compiled simulator and on Cerebro, and compare every number.

    python benchmarks/fuzz_executors.py --runs 5000 --seed 1

Prints what was exercised, so that agreement on nothing is not taken for agreement.
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests' generator

from tests.parity.comparing import both, difference
from tests.parity.random_runs import random_run
from tradewind.engine.errors import TradewindError
from tradewind.engine.records import Simulation
from tradewind.engine.types import Happening, OrderType, Reason

EVERY_S = 10.0  # between lines of progress


class Exercised:
    """Counts of what the runs went through."""

    def __init__(self) -> None:
        self.orders: Counter[tuple[str, str]] = Counter()
        self.events: Counter[str] = Counter()
        self.fills = 0

    def add(self, run: Simulation) -> None:
        """Count one run."""
        self.fills += len(run.fills)
        for order in run.orders:
            kind, reason = OrderType(int(order["order_type"])), Reason(int(order["reason"]))
            self.orders[kind.name, reason.name] += 1
        self.events.update(Happening(int(kind)).name for kind in run.events["kind"])

    def __str__(self) -> str:
        """Orders by type and reason, events by kind."""
        kinds = [kind.name for kind in OrderType]
        lines = [f"{'':24}" + "".join(f"{kind[:13]:>15}" for kind in kinds)]
        for reason in Reason:
            counts = [self.orders[kind, reason.name] for kind in kinds]
            if any(counts):
                lines.append(f"{reason.name.lower():24}" + "".join(f"{n:15,}" for n in counts))
        events = ", ".join(f"{name.lower()} {n:,}" for name, n in self.events.most_common())
        return "\n".join([*lines, f"fills {self.fills:,}", f"events: {events}"])


def main() -> int:
    """Compare; 1 where a run differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--keep-going", action="store_true", help="list every run that differs")
    given = parser.parse_args()
    exercised, off = Exercised(), 0
    began = told = time.monotonic()
    for n, seed in enumerate(range(given.seed, given.seed + given.runs), 1):
        try:
            ours, theirs = both(random_run(seed))
        except TradewindError as error:
            found = str(error)
        else:
            exercised.add(ours)
            found = difference(ours, theirs)
        if found:
            off += 1
            print(f"seed {seed}: {found}", flush=True)
            if not given.keep_going:
                break
        if time.monotonic() - told > EVERY_S:
            told = time.monotonic()
            print(f"{n:,} of {given.runs:,} runs, {off} differ, {told - began:.0f} s", flush=True)
    print(exercised)
    print(f"{n:,} runs, {off} differ, {time.monotonic() - began:.0f} s")
    return int(off > 0)


if __name__ == "__main__":
    sys.exit(main())
