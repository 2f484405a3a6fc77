"""Two executors written apart from each other obey the same page, on random markets."""

from collections import Counter

import pytest

from tests.parity.comparing import both, difference
from tests.parity.random_runs import random_run
from tradewind.engine.types import LIVE_ALONE, Happening, OrderType, Reason

BLOCKS, RUNS = 5, 50
# Some hundred of each in the 5,000 runs of benchmarks/fuzz_executors.py, but not in every block.
RARE_EVENTS = {Happening.MARGIN_CALL}
RARE_REASONS = {Reason.LIQUIDATED, Reason.CANCELLED_LIQUIDATION, Reason.REJECTED_LEVERAGE}


@pytest.mark.slow
@pytest.mark.parametrize("block", range(BLOCKS))
def test_kernel_and_cerebro_agree_on_every_order_fill_and_event(block: int) -> None:
    n_fills = 0
    reasons: Counter[int] = Counter()
    kinds: Counter[int] = Counter()
    types: Counter[int] = Counter()
    for seed in range(block * RUNS, (block + 1) * RUNS):
        ours, theirs = both(random_run(seed))
        assert not difference(ours, theirs), f"seed {seed}: {difference(ours, theirs)}"
        n_fills += len(ours.fills)
        reasons.update(ours.orders["reason"].tolist())
        types.update(ours.orders["order_type"][ours.fills["order"]].tolist())
        kinds.update(ours.events["kind"].tolist())
    assert n_fills > 20 * RUNS, "a comparison of nothing proves nothing"
    assert set(types) == set(OrderType)
    assert set(kinds) >= set(Happening) - RARE_EVENTS
    assert set(reasons) >= set(Reason) - {Reason.WORKING} - RARE_REASONS - LIVE_ALONE
