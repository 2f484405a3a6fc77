"""The simulator of ``rules: backtrader``: stock backtrader's broker as one compiled loop.

Bit for bit what plain, unmodified backtrader 1.9.78.123 makes of the same bars and calls: cash,
value, positions, average prices, states, fills and fees. docs/backtrader-rules.md says the rules
for users, tests/parity/test_backtrader_rules.py holds them against the installed package. As in
:mod:`tradewind.engine.executors.kernel` the loop is small and made anew for each rule; what orders
do is compiled once for all of them.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

from tradewind.engine.byref import byref
from tradewind.engine.compiling import apart, inlined, lean
from tradewind.engine.executors import backtrader_step, backtrader_wishes
from tradewind.engine.executors.backtrader_money import position_value
from tradewind.engine.executors.backtrader_state import (
    BAR,
    CALLED_BACK,
    CASH,
    CREDIT,
    FINE,
    LAST,
    LISTED,
    NO_ROOM,
    SENT,
    STEP,
    Log,
    Market,
    State,
    Terms,
    grown,
    list_all,
    room_needed,
)
from tradewind.engine.protocols import Book, Rule

step = apart(backtrader_step.step)
heed = apart(backtrader_wishes.heed)


def rule(bar: int, inputs: Any, params: Any, book: Book, intents: Any) -> int:
    """Stand-in for a strategy's rule; :func:`with_rule` puts the real one in its place."""
    raise NotImplementedError


def with_rule(decision: Rule) -> FunctionType:
    """Return :func:`walk` with ``decision`` as its rule: the same code, another global."""
    return FunctionType(walk.__code__, {**globals(), "rule": decision}, walk.__name__)


@inlined
def crowded(state: State, log: Log) -> bool:
    """Whether the records might not suffice for another bar."""
    orders, fills, events, queue, numbers = room_needed(state)
    return bool(
        orders > len(log.orders)
        or fills > len(log.fills)
        or events > len(log.events)
        or queue > len(log.working)
        or numbers > len(log.groups)
    )


@lean
def walk(
    given_market: Market,
    inputs: Any,
    params: Any,
    given_terms: Terms,
    given_state: State,
    given_log: Log,
    start: int,
) -> int:
    """Advance until the last bar, a fault of the rule, or until the records may run out of room."""
    market, terms = byref(given_market), byref(given_terms)
    state, log = byref(given_state), byref(given_log)
    closes = given_market.close
    row, before, count, money = (
        given_state.row, given_state.before, given_state.count, given_state.money,
    )  # fmt: skip
    size, average, listed = given_state.size, given_state.price, given_state.listed
    n_working, equity, curves = given_state.n_working, given_state.equity, given_state.curves
    schemes, shortcash = given_terms.schemes, given_terms.rules.shortcash
    ahead = given_terms.rules.coo != 0
    columns_first = given_terms.rules.columns_first != 0
    accrues = given_terms.rules.interest != 0 or given_terms.rules.futures != 0
    book = Book(
        size,
        equity,
        average,
        given_log.orders,
        given_log.working,
        n_working,
        given_state.memory,
    )
    intents = given_state.intents
    n_bars, n_symbols = closes.shape
    code = NO_ROOM if crowded(state, log) else FINE
    done = n_bars - 1 if code == FINE else count[BAR]
    # "max" tells the compiler that no row is negative: it then drops Python's wrap-around.
    for t in range(max(count[BAR] + 1, 0), n_bars if code == FINE else 0):
        live = False
        for k in range(n_symbols):
            if closes[t, k] == closes[t, k]:
                before[k] = row[k]
                row[k] = t
                live = True
        busy = False
        if live:
            last = count[LAST]
            if ahead and last >= start:
                if columns_first and count[LISTED] == 0:
                    list_all(state)
                n = rule(last, inputs, params, book, intents)
                if n < 0:
                    code = CALLED_BACK
                elif n > 0:
                    code = heed(market, terms, state, log, n, last)
                    busy = True
            if code == FINE:
                count[STEP] += 1
                if accrues or count[SENT] > 0 or n_working[0] > 0:
                    step(market, terms, state, log, t)
                    busy = True
                    if accrues:
                        curves[2, t] = money[CREDIT]
                total = 0.0
                for i in range(count[LISTED]):
                    k = listed[i]
                    if size[k] != 0.0:  # what is flat adds exactly nothing
                        close = closes[row[k], k]
                        scheme = schemes[k]
                        value = position_value(shortcash, scheme, size[k], average[k], close)
                        if not shortcash:
                            value = abs(value)
                        if value > 0.0:
                            gained = size[k] * (close - average[k]) * scheme["mult"]
                            value -= gained
                            leverage = scheme["leverage"]
                            total += value if leverage == 1.0 else value / leverage
                            total += gained
                        else:
                            total += value
                equity[0] = money[CASH] + total
                count[LAST] = t
                if t >= start and not ahead:
                    if columns_first and count[LISTED] == 0:
                        list_all(state)
                    n = rule(t, inputs, params, book, intents)
                    if n < 0:  # a callback met an exception
                        code = CALLED_BACK
                    elif n > 0:
                        code = heed(market, terms, state, log, n, t)
                        busy = True
        curves[0, t] = equity[0]
        curves[1, t] = money[CASH]
        if busy and code == FINE and crowded(state, log):
            code = NO_ROOM
        if code != FINE:
            done = t
            break
    count[BAR] = done
    return code


def simulate(
    loop: Callable[..., int],
    market: Market,
    inputs: Any,
    params: Any,
    terms: Terms,
    state: State,
    log: Log,
    start: int,
) -> tuple[int, Log]:
    """Run ``loop`` to the end, making the records longer as often as it asks for room.

    Returns
    -------
    tuple of int and Log
        FINE or the rule's fault, and the records.
    """
    code = NO_ROOM
    while code == NO_ROOM:
        code = loop(market, inputs, params, terms, state, log, start)
        if code == NO_ROOM:
            log = grown(log, state)
    return code, log
