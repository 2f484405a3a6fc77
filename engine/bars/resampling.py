"""Longer bars made of shorter ones, none of which is ever seen before it is over."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tradewind.engine.bars import folds
from tradewind.engine.bars.bins import NO_BIN, bins, check_longer
from tradewind.engine.compiling import compiled
from tradewind.engine.errors import ConfigError, DataError
from tradewind.engine.records import FIELDS, Floats, Ints, Panel, label

RULES = {
    "first": folds.FIRST,
    "last": folds.LAST,
    "max": folds.MAX,
    "min": folds.MIN,
    "sum": folds.SUM,
    "mean": folds.MEAN,
    "product": folds.PRODUCT,
}
OF_A_PRICE = {"open": "first", "high": "max", "low": "min", "close": "last"}
BY_WORD = {
    "spread": "mean",
    "volume": "sum",
    "trades": "sum",
    "turnover": "sum",
    "dividend": "sum",
    "split": "product",
}


@dataclass(frozen=True, slots=True)
class Resampled:
    """Longer bars, and which shorter ones went into each.

    Attributes
    ----------
    panel : Panel
        Finished bars alone, each labelled with its close.
    of : mapping of (str or None) to ndarray of int64, shape (n_fine,)
        By calendar: row of the longer bar that each shorter one belongs to, -1 for none.
    notes : tuple of str
        What was left out, in sentences.
    """

    panel: Panel
    of: Mapping[str | None, Ints]
    notes: tuple[str, ...]


def resample(panel: Panel, interval: str, *, rules: Mapping[str, str] | None = None) -> Resampled:
    """Bars of ``interval`` made of those of a panel, by the calendar of each symbol.

    Open is the first trade, close the last, high and low the extremes, volume the sum (unknown if
    any part is). Bars of zero volume are quotes: they count only where nothing traded. A bar that
    the data does not reach the end of is left out. ``docs/timeframes.md`` has worked tables.

    Parameters
    ----------
    panel : Panel
    interval : str
        ``5min``, ``1h``, ``1d``, ``1wk``, ``1mo`` ...; :func:`tradewind.engine.bars.bins.bins` says
        where such bars begin and end.
    rules : mapping of str to str, optional
        Column to one of ``first``, ``last``, ``max``, ``min``, ``sum``, ``mean``, ``product``,
        where :func:`rule_of` is not what is wanted.

    Returns
    -------
    Resampled

    Raises
    ------
    ConfigError
        If the length does not fit, or a rule is unknown or for no column.
    DataError
        If no bar is finished, or bars lie across the borders of the longer ones.
    """
    found = finished_bars(panel, interval, rules=rules)
    if not found.panel.n_bars:
        raise DataError(
            f"data: not one bar of {interval} is over between the first bar and the last "
            f"({panel.n_bars} bars of {panel.interval}); take more history or shorter bars"
        )
    return found


def finished_bars(
    panel: Panel, interval: str, *, rules: Mapping[str, str] | None = None
) -> Resampled:
    """Do as :func:`resample`, and without any finished bar give a panel of no rows."""
    check_longer(panel.interval, interval)
    _check_rules(panel, rules or {})
    of, clock, notes = _clock(panel, interval)
    folded = _folded(panel, of, len(clock))
    columns = {
        name: _column(panel, array, of, len(clock), (rules or {}).get(name) or rule_of(name))
        for name, array in panel.columns.items()
    }
    coarse = Panel(
        symbols=panel.symbols,
        ts=clock,
        **folded,
        interval=interval,
        calendar=panel.calendar,
        ends=_ends(panel, of, clock),
        columns=columns,
        calendars=panel.calendars,
    )
    return Resampled(coarse, of, tuple(notes))


def rule_of(name: str) -> str:
    """How a further column is put together, by its name.

    ``bid_open``, ``fx.close`` and the like as the prices they are; what is called a spread by its
    mean; volume, trades, turnover and dividends by their sum; splits by their product; anything
    else by its last value, which is what was known at the close.
    """
    head, _, tail = name.lower().replace(".", "_").rpartition("_")
    if head and tail in OF_A_PRICE:
        return OF_A_PRICE[tail]
    return next((rule for word, rule in BY_WORD.items() if word in name.lower()), "last")


def groups(panel: Panel) -> Iterator[tuple[str | None, Ints]]:
    """Each calendar of a panel, and the columns that follow it."""
    each = panel.calendar_of_each
    for calendar in dict.fromkeys(each):
        yield calendar, np.flatnonzero([one == calendar for one in each]).astype(np.int64)


def _check_rules(panel: Panel, rules: Mapping[str, str]) -> None:
    for name, rule in rules.items():
        if name not in panel.columns:
            raise ConfigError(
                f"data.aggregate: the data has no column {name!r}; it has "
                f"{', '.join(panel.columns) or 'none'}"
            )
        if rule not in RULES:
            raise ConfigError(
                f"data.aggregate.{name}: {rule!r} is no rule; wanted one of {', '.join(RULES)}"
            )


def _clock(panel: Panel, interval: str) -> tuple[dict[str | None, Ints], Ints, list[str]]:
    """Longer bar of each row by calendar, the closes of all of them, and what was left out."""
    found, end = {}, panel.ts[-1] if panel.n_bars else 0
    notes: list[str] = []
    for calendar, columns in groups(panel):
        rows = _present(panel, columns)
        one = bins(panel.ts[rows], calendar, panel.interval, interval)
        over = one.closes <= end
        of = np.where((one.of != NO_BIN) & np.append(over, False)[one.of], one.of, NO_BIN)
        found[calendar] = (rows, of, one.closes[over])
        notes += _left_out(interval, calendar, one.closes[~over], int((one.of == NO_BIN).sum()))
    nothing = np.empty(0, np.int64)
    clock = np.unique(np.concatenate([nothing, *(closes for _, _, closes in found.values())]))
    rows_of = {}
    for calendar, (rows, of, closes) in found.items():
        place = np.append(np.searchsorted(clock, closes), NO_BIN)
        rows_of[calendar] = np.full(panel.n_bars, NO_BIN, np.int64)
        rows_of[calendar][rows] = place[of]
    return rows_of, clock, notes


def _present(panel: Panel, columns: Ints) -> Ints:
    """Rows on which any of the columns has a bar."""
    if len(columns) == panel.n_symbols:
        return np.arange(panel.n_bars)  # every row of a panel has a bar
    return np.flatnonzero(~np.isnan(panel.close[:, columns]).all(axis=1))


def _left_out(interval: str, calendar: str | None, unfinished: Ints, outside: int) -> Iterator[str]:
    where = "" if calendar is None else f" of {calendar}"
    if len(unfinished):
        yield (
            f"The last {interval} bar{where}, which ends at {label(unfinished[0])}, is left out: "
            "the data does not reach its end."
        )
    if outside:
        yield (
            f"{outside:,} times outside the sessions{where} are left out of the {interval} bars."
        )


def _folded(panel: Panel, of: Mapping[str | None, Ints], n_bars: int) -> dict[str, Any]:
    shape = n_bars, panel.n_symbols
    out = {name: np.full(shape, np.nan) for name in FIELDS}
    bars = panel.open, panel.high, panel.low, panel.close
    made = out["open"], out["high"], out["low"], out["close"]
    fold, traded = compiled(folds.fold_bars), np.zeros(shape, np.bool_)
    for calendar, columns in groups(panel):
        fold(of[calendar], columns, bars, panel.volume, made, out["volume"], traded)
    return out


def _column(
    panel: Panel, values: Floats, of: Mapping[str | None, Ints], n_bars: int, rule: str
) -> Floats:
    out = np.full((n_bars, panel.n_symbols), np.nan)
    fold, count = compiled(folds.fold_column), np.zeros(out.shape, np.int64)
    for calendar, columns in groups(panel):
        fold(of[calendar], columns, values, RULES[rule], out, count)
    return out


def _ends(panel: Panel, of: Mapping[str | None, Ints], clock: Ints) -> Ints:
    """Row of the last longer bar of each symbol that stopped and is seen to have stopped."""
    ends = np.full(panel.n_symbols, -1, np.int64)
    each = panel.calendar_of_each
    for k in np.flatnonzero(panel.ends >= 0):
        rows = of[each[k]]
        last = int(rows[~np.isnan(panel.close[:, k])].max(initial=-1))
        if last >= 0 and clock[rows.max()] > max(clock[last], panel.ts[panel.ends[k]]):
            ends[k] = last
    return ends
