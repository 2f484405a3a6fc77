"""Bounds that a metric is held to: ``max_drawdown < 0.2``."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from tradewind.engine.config.file import SWEEPING as KEY
from tradewind.engine.config.file import Document

NUMBER = r"[-+]?[0-9.]+(?:[eE][-+]?\d+)?"
CONSTRAINT = re.compile(rf"^\s*([A-Za-z_][\w.]*)\s*(<=|>=|<|>)\s*({NUMBER})\s*$")


class Constraint(NamedTuple):
    """A metric held to a bound."""

    metric: str
    sign: str  # <, <=, > or >=
    bound: float

    def excess(self, value: float) -> float:
        """By how much a value breaks the bound; at most 0 where it keeps to it, NaN for NaN.

        A strict bound that is met exactly counts as broken by the smallest number there is.
        """
        over = value - self.bound if self.sign[0] == "<" else self.bound - value
        return 5e-324 if over == 0.0 and len(self.sign) == 1 else over


def constraints_of(texts: Sequence[str], document: Document) -> tuple[Constraint, ...]:
    """Parse the constraints.

    Raises
    ------
    ConfigError
        At the line of what is not ``metric < number``.
    """
    found = []
    for i, text in enumerate(texts):
        parts = CONSTRAINT.match(text)
        try:
            bound = float(parts[3]) if parts else None
        except ValueError:
            bound = None
        if parts is None or bound is None:
            raise document.error(
                (KEY, "constraints", i),
                f"{text!r}: wanted a metric, one of < <= > >=, and a number, such as "
                "max_drawdown < 0.2",
            )
        found.append(Constraint(parts[1], parts[2], bound))
    return tuple(found)
