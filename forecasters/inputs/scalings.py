"""How features become numbers a network can read: by what they were scaled, fitted on the past.

``train``: by the mean and deviation that the training part had, one pair for all symbols.
``symbol``: by each symbol's own; a symbol not learned from, or too short, takes the pair of all.
``cross_section``: by the members' mean and deviation at each bar; what is the same for all symbols
at a bar (the calendar, the market) keeps the pair of the training part.
``window``: the pair of the training part first, and then each window by its own mean and deviation,
inside the network or as its rows are laid out; the horizon is not in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt

from tradewind.engine.errors import CheckpointError, ConfigError, ForecastError
from tradewind.engine.features import Table
from tradewind.engine.features.cross import standardised
from tradewind.engine.records import Bools, Floats
from tradewind.forecasters.inputs.windows import LIMIT, Samples, Scaling, covered, fit_scaling

Kind = Literal["train", "symbol", "window", "cross_section"]
FLAT = 1e-3  # of the training part's deviation: a feature that moves less in a window stays small
LEAST_ROWS = 60  # bars of a symbol from which a mean and deviation of its own are taken

Rows = npt.NDArray[np.float32]


class Scales(Protocol):
    """What all ways of scaling have in common."""

    def rows(self, table: Table, low: int, high: int) -> Rows:
        """Rows ``low`` to ``high - 1`` of a table, scaled and limited, 0 where no value is."""
        ...

    def record(self) -> dict[str, Any]:
        """Everything fitted, as JSON; floats come back exactly."""
        ...


@dataclass(frozen=True, slots=True)
class SymbolScaling:
    """A mean and deviation of each feature for each symbol.

    Attributes
    ----------
    names : tuple of str
        Symbols that were learned from.
    mean, std : ndarray of float64, shape (1 + n_names, n_features)
        Of all together first, then of each.
    """

    names: tuple[str, ...]
    mean: Floats
    std: Floats

    def rows(self, table: Table, low: int, high: int) -> Rows:
        """Rows of a table, each by the pair of its symbol."""
        number = {name: k for k, name in enumerate(self.names, 1)}
        own = np.array([number.get(name, 0) for name in table.tape.panel.symbols], np.int64)
        who = own[table.tape.symbol[low:high]]
        return _limited((table.values[low:high] - self.mean[who]) / self.std[who])

    def record(self) -> dict[str, Any]:
        """Names and pairs."""
        return {"names": list(self.names), "mean": self.mean.tolist(), "std": self.std.tolist()}


@dataclass(frozen=True, slots=True)
class CrossScaling:
    """The members' mean and deviation at each bar.

    Attributes
    ----------
    pair : Scaling
        For features that are the same for all symbols at a bar.
    across : ndarray of bool, shape (n_features,)
        Which features differ between symbols.
    """

    pair: Scaling
    across: Bools

    def rows(self, table: Table, low: int, high: int) -> Rows:
        """Rows of a table, each by its bar; only values of that bar are read."""
        out = self.pair.rows(table, low, high)
        for k in np.flatnonzero(self.across):
            out[:, k] = _limited(standardised(table.tape, table.values[:, k])[low:high])
        return out

    def record(self) -> dict[str, Any]:
        """Which features, and the pairs of the others."""
        return {"across": self.across.tolist(), **self.pair.record()}


def fit_scales(kind: str, samples: Samples, *, where: str) -> Scales:
    """Fit a scaling on a training part alone.

    Parameters
    ----------
    kind : str
        One of :data:`Kind`.
    samples : Samples
        Bars that some window of them covers are read, and no others.
    where : str
        For messages: who is being fitted.

    Raises
    ------
    ForecastError
        If a feature does not vary, or nothing differs between symbols.
    """
    pair = fit_scaling(samples, where=where)
    if kind == "symbol":
        return _by_symbol(samples, pair)
    if kind == "cross_section":
        return _across(samples, pair, where)
    return pair


def _by_symbol(samples: Samples, pair: Scaling) -> SymbolScaling:
    table, used = samples.table, covered(samples)
    symbols = np.unique(samples.symbol)
    mean, std = [pair.mean], [pair.std]
    for k in symbols:
        own = table.values[used & (table.tape.symbol == k)]
        offset = own - own[0]  # a constant then has a spread of exactly zero
        spread = offset.std(axis=0)
        known = (spread > 0) & (len(own) >= LEAST_ROWS)
        mean.append(np.where(known, offset.mean(axis=0) + own[0], pair.mean))
        std.append(np.where(known, spread, pair.std))
    names = tuple(table.tape.panel.symbols[k] for k in symbols)
    return SymbolScaling(names, np.array(mean), np.array(std))


def _across(samples: Samples, pair: Scaling, where: str) -> CrossScaling:
    table, used = samples.table, covered(samples)
    across = np.array(
        [
            bool(np.isfinite(standardised(table.tape, table.values[:, k])[used]).any())
            for k in range(len(table.names))
        ]
    )
    if not across.any():
        raise ForecastError(
            f"{where}: no feature differs between the {table.tape.panel.n_symbols} symbols on any "
            "training bar, so nothing can be scaled across them; add symbols, or set scaling: train"
        )
    return CrossScaling(pair, across)


def scales_of(kind: str, record: Mapping[str, Any], n_features: int, folder: Path) -> Scales:
    """Scaling from what :meth:`Scales.record` gave; raises CheckpointError."""
    try:
        mean, std = np.array(record["mean"], float), np.array(record["std"], float)
        names = tuple(str(name) for name in record["names"]) if kind == "symbol" else ()
        across = np.array(record["across"], bool) if kind == "cross_section" else np.zeros(0, bool)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}: record of a scaling lacks {error}; fit again") from None
    wanted = (1 + len(names), n_features) if kind == "symbol" else (n_features,)
    for array in (mean, std):
        if array.shape != wanted:
            raise CheckpointError(
                f"{folder}: scaling of shape {array.shape}, wanted {wanted}; fit again"
            )
    if kind == "symbol":
        return SymbolScaling(names, mean, std)
    if kind != "cross_section":
        return Scaling(mean, std)
    if across.shape != wanted:
        raise CheckpointError(
            f"{folder}: scaling across {across.shape} features, wanted {wanted}; fit again"
        )
    return CrossScaling(Scaling(mean, std), across)


def levelled(x: Rows) -> Rows:
    """Each window by its own mean and deviation, (..., T, F) -> (..., T, F).

    As the networks do it (:func:`tradewind.forecasters.networks.base.levelled`).
    """
    away = x - x.mean(axis=-2, keepdims=True)
    spread = np.sqrt((away * away).mean(axis=-2, keepdims=True))
    return np.asarray(away / (spread + np.float32(FLAT)), np.float32)


def check_kind(kind: str, pooled: bool, where: str) -> None:
    """Refuse a scaling that does not exist, or says nothing; raises ConfigError."""
    if kind not in get_args(Kind):
        known = ", ".join(get_args(Kind))
        raise ConfigError(f"{where}: scaling {kind!r}; wanted one of {known}")
    if kind == "symbol" and not pooled:
        raise ConfigError(
            f"{where}: scaling: symbol with pooled: false scales each network by its one symbol, "
            "as scaling: train does; leave 'scaling' out"
        )


def _limited(scaled: Floats) -> Rows:
    limited = np.clip(scaled, -LIMIT, LIMIT)
    return np.nan_to_num(limited, copy=False, nan=0.0).astype(np.float32)
