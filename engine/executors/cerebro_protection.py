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

STOPPED, REACHED, BOTH = range(3)  # what a finer bar decides


class Pair(NamedTuple):
    """A stop and a target of which the bar touches at least one."""

    stop: Ticket | None
    target: Ticket | None

    @property
    def number(self) -> int:
        """The order that an ambiguous bar is about."""
        return (self.stop or self.target).number  # type: ignore[union-attr]


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
        seen, decided = on_path(broker, t, None, pair)
        if seen and decided != BOTH:
            return decided == REACHED
    broker.happen(stop.column, AMBIGUOUS, float(pair.number))
    return bool(broker.terms.execution.intrabar == BEST)


def _is_rival(stop: Ticket, other: Ticket, met: Touch) -> bool:
    grouped = other is stop.sibling or (stop.oco > 0 and other.oco == stop.oco)
    inside = met.phase == FAVOUR and met.maker
    return grouped and inside and other.works and other.column == stop.column


def children(broker: Any, t: int) -> None:
    """Look at the children of entries filled in this bar, in the order of their entries."""
    for number in sorted({child.parent for child in broker.alive if child.woken == t}):
        entry = broker.tickets[number]
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
    price = child.limit if target else child.stop
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
    if mode == BY_PATH:
        seen, decided = on_path(broker, t, entry, pair)
        if seen and decided != BOTH:
            return {STOPPED: stop, REACHED: target, None: None}[decided]
    broker.happen(entry.column, AMBIGUOUS, float(pair.number))
    return target if mode == BEST else stop


def on_path(broker: Any, t: int, entry: Ticket | None, pair: Pair) -> tuple[bool, int | None]:
    """(whether there are finer bars, what the first of them decides that touches one of the pair).

    With an ``entry``, finer bars before it happened decide nothing.
    """
    path, quotes = broker.market.path, broker.quotes
    k = (pair.stop or pair.target).column  # type: ignore[union-attr]
    if len(path.first) <= t + 1:
        return False, None
    seen, inside, triggered = False, entry is None or entry.fill_phase == OPENING, False
    through = quotes.through(t, k)
    for row in range(int(path.first[t]), int(path.first[t + 1])):
        if path.close[row, k] != path.close[row, k]:
            continue
        seen = True
        if not inside and entry is not None:
            bar = quotes.fine(row, t, k, entry.side)
            triggered = triggered or quotes.reached(entry.stop, entry.side, bar)
            if entry.fill_phase == FAVOUR:
                inside = quotes.passed(entry.limit, entry.side, bar, through)
            elif entry.came_back:
                inside = triggered and quotes.passed(entry.limit, entry.side, bar, 0.0)
            else:
                inside = triggered
        if not inside:
            continue
        stopped = reached = False
        if pair.stop is not None:
            bar = quotes.fine(row, t, k, pair.stop.side)
            stopped = quotes.reached(pair.stop.stop, pair.stop.side, bar)
        if pair.target is not None:
            bar = quotes.fine(row, t, k, pair.target.side)
            reached = quotes.passed(pair.target.limit, pair.target.side, bar, through)
        if stopped or reached:
            return True, BOTH if stopped and reached else STOPPED if stopped else REACHED
    return seen, None
