"""Causal windows over a feature table, without a copy until a batch is asked for."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewind.engine.errors import ForecastError
from tradewind.engine.features import Table
from tradewind.engine.records import Bools, Floats, Ints

LIMIT = 5.0  # standard deviations; beyond it a value says "large", not how large


@dataclass(frozen=True, slots=True)
class Samples:
    """Windows of consecutive bars of one symbol, each complete.

    Attributes
    ----------
    table : Table
        What the windows are cut from.
    window : int
        Bars per window.
    row : ndarray of int64, shape (n_samples,)
        Row of the table that a window ends with.
    target : ndarray of float64, shape (n_samples,)
        Log return over the ``horizon`` bars after it; NaN where that is not known yet.
    horizon : int
        Bars ahead, on the panel's clock.
    """

    table: Table
    window: int
    row: Ints
    target: Floats
    horizon: int

    @property
    def n(self) -> int:
        """Number of windows."""
        return len(self.row)

    @property
    def bar(self) -> Ints:
        """Bar of the panel at whose close each window is known, shape (n_samples,)."""
        return self.table.tape.bar[self.row]

    @property
    def symbol(self) -> Ints:
        """Column of the panel each window belongs to, shape (n_samples,)."""
        return self.table.tape.symbol[self.row]

    @property
    def x(self) -> Floats:
        """Features, oldest bar first, shape (n_samples, window, n_features); one gather."""
        return np.ascontiguousarray(
            windows(self.table.values, self.window)[self.row - self.window + 1]
        )

    def where(self, keep: Bools) -> "Samples":
        """Those marked."""
        return replace(self, row=self.row[keep], target=self.target[keep])


def windows(values: npt.NDArray[np.floating], window: int) -> npt.NDArray[np.floating]:
    """Every run of ``window`` rows as a view.

    Parameters
    ----------
    values : ndarray, shape (n_rows, n_features)
    window : int

    Returns
    -------
    ndarray, shape (n_rows - window + 1, window, n_features)
        Read-only, shares memory with ``values``.
    """
    view = np.lib.stride_tricks.sliding_window_view(values, window, axis=0)
    return np.swapaxes(view, 1, 2)


def cut(table: Table, *, window: int, horizon: int) -> Samples:
    """All complete windows of a table with what came after them.

    Parameters
    ----------
    table : Table
    window : int
        Bars per window; one that holds a NaN, or reaches before a symbol's first bar, is left out.
    horizon : int
        Bars ahead, on the panel's clock.

    Returns
    -------
    Samples
        Ordered by symbol, then by bar.
    """
    tape = table.tape
    rows = np.arange(tape.n_rows)
    broken = ~np.isfinite(table.values).all(axis=1)
    last_broken = np.maximum.accumulate(np.where(broken, rows, -1))
    run = rows - np.maximum(last_broken, rows - tape.age - 1)
    row = np.flatnonzero(run >= window)
    return Samples(table, window, row, _targets(table, horizon)[row], horizon)


def after(table: Table, *, steps: int, horizon: int) -> Samples:
    """Bars at which a state that began with a symbol's first has taken enough steps.

    Parameters
    ----------
    table : Table
    steps : int
        Bars with all features that must have come, the own one included. One that lacks a feature
        is no step, and breaks nothing.
    horizon : int
        Bars ahead, on the panel's clock.

    Returns
    -------
    Samples
        Of windows of one bar, ordered by symbol, then by bar.
    """
    usable = np.isfinite(table.values).all(axis=1)
    so_far = np.cumsum(usable)
    bounds = table.tape.bounds
    before = np.concatenate(([0], so_far))[bounds[:-1]]  # (n_symbols,)
    row = np.flatnonzero(usable & (so_far - before[table.tape.symbol] >= steps))
    return Samples(table, 1, row, _targets(table, horizon)[row], horizon)


def _targets(table: Table, horizon: int) -> Floats:
    """Log return from each row's bar to ``horizon`` bars of the panel later."""
    tape = table.tape
    close = tape.panel.close
    later = tape.bar + horizon
    known = later < tape.panel.n_bars
    future = np.full(tape.n_rows, np.nan)
    future[known] = close[later[known], tape.symbol[known]]
    target: Floats = np.log(future) - tape.log_close
    return target


