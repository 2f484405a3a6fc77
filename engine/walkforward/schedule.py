"""Which bars a forecaster learns from and which it is then tested on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.records import Ints, Panel

Days = npt.NDArray[np.datetime64]
MONDAY = 3  # days from a Monday to 1970-01-01, from which numpy counts


@dataclass(frozen=True, slots=True)
class Fold:
    """One fit and the block it predicts; rows of the panel, stops excluded.

    Attributes
    ----------
    number : int
        From 0, in time.
    train_start, train_stop : int
        Bars handed to ``fit``. The last training sample is ``horizon`` bars before the last of
        them, because its label ends there.
    test_start, test_stop : int
        Bars predicted.
    lead : int
        Bars at the beginning of those handed to ``fit`` that are warm-up of the first sample an
        anchor lets be learned from; 0 without an anchor.
    """

    number: int
    train_start: int
    train_stop: int
    test_start: int
    test_stop: int
    lead: int = 0

    @property
    def n_train(self) -> int:
        """Bars handed to ``fit``."""
        return self.train_stop - self.train_start

    @property
    def learned_start(self) -> int:
        """First bar that is learned from: the anchor, or else the first handed to ``fit``."""
        return self.train_start + self.lead


def days_of(panel: Panel) -> Days:
    """Day each bar belongs to, shape (n_bars,); one that closes at midnight to the day before."""
    return (panel.ts - 1).astype("datetime64[ns]").astype("datetime64[D]")


def folds(
    n_bars: int,
    *,
    horizon: int,
    warmup: int,
    config: WalkForwardConfig,
    days: Days | None = None,
) -> tuple[Fold, ...]:
    """Cut ``n_bars`` into test blocks, each with the bars to learn from before it.

    A sample at bar ``s`` carries the label of bars ``s + 1 ... s + horizon``. Handing ``fit`` no
    bar of the block keeps every label before it and ``horizon`` bars between the last sample and
    the block; a larger ``purge`` moves the end of training back by the difference, a smaller one
    changes nothing; an ``embargo`` moves it back by its own length.

    Parameters
    ----------
    n_bars : int
        Length of the panel.
    horizon, warmup : int
        Of the forecaster, bars.
    config : WalkForwardConfig
        At least ``train`` bars come before the first block. An anchored schedule hands ``fit`` the
        ``warmup`` - 1 bars before the anchor as well, so that the first sample is the anchor's.
    days : ndarray of datetime64[D], shape (n_bars,)
        Day of each bar; wanted where ``config`` names a day or a period of the calendar.

    Returns
    -------
    tuple of Fold
        Blocks that cover the first out-of-sample bar to the last, each bar exactly once.

    Raises
    ------
    ConfigError
        If there is no bar left to test on, or none to learn from.
    """
    held_back = max(0, (horizon if config.purge is None else config.purge) - horizon)
    held_back += config.embargo
    anchor = _anchor(config, days, n_bars)
    _refuse_short_training(config, horizon, warmup, held_back, anchor)
    first = _first(config, days, n_bars, anchor, warmup + horizon + held_back)
    starts = _starts(config, days, first, n_bars)
    begin = max(0, anchor - warmup + 1) if anchor else 0
    rolling = config.mode == "rolling"
    return tuple(
        Fold(
            number=number,
            train_start=start - config.train if rolling else begin,
            train_stop=start - held_back,
            test_start=start,
            test_stop=stop,
            lead=0 if rolling else anchor - begin,
        )
        for number, (start, stop) in enumerate(zip(starts, [*starts[1:], n_bars], strict=True))
    )


def _anchor(config: WalkForwardConfig, days: Days | None, n_bars: int) -> int:
    """First bar learned from; 0 without an anchor."""
    if config.anchor is None:
        return 0
    bar = _bar_of(config.anchor, days) if isinstance(config.anchor, date) else config.anchor
    if bar >= n_bars:
        raise ConfigError(
            f"walk_forward.anchor: {config.anchor} lies behind the data, which has {n_bars} bars"
            f"{_until(days)}; set an earlier one"
        )
    return bar


def _first(
    config: WalkForwardConfig, days: Days | None, n_bars: int, anchor: int, needed: int
) -> int:
    """First out-of-sample bar."""
    earliest = anchor + config.train
    since = f" from the anchor, bar {anchor}," if anchor else ""
    if n_bars <= earliest:
        most = f"; set train to at most {n_bars - 1 - anchor}" if n_bars - 1 > anchor else ""
        raise ConfigError(
            f"walk_forward.train: {config.train} bars of training{since} leave none to test on, "
            f"the data has {n_bars}{most}{_or_more_data(n_bars - anchor, needed)}"
        )
    if config.first is None:
        return earliest
    bar = _bar_of(config.first, days)
    if bar >= n_bars:
        raise ConfigError(
            f"walk_forward.first: {config.first} lies behind the data, which has {n_bars} bars"
            f"{_until(days)}; set an earlier day"
        )
    if bar < earliest:
        raise ConfigError(
            f"walk_forward.first: {max(0, bar - anchor)} bars come before {config.first}{since} "
            f"and walk_forward.train wants {config.train}; set a later day, or lower train"
        )
    return bar


def _starts(config: WalkForwardConfig, days: Days | None, first: int, n_bars: int) -> list[int]:
    """First bars of all blocks."""
    if isinstance(config.refit, int):
        return list(range(first, n_bars, config.refit))
    period = periods(_known(days), config.refit)
    turns = np.flatnonzero(np.diff(period) != 0) + 1
    return [first, *(int(bar) for bar in turns if bar > first)]


def periods(days: Days, name: str) -> Ints:
    """Number of the week, month, quarter or year each day lies in."""
    if name == "week":
        return np.asarray((days.astype(np.int64) + MONDAY) // 7)
    months = days.astype("datetime64[M]").astype(np.int64)
    return np.asarray(months // {"month": 1, "quarter": 3, "year": 12}[name])


def _bar_of(day: date, days: Days | None) -> int:
    """First bar of ``day`` or after it; the number of bars where there is none."""
    return int(np.searchsorted(_known(days), np.datetime64(day, "D")))


def _known(days: Days | None) -> Days:
    if days is None:
        raise ConfigError("walk_forward: a schedule by the calendar needs the day of every bar")
    return days


def _until(days: Sequence[Any] | Days | None) -> str:
    return "" if days is None or not len(days) else f" and ends on {days[-1]}"


def _refuse_short_training(
    config: WalkForwardConfig, horizon: int, warmup: int, held_back: int, anchor: int
) -> None:
    """Refuse a first training part that holds no sample."""
    lead = max(0, warmup - 1 - anchor) + 1  # bars up to and with the first sample's
    needed = lead + horizon + held_back
    if config.train >= needed:
        return
    raise ConfigError(
        f"walk_forward.train: {config.train} bars leave no training sample: the forecaster "
        f"needs {lead} bars of warm-up, its label {horizon} more and purge and embargo "
        f"{held_back} on top; set train to at least {needed}, or shorten the forecaster's window"
    )


def _or_more_data(n_bars: int, needed: int) -> str:
    if n_bars > needed:
        return ", or take more history (data.start, data.end)"
    return f" - this forecaster needs {needed} - so take more history (data.start, data.end)"
