"""A forecaster that learns in epochs and offers all a walk-forward can ask for, in numpy."""

import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from tradewind.engine.errors import CheckpointError, ForecastError, TooLittleHistoryError
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import ELIGIBLE, Floats, Panel

POOLED = "all symbols"


class Point(NamedTuple):
    network: str
    epoch: int
    fitting: float
    stopping: float


class Descent:
    """Regresses the next return on the last few by steps of noisy gradient descent.

    ``kills``: text ``fold bars:epoch``; with so many bars to learn from it dies after that epoch,
    once, which the file ``marker`` remembers.
    """

    def __init__(
        self,
        *,
        horizon: int = 2,
        window: int = 3,
        hidden: int = 1,
        epochs: int = 4,
        pooled: bool = True,
        least: int = 1,
        kills: str = "",
        marker: str = "",
        seed: int = 0,
    ) -> None:
        self.horizon, self.window, self.hidden = horizon, window, hidden
        self.epochs, self.pooled, self.least, self.seed = epochs, pooled, least, seed
        self.kills, self.marker = kills, marker
        self.weights: dict[str, Floats] = {}
        self.history: list[Point] = []
        self.n_samples = 0
        self._earlier: dict[str, Floats] = {}
        self._folder: Path | None = None
        self._names: tuple[str, ...] = ()
        self._report: Callable[[Mapping[str, Any]], None] = lambda epoch: None

    @property
    def warmup(self) -> int:
        return self.window + 1

    def begin_from(self, earlier: Self) -> Self:
        if not earlier.weights:
            raise ForecastError("Descent: nothing to begin from")
        if earlier.window != self.window:
            raise ForecastError("Descent: other shapes")
        self._earlier = earlier.weights
        return self

    def keep_progress(self, folder: Path) -> None:
        self._folder = folder

    def watch(self, report: Callable[[Mapping[str, Any]], None]) -> None:
        self._report = report

    def for_symbols(self, names: Sequence[str]) -> Self:
        if self.pooled:
            raise ForecastError("Descent: one fit serves all symbols")
        self._names = tuple(names)
        return self

    def _features(self, past: Panel) -> Floats:
        """Last returns of each bar and symbol, shape (n_bars, n_symbols, window)."""
        step = np.diff(np.log(past.close), axis=0, prepend=np.nan)
        shifted = [np.roll(step, k, axis=0) for k in range(self.window)]
        for k, array in enumerate(shifted):
            array[:k] = np.nan
        return np.stack(shifted, axis=-1) * 100.0

    def fit(self, past: Panel) -> Self:
        x, close = self._features(past), np.log(past.close)
        y = np.full(past.shape, np.nan)
        y[: -self.horizon] = (close[self.horizon :] - close[: -self.horizon]) * 100.0
        good = np.isfinite(x).all(axis=-1) & np.isfinite(y) & past.marked(ELIGIBLE)
        wanted = [POOLED] if self.pooled else list(self._names or past.symbols)
        self.weights, self.history, self.n_samples = {}, [], 0
        for name in wanted:
            own = good if self.pooled else good & (np.array(past.symbols) == name)
            if own.sum() >= self.least:
                self._fit_one(name, x[own], y[own], past.n_bars)
        if not self.weights:
            raise TooLittleHistoryError(f"Descent: fewer than {self.least} samples for any symbol")
        self.spread = float(np.nanstd(y)) / 100.0
        self._earlier, self._folder, self._report = {}, None, lambda epoch: None
        return self

    def _fit_one(self, name: str, x: Floats, y: Floats, n_bars: int) -> None:
        state = self._resumed(name)
        draw = np.random.default_rng(self.seed)
        rate = 0.05 if name not in self._earlier else 0.025
        weight = self._earlier.get(name, np.zeros(self.window)).copy() + draw.normal(0, 1e-3)
        begin, curve = 0, []
        if state:
            weight = np.array(state["weight"])
            begin, curve = state["epoch"], state["curve"]
            draw.bit_generator.state = state["draw"]
        for epoch in range(begin, self.epochs):
            for k in draw.permutation(len(y)):
                weight -= rate / (1 + self.hidden) * (x[k] @ weight - y[k]) * x[k] / len(y)
            loss = float(((x @ weight - y) ** 2).mean())
            curve = [*curve, [epoch + 1, loss]]
            made = {
                "weight": weight.tolist(), "epoch": epoch + 1, "curve": curve,
                "draw": draw.bit_generator.state,
            }  # fmt: skip
            self._after(name, made, n_bars)
        self.weights[name] = weight
        self.n_samples += len(y)
        self.history += [Point(name, int(e), loss, loss) for e, loss in curve]

    def _after(self, name: str, made: dict[str, Any], n_bars: int) -> None:
        """What happens at the end of an epoch."""
        if self._folder is not None:
            draft = self._folder / "draft"
            draft.write_text(json.dumps(made))
            draft.replace(self._folder / f"{name}.json")
        epoch, loss = made["curve"][-1]
        self._report(
            {
                "network": name, "epoch": epoch, "epochs": self.epochs,
                "fitting": loss, "stopping": loss,
            }
        )  # fmt: skip
        if self.marker:
            with Path(self.marker).with_suffix(".epochs").open("a") as file:
                file.write(f"{n_bars}:{epoch}\n")
        if self.kills == f"{n_bars}:{epoch}" and not Path(self.marker).exists():
            Path(self.marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def _resumed(self, name: str) -> dict[str, Any] | None:
        if self._folder is None or not (self._folder / f"{name}.json").exists():
            return None
        kept: dict[str, Any] = json.loads((self._folder / f"{name}.json").read_text())
        return kept

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        x = self._features(past)[first:]
        mean = np.full(x.shape[:2], np.nan)
        for name, weight in self.weights.items():
            at = slice(None) if self.pooled else [past.symbols.index(name)]
            mean[:, at] = (x[:, at] * weight).sum(axis=-1) / 100.0
        return Forecasts(mean, np.where(np.isnan(mean), np.nan, self.spread), self.horizon)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        kept = {name: weight.tolist() for name, weight in self.weights.items()}
        (folder / "weights.json").write_text(json.dumps([kept, self.spread, self.seed]))

    def restore(self, folder: Path) -> Self:
        try:
            kept, self.spread, seed = json.loads((folder / "weights.json").read_text())
        except OSError as error:
            raise CheckpointError(str(error)) from None
        if seed != self.seed:
            raise CheckpointError(f"{folder}: of seed {seed}, wanted {self.seed}")
        self.weights = {name: np.array(weight) for name, weight in kept.items()}
        return self


class Deaf(Descent):
    """Learns from every bar, whatever ``eligible`` says."""

    def fit(self, past: Panel) -> Self:
        columns = {k: v for k, v in past.columns.items() if k != ELIGIBLE}
        return super().fit(
            Panel(
                past.symbols, past.ts, past.open, past.high, past.low, past.close, past.volume,
                columns=columns,
            )
        )  # fmt: skip
