"""The stage of a run that trades: which executor, on what market, and how to do it again."""

from typing import Any, NamedTuple

from tradewind.engine import spreads
from tradewind.engine.ambiguity import Again, Bounds, ambiguous_bars, measured
from tradewind.engine.bars.sessions import bars_per_year
from tradewind.engine.books.break_even import SCALES, Simulate, break_even
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import ConfigError, StrategyError
from tradewind.engine.executors import backtrader_options
from tradewind.engine.executors.interpreted import interpreted
from tradewind.engine.executors.user_errors import explained
from tradewind.engine.executors.user_strategy import BacktraderStrategy
from tradewind.engine.explanation import Explanation
from tradewind.engine.outlook import Outlook
from tradewind.engine.pipeline import Diary, Parts
from tradewind.engine.protocols import Explaining, Reaching, Remarking, has_rule
from tradewind.engine.records import Panel, Simulation

SAME = 1e-6  # relative: final equity of a run and of its curve at one times the spread


class Traded(NamedTuple):
    """A simulation, the first bar a decision was made on, and how to run it again."""

    simulation: Simulation
    start: int
    multiples: Simulate | None = None  # at multiples of its spread; None where that says nothing
    exact: bool = True  # whether one times the spread is the run itself
    again: Again | None = None  # with ambiguous bars gone one way; None where other rules apply
    sure: bool = True  # whether it does the same when it is asked again, beyond doubt
    explanation: Explanation | None = None


def break_even_of(traded: Traded, diary: Diary) -> dict[str, Any] | None:
    """Break-even curve of a run, None where there is none.

    A strategy that remembers in attributes of its own what belongs into its memory does something
    else when it is asked again; then the curve is left out, and the diary says so.
    """
    if traded.multiples is None:
        return None
    curve = break_even(traded.multiples)
    again, own = curve["final_equity"][SCALES.index(1.0)], float(traded.simulation.equity[-1])
    if traded.exact and not (again is not None and abs(again - own) <= SAME * abs(own)):
        diary.note("no_break_even", final_equity=own, again=again)
        return None
    return curve


def bounds_of(
    traded: Traded, parts: Parts, panel: Panel, diary: Diary
) -> tuple[dict[str, Any] | None, Bounds | None]:
    """(numbers, curves) of a run with every ambiguous bar gone the worst and the best way.

    Trades again only where a bar was ambiguous. No numbers where other rules than ours apply; no
    curves where nothing was ambiguous, or a strategy that remembers in attributes of its own does
    something else when it is asked again, which the diary then says.
    """
    if traded.again is None:
        return None, None
    own, per_year = traded.simulation, bars_per_year(panel)
    n_bars = ambiguous_bars(own.events)
    if n_bars == 0:
        return {"bars": 0, **measured(own, own, panel, traded.start, per_year)}, None
    unknown = dict.fromkeys(("trades_decided", "trades_changed", "worst", "best"))
    runs_best = parts.config.execution.intrabar == "best"
    try:
        with diary.stage("bounds"), explained(parts.strategy):
            same = own if traded.sure else traded.again(runs_best)
            other = traded.again(not runs_best)
    except StrategyError as error:
        diary.note("no_bounds", error=str(error))
        return {"bars": n_bars, **unknown}, None
    now, then = float(same.equity[-1]), float(own.equity[-1])
    if not abs(now - then) <= SAME * abs(then):
        diary.note("no_bounds", final_equity=then, again=now)
        return {"bars": n_bars, **unknown}, None
    worst, best = (other, own) if runs_best else (own, other)
    numbers = measured(worst, best, panel, traded.start, per_year)
    return {"bars": n_bars, **numbers}, Bounds(worst.equity, best.equity)


def simulate(
    parts: Parts,
    panel: Panel,
    outlook: Outlook,
    diary: Diary,
    *,
    executor: str | None = None,
    finer: Panel | None = None,
    explains: bool = True,
) -> Traded:
    """Trade the forecasts.

    Parameters
    ----------
    parts : Parts
    panel : Panel
    outlook : Outlook
    diary : Diary
    executor : str, optional
        In place of the config's.
    finer : Panel, optional
        For ``execution.intrabar: path``.
    explains : bool
        Whether a strategy that can tell a run on pages of its own is asked to.

    Raises
    ------
    ConfigError
        If the history is too short for a single decision.
    """
    config = parts.config
    if isinstance(parts.strategy, BacktraderStrategy):
        return _simulate_in_cerebro(parts.strategy, config, panel, outlook, diary)
    from tradewind.engine.executors.terms import bars_needed

    start = max(bars_needed(parts.strategy, config) - 1, outlook.first_bar)
    if start >= panel.n_bars - 1:
        raise ConfigError(
            f"{config.name}: the first decision needs {start + 1} closed bars and a bar to trade "
            f"on, the data has {panel.n_bars}; shorten the strategy's window, the sizing's "
            "lookback or walk_forward.train, or give more data"
        )
    if config.rules == "backtrader":
        with diary.stage("simulate"), explained(parts.strategy):
            found = _as_backtrader(parts, panel, outlook, start, executor or config.executor)
        diary.note("simulated", orders=len(found.orders), fills=len(found.fills), start=start)
        return Traded(found, start)
    traded = _by_our_rules(parts, panel, outlook, diary, start, executor or config.executor, finer)
    return _told(traded, parts, panel, outlook, diary) if explains else traded


