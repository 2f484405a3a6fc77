"""A checkpoint as those read it who serve without torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from tradewind.engine.errors import CheckpointError
from tradewind.engine.records import Floats, Ints
from tradewind.forecasters import checkpoints
from tradewind.forecasters.inputs.scalings import CrossScaling, Scales, SymbolScaling, scales_of
from tradewind.forecasters.inputs.windows import Scaling
from tradewind.forecasters.readings import Reading, reading_of
from tradewind.forecasters.serving.layout import Singles, Weights

FORMS = ("window", "stateful")


@dataclass(frozen=True, slots=True)
class Part:
    """One trained network.

    Attributes
    ----------
    scales : Scales
    names : tuple of str
        Symbols it learned from, as it numbers them, from 1.
    weights : mapping of str to ndarray
    """

    scales: Scales
    names: tuple[str, ...]
    weights: Weights


@dataclass(frozen=True, slots=True)
class Served:
    """What a fitted forecaster is, without torch.

    Attributes
    ----------
    folder : Path
    seal : str
        SHA-256 of the checkpoint's record, which holds that of its weights.
    kind : str
        Class that was fitted.
    config : mapping
        Its parameters.
    serving : mapping
        ``form``: ``window`` or ``stateful``; ``cell`` and ``span`` of a recurrent one.
    parts : mapping of str to Part
        By symbol, or the one of all symbols.
    """

    folder: Path
    seal: str
    kind: str
    config: Mapping[str, Any]
    serving: Mapping[str, Any]
    parts: Mapping[str, Part]

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read a checkpoint of a network.

        Raises
        ------
        CheckpointError
            If it is missing, damaged, of another version, or not that of a network.
        """
        kept, seal = checkpoints.load(folder)
        serving, records = kept.state.get("serving"), kept.state.get("networks")
        if not isinstance(serving, dict) or serving.get("form") not in FORMS or not records:
            raise CheckpointError(
                f"{folder}: checkpoint of {kept.kind} holds no network that says how it is served; "
                "fit one again with this version"
            )
        n_features = len(kept.config["features"])
        parts = {}
        for name, record in records.items():
            scales = scales_of(kept.config["scaling"], record, n_features, folder)
            own = f"{name}/"
            weights = {
                key.removeprefix(own): array
                for key, array in kept.weights.items()
                if key.startswith(own)
            }
            parts[name] = Part(scales, tuple(record["names"]), weights)
        return cls(folder, seal, kept.kind, kept.config, serving, parts)

    @property
    def reading(self) -> Reading:
        """What outputs mean."""
        return reading_of(self.config["head"], self.kind)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Features to be given at every bar; the last is what returns are measured in."""
        return (*self.config["features"], f"vol_{self.config['vol_lookback']}")

    def serving_of(self, symbols: tuple[str, ...]) -> dict[str, Ints]:
        """Columns of ``symbols`` that each network serves, by its name; strangers have none."""
        if self.config["pooled"]:
            (name,) = self.parts
            return {name: np.arange(len(symbols))}
        return {name: np.array([symbols.index(name)]) for name in self.parts if name in symbols}


def bare(weights: Weights) -> Weights:
    """Weights of encoder and head under the names that :mod:`.layout` knows."""
    return {name.partition(".")[2]: array for name, array in weights.items()}


def traits_of(weights: Weights, names: tuple[str, ...], symbols: tuple[str, ...]) -> Singles:
    """What symbols are known by, (n_symbols, E); a stranger is the average one."""
    table = weights.get("traits.weight", np.zeros((1 + len(names), 0), np.float32))
    return np.asarray(table[numbers_of(names, symbols)], np.float32)


def numbers_of(names: tuple[str, ...], symbols: tuple[str, ...]) -> Ints:
    """Number of each symbol among ``names``, from 1; 0 for a stranger, (n_symbols,)."""
    number = {name: k for k, name in enumerate(names, 1)}
    return np.array([number.get(name, 0) for name in symbols], np.int64)


def pairs_of(scales: Scales, symbols: tuple[str, ...]) -> Floats:
    """Mean and deviation of each symbol's features, (n_symbols, 2, F).

    Raises
    ------
    CheckpointError
        If a bar is scaled by what others say at it.
    """
    if isinstance(scales, SymbolScaling):
        own = numbers_of(scales.names, symbols)
        return np.stack((scales.mean[own], scales.std[own]), axis=1)
    if isinstance(scales, CrossScaling) or not isinstance(scales, Scaling):
        raise CheckpointError(
            "scaling cross_section reads all members of a bar at once and has no live form; fit "
            "with scaling: train, symbol or window"
        )
    pair = np.stack((scales.mean, scales.std))
    return np.ascontiguousarray(np.broadcast_to(pair, (len(symbols), *pair.shape)))
