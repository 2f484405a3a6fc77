"""One bar at a time, all symbols at once: the loops behind features that are kept up to date.

Each works in the order of arithmetic of what it stands for, so that every bit is the same: windows
are merged as in :meth:`.tape.Tape.moments`, averages run as in pandas. Arrays are
of shape (..., n_symbols); ``age`` counts a symbol's bars before this one; who has no bar at this
moment (``present``) keeps its state and gets NaN; at age 0 all is forgotten. The numba subset.
"""

from functools import cache
from typing import Any

import numpy as np

from tradewind.engine.compiling import compiled

fast = cache(compiled)  # asked for at every bar


def lag(ring: Any, age: Any, present: Any, values: Any, out: Any) -> None:
    """Value some bars ago; ``ring`` (n, n_symbols) holds the last ``n``."""
    n = ring.shape[0]
    for s in range(len(values)):
        out[s] = np.nan
        if present[s]:
            at = age[s] % n
            if age[s] >= n:
                out[s] = ring[at, s]
            ring[at, s] = values[s]


def mean(means: Any, age: Any, present: Any, values: Any, out: Any) -> None:
    """Mean of the last ``n`` bars; blocks of 1, 2, 4 ... bars are (n_levels, n, n_symbols)."""
    n = means.shape[1]
    for s in range(len(values)):
        out[s] = np.nan
        if not present[s]:
            continue
        a = age[s]
        at = a % n  # a division costs more than all the rest of a level, so it is done once
        block, so_far = values[s], np.nan
        size, level, covered = 1, 0, 0
        while True:
            means[level, at, s] = block
            if n & size:
                if covered:
                    older = np.nan
                    if a >= covered:
                        older = means[level, at - covered if at >= covered else at - covered + n, s]
                    so_far = so_far + (older - so_far) * (size / (covered + size))
                else:
                    so_far = block
                covered += size
            if covered == n:
                break
            older = np.nan
            if a >= size:
                older = means[level, at - size if at >= size else at - size + n, s]
            block = block + (older - block) * (size / (size + size))
            size *= 2
            level += 1
        out[s] = so_far


def moments(
    means: Any, m2s: Any, age: Any, present: Any, values: Any, out: Any, out_std: Any
) -> None:
    """Mean and deviation of the last ``n`` bars; blocks of 1, 2, 4 ... are (n_levels, n, S)."""
    n = means.shape[1]
    for s in range(len(values)):
        out[s] = np.nan
        out_std[s] = np.nan
        if not present[s]:
            continue
        a = age[s]
        at = a % n
        block, block_m2 = values[s], 0.0
        if block != block:
            block_m2 = np.nan
        mean, m2 = np.nan, np.nan
        size, level, covered = 1, 0, 0
        while True:
            means[level, at, s] = block
            m2s[level, at, s] = block_m2
            if n & size:
                if covered:
                    older, older_m2 = np.nan, np.nan
                    if a >= covered:
                        place = at - covered if at >= covered else at - covered + n
                        older = means[level, place, s]
                        older_m2 = m2s[level, place, s]
                    step = older - mean
                    m2 = m2 + older_m2 + step * step * (covered * size / (covered + size))
                    mean = mean + step * (size / (covered + size))
                else:
                    mean, m2 = block, block_m2
                covered += size
            if covered == n:
                break
            older, older_m2 = np.nan, np.nan
            if a >= size:
                place = at - size if at >= size else at - size + n
                older = means[level, place, s]
                older_m2 = m2s[level, place, s]
            step = older - block
            block_m2 = block_m2 + older_m2 + step * step * (size * size / (size + size))
            block = block + step * (size / (size + size))
            size *= 2
            level += 1
        out[s] = mean
        out_std[s] = np.sqrt(m2 / n)


