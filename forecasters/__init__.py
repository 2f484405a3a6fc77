"""Forecasters: from the past of a panel to the log return of its next bars.

The face loads a family when it is first asked for: torch costs over a second.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind.forecasters.attentive import PatchTst, Transformer
    from tradewind.forecasters.autoregression import Ar
    from tradewind.forecasters.baselines import Drift, Ewma, Naive
    from tradewind.forecasters.boosting import LightGbm
    from tradewind.forecasters.classical import AutoArima, AutoEts
    from tradewind.forecasters.convolutional import Tcn
    from tradewind.forecasters.live import LiveForecaster
    from tradewind.forecasters.recurrent import Gru, Lstm, LstmAttention, Rnn
    from tradewind.forecasters.ridge import Ridge
    from tradewind.forecasters.scikit import ScikitLearn
    from tradewind.forecasters.sums import DLinear, Nhits, NLinear
    from tradewind.forecasters.tabular import TabularForecaster
    from tradewind.forecasters.windowed import WindowedForecaster
    from tradewind.forecasters.zero_shot import Chronos

__all__ = [
    "Ar",
    "AutoArima",
    "AutoEts",
    "Chronos",
    "DLinear",
    "Drift",
    "Ewma",
    "Gru",
    "LightGbm",
    "LiveForecaster",
    "Lstm",
    "LstmAttention",
    "NLinear",
    "Naive",
    "Nhits",
    "PatchTst",
    "Ridge",
    "Rnn",
    "ScikitLearn",
    "TabularForecaster",
    "Tcn",
    "Transformer",
    "WindowedForecaster",
]

_HOMES = {
    "Ar": "autoregression",
    "AutoArima": "classical",
    "AutoEts": "classical",
    "Chronos": "zero_shot",
    "DLinear": "sums",
    "Drift": "baselines",
    "Ewma": "baselines",
    "Gru": "recurrent",
    "LightGbm": "boosting",
    "LiveForecaster": "live",
    "Lstm": "recurrent",
    "LstmAttention": "recurrent",
    "NLinear": "sums",
    "Naive": "baselines",
    "Nhits": "sums",
    "PatchTst": "attentive",
    "Ridge": "ridge",
    "Rnn": "recurrent",
    "ScikitLearn": "scikit",
    "TabularForecaster": "tabular",
    "Tcn": "convolutional",
    "Transformer": "attentive",
    "WindowedForecaster": "windowed",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
