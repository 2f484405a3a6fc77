"""What the optional members of a forecaster must keep to, where it has them.

As in :mod:`.forecaster_contract`: ``make(seed)`` builds a fresh, small forecaster that trains for
at least three epochs, "equal" means in every bit, and a check passes on a forecaster without the
member.
"""

import pickle
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.contracts.forecaster_contract import FITTED, demand, equal, fitted, history
from tradewind.engine.causality import probe
from tradewind.engine.errors import ForecastError
from tradewind.engine.protocols import (
    Continuing,
    Divisible,
    Forecaster,
    Forecasts,
    Resumable,
    Watched,
)

Make = Callable[[int], Forecaster]
TOLD = {"network", "epoch", "epochs", "fitting", "stopping"}


def said(forecaster: Forecaster) -> Forecasts:
    """Forecasts of the bars after those fitted on."""
    return forecaster.predict(history(), first=FITTED)


def tells_each_epoch(make: Make, folder: Path) -> None:
    """Reports come in order, with finite numbers, for one fit only, and change nothing."""
    forecaster = make(0)
    if not isinstance(forecaster, Watched):
        return
    told: list[dict[str, Any]] = []
    forecaster.watch(lambda report: told.append(dict(report)))
    past = history().past(FITTED)
    watched = said(forecaster.fit(past))
    equal(said(fitted(make, past)), watched, "watched")
    demand(bool(told), "nothing was told")
    demand(all(set(report) == TOLD for report in told), f"told {sorted(told[0])}")
    for network in {report["network"] for report in told}:
        epochs = [report["epoch"] for report in told if report["network"] == network]
        demand(epochs == list(range(1, len(epochs) + 1)), f"epochs of {network}: {epochs}")
    numbers = [report[part] for report in told for part in ("fitting", "stopping")]
    demand(bool(np.isfinite(numbers).all()), "a loss is not finite")
    demand(all(report["epoch"] <= report["epochs"] for report in told), "more epochs than at most")
    count = len(told)
    forecaster.fit(past)
    demand(len(told) == count, "a fit nobody watches is told of")


def goes_on_where_it_was_interrupted(make: Make, folder: Path) -> None:
    """A fit broken off after any of its first epochs ends with the bits of a whole one."""
    past = history().past(FITTED)
    probe_of = make(0)
    if not (isinstance(probe_of, Resumable) and isinstance(probe_of, Watched)):
        return
    whole = said(fitted(make, past))
    for stop in (1, 2, 3):
        seen: list[int] = []

        def interrupt(report: Mapping[str, Any], seen: list[int] = seen, stop: int = stop) -> None:
            seen.append(report["epoch"])
            if len(seen) == stop:
                raise KeyboardInterrupt

        broken: Any = make(0)
        broken.keep_progress(folder / f"after-{stop}")
        broken.watch(interrupt)
        with suppress(KeyboardInterrupt):
            broken.fit(past)
        demand(len(seen) == stop, "it trains for fewer than three epochs; give it more")
        again: Any = make(0)
        again.keep_progress(folder / f"after-{stop}")
        again.watch(lambda report, seen=seen: seen.append(report["epoch"]))
        equal(whole, said(again.fit(past)), f"interrupted after {stop} epochs")
        demand(stop >= 3 or 1 not in seen[stop : stop + 1], "it began anew")


def progress_of_another_fit_is_no_use(make: Make, folder: Path) -> None:
    """Progress kept on other data or with another seed moves nothing."""
    past, other = history().past(FITTED), probe(seed=11, n_bars=FITTED, n_symbols=3)
    first: Any = make(0)
    if not isinstance(first, Resumable):
        return
    first.keep_progress(folder)
    first.fit(other)
    second: Any = make(1)
    second.keep_progress(folder)
    second.fit(past)
    third: Any = make(0)
    third.keep_progress(folder)
    equal(said(fitted(make, past)), said(third.fit(past)), "beside progress of other fits")


def begins_from_an_earlier_fit(make: Make, folder: Path) -> None:
    """A start moves the next fit, repeatably, leaves the earlier one alone, and is then over."""
    panel = history()
    earlier = fitted(make, panel.past(FITTED - 40))
    if not isinstance(earlier, Continuing):
        return
    past, before = panel.past(FITTED), said(earlier)
    warm = [said(_begin(make(0), earlier).fit(past)) for _ in range(2)]
    equal(warm[0], warm[1], "begun twice from the same fit")
    equal(before, said(earlier), "a fit that another began from")
    scratch = said(fitted(make, past))
    demand(
        not np.array_equal(scratch.mean, warm[0].mean, equal_nan=True), "the start moves nothing"
    )
    once = _begin(make(0), earlier)
    once.fit(past)
    equal(scratch, said(once.fit(past)), "the fit after the one that began elsewhere")
    with suppress(ForecastError):
        _begin(make(0), make(0))
        raise AssertionError("it begins from one that was not fitted")


def _begin(new: Any, earlier: Any) -> Any:
    return new.begin_from(earlier)


def parts_say_what_the_whole_says(make: Make, folder: Path) -> None:
    """Each symbol by itself equals all together, also after a way to disk or another process."""
    past = history().past(FITTED)
    whole = make(0)
    if not isinstance(whole, Divisible):
        return
    if getattr(whole, "pooled", False):
        with suppress(ForecastError):
            whole.for_symbols(past.symbols[:1])
            raise AssertionError("one network serves all symbols, yet it can be divided")
        return
    together = said(whole.fit(past))
    for k, symbol in enumerate(past.symbols):
        part: Any = pickle.loads(pickle.dumps(make(0).for_symbols((symbol,))))  # type: ignore[attr-defined]
        own = said(part.fit(past))
        columns = [c for c in range(past.n_symbols) if c != k]
        demand(bool(np.isnan(own.mean[:, columns]).all()), f"{symbol} alone speaks of others")
        one = Forecasts(together.mean[:, [k]], together.std[:, [k]], together.horizon)
        equal(one, Forecasts(own.mean[:, [k]], own.std[:, [k]], own.horizon), f"{symbol} alone")


CHECKS = (
    tells_each_epoch,
    goes_on_where_it_was_interrupted,
    progress_of_another_fit_is_no_use,
    begins_from_an_earlier_fit,
    parts_say_what_the_whole_says,
)
