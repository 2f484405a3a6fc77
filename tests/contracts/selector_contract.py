"""What every selector must keep to, as functions that raise ``AssertionError``.

A plug-in author runs them over their own class::

    import pytest
    from tradewind.contracts.selector_contract import CHECKS

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_selector_keeps_the_contract(check, tmp_path):
        check(lambda seed: MySelector(seed=seed, epochs=2), tmp_path)

``make(seed)`` builds a fresh, small selector: it is fitted on some 840 daily bars of 16 symbols, a
few times per check. "Equal" means in every bit.
"""

import pickle
import random
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.bars.sessions import ALWAYS
from tradewind.engine.causality import probe
from tradewind.engine.protocols import Selector
from tradewind.engine.records import ELIGIBLE, FIELDS, Floats, Panel
from tradewind.engine.tampering import TAMPERINGS, tampered

Make = Callable[[int], Selector]
Check = Callable[[Make, Path], None]

FITTED, WHOLE, SYMBOLS = 840, 960, 16


def history(seed: int = 7) -> Panel:
    """Made-up days of sixteen symbols, all but one with gaps and a late start."""
    return replace(probe(seed=seed, n_bars=WHOLE, n_symbols=SYMBOLS), calendar=ALWAYS)


def equal(a: Floats, b: Floats, what: str) -> None:
    """Raise where two tables of scores differ in any bit."""
    if a.shape != b.shape:
        raise AssertionError(f"{what}: shapes {a.shape} and {b.shape}")
    differs = (a != b) & ~(np.isnan(a) & np.isnan(b))
    if differs.any():
        at = tuple(int(i) for i in np.argwhere(differs)[0])
        raise AssertionError(
            f"{what}: score[{at}] is {a[at]!r} and {b[at]!r}; {int(differs.sum())} of {a.size} "
            "values differ"
        )


def demand(holds: bool, message: str) -> None:
    """Raise unless ``holds``."""
    if not holds:
        raise AssertionError(message)


def scored(make: Make, panel: Panel, seed: int = 0) -> Floats:
    """Scores of a fresh selector behind the bars it was fitted on."""
    return make(seed).fit(panel.past(FITTED)).score(panel, first=FITTED)