def thin(samples: Samples, stride: int) -> Samples:
    """Every ``stride``-th bar of each symbol, so that labels overlap less.

    Symbols take turns: with a stride of five, each bar keeps a fifth of them, so no date is lost.
    """
    return samples.where((samples.bar + samples.symbol) % stride == 0)


def split(samples: Samples, share: float) -> tuple[Samples, Samples]:
    """Part of the samples to fit on and, after a purge, the part to stop by.

    Parameters
    ----------
    samples : Samples
        With known targets.
    share : float
        Of the time they span, at its end, for the second part.

    Returns
    -------
    fitting, stopping : Samples
        ``horizon`` bars lie between them, so that no label of the first reaches into the second.

    Raises
    ------
    ForecastError
        If there are no samples.
    """
    if samples.n == 0:
        raise ForecastError("windows: no complete window with a known outcome; give more history")
    first, last = int(samples.bar.min()), int(samples.bar.max())
    border = last + 1 - int(share * (last + 1 - first))
    fitting = samples.where(samples.bar + samples.horizon < border)
    return fitting, samples.where(samples.bar >= border)


@dataclass(frozen=True, slots=True)
class Scaling:
    """Mean and standard deviation of each feature, as the training part had them.

    Attributes
    ----------
    mean, std : ndarray of float64, shape (n_features,)
    """

    mean: Floats
    std: Floats

    def apply(self, values: Floats) -> npt.NDArray[np.float32]:
        """Standardised and limited to ``LIMIT``; 0 where there is no value.

        Parameters
        ----------
        values : ndarray of float64, shape (n_rows, n_features)

        Returns
        -------
        ndarray of float32, shape (n_rows, n_features)
        """
        scaled = np.clip((values - self.mean) / self.std, -LIMIT, LIMIT)
        return np.nan_to_num(scaled, copy=False, nan=0.0).astype(np.float32)

    def rows(self, table: Table, low: int, high: int) -> npt.NDArray[np.float32]:
        """Rows ``low`` to ``high - 1`` of a table, as :meth:`apply` makes them."""
        return self.apply(table.values[low:high])

    def record(self) -> dict[str, Any]:
        """Means and deviations as JSON; floats come back exactly."""
        return {"mean": self.mean.tolist(), "std": self.std.tolist()}


def covered(samples: Samples) -> Bools:
    """Rows of the table that some window covers, shape (n_rows,)."""
    steps = np.zeros(samples.table.tape.n_rows + 1, np.int64)
    np.add.at(steps, samples.row - samples.window + 1, 1)
    np.add.at(steps, samples.row + 1, -1)
    return np.cumsum(steps[:-1]) > 0


def fit_scaling(samples: Samples, *, where: str) -> Scaling:
    """Mean and deviation of each feature over the bars that some window covers.

    Parameters
    ----------
    samples : Samples
        The training part alone.
    where : str
        For messages: who is being fitted.

    Raises
    ------
    ForecastError
        If a feature does not vary; the message names it.
    """
    table = samples.table
    used = table.values[covered(samples)]
    # Deviations from the first row: a constant then has a spread of exactly zero.
    offset = used - used[0]
    mean, std = offset.mean(axis=0), offset.std(axis=0)
    flat = np.flatnonzero(std == 0)
    if flat.size:
        k = int(flat[0])
        raise ForecastError(
            f"{where}: feature {table.names[k]!r} is constant ({used[0, k]:g} on all {len(used)} "
            "training bars), so it says nothing; leave it out of 'features'"
        )
    return Scaling(mean + used[0], std)
