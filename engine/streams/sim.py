"""Ticks of markets that never existed: for a demo without a network, for soaks and throughput."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import count, islice
from math import exp, sqrt
from random import Random
from typing import Annotated, Self

from annotated_types import Ge, Gt, Le

from tradewind.engine.streams.facts import FeedNotice, FeedState, RowSink, Tick

SECOND_NS = 1_000_000_000
YEAR_S = 365.25 * 86_400
DIGITS = 2  # of a price
LOT, MOST_LOTS = 100, 9
TURN_S = 0.02  # ticks of one turn of the event loop travel together
MOST = 2_000  # of them, so that others have their turn


class Sim:
    """Random walks that trade at random times, live.

    ``Sim(seed=7).following(symbols, interval, calendar).run(sink)``. The stamps are those of our
    clock; outside of the exchange's session a bar maker will drop them.

    Parameters
    ----------
    seed : int
        The same walk for the same seed; only the stamps are those of the day.
    per_second : float
        Trades of all symbols together, on average.
    vol_annual : float
        Standard deviation of a year's log return.
    price : float
        Of the first trade of each symbol.
    spread_bps : float
        Full quoted spread.
    """

    def __init__(
        self,
        *,
        seed: Annotated[int, Ge(0)] = 0,
        per_second: Annotated[float, Gt(0), Le(100_000)] = 10.0,
        vol_annual: Annotated[float, Ge(0)] = 0.3,
        price: Annotated[float, Gt(0)] = 100.0,
        spread_bps: Annotated[float, Ge(0)] = 2.0,
    ) -> None:
        self.seed, self.per_second, self.vol_annual = seed, per_second, vol_annual
        self.price, self.spread_bps = price, spread_bps
        self._symbols: tuple[str, ...] = ()

    def following(self, symbols: Sequence[str], interval: str, calendar: str | None = None) -> Self:
        """Make up ticks of these symbols; interval and calendar change nothing."""
        self._symbols = tuple(symbols)
        return self

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names it makes ticks of."""
        return self._symbols

    def ticks(self, start: int) -> Iterator[Tick]:
        """Ticks from ``start`` (UTC ns) on, without an end, each received when it is stamped.

        Prices are a geometric Brownian motion seen at the arrivals of a Poisson process, rounded to
        ``DIGITS``; the symbol of each is drawn anew, all alike.
        """
        draw, n, ts = Random(self.seed), len(self._symbols), start
        prices, last = [self.price] * n, [start] * n
        half, least = 0.5e-4 * self.spread_bps, 10.0**-DIGITS
        for number in count():
            ts += max(int(draw.expovariate(self.per_second) * SECOND_NS), 1)
            k = draw.randrange(n)
            sigma = self.vol_annual * sqrt((ts - last[k]) / SECOND_NS / YEAR_S)
            prices[k] *= exp(draw.gauss(-0.5 * sigma * sigma, sigma))
            last[k] = ts
            price = max(round(prices[k], DIGITS), least)
            size = float(LOT * draw.randint(1, MOST_LOTS))
            yield Tick(
                self._symbols[k], ts, price, size, price * (1.0 - half), price * (1.0 + half),
                ts, str(number),
            )  # fmt: skip

    async def run(self, sink: RowSink) -> None:
        """Deliver ticks when they are due, until cancelled."""
        begun = time.time_ns()
        sink.notice(FeedNotice(FeedState.LIVE, begun, "made up, no market behind it"))
        coming = self.ticks(begun)
        due = next(coming)
        while True:
            await asyncio.sleep(max(TURN_S, (due.ts - time.time_ns()) / SECOND_NS))
            now, batch = time.time_ns(), []
            for tick in islice(coming, MOST):
                batch.append(due._replace(received=now))
                due = tick
                if due.ts > now:
                    break
            sink.ticks(batch)
