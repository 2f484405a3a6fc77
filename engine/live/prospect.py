"""What forecasters and selectors say while the market is open: a row more with every bar."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.bars.adjusting import forward_adjusted
from tradewind.engine.cache import ForecastCache
from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.errors import InvariantError
from tradewind.engine.growing import Growing, unchecked
from tradewind.engine.outlook import derived
from tradewind.engine.outlook import outlook as outlook_of
from tradewind.engine.pipeline import Diary, Parts
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.protocols import Forecasts, Signals
from tradewind.engine.records import Floats, Panel
from tradewind.engine.scoring import conformal
from tradewind.engine.walkforward.going_on import GoingOn, one_row
from tradewind.engine.walkforward.run import run as walk_forward


class Said(NamedTuple):
    """What was said at one close; a member is None where nobody was there to say it.

    Attributes
    ----------
    forecasts : Forecasts or None
        One row, before any conformal calibration.
    scores : ndarray of float64, shape (n_symbols,), or None
    """

    forecasts: Forecasts | None
    scores: Floats | None


NOTHING = Said(None, None)


class Spoken:
    """Forecasts of every bar so far, growing by a row.

    Parameters
    ----------
    begun : Forecasts
        Of the history.
    """

    def __init__(self, begun: Forecasts) -> None:
        self._like = begun
        self._mean, self._std = Growing(begun.mean), Growing(begun.std)
        self._quantiles = Growing(begun.quantiles) if begun.levels else None

    def append(self, row: Forecasts) -> None:
        """Put the forecasts of the next bar behind the others.

        Raises
        ------
        InvariantError
            If they are of another horizon or of other levels.
        """
        silent = np.isnan(row.mean).all()
        if row.horizon != self._like.horizon or (row.levels != self._like.levels and not silent):
            raise InvariantError(
                f"live forecasts of horizon {row.horizon} and levels {row.levels} came after ones "
                f"of {self._like.horizon} and {self._like.levels}"
            )
        self._mean.append(row.mean[0])
        self._std.append(row.std[0])
        if self._quantiles is not None:
            self._quantiles.append(row.quantiles[0] if row.levels else np.nan)

    @property
    def all(self) -> Forecasts:
        """Forecasts of every bar so far."""
        like = self._like
        quantiles = like.quantiles if self._quantiles is None else self._quantiles.view
        return unchecked(
            Forecasts, mean=self._mean.view, std=self._std.view, horizon=like.horizon,
            levels=like.levels, quantiles=quantiles,
        )  # fmt: skip


class Prospect:
    """Signals of a market that is open.

    A strategy that derives series of its own has everything forecast anew at each bar; for all
    others a bar costs a forecast, and a new fit where a backtest would make one.

    Parameters
    ----------
    parts : Parts
    workers : int or None
        Processes that fit.
    cache : ForecastCache or None
    progress : Progress
    """

    def __init__(
        self,
        parts: Parts,
        *,
        workers: int | None,
        cache: ForecastCache | None,
        progress: Progress = SILENT,
    ) -> None:
        self.parts, self.workers, self.cache, self.progress = parts, workers, cache, progress
        config = parts.config
        own: Mapping[str, Any] = {"workers": workers, "cache": cache, "progress": progress}
        self._forecaster = self._selector = None
        if parts.forecaster is not None and config.forecaster is not None:
            self._forecaster = GoingOn(
                parts.forecaster, config.forecaster.walk_forward, seed=config.seed,
                choose=config.forecaster.choose, **own,
            )  # fmt: skip
        if parts.selector is not None and config.selector is not None:
            self._selector = GoingOn(
                parts.selector, config.selector.walk_forward, seed=config.seed, **own
            )
        self._spoken: Spoken | None = None
        self._scores: Growing | None = None
        self._whole: Signals | None = None
        self.first_bar = 0

    @property
    def whole(self) -> bool:
        """Whether everything is forecast anew at each bar."""
        return self._whole is not None

    def begin(self, history: Panel) -> None:
        """Say what a backtest over the history says of each of its bars."""
        if self.parts.forecaster is None and self.parts.selector is None:
            return
        if derived(self.parts, history) is not None:
            found = self._anew(history)
            self._whole, self.first_bar = found.signals, found.first_bar
            return
        panel = forward_adjusted(history)
        if self._forecaster is not None:
            said, first = self._of_history(self._forecaster, panel)
            self._spoken, self.first_bar = Spoken(said), max(self.first_bar, first)
        if self._selector is not None:
            said, first = self._of_history(self._selector, panel)
            self._scores, self.first_bar = Growing(said.mean), max(self.first_bar, first)

    def take_over(self, signals: Signals, first_bar: int) -> None:
        """Begin with what was said of the history in an earlier life of the run."""
        self.first_bar = first_bar
        if signals.series is not None:
            self._whole = signals
            return
        if signals.forecasts is not None:
            self._spoken = Spoken(signals.forecasts)
        if signals.scores is not None:
            self._scores = Growing(signals.scores)

    def _of_history(self, going: GoingOn, panel: Panel) -> tuple[Forecasts, int]:
        """(forecasts of the history, first bar that has one); silent where it is too short."""
        config: WalkForwardConfig = going.config
        whole = config.anchor is not None or config.first is not None
        if not whole and panel.n_bars <= config.train:
            sample = going.spec.build(going.seed)
            silent = np.full(panel.shape, np.nan)
            levels = tuple(getattr(sample, "levels", ()))
            quantiles = np.full((*panel.shape, len(levels)), np.nan)
            empty = np.empty((0, 0, 0))
            return (
                Forecasts(silent, silent.copy(), sample.horizon, levels,
                          quantiles if levels else empty),
                config.train,
            )  # fmt: skip
        walk = walk_forward(
            going.spec, panel, config, seed=going.seed, workers=self.workers, cache=self.cache,
            progress=self.progress, choose=going.choose,
        )  # fmt: skip
        going.begin(panel)
        return walk.forecasts, walk.first_bar

    def next(self, panel: Panel) -> Said:
        """Say what there is to say at the close of the last bar of ``panel``, and keep it."""
        if self._whole is not None:
            self._whole = self._anew(panel).signals
            forecasts = self._whole.forecasts
            row = None if forecasts is None else one_row(forecasts, panel.n_bars - 1)
            return Said(row, None)
        seen = forward_adjusted(panel) if self._spoken or self._scores else panel
        row = self._row(self._forecaster, seen)
        ranked = self._row(self._selector, seen)
        said = Said(row, None if ranked is None else ranked.mean[0])
        self.keep(said)
        return said

    def keep(self, said: Said) -> None:
        """Put what was said of the next bar behind the rest."""
        if self._spoken is not None and said.forecasts is not None:
            self._spoken.append(said.forecasts)
        if self._scores is not None and said.scores is not None:
            self._scores.append(said.scores)

    def _row(self, going: GoingOn | None, panel: Panel) -> Forecasts | None:
        if going is None:
            return None
        config = going.config
        early = config.anchor is None and config.first is None and panel.n_bars <= config.train
        if early:
            silent = np.full((1, panel.n_symbols), np.nan)
            return Forecasts(silent, silent.copy(), going.spec.build(going.seed).horizon)
        return going.next(panel)

    def _anew(self, panel: Panel) -> Any:
        return outlook_of(
            self.parts, panel, Diary(), self.progress, workers=self.workers, cache=self.cache
        )

    def derives(self, history: Panel) -> bool:
        """Whether the strategy wants series of its own forecast."""
        return derived(self.parts, history) is not None

    def signals(self, panel: Panel, *, calibrated: bool = True) -> Signals:
        """Everything said so far, a row for each bar of ``panel``."""
        if self._whole is not None:
            return self._whole
        forecasts = None if self._spoken is None else self._spoken.all
        block = self.parts.config.forecaster if calibrated else None
        if forecasts is not None and block is not None and block.conformal is not None:
            about = forward_adjusted(panel)
            forecasts = conformal.calibrated(forecasts, about, block.conformal)
        return Signals(forecasts, None if self._scores is None else self._scores.view)

    @property
    def fitted_at(self) -> Mapping[str, int]:
        """Rows at which the fits in use were made: a restart finds them in the cache by these."""
        found = {"forecaster": self._forecaster, "selector": self._selector}
        return {
            name: going.fitted_at
            for name, going in found.items()
            if going is not None and going.fitted_at >= 0
        }

    def refit(self, panel: Panel, fitted_at: Mapping[str, int]) -> None:
        """Have the fits of an earlier life again, from the cache or made anew, bit for bit."""
        seen = forward_adjusted(panel)
        for name, going in (("forecaster", self._forecaster), ("selector", self._selector)):
            if going is not None and name in fitted_at:
                going.begin(seen.past(fitted_at[name] + 1))
