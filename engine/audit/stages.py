"""What can be audited: anything that turns bars into values, seen as one function of a panel."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any

import numpy as np

from tradewind.engine import features
from tradewind.engine.errors import ForecastError
from tradewind.engine.protocols import Forecaster, Forecasts, Selector
from tradewind.engine.records import Floats, Panel

Outputs = Mapping[str, Floats]
"""Name of a column to its values, each of shape (n_bars, n_symbols)."""

MADE_OF = ("dropped", "noise", "scaled", "reversed", "gone", "some")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A function of a panel whose value at a bar may depend on bars up to it, and on nothing else.

    Attributes
    ----------
    kind : str
        ``data``, ``feature``, ``scaler``, ``forecast``, ``score``, ``evaluation`` ...
    name : str
    compute : callable
        From a panel to named arrays of shape (n_bars, n_symbols). Rows it has nothing to say about
        are NaN.
    first : int
        Rows before it are not looked at; every cut lies behind it.
    timeless : bool
        The arrays are a fitted state without a time axis: they are compared whole, and ``first``
        is the number of bars they were fitted on.
    warmup : int or None
        Bars of history declared; None where nothing is declared.
    settled : float
        Of a column's standard deviation: what history older than the warm-up may still move.
    horizon : int
        Bars ahead that its values are meant to say something about.
    borders : tuple of int
        Bars at which something of its own begins, a test window for example; cuts are made there.
    priced : bool
        Whether its values may depend on the level of prices.
    hows : tuple of str
        Tamperings to try.
    most : int or None
        Cuts besides those at the borders, where each costs much; None: as many as the effort says.
    """

    kind: str
    name: str
    compute: Callable[[Panel], Outputs]
    first: int = 0
    timeless: bool = False
    warmup: int | None = None
    settled: float = 1e-6
    horizon: int = 1
    borders: tuple[int, ...] = ()
    priced: bool = False
    hows: tuple[str, ...] = MADE_OF
    most: int | None = None


