"""Yahoo with the local store in front: the store first, the network for what it lacks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import ConfigError, DataError
from tradewind.engine.feeds.provider import Yahoo
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.store import Store, default_folder
from tradewind.engine.feeds.store_records import Entry, Key, StoreEntry
from tradewind.engine.feeds.store_series import Series
from tradewind.engine.feeds.yahoo_failures import Missing, failure, stored_note
from tradewind.engine.feeds.yahoo_symbols import base_interval, checked_symbol
from tradewind.engine.feeds.yahoo_universe import Outcome, update_all
from tradewind.engine.feeds.yahoo_update import Want, lacking
from tradewind.engine.feeds.yahoo_window import period_start, raw_bars
from tradewind.engine.progress import SILENT, Progress

Loaded = dict[str, tuple[Entry, Series] | None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch did for one symbol.

    Attributes
    ----------
    symbol, interval : str
    added : int
        Bars that were not stored before.
    rows : int
        Bars stored now.
    covered_from, covered_to : str
        ISO days, inclusive.
    requests : int
        Ranges that Yahoo was asked for; 0 where the store had everything.
    """

    symbol: str
    interval: str
    added: int
    rows: int
    covered_from: str
    covered_to: str
    requests: int


@dataclass(frozen=True, slots=True)
class FetchReport:
    """What a fetch did.

    Attributes
    ----------
    store : Path
        Folder of the store.
    fetched : tuple of Fetched
        One for each symbol, in the order asked.
    notes : tuple of str
        Revisions and what else a person should know.
    """

    store: Path
    fetched: tuple[Fetched, ...]
    notes: tuple[str, ...]


def read(
    config: DataConfig, *, progress: Progress = SILENT, yahoo: Yahoo | None = None
) -> tuple[list[RawBars], tuple[str, ...]]:
    """Bars of a config's symbols, adjusted for what is known at its end, or with it if raw.

    Parameters
    ----------
    config : DataConfig
        With ``source: yahoo``.
    progress : Progress
        Told of the task ``yahoo``, one step a symbol.
    yahoo : Yahoo, optional
        The client to ask.

    Returns
    -------
    (list of RawBars, tuple of str)
        One for each symbol in the config's order; and what a person should know: revisions, data
        that came from the store alone and how old it is.

    Raises
    ------
    ConfigError
        If no symbols are named.
    DataError
        If Yahoo has no such symbols, intervals or days, or the store lacks some while offline.
    OutsideError
        RateLimitedError, ProviderDownError or MalformedPayloadError where nothing could be had,
        PartialUniverseError where something could; the message names what is missing.
    StoreError
        If the store is damaged.
    """
    keys = _keys(config.symbols, config.interval)
    want = _want(config.interval, config.start, config.end)
    store = Store(config.store or default_folder())
    yahoo = yahoo or Yahoo()
    outcome = Outcome()
    if not config.offline:
        ask = list(dict.fromkeys(keys.values()))
        outcome = update_all(store, yahoo, ask, want, refetch=False, progress=progress)
    loaded = _load(store, keys)
    _check_whole(keys, loaded, want, outcome, yahoo.now())
    span = (config.start, config.end)
    bars = [
        raw_bars(*pair, symbol, config.interval, span, raw=config.prices == "raw")
        for symbol, pair in loaded.items()
        if pair
    ]
    entries = {symbol: pair[0] for symbol, pair in loaded.items() if pair}
    _check_currencies(entries, config)
    return bars, _notes(keys, entries, outcome, config, yahoo.now())


def fetch(
    symbols: Sequence[str],
    *,
    start: date | None = None,
    end: date | None = None,
    interval: str = "1d",
    store: Path | None = None,
    refetch: bool = False,
    progress: Progress = SILENT,
    yahoo: Yahoo | None = None,
) -> FetchReport:
    """Bring the store up to what is asked; what it has already is not asked for again.

    Parameters
    ----------
    symbols : sequence of str
        As Yahoo names them.
    start, end : date, optional
        First and last day, inclusive; without a start, all that Yahoo has. A download always runs
        to the present day, so that later splits are known.
    interval : str
        ``1d``, ``1h``, ``5m`` ...
    store : Path, optional
        Folder; by default the user's.
    refetch : bool
        Ask for everything again and let it replace what is stored, damage included. The rows that
        change go on record as a revision.
    progress : Progress
        Told of the task ``yahoo``, one step a symbol.
    yahoo : Yahoo, optional
        The client to ask.

    Returns
    -------
    FetchReport

    Raises
    ------
    DataError, OutsideError, StoreError
        As :func:`read`; what could be had is stored all the same.
    """
    keys = _keys(symbols, interval)
    want = _want(interval, start, end)
    place = Store(store or default_folder())
    yahoo = yahoo or Yahoo()
    notes: list[str] = []
    if refetch and (aside := place.set_damage_aside()):
        notes.append(f"the store's manifest was damaged; what it described was moved to {aside}")
    ask = list(dict.fromkeys(keys.values()))
    outcome = update_all(place, yahoo, ask, want, refetch=refetch, progress=progress)
    if outcome.failures:
        broken = [(s, key) for s, key in keys.items() if key in outcome.failures]
        missing = [Missing(symbol, "", outcome.failures[key]) for symbol, key in broken]
        raise failure(missing, len(keys))
    state = place.lookup(ask)
    fetched = [_fetched(outcome, key, state[key][0]) for key in keys.values()]
    return FetchReport(place.folder, tuple(f for f in fetched if f), (*notes, *outcome.remarks))


