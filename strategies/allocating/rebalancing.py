"""From what is held to what is wished for at a formation: bands, speed and a limit on turnover.

:func:`rule` is in the subset numba compiles, and runs as plain Python as well.
"""

from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.intents import target
from tradewind.engine.protocols import Book
from tradewind.engine.records import Floats, Ints

SAME = 1e-12  # weights nearer than this are one
DUST = 1e-3  # of equity: what a partial sale of a name that left would leave is sold with it


class AllocationInputs(NamedTuple):
    """Target weights of every formation, and prices to weigh what is held."""

    row: Ints  # (n_bars,) row of ``weights`` that a bar forms, -1: none
    weights: Floats  # (n_formations, n_symbols) fractions of equity
    price: Floats  # (n_bars, n_symbols) close in the account's currency, NaN where there is no bar
    bar: Ints  # (n_tried,) of each attempt to form a portfolio
    outcome: Ints  # (n_tried,) tradewind.strategies.allocating.fallback.Outcome
    reason: Ints  # (n_tried, REASON_LENGTH) characters of why it fell back, 0 behind the end


class AllocationParams(NamedTuple):
    """How far what is held may be from its target, and how fast it gets there."""

    band: float
    relative: bool  # the band is a fraction of the target, not of equity
    edge: bool  # trade to the band's edge, not to the target
    cost: float  # fraction of traded value that one side costs, for the band it makes
    risk_aversion: float
    speed: float  # fraction of the way made at a formation
    turnover: float  # most bought and sold at a formation, fraction of equity


def width_of(weight: float, params: AllocationParams) -> float:
    """Distance from a target within which nothing is traded, a fraction of equity.

    The costs' own band is (3 / (2 * risk aversion) * w^2 * (1 - w)^2 * cost)^(1/3): Gerhold,
    Guasoni, Muhle-Karbe and Schachermayer (2014), theorem 3.1, with half their spread as the cost
    of one side.
    """
    width = params.band * abs(weight) if params.relative else params.band
    if params.cost > 0.0:
        bend = weight * (1.0 - weight)
        width = max(width, (1.5 / params.risk_aversion * bend * bend * params.cost) ** (1.0 / 3.0))
    return width


def rule(
    bar: int, inputs: AllocationInputs, params: AllocationParams, book: Book, intents: Any
) -> int:
    """At a formation ask for what leads towards its weights; otherwise do nothing."""
    row = inputs.row[bar]
    equity = book.equity[0]
    if row < 0 or not equity > 0.0:
        return 0
    n_symbols = len(book.qty)
    held, aim = np.zeros(n_symbols), np.zeros(n_symbols)
    most, gross, grown = 0.0, 0.0, 0.0
    for k in range(n_symbols):
        wanted = inputs.weights[row, k]
        if book.qty[k] != 0.0:
            t = bar
            while t > 0 and inputs.price[t, k] != inputs.price[t, k]:
                t -= 1  # the last close known now
            held[k] = book.qty[k] * inputs.price[t, k] / equity
        gap = wanted - held[k]
        aim[k] = wanted
        if wanted * held[k] > 0.0:  # what enters, leaves or changes sides has no band
            width = width_of(wanted, params)
            if abs(gap) <= width + SAME:
                aim[k] = held[k]
            elif params.edge:
                aim[k] = wanted - width if gap > 0.0 else wanted + width
        if params.speed < 1.0:
            aim[k] = held[k] + params.speed * (aim[k] - held[k])
            if wanted == 0.0 and abs(aim[k]) < DUST:
                aim[k] = 0.0
        most += abs(wanted)
        gross += abs(aim[k])
        grown += max(abs(aim[k]) - abs(held[k]), 0.0)
    # What bands kept above its target has used up money that the others were to have.
    room = 1.0
    if gross > most + SAME and grown > 0.0:
        room = max(0.0, 1.0 - (gross - most) / grown)
    moved = 0.0
    for k in range(n_symbols):
        growth = abs(aim[k]) - abs(held[k])
        if room < 1.0 and growth > 0.0:
            whole = abs(aim[k])
            aim[k] *= (whole - (1.0 - room) * growth) / whole
        moved += abs(aim[k] - held[k])
    pace = params.turnover / moved if moved > params.turnover else 1.0
    n = 0
    for k in range(n_symbols):
        if pace < 1.0:
            aim[k] = held[k] + pace * (aim[k] - held[k])
        if abs(aim[k] - held[k]) > SAME:
            n = target(intents, n, k, aim[k])
    return n
