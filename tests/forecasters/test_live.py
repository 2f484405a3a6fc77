"""Forecasters at work without torch: equal to their backtest, whole after a crash, never mixed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tradewind.forecasters as face
from tradewind.engine import features
from tradewind.engine.causality import probe
from tradewind.engine.errors import CheckpointError, ForecastError
from tradewind.engine.features.stream import Row
from tradewind.engine.records import Panel
from tradewind.forecasters import LiveForecaster
from tradewind.forecasters.live import LiveForecast
from tradewind.forecasters.readings import READINGS
from tradewind.forecasters.serving.stepper import Stepper
from tradewind.forecasters.serving.windows import WindowServer
from tradewind.forecasters.training.loop import one_thread
from tradewind.forecasters.windowed import WindowedForecaster

FITTED, WHOLE = 200, 240
QUICK: dict[str, Any] = {
    "window": 20, "features": ("scaled_return_1", "range"), "epochs": 1, "horizon": 2, "stride": 1
}  # fmt: skip
WINDOWS = (
    "DLinear", "Gru", "Lstm", "LstmAttention", "NLinear", "Nhits", "PatchTst", "Rnn", "Tcn",
    "Transformer",
)  # fmt: skip
RECURRENT = ("Gru", "Lstm", "LstmAttention", "Rnn")


@pytest.fixture(autouse=True)
def _on_one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Three symbols, two of them with holes and a late start."""
    return probe(seed=7, n_bars=WHOLE, n_symbols=3)


def fitted(kind: str, panel: Panel, **params: Any) -> WindowedForecaster:
    made: WindowedForecaster = getattr(face, kind)(**(QUICK | params))
    return made.fit(panel.past(FITTED))


def lived(live: LiveForecaster, panel: Panel) -> list[LiveForecast]:
    """Bar by bar from the first; what is said from ``FITTED`` on."""
    inputs, traded = features.compute(panel, live.inputs), ~np.isnan(panel.close)
    live.replay(inputs[:FITTED], traded[:FITTED])
    return [live.update(inputs[t], traded[t]) for t in range(FITTED, panel.n_bars)]


def assert_equal(said: list[LiveForecast], made: WindowedForecaster, panel: Panel) -> None:
    wanted = made.predict(panel, first=FITTED)
    exact = getattr(made, "serving", "") == "stateful"
    for name in ("mean", "std", "quantiles") if wanted.levels else ("mean", "std"):
        got, want = np.array([getattr(one, name) for one in said]), getattr(wanted, name)
        np.testing.assert_allclose(got, want, rtol=0, atol=0 if exact else 1e-6, err_msg=name)
    assert said[0].horizon == wanted.horizon
    assert said[0].levels == wanted.levels
    assert np.isfinite(wanted.mean).any()


@pytest.mark.parametrize("kind", WINDOWS)
def test_a_window_lives_as_it_was_tested(kind: str, panel: Panel, tmp_path: Path) -> None:
    made = fitted(kind, panel, embedding=2)
    made.export(tmp_path)
    assert_equal(lived(LiveForecaster(tmp_path, panel.symbols), panel), made, panel)


@pytest.mark.parametrize("head", READINGS)
def test_every_head_lives_as_it_was_tested(head: str, panel: Panel, tmp_path: Path) -> None:
    for serving in ("window", "stateful"):
        params = {"serving": serving, "head": head, "horizon": 1}
        made = fitted("Gru", panel, **params)
        made.export(tmp_path / serving)
        live = LiveForecaster(tmp_path / serving, panel.symbols)
        assert_equal(lived(live, panel), made, panel)


@pytest.mark.parametrize("kind", RECURRENT)
def test_a_state_lives_as_it_was_tested_bit_by_bit(kind: str, panel: Panel, tmp_path: Path) -> None:
    made = fitted(kind, panel, serving="stateful", layers=2, embedding=1, scaling="symbol")
    made.save(tmp_path)
    assert_equal(lived(LiveForecaster(tmp_path, panel.symbols), panel), made, panel)


@pytest.mark.parametrize("serving", ["window", "stateful"])
@pytest.mark.parametrize("params", [{"pooled": False}, {"scaling": "symbol"}])
def test_networks_and_scalings_by_symbol_live_as_they_were_tested(
    serving: str, params: dict[str, Any], panel: Panel, tmp_path: Path
) -> None:
    made = fitted("Rnn", panel, serving=serving, **params)
    made.export(tmp_path)
    assert_equal(lived(LiveForecaster(tmp_path, panel.symbols), panel), made, panel)


def test_windows_scaled_by_themselves_live_as_they_were_tested(
    panel: Panel, tmp_path: Path
) -> None:
    made = fitted("Tcn", panel, scaling="window")
    made.export(tmp_path)
    assert_equal(lived(LiveForecaster(tmp_path, panel.symbols), panel), made, panel)


