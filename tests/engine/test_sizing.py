import numpy as np
import pytest

from tradewind.engine.config import RunConfig
from tradewind.engine.sizing import Sizing, ewma_volatility, weight_of, whole_lots


@pytest.mark.parametrize(
    ("qty", "lot", "want"),
    [
        (7.9, 1.0, 7.0),
        (-7.9, 1.0, -7.0),
        (0.4, 1.0, 0.0),
        (37.0, 10.0, 30.0),
        (3.0 - 1e-12, 1.0, 3.0),  # whole but for rounding
        (0.123, 0.0, 0.123),
    ],
)
def test_quantities_are_rounded_toward_zero_to_the_lot(qty: float, lot: float, want: float) -> None:
    assert whole_lots(qty, lot) == pytest.approx(want, abs=1e-15)


def test_a_quantity_that_is_not_a_number_stays_one() -> None:
    assert np.isnan(whole_lots(np.nan, 1.0))


def test_full_strength_is_the_weight_and_the_cap_binds_on_both_sides() -> None:
    sizing = Sizing(0.25, 0.4, 0.0, 0.0, 0.0)
    assert weight_of(1.0, sizing, 0.0) == 0.25
    assert weight_of(-1.0, sizing, 0.0) == -0.25
    assert weight_of(3.0, sizing, 0.0) == 0.4
    assert weight_of(-3.0, sizing, 0.0) == -0.4


def test_a_volatility_target_takes_half_of_what_moves_twice_as_much() -> None:
    sizing = Sizing(0.5, 10.0, 0.01, 0.0, 0.0)
    assert weight_of(1.0, sizing, 0.01) == pytest.approx(0.5)
    assert weight_of(1.0, sizing, 0.02) == pytest.approx(0.25)
    assert np.isnan(weight_of(1.0, sizing, np.nan))
    assert weight_of(0.0, sizing, np.nan) == 0.0, "what is left needs no volatility"


def test_ewma_volatility_by_hand() -> None:
    close = np.array([[100.0], [110.0], [99.0], [99.0]])
    r1, r2, r3 = np.log(1.1), np.log(0.9), 0.0
    decay = 1 - 2 / 3
    want = np.sqrt((r2**2 + decay * r1**2) / (1 + decay))
    last = np.sqrt((r3**2 + decay * r2**2 + decay**2 * r1**2) / (1 + decay + decay**2))
    np.testing.assert_allclose(
        ewma_volatility(close, 2)[:, 0], [np.nan, np.nan, want, last], rtol=1e-12
    )


def test_ewma_volatility_takes_the_return_across_a_gap() -> None:
    close = np.array([[100.0], [np.nan], [110.0], [121.0]])
    found = ewma_volatility(close, 2)[:, 0]
    assert np.isnan(found[:3]).all()
    assert found[3] == pytest.approx(np.log(1.1))


@pytest.mark.parametrize("cut", [3, 17, 40])
def test_ewma_volatility_does_not_change_when_the_future_does(cut: int) -> None:
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (60, 3)), axis=0))
    other = close.copy()
    other[cut:] = rng.uniform(1, 500, other[cut:].shape)
    a, b = ewma_volatility(close, 10)[:cut], ewma_volatility(other, 10)[:cut]
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, ewma_volatility(close[:cut], 10))


def test_a_weight_that_its_own_cap_would_cut_is_refused() -> None:
    blocks = {"strategy": {"kind": "sma_cross"}}
    with pytest.raises(ValueError, match=r"weight 2\.0 lies above max_weight 1\.0"):
        RunConfig.model_validate({**blocks, "sizing": {"weight": 2.0, "kind": "target_weight"}})
    wide = {"weight": 2.0, "max_weight": 2.0, "kind": "target_weight"}
    config = RunConfig.model_validate({**blocks, "sizing": wide})
    assert config.sizing.max_weight == 2.0


def test_a_gap_keeps_the_last_volatility_and_nothing_comes_before_the_first() -> None:
    close = np.array([[np.nan], [100.0], [110.0], [100.0], [np.nan], [100.0]])
    vol = ewma_volatility(close, 2)[:, 0]
    assert np.isnan(vol[:3]).all()
    assert vol[4] == vol[3]
    assert vol[5] < vol[4]
