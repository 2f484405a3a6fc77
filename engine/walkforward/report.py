"""How the folds of a walk-forward went, for people and for the record."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradewind.engine.walkforward.schedule import Fold


@dataclass(frozen=True, slots=True)
class FitReport:
    """One fit: of one member of the ensemble, on all symbols or a part of them.

    Attributes
    ----------
    seed : int
        What the forecaster was built with.
    seconds : float
        Fit and prediction, when they were made.
    from_cache : bool
    n_samples : int or None
        Training samples, where the forecaster exposes ``n_samples``.
    history : tuple of mapping
        Learning curve, one mapping of names to numbers per epoch, where it exposes ``history``.
    folder : Path or None
        Cache entry with the forecasts and, for a forecaster that can be saved, ``checkpoint/``.
    note : str
        What a reader must know: why the fit was not kept, for example.
    member : int
        Of the ensemble, from 0.
    symbols : tuple of str
        Whose networks these are; empty: of all.
    warm : bool
        Whether it began from the weights of the fold before.
    fit_seconds, predict_seconds : float or None
        Of these ``seconds``, those of the fit and of one forecast of the whole block; what is left
        went into checks.
    """

    seed: int
    seconds: float
    from_cache: bool
    n_samples: int | None
    history: tuple[Mapping[str, Any], ...]
    folder: Path | None
    note: str = ""
    member: int = 0
    symbols: tuple[str, ...] = ()
    warm: bool = False
    fit_seconds: float | None = None
    predict_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """A warm fold beside the same fold fitted from scratch.

    Attributes
    ----------
    seconds, warm_seconds : float
        From scratch, and begun from the fold before.
    loss, warm_loss : float or None
        Smallest mean loss in the part it stops by, averaged over networks; None without curves.
    mae, warm_mae, crps, warm_crps : float or None
        Out of sample, log return; None where no outcome is known yet.
    """

    seconds: float
    warm_seconds: float
    loss: float | None
    warm_loss: float | None
    mae: float | None
    warm_mae: float | None
    crps: float | None
    warm_crps: float | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One combination of parameters and how it did inside a training part.

    Attributes
    ----------
    params : mapping
    score : float or None
        Mean over all held-out pairs; None where a fit failed.
    low, high : float or None
        Of the out-of-sample paths, the smallest and the largest.
    n_fits : int
    note : str
        Why there is no score.
    """

    params: Mapping[str, Any]
    score: float | None
    low: float | None
    high: float | None
    n_fits: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Parameters chosen for a fold, from its training part alone.

    Attributes
    ----------
    params : mapping
    score : str
        By what: ``crps``, ``mae`` (the smallest), ``rank_ic`` (the largest).
    candidates : tuple of Candidate
        In the order they were offered.
    """

    params: Mapping[str, Any]
    score: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class FoldReport:
    """How one fold went, all its fits together.

    Attributes
    ----------
    fold : Fold
    seed : int
        Of the first member.
    seconds : float
        Of all fits together, when they were made.
    from_cache : bool
        Whether every one of them was found there.
    n_samples : int or None
        Training samples of one member.
    history : tuple of mapping
        Learning curves, one after the other; each point names its ``member`` where there are more.
    n_forecasts : int
        Pairs of bar and symbol that got a forecast.
    folder : Path or None
        Cache entry of the first fit.
    note : str
        What a reader must know.
    fits : tuple of FitReport
        By member, then by part of the symbols.
    warm : bool
        Whether it began from the weights of the fold before.
    control : Control or None
    choice : Choice or None
    alike : bool
        Whether several members gave the same forecasts, bit by bit.
    """

    fold: Fold
    seed: int
    seconds: float
    from_cache: bool
    n_samples: int | None
    history: tuple[Mapping[str, Any], ...]
    n_forecasts: int
    folder: Path | None
    note: str = ""
    fits: tuple[FitReport, ...] = ()
    warm: bool = False
    control: Control | None = None
    choice: Choice | None = None
    alike: bool = False
