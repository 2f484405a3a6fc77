"""What selectors share that learn who will lie above the median until the next formation."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from annotated_types import Ge

from tradewind.engine import features as feature_tables
from tradewind.engine.bars.formation import Every
from tradewind.engine.errors import ConfigError, ForecastError, TooLittleHistoryError
from tradewind.engine.records import Floats, Ints, Panel
from tradewind.forecasters.bounds import check_bounds, check_features
from tradewind.forecasters.inputs.framing import Seed, Share
from tradewind.forecasters.selectors.formation import (
    Return,
    formation_bars,
    outcomes,
    rankable,
)
from tradewind.forecasters.selectors.momentum_features import (
    FEWEST_BARS,
    FEWEST_NAMES,
    NAMES,
    MonthlyInputs,
    monthly_inputs,
)
from tradewind.forecasters.selectors.rules import params_of

FEWEST_FORMATIONS = 4  # with outcomes; of fewer none can be held back
FEWEST_ROWS = 100


class Part(NamedTuple):
    """Rows to learn from or to stop by, formation by formation.

    Attributes
    ----------
    x : ndarray of float32, shape (n, F)
    above : ndarray of int64, shape (n,)
        1 above the median of the formation.
    outcome : ndarray of float64, shape (n,)
        Simple return to the next formation.
    formation : ndarray of int64, shape (n,)
        Number of the formation, increasing.
    """

    x: npt.NDArray[np.float32]
    above: Ints
    outcome: Floats
    formation: Ints


class Point(NamedTuple):
    """Mean loss of one stage after an epoch, in either part."""

    network: str
    epoch: int
    fitting: float
    stopping: float


@dataclass(kw_only=True, eq=False)
class LearnedSelector:
    """Probability of lying above the cross-sectional median until the next formation.

    Parameters
    ----------
    horizon : int
        Bars a ranking is about, kept clear between training and test.
    formation : str
        See :func:`tradewind.engine.bars.formation.formations`; the 33 inputs know ``month_end``
        and ``month``.
    features : tuple of str
        Inputs, see :func:`tradewind.engine.features.known`, each measured against the other
        symbols at the formation; none: the 33 of Takeuchi and Lee.
    validation : float
        Last share of the formations, to stop by.
    delisting_return : float
        On the last close of who stops trading before the next formation.
    seed : int
    """

    horizon: Annotated[int, Ge(1)] = 21
    formation: Every = "month_end"
    features: tuple[str, ...] = ()
    validation: Share = 0.2
    delisting_return: Return = 0.0
    seed: Seed = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be used before anything is read."""
        self.features = tuple(self.features)
        check_bounds(type(self), params_of(self))
        if self.features:
            check_features(self.features, self._name)
            _ = self.warmup  # looks every feature up
        elif self.formation not in ("month", "month_end"):
            raise ConfigError(
                f"{self._name}: formation {self.formation!r} with the 33 monthly inputs; take "
                "month_end or month, or name 'features'"
            )
        self._learned: Any = None
        self._watcher: Callable[[Mapping[str, Any]], None] | None = None
        self.n_samples = 0
        self.history: tuple[Point, ...] = ()
        self.notes: tuple[str, ...] = ()

    @property
    def _name(self) -> str:
        return type(self).__name__

    @cached_property
    def warmup(self) -> int:
        """Closed bars that the inputs of a formation reach back over."""
        return feature_tables.warmup(self.features) if self.features else FEWEST_BARS

    @property
    def n_inputs(self) -> int:
        """Columns of the inputs."""
        return len(self.features) or len(NAMES)

    def watch(self, report: Callable[[Mapping[str, Any]], None]) -> None:
        """Tell ``report`` how the next fit goes."""
        self._watcher = report

    def fit(self, past: Panel) -> Self:
        """Learn from the formations of ``past`` whose outcome it holds.

        Raises
        ------
        TooLittleHistoryError
            If fewer than 4 formations or 100 rows have one.
        """
        fitting, stopping, left_out = self._parts(past)
        self.n_samples = len(fitting.above) + len(stopping.above)
        said = [f"left out of training, {why}: {n:,}" for why, n in left_out.items()]
        self._learned, self.history, more = self._learn(fitting, stopping)
        self.notes = (*more, *said)
        return self

    def score(self, past: Panel, *, first: int) -> Floats:
        """Rank at each formation from bar ``first`` on; see the protocol."""
        if self._learned is None:
            raise ForecastError(f"{self._name}: score before fit; fit it or restore a checkpoint")
        scores = np.full((past.n_bars - first, past.n_symbols), np.nan)
        made = self._inputs(past, first)
        usable = np.asarray(np.isfinite(made.x).all(axis=2))
        usable[made.bars < max(first, self.warmup - 1)] = False
        # One formation at a time: the last bits of a matrix product depend on its number of rows,
        # which must not depend on how many formations a call asks for.
        for k in np.flatnonzero(usable.any(axis=1)):
            x = made.x[k, usable[k]].astype(np.float32)
            scores[made.bars[k] - first, usable[k]] = self._rate(self._learned, x)
        return scores

    @abstractmethod
    def _learn(
        self, fitting: Part, stopping: Part
    ) -> tuple[Any, tuple[Point, ...], tuple[str, ...]]:
        """(whatever was learned, its learning curve, what there is to say of it)."""

    @abstractmethod
    def _rate(self, learned: Any, x: npt.NDArray[np.float32]) -> Floats:
        """Scores of rows of inputs."""

    def _inputs(self, panel: Panel, first: int = 0) -> MonthlyInputs:
        if not self.features:
            early = self.formation == "month"
            return monthly_inputs(panel, "month" if early else "month_end", first=first)
        bars = formation_bars(panel, self.formation)
        bars = bars[bars >= self.warmup - 1]
        raw = feature_tables.compute(panel, self.features)[bars]
        raw = np.where(rankable(panel, bars)[..., None], raw, np.nan)
        return _standardised(bars, raw)

    def _parts(self, past: Panel) -> tuple[Part, Part, Mapping[str, int]]:
        made = self._inputs(past)
        came = outcomes(past, made.bars, delisting_return=self.delisting_return)
        known = np.isfinite(made.x).all(axis=2) & np.isfinite(came.above)
        numbers = np.flatnonzero(known.any(axis=1))
        n_rows = int(known.sum())
        if len(numbers) < FEWEST_FORMATIONS or n_rows < FEWEST_ROWS:
            raise TooLittleHistoryError(
                f"{self._name}: {past.n_bars} bars hold {len(numbers)} formations with inputs and "
                f"an outcome, {n_rows} rows in all; wanted at least {FEWEST_FORMATIONS} and "
                f"{FEWEST_ROWS}: the inputs reach back over {self.warmup} bars; lengthen "
                "walk_forward.train, or offer more symbols"
            )
        n_stopping = max(1, round(self.validation * len(numbers)))
        border = numbers[-min(n_stopping, len(numbers) - 1)]
        rows, columns = np.nonzero(known)
        whole = Part(
            made.x[rows, columns].astype(np.float32),
            came.above[rows, columns].astype(np.int64),
            came.simple[rows, columns],
            rows.astype(np.int64),
        )
        early = rows < border
        # An outcome ends at the next formation, so none of the first part reaches into the second.
        parts = (Part(*(array[some] for array in whole)) for some in (early, ~early))
        return *parts, made.left_out  # type: ignore[return-value]


def _standardised(bars: Ints, raw: Floats) -> MonthlyInputs:
    """z-scores across the symbols of each formation; a date that allows none is left out."""
    x = np.full(raw.shape, np.nan)
    counts = {"too few symbols": 0, "all alike": 0}
    for k, values in enumerate(raw):
        usable = np.isfinite(values).all(axis=1)
        if usable.sum() < FEWEST_NAMES:
            counts["too few symbols"] += bool(usable.any())
            continue
        rows = values[usable]
        spread = rows.std(axis=0)
        if not (spread > 0).all():
            counts["all alike"] += 1
            continue
        x[k, usable] = (rows - rows.mean(axis=0)) / spread
    return MonthlyInputs(bars, x, {why: n for why, n in counts.items() if n})
