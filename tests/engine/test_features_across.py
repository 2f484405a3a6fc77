"""Features across symbols against definitions worked out row by row."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tradewind.engine import features, feeds
from tradewind.engine.causality import probe
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import ConfigError, DataError, UnknownSymbolError
from tradewind.engine.records import GROUP, MEMBER, Floats, Panel

ACROSS = (
    "rank.return_5",
    "rank.ta.momentum_roc",
    "cross_z.vol_20",
    "market.return_1",
    "market.beta_10",
    "market.residual_10",
    "group.return_3",
    "group.beta_7",
    "group.residual_7",
    "other.P1.return_1",
    "other.P1.ta.momentum_roc",
    "other.P1.ratio_20",
    "other.P1.beta_20",
    "other.P1.residual_20",
    "rank.market.residual_10",
)


def market(seed: int = 0, n_bars: int = 160, n_symbols: int = 6) -> Panel:
    """Gaps and late starts; members come and go; two groups, and a symbol in none."""
    panel = probe(seed, n_bars=n_bars, n_symbols=n_symbols)
    draw = np.random.default_rng(seed)
    member = (draw.random(panel.shape) < 0.8).astype(float)
    group = np.tile([0.0, 1.0, 0.0, 1.0, 0.0, np.nan], (n_bars, 1))[:, :n_symbols]
    return replace(panel, columns={MEMBER: member, GROUP: group})


def of(panel: Panel, name: str) -> Floats:
    return features.compute(panel, (name,))[:, :, 0]


@pytest.mark.parametrize("name", ACROSS)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_cross_section_is_the_same_bit_by_bit_when_later_bars_are_not_known(
    name: str, seed: int
) -> None:
    panel = market(seed)
    assert np.isfinite(of(panel, name)).sum() > 100
    assert features.is_causal(name, panel, cuts=range(20, 160, 7))


@pytest.mark.parametrize("name", ACROSS)
def test_without_gaps_older_history_moves_nothing_after_the_warm_up(name: str) -> None:
    panel = probe(4, n_bars=200, n_symbols=3)
    close = np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, panel.shape), axis=0))
    whole = replace(
        panel, open=close, high=close * 1.01, low=close / 1.01, close=close,
        volume=np.full(panel.shape, 1e6), columns={GROUP: np.tile([0.0, 0.0, 1.0], (200, 1))},
    )  # fmt: skip
    late = of(whole.rows(60, 200), name)
    settled = features.feature(name).warmup - 1
    itself = 1 if "ratio" in name else None  # the ratio of P1 to itself never varies
    assert np.isfinite(np.delete(late, itself or [], axis=1)[settled:]).all()
    np.testing.assert_allclose(late[settled:], of(whole, name)[60:][settled:], rtol=0, atol=1e-9)


def test_a_rank_counts_the_members_below() -> None:
    panel = market(2)
    inner, got = of(panel, "return_3"), of(panel, "rank.return_3")
    for row in range(panel.n_bars):
        members = [
            inner[row, k]
            for k in range(6)
            if panel.columns[MEMBER][row, k] > 0 and np.isfinite(inner[row, k])
        ]
        for k in range(6):
            if np.isnan(inner[row, k]) or len(members) < 2:
                assert np.isnan(got[row, k])
                continue
            below = sum(v < inner[row, k] for v in members)
            ties = sum(v == inner[row, k] for v in members)
            assert got[row, k] == (below + ties / 2) / len(members)


def test_scores_and_averages_are_taken_over_members() -> None:
    panel = market(3)
    inner = of(panel, "vol_5")
    inside = (panel.columns[MEMBER] > 0) & np.isfinite(inner)
    for row in np.flatnonzero(inside.sum(axis=1) > 1):
        members = inner[row, inside[row]]
        if members.std() == 0:  # nothing moves for a while
            continue
        given = np.isfinite(inner[row])
        wanted = (inner[row, given] - members.mean()) / members.std()
        np.testing.assert_allclose(of(panel, "cross_z.vol_5")[row, given], wanted, rtol=1e-9)
        mean = of(panel, "market.vol_5")[row, given]
        np.testing.assert_allclose(mean, members.mean(), rtol=1e-12)


def test_a_group_is_averaged_by_itself_and_a_symbol_in_none_has_nothing() -> None:
    panel = market(3)
    inner, got = of(panel, "return_2"), of(panel, "group.return_2")
    inside = (panel.columns[MEMBER] > 0) & np.isfinite(inner)
    assert np.isnan(got[:, 5]).all()
    for row in np.flatnonzero(inside[:, [1, 3]].all(axis=1)):
        wanted = (inner[row, 1] + inner[row, 3]) / 2
        np.testing.assert_allclose(got[row, [1, 3]], wanted, rtol=1e-9, atol=1e-15)


def test_the_slope_is_that_of_least_squares_and_one_on_itself() -> None:
    panel = probe(5, n_bars=120, n_symbols=2)
    clean = panel.rows(panel.n_bars - 60, panel.n_bars)
    got = of(clean, "other.P0.beta_20")
    mine, other = of(clean, "return_1")[:, 1], of(clean, "other.P0.return_1")[:, 1]
    checked = 0
    for row in range(21, 60):
        x, y = other[row - 19 : row + 1], mine[row - 19 : row + 1]
        if np.isfinite(x).all() and np.isfinite(y).all() and not np.isnan(panel.close[-60:]).any():
            wanted = np.cov(x, y, bias=True)[0, 1] / x.var()
            assert got[row, 1] == pytest.approx(wanted, rel=1e-9)
            checked += 1
    own = got[:, 0]
    assert (own[np.isfinite(own)] == 1.0).all() and np.isfinite(own).sum() > 30
    residual = of(clean, "other.P0.residual_20")[:, 0]
    assert (residual[np.isfinite(residual)] == 0.0).all()


def test_another_symbols_value_is_its_latest_of_five_rows() -> None:
    close = np.full((12, 2), 10.0)
    close[:, 0] = 10.0 + np.arange(12)
    close[3:11, 0] = np.nan
    ones = np.ones((12, 2))
    panel = replace(
        probe(0, n_bars=12, n_symbols=2), open=close, high=close, low=close, close=close,
        volume=np.where(np.isnan(close), np.nan, ones), ends=np.array([-1, -1]),
    )  # fmt: skip
    got = of(panel, "other.P0.return_1")[:, 1]
    wanted = np.log(12.0) - np.log(11.0)
    np.testing.assert_array_equal(got[2:8], wanted)
    assert np.isnan(got[8:11]).all()
    assert got[11] == np.log(21.0) - np.log(12.0)


def test_a_cross_section_in_which_all_are_equal_has_no_score_and_middle_ranks() -> None:
    panel = replace(probe(0, n_bars=8, n_symbols=3), columns={"x": np.full((8, 3), 0.1)})
    assert np.isnan(of(panel, "cross_z.column.x")).all()
    given = ~np.isnan(panel.close)
    several = given & (given.sum(axis=1) > 1)[:, None]
    assert (of(panel, "rank.column.x")[several] == 0.5).all() and several.sum() > 10


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("rank.retrun_5", "did you mean 'return_5'?"),
        ("rang.return_5", "did you mean 'rank.return_5'?"),
        ("market.beta_1", "market.beta_1 spans 1 bars"),
        ("group.", "unknown feature"),
        ("other.SPY", "names no feature of SPY"),
        ("other.BRK.B.retrun_1", "did you mean"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, told: str) -> None:
    with pytest.raises(ConfigError, match="features: ") as error:
        features.feature(name)
    assert told in str(error.value)


def test_a_symbol_with_dots_can_be_another() -> None:
    panel = replace(probe(0, n_bars=30, n_symbols=2), symbols=("BRK.B", "KO"))
    np.testing.assert_array_equal(
        of(panel, "other.BRK.B.return_2")[:, 0], of(panel, "return_2")[:, 0]
    )


def test_what_the_data_does_not_have_is_refused() -> None:
    panel = probe(0, n_bars=30, n_symbols=2)
    with pytest.raises(UnknownSymbolError, match=r"no symbol 'P11' \(did you mean 'P1'"):
        of(panel, "other.P11.return_1")
    with pytest.raises(DataError, match=r"say them with data\.groups"):
        of(panel, "group.return_1")
    with pytest.raises(ConfigError, match="compared across symbols, and the data has only P0"):
        of(panel.select(("P0",)), "rank.return_1")
    with pytest.raises(DataError, match=r"say so with data\.known_ahead: {mood: \[5\]}"):
        of(panel, "ahead_5.column.mood")


def test_groups_and_columns_known_ahead_come_with_the_data(tmp_path: Path) -> None:
    lines = ["symbol,date,open,high,low,close,volume,mood"]
    for k, symbol in enumerate(("AAA", "BBB", "CCC")):
        lines += [
            f"{symbol},2017-01-0{day},{10 + day},{11 + day},{9 + day},{10 + day},{100 + k},{day}"
            for day in range(2, 7)
        ]
    (tmp_path / "bars.csv").write_text("\n".join(lines))
    more = {"groups": {"one": ("AAA", "CCC")}, "known_ahead": {"mood": (1, 3)}}
    config = DataConfig(source="csv", path=tmp_path / "bars.csv", **more)
    panel = feeds.load(config).panel
    np.testing.assert_array_equal(panel.columns[GROUP][0], [0, np.nan, 0])
    np.testing.assert_array_equal(of(panel, "ahead_3.column.mood")[:, 0], [5, 6] + 3 * [np.nan])
    np.testing.assert_array_equal(of(panel, "ahead_1.column.mood")[:, 2], [3, 4, 5, 6, np.nan])
    assert features.is_causal("ahead_1.column.mood", panel, cuts=(2, 3, 4))
    wrong = config.model_copy(update={"groups": {"one": ("AAB",)}})
    with pytest.raises(UnknownSymbolError, match=r"no symbol 'AAB' \(did you mean 'AAA'"):
        feeds.load(wrong)
    wrong = config.model_copy(update={"known_ahead": {"moot": (1,)}})
    with pytest.raises(DataError, match=r"data\.known_ahead: the data has no column 'moot'"):
        feeds.load(wrong)


def test_a_symbol_in_two_groups_is_refused() -> None:
    with pytest.raises(ValueError, match=r"KO stands in groups\.a and in groups\.b"):
        DataConfig(groups={"a": ("KO",), "b": ("KO",)})
