"""What every forecaster must keep to, as functions that raise ``AssertionError``.

A plug-in author runs them over their own class::

    import pytest
    from tradewind.contracts.forecaster_contract import CHECKS

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_forecaster_keeps_the_contract(check, tmp_path):
        check(lambda seed: MyForecaster(seed=seed, epochs=2), tmp_path)

``make(seed)`` builds a fresh, small forecaster: it is fitted on some 250 bars of 3 symbols, a few
times per check. "Equal" means in every bit.
"""

import pickle
import random
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from tradewind.engine.causality import probe
from tradewind.engine.protocols import Checkpointed, Forecaster, Forecasts
from tradewind.engine.records import Panel
from tradewind.engine.tampering import TAMPERINGS, tampered

Make = Callable[[int], Forecaster]
Check = Callable[[Make, Path], None]

FITTED, WHOLE = 250, 320  # bars a forecaster is fitted on, and bars there are


def history() -> Panel:
    """Made-up bars of three symbols, two with gaps and a late start."""
    return probe(seed=7, n_bars=WHOLE, n_symbols=3)


def equal(a: Forecasts, b: Forecasts, what: str) -> None:
    """Raise where two forecasts differ in any bit."""
    for name in ("mean", "std", "quantiles"):
        x, y = getattr(a, name), getattr(b, name)
        if x.shape != y.shape:
            raise AssertionError(f"{what}: {name} has shape {x.shape} and {y.shape}")
        differs = (x != y) & ~(np.isnan(x) & np.isnan(y))
        if differs.any():
            at = tuple(int(i) for i in np.argwhere(differs)[0])
            raise AssertionError(
                f"{what}: {name}[{at}] is {x[at]!r} and {y[at]!r}; {int(differs.sum())} of "
                f"{x.size} values differ"
            )


def head(forecasts: Forecasts, n_rows: int) -> Forecasts:
    """The first rows."""
    quantiles = forecasts.quantiles
    return replace(
        forecasts,
        mean=forecasts.mean[:n_rows],
        std=forecasts.std[:n_rows],
        quantiles=quantiles[:n_rows] if forecasts.levels else quantiles,
    )


def fitted(make: Make, panel: Panel, seed: int = 0) -> Forecaster:
    """A fresh forecaster, fitted."""
    return make(seed).fit(panel)


def demand(holds: bool, message: str) -> None:
    """Raise unless ``holds``."""
    if not holds:
        raise AssertionError(message)


def says_something_of_the_right_shape(make: Make, folder: Path) -> None:
    """One row per bar asked for, horizon as declared, std > 0 wherever there is a mean."""
    panel = history()
    forecaster = fitted(make, panel.past(FITTED))
    said = forecaster.predict(panel, first=FITTED)
    demand(isinstance(forecaster, Forecaster), "it lacks a member of the Forecaster protocol")
    demand(said.mean.shape == (WHOLE - FITTED, 3), f"shape {said.mean.shape}")
    demand(said.horizon == forecaster.horizon >= 1, f"horizon {said.horizon}")
    given = ~np.isnan(said.mean)
    demand(bool(given[:, 0].all()), "no forecast for a symbol that has every bar")
    demand(bool((said.std[given] > 0).all()), "std is not positive beside a mean")
    demand(bool((np.isnan(said.std) == ~given).all()), "mean and std are not NaN together")


def is_silent_without_a_bar_or_history(make: Make, folder: Path) -> None:
    """NaN before ``warmup`` bars of a symbol and where it has no bar."""
    panel = history()
    forecaster = fitted(make, panel.past(FITTED))
    given = ~np.isnan(forecaster.predict(panel, first=0).mean)
    has_bar = ~np.isnan(panel.close)
    bars_so_far = np.cumsum(has_bar, axis=0)
    demand(forecaster.warmup >= 1, f"warmup is {forecaster.warmup}")
    demand(not (given & ~has_bar).any(), "a forecast stands where a symbol has no bar")
    early = given & (bars_so_far < forecaster.warmup)
    demand(not early.any(), f"{int(early.sum())} forecasts come before warmup bars")
    demand(bool(given.any()), "there is not a single forecast")


def is_not_moved_by_the_future(make: Make, folder: Path) -> None:
    """Forecasts up to a bar are equal whatever comes after it, and when nothing does."""
    panel = history()
    forecaster = fitted(make, panel.past(FITTED))
    whole = forecaster.predict(panel, first=FITTED)
    for cut in (FITTED + 1, FITTED + 17, WHOLE - 1):
        for how in TAMPERINGS:
            other = forecaster.predict(tampered(panel, cut, how), first=FITTED)
            n_rows = cut - FITTED
            equal(head(whole, n_rows), head(other, n_rows), f"future {how} from bar {cut} on")


