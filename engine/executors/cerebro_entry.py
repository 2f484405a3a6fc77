"""From wishes to tickets: what is sent, in which order, and what is refused when it is sent."""

from collections.abc import Sequence
from dataclasses import replace
from math import floor, isfinite, isnan, nan
from typing import Any

from tradewind.engine.costs import ON_TICK
from tradewind.engine.errors import StrategyError
from tradewind.engine.executors.cerebro_orders import Ticket, is_noise
from tradewind.engine.executors.cerebro_sizing import Desk
from tradewind.engine.executors.state import (
    BAD_PRICE,
    BY_USER,
    DELISTED,
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
    STOP_LIMIT,
    TARGET,
    TRAILING_STOP,
    room_for_intents,
)
from tradewind.engine.sizing import whole_lots
from tradewind.engine.types import Action, Intent, OrderType, TimeInForce

WITH_LIMIT = (LIMIT, STOP_LIMIT)
WITH_STOP = (STOP, STOP_LIMIT)


class Entry:
    """Sends what a strategy wishes at the close of a bar."""

    def __init__(self, broker: Any, name: str) -> None:
        self.broker, self.name = broker, name
        self.desk = Desk(broker)

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
        self.desk.open(t, equity, wishes)
        aims = [self._aim(wish) for wish in wishes]
        for wish, aim in zip(wishes, aims, strict=True):
            if wish.action == TARGET:
                self._reduce(wish, aim)
        for wish, aim in zip(wishes, aims, strict=True):
            if wish.action == TARGET:
                self._raise(wish, aim)
            elif wish.action == ORDER:
                self._order(wish, aim)

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
        k, lot = old.column, broker.terms.sizing.lot
        units = old.side * old.left if isnan(wish.qty) else whole_lots(wish.qty, lot)
        new = replace(
            old, number=0, bar=self.t, asked=units, left=abs(units), filled=0.0,
            fee=0.0, raw_fee=0.0, value=0.0, cut=False, fill_bar=-1, sent=None,
            limit=self._on_tick(k, units, wish.limit, up=False) if wish.limit == wish.limit
            else old.limit,
            stop=self._on_tick(k, units, wish.stop, up=True) if wish.stop == wish.stop
            else old.stop,
        )  # fmt: skip
        if wish.trail == wish.trail or wish.trail_fraction == wish.trail_fraction:
            new.trail, new.trail_fraction = wish.trail, wish.trail_fraction
        if is_noise(abs(units), broker.units(k)):
            return
        reason = self._refusal(new)
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

    def _aim(self, wish: Intent) -> float:
        """Signed units wished for; NaN where nothing can be done about it."""
        broker, k = self.broker, wish.symbol
        if wish.action not in (TARGET, ORDER):
            return nan
        by_units = wish.action == ORDER and not isnan(wish.qty)
        if (wish.qty if by_units else wish.weight) == 0.0:
            return 0.0
        if 0 <= broker.market.ends[k] <= self.t:
            return self._nothing(k, DELISTED)
        if by_units:
            return float(whole_lots(wish.qty, broker.terms.sizing.lot))
        aim, reason = self.desk.units(wish)
        return self._nothing(k, reason) if reason else aim

    def _nothing(self, k: int, reason: int) -> float:
        self.broker.note(Ticket(0, k, self.t, 0.0, reason=reason))
        return nan

    def _reduce(self, wish: Intent, aim: float) -> None:
        """The part of a target that lowers what is held."""
        now = self.broker.units(wish.symbol)
        if isnan(aim) or now == 0.0:
            return
        if now * aim <= 0.0:
            self._send(wish, -now)
        elif abs(aim) < abs(now):
            self._send(wish, aim - now)

    def _raise(self, wish: Intent, aim: float) -> None:
        """The part of a target that adds, and the protection of what is held already."""
        now = self.broker.units(wish.symbol)
        if isnan(aim) or aim == 0.0:
            return
        if now * aim <= 0.0:
            self._send(wish, aim, protected=True)
            return
        if abs(aim) > abs(now):
            self._send(wish, aim - now)
        pair = self._protection(wish, aim)
        for child in pair:
            reason = BAD_PRICE if self._wrong_side(child, self._close(wish.symbol, aim)) else 0
            if reason:
                child.reason = reason
                self.broker.note(child)
            else:
                self._start_trail(child)
                self.broker.accept(child)

    def _order(self, wish: Intent, units: float) -> None:
        if not isnan(units):
            self._send(wish, units, protected=True)

    def _send(self, wish: Intent, units: float, *, protected: bool = False) -> None:
        """Send one order, with children where it is to be protected, or refuse it."""
        broker, k = self.broker, wish.symbol
        if is_noise(abs(units), broker.units(k)):
            return
        ticket = Ticket(
            0, k, self.t, units, wish.order_type, tif=wish.tif, until=wish.until, oco=wish.oco,
            reduce_only=bool(wish.reduce_only), left=abs(units),
        )  # fmt: skip
        if wish.order_type in WITH_LIMIT:
            ticket.limit = self._on_tick(k, units, wish.limit, up=False)
        if wish.order_type in WITH_STOP:
            ticket.stop = self._on_tick(k, units, wish.stop, up=True)
        if wish.order_type == TRAILING_STOP:
            ticket.trail, ticket.trail_fraction = wish.trail, wish.trail_fraction
            self._start_trail(ticket)
        pair = self._protection(wish, units) if protected else []
        reason = self._refusal(ticket)
        if not reason:
            entry = next((p for p in (ticket.stop, ticket.limit) if not isnan(p)), None)
            if entry is None:
                entry = self._close(k, units)
            reason = BAD_PRICE if any(self._wrong_side(c, entry) for c in pair) else 0
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
            stop = self._on_tick(k, -units, wish.stop_loss, up=True)
            pair.append(replace(plain, kind=STOP, stop=stop, children=[]))
        if wish.take_profit == wish.take_profit:
            limit = self._on_tick(k, -units, wish.take_profit, up=False)
            pair.append(replace(plain, kind=LIMIT, limit=limit, children=[]))
        if len(pair) == 2:
            pair[0].sibling, pair[1].sibling = pair[1], pair[0]
        return pair

    # -- prices --------------------------------------------------------------------------------

    def _close(self, k: int, side: float) -> float:
        """Last close of the ask for ``side`` > 0, else of the bid."""
        quotes = self.broker.quotes
        return float(quotes.bar(quotes.last_bar(self.t, k), k, side).close)

    def _on_tick(self, k: int, side: float, price: float, *, up: bool) -> float:
        """Round an order's price: ``up`` for a buy stop, down for a buy limit; sells mirror."""
        tick = self.broker.quotes.tick(self.t, k)
        if tick <= 0.0 or not isfinite(price):
            return price
        if up == (side > 0.0):
            return float(-floor(-price / tick + ON_TICK) * tick)
        return float(floor(price / tick + ON_TICK) * tick)

    def _start_trail(self, ticket: Ticket) -> None:
        """Let a trail start from its side's close."""
        if ticket.kind == TRAILING_STOP:
            close = self._close(ticket.column, ticket.side)
            there = close + ticket.side * ticket.distance(close)
            ticket.stop = self._on_tick(ticket.column, ticket.side, there, up=True)

    def _refusal(self, ticket: Ticket) -> int:
        """Reason why an order is refused when it is sent, 0 where it is not."""
        if not self._priced(ticket):
            return BAD_PRICE
        k, units = ticket.column, ticket.asked
        held = self.broker.units(k)
        closes = held != 0.0 and is_noise(abs(held + units), held)
        quotes = self.broker.quotes
        close = float(self.broker.market.close[quotes.last_bar(self.t, k), k])
        value = abs(units) * close * quotes.fx(self.t, k, at_close=True)
        return TOO_SMALL if value < self.broker.terms.sizing.min_notional and not closes else 0

    def _priced(self, ticket: Ticket) -> bool:
        """Whether an order has the prices its type needs, and they make sense."""
        side, close = ticket.side, self._close(ticket.column, ticket.side)
        if ticket.kind in WITH_LIMIT and not _is_price(ticket.limit):
            return False
        if ticket.kind in WITH_STOP and not ticket.triggered:
            return _is_price(ticket.stop) and not side * ticket.stop <= side * close
        return ticket.kind != TRAILING_STOP or _is_distance(ticket)

    def _wrong_side(self, child: Ticket, entry: float) -> bool:
        """Whether protection does not lie where it protects, seen from the entry's price."""
        if child.kind == TRAILING_STOP:
            return not _is_distance(child)
        price = child.limit if child.kind == LIMIT else child.stop
        beyond = child.side * (price - entry)  # a stop of a long lies below: a sale, price < entry
        return not _is_price(price) or not (beyond < 0.0 if child.kind == LIMIT else beyond > 0.0)


def _is_price(price: float) -> bool:
    return isfinite(price) and price > 0.0


def _is_distance(ticket: Ticket) -> bool:
    if ticket.trail == ticket.trail:
        return _is_price(ticket.trail)
    return _is_price(ticket.trail_fraction) and ticket.trail_fraction < 1.0
