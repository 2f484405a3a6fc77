"""Longer bars beside a strategy's own: a weekly average on daily bars, without look-ahead."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tradewind.engine.bars.resampling import finished_bars
from tradewind.engine.errors import DataError
from tradewind.engine.records import Floats, Ints, Panel


@dataclass(frozen=True, slots=True)
class Timeframe:
    """Longer bars, and which of them was the last to be over at the close of each shorter one.

    Attributes
    ----------
    panel : Panel
        Finished longer bars; may have no rows.
    row : ndarray of int64, shape (n_bars,)
        For each bar of the strategy's clock the row in ``panel`` of the last longer bar that had
        closed by then, -1 before the first.
    """

    panel: Panel
    row: Ints

    def spread(self, values: Floats, *, hold: bool = True) -> Floats:
        """Values of the longer bars on the strategy's clock, each from the moment it was known.

        Parameters
        ----------
        values : ndarray of float64, shape (n_longer, ...)
            One row for each bar of ``panel``, computed from that bar and earlier ones.
        hold : bool
            Where a value is NaN, go on with the last one that was not: a symbol of another
            exchange has no bar on every row. False shows the NaN.

        Returns
        -------
        ndarray of float64, shape (n_bars, ...)
            NaN before the first longer bar is over.

        Raises
        ------
        DataError
            If there is not one row for each longer bar.
        """
        if len(values) != self.panel.n_bars:
            raise DataError(
                f"timeframe: {len(values)} rows of values for {self.panel.n_bars} bars of "
                f"{self.panel.interval}; wanted one row a bar"
            )
        shown = _held(values) if hold else values
        nothing = np.full((1, *values.shape[1:]), np.nan)
        return np.concatenate([shown, nothing])[self.row]  # row -1 is the last: nothing


def finished(panel: Panel, interval: str, *, rules: Mapping[str, str] | None = None) -> Timeframe:
    """Longer bars of a panel as they were known at the close of each of its bars.

    For the ``prepare`` of a strategy::

        weekly = finished(panel, "1wk")
        average = weekly.spread(rolling_mean(weekly.panel.close, 10))

    Parameters
    ----------
    panel : Panel
    interval : str
    rules : mapping of str to str, optional
        See :func:`tradewind.engine.bars.resampling.resample`.

    Raises
    ------
    ConfigError, DataError
        As :func:`tradewind.engine.bars.resampling.resample`, but for a panel in which no longer
        bar is over: then the timeframe has no rows, and what is spread from it is NaN.
    """
    longer = finished_bars(panel, interval, rules=rules).panel
    row = np.searchsorted(longer.ts, panel.ts, "right") - 1
    return Timeframe(longer, row.astype(np.int64))


def _held(values: Floats) -> Floats:
    """Each NaN replaced by the last value above it that is none."""
    rows = np.arange(len(values)).reshape(-1, *(1,) * (values.ndim - 1))
    last = np.maximum.accumulate(np.where(np.isnan(values), 0, rows), axis=0)
    return np.take_along_axis(values, last, axis=0) if len(values) else values