def _by_our_rules(
    parts: Parts,
    panel: Panel,
    outlook: Outlook,
    diary: Diary,
    start: int,
    executor: str,
    finer: Panel | None,
) -> Traded:
    """Trade under ``rules: tradewind``."""
    from tradewind.engine.executors import reference
    from tradewind.engine.executors import state as states
    from tradewind.engine.executors.bounding import at_bounds
    from tradewind.engine.executors.multiples import Task, around_mids, at_multiples
    from tradewind.engine.executors.paths import path_of
    from tradewind.engine.executors.terms import market as market_terms
    from tradewind.engine.executors.terms import terms as terms_of

    config, strategy = parts.config, parts.strategy
    assert not isinstance(strategy, BacktraderStrategy)  # which runs in Cerebro alone
    with diary.stage("simulate"), explained(strategy):
        terms = terms_of(config, panel, bars_per_year(panel), outlook.signals)
        inputs = strategy.prepare(panel, outlook.signals)
        traded = spreads.traded_on(config.costs.spread, panel)
        path = states.NO_PATH if finer is None else path_of(finer, panel)
        given = market_terms(config, traded, path=path)
        run = reference.simulate
        if executor == "cerebro":
            from tradewind.engine.executors import cerebro

            run = cerebro.simulate
        asked = interpreted(strategy) if executor == "interpreted" else strategy
        found = run(asked, inputs, traded, terms, start=start, market=given)
        if isinstance(strategy, Remarking):
            for line in strategy.remarks(inputs, panel):
                diary.note("note", text=line)
        if isinstance(strategy, Reaching) and not config.account.fractional:
            for line in strategy.beyond_reach(inputs, panel, found.equity, start):
                diary.note("note", text=line)
    half = terms.costs.half_spread
    diary.note("spread", **spreads.recorded(config.costs.spread, panel, half))
    diary.note("simulated", orders=len(found.orders), fills=len(found.fills), start=start)
    again = strategy if executor == "kernel" else interpreted(strategy)  # nobody had it compiled
    task = Task(again, inputs, traded, terms, given, start, bars_per_year(panel))
    mids = around_mids(traded)
    wider = task
    if mids is not traded:
        wider = task._replace(panel=mids, market=market_terms(config, mids, path=path))
    sure = executor == "kernel" and has_rule(strategy)
    bounds = at_bounds(task, config.execution.intrabar)
    return Traded(found, start, at_multiples(wider), mids is traded, bounds, sure)


def _told(traded: Traded, parts: Parts, panel: Panel, outlook: Outlook, diary: Diary) -> Traded:
    """Return the simulation with what the strategy tells of it."""
    strategy = parts.strategy
    if not isinstance(strategy, Explaining):
        return traded
    with diary.stage("explain"):
        inputs = strategy.prepare(panel, outlook.signals)
        seen = spreads.traded_on(parts.config.costs.spread, panel)
        told = strategy.explain(inputs, seen, traded.simulation, traded.start)
    return traded._replace(explanation=told)


def _as_backtrader(
    parts: Parts, panel: Panel, outlook: Outlook, start: int, executor: str
) -> Simulation:
    """Trade under ``rules: backtrader``: its compiled twin, or plain backtrader itself."""
    from tradewind.engine.executors import backtrader_profile

    strategy = parts.strategy
    assert not isinstance(strategy, BacktraderStrategy)  # which runs in Cerebro alone
    options = backtrader_options.options_of(parts.config, panel)
    inputs = strategy.prepare(panel, outlook.signals)
    if executor == "cerebro":
        from tradewind.engine.executors import plain_backtrader

        return plain_backtrader.simulate(strategy, inputs, panel, options, start=start)
    if executor == "interpreted":
        strategy = interpreted(strategy)
    return backtrader_profile.simulate(strategy, inputs, panel, options, start=start)


def _simulate_in_cerebro(
    strategy: BacktraderStrategy, config: RunConfig, panel: Panel, outlook: Outlook, diary: Diary
) -> Traded:
    """Run a user's backtrader strategy, which sizes and decides for itself."""
    with diary.stage("simulate"):
        from tradewind.engine.executors import user_backtrader

        ran = user_backtrader.run(
            strategy, panel, outlook.signals, backtrader_options.options_of(config, panel)
        )
    found, start = ran.simulation, max(ran.first_bar, 0)
    for name, analysis in ran.analyses.items():
        diary.note("analyzer", name=name, analysis=analysis)
    for line in ran.printed:
        diary.note("printed", text=line)
    for line in ran.notes:
        diary.note("note", text=line)
    diary.note("simulated", orders=len(found.orders), fills=len(found.fills), start=start)
    return Traded(found, start)
