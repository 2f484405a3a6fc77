"""Updating many symbols in turn: one that fails stops the others only when Yahoo itself is away."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tradewind.engine.errors import (
    DataError,
    OutsideError,
    RateLimitedError,
    TradewindError,
    UnknownSymbolError,
)
from tradewind.engine.feeds.provider import Yahoo
from tradewind.engine.feeds.store import Store
from tradewind.engine.feeds.store_records import Key, Refusal
from tradewind.engine.feeds.yahoo_update import StillUnknownError, Update, Want, update
from tradewind.engine.progress import Progress

UNKNOWN_TTL_S = 86_400  # a name that Yahoo did not know is not asked for again within a day
_PATIENCE = 2  # symbols in a row that may fail before Yahoo is taken to be away
TASK = "yahoo"


@dataclass(slots=True)
class Outcome:
    """What happened to each symbol: an update or an error, never both."""

    updates: dict[Key, Update] = field(default_factory=dict)
    failures: dict[Key, TradewindError] = field(default_factory=dict)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Revisions of all symbols."""
        return tuple(remark for update in self.updates.values() for remark in update.remarks)


def update_all(
    store: Store,
    yahoo: Yahoo,
    keys: Sequence[Key],
    want: Want,
    *,
    refetch: bool,
    progress: Progress,
) -> Outcome:
    """Bring every series up to what is wanted, and keep what succeeded whatever fails.

    Raises
    ------
    StoreError
        If the store is damaged; that is not a symbol's failure.
    """
    outcome = Outcome()
    state = store.lookup(keys)
    streak: list[OutsideError] = []
    progress.start(TASK, len(keys))
    try:
        for key in keys:
            if _is_away(streak):
                outcome.failures[key] = type(streak[-1])(f"{key.symbol}: was not asked any more")
                continue
            try:
                outcome.updates[key] = update(
                    store,
                    yahoo,
                    key,
                    state[key],
                    want,
                    refetch=refetch,
                    note=lambda text: progress.advance(TASK, 0, text),
                )
                streak = [] if outcome.updates[key].requests else streak
            except (OutsideError, DataError) as error:
                outcome.failures[key] = error
                _remember(store, key, error, yahoo.now())
                streak = [*streak, error] if isinstance(error, OutsideError) else []
            progress.advance(TASK, 1, key.symbol)
    finally:
        progress.finish(TASK)
    return outcome


def _is_away(streak: Sequence[OutsideError]) -> bool:
    """Say whether asking for further symbols makes no sense."""
    return bool(streak) and (len(streak) >= _PATIENCE or isinstance(streak[-1], RateLimitedError))


def _remember(store: Store, key: Key, error: TradewindError, now: float) -> None:
    """Note a failed attempt; where the symbol is unknown, until when that stands."""
    if isinstance(error, StillUnknownError):
        return
    at = round(now * 10**9)
    until = at + UNKNOWN_TTL_S * 10**9 if isinstance(error, UnknownSymbolError) else at
    kind = type(error).__name__
    with store.writing() as pen:
        refusal = Refusal(key.provider, key.interval, key.symbol, at, until, kind, str(error))
        pen.refuse(refusal)