def ranks_with_the_right_shape(make: Make, folder: Path) -> None:
    """One row per bar asked for, a ranking of several symbols at one of them at least."""
    panel = history()
    selector = make(0)
    demand(isinstance(selector, Selector), "it lacks a member of the Selector protocol")
    demand(selector.horizon >= 1, f"horizon is {selector.horizon}")
    demand(selector.warmup >= 1, f"warmup is {selector.warmup}")
    said = scored(make, panel)
    demand(said.shape == (WHOLE - FITTED, SYMBOLS), f"shape {said.shape}")
    demand(not np.isinf(said).any(), "a score is infinite")
    n_ranked = (~np.isnan(said)).sum(axis=1)
    demand(int(n_ranked.max()) >= SYMBOLS // 2, f"it ranks {int(n_ranked.max())} symbols at most")


def is_silent_without_a_bar_or_history(make: Make, folder: Path) -> None:
    """NaN before ``warmup`` bars of the panel and where a symbol has no bar."""
    panel = history()
    selector = make(0).fit(panel.past(FITTED))
    given = ~np.isnan(selector.score(panel, first=0))
    demand(not (given & np.isnan(panel.close)).any(), "a score stands where a symbol has no bar")
    early = given[: selector.warmup - 1]
    demand(not early.any(), f"{int(early.sum())} scores come before warmup bars")


def heeds_who_is_eligible(make: Make, folder: Path) -> None:
    """NaN where the column ``eligible`` says no; the others are ranked."""
    panel = history()
    marks = np.ones(panel.shape)
    marks[:, 3] = 0.0
    some = replace(panel, columns={ELIGIBLE: marks})
    said = scored(make, some)
    demand(bool(np.isnan(said[:, 3]).all()), "a symbol that is not eligible has a score")
    demand(bool((~np.isnan(said)).any()), "nobody is ranked")


def is_not_moved_by_the_future(make: Make, folder: Path) -> None:
    """Scores up to a bar are equal whatever comes after it, and when nothing does."""
    panel = history()
    selector = make(0).fit(panel.past(FITTED))
    whole = selector.score(panel, first=FITTED)
    ranked = np.flatnonzero((~np.isnan(whole)).any(axis=1))
    cuts = {FITTED + 1, FITTED + 17, WHOLE - 1, *(FITTED + int(row) + 1 for row in ranked[:2])}
    for cut in sorted(cuts):
        for how in TAMPERINGS:
            other = selector.score(tampered(panel, cut, how), first=FITTED)
            n_rows = cut - FITTED
            equal(whole[:n_rows], other[:n_rows], f"future {how} from bar {cut} on")


def fits_on_the_past_alone(make: Make, folder: Path) -> None:
    """A fit is equal whatever lies in memory behind the bars it was given."""
    panel = history()
    honest = scored(make, panel)
    for how in ("noise", "scaled", "gone"):
        past = tampered(panel, FITTED, how).past(FITTED)
        equal(
            honest,
            make(0).fit(past).score(panel, first=FITTED),
            f"fitted before a future {how}",
        )


def says_the_same_bar_by_bar(make: Make, folder: Path) -> None:
    """One call for all bars equals a call per bar, as in live trading."""
    panel = history()
    selector = make(0).fit(panel.past(FITTED))
    whole = selector.score(panel, first=FITTED)
    ranked = FITTED + np.flatnonzero((~np.isnan(whole)).any(axis=1))
    for bar in (FITTED, *(int(bar) for bar in ranked[:3]), WHOLE - 1):
        one = selector.score(panel.past(bar + 1), first=bar)
        equal(whole[bar - FITTED : bar - FITTED + 1], one, f"bar {bar} alone")


def is_indifferent_to_the_unit_of_a_price(make: Make, folder: Path) -> None:
    """The prices of a symbol times sixteen change no score but by rounding: returns count."""
    panel = history()
    fields: dict[str, Any] = {name: getattr(panel, name).copy() for name in FIELDS[:4]}
    for array in fields.values():
        array[:, 2] *= 16.0
    here, there = scored(make, panel), scored(make, replace(panel, **fields))
    demand(bool((np.isnan(here) == np.isnan(there)).all()), "prices times 16 rank other symbols")
    away = float(np.nanmax(np.abs(here - there)))
    demand(away <= 1e-3 * float(np.nanstd(here)), f"prices times 16 move a score by {away:.2g}")


def forgets_earlier_fits(make: Make, folder: Path) -> None:
    """A second fit equals a fresh selector's first."""
    panel = history()
    again = make(0).fit(history(8).past(FITTED)).fit(panel.past(FITTED))
    equal(scored(make, panel), again.score(panel, first=FITTED), "fitted on other data before")


def repeats_itself(make: Make, folder: Path) -> None:
    """Same seed, same bits, whatever the global generators hold and left behind as found."""
    panel = history()
    first = scored(make, panel)
    random.seed(99)
    np.random.seed(99)
    torch = sys.modules.get("torch")
    noise = torch.get_rng_state() if torch is not None else None
    before = random.getstate(), pickle.dumps(np.random.get_state())
    equal(first, scored(make, panel), "same seed")
    after = random.getstate(), pickle.dumps(np.random.get_state())
    demand(before == after, "it draws from a global generator; give it one of its own")
    if torch is not None:
        untouched = bool((noise == torch.get_rng_state()).all())
        demand(untouched, "it draws from torch's global generator; give it one of its own")


def leaves_its_input_alone(make: Make, folder: Path) -> None:
    """Neither fit nor score writes into the panel."""
    panel = history()
    digest = panel.digest()
    scored(make, panel)
    demand(panel.digest() == digest, "it writes into the panel it was given")


def travels_to_another_process(make: Make, folder: Path) -> None:
    """A selector that was not fitted can be pickled, and fits the same afterwards."""
    panel = history()
    copy: Selector = pickle.loads(pickle.dumps(make(0)))
    there = copy.fit(panel.past(FITTED)).score(panel, first=FITTED)
    equal(scored(make, panel), there, "pickled before fit")


def comes_back_from_disk(make: Make, folder: Path) -> None:
    """A restored selector says the same; one that cannot be saved is excused."""
    panel = history()
    original: Any = make(0).fit(panel.past(FITTED))
    if not (hasattr(original, "save") and hasattr(original, "restore")):
        return
    original.save(folder / "kept")
    copy: Any = make(0)
    with suppress(Exception):  # what it held before must not shine through
        copy = copy.fit(history(9).past(FITTED))
    said = copy.restore(folder / "kept").score(panel, first=FITTED)
    equal(original.score(panel, first=FITTED), said, "restored")


CHECKS: tuple[Check, ...] = (
    ranks_with_the_right_shape,
    is_silent_without_a_bar_or_history,
    heeds_who_is_eligible,
    is_not_moved_by_the_future,
    fits_on_the_past_alone,
    says_the_same_bar_by_bar,
    is_indifferent_to_the_unit_of_a_price,
    forgets_earlier_fits,
    repeats_itself,
    leaves_its_input_alone,
    travels_to_another_process,
    comes_back_from_disk,
)
