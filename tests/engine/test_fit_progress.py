from typing import Any

import pytest

from tradewind.engine.walkforward.fit_progress import FitProgress, duration


class Heard:
    """Keeps what a progress is told."""

    def __init__(self) -> None:
        self.said: list[tuple[int, str]] = []

    def start(self, task: str, total: int | None) -> None: ...

    def advance(self, task: str, steps: int = 1, note: str = "") -> None:
        self.said.append((steps, note))

    def finish(self, task: str) -> None: ...


class Clock:
    """Shows what it is set to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def shown() -> tuple[FitProgress, Heard, Clock]:
    heard, clock = Heard(), Clock()
    return FitProgress(heard, "walk", ["fold 0", "fold 1"], [100, 300], clock), heard, clock


def epoch(number: int, **more: Any) -> dict[str, Any]:
    return {
        "network": "all symbols", "epoch": number, "epochs": 10, "fitting": 0.51234,
        "stopping": 0.6, **more,
    }  # fmt: skip


def test_an_epoch_is_told_with_its_losses_and_counts_no_step(
    shown: tuple[FitProgress, Heard, Clock],
) -> None:
    progress, heard, _ = shown
    progress.said(0, epoch(3))
    progress.said(1, epoch(4, network="MSFT", stopping=float("nan")))
    assert heard.said == [
        (0, "fold 0, epoch 3/10, loss fitting 0.5123, stopping 0.6"),
        (0, "fold 1, MSFT, epoch 4/10, loss fitting 0.5123"),
    ]


def test_time_left_follows_from_the_share_of_the_work_since_the_first_word(
    shown: tuple[FitProgress, Heard, Clock],
) -> None:
    progress, heard, clock = shown
    clock.now = 500.0  # whatever came before the first word
    progress.said(0, epoch(0))
    clock.now = 510.0
    progress.said(0, epoch(10))
    # 100 of 400 units in 10 s: 300 more take 30 s.
    assert heard.said[-1][1].endswith("about 30 s left")
    clock.now = 520.0
    progress.said(1, epoch(5))
    assert heard.said[-1][1].endswith("about 12 s left")  # 250 in 20 s, 150 left
    progress.done(1, "12.0 s")
    assert heard.said[-1] == (1, "fold 1, 12.0 s")


def test_what_a_forecaster_says_in_its_own_words_is_no_error(
    shown: tuple[FitProgress, Heard, Clock],
) -> None:
    progress, heard, _ = shown
    progress.said(0, {"epoch": 2})
    progress.said(0, {"epochs": "many", "fitting": None})
    progress.said(0, {})
    assert [note for _, note in heard.said] == ["fold 0, epoch 2", "fold 0", "fold 0"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (3_600, "60 min"), (7_500, "2 h 5 min")],
)
def test_durations_are_said_as_people_do(seconds: float, said: str) -> None:
    assert duration(seconds) == said
