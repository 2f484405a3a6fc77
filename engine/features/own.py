"""Features of a symbol's own bars: returns, volatility, range, volume."""

from collections.abc import Callable, Mapping

import numpy as np

from tradewind.engine.features.tape import Tape
from tradewind.engine.records import Floats

VOL_LOOKBACK = 60  # bars of the volatility that scaled returns are measured in
QUIET = 0.01  # of the usual volume: below this, the logarithm would be all about one idle bar


def log_return(tape: Tape, n: int) -> Floats:
    """Log return over the last ``n`` bars, shape (n_rows,)."""
    return tape.shared(
        ("return", n), lambda: np.subtract(tape.log_close, tape.lag(tape.log_close, n))
    )


def volatility(tape: Tape, n: int) -> Floats:
    """Root mean square of the last ``n`` one-bar log returns, shape (n_rows,).

    The mean is taken as zero: over tens of bars its estimate is noise (RiskMetrics 1996).
    """
    return tape.shared(("vol", n), lambda: np.sqrt(tape.mean(log_return(tape, 1) ** 2, n)))


def _scaled_return(tape: Tape, n: int) -> Floats:
    return ratio(log_return(tape, n), volatility(tape, VOL_LOOKBACK) * np.sqrt(n))


def _log_volatility(tape: Tape, n: int) -> Floats:
    return log(volatility(tape, n))


def _volatility_change(tape: Tape, n: int) -> Floats:
    return log(ratio(volatility(tape, n), volatility(tape, 3 * n)))


def _z_score(tape: Tape, n: int) -> Floats:
    mean, std = tape.moments(tape.log_close, n)
    return ratio(tape.log_close - mean, std)


def _relative_volume(tape: Tape, n: int) -> Floats:
    return log(np.maximum(ratio(tape.volume, tape.mean(tape.volume, n)), QUIET))


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


def ratio(a: Floats, b: Floats) -> Floats:
    """Quotient of arrays of one shape; NaN where the divisor is zero."""
    out = np.full(a.shape, np.nan)
    np.divide(a, b, out=out, where=b != 0)
    return out


def log(a: Floats) -> Floats:
    """Logarithm; NaN where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        out: Floats = np.log(a)
    np.copyto(out, np.nan, where=~np.isfinite(out))
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
