"""Any regressor of scikit-learn over flattened windows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import numpy as np

from tradewind.engine.errors import ConfigError, ForecastError
from tradewind.engine.records import Floats
from tradewind.forecasters.inputs.framing import Seed
from tradewind.forecasters.optional import importing
from tradewind.forecasters.tabular import Part, Rows, TabularForecaster, root_mean_square


@dataclass(kw_only=True, eq=False)
class ScikitLearn(TabularForecaster):
    """A regressor of scikit-learn, named by where it lies.

    Its error is measured on the validation part; then it is fitted again on all rows. It has no
    checkpoint: scikit-learn keeps models by pickle alone, which runs whatever a file says. The
    cache keeps its forecasts; live it is fitted again.

    Parameters
    ----------
    estimator : str
        ``sklearn.ensemble.RandomForestRegressor``.
    settings : mapping
        Its keyword arguments. ``random_state`` is the seed unless given; ``n_jobs`` is 1, because
        folds run side by side.
    refit : bool
        Fit again on both parts once the error is known.
    seed : int
        Of its ``random_state``.
    """

    estimator: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    refit: bool = True
    seed: Seed = 0

    def __post_init__(self) -> None:
        """Refuse an estimator or a setting that scikit-learn does not know."""
        super().__post_init__()
        self._made()

    def _made(self) -> Any:
        """Unfitted estimator."""
        with importing("sklearn", who=self._name, extra="ml"):
            import sklearn.base
        cls = self._class()
        allowed = sorted(cls._get_param_names())
        for name in self.settings:
            if name not in allowed:
                near = get_close_matches(name, allowed, 1)
                hint = f" (did you mean {near[0]!r}?)" if near else f"; it has {', '.join(allowed)}"
                raise ConfigError(f"{self._name}: {cls.__name__} has no setting {name!r}{hint}")
        own = {"n_jobs": 1, "random_state": self.seed}
        chosen = {**{k: v for k, v in own.items() if k in allowed}, **self.settings}
        if chosen.get("n_jobs", 1) != 1:
            raise ConfigError(
                f"{self._name}: settings.n_jobs is {chosen['n_jobs']!r}; folds run side by side, "
                "one thread each: leave it out"
            )
        try:
            made = cls(**chosen)
            is_regressor = sklearn.base.is_regressor(made)
            getattr(made, "_validate_params", lambda: None)()
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{self._name}: {error}") from None
        if not is_regressor:
            raise ConfigError(
                f"{self._name}: {self.estimator} is no regressor; name one such as "
                "sklearn.ensemble.RandomForestRegressor"
            )
        return made

    def _class(self) -> Any:
        """The class that ``estimator`` names."""
        where, _, name = self.estimator.rpartition(".")
        if where.partition(".")[0] != "sklearn":
            raise ConfigError(
                f"{self._name}: estimator is {self.estimator!r}; wanted a class of scikit-learn "
                "with its module: sklearn.ensemble.RandomForestRegressor. For another library, "
                "write a forecaster of your own"
            )
        try:
            module = import_module(where)
        except ImportError as error:
            raise ConfigError(f"{self._name}: estimator {self.estimator!r}: {error}") from None
        found = getattr(module, name, None)
        if not (isinstance(found, type) and hasattr(found, "_get_param_names")):
            known = [n for n in getattr(module, "__all__", ()) if n.endswith("Regressor")]
            near = get_close_matches(name, known, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise ConfigError(f"{self._name}: {where} has no estimator {name!r}{hint}")
        return found

    def _learn(self, fitting: Part, stopping: Part) -> tuple[Any, float, list[tuple[float, float]]]:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            model = self._fitted(fitting)
            error = root_mean_square(stopping.y - self._say(model, stopping.x))
            if self.refit:
                model = self._fitted(fitting.and_then(stopping))
        return model, error, []

    def _fitted(self, part: Part) -> Any:
        made = self._made()
        try:
            return made.fit(part.x, part.y)
        except Exception as error:
            raise ForecastError(
                f"{self._name}: {self.estimator} could not be fitted on {len(part.y)} rows of "
                f"{part.x.shape[1]} columns ({type(error).__name__}: {error})"
            ) from error

    def _say(self, model: Any, x: Rows) -> Floats:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            return np.asarray(model.predict(x), np.float64).reshape(len(x))
