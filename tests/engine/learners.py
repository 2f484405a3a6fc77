"""Small forecasters the walk-forward tests are run on, each with one trait."""

import os
import signal
import time
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from tradewind.engine.errors import CheckpointError, ForecastError
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Floats, Panel


class Epoch(NamedTuple):
    epoch: int
    loss: float


def log_returns(close: Floats) -> Floats:
    """Shape (n_bars, n_symbols), first row 0."""
    return np.diff(np.log(close), axis=0, prepend=np.log(close[:1]))


class Slope:
    """Regresses the next horizon's return on that of the last ``window`` bars; seeded noise."""

    def __init__(self, *, horizon: int = 3, window: int = 4, seed: int = 0) -> None:
        self.horizon = horizon
        self.window = window
        self.seed = seed
        self.n_samples: int | None = None
        self.history: list[Epoch] = []

    @property
    def warmup(self) -> int:
        return self.window + 1

    def fit(self, past: Panel) -> Self:
        close = np.log(past.close)
        stop = past.n_bars - self.horizon
        x = close[self.window : stop] - close[: stop - self.window]
        y = close[self.window + self.horizon :] - close[self.window : stop]
        good = np.isfinite(x) & np.isfinite(y)
        x, y = x[good], y[good]
        self.slope = float(x @ y / max(float(x @ x), 1e-12))
        self.spread = float(y.std()) + 1e-9 if len(y) else 1.0
        self.noise = float(np.random.default_rng(self.seed).normal(0, 1e-6))
        self.n_samples = int(good.sum())
        self.history = [Epoch(0, float(y @ y)), Epoch(1, self.spread)]
        return self

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        close = np.log(past.close)
        rows = np.arange(first, past.n_bars)
        mean = self.slope * (close[rows] - close[rows - self.window]) + self.noise
        return Forecasts(mean, np.where(np.isnan(mean), np.nan, self.spread), self.horizon)


class Kept(Slope):
    """Can be saved."""

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "slope.txt").write_text(repr(self.slope))

    def restore(self, folder: Path) -> Self:
        try:
            self.slope = float((folder / "slope.txt").read_text())
        except OSError as error:
            raise CheckpointError(str(error)) from None
        return self


class Peeking(Slope):
    """Subtracts the mean of the whole block it is asked for: tomorrow is in today's number."""

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        made = super().predict(past, first=first)
        return Forecasts(made.mean - np.nanmean(made.mean, axis=0), made.std, made.horizon)


class LeaksOf(Slope):
    """Lets the next bar's return into one of its numbers, in a way that hides from a lone look."""

    def __init__(self, *, how: str, horizon: int = 3, seed: int = 0) -> None:
        super().__init__(horizon=horizon, seed=seed)
        self.how = how

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        made = super().predict(past, first=first)
        close = np.log(past.close)
        step = np.nan_to_num(np.diff(close, axis=0, append=close[-1:]))
        rows = np.arange(past.n_bars)
        if self.how == "every other bar":
            step[rows % 2 == 1] = 0.0
        elif self.how == "the other bars":
            step[rows % 2 == 0] = 0.0
        elif self.how == "the third fold on":
            step[:70] = 0.0
        step = step[first:]
        spoiled = self.how in ("std", "quantile")
        mean = made.mean if spoiled else made.mean + step
        std = made.std * (1 + np.abs(step)) if self.how == "std" else made.std
        median = made.mean + step if self.how == "quantile" else made.mean
        return Forecasts(mean, std, made.horizon, (0.5,), median[..., None])


class Foreboding(Slope):
    """Falls silent a bar before a symbol leaves."""

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        made = super().predict(past, first=first)
        leaves = np.isnan(
            past.close[np.minimum(np.arange(first, past.n_bars) + 1, past.n_bars - 1)]
        )
        return Forecasts(
            np.where(leaves, np.nan, made.mean), np.where(leaves, np.nan, made.std), made.horizon
        )


class SignedError(Slope):
    """Puts its name in front of what it says."""

    def fit(self, past: Panel) -> Self:
        raise ForecastError(f"SignedError: {past.n_bars} bars are too few")


