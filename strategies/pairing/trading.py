"""Pairs as units: when one opens and closes, how many units each leg has, what is ordered.

In the subset numba compiles, and plain Python as well.
"""

from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.intents import BARS, MARKET_ON_CLOSE, order
from tradewind.engine.protocols import Book
from tradewind.engine.records import Bools, Floats, Ints

# What is remembered of a slot, in order; behind it the units of each leg, as of the first bar.
SIDE, EPISODE, OPENED, ARMED, WHY, FAILING, WHOLE, LEAVES, FIXED = range(9)
FREE, COMES_BACK, BARRED = 0.0, 1.0, 2.0  # ARMED
KEPT, CROSSED, STOPPED, TIMED, BROKEN, OVER, UNFILLED, LOST, TURNED = range(9)  # WHY
SHORT = 0.02  # share of a leg that may be missing
MIN_UNITS = 1e-9


class PairInputs(NamedTuple):
    """Which pairs may trade, and what their spreads say; made from bars up to each row.

    A slot holds one pair at a time: an episode, which is a pair from one formation.
    """

    row: Ints  # (n_bars, n_slots) episode, -1 = none
    leg: Ints  # (n_episodes, n_legs) column of the panel, -1 = none
    signal: Floats  # (n_bars, n_slots) how dear the spread is; NaN = nothing known
    share: Floats  # (n_bars, n_slots, n_legs) of a long spread's gross value, signed, sum |.| = 1
    due: Floats  # (n_bars, n_slots) forecast of a long spread over its own uncertainty
    broken: Bools  # (n_bars, n_slots)
    volatility: Floats  # (n_episodes,) annual, of one unit of gross value
    price: Floats  # (n_bars, n_symbols) account currency, NaN = no bar
    grown: Floats  # (n_bars, n_symbols) units that one unit of the first bar has become by splits


class PairParams(NamedTuple):
    """What a sweep varies; signals in their own units."""

    entry: float
    exit: float
    stop: float
    time_stop: float  # bars
    due: float  # least forecast over its uncertainty; -inf: not asked
    gross: float  # of equity, all slots together
    open_at_most: int
    risk: float  # annual volatility of a pair's share of equity that is not exceeded; inf: any
    name_cap: float  # of equity
    lot: float  # units, 0 = fractions
    patience: float  # bars that a leg may be missing
    at_close: bool


def rule(bar: int, inputs: PairInputs, params: PairParams, book: Book, intents: Any) -> int:
    """Close what is due, open the widest spreads there is room for, and order what is missing."""
    memory = book.memory[0]
    n_slots = inputs.row.shape[1]
    width = FIXED + inputs.leg.shape[1]
    n_open, n_ready = 0, 0
    for s in range(n_slots):  # all are asked before one is shut: legs are shared
        at = s * width
        if memory[at + SIDE] != 0.0:
            memory[at + LEAVES] = reason_to_close(bar, inputs, params, book, s, at)
    for s in range(n_slots):
        at = s * width
        row = inputs.row[bar, s]
        if memory[at + SIDE] != 0.0:
            if memory[at + LEAVES] == KEPT:
                n_open += 1
                continue
            shut(bar, inputs, book, at, int(memory[at + LEAVES]))
        if memory[at + SIDE] == 0.0:
            if memory[at + EPISODE] != row + 1.0:  # 0 stands for none: memory begins with zeros
                memory[at + EPISODE] = row + 1.0
                memory[at + ARMED] = FREE
            if ready(bar, inputs, params, book, s, at):
                n_ready += 1
    if n_open + n_ready <= params.open_at_most:  # nobody has to stand back: in any order
        for s in range(n_slots):
            at = s * width
            if n_ready > 0 and memory[at + SIDE] == 0.0 and ready(bar, inputs, params, book, s, at):
                opened(bar, inputs, params, book, s, at)
                n_ready -= 1
        n_ready = 0
    while n_ready > 0 and n_open < params.open_at_most:
        best, widest = -1, -1.0
        for s in range(n_slots):
            at = s * width
            wide = abs(inputs.signal[bar, s])  # NaN is wider than nothing
            free = memory[at + SIDE] == 0.0
            if free and wide > widest and ready(bar, inputs, params, book, s, at):
                best, widest = s, wide
        if best < 0:
            break
        n_ready -= 1
        if opened(bar, inputs, params, book, best, best * width):
            n_open += 1
        else:
            memory[best * width + OPENED] = -bar - 2.0  # not asked again at this bar
    return write_orders(bar, inputs, params, book, intents)


def ready(bar: int, inputs: Any, params: Any, book: Any, s: int, at: int) -> bool:
    """Whether a slot without a position may open one; arms it again where its spread came back."""
    memory = book.memory[0]
    signal = inputs.signal[bar, s]
    far = abs(signal) >= params.entry  # never of NaN
    if not far:
        if memory[at + ARMED] == COMES_BACK and signal == signal:
            memory[at + ARMED] = FREE
        return False
    row = inputs.row[bar, s]
    if row < 0 or memory[at + ARMED] != FREE or abs(signal) >= params.stop:
        return False
    if memory[at + OPENED] == -bar - 2.0:
        return False
    if inputs.broken[bar, s]:
        return False
    side = -1.0 if signal > 0.0 else 1.0
    if not side * inputs.due[bar, s] >= params.due:
        return False
    for j in range(inputs.leg.shape[1]):
        k = inputs.leg[row, j]
        if k >= 0:
            price, share = inputs.price[bar, k], inputs.share[bar, s, j]
            if price != price or share != share:
                return False
    return True


