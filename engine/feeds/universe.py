"""Point-in-time universes: who is a member on which day, as columns beside the bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from tradewind.engine.bars.sessions import session_days
from tradewind.engine.config.universe import UniverseConfig
from tradewind.engine.errors import DataError, UnknownSymbolError
from tradewind.engine.feeds.memberships import KEY, Memberships, read
from tradewind.engine.records import ELIGIBLE, MEMBER, Bools, Floats, Panel

NAMED = 5  # symbols that a message lists


@dataclass(frozen=True, slots=True)
class Universe:
    """Memberships laid on a panel.

    Attributes
    ----------
    columns : mapping of str to ndarray of float64, shape (n_bars, n_symbols)
        ``eligible`` and ``member``: 1 on a bar of a member, 0 on another's, NaN without a bar.
    sentence : str
        How much of the universe the data holds, for the report.
    """

    columns: Mapping[str, Floats]
    sentence: str


def universe(config: UniverseConfig, panel: Panel) -> Universe:
    """Lay a file of memberships on the bars of a panel.

    Parameters
    ----------
    config : UniverseConfig
    panel : Panel
        A bar belongs to the day its exchange counts it to; a membership holds from its first day
        on, at whose close it is known.

    Raises
    ------
    DataError
        If the file cannot be read, is empty, says two things of one day, or nobody of the data is
        ever a member.
    UnknownSymbolError
        If the data has symbols the file never names, and the config does not say that they are
        meant to be outside.
    """
    found = read(config)
    if MEMBER in panel.columns or ELIGIBLE in panel.columns:
        raise DataError(
            f"{KEY}: the data has a column {ELIGIBLE!r} or {MEMBER!r} of its own, which says who "
            "is a member already; leave data.universe out, or rename it with data.columns"
        )
    _refuse_unknown(found, config, panel.symbols)
    days = {
        calendar: session_days(panel.ts, panel.interval, calendar).astype(np.int64)
        for calendar in dict.fromkeys(panel.calendar_of_each)
    }
    inside = np.zeros(panel.shape, np.bool_)
    for k, (symbol, calendar) in enumerate(zip(panel.symbols, panel.calendar_of_each, strict=True)):
        inside[:, k] = found.on(symbol, days[calendar])
    member = np.where(np.isnan(panel.close), np.nan, inside.astype(np.float64))
    if not (member > 0).any():
        raise DataError(
            f"{KEY}: {found.path}: no symbol of the data is a member on any of its {panel.n_bars} "
            f"bars ({panel.dates[0]} to {panel.dates[-1]}); take a file that reaches over them"
        )
    spans = np.concatenate([days[calendar][[0, -1]] for calendar in days])
    sentence = _sentence(found, panel, inside, int(spans.min()), int(spans.max()))
    return Universe({ELIGIBLE: member, MEMBER: member}, sentence)


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
    stray = [name for name in config.outside if name not in symbols]
    if stray:
        raise UnknownSymbolError(f"{KEY}.outside: the data has no symbol {stray[0]!r}; remove it")
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
