"""The reference simulator: one loop over bars, compiled with a strategy's rule inside.

What happens at a bar, and in which order, is docs/broker-rules.md. The loop itself is small and
made anew for each rule. What orders do when they meet a bar does not depend on the rule: it is
compiled once for all of them (``apart``) and called only on bars where something happens.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from tradewind.engine.byref import byref
from tradewind.engine.compiling import apart, inlined, lean
from tradewind.engine.executors import carry, entry, matching
from tradewind.engine.executors.ending import happened
from tradewind.engine.executors.fills import follow
from tradewind.engine.executors.quotes import close_of, rate_of, tradable
from tradewind.engine.executors.state import (
    ASLEEP,
    BAR,
    BREACHED,
    BY_BRACKET,
    CALL,
    CALLED_BACK,
    CASH,
    CODE,
    DRAWDOWN,
    EVENTS,
    FILLS,
    FINE,
    HELD,
    LAST,
    MARGIN_CALL,
    NO_ROOM,
    OPEN,
    ORDERS,
    OVER,
    PEAK,
    RETURNS,
    SQUARES,
    SUM,
    WAITING,
    WORKING,
    WORST_FALL,
    Log,
    Market,
    State,
    Terms,
    last_price,
    room_of_a_bar,
)
from tradewind.engine.intents import TRAILING_STOP
from tradewind.engine.protocols import Book, Rule
from tradewind.engine.records import Records

before_open = apart(carry.before_open)
leave = apart(carry.leave)
meet = apart(matching.meet)
heed = apart(entry.heed)
may_meet = matching.may_meet


@apart
def move_trails(market: Market, terms: Terms, state: State, log: Log, t: int) -> None:
    """Let trailing stops follow the close of bar ``t``."""
    for i in range(state.count[OPEN]):
        placed = log.orders[log.working[i]]
        if placed["order_type"] == TRAILING_STOP:
            k = placed["symbol"]
            if tradable(market, t, k):
                follow(placed, close_of(market, terms, t, k, 1.0 if placed["qty"] > 0.0 else -1.0))


@apart
def call_margin(market: Market, terms: Terms, state: State, log: Log, t: int, gross: float) -> None:
    """Call the account at the next open if its equity is too little for its positions."""
    worth = state.equity[0]
    if carry.below_margin(worth, gross, terms.account.maintenance):
        state.count[CALL] = 1
        happened(state, log, t, -1, MARGIN_CALL, worth / gross)


@inlined
def shorts(qty: Any, held: Any, n_held: int) -> Any:
    """Whether anything is held short."""
    found = False
    for i in range(n_held):
        found = found or qty[held[i]] < 0.0
    return found


@inlined
def carries(terms: Terms, state: State) -> Any:
    """Whether time costs or earns the account anything."""
    cash = state.money[CASH]
    if (cash < 0.0 and terms.costs.debit_daily > 0.0) or terms.costs.credit_daily > 0.0:
        return True
    return shorts(state.qty, state.held, state.count[HELD])


@inlined
def crowded(state: State, log: Log) -> Any:
    """Whether the records might not suffice for another bar."""
    n = len(state.qty)
    room = room_of_a_bar(n)
    count = state.count
    meeting = count[OPEN] + room
    return (
        count[ORDERS] + room > len(log.orders)
        or count[FILLS] + 4 * count[OPEN] + 4 * n + 4 > len(log.fills)
        or count[EVENTS] + 2 * count[OPEN] + 6 * n + room > len(log.events)
        or 3 * meeting > len(log.working)
    )


def rule(bar: int, inputs: Any, params: Any, book: Book, intents: Any) -> int:
    """Stand-in for a strategy's rule; :func:`with_rule` puts the real one in its place."""
    raise NotImplementedError


def with_rule(decision: Rule) -> FunctionType:
    """Return :func:`walk` with ``decision`` as its rule: the same code, another global.

    numba keeps the machine code of a function that calls a global function, but not of one that is
    handed a function; so the rule is bound before the loop is compiled.
    """
    return FunctionType(walk.__code__, {**globals(), "rule": decision}, walk.__name__)


@inlined
def never_meets(market: Any, terms: Any, state: Any, log: Any, t: int) -> Any:
    """Stand-in for ``may_meet`` where somebody else fills the orders."""
    return False


def with_rule_at_a_venue(decision: Rule) -> FunctionType:
    """Return :func:`walk` that marks and decides, and leaves fills and carry to a broker."""
    apart_from = {"rule": decision, "may_meet": never_meets}
    return FunctionType(walk.__code__, {**globals(), **apart_from}, "walk_at_a_venue")


