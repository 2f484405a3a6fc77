"""Features against definitions worked out bar by bar, and against their own prefixes."""

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tradewind.engine import features
from tradewind.engine.causality import Leak, first_leak, probe
from tradewind.engine.errors import ConfigError, DataError
from tradewind.engine.features.ta_columns import INDICATORS
from tradewind.engine.features.tape import lay
from tradewind.engine.records import DAY_NS, Floats, Panel

OWN = (
    "range",
    "gap",
    "body",
    "location",
    "return_1",
    "return_5",
    "return_61",
    "scaled_return_1",
    "scaled_return_7",
    "scaled_return_90",
    "vol_2",
    "vol_20",
    "log_vol_33",
    "vol_change_10",
    "z_2",
    "z_50",
    "volume_2",
    "volume_20",
    "column.user",
)
TA = tuple(f"ta.{name}" for name in INDICATORS)


def panel_of(close: Floats, **fields: Floats) -> Panel:
    """Panel whose bars are flat at the close unless fields say otherwise."""
    volume = np.where(np.isnan(close), np.nan, 1_000.0)
    open_, high, low = (fields.get(name, close) for name in ("open", "high", "low"))
    ts = (np.arange(len(close), dtype=np.int64) + 1) * DAY_NS
    names = tuple(f"S{k}" for k in range(close.shape[1]))
    return Panel(names, ts, open_, high, low, close, fields.get("volume", volume))


def with_user_column(panel: Panel) -> Panel:
    user = np.where(np.isnan(panel.close), np.nan, np.sin(np.arange(panel.n_bars))[:, None])
    return replace(panel, columns={"user": user})


def random_cuts(n_bars: int, n_cuts: int, seed: int) -> list[int]:
    return sorted(np.random.default_rng(seed).choice(np.arange(2, n_bars), n_cuts, replace=False))


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_feature_is_the_same_bit_by_bit_when_later_bars_are_not_known(
    name: str, seed: int
) -> None:
    panel = with_user_column(probe(seed, n_bars=300, n_symbols=4))
    assert np.isfinite(features.compute(panel, (name,))).sum() > 100
    assert features.is_causal(name, panel, cuts=random_cuts(300, 25, seed))


@pytest.mark.parametrize("name", TA)
def test_an_indicator_is_the_same_bit_by_bit_when_later_bars_are_not_known(name: str) -> None:
    panel = probe(5, n_bars=420, n_symbols=2)
    assert np.isfinite(features.compute(panel, (name,))).sum() > 100
    assert features.is_causal(name, panel, cuts=random_cuts(420, 6, 5))


@pytest.mark.parametrize("name", (*OWN, "ta.momentum_rsi", "ta.volume_mfi"))
def test_a_feature_does_not_depend_on_the_symbols_beside_it(name: str) -> None:
    panel = with_user_column(probe(3, n_bars=300, n_symbols=4))
    together = features.compute(panel, (name,))
    for k, symbol in enumerate(panel.symbols):
        alone = features.compute(panel.select((symbol,)), (name,))[:, 0]
        assert alone.tobytes() == together[:, k].copy().tobytes()


@pytest.mark.parametrize("name", (*OWN, *TA))
def test_values_begin_with_the_declared_warmup_and_not_before(name: str) -> None:
    panel = with_user_column(probe(4, n_bars=400, n_symbols=2))
    given = ~np.isnan(features.compute(panel, (name,))[:, :, 0])
    bars_so_far = np.cumsum(~np.isnan(panel.close), axis=0)
    warmup = features.feature(name).warmup
    assert not given[bars_so_far < warmup].any()
    assert not given[np.isnan(panel.close)].any()
    assert given[bars_so_far[:, 0] == warmup, 0].all() or name == "ta.momentum_stoch_rsi"


@pytest.mark.parametrize("name", OWN)
def test_more_history_before_the_start_moves_nothing_after_the_warmup(name: str) -> None:
    panel = with_user_column(probe(6, n_bars=320, n_symbols=1))
    start = 57
    whole = features.compute(panel, (name,))[start:, 0, 0]
    late = features.compute(panel.rows(start, panel.n_bars), (name,))[:, 0, 0]
    settled = np.arange(len(late)) >= features.feature(name).warmup - 1
    np.testing.assert_array_equal(late[settled], whole[settled])


def test_a_symbol_that_misses_bars_is_read_as_if_the_gap_were_closed() -> None:
    dense = probe(8, n_bars=200, n_symbols=1)
    at = np.sort(np.random.default_rng(0).choice(400, 200, replace=False))
    sparse = np.full((5, 400, 1), np.nan)
    for k, name in enumerate(("open", "high", "low", "close", "volume")):
        sparse[k][at] = getattr(dense, name)
    ts = (np.arange(400, dtype=np.int64) + 1) * DAY_NS
    panel = Panel(dense.symbols, ts, *sparse)
    names = ("return_5", "vol_20", "volume_20", "z_20", "gap", "ta.momentum_roc")
    spread = features.compute(panel, names)
    np.testing.assert_array_equal(spread[at], features.compute(dense, names))
    assert np.isnan(np.delete(spread, at, axis=0)).all()