@pytest.mark.parametrize("serving", ["window", "stateful"])
def test_it_makes_the_features_of_the_next_bar_itself_and_survives_a_crash(
    serving: str, panel: Panel, tmp_path: Path
) -> None:
    made = fitted("Gru", panel, serving=serving)
    made.export(tmp_path / "kept")
    live = LiveForecaster.over(tmp_path / "kept", panel.past(FITTED))
    said = [live.update_bar(Row.of(panel, t)) for t in range(FITTED, FITTED + 20)]
    live.save(tmp_path / "state")
    live.update_bar(Row.of(panel, FITTED + 20))  # lost in the crash
    again = LiveForecaster.over(tmp_path / "kept", panel.past(2)).restore(tmp_path / "state")
    assert again.serving.n_bars == FITTED + 20
    said += [again.update_bar(Row.of(panel, t)) for t in range(FITTED + 20, WHOLE)]
    assert_equal(said, made, panel)


def test_the_process_that_trades_does_not_import_torch(panel: Panel, tmp_path: Path) -> None:
    for serving in ("window", "stateful"):
        fitted("Lstm", panel, serving=serving).export(tmp_path / serving)
    code = (
        "import sys, numpy as np\n"
        "from tradewind.engine.causality import probe\n"
        "from tradewind.engine.features.stream import Row\n"
        "from tradewind.forecasters import LiveForecaster\n"
        f"panel = probe(seed=7, n_bars={WHOLE}, n_symbols=3)\n"
        "for form in ('window', 'stateful'):\n"
        f"    live = LiveForecaster.over({str(tmp_path)!r} + '/' + form, panel.past(150))\n"
        "    said = live.update_bar(Row.of(panel, 150))\n"
        "    assert np.isfinite(said.mean).any()\n"
        "print([m for m in ('torch', 'pandas', 'backtrader') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_two_forms_are_never_mixed(panel: Panel, tmp_path: Path) -> None:
    fitted("Gru", panel).export(tmp_path / "window")
    fitted("Gru", panel, serving="stateful").export(tmp_path / "stateful")
    with pytest.raises(CheckpointError, match="Gru was trained on windows; a state that runs on"):
        Stepper.open(tmp_path / "window", panel.symbols)
    with pytest.raises(CheckpointError, match="Gru was trained to carry a state; a window cut"):
        WindowServer.open(tmp_path / "stateful", panel.symbols)


def test_a_state_of_another_forecaster_or_a_damaged_one_is_refused(
    panel: Panel, tmp_path: Path
) -> None:
    for seed in (1, 2):
        fitted("Rnn", panel, serving="stateful", seed=seed).save(tmp_path / str(seed))
    one, other = (Stepper.open(tmp_path / str(seed), panel.symbols) for seed in (1, 2))
    path = tmp_path / "state"
    one.save(path)
    with pytest.raises(CheckpointError, match=r"checkpoint is '.*', wanted '.*'; replay bars"):
        other.restore(path)
    with pytest.raises(CheckpointError, match="symbols is"):
        Stepper.open(tmp_path / "1", panel.symbols[:2]).restore(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])
    with pytest.raises(CheckpointError, match="does not match its own SHA-256"):
        one.restore(path)
    path.write_bytes(whole[:10])
    with pytest.raises(CheckpointError, match="no state can be read"):
        one.restore(path)


def test_what_cannot_be_served_says_what_to_do(panel: Panel, tmp_path: Path) -> None:
    made = fitted("DLinear", panel)
    made.save(tmp_path)
    with pytest.raises(CheckpointError, match=r"holds no graphs; write them with .*export"):
        LiveForecaster(tmp_path, panel.symbols)
    made.export(tmp_path)
    live = LiveForecaster(tmp_path, panel.symbols)
    with pytest.raises(ForecastError, match=r"inputs of shape \(2, 3\), wanted \(3, 3\)"):
        live.update(np.zeros((2, 3)))
    with pytest.raises(ForecastError, match="no history of bars to go on from"):
        live.update_bar(Row.of(panel, 0))
    with pytest.raises(ForecastError, match="wanted at least one, each once"):
        LiveForecaster(tmp_path, ("A", "A"))
    graph = tmp_path / "network-0.onnx"
    graph.write_bytes(graph.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"does not match the SHA-256 in graphs\.json"):
        LiveForecaster(tmp_path, panel.symbols)
    made.fit(panel.past(190)).save(tmp_path)
    with pytest.raises(CheckpointError, match="belongs to another checkpoint; export again"):
        LiveForecaster(tmp_path, panel.symbols)
    record = json.loads((tmp_path / "state.json").read_text())
    assert record["body"]["state"]["serving"] == {"form": "window"}


def test_a_package_that_is_missing_is_named(
    panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted("NLinear", panel).export(tmp_path)
    monkeypatch.setattr("tradewind.forecasters.optional.find_spec", lambda name: None)
    with pytest.raises(ForecastError, match=r"NLinear over windows .*tradewind\[live\]"):
        LiveForecaster(tmp_path, panel.symbols)
    with pytest.raises(ForecastError, match=r"export of NLinear: .*tradewind\[live\]"):
        fitted("NLinear", panel).export(tmp_path)


def test_a_scaling_across_symbols_has_no_live_form(panel: Panel, tmp_path: Path) -> None:
    fitted("DLinear", panel, scaling="cross_section").export(tmp_path)
    with pytest.raises(CheckpointError, match="cross_section reads all members of a bar at once"):
        LiveForecaster(tmp_path, panel.symbols)