@lean
def walk(
    given_market: Market,
    inputs: Any,
    params: Any,
    given_terms: Terms,
    given_state: State,
    given_log: Log,
    start: int,
    keep: bool,
) -> int:
    """Advance until the last bar, a fault, too deep a fall, or until the records may get full.

    ``keep`` says whether the equity of each bar is written down; the sums of returns always are.
    """
    market, terms = byref(given_market), byref(given_terms)
    state, log = byref(given_state), byref(given_log)
    closes, leaves, acts = given_market.close, given_market.leaves, given_market.actions.any
    acting, foreign = given_market.actions.by_bar != 0, given_market.foreign != 0
    qty, held, money, count = (
        given_state.qty, given_state.held, given_state.money, given_state.count,
    )  # fmt: skip
    equity, equity_curve, sums = given_state.equity, given_state.equity_curve, given_state.sums
    costs = given_terms.costs
    owing, earning = costs.debit_daily > 0.0, costs.credit_daily > 0.0
    maintenance = given_terms.account.maintenance
    book = Book(
        qty,
        equity,
        given_state.entry,
        given_log.orders,
        given_log.working,
        count[OPEN : OPEN + 1],
        given_state.memory,
    )
    intents = given_state.intents
    n_bars = len(closes)
    code = NO_ROOM if crowded(state, log) else FINE
    total, squares, drawdown = sums[SUM], sums[SQUARES], sums[DRAWDOWN]
    peak, last = money[PEAK], money[LAST]
    worst_fall = money[WORST_FALL]
    breached = False
    floor = peak * (1.0 - drawdown)
    # What every bar asks for, outside of arrays: the compiler cannot know that nobody changes them.
    cash, n_held, n_open = money[CASH], count[HELD], count[OPEN]
    due = carries(terms, state) or count[CALL] != 0 or count[WAITING] > 0
    t = max(count[BAR] + 1, 0)
    while t < n_bars and code == FINE:
        busy = False
        if due or (acting and acts[t]):
            before_open(market, terms, state, log, t)
            busy = True
        if n_open > 0 and may_meet(market, terms, state, log, t):
            meet(market, terms, state, log, t)
            busy = True
        if leaves[t]:
            leave(market, terms, state, log, t)
            busy = True
        if busy:
            cash, n_held, n_open = money[CASH], count[HELD], count[OPEN]
            due = count[CALL] != 0 or count[WAITING] > 0 or earning or (owing and cash < 0.0)
            due = due or shorts(qty, held, n_held)
        if n_open > 0:
            move_trails(market, terms, state, log, t)
        # From here on one loop, without a call in it, for as many bars as nothing happens on:
        # what it works with then stays in registers.
        asked = t >= start
        stop = t + 1  # the bar at which this stretch must end: something is due, or begins
        if asked and not due and n_open == 0:
            stop = n_bars
        margin = False
        one = held[0] if n_held == 1 and not foreign else -1
        units = qty[one] if one >= 0 else 0.0
        while True:
            worth, gross = cash, 0.0
            if one >= 0:
                value = units * last_price(closes, t, one)
                worth, gross = cash + value, abs(value)
            else:
                for i in range(n_held):
                    k = held[i]
                    value = qty[k] * last_price(closes, t, k)
                    if foreign:
                        value *= rate_of(market, t, k, True)
                    worth += value
                    gross += abs(value)
            equity[0] = worth
            if keep:
                equity_curve[t] = worth
            if asked:
                if worth != last and t > start:  # a division takes longer than an idle bar
                    step = worth / last - 1.0
                    total += step
                    squares += step * step
                if worth > peak:
                    peak = worth
                    floor = worth * (1.0 - drawdown)
                    money[PEAK] = worth
                elif worth < floor:
                    drawdown = 1.0 - worth / peak
                    floor = worth
                    if drawdown > worst_fall:
                        breached = True
                        break
            last = worth
            margin = gross > 0.0 and worth <= maintenance * gross
            n = rule(t, inputs, params, book, intents) if asked else 0
            if n != 0 or margin or t + 1 >= stop or leaves[t + 1] or (acting and acts[t + 1]):
                break
            t += 1
        if breached:
            code = BREACHED
            t += 1
            break
        if margin:
            call_margin(market, terms, state, log, t, gross)
            due = True
        if n < 0:  # a callback met an exception
            code = CALLED_BACK
        elif n > 0:
            code = heed(market, terms, state, log, n, t)
            n_open = count[OPEN]
            busy = True
        if busy and code == FINE and crowded(state, log):
            code = NO_ROOM
        t += 1
    done = t - 1
    count[BAR] = done
    sums[RETURNS] = max(done - start, 0)
    sums[SUM], sums[SQUARES], sums[DRAWDOWN] = total, squares, drawdown
    money[LAST] = last
    return code


def grown(records: Records, room: int) -> Records:
    """Return ``records`` at twice its length, at least ``room`` more."""
    larger = np.empty(2 * len(records) + room, records.dtype)
    larger[: len(records)] = records
    return larger


def simulate(
    loop: Callable[..., int],
    market: Market,
    inputs: Any,
    params: Any,
    terms: Terms,
    state: State,
    log: Log,
    start: int,
) -> Log:
    """Run one strategy over one market.

    Parameters
    ----------
    loop : function
        :func:`walk` with a rule in it, compiled.
    market : Market
    inputs, params : NamedTuple
        What the strategy prepared, and what a sweep varies.
    terms : Terms
    state, log : State, Log
        As new; ``state`` holds the curve, the sums, the last bar, code and column at the end.
    start : int
        First bar at whose close the rule is asked.

    Returns
    -------
    Log
        With orders, fills and events cut to their length.
    """
    room = 3 * room_of_a_bar(len(state.qty))
    code = NO_ROOM
    while code == NO_ROOM:
        code = loop(market, inputs, params, terms, state, log, start, True)
        if code == NO_ROOM:
            log = Log(*(grown(records, room) for records in log))
    count = state.count
    count[CODE] = code
    orders = log.orders[: count[ORDERS]]
    waits = orders["reason"] == WORKING
    orders["reason"][waits] = np.where(orders["triggered"][waits] == ASLEEP, BY_BRACKET, OVER)
    return log._replace(
        orders=orders, fills=log.fills[: count[FILLS]], events=log.events[: count[EVENTS]]
    )
