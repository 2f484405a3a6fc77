"""An order of the second executor: what was asked, what became of it, and what protects it."""

from dataclasses import dataclass, field
from math import nan
from typing import Any

from tradewind.engine.executors.state import ASLEEP, PLAIN, TRIGGERED, WORKING
from tradewind.engine.intents import GTC, MARKET
from tradewind.engine.sizing import MIN_QTY

OPENING, AGAINST, FAVOUR, CLOSING = range(4)  # the phases of a bar in which orders fill


@dataclass(slots=True, eq=False)
class Ticket:
    """One order beside backtrader's own object for it, which knows nothing of these rules."""

    number: int
    column: int
    bar: int  # at whose close it was decided
    asked: float  # signed units
    kind: int = MARKET
    limit: float = nan
    stop: float = nan
    trail: float = nan
    trail_fraction: float = nan
    tif: int = GTC
    until: int = 0
    oco: int = 0
    reduce_only: bool = False
    parent: int = -1
    reason: int = WORKING
    filled: float = 0.0  # signed units
    left: float = 0.0  # unsigned units it may still fill
    triggered: bool = False
    fee: float = 0.0
    raw_fee: float = 0.0
    value: float = 0.0
    awake: bool = True  # a child sleeps until its entry fills
    protects: bool = False  # a child, or protection of what is held already
    children: list["Ticket"] = field(default_factory=list)
    sibling: "Ticket | None" = None
    cut: bool = False  # participation left something over on this bar
    fill_bar: int = -1  # last bar with a fill
    fill_phase: int = OPENING
    fill_price: float = nan
    fill_quote: float = nan
    came_back: bool = False  # a stop-limit filled at its limit on the bar it was triggered
    woken: int = -1  # bar in which a child began to work
    sent: Any = None  # backtrader's order

    @property
    def side(self) -> float:
        """1 to buy, -1 to sell."""
        return 1.0 if self.asked > 0.0 else -1.0

    @property
    def works(self) -> bool:
        """Whether it has not ended; a sleeping child works, too."""
        return self.reason == WORKING

    @property
    def stage(self) -> int:
        """``ORDER.triggered``."""
        if not self.awake:
            return ASLEEP
        return TRIGGERED if self.triggered else PLAIN

    def distance(self, price: float) -> float:
        """Of the trail from the price it follows, price units."""
        return self.trail if self.trail == self.trail else self.trail_fraction * price

    def follow(self, close: float) -> None:
        """Move a trail with its side's close: a sell's up, a buy's down."""
        there = close + self.side * self.distance(close)
        if not self.side * there >= self.side * self.stop:
            self.stop = there

    def split(self, ratio: float) -> None:
        """Count in new units: ``ratio`` of them stand for one old unit."""
        self.asked *= ratio
        self.filled *= ratio
        self.left *= ratio
        for name in ("limit", "stop", "trail", "fill_price"):
            setattr(self, name, getattr(self, name) / ratio)

    def row(self) -> tuple[Any, ...]:
        """Fields of ``ORDER``."""
        return (
            self.number, self.column, self.bar, self.asked, self.kind, self.reason, self.filled,
            self.limit, self.stop, self.trail, self.trail_fraction, self.tif, self.until,
            self.parent, self.oco, int(self.reduce_only), self.stage,
            self.fee, self.raw_fee, self.value,
        )  # fmt: skip


def is_noise(units: float, beside: float) -> bool:
    """Whether unsigned units are what rounding left of a quantity of the size ``beside``."""
    return units < max(MIN_QTY, 1e-12 * abs(beside))
