"""The public face of the engine; what is not named here may change.

A name is loaded when it is first asked for, so that importing the face costs nothing. No module
inside engine imports it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind.engine.bars.adjusting import forward_adjusted
    from tradewind.engine.bars.resampling import resample
    from tradewind.engine.bars.timeframes import Timeframe, finished
    from tradewind.engine.config.file import load as load_config
    from tradewind.engine.config.run import RunConfig
    from tradewind.engine.errors import (
        CheckpointError,
        ConfigError,
        DataError,
        ForecastError,
        InvariantError,
        MalformedPayloadError,
        OutsideError,
        PartialUniverseError,
        ProviderDownError,
        RateLimitedError,
        RunError,
        StoreError,
        StrategyError,
        TooLittleHistoryError,
        TradewindError,
        UnknownSymbolError,
    )
    from tradewind.engine.executors.batch import simulate_many
    from tradewind.engine.feeds import load as load_history
    from tradewind.engine.intents import cancel, order, replace, target
    from tradewind.engine.progress import Progress
    from tradewind.engine.protocols import (
        Book,
        Broker,
        Checkpointed,
        CompiledStrategy,
        Continuing,
        Divisible,
        Feed,
        Forecaster,
        Forecasts,
        Resumable,
        Rule,
        Selector,
        Signals,
        Strategy,
        View,
        Watched,
    )
    from tradewind.engine.records import Panel, Simulation
    from tradewind.engine.report.folder import read as read_run
    from tradewind.engine.report.run import Run
    from tradewind.engine.runner import backtest, reproduce, train, verify
    from tradewind.engine.types import (
        Action,
        Bar,
        Fill,
        Forecast,
        Intent,
        Order,
        OrderType,
        Quote,
        Reason,
        TimeInForce,
    )

__all__ = [
    "Action",
    "Bar",
    "Book",
    "Broker",
    "CheckpointError",
    "Checkpointed",
    "CompiledStrategy",
    "ConfigError",
    "Continuing",
    "DataError",
    "Divisible",
    "Feed",
    "Fill",
    "Forecast",
    "ForecastError",
    "Forecaster",
    "Forecasts",
    "Intent",
    "InvariantError",
    "MalformedPayloadError",
    "Order",
    "OrderType",
    "OutsideError",
    "Panel",
    "PartialUniverseError",
    "Progress",
    "ProviderDownError",
    "Quote",
    "RateLimitedError",
    "Reason",
    "Resumable",
    "Rule",
    "Run",
    "RunConfig",
    "RunError",
    "Selector",
    "Signals",
    "Simulation",
    "StoreError",
    "Strategy",
    "StrategyError",
    "TimeInForce",
    "Timeframe",
    "TooLittleHistoryError",
    "TradewindError",
    "UnknownSymbolError",
    "View",
    "Watched",
    "backtest",
    "cancel",
    "finished",
    "forward_adjusted",
    "load_config",
    "load_history",
    "order",
    "read_run",
    "replace",
    "reproduce",
    "resample",
    "simulate_many",
    "target",
    "train",
    "verify",
]

_HOMES = {
    "bars.adjusting": ["forward_adjusted"],
    "config.run": ["RunConfig"],
    "config.file": ["load_config=load"],
    "errors": [name for name in __all__ if name.endswith("Error")],
    "executors.batch": ["simulate_many"],
    "feeds": ["load_history=load"],
    "intents": ["cancel", "order", "replace", "target"],
    "progress": ["Progress"],
    "protocols": [
        "Book",
        "Broker",
        "Checkpointed",
        "CompiledStrategy",
        "Continuing",
        "Divisible",
        "Feed",
        "Forecaster",
        "Forecasts",
        "Resumable",
        "Rule",
        "Selector",
        "Signals",
        "Strategy",
        "View",
        "Watched",
    ],
    "records": ["Panel", "Simulation"],
    "report.folder": ["read_run=read"],
    "report.run": ["Run"],
    "bars.resampling": ["resample"],
    "runner": ["backtest", "reproduce", "train", "verify"],
    "bars.timeframes": ["Timeframe", "finished"],
    "types": [
        "Action",
        "Bar",
        "Fill",
        "Forecast",
        "Intent",
        "Order",
        "OrderType",
        "Quote",
        "Reason",
        "TimeInForce",
    ],
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        for entry in names:
            shown, _, held = entry.partition("=")
            if shown == name:
                return getattr(import_module(f"{__name__}.{module}"), held or shown)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
