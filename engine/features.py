"""What a forecaster sees: named, causal features of a symbol's own bars.

Every feature of bar t is computed from bars up to t of the same symbol, never filled, and equal to
the last bit whether or not later bars are known; NaN where a symbol has no bar or too little
history. ``ta.NAME`` asks for an indicator of the ``ta`` library, ``column.NAME`` for a column that
came with the data.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

import numpy as np

from tradewind.engine import indicators
from tradewind.engine.causality import first_leak
from tradewind.engine.errors import ConfigError, DataError
from tradewind.engine.records import Floats, Panel
from tradewind.engine.ta_columns import INDICATORS
from tradewind.engine.tape import Tape, lay

VERSION = 1  # raised whenever a feature of the same name begins to mean something else
LONGEST = 5_000  # bars; a longer lag is a slip of the pen
VOL_LOOKBACK = 60  # bars of the volatility that scaled returns are measured in
QUIET = 0.01  # of the usual volume: below this, the logarithm would be all about one idle bar


@dataclass(frozen=True, slots=True)
class Feature:
    """A named function of a symbol's past.

    Attributes
    ----------
    name : str
    warmup : int
        Bars of its own, the present one included, that a symbol needs before it has a value.
    compute : callable
        From a tape to one value per row; NaN where there is none.
    """

    name: str
    warmup: int
    compute: Callable[[Tape], Floats]


@dataclass(frozen=True, slots=True)
class Table:
    """Features of every bar, symbol after symbol.

    Attributes
    ----------
    tape : Tape
        Which bar each row is.
    names : tuple of str
        Name of each column.
    values : ndarray of float64, shape (n_rows, n_features)
    """

    tape: Tape
    names: tuple[str, ...]
    values: Floats


def log_return(tape: Tape, n: int) -> Floats:
    """Log return over the last ``n`` bars, shape (n_rows,)."""
    return tape.log_close - tape.lag(tape.log_close, n)


def volatility(tape: Tape, n: int) -> Floats:
    """Root mean square of the last ``n`` one-bar log returns, shape (n_rows,).

    The mean is taken as zero: over tens of bars its estimate is noise (RiskMetrics 1996).
    """
    mean_square, _ = tape.moments(log_return(tape, 1) ** 2, n)
    out: Floats = np.sqrt(mean_square)
    return out


def _scaled_return(tape: Tape, n: int) -> Floats:
    return _ratio(log_return(tape, n), volatility(tape, VOL_LOOKBACK) * np.sqrt(n))


def _log_volatility(tape: Tape, n: int) -> Floats:
    return _log(volatility(tape, n))


def _volatility_change(tape: Tape, n: int) -> Floats:
    return _log(_ratio(volatility(tape, n), volatility(tape, 3 * n)))


def _z_score(tape: Tape, n: int) -> Floats:
    mean, std = tape.moments(tape.log_close, n)
    return _ratio(tape.log_close - mean, std)


def _relative_volume(tape: Tape, n: int) -> Floats:
    usual, _ = tape.moments(tape.volume, n)
    return _log(np.maximum(_ratio(tape.volume, usual), QUIET))


def _range(tape: Tape) -> Floats:
    return np.log(tape.high) - np.log(tape.low)


def _gap(tape: Tape) -> Floats:
    return np.log(tape.open) - tape.lag(tape.log_close, 1)


def _body(tape: Tape) -> Floats:
    return tape.log_close - np.log(tape.open)


def _location(tape: Tape) -> Floats:
    spread = tape.high - tape.low
    out = np.full(tape.n_rows, 0.5)
    np.divide(tape.close - tape.low, spread, out=out, where=spread > 0)
    return out


def _ratio(a: Floats, b: Floats) -> Floats:
    """Quotient; NaN where the divisor is zero."""
    out = np.full(len(a), np.nan)
    np.divide(a, b, out=out, where=b != 0)
    return out


def _log(a: Floats) -> Floats:
    """Logarithm; NaN where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        out: Floats = np.log(a)
    out[~np.isfinite(out)] = np.nan
    return out


# name -> (function, one line for the list of features)
PLAIN: Mapping[str, tuple[Callable[[Tape], Floats], int, str]] = {
    "range": (_range, 1, "log(high / low)"),
    "gap": (_gap, 2, "log(open / previous close)"),
    "body": (_body, 1, "log(close / open)"),
    "location": (
        _location,
        1,
        "where the close lies between low (0) and high (1); 0.5 where they are equal",
    ),
}
# name without its number -> (function, bars needed for n, smallest n, one line)
LAGGED: Mapping[str, tuple[Callable[[Tape, int], Floats], Callable[[int], int], int, str]] = {
    "return": (log_return, lambda n: n + 1, 1, "log return over n bars"),
    "scaled_return": (
        _scaled_return,
        lambda n: max(n, VOL_LOOKBACK) + 1,
        1,
        f"the same in units of {VOL_LOOKBACK}-bar volatility times sqrt(n)",
    ),
    "vol": (volatility, lambda n: n + 1, 2, "root mean square of n one-bar log returns"),
    "log_vol": (_log_volatility, lambda n: n + 1, 2, "its logarithm"),
    "vol_change": (
        _volatility_change,
        lambda n: 3 * n + 1,
        2,
        "log of n-bar over 3n-bar volatility",
    ),
    "z": (_z_score, lambda n: n, 2, "log close against its n-bar mean, in standard deviations"),
    "volume": (_relative_volume, lambda n: n, 2, "log of volume over its n-bar mean"),
}


