"""A seeded storm: ticks as a faulty source, a bad network and a wrong clock would deliver them.

``storm(clean, seed=...)`` takes ticks of a calm market and gives what arrives instead, in the order
of arrival, with a log of every fault. Additions and delays take nothing away; only ``lost``,
``ahead`` and ``unsized`` change what bars can be made, and their log says of whom and when.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from math import inf, nan
from random import Random
from typing import NamedTuple

from tradewind.engine.streams import reasons
from tradewind.engine.streams.facts import Tick

SECOND_NS = 1_000_000_000
TRANSPORT_NS = 1_000_000
SPIKE = 100.0
IN_A_ROW = 3  # spikes of a symbol: one more would confirm the others
HARMFUL = ("lost", "ahead", "unsized")


class Fault(NamedTuple):
    """One thing that the storm did.

    Attributes
    ----------
    kind : str
    reason : str
        Under which a filter must count it; empty: it must not drop it, or cannot see it.
    symbol : str
    ts : int
        Of the clean tick it was done to or beside.
    """

    kind: str
    reason: str
    symbol: str
    ts: int


class Storm(NamedTuple):
    """What arrives, and what was done to it."""

    arrivals: list[Tick]
    log: list[Fault]

    def counted(self) -> Counter[str]:
        """How often each reason for a drop must be counted."""
        return Counter(fault.reason for fault in self.log if fault.reason)

    def harmed(self) -> set[tuple[str, int]]:
        """(symbol, stamp) of every clean tick that cannot count as it was."""
        return {(fault.symbol, fault.ts) for fault in self.log if fault.kind in HARMFUL}


class Weather(NamedTuple):
    """How bad it is.

    Attributes
    ----------
    share : float
        Faulty ticks added, per clean one.
    delayed : float
        Share of the clean ones that come late, by up to ``late_s``.
    unsized : float
        Share of them that lose their size.
    gaps : int
        Outages of ``gap_s`` each: every other one of a single symbol.
    skews_s : tuple of float
        What our clock is wrong by in equal spans of the run, one after the other.
    ahead_s : float
        How far the source's clock is ahead during one outage's time in the middle.
    """

    share: float = 0.25
    delayed: float = 0.1
    late_s: float = 5.0
    unsized: float = 0.002
    gaps: int = 6
    gap_s: float = 20.0
    skews_s: tuple[float, ...] = (0.0, 3.0, -3.0, 1.0, 0.0)
    ahead_s: float = 30.0


Added = Callable[[Tick, int, Random], Tick]
ADDED: dict[str, tuple[str, Added]] = {
    "nan": (reasons.NOT_A_NUMBER, lambda t, at, draw: t._replace(price=nan, bid=nan, ask=nan)),
    "inf": (reasons.NOT_A_NUMBER, lambda t, at, draw: t._replace(price=draw.choice((inf, -inf)))),
    "inf_quote": (reasons.NOT_A_NUMBER, lambda t, at, draw: t._replace(ask=inf)),
    "inf_size": (reasons.NOT_A_NUMBER, lambda t, at, draw: t._replace(size=inf)),
    "zero": (reasons.NOT_POSITIVE, lambda t, at, draw: t._replace(price=0.0)),
    "negative": (reasons.NOT_POSITIVE, lambda t, at, draw: t._replace(price=-t.price)),
    "negative_size": (reasons.NOT_POSITIVE, lambda t, at, draw: t._replace(size=-t.size)),
    "crossed": (
        reasons.CROSSED,
        lambda t, at, draw: t._replace(bid=1.01 * t.price, ask=0.99 * t.price),
    ),
    "spike": (
        reasons.SPIKE,
        lambda t, at, draw: t._replace(
            price=t.price * draw.choice((SPIKE, 1.0 / SPIKE)), bid=nan, ask=nan
        ),
    ),
    "stale": (
        reasons.STALE,
        lambda t, at, draw: t._replace(ts=at - int(draw.uniform(61.0, 1e6) * SECOND_NS)),
    ),
    "unstamped": (reasons.STALE, lambda t, at, draw: t._replace(ts=0)),
    "future": (
        reasons.FUTURE,
        lambda t, at, draw: t._replace(ts=at + int(draw.uniform(5.1, 1e6) * SECOND_NS)),
    ),
    "unknown": (reasons.UNKNOWN_SYMBOL, lambda t, at, draw: t._replace(symbol=f"X{t.symbol}")),
    "nameless": (reasons.UNKNOWN_SYMBOL, lambda t, at, draw: t._replace(symbol="")),
    "duplicate": (reasons.DUPLICATE, lambda t, at, draw: t),
}


class _Arrival(NamedTuple):
    at: int
    number: int
    tick: Tick
    fault: Fault | None


class _Clocks:
    """When it is what by our clock, and when the source's is far ahead."""

    def __init__(self, first: int, last: int, weather: Weather) -> None:
        n = len(weather.skews_s)
        self._begins = [first + (last - first) * k // n for k in range(n)]
        self._skews = [int(s * SECOND_NS) for s in weather.skews_s]
        middle = (first + last) // 2
        self._ahead_ns = int(weather.ahead_s * SECOND_NS)
        long = int(weather.gap_s * SECOND_NS) if self._ahead_ns else 0
        self._ahead = middle, middle + long

    def ahead(self, at: int) -> bool:
        return self._ahead[0] <= at < self._ahead[1]

    def ours(self, at: int) -> int:
        skew = self._skews[max(bisect_right(self._begins, at) - 1, 0)]
        return at + skew - (self._ahead_ns if self.ahead(at) else 0)


def storm(clean: Sequence[Tick], *, seed: int, weather: Weather | None = None) -> Storm:
    """Blow through clean ticks.

    Parameters
    ----------
    clean : sequence of Tick
        By their stamps; those of a symbol have different ones.
    seed : int
    weather : Weather, optional
    """
    weather, draw = weather or Weather(), Random(seed)
    clocks = _Clocks(clean[0].ts, clean[-1].ts, weather)
    gaps = _gaps(clean, draw, weather)
    coming: list[_Arrival] = []
    log: list[Fault] = []
    for tick in clean:
        if any(a <= tick.ts < b and who in ("", tick.symbol) for a, b, who in gaps):
            log.append(Fault("lost", "", tick.symbol, tick.ts))
            continue
        coming += _blown(tick, draw, weather, clocks, len(coming))
    kept = _few_spikes(sorted(coming))
    log += [one.fault for one in kept if one.fault is not None]
    return Storm([one.tick._replace(received=clocks.ours(one.at)) for one in kept], log)


def _gaps(clean: Sequence[Tick], draw: Random, weather: Weather) -> list[tuple[int, int, str]]:
    names = sorted({tick.symbol for tick in clean})
    begins = [draw.randint(clean[0].ts, clean[-1].ts) for _ in range(weather.gaps)]
    long = int(weather.gap_s * SECOND_NS)
    return [(a, a + long, draw.choice(names) if k % 2 else "") for k, a in enumerate(begins)]


def _blown(
    tick: Tick, draw: Random, weather: Weather, clocks: _Clocks, number: int
) -> list[_Arrival]:
    """What arrives in place of a tick: itself, late or damaged, and faulty ones beside it."""
    at, fault = tick.ts + TRANSPORT_NS, None
    if draw.random() < weather.delayed:
        at += int(draw.uniform(0.0, weather.late_s) * SECOND_NS)
        fault = Fault("delayed", "", tick.symbol, tick.ts)
    if clocks.ahead(at):
        return [_Arrival(at, number, tick, Fault("ahead", reasons.FUTURE, tick.symbol, tick.ts))]
    told = tick
    if draw.random() < weather.unsized:
        told = tick._replace(size=float("nan"))
        fault = Fault("unsized", "", tick.symbol, tick.ts)
    arrivals = [_Arrival(at, number, told, fault)]
    if draw.random() < weather.share:
        kind = draw.choice(list(ADDED))
        reason, make = ADDED[kind]
        then = at + draw.randint(1, int(weather.late_s * SECOND_NS))
        if not clocks.ahead(then):
            made = told
            if kind != "duplicate":
                made = make(tick, clocks.ours(then), draw)._replace(id=f"{kind}-{number}")
            fault = Fault(kind, reason, tick.symbol, tick.ts)
            arrivals.append(_Arrival(then, number + 1, made, fault))
    return arrivals


def _few_spikes(coming: list[_Arrival]) -> list[_Arrival]:
    """Leave out spikes that would confirm each other: that is a gap, and to be believed."""
    in_a_row: Counter[str] = Counter()
    kept = []
    for one in coming:
        kind = one.fault.kind if one.fault else ""
        if kind == "spike":
            in_a_row[one.tick.symbol] += 1
            if in_a_row[one.tick.symbol] > IN_A_ROW:
                continue
        elif kind in ("", "delayed", "unsized"):
            in_a_row[one.tick.symbol] = 0
        kept.append(one)
    return kept
