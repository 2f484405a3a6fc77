"""A market in which nothing moves, for what is put beside prices."""

import numpy as np

from tradewind.engine.records import DAY_NS, Panel

MONDAY = int(np.datetime64("2017-01-02", "ns").astype(np.int64))


def flat_panel(n_bars: int = 4, *, interval: str = "1d", first: int = 0, step: int = 0) -> Panel:
    """AAA and BBB, at 10 throughout; ``first`` is the first close, by default Monday's midnight."""
    begin = first or MONDAY + DAY_NS
    ts = begin + np.arange(n_bars) * (step or DAY_NS)
    ones = np.full((n_bars, 2), 10.0)
    return Panel(
        ("AAA", "BBB"), ts.astype(np.int64), ones, ones, ones, ones, ones, interval=interval
    )