def ewm(
    average: Any,
    weight: Any,
    seen: Any,
    age: Any,
    present: Any,
    values: Any,
    out: Any,
    com: float,
    least: int,
) -> None:
    """Exponential average, as pandas' ``ewm(adjust=False).mean()`` with ``min_periods=least``."""
    alpha = 1.0 / (1.0 + com)
    for s in range(len(values)):
        out[s] = np.nan
        if not present[s]:
            continue
        if age[s] == 0:
            average[s], weight[s], seen[s] = np.nan, 1.0, 0
        now = values[s]
        if np.isinf(now):
            now = np.nan
        if average[s] == average[s]:
            weight[s] *= 1.0 - alpha
            if now == now:
                seen[s] += 1
                if average[s] != now:
                    average[s] = weight[s] * average[s] + alpha * now
                    average[s] /= weight[s] + alpha
                weight[s] = 1.0
        elif now == now:
            seen[s] += 1
            average[s] = now
            weight[s] = 1.0
        if seen[s] >= least:
            out[s] = average[s]


def extreme(
    ring: Any, age: Any, present: Any, values: Any, out: Any, out_at: Any, sign: float
) -> None:
    """Largest (``sign`` 1) or smallest (-1) of the last ``n`` bars, and how many before it."""
    n = ring.shape[0]
    for s in range(len(values)):
        out[s] = np.nan
        out_at[s] = np.nan
        if not present[s]:
            continue
        a = age[s]
        ring[a % n, s] = values[s]
        if a < n - 1:
            continue
        place = (a + 1) % n
        best, at = ring[place, s], 0
        whole = best == best
        for k in range(1, n):
            place = place + 1 if place + 1 < n else 0
            x = ring[place, s]
            whole = whole and x == x
            if sign * x > sign * best:
                best, at = x, k
        if whole:
            out[s] = best
            out_at[s] = at


def rolling(ring: Any, state: Any, age: Any, present: Any, values: Any, out: Any) -> None:
    """Mean of the last ``n`` bars as pandas' ``rolling(n).mean()`` adds up and takes away.

    ``state`` (7, n_symbols): values in the window and their sum; how its adding and its taking away
    are compensated (Kahan); how many values are negative; the last value, and how often in a row.
    """
    n = ring.shape[0]
    for s in range(len(values)):
        out[s] = np.nan
        if not present[s]:
            continue
        if age[s] == 0:
            state[:, s] = 0.0
            state[5, s] = np.nan
        at = age[s] % n
        now, old = values[s], ring[at, s]
        if np.isinf(now):
            now = np.nan
        ring[at, s] = now
        if age[s] >= n and old == old:
            state[0, s] -= 1.0
            y = -old - state[3, s]
            t = state[1, s] + y
            state[3, s] = t - state[1, s] - y
            state[1, s] = t
            if np.signbit(old):
                state[4, s] -= 1.0
        if now == now:
            state[0, s] += 1.0
            y = now - state[2, s]
            t = state[1, s] + y
            state[2, s] = t - state[1, s] - y
            state[1, s] = t
            if np.signbit(now):
                state[4, s] += 1.0
            state[6, s] = state[6, s] + 1.0 if now == state[5, s] else 1.0
            state[5, s] = now
        if state[0, s] >= n:
            out[s] = state[1, s] / state[0, s]
            if state[6, s] >= state[0, s]:
                out[s] = state[5, s]
            elif (state[4, s] == 0.0 and out[s] < 0.0) or (
                state[4, s] == state[0, s] and out[s] > 0.0
            ):
                out[s] = 0.0


def wilder(ring: Any, average: Any, age: Any, present: Any, values: Any, out: Any) -> None:
    """Average that begins as the mean of ``n`` bars and then takes one n-th of each new one."""
    n = ring.shape[0]
    for s in range(len(values)):
        out[s] = np.nan
        if not present[s]:
            continue
        a = age[s]
        if a < n:
            ring[a, s] = values[s]
        if a >= n:
            average[s] = (average[s] * (n - 1) + values[s]) / float(n)
            out[s] = average[s]


def latest(last: Any, since: Any, value: float, limit: int) -> float:
    """Return the last value that is at most ``limit`` rows old; states of shape (1,)."""
    since[0] += 1
    if value == value:
        last[0] = value
        since[0] = 0
    if since[0] <= limit:
        return float(last[0])
    return np.nan