def fits_on_the_past_alone(make: Make, folder: Path) -> None:
    """A fit is equal whatever lies in memory behind the bars it was given."""
    panel = history()
    honest = fitted(make, panel.past(FITTED)).predict(panel, first=FITTED)
    for how in ("noise", "scaled", "gone"):
        past = tampered(panel, FITTED, how).past(FITTED)
        said = fitted(make, past).predict(panel, first=FITTED)
        equal(honest, said, f"fitted before a future {how}")


def says_the_same_bar_by_bar(make: Make, folder: Path) -> None:
    """One call for all bars equals a call per bar, as in live trading."""
    panel = history()
    forecaster = fitted(make, panel.past(FITTED))
    whole = forecaster.predict(panel, first=FITTED)
    for bar in (FITTED, FITTED + 1, FITTED + 33, WHOLE - 1):
        one = forecaster.predict(panel.past(bar + 1), first=bar)
        at = slice(bar - FITTED, bar - FITTED + 1)
        same = Forecasts(whole.mean[at], whole.std[at], whole.horizon)
        equal(same, Forecasts(one.mean, one.std, one.horizon), f"bar {bar} alone")


def forgets_earlier_fits(make: Make, folder: Path) -> None:
    """A second fit equals a fresh forecaster's first."""
    panel, other = history(), probe(seed=8, n_bars=FITTED, n_symbols=3)
    fresh = fitted(make, panel.past(FITTED)).predict(panel, first=FITTED)
    again = fitted(make, other).fit(panel.past(FITTED)).predict(panel, first=FITTED)
    equal(fresh, again, "fitted on other data before")


def repeats_itself(make: Make, folder: Path) -> None:
    """Same seed, same bits, whatever the global generators hold and left behind as found."""
    panel = history()
    first = fitted(make, panel.past(FITTED)).predict(panel, first=FITTED)
    random.seed(99)
    np.random.seed(99)
    before = random.getstate(), pickle.dumps(np.random.get_state())
    second = fitted(make, panel.past(FITTED)).predict(panel, first=FITTED)
    equal(first, second, "same seed")
    after = random.getstate(), pickle.dumps(np.random.get_state())
    demand(before == after, "it draws from a global generator; give it one of its own")


def does_not_mind_threads(make: Make, folder: Path) -> None:
    """Equal on one and on two torch threads, and the setting is left as found."""
    panel = history()
    first = fitted(make, panel.past(FITTED)).predict(panel, first=FITTED)
    torch = sys.modules.get("torch")
    if torch is None:
        return
    before = torch.get_num_threads()
    noise = torch.get_rng_state()
    try:
        for threads in (2, 1):
            torch.set_num_threads(threads)
            said = fitted(make, panel.past(FITTED)).predict(panel, first=FITTED)
            equal(first, said, f"{threads} torch threads")
            demand(torch.get_num_threads() == threads, "it changes torch's number of threads")
    finally:
        torch.set_num_threads(before)
    untouched = bool((noise == torch.get_rng_state()).all())
    demand(untouched, "it draws from torch's global generator; give it one of its own")


def leaves_its_input_alone(make: Make, folder: Path) -> None:
    """Neither fit nor predict writes into the panel."""
    panel = history()
    digest = panel.digest()
    fitted(make, panel.past(FITTED)).predict(panel, first=FITTED)
    demand(panel.digest() == digest, "it writes into the panel it was given")


def travels_to_another_process(make: Make, folder: Path) -> None:
    """A forecaster that was not fitted can be pickled, and fits the same afterwards."""
    panel = history()
    here = fitted(make, panel.past(FITTED)).predict(panel, first=FITTED)
    copy: Forecaster = pickle.loads(pickle.dumps(make(0)))
    equal(here, copy.fit(panel.past(FITTED)).predict(panel, first=FITTED), "pickled before fit")


def comes_back_from_disk(make: Make, folder: Path) -> None:
    """A restored forecaster says the same; one that cannot be saved is excused."""
    panel = history()
    original = fitted(make, panel.past(FITTED))
    if not isinstance(original, Checkpointed):
        return
    original.save(folder / "kept")
    copy = make(0)
    with suppress(Exception):  # what it held before must not shine through
        copy = copy.fit(probe(seed=9, n_bars=FITTED, n_symbols=3))
    demand(isinstance(copy, Checkpointed), "fit gives back something that cannot be restored")
    restored = copy.restore(folder / "kept")  # type: ignore[attr-defined]
    said = restored.predict(panel, first=FITTED)
    equal(original.predict(panel, first=FITTED), said, "restored")


CHECKS: tuple[Check, ...] = (
    says_something_of_the_right_shape,
    is_silent_without_a_bar_or_history,
    is_not_moved_by_the_future,
    fits_on_the_past_alone,
    says_the_same_bar_by_bar,
    forgets_earlier_fits,
    repeats_itself,
    does_not_mind_threads,
    leaves_its_input_alone,
    travels_to_another_process,
    comes_back_from_disk,
)
