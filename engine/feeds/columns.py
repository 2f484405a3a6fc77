"""Which column of a file is what: found by the usual names, or as the config says."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from tradewind.engine.errors import DataError
from tradewind.engine.quotes import PRICES, QUOTES, has_quotes

BARS = (*PRICES, "volume")
NOTHING = "none"
SPREAD = "spread"  # a column that a wide file has for every symbol without being asked

ALIASES: dict[str, tuple[str, ...]] = {
    "time": (
        *("datetime", "timestamp", "date", "time", "t", "ts", "dt", "dateutc", "datetimeutc"),
        *("tradedate", "tradingday", "day", "opentime", "unix", "epoch"),
    ),
    "clock": ("time",),  # beside a column of dates
    "symbol": ("symbol", "ticker", "sym", "tic", "asset", "instrument", "ric", "code", "name"),
    "open": ("open", "o", "openprice", "priceopen", "pxopen"),
    "high": ("high", "h", "highprice", "pricehigh", "pxhigh"),
    "low": ("low", "l", "lowprice", "pricelow", "pxlow"),
    "close": ("close", "c", "closelast", "last", "closeprice", "priceclose", "pxlast", "price"),
    "adj_close": ("adjclose", "adjustedclose", "closeadj", "closeadjusted", "adjcloseprice"),
    "volume": ("volume", "v", "vol", "volumeshares", "totalvolume"),
    **{
        f"{side}_{price}": (f"{side}{price}", f"{price}{side}", f"{side}{price[0]}")
        for side, price in (name.split("_") for name in QUOTES)
    },
}
AS_TRADED = ("raw_close", "raw_volume")  # further columns by their usual names, and no misspelling
UNNAMED = ("", "unnamed0", "index", "indexlevel0")


def plain(name: str) -> str:
    """Name without case, numbering and punctuation: ``1. Open``, ``<OPEN>`` and ``open`` agree."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^\s*\d+\.\s+", "", name.lower()))


@dataclass(frozen=True, slots=True)
class Layout:
    """What each column of a file is, by position.

    Attributes
    ----------
    shape : "long", "wide" or "single"
        One row per symbol and time; one row per time with columns for every symbol; one symbol.
    time : tuple of int
        One column, or a date and a time of day.
    symbol : int or None
        Column of the symbol, for the long shape.
    fields : mapping of str to mapping of str to int
        Symbol to field to column; the symbol is empty but for the wide shape.
    extra : mapping of str to int
        Further columns, which may be features.
    notes : tuple of str
        Choices a reader of the results should know.
    """

    shape: Literal["long", "wide", "single"]
    time: tuple[int, ...]
    symbol: int | None
    fields: Mapping[str, Mapping[str, int]]
    extra: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def layout(
    names: Sequence[str],
    chosen: Mapping[str, str],
    where: str,
    wanted: Collection[str] | None = None,
) -> Layout:
    """Find out what the columns called ``names`` are.

    Parameters
    ----------
    names : sequence of str
        As they stand in the file; levels of several header rows as ``('Close', 'AAPL')``.
    chosen : mapping of str to str
        ``data.columns`` of the config: our name to the file's, ``none`` to leave a column out.
    where : str
        File, for messages.
    wanted : collection of str or None
        Symbols asked for; those of a wide file that nobody wants may be incomplete.

    Raises
    ------
    DataError
        If a column that bars need is missing or could be two things.
    """
    search = _Search(names, chosen, where)
    time, symbol = search.time(), search.role("symbol")
    direct = {name: search.role(name) for name in (*BARS, "adj_close", *QUOTES)}
    found = _whole({name: at for name, at in direct.items() if at is not None})
    if symbol is not None or "close" in found or "adj_close" in found or has_quotes(found):
        search.complete(found, "")
        used = {*time, *found.values(), *([] if symbol is None else [symbol])}
        shape: Literal["long", "single"] = "single" if symbol is None else "long"
        return Layout(
            shape, time, symbol, {"": found}, search.extra(found, used), search.notes(found)
        )
    fields = _wide(names, chosen, set(time))
    if {name.lower() for name in fields} == {"ask", "bid"}:
        search.both_sides(direct)
    if not fields:
        search.complete(found, "")
    for name, columns in fields.items():
        if wanted is None or name in wanted:
            search.complete(columns, name)
    return Layout("wide", time, None, fields)


