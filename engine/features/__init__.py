"""What a forecaster sees: named, causal features.

Every feature of bar t is computed from what was known at the close of bar t, never filled, and
equal to the last bit whether or not later bars are known; NaN where a symbol has no bar or too
little history. ``ta.NAME`` asks for an indicator of the ``ta`` library, ``column.NAME`` for a
column that came with the data, ``rank.``, ``cross_z.``, ``market.``, ``group.`` and
``other.SYMBOL.`` look across symbols, ``calendar.`` and ``ahead_N.`` at the calendar.
"""

from tradewind.engine.features.feature import VERSION, Feature, Table
from tradewind.engine.features.making import refuse_unmakeable
from tradewind.engine.features.names import LONGEST, feature, known
from tradewind.engine.features.own import QUIET, VOL_LOOKBACK, log_return, volatility
from tradewind.engine.features.sharing import share
from tradewind.engine.features.tables import column, compute, is_causal, table, warmup

__all__ = [
    "LONGEST",
    "QUIET",
    "VERSION",
    "VOL_LOOKBACK",
    "Feature",
    "Table",
    "column",
    "compute",
    "feature",
    "is_causal",
    "known",
    "log_return",
    "refuse_unmakeable",
    "share",
    "table",
    "volatility",
    "warmup",
]
