"""One bar of a recurrent network for many symbols, as a compiled loop over plain numbers.

Symbols go through in blocks of four, the last one filled up, always by the same instructions: the
bits of a symbol's state depend on nothing but its own history. Four, because a weight that was
loaded then serves four symbols, and four inputs share one pass over the sums; on a 2-core Xeon that
is 214 us for 500 symbols of 64 units, against 396 one by one.
"""

import math

import numpy as np

from tradewind.engine.compiling import fused, inlined, lean
from tradewind.engine.records import Floats, Ints
from tradewind.forecasters.readings import LOG_STD_LIMIT, SCORE_LIMIT
from tradewind.forecasters.serving.layout import CELLS, LIMIT

RNN, GRU, LSTM = (CELLS.index(cell) for cell in ("rnn", "gru", "lstm"))
BLOCK = 4  # symbols, and inputs, at a time
# Columns of ``shape``, what a kernel must know of a network.
CELL, N_FEATURES, N_TRAITS, HIDDEN, LAYERS, SPAN, N_OUTPUTS, HEAD, LEAST = range(9)
# What outputs mean, as ``readings`` has it; OTHER is read there.
OTHER, GAUSSIAN, DIRECTION, VOLATILITY, POSITION = range(5)

# tanh x = x P(x^2) / Q(x^2) on [-9, 9], a minimax fit of our own; largest error 2e-8.
P0, P1, P2, P3, P4 = (
    np.float32(9.99999904e-01), np.float32(1.33718578e-01), np.float32(3.48499615e-03),
    np.float32(2.04459310e-05), np.float32(1.31486411e-08),
)  # fmt: skip
Q1, Q2, Q3, Q4 = (
    np.float32(4.67051539e-01), np.float32(2.58359323e-02), np.float32(3.26880088e-04),
    np.float32(7.68803905e-07),
)  # fmt: skip
NONE, HALF, ONE, FAR = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(9.0)


@lean
@inlined
@fused
def tanh(x: np.float32) -> np.float32:
    """Hyperbolic tangent to 2e-7; numpy's would be a call for each number."""
    y = min(max(x, -FAR), FAR)
    s = y * y
    top = y * (P0 + s * (P1 + s * (P2 + s * (P3 + s * P4))))
    return np.float32(top / (ONE + s * (Q1 + s * (Q2 + s * (Q3 + s * Q4)))))


@lean
@inlined
@fused
def sigmoid(x: np.float32) -> np.float32:
    """Logistic function."""
    return np.float32(HALF + HALF * tanh(HALF * x))


@lean
@fused
def sums(x: Floats, n_in: int, weights: Floats, at: int, width: int, out: Floats) -> int:
    """Offsets and weighted inputs of four rows: (4, n_in) -> (4, width); where the next begin.

    Row ``at`` of ``weights`` holds the offsets, those that follow a row for each input, filled up
    to whole blocks.
    """
    for r in range(BLOCK):
        for v in range(width):
            out[r, v] = weights[at, v]
    at += 1
    for i in range(0, n_in, BLOCK):
        a, b, c, d = x[0, i], x[0, i + 1], x[0, i + 2], x[0, i + 3]
        e, f, g, h = x[1, i], x[1, i + 1], x[1, i + 2], x[1, i + 3]
        j, k, m, n = x[2, i], x[2, i + 1], x[2, i + 2], x[2, i + 3]
        p, q, s, t = x[3, i], x[3, i + 1], x[3, i + 2], x[3, i + 3]
        for v in range(width):
            w0, w1 = weights[at, v], weights[at + 1, v]
            w2, w3 = weights[at + 2, v], weights[at + 3, v]
            out[0, v] += a * w0 + b * w1 + c * w2 + d * w3
            out[1, v] += e * w0 + f * w1 + g * w2 + h * w3
            out[2, v] += j * w0 + k * w1 + m * w2 + n * w3
            out[3, v] += p * w0 + q * w1 + s * w2 + t * w3
        at += BLOCK
    return at