def test_returns_are_differences_of_log_closes() -> None:
    close = np.array([[100.0], [110.0], [99.0], [99.0], [121.0]])
    got = features.compute(panel_of(close), ("return_1", "return_3"))[:, 0]
    np.testing.assert_allclose(got[1:, 0], np.log([1.1, 0.9, 1.0, 121 / 99]), rtol=1e-14)
    np.testing.assert_allclose(got[3:, 1], np.log([0.99, 1.1]), rtol=1e-13)
    assert np.isnan(got[0, 0])
    assert np.isnan(got[:3, 1]).all()


def test_one_bar_features_follow_their_definitions() -> None:
    close = np.array([[10.0], [12.0]])
    panel = panel_of(
        close,
        open=np.array([[9.0], [11.0]]),
        high=np.array([[10.0], [15.0]]),
        low=np.array([[8.0], [10.0]]),
    )
    got = features.compute(panel, ("range", "gap", "body", "location"))[1, 0]
    wanted = [math.log(1.5), math.log(1.1), math.log(12 / 11), 0.4]
    np.testing.assert_allclose(got, wanted, rtol=1e-14)


def test_a_flat_bar_closes_in_the_middle_of_its_range() -> None:
    assert features.compute(panel_of(np.full((2, 1), 7.0)), ("location",))[1, 0, 0] == 0.5


def test_volatility_is_the_root_mean_square_of_returns() -> None:
    close = np.exp(np.cumsum([0.0, 0.01, -0.02, 0.03]))[:, None]
    got = features.compute(panel_of(close), ("vol_3", "vol_2", "vol_change_2"))[:, 0]
    np.testing.assert_allclose(got[3, 0], math.sqrt((1 + 4 + 9) * 1e-4 / 3), rtol=1e-12)
    np.testing.assert_allclose(got[3, 1], math.sqrt((4 + 9) * 1e-4 / 2), rtol=1e-12)
    assert np.isnan(got[:3, 0]).all()
    assert np.isnan(got[:, 2]).all()  # needs seven bars


def test_a_scaled_return_is_in_units_of_volatility_over_its_own_length() -> None:
    panel = probe(9, n_bars=150, n_symbols=1)
    got = features.compute(panel, ("scaled_return_4", "return_4", "vol_60"))[-1, 0]
    assert got[0] == pytest.approx(got[1] / (got[2] * 2), rel=1e-14)


def test_a_z_score_counts_standard_deviations_of_log_price() -> None:
    close = np.exp([[0.0], [1.0], [2.0], [3.0]])
    got = features.compute(panel_of(close), ("z_4",))[3, 0, 0]
    assert got == pytest.approx(1.5 / math.sqrt(1.25), rel=1e-13)


def test_volume_is_relative_to_its_own_mean_with_a_floor() -> None:
    volume = np.array([[100.0], [300.0], [0.0], [0.0]])
    panel = panel_of(np.full((4, 1), 5.0), volume=volume)
    got = features.compute(panel, ("volume_2",))[:, 0, 0]
    assert got[1] == pytest.approx(math.log(1.5))
    assert got[2] == pytest.approx(math.log(features.QUIET))
    assert np.isnan(got[3])  # no volume at all: there is no usual one


def test_a_price_that_never_moves_has_no_volatility_and_no_score() -> None:
    panel = panel_of(np.full((90, 1), 33.3))
    got = features.compute(panel, ("vol_20", "log_vol_20", "scaled_return_1", "z_20"))[-1, 0]
    assert got[0] == 0.0
    assert np.isnan(got[1:]).all()


def test_moments_agree_with_numpy_on_every_window() -> None:
    tape = lay(probe(2, n_bars=80, n_symbols=3))
    for n in (1, 2, 3, 7, 16, 23):
        mean, std = tape.moments(tape.close, n)
        for row in range(tape.n_rows):
            if tape.age[row] < n - 1:
                assert np.isnan(mean[row])
                continue
            window = tape.close[row - n + 1 : row + 1]
            assert mean[row] == pytest.approx(window.mean(), rel=1e-13)
            assert std[row] == pytest.approx(window.std(), rel=1e-9, abs=1e-12)


def test_a_mean_alone_is_the_mean_beside_the_deviation_to_the_bit() -> None:
    tape = lay(probe(2, n_bars=80, n_symbols=3))
    for n in (1, 2, 3, 7, 16, 23, 60):
        assert tape.mean(tape.close, n).tobytes() == tape.moments(tape.close, n)[0].tobytes()
        assert np.isfinite(tape.mean(tape.close, n)).any()


