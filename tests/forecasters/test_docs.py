"""The examples in the documentation run as they stand there."""

import re
from pathlib import Path

import numpy as np
import pytest

from tradewind.contracts.forecaster_contract import says_something_of_the_right_shape
from tradewind.engine.features import feature
from tradewind.engine.features.ta_columns import INDICATORS, REFUSED

ROOT = Path(__file__).parents[2]


def examples(page: str) -> dict[str, object]:
    """Names left behind by the Python blocks of a page."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert blocks
    names: dict[str, object] = {"__name__": "example"}
    for block in blocks:
        exec(block, names)
    return names


def test_the_example_in_python_gives_the_shapes_it_claims() -> None:
    forecasts = examples("docs/forecasting.md")["forecasts"]
    assert forecasts.mean.shape == forecasts.std.shape == (50, 3)  # type: ignore[attr-defined]
    assert np.isfinite(forecasts.mean).any()  # type: ignore[attr-defined]


def test_the_example_of_live_forecasts_gives_some() -> None:
    forecast = examples("docs/live-forecasts.md")["forecast"]
    assert np.isfinite(forecast.mean).any()  # type: ignore[attr-defined]


def test_the_template_of_a_network_is_a_forecaster(tmp_path: Path) -> None:
    linear = examples("forecasters/README.md")["Linear"]
    says_something_of_the_right_shape(
        lambda seed: linear(seed=seed, epochs=1),  # type: ignore[operator]
        tmp_path,
    )


@pytest.mark.parametrize("page", ["docs/forecasting.md"])
def test_every_column_named_in_the_docs_is_what_they_say(page: str) -> None:
    text = (ROOT / page).read_text()
    for name in re.findall(r"`ta\.([a-z_]+)`", text):
        if name != "add_all_ta_features":
            assert feature(f"ta.{name}").warmup > 1
    for name in REFUSED:
        bare = re.sub(r"_b$", "_a", name) if "visual" in name else name
        assert f"`{bare}`" in text
    assert f"{len(INDICATORS)} of its {len(INDICATORS) + len(REFUSED)} columns" in text


def test_the_readme_of_the_room_fits_on_a_page() -> None:
    assert len((ROOT / "forecasters/README.md").read_text().splitlines()) <= 60
