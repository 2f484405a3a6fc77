"""A run again at multiples of its spread: what the break-even curve of the report is made of.

One call, one preparation, and the very loop that the run compiled, which at each multiple keeps
sums and no records. A loop over settings (:mod:`tradewind.engine.executors.batch`) takes as long,
but would have to be compiled besides for every new rule.
"""

from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.books.break_even import Outcome, Simulate
from tradewind.engine.executors import kernel
from tradewind.engine.executors import state as states
from tradewind.engine.executors.batch import Batch
from tradewind.engine.executors.callback import Caller
from tradewind.engine.executors.callback import rule as called_rule
from tradewind.engine.executors.reference import compiled_kernel
from tradewind.engine.protocols import Strategy, has_rule
from tradewind.engine.quotes import QUOTES, has_quotes, mids
from tradewind.engine.records import Floats, Panel

MAX_CALLED_BARS = 10_000  # of a strategy in plain Python, which is asked anew at every multiple


class Task(NamedTuple):
    """A strategy ready to run: everything but the multiple of the spread."""

    strategy: Strategy
    inputs: Any
    panel: Panel
    terms: states.Terms
    market: states.Market
    start: int
    bars_per_year: float


def at_multiples(task: Task) -> Simulate | None:
    """Run a task at multiples of its spread; None where there is none, or it would take too long.

    Bid and ask bars cannot be made wider or narrower. There the mids are traded instead, with the
    spread of each bar's open around them, so that the curve at 1 is not to the cent the run itself.
    """
    half = task.terms.costs.half_spread
    if not (half.values > 0.0).any():
        return None
    compiled = has_rule(task.strategy)
    if not compiled and task.panel.n_bars > MAX_CALLED_BARS:
        return None

    def simulate(scales: Floats) -> Outcome:
        ended = np.array([_ended(task, float(scale)) for scale in scales])
        n = len(scales)
        none = np.zeros(n, np.int64)
        unknown = np.full(n, np.nan)
        found = Batch(ended[:, 0], none, none, ended[:, 1:], unknown, np.zeros(n, bool))
        return Outcome(found.sharpe * sqrt(task.bars_per_year), found.equity)

    return simulate


def around_mids(panel: Panel) -> Panel:
    """Panel whose bars are the mids of its quotes, without the quotes; others as they are."""
    if not has_quotes(panel.columns):
        return panel
    rest = {name: values for name, values in panel.columns.items() if name not in QUOTES}
    return replace(panel, columns=rest, **mids(panel.columns))  # type: ignore[arg-type]


def _ended(task: Task, scale: float) -> tuple[float, ...]:
    """Final equity and sums of returns at one multiple; NaN where the strategy failed there."""
    terms = task.terms._replace(costs=task.terms.costs._replace(spread_scale=scale))
    memory = int(getattr(task.strategy, "memory", 0))
    state = states.new_state(1, task.panel.n_symbols, terms.account.cash, memory)
    if _walk(task, terms, state) != states.FINE:
        return (np.nan,) * 5
    return float(state.equity[0]), *map(float, state.sums)


def _walk(task: Task, terms: states.Terms, state: states.State) -> int:
    """Run without keeping more than sums and what the rule may look at; returns the code."""
    log = states.new_log(task.panel.n_symbols)
    strategy = task.strategy
    if has_rule(strategy):
        loop = compiled_kernel(strategy.rule)
        return _advance(loop, task, (task.inputs, strategy.params), terms, state, log)
    with Caller(strategy, task.inputs, state) as caller:
        loop = caller.bound(compiled_kernel(called_rule))
        try:
            return _advance(loop, task, ((), caller.params), terms, state, log)
        except Exception:
            if caller.error is None:
                raise
            return states.CALLED_BACK  # the run itself went well; this point of the curve did not


def _advance(
    loop: Callable[..., int],
    task: Task,
    asked: tuple[Any, Any],
    terms: states.Terms,
    state: states.State,
    log: states.Log,
) -> int:
    room = 3 * states.room_of_a_bar(task.panel.n_symbols)
    code = states.NO_ROOM
    while code == states.NO_ROOM:
        code = loop(task.market, *asked, terms, state, log, task.start, False)
        if code == states.NO_ROOM:
            log = states.Log(*(kernel.grown(records, room) for records in log))
    return code
