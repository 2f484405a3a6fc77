"""Indicators of ``ta`` one bar at a time, to the last bit of what ``ta`` makes of all bars at once.

The definitions and their order of arithmetic are those of ``ta`` 0.11 and of pandas' moving
windows; tests hold every one of them to it. An indicator that is not here is made anew from all
bars that were kept: those on Bollinger's deviations, say, because pandas begins a variance anew
where it judges its rounding to have grown too large.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np

from tradewind.engine.features import steps
from tradewind.engine.records import Bools, Floats, Ints


class Newest(Protocol):
    """What a recurrence asks of a tape of one bar."""

    @property
    def age(self) -> Ints:
        """Bars before this one, shape (n_symbols,)."""
        ...

    @property
    def present(self) -> Bools:
        """Who has a bar, shape (n_symbols,)."""
        ...

    @property
    def high(self) -> Floats:
        """Highs, shape (n_symbols,)."""
        ...

    @property
    def low(self) -> Floats:
        """Lows, shape (n_symbols,)."""
        ...

    @property
    def close(self) -> Floats:
        """Closes, shape (n_symbols,)."""
        ...

    @property
    def log_close(self) -> Floats:
        """Their logarithms, shape (n_symbols,)."""
        ...

    @property
    def volume(self) -> Floats:
        """Volumes, shape (n_symbols,)."""
        ...

    def lag(self, values: Floats, n: int) -> Floats:
        """Value ``n`` bars earlier."""
        ...

    def past(self, kind: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Arrays that the next call remembers by."""
        ...

    def empty(self) -> Floats:
        """Place for one value a symbol."""
        ...


Recurrence = Callable[[Newest], Floats]


def ewm(tape: Newest, values: Floats, com: float, least: int) -> Floats:
    """Exponential average with centre of mass ``com``, once ``least`` values are there."""
    n = len(tape.age)
    slot = tape.past(
        f"ewm {com} {least}",
        lambda: {"average": np.full(n, np.nan), "weight": np.ones(n), "seen": np.zeros(n, int)},
    )
    out = tape.empty()
    run = steps.fast(steps.ewm)
    state = slot["average"], slot["weight"], slot["seen"]
    run(*state, tape.age, tape.present, values, out, com, least)
    return out


def ema(tape: Newest, values: Floats, span: int) -> Floats:
    """``ta``'s moving average: of a span, once as many values are there."""
    return ewm(tape, values, (span - 1) / 2, span)


def extreme(tape: Newest, values: Floats, n: int, sign: float) -> tuple[Floats, Floats]:
    """(largest or smallest of the last ``n`` bars, how many bars of the window precede it)."""
    slot = tape.past(f"extreme {n}", lambda: {"ring": np.full((n, len(tape.age)), np.nan)})
    out, at = tape.empty(), tape.empty()
    run = steps.fast(steps.extreme)
    run(slot["ring"], tape.age, tape.present, values, out, at, sign)
    return out, at


def rolling(tape: Newest, values: Floats, n: int) -> Floats:
    """Mean of the last ``n`` bars, as pandas adds them up."""
    count = len(tape.age)

    def nothing() -> dict[str, Floats]:
        state = np.zeros((7, count))
        state[5] = np.nan
        return {"ring": np.full((n, count), np.nan), "state": state}

    slot = tape.past(f"rolling {n}", nothing)
    out = tape.empty()
    steps.fast(steps.rolling)(slot["ring"], slot["state"], tape.age, tape.present, values, out)
    return out


def _rsi(tape: Newest, n: int = 14) -> Floats:
    step = tape.close - tape.lag(tape.close, 1)
    com = (1 - 1 / n) / (1 / n)
    up = ewm(tape, np.where(step > 0, step, 0.0), com, n)
    down = ewm(tape, -np.where(step < 0, step, 0.0), com, n)
    return np.where(down == 0, 100, 100 - (100 / (1 + up / down)))


def _stochastic_rsi(tape: Newest, smooth: int) -> Floats:
    rsi = _rsi(tape)
    low = extreme(tape, rsi, 14, -1.0)[0]
    out = (rsi - low) / (extreme(tape, rsi, 14, 1.0)[0] - low)
    for _ in range(smooth):
        out = rolling(tape, out, 3)
    return out


def _tsi(tape: Newest) -> Floats:
    step = tape.close - tape.lag(tape.close, 1)
    smoothed = ema(tape, ema(tape, step, 25), 13)
    return smoothed / ema(tape, ema(tape, np.abs(step), 25), 13) * 100


def _stochastic(tape: Newest, smooth: int) -> Floats:
    low, high = extreme(tape, tape.low, 14, -1.0)[0], extreme(tape, tape.high, 14, 1.0)[0]
    out = 100 * (tape.close - low) / (high - low)
    return rolling(tape, out, 3) if smooth else out


def _williams(tape: Newest) -> Floats:
    high, low = extreme(tape, tape.high, 14, 1.0)[0], extreme(tape, tape.low, 14, -1.0)[0]
    return -100 * (high - tape.close) / (high - low)


def _rate_of_change(tape: Newest) -> Floats:
    before = tape.lag(tape.close, 12)
    return ((tape.close - before) / before) * 100