def known() -> dict[str, str]:
    """Every feature with what it is; ``N`` stands for a number of bars."""
    listing = {f"{name}_N": row[3] for name, row in LAGGED.items()}
    listing |= {name: row[2] for name, row in PLAIN.items()}
    listing |= {f"ta.{name}": f"ta.{r.path}.{r.method}" for name, r in INDICATORS.items()}
    return listing


def feature(name: str) -> Feature:
    """Look up a feature.

    Parameters
    ----------
    name : str
        ``range``, ``return_5``, ``ta.momentum_rsi``, ``column.spread`` ...

    Raises
    ------
    ConfigError
        If there is none of that name or it may not be used; the message says why.
    """
    if name in PLAIN:
        return Feature(name, PLAIN[name][1], PLAIN[name][0])
    if name.startswith("ta."):
        bare, filled, _ = name.removeprefix("ta.").partition(":fillna")
        recipe = indicators.indicator(bare, fillna=bool(filled))
        return Feature(name, recipe.warmup, partial(indicators.compute, bare))
    if name.startswith("column."):
        return Feature(name, 1, partial(_column, name=name.removeprefix("column.")))
    found = re.fullmatch(r"([a-z_]+)_(\d+)", name)
    if found is None or found[1] not in LAGGED:
        raise ConfigError(f"features: unknown feature {name!r}{_hint(name)}")
    compute, needs, least, _ = LAGGED[found[1]]
    n = int(found[2])
    if not least <= n <= LONGEST:
        raise ConfigError(f"features: {name} spans {n} bars; wanted {least} to {LONGEST}")
    return Feature(name, needs(n), partial(_lagged, function=compute, n=n))


def _lagged(tape: Tape, *, function: Callable[[Tape, int], Floats], n: int) -> Floats:
    return function(tape, n)


def _column(tape: Tape, *, name: str) -> Floats:
    columns = tape.panel.columns
    if name not in columns:
        held = ", ".join(columns) or "none"
        raise DataError(f"features: the data has no column {name!r}; further columns: {held}")
    return tape.take(columns[name])


def _hint(name: str) -> str:
    number = re.search(r"\d+$", name)
    choices = {k.replace("_N", f"_{number[0]}" if number else "_5"): k for k in known()}
    choices |= {k.removeprefix("ta."): k for k in known() if k.startswith("ta.")}
    near = get_close_matches(name, choices, 1)
    if near:
        close = near[0] if not choices[near[0]].startswith("ta.") else choices[near[0]]
        return f" (did you mean {close!r}?)"
    return "; they are return_N, scaled_return_N, vol_N ..., see docs/forecasting.md"


def warmup(names: Sequence[str]) -> int:
    """Bars a symbol needs before all of these features have a value."""
    return max((feature(name).warmup for name in names), default=1)


def table(panel: Panel, names: Sequence[str]) -> Table:
    """Features of every bar a panel has, without its holes.

    Parameters
    ----------
    panel : Panel
    names : sequence of str

    Returns
    -------
    Table
        Values of shape (n_rows, n_features).

    Raises
    ------
    ConfigError
        For a feature that is unknown or may not be used.
    """
    tape = lay(panel)
    values = np.empty((tape.n_rows, len(names)))
    for k, name in enumerate(names):
        values[:, k] = feature(name).compute(tape)
    return Table(tape, tuple(names), values)


def compute(panel: Panel, names: Sequence[str]) -> Floats:
    """Features on the panel's own clock.

    Parameters
    ----------
    panel : Panel
    names : sequence of str

    Returns
    -------
    ndarray of float64, shape (n_bars, n_symbols, n_features)
        NaN where a symbol has no bar or too little history.
    """
    made = table(panel, names)
    return made.tape.spread(made.values)


def is_causal(name: str, panel: Panel, *, cuts: Sequence[int] | None = None) -> bool:
    """Whether no value of a feature changes when later bars become known, bit by bit.

    Parameters
    ----------
    name : str
    panel : Panel
        History to try it on.
    cuts : sequence of int, optional
        See :func:`tradewind.engine.causality.first_leak`.
    """
    return first_leak(lambda p: compute(p, (name,))[:, :, 0], panel, cuts=cuts) is None
