"""Many settings of one strategy over one market in one call, on one thread or several.

The loop is that of a single run, so that every number is the same to the last bit, but nothing is
kept of a setting except its end and the sums that its Sharpe ratio and drawdown are made of: memory
does not grow with bars x settings, unless the caller gives room for the curves of these settings.
Nor are its books folded again: the setting that is chosen is run once more by
:func:`tradewind.engine.executors.reference.simulate`, which proves them.

A setting whose loss from a peak exceeds its limit ends there: what is found of it is what it had
come to by then, and its curve is NaN from the next bar on.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.compiling import LEAN, compiled_with, inlined, lean, unlocked, with_parts
from tradewind.engine.costs import Costs
from tradewind.engine.errors import StrategyError
from tradewind.engine.executors import kernel, reference
from tradewind.engine.executors import state as states
from tradewind.engine.executors.compile_errors import explained, is_refusal
from tradewind.engine.protocols import CompiledStrategy, Rule, Strategy, has_rule
from tradewind.engine.records import Bools, Floats, Ints, Panel, Records
from tradewind.engine.scoring.statistics import FLAT

CHUNKS = 4  # for each thread, so that none waits long for the others
# Columns of what a setting ends in; SUMS and three more before TRADED.
EQUITY, ORDERS, FILLS, SUMS, TRADED, BREACH = 0, 1, 2, 3, 7, 8
COLUMNS = 9
NO_CURVES, NO_SPANS, NO_PARTS = np.empty((0, 1)), np.empty((0, 2), np.int64), np.empty((0, 0, 5))
# Of a span of bars: returns, their sum, their squares' sum, greatest drawdown, growth.
N, TOTAL, SQUARED, FALL, GROWTH = range(5)
NEXT, STOP, RESUMES = range(3)  # places in what a call is told and says
walk = kernel.walk


class Batch(NamedTuple):
    """How every setting ended, in the order given; arrays of shape (n_settings,)."""

    equity: Floats  # account currency, at the last close
    orders: Ints
    fills: Ints
    sums: Floats  # (n_settings, 4): returns, their sum, their squares' sum, greatest drawdown
    traded: Floats  # value bought and sold, account currency
    breached: Bools  # whether it fell below its limit and was stopped there

    @property
    def drawdown(self) -> Floats:
        """Greatest loss from a peak, fraction of it."""
        return self.sums[:, states.DRAWDOWN]

    @property
    def sharpe(self) -> Floats:
        """Mean over standard deviation of one bar's return; NaN where flat, or in ruin."""
        n, total, squares, drawdown = self.sums.T
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = total / n
            variance = (squares - n * mean * mean) / (n - 1.0)
            known = (n >= 2.0) & (variance > FLAT**2) & (drawdown < 1.0)
            return np.where(known, mean / np.sqrt(variance), np.nan)


class Task(NamedTuple):
    """What every thread reads."""

    loop: Callable[..., int]
    market: states.Market
    inputs: Any
    table: Records  # a row of parameters for each setting
    terms: states.Terms
    starts: Ints
    scales: Floats  # (n_settings,) by which each one's spread is multiplied
    limits: Floats  # (n_settings,) drawdown beyond which each one stops; inf = none
    found: Floats  # (n_settings, COLUMNS), each row written by one thread
    curves: Floats  # (n_settings, n_bars) written likewise; (0, 1) where nobody asks for them
    spans: Ints  # (n_spans, 2) first bar and stop of each; (0, 2) where nobody asks
    parts: Floats  # (n_settings, n_spans, 5) see N ... GROWTH, written likewise
    room: int  # bars of the curve that is being followed, 1 where it is not
    memory: int  # columns a rule remembers in


