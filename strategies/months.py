"""When a portfolio is brought back to its weights: at the first close of each month."""

import numpy as np

from tradewind.engine.records import Bools, Panel


def month_begins(panel: Panel) -> Bools:
    """Whether a bar is the first of a calendar month, shape (n_bars,).

    The last bar of a month cannot be told before the next one has come, so it is not used. The
    panel's first bar is no beginning: what came before it is not known.
    """
    months = panel.dates.astype("datetime64[M]")
    begins = np.zeros(panel.n_bars, np.bool_)
    begins[1:] = months[1:] != months[:-1]
    return begins
