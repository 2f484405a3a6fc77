"""Which bars a setting is scored on: test blocks, or every choice of held-out blocks.

A setting is run once over the whole search span, and its score is made of the returns on the test
bars. Its equity is not started anew in every fold: nothing of a setting is fitted to a fold, so the
run at bar t knows what a run begun at the fold would know, and has what such a run would lack, its
positions. One run instead of one a fold is also what makes thousands of settings cheap.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tradewind.engine.config.sweeping import ValidateConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.records import Bools, Floats
from tradewind.engine.walkforward.purged_cv import splits

FEW = 3  # bars: a deviation needs two returns


@dataclass(frozen=True, slots=True)
class Fold:
    """Bars that one number of a setting is made of.

    Attributes
    ----------
    number : int
    spans : tuple of (int, int)
        Bars whose returns are tested, stops excluded; in time.
    train : ndarray of bool, shape (n_bars,)
        Bars that a choice for this fold may be made on.
    """

    number: int
    spans: tuple[tuple[int, int], ...]
    train: Bools

    def curve(self, equity: Floats) -> Floats:
        """Equity over the test bars, its first entry that before the first of them.

        Of several spans, the growth of all of them one after another, from 1.
        """
        if len(self.spans) == 1:
            first, stop = self.spans[0]
            return equity[first - 1 : stop]
        steps = [equity[a:b] / equity[a - 1 : b - 1] for a, b in self.spans]
        return np.cumprod(np.concatenate([np.ones(1), *steps]))


def folds_of(config: ValidateConfig, n_bars: int) -> tuple[Fold, ...]:
    """Cut the bars of the search.

    Raises
    ------
    ConfigError
        If a fold would hold too few bars to measure anything.
    """
    if config.kind == "none":
        return (Fold(0, ((1, n_bars),), np.ones(n_bars, bool)),)
    if config.kind == "cpcv":
        return _combinatorial(config, n_bars)
    first = max(int(config.train * n_bars), 1)
    edges = np.linspace(first, n_bars, config.folds + 1).astype(int)
    if np.diff(edges).min() < FEW:
        raise ConfigError(
            f"sweep.validate: {n_bars} bars cannot be cut into {config.folds} test blocks after a "
            f"training part of {first}; wanted at least {FEW} bars in each: fewer folds, a smaller "
            "train, or more data"
        )
    bars = np.arange(n_bars)
    return tuple(Fold(k, ((int(a), int(b)),), bars < a) for k, (a, b) in enumerate(pairwise(edges)))


def _combinatorial(config: ValidateConfig, n_bars: int) -> tuple[Fold, ...]:
    """Every choice of held-out blocks; a bar's label reaches ``purge`` bars ahead."""
    n = n_bars - 1  # returns, that of bar 1 first
    if n // config.groups < FEW:
        raise ConfigError(
            f"sweep.validate: {n_bars} bars cannot be cut into {config.groups} groups of at least "
            f"{FEW}; give fewer groups or more data"
        )
    begins = np.arange(n)
    found = []
    for split in splits(
        begins, begins + config.purge, groups=config.groups, test=config.test,
        embargo=config.embargo,
    ):  # fmt: skip
        train = np.concatenate([[False], split.train])
        found.append(Fold(split.number, _spans(split.test), train))
    return tuple(found)


def _spans(test: Bools) -> tuple[tuple[int, int], ...]:
    """Runs of true values, as bars: return i is that of bar i + 1."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], test, [False]]).astype(int)))
    return tuple((int(a) + 1, int(b) + 1) for a, b in edges.reshape(-1, 2))


def pooled(folds: tuple[Fold, ...]) -> Fold:
    """All test bars as one fold, each once."""
    first = min(a for fold in folds for a, _ in fold.spans)
    stop = max(b for fold in folds for _, b in fold.spans)
    return Fold(-1, ((first, stop),), np.zeros(len(folds[0].train), bool))
