"""Units that a strength means, for the second executor."""

from collections.abc import Sequence
from math import isnan
from typing import Any

from tradewind.engine.executors.state import CAPPED, CUT, NO_SIZE
from tradewind.engine.intents import TARGET
from tradewind.engine.sizing import MIN_QTY, capped, inverse_vol, sized, throttled, whole_lots
from tradewind.engine.types import Intent


class Desk:
    """Sizes the wishes of one decision, in the order they are written."""

    def __init__(self, broker: Any) -> None:
        self.broker = broker
        self.peak = broker.terms.account.cash

    def open(self, t: int, equity: float, wishes: Sequence[Intent]) -> None:
        """Begin with the decision of bar ``t``."""
        self.t, self.equity = t, equity
        self.peak = max(self.peak, equity)
        named = {wish.symbol for wish in wishes if wish.action == TARGET and wish.weight != 0.0}
        sizing, broker = self.broker.terms.sizing, self.broker
        gone = {wish.symbol for wish in wishes if wish.action == TARGET} - named
        columns = named | (set(broker.held()) - gone)
        self.parity = sum(float(inverse_vol(sizing, t, k)) for k in sorted(columns))
        self.aims: dict[int, float] = {}

    def units(self, wish: Intent) -> tuple[float, int]:
        """(signed units, reason why there are none or 0)."""
        broker, k, t, sizing = self.broker, wish.symbol, self.t, self.broker.terms.sizing
        price = broker.till.mark(t, k, at_close=True)
        fx = broker.quotes.fx(t, k, at_close=True)
        away = abs(price - wish.stop_loss * fx)
        strength = wish.weight * throttled(sizing, self.equity, self.peak)
        qty = float(sized(sizing, t, k, strength, self.equity, price, away, self.parity))
        if isnan(qty):
            return qty, NO_SIZE
        held = broker.units(k)
        others = [
            abs(self.aims.get(j, broker.units(j))) * broker.till.mark(t, j, at_close=True)
            for j in {*self.aims, *broker.held()} - {k}
        ]
        left, cut = capped(
            sizing, k, qty, held, int(broker.adds[k]), price, self.equity, 0.0, sum(others)
        )
        if cut:
            broker.happen(k, CUT, float(cut))
        left = float(whole_lots(left, sizing.lot))
        left = 0.0 if abs(left) < MIN_QTY else left
        self.aims[k] = left
        return left, CAPPED if cut and left == 0.0 else 0
