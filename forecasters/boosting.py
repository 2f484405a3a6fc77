"""Gradient boosted trees of LightGBM over flattened windows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le

from tradewind.engine.errors import CheckpointError, ForecastError
from tradewind.engine.records import Floats
from tradewind.forecasters.inputs.framing import Count, Seed
from tradewind.forecasters.kept_learners import Arrays, KeptLearners
from tradewind.forecasters.optional import importing, require
from tradewind.forecasters.tabular import Part, Rows, root_mean_square

FIRST, LAST = "tree\n", "\nend of parameters\n"  # of a whole model's text


@dataclass(kw_only=True, eq=False)
class LightGbm(KeptLearners):
    """Boosted trees, stopped by the validation part.

    Deterministic and on one thread: folds run side by side. Kept as LightGBM's own text form.

    Parameters
    ----------
    trees, patience : int
        Trees at most, and trees without a better validation error before giving up.
    leaves : int
        Of a tree.
    learning_rate : float
        How much of a tree counts.
    least_rows : int
        In a leaf.
    columns, rows : float
        Share of columns and of rows that a tree is grown on.
    penalty : float
        On the squared value of a leaf.
    seed : int
        Of the columns and rows drawn.

    References
    ----------
    Ke et al. (2017).
    """

    trees: Count = 300
    patience: Count = 30
    leaves: Annotated[int, Ge(2), Le(4_096)] = 15
    learning_rate: Annotated[float, Gt(0), Le(1)] = 0.03
    least_rows: Count = 100
    columns: Annotated[float, Gt(0), Le(1)] = 0.5
    rows: Annotated[float, Gt(0), Le(1)] = 0.7
    penalty: Annotated[float, Ge(0), Le(1e6)] = 1.0
    seed: Seed = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be used, and a missing package, before anything is read."""
        super().__post_init__()
        require("lightgbm", who=self._name, extra="ml")

    def _learn(self, fitting: Part, stopping: Part) -> tuple[Any, float, list[tuple[float, float]]]:
        with importing("lightgbm", who=self._name, extra="ml"):
            import lightgbm
        settings = {
            "objective": "l2", "metric": "l2", "num_leaves": self.leaves,
            "learning_rate": self.learning_rate, "min_data_in_leaf": self.least_rows,
            "feature_fraction": self.columns, "bagging_fraction": self.rows, "bagging_freq": 1,
            "lambda_l2": self.penalty, "seed": self.seed, "deterministic": True,
            "force_col_wise": True, "num_threads": 1, "verbosity": -1,
        }  # fmt: skip
        first = lightgbm.Dataset(fitting.x, fitting.y, params=settings, free_raw_data=True)
        second = lightgbm.Dataset(stopping.x, stopping.y, reference=first)
        seen: dict[str, Any] = {}
        try:
            booster = lightgbm.train(
                settings, first, self.trees, valid_sets=[first, second],
                valid_names=["fitting", "stopping"],
                callbacks=[
                    lightgbm.early_stopping(
                        self.patience, first_metric_only=True, verbose=False, min_delta=0.0
                    ),
                    lightgbm.record_evaluation(seen),
                ],
            )  # fmt: skip
        except lightgbm.basic.LightGBMError as error:
            raise ForecastError(f"{self._name}: LightGBM gave up: {error}") from error
        text = booster.model_to_string(num_iteration=booster.best_iteration)
        kept = lightgbm.Booster(model_str=text)
        spread = root_mean_square(stopping.y - self._say(kept, stopping.x))
        return kept, spread, list(zip(seen["fitting"]["l2"], seen["stopping"]["l2"], strict=True))

    def _say(self, model: Any, x: Rows) -> Floats:
        return np.asarray(model.predict(x, num_threads=1), np.float64)

    def _arrays(self, model: Any) -> Arrays:
        return {"text": np.frombuffer(model.model_to_string().encode(), np.uint8)}

    def _model(self, arrays: Mapping[str, npt.NDArray[Any]], where: str) -> Any:
        with importing("lightgbm", who=self._name, extra="ml"):
            import lightgbm
        text = arrays.get("text", np.empty(0)).astype(np.uint8).tobytes().decode(errors="replace")
        if not text.startswith(FIRST) or LAST not in text:  # the library would crash, not complain
            raise CheckpointError(f"{where}: holds no whole LightGBM model; fit again")
        try:
            model = lightgbm.Booster(model_str=text)
        except lightgbm.basic.LightGBMError as error:
            raise CheckpointError(f"{where}: no LightGBM model ({error}); fit again") from None
        wanted = self.window * len(self.features)
        if model.num_feature() != wanted:
            raise CheckpointError(
                f"{where}: a model of {model.num_feature()} columns, wanted {wanted}; fit again"
            )
        return model
