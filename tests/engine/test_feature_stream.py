"""Features kept up to date are those of the whole history in every bit."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine import features
from tradewind.engine.causality import probe
from tradewind.engine.errors import CheckpointError, DataError, ForecastError
from tradewind.engine.features.feature import Feature
from tradewind.engine.features.recurrences import RECURRENCES
from tradewind.engine.features.stream import FeatureStream, Row
from tradewind.engine.features.ta_columns import INDICATORS
from tradewind.engine.features.tape import Tape
from tradewind.engine.records import DAY_NS, GROUP, MEMBER, Floats, Panel

OWN = (
    *("range", "gap", "body", "location", "return_1", "return_61", "scaled_return_7", "vol_2"),
    *("log_vol_33", "vol_change_10", "z_2", "z_50", "volume_20", "column.user"),
)
ACROSS = (
    *("rank.return_5", "cross_z.vol_20", "market.return_1", "market.beta_10", "group.return_3"),
    *("market.residual_10", "group.beta_7", "group.residual_7", "other.P1.return_1"),
    *("other.P1.ratio_20", "other.P1.beta_20", "other.P1.residual_20", "rank.market.residual_10"),
    *("rank.ta.momentum_rsi", "calendar.weekday_sin", "calendar.month_end"),
    "ahead_5.calendar.hours",
)
BY_RECURRENCE = tuple(f"ta.{name}" for name in RECURRENCES)
REST = tuple(f"ta.{name}" for name in INDICATORS if name not in RECURRENCES)


def market(seed: int, n_bars: int = 320, n_symbols: int = 4) -> Panel:
    """Gaps, late starts and flat stretches; members, groups and a column of the user's."""
    panel = probe(seed, n_bars=n_bars, n_symbols=n_symbols)
    draw = np.random.default_rng(seed)
    columns = {
        MEMBER: (draw.random(panel.shape) < 0.8).astype(float),
        GROUP: np.tile([0.0, 1.0, 0.0, np.nan], (n_bars, 1))[:, :n_symbols],
        "user": draw.normal(size=panel.shape),
    }
    return replace(panel, columns=columns, calendar="XNYS")


def said(stream: FeatureStream, panel: Panel, first: int = 0) -> Floats:
    rows = [stream.update(Row.of(panel, row)) for row in range(first, panel.n_bars)]
    return np.array(rows).reshape(len(rows), panel.n_symbols, len(stream.names))


def first_difference(got: Floats, want: Floats, names: tuple[str, ...]) -> str:
    """Where two tables differ in a bit; empty where they do not."""
    got, want = np.ascontiguousarray(got), np.ascontiguousarray(want)
    differs = (got.view(np.int64) != want.view(np.int64)) & ~(np.isnan(got) & np.isnan(want))
    if not differs.any():
        return ""
    bar, symbol, k = np.argwhere(differs)[0]
    return f"{names[k]} at bar {bar} of {symbol}: {got[bar, symbol, k]} {want[bar, symbol, k]}"


