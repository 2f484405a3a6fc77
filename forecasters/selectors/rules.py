"""Selectors that learn nothing: momentum, reversal, low volatility, and no opinion."""

from abc import abstractmethod
from dataclasses import dataclass, fields
from typing import Annotated, Any, Self

import numpy as np
from annotated_types import Ge, Le

from tradewind.engine.bars.formation import Every
from tradewind.engine.errors import ForecastError
from tradewind.engine.records import Floats, Ints, Panel
from tradewind.forecasters.bounds import check_bounds
from tradewind.forecasters.selectors.formation import formation_bars, last_known, rankable

Lookback = Annotated[int, Ge(1), Le(10_000)]


@dataclass(kw_only=True, eq=False)
class RuleSelector:
    """Scores that follow from prices at a formation alone; ``fit`` has nothing to do."""

    horizon: Annotated[int, Ge(1), Le(10_000)] = 21
    formation: Every = "month_end"

    def __post_init__(self) -> None:
        """Refuse what cannot be used."""
        check_bounds(type(self), {f.name: getattr(self, f.name) for f in fields(self)})

    @property
    @abstractmethod
    def warmup(self) -> int:
        """Closed bars needed, the formation's own among them."""

    @abstractmethod
    def _rate(self, known: Floats, bars: Ints) -> Floats:
        """Scores at each of ``bars`` >= ``warmup`` - 1, from closes without gaps."""

    def fit(self, past: Panel) -> Self:
        """Learn nothing."""
        del past
        return self

    def score(self, past: Panel, *, first: int) -> Floats:
        """Rank at each formation from bar ``first`` on; see the protocol."""
        scores = np.full((past.n_bars - first, past.n_symbols), np.nan)
        bars = formation_bars(past, self.formation)
        bars = bars[bars >= max(first, self.warmup - 1)]
        if bars.size:
            rated = self._rate(last_known(past.close), bars)
            scores[bars - first] = np.where(rankable(past, bars), rated, np.nan)
        return scores


@dataclass(kw_only=True, eq=False)
class MomentumSelector(RuleSelector):
    """Past return, the newest bars left out.

    Parameters
    ----------
    horizon : int
        Bars a ranking is about.
    formation : str
        See :func:`tradewind.engine.bars.formation.formations`.
    lookback, skip : int
        Bars back to where the return begins and to where it ends, ``skip`` < ``lookback``; 252 and
        21 are the usual twelve months but the last.

    References
    ----------
    Jegadeesh and Titman (1993).
    """

    lookback: Lookback = 252
    skip: Annotated[int, Ge(0)] = 21

    def __post_init__(self) -> None:
        """Refuse a return that ends before it begins."""
        super().__post_init__()
        if self.skip >= self.lookback:
            raise ForecastError(
                f"momentum: skip {self.skip} leaves nothing of lookback {self.lookback}; make it "
                "shorter"
            )

    @property
    def warmup(self) -> int:
        """The lookback and the bar it is counted from."""
        return self.lookback + 1

    def _rate(self, known: Floats, bars: Ints) -> Floats:
        return np.asarray(known[bars - self.skip] / known[bars - self.lookback] - 1.0)


@dataclass(kw_only=True, eq=False)
class ReversalSelector(RuleSelector):
    """Return of the last bars, with its sign changed: losers first.

    Parameters
    ----------
    horizon, formation
        As for momentum.
    lookback : int
        Bars.

    References
    ----------
    Jegadeesh (1990); Lehmann (1990).
    """

    lookback: Lookback = 21

    @property
    def warmup(self) -> int:
        """The lookback and the bar it is counted from."""
        return self.lookback + 1

    def _rate(self, known: Floats, bars: Ints) -> Floats:
        return np.asarray(1.0 - known[bars] / known[bars - self.lookback])


@dataclass(kw_only=True, eq=False)
class LowVolatilitySelector(RuleSelector):
    """Standard deviation of log returns, with its sign changed: the calm first.

    Parameters
    ----------
    horizon, formation
        As for momentum.
    lookback : int
        Returns it is estimated from, at least 2.

    References
    ----------
    Blitz and van Vliet (2007).
    """

    lookback: Annotated[int, Ge(2), Le(10_000)] = 252

    @property
    def warmup(self) -> int:
        """The lookback and the bar it is counted from."""
        return self.lookback + 1

    def _rate(self, known: Floats, bars: Ints) -> Floats:
        rated = np.full((len(bars), known.shape[1]), np.nan)
        for row, bar in enumerate(bars):
            steps = np.diff(np.log(known[bar - self.lookback : bar + 1]), axis=0)
            rated[row] = -steps.std(axis=0, ddof=1)
        return rated


@dataclass(kw_only=True, eq=False)
class EqualSelector(RuleSelector):
    """Everybody the same: what a portfolio of all is compared by."""

    @property
    def warmup(self) -> int:
        """One bar."""
        return 1

    def _rate(self, known: Floats, bars: Ints) -> Floats:
        return np.zeros((len(bars), known.shape[1]))


def params_of(selector: Any) -> dict[str, Any]:
    """Constructor parameters of a selector."""
    return {f.name: getattr(selector, f.name) for f in fields(selector) if f.init}