def simulate_many(
    strategies: Sequence[Strategy],
    inputs: Any,
    panel: Panel,
    terms: states.Terms,
    *,
    start: int | Sequence[int],
    threads: int = 1,
    market: states.Market | None = None,
    spread_scales: Sequence[float] | None = None,
    max_drawdown: float | Sequence[float] | None = None,
    curves: Floats | None = None,
    spans: Ints | None = None,
    parts: Floats | None = None,
) -> Batch:
    """Run every setting of a strategy over one panel.

    Parameters
    ----------
    strategies : sequence of Strategy
        Of one rule, each with its own params. Without a rule they run one after another.
    inputs : NamedTuple
        What ``prepare`` of any of them gave; it does not depend on params.
    panel : Panel
    terms : Terms
    start : int or sequence of int
        First bar at whose close the strategy is asked, for all or for each.
    threads : int
        That share the settings; results do not depend on it.
    market : Market, optional
        By default the panel alone.
    spread_scales : sequence of float, optional
        By which each setting's half-spreads are multiplied.
    max_drawdown : float or sequence of float, optional
        Loss from a peak, fraction of it, beyond which a setting is not followed any further.
    curves : ndarray of float64, shape (n_settings, n_bars), optional
        Filled in: each setting's equity at every close.
    spans : ndarray of int64, shape (n_spans, 2), optional
        First bar and stop of stretches of which ``parts`` says how each setting did.
    parts : ndarray of float64, shape (n_settings, n_spans, 5), optional
        Filled in, with ``spans``: how many returns, their sum, the sum of their squares, greatest
        drawdown, and equity at the end over that before the first return; NaN where a setting was
        stopped before the end. No curve has to be kept for it.

    Raises
    ------
    StrategyError
        If the settings are not of one rule, the rule cannot be compiled, or asks for something
        impossible (naming bar and symbol).
    """
    if threads < 1:
        raise StrategyError(f"batch: {threads} threads; wanted at least one")
    starts = np.broadcast_to(np.asarray(start, np.int64), len(strategies)).copy()
    scales = np.ones(len(strategies))
    scales[:] = 1.0 if spread_scales is None else spread_scales
    limits = np.full(len(strategies), np.inf)
    limits[:] = np.inf if max_drawdown is None else max_drawdown
    kept = NO_CURVES if curves is None else curves
    asked = NO_SPANS if spans is None or parts is None else np.ascontiguousarray(spans, np.int64)
    told = NO_PARTS if parts is None else parts
    market = states.market_of(panel) if market is None else market
    found = np.empty((len(strategies), COLUMNS))
    compilable = [s for s in strategies if has_rule(s)]
    if len(compilable) < len(strategies):
        for i, strategy in enumerate(strategies):
            wider = with_scale(terms, float(scales[i]))
            found[i, :BREACH], curve = _alone(
                strategy, inputs, panel, wider, int(starts[i]), market
            )
            found[i, BREACH] = float(found[i, SUMS + states.DRAWDOWN] > limits[i])
            if len(kept):
                kept[i] = curve
            parts_of(curve, asked, told, i)
        return _batch(found)
    if strategies:
        loop = _loop_of(compilable)
        memory = int(getattr(strategies[0], "memory", 0))
        table = _table([strategy.params for strategy in compilable])
        task = Task(
            loop, market, inputs, table, terms, starts, scales, limits, found, kept, asked, told,
            panel.n_bars if len(kept) or len(asked) else 1, memory,
        )  # fmt: skip
        _shared_out(task, panel, strategies, threads)
    return _batch(found)


def _batch(found: Floats) -> Batch:
    whole = found[:, [ORDERS, FILLS]].astype(np.int64)
    sums, traded = found[:, SUMS:TRADED].copy(), found[:, TRADED].copy()
    breached = found[:, BREACH] != 0.0
    return Batch(found[:, EQUITY].copy(), whole[:, 0], whole[:, 1], sums, traded, breached)


