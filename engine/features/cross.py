"""Features made across symbols: ranks, z-scores, the market, groups, another symbol.

A cross-section is taken at one row of the panel's clock, over the members of the universe that have
a value on it. Whoever is no member is measured against them all the same, so that the window of a
name that has just joined is whole. Sums run over the symbols in the panel's order, never pairwise:
one row gives the same bits as many.
"""

from difflib import get_close_matches

import numpy as np

from tradewind.engine.errors import ConfigError, DataError, UnknownSymbolError
from tradewind.engine.features.feature import Feature
from tradewind.engine.features.own import log_return, ratio
from tradewind.engine.features.tape import Tape
from tradewind.engine.records import GROUP, Bools, Floats

STALE = 5  # rows: another symbol's value older than this is none


def rank(tape: Tape, inner: Feature) -> Floats:
    """Share of the members that lie below, ties and itself counted half; in (0, 1)."""
    grid, member = _section(tape, inner)
    out = np.full(grid.shape, np.nan)
    for row in np.flatnonzero(member.sum(axis=1) > 1):
        line = grid[row]
        order = np.sort(line[member[row]])
        below = np.searchsorted(order, line, "left") + np.searchsorted(order, line, "right")
        out[row] = below / (2.0 * len(order))
    out[np.isnan(grid)] = np.nan
    return tape.take(out)


def z_score(tape: Tape, inner: Feature) -> Floats:
    """Distance from the members' mean in their standard deviations (divided by n)."""
    _refuse_one(tape, inner.name)
    return standardised(tape, inner.of(tape))


def standardised(tape: Tape, values: Floats) -> Floats:
    """Values of each bar in deviations from its members' mean, shape (n_rows,).

    NaN where a bar has fewer than two members, or they are all alike.
    """
    grid = tape.spread(values)
    member = tape.member & ~np.isnan(grid)
    mean, n = _mean(grid, member)
    away = grid - mean[:, None]
    square = ratio(_total(np.where(member, away, 0.0) ** 2), n)
    spread = np.sqrt(np.where(n > 1, square, np.nan))
    return tape.take(ratio(away, np.broadcast_to(spread[:, None], grid.shape)))


def average(tape: Tape, inner: Feature) -> Floats:
    """Equal-weighted mean over the members."""
    return tape.take(_over_all(tape, inner))


def group_average(tape: Tape, inner: Feature) -> Floats:
    """Equal-weighted mean over the members of the symbol's group; NaN in no group."""
    return tape.take(_over_groups(tape, inner))


def market_return(tape: Tape) -> Floats:
    """Mean one-bar log return of the members, shape (n_rows,)."""
    return tape.shared(("market return",), lambda: average(tape, _RETURN))


def group_return(tape: Tape) -> Floats:
    """Mean one-bar log return of the members of the symbol's group, shape (n_rows,)."""
    return tape.shared(("group return",), lambda: group_average(tape, _RETURN))


def other(tape: Tape, inner: Feature, symbol: str) -> Floats:
    """Another symbol's value, the latest of the last ``STALE`` rows."""
    grid = tape.spread(inner.of(tape))[:, _column(tape, inner.name, symbol)]
    latest = tape.latest(grid, STALE)
    return tape.take(np.broadcast_to(latest[:, None], (len(grid), tape.panel.n_symbols)))


def other_return(tape: Tape, symbol: str) -> Floats:
    """Log return of another symbol from this symbol's last bar to this one, shape (n_rows,)."""
    price = _other_price(tape, symbol)
    return tape.shared(("other return", symbol), lambda: np.subtract(price, tape.lag(price, 1)))


def price_ratio(tape: Tape, n: int, symbol: str) -> Floats:
    """Log of the ratio of prices against its ``n``-bar mean, in standard deviations."""
    gap = tape.log_close - _other_price(tape, symbol)
    mean, std = tape.moments(gap, n)
    return ratio(gap - mean, std)


def beta(tape: Tape, n: int, reference: Floats) -> Floats:
    """Slope of the own one-bar return on a reference return over the last ``n`` bars.

    The covariance is a quarter of var(x + y) - var(x - y), so that windows are merged as in
    :meth:`.tape.Tape.moments` and a symbol's slope on itself is exactly one.
    """
    own = log_return(tape, 1)
    _, both = tape.moments(own + reference, n)
    _, apart = tape.moments(own - reference, n)
    _, alone = tape.moments(reference, n)
    return ratio((both * both - apart * apart) / 4.0, alone * alone)


def residual(tape: Tape, n: int, reference: Floats) -> Floats:
    """Own one-bar return without ``beta`` times the reference's."""
    out: Floats = log_return(tape, 1) - beta(tape, n, reference) * reference
    return out


def _other_price(tape: Tape, symbol: str) -> Floats:
    """Log close of another symbol, the latest of the last ``STALE`` rows, shape (n_rows,)."""
    return tape.shared(("other price", symbol), lambda: other(tape, _LOG_CLOSE, symbol))


def _column(tape: Tape, name: str, symbol: str) -> int:
    symbols = tape.panel.symbols
    if symbol in symbols:
        return symbols.index(symbol)
    near = get_close_matches(symbol, symbols, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise UnknownSymbolError(
        f"features: other.{symbol}.{name}: the data has no symbol {symbol!r}{hint}; add it to "
        "data.symbols, and to data.universe.outside if it is not to be traded"
    )


def _section(tape: Tape, inner: Feature) -> tuple[Floats, Bools]:
    """Values and who counts among them, both (n_bars, n_symbols)."""
    _refuse_one(tape, inner.name)
    grid = tape.spread(inner.of(tape))
    return grid, tape.member & ~np.isnan(grid)


def _refuse_one(tape: Tape, name: str) -> None:
    if tape.panel.n_symbols < 2:
        raise ConfigError(
            f"features: {name} is compared across symbols, and the data has only "
            f"{tape.panel.symbols[0]}; add symbols, or leave such features out"
        )


def _over_all(tape: Tape, inner: Feature) -> Floats:
    grid, member = _section(tape, inner)
    mean, _ = _mean(grid, member)
    return np.broadcast_to(mean[:, None], grid.shape)


def _over_groups(tape: Tape, inner: Feature) -> Floats:
    grid, member = _section(tape, inner)
    if not tape.has_column(GROUP):
        raise DataError(
            f"features: group.{inner.name} needs to know the groups; say them with data.groups: "
            "{tech: [MSFT, AAPL], oil: [XOM, CVX]} (sizing.groups caps positions and is not read)"
        )
    group = tape.spread(tape.column(GROUP))
    out = np.full(grid.shape, np.nan)
    for number in np.unique(group[~np.isnan(group)]):
        inside = group == number
        mean, _ = _mean(grid, member & inside)
        np.copyto(out, mean[:, None], where=inside)
    return out


def _mean(grid: Floats, member: Bools) -> tuple[Floats, Floats]:
    """Mean of each row's members and how many they are, (n_bars,); NaN where there is none.

    Deviations from the first of them are averaged: what is equal then has a mean equal to it.
    """
    n = member.sum(axis=1).astype(np.float64)
    first = grid[np.arange(len(grid)), member.argmax(axis=1)]
    away = np.where(member, grid - first[:, None], 0.0)
    return first + ratio(_total(away), n), n


def _total(values: Floats) -> Floats:
    """Sum of each row, strictly from left to right."""
    return np.ascontiguousarray(np.add.accumulate(values, axis=1)[:, -1])


_RETURN = Feature("return_1", 2, lambda tape: log_return(tape, 1))
_LOG_CLOSE = Feature("log close", 1, lambda tape: tape.log_close)
