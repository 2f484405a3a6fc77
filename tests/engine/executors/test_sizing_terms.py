"""Every kind of sizing that a config can name: what it means, and that it knows nothing later."""

from collections.abc import Callable
from dataclasses import replace
from math import inf, nan
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from tests.golden.tables import Asks
from tests.markets import EXECUTORS
from tradewind.engine.bars.adjusting import DIVIDEND, SPLIT
from tradewind.engine.config.run import RunConfig
from tradewind.engine.config.sizing import SizingConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.executors.sizing_terms import bars_of_sizing, sizing_of
from tradewind.engine.executors.terms import terms
from tradewind.engine.protocols import Forecasts, Signals
from tradewind.engine.records import DAY_NS, FIELDS, Floats, Panel
from tradewind.engine.sizing import MIN_QTY, Sizing, capped, inverse_vol, sized, throttled
from tradewind.engine.types import Intent

YEAR = 252.0
EXAMPLES: dict[str, dict[str, Any]] = {
    "target_weight": {"weight": 0.4},
    "fixed_units": {"units": 12.0},
    "fixed_notional": {"notional": 3_000.0},
    "volatility_target": {"vol_annual": 0.2, "lookback": 8},
    "atr_risk": {"risk": 0.02, "lookback": 8, "multiple": 3.0},
    "kelly": {"fraction": 0.3},
    "risk_parity": {"budget": 0.9, "lookback": 8},
}
"""A config of each kind; a kind that is added to the union and not to this table fails."""


def kinds() -> list[str]:
    models: tuple[type[BaseModel], ...] = get_args(get_args(SizingConfig)[0])
    return [str(get_args(model.model_fields["kind"].annotation)[0]) for model in models]


def config_of(kind: str, **keys: Any) -> RunConfig:
    blocks: dict[str, Any] = {"strategy": {"kind": "x"}, "sizing": {"kind": kind, **keys}}
    return RunConfig.model_validate(
        {**blocks, "forecaster": {"kind": "drift"}, "account": {"max_leverage": 10.0}}
    )


def market(
    seed: int = 1, n_bars: int = 60, n_symbols: int = 3, *, gaps: bool = True
) -> tuple[Panel, Signals]:
    """Bars with gaps and a late listing, and forecasts from bar 20 on."""
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (n_bars, n_symbols)), axis=0))
    high = close * np.exp(rng.uniform(0, 0.02, close.shape))
    low = close * np.exp(-rng.uniform(0, 0.02, close.shape))
    gone = rng.random(close.shape) < 0.05
    gone[:10, -1] = True
    gone[-1] = False
    gone &= gaps
    open_, volume = close.copy(), np.full(close.shape, 1e5)
    for field in (open_, high, low, close, volume):
        field[gone] = nan
    ts = np.arange(1, n_bars + 1, dtype=np.int64) * DAY_NS
    panel = Panel(tuple("ABCDEFGH"[:n_symbols]), ts, open_, high, low, close, volume)
    mean = rng.normal(0, 0.01, close.shape)
    std = rng.uniform(0.01, 0.03, close.shape)
    mean[:20], std[:20] = nan, nan
    return panel, Signals(forecasts=Forecasts(mean, std, 5))


def made(config: RunConfig, panel: Panel, signals: Signals) -> Sizing:
    return sizing_of(config, panel, YEAR, signals)


def sizes(sizing: Sizing, panel: Panel, rows: int) -> Floats:
    """Units of full strength long, short, and with a stop one away, at each of the first bars."""
    out = np.full((rows, panel.n_symbols, 3), nan)
    for t in range(rows):
        parity = sum(inverse_vol(sizing, t, k) for k in range(panel.n_symbols))
        for k in range(panel.n_symbols):
            price = panel.close[t, k]
            for i, (strength, stop) in enumerate(((1.0, nan), (-1.0, nan), (1.0, 1.0))):
                out[t, k, i] = sized(sizing, t, k, strength, 10_000.0, price, stop, parity)
    return out


def test_every_kind_of_the_config_is_tried_here() -> None:
    assert sorted(kinds()) == sorted(EXAMPLES)


def noise(rng: np.random.Generator, later: Floats) -> Floats:
    return rng.uniform(1.0, 500.0, later.shape)


FUTURES: dict[str, Callable[[np.random.Generator, Floats], Floats]] = {
    "noise": noise,
    "nothing": lambda rng, later: np.full(later.shape, nan),
    "scaled": lambda rng, later: later * 7.0,
    "reversed": lambda rng, later: later[::-1],
}


