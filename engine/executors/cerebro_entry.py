"""From wishes to tickets: what is sent, in which order, and what is refused when it is sent."""

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite, isnan
from typing import Any

from tradewind.engine.errors import StrategyError
from tradewind.engine.executors.cerebro_orders import Ticket, is_noise
from tradewind.engine.executors.cerebro_prices import WITH_LIMIT, WITH_STOP, Prices
from tradewind.engine.executors.cerebro_sizing import Desk
from tradewind.engine.executors.state import (
    BAD_PRICE,
    BY_USER,
    CAPPED,
    DELISTED,
    NO_SIZE,
    REBALANCED,
    REPLACED,
)
from tradewind.engine.intents import (
    CANCEL,
    LIMIT,
    ORDER,
    REPLACE,
    STOP,
    TARGET,
    TRAILING_STOP,
    room_for_intents,
)
from tradewind.engine.sizing import whole_lots
from tradewind.engine.types import Action, Intent, OrderType, TimeInForce


class Entry:
    """Sends what a strategy wishes at the close of a bar."""

    def __init__(self, broker: Any, name: str) -> None:
        self.broker, self.name = broker, name
        self.desk, self.prices = Desk(broker), Prices(broker)

    def heed(self, t: int, equity: float, wishes: Sequence[Intent]) -> None:
        """Turn the wishes of bar ``t`` into orders that work from the next bar on."""
        self.t = t
        self._check(wishes)
        for wish in wishes:
            if wish.action == CANCEL:
                self._cancel(wish)
            elif wish.action == REPLACE:
                self._replace(wish)
            elif wish.action == TARGET:
                self.broker.end_all(wish.symbol, REBALANCED)
        aims = self._aims(equity, wishes)
        for wish in wishes:
            if wish.action == TARGET and wish.symbol in aims:
                self._reduce(wish, aims[wish.symbol])
        for wish in wishes:
            if wish.action == TARGET and wish.symbol in aims:
                self._raise(wish, aims[wish.symbol])
            elif wish.action == ORDER:
                self._order(wish)

    # -- faults of the strategy ----------------------------------------------------------------

    def _check(self, wishes: Sequence[Intent]) -> None:
        room = room_for_intents(self.broker.n_symbols)
        if len(wishes) > room:
            self._fault(f"wrote {len(wishes)} wishes; write at most {room} at one bar")
        targets = [wish.symbol for wish in wishes if wish.action == TARGET]
        for wish in wishes:
            k, last = wish.symbol, self.broker.n_symbols - 1
            if not 0 <= k <= last:
                self._fault(f"named column {k}; the market has columns 0 to {last}")
            for what, given, known in (
                ("action", wish.action, Action),
                ("order type", wish.order_type, OrderType),
                ("time in force", wish.tif, TimeInForce),
            ):
                if given not in tuple(known):
                    self._fault(f"gave column {k} the {what} {given}; wanted 0 to {len(known) - 1}")
            if not isfinite(wish.weight) or not (isnan(wish.qty) or isfinite(wish.qty)):
                self._fault(
                    f"asked for a weight of {wish.weight} and {wish.qty} units of column {k}; "
                    "name a symbol only when there is a finite number to trade on"
                )
            if wish.action == TARGET and targets.count(k) > 1:
                self._fault(f"gave column {k} two targets; write one for each symbol")

    def _fault(self, what: str) -> None:
        raise StrategyError(f"{self.name}: at bar {self.t} the strategy {what}")

    # -- cancel and replace --------------------------------------------------------------------

    def _cancel(self, wish: Intent) -> None:
        if wish.order < 0:
            self.broker.end_all(wish.symbol, BY_USER)
            return
        ticket = self._named(wish)
        if ticket is not None:
            self.broker.end(ticket, BY_USER)

    def _named(self, wish: Intent) -> Ticket | None:
        return next((o for o in self.broker.alive if o.number == wish.order), None)

    def _replace(self, wish: Intent) -> None:
        broker, old = self.broker, self._named(wish)
        if old is None:
            return
        k, lot = old.column, self.desk.lot(old.column)
        units = old.side * old.left if isnan(wish.qty) else whole_lots(wish.qty, lot)
        new = replace(
            old, number=0, bar=self.t, asked=units, left=abs(units), filled=0.0,
            fee=0.0, raw_fee=0.0, value=0.0, cut=False, fill_bar=-1, sent=None,
            limit=self.prices.on_tick(k, units, wish.limit, up=False) if wish.limit == wish.limit
            else old.limit,
            stop=self.prices.on_tick(k, units, wish.stop, up=True) if wish.stop == wish.stop
            else old.stop,
        )  # fmt: skip
        if wish.trail == wish.trail or wish.trail_fraction == wish.trail_fraction:
            new.trail, new.trail_fraction = wish.trail, wish.trail_fraction
        if is_noise(abs(units), broker.units(k)):
            return
        reason = self.prices.refusal(new)
        if reason:
            new.reason, new.children = reason, []
            broker.note(new)
            return
        old.children = []
        broker.end(old, REPLACED)
        broker.accept(new)
        for child in new.children:
            child.parent = new.number
            broker.changed(child)
        if new.sibling is not None:
            new.sibling.sibling = new
        if new.parent >= 0:
            family = broker.tickets[new.parent].children
            family[:] = [new if child is old else child for child in family]

    # -- targets and orders --------------------------------------------------------------------

    def _aims(self, equity: float, wishes: Sequence[Intent]) -> dict[int, float]:
        """Signed units that targets mean, by column; those that mean nothing are refused."""
        gone = [wish for wish in wishes if wish.action == TARGET and self._is_gone(wish)]
        aims = self.desk.targets(self.t, equity, [wish for wish in wishes if wish not in gone])
        for wish in wishes:
            k = wish.symbol
            if wish.action != TARGET:
                continue
            if wish in gone:
                self._nothing(k, DELISTED)
            elif isnan(aims[k]):
                del aims[k]
                self._nothing(k, NO_SIZE)
            elif aims[k] == 0.0 and self.broker.units(k) == 0.0 and k in self.desk.cut:
                self._nothing(k, CAPPED)
        return aims

    def _is_gone(self, wish: Intent) -> bool:
        """Whether something is wished of a symbol that no longer trades."""
        some = wish.weight if wish.action == TARGET or isnan(wish.qty) else wish.qty
        return some != 0.0 and 0 <= self.broker.market.ends[wish.symbol] <= self.t

    def _nothing(self, k: int, reason: int) -> None:
        self.broker.note(Ticket(0, k, self.t, 0.0, reason=reason))

    def _reduce(self, wish: Intent, aim: float) -> None:
        """The part of a target that lowers what is held."""
        now = self.broker.units(wish.symbol)
        if now == 0.0:
            return
        if now * aim <= 0.0:
            self._send(wish, -now)
        elif abs(aim) < abs(now):
            self._send(wish, aim - now)

    def _raise(self, wish: Intent, aim: float) -> None:
        """The part of a target that adds, and the protection of what is held already."""
        now = self.broker.units(wish.symbol)
        if aim == 0.0:
            return
        if now * aim <= 0.0:
            self._send(wish, aim, protected=True, adds=True)
            return
        if abs(aim) > abs(now):
            self._send(wish, aim - now, adds=True)
        pair = self._protection(wish, aim)
        close = self.prices.close(wish.symbol, aim)
        for child in pair:
            reason = BAD_PRICE if self.prices.wrong_side(child, close) else 0
            if reason:
                child.reason = reason
                self.broker.note(child)
            else:
                self.prices.start_trail(child)
                self.broker.accept(child)

    def _order(self, wish: Intent) -> None:
        if self._is_gone(wish):
            self._nothing(wish.symbol, DELISTED)
            return
        units, reason = self.desk.order(wish)
        if reason:
            self._nothing(wish.symbol, reason)
        else:
            self._send(wish, units, protected=True)

    def _send(
        self, wish: Intent, units: float, *, protected: bool = False, adds: bool = False
    ) -> None:
        """Send one order, with children where it is to be protected, or refuse it."""
        broker, k = self.broker, wish.symbol
        if is_noise(abs(units), broker.units(k)):
            return
        ticket = Ticket(
            0, k, self.t, units, wish.order_type, tif=wish.tif, until=wish.until, oco=wish.oco,
            reduce_only=bool(wish.reduce_only), left=abs(units),
        )  # fmt: skip
        if wish.order_type in WITH_LIMIT:
            ticket.limit = self.prices.on_tick(k, units, wish.limit, up=False)
        if wish.order_type in WITH_STOP:
            ticket.stop = self.prices.on_tick(k, units, wish.stop, up=True)
        if wish.order_type == TRAILING_STOP:
            ticket.trail, ticket.trail_fraction = wish.trail, wish.trail_fraction
            self.prices.start_trail(ticket)
        pair = self._protection(wish, units) if protected else []
        reason = self.prices.refusal(ticket, adds=adds)
        if not reason:
            entry = next((p for p in (ticket.stop, ticket.limit) if not isnan(p)), None)
            if entry is None:
                entry = self.prices.close(k, units)
            reason = BAD_PRICE if any(self.prices.wrong_side(c, entry) for c in pair) else 0
        if reason:
            ticket.reason = reason
            broker.note(ticket)
            return
        broker.accept(ticket)
        ticket.children = pair
        for child in pair:
            child.parent, child.awake = ticket.number, False
            broker.accept(child)

    def _protection(self, wish: Intent, units: float) -> list[Ticket]:
        """Stop and target that a wish brings for a position of signed ``units``."""
        k, pair = wish.symbol, []
        plain = Ticket(0, k, self.t, -units, left=abs(units), reduce_only=True, protects=True)
        trail, fraction = wish.stop_trail, wish.stop_trail_fraction
        if not (isnan(trail) and isnan(fraction)):
            trailing = replace(plain, kind=TRAILING_STOP, trail=trail, trail_fraction=fraction)
            pair.append(replace(trailing, children=[]))
        elif wish.stop_loss == wish.stop_loss:
            stop = self.prices.on_tick(k, -units, wish.stop_loss, up=True)
            pair.append(replace(plain, kind=STOP, stop=stop, children=[]))
        if wish.take_profit == wish.take_profit:
            limit = self.prices.on_tick(k, -units, wish.take_profit, up=False)
            pair.append(replace(plain, kind=LIMIT, limit=limit, children=[]))
        if len(pair) == 2:
            pair[0].sibling, pair[1].sibling = pair[1], pair[0]
        return pair
