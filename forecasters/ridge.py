"""Ridge regression over flattened windows, in closed form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
from annotated_types import Gt, Le

from tradewind.engine.errors import CheckpointError
from tradewind.engine.records import Floats
from tradewind.forecasters.kept_learners import Arrays, KeptLearners
from tradewind.forecasters.tabular import Part, Rows, root_mean_square

if TYPE_CHECKING:
    from torch import Tensor

PENALTIES = tuple(float(alpha) for alpha in 10.0 ** np.arange(-4.0, 3.5, 0.5))
ROWS_A_PRODUCT = 8_192  # rows whose float64 copy is made at a time


@dataclass(kw_only=True, eq=False)
class Ridge(KeptLearners):
    """Linear regression with a penalty on the squared coefficients.

    The penalty is tried out on the validation part (one eigendecomposition serves all of them);
    with it the coefficients are then fitted on both parts, whose normal equations are added.

    Parameters
    ----------
    penalty : float or None
        Added to the mean of squared errors, per squared coefficient of a standardised input; None:
        the best of fifteen between 0.0001 and 1000.

    References
    ----------
    Hoerl and Kennard (1970).
    """

    penalty: Annotated[float, Gt(0), Le(1e6)] | None = None

    def _learn(self, fitting: Part, stopping: Part) -> tuple[Any, float, list[tuple[float, float]]]:
        from tradewind.forecasters.training.loop import one_thread

        with one_thread():
            first, second = _equations(fitting), _equations(stopping)
            tried = (self.penalty,) if self.penalty is not None else PENALTIES
            models = _solved(first, tried)
            errors = [root_mean_square(stopping.y - _product(m, stopping.x)) for m in models]
            best = int(np.argmin(errors))
            both = tuple(a + b for a, b in zip(first, second, strict=True))
            model = _solved(both, tried[best : best + 1])[0]
        return model, errors[best], []

    def _say(self, model: Any, x: Rows) -> Floats:
        from tradewind.forecasters.training.loop import one_thread

        with one_thread():
            return _product(model, x)

    def _arrays(self, model: Any) -> Arrays:
        return {"coefficients": model}

    def _model(self, arrays: Mapping[str, npt.NDArray[Any]], where: str) -> Any:
        wanted = (self.window * len(self.features) + 1,)
        found = arrays.get("coefficients", np.empty(0))
        if found.shape != wanted or found.dtype != np.float64 or not np.isfinite(found).all():
            raise CheckpointError(
                f"{where}: coefficients are {found.dtype}{list(found.shape)}, wanted finite "
                f"float64{list(wanted)}; fit again"
            )
        return found


Equations = tuple["Tensor", ...]  # X'X with a column of ones last (K + 1, K + 1), X'y, rows (1,)


def _equations(part: Part) -> Equations:
    """Normal equations of a part, summed over blocks of rows."""
    import torch

    size = part.x.shape[1] + 1
    gram, moment = torch.zeros(size, size, dtype=torch.float64), torch.zeros(size).double()
    for start in range(0, len(part.y), ROWS_A_PRODUCT):
        rows = slice(start, start + ROWS_A_PRODUCT)
        x = torch.from_numpy(part.x[rows]).double()  # (n, K)
        x = torch.cat((x, torch.ones(len(x), 1, dtype=torch.float64)), 1)  # (n, K + 1)
        gram += x.T @ x
        moment += x.T @ torch.from_numpy(part.y[rows])
    return gram, moment, torch.tensor([float(len(part.y))], dtype=torch.float64)


def _solved(equations: Equations, penalties: tuple[float, ...]) -> list[Floats]:
    """Coefficients and constant for each penalty, shape (K + 1,) each.

    The constant bears no penalty: inputs and target are centred first.
    """
    import torch

    gram, moment, (rows,) = equations
    centre, level = gram[-1, :-1] / rows, moment[-1] / rows
    covariance = gram[:-1, :-1] / rows - torch.outer(centre, centre)
    covariance_y = moment[:-1] / rows - centre * level
    values, vectors = torch.linalg.eigh(covariance)
    turned = vectors.T @ covariance_y
    found = []
    for penalty in penalties:
        slope = vectors @ (turned / (values.clamp(min=0.0) + penalty))
        constant = (level - centre @ slope).reshape(1)
        found.append(torch.cat((slope, constant)).numpy())
    return found


def _product(coefficients: Floats, x: Rows) -> Floats:
    """Forecasts of rows, shape (n_rows,)."""
    import torch

    said = torch.from_numpy(x).double() @ torch.from_numpy(coefficients[:-1])
    return np.asarray(said.numpy() + coefficients[-1])
