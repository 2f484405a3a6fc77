"""Windows against a plain loop over symbols and bars."""

from dataclasses import replace

import numpy as np
import pytest

from tradewind.engine import features
from tradewind.engine.causality import probe
from tradewind.engine.errors import ForecastError
from tradewind.engine.features import Table
from tradewind.engine.records import Panel
from tradewind.forecasters.inputs import windows
from tradewind.forecasters.inputs.windows import LIMIT, Samples

NAMES = ("return_1", "range", "volume_5")


def made(n_bars: int = 120, *, window: int = 8, horizon: int = 3) -> tuple[Panel, Samples]:
    panel = probe(3, n_bars=n_bars, n_symbols=3)
    return panel, windows.cut(features.table(panel, NAMES), window=window, horizon=horizon)


def test_windows_are_those_a_loop_finds() -> None:
    panel, samples = made()
    cube = features.compute(panel, NAMES)
    wanted = {}
    for symbol in range(3):
        own = np.flatnonzero(~np.isnan(panel.close[:, symbol]))
        for k in range(7, len(own)):
            window = cube[own[k - 7 : k + 1], symbol]
            if np.isfinite(window).all():
                wanted[(symbol, own[k])] = window
    assert list(zip(samples.symbol.tolist(), samples.bar.tolist(), strict=True)) == list(wanted)
    np.testing.assert_array_equal(samples.x, np.array(list(wanted.values())))
    assert samples.x.shape == (samples.n, 8, 3)
    assert samples.n > 200


def test_targets_are_log_returns_over_the_panels_next_bars() -> None:
    panel, samples = made()
    for bar, symbol, target in zip(samples.bar, samples.symbol, samples.target, strict=True):
        if bar + 3 >= panel.n_bars:
            assert np.isnan(target)
        else:
            wanted = np.log(panel.close[bar + 3, symbol]) - np.log(panel.close[bar, symbol])
            np.testing.assert_array_equal(target, wanted)
    assert np.isnan(samples.target).any()  # some outcomes lie in a gap or past the end
    assert np.isfinite(samples.target).sum() > 200


def test_no_window_or_target_changes_when_later_bars_become_known() -> None:
    panel, whole = made()
    for cut in (40, 77, 119):
        part = windows.cut(features.table(panel.past(cut), NAMES), window=8, horizon=3)
        early = whole.where(whole.bar < cut)
        np.testing.assert_array_equal(part.bar, early.bar)
        np.testing.assert_array_equal(part.symbol, early.symbol)
        np.testing.assert_array_equal(part.x, early.x)
        known = np.isfinite(part.target)
        np.testing.assert_array_equal(part.target[known], early.target[known])
        assert (part.bar[known] + 3 < cut).all()


def test_windows_are_a_view() -> None:
    values = np.arange(20.0).reshape(10, 2)
    view = windows.windows(values, 4)
    assert view.shape == (7, 4, 2)
    assert np.shares_memory(view, values)
    np.testing.assert_array_equal(view[3], values[3:7])


@pytest.mark.parametrize("stride", [1, 2, 5])
def test_thinning_takes_every_nth_bar_of_a_symbol_and_loses_no_date(stride: int) -> None:
    _, samples = made()
    thinned = windows.thin(samples, stride)
    assert thinned.n == pytest.approx(samples.n / stride, rel=0.1)
    for symbol in range(3):
        bars = thinned.bar[thinned.symbol == symbol]
        assert (np.diff(bars) >= stride).all()
    if stride == 2:
        assert set(thinned.bar.tolist()) > set(thinned.bar[thinned.symbol == 0].tolist())


def test_labels_do_not_overlap_where_the_stride_is_the_horizon() -> None:
    _, samples = made(horizon=5)
    thinned = windows.thin(samples, 5)
    for symbol in range(3):
        bars = thinned.bar[thinned.symbol == symbol]
        assert (bars[1:] >= bars[:-1] + 5).all()


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_the_stopping_part_comes_last_and_a_purge_lies_before_it(share: float) -> None:
    _, samples = made(horizon=4)
    known = samples.where(np.isfinite(samples.target))
    fitting, stopping = windows.split(known, share)
    between = known.n - fitting.n - stopping.n
    assert fitting.bar.max() + known.horizon < stopping.bar.min()
    # Exactly `horizon` bars are purged, of each symbol that has them.
    purged = set(known.bar.tolist()) - set(fitting.bar.tolist()) - set(stopping.bar.tolist())
    assert purged == set(range(stopping.bar.min() - 4, stopping.bar.min()))
    assert between > 0
    span = known.bar.max() + 1 - known.bar.min()
    assert known.bar.max() + 1 - stopping.bar.min() == int(share * span)


def test_nothing_to_split_is_refused() -> None:
    _, samples = made()
    with pytest.raises(ForecastError, match="no complete window with a known outcome"):
        windows.split(samples.where(np.zeros(samples.n, bool)), 0.2)


def test_scaling_is_fitted_on_the_bars_that_training_windows_cover_and_no_others() -> None:
    panel, samples = made()
    fitting, _ = windows.split(samples.where(np.isfinite(samples.target)), 0.5)
    scaling = windows.fit_scaling(fitting, where="test")
    rows = sorted({r for last in fitting.row for r in range(last - 7, last + 1)})
    used = fitting.table.values[rows]
    np.testing.assert_allclose(scaling.mean, used.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(scaling.std, used.std(axis=0), rtol=1e-10)
    after = int(fitting.bar.max()) + 1
    bent = {name: getattr(panel, name).copy() for name in ("open", "high", "low", "close")}
    for array in bent.values():
        array[after:] *= 3.0
    other = windows.cut(features.table(replace(panel, **bent), NAMES), window=8, horizon=3)
    same = replace(fitting, table=other.table)
    again = windows.fit_scaling(same, where="test")
    np.testing.assert_array_equal(again.mean, scaling.mean)
    np.testing.assert_array_equal(again.std, scaling.std)


def test_scaled_features_have_unit_spread_and_a_limit() -> None:
    _, samples = made()
    scaling = windows.fit_scaling(samples, where="test")
    scaled = scaling.apply(samples.table.values)
    assert scaled.dtype == np.float32
    assert np.isfinite(scaled).all()
    assert np.abs(scaled).max() <= LIMIT
    wild = samples.table.values.copy()
    wild[50] = 1e9
    np.testing.assert_array_equal(scaling.apply(wild)[50], np.full(3, LIMIT, np.float32))


def test_a_constant_feature_is_refused_by_name_and_value() -> None:
    _, samples = made()
    values = samples.table.values.copy()
    values[:, 1] = 0.1  # 0.1 has no exact binary form: a naive mean would leave a spread
    flat = replace(samples, table=Table(samples.table.tape, NAMES, values))
    with pytest.raises(ForecastError, match=r"Lstm: feature 'range' is constant \(0\.1 on all \d+"):
        windows.fit_scaling(flat, where="Lstm")