def show(store: Path | None = None) -> list[StoreEntry]:
    """List what the store holds, in order of interval and symbol.

    Raises
    ------
    StoreError
        If its manifest is damaged.
    """
    return Store(store or default_folder()).contents()


def _keys(symbols: Sequence[str], interval: str) -> dict[str, Key]:
    """Series of each symbol, by the name the user wrote."""
    if isinstance(symbols, str) or not symbols:
        raise ConfigError(
            "data.symbols: Yahoo cannot list all it has; name the symbols, for example "
            "[MSFT, JPM, KO]"
        )
    base = base_interval(interval)
    return {symbol: Key(Yahoo.name, base, checked_symbol(symbol)) for symbol in symbols}


def _want(interval: str, start: date | None, end: date | None) -> Want:
    first = period_start(start, interval) if start else None
    return Want(base_interval(interval), first, end)


def _load(store: Store, keys: Mapping[str, Key]) -> Loaded:
    state = store.lookup(list(keys.values()))
    entries = {symbol: state[key][0] for symbol, key in keys.items()}
    return {symbol: store.load(entry) if entry else None for symbol, entry in entries.items()}


def _check_whole(
    keys: Mapping[str, Key], loaded: Loaded, want: Want, outcome: Outcome, now: float
) -> None:
    """Refuse a range that is not there, naming the days and why."""
    missing = []
    for symbol, key in keys.items():
        entry, series = loaded[symbol] or (None, None)
        if days := lacking(entry, series, want, now):
            reason = outcome.failures.get(key) or _held_back(key, outcome)
            missing.append(Missing(symbol, days, reason))
    if missing:
        raise failure(missing, len(keys))


def _held_back(key: Key, outcome: Outcome) -> DataError:
    update = outcome.updates.get(key)
    if update is None:
        return DataError(
            f"{key.symbol}: is not in the local store for these days and data.offline is set; "
            f"run: tradewind data fetch {key.symbol} --interval {key.interval}"
        )
    return DataError(f"{key.symbol}: " + (" ".join(update.remarks) or update.held_back))


def _check_currencies(entries: Mapping[str, Entry], config: DataConfig) -> None:
    """Refuse a currency of the config that is not the one Yahoo quotes in."""
    for symbol, currency in config.currencies.items():
        quoted = entries[symbol].currency if symbol in entries else ""
        if quoted and quoted != currency:
            raise DataError(
                f"data.currencies: {symbol} is quoted in {quoted} at Yahoo, not in {currency}; "
                f"write {symbol}: {quoted} and its rate as account.fx: {{{quoted}: ...}}"
            )


def _notes(
    keys: Mapping[str, Key],
    entries: Mapping[str, Entry],
    outcome: Outcome,
    config: DataConfig,
    now: float,
) -> tuple[str, ...]:
    """Say what a person should know about how the bars were had."""
    notes = list(outcome.remarks)
    if config.offline:
        notes.append(stored_note("Yahoo was not asked (data.offline)", entries, now))
    failed = {symbol: e for symbol, e in entries.items() if keys[symbol] in outcome.failures}
    if failed:
        first = outcome.failures[keys[next(iter(failed))]]
        notes.append(stored_note(f"Yahoo could not be asked ({first})", failed, now))
    unsaid = {s: e.currency for s, e in entries.items() if s not in config.currencies}
    if len(set(unsaid.values())) > 1:
        listed = ", ".join(f"{symbol} {currency}" for symbol, currency in unsaid.items())
        notes.append(
            f"Quoted in several currencies, and none is converted unless data.currencies names "
            f"it: {listed}"
        )
    return tuple(notes)


def _fetched(outcome: Outcome, key: Key, entry: Entry | None) -> Fetched | None:
    if entry is None:
        return None
    done = outcome.updates[key]
    return Fetched(
        symbol=key.symbol,
        interval=key.interval,
        added=done.added,
        rows=entry.rows,
        covered_from=entry.covered_from,
        covered_to=entry.covered_to,
        requests=done.requests,
    )
