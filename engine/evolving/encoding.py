"""From any row of numbers to a portfolio that may be held: names, caps, lots, turnover.

A candidate is a row of weights. Whatever the variation makes of it, the nearest allowed portfolio
is looked for here, a whole population in one compiled call, so that evaluations are spent on
portfolios that could be bought. What a row cannot be brought to is counted by
:func:`tradewind.engine.evolving.limits.violations` and left to the selection.
"""

from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.compiling import compiled
from tradewind.engine.evolving.limits import EXACT, Limits
from tradewind.engine.records import Floats

NEVER = 1e-6  # of the largest: what a name counts with that is held only because enough must be
HALVINGS = 64


def repaired(candidates: Floats, limits: Limits) -> Floats:
    """Portfolios near the candidates that keep to the limits.

    Parameters
    ----------
    candidates : ndarray of float64, shape (n_portfolios, n_symbols)
        Any numbers; what is not above zero is not held.
    limits : Limits

    Returns
    -------
    ndarray of float64, shape (n_portfolios, n_symbols)
        Sums to 1; with lots to what could be bought of it, the rest is cash.

    Notes
    -----
    The largest are held. Their weights are multiplied by the one number with which, cut at the
    bounds, they sum to 1. Too much turnover is brought down on the straight way to the allowed
    portfolio nearest to what is held today. Lots are rounded down, and what is left buys lots for
    those that lost most.
    """
    out = np.zeros_like(candidates)
    n = candidates.shape[1]
    room = Room(np.empty(n), np.empty(n, np.int64), np.empty(n), np.empty(n))
    compiled(repair)(np.ascontiguousarray(candidates), limits, room, out)
    return out


class Room(NamedTuple):
    """Where one row is worked on."""

    rank: Any  # (n_symbols,) what a name is chosen by
    names: Any  # (n_symbols,) columns chosen, the first ``count`` of them
    raw: Any  # (n_symbols,) beside ``names``
    base: Any  # (n_symbols,) beside ``names``


def repair(candidates: Any, limits: Limits, room: Room, out: Any) -> None:
    """Repair row after row; in the subset numba compiles."""
    for i in range(len(candidates)):
        count = choose(candidates[i], limits, room)
        for j in range(count):
            room.raw[j] = max(candidates[i, room.names[j]], 0.0)
        fit(limits, room, count)
        if limits.turnover < np.inf:
            approach(limits, room, count)
        if limits.lot.max() > 0.0:
            whole(limits, room, count)
        for j in range(count):
            out[i, room.names[j]] = room.raw[j]


def choose(candidate: Any, limits: Limits, room: Room) -> int:
    """Write the columns to be held and return how many."""
    n = len(candidate)
    for k in range(n):
        can = limits.high[k] > 0.0 and limits.high[k] >= limits.low - EXACT
        want = candidate[k] if candidate[k] > 0.0 else 0.0
        room.rank[k] = want if can else -1.0
    # Whole weights above any candidate's: what must stay so that turnover can be kept to.
    if limits.turnover < np.inf:
        stay(limits, room)
    most = limits.most
    if most * limits.low > 1.0 + EXACT:
        most = max(int(1.0 / limits.low + EXACT), limits.least)
    order = np.argsort(-room.rank, kind="mergesort")
    count, caps = 0, 0.0
    for j in range(n):
        k = order[j]
        if count == most or room.rank[k] < 0.0:
            break
        if room.rank[k] == 0.0 and count >= limits.least and caps >= 1.0 - EXACT:
            break
        room.names[count] = k
        caps += limits.high[k]
        count += 1
    return count


def stay(limits: Limits, room: Room) -> None:
    """Raise the rank of the largest names of today until few enough of today's weight must go."""
    n = len(room.rank)
    out_of = limits.current.sum()
    spare = (limits.turnover - abs(1.0 - out_of)) / 2.0  # may be sold beside what must be
    largest = room.rank.max()
    for _ in range(n):
        if out_of <= max(spare, 0.0) + EXACT:
            break
        best = -1
        for k in range(n):
            if room.rank[k] < 0.0 or room.rank[k] > largest or limits.current[k] <= 0.0:
                continue
            if best < 0 or limits.current[k] > limits.current[best]:
                best = k
        if best < 0:
            break
        out_of -= min(limits.current[best], limits.high[best])
        room.rank[best] = largest + 1.0 + limits.current[best]


def fit(limits: Limits, room: Room, count: int) -> None:
    """Multiply ``raw`` by the number with which, cut at the bounds, it sums to 1."""
    raw, names = room.raw, room.names
    largest, caps = 0.0, 0.0
    for j in range(count):
        largest = max(largest, raw[j])
        caps += limits.high[names[j]]
    for j in range(count):
        raw[j] = 1.0 if largest == 0.0 else max(raw[j] / largest, NEVER)
    if caps <= 1.0:  # lots may not fill the whole: as much as there may be
        for j in range(count):
            raw[j] = limits.high[names[j]]
        return
    small, large = 0.0, 1.0 / NEVER
    for _ in range(HALVINGS):
        scale = 0.5 * (small + large)
        total = 0.0
        for j in range(count):
            total += min(max(raw[j] * scale, limits.low), limits.high[names[j]])
        if total < 1.0:
            small = scale
        else:
            large = scale
    total = 0.0
    for j in range(count):
        raw[j] = min(max(raw[j] * large, limits.low), limits.high[names[j]])
        total += raw[j]
    settle(limits, room, count, total)