@dataclass(frozen=True, slots=True)
class _Search:
    """Looks roles up among the names of one file."""

    names: Sequence[str]
    chosen: Mapping[str, str]
    where: str

    def role(self, role: str) -> int | None:
        """Position of the column that plays ``role``, None where there is none."""
        wanted = self.chosen.get(role)
        if wanted is not None:
            return None if wanted == NOTHING else self.named(wanted, role)
        keys = [plain(name) for name in self.names]
        for alias in ALIASES[role]:
            at = [i for i, key in enumerate(keys) if key == alias]
            if len(at) > 1:
                twice = " and ".join(repr(self.names[i]) for i in at)
                raise DataError(
                    f"{self.where}: columns {twice} could both be {role}; "
                    f"say which with data.columns: {{{role}: ...}}"
                )
            if at:
                return at[0]
        return None

    def named(self, wanted: str, role: str) -> int:
        """Position of the column the config names."""
        if wanted in self.names:
            return list(self.names).index(wanted)
        at = [i for i, name in enumerate(self.names) if name.lower() == wanted.lower()]
        if len(at) != 1:
            raise DataError(
                f"{self.where}: data.columns names {wanted!r} as {role}, but the columns are "
                f"{self.listed()}"
            )
        return at[0]

    def time(self) -> tuple[int, ...]:
        """Columns that say when; a date may stand beside a time of day."""
        at = self.role("time" if "time" in self.chosen else _date_role(self.chosen))
        if at is None:
            at = next((i for i, n in enumerate(self.names) if plain(n) in UNNAMED), None)
        if at is None:
            raise DataError(
                f"{self.where}: no column of dates among {self.listed()}; the first line must name "
                "the columns, one of them date, datetime, timestamp or time, or "
                "data.columns: {time: ...}"
            )
        keys = [plain(name) for name in self.names]
        beside = "time" in keys and keys[at] in ("date", "day", "tradedate", "tradingday")
        return (at, keys.index("time")) if beside and "time" not in self.chosen else (at,)

    def complete(self, found: Mapping[str, int], symbol: str) -> None:
        """Refuse prices that cannot make a bar."""
        missing = [name for name in PRICES if name not in found]
        if not missing or (len(missing) == 4 and has_quotes(found)):
            return  # without traded prices the mids of the quotes are the bars
        whose = f" of {symbol}" if symbol else ""
        hint = f"name them with data.columns: {{{missing[0]}: ...}}"
        if has_quotes(found):
            hint = (
                f"{hint}, or let the mids of the quotes be the bars: data.columns: "
                f"{{{', '.join(f'{name}: none' for name in PRICES if name in found)}}}"
            )
        elif missing == ["close"] and "adj_close" in found:
            hint = (
                "it has an adjusted close alone; if open, high and low are adjusted too, say "
                f"data.columns: {{close: {self.names[found['adj_close']]}, adj_close: none}}"
            )
        elif len(missing) == 4 and not symbol:
            hint += ", or for many symbols side by side call columns AAA_open, AAA_high ..."
        elif len(missing) == 3 and "close" in found and not symbol:
            close = self.names[found["close"]]
            hint = (
                "a strategy that decides at the close is filled at the next open; if closes are "
                "all there is, say so with data.columns: "
                f"{{open: {close}, high: {close}, low: {close}}}"
            )
        raise DataError(
            f"{self.where}: no column for {', '.join(missing)}{whose} among {self.listed()}; {hint}"
        )

    def both_sides(self, direct: Mapping[str, int | None]) -> None:
        """Refuse bid and ask bars that lack a price, which look like two symbols."""
        missing = [name for name in QUOTES if direct[name] is None]
        if missing:
            raise DataError(
                f"{self.where}: no column for {', '.join(missing)} among {self.listed()}; bid and "
                f"ask bars have four prices each, name them: data.columns: {{{missing[0]}: ...}}"
            )

    def extra(self, found: Collection[str], used: set[int]) -> dict[str, int]:
        """Columns left over, by name; those the config names first."""
        lone = [name for name in QUOTES if name not in found]
        ours = {k: v for k, v in self.chosen.items() if k in lone or k not in (*ALIASES, "date")}
        for key in ours.keys() - AS_TRADED:
            near = get_close_matches(key, ALIASES, 1, 0.75)
            if near and near[0] != key:
                raise DataError(
                    f"data.columns: {key!r} is none of our names (did you mean {near[0]!r}?); "
                    f"ours are {', '.join(ALIASES)}, any other name makes a column of its own"
                )
        named = {k: self.named(v, k) for k, v in ours.items() if v != NOTHING}
        taken = used | set(named.values())
        gone = [k for k, v in self.chosen.items() if v == NOTHING]
        left_out = {plain(name) for k in gone for name in (k, *ALIASES.get(k, ()))}
        rest = {
            name: i
            for i, name in enumerate(self.names)
            if i not in taken and plain(name) not in {*UNNAMED, *left_out}
        }
        return {**rest, **named}

    def notes(self, found: Mapping[str, int]) -> tuple[str, ...]:
        """Names that are not obvious, and fields that are not there."""
        odd = [
            f"{role} from {self.names[at]!r}"
            for role, at in found.items()
            if plain(self.names[at]) not in (plain(role), role[0], "vol")
        ]
        return (f"Columns: {', '.join(odd)}.",) if odd else ()

    def listed(self) -> str:
        """First column names, for a message."""
        shown = ", ".join(repr(name[:40]) for name in self.names[:12])
        return shown + (f" and {len(self.names) - 12} more" if len(self.names) > 12 else "")