@lean
@fused
def beat(cell: int, hidden: int, sums: Floats, r: int, h: Floats, c: Floats) -> None:
    """New state of one row from its sums: h (H,) and, of an LSTM, c (H,), in place."""
    if cell == RNN:
        for j in range(hidden):
            h[j] = tanh(sums[r, j])
    elif cell == GRU:
        for j in range(hidden):
            keep = sigmoid(sums[r, hidden + j])
            new = tanh(sums[r, 2 * hidden + j] + sigmoid(sums[r, j]) * sums[r, 3 * hidden + j])
            h[j] = (ONE - keep) * new + keep * h[j]
    else:
        for j in range(hidden):
            enter = sigmoid(sums[r, j]) * tanh(sums[r, 2 * hidden + j])
            c[j] = sigmoid(sums[r, hidden + j]) * c[j] + enter
            h[j] = sigmoid(sums[r, 3 * hidden + j]) * tanh(c[j])


@lean
@inlined
@fused
def taken(values: Floats, scaling: Floats, x: Floats) -> bool:
    """Standardise features (F, and more) into ``x``; False where one is missing.

    As :meth:`windows.Scaling.apply`, bit by bit.
    """
    for k in range(scaling.shape[1]):
        if not np.isfinite(values[k]):
            return False
    for k in range(scaling.shape[1]):
        z = (values[k] - scaling[0, k]) / scaling[1, k]
        x[k] = np.float32(min(max(z, -LIMIT), LIMIT))
    return True


@lean
@fused
def context(asked: Floats, seen: Floats, n_seen: int, share: Floats) -> None:
    """Mean of states kept, weighted by softmax(asked (H,) . state), into ``asked``.

    ``seen`` (S * H,) holds them; ``share`` (S,) is scratch.
    """
    hidden = len(asked)
    highest = np.float32(-np.inf)
    for k in range(n_seen):
        score = NONE
        for j in range(hidden):
            score += asked[j] * seen[k * hidden + j]
        share[k] = score
        highest = max(highest, score)
    total = NONE
    for k in range(n_seen):
        share[k] = np.exp(share[k] - highest)
        total += share[k]
    for j in range(hidden):
        asked[j] = NONE
    for k in range(n_seen):
        part = share[k] / total
        for j in range(hidden):
            asked[j] += part * seen[k * hidden + j]


@lean
@fused
def look_back(
    shape: Ints,
    weights: Floats,
    at: int,
    kept: Floats,
    n_taken: Ints,
    ready: Floats,
    work: Floats,
) -> int:
    """Put the new top states (4, H) in ``work[0]`` into their rings and attend to those."""
    hidden, span = shape[HIDDEN], shape[SPAN]
    ring = 2 * shape[LAYERS] * hidden
    x, total, share = work[0], work[1], work[2]
    at = sums(x, hidden, weights, at, hidden, total)
    for r in range(len(kept)):
        if ready[r] == ONE:
            slot = ring + n_taken[r] % span * hidden
            for j in range(hidden):
                kept[r, slot + j] = x[r, j]
                x[r, hidden + j] = x[r, j]
            n_seen = min(n_taken[r] + 1, span)
            context(total[r, :hidden], kept[r, ring:], n_seen, share[r])
            for j in range(hidden):
                x[r, j] = total[r, j]
    at = sums(x, 2 * hidden, weights, at, hidden, total)
    for r in range(len(kept)):
        for j in range(hidden):
            x[r, j] = tanh(total[r, j])
    return at


@lean
@inlined
def limited(x: float, limit: float) -> float:
    """The identity near 0, never beyond the limit; as in ``readings``."""
    return limit * math.tanh(x / limit)


@lean
@inlined
def speak(head: int, raw: Floats, scale: float, said: Floats) -> None:
    """Mean and std (2,) of outputs (K,) where a return is measured in units of scale."""
    said[0], said[1] = 0.0, scale
    if head == GAUSSIAN:
        said[0] = raw[0] * scale
        said[1] = math.exp(limited(raw[1], LOG_STD_LIMIT)) * scale
    elif head == DIRECTION:
        said[0] = limited(raw[0], SCORE_LIMIT) * scale
    elif head == VOLATILITY:
        said[1] = math.exp(limited(raw[0], LOG_STD_LIMIT)) * scale
    elif head == POSITION:
        said[0] = math.tanh(raw[0]) * scale


