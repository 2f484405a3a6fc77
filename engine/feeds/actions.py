"""Splits and dividends put on the bars they belong to, whichever way they came."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tradewind.engine.bars.adjusting import DIVIDEND, SPLIT
from tradewind.engine.config.actions import ColumnActionsConfig, LeanActionsConfig
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import DataError
from tradewind.engine.feeds.factor_files import Action, read_actions
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.records import Floats, Ints

YAHOO = ColumnActionsConfig(kind="columns")
"""What the Yahoo feed writes beside raw prices."""


def _given(config: DataConfig) -> ColumnActionsConfig | LeanActionsConfig | None:
    return YAHOO if config.source == "yahoo" and config.prices == "raw" else config.actions


def actions_of(bars: Sequence[RawBars], config: DataConfig) -> dict[str, list[Action]] | None:
    """Actions of each symbol, oldest first; None where the config asks for none.

    Parameters
    ----------
    bars : sequence of RawBars
        As read: a row that is dropped later still says what happened on its day.
    config : DataConfig

    Raises
    ------
    DataError
        If a file or a column is missing, or holds what is no split or dividend.
    """
    given = _given(config)
    if isinstance(given, LeanActionsConfig):
        return {one.symbol: read_actions(given.path, one) for one in bars}
    if given is None:
        return None
    for name in (given.split, given.dividend):
        if name is not None and not any(name in one.columns for one in bars):
            which = "split" if name == given.split else "dividend"
            have = sorted({column for one in bars for column in one.columns})
            raise DataError(
                f"data.actions.{which}: no column {name!r} beside the prices of "
                f"{bars[0].origin}, found {', '.join(have) or 'none'}; name the column, or write "
                f"{which}: null where there are none"
            )
    return {one.symbol: _of_columns(one, given) for one in bars}


def _of_columns(bars: RawBars, given: ColumnActionsConfig) -> list[Action]:
    ones, nothing = np.ones(len(bars.ts)), np.zeros(len(bars.ts))
    split = bars.columns.get(given.split or "", ones)
    paid = bars.columns.get(given.dividend or "", nothing)
    split, paid = np.where(np.isnan(split), 1.0, split), np.where(np.isnan(paid), 0.0, paid)
    for name, bad, says in (
        (given.split, ~((split > 0) & np.isfinite(split)), "new units per old, above zero"),
        (given.dividend, ~((paid >= 0) & np.isfinite(paid)), "currency per unit, not below zero"),
    ):
        if bad.any():
            row = int(bad.argmax())
            found = (split if name == given.split else paid)[row]
            raise DataError(
                f"{bars.origin}:{bars.row[row]}: {bars.symbol}: {name} is {found:g}; wanted {says}"
            )
    _, first = np.unique(bars.ts, return_index=True)  # a second copy of a bar pays nothing more
    rows = first[(split[first] != 1.0) | (paid[first] > 0.0)]
    return [Action(int(bars.ts[i]), float(split[i]), float(paid[i])) for i in rows]


def placed(
    bars: Sequence[RawBars],
    actions: Mapping[str, Sequence[Action]],
    days: Mapping[str, Ints],
    config: DataConfig,
) -> list[RawBars]:
    """Bars with the columns :data:`SPLIT` and :data:`DIVIDEND`, in place of those of the source.

    An action falls on the symbol's first bar at or after its day. Of several on one bar the ratios
    are multiplied, and dividends count per unit after all of them.

    Parameters
    ----------
    bars : sequence of RawBars
        After the repairs.
    actions : mapping
        From :func:`actions_of`.
    days : mapping of str to ndarray of int64
        By symbol, midnight of each bar's day, UTC nanoseconds.
    config : DataConfig

    Raises
    ------
    DataError
        If a dividend is not smaller than the close before it.
    """
    given = _given(config)
    in_columns = isinstance(given, ColumnActionsConfig)
    used = (given.split, given.dividend) if isinstance(given, ColumnActionsConfig) else ()
    result = []
    for one in bars:
        columns = {name: values for name, values in one.columns.items() if name not in used}
        # a row of the data names its own bar, a factor file a day
        begins = one.ts if in_columns else days[one.symbol]
        columns |= _placed(one, actions[one.symbol], begins)
        result.append(replace(one, columns=columns))
    return result


def _placed(bars: RawBars, actions: Sequence[Action], begins: Ints) -> dict[str, Floats]:
    split, paid = np.ones(len(bars.ts)), np.zeros(len(bars.ts))
    order = np.argsort(bars.ts, kind="stable")
    moments = begins[order]
    for action in actions:
        at = int(np.searchsorted(moments, action.ts, "left"))
        if at == len(order) or (at == 0 and action.ts < moments[0]):
            continue  # before the first bar nothing is held, after the last nothing any more
        row = order[at]
        split[row] *= action.split
        paid[row] = paid[row] / action.split + action.dividend
        if at:
            _check_paid(bars, row, float(bars.close[order[at - 1]]) / split[row], paid[row])
    return {SPLIT: split, DIVIDEND: paid}


def _check_paid(bars: RawBars, row: int, before: float, paid: float) -> None:
    if paid >= before:  # a close that is missing compares as false, and is refused elsewhere
        day = np.datetime64(int(bars.ts[row]), "ns").astype("datetime64[D]")
        raise DataError(
            f"{bars.origin}:{bars.row[row]}: {bars.symbol} pays {paid:g} a unit on {day} while the "
            f"close before, in new units, is {before:g}; wanted less than the price: are the "
            "dividends in the same currency and the same units as the prices?"
        )
