"""How tests of the walk-forward are run: small learners, one schedule, equality in every bit."""

from pathlib import Path
from typing import Any

from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Panel
from tradewind.engine.walkforward.run import ForecasterSpec, WalkForward, run

LEARNERS = str(Path(__file__).parent / "engine" / "learners.py")
EPOCHS = str(Path(__file__).parent / "engine" / "epoch_learners.py")
SCHEDULE = WalkForwardConfig(train=40, refit=15)


def spec(name: str = "Slope", **params: Any) -> ForecasterSpec:
    """Recipe of one of the learners."""
    return ForecasterSpec(f"{LEARNERS}:{name}", params)


def descent(name: str = "Descent", **params: Any) -> ForecasterSpec:
    """Recipe of a learner that learns in epochs."""
    return ForecasterSpec(f"{EPOCHS}:{name}", params)


def schedule(**changes: Any) -> WalkForwardConfig:
    """Six folds of 120 bars, unless told otherwise."""
    return WalkForwardConfig.model_validate({"train": 40, "refit": 15, **changes})


def go(what: ForecasterSpec, panel: Panel, **options: Any) -> WalkForward:
    """Walk forward in this process unless told otherwise."""
    options = {"seed": 7, "workers": 0, "config": SCHEDULE, **options}
    return run(what, panel, options.pop("config"), **options)


def same(one: Forecasts, other: Forecasts) -> bool:
    """Equal to the last bit, NaN for NaN."""
    return one.mean.tobytes() == other.mean.tobytes() and one.std.tobytes() == other.std.tobytes()
