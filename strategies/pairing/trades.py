"""Round trips of pairs: what each leg earned and cost, and why the pair was opened and closed."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tradewind.engine.records import Bools, Floats, Ints, Panel, Simulation
from tradewind.engine.types import Happening
from tradewind.strategies.pairing.retelling import Course
from tradewind.strategies.pairing.trading import (
    BROKEN,
    CROSSED,
    LOST,
    OVER,
    STOPPED,
    TIMED,
    TURNED,
    UNFILLED,
    PairInputs,
)

REASONS = {
    CROSSED: "came back",
    STOPPED: "ran beyond the stop",
    TIMED: "took too long",
    BROKEN: "the pair came apart",
    OVER: "its trading period ended",
    UNFILLED: "a leg was not filled",
    LOST: "a leg was taken away or stopped trading",
    TURNED: "the forecast turned",
}


class PairTrade(NamedTuple):
    """One pair from opening to closing; bars are those of the decisions, -1 while it is open."""

    slot: int
    episode: int
    columns: tuple[int, ...]
    side: float  # 1: the spread was bought
    opened: int
    closed: int
    signal_in: float
    signal_out: float
    why: str
    units: tuple[float, ...]  # of each leg, at the opening
    value: float  # gross, account currency, at the opening
    earned: tuple[float, ...]  # by each leg before costs, account currency
    cost: float  # spread, slippage and fees
    financing: float  # borrowing and dividends

    @property
    def net(self) -> float:
        """What is left, account currency."""
        return sum(self.earned) - self.cost + self.financing


class Market(NamedTuple):
    """What trades are measured with, (n_bars, n_symbols), account currency."""

    close: Floats  # last known
    mid: Floats  # at which orders of a bar met, before spread and slippage
    cost: Floats  # of a bar's fills
    borrow: Floats  # (n_bars,) paid for each unit of money that was short at the close before
    dividend: Floats
    change: Floats  # sum over pairs of |units| that change hands at a bar


def trades(
    course: Course, inputs: PairInputs, panel: Panel, simulation: Simulation, at_close: bool
) -> list[PairTrade]:
    """Every round trip, in order of opening.

    Notes
    -----
    A pair's legs are measured as if it held its own units: what pairs exchange among themselves
    crosses at the middle, and what a symbol's fills cost is shared by the units that each pair
    changed. Whatever legs that were missing or left over earned is in no trade; the difference to
    the account is what :func:`leg_risk` gives.
    """
    fills = _fills(course, inputs, simulation)
    market = _market(course, inputs, panel, simulation, at_close, fills)
    found = [
        _measured(one, course, inputs, market, fills)
        for s in range(course.side.shape[1])
        for one in _spans(course, s)
    ]
    return sorted(found, key=lambda one: (one.opened, one.slot))


def leg_risk(found: list[PairTrade], simulation: Simulation) -> float:
    """Result of the account less that of all pairs: what legs alone earned, account currency."""
    return float(simulation.equity[-1] - simulation.equity[0]) - sum(one.net for one in found)


class Fills(NamedTuple):
    """When decisions were filled."""

    ordered: Bools  # (n_bars, n_symbols) whether all pairs together changed what they want
    following: Ints  # (n_bars + 1, n_symbols) first bar from a row on with a fill, n_bars = none
    short: Floats  # (n_bars, n_symbols) units that pairs want short, each by itself

    def bar(self, t: int, k: int) -> int:
        """Bar at which what was decided at ``t`` changed hands: usually the next one.

        What pairs exchange among themselves needs no fill, and changes hands on the next bar too.
        """
        last = len(self.ordered) - 1
        soon = min(t + 1, last)
        if not self.ordered[t, k]:
            return soon
        found = int(self.following[soon, k])
        return found if found <= last else soon


class _Span(NamedTuple):
    slot: int
    opened: int
    closed: int  # -1 = open at the end
    why: int


def _spans(course: Course, s: int) -> Iterator[_Span]:
    side, since = course.side[:, s], course.since[:, s]
    opened = -1
    for t in np.flatnonzero((side != 0.0) | (np.concatenate([[0.0], side[:-1]]) != 0.0)):
        if opened >= 0 and (side[t] == 0.0 or since[t] != opened):
            yield _Span(s, opened, int(t), int(course.why[t, s]))
            opened = -1
        if opened < 0 and side[t] != 0.0:
            opened = int(since[t])
    if opened >= 0:
        yield _Span(s, opened, -1, 0)


def _market(
    course: Course,
    inputs: PairInputs,
    panel: Panel,
    simulation: Simulation,
    at_close: bool,
    when: Fills,
) -> Market:
    shape = panel.shape
    price = inputs.price
    rows = np.where(np.isnan(price), 0, np.arange(len(price))[:, None])
    close = np.take_along_axis(price, np.maximum.accumulate(rows, axis=0), axis=0)
    with np.errstate(invalid="ignore"):
        rate = price / panel.close
        mid = price.copy() if at_close else panel.open * rate
    fills = simulation.fills
    at = (fills["bar"], fills["symbol"])
    total, weight, cost = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    np.add.at(total, at, np.abs(fills["qty"]) * fills["mid"] * fills["fx"])
    np.add.at(weight, at, np.abs(fills["qty"]))
    paid = fills["qty"] * (fills["price"] - fills["mid"]) * fills["fx"] + fills["fee"]
    np.add.at(cost, at, paid)
    mid = np.where(weight > 0.0, total / np.where(weight > 0.0, weight, 1.0), mid)
    mid = np.where(np.isnan(mid), close, mid)
    dividend = np.zeros(shape)
    events = simulation.events[simulation.events["kind"] == Happening.DIVIDEND]
    events = events[events["symbol"] >= 0]
    np.add.at(dividend, (events["bar"], events["symbol"]), events["amount"])
    # what is wanted at a close is held at the next; pairs that lend to each other share the rest
    short = np.nansum(when.short[:-1] * close[1:], axis=1)
    borrow = np.zeros(len(close))
    some = short[:-1] > 0.0
    borrow[2:][some] = simulation.borrow[2:][some] / short[:-1][some]
    return Market(close, mid, cost, borrow, dividend, _change(course, inputs, when))


def _change(course: Course, inputs: PairInputs, fills: Fills) -> Floats:
    """Units that all pairs together change at the bar that fills each decision."""
    change = np.zeros(inputs.price.shape)
    for s in range(course.side.shape[1]):
        units, episode = course.units[:, s], course.episode[:, s]
        moved = np.flatnonzero((units[1:] != units[:-1]).any(axis=1)) + 1
        for t in moved.tolist():
            if episode[t] == episode[t - 1]:
                _add(change, inputs, fills, t, int(episode[t]), np.abs(units[t] - units[t - 1]))
            else:
                _add(change, inputs, fills, t, int(episode[t - 1]), np.abs(units[t - 1]))
                _add(change, inputs, fills, t, int(episode[t]), np.abs(units[t]))
    return change


def _add(
    table: Floats, inputs: PairInputs, fills: Fills, t: int, episode: int, units: Floats
) -> None:
    if episode < 0:
        return
    for j, k in enumerate(inputs.leg[episode]):
        if k >= 0:
            bar = fills.bar(t, int(k))
            table[bar, k] += units[j] * inputs.grown[bar, k]


def _fills(course: Course, inputs: PairInputs, simulation: Simulation) -> Fills:
    """When the orders of each decision were filled."""
    n_bars, n_symbols = inputs.price.shape
    wanted, short = np.zeros((n_bars, n_symbols)), np.zeros((n_bars, n_symbols))
    for s in range(course.side.shape[1]):
        legs = np.where(course.episode[:, s, None] >= 0, inputs.leg[course.episode[:, s]], -1)
        for j in range(legs.shape[1]):
            rows = np.flatnonzero(legs[:, j] >= 0)
            at = (rows, legs[rows, j])
            np.add.at(wanted, at, course.units[rows, s, j])
            np.add.at(short, at, np.maximum(-course.units[rows, s, j], 0.0))
    orders = np.zeros(wanted.shape, np.bool_)
    orders[1:] = np.abs(wanted[1:] - wanted[:-1]) > 1e-9
    orders[0] = wanted[0] != 0.0
    filled = np.full((n_bars + 1, n_symbols), n_bars, np.int64)
    fills = simulation.fills
    filled[fills["bar"], fills["symbol"]] = fills["bar"]
    following = np.minimum.accumulate(filled[::-1], axis=0)[::-1]  # audit: ok, a finished run
    return Fills(orders, following, short * inputs.grown)


def _measured(
    span: _Span, course: Course, inputs: PairInputs, market: Market, fills: Fills
) -> PairTrade:
    """Numbers of one round trip."""
    last = len(market.close) - 1
    s, opened, closed = span.slot, span.opened, span.closed
    episode = int(course.episode[opened, s])
    columns = tuple(int(k) for k in inputs.leg[episode] if k >= 0)
    earned, units, cost, financing, value = [], [], 0.0, 0.0, 0.0
    for j, k in enumerate(columns):
        first_units = course.units[opened, s, j]
        enters = fills.bar(opened, k)
        end = last if closed < 0 else max(fills.bar(closed, k), enters)
        own = first_units * inputs.grown[: end + 1, k]
        start = market.mid[enters, k] * own[enters]
        stop = (market.close[last, k] if closed < 0 else market.mid[end, k]) * own[end]
        done = enters > opened
        earned.append(float(stop - start) if done else 0.0)
        units.append(float(first_units * inputs.grown[opened, k]))
        value += abs(first_units * inputs.grown[opened, k] * market.close[opened, k])
        bars = [enters] if closed < 0 or end == closed else [enters, end]
        cost += sum(_part(market.cost, market.change, t, k, own[t]) for t in bars if done)
        financing += _financed(course, market, (enters, end), k, own)
    return PairTrade(
        s, episode, columns, float(course.side[opened, s]), opened, closed,
        float(inputs.signal[opened, s]),
        float(inputs.signal[closed, s]) if closed >= 0 else float("nan"),
        REASONS.get(span.why, "") if closed >= 0 else "", tuple(units), float(value),
        tuple(earned), float(cost), float(financing),
    )  # fmt: skip


def _part(cost: Floats, change: Floats, t: int, k: int, units: float) -> float:
    whole = change[t, k]
    return float(cost[t, k] * abs(units) / whole) if whole > 0.0 else 0.0


def _financed(
    course: Course,
    market: Market,
    span: tuple[int, int],
    k: int,
    own: Floats,
) -> float:
    """Share of a pair in what borrowing its short leg cost and dividends paid, account currency."""
    rows = slice(span[0], span[1] + 1)
    held, units = course.held[rows, k], own[rows]
    before = np.maximum(-units[:-1], 0.0) * market.close[span[0] : span[1], k]
    lent = float((before * market.borrow[span[0] + 1 : span[1] + 1]).sum())
    paid = market.dividend[rows, k]
    some = (held != 0.0) & (paid != 0.0)
    return float((paid[some] * units[some] / held[some]).sum()) - lent
