"""The fitted networks of a forecaster as one checkpoint."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tradewind.engine.errors import CheckpointError
from tradewind.forecasters import checkpoints
from tradewind.forecasters.checkpoints import Checkpoint
from tradewind.forecasters.networks.base import Network
from tradewind.forecasters.training.fitted import Fitted, Weights, weights_of


def save(
    folder: Path,
    kind: str,
    params: Mapping[str, Any],
    fitted: Mapping[str, Fitted],
    serving: Mapping[str, Any],
) -> None:
    """Write weights, scaling and learning curves; raises CheckpointError if that fails.

    ``serving`` tells those who read it without torch what kind of step it is.
    """
    weights: Weights = {}
    for name, one in fitted.items():
        weights |= {f"{name}/{key}": array for key, array in one.weights().items()}
    state = {
        "networks": {name: one.record() for name, one in fitted.items()},
        "serving": dict(serving),
    }
    checkpoints.write(folder, Checkpoint(kind, params, state, weights))


def restore(
    folder: Path,
    kept: Checkpoint,
    make: Callable[[int], Network],
    *,
    scaling: str,
    n_features: int,
    may_be_none: bool = False,
) -> dict[str, Fitted]:
    """Networks of a checkpoint that was read.

    Parameters
    ----------
    folder : Path
        Where it came from, for messages.
    kept : Checkpoint
    make : callable
        Number of symbols a network has an embedding for -> untrained network.
    scaling : str
        Which of :data:`.scalings.Kind` they were fitted with.
    n_features : int
    may_be_none : bool
        Whether a checkpoint without a network is whole: that of symbols with too little history.

    Raises
    ------
    CheckpointError
        If weights or scalings have other shapes than the networks.
    """
    records = kept.state.get("networks")
    if not isinstance(records, dict) or not (records or may_be_none):
        raise CheckpointError(f"{folder}: holds no network; fit again")
    networks = {name: make(_names_in(record, folder)) for name, record in records.items()}
    wanted = {
        f"{name}/{key}": array
        for name, network in networks.items()
        for key, array in weights_of(network).items()
    }
    checkpoints.check_shapes(folder, kept.weights, wanted)
    restored = {}
    for name, network in networks.items():
        own = {key: kept.weights[f"{name}/{key}"] for key in weights_of(network)}
        restored[name] = Fitted.restored(
            network, records[name], own, scaling=scaling, n_features=n_features, folder=folder
        )
    return restored


def _names_in(record: Any, folder: Path) -> int:
    names = record.get("names") if isinstance(record, Mapping) else None
    if not isinstance(names, list):
        raise CheckpointError(f"{folder}: record of a network lacks 'names'; fit again")
    return len(names)
