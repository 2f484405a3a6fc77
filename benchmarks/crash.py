"""Paper runs killed with -9: whether they end with the books of a run that nobody killed.

``python benchmarks/crash.py [--quick] [--json]``. A replayed run with pauses, halts, a flattening
and a kill switch in it is killed one to three times, goes on each time from its folder, and ends.
Its whole journal of money - bars, decisions, orders, fills, refusals, equity - is compared byte by
byte. A second run trades with a broker outside, a process-proof one that fails one call in five
before or after it did what was asked; there the broker's own list of orders is compared as well.

One row a case: ``step`` names where it was killed, ``random`` in any of them, ``moment`` at any
moment, by somebody else. ``identical`` of ``trials`` ended with the same books.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.file_broker import KIND, FileBroker
from tests.paper_runs import (
    COMMANDS,
    CROSSES,
    begun,
    killed_and_resumed,
    killed_at_a_moment,
    ledger,
    worked,
)

SEED = 20261127
OWN_STEPS = ("bar", "before_intent", "after_intent", "before_snapshot", "after_snapshot",
             "before_command", "after_command")  # fmt: skip
OUTSIDE_STEPS = ("before_submit", "after_submit", "before_ack", "after_ack", "before_fill",
                 "after_fill")  # fmt: skip
OUTSIDE = CROSSES.replace("paper:\n", f"paper:\n  venue: '{KIND}'\n")
Kill = tuple[str, int]


def renamed(books: Any, name: str) -> Any:
    """Books with another run's name in the ids of its orders."""
    return [
        (kind, at, {key: value.replace("whole-", f"{name}-") if isinstance(value, str) else value
                    for key, value in facts.items()}, blob)
        for kind, at, facts, blob in books
    ]  # fmt: skip


class Cases:
    """Runs to be killed, and one of each kind that was not.

    Parameters
    ----------
    results : Path
    """

    def __init__(self, results: Path) -> None:
        self.results, self.n = results, 0
        worked(begun(results, name="whole"))
        self.books = ledger(results / "whole")
        shutil.rmtree(results / "whole")
        broker = FileBroker(results / "whole.broker")
        worked(begun(results, OUTSIDE, "whole"), venue=broker, commands={})
        self.books_outside = ledger(results / "whole")
        self.orders = [one.rpartition("-")[2] for one in broker.ids()]

    def own(self, kills: list[Kill]) -> bool:
        """Whether a run of our own rule book survives these kills."""
        name = self._name()
        killed_and_resumed(self.results, name, kills)
        return self._same(name, self.books)

    def moment(self, draw: random.Random) -> bool:
        """Whether it survives a kill by somebody else at any moment."""
        name = self._name()
        killed_at_a_moment(self.results, name, draw.uniform(0.0, 0.6), COMMANDS)
        return self._same(name, self.books)

    def outside(self, kills: list[Kill]) -> bool:
        """Whether a run with a broker outside does, and the broker has each order once."""
        name = self._name()
        place = self.results / f"{name}.broker"
        killed_and_resumed(
            self.results, name, kills, text=OUTSIDE, commands={},
            venue=partial(FileBroker, place, random.Random(self.n)),
        )  # fmt: skip
        sent = [one.rpartition("-")[2] for one in FileBroker(place).ids()]
        place.unlink()
        return self._same(name, renamed(self.books_outside, name)) and sent == self.orders

    def _name(self) -> str:
        self.n += 1
        return f"trial{self.n}"

    def _same(self, name: str, books: Any) -> bool:
        same = ledger(self.results / name) == books
        if same:
            shutil.rmtree(self.results / name)
        return bool(same)


def rows(*, quick: bool) -> Iterator[dict[str, Any]]:
    """A row for each case."""
    draw = random.Random(SEED)
    share = 0.03 if quick else 1.0
    with tempfile.TemporaryDirectory(prefix="tradewind-crash-") as made:
        cases = Cases(Path(made))
        plans: list[tuple[str, str, int, Any]] = [
            *(("own", step, 25, partial(_at, cases.own, step, 9)) for step in OWN_STEPS),
            ("own", "moment", 100, lambda draw: cases.moment(draw)),
            ("own", "random", 375, partial(_anywhere, cases.own, 350)),
            *(("outside", step, 25, partial(_at, cases.outside, step, 40))
              for step in OUTSIDE_STEPS),
            ("outside", "random", 200, partial(_anywhere, cases.outside, 500)),
        ]  # fmt: skip
        for venue, step, trials, trial in plans:
            n, begun_at = max(1, round(share * trials)), time.perf_counter()
            identical = sum(trial(draw) for _ in range(n))
            yield {
                "case": f"{venue}, {step}", "venue": venue, "step": step, "trials": n,
                "identical": identical, "seconds": round(time.perf_counter() - begun_at, 1),
            }  # fmt: skip


def _at(run: Any, step: str, most: int, draw: random.Random) -> bool:
    return bool(run([(step, draw.randrange(1, most))]))


def _anywhere(run: Any, most: int, draw: random.Random) -> bool:
    return bool(run([("", draw.randrange(1, most)) for _ in range(draw.randrange(1, 4))]))


def main() -> None:
    """Print rows, and exit 1 where one run did not survive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a thirtieth of the trials")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    given = parser.parse_args()
    trials = identical = 0
    for row in rows(quick=given.quick):
        trials, identical = trials + row["trials"], identical + row["identical"]
        text = f"{row['case']:28} {row['identical']:4} of {row['trials']:4}  {row['seconds']:7} s"
        print(json.dumps(row) if given.json else text, flush=True)
    if not given.json:
        print(f"{identical} of {trials} ended with the same books")
    sys.exit(identical != trials)


if __name__ == "__main__":
    main()
