"""Columns that carry the trace of a scaling over all bars, and honest ones that look alike."""

from dataclasses import replace

import numpy as np
import pytest

from tradewind.engine.audit.findings import Danger
from tradewind.engine.audit.whole_sample import undated, whole_sample
from tradewind.engine.causality import probe
from tradewind.engine.records import Floats, Panel

PANEL = probe(seed=3, n_bars=200, n_symbols=4)
LEVEL = np.log(PANEL.close)


def with_column(values: Floats) -> Panel:
    return replace(PANEL, columns={"mine": values})


def ranks(values: Floats) -> Floats:
    order = np.argsort(np.argsort(values, axis=0), axis=0) + 1.0
    n_bars = np.isfinite(values).sum(axis=0)
    return np.where(np.isfinite(values), order / n_bars, np.nan)


def rolling(values: Floats, n_bars: int = 20) -> Floats:
    out = np.full(values.shape, np.nan)
    for t in range(n_bars, len(values)):
        part = values[t - n_bars + 1 : t + 1]
        out[t] = (values[t] - part.mean(axis=0)) / part.std(axis=0)
    return out


WHOLE = {
    "by symbol": (LEVEL - np.nanmean(LEVEL, axis=0)) / np.nanstd(LEVEL, axis=0),
    "by symbol, n - 1": (LEVEL - np.nanmean(LEVEL, axis=0)) / np.nanstd(LEVEL, axis=0, ddof=1),
    "written with five digits": np.round(
        (LEVEL - np.nanmean(LEVEL, axis=0)) / np.nanstd(LEVEL, axis=0), 5
    ),
    "over everything": (LEVEL - np.nanmean(LEVEL)) / np.nanstd(LEVEL),
    "ranks along time": ranks(LEVEL),
}
HONEST = {
    "levels": LEVEL,
    "rolling": rolling(LEVEL),
    "across symbols": (LEVEL - np.nanmean(LEVEL, axis=1, keepdims=True))
    / np.maximum(np.nanstd(LEVEL, axis=1, keepdims=True), 1e-9),
    "a constant": np.ones(PANEL.shape),
    "nothing": np.full(PANEL.shape, np.nan),
    "noise of deviation one": np.random.default_rng(5).normal(size=PANEL.shape),
}


@pytest.mark.parametrize("how", WHOLE)
def test_a_column_scaled_over_all_bars_is_named(how: str) -> None:
    found, checks = whole_sample(with_column(WHOLE[how]))
    assert [(one.where, one.danger, one.severity) for one in found] == [
        ("data mine", Danger.SCALER, "leak")
    ]
    assert checks[0].n_tried == 1


@pytest.mark.parametrize("how", HONEST)
def test_an_honest_column_is_not_accused(how: str) -> None:
    assert not whole_sample(with_column(HONEST[how]))[0]


def test_no_column_of_noise_in_two_hundred_is_accused() -> None:
    draw = np.random.default_rng(11)
    columns = {f"x{k}": draw.normal(size=PANEL.shape) for k in range(200)}
    assert not whole_sample(replace(PANEL, columns=columns))[0]


def test_columns_without_a_date_of_publication_are_told() -> None:
    columns = {"eps": LEVEL, "eps_asof": LEVEL, "mine": LEVEL, "member": LEVEL}
    (line,) = undated(replace(PANEL, columns=columns))
    assert "of mine were published" in line
    assert not undated(PANEL)
