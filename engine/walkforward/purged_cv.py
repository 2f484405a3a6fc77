"""Combinatorial purged cross-validation: every choice of held-out blocks, and no label in two.

Samples in time order are cut into ``groups`` blocks; every combination of ``test`` of them is held
out once. A sample is learned from only where its label shares no bar with the label of a held-out
sample (purge) and it does not begin too soon after one (embargo). Laid together, the held-out
blocks of all splits give several out-of-sample paths over the whole time instead of one.

References
----------
Lopez de Prado (2018), Advances in Financial Machine Learning, chapters 7 and 12.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from tradewind.engine.errors import ConfigError
from tradewind.engine.records import Bools, Ints


@dataclass(frozen=True, slots=True)
class Split:
    """One choice of what is held out.

    Attributes
    ----------
    number : int
        From 0, in the order of :func:`itertools.combinations`.
    held_out : tuple of int
        Groups, increasing.
    train, test : ndarray of bool, shape (n_samples,)
        What may be learned from, and what is held out; a purged sample is in neither.
    """

    number: int
    held_out: tuple[int, ...]
    train: Bools
    test: Bools


def group_of(n_samples: int, groups: int) -> Ints:
    """Group of each sample, shape (n_samples,): blocks in time whose sizes differ by one at most.

    Raises
    ------
    ConfigError
        If there are fewer samples than groups.
    """
    if n_samples < groups:
        raise ConfigError(
            f"cross-validation: {n_samples} samples cannot be cut into {groups} groups; give more "
            "history or fewer groups"
        )
    return np.arange(n_samples) * groups // n_samples


def splits(
    begins: Ints, ends: Ints, *, groups: int, test: int, embargo: int = 0
) -> Iterator[Split]:
    """Every combination of ``test`` held-out groups, purged and embargoed.

    Parameters
    ----------
    begins, ends : ndarray of int64, shape (n_samples,)
        First and last bar of each label, both included; neither decreases.
    groups, test : int
        Blocks of time, and how many of them are held out, 1 <= test < groups.
    embargo : int
        Bars after the last label of a held-out block in which no label may begin that is learned
        from.

    Yields
    ------
    Split
        ``comb(groups, test)`` of them.

    Raises
    ------
    ConfigError
        If there are fewer samples than groups, or labels that are not in order.
    """
    if not 1 <= test < groups:
        raise ConfigError(f"cross-validation: {test} of {groups} groups cannot be held out")
    if (np.diff(begins) < 0).any() or (np.diff(ends) < 0).any() or (ends < begins).any():
        raise ConfigError("cross-validation: labels must begin and end in order; sort the samples")
    group = group_of(len(begins), groups)
    touched = [_touched(begins, ends, group == k, embargo) for k in range(groups)]
    for number, held_out in enumerate(combinations(range(groups), test)):
        held = np.isin(group, held_out)
        train = ~held
        for k in held_out:
            train &= ~touched[k]
        yield Split(number, held_out, train, held)


def _touched(begins: Ints, ends: Ints, block: Bools, embargo: int) -> Bools:
    """Samples whose label meets a label of ``block``, or begins in the embargo behind them.

    Labels in order: those of a block cover one stretch of bars unless they leave holes, and a
    label inside such a hole meets none of them.
    """
    first, last = begins[block], ends[block]
    # The first label of the block that ends no earlier than a sample's label begins.
    nearest = np.searchsorted(last, begins)
    meets = np.zeros(len(begins), bool)
    inside = nearest < len(first)
    meets[inside] = first[nearest[inside]] <= ends[inside]
    behind = (begins > last[-1]) & (begins <= last[-1] + embargo)
    return np.asarray(meets | behind)


def n_paths(groups: int, test: int) -> int:
    """Out-of-sample paths over the whole time: how often each group is held out."""
    return comb(groups - 1, test - 1)


def paths(groups: int, test: int) -> tuple[tuple[int, ...], ...]:
    """Which split supplies each group of each path.

    Returns
    -------
    tuple of tuple of int
        ``n_paths`` rows of ``groups`` split numbers; each pair of split and held-out group stands
        in exactly one path.
    """
    of_group: list[list[int]] = [[] for _ in range(groups)]
    for number, held_out in enumerate(combinations(range(groups), test)):
        for k in held_out:
            of_group[k].append(number)
    return tuple(zip(*of_group, strict=True))
