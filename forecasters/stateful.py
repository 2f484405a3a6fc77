"""Forecasts of a network that carries a state: the step that trades, run over history."""

import numpy as np

from tradewind.engine.records import Floats, Ints
from tradewind.forecasters.inputs.windows import Samples
from tradewind.forecasters.networks.recurrent import RecurrentEncoder
from tradewind.forecasters.readings import Said
from tradewind.forecasters.serving.checkpoint import bare, pairs_of, traits_of
from tradewind.forecasters.serving.recurrence import Recurrence, Voice
from tradewind.forecasters.training.fitted import Fitted

BARS = 256  # laid out for all symbols at a time


def said(one: Fitted, samples: Samples, vol: Floats, columns: Ints, voice: Voice) -> Said:
    """What a network says about bars, from a state that began with the panel's first.

    Each symbol's numbers come from its own bars alone, so nothing else that is asked or known moves
    a bit of them.

    Parameters
    ----------
    one : Fitted
    samples : Samples
        Windows of one bar.
    vol : ndarray of float64, shape (n_rows,)
        Volatility that returns are measured in, for each row of the table.
    columns : ndarray of int64, shape (n_columns,)
        Symbols of the panel that the network serves.
    voice : Voice

    Returns
    -------
    Said
        (n_samples,), (n_samples,) and (n_samples, L).
    """
    tape, values = samples.table.tape, samples.table.values
    last = int(samples.bar.max(initial=-1))
    column = np.full(tape.panel.n_symbols, -1)
    column[columns] = np.arange(len(columns))
    rows = np.flatnonzero((column[tape.symbol] >= 0) & (tape.bar <= last))
    rows = rows[np.argsort(tape.bar[rows], kind="stable")]
    step = recurrence_of(one, tuple(tape.panel.symbols[k] for k in columns), voice)
    n = samples.n
    found = Said(np.empty(n), np.empty(n), np.empty((n, len(voice.reading.levels))))
    for begin in range(0, last + 1, BARS):
        n_bars = min(BARS, last + 1 - begin)
        part = rows[slice(*np.searchsorted(tape.bar[rows], (begin, begin + n_bars)))]
        inputs = np.full((n_bars, len(columns), values.shape[1] + 1), np.nan)
        at = tape.bar[part] - begin, column[tape.symbol[part]]
        inputs[(*at, slice(0, -1))], inputs[(*at, -1)] = values[part], vol[part]
        heard = step.advance(inputs)
        here = (samples.bar >= begin) & (samples.bar < begin + n_bars)
        place = samples.bar[here] - begin, column[samples.symbol[here]]
        for whole, block in zip(found, heard, strict=True):
            whole[here] = block[place]
    return found


def recurrence_of(one: Fitted, symbols: tuple[str, ...], voice: Voice) -> Recurrence:
    """Step of a trained network for these symbols, before their first bar."""
    encoder = one.network.encoder
    assert isinstance(encoder, RecurrentEncoder)
    weights = one.weights()
    traits = traits_of(weights, one.names, symbols)
    scales = pairs_of(one.scaling, symbols)
    return Recurrence(encoder.layout, bare(weights), scales, traits, voice)
