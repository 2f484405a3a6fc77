"""Selectors with one fault each, for the contract to find."""

from typing import ClassVar, Self

import numpy as np

from tradewind.engine.records import ELIGIBLE, Floats, Panel


class Honest:
    """Ranks by the last return, in units of those it was fitted on."""

    horizon = 1
    warmup = 2

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed
        self.size = np.nan

    def returns(self, panel: Panel) -> Floats:
        """Shape (n_bars, n_symbols); NaN after a gap and where nobody may be ranked."""
        steps: Floats = np.diff(np.log(panel.close), axis=0, prepend=np.nan)
        return np.where(panel.marked(ELIGIBLE), steps, np.nan)

    def fit(self, past: Panel) -> Self:
        self.size = float(np.nanstd(self.returns(past)))
        return self

    def score(self, past: Panel, *, first: int) -> Floats:
        return np.asarray(self.returns(past)[first:] / self.size)


class ReadsTheNextBar(Honest):
    """Ranks by the return that is still to come."""

    def returns(self, panel: Panel) -> Floats:
        steps = super().returns(panel)
        return np.where(np.isnan(steps), np.nan, np.roll(steps, -1, axis=0))


class RanksAgainstAll(Honest):
    """Takes off the mean of everything it is shown."""

    def score(self, past: Panel, *, first: int) -> Floats:
        return np.asarray(super().score(past, first=first) - np.nanmean(self.returns(past)))


class LooksBehindTheView(Honest):
    """Fits on the memory behind the slice it was given."""

    def fit(self, past: Panel) -> Self:
        base = past.close.base
        whole = past.close if base is None else base
        self.size = float(np.nanstd(whole))
        return self


class KeepsTheBarred(Honest):
    """Ranks whoever trades."""

    def returns(self, panel: Panel) -> Floats:
        steps: Floats = np.diff(np.log(panel.close), axis=0, prepend=np.nan)
        return steps


class FillsGaps(Honest):
    """Ranks symbols without a bar."""

    def score(self, past: Panel, *, first: int) -> Floats:
        return np.nan_to_num(super().score(past, first=first))


class RanksByPrice(Honest):
    """Cheap stocks last, whatever a share is."""

    def returns(self, panel: Panel) -> Floats:
        return np.where(panel.marked(ELIGIBLE), panel.close, np.nan)


class Remembers(Honest):
    """Its second fit depends on the first."""

    def fit(self, past: Panel) -> Self:
        before = 0.0 if np.isnan(self.size) else self.size
        super().fit(past)
        self.size += before
        return self


class DrawsGlobally(Honest):
    """Breaks ties with numpy's global generator."""

    def score(self, past: Panel, *, first: int) -> Floats:
        said = super().score(past, first=first)
        return np.asarray(said + np.random.normal(0, 1e-9, said.shape))


class ScribblesOnInput(Honest):
    """Cleans the panel in place."""

    def score(self, past: Panel, *, first: int) -> Floats:
        past.close[0] = 1.0
        return super().score(past, first=first)


class CannotTravel(Honest):
    """Holds a function that cannot be pickled."""

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.rate = lambda x: x


class SharesState(Honest):
    """Saves nothing and restores whatever the class saw last."""

    seen: ClassVar[dict[str, float]] = {}

    def fit(self, past: Panel) -> Self:
        super().fit(past)
        self.seen["size"] = self.size
        return self

    def save(self, folder: object) -> None:
        """Nothing."""

    def restore(self, folder: object) -> Self:
        self.size = self.seen["size"]
        return self
