"""Yahoo through the genuine yfinance client, with typed errors where it returns an empty frame.

yfinance hides a server error, an HTML page and a truncated answer behind an empty frame, remembers
failed answers of past ranges for as long as the process lives, and keeps cookies as pickles. Here
each of these ends: one call gives bars and events, or raises.
"""

import atexit
import contextlib
import functools
import logging
import random
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from typing import Any

from tradewind.engine.errors import (
    MalformedPayloadError,
    OutsideError,
    ProviderDownError,
    RateLimitedError,
    TradewindError,
)
from tradewind.engine.feeds.store_series import join_events, join_prices
from tradewind.engine.feeds.yahoo_parse import Answer, empty_answer, parsed
from tradewind.engine.feeds.yahoo_symbols import checked_symbol
from tradewind.engine.feeds.yahoo_wire import Wire, verdict

_CHUNK_DAYS = {"1m": 7}  # Yahoo gives at most eight days of minutes at a time


@dataclass(frozen=True, slots=True)
class Retry:
    """When to ask again.

    Attributes
    ----------
    rate_limited, failed : int
        Attempts in all where Yahoo asks us to slow down, and where it fails otherwise.
    base_s, cap_s : float
        First pause and longest; each is twice the one before, times a random 0.5 to 1.5 so that
        several clients do not come back together.
    sleep : callable
        Called with seconds.
    jitter : callable
        Gives a number in [0, 1).
    """

    rate_limited: int = 5
    failed: int = 3
    base_s: float = 1.0
    cap_s: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def attempts(self, error: OutsideError) -> int:
        """Attempts in all that an error deserves."""
        return self.rate_limited if isinstance(error, RateLimitedError) else self.failed

    def pause_s(self, attempt: int, wanted_s: float) -> float:
        """Seconds to wait after the given attempt (from 1), no less than the provider wants."""
        own = self.base_s * 2.0 ** (attempt - 1) * (0.5 + self.jitter())
        return min(self.cap_s, max(own, wanted_s))


