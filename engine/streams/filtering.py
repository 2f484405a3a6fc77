"""Which ticks are believed.

Rules, in this order: the symbol is followed; the price is a positive number (zero and less only
where the instrument has such prices); no bid above its ask; not stamped later than our clock allows
and not so long ago that it says nothing; not the same trade again; not a jump that nobody else
confirms. A jump is held back: ``confirm`` further ticks at the new level make it and them believed,
so that a real gap blinds nobody; a return to the old level drops it.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from math import inf

from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.streams import reasons
from tradewind.engine.streams.facts import Tick

REMEMBERED = 512  # trades of a symbol by which a repeated one is known
SECOND_NS = 1_000_000_000


class TickFilter:
    """Judges ticks in the order in which they arrive.

    Parameters
    ----------
    symbols : sequence of str
    config : TicksConfig
    negative : frozenset of str
        Symbols whose prices may be zero or less, such as spreads of futures.

    Attributes
    ----------
    drops : Counter
        How many ticks were not believed, by reason.
    """

    def __init__(
        self, symbols: Sequence[str], config: TicksConfig, negative: frozenset[str] = frozenset()
    ) -> None:
        self.config, self.negative = config, negative
        self.drops: Counter[str] = Counter()
        self.columns = {name: k for k, name in enumerate(symbols)}
        n = len(symbols)
        self._believed = [0.0] * n
        self._doubted: list[list[Tick]] = [[] for _ in range(n)]
        self._seen: list[OrderedDict[object, None]] = [OrderedDict() for _ in range(n)]
        self._ahead_ns = int(config.ahead_s * SECOND_NS)
        self._stale_ns = int(config.stale_s * SECOND_NS)

    def expect(self, column: int, price: float) -> None:
        """Take a price from elsewhere as the last one believed: the last close of a history."""
        if price == price:
            self._believed[column] = price

    def believed(self, batch: Sequence[Tick], *, live: bool = True) -> Iterator[tuple[int, Tick]]:
        """(column, tick) of those that are believed; those held back come when they are confirmed.

        Parameters
        ----------
        batch : sequence of Tick
        live : bool
            False for what is fetched later: it may be as old as it likes.
        """
        for tick in batch:
            k = self.columns.get(tick.symbol, -1)
            reason = reasons.UNKNOWN_SYMBOL if k < 0 else self._fault(k, tick, live)
            if reason:
                self.drops[reason] += 1
            elif tick.price != tick.price:
                yield k, tick
            else:
                yield from self._weighed(k, tick)

    def _fault(self, k: int, tick: Tick, live: bool) -> str:
        price, bid, ask = tick.price, tick.bid, tick.ask
        quoted = bid == bid or ask == ask
        if price != price and not quoted:
            return reasons.NOT_A_NUMBER
        if price in (inf, -inf) or bid in (inf, -inf) or ask in (inf, -inf):
            return reasons.NOT_A_NUMBER
        if not 0.0 <= tick.size < inf:
            return reasons.NOT_A_NUMBER
        if (price <= 0.0 or bid < 0.0 or ask <= 0.0) and tick.symbol not in self.negative:
            return reasons.NOT_POSITIVE
        if bid > ask:
            return reasons.CROSSED
        if live and tick.received:
            if tick.ts - tick.received > self._ahead_ns:
                return reasons.FUTURE
            if tick.received - tick.ts > self._stale_ns:
                return reasons.STALE
        return self._repeated(k, tick) if price == price else ""

    def _repeated(self, k: int, tick: Tick) -> str:
        key: object = tick.id or (tick.ts, tick.price, tick.size)
        seen = self._seen[k]
        if key in seen:
            return reasons.DUPLICATE
        seen[key] = None
        if len(seen) > REMEMBERED:
            seen.popitem(last=False)
        return ""

    def _weighed(self, k: int, tick: Tick) -> Iterator[tuple[int, Tick]]:
        """The tick, those it confirms before it, or nothing while it is doubted."""
        last, doubted = self._believed[k], self._doubted[k]
        if last == 0.0 or self._near(tick.price, last):
            if doubted:
                self.drops[reasons.SPIKE] += len(doubted)
                doubted.clear()
            self._believed[k] = tick.price
            yield k, tick
            return
        if doubted and not self._near(tick.price, doubted[-1].price):
            self.drops[reasons.SPIKE] += len(doubted)
            doubted.clear()
        doubted.append(tick)
        if len(doubted) > self.config.confirm:
            self._believed[k] = tick.price
            for held in doubted:
                yield k, held
            doubted.clear()

    def _near(self, price: float, last: float) -> bool:
        return abs(price - last) <= self.config.spike * abs(last)