def _alone(
    strategy: Strategy, inputs: Any, panel: Panel, terms: states.Terms, start: int, market: Any
) -> tuple[tuple[float, ...], Floats]:
    """One setting by the simulator of single runs: its numbers and its curve."""
    run = reference.simulate(strategy, inputs, panel, terms, start=start, market=market)
    sums: Floats = run.sums  # type: ignore[assignment]  # a simulator's own are always there
    traded = float(np.sum(np.abs(run.fills["qty"]) * run.fills["price"] * run.fills["fx"]))
    counts = len(run.orders), len(run.fills)
    return (float(run.equity[-1]), *counts, *map(float, sums), traded), run.equity


def _loop_of(strategies: Sequence[CompiledStrategy]) -> Callable[..., int]:
    """Return the loop over settings with the one rule of all in it."""
    rules = {strategy.rule for strategy in strategies}
    fields = {strategy.params._fields for strategy in strategies}  # type: ignore[attr-defined]
    if len(rules) > 1 or len(fields) > 1:
        names = sorted({type(strategy).__name__ for strategy in strategies})
        raise StrategyError(
            f"batch: {len(rules)} rules of {', '.join(names)}; wanted settings of one strategy"
        )
    return compiled_with(sweep, rules.pop(), with_rule)  # type: ignore[no-any-return]


def _table(params: Sequence[Any]) -> Records:
    """One row of numbers for each setting, in fields named as those of the params."""
    columns = [np.asarray(column) for column in zip(*params, strict=True)]
    columns = [c.astype(np.int64) if c.dtype == np.bool_ else c for c in columns]
    kinds = list(zip(params[0]._fields, (c.dtype for c in columns), strict=True))
    table = np.empty(len(params), np.dtype(kinds))
    for (name, _), column in zip(kinds, columns, strict=True):
        table[name] = column
    return table


def _shared_out(task: Task, panel: Panel, strategies: Sequence[Strategy], threads: int) -> None:
    """Give the settings to the threads, chunk by chunk."""
    n = len(task.table)
    bounds = np.linspace(0, n, min(n, 1 if threads == 1 else CHUNKS * threads) + 1).astype(int)
    spans = list(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))

    def run(span: tuple[int, int]) -> None:
        _run(task, panel, strategies, *span)

    try:
        run((spans[0][0], spans[0][0] + 1))  # compiles, once, before threads meet in the compiler
        if threads == 1:
            run(spans[0])
            return
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, spans))
    except Exception as error:
        if not is_refusal(error):
            raise
        name = type(strategies[0]).__name__
        raise explained(error, strategies[0].rule, name) from None  # type: ignore[attr-defined]


def _run(task: Task, panel: Panel, strategies: Sequence[Strategy], first: int, stop: int) -> None:
    """Run a span of settings in one state; records that get full are made larger."""
    state = states.new_state(task.room, panel.n_symbols, task.terms.account.cash, task.memory)
    log = states.new_log(panel.n_symbols)
    room = 3 * states.room_of_a_bar(panel.n_symbols)
    place = np.array([first, stop, 0])
    while place[NEXT] < stop:
        code = task.loop(
            task.market, task.inputs, task.table, task.terms, state, log, task.starts, task.scales,
            task.limits, place, task.found, task.curves,
            task.spans, task.parts,
        )  # fmt: skip
        if code == states.NO_ROOM:
            log = states.Log(*(kernel.grown(records, room) for records in log))
        elif code != states.FINE:
            state.count[states.CODE] = code
            reference.check_status(state, strategies[place[NEXT]], panel)


def with_rule(decision: Rule) -> FunctionType:
    """Return :func:`sweep` with the loop of single runs, and ``decision`` as its rule, inside."""
    from numba import njit

    inner = njit(**LEAN)(with_parts(kernel.with_rule(decision)))
    return FunctionType(sweep.__code__, {**globals(), "walk": inner}, sweep.__name__)


