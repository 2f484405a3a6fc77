"""Foundation models of the Chronos kind: trained elsewhere, asked without a fit.

The weights are the user's: a folder on disk, never downloaded. Their content is part of the cache's
key, because ``path`` is a path.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from annotated_types import Ge, Le

from tradewind.engine.errors import ForecastError
from tradewind.engine.features.tape import Tape, lay
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Floats, Ints, Panel
from tradewind.engine.scoring.statistics import normal_quantile
from tradewind.forecasters.bounds import check_bounds
from tradewind.forecasters.inputs.framing import Horizon, Seed
from tradewind.forecasters.optional import importing, require

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
ROWS_A_CALL = 128  # series per forward pass, about
CONFIG = "config.json"  # every folder of weights holds one


@dataclass(kw_only=True, eq=False)
class Chronos:
    """A pretrained model that continues each symbol's log price; nothing is fitted.

    Chronos, Chronos-Bolt and Chronos-2 are understood. The standard deviation is that of the normal
    distribution with the same distance between its first and ninth decile. What the model was
    trained on is not known here: if it saw the years it is tested on, a backtest flatters it.

    Parameters
    ----------
    path : Path
        Folder with ``config.json`` and the weights; from a config, relative to its file.
    horizon : int
        Bars ahead.
    context : int
        Closes the model sees.
    seed : int
        Of the samples that the first Chronos models draw.

    References
    ----------
    Ansari et al. (2024), "Chronos: Learning the language of time series".
    """

    path: Path
    horizon: Horizon = 5
    context: Annotated[int, Ge(16), Le(8_192)] = 256
    seed: Seed = 0

    def __post_init__(self) -> None:
        """Refuse a missing package and a folder without a model before anything is read."""
        self.path = Path(self.path)
        check_bounds(type(self), {field.name: getattr(self, field.name) for field in fields(self)})
        require("chronos", who="Chronos", extra="foundation")
        if not (self.path / CONFIG).is_file():
            raise ForecastError(
                f"Chronos: {self.path} holds no {CONFIG}; name the folder of a model of the "
                "Chronos kind, with its config and weights. Nothing is downloaded"
            )
        self._pipeline: Any = None

    @property
    def warmup(self) -> int:
        """Closed bars a prediction needs."""
        return self.context

    def fit(self, past: Panel) -> Self:
        """Load the weights; nothing is learned from ``past``.

        Raises
        ------
        ForecastError
            If no symbol has ``context`` bars, or the folder does not load as a model.
        """
        longest = int((~np.isnan(past.close)).sum(axis=0).max(initial=0))
        if longest < self.context:
            raise ForecastError(
                f"Chronos: the longest history has {longest} bars, a forecast needs "
                f"{self.context}; give more history or lower 'context'"
            )
        self._pipeline = self._loaded()
        return self

    def _loaded(self) -> Any:
        with _offline(), importing("chronos", who="Chronos", extra="foundation"):
            import chronos
            import torch
        try:
            with _offline():
                return chronos.BaseChronosPipeline.from_pretrained(
                    str(self.path), device_map="cpu", dtype=torch.float32, local_files_only=True
                )
        except Exception as error:
            raise ForecastError(
                f"Chronos: {self.path} does not load as a model of the Chronos kind "
                f"({type(error).__name__}: {error})"
            ) from error

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        """One row per bar ``first`` ... ``past.n_bars - 1``; NaN before ``context`` bars.

        Every bar has a fixed place in calls of one size, as in
        :meth:`.training.fitted.Fitted.outputs` and for the same reason. A model that
        draws samples gets a call and a seed for each bar.

        Raises
        ------
        ForecastError
            If the weights were not loaded, or the model fails.
        """
        if self._pipeline is None:
            raise ForecastError("Chronos: predict before fit; call fit(past) first")
        from tradewind.forecasters.training.loop import one_thread

        tape, width = lay(past), past.n_symbols
        rows = np.flatnonzero((tape.bar >= first) & (tape.age >= self.context - 1))
        per_call = 1 if self._draws else max(1, ROWS_A_CALL // width)
        mean = np.full((past.n_bars - first, width), np.nan)
        quantiles = np.full((*mean.shape, len(LEVELS)), np.nan)
        with one_thread(), _offline():
            for call in np.unique(tape.bar[rows] // per_call):
                mine = rows[tape.bar[rows] // per_call == call]
                places = tape.bar[mine] % per_call * width + tape.symbol[mine]
                contexts = self._contexts(tape, mine, places, per_call * width)
                centre, levels = self._asked(contexts, int(past.ts[tape.bar[mine[0]]]))
                at = (tape.bar[mine] - first, tape.symbol[mine])
                mean[at], quantiles[at] = centre[places], levels[places]
        reach = normal_quantile(LEVELS[-1]) - normal_quantile(LEVELS[0])
        std = (quantiles[:, :, -1] - quantiles[:, :, 0]) / reach
        unknown = ~(np.isfinite(mean) & np.isfinite(std) & (std > 0))
        for array in (mean, std, quantiles):
            array[unknown] = np.nan
        return Forecasts(mean, std, self.horizon, LEVELS, quantiles)

    @property
    def _draws(self) -> bool:
        """Whether the model answers with samples."""
        return bool(self._pipeline.forecast_type.name == "SAMPLES")

    def _contexts(self, tape: Tape, rows: Ints, places: Ints, n_places: int) -> Floats:
        """Closes up to each row as 1 + log(close / last close), shape (n_places, context).

        Of the order of one and positive: the first Chronos models divide by the mean.
        """
        out = np.ones((n_places, self.context))
        for row, place in zip(rows, places, strict=True):
            window = tape.log_close[row - self.context + 1 : row + 1]
            out[place] += window - window[-1]
        return out

    def _asked(self, contexts: Floats, ts: int) -> tuple[Floats, Floats]:
        """(mean, quantiles) of the log return over the horizon: (n_places,), (n_places, 9)."""
        import torch

        series = torch.from_numpy(contexts).to(torch.float32)
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed((self.seed * 1_000_003 + ts // 1_000_000_000) % 2**63)
            try:
                levels, centre = self._pipeline.predict_quantiles(
                    list(series), prediction_length=self.horizon, quantile_levels=list(LEVELS)
                )
            except Exception as error:
                raise ForecastError(
                    f"Chronos: the model failed ({type(error).__name__}: {error})"
                ) from error
        if isinstance(levels, list):  # Chronos-2: one tensor a series, with its variates first
            levels, centre = (torch.stack([one[0] for one in part]) for part in (levels, centre))
        ahead = np.sort(levels[:, -1].double().numpy(), axis=1) - 1.0
        return centre[:, -1].double().numpy() - 1.0, ahead


@contextmanager
def _offline() -> Iterator[None]:
    """Keep the libraries from asking the network for anything."""
    before = {name: os.environ.get(name) for name in OFFLINE}
    os.environ.update(OFFLINE)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
