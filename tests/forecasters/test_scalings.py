"""Ways of scaling read the past alone, survive a checkpoint, and mean what they say."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tradewind.engine import features
from tradewind.engine.causality import probe
from tradewind.engine.errors import CheckpointError, ConfigError, ForecastError
from tradewind.engine.records import MEMBER, Panel
from tradewind.forecasters.checkpoints import Checkpoint
from tradewind.forecasters.inputs import scalings, windows
from tradewind.forecasters.inputs.scalings import (
    FLAT,
    LEAST_ROWS,
    CrossScaling,
    Kind,
    SymbolScaling,
    fit_scales,
    scales_of,
)
from tradewind.forecasters.inputs.windows import LIMIT, Samples
from tradewind.forecasters.networks.base import levelled
from tradewind.forecasters.recurrent import Rnn
from tradewind.forecasters.ridge import Ridge

NAMES = ("vol_5", "range", "calendar.weekday")
KINDS: tuple[Kind, ...] = ("train", "symbol", "window", "cross_section")
TINY: dict[str, Any] = {
    "window": 6, "horizon": 2, "hidden": 4, "epochs": 2, "features": NAMES, "vol_lookback": 5,
    "learning_rate": 0.02,
}  # fmt: skip


def market(seed: int = 1, n_bars: int = 260, n_symbols: int = 3) -> Panel:
    return probe(seed, n_bars=n_bars, n_symbols=n_symbols)


def fitting(panel: Panel) -> Samples:
    """Windows of the first 150 bars."""
    samples = windows.cut(features.table(panel, NAMES), window=6, horizon=2)
    return samples.where(samples.bar < 150)


def test_each_symbol_is_scaled_by_its_own_past() -> None:
    panel = market()
    samples = fitting(panel)
    made = fit_scales("symbol", samples, where="test")
    assert isinstance(made, SymbolScaling)
    table = samples.table
    rows = made.rows(table, 0, table.tape.n_rows)
    for k in range(3):
        own = samples.where(samples.symbol == k)
        used = table.values[windows.covered(own)]
        mean, std = used.mean(axis=0), used.std(axis=0)
        wanted = np.clip((table.values[table.tape.symbol == k] - mean) / std, -LIMIT, LIMIT)
        got = rows[table.tape.symbol == k]
        np.testing.assert_allclose(got, np.nan_to_num(wanted), rtol=1e-4, atol=1e-5)


def test_a_stranger_and_a_short_history_take_the_pair_of_all() -> None:
    panel = market()
    samples = fitting(panel)
    short = samples.where((samples.symbol == 0) | ((samples.symbol == 1) & (samples.bar < 60)))
    assert windows.covered(short.where(short.symbol == 1)).sum() < LEAST_ROWS
    made = fit_scales("symbol", short, where="test")
    pair = windows.fit_scaling(short, where="test")
    rows = made.rows(samples.table, 0, samples.table.tape.n_rows)
    for k in (1, 2):  # too short, and never seen
        at = samples.table.tape.symbol == k
        np.testing.assert_array_equal(rows[at], pair.apply(samples.table.values[at]))


def test_a_bar_is_scaled_by_the_members_on_it_and_the_calendar_by_the_training_part() -> None:
    panel = market()
    member = np.ones(panel.shape)
    member[:, 2] = 0.0
    panel = replace(panel, columns={MEMBER: member})
    samples = fitting(panel)
    made = fit_scales("cross_section", samples, where="test")
    assert isinstance(made, CrossScaling)
    assert made.across.tolist() == [True, True, False]
    table = samples.table
    rows = made.rows(table, 0, table.tape.n_rows)
    cube = features.compute(panel, NAMES)
    for row in range(0, table.tape.n_rows, 7):
        bar, symbol = table.tape.bar[row], table.tape.symbol[row]
        pair = cube[bar, :2, 0]
        if np.isfinite(pair).all() and pair.std() > 0 and np.isfinite(cube[bar, symbol, 0]):
            wanted = np.clip((cube[bar, symbol, 0] - pair.mean()) / pair.std(), -LIMIT, LIMIT)
            assert rows[row, 0] == pytest.approx(wanted, rel=1e-5)
    days = windows.fit_scaling(samples, where="test").apply(table.values)[:, 2]
    np.testing.assert_array_equal(rows[:, 2], days)


@pytest.mark.parametrize("kind", KINDS)
def test_scaling_reads_nothing_beyond_what_training_windows_cover(kind: str) -> None:
    panel = market()
    shaken = {
        name: np.where(np.arange(260)[:, None] < 150, array, array * 3.7)
        for name, array in (("open", panel.open), ("close", panel.close))
    }
    reach = np.where(np.arange(260)[:, None] < 150, 1.0, 3.7)
    other = replace(
        panel, open=shaken["open"], close=shaken["close"],
        high=panel.high * reach, low=panel.low * reach,
    )  # fmt: skip
    one, two = (fit_scales(kind, fitting(p), where="test") for p in (panel, other))
    assert one.record() == two.record()
    known = fitting(panel).table.tape.bar < 150
    rows = [s.rows(fitting(p).table, 0, len(known)) for s, p in ((one, panel), (two, other))]
    np.testing.assert_array_equal(rows[0][known], rows[1][known])


def test_a_window_is_scaled_by_its_own_bars() -> None:
    x = torch.tensor(np.random.default_rng(0).normal(3, 2, (5, 7, 2)))
    got = levelled(x).numpy()
    mean, std = x.numpy().mean(axis=1, keepdims=True), x.numpy().std(axis=1, keepdims=True)
    np.testing.assert_allclose(got, (x.numpy() - mean) / (std + FLAT), rtol=1e-12)
    np.testing.assert_allclose(levelled(x * 2 + 5).numpy(), got, atol=2e-3)
    assert (levelled(torch.full((1, 4, 1), 0.3)) == 0).all()
    np.testing.assert_array_equal(levelled(x[None])[0], levelled(x))  # grouped or alone
    rows = scalings.levelled(x.numpy().astype(np.float32))  # as learners over rows have it
    np.testing.assert_allclose(rows, got, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_of_each_scaling_is_causal_and_survives_its_checkpoint(
    kind: Kind, tmp_path: Path
) -> None:
    panel = market()
    fitted = Rnn(scaling=kind, **TINY).fit(panel.past(200))
    whole = fitted.predict(panel, first=200)
    assert np.isfinite(whole.mean).sum() > 100
    early = fitted.predict(panel.past(231), first=200)
    np.testing.assert_array_equal(early.mean, whole.mean[:31])
    fitted.save(tmp_path / "kept")
    again = Rnn(scaling=kind, **TINY).restore(tmp_path / "kept").predict(panel, first=200)
    np.testing.assert_array_equal(again.mean, whole.mean)
    np.testing.assert_array_equal(again.std, whole.std)
    others = next(k for k in KINDS if k != kind)
    with pytest.raises(CheckpointError, match="scaling"):
        Rnn(scaling=others, **TINY).restore(tmp_path / "kept")


@pytest.mark.parametrize("kind", KINDS)
def test_a_learner_over_rows_is_scaled_alike(kind: Kind, tmp_path: Path) -> None:
    panel = market()
    params: dict[str, Any] = {"window": 6, "horizon": 2, "features": NAMES, "vol_lookback": 5}
    fitted = Ridge(scaling=kind, **params).fit(panel.past(200))
    whole = fitted.predict(panel, first=200)
    assert np.isfinite(whole.mean).sum() > 100
    early = fitted.predict(panel.past(231), first=200)
    np.testing.assert_array_equal(early.mean, whole.mean[:31])
    fitted.save(tmp_path / "kept")
    again = Ridge(scaling=kind, **params).restore(tmp_path / "kept").predict(panel, first=200)
    np.testing.assert_array_equal(again.mean, whole.mean)
    if kind != "train":
        plain = Ridge(**params).fit(panel.past(200)).predict(panel, first=200)
        assert not np.array_equal(plain.mean, whole.mean, equal_nan=True)


def test_scalings_make_different_networks() -> None:
    panel = market()
    said = [Rnn(scaling=k, **TINY).fit(panel.past(200)).predict(panel, first=200) for k in KINDS]
    means = [forecasts.mean[np.isfinite(forecasts.mean)] for forecasts in said]
    assert len({m.tobytes() for m in means}) == len(KINDS)


def test_what_cannot_be_scaled_so_is_refused() -> None:
    with pytest.raises(ConfigError, match="scaling 'robust'; wanted one of train, symbol"):
        Rnn(scaling="robust")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="scales each network by its one symbol"):
        Rnn(scaling="symbol", pooled=False)
    alone = market().select(("P0",))
    with pytest.raises(ForecastError, match="no feature differs between the 1 symbols"):
        Rnn(scaling="cross_section", **TINY).fit(alone)
    flat = replace(market(), columns={"flat": np.full((260, 3), 2.0)})
    for kind in KINDS:
        with pytest.raises(ForecastError, match=r"'column\.flat' is constant"):
            Rnn(scaling=kind, **TINY | {"features": ("range", "column.flat")}).fit(flat)


@pytest.mark.parametrize("kind", ["symbol", "cross_section", "train"])
def test_a_record_of_another_shape_is_refused(kind: str, tmp_path: Path) -> None:
    record = fit_scales(kind, fitting(market()), where="test").record()
    made = scales_of(kind, record, 3, tmp_path)
    assert made.record() == record
    with pytest.raises(CheckpointError, match="scaling of shape"):
        scales_of(kind, record, 4, tmp_path)
    with pytest.raises(CheckpointError, match="lacks"):
        scales_of(kind, {"mean": record["mean"]}, 3, tmp_path)


EMBEDDED = TINY | {"embedding": 3, "dropout": 0.0, "epochs": 12}


def test_a_symbol_is_known_by_its_name_in_a_restored_network_too(tmp_path: Path) -> None:
    panel = market()
    fitted = Rnn(**EMBEDDED).fit(panel.past(200))
    whole = fitted.predict(panel, first=200)
    fitted.save(tmp_path / "kept")
    again = Rnn(**EMBEDDED).restore(tmp_path / "kept")
    np.testing.assert_array_equal(again.predict(panel, first=200).mean, whole.mean)
    # Names are looked up, not columns: the same symbols in another order say the same.
    turned = panel.select(("P2", "P0", "P1"))
    got = again.predict(turned, first=200).mean[:, [1, 2, 0]]
    np.testing.assert_allclose(got, whole.mean, rtol=1e-4, atol=1e-9)


def test_a_symbol_never_seen_in_training_is_the_average_symbol() -> None:
    panel = market()
    fitted = Rnn(**EMBEDDED).fit(panel.past(200))
    known = fitted.predict(panel, first=200).mean
    renamed = replace(panel, symbols=("P0", "NEW", "P2"))
    said = fitted.predict(renamed, first=200).mean
    np.testing.assert_array_equal(np.isfinite(said), np.isfinite(known))
    given = np.isfinite(known[:, 1])
    assert given.sum() > 30
    np.testing.assert_array_equal(said[:, [0, 2]], known[:, [0, 2]])
    assert not np.array_equal(said[given, 1], known[given, 1])
    one = (fitted.fitted or {})["all symbols"]
    traits = one.network.traits
    assert traits is not None
    assert (traits.weight[0] == 0).all()  # a stranger has no traits
    assert (traits.weight[1:] != 0).all()
    with torch.no_grad():
        traits.weight[2] = 0.0  # P1 made a stranger
    stranger = fitted.predict(panel, first=200).mean
    np.testing.assert_array_equal(stranger[given, 1], said[given, 1])


def test_a_checkpoint_says_how_it_was_scaled(tmp_path: Path) -> None:
    fitted = Rnn(scaling="symbol", **TINY).fit(market().past(200))
    fitted.save(tmp_path / "kept")
    from tradewind.forecasters import checkpoints

    kept = checkpoints.read(tmp_path / "kept", kind="Rnn", config=fitted._params)
    assert isinstance(kept, Checkpoint)
    record = kept.state["networks"]["all symbols"]
    assert record["names"] == ["P0", "P1", "P2"] and len(record["mean"]) == 4
