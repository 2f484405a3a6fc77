from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from tradewind.engine.errors import ConfigError
from tradewind.engine.walkforward.purged_cv import group_of, n_paths, paths, splits


def test_six_samples_in_three_groups_small_enough_to_check_by_eye() -> None:
    begins = np.array([1, 2, 3, 4, 5, 6])  # labels of two bars: 1-2, 2-3, 3-4, 4-5, 5-6, 6-7
    found = list(splits(begins, begins + 1, groups=3, test=1, embargo=1))
    assert [s.held_out for s in found] == [(0,), (1,), (2,)]
    # Held out: labels 1-2 and 2-3. 3-4 shares bar 3; 4-5 begins within one bar of the last, 3.
    assert found[0].train.tolist() == [False, False, False, False, True, True]
    # Held out: 3-4 and 4-5. 2-3 and 5-6 share a bar; 6-7 begins in the embargo.
    assert found[1].train.tolist() == [True, False, False, False, False, False]
    # Held out: 5-6 and 6-7. 4-5 shares bar 5; nothing comes behind.
    assert found[2].train.tolist() == [True, True, True, False, False, False]


@some.composite
def labels(draw: Any) -> tuple[Any, Any]:
    """Labels of any lengths and gaps, in order of both ends."""
    n = draw(some.integers(6, 60))
    steps = draw(some.lists(some.integers(0, 5), min_size=n, max_size=n))
    lengths = draw(some.lists(some.integers(0, 8), min_size=n, max_size=n))
    begins = np.cumsum(steps)
    return begins, np.maximum.accumulate(begins + lengths)


@given(
    labels=labels(), groups=some.integers(2, 6), test=some.integers(1, 5), gap=some.integers(0, 7)
)
def test_what_is_learned_from_is_what_brute_force_over_label_intervals_leaves(
    labels: tuple[Any, Any], groups: int, test: int, gap: int
) -> None:
    test = min(test, groups - 1)
    begins, ends = labels
    found = list(splits(begins, ends, groups=groups, test=test, embargo=gap))
    assert [s.held_out for s in found] == list(combinations(range(groups), test))
    group = group_of(len(begins), groups)
    bars = [set(range(b, e + 1)) for b, e in zip(begins, ends, strict=True)]
    for split in found:
        assert split.test.tolist() == [k in split.held_out for k in group]
        stops = [max(ends[group == k]) for k in split.held_out]
        for i, own in enumerate(bars):
            held = [bars[j] for j in np.flatnonzero(split.test)]
            overlaps = any(own & other for other in held)
            embargoed = any(stop < begins[i] <= stop + gap for stop in stops)
            assert split.train[i] == (not split.test[i] and not overlaps and not embargoed)


@given(n=some.integers(2, 200), groups=some.integers(2, 12))
def test_groups_are_blocks_in_time_of_nearly_equal_size(n: int, groups: int) -> None:
    if n < groups:
        with pytest.raises(ConfigError, match=f"{n} samples cannot be cut into {groups} groups"):
            group_of(n, groups)
        return
    group = group_of(n, groups)
    sizes = np.bincount(group, minlength=groups)
    assert (np.diff(group) >= 0).all()
    assert sizes.max() - sizes.min() <= 1
    assert sizes.min() >= 1


@pytest.mark.parametrize(("groups", "test", "count"), [(6, 2, 5), (5, 1, 1), (10, 3, 36)])
def test_every_held_out_group_stands_in_exactly_one_path(
    groups: int, test: int, count: int
) -> None:
    found = paths(groups, test)
    assert len(found) == n_paths(groups, test) == comb(groups, test) * test // groups == count
    held_out = list(combinations(range(groups), test))
    used = [(number, k) for path in found for k, number in enumerate(path)]
    assert sorted(used) == sorted((n, k) for n, held in enumerate(held_out) for k in held)


@pytest.mark.parametrize(
    ("begins", "ends"), [([1, 3, 2, 4], [2, 4, 5, 6]), ([1, 2, 3, 4], [3, 2, 4, 5])]
)
def test_labels_out_of_order_are_refused(begins: list[int], ends: list[int]) -> None:
    with pytest.raises(ConfigError, match="sort the samples"):
        list(splits(np.array(begins), np.array(ends), groups=2, test=1))


@pytest.mark.parametrize("test", [0, 3])
def test_at_least_one_group_is_held_out_and_one_learned_from(test: int) -> None:
    with pytest.raises(ConfigError, match=f"{test} of 3 groups cannot be held out"):
        list(splits(np.arange(9), np.arange(9), groups=3, test=test))
