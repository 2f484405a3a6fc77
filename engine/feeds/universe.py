"""Point-in-time universes: who is a member on which day, as columns beside the bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from tradewind.engine.bars.sessions import session_days
from tradewind.engine.config.run import DataConfig
from tradewind.engine.config.universe import UniverseConfig
from tradewind.engine.errors import DataError, UnknownSymbolError
from tradewind.engine.feeds import filters
from tradewind.engine.feeds.memberships import KEY, Memberships, read
from tradewind.engine.records import ELIGIBLE, MEMBER, Bools, Floats, Panel

NAMED = 5  # symbols that a message lists


@dataclass(frozen=True, slots=True)
class Universe:
    """Who may be traded when, laid on a panel.

    Attributes
    ----------
    columns : mapping of str to ndarray of float64, shape (n_bars, n_symbols)
        ``eligible`` and ``member``: 1 on a bar of a member, 0 on another's, NaN without a bar.
    sentence : str
        How much of the universe the data holds, for the report; empty without a file.
    notes : tuple of str
        What the filters removed.
    """

    columns: Mapping[str, Floats]
    sentence: str
    notes: tuple[str, ...] = ()


def universe(data: DataConfig, panel: Panel) -> Universe:
    """Lay memberships and filters on the bars of a panel.

    Parameters
    ----------
    data : DataConfig
        With ``universe``.
    panel : Panel
        A bar belongs to the day its exchange counts it to; a membership holds from its first day
        on, at whose close it is known. A filter measures the bars up to its own.

    Raises
    ------
    DataError
        If a file cannot be read, is empty, or says two things of one day; if a filter needs prices
        as they were traded and there are none; if nobody of the data is ever a member.
    UnknownSymbolError
        If the data has symbols the file never names, and the config does not say that they are
        meant to be outside.
    """
    config = data.universe
    assert config is not None
    if MEMBER in panel.columns or ELIGIBLE in panel.columns:
        raise DataError(
            f"{KEY}: the data has a column {ELIGIBLE!r} or {MEMBER!r} of its own, which says who "
            "is a member already; leave data.universe out, or rename it with data.columns"
        )
    inside, said = _members(config, panel)
    has = ~np.isnan(panel.close)
    traded = filters.as_traded(data, panel)
    passed = filters.passing(config, panel, traded)
    left = inside & has
    for passes in passed.values():
        left &= passes
    told = filters.sentence(config, passed, inside & has) if passed else ""
    if not left.any():
        raise DataError(
            f"{KEY}: nobody passes on any of the {panel.n_bars} bars ({panel.dates[0]} to "
            f"{panel.dates[-1]}). {told} Lower a filter, or load more data"
        )
    column = np.where(has, left.astype(np.float64), np.nan)
    return Universe({ELIGIBLE: column, MEMBER: column}, said, (told,) if told else ())


def _members(config: UniverseConfig, panel: Panel) -> tuple[Bools, str]:
    """Who is a member but for the filters, and how much of them the data holds."""
    if config.path is None:
        _refuse_stray(config, panel.symbols)
        named = [symbol not in config.outside for symbol in panel.symbols]
        return np.broadcast_to(np.array(named), panel.shape).copy(), ""
    found = read(config)
    _refuse_unknown(found, config, panel.symbols)
    days = {
        calendar: session_days(panel.ts, panel.interval, calendar).astype(np.int64)
        for calendar in dict.fromkeys(panel.calendar_of_each)
    }
    inside = np.zeros(panel.shape, np.bool_)
    for k, (symbol, calendar) in enumerate(zip(panel.symbols, panel.calendar_of_each, strict=True)):
        inside[:, k] = found.on(symbol, days[calendar])
    if not (inside & ~np.isnan(panel.close)).any():
        raise DataError(
            f"{KEY}: {found.path}: no symbol of the data is a member on any of its {panel.n_bars} "
            f"bars ({panel.dates[0]} to {panel.dates[-1]}); take a file that reaches over them"
        )
    spans = np.concatenate([days[calendar][[0, -1]] for calendar in days])
    return inside, _sentence(found, panel, inside, int(spans.min()), int(spans.max()))


def _sentence(found: Memberships, panel: Panel, inside: Bools, first: int, last: int) -> str:
    """What the file makes of the survivorship of the data."""
    living = np.unique(found.code[(found.start <= last) & (found.stop > first)])
    members = [found.names[k] for k in living]
    lacking = [name for name in members if name not in panel.symbols]
    without = int((inside & np.isnan(panel.close)).sum())
    head = (
        f"Universe from {found.path.name}: {len(members)} symbols were members within the data, "
        f"and {len(members) - len(lacking)} of them have bars"
    )
    if not lacking:
        return f"{head}; {without:,} days of membership have none."
    more = f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else ""
    return (
        f"{head}; those without ({', '.join(lacking[:NAMED])}{more}) are missing from every result,"
        " so survivorship may still flatter long positions."
    )


def _refuse_unknown(found: Memberships, config: UniverseConfig, symbols: Sequence[str]) -> None:
    """Refuse symbols of the data that the file never names: a ticker written another way."""
    if config.outside == "all":
        return
    _refuse_stray(config, symbols)
    unknown = [s for s in symbols if s not in found.names and s not in config.outside]
    if not unknown:
        return
    hints = []
    for symbol in unknown[:NAMED]:
        near = get_close_matches(symbol, found.names, 1)
        hints.append(f"{symbol!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))
    more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
    raise UnknownSymbolError(
        f"{KEY}: {found.path} never names {', '.join(hints)}{more}; write the symbols alike, or "
        f"say that they are no members with data.universe.outside: [{unknown[0]}]"
    )


def _refuse_stray(config: UniverseConfig, symbols: Sequence[str]) -> None:
    stray = [name for name in config.outside if name not in symbols]
    if stray:
        raise UnknownSymbolError(f"{KEY}.outside: the data has no symbol {stray[0]!r}; remove it")