@unlocked
@lean
def sweep(
    market: states.Market,
    inputs: Any,
    table: Any,
    terms: states.Terms,
    state: states.State,
    log: states.Log,
    starts: Any,
    scales: Any,
    limits: Any,
    place: Any,
    found: Any,
    curves: Any,
    spans: Any,
    parts: Any,
) -> int:
    """Run settings ``place[NEXT]`` to ``place[STOP] - 1``; stops where the records are full.

    In the subset numba compiles.
    """
    code = states.FINE
    follows = len(curves) > 0
    keep = follows or len(spans) > 0
    i = place[NEXT]
    while i < place[STOP]:
        if place[RESUMES] == 0:
            begin(state, terms.account.cash)
            state.money[states.WORST_FALL] = limits[i]
        wider = with_scale(terms, scales[i])
        code = walk(market, inputs, table[i], wider, state, log, starts[i], keep)
        place[RESUMES] = 1 if code == states.NO_ROOM else 0
        found[i, BREACH] = 0.0
        if code == states.BREACHED:
            found[i, BREACH] = 1.0
            code = states.FINE
        if code != states.FINE:
            break
        if keep:
            done = state.count[states.BAR] + 1
            for t in range(done, len(state.equity_curve)):
                state.equity_curve[t] = np.nan
            if follows:
                for t in range(len(state.equity_curve)):
                    curves[i, t] = state.equity_curve[t]
            parts_of(state.equity_curve, spans, parts, i)
        found[i, EQUITY] = state.equity[0]
        found[i, ORDERS] = state.count[states.ORDERS]
        found[i, FILLS] = state.count[states.FILLS]
        for j in range(4):
            found[i, SUMS + j] = state.sums[j]
        found[i, TRADED] = 0.0
        for number in range(state.count[states.FILLS]):
            fill = log.fills[number]
            found[i, TRADED] += abs(fill["qty"]) * fill["price"] * fill["fx"]
        i += 1
    place[NEXT] = i
    return code


@inlined
def parts_of(equity: Any, spans: Any, parts: Any, i: int) -> None:
    """Say how a curve did on each span; in the subset numba compiles."""
    for j in range(len(spans)):
        first, stop = spans[j, 0], spans[j, 1]
        last = equity[first - 1]
        begun, peak, low = last, last, 1.0
        total = squares = 0.0
        for t in range(first, stop):
            worth = equity[t]
            if worth != last:  # a division takes longer than an idle bar
                step = worth / last - 1.0
                total += step
                squares += step * step
                if worth > peak:
                    peak = worth
                elif worth < low * peak:
                    low = worth / peak
                last = worth
        parts[i, j, N] = stop - first
        parts[i, j, TOTAL] = total
        parts[i, j, SQUARED] = squares
        parts[i, j, FALL] = 1.0 - low if last == last else np.nan
        parts[i, j, GROWTH] = last / begun


def with_scale(terms: states.Terms, scale: float) -> states.Terms:
    """Terms whose spread is ``scale`` times as wide; in the subset numba compiles."""
    old = terms.costs
    costs = Costs(
        old.fees,
        old.half_spread,
        old.spread_scale * scale,
        old.slippage,
        old.slippage_fixed,
        old.impact,
        old.borrow_daily,
        old.borrowable,
        old.debit_daily,
        old.credit_daily,
    )
    return states.Terms(costs, terms.sizing, terms.account, terms.execution)


def begin(state: states.State, cash: float) -> None:
    """Make a used state as new: what :func:`tradewind.engine.executors.state.new_state` makes."""
    for k in range(len(state.qty)):
        state.qty[k] = state.entry[k] = state.aim[k] = state.stand[k] = state.used[k] = 0.0
        state.adds[k] = 0
        state.counted[k] = state.named[k] = state.used_on[k] = state.since[k] = -1
        for j in range(state.memory.shape[1]):
            state.memory[k, j] = 0.0
    for j in range(len(state.count)):
        state.count[j] = 0
    state.count[states.BAR] = state.count[states.SYMBOL] = state.count[states.MONTH] = -1
    for j in range(len(state.money)):
        state.money[j] = 0.0
    state.money[states.CASH] = state.money[states.PEAK] = state.money[states.LAST] = cash
    state.equity[0] = cash
    for j in range(4):
        state.sums[j] = 0.0
