"""What a forecaster that offers optional members must keep to; without them it is excused.

Run over a class as the checks of :mod:`tradewind.contracts.forecaster_contract` are: ``make(seed)``
builds a fresh, small forecaster. One that fits each symbol by itself is asked for its parts.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.contracts.forecaster_contract import (
    FITTED,
    Check,
    Make,
    demand,
    equal,
    fitted,
    history,
)
from tradewind.engine.errors import ForecastError
from tradewind.engine.protocols import (
    Checkpointed,
    Continuing,
    Divisible,
    Forecaster,
    Forecasts,
    Resumable,
    Watched,
)

EPOCH = {"network", "epoch", "epochs", "fitting", "stopping"}


class Interrupted(Exception):
    """Stands for the end of a process."""


def said_by(forecaster: Forecaster) -> Forecasts:
    """Forecasts of the bars after those it was fitted on."""
    return forecaster.predict(history(), first=FITTED)


def interrupting(after: int) -> Callable[[Mapping[str, Any]], None]:
    """Report that ends a fit at its ``after``-th call."""
    calls = [0]

    def report(_: Mapping[str, Any]) -> None:
        calls[0] += 1
        if calls[0] == after:
            raise Interrupted

    return report


def tells_its_epochs_and_is_not_moved_by_who_listens(make: Make, folder: Path) -> None:
    """Each report has its five keys, epochs count up, and the forecasts are those without it."""
    watched = make(0)
    if not isinstance(watched, Watched):
        return
    heard: list[Mapping[str, Any]] = []
    watched.watch(heard.append)
    past = history().past(FITTED)
    equal(said_by(fitted(make, past)), said_by(watched.fit(past)), "watched")
    demand(bool(heard), "it never said how its fit was going")
    demand(set(heard[0]) >= EPOCH, f"a report has {sorted(heard[0])}, wanted {sorted(EPOCH)}")
    own = [said["epoch"] for said in heard if said["network"] == heard[0]["network"]]
    demand(own == sorted(own), f"epochs come as {own}")
    demand(max(own) <= heard[0]["epochs"], f"epoch {max(own)} of {heard[0]['epochs']}")


def goes_on_after_an_interruption_with_the_same_bits(make: Make, folder: Path) -> None:
    """A fit that ended in the middle goes on where it was, given the same folder."""
    first, second = make(0), make(0)
    if not (isinstance(first, Resumable) and isinstance(first, Watched)):
        return
    assert isinstance(second, Resumable) and isinstance(second, Watched)
    past = history().past(FITTED)
    for one in (first, second):
        one.keep_progress(folder / "progress")
    (folder / "progress").mkdir(exist_ok=True)
    first.watch(interrupting(after=2))
    try:
        first.fit(past)
    except Interrupted:
        pass
    else:
        return  # over before there was anything to interrupt
    heard: list[Mapping[str, Any]] = []
    second.watch(heard.append)
    equal(said_by(fitted(make, past)), said_by(second.fit(past)), "interrupted and gone on with")
    begun = heard[0]["epoch"] if heard else None
    demand(begun is None or begun > 1, "it began anew although its progress was kept")


def begins_from_an_earlier_fit_kept_or_not(make: Make, folder: Path) -> None:
    """From a fit at hand and from the same one restored it ends with the same bits."""
    earlier: Any = make(1)
    if not (isinstance(earlier, Continuing) and isinstance(earlier, Checkpointed)):
        return
    past, early = history().past(FITTED), history().past(FITTED - 20)
    earlier = earlier.fit(early)
    earlier.save(folder / "earlier")
    kept: Any = make(1)
    warm: Any = [make(0).begin_from(one) for one in (earlier, kept.restore(folder / "earlier"))]  # type: ignore[attr-defined]
    said = [said_by(one.fit(past)) for one in warm]
    equal(said[0], said[1], "begun from a fit and from its checkpoint")
    cold = said_by(fitted(make, past))
    demand(not np.array_equal(cold.mean, said[0].mean, equal_nan=True), "it did not begin from it")
    equal(cold, said_by(warm[0].fit(past)), "the fit after a warm one")


def says_of_a_symbol_what_it_says_undivided(make: Make, folder: Path) -> None:
    """Parts side by side are the whole; refused where one fit serves all symbols."""
    whole = make(0)
    if not isinstance(whole, Divisible):
        return
    panel, past = history(), history().past(FITTED)
    try:
        parts = [(k, make(0).for_symbols((name,))) for k, name in enumerate(panel.symbols)]  # type: ignore[attr-defined]
    except ForecastError:
        demand(bool(getattr(whole, "pooled", False)), "it refuses a part, and is not pooled")
        return
    said = said_by(whole.fit(past))
    for k, part in parts:
        own = said_by(part.fit(past))
        mine = [Forecasts(one.mean[:, [k]], one.std[:, [k]], one.horizon) for one in (said, own)]
        equal(mine[0], mine[1], f"{panel.symbols[k]} alone")
        others = np.delete(own.mean, k, axis=1)
        demand(bool(np.isnan(others).all()), "a part speaks of symbols that are not its own")


CHECKS: tuple[Check, ...] = (
    tells_its_epochs_and_is_not_moved_by_who_listens,
    goes_on_after_an_interruption_with_the_same_bits,
    begins_from_an_earlier_fit_kept_or_not,
    says_of_a_symbol_what_it_says_undivided,
)