@lean
@fused
def advance(
    shape: Ints,
    root_horizon: float,
    inputs: Floats,
    scaling: Floats,
    weights: Floats,
    traits: Floats,
    state: Floats,
    n_taken: Ints,
    work: Floats,
    raw: Floats,
    said: Floats,
) -> None:
    """Take some bars in turn; a symbol without all features keeps its state and gets NaN.

    Parameters
    ----------
    shape : (9,)
        See ``CELL`` and what follows it.
    root_horizon : float
    inputs : float64 (T, n, F + 1)
        Features, and the volatility that returns are measured in.
    scaling : float64 (n, 2, F)
        Mean and deviation of each symbol's features.
    weights : float32 (rows, width)
        As :func:`tradewind.forecasters.serving.recurrence.packed` lays them out.
    traits : float32 (n, E)
    state : float32 (n, L * 2 * H + S * H)
        Changed in place: h and c of each layer, then a ring of the top layer's states.
    n_taken : int64 (n,)
        Bars taken so far; counted on.
    work : float32 (4, 4, width)
        Scratch, finite.
    raw : float64 (T, n, K)
        What the last layer says.
    said : float64 (T, n, 2)
        Mean and std; of a head read elsewhere, 0 where there is a forecast. NaN where there is
        none: at a bar that was not taken, before the state has taken ``LEAST``, and where the
        volatility is not above zero.
    """
    n_features, n_traits, hidden = shape[N_FEATURES], shape[N_TRAITS], shape[HIDDEN]
    gates = hidden if shape[CELL] == RNN else 4 * hidden
    x, total, ready = work[0], work[1], work[3, 0]
    n_bars, n_symbols, _ = inputs.shape
    for t in range(n_bars):
        for first in range(0, n_symbols, BLOCK):
            last = min(first + BLOCK, n_symbols)
            kept = state[first:last]
            n_ready = 0
            for r in range(last - first):
                # A row that is left out is still multiplied; its numbers go nowhere.
                ready[r] = ONE if taken(inputs[t, first + r], scaling[first + r], x[r]) else NONE
                n_ready += int(ready[r])
                for k in range(n_traits):
                    x[r, n_features + k] = traits[first + r, k]
            if n_ready == 0:
                raw[t, first:last] = np.nan
                said[t, first:last] = np.nan
                continue
            n_in, at = n_features + n_traits, 0
            for layer in range(shape[LAYERS]):
                place = 2 * layer * hidden
                for r in range(last - first):
                    for j in range(hidden):
                        x[r, n_in + j] = kept[r, place + j]
                at = sums(x, n_in + hidden, weights, at, gates, total)
                for r in range(last - first):
                    if ready[r] == ONE:
                        h = kept[r, place : place + hidden]
                        c = kept[r, place + hidden : place + 2 * hidden]
                        beat(shape[CELL], hidden, total, r, h, c)
                        for j in range(hidden):
                            x[r, j] = h[j]
                n_in = hidden
            if shape[SPAN]:
                at = look_back(shape, weights, at, kept, n_taken[first:last], ready, work)
            sums(x, hidden, weights, at, shape[N_OUTPUTS], total)
            for r in range(last - first):
                n = first + r
                n_taken[n] += int(ready[r])
                for k in range(shape[N_OUTPUTS]):
                    raw[t, n, k] = total[r, k] if ready[r] == ONE else np.nan
                vol = inputs[t, n, n_features]
                if ready[r] == ONE and vol > 0.0 and n_taken[n] >= shape[LEAST]:
                    speak(shape[HEAD], raw[t, n], vol * root_horizon, said[t, n])
                else:
                    said[t, n, 0], said[t, n, 1] = np.nan, np.nan
