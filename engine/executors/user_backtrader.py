"""A user's own backtrader strategy in an ordinary Cerebro, with our data and costs.

Orders, matching, cash and account value are backtrader's own, unmodified: the rules are those of
docs/backtrader-rules.md, not those of docs/broker-rules.md. Imports backtrader; imported only where
such a strategy is named.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import backtrader as bt
import numpy as np

from tradewind.engine.books.ledger import fold, known_close
from tradewind.engine.errors import ConfigError, StrategyError
from tradewind.engine.executors.backtrader_feed import feeds_of, taken
from tradewind.engine.executors.backtrader_options import Options
from tradewind.engine.executors.backtrader_record import RecordingBroker
from tradewind.engine.executors.plain_parts import broker_of, session_end_of, sizer_of
from tradewind.engine.executors.user_errors import translated
from tradewind.engine.executors.user_output import printing
from tradewind.engine.executors.user_strategy import BacktraderStrategy
from tradewind.engine.jsonable import jsonable
from tradewind.engine.protocols import Signals
from tradewind.engine.records import EVENT, Floats, Panel, Records, Simulation
from tradewind.engine.types import Happening


@dataclass(frozen=True, slots=True)
class UserRun:
    """What a user's strategy did.

    Attributes
    ----------
    simulation : Simulation
    first_bar : int
        First bar at whose close the strategy decided.
    notes : tuple of str
        What a reader of the report must know.
    printed : tuple of str
        What the code printed.
    analyses : mapping of str to Any
        Analyzers' results by name, plain values.
    """

    simulation: Simulation
    first_bar: int
    notes: tuple[str, ...]
    printed: tuple[str, ...]
    analyses: Mapping[str, Any]


def run(strategy: BacktraderStrategy, panel: Panel, signals: Signals, options: Options) -> UserRun:
    """Run a strategy over a panel.

    Parameters
    ----------
    strategy : BacktraderStrategy
    panel : Panel
    signals : Signals
        Become lines of the feeds.
    options : Options
        Of the broker, the sizer and the feeds.

    Raises
    ------
    StrategyError
        For whatever the user's code raises, with its file and line; for an order or a setting that
        the run's records have no place for.
    ConfigError
        If the history is too short for one decision.
    InvariantError
        If the account value that backtrader reports is not what its fills come to.
    """
    cerebro, broker = _cerebro(panel, signals, options)

    def when() -> str:
        return "" if broker.stepped < 0 else f"bar {broker.stepped} ({panel.dates[broker.stepped]})"

    name, home = strategy.cls.__name__, inspect.getsourcefile(strategy.cls) or ""
    with printing() as printed, translated(name, home, when):
        cerebro.addstrategy(strategy.cls, **strategy.kwargs)
        if strategy.setup is not None:
            strategy.setup(cerebro)
        if broker.stepped >= 0:
            raise StrategyError("the setup ran the Cerebro itself; leave cerebro.run() out of it")
        _give_signals(cerebro, strategy)
        _check(cerebro, broker)
        ran = cerebro.run()
        _check(cerebro, broker)
    if not ran:
        raise StrategyError(f"{name}: skipped itself (StrategySkipError), so nothing was run")
    first = _first_bar(broker, ran, panel, name)
    simulation = _simulation(broker, panel, options.cash)
    notes = _notes(broker, panel, signals)
    return UserRun(simulation, first, notes, _lines(printed), _analyses(ran))


def _cerebro(panel: Panel, signals: Signals, options: Options) -> tuple[Any, Any]:
    """Cerebro with its defaults, our feeds and the broker that writes down what it does."""
    cerebro = bt.Cerebro(cheat_on_open=options.broker.coo)
    broker = broker_of(options, panel.symbols, RecordingBroker)
    cerebro.setbroker(broker)
    feeds, rows = feeds_of(panel, signals, session_end_of(options))
    for feed, symbol in zip(feeds, panel.symbols, strict=True):
        cerebro.adddata(feed, name=symbol)
    sizer, params = sizer_of(options)
    cerebro.addsizer(sizer, **params)
    broker.attach(feeds, rows, panel.n_bars, options.spread_share)
    return cerebro, broker


def _give_signals(cerebro: Any, strategy: BacktraderStrategy) -> None:
    """Make the strategy the one that ``cerebro.add_signal`` is for, where signals were added."""
    if cerebro.signals and issubclass(strategy.cls, bt.SignalStrategy):
        del cerebro.strats[0]
        cerebro.signal_strategy(strategy.cls, **strategy.kwargs)


def _check(cerebro: Any, broker: Any) -> None:
    """Refuse what would make the config, the data or the records of the run untrue."""
    if cerebro.broker is not broker:
        raise StrategyError(
            "another broker was put in; the account is that of the config: leave setbroker out"
        )
    if broker.terms() != broker.ours:
        raise StrategyError(
            "cash, commission or slippage of the broker were changed; say them in the config, "
            "where the report and 'tradewind compare' find them: account.cash, costs.fee_bps, "
            "costs.spread.bps, costs.slippage_bps, costs.borrow_annual"
        )
    if cerebro._dooptimize:
        raise StrategyError("optstrategy: a run is one strategy with one set of parameters")
    filtered = [feed._name for feed in broker.feeds if feed._filters]
    if filtered:
        raise StrategyError(
            f"a filter changes the bars of {filtered[0]}, which then are not those of the run; "
            "filter a copy: cerebro.adddata(data.clone()).addfilter(...)"
        )


def _first_bar(broker: Any, ran: Any, panel: Panel, name: str) -> int:
    """First bar at which ``next`` was called or an order was sent."""
    first = broker.first
    if first < 0 and any(strategy._minperstatus <= 0 for strategy in ran):
        first = broker.stepped
    decided = [bar for _, _, bar in broker.sent]
    first = min(first if first >= 0 else panel.n_bars, *decided, panel.n_bars)
    if first >= panel.n_bars - 1:
        most = max((max(strategy._minperiods) for strategy in ran), default=1)
        raise ConfigError(
            f"{name}: needs {most} bars of every feed before its first decision and a bar to trade "
            f"on; the data has {panel.n_bars}: shorten its indicators or give more data"
        )
    return max(int(first), 0)


def _simulation(broker: Any, panel: Panel, cash: float) -> Simulation:
    orders, fills = broker.order_records(panel.ends), broker.fill_records()
    equity = _whole(broker, panel, fills)
    return fold(panel, cash, equity, orders, fills, _carry(broker.borrow))


def _whole(broker: Any, panel: Panel, fills: Records) -> Floats:
    """Account value at every bar; where a strategy ended the run, what it held goes on."""
    equity = np.array(broker.equity)
    last = broker.stepped
    rows = np.where(broker.seen, np.arange(panel.n_bars), -1)
    rows = np.maximum.accumulate(rows)
    equity[rows < 0] = broker.p.cash
    equity[rows >= 0] = broker.equity[rows[rows >= 0]]
    if last < panel.n_bars - 1:
        units = np.bincount(fills["symbol"], weights=fills["qty"], minlength=panel.n_symbols)
        for k in np.flatnonzero(units):
            close = known_close(panel.close[:, k])
            equity[last + 1 :] += units[k] * (close[last + 1 :] - close[last])
    return equity


def _carry(borrow: Floats) -> Records:
    """Interest on shorts as events."""
    bars = np.flatnonzero(borrow)
    events = np.zeros(len(bars), EVENT)
    events["bar"], events["symbol"], events["kind"] = bars, -1, Happening.BORROW
    events["amount"] = -borrow[bars]
    return events


def _notes(broker: Any, panel: Panel, signals: Signals) -> tuple[str, ...]:
    """What differs from the rules of tradewind, and from stock settings of backtrader."""
    notes = [
        "the strategy is backtrader's and ran in its Cerebro: orders are matched by backtrader's "
        "own rules (docs/backtrader-rules.md), half-spread and slippage are one percentage there"
    ]
    for name, found in broker.settings().items():
        if found != broker.given[name]:
            notes.append(f"the strategy's code set {name} of the broker to {_shown(found)}")
    if broker.stale:
        notes.append(
            f"fills on a bar that was over before: {broker.stale}; of several symbols, backtrader "
            "matches limits and stops again on the last bar of one that has none now"
        )
    if broker.p.coc or broker.p.coo:
        notes.append("with coc or coo orders fill at prices the decision had already seen")
    if broker.stepped < panel.n_bars - 1 and not np.isnan(panel.close[-1]).all():
        notes.append(f"the strategy stopped the run at {panel.dates[broker.stepped]} (runstop)")
    lost = [name for name in panel.columns if taken(name)]
    if lost:
        notes.append(f"columns named as an attribute of a feed are no lines: {', '.join(lost)}")
    return tuple(notes)


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, bool | int | float) else type(value).__name__


def _lines(printed: Any) -> tuple[str, ...]:
    more = [f"... and {printed.dropped:,} lines more"] if printed.dropped else []
    return (*printed.lines, *more)


def _analyses(ran: Any) -> dict[str, Any]:
    """Results of the analyzers that the user's setup added."""
    found = {}
    for strategy in ran:
        for name, analyzer in zip(strategy.analyzers._names, strategy.analyzers, strict=True):
            found[name] = jsonable(_plain(analyzer.get_analysis()))
    return found


def _plain(value: Any) -> Any:
    """Builtins from backtrader's dictionaries, which answer every question for an attribute."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    return value
