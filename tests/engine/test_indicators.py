"""Which columns of ``ta`` may be used, checked against ``ta`` itself."""

import warnings

import numpy as np
import pytest

from tradewind.engine import features
from tradewind.engine.causality import first_leak, probe
from tradewind.engine.errors import ConfigError, ForecastError
from tradewind.engine.features import indicators
from tradewind.engine.features.ta_columns import (
    INDICATORS,
    REFUSED,
    REFUSED_FILLED,
    SETTLED,
    Indicator,
)
from tradewind.engine.records import Floats, Panel

LEAKERS = [name for name, why in REFUSED.items() if "looks ahead" in why]


def column(name: str, *, fillna: bool, panel: Panel) -> Floats:
    """A column as ``ta`` itself gives it, of a panel with one symbol and no gaps."""
    import pandas as pd
    from ta import add_all_ta_features

    frame = pd.DataFrame(
        {field: getattr(panel, field)[:, 0] for field in ("open", "high", "low", "close", "volume")}
    )
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        made = add_all_ta_features(frame, "open", "high", "low", "close", "volume", fillna=fillna)
    values: Floats = made[name].to_numpy(np.float64)
    return values


def one_symbol(n_bars: int = 400) -> Panel:
    panel = probe(11, n_bars=n_bars, n_symbols=1)
    panel.volume[panel.volume == 0.0] = 1.0
    return panel


def test_every_column_of_ta_is_either_offered_or_refused() -> None:
    import pandas as pd
    from ta import add_all_ta_features

    panel = one_symbol(120)
    frame = pd.DataFrame(
        {field: getattr(panel, field)[:, 0] for field in ("open", "high", "low", "close", "volume")}
    )
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        made = add_all_ta_features(frame, "open", "high", "low", "close", "volume")
    columns = set(made.columns) - {"open", "high", "low", "close", "volume"}
    assert columns == set(INDICATORS) | set(REFUSED)
    assert not set(INDICATORS) & set(REFUSED)


@pytest.mark.parametrize("name", sorted(INDICATORS))
def test_an_indicator_is_what_ta_computes_in_units_of_price(name: str) -> None:
    panel = one_symbol()
    recipe = INDICATORS[name]
    theirs = column(name, fillna=False, panel=panel)
    ours = features.compute(panel, (f"ta.{name}",))[:, 0, 0]
    if recipe.unit != "pure":
        theirs = theirs / panel.close[:, 0] - (recipe.unit == "level")
    settled = slice(recipe.warmup - 1, None)
    theirs = np.where(np.isfinite(theirs), theirs, np.nan)
    np.testing.assert_array_equal(ours[settled], theirs[settled])
    assert np.isnan(ours[: recipe.warmup - 1]).all()
    assert np.isfinite(ours).sum() > 50


@pytest.mark.parametrize("name", sorted(INDICATORS))
def test_an_indicator_has_settled_after_its_warmup(name: str) -> None:
    panel = probe(12, n_bars=900, n_symbols=1)
    whole = features.compute(panel, (f"ta.{name}",))[:, 0, 0]
    for start in (41, 200, 333):
        late = features.compute(panel.rows(start, 900), (f"ta.{name}",))[:, 0, 0]
        moved = np.abs(late - whole[start:])
        assert np.nanmax(moved) <= SETTLED * np.nanstd(whole), start


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refused_column_is_refused_by_name_with_the_reason(name: str) -> None:
    with pytest.raises(ConfigError) as error:
        features.feature(f"ta.{name}")
    assert f"ta.{name} {REFUSED[name]}" in str(error.value)


@pytest.mark.parametrize("name", LEAKERS)
def test_a_column_refused_for_looking_ahead_does_look_ahead(name: str) -> None:
    leak = first_leak(
        lambda p: column(name, fillna=False, panel=p)[:, None], one_symbol(), cuts=(150, 300)
    )
    assert leak is not None


@pytest.mark.parametrize("name", sorted(REFUSED_FILLED))
def test_a_column_that_looks_ahead_only_when_filled_is_refused_filled(name: str) -> None:
    leak = first_leak(
        lambda p: column(name, fillna=True, panel=p)[:, None], one_symbol(), cuts=(150, 300)
    )
    assert leak is not None
    with pytest.raises(ConfigError, match=f"ta.{name} looks ahead with fillna") as error:
        features.feature(f"ta.{name}:fillna")
    assert f"write 'ta.{name}'" in str(error.value)


def test_filling_is_refused_where_it_does_not_leak_too() -> None:
    with pytest.raises(ConfigError, match=r"made-up numbers; write 'ta\.momentum_rsi'"):
        features.feature("ta.momentum_rsi:fillna")


def test_the_leakers_are_those_known() -> None:
    assert sorted(LEAKERS) == [
        "trend_kst",
        "trend_kst_diff",
        "trend_kst_sig",
        "trend_visual_ichimoku_a",
        "trend_visual_ichimoku_b",
    ]


def test_an_indicator_that_begins_to_leak_is_refused_at_its_first_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leaky = dict(INDICATORS) | {"trend_kst": Indicator("trend.KSTIndicator", "kst", 53)}
    monkeypatch.setattr(indicators, "INDICATORS", leaky)
    monkeypatch.setattr(indicators, "REFUSED", {})
    indicators.gate.cache_clear()
    with pytest.raises(ForecastError, match=r"ta\.trend_kst looks ahead in the installed version"):
        features.compute(one_symbol(), ("ta.trend_kst",))
    indicators.gate.cache_clear()


def test_divisions_by_nothing_become_missing_values_without_a_warning() -> None:
    panel = probe(0, n_bars=200, n_symbols=1)
    for field in ("open", "high", "low", "close"):
        getattr(panel, field)[:] = 25.0
    names = tuple(f"ta.{name}" for name in INDICATORS if not name.startswith("trend_psar"))
    values = features.compute(panel, names)
    assert not np.isinf(values).any()
    assert np.isnan(values[-1, 0, names.index("ta.momentum_stoch")])
