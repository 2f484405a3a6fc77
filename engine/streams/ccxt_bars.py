"""Bars that an exchange has made itself, through ccxt."""

import time
from collections.abc import Sequence
from typing import Any

from tradewind.engine.errors import ConfigError, DataError, ProviderDownError, RateLimitedError
from tradewind.engine.features.stream import Row
from tradewind.engine.streams.ccxt_exchange import Exchanges
from tradewind.engine.streams.intake import row_of_bars
from tradewind.engine.streams.supervisor import Slowed
from tradewind.engine.types import Bar

MS_NS = 1_000_000
MOST = (
    20_000  # bars of a symbol that a gap may take; more is a history, which has sources of its own
)
PAGE = 500  # bars of one question; an exchange that gives fewer is asked again


async def bars_between(
    exchanges: Exchanges, symbols: Sequence[str], interval: str, since: int, until: int
) -> list[Row]:
    """Bars that close later than ``since`` and not later than ``until`` (UTC ns), oldest first.

    A bar that is not over yet is none.
    """
    made = exchanges.made()
    until = min(until, time.time_ns())
    try:
        await exchanges.learn(made, symbols)
        if interval not in (made.timeframes or {}):
            raise DataError(
                f"{exchanges.name} has no bars of {interval!r}; it has "
                f"{', '.join(made.timeframes or ())}"
            )
        if until - since > MOST * int(made.parse_timeframe(interval)) * 1000 * MS_NS:
            raise DataError(
                f"{exchanges.name}: more than {MOST} bars of {interval} are missing; fetch a "
                "history that ends later"
            )
        found: dict[int, dict[str, Bar]] = {}
        for name in symbols:
            for bar in await _bars(made, name, interval, since, until):
                found.setdefault(bar.ts, {})[name] = bar
    except DataError:
        raise
    except Exception as error:
        raise _outside(exchanges.meaning(error, (0, {}))) from None
    finally:
        await made.close()
    return [row_of_bars(ts, found[ts], symbols) for ts in sorted(found)]


async def _bars(made: Any, name: str, interval: str, since: int, until: int) -> list[Bar]:
    length = int(made.parse_timeframe(interval)) * 1000 * MS_NS
    bars: list[Bar] = []
    begin = since - length + MS_NS
    while begin + length <= until:
        page = await made.fetch_ohlcv(name, interval, begin // MS_NS, PAGE)
        known = bars[-1].ts if bars else since
        fresh = [Bar(name, int(ts) * MS_NS + length, *map(float, rest)) for ts, *rest in page]
        fresh = [bar for bar in fresh if known < bar.ts <= until]
        if not fresh:
            break
        bars += fresh
        begin = fresh[-1].ts
    return bars


def _outside(error: Exception) -> Exception:
    """What is raised where no supervisor is there to try again."""
    if isinstance(error, ConfigError):
        return error
    return RateLimitedError(str(error)) if isinstance(error, Slowed) else ProviderDownError(
        f"bars of a gap cannot be fetched: {error}"
    )  # fmt: skip
