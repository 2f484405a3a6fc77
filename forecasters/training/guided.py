"""How networks are fitted, and what may be asked of it: a start, an eye on it, some symbols."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

import torch
from torch import Generator

from tradewind.engine.records import Floats, Panel
from tradewind.forecasters.dividing import checked_part, fitted_alone
from tradewind.forecasters.inputs.framing import POOLED, Framing, TooFewWindowsError
from tradewind.forecasters.inputs.scalings import fit_scales
from tradewind.forecasters.inputs.windows import Samples
from tradewind.forecasters.networks.base import Network
from tradewind.forecasters.training.fitted import Fitted, names_of
from tradewind.forecasters.training.hardware import device_for, refuse_slow_bf16
from tradewind.forecasters.training.jobs import Job, prepare
from tradewind.forecasters.training.loop import Schedule, one_thread
from tradewind.forecasters.training.next_fit import Fit, NextFit
from tradewind.forecasters.training.progress import Report
from tradewind.forecasters.training.together import fit_together


class Guided(ABC):
    """Fits networks; the parameters are those of :class:`.windowed.WindowedForecaster`."""

    pooled: bool
    scaling: str
    epochs: int
    patience: int
    batch: int
    learning_rate: float
    precision: str
    device: str
    seed: int

    def _ready(self) -> None:
        """Nothing fitted, nothing asked for."""
        self._fitted: dict[str, Fitted] | None = None
        self._only: tuple[str, ...] | None = None
        self._next = NextFit()
        self._notes: tuple[str, ...] = ()

    @property
    def _params(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    @property
    def _device(self) -> str:
        """Where it is asked to be trained."""
        return self.device

    @property
    def _name(self) -> str:
        return type(self).__name__

    @property
    @abstractmethod
    def _framing(self) -> Framing: ...

    @abstractmethod
    def _network(self, names: int, generator: Generator) -> Network:
        """Untrained network for ``names`` symbols."""

    @abstractmethod
    def untrained(self, names: int) -> Network:
        """Network for ``names`` symbols, of this forecaster's shape, without weights of meaning."""

    @property
    def fitted(self) -> Mapping[str, Fitted] | None:
        """Trained networks by name; None before a fit."""
        return self._fitted

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the last fit must know: progress passed over, symbols left out."""
        return self._notes

    def begin_from(self, earlier: Self) -> Self:
        """Let the next ``fit`` start from the weights of ``earlier``, at half the learning rate.

        Scaling is fitted anew. A symbol that ``earlier`` has no network for starts from scratch,
        at the full rate.

        Raises
        ------
        ForecastError
            If ``earlier`` is not fitted, or its networks are of another kind or shape.
        """
        self._next.begin_from(self, earlier)
        return self

    def keep_progress(self, folder: Path) -> None:
        """Keep each epoch of the next ``fit`` below ``folder``; see :mod:`.progress`."""
        self._next.folder = Path(folder)

    def watch(self, report: Report) -> None:
        """Call ``report`` after each epoch of the next ``fit``; see :class:`.protocols.Watched`."""
        self._next.report = report

    def for_symbols(self, names: Sequence[str]) -> Self:
        """Equal forecaster that fits and predicts the networks of these symbols alone.

        Symbols with too little history get no forecast, as among all; that there is none left is
        no error of a part.

        Raises
        ------
        ForecastError
            If one network serves all symbols, or no symbol is named.
        """
        only = checked_part(names, pooled=self.pooled, who=self._name)
        part = type(self)(**self._params)
        part._only = only
        return part

    def fit(self, past: Panel) -> Self:
        """Learn from ``past`` alone and forget earlier fits.

        Raises
        ------
        ForecastError
            If history is shorter than a window and its features need, if windows are too few, a
            feature has no values or does not vary, or the loss explodes.
        """
        device = device_for(self._device, self._name)
        if device.kind == "cuda":
            self.fit_many([self], [past])
            return self
        refuse_slow_bf16(self.precision, device.kind, self._name)
        with one_thread():
            fit = self.begin_fit(past)
            fitted = {name: job.train(fit.following(name, job)) for name, job in fit.jobs}
        fit.notes.extend(filter(None, [device.note]))
        self.end_fit(fit, fitted)
        return self

    @property
    def grouped(self) -> bool:
        """Whether many fits at once are faster here than one after the other: on a GPU."""
        return device_for(self._device, self._name).kind == "cuda"

    @staticmethod
    def fit_many(forecasters: Sequence["Guided"], pasts: Sequence[Panel]) -> None:
        """Fit each forecaster on its own past, all of their networks in groups on the GPU.

        Each ends as if it had been fitted alone, up to rounding.
        """
        fit_together(forecasters, pasts, torch.device("cuda"))

    def begin_fit(self, past: Panel) -> Fit:
        """Lay a fit out; what was asked of the next fit is then over."""
        how, self._next = self._next, NextFit()
        notes: list[str] = []
        return Fit(self._name, self._params, how, self._jobs(past, how, notes), notes)

    def end_fit(self, fit: Fit, fitted: dict[str, Fitted]) -> None:
        """Take over what was trained."""
        self._fitted, self._notes = fitted, tuple(fit.notes)

    def _jobs(self, past: Panel, how: NextFit, notes: list[str]) -> Iterator[tuple[str, Job]]:
        """Networks to train, by name, each made when its turn comes."""
        labelled, scale = self._framing.labelled(past)
        if self.pooled:
            yield POOLED, self._job(labelled, scale, self._name, how.earlier.get(POOLED))
            return
        refusals: list[TooFewWindowsError] = []
        chosen = fitted_alone(self._only, past, self._name)
        for symbol in chosen:
            own = labelled.where(labelled.symbol == past.symbols.index(symbol))
            try:
                job = self._job(own, scale, f"{self._name}, {symbol}", how.earlier.get(symbol))
            except TooFewWindowsError as error:
                refusals.append(error)
                continue
            yield symbol, job
        notes.extend(f"no network: {refusal}" for refusal in refusals)
        if len(refusals) == len(chosen) and self._only is None:
            raise refusals[0]

    def _job(self, samples: Samples, scale: Floats, where: str, earlier: Fitted | None) -> Job:
        parts = self._framing.split(samples, where)
        scaling = fit_scales(self.scaling, parts[0], where=where)
        generator = Generator().manual_seed(self.seed)
        network = self._network(len(names_of(parts[0])), generator)
        schedule = Schedule(
            epochs=self.epochs,
            patience=self.patience,
            batch=self.batch,
            learning_rate=self.learning_rate if earlier is None else self.learning_rate / 2,
        )
        segment = self._framing.window if self._framing.stateful else None
        return prepare(network, scaling, parts, scale, schedule, generator, earlier, segment)
