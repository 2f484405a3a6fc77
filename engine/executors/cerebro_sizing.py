"""Units that the wishes of one decision mean, for the second executor: docs/sizing.md."""

from collections.abc import Sequence
from math import copysign, isnan, nan
from typing import Any

from tradewind.engine.executors.state import CAPPED, CUT, NO_SIZE
from tradewind.engine.intents import TARGET
from tradewind.engine.series import at
from tradewind.engine.sizing import (
    BY_DRAWDOWN,
    MIN_QTY,
    capped,
    inverse_vol,
    sized,
    staying,
    throttled,
    whole_lots,
)
from tradewind.engine.types import Intent


class Desk:
    """Sizes targets first, all of them; then orders, on top of what came before them."""

    def __init__(self, broker: Any) -> None:
        self.broker, self.sizing = broker, broker.terms.sizing
        self.peak = broker.terms.account.cash

    def targets(self, t: int, equity: float, wishes: Sequence[Intent]) -> dict[int, float]:
        """Units wished for by column; NaN where there is no number.

        Parameters
        ----------
        t : int
            Bar of the decision.
        equity : float
            At its close, account currency.
        wishes : sequence of Intent
            All of the decision; targets of columns that no longer trade left out.
        """
        self.t, self.equity, self.cut = t, equity, set[int]()
        self.parity = self._parity(wishes)
        aimed = [wish for wish in wishes if wish.action == TARGET]
        aims = {wish.symbol: self._sized(wish) for wish in aimed}
        self.position = {k: self.broker.units(k) for k in self.broker.held()}
        for k, aim in aims.items():
            if not isnan(aim):
                self.position[k] = float(staying(aim, self.broker.units(k)))
        for k, aim in aims.items():
            if not isnan(aim):
                aims[k] = self.position[k] = self._lots(
                    k, self._capped(k, aim, self.broker.units(k))
                )
        return aims

    def order(self, wish: Intent) -> tuple[float, int]:
        """(signed units to send, reason why there are none or 0)."""
        k, by_strength = wish.symbol, isnan(wish.qty)
        units = self._sized(wish) if by_strength else wish.qty
        if isnan(units):
            return nan, NO_SIZE
        base = self.position.get(k, 0.0)
        cut = by_strength and units == 0.0 and wish.weight != 0.0 and self._factor(wish) == 0.0
        if not wish.reduce_only and (base * units >= 0.0 or abs(units) > abs(base)):
            aim = base + units
            left = self._capped(k, aim, base)
            if left != aim:
                cut, units = True, left - base if (left - base) * units > 0.0 else 0.0
        units = self._lots(k, units)
        self.position[k] = base + units
        return units, CAPPED if cut and units == 0.0 else 0

    def _parity(self, wishes: Sequence[Intent]) -> float:
        named = {wish.symbol for wish in wishes if wish.action == TARGET}
        ends = self.broker.market.ends
        columns = {
            wish.symbol
            for wish in wishes
            if wish.weight != 0.0 and not 0 <= ends[wish.symbol] <= self.t
        }
        columns |= set(self.broker.held()) - named
        return sum(float(inverse_vol(self.sizing, self.t, k)) for k in sorted(columns))

    def _factor(self, wish: Intent) -> float:
        """What the drawdown leaves of a strength."""
        if wish.action != TARGET and wish.weight * self.broker.units(wish.symbol) < 0.0:
            return 1.0
        return throttled(self.sizing, self.equity, self.peak)

    def _sized(self, wish: Intent) -> float:
        broker, k, t = self.broker, wish.symbol, self.t
        factor = self._factor(wish)
        if factor < 1.0 and wish.weight != 0.0:
            self._cut(k, BY_DRAWDOWN)
        price = broker.till.mark(t, k, at_close=True)
        away = self._distance(wish)
        return float(
            sized(self.sizing, t, k, wish.weight * factor, self.equity, price, away, self.parity)
        )

    def _distance(self, wish: Intent) -> float:
        """To the protective stop of a wish, account currency per unit; NaN without one."""
        broker, k, t = self.broker, wish.symbol, self.t
        fx = broker.quotes.fx(t, k, at_close=True)
        own = [price for price in (wish.stop, wish.limit) if not isnan(price)]
        entry = own[0] if own else self._side_close(k, wish.weight)
        if not isnan(wish.stop_trail):
            return wish.stop_trail * fx  # type: ignore[no-any-return]
        if not isnan(wish.stop_trail_fraction):
            return wish.stop_trail_fraction * entry * fx  # type: ignore[no-any-return]
        return abs(entry - wish.stop_loss) * fx  # type: ignore[no-any-return]

    def _side_close(self, k: int, side: float) -> float:
        """Last close of the ask for ``side`` > 0, else of the bid."""
        quotes = self.broker.quotes
        last = quotes.last_bar(self.broker.row, k)
        return float(quotes.bar(last, k, copysign(1.0, side)).close)

    def _capped(self, k: int, aim: float, held: float) -> float:
        """What the caps leave of a position wished for in all."""
        broker, sizing = self.broker, self.sizing
        price = broker.till.mark(self.t, k, at_close=True)
        if aim == 0.0 or not price > 0.0:
            return aim
        total = grouped = 0.0
        for j, units in self.position.items():
            if j != k and units != 0.0:
                value = abs(units) * broker.till.mark(self.t, j, at_close=True)
                total += value
                grouped += value if sizing.group[j] == sizing.group[k] else 0.0
        adds = int(broker.adds[k]) if broker.units(k) * held > 0.0 else 0  # of what is open
        left, cut = capped(sizing, k, aim, held, adds, price, self.equity, grouped, total)
        if cut:
            self._cut(k, cut)
        return left

    def _cut(self, k: int, cap: int) -> None:
        self.cut.add(k)
        self.broker.happen(k, CUT, float(cap))

    def lot(self, k: int) -> float:
        """Units per lot of column ``k``; 0 = fractional."""
        return float(at(self.sizing.lot, self.broker.row, k))

    def _lots(self, k: int, units: float) -> float:
        whole = float(whole_lots(units, self.lot(k)))
        return 0.0 if abs(whole) < MIN_QTY else whole
