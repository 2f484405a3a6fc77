"""LightGBM as a ranker: trees that put the symbols of each formation in order."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le

from tradewind.engine.errors import ForecastError
from tradewind.engine.records import Floats, Ints
from tradewind.forecasters.inputs.framing import Count
from tradewind.forecasters.optional import importing, require
from tradewind.forecasters.selectors.learned import LearnedSelector, Part, Point


@dataclass(kw_only=True, eq=False)
class LightGbmRanker(LearnedSelector):
    """Boosted trees on the same rows, deterministic and on one thread.

    Parameters
    ----------
    objective : str
        ``lambdarank``: the order of outcomes at each formation counts; ``binary``: above the
        median or not.
    grades : int
        Into how many equal parts a formation's outcomes are cut for lambdarank.
    trees, patience : int
        Trees at most, and trees without a better validation loss before giving up.
    leaves, least_rows : int
        Of a tree, and rows in each.
    learning_rate : float
        How much of a tree counts.
    columns, rows : float
        Share of columns and of rows that a tree is grown on.
    horizon, formation, features, validation, delisting_return, seed
        As of every learned selector.

    References
    ----------
    Ke et al. (2017); Burges (2010) for LambdaMART.
    """

    objective: Literal["lambdarank", "binary"] = "lambdarank"
    grades: Annotated[int, Ge(2), Le(30)] = 10
    trees: Count = 300
    patience: Count = 30
    leaves: Annotated[int, Ge(2), Le(4_096)] = 15
    least_rows: Count = 100
    learning_rate: Annotated[float, Gt(0), Le(1)] = 0.03
    columns: Annotated[float, Gt(0), Le(1)] = 0.5
    rows: Annotated[float, Gt(0), Le(1)] = 0.7

    def __post_init__(self) -> None:
        """Refuse a missing package before anything is read."""
        super().__post_init__()
        require("lightgbm", who=self._name, extra="ml")

    def _learn(
        self, fitting: Part, stopping: Part
    ) -> tuple[Any, tuple[Point, ...], tuple[str, ...]]:
        with importing("lightgbm", who=self._name, extra="ml"):
            import lightgbm
        metric = "ndcg" if self.objective == "lambdarank" else "binary_logloss"
        settings = {
            "objective": self.objective, "metric": metric, "num_leaves": self.leaves,
            "learning_rate": self.learning_rate, "min_data_in_leaf": self.least_rows,
            "feature_fraction": self.columns, "bagging_fraction": self.rows, "bagging_freq": 1,
            "seed": self.seed, "deterministic": True, "force_col_wise": True, "num_threads": 1,
            "verbosity": -1, "label_gain": list(range(self.grades)), "ndcg_eval_at": [10],
        }  # fmt: skip
        first = lightgbm.Dataset(fitting.x, self._label(fitting), group=_sizes(fitting.formation))
        second = lightgbm.Dataset(
            stopping.x, self._label(stopping), group=_sizes(stopping.formation), reference=first
        )
        seen: dict[str, Any] = {}
        try:
            booster = lightgbm.train(
                settings, first, self.trees, valid_sets=[first, second],
                valid_names=["fitting", "stopping"],
                callbacks=[
                    lightgbm.early_stopping(self.patience, first_metric_only=True, verbose=False),
                    lightgbm.record_evaluation(seen),
                ],
            )  # fmt: skip
        except lightgbm.basic.LightGBMError as error:
            raise ForecastError(f"{self._name}: LightGBM gave up: {error}") from error
        pairs = zip(*(next(iter(seen[part].values())) for part in seen), strict=True)
        sign = -1.0 if metric == "ndcg" else 1.0  # a loss falls
        curve = tuple(
            Point("all symbols", k, sign * a, sign * b) for k, (a, b) in enumerate(pairs, 1)
        )
        return booster.model_to_string(num_iteration=booster.best_iteration), curve, ()

    def _label(self, part: Part) -> Ints:
        """0 or 1, or the grade of each outcome among those of its formation."""
        if self.objective == "binary":
            return part.above
        grade = np.empty(len(part.outcome), np.int64)
        for number in np.unique(part.formation):
            mine = np.flatnonzero(part.formation == number)
            outcome = part.outcome[mine]
            n_worse = np.searchsorted(np.sort(outcome), outcome)  # equal outcomes, equal grades
            grade[mine] = n_worse * self.grades // len(mine)
        return grade

    def _rate(self, learned: Any, x: npt.NDArray[np.float32]) -> Floats:
        with importing("lightgbm", who=self._name, extra="ml"):
            import lightgbm
        model = lightgbm.Booster(model_str=learned)
        return np.asarray(model.predict(x, num_threads=1), np.float64)


def _sizes(formation: Ints) -> Ints:
    """Rows of each formation, in order."""
    return np.unique(formation, return_counts=True)[1].astype(np.int64)