def reason_to_close(bar: int, inputs: Any, params: Any, book: Any, s: int, at: int) -> int:
    """Why an open pair is to be closed, KEPT where it is not; counts bars that a leg is missing."""
    memory = book.memory[0]
    side, row = memory[at + SIDE], int(memory[at + EPISODE]) - 1
    want = book.memory.shape[1] - 1
    halted, missing, gone = False, False, False
    for j in range(inputs.leg.shape[1]):
        k = inputs.leg[row, j]
        if k < 0:
            continue
        wanted, held = book.memory[k, want] * inputs.grown[bar, k], book.qty[k]
        halted = halted or inputs.price[bar, k] != inputs.price[bar, k]
        slack = max(SHORT * abs(wanted), params.lot)
        if abs(wanted - held) > slack:
            missing = True
            gone = gone or (memory[at + WHOLE] > 0.0 and wanted * held <= 0.0)
    if gone:
        return LOST
    if missing or halted:
        memory[at + FAILING] += 1.0
        return UNFILLED if memory[at + FAILING] > params.patience else KEPT
    memory[at + FAILING] = 0.0
    memory[at + WHOLE] = 1.0
    if inputs.row[bar, s] != row:
        return OVER
    signal = inputs.signal[bar, s]
    if signal == signal:
        if side * signal >= -params.exit:
            return CROSSED
        if side * signal <= -params.stop:
            return STOPPED
    if inputs.broken[bar, s]:
        return BROKEN
    if bar - memory[at + OPENED] >= params.time_stop:
        return TIMED
    if params.due > -np.inf and side * inputs.due[bar, s] <= -params.due:
        return TURNED
    return KEPT


def shut(bar: int, inputs: Any, book: Any, at: int, why: int) -> None:
    """Want nothing of a pair any more, and say whether it may come again."""
    memory = book.memory[0]
    row, want = int(memory[at + EPISODE]) - 1, book.memory.shape[1] - 1
    for j in range(inputs.leg.shape[1]):
        k = inputs.leg[row, j]
        if k >= 0:
            left = book.memory[k, want] - memory[at + FIXED + j]
            # what sums of other pairs leave of nothing is nothing
            book.memory[k, want] = left if abs(left) > MIN_UNITS else 0.0
        memory[at + FIXED + j] = 0.0
    memory[at + SIDE] = 0.0
    memory[at + WHY] = why
    memory[at + FAILING] = memory[at + WHOLE] = 0.0
    memory[at + OPENED] = -1.0
    if why in (TIMED, TURNED):
        memory[at + ARMED] = COMES_BACK
    elif why in (CROSSED, OVER):
        memory[at + ARMED] = FREE
    else:
        memory[at + ARMED] = BARRED


def opened(bar: int, inputs: Any, params: Any, book: Any, s: int, at: int) -> bool:
    """Set the units of a pair's legs; False where a leg would have none."""
    memory = book.memory[0]
    row, want = inputs.row[bar, s], book.memory.shape[1] - 1
    side = -1.0 if inputs.signal[bar, s] > 0.0 else 1.0
    equity = book.equity[0]
    value = params.gross * equity / params.open_at_most
    if inputs.volatility[row] > params.risk:
        value *= params.risk / inputs.volatility[row]
    for j in range(inputs.leg.shape[1]):  # caps scale the pair, never one of its legs
        k, share = inputs.leg[row, j], inputs.share[bar, s, j]
        if k < 0 or share == 0.0:
            continue
        held = book.memory[k, want] * inputs.grown[bar, k] * inputs.price[bar, k]
        room = params.name_cap * equity - held * (1.0 if side * share > 0.0 else -1.0)
        value = min(value, max(room, 0.0) / abs(share))
    for j in range(inputs.leg.shape[1]):
        k = inputs.leg[row, j]
        if k >= 0:
            units = value * inputs.share[bar, s, j] / inputs.price[bar, k]
            if params.lot > 0.0:
                units = np.trunc(units / params.lot + (1e-9 if units > 0.0 else -1e-9)) * params.lot
            if not abs(units) > MIN_UNITS:
                return False
    for j in range(inputs.leg.shape[1]):
        k = inputs.leg[row, j]
        memory[at + FIXED + j] = 0.0
        if k >= 0:
            units = side * value * inputs.share[bar, s, j] / inputs.price[bar, k]
            if params.lot > 0.0:
                units = np.trunc(units / params.lot + (1e-9 if units > 0.0 else -1e-9)) * params.lot
            memory[at + FIXED + j] = units / inputs.grown[bar, k]
            book.memory[k, want] += memory[at + FIXED + j]
    memory[at + SIDE] = side
    memory[at + OPENED] = bar
    memory[at + FAILING] = memory[at + WHOLE] = 0.0
    return True


def write_orders(bar: int, inputs: Any, params: Any, book: Any, intents: Any) -> int:
    """Order the difference between what all pairs want and what is held, one order a symbol.

    It works on the next bar alone, so that what is missing is asked for anew with what is then
    known. What reduces a position goes first. A symbol without a bar waits.
    """
    want = book.memory.shape[1] - 1
    n = 0
    for reducing in range(2):
        for k in range(len(book.qty)):
            held = book.qty[k]
            wanted = book.memory[k, want] * inputs.grown[bar, k]
            if wanted == held:
                continue
            units = wanted - held
            price = inputs.price[bar, k]
            if price != price or abs(units) <= max(MIN_UNITS, 1e-9 * abs(held)):
                continue
            reduces = abs(wanted) < abs(held) and wanted * held >= 0.0
            if reduces == (reducing == 0):
                n = order(intents, n, k, units)
                if n <= len(intents):
                    intents[n - 1]["tif"] = BARS
                    intents[n - 1]["until"] = 1
                    if params.at_close:
                        intents[n - 1]["order_type"] = MARKET_ON_CLOSE
    return n
