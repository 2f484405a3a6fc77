"""Recurrent forecasters that carry a state: how they are trained, and what they refuse."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator

from tradewind.engine.causality import probe
from tradewind.engine.errors import CheckpointError, ConfigError, ForecastError
from tradewind.engine.records import DAY_NS, Floats, Panel
from tradewind.forecasters import Gru, Lstm, LstmAttention, Rnn
from tradewind.forecasters.inputs.windows import fit_scaling
from tradewind.forecasters.networks.base import Network
from tradewind.forecasters.networks.recurrent import RecurrentEncoder
from tradewind.forecasters.recurrent import RecurrentForecaster
from tradewind.forecasters.training.loop import one_thread
from tradewind.forecasters.training.tracks import NONE, Tracks, tracks_of

STATEFUL: dict[str, Any] = {
    "window": 10,
    "features": ("scaled_return_1", "range"),
    "hidden": 4,
    "epochs": 1,
    "horizon": 2,
    "serving": "stateful",
}


@pytest.fixture(autouse=True)
def _on_one_thread() -> Iterator[None]:
    with one_thread():
        yield


def tracks(forecaster: RecurrentForecaster, panel: Panel) -> tuple[Tracks, Network]:
    """What a forecaster would be fitted on, all of it, and its untrained network."""
    labelled, scale = forecaster._framing.labelled(panel)
    network = forecaster.untrained(panel.n_symbols)
    torch.nn.init.normal_(network.head.linear.weight, generator=Generator().manual_seed(1))  # type: ignore[union-attr,arg-type]
    scaling = fit_scaling(labelled, where="here")
    made = tracks_of(
        scaling, labelled, scale, network.head, labelled.symbol + 1, forecaster.window  # type: ignore[arg-type]
    )  # fmt: skip
    return made, network.eval()


def seen(network: Network, made: Tracks) -> Floats:
    """Outputs of every example from runs over whole tracks at once."""
    encoder = network.encoder
    assert isinstance(encoder, RecurrentEncoder)
    found = np.full((len(made), 2), np.nan)
    with torch.inference_mode():
        for k, length in enumerate(made.length.tolist()):
            x = made.windows[made.path[k, :length], 0][None]
            states, _ = encoder.run(network.known(x, made.number[k : k + 1]), encoder.begin(1))
            at = made.place[k, :length]
            found[at[at != NONE]] = network.read(states[0])[at != NONE].numpy()
    return found


@pytest.mark.parametrize("kind", [Rnn, Gru, Lstm, LstmAttention])
def test_a_state_is_carried_along_a_track_over_all_segments(
    kind: type[RecurrentForecaster],
) -> None:
    made, network = tracks(kind(**STATEFUL, embedding=2), probe(n_bars=200))
    with torch.inference_mode():
        ((output, at),) = made.outputs(network)
    assert at.tolist() == list(range(len(made)))
    np.testing.assert_allclose(output, seen(network, made), rtol=1e-4, atol=1e-5)


def test_a_pass_learns_from_every_bar_once_and_gradients_end_at_a_segment() -> None:
    made, network = tracks(Lstm(**STATEFUL), probe(n_bars=200))
    places, sizes = [], []
    for n, parts in made.steps(network, 2, Generator().manual_seed(0)):
        ((output, at),) = parts
        sizes.append(n)
        assert n == len(at) == len(output)
        output.sum().backward()  # type: ignore[no-untyped-call]
        places += at.tolist()
    assert sorted(places) == list(range(len(made)))
    assert max(sizes) <= 2 * STATEFUL["window"]
    assert network.encoder.cells.weight_hh_l0.grad.abs().sum() > 0  # type: ignore[union-attr,operator]


def test_nothing_is_learned_before_the_state_has_seen_a_window_of_bars() -> None:
    panel = probe(n_bars=200, n_symbols=1)
    made, _ = tracks(Lstm(**STATEFUL), panel)
    assert (made.place[0] == NONE).nonzero().ravel()[:9].tolist() == list(range(9))
    assert made.place[0, 9] == 0
    stepped = Lstm(**STATEFUL, stride=3)
    assert len(tracks(stepped, panel)[0]) == pytest.approx(len(made) / 3, abs=1)


def test_a_bar_that_lacks_a_feature_is_no_step_and_breaks_nothing() -> None:
    panel = probe(n_bars=200, n_symbols=1)
    column = np.random.default_rng(0).normal(size=panel.shape)
    column[np.arange(100, 200, 5)] = np.nan
    given = replace(panel, columns={"own": column})
    params = STATEFUL | {"features": ("range", "column.own")}
    made, _ = tracks(Lstm(**params), given)
    assert int(made.length[0]) == int(np.isfinite(column[: 200 - 2]).sum())
    said = Lstm(**params).fit(given).predict(given, first=100).mean[:, 0]
    assert np.isnan(said[::5]).all()
    assert np.isfinite(said.reshape(20, 5)[:, 1:]).all()


def test_a_position_does_not_pay_for_what_lies_in_another_segment() -> None:
    panel = probe(n_bars=300)
    forecaster = Lstm(**STATEFUL, head="position")
    made, _ = tracks(forecaster, panel)
    at = (made.place != NONE).nonzero()
    segment = at[:, 1] // forecaster.window
    changes = torch.diff(at[:, 0] * 1_000 + segment, prepend=torch.tensor([-1])) != 0
    before = made.target[:, 2]
    assert (before[changes] != 0).all()
    assert (before == 0).any()


def test_warm_up_is_the_same_in_both_forms() -> None:
    assert Lstm(**STATEFUL).warmup == Lstm(**(STATEFUL | {"serving": "window"})).warmup == 70


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"serving": "stateless"}, "serving is 'stateless'; wanted 'window' or 'stateful'"),
        ({"precision": "bf16"}, "precision is 'bf16' with serving stateful; .* takes float32"),
        ({"scaling": "cross_section"}, "scaling is 'cross_section' with .* takes train or symbol"),
        ({"device": "cuda"}, "device is 'cuda' with serving stateful; .* takes cpu or auto"),
    ],
)
def test_a_form_that_cannot_be_served_is_refused(params: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Gru(**(STATEFUL | params))


def test_the_two_forms_are_never_mixed(tmp_path: Path) -> None:
    panel = probe(n_bars=300)
    of_windows = Gru(**(STATEFUL | {"serving": "window"})).fit(panel)
    with pytest.raises(ForecastError, match="cannot begin from a fit with serving = 'window'"):
        Gru(**STATEFUL).begin_from(of_windows)
    of_windows.save(tmp_path)
    with pytest.raises(CheckpointError, match="made with serving = 'window'"):
        Gru(**STATEFUL).restore(tmp_path)


def test_what_happened_long_before_a_window_is_remembered() -> None:
    """The sign of the next returns was told once, 40 bars ago, and never again."""
    draw = np.random.default_rng(3)
    n_bars, n_symbols, told_every = 800, 6, 40
    told = draw.choice([-1.0, 1.0], size=(n_bars // told_every, n_symbols))
    sign = np.repeat(told, told_every, axis=0)
    z = draw.normal(size=(n_bars, n_symbols)) + 0.4 * np.vstack((sign[:1], sign[:-1]))
    close = 100 * np.exp(np.cumsum(0.01 * z, axis=0))
    telling = np.where(np.arange(n_bars)[:, None] % told_every == 0, sign, 0.0)
    ts = (np.arange(n_bars, dtype=np.int64) + 1) * DAY_NS
    names = tuple(f"S{k}" for k in range(n_symbols))
    panel = Panel(names, ts, close, close, close, close, close, columns={"told": telling})
    found = {}
    for serving in ("window", "stateful"):
        forecaster = Lstm(
            window=8, horizon=1, stride=1, hidden=8, epochs=12, patience=12, learning_rate=0.01,
            dropout=0.0, features=("column.told",), serving=serving,
        )  # fmt: skip
        said = forecaster.fit(panel.past(600)).predict(panel, first=600).mean[:-1]
        outcome = np.sign(np.diff(np.log(close), axis=0)[600:])
        found[serving] = float((np.sign(said) == outcome).mean())
    # Told throughout, one would be right in 65.5 %; the window of 8 bars knows it a fifth of the
    # time. The standard error of a share of 1,194 is 1.4 points.
    assert found["window"] < 0.58
    assert found["stateful"] > 0.61


def test_a_fit_that_was_killed_goes_on_and_one_begun_from_another_is_trained_on(
    tmp_path: Path,
) -> None:
    panel = probe(n_bars=200)
    params = STATEFUL | {"epochs": 3, "patience": 3}
    whole = Gru(**params).fit(panel).predict(panel, first=150)
    killed, again = Gru(**params), Gru(**params)
    for one in (killed, again):
        one.keep_progress(tmp_path)

    def kill(told: Mapping[str, Any]) -> None:
        if told["epoch"] == 2:
            raise KeyboardInterrupt

    killed.watch(kill)
    with pytest.raises(KeyboardInterrupt):
        killed.fit(panel)
    epochs: list[int] = []
    again.watch(lambda told: epochs.append(told["epoch"]))
    resumed = again.fit(panel)
    assert epochs == [3]
    assert resumed.predict(panel, first=150).mean.tobytes() == whole.mean.tobytes()
    warm = Gru(**STATEFUL).begin_from(resumed).fit(panel)
    assert warm.history[0].stopping == pytest.approx(min(p.stopping for p in resumed.history))
