"""One finished front of portfolios, as its folder, its page and its table read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewind.engine.records import Floats


@dataclass(frozen=True, slots=True)
class Front:
    """Portfolios of which none is better than another in every objective.

    Attributes
    ----------
    name : str
        Folder name below the results folder.
    values : mapping
        Resolved config as plain values: every default written out.
    table : mapping
        ``objectives``, ``spans``, ``evaluated``, ``generations``, ``chosen`` (what stands out ->
        number), ``reference`` (equal weight on both spans), ``optimism``, ``hypervolume`` after
        each generation, ``verdict``, ``sentences``; plain JSON values.
    symbols : tuple of str
        Names that could be held.
    weights : ndarray of float64, shape (n_portfolios, n_symbols)
        From the least risk to the most; number 1 is the first row.
    numbers : mapping of str to mapping of str to ndarray of float64, shape (n_portfolios,)
        ``train`` and ``test`` -> name of an outcome -> its values.
    dates : ndarray of datetime64, shape (n_bars,)
        Bars of the test.
    equity : ndarray of float64, shape (n_portfolios + 1, n_bars)
        Account value on the test, equal weight last.
    notes : tuple of str
    manifest : mapping
    log : tuple of mapping
    """

    name: str
    values: Mapping[str, Any]
    table: Mapping[str, Any]
    symbols: tuple[str, ...]
    weights: Floats
    numbers: Mapping[str, Mapping[str, Floats]]
    dates: npt.NDArray[np.datetime64]
    equity: Floats
    notes: tuple[str, ...] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    log: tuple[Mapping[str, Any], ...] = ()

    @property
    def title(self) -> str:
        """Name in the config."""
        return str(self.values["name"])

    def held(self, number: int) -> dict[str, float]:
        """Weights of a portfolio by its number, the largest first; what is not held is left out."""
        found = self.weights[number - 1]
        order = np.argsort(-found, kind="stable")
        return {self.symbols[k]: float(found[k]) for k in order if found[k] > 0.0}