def _whole(found: Mapping[str, int]) -> dict[str, int]:
    """Fields of a bar; quotes that lack a price or a side are further columns and no bars."""
    kept = has_quotes(found)
    return {name: at for name, at in found.items() if kept or name not in QUOTES}


def _date_role(chosen: Mapping[str, str]) -> str:
    return "date" if "date" in chosen else "time"


def _wide(
    names: Sequence[str], chosen: Mapping[str, str], time: set[int]
) -> dict[str, dict[str, int]]:
    """Fields of every symbol from names such as ``AAPL_close`` or ``('Close', 'AAPL')``.

    Field first or symbol first is decided for the file as a whole: under the wrong reading of
    ``LOW_close`` no symbol has all four prices.
    """
    roles = [role for role in (*BARS, "adj_close", *QUOTES) if chosen.get(role) != NOTHING]
    words = {alias: role for role in roles for alias in ALIASES[role]}
    words |= {plain(chosen[role]): role for role in roles if role in chosen}
    own = {SPREAD: SPREAD} | {k: v for k, v in chosen.items() if k not in (*ALIASES, "date")}
    words |= {plain(name): ours for ours, name in own.items() if name != NOTHING}
    readings = []
    for field_first in (True, False):
        fields: dict[str, dict[str, int]] = {}
        for i, name in enumerate(names):
            parts = None if i in time else _parts(name, words, field_first)
            if parts:
                fields.setdefault(parts[1], {}).setdefault(parts[0], i)
        readings.append(fields)
    complete = [
        sum(set(PRICES) <= set(f) or has_quotes(f) for f in fields.values()) for fields in readings
    ]
    best = readings[0] if complete[0] >= complete[1] else readings[1]
    return {symbol: _whole(f) for symbol, f in best.items() if symbol}


def _parts(name: str, words: Mapping[str, str], field_first: bool) -> tuple[str, str] | None:
    """Field and symbol that a column name holds, None where it holds no field."""
    text = name.strip()
    levels = re.findall(r"'([^']*)'|\"([^\"]*)\"", text) if text.startswith("(") else []
    if levels:
        pair = [a or b for a, b in levels if a or b]
        if len(pair) != 2:
            return None
        head, tail = pair if field_first else pair[::-1]
        return (words[plain(head)], tail) if plain(head) in words else None
    spots = [found.start() for found in re.finditer(r"[_ .:|/-]", text)]
    for spot in spots[::-1] if field_first else spots:  # the longest field name wins: Adj Close
        head, tail = text[:spot], text[spot + 1 :]
        head, tail = (head, tail) if field_first else (tail, head)
        if len(plain(head)) > 1 and plain(head) in words and tail.strip():
            return words[plain(head)], tail.strip()
    return None
