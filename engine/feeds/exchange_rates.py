"""Rates of exchange on a panel's clock, never later than the bar they are used on.

A rate that carries a day is known when that day is over: it counts at the close of that day's bar
and at opens and shorter bars from the next day on. A rate that carries a time counts from then on.
"""

from collections.abc import Mapping

import numpy as np

from tradewind.engine.bars.sessions import interval_ns, is_intraday
from tradewind.engine.config.account import AccountConfig, FxSeriesConfig
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import ConfigError, DataError
from tradewind.engine.feeds.bar_times import bar_days, bar_opens
from tradewind.engine.feeds.borrow_rates import check_symbols
from tradewind.engine.feeds.dated import Dated, known_rows, read_dated
from tradewind.engine.records import DAY_NS, Floats, Ints, Panel, label

OPEN, CLOSE = "fx.open", "fx.close"
"""Columns of a panel: account currency per unit of the symbol's, at the open and the close."""

Rates = tuple[Floats, Floats]


def exchange_columns(account: AccountConfig, data: DataConfig, panel: Panel) -> dict[str, Floats]:
    """Rates of every symbol; empty where all are in the account's currency.

    Parameters
    ----------
    account : AccountConfig
    data : DataConfig
    panel : Panel

    Returns
    -------
    dict
        :data:`OPEN` and :data:`CLOSE`, each of shape (n_bars, n_symbols); NaN where a symbol does
        not trade yet or any more.

    Raises
    ------
    UnknownSymbolError
        If ``data.currencies`` names a symbol that the panel does not have.
    DataError
        If a rate is missing, too old or not positive.
    """
    check_symbols(data.currencies, panel, "data.currencies")
    foreign = [data.currencies.get(symbol, account.currency) for symbol in panel.symbols]
    used = sorted({currency for currency in foreign if currency != account.currency})
    if not used:
        return {}
    rates = {currency: _rates(currency, account.fx[currency], data, panel) for currency in used}
    rates[account.currency] = np.ones(panel.n_bars), np.ones(panel.n_bars)
    alive = _lives(panel)
    columns = {}
    for place, name in enumerate((OPEN, CLOSE)):
        array = np.column_stack([rates[currency][place] for currency in foreign])
        columns[name] = np.where(alive, array, np.nan)
        _check_whole(columns[name], alive, panel, foreign, account.fx)
    return columns


def _lives(panel: Panel) -> np.ndarray:
    """Bars from a symbol's first to its last, those without a bar between them included."""
    traded = ~np.isnan(panel.close)
    began = np.maximum.accumulate(traded, axis=0)
    ended = (panel.ends >= 0) & (np.arange(panel.n_bars)[:, None] > panel.ends)
    return np.asarray(began & ~ended)


def _rates(currency: str, given: float | FxSeriesConfig, data: DataConfig, panel: Panel) -> Rates:
    """Rates of one currency at opens and closes, NaN where none is known."""
    if not isinstance(given, FxSeriesConfig):
        return np.full(panel.n_bars, given), np.full(panel.n_bars, given)
    key = f"account.fx.{currency}"
    if given.open and panel.interval != "1d":
        raise ConfigError(
            f"{key}.open: the rate at the open of a day means nothing to bars of {panel.interval}; "
            "leave it out, or give times of day in the file"
        )
    names = [given.column, *([given.open] if given.open else [])]
    file = read_dated(given.path, names, key=key, zone=data.timezone)
    values = {name: _sound(file, name, key, inverse=given.inverse) for name in names}
    oldest = round(given.max_age_days * DAY_NS)
    if not file.whole_days:
        at_open = _as_of(file.ts, values[given.column], bar_opens(panel), oldest)
        return at_open, _as_of(file.ts, values[given.column], panel.ts, oldest)
    days = bar_days(panel, data.timezone)
    known = _as_of(file.ts, values[given.column], _eves(days, panel), oldest)
    if is_intraday(panel.interval):
        return known, known
    at_open = known if given.open is None else _as_of(file.ts, values[given.open], days, oldest)
    return at_open, _as_of(file.ts, values[given.column], days, oldest)


def _eves(days: Ints, panel: Panel) -> Ints:
    """Last day that was over when each bar began."""
    if is_intraday(panel.interval) or panel.interval == "1d":
        return days - DAY_NS
    return np.append(days[:1] - interval_ns(panel.interval), days[:-1]).astype(np.int64)


def _sound(file: Dated, name: str, key: str, *, inverse: bool) -> Floats:
    """Rates of a column as account currency per unit; an empty cell stays empty."""
    values = file.values[name]
    bad = ~(np.isnan(values) | ((values > 0) & np.isfinite(values)))
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{key}: {file.error(row, f'a rate of {values[row]:g}; wanted above zero')}"
        )
    return 1.0 / values if inverse else values


def _as_of(have: Ints, values: Floats, when: Ints, oldest: int) -> Floats:
    """Last value known at each moment, NaN where there is none or it is too old."""
    given = ~np.isnan(values)
    have, values = have[given], values[given]
    at = known_rows(have, when)
    if not len(have):
        return np.full(len(when), np.nan)
    fresh = (at >= 0) & (when - have[at] <= oldest)
    return np.where(fresh, values[at], np.nan)


def _check_whole(
    rates: Floats,
    alive: np.ndarray,
    panel: Panel,
    foreign: list[str],
    fx: Mapping[str, float | FxSeriesConfig],
) -> None:
    missing = np.isnan(rates) & alive
    if not missing.any():
        return
    t, k = (int(place[0]) for place in np.nonzero(missing))
    given = fx[foreign[k]]
    assert isinstance(given, FxSeriesConfig)  # a constant is missing nowhere
    raise DataError(
        f"account.fx.{foreign[k]}: {given.path}: no rate that was known by "
        f"{label(panel.ts[t])} and at most {given.max_age_days:g} days old, but "
        f"{panel.symbols[k]} trades then ({int(missing.any(axis=1).sum()):,} bars lack one); give "
        "a file that covers the data from the day before it begins, or move data.start and "
        "data.end"
    )