def test_a_tape_leads_back_to_the_panel() -> None:
    panel = probe(1, n_bars=50, n_symbols=3)
    tape = lay(panel)
    np.testing.assert_array_equal(tape.spread(tape.close), panel.close)
    assert tape.n_rows == (~np.isnan(panel.close)).sum()
    for k in range(3):
        own = slice(tape.bounds[k], tape.bounds[k + 1])
        np.testing.assert_array_equal(tape.age[own], np.arange(own.stop - own.start))
        assert (np.diff(tape.bar[own]) > 0).all()


@pytest.mark.parametrize(("days", "kept"), [(31, True), (32, False)])
def test_what_lies_beyond_a_gap_of_a_month_is_another_history(days: int, kept: bool) -> None:
    close = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, (200, 1)), axis=0))
    ts = np.arange(200, dtype=np.int64) * DAY_NS + DAY_NS
    ts[120:] += (days - 1) * DAY_NS
    panel = replace(panel_of(close), ts=ts)
    got = features.compute(panel, ("return_1", "vol_20", "ta.momentum_roc"))[:, 0]
    assert np.isfinite(got[120]).tolist() == [kept] * 3
    assert np.isfinite(got[141]).all()
    alone = features.compute(panel.rows(120, 200), ("return_1", "vol_20", "ta.momentum_roc"))[:, 0]
    assert kept or np.array_equal(got[120:], alone, equal_nan=True)
    assert features.is_causal("vol_20", panel, cuts=(119, 120, 121, 150))


def test_a_symbol_without_any_bar_is_nan_throughout() -> None:
    close = np.column_stack((np.linspace(10, 20, 30), np.full(30, np.nan)))
    got = features.compute(panel_of(close), ("return_1", "vol_5", "ta.momentum_roc"))
    assert np.isnan(got[:, 1]).all()
    assert np.isfinite(got[15:, 0]).all()


def test_the_gate_finds_a_centred_mean_a_backfill_and_a_scaler_on_everything() -> None:
    panel = probe(0, n_bars=120, n_symbols=2)

    def centred(p: Panel) -> Floats:
        out = np.full(p.shape, np.nan)
        out[1:-1] = (p.close[:-2] + p.close[1:-1] + p.close[2:]) / 3
        return out

    def backfilled(p: Panel) -> Floats:
        out = p.close.copy()
        for row in range(p.n_bars - 2, -1, -1):
            out[row] = np.where(np.isnan(out[row]), out[row + 1], out[row])
        return out

    def scaled_on_all(p: Panel) -> Floats:
        return np.asarray(p.close - np.nanmean(p.close, axis=0))

    for leaky in (centred, backfilled, scaled_on_all):
        leak = first_leak(leaky, panel, cuts=range(20, 120))
        assert isinstance(leak, Leak), leaky.__name__
        assert leak.bar < leak.cut
        assert str(leak.cut) in str(leak)


def test_the_gate_finds_a_leak_in_the_last_bit() -> None:
    panel = probe(0, n_bars=60, n_symbols=1)

    def nudged(p: Panel) -> Floats:
        out = p.close.copy()
        if p.n_bars == 60:
            out[3] = np.nextafter(out[3], np.inf)
        return out

    leak = first_leak(nudged, panel)
    assert leak is not None
    assert (leak.bar, leak.symbol, leak.n_values) == (3, 0, 1)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("retrun_5", "did you mean 'return_5'?"),
        ("momentum_rsi", "did you mean 'ta.momentum_rsi'?"),
        ("ta.momentum_rsl", "did you mean 'ta.momentum_rsi'?"),
        ("return_0", "spans 0 bars; wanted 1 to 5000"),
        ("vol_1", "spans 1 bars; wanted 2 to 5000"),
        ("return_99999", "spans 99999 bars"),
        ("xyzzy", "see docs/forecasting.md"),
        ("return", "unknown feature 'return'"),
    ],
)
def test_an_unknown_feature_is_refused_with_the_nearest_name(name: str, told: str) -> None:
    with pytest.raises(ConfigError, match="features: ") as error:
        features.feature(name)
    assert told in str(error.value)


def test_a_column_the_data_lacks_is_refused_with_those_it_has() -> None:
    panel = with_user_column(probe(0, n_bars=30, n_symbols=1))
    with pytest.raises(DataError, match="no column 'spread'; further columns: user"):
        features.compute(panel, ("column.spread",))


def test_every_listed_feature_can_be_had() -> None:
    listing = features.known()
    assert len(listing) > 70
    for name, meaning in listing.items():
        assert features.feature(name.replace("_N", "_5")).warmup >= 1
        assert meaning


def test_own_features_load_neither_pandas_nor_ta() -> None:
    code = (
        "import sys; from tradewind.engine import features; from tradewind.engine.causality "
        "import probe; features.compute(probe(), ('return_1', 'volume_20')); "
        "print([m for m in ('pandas', 'ta', 'torch', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
