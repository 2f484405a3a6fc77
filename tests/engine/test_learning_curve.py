"""Learning curves in a number and in words."""

from typing import Any

import pytest

from tradewind.engine.walkforward.learning_curve import n_epochs, told


def curve(*losses: float, begin: int = 0, **more: Any) -> list[dict[str, Any]]:
    return [{"epoch": begin + k, "stopping": loss, **more} for k, loss in enumerate(losses)]


@pytest.mark.parametrize(
    ("history", "epochs", "words"),
    [
        (curve(0.8, 0.75, 0.7, 0.71), 3, "0.8, least 0.7 at 2 of 3"),
        (curve(0.8, 0.81, 0.8), 2, "0.8, none of 2 lower"),
        (curve(0.9, 0.95, begin=1), 2, "least 0.9 at 1 of 2"),
        (curve(0.8, 0.7, network="KO") + curve(0.8, 0.9, 0.9, network="JPM"), 2,
         "1 of 2 networks improved"),
        (curve(0.8, 0.7, member=0) + curve(0.8, 0.7, member=1), 1, "2 of 2 networks improved"),
        (curve(0.8), 0, ""),
        (curve(0.8, float("nan")), 1, ""),
        ([{"depth": 3}], None, ""),
        ([], None, ""),
    ],
)  # fmt: skip
def test_a_curve_says_how_far_the_loss_fell(
    history: list[dict[str, Any]], epochs: int | None, words: str
) -> None:
    assert n_epochs(history) == epochs
    assert told(history) == words
