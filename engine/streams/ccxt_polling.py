"""Trades of an exchange that does not stream, asked for again and again.

An answer has what is new and what was told before. By itself ccxt gives up a whole answer for one
trade in it that it cannot read, and so would all answers be that still have it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tradewind.engine.streams.ccxt_watching import SHOWN

Seen = dict[str, set[Any]]


class Polling:
    """Questions to an exchange object.

    Parameters
    ----------
    made : ccxt.async_support.Exchange
    symbols : sequence of str
    every_s : float
        Before each round of questions.
    seen : dict
        Trades that were told last, by symbol; shared by all connections of a run.

    Attributes
    ----------
    broken : list of str
        What came and could not be read.
    """

    def __init__(self, made: Any, symbols: Sequence[str], every_s: float, seen: Seen) -> None:
        self.broken: list[str] = []
        self._made, self._symbols, self._every_s, self._seen = made, symbols, every_s, seen
        self._parse: Callable[..., Any] = made.parse_trades
        made.parse_trades = self._parsed

    async def next(self) -> list[Any]:
        """What is new since the last questions; the first ones tell where to begin."""
        await asyncio.sleep(self._every_s)
        found: list[Any] = []
        for name in self._symbols:
            if self._made.has.get("fetchTrades"):
                told = await self._made.fetch_trades(name)
            else:
                told = [await self._made.fetch_ticker(name)]
            before = self._seen.get(name)
            self._seen[name] = {_key(one) for one in told}
            if before is not None:
                found += [one for one in told if _key(one) not in before]
        return found

    def _parsed(self, trades: Any, *how: Any, **more: Any) -> Any:
        """Trades of an answer without those that cannot be read."""
        if not isinstance(trades, list):
            self.broken.append(f"no list of trades: {str(trades)[:SHOWN]}")
            return []
        good = []
        for trade in trades:
            try:
                read = self._made.parse_trade(trade, *how[:1])
                if read["timestamp"] is None or read["price"] is None:  # no sorting them
                    raise ValueError("no time or no price")
            except Exception as error:
                self.broken.append(f"{type(error).__name__}: {str(trade)[:SHOWN]}")
            else:
                good.append(trade)
        return self._parse(good, *how, **more)


def _key(one: Mapping[str, Any]) -> Any:
    """What tells a trade, or a quote, from the others that were polled."""
    names = ("timestamp", "price", "amount", "last", "bid", "ask")
    return one.get("id") or tuple(one.get(name) for name in names)
