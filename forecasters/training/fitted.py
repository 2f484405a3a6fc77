"""One trained network: how it is made from windows, what it says, how it is kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tradewind.engine.errors import CheckpointError
from tradewind.engine.records import Floats, Ints
from tradewind.forecasters.heads import Head
from tradewind.forecasters.inputs.scalings import Scales, scales_of
from tradewind.forecasters.inputs.windows import Samples
from tradewind.forecasters.networks.base import Network
from tradewind.forecasters.readings import Said
from tradewind.forecasters.training.loop import Epoch

PREDICTION_ROWS = 128  # windows per forward pass, about: a cache's worth

Weights = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Fitted:
    """One trained network.

    Attributes
    ----------
    network : Network
    scaling : Scales
        Of its inputs, from the fitting part.
    names : tuple of str
        Symbols it learned from, in the order in which the network numbers them, from 1.
    curve : tuple of Epoch
        Its learning curve.
    n_samples : int
        Windows it was fitted on.
    """

    network: Network
    scaling: Scales
    names: tuple[str, ...]
    curve: tuple[Epoch, ...]
    n_samples: int

    @property
    def head(self) -> Head:
        """What its outputs mean."""
        head = self.network.head
        assert isinstance(head, Head)
        return head

    def said(self, samples: Samples, scale: Floats, slots: Ints, width: int) -> Said:
        """Forecasts for windows; parameters as in :meth:`outputs`, ``scale`` (n_samples,)."""
        return self.head.said(self.outputs(samples, slots, width), scale)

    def outputs(self, samples: Samples, slots: Ints, width: int) -> Floats:
        """What the network says about windows, the same whatever else is asked with them.

        A matrix kernel may round a row differently when the batch has another size or the row
        stands elsewhere in it. So every bar has a fixed place: pass ``bar // per_pass``, row
        ``bar % per_pass * width + slot``, in batches of one size. What is known after a bar then
        cannot change even the last bit of its forecast, and live trading repeats the backtest's.

        Parameters
        ----------
        samples : Samples
        slots : ndarray of int64, shape (n_samples,)
            Place of each window among those of its bar, below ``width``.
        width : int
            Windows a bar can have.

        Returns
        -------
        ndarray of float64, shape (n_samples, K)
        """
        n_outputs = self.head.reading.n_outputs
        if not samples.n:
            return np.empty((0, n_outputs))
        per_pass = max(1, PREDICTION_ROWS // width)
        begins = samples.row - samples.window + 1
        low, high = int(begins.min()), int(samples.row.max()) + 1
        scaled = self.scaling.rows(samples.table, low, high)
        empty = np.zeros((samples.window, scaled.shape[1]), np.float32)
        view = view_of(np.concatenate((scaled, empty)), samples.window)
        passes, at = np.unique(samples.bar // per_pass, return_inverse=True)
        row = samples.bar % per_pass * width + slots
        starts = np.full((len(passes), per_pass * width), len(scaled))
        starts[at, row] = begins - low
        who = np.zeros_like(starts)
        who[at, row] = numbered(samples, self.names)
        raw = np.empty((*starts.shape, n_outputs))
        self.network.eval()
        with torch.inference_mode():
            for k in range(len(passes)):
                batch = torch.from_numpy(starts[k])
                raw[k] = self.network(view[batch], torch.from_numpy(who[k])).numpy()
        mine: Floats = raw[at, row]
        return mine

    def weights(self) -> Weights:
        """Weights by name."""
        return weights_of(self.network)

    def record(self) -> dict[str, Any]:
        """Everything but the weights, as JSON; floats come back exactly."""
        return {
            **self.scaling.record(),  # one by symbol has the same names
            "names": list(self.names),
            "curve": [list(epoch) for epoch in self.curve],
            "n_samples": self.n_samples,
        }

    @classmethod
    def restored(
        cls,
        network: Network,
        record: dict[str, Any],
        weights: Weights,
        *,
        scaling: str,
        n_features: int,
        folder: Path,
    ) -> Self:
        """Put a record and weights of the right shapes back together; raises CheckpointError."""
        try:
            scales = scales_of(scaling, record, n_features, folder)
            curve = tuple(Epoch(*pair) for pair in record["curve"])
            names = tuple(str(name) for name in record["names"])
            n_samples = int(record["n_samples"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{folder}: record of a network lacks {error}; fit again"
            ) from None
        network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
        return cls(network, scales, names, curve, n_samples)


def names_of(samples: Samples) -> tuple[str, ...]:
    """Symbols with at least one window, in the panel's order."""
    present = np.unique(samples.symbol)
    return tuple(samples.table.tape.panel.symbols[k] for k in present)


def numbered(samples: Samples, names: tuple[str, ...]) -> Ints:
    """Number of each window's symbol among ``names``, from 1; 0 for a stranger, (n_samples,)."""
    number = {name: k for k, name in enumerate(names, 1)}
    symbols = samples.table.tape.panel.symbols
    table = np.array([number.get(name, 0) for name in symbols], np.int64)
    return table[samples.symbol]


def weights_of(network: Network) -> Weights:
    """Weights by name, as arrays."""
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def view_of(values: npt.NDArray[np.float32], window: int) -> Tensor:
    """Every window of the standardised features as a view, (n_rows - T + 1, T, F)."""
    n_rows, width = values.shape
    base = torch.from_numpy(values)
    return base.as_strided((n_rows - window + 1, window, width), (width, width, 1))
