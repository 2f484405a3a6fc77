"""Logistic regression on the same rows: what a network has to beat."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from annotated_types import Gt, Le

from tradewind.engine.errors import ForecastError
from tradewind.engine.records import Floats
from tradewind.forecasters.optional import importing, require
from tradewind.forecasters.selectors.learned import LearnedSelector, Part, Point


@dataclass(kw_only=True, eq=False)
class LogisticSelector(LearnedSelector):
    """Probability of lying above the median, by scikit-learn's logistic regression.

    It has no parameter that the validation part could choose, so it learns from all rows.

    Parameters
    ----------
    strength : float
        Inverse of the penalty on squared weights (scikit-learn's ``C``).
    horizon, formation, features, validation, delisting_return, seed
        As of every learned selector; ``validation`` is the part its loss is reported on.
    """

    strength: Annotated[float, Gt(0), Le(1e6)] = 1.0

    def __post_init__(self) -> None:
        """Refuse a missing package before anything is read."""
        super().__post_init__()
        require("sklearn", who=self._name, extra="ml")

    def _learn(
        self, fitting: Part, stopping: Part
    ) -> tuple[Any, tuple[Point, ...], tuple[str, ...]]:
        with importing("sklearn", who=self._name, extra="ml"):
            from sklearn.linear_model import LogisticRegression
            from sklearn.metrics import log_loss
        from threadpoolctl import threadpool_limits

        x = np.concatenate([fitting.x, stopping.x])
        above = np.concatenate([fitting.above, stopping.above])
        with threadpool_limits(1):
            trial = LogisticRegression(C=self.strength, max_iter=1_000)
            self._fitted(trial, fitting.x, fitting.above)
            losses = [
                float(log_loss(part.above, trial.predict_proba(part.x), labels=[0, 1]))
                for part in (fitting, stopping)
            ]
            model = LogisticRegression(C=self.strength, max_iter=1_000)
            self._fitted(model, x, above)
        learned = np.append(model.coef_[0], model.intercept_[0])
        curve = Point("all symbols", 0, float(np.log(2)), float(np.log(2)))
        return learned, (curve, Point("all symbols", 1, *losses)), ()

    def _fitted(self, model: Any, x: npt.NDArray[Any], above: npt.NDArray[Any]) -> None:
        try:
            model.fit(x.astype(np.float64), above)
        except ValueError as error:
            raise ForecastError(f"{self._name}: cannot be fitted: {error}") from error

    def _rate(self, learned: Any, x: npt.NDArray[np.float32]) -> Floats:
        from scipy.special import expit

        odds = (x.astype(np.float64) * learned[:-1]).sum(axis=1)  # the same however many rows
        return np.asarray(expit(odds + learned[-1]))
