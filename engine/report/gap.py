"""Whether one Sharpe ratio is above another, or chance would do the same."""

from collections.abc import Mapping
from math import isfinite, sqrt
from typing import Any, NamedTuple, Self

from tradewind.engine.records import Floats
from tradewind.engine.scoring.sharpe import sharpe_difference


class Gap(NamedTuple):
    """Annual Sharpe ratio above another's; NaN where one of them does not exist."""

    value: float
    se: float

    @classmethod
    def of(cls, strategy: Mapping[str, Any]) -> Self:
        """Gap to the benchmark as a run's metrics state it."""
        value, se = (strategy.get(f"sharpe_difference{end}") for end in ("", "_se"))
        return cls(*(float("nan") if number is None else float(number) for number in (value, se)))

    @classmethod
    def between(cls, returns: Floats, rival: Floats, bars_per_year: float) -> Self:
        """Gap of two series of simple returns on the same bars.

        References
        ----------
        ``engine/scoring/sharpe.py``: paired, so what both share cancels.
        """
        value, se = sharpe_difference(returns, rival)
        return cls(value * sqrt(bars_per_year), se * sqrt(bars_per_year))

    @property
    def errors(self) -> float:
        """Distance from zero in standard errors, with its sign; NaN where there is none."""
        return self.value / self.se if self.se > 0 else float("nan")

    @property
    def is_noise(self) -> bool:
        """Whether it lies within one standard error, or cannot be told at all."""
        return not isfinite(self.errors) or abs(self.errors) < 1.0