def with_future(panel: Panel, signals: Signals, cut: int, how: str) -> tuple[Panel, Signals]:
    """The same bars and forecasts up to the cut, and others from there on."""

    def changed(values: Floats) -> Floats:
        rng = np.random.default_rng(9)
        return np.vstack([values[:cut], FUTURES[how](rng, values[cut:])])

    assert signals.forecasts is not None
    mean, std = changed(signals.forecasts.mean), changed(signals.forecasts.std)
    fields: dict[str, Any] = {name: changed(getattr(panel, name)) for name in FIELDS}
    return replace(panel, **fields), Signals(forecasts=Forecasts(mean, std, 5))


@pytest.mark.parametrize("how", FUTURES)
@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.parametrize("cut", [21, 35, 55])
def test_no_later_bar_changes_an_earlier_size(kind: str, how: str, cut: int) -> None:
    panel, signals = market()
    config = config_of(kind, **EXAMPLES[kind])
    whole = sizes(made(config, panel, signals), panel, cut)
    other = sizes(made(config, *with_future(panel, signals, cut, how)), panel, cut)
    np.testing.assert_array_equal(whole, other)
    assert np.isfinite(whole[20]).any(), "there was something to compare"


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_history_asked_for_is_what_the_estimates_need(kind: str) -> None:
    panel, signals = market(n_symbols=1, gaps=False)
    config = config_of(kind, **EXAMPLES[kind])
    needed = bars_of_sizing(config.sizing)
    if kind == "kelly":
        needed = 21  # what the forecasts know, the walk-forward says
    found = sizes(made(config, panel, signals), panel, panel.n_bars)[:, 0, 0]
    assert np.isnan(found[: needed - 1]).all()
    assert np.isfinite(found[needed - 1 :]).all()


