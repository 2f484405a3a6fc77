"""What happened to each pair: the rule asked again, with the account as it was at each close."""

from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.compiling import compiled
from tradewind.engine.errors import InvariantError
from tradewind.engine.intents import INTENT, room_for_intents
from tradewind.engine.protocols import Book
from tradewind.engine.records import ORDER, Floats, Ints, Panel, Records, Simulation
from tradewind.engine.types import Happening, Reason
from tradewind.strategies.pairing.trading import (
    EPISODE,
    FIXED,
    OPENED,
    SIDE,
    WHY,
    PairInputs,
    PairParams,
    rule,
)

# Orders that an executor sends by itself.
FORCED = (Reason.DELISTED, Reason.LIQUIDATED, Reason.RECALLED, Reason.CANCELLED_LIQUIDATION)


class Course(NamedTuple):
    """State of each slot behind each decision; rows before the first decision are zero."""

    side: Floats  # (n_bars, n_slots)
    episode: Ints  # (n_bars, n_slots)
    since: Ints  # (n_bars, n_slots) bar of the decision that opened it
    why: Ints  # (n_bars, n_slots) of the last closing
    units: Floats  # (n_bars, n_slots, n_legs) wanted, as of the first bar's units
    held: Floats  # (n_bars, n_symbols) at the close


def held_at_closes(simulation: Simulation, panel: Panel) -> Floats:
    """Units held at each close, (n_bars, n_symbols), from fills and splits."""
    held = np.zeros(panel.shape)
    ratio = np.ones(panel.shape)
    events, fills = simulation.events, simulation.fills
    for event in events[events["kind"] == Happening.SPLIT]:
        ratio[event["bar"], event["symbol"]] *= event["amount"]
    np.add.at(held, (fills["bar"], fills["symbol"]), fills["qty"])
    for t in range(1, len(held)):
        held[t] += held[t - 1] * ratio[t]
    return held


def retell(
    inputs: PairInputs, params: PairParams, simulation: Simulation, panel: Panel, start: int
) -> Course:
    """Follow every slot through a finished run.

    Parameters
    ----------
    inputs : PairInputs
    params : PairParams
    simulation : Simulation
    panel : Panel
    start : int
        First bar of decision.

    Raises
    ------
    InvariantError
        If the rule asked again sends other orders than the run did.
    """
    n_bars, n_slots = inputs.row.shape
    n_legs = inputs.leg.shape[1]
    held = held_at_closes(simulation, panel)
    memory = np.zeros((panel.n_symbols, (FIXED + n_legs) * n_slots + 1))
    found = np.zeros((n_bars, n_slots, 4 + n_legs))
    sent = np.zeros(panel.shape)
    compiled(follow)(
        inputs, params, held, np.ascontiguousarray(simulation.equity)[:, None], memory,
        np.zeros(room_for_intents(panel.n_symbols), INTENT), np.empty(0, ORDER), start, found, sent,
    )  # fmt: skip
    _refuse_other_orders(sent, simulation.orders, panel)
    whole = found[:, :, :4]
    return Course(
        whole[:, :, SIDE].copy(), whole[:, :, EPISODE].astype(np.int64) - 1,
        whole[:, :, OPENED].astype(np.int64), whole[:, :, 3].astype(np.int64),
        found[:, :, 4:].copy(), held,
    )  # fmt: skip


def _refuse_other_orders(sent: Floats, orders: Records, panel: Panel) -> None:
    asked = np.zeros(panel.shape)
    orders = orders[~np.isin(orders["reason"], FORCED)]
    np.add.at(asked, (orders["bar"], orders["symbol"]), orders["qty"])
    # what an account that trades whole lots rounded off is no other order
    off = np.abs(asked - sent) > 1.0 + 0.02 * np.abs(sent)
    off &= asked != 0.0
    if off.any():
        t, k = np.argwhere(off)[0]
        raise InvariantError(
            f"pairs: asked again at {panel.dates[t]}, the rule orders {sent[t, k]:g} of "
            f"{panel.symbols[k]}, the run {asked[t, k]:g}: its trades cannot be told apart"
        )


def follow(
    inputs: Any,
    params: Any,
    held: Any,
    equity: Any,
    memory: Any,
    intents: Any,
    no_orders: Any,
    start: int,
    found: Any,
    sent: Any,
) -> None:
    """Ask the rule at every bar and note its memory; in the subset numba compiles."""
    n_slots, n_legs = inputs.row.shape[1], inputs.leg.shape[1]
    width = FIXED + n_legs
    nobody = np.zeros(1, np.int64)
    for t in range(start, len(held)):
        book = Book(held[t], equity[t], held[t], no_orders, nobody, nobody, memory)
        n = rule(t, inputs, params, book, intents)
        for i in range(n):
            sent[t, intents[i]["symbol"]] += intents[i]["qty"]
        for s in range(n_slots):
            at = s * width
            found[t, s, 0] = memory[0, at + SIDE]
            found[t, s, 1] = memory[0, at + EPISODE]
            found[t, s, 2] = memory[0, at + OPENED]
            found[t, s, 3] = memory[0, at + WHY]
            for j in range(n_legs):
                found[t, s, 4 + j] = memory[0, at + FIXED + j]