def _percentage_oscillator(tape: Newest, field: str, part: str) -> Floats:
    values = tape.close if field == "close" else tape.volume
    fast, slow = ema(tape, values, 12), ema(tape, values, 26)
    out = ((fast - slow) / slow) * 100
    signal = ema(tape, out, 9)
    return {"line": out, "signal": signal, "hist": out - signal}[part]


def _macd(tape: Newest, part: str) -> Floats:
    line = ema(tape, tape.close, 12) - ema(tape, tape.close, 26)
    signal = ema(tape, line, 9)
    return {"line": line, "signal": signal, "diff": line - signal}[part]


def _awesome(tape: Newest) -> Floats:
    median = 0.5 * (tape.high + tape.low)
    return rolling(tape, median, 5) - rolling(tape, median, 34)


def _moving_average(tape: Newest, n: int) -> Floats:
    return rolling(tape, tape.close, n)


def _exponential_average(tape: Newest, n: int) -> Floats:
    return ema(tape, tape.close, n)


def _aroon(tape: Newest, part: str) -> Floats:
    up: Floats = extreme(tape, tape.high, 26, 1.0)[1] / 25 * 100
    down: Floats = extreme(tape, tape.low, 26, -1.0)[1] / 25 * 100
    return {"up": up, "down": down, "both": up - down}[part]


def _average_true_range(tape: Newest, n: int = 10) -> Floats:
    before = tape.lag(tape.close, 1)
    parts = (tape.high - tape.low, np.abs(tape.high - before), np.abs(tape.low - before))
    true_range = np.fmax(np.fmax(parts[0], parts[1]), parts[2])
    count = len(tape.age)
    slot = tape.past(
        "wilder", lambda: {"ring": np.full((n, count), np.nan), "average": np.full(count, np.nan)}
    )
    out = tape.empty()
    ring, average = slot["ring"], slot["average"]
    steps.fast(steps.wilder)(ring, average, tape.age, tape.present, true_range, out)
    for s in np.flatnonzero(tape.present & (tape.age == n - 1)):
        average[s] = out[s] = np.ascontiguousarray(ring[:, s]).sum() / n
    return out


def _donchian(tape: Newest, part: str) -> Floats:
    high, low = extreme(tape, tape.high, 20, 1.0)[0], extreme(tape, tape.low, 20, -1.0)[0]
    if part == "width":
        return ((high - low) / rolling(tape, tape.close, 20)) * 100
    if part == "place":
        return (tape.close - low) / (high - low)
    return {"high": high, "low": low, "middle": ((high - low) / 2.0) + low}[part]


def _daily_return(tape: Newest) -> Floats:
    return ((tape.close / tape.lag(tape.close, 1)) - 1) * 100


def _daily_log_return(tape: Newest) -> Floats:
    return (tape.log_close - tape.lag(tape.log_close, 1)) * 100


RECURRENCES: Mapping[str, Recurrence] = {
    "momentum_rsi": _rsi,
    "momentum_stoch_rsi": partial(_stochastic_rsi, smooth=0),
    "momentum_stoch_rsi_k": partial(_stochastic_rsi, smooth=1),
    "momentum_stoch_rsi_d": partial(_stochastic_rsi, smooth=2),
    "momentum_tsi": _tsi,
    "momentum_stoch": partial(_stochastic, smooth=0),
    "momentum_stoch_signal": partial(_stochastic, smooth=1),
    "momentum_wr": _williams,
    "momentum_roc": _rate_of_change,
    "momentum_ppo": partial(_percentage_oscillator, field="close", part="line"),
    "momentum_ppo_signal": partial(_percentage_oscillator, field="close", part="signal"),
    "momentum_ppo_hist": partial(_percentage_oscillator, field="close", part="hist"),
    "momentum_pvo": partial(_percentage_oscillator, field="volume", part="line"),
    "momentum_pvo_signal": partial(_percentage_oscillator, field="volume", part="signal"),
    "momentum_pvo_hist": partial(_percentage_oscillator, field="volume", part="hist"),
    "momentum_ao": _awesome,
    "trend_macd": partial(_macd, part="line"),
    "trend_macd_signal": partial(_macd, part="signal"),
    "trend_macd_diff": partial(_macd, part="diff"),
    "trend_ema_fast": partial(_exponential_average, n=12),
    "trend_ema_slow": partial(_exponential_average, n=26),
    "trend_sma_fast": partial(_moving_average, n=12),
    "trend_sma_slow": partial(_moving_average, n=26),
    "trend_aroon_up": partial(_aroon, part="up"),
    "trend_aroon_down": partial(_aroon, part="down"),
    "trend_aroon_ind": partial(_aroon, part="both"),
    "volatility_atr": _average_true_range,
    "volatility_bbm": partial(_moving_average, n=20),
    "volatility_dch": partial(_donchian, part="high"),
    "volatility_dcl": partial(_donchian, part="low"),
    "volatility_dcm": partial(_donchian, part="middle"),
    "volatility_dcw": partial(_donchian, part="width"),
    "volatility_dcp": partial(_donchian, part="place"),
    "others_dr": _daily_return,
    "others_dlr": _daily_log_return,
}
