"""Which ticks are believed.

Rules, in this order; a tick is dropped for the first one that it breaks, and counted under it.

==================  ================================================================================
``malformed``       Something of it is of another type.
``unknown_symbol``  The symbol is not followed.
``not_a_number``    Neither price nor quote, or one of them or the size is infinite.
``not_positive``    A price of zero or less where the instrument has no such prices; a size below
                    zero. A bid may be zero: nobody bids.
``crossed``         A bid above its ask.
``future``          Stamped more than ``ahead_s`` after it was received.
``stale``           Stamped more than ``stale_s`` before it was received, or not at all; what is
                    fetched for a gap may be as old as it likes.
``duplicate``       A trade with a number that was seen among the symbol's last ``REMEMBERED``
                    trades, or without one with the same time, price and size.
``spike``           A jump that nobody else confirms: see :mod:`tradewind.engine.streams.doubts`.
==================  ================================================================================

A tick without a size is believed: how much was traded is then unknown, not zero.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from math import inf

from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.streams import reasons
from tradewind.engine.streams.doubts import Doubts
from tradewind.engine.streams.drops import Drops
from tradewind.engine.streams.facts import Tick

REMEMBERED = 512  # trades of a symbol by which a repeated one is known
SECOND_NS = 1_000_000_000
FAR_NS = 1 << 62  # of the year 2116; no clock is wrong by so much, a broken field is


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
    drops : Drops
        How many ticks were not believed, by reason.
    columns : dict of str to int
    """

    def __init__(
        self, symbols: Sequence[str], config: TicksConfig, negative: frozenset[str] = frozenset()
    ) -> None:
        self.config, self.negative = config, negative
        self.drops = Drops()
        self.columns = {name: k for k, name in enumerate(symbols)}
        self._doubts = Doubts([name in negative for name in symbols], config.spike, config.confirm)
        self._seen: list[OrderedDict[object, None]] = [OrderedDict() for _ in symbols]
        self._mid = config.quotes == "mid"
        self._ahead_ns = int(config.ahead_s * SECOND_NS)
        self._stale_ns = int(config.stale_s * SECOND_NS)

    @property
    def n_held(self) -> int:
        """Ticks that are neither believed nor dropped yet."""
        return self._doubts.n_held

    def held(self) -> list[Tick]:
        """Ticks that are neither believed nor dropped yet."""
        return self._doubts.held()

    def expect(self, column: int, price: float) -> None:
        """Take a price from elsewhere as the last one believed: the last close of a history."""
        if price == price:
            self._doubts.believe(column, price)

    def believed(
        self, batch: Sequence[Tick], *, live: bool = True, now: int = 0
    ) -> Iterator[tuple[int, Tick]]:
        """(column, tick) of those that are believed; those held back come when they are confirmed.

        Parameters
        ----------
        batch : sequence of Tick
        live : bool
            False for what is fetched later: it may be as old as it likes.
        now : int
            Our clock, UTC nanoseconds, for ticks that do not say when they were received.
        """
        for tick in batch:
            try:
                k = self.columns.get(tick.symbol, -1)
                reason = self._fault(k, tick, live, now)
            except (TypeError, AttributeError):  # of a feed of somebody's own
                reason = reasons.MALFORMED
            if reason:
                self.drops.note(reason, tick)
                continue
            price = tick.price
            if price != price:
                if not self._mid or not tick.bid + tick.ask < inf:
                    yield k, tick  # it moves no price
                    continue
                price = 0.5 * (tick.bid + tick.ask)
            if self._doubts.fits(k, price):
                yield k, tick
                continue
            confirmed, dropped = self._doubts.weigh(k, price, tick)
            for one in dropped:
                self.drops.note(reasons.SPIKE, one)
            for one in confirmed:
                yield k, one

    def _fault(self, k: int, tick: Tick, live: bool, now: int) -> str:
        """Why a tick is dropped before anybody looks at its neighbours; empty: it is not."""
        if k < 0:
            return reasons.UNKNOWN_SYMBOL
        _, ts, price, size, bid, ask, received, number = tick
        if price != price and bid != bid and ask != ask:
            return reasons.NOT_A_NUMBER
        if inf in (abs(price), abs(bid), abs(ask), abs(size)):
            return reasons.NOT_A_NUMBER
        low = price <= 0.0 or bid < 0.0 or ask <= 0.0
        if size < 0.0 or (low and tick.symbol not in self.negative):
            return reasons.NOT_POSITIVE
        if bid > ask:
            return reasons.CROSSED
        moment = received or now
        if ts >= FAR_NS or (live and moment and ts - moment > self._ahead_ns):
            return reasons.FUTURE
        if not ts > 0 or (live and moment and moment - ts > self._stale_ns):
            return reasons.STALE
        if price != price:
            return ""
        told = size if size == size else -1.0  # one NaN is not like another
        return self._repeated(self._seen[k], number or (ts, price, told))

    def _repeated(self, seen: OrderedDict[object, None], trade: object) -> str:
        if trade in seen:
            return reasons.DUPLICATE
        seen[trade] = None
        if len(seen) > REMEMBERED:
            seen.popitem(last=False)
        return ""
