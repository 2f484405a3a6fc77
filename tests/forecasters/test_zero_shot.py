"""A foundation model from a folder: tiny, random weights, never a download."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewind.contracts.forecaster_contract import CHECKS, Check
from tradewind.engine.causality import probe
from tradewind.engine.errors import ForecastError
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.forecasters import Chronos

DECILES = [k / 10 for k in range(1, 10)]


@pytest.fixture(scope="module")
def bolt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a Chronos-Bolt with one small layer, drawn from a seed."""
    import torch
    from chronos.chronos_bolt import ChronosBoltModelForForecasting
    from transformers import T5Config

    folder = tmp_path_factory.mktemp("bolt")
    sizes: dict[str, Any] = {
        "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_decoder_layers": 1,
        "num_heads": 2, "vocab_size": 2, "pad_token_id": 0, "decoder_start_token_id": 0,
        "chronos_config": {
            "context_length": 64, "prediction_length": 8, "input_patch_size": 8,
            "input_patch_stride": 8, "quantiles": DECILES, "use_reg_token": True,
        },
        "chronos_pipeline_class": "ChronosBoltPipeline",
    }  # fmt: skip
    config = T5Config(**sizes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        ChronosBoltModelForForecasting(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_contract(check: Check, bolt: Path, tmp_path: Path) -> None:
    check(lambda seed: Chronos(path=bolt, context=32, horizon=3, seed=seed), tmp_path)


def test_it_says_what_the_model_says_of_the_last_closes(bolt: Path) -> None:
    import torch
    from chronos import BaseChronosPipeline

    panel = probe(n_bars=120, n_symbols=1)
    said = Chronos(path=bolt, context=32, horizon=4).fit(panel).predict(panel, first=119)
    last = np.log(panel.close[~np.isnan(panel.close[:, 0]), 0])[-32:]
    pipeline = BaseChronosPipeline.from_pretrained(str(bolt), local_files_only=True)
    series = torch.from_numpy(1 + last - last[-1]).to(torch.float32)[None]
    quantiles, mean = pipeline.predict_quantiles(series, 4, quantile_levels=DECILES)
    np.testing.assert_allclose(said.mean[0, 0], float(mean[0, 3]) - 1, rtol=1e-4, atol=1e-6)
    wanted = np.sort(quantiles[0, 3].double().numpy()) - 1
    np.testing.assert_allclose(said.quantiles[0, 0], wanted, rtol=1e-4, atol=1e-6)
    assert said.levels == tuple(DECILES)
    spread = (wanted[-1] - wanted[0]) / (2 * 1.2815515655446004)
    np.testing.assert_allclose(said.std[0, 0], spread, rtol=1e-4)


def test_the_weights_content_names_the_entry_in_the_cache(bolt: Path, tmp_path: Path) -> None:
    def content() -> object:
        target = "tradewind.forecasters.zero_shot:Chronos"
        return ForecasterSpec(target, {"path": bolt}).content()

    before = content()
    assert content() == before
    weights = bolt / "model.safetensors"
    kept = weights.read_bytes()
    try:
        weights.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        assert content() != before
    finally:
        weights.write_bytes(kept)


def test_a_folder_without_a_model_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ForecastError, match=r"holds no config.json.*Nothing is downloaded"):
        Chronos(path=tmp_path)
    with pytest.raises(ForecastError, match=r"amazon/chronos-bolt-tiny holds no config.json"):
        Chronos(path=Path("amazon/chronos-bolt-tiny"))


def test_weights_that_do_not_load_are_an_error_with_the_reason(bolt: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((bolt / "config.json").read_text())
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ForecastError, match="does not load as a model of the Chronos kind"):
        Chronos(path=tmp_path, context=32).fit(probe(n_bars=100))


def test_the_network_stays_forbidden_and_the_environment_as_it_was(
    bolt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    panel = probe(n_bars=100)
    Chronos(path=bolt, context=32).fit(panel).predict(panel, first=98)
    assert "HF_HUB_OFFLINE" not in os.environ


def test_without_the_package_it_says_what_to_install(
    bolt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradewind.forecasters.optional.find_spec", lambda name: None)
    with pytest.raises(ForecastError, match=r"'chronos'.*pip install 'tradewind\[foundation\]'"):
        Chronos(path=bolt)


def test_too_little_history_is_refused_with_both_numbers(bolt: Path) -> None:
    with pytest.raises(ForecastError, match=r"the longest history has 60 bars.*needs 64"):
        Chronos(path=bolt, context=64).fit(probe(n_bars=60))
