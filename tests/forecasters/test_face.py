"""What the face offers, and what loading it costs."""

import subprocess
import sys
from pathlib import Path

import pytest

import tradewind.forecasters as face
from tradewind.engine.config.file import read_document
from tradewind.engine.errors import ConfigError
from tradewind.engine.registry import build, find


def test_the_face_is_sorted_and_complete() -> None:
    assert face.__all__ == sorted(face.__all__)
    for name in face.__all__:
        assert isinstance(getattr(face, name), type)
    assert dir(face) == face.__all__
    with pytest.raises(AttributeError, match="has no attribute 'Perceptron'"):
        face.Perceptron  # noqa: B018


def test_baselines_and_the_face_load_neither_torch_nor_pandas() -> None:
    code = (
        "import sys; from tradewind.forecasters import Naive; from tradewind.engine.causality "
        "import probe; Naive().fit(probe()).predict(probe(), first=390); "
        "print([m for m in ('torch', 'pandas', 'ta', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def built(text: str, folder: Path) -> object:
    """Forecaster of a config whose ``forecaster`` block holds these lines."""
    path = folder / "run.yaml"
    path.write_text("forecaster:\n  kind: lstm\n" + text)
    document = read_document(path)
    params = {k: v for k, v in document.values["forecaster"].items() if k != "kind"}
    return build(
        find("forecasters", "lstm", document, key="forecaster"), params, document, key="forecaster"
    )


def test_a_config_builds_an_lstm(tmp_path: Path) -> None:
    made = built("  window: 30\n  features: [range, ta.momentum_rsi]\n  stride: null\n", tmp_path)
    assert isinstance(made, face.Lstm)
    assert made.warmup == 30 + 110 - 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("  windw: 30\n", "run.yaml:3:3: forecaster.windw: unknown key (did you mean 'window'?)"),
        ("  window: 1\n", "run.yaml:3:"),
        ("  hidden: many\n", "run.yaml:3:"),
        ("  dropout: 1.0\n", "run.yaml:3:"),
        ("  features: range\n", "run.yaml:3:"),
        ("  features: [rnage]\n", "features: unknown feature 'rnage' (did you mean 'range'?)"),
        ("  features: [ta.trend_kst]\n", "ta.trend_kst looks ahead"),
    ],
)
def test_a_config_that_is_wrong_is_refused_at_its_place(
    text: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as error:
        built(text, tmp_path)
    assert told in str(error.value)
