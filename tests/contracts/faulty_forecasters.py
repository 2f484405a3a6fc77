"""Forecasters with one fault each, for the contract to find."""

from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Floats, Panel


class Honest:
    """Says yesterday's return, and how large returns were while it was fitted."""

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed
        self.size = np.nan

    @property
    def horizon(self) -> int:
        return 1

    @property
    def warmup(self) -> int:
        return 2

    def returns(self, panel: Panel) -> Floats:
        """Shape (n_bars, n_symbols); NaN after a gap."""
        steps: Floats = np.diff(np.log(panel.close), axis=0, prepend=np.nan)
        return steps

    def fit(self, past: Panel) -> Self:
        self.size = float(np.nanstd(self.returns(past)))
        return self

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        mean = self.returns(past)[first:]
        std = np.where(np.isnan(mean), np.nan, self.size)
        return Forecasts(mean, std, 1)


class ReadsTheNextBar(Honest):
    """Repeats the return that is still to come."""

    def returns(self, panel: Panel) -> Floats:
        steps = super().returns(panel)
        return np.where(np.isnan(steps), np.nan, np.roll(steps, -1, axis=0))


class ScalesByAll(Honest):
    """Standardises with everything it is shown."""

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        said = super().predict(past, first=first)
        return Forecasts(said.mean - np.nanmean(self.returns(past)), said.std, 1)


class LooksBehindTheView(Honest):
    """Fits on the memory behind the slice it was given."""

    def fit(self, past: Panel) -> Self:
        base = past.close.base
        whole = base if isinstance(base, np.ndarray) and base.ndim == 2 else past.close
        self.size = float(np.nanstd(np.diff(np.log(whole), axis=0)))
        return self


class Remembers(Honest):
    """Averages its fits."""

    def fit(self, past: Panel) -> Self:
        before = self.size
        super().fit(past)
        self.size = self.size if np.isnan(before) else (self.size + before) / 2
        return self


class DrawsGlobally(Honest):
    """Adds noise from numpy's global generator."""

    def fit(self, past: Panel) -> Self:
        super().fit(past)
        self.size *= 1 + 0.01 * np.random.random()
        return self


class FillsGaps(Honest):
    """Speaks about symbols that have no bar."""

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        mean = np.nan_to_num(self.returns(past)[first:])
        return Forecasts(mean, np.full_like(mean, self.size), 1)


class ScribblesOnInput(Honest):
    """Demeans volume in place."""

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        past.volume[:] -= 1.0
        return super().predict(past, first=first)


class SharesState(Honest):
    """Keeps what it fitted on the class, so that a restored copy was never alone."""

    kept: ClassVar[dict[Path, float]] = {}

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.kept[folder] = 2 * self.size

    def restore(self, folder: Path) -> Self:
        self.size = self.kept[folder]
        return self


class CannotTravel(Honest):
    """Holds something that cannot be pickled."""

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.rule = lambda x: x


class ChangesThreads(Honest):
    """Leaves torch on three threads."""

    def fit(self, past: Panel) -> Self:
        import torch

        torch.set_num_threads(3)
        return super().fit(past)
