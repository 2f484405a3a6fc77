"""What to say when not everything could be had."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tradewind.engine.errors import (
    DataError,
    OutsideError,
    PartialUniverseError,
    TradewindError,
    UnknownSymbolError,
)
from tradewind.engine.feeds.store_records import Entry

_NAMED = 20  # symbols told one by one


@dataclass(frozen=True, slots=True)
class Missing:
    """One symbol that cannot be served: which days, and why."""

    symbol: str
    days: str
    reason: TradewindError


def failure(missing: Sequence[Missing], n_symbols: int) -> TradewindError:
    """One error for all that is missing.

    Where everything is missing for one kind of reason, it is that kind of error; where some
    symbols could be had, a PartialUniverseError. Its exit code is that of a wrong input where
    trying again cannot help.
    """
    kinds = {_kind(m.reason) for m in missing}
    outside = any(isinstance(m.reason, OutsideError) for m in missing)
    listed = [_told(m) for m in missing[:_NAMED]]
    if len(missing) > _NAMED:
        listed.append("and " + ", ".join(m.symbol for m in missing[_NAMED:]))
    kind = kinds.pop() if len(kinds) == 1 and len(missing) == n_symbols else PartialUniverseError
    text = "; ".join(listed)
    if n_symbols > 1:
        text = f"{len(missing)} of {n_symbols} symbols could not be had from Yahoo: {text}"
    if len(missing) < n_symbols:
        text += ". The others are stored"
    if outside:
        text += ". Run the same again later; only what is missing is asked for"
    error = kind(text)
    error.exit_code = OutsideError.exit_code if outside else DataError.exit_code
    return error


def _kind(reason: TradewindError) -> type[TradewindError]:
    """Class that the error tree knows."""
    return UnknownSymbolError if isinstance(reason, UnknownSymbolError) else type(reason)


def _told(missing: Missing) -> str:
    reason = str(missing.reason)
    if not reason.startswith(f"{missing.symbol}:"):
        reason = f"{missing.symbol}: {reason}"
    return f"{reason} (missing: {missing.days})" if missing.days else reason


def stored_note(why: str, entries: Mapping[str, Entry], now: float) -> str:
    """Say that symbols were served from the store alone, and how old that is."""
    oldest = min(entries.values(), key=lambda entry: entry.fetched_at)
    days = (now * 10**9 - oldest.fetched_at) / 86_400e9
    fetched = datetime.fromtimestamp(oldest.fetched_at / 10**9, UTC).strftime("%Y-%m-%d %H:%M")
    last = min(entry.covered_to for entry in entries.values())
    names = ", ".join(list(entries)[:_NAMED]) + (" ..." if len(entries) > _NAMED else "")
    age = f"{days:.0f} days" if days >= 2 else f"{days * 24:.0f} hours"
    return (
        f"{why}; from the local store alone: {names} (fetched {fetched} UTC, {age} ago, "
        f"complete to {last})"
    )
