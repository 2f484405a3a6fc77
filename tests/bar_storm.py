"""A storm of faults on bars that a source makes itself; drawn anew from a seed, the same each time.

``bar_storm`` takes the bars of a calm market and gives what arrives instead, in the order of
arrival, with the reason that each fault must be counted under. Nothing is taken away: bars come
late and in another order, though before their row is let out, and others come beside them.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace as replaced
from math import inf, nan
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple

from tradewind.engine.streams import reasons
from tradewind.engine.types import Bar

SECOND_NS, MINUTE_NS = 1_000_000_000, 60_000_000_000
SPIKE = 100.0
LATENESS_S = 10.0  # of the run; what is not late comes within 9 s of its close
FIELDS = ("open", "high", "low", "close", "volume")
PRICES = FIELDS[:4]


def replace(bar: Bar, **fields: Any) -> Bar:
    """The bar with other fields, of whatever type."""
    return replaced(bar, **fields)


class Arrival(NamedTuple):
    """What comes at a moment; empty reason: it must be believed, or change nothing."""

    at: int
    bar: Any
    kind: str
    reason: str


class BarStorm(NamedTuple):
    """What arrives."""

    arrivals: list[Arrival]

    @property
    def faults(self) -> list[Arrival]:
        """What was done, delays included."""
        return [one for one in self.arrivals if one.kind]

    def counted(self) -> Counter[str]:
        """How often each reason for a drop must be counted."""
        return Counter(one.reason for one in self.arrivals if one.reason)


def scaled(bar: Bar, factor: float) -> Bar:
    """The bar at other prices."""
    return replace(bar, **{name: factor * getattr(bar, name) for name in PRICES})


def without(bar: Bar, draw: Random) -> Any:
    """The bar with a field that is missing."""
    name = draw.choice(("symbol", "ts", *FIELDS))
    if draw.random() < 0.5:
        return replace(bar, **{name: None})
    return SimpleNamespace(
        **{each: getattr(bar, each) for each in ("symbol", "ts", *FIELDS) if each != name}
    )


def mistyped(bar: Bar, draw: Random) -> Any:
    """The bar with a field of another type, or something that is no bar."""
    name = draw.choice(FIELDS)
    return draw.choice((
        replace(bar, **{name: str(getattr(bar, name))}), replace(bar, **{name: [1.0]}),
        replace(bar, **{name: True}), replace(bar, symbol=7), replace(bar, ts=float(bar.ts)),
        replace(bar, ts=str(bar.ts)), None, (bar.symbol, bar.close), {"symbol": bar.symbol}, 5.0,
    ))  # fmt: skip


def spiked(bar: Bar, draw: Random) -> Bar:
    """The bar a hundred times too high or too low, or only its high."""
    if draw.random() < 0.5:
        return scaled(bar, draw.choice((SPIKE, 1.0 / SPIKE)))
    return replace(bar, high=SPIKE * bar.high)


Added = Callable[[Bar, Random], Any]
ADDED: dict[str, tuple[str, Added]] = {
    "nan": (reasons.NOT_A_NUMBER, lambda b, draw: replace(b, **{draw.choice(PRICES): nan})),
    "inf": (reasons.NOT_A_NUMBER, lambda b, draw: replace(b, **{draw.choice(FIELDS): inf})),
    "zero": (reasons.NOT_POSITIVE, lambda b, draw: replace(b, low=0.0)),
    "negative": (
        reasons.NOT_POSITIVE,
        lambda b, draw: replace(b, **{draw.choice(FIELDS): -1.0}),
    ),
    "spike": (reasons.SPIKE, spiked),
    "swapped": (reasons.MALFORMED, lambda b, draw: replace(b, high=b.low, low=b.high)),
    "missing": (reasons.MALFORMED, without),
    "mistyped": (reasons.MALFORMED, mistyped),
    "unknown": (reasons.UNKNOWN_SYMBOL, lambda b, draw: replace(b, symbol=f"X{b.symbol}")),
    "future": (
        reasons.FUTURE,
        lambda b, draw: replace(b, ts=b.ts + draw.randint(1, 10**6) * MINUTE_NS),
    ),
    "off_grid": (
        reasons.OFF_SESSION,
        lambda b, draw: replace(b, ts=b.ts - draw.randint(1, 59) * SECOND_NS),
    ),
    "stale": (
        reasons.STALE,
        lambda b, draw: replace(scaled(b, 1.01), ts=b.ts - draw.randint(2, 10**6) * MINUTE_NS),
    ),
    "unstamped": (reasons.STALE, lambda b, draw: replace(b, ts=0)),
    "late": (reasons.LATE, lambda b, draw: scaled(b, 1.01)),
    "duplicate": (reasons.DUPLICATE, lambda b, draw: replace(b)),
}


def bar_storm(clean: Sequence[Bar], *, seed: int, per_bar: int) -> BarStorm:
    """Blow through clean bars, with so many faulty ones beside each."""
    draw = Random(seed)
    coming = []
    for bar in clean:
        at = bar.ts + int(draw.uniform(0.0, 4.0) * SECOND_NS)
        coming.append(Arrival(at, bar, "reordered", ""))
        for kind in draw.choices(list(ADDED), k=per_bar):
            reason, make = ADDED[kind]
            coming.append(Arrival(_when(kind, bar.ts, at, draw), make(bar, draw), kind, reason))
    return BarStorm(sorted(coming, key=lambda one: one.at))


def _when(kind: str, close: int, at: int, draw: Random) -> int:
    """Moment at which a fault comes; ``at`` is that of the clean bar."""
    if kind == "late":
        return close + int(draw.uniform(LATENESS_S + 0.5, 50.0) * SECOND_NS)
    first = at + 1 if kind == "duplicate" else close
    return draw.randint(first, close + 9 * SECOND_NS)
