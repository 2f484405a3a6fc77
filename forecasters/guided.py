"""What may be asked of a forecaster's next fit: a start, an eye on it, a part of the symbols."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

from tradewind.engine.errors import ForecastError
from tradewind.engine.records import Panel
from tradewind.forecasters.fitted import Fitted
from tradewind.forecasters.networks.base import Network
from tradewind.forecasters.next_fit import NextFit
from tradewind.forecasters.progress import Report


class Guided(ABC):
    """The optional members of a forecaster that trains networks; a dataclass of parameters."""

    pooled: bool

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
    def _name(self) -> str:
        return type(self).__name__

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
        if self.pooled:
            raise ForecastError(
                f"{self._name}: one network serves all symbols, so they cannot be fitted one by "
                "one; set pooled: false"
            )
        if not names:
            raise ForecastError(f"{self._name}: no symbol was named; name at least one")
        part = type(self)(**self._params)
        part._only = tuple(names)
        return part

    def _chosen(self, past: Panel) -> tuple[str, ...]:
        """Symbols that get a network of their own."""
        strangers = set(self._only or ()) - set(past.symbols)
        if strangers:
            raise ForecastError(
                f"{self._name}: asked for {', '.join(sorted(strangers))}, which the panel of "
                f"{past.n_symbols} symbols does not have"
            )
        return past.symbols if self._only is None else self._only