class Careless(Slope):
    """Draws from numpy's global generator."""

    def fit(self, past: Panel) -> Self:
        super().fit(past)
        self.noise = float(np.random.normal(0, 1e-6))
        return self


class Scribbling(Slope):
    """Writes into the bars it is handed."""

    def fit(self, past: Panel) -> Self:
        past.close[0] = 1.0
        return super().fit(past)


class Mute(Slope):
    """Has nothing to say."""

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        nothing = np.full((past.n_bars - first, past.n_symbols), np.nan)
        return Forecasts(nothing, nothing.copy(), self.horizon)


class Misshapen(Slope):
    """Gives one row too few."""

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        return super().predict(past, first=first + 1)


class Failing(Slope):
    """Raises what ``how`` names once it has seen ``after`` bars."""

    def __init__(self, *, how: str, after: int = 0, marker: str = "", horizon: int = 3) -> None:
        super().__init__(horizon=horizon)
        self.how = how
        self.after = after
        self.marker = marker

    def fit(self, past: Panel) -> Self:
        if past.n_bars >= self.after and not (self.marker and Path(self.marker).exists()):
            self._fail()
        return super().fit(past)

    def _fail(self) -> None:
        failures: dict[str, Any] = {
            "ours": lambda: _raise(ForecastError("the loss is not finite at epoch 3")),
            "theirs": lambda: _raise(KeyError("volume")),
            "memory": lambda: _raise(MemoryError()),
            "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
            "exit": lambda: os._exit(7),
            "hang": self._hang,
        }
        failures[self.how]()

    def _hang(self) -> None:
        Path(self.marker).with_suffix(".hanging").touch()
        time.sleep(600)


class Hanging(Failing):
    """Hangs in one fold alone."""

    def fit(self, past: Panel) -> Self:
        if past.n_bars == self.after + 5 or Path(self.marker).exists():
            return super().fit(past)
        return Slope.fit(self, past)


class TorchThreads(Slope):
    """Forecasts the number of torch's threads."""

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        import torch

        made = super().predict(past, first=first)
        return Forecasts(np.full_like(made.mean, torch.get_num_threads()), made.std, made.horizon)

    def __init__(self) -> None:
        import torch

        assert torch
        super().__init__()


class WrongHorizon(Slope):
    """Forecasts another horizon than it says."""

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        made = super().predict(past, first=first)
        return Forecasts(made.mean, made.std, made.horizon + 1)


class Quantiles(Slope):
    """Gives two quantiles."""

    levels: tuple[float, ...] = (0.1, 0.9)

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        made = super().predict(past, first=first)
        reach = np.linspace(-1.3, 1.3, len(self.levels))
        quantiles = made.mean[..., None] + reach * made.std[..., None]
        return Forecasts(made.mean, made.std, made.horizon, self.levels, quantiles)


class BadQuantiles(Slope):
    """Names two levels and gives one quantile."""

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        made = super().predict(past, first=first)
        return Forecasts(made.mean, made.std, made.horizon, (0.1, 0.9), made.mean[..., None])


class Fickle(Quantiles):
    """Gives other quantiles the more it has seen."""

    def fit(self, past: Panel) -> Self:
        super().fit(past)
        self.levels = (0.1, 0.9) if past.n_bars < 60 else (0.5,)
        return self


class Chatty(Slope):
    """Prints while it works."""

    def fit(self, past: Panel) -> Self:
        print("x" * 100_000)
        return super().fit(past)


class Threads(Slope):
    """Forecasts the environment it runs in."""

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        made = super().predict(past, first=first)
        value = float(os.environ.get("OMP_NUM_THREADS", "0"))
        passive = os.environ.get("OMP_WAIT_POLICY") == "PASSIVE"
        return Forecasts(made.mean * 0.0 + value + passive / 2, made.std, made.horizon)


class NoDoor:
    """Lacks everything but a name."""

    horizon = 1


def _raise(error: Exception) -> None:
    raise error
