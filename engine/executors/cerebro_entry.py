"""From wishes to tickets: what is sent, in which order, and what is refused when it is sent."""

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite, isnan, nan
from typing import Any

from tradewind.engine.errors import StrategyError
from tradewind.engine.executors.cerebro_orders import Ticket, is_noise
from tradewind.engine.executors.cerebro_prices import Prices
from tradewind.engine.executors.cerebro_sizing import Desk
from tradewind.engine.executors.state import (
    BAD_PRICE,
    BY_USER,
    CAPPED,
    DELISTED,
    NO_SIZE,
    REBALANCED,
    REPLACED,
    TOO_SMALL,
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
        for ticket in self.broker.alive:
            if ticket.number == wish.order and ticket.column == wish.symbol and ticket.awake:
                return ticket  # type: ignore[no-any-return]
        return None

    def _replace(self, wish: Intent) -> None:
        broker, old = self.broker, self._named(wish)
        if old is None:
            return
        units = old.side * old.left if isnan(wish.qty) else wish.qty
        new = replace(
            old, bar=self.t, asked=units, left=abs(units), filled=0.0, fee=0.0, raw_fee=0.0,
            value=0.0, fill_bar=-1, sent=None, children=[],
        )  # fmt: skip
        trails = old.kind == TRAILING_STOP
        new.limit = old.limit if isnan(wish.limit) else wish.limit
        new.stop = (nan if trails else old.stop) if isnan(wish.stop) else wish.stop
        if not (isnan(wish.trail) and isnan(wish.trail_fraction)):
            new.trail, new.trail_fraction = wish.trail, wish.trail_fraction
        same_side = units * old.side > 0.0
        good = new.limit > 0.0 if old.triggered else self.prices.good(new)
        if not (same_side and good):
            new.reason = BAD_PRICE
            broker.note(new)
            return
        self.prices.snap(new)
        self.prices.start_trail(new)
        sleeping = [child for child in old.children if child.works and not child.awake]
        old.children = [child for child in old.children if child not in sleeping]
        broker.end(old, REPLACED)
        broker.accept(new)
        self._adopt(new, sleeping)
        if new.sibling is not None:
            new.sibling.sibling = new
        if new.parent >= 0:
            family = broker.tickets[new.parent].children
            family[:] = [new if child is old else child for child in family]

    def _adopt(self, entry: Ticket, sleeping: list[Ticket]) -> None:
        """Write the sleeping children of a replaced entry again, behind its successor."""
        entry.children = [replace(child, asked=-entry.asked) for child in sleeping]
        for old, new in zip(sleeping, entry.children, strict=True):
            new.parent = entry.number
            self.broker.end(old, REPLACED)
            self.broker.accept(new)
        if len(entry.children) == 2:
            _pair(*entry.children)

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
        """Whether a target wishes to hold a symbol that no longer trades."""
        return wish.weight != 0.0 and 0 <= self.broker.market.ends[wish.symbol] <= self.t

    def _nothing(self, k: int, reason: int, units: float = 0.0) -> None:
        self.broker.note(Ticket(0, k, self.t, units, reason=reason))

    def _reduce(self, wish: Intent, aim: float) -> None:
        """The part of a target that lowers what is held."""
        now = self.broker.units(wish.symbol)
        if now == 0.0:
            return
        if now * aim <= 0.0:
            self._send(wish, -now, closes=True)
        elif abs(aim) < abs(now):
            self._send(wish, aim - now)

    def _raise(self, wish: Intent, aim: float) -> None:
        """The part of a target that adds, and the protection of what is held already."""
        now = self.broker.units(wish.symbol)
        if now * aim <= 0.0:
            self._send(wish, aim, protected=True)
            return
        size = aim - now if abs(aim) > abs(now) else 0.0
        pair = self._protection(wish, aim)
        if pair and not self.prices.protects(wish, aim):
            self.broker.note(Ticket(0, wish.symbol, self.t, size, reason=BAD_PRICE))
            return
        self._send(wish, size)
        for child in pair:
            self.prices.start_trail(child)
            child.parent = pair[0].number if child is not pair[0] else len(self.broker.tickets)
            self.broker.accept(child)

    def _order(self, wish: Intent) -> None:
        k = wish.symbol
        some = wish.weight if isnan(wish.qty) else wish.qty
        if some != 0.0 and 0 <= self.broker.market.ends[k] <= self.t:
            self._nothing(k, DELISTED)
            return
        units, reason = self.desk.order(wish)
        if reason:
            self._nothing(k, reason, 0.0 if isnan(units) else units)
            return
        held = self.broker.units(k)
        self._send(wish, units, protected=True, closes=held != 0.0 and held + units == 0.0)

    def _send(
        self, wish: Intent, units: float, *, protected: bool = False, closes: bool = False
    ) -> None:
        """Send one order, with children where it is to be protected, or refuse it."""
        broker, k, prices = self.broker, wish.symbol, self.prices
        if is_noise(abs(units), broker.units(k)):
            return
        ticket = Ticket(
            0, k, self.t, units, wish.order_type, limit=wish.limit, stop=wish.stop,
            trail=wish.trail, trail_fraction=wish.trail_fraction, tif=wish.tif, until=wish.until,
            oco=wish.oco, reduce_only=bool(wish.reduce_only), left=abs(units),
        )  # fmt: skip
        pair = self._protection(wish, units) if protected else []
        if not closes and prices.too_small(k, units):
            ticket.reason, pair = TOO_SMALL, []
        elif not prices.good(ticket) or (pair and not prices.protects(wish, units)):
            ticket.reason = BAD_PRICE
        if ticket.works:
            prices.snap(ticket)
            prices.start_trail(ticket)
        (broker.accept if ticket.works else broker.note)(ticket)
        ticket.children = pair
        for child in pair:
            child.parent, child.awake, child.reason = ticket.number, False, ticket.reason
            (broker.accept if ticket.works else broker.note)(child)

    def _protection(self, wish: Intent, units: float) -> list[Ticket]:
        """Stop and target that a wish brings for a position of signed ``units``."""
        pair = []
        trail, fraction = wish.stop_trail, wish.stop_trail_fraction
        if not (isnan(trail) and isnan(fraction)):
            pair.append(self._child(wish, -units, TRAILING_STOP))
            pair[0].trail, pair[0].trail_fraction = trail, fraction
        elif not isnan(wish.stop_loss):
            pair.append(self._child(wish, -units, STOP))
            pair[0].stop = wish.stop_loss
        if not isnan(wish.take_profit):
            pair.append(self._child(wish, -units, LIMIT))
            pair[-1].limit = wish.take_profit
        for child in pair:
            self.prices.snap(child)
        if len(pair) == 2:
            _pair(*pair)
        return pair

    def _child(self, wish: Intent, units: float, kind: int) -> Ticket:
        return Ticket(
            0, wish.symbol, self.t, units, kind, left=abs(units), reduce_only=True, protects=True
        )


def _pair(stop: Ticket, target: Ticket) -> None:
    stop.sibling, target.sibling = target, stop
