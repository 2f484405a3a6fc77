"""What the two kinds of torch-free serving share: checks at the door, and a state on disk."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from tradewind.engine.errors import CheckpointError, ForecastError
from tradewind.engine.records import Bools, Floats
from tradewind.forecasters.readings import Said
from tradewind.forecasters.serving.checkpoint import Served

FORMAT = 1
Arrays = dict[str, npt.NDArray[Any]]
OTHER_FORM = {
    "stateful": (
        "was trained on windows; a state that runs on is another function than the one it learned: "
        "fit it with serving: stateful, or serve its windows with WindowServer"
    ),
    "window": (
        "was trained to carry a state; a window cut out of it is another function than the one it "
        "learned: serve it with Stepper, or fit it with serving: window"
    ),
}


class Serving(ABC):
    """Forecasts at every bar, from what is kept of the bars before.

    Parameters
    ----------
    served : Served
        What was read from a checkpoint's folder.
    symbols : sequence of str
        Whose rows the inputs hold, in their order; a network of all symbols serves strangers too.

    Attributes
    ----------
    inputs : tuple of str
        Features to be given at every bar; the last is what returns are measured in.
    n_bars : int
        Bars taken so far.

    Raises
    ------
    CheckpointError
        If the network was trained for the other form.
    """

    form: ClassVar[str]

    def __init__(self, served: Served, symbols: Sequence[str]) -> None:
        if served.serving["form"] != self.form:
            raise CheckpointError(f"{served.folder}: {served.kind} {OTHER_FORM[self.form]}")
        if not symbols or len(set(symbols)) < len(symbols):
            raise ForecastError(
                f"{served.folder}: symbols {list(symbols)}; wanted at least one, each once"
            )
        self.served, self.symbols = served, tuple(symbols)
        self.inputs, self.reading = served.inputs, served.reading
        self.horizon = int(served.config["horizon"])
        self.n_bars = 0

    def step(self, inputs: Floats, traded: Bools | None = None) -> Said:
        """Take the next bar and say what comes after it.

        Parameters
        ----------
        inputs : ndarray of float64, shape (n_symbols, n_inputs)
            Values of :attr:`inputs` at the close of the bar; NaN where there is none.
        traded : ndarray of bool, shape (n_symbols,), optional
            Which symbols had a bar; left out: those with any input.

        Returns
        -------
        Said
            Mean and std (n_symbols,), quantiles (n_symbols, n_levels) of the log return over the
            horizon; NaN where there is no forecast.

        Raises
        ------
        ForecastError
            If the inputs have another shape.
        """
        bar = self._checked(inputs, 2)
        said = self._bar(bar, traded)
        self.n_bars += 1
        return said

    def replay(self, inputs: Floats, traded: Bools | None = None) -> None:
        """Take bars that are past, (n_bars, n_symbols, n_inputs), without saying anything."""
        bars = self._checked(inputs, 3)
        self._bars(bars, traded)
        self.n_bars += len(bars)

    def _checked(self, inputs: Floats, n_axes: int) -> Floats:
        bars = np.ascontiguousarray(inputs, np.float64)
        wanted = (len(self.symbols), len(self.inputs))
        if bars.ndim != n_axes or bars.shape[-2:] != wanted:
            raise ForecastError(
                f"{self.served.kind}: inputs of shape {bars.shape}, wanted "
                f"{('n_bars', *wanted)[3 - n_axes :]}: a row for each of {len(self.symbols)} "
                f"symbols and a column for each of {', '.join(self.inputs)}"
            )
        return bars

    @abstractmethod
    def _bar(self, bar: Floats, traded: Bools | None) -> Said: ...

    @abstractmethod
    def _bars(self, bars: Floats, traded: Bools | None) -> None: ...

    @abstractmethod
    def state(self) -> Arrays:
        """All that is carried from bar to bar; a copy."""

    @abstractmethod
    def take_over(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from a state of :meth:`state`."""

    def save(self, path: Path, further: Arrays | None = None) -> None:
        """Write the state to one file, whole or not at all, so that a crash costs nothing.

        Raises
        ------
        CheckpointError
            If it cannot be written.
        """
        from safetensors.numpy import save

        body = save({**self.state(), **(further or {})})
        about = self._about() | {"n_bars": self.n_bars, "sha256": sha256(body).hexdigest()}
        draft = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with draft.open("wb") as file:
                file.write(json.dumps(about).encode() + b"\n" + body)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise CheckpointError(
                f"{path}: the state cannot be written ({error}); free space or choose another place"
            ) from error

    def restore(self, path: Path) -> Self:
        """Go on where the saved state was.

        Raises
        ------
        CheckpointError
            If the file is missing or damaged, or is of another checkpoint or other symbols.
        """
        self.take_over(self.read(path))
        return self

    def read(self, path: Path) -> Arrays:
        """What :meth:`save` wrote, checked; sets :attr:`n_bars`."""
        from safetensors.numpy import load

        try:
            head, _, body = path.read_bytes().partition(b"\n")
            about = json.loads(head)
            n_bars, found = about.pop("n_bars"), about.pop("sha256")
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise CheckpointError(
                f"{path}: no state can be read ({error}); replay bars instead"
            ) from None
        if found != sha256(body).hexdigest():
            raise CheckpointError(f"{path}: does not match its own SHA-256; replay bars instead")
        for name, wanted in self._about().items():
            if about.get(name) != wanted:
                raise CheckpointError(
                    f"{path}: {name} is {about.get(name)!r}, wanted {wanted!r}; replay bars instead"
                )
        self.n_bars = int(n_bars)
        return load(body)

    def _about(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "form": self.form,
            "checkpoint": self.served.seal,
            "symbols": list(self.symbols),
        }

    def _nothing(self) -> Said:
        n = len(self.symbols)
        levels = len(self.reading.levels)
        return Said(np.full(n, np.nan), np.full(n, np.nan), np.full((n, levels), np.nan))