@pytest.mark.parametrize("kind", EXAMPLES)
@given(seed=st.integers(0, 2**16), factor=st.floats(1e-3, 1e3), t=st.integers(21, 59))
@settings(max_examples=15, deadline=None)
def test_weights_do_not_depend_on_the_unit_of_money(
    kind: str, seed: int, factor: float, t: int
) -> None:
    """Another currency, for prices and account alike, moves no number of units."""
    panel, signals = market(seed)
    keys = dict(EXAMPLES[kind])
    other = dict(keys)
    if "notional" in keys:
        other["notional"] = keys["notional"] * factor
    scaled: dict[str, Any] = {name: getattr(panel, name) * factor for name in FIELDS[:4]}
    twin = replace(panel, **scaled)
    ours = made(config_of(kind, **keys), panel, signals)
    theirs = made(config_of(kind, **other), twin, signals)
    for k in range(panel.n_symbols):
        price = panel.close[t, k]
        parity = sum(inverse_vol(ours, t, j) for j in range(panel.n_symbols))
        again = sum(inverse_vol(theirs, t, j) for j in range(panel.n_symbols))
        here = sized(ours, t, k, 0.7, 5_000.0, price, nan, parity)
        there = sized(theirs, t, k, 0.7, 5_000.0 * factor, price * factor, nan, again)
        assert there == pytest.approx(here, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_strength_scales_the_size_and_its_sign_turns_it(kind: str) -> None:
    panel, signals = market()
    sizing = made(config_of(kind, **EXAMPLES[kind]), panel, signals)
    long = sized(sizing, 59, 0, 1.0, 10_000.0, panel.close[59, 0], nan, 100.0)
    short = sized(sizing, 59, 0, -1.0, 10_000.0, panel.close[59, 0], nan, 100.0)
    half = sized(sizing, 59, 0, 0.5, 10_000.0, panel.close[59, 0], nan, 100.0)
    assert half == pytest.approx(long / 2)
    if kind == "kelly":
        assert (long == 0.0) != (short == 0.0), "the forecast has one direction"
    else:
        assert short == -long < 0.0


def test_risk_parity_spends_its_budget_in_inverse_proportion_to_volatility() -> None:
    panel, signals = market()
    sizing = made(config_of("risk_parity", budget=0.9, lookback=8), panel, signals)
    parity = sum(inverse_vol(sizing, 59, k) for k in range(3))
    weights = [
        sized(sizing, 59, k, 1.0, 10_000.0, panel.close[59, k], nan, parity)
        * panel.close[59, k]
        / 10_000.0
        for k in range(3)
    ]
    assert sum(weights) == pytest.approx(0.9)
    risks = [w * sizing.vol.values[59, k] for k, w in enumerate(weights)]
    assert risks == pytest.approx([risks[0]] * 3)


def test_the_loss_at_the_stop_is_what_was_asked_for() -> None:
    panel, signals = market()
    sizing = made(config_of("atr_risk", risk=0.02, lookback=8, multiple=3.0), panel, signals)
    units = sized(sizing, 59, 0, 1.0, 10_000.0, panel.close[59, 0], 2.5, nan)
    assert units * 2.5 == pytest.approx(200.0)


def test_without_a_multiple_only_wishes_with_a_stop_are_sized() -> None:
    panel, signals = market()
    sizing = made(config_of("atr_risk", multiple=None), panel, signals)
    assert np.isnan(sized(sizing, 59, 0, 1.0, 10_000.0, 50.0, nan, nan))
    assert sized(sizing, 59, 0, 1.0, 10_000.0, 50.0, 2.0, nan) == pytest.approx(50.0)


def test_kelly_is_half_of_mean_over_variance() -> None:
    panel, _ = market(n_bars=3, n_symbols=2)
    mean, std = np.full(panel.shape, 0.002), np.full(panel.shape, 0.05)
    mean[:, 1] *= -1.0
    signals = Signals(forecasts=Forecasts(mean, std, 5))
    sizing = made(config_of("kelly", fraction=0.5), panel, signals)
    np.testing.assert_allclose(sizing.full.values, [[0.4, -0.4]] * 3)


def test_a_symbol_that_never_moves_has_no_size_where_volatility_decides() -> None:
    panel, signals = market()
    level: dict[str, Any] = {name: np.full(panel.shape, 50.0) for name in FIELDS[:4]}
    flat = replace(panel, **level)
    for kind in ("volatility_target", "risk_parity", "atr_risk"):
        found = sizes(made(config_of(kind, **EXAMPLES[kind]), flat, signals), flat, 60)
        assert np.isnan(found[:, :, 0]).all(), kind


# fmt: off
CAPS = st.fixed_dictionaries({
    "max_weight": st.floats(0.05, 2.0), "max_group": st.floats(0.05, 2.0),
    "max_gross": st.floats(0.05, 2.0), "max_adds": st.integers(0, 3),
})
# fmt: on


@given(
    caps=CAPS,
    aims=st.lists(st.floats(-300, 300), min_size=3, max_size=3),
    held=st.lists(st.floats(-300, 300), min_size=3, max_size=3),
    adds=st.integers(0, 4),
)
@settings(max_examples=300, deadline=None)
def test_no_cap_is_exceeded_and_what_is_cut_says_by_which(
    caps: dict[str, Any], aims: list[float], held: list[float], adds: int
) -> None:
    """Wishes one after the other, as the executors put them through."""
    panel, signals = market()
    sizing = made(config_of("fixed_units", units=1.0), panel, signals)
    sizing = sizing._replace(group=np.array([0, 0, -1]), **caps)
    price, equity = 10.0, 1_000.0
    kept = [min(abs(a), abs(h)) if a * h > 0 else 0.0 for a, h in zip(aims, held, strict=True)]
    stand = list(kept)  # what counts of each before its turn
    for k, aim in enumerate(aims):
        others = price * (sum(stand) - stand[k])
        in_group = price * stand[1 - k] if k < 2 else 0.0
        left, by = capped(sizing, k, aim, held[k], adds, price, equity, in_group, others)
        stand[k] = abs(left)
        assert abs(left) <= abs(aim)
        assert left * aim >= 0.0, "never turned round"
        assert (by == 0) == (left == aim), "no cut without a number"
        assert abs(left) * price <= sizing.max_weight * equity * (1 + 1e-9)
        adding = abs(left) > kept[k] + MIN_QTY
        if adding and k < 2:
            assert in_group + abs(left) * price <= sizing.max_group * equity * (1 + 1e-9)
        if adding:
            assert others + abs(left) * price <= sizing.max_gross * equity * (1 + 1e-9)
            assert adds < sizing.max_adds or kept[k] == 0.0
        if by not in (0, 1):
            assert abs(left) >= min(kept[k], sizing.max_weight * equity / price) - MIN_QTY


@given(
    low=st.floats(0.0, 0.9),
    width=st.floats(0.01, 0.5),
    equities=st.lists(st.floats(0.0, 100.0), min_size=2, max_size=2),
)
@settings(deadline=None)
def test_the_throttle_never_rises_as_the_account_falls(
    low: float, width: float, equities: list[float]
) -> None:
    panel, signals = market()
    keys = {"from": low, "to": min(low + width, 1.0)}
    sizing = made(config_of("fixed_units", units=1.0, throttle=keys), panel, signals)
    less, more = sorted(equities)
    weak, strong = throttled(sizing, less, 100.0), throttled(sizing, more, 100.0)
    assert 0.0 <= weak <= strong <= 1.0
    assert throttled(sizing, 100.0 * (1 - low), 100.0) == pytest.approx(1.0, abs=1e-9)


def test_shared_keys_reach_the_sizing_of_every_kind() -> None:
    panel, signals = market()
    shared = {
        "max_weight": 0.7,
        "caps": {"group": 0.8, "gross": 1.5},
        "groups": {"left": ["A"], "right": ["C"]},
        "pyramiding": 2,
        "throttle": {"from": 0.1, "to": 0.3},
    }
    for kind, keys in EXAMPLES.items():
        sizing = made(config_of(kind, **keys, **shared), panel, signals)
        assert (sizing.max_weight, sizing.max_group, sizing.max_gross) == (0.7, 0.8, 1.5)
        assert list(sizing.group) == [0, -1, 1]
        assert (sizing.max_adds, sizing.throttle_from, sizing.throttle_to) == (2, 0.1, 0.3)
        bare = made(config_of(kind, **keys), panel, signals)
        assert (bare.max_weight, bare.max_group, bare.max_gross) == (1.0, inf, inf)
        assert (bare.max_adds, bare.throttle_to) == (2**31, inf)


def test_a_group_of_symbols_that_the_data_does_not_have_is_refused() -> None:
    panel, signals = market()
    config = config_of("fixed_units", units=1.0, caps={"group": 0.5}, groups={"g": ["A", "Z"]})
    with pytest.raises(ConfigError, match=r"sizing\.groups\.g: the data has no symbol Z; it has A"):
        made(config, panel, signals)


def test_kelly_without_forecasts_is_refused() -> None:
    panel, _ = market()
    with pytest.raises(ConfigError, match="kelly needs forecasts: add a forecaster block"):
        made(config_of("kelly"), panel, Signals())


def test_lots_are_those_of_the_account_by_symbol() -> None:
    panel, signals = market()
    config = RunConfig.model_validate(
        {
            "strategy": {"kind": "x"},
            "sizing": {"kind": "fixed_units", "units": 100.0},
            "account": {"fractional": False, "lot": {"B": 10.0}},
        }
    )
    assert made(config, panel, signals).lot.values.tolist() == [[1.0, 10.0, 1.0]]
    assert made(config_of("fixed_units", units=1.0), panel, signals).lot.values.tolist() == [[0.0]]


def test_splits_and_dividends_of_raw_prices_move_no_estimate() -> None:
    """A panel of raw prices and the same panel adjusted forward size alike."""
    panel, signals = market(n_symbols=1, gaps=False)
    split, dividend = np.ones(panel.shape), np.zeros(panel.shape)
    split[40] = 4.0
    shrink = np.where(np.arange(60) < 40, 1.0, 0.25)[:, np.newaxis]
    prices: dict[str, Any] = {name: getattr(panel, name) * shrink for name in FIELDS[:4]}
    raw = replace(panel, columns={SPLIT: split, DIVIDEND: dividend}, **prices)
    for kind in ("volatility_target", "atr_risk", "risk_parity"):
        config = config_of(kind, **EXAMPLES[kind])
        ours = terms(config, raw, YEAR, signals).sizing
        plain = terms(config, panel, YEAR, signals).sizing
        for name in ("full", "distance", "vol"):
            np.testing.assert_allclose(
                getattr(ours, name).values, getattr(plain, name).values, rtol=1e-12
            )


def random_lines(panel: Panel) -> dict[int, list[Intent]]:
    """Targets with and without stops on most bars."""
    rng = np.random.default_rng(4)
    lines: dict[int, list[Intent]] = {}
    for t in range(20, panel.n_bars):
        for k in np.flatnonzero(rng.random(panel.n_symbols) < 0.4):
            strength, trail = float(rng.choice([-1.0, 0.0, 0.5, 1.0])), rng.choice([0.05, nan])
            wish = Intent(int(k), strength, stop_trail_fraction=float(trail))
            lines.setdefault(t, []).append(wish)
    return lines


@pytest.mark.parametrize("how", FUTURES)
@pytest.mark.parametrize("kind", EXAMPLES)
def test_no_later_bar_changes_an_earlier_order_or_fill(kind: str, how: str) -> None:
    """The whole simulator, not the sizing alone: what is sent by bar 40 is known by bar 40."""
    cut, (panel, signals) = 41, market()
    shared = {"throttle": {"from": 0.0, "to": 0.5}, "caps": {"gross": 1.5}}
    config = config_of(kind, **EXAMPLES[kind], **shared)
    runs = []
    for bars, said in ((panel, signals), with_future(panel, signals, cut, how)):
        given_terms = terms(config, bars, YEAR, said)
        strategy = Asks(random_lines(panel))
        runs.append(EXECUTORS["kernel"](strategy, None, bars, given_terms, start=0))
    ours, other = [run.fills[run.fills["bar"] < cut] for run in runs]
    assert len(ours) > 5, "there was something to compare"
    np.testing.assert_array_equal(ours, other)
    # children are cut to what their entry fills, which may be later
    sent, again = (
        run.orders[(run.orders["bar"] < cut) & (run.orders["parent"] < 0)] for run in runs
    )
    for name in ("symbol", "bar", "qty", "order_type"):
        np.testing.assert_array_equal(sent[name], again[name])
    events, told = [run.events[run.events["bar"] < cut] for run in runs]
    np.testing.assert_array_equal(events, told)
