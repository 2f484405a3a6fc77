"""When a portfolio is brought back to its weights: at the first close of each month."""

import numpy as np

from tradewind.engine.records import Bools, Panel


def month_begins(panel: Panel) -> Bools:
    """Whether a bar is the first of a calendar month, shape (n_bars,).

    The last bar of a month cannot be told before the next one has come, so it is not used. The
    panel's first bar is no beginning: what came before it is not known.
    """
    begins = np.zeros(panel.n_bars, np.bool_)
    if panel.n_bars:
        # The label of a daily bar that closes at midnight is the day that ends there. Months are
        # fewer than bars, and what tells the month of a bar costs more than to look one up.
        early = int(panel.daily)
        first, last = (panel.ts[[0, -1]] - early).astype("datetime64[ns]").astype("datetime64[M]")
        starts = np.arange(first + 1, last + 1).astype("datetime64[ns]").astype(np.int64)
        begins[np.searchsorted(panel.ts, starts + early)] = True
    return begins
