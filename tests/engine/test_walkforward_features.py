"""Folds, processes and configs of a walk-forward read columns of features that were made once."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from tests.walks import go
from tradewind.engine import features
from tradewind.engine.cache import ForecastCache
from tradewind.engine.causality import probe
from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.errors import CheckpointError
from tradewind.engine.forecaster_spec import ForecasterSpec

NAMES = ("return_3", "vol_5")
LEARNER = '''
import numpy as np
from tradewind.engine import features
from tradewind.engine.protocols import Forecasts


class Reader:
    """Says what its features say."""

    horizon, warmup = 2, 10

    def __init__(self, times: float = 1.0) -> None:
        self.times = times

    def fit(self, past):
        features.table(past, ("return_3", "vol_5"))
        return self

    def predict(self, past, *, first):
        said = features.compute(past, ("return_3", "vol_5"))[first:]
        return Forecasts(self.times * said[:, :, 0], said[:, :, 1] + 1e-9, self.horizon)
'''


@pytest.fixture
def reader(tmp_path: Path) -> str:
    (tmp_path / "reader.py").write_text(LEARNER)
    return f"{tmp_path / 'reader.py'}:Reader"


def columns(folder: Path) -> dict[str, int]:
    """When each column below a cache was written."""
    return {p.parent.name: p.stat().st_mtime_ns for p in folder.glob("features/*/*/*/values.npy")}


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("mode", ["expanding", "rolling"])
def test_each_column_is_made_once_and_says_what_a_fresh_one_says(
    reader: str, tmp_path: Path, workers: int, mode: Literal["expanding", "rolling"]
) -> None:
    panel = probe(2, n_bars=100, n_symbols=2)
    config = WalkForwardConfig(train=40, refit=20, mode=mode)
    cache = ForecastCache(tmp_path / "cache" / "forecasts")
    options = {"workers": workers, "cache": cache, "config": config}
    first = go(ForecasterSpec(reader, {}), panel, **options)
    made = columns(tmp_path / "cache")
    later_folds = 2 if mode == "rolling" else 0  # the first fold's beginning is the panel's
    assert len(made) == len(NAMES) * (1 + later_folds)
    fresh = features.compute(panel, NAMES)
    np.testing.assert_array_equal(first.forecasts.mean[first.first_bar :], fresh[40:, :, 0])
    again = go(ForecasterSpec(reader, {"times": 2.0}), panel, **options)
    np.testing.assert_array_equal(again.forecasts.mean, 2.0 * first.forecasts.mean)
    assert columns(tmp_path / "cache") == made  # another config found them there


def test_a_damaged_column_stops_the_walk_and_fresh_makes_it_again(
    reader: str, tmp_path: Path
) -> None:
    panel = probe(2, n_bars=100, n_symbols=2)
    folder = tmp_path / "cache" / "forecasts"
    go(ForecasterSpec(reader, {}), panel, cache=ForecastCache(folder))
    victim = next(iter(tmp_path.glob("cache/features/*/*/*/values.npy")))
    content = bytearray(victim.read_bytes())
    content[-1] ^= 1
    victim.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"run with --fresh"):
        go(ForecasterSpec(reader, {"times": 3.0}), panel, cache=ForecastCache(folder))
    walk = go(
        ForecasterSpec(reader, {"times": 3.0}), panel, cache=ForecastCache(folder, fresh=True)
    )
    assert np.isfinite(walk.forecasts.mean).any()
    assert len(columns(tmp_path / "cache")) == len(NAMES)
