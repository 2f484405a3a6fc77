"""The simulator of ``rules: backtrader``: stock backtrader's broker as one compiled loop.

Bit for bit what plain, unmodified backtrader 1.9.78.123 makes of the same bars and calls: cash,
value, positions, average prices, states, fills and fees. docs/backtrader-rules.md says the rules
for users, tests/parity/test_backtrader_rules.py holds them against the installed package. As in
:mod:`tradewind.engine.executors.kernel` there is one source, compiled with a strategy's rule in it
or run as it stands.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

from tradewind.engine.executors.backtrader_money import mark
from tradewind.engine.executors.backtrader_state import (
    BAR,
    CASH,
    CREDIT,
    EVENTS,
    FILLS,
    FINE,
    LAST,
    LISTED,
    NO_ROOM,
    ORDERS,
    SENT,
    Log,
    Rules,
    State,
    grown,
    room_of_a_bar,
    touch,
)
from tradewind.engine.executors.backtrader_state import Market as Bars
from tradewind.engine.executors.backtrader_step import step
from tradewind.engine.executors.backtrader_wishes import heed
from tradewind.engine.protocols import Book, Rule


def rule(bar: int, inputs: Any, params: Any, book: Book, intents: Any) -> int:
    """Stand-in for a strategy's rule; :func:`with_rule` puts the real one in its place."""
    raise NotImplementedError


def with_rule(decision: Rule) -> FunctionType:
    """Return :func:`walk` with ``decision`` as its rule: the same code, another global."""
    return FunctionType(walk.__code__, {**globals(), "rule": decision}, walk.__name__)


def walk(
    market: Bars,
    inputs: Any,
    params: Any,
    rules: Rules,
    schemes: Any,
    state: State,
    log: Log,
    start: int,
) -> int:
    """Advance until the last bar, a fault of the rule, or until the records may run out of room."""
    closes = market.close
    row, before, count, money = state.row, state.before, state.count, state.money
    values, cashes = state.curves[0], state.curves[1]
    grosses, charged = state.curves[2], state.curves[3]
    book = Book(
        state.size, state.equity, state.price, log.orders, log.working, state.n_working,
        state.memory,
    )  # fmt: skip
    intents = state.intents
    n_bars, n_symbols = closes.shape
    room = room_of_a_bar(n_symbols) + n_symbols
    code = FINE
    for t in range(max(count[BAR] + 1, 0), n_bars):
        live = False
        for k in range(n_symbols):
            if closes[t, k] == closes[t, k]:
                before[k] = row[k]
                row[k] = t
                live = True
        gross = 0.0
        if live:
            if rules.coo and count[LAST] >= start:
                if rules.columns_first and count[LISTED] == 0:
                    for k in range(n_symbols):
                        touch(state, k)
                n = rule(count[LAST], inputs, params, book, intents)
                if n > 0:
                    code = heed(market, rules, schemes, state, log, n, count[LAST])
            if code == FINE:
                step(market, rules, schemes, state, log, t)
                gross = mark(market, rules, schemes, state)
                count[LAST] = t
                if t >= start and rules.coo == 0:
                    if rules.columns_first and count[LISTED] == 0:
                        for k in range(n_symbols):
                            touch(state, k)
                    n = rule(t, inputs, params, book, intents)
                    if n > 0:
                        code = heed(market, rules, schemes, state, log, n, t)
        elif t > 0:
            gross = grosses[t - 1]
        values[t] = state.equity[0]
        cashes[t] = money[CASH]
        grosses[t] = gross
        if live:
            charged[t] = money[CREDIT]
        if code == FINE and (
            count[ORDERS] + room > len(log.orders)
            or count[FILLS] + state.n_working[0] + count[SENT] + room > len(log.fills)
            or count[EVENTS] + room > len(log.events)
        ):
            code = NO_ROOM
        if code != FINE:
            count[BAR] = t
            return code
    count[BAR] = n_bars - 1
    return FINE


def simulate(
    loop: Callable[..., int],
    market: Bars,
    inputs: Any,
    params: Any,
    rules: Rules,
    schemes: Any,
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
        code = loop(market, inputs, params, rules, schemes, state, log, start)
        if code == NO_ROOM:
            log = grown(log, state)
    return code, log
