"""The fitted learners of a tabular forecaster as one checkpoint."""

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy.typing as npt

from tradewind.engine.errors import CheckpointError
from tradewind.forecasters import checkpoints
from tradewind.forecasters.checkpoints import Checkpoint
from tradewind.forecasters.inputs.scalings import scales_of
from tradewind.forecasters.tabular import Learnt, TabularForecaster

Arrays = dict[str, npt.NDArray[Any]]


class KeptLearners(TabularForecaster):
    """A tabular forecaster whose models can be written as arrays, without pickle."""

    @abstractmethod
    def _arrays(self, model: Any) -> Arrays:
        """A model as arrays by name."""

    @abstractmethod
    def _model(self, arrays: Mapping[str, npt.NDArray[Any]], where: str) -> Any:
        """The same model again; raises CheckpointError where the arrays are not one."""

    def save(self, folder: Path) -> None:
        """Write models, scaling and learning curves.

        Raises
        ------
        ForecastError
            If nothing was fitted.
        CheckpointError
            If the folder cannot be written.
        """
        learnt = self._learnt_or_raise("save")
        weights: Arrays = {}
        for name, one in learnt.items():
            weights |= {f"{name}/{key}": array for key, array in self._arrays(one.model).items()}
        state = {"learners": {name: _record(one) for name, one in learnt.items()}}
        checkpoints.write(folder, Checkpoint(self._name, self._params, state, weights))

    def restore(self, folder: Path) -> Self:
        """Take over a saved state; predictions are then the same to the last bit.

        Raises
        ------
        CheckpointError
            If it is damaged, or of another configuration, shape or version.
        """
        kept = checkpoints.read(folder, kind=self._name, config=self._params)
        records = kept.state.get("learners")
        if not isinstance(records, dict) or not (records or self._only):
            raise CheckpointError(f"{folder}: holds no learner; fit again")
        restored = {}
        for name, record in records.items():
            own = {
                key.removeprefix(f"{name}/"): array
                for key, array in kept.weights.items()
                if key.startswith(f"{name}/")
            }
            model = self._model(own, f"{folder}, {name}")
            restored[name] = _restored(record, model, self.scaling, len(self.features), folder)
        self._learnt = restored
        return self


def _record(one: Learnt) -> dict[str, Any]:
    """Everything but the model, as JSON; floats come back exactly."""
    return {
        **one.scaling.record(),
        "spread": one.spread,
        "n_samples": one.n_samples,
        "curve": [list(pair) for pair in one.curve],
    }


def _restored(record: Any, model: Any, kind: str, n_features: int, folder: Path) -> Learnt:
    try:
        scaling = scales_of(kind, record, n_features, folder)
        curve = tuple((float(a), float(b)) for a, b in record["curve"])
        spread, n_samples = float(record["spread"]), int(record["n_samples"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}: record of a learner lacks {error}; fit again") from None
    return Learnt(model, scaling, spread, n_samples, curve)