class Yahoo:
    """Asks Yahoo for the history of one symbol at a time; not for several threads at once."""

    name = "yahoo"

    def __init__(
        self,
        *,
        session: Any = None,
        retry: Retry | None = None,
        now: Callable[[], float] = time.time,
        timeout_s: float = 20.0,
    ) -> None:
        """Prepare a client; nothing is imported or asked before the first call.

        Parameters
        ----------
        session : curl_cffi or requests Session, optional
            What yfinance speaks through, for a proxy or a certificate authority of one's own.
        retry : Retry, optional
        now : callable
            Gives seconds since 1970.
        timeout_s : float
            Of each request.
        """
        self._session = session
        self._retry = retry or Retry()
        self._timeout_s = timeout_s
        self._wire: Wire | None = None
        self.now = now

    @property
    def version(self) -> str:
        """What the store notes as the origin of its rows."""
        return f"yfinance {version('yfinance')}"

    def history(
        self,
        symbol: str,
        interval: str,
        first: date,
        last: date | None = None,
        *,
        timezone: str = "",
        note: Callable[[str], None] = lambda text: None,
    ) -> Answer:
        """Bars and events of a range, finished bars only.

        Parameters
        ----------
        symbol : str
            As Yahoo names it: ``MSFT``, ``^GSPC``, ``BTC-USD``.
        interval : str
            As Yahoo names it, ``1d`` or shorter.
        first, last : date
            Of the exchange, inclusive; no ``last`` means up to now.
        timezone : str
            Of the exchange where it is known, which saves a request.
        note : callable
            Told when there is something to wait for.

        Raises
        ------
        UnknownSymbolError, DataError
            If Yahoo does not have the symbol or refuses the range.
        RateLimitedError, ProviderDownError, MalformedPayloadError
            If asking again, with growing pauses, did not help.
        """
        symbol = checked_symbol(symbol)
        # Two days on: no exchange is further ahead of UTC than its next midnight.
        stop = last or datetime.fromtimestamp(self.now(), UTC).date() + timedelta(days=1)
        stop += timedelta(days=1)
        step = timedelta(days=_CHUNK_DAYS.get(interval, 10**6))
        answer: Answer | None = None
        while answer is None or first < stop:
            part_stop = stop if stop - first <= step else first + step
            part = self._persist(symbol, interval, first, part_stop, timezone, note)
            answer = part if answer is None else _joined(answer, part)
            first, timezone = part_stop, part.timezone
        return answer

    def _persist(
        self,
        symbol: str,
        interval: str,
        first: date,
        stop: date,
        timezone: str,
        note: Callable[[str], None],
    ) -> Answer:
        """Ask until there is an answer or no hope."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._ask(symbol, interval, first, stop, timezone)
            except OutsideError as error:
                if attempt >= self._retry.attempts(error):
                    raise type(error)(f"{error} (asked {attempt} times)") from None
                reply = self._wire.reply if self._wire else None
                pause = self._retry.pause_s(attempt, reply.retry_after_s if reply else 0.0)
                note(f"{error}; asking again in {pause:.0f} s")
                self._retry.sleep(pause)

    def _ask(self, symbol: str, interval: str, first: date, stop: date, timezone: str) -> Answer:
        """Ask once."""
        asked_at = self.now()
        frame: Any = None
        trouble: Exception | None = None
        with _tamed() as yf:
            wire = self._wire = self._wire or Wire(self._session or _new_session())
            wire.reply = None
            with contextlib.suppress(AttributeError):  # a yfinance without this memory needs none
                yf.data.YfData.cache_get.cache_clear()  # it remembers failures, too
            try:
                ticker = yf.Ticker(symbol, session=wire.session)
                ticker._tz = timezone or None
                frame = ticker.history(
                    start=first,
                    end=stop,
                    interval=interval,
                    auto_adjust=False,
                    actions=True,
                    timeout=self._timeout_s,
                )
            except Exception as error:  # whatever it is, the reply on the wire tells what happened
                trouble = error
            result = _read(symbol, wire, trouble)
            if "timestamp" not in result or (trouble is None and frame.empty):
                return empty_answer(result, timezone, asked_at)
            if trouble is not None:
                raise _unreadable(symbol, trouble) from trouble
            return parsed(symbol, interval, frame, result, (first, stop), asked_at)


def _read(symbol: str, wire: Wire, trouble: Exception | None) -> dict[str, Any]:
    """Result of the last reply; raises the error that it amounts to."""
    if type(trouble).__name__ == "YFRateLimitError":
        raise RateLimitedError(f"{symbol}: Yahoo answered 429, too many requests")
    if wire.reply is None:
        raise _unreachable(symbol, trouble)
    result = verdict(symbol, wire.reply)
    if isinstance(result, TradewindError):
        raise result
    return result


def _unreachable(symbol: str, trouble: Exception | None) -> ProviderDownError:
    if not isinstance(trouble, OSError):  # of which every failure to connect is one
        return ProviderDownError(f"{symbol}: yfinance failed before Yahoo answered: {trouble!r}")
    words = str(trouble).split(" See http")[0].removeprefix("Failed to perform, ").rstrip(". ")
    return ProviderDownError(f"{symbol}: Yahoo cannot be reached: {words}")


def _unreadable(symbol: str, trouble: Exception) -> MalformedPayloadError:
    kind = type(trouble).__name__
    return MalformedPayloadError(
        f"{symbol}: yfinance could not make sense of Yahoo's answer: {kind}: {trouble}"
    )


def _joined(earlier: Answer, later: Answer) -> Answer:
    """Put two answers for adjacent ranges together."""
    return Answer(
        prices=join_prices(earlier.prices, later.prices),
        events=join_events(earlier.events, later.events),
        timezone=later.timezone or earlier.timezone,
        session_end=later.session_end,
        currency=later.currency or earlier.currency,
        last_day=later.last_day,
        asked_at=later.asked_at,
    )


def _new_session() -> Any:
    """Return the session that yfinance would make for itself."""
    try:
        from curl_cffi import requests as curl
    except ImportError:  # no binary for this platform: yfinance then speaks through requests
        import requests

        return requests.Session()
    return curl.Session(impersonate="chrome")


@functools.cache
def _private_caches() -> str:
    """Give yfinance a folder of this process's own, once; returns it.

    It keeps its cookies on disk as a pickle, and in a folder that others may write to, a pickle is
    somebody else's code. What is worth keeping, the time zones, is in the store's manifest.
    """
    import yfinance as yf

    folder = tempfile.mkdtemp(prefix="tradewind-yfinance-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    yf.set_tz_cache_location(folder)
    return folder


@contextlib.contextmanager
def _tamed() -> Iterator[Any]:
    """Give yfinance a place of its own, make it raise, and keep its chatter to itself."""
    with warnings.catch_warnings():
        # Some ten deprecations of pandas 4 a call; they are yfinance's to mend, not the user's.
        warnings.simplefilter("ignore")
        import yfinance as yf

        logger = logging.getLogger("yfinance")
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())  # else Python prints its errors
        _private_caches()
        hidden = yf.config.debug.hide_exceptions
        yf.config.debug.hide_exceptions = False
        try:
            yield yf
        finally:
            yf.config.debug.hide_exceptions = hidden
