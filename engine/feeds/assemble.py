"""Bars of several symbols put on one clock."""

from collections.abc import Sequence

import numpy as np

from tradewind.engine.errors import DataError
from tradewind.engine.feeds import faults
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.repairs import take
from tradewind.engine.feeds.timing import Setting, close_times
from tradewind.engine.records import Floats, Panel


def assemble(bars: Sequence[RawBars], setting: Setting) -> Panel:
    """Panel of all symbols on the union of their closes.

    Rows that cannot stand in a panel (no price, a second bar for one time) are left out; the checks
    have refused them by then, unless somebody only wants to look.

    Parameters
    ----------
    bars : sequence of RawBars
        One column each, in this order.
    setting : Setting

    Raises
    ------
    DataError
        If no usable bar is left.
    """
    usable = [take(one, faults.sorted_rows(one)) for one in bars]
    closes = [close_times(one.ts, setting) for one in usable]
    clock = np.unique(np.concatenate(closes)) if closes else np.empty(0, np.int64)
    if not len(clock):
        raise DataError("data: no usable bar is left; see what is wrong with: tradewind data check")
    rows = [np.searchsorted(clock, one) for one in closes]
    shape = (len(clock), len(usable))

    def spread(columns: Sequence[Floats | None]) -> Floats:
        array = np.full(shape, np.nan)
        for k, values in enumerate(columns):
            if values is not None:
                array[rows[k], k] = values
        return array

    extra = dict.fromkeys(name for one in usable for name in one.columns)
    return Panel(
        symbols=tuple(one.symbol for one in usable),
        ts=clock,
        open=spread([one.open for one in usable]),
        high=spread([one.high for one in usable]),
        low=spread([one.low for one in usable]),
        close=spread([one.close for one in usable]),
        volume=spread([one.volume for one in usable]),
        interval=setting.config.interval,
        calendar=setting.calendar,
        columns={name: spread([one.columns.get(name) for one in usable]) for name in extra},
    )
