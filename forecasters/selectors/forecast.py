"""Any forecaster as a selector: symbols in the order of what it expects of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from tradewind.engine import registry
from tradewind.engine.bars.formation import Every
from tradewind.engine.config.file import Document
from tradewind.engine.errors import ConfigError
from tradewind.engine.forecaster_spec import ForecasterSpec, spec_of
from tradewind.engine.protocols import Resumable, Watched
from tradewind.engine.records import Floats, Panel
from tradewind.forecasters.inputs.framing import Seed
from tradewind.forecasters.selectors.formation import formation_bars, rankable


@dataclass(kw_only=True, eq=False)
class ForecastSelector:
    """Ranks by the mean of a forecast, or by how many of its own deviations that is.

    Parameters
    ----------
    of : mapping
        ``kind`` of a registered forecaster, and its parameters.
    by : str
        ``mean`` or ``ratio``.
    formation : str
        See :func:`tradewind.engine.bars.formation.formations`.
    seed : int
        Of the forecaster.
    """

    of: Mapping[str, Any]
    by: Literal["mean", "ratio"] = "mean"
    formation: Every = "month_end"
    seed: Seed = 0
    _inner: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Build the forecaster; refuse one that is not registered or its parameters."""
        (spec,) = self.made_of({"of": self.of})
        self._inner = spec.build(self.seed)

    @staticmethod
    def made_of(params: Mapping[str, Any]) -> tuple[ForecasterSpec]:
        """Recipe of the forecaster, found by name: its code and packages decide a fit too."""
        of = dict(params["of"])
        kind = of.pop("kind", None)
        if not isinstance(kind, str) or ".py:" in kind:
            raise ConfigError(
                f"ForecastSelector: 'of' is {dict(params['of'])!r}; wanted kind: a registered "
                "forecaster, and its parameters"
            )
        where = Document("selector", Path.cwd(), {"of": of}, {})
        cls = registry.find("forecasters", kind, where, key="of")
        return (spec_of(cls, registry.check(cls, of, where, key="of")),)

    @property
    def horizon(self) -> int:
        """Bars ahead, the forecaster's."""
        return int(self._inner.horizon)

    @property
    def warmup(self) -> int:
        """Closed bars that a forecast needs."""
        return int(self._inner.warmup)

    @property
    def n_samples(self) -> Any:
        """What the forecaster learned from."""
        return getattr(self._inner, "n_samples", None)

    @property
    def history(self) -> Any:
        """Learning curve of the forecaster."""
        return getattr(self._inner, "history", ())

    @property
    def notes(self) -> Any:
        """What the forecaster has to say."""
        return getattr(self._inner, "notes", ())

    def watch(self, report: Callable[[Mapping[str, Any]], None]) -> None:
        """Tell ``report`` how the next fit goes, where the forecaster can."""
        if isinstance(self._inner, Watched):
            self._inner.watch(report)

    def keep_progress(self, folder: Path) -> None:
        """Keep the next fit's progress, where the forecaster can."""
        if isinstance(self._inner, Resumable):
            self._inner.keep_progress(folder)

    def fit(self, past: Panel) -> Self:
        """Fit the forecaster on ``past`` alone."""
        self._inner = self._inner.fit(past)
        return self

    def score(self, past: Panel, *, first: int) -> Floats:
        """Rank at each formation from bar ``first`` on; see the protocol."""
        said = self._inner.predict(past, first=first)
        rated = said.mean if self.by == "mean" else said.mean / said.std
        scores = np.full(rated.shape, np.nan)
        bars = formation_bars(past, self.formation)
        bars = bars[bars >= first]
        scores[bars - first] = np.where(rankable(past, bars), rated[bars - first], np.nan)
        return scores