def settle(limits: Limits, room: Room, count: int, total: float) -> None:
    """Take up what halving leaves over a sum of 1, in the last digits."""
    for j in range(count):
        k = room.names[j]
        wanted = room.raw[j] + (1.0 - total)
        taken = min(max(wanted, limits.low), limits.high[k])
        total += taken - room.raw[j]
        room.raw[j] = taken


def approach(limits: Limits, room: Room, count: int) -> None:
    """Bring turnover down to its limit, on the straight way to what is nearest to today's."""
    raw, base = room.raw, room.base
    if traded(limits, room, count, 1.0) <= limits.turnover:
        return
    wanted = raw[:count].copy()
    nearest(limits, room, count)
    for j in range(count):
        base[j], raw[j] = raw[j], wanted[j]
    near, far = 0.0, 1.0
    for _ in range(HALVINGS):
        share = 0.5 * (near + far)
        if traded(limits, room, count, share) <= limits.turnover:
            near = share
        else:
            far = share
    for j in range(count):
        raw[j] = base[j] + near * (raw[j] - base[j])


def nearest(limits: Limits, room: Room, count: int) -> None:
    """Put the allowed weights nearest to today's into ``raw``: cut, then all moved alike."""
    raw, names = room.raw, room.names
    small, large = -2.0, 2.0
    for _ in range(HALVINGS):
        shift = 0.5 * (small + large)
        total = 0.0
        for j in range(count):
            k = names[j]
            total += min(max(limits.current[k] + shift, limits.low), limits.high[k])
        if total < 1.0:
            small = shift
        else:
            large = shift
    total = 0.0
    for j in range(count):
        k = names[j]
        raw[j] = min(max(limits.current[k] + large, limits.low), limits.high[k])
        total += raw[j]
    settle(limits, room, count, total)


def traded(limits: Limits, room: Room, count: int, share: float) -> float:
    """Turnover from today's weights to the point at ``share`` of the way from base to raw."""
    total = limits.current.sum()
    for j in range(count):
        k = room.names[j]
        weight = room.raw[j]
        if share < 1.0:
            weight = room.base[j] + share * (room.raw[j] - room.base[j])
        total += abs(weight - limits.current[k]) - limits.current[k]
    return total  # type: ignore[no-any-return]


def whole(limits: Limits, room: Room, count: int) -> None:
    """Round to lots: down, and what is left buys lots for those that lost most by it."""
    raw, base, names = room.raw, room.base, room.names
    spent = 0.0
    for j in range(count):
        base[j] = raw[j]
        lot = limits.lot[names[j]]
        if lot > 0.0:
            first = max(np.ceil(limits.low / lot - EXACT), 1.0)
            raw[j] = max(np.floor(raw[j] / lot + EXACT), first) * lot
        spent += raw[j]
    while spent > 1.0 + EXACT:
        j = fattest(limits, room, count)
        step = limits.lot[names[j]]
        if j < 0:  # one lot of each is too much: the least wanted is let go
            j = leanest(limits, room, count)
            if j < 0:
                break
            step = raw[j]
        raw[j] -= step
        spent -= step
    while True:
        best, gap = -1, 0.0
        for j in range(count):
            k = names[j]
            lot = limits.lot[k]
            short = base[j] - raw[j]
            fits = lot > 0.0 and raw[j] > 0.0 and spent + lot <= 1.0 + EXACT
            if fits and raw[j] + lot <= limits.high[k] + EXACT and (best < 0 or short > gap):
                best, gap = j, short
        if best < 0:
            break
        raw[best] += limits.lot[names[best]]
        spent += limits.lot[names[best]]


def fattest(limits: Limits, room: Room, count: int) -> int:
    """Name furthest above what it was meant to be that can give up a lot; -1 = none."""
    best, most = -1, 0.0
    for j in range(count):
        lot = limits.lot[room.names[j]]
        first = max(np.ceil(limits.low / lot - EXACT), 1.0) * lot if lot > 0.0 else 0.0
        over = room.raw[j] - room.base[j]
        if lot > 0.0 and room.raw[j] - lot >= first - EXACT and (best < 0 or over > most):
            best, most = j, over
    return best


def leanest(limits: Limits, room: Room, count: int) -> int:
    """Name held that was meant to be least, where more than the fewest are held; -1 = none."""
    held, least = 0, -1
    for j in range(count):
        if room.raw[j] > 0.0:
            held += 1
            if least < 0 or room.base[j] < room.base[least]:
                least = j
    return least if held > limits.least else -1