@pytest.mark.parametrize("names", [OWN, ACROSS, BY_RECURRENCE], ids=["own", "across", "ta"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_stream_says_what_the_whole_history_says(names: tuple[str, ...], seed: int) -> None:
    panel = market(seed)
    want = features.compute(panel, names)
    assert (np.isfinite(want).sum(axis=(0, 1)) > 100).all()
    stream = FeatureStream(names, panel)
    assert stream.recomputed == ()
    assert first_difference(said(stream, panel), want, names) == ""


def test_every_recurrence_is_of_an_indicator_that_may_be_used() -> None:
    assert set(RECURRENCES) <= set(INDICATORS)
    assert len(RECURRENCES) > 30 and len(REST) > 10


@pytest.mark.slow
def test_the_other_indicators_are_made_anew_from_the_bars_kept() -> None:
    panel = market(2, n_bars=330, n_symbols=2)
    names = (*REST, "rank.ta.trend_adx", "return_5")
    stream = FeatureStream.over(panel.past(327), names)
    assert stream.recomputed == names[:-1]
    want = features.compute(panel, names)[327:]
    assert (np.isfinite(want[:, :, :-2]).any(axis=(0, 1))).all()
    assert first_difference(said(stream, panel, 327), want, names) == ""


HABITS = (
    *("scaled_return_5", "volume_7", "location", "rank.return_2", "market.beta_5"),
    *("other.S1.return_1", "ta.momentum_rsi", "ta.trend_macd_diff", "ta.volatility_dcw"),
    *("ta.momentum_stoch_signal", "ta.volatility_atr"),
)


@dataclass(frozen=True)
class Odd:
    """Any gaps, any late start, repeated and extreme prices, volumes of zero or unknown."""

    seed: int
    n_symbols: int
    step: float
    still: float
    price: float
    reach: float
    holes: float
    late: int

    def panel(self, n_bars: int = 130) -> Panel:
        """Bars of all symbols at times of their own."""
        rng, shape = np.random.default_rng(self.seed), (n_bars, self.n_symbols)
        steps = rng.normal(0, self.step, shape)
        steps[rng.random(shape) < self.still] = 0.0
        close = self.price * np.exp(np.cumsum(steps, axis=0))
        reach = np.exp(np.abs(rng.normal(0, self.reach, shape)))
        volume = np.rint(np.exp(rng.normal(5, 2, shape))) * (rng.random(shape) < 0.9)
        volume[:, : self.seed % 2] = np.nan
        high, low = close * reach, close / reach
        gone = rng.random(shape) < self.holes
        gone[: self.late, -1] = True
        for array in (high, low, close, volume):
            array[gone] = np.nan
        names = tuple(f"S{k}" for k in range(self.n_symbols))
        ts = np.cumsum(rng.integers(1, 10**14, n_bars))
        ts[n_bars - self.late // 4 :] += self.seed % 3 * 20 * DAY_NS  # sometimes a long gap
        return Panel(names, ts, close.copy(), high, low, close, volume)


ODD = st.builds(
    Odd,
    seed=st.integers(0, 2**32),
    n_symbols=st.integers(2, 4),
    step=st.sampled_from([0.0, 1e-9, 0.01, 0.5]),
    still=st.sampled_from([0.0, 0.5, 0.95]),
    price=st.sampled_from([1e-6, 1.0, 33.3, 1e7]),
    reach=st.sampled_from([0.0, 0.01]),
    holes=st.sampled_from([0.0, 0.1, 0.6]),
    late=st.integers(0, 100),
)


@settings(max_examples=20, deadline=None)
@given(odd=ODD, share=st.floats(0, 1), again=st.floats(0, 1))
def test_any_market_warmed_up_stopped_and_restored_anywhere_gives_the_same_bits(
    odd: Odd, share: float, again: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    panel = odd.panel()
    first = int(share * (panel.n_bars - 1))
    second = first + int(again * (panel.n_bars - 1 - first))
    want = features.compute(panel, HABITS)
    stream = FeatureStream.over(panel.past(first), HABITS)
    early = said(stream, panel.past(second), first)
    place = tmp_path_factory.mktemp("state") / "features.npz"
    stream.save(place)
    late = said(FeatureStream(HABITS, panel).restore(place), panel, second)
    assert first_difference(np.concatenate((early, late)), want[first:], HABITS) == ""


def test_kept_bars_survive_a_restart(tmp_path: Path) -> None:
    panel, names = market(4, n_bars=200, n_symbols=2), ("ta.trend_cci", "z_20")
    FeatureStream.over(panel.past(199), names).save(tmp_path / "state")
    stream = FeatureStream(names, panel).restore(tmp_path / "state")
    got = stream.update(Row.of(panel, 199))[None]
    want = features.compute(panel, names)[199:]
    assert np.isfinite(want).any()
    assert first_difference(got, want, names) == ""


def test_a_state_of_something_else_or_damaged_is_refused(tmp_path: Path) -> None:
    panel, place = market(0, n_bars=80), tmp_path / "state"
    FeatureStream.over(panel, ("return_5", "vol_20")).save(place)
    with pytest.raises(CheckpointError, match=r"features \['return_5', 'vol_20'\], wanted"):
        FeatureStream(("return_5",), panel).restore(place)
    with pytest.raises(CheckpointError, match="symbols"):
        FeatureStream(("return_5", "vol_20"), panel.select(("P1", "P0"))).restore(place)
    content = bytearray(place.read_bytes())
    content[len(content) // 2] ^= 1
    place.write_bytes(content)
    with pytest.raises(CheckpointError, match="no state of features can be read"):
        FeatureStream(("return_5", "vol_20"), panel).restore(place)
    with pytest.raises(CheckpointError, match="no state of features can be read"):
        FeatureStream(("return_5", "vol_20"), panel).restore(tmp_path / "nowhere")


def test_bars_out_of_time_or_of_other_symbols_are_refused() -> None:
    panel = market(0, n_bars=30)
    stream = FeatureStream.over(panel, ("return_5",))
    with pytest.raises(DataError, match="comes after one of"):
        stream.update(Row.of(panel, 29))
    row = Row.of(panel, 29)
    with pytest.raises(DataError, match=r"wanted \(4,\) float64"):
        stream.update(replace(row, ts=row.ts + 1, close=row.close[:2]))


def test_a_feature_that_asks_for_other_things_at_another_bar_is_refused() -> None:
    panel = market(0, n_bars=30)
    stream = FeatureStream(("return_5",), panel)

    def fickle(tape: Tape) -> Floats:
        return tape.lag(tape.close, 1 + int(tape.age.max() > 3))

    stream._features = (Feature("fickle", 1, fickle),)
    with pytest.raises(ForecastError, match="must ask its tape for the same things"):
        said(stream, panel)


@pytest.mark.parametrize("names", [OWN, ACROSS, BY_RECURRENCE], ids=["own", "across", "ta"])
def test_after_a_long_gap_a_stream_begins_anew_too(names: tuple[str, ...]) -> None:
    panel = market(3, n_bars=330)
    ts = panel.ts + np.where(np.arange(330) >= 150, 40 * DAY_NS, 0)
    gone = replace(panel, ts=ts)
    want = features.compute(gone, names)
    assert np.isnan(want[150]).sum() > np.isnan(want[149]).sum()
    assert first_difference(said(FeatureStream(names, gone), gone), want, names) == ""


def test_a_first_bar_and_a_symbol_that_never_trades_are_no_trouble() -> None:
    panel = market(0, n_bars=150)
    close = panel.close.copy()
    close[:, 2] = np.nan
    silent = replace(panel, open=close, high=close, low=close, close=close)
    names = ("scaled_return_1", "ta.momentum_rsi", "rank.return_1")
    got = said(FeatureStream(names, silent), silent)
    assert np.isnan(got[:, 2]).all()
    assert first_difference(got, features.compute(silent, names), names) == ""
