"""What a feature and a table of features are."""

from collections.abc import Callable
from dataclasses import dataclass

from tradewind.engine.features.tape import Tape
from tradewind.engine.records import Floats

VERSION = 2  # raised whenever a feature of the same name begins to mean something else


@dataclass(frozen=True, slots=True)
class Feature:
    """A named function of the past.

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

    def of(self, tape: Tape) -> Floats:
        """Values on a tape, computed once however many features are made from them."""
        return tape.shared(("feature", self.name), lambda: self.compute(tape))


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
