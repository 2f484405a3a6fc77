"""Rows of the store's manifest."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """What identifies a series: ``yahoo``, ``1d``, ``MSFT``."""

    provider: str
    interval: str
    symbol: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored series.

    ``covered_from`` and ``covered_to`` (ISO days of the exchange, inclusive) are what was asked
    and answered, ``first`` and ``last`` (UTC nanoseconds) the bars there were. ``session_end`` is
    the minute of the day at which the regular session closes.
    """

    provider: str
    interval: str
    symbol: str
    covered_from: str
    covered_to: str
    first: int
    last: int
    rows: int
    timezone: str
    session_end: int
    currency: str
    fetched_at: int
    provider_version: str
    prices_file: str
    prices_sha256: str
    events_file: str
    events_sha256: str
    bytes: int

    @property
    def key(self) -> Key:
        """What identifies the series."""
        return Key(self.provider, self.interval, self.symbol)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The last failed attempt at a series; ``until`` (UTC ns) is when asking again makes sense."""

    provider: str
    interval: str
    symbol: str
    at: int
    until: int
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Revision:
    """One occasion on which a provider contradicted what was stored.

    ``rows`` is JSON: a list of ``[kind, ts, stored or null, received or null]``. ``action`` says
    which of the two the store holds now.
    """

    number: int
    provider: str
    interval: str
    symbol: str
    noticed_at: int
    action: str
    rows: str


@dataclass(frozen=True, slots=True)
class StoreEntry:
    """What the store holds of one symbol, as ``tradewind data show`` lists it.

    Attributes
    ----------
    provider, symbol, interval : str
    covered_from, covered_to : str
        ISO days, inclusive, that were asked for and answered.
    first, last : int
        Times of the first and last bar, UTC nanoseconds.
    rows : int
        Bars.
    fetched_at : int
        UTC nanoseconds of the last successful fetch.
    revisions : int
        Occasions on which the provider contradicted what was stored.
    bytes : int
        On disk.
    last_error : str
        Of the last attempt, if it failed after the last success; else empty.
    """

    provider: str
    symbol: str
    interval: str
    covered_from: str
    covered_to: str
    first: int
    last: int
    rows: int
    fetched_at: int
    revisions: int
    bytes: int
    last_error: str
