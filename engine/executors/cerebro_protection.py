"""What protects an entry, and what a bar leaves open: section 5 of docs/broker-rules.md."""

from typing import Any, NamedTuple

from tradewind.engine.executors.cerebro_orders import (
    AGAINST,
    CLOSING,
    FAVOUR,
    OPENING,
    Ticket,
)
from tradewind.engine.executors.cerebro_quotes import Side, Touch
from tradewind.engine.executors.state import AMBIGUOUS, BEST, BY_PATH
from tradewind.engine.intents import TRAILING_STOP


class Pair(NamedTuple):
    """A stop and a target of which the bar touches at least one."""

    stop: Ticket | None
    target: Ticket | None


def yields(
    broker: Any, plan: list[tuple[Ticket, Touch]], stop: Ticket, touch: Touch, t: int
) -> bool:
    """Whether a stop inside the bar lets the target of its group go first.

    Counts the bar as ambiguous where nothing decides it.
    """
    del touch
    target = next((other for other, met in plan if _is_rival(stop, other, met)), None)
    if target is None:
        return False
    pair = Pair(stop, target)
    if broker.terms.execution.intrabar == BY_PATH:
        sure, first = on_path(broker, t, None, pair)
        if sure:
            return first is target
    broker.happen(stop.column, AMBIGUOUS, float(stop.number))
    return bool(broker.terms.execution.intrabar == BEST)


def _is_rival(stop: Ticket, other: Ticket, met: Touch) -> bool:
    grouped = other is stop.sibling or (stop.oco > 0 and other.oco == stop.oco)
    inside = met.phase == FAVOUR and met.maker
    return grouped and inside and other.works and other.column == stop.column


def children(broker: Any, t: int) -> None:
    """Look at the children of entries filled in this bar, in the order of their entries."""
    while broker.entered:
        entry = broker.entered.pop(0)
        for child in entry.children:
            if child.works and child.kind == TRAILING_STOP:
                away = child.distance(entry.fill_price)
                child.stop = entry.fill_price + child.side * away
                broker.changed(child)
        if entry.fill_phase != CLOSING:
            _protect(broker, entry, t)


def _protect(broker: Any, entry: Ticket, t: int) -> None:
    alive = [child for child in entry.children if child.works and child.woken == t]
    side, k, quotes = -entry.side, entry.column, broker.quotes
    bar, through = quotes.bar(t, k, side), quotes.through(t, k)
    if entry.fill_phase == OPENING:
        for child in alive:
            limited = _is_target(child)
            beyond = child.limit - bar.open if limited else bar.open - child.stop
            if side * beyond >= 0.0:
                broker.till.fill(child, quotes.at_open(t, k, side, slips=not limited))
                return
    stop = next((c for c in alive if not _is_target(c) and quotes.reached(c.stop, side, bar)), None)
    target = next(
        (c for c in alive if _is_target(c) and quotes.passed(c.limit, side, bar, through)), None
    )
    first = _first(broker, entry, Pair(stop, target), bar, t)
    if first is not None:
        broker.till.fill(first, _own_price(broker, first, t))


def _is_target(child: Ticket) -> bool:
    return child.limit == child.limit


def _own_price(broker: Any, child: Ticket, t: int) -> Touch:
    target = _is_target(child)
    # The whole of the side's bar may lie beyond that price: it was never traded at again.
    bar = broker.quotes.bar(t, child.column, child.side)
    price = min(max(child.limit if target else child.stop, bar.low), bar.high)
    mid = broker.quotes.at_own_price(t, child.column, child.side, price)
    return Touch(FAVOUR if target else AGAINST, price, mid, slips=not target, maker=target)


def _first(broker: Any, entry: Ticket, pair: Pair, bar: Side, t: int) -> Ticket | None:
    """Which of the children touched fills, None where none does."""
    stop, target = pair
    if stop is None and target is None:
        return None
    side = -entry.side
    stop_sure = target_sure = entry.fill_phase == OPENING
    if entry.fill_phase != OPENING:
        at_limit = entry.fill_phase == FAVOUR
        stop_sure = at_limit or (stop is not None and side * bar.close >= side * stop.stop)
        by_rise = entry.fill_phase == AGAINST and not entry.came_back
        target_sure = by_rise or (target is not None and side * bar.close <= side * target.limit)
    if stop is None and target_sure:
        return target
    if target is None and stop_sure:
        return stop
    mode = broker.terms.execution.intrabar
    if mode == BY_PATH and not entry.came_back:
        sure, first = on_path(broker, t, entry, pair)
        if sure:
            return first
    broker.happen(entry.column, AMBIGUOUS, float(entry.number))
    return target if mode == BEST else stop


def on_path(broker: Any, t: int, entry: Ticket | None, pair: Pair) -> tuple[bool, Ticket | None]:
    """(whether the finer bars tell, which of the pair they touch first or None).

    With an ``entry`` filled inside the bar, finer bars before it decide nothing, and the one it
    happened in only what it forces.
    """
    path, quotes = broker.market.path, broker.quotes
    k = (pair.stop or pair.target).column  # type: ignore[union-attr]
    if len(path.first) <= t + 1:
        return False, None
    waits, seen = entry is not None and entry.fill_phase != OPENING, False
    for row in range(int(path.first[t]), int(path.first[t + 1])):
        if path.close[row, k] != path.close[row, k]:
            continue
        fresh, seen = False, True
        if waits and entry is not None:
            fresh = _entered(quotes.fine(row, t, k, entry.side), entry)
            if not fresh:
                continue
            waits = False
        touched = _touched(broker, pair, row, t, k)
        if all(touched):
            return False, None
        if any(touched):
            sure = not fresh or _forced(broker, entry, pair, stopped=touched[0], row=row, t=t)
            return sure, pair.stop if touched[0] else pair.target
    return seen and not waits, None


def _entered(bar: Side, entry: Ticket) -> bool:
    """Whether a finer bar comes to the price at which an order was met inside its bar."""
    below = (entry.fill_phase == FAVOUR) == (entry.side > 0.0)
    return bar.low <= entry.fill_quote if below else bar.high >= entry.fill_quote


def _touched(broker: Any, pair: Pair, row: int, t: int, k: int) -> tuple[bool, bool]:
    """(whether a finer bar touches the stop, whether the target)."""
    quotes, (stop, target) = broker.quotes, pair
    stopped = reached = False
    if stop is not None:
        stopped = quotes.reached(stop.stop, stop.side, quotes.fine(row, t, k, stop.side))
    if target is not None:
        bar = quotes.fine(row, t, k, target.side)
        reached = quotes.passed(target.limit, target.side, bar, quotes.through(t, k))
    return stopped, reached


def _forced(
    broker: Any, entry: Ticket | None, pair: Pair, *, stopped: bool, row: int, t: int
) -> bool:
    """Whether the finer bar of the entry itself forces what it touches, as a bar does."""
    child = pair.stop if stopped else pair.target
    if entry is None or child is None:
        return True
    side, close = child.side, broker.quotes.fine(row, t, child.column, child.side).close
    if stopped:
        return entry.fill_phase == FAVOUR or bool(side * close >= side * child.stop)
    return entry.fill_phase == AGAINST or bool(side * close <= side * child.limit)
