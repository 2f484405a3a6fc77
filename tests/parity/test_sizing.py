"""Both executors size and cap alike: every kind and cap at random, in a market that only gaps.

Targets and orders at market alone, so that whatever differs is the sizing's.
"""

from collections import Counter
from collections.abc import Sequence
from math import nan

import numpy as np

from tests.golden.tables import Asks, plain_terms
from tests.markets import EXECUTORS, random_panel
from tests.parity.comparing import difference
from tests.parity.random_markets import random_sizing
from tradewind.engine.executors.state import Terms
from tradewind.engine.records import Panel, Simulation
from tradewind.engine.types import Action, Cut, Happening, Intent, Reason

N_BARS, RUNS = 60, 80


def random_wishes(rng: np.random.Generator, n_symbols: int) -> list[Intent]:
    """At most one target a symbol, and orders by units and by strength beside it."""
    wishes = []
    for k in map(int, rng.permutation(n_symbols)):
        chance = rng.random()
        if chance < 0.15:
            wishes.append(Intent(k, float(rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0]))))
        elif chance < 0.29:
            by_units = rng.random() < 0.5
            wishes.append(
                Intent(
                    k,
                    0.0 if by_units else float(rng.choice([-1.0, 0.5, 1.0])),
                    Action.ORDER,
                    float(rng.choice([-50.0, 10.0, 77.7, 300.0])) if by_units else nan,
                    reduce_only=bool(rng.random() < 0.2),
                )
            )
        if chance < 0.05:
            wishes.append(Intent(k, 0.0, Action.ORDER, float(rng.choice([-50.0, 10.0]))))
    return wishes


def random_case(seed: int) -> tuple[Panel, Terms, dict[int, Sequence[Intent]]]:
    """A market with gaps, late listings and leavers, a sizing, and wishes by bar."""
    rng = np.random.default_rng(seed)
    panel = random_panel(rng, N_BARS, int(rng.integers(1, 6)))
    terms = plain_terms(panel, cash=1e5, max_leverage=float(rng.choice([1.0, 4.0])))
    terms = terms._replace(sizing=random_sizing(rng, panel)._replace(min_notional=0.0))
    return panel, terms, {t: random_wishes(rng, panel.n_symbols) for t in range(N_BARS)}


def traded(executor: str, seed: int) -> Simulation:
    panel, terms, lines = random_case(seed)
    return EXECUTORS[executor](Asks(lines), None, panel, terms, start=0)


def test_kernel_and_cerebro_size_and_cut_alike() -> None:
    fills = 0
    cuts: Counter[int] = Counter()
    reasons: Counter[int] = Counter()
    for seed in range(RUNS):
        ours, theirs = traded("kernel", seed), traded("cerebro", seed)
        assert not difference(ours, theirs), f"seed {seed}: {difference(ours, theirs)}"
        fills += len(ours.fills)
        events = ours.events[ours.events["kind"] == Happening.CUT]
        cuts.update(events["amount"].astype(int).tolist())
        reasons.update(ours.orders["reason"].tolist())
    assert fills > 20 * RUNS, "a comparison of nothing proves nothing"
    assert set(cuts) == set(Cut) - {Cut.NONE}, "every cap has cut"
    assert {Reason.REJECTED_SIZING, Reason.REJECTED_CAP} <= set(reasons)