def cuts(stage: Stage, panel: Panel, n_cuts: int) -> tuple[int, ...]:
    """Bars from which on the future is replaced, for one stage.

    Parameters
    ----------
    stage : Stage
    panel : Panel
    n_cuts : int
        Spread over what the stage says something about. Every other one has a neighbour one bar
        later, so that what leaks inside groups of bars (a week, every other bar) shows at one of
        them.

    Returns
    -------
    tuple of int
        Increasing. Those at the stage's own borders are among them, and some that end inside a
        gap of a symbol, where filling from behind shows.
    """
    if stage.timeless:
        return (stage.first,)
    low, high = stage.first + 1, panel.n_bars - 1
    n_cuts = n_cuts if stage.most is None else min(stage.most, n_cuts)
    spread = np.linspace(low + (high - low) / (n_cuts + 1), high, n_cuts).astype(int)
    wanted = {int(cut) for cut in spread} | {int(cut) + 1 for cut in spread[:-1:2]}
    wanted |= {border + 1 for border in stage.borders}
    if stage.most is None:
        gaps = [cut for cut in _gap_ends(panel) if low <= cut <= high]
        wanted |= set(gaps[:: max(1, len(gaps) // 2)][:2])
    return tuple(sorted(cut for cut in wanted if low <= cut <= high))


def _gap_ends(panel: Panel) -> list[int]:
    """Bars at which a symbol that was known trades again after a gap."""
    has = ~np.isnan(panel.close)
    known = np.logical_or.accumulate(has, axis=0)
    back = has[1:] & ~has[:-1] & known[:-1]
    return [int(bar) + 1 for bar in np.flatnonzero(back.any(axis=1))]


def feature_stage(
    name: str,
    compute: Callable[[Panel], Floats],
    *,
    warmup: int | None = None,
    horizon: int = 1,
    settled: float = 1e-6,
) -> Stage:
    """One or several features; a third axis is spread over columns ``0``, ``1`` ...

    Parameters
    ----------
    name : str
    compute : callable
        From a panel to values of shape (n_bars, n_symbols) or (n_bars, n_symbols, n_features).
    warmup, horizon : int
    settled : float
    """

    def columns(panel: Panel) -> Outputs:
        values = np.asarray(compute(panel), np.float64)
        if values.ndim == 2:
            return {"": values}
        return {str(k): values[:, :, k] for k in range(values.shape[2])}

    return Stage(
        kind="feature", name=name, compute=columns, warmup=warmup, horizon=horizon, settled=settled
    )


def named_features(names: Sequence[str], *, horizon: int) -> tuple[Stage, ...]:
    """A stage for each of tradewind's own features, with the warm-up it declares."""
    from tradewind.engine.features.ta_columns import SETTLED

    return tuple(
        feature_stage(
            name,
            lambda panel, name=name: features.compute(panel, (name,))[:, :, 0],  # type: ignore[misc]
            warmup=features.feature(name).warmup,
            horizon=horizon,
            settled=SETTLED if name.startswith("ta.") else 1e-6,
        )
        for name in names
    )


def forecast_outputs(said: Forecasts, first: int, n_bars: int) -> Outputs:
    """Forecasts on the panel's own rows, column by column; NaN before ``first``."""
    if len(said.mean) != n_bars - first:
        raise ForecastError(
            f"predict gave {len(said.mean)} rows, wanted {n_bars - first}: one row per bar from "
            "'first' to the last"
        )
    parts = {"mean": said.mean, "std": said.std}
    parts |= {f"{p:g} quantile": said.quantiles[:, :, k] for k, p in enumerate(said.levels)}
    laid = {}
    for name, values in parts.items():
        laid[name] = np.full((n_bars, values.shape[1]), np.nan)
        laid[name][first:] = values
    return laid


def forecaster_stages(
    name: str, make: Callable[[], Forecaster], panel: Panel, fitted: int
) -> tuple[Stage, ...]:
    """Prediction of one fit, and the fit itself.

    Parameters
    ----------
    name : str
    make : callable
        Builds a new, unfitted forecaster; the same one each time.
    panel : Panel
        The bars of the audit.
    fitted : int
        Bars handed to ``fit``; predictions begin behind them.
    """

    @cache
    def honest() -> Forecaster:
        return make().fit(panel.past(fitted))

    def predict(other: Panel) -> Outputs:
        return forecast_outputs(honest().predict(other, first=fitted), fitted, other.n_bars)

    def refit(other: Panel) -> Outputs:
        fresh = make().fit(other.past(fitted))
        said = fresh.predict(panel, first=fitted)
        return {**forecast_outputs(said, fitted, panel.n_bars), **state_of(fresh)}

    sample = make()
    common: dict[str, Any] = {"name": name, "horizon": sample.horizon}
    return (
        Stage(kind="forecast", compute=predict, first=fitted, warmup=sample.warmup,
              settled=1e-3, **common),
        Stage(kind="fit", compute=refit, first=fitted, timeless=True, hows=MADE_OF[1:], **common),
    )  # fmt: skip


def selector_stages(
    name: str, make: Callable[[], Selector], panel: Panel, fitted: int
) -> tuple[Stage, ...]:
    """Scores of one fit, and the fit itself; as :func:`forecaster_stages`."""

    @cache
    def honest() -> Selector:
        return make().fit(panel.past(fitted))

    def laid(scores: Floats, n_bars: int) -> Floats:
        whole = np.full((n_bars, scores.shape[1]), np.nan)
        whole[fitted:] = scores
        return whole

    def score(other: Panel) -> Outputs:
        return {"score": laid(honest().score(other, first=fitted), other.n_bars)}

    def refit(other: Panel) -> Outputs:
        fresh = make().fit(other.past(fitted))
        said = fresh.score(panel, first=fitted)
        return {"score": laid(said, panel.n_bars), **state_of(fresh)}

    sample = make()
    common: dict[str, Any] = {"name": name, "horizon": sample.horizon}
    return (
        Stage(kind="score", compute=score, first=fitted, warmup=sample.warmup,
              settled=1e-3, **common),
        Stage(kind="fit", compute=refit, first=fitted, timeless=True, hows=MADE_OF[1:], **common),
    )  # fmt: skip


def state_of(fitted: object) -> Outputs:
    """Every number a fitted object holds, by the path of its attributes, each as (n, 1).

    Scalers, weights and selections are found wherever they are kept: in attributes, mappings,
    sequences and in objects inside, torch tensors among them.
    """
    return {
        f"state {path}": np.asarray(values, np.float64).reshape(-1, 1)
        for path, values in _numbers(fitted, "", set())
    }


def _numbers(held: object, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if isinstance(held, bool | int | float | np.number):
        yield path, [held]
    elif isinstance(held, np.ndarray):
        if held.dtype.kind in "biuf":
            yield path, held
    elif hasattr(held, "detach") and hasattr(held, "numpy"):  # a torch tensor
        yield path, held.detach().to("cpu").double().numpy()
    elif id(held) not in seen and len(path) < 200:
        seen.add(id(held))
        for name, part in _parts(held):
            yield from _numbers(part, f"{path}.{name}".lstrip("."), seen)


def _parts(held: object) -> list[tuple[str, object]]:
    """What an object is made of; what is no data has no parts."""
    if isinstance(held, Mapping):
        return [(str(key), part) for key, part in held.items()]
    if isinstance(held, list | tuple):
        return [(str(k), part) for k, part in enumerate(held)]
    if isinstance(held, str | bytes | type | Panel) or callable(held):
        module = getattr(held, "parameters", None)  # a torch module is callable and holds numbers
        return list(held.state_dict().items()) if module and hasattr(held, "state_dict") else []
    if is_dataclass(held):
        return [(one.name, getattr(held, one.name)) for one in fields(held)]
    return list(getattr(held, "__dict__", {}).items())


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard an audit tries.

    Attributes
    ----------
    cuts : int
        Bars from which the future is replaced, for what costs little.
    fit_hows : int
        Other futures that a fit is tried on.
    worth : int
        Bars at which the honest value is made anew, to say what a leak is worth; 0 for none.
    placebos : int
        Random walks, and permuted histories, that skill must vanish on; 0 for none.
    bars, symbols : int
        Of the data that is looked at: the newest bars, the symbols with most of them.
    folds : int
        Of a config's walk-forward.
    """

    cuts: int = 12
    fit_hows: int = 5
    worth: int = 120
    placebos: int = 8
    bars: int = 1_000
    symbols: int = 12
    folds: int = 3


QUICK = Effort(cuts=5, fit_hows=1, worth=40, placebos=0, bars=600, symbols=6, folds=1)
FULL = Effort()
