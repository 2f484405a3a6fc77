"""Who is measured, where it lives, on how much, and where its numbers must be the same."""

import os
import sys
from pathlib import Path
from typing import NamedTuple

from workloads import WORKLOADS

PEERS = Path(__file__).resolve().parent.parent / ".venv-peers"
MAIN, NAUTILUS = PEERS / "main" / "bin" / "python", PEERS / "nautilus" / "bin" / "python"
HERE = Path(sys.executable)


class Engine(NamedTuple):
    """One row of a table.

    Attributes
    ----------
    equal : str
        Workloads, by their names, whose final equity must be that of the bare loop to the cent.
    differs : str
        Why it is not on the others.
    limits : dict
        Bars and settings where the full number would take minutes: its time per bar does not fall
        with their number.
    """

    name: str
    module: str
    python: Path = HERE
    environment: dict[str, str] = {}  # noqa: RUF012
    workloads: tuple[str, ...] = tuple(WORKLOADS)
    equal: str = ""
    differs: str = ""
    limits: dict[str, tuple[int, int]] = {}  # noqa: RUF012


SLOW = {"A": (20_000, 1), "A-brackets": (20_000, 1), "A-orders": (20_000, 1), "B": (5_000, 4)}
ONE = {"RAYON_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
TWO = {"RAYON_NUM_THREADS": "2"}
STOPS = "its stops are looked at from the bar after the entry on, or at other prices"

ENGINES = (
    Engine("bare_loop", "bare_loops", environment=ONE),
    Engine("tradewind", "ours", environment={**ONE, "THREADS": "1"}, equal="A A-brackets B C D E"),
    Engine("tradewind_2_threads", "ours", HERE, {"THREADS": "2"}, ("B",), equal="B"),
    Engine("raptorbt", "peer_raptorbt", MAIN, ONE, equal="A B", differs=STOPS),
    Engine("raptorbt_2_threads", "peer_raptorbt", MAIN, TWO, ("B",), equal="B"),
    Engine(
        "vectorbt_rust",
        "peer_vectorbt",
        MAIN,
        {**ONE, "VECTORBT_ENGINE": "rust"},
        equal="A B C D",
        differs=STOPS,
    ),
    Engine(
        "vectorbt_numba",
        "peer_vectorbt",
        MAIN,
        {**ONE, "VECTORBT_ENGINE": "numba"},
        equal="A B C D",
        differs=STOPS,
    ),
    Engine(
        "bt",
        "peer_bt",
        MAIN,
        ONE,
        differs="fills and marks at the open, slippage is a commission",
        limits=SLOW,
    ),
    Engine(
        "nautilus_trader",
        "peer_nautilus",
        NAUTILUS,
        ONE,
        differs="fills at the close it decided on, decimal prices and quantities",
        limits={**SLOW, "C": (1_000, 1), "D": (1_000, 1), "E": (20_000, 1)},
    ),
    Engine(
        "backtrader",
        "peer_backtrader",
        MAIN,
        ONE,
        equal="A B C D E",
        differs=STOPS,
        limits={**SLOW, "C": (600, 1), "D": (1_000, 1), "E": (20_000, 1)},
    ),
)


def size_for(engine: Engine, workload: str, quick: bool) -> tuple[int, int]:
    """(bars, settings) an engine is given."""
    full = WORKLOADS[workload]
    n_bars, n_settings = engine.limits.get(workload, (full.n_bars, full.n_settings))
    if quick:
        n_bars = min(n_bars, QUICK_BARS.get(workload, n_bars), 2_000 if engine.limits else n_bars)
        if workload == "C" and engine.limits:
            n_bars = min(n_bars, 300)
        n_settings = min(n_settings, 2 if engine.limits else 200)
    return n_bars, n_settings


QUICK_BARS = {"A": 200_000, "A-brackets": 200_000, "A-orders": 200_000, "E": 20_000}


def environment_of(engine: Engine) -> dict[str, str]:
    """Environment variables of its process."""
    return {**os.environ, **engine.environment}
