"""What the data or the machine lacks for a forecaster is told before any fit, at its line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ALONE = """\
name: alone
strategy: {kind: timing}
data: {symbols: [MSFT, KO, JPM], start: 2015-01-02, end: 2016-12-30}
forecaster:
  kind: ridge
  walk_forward: {train: 250, refit: 130}
  window: 5
  features: [return_1, FEATURE]
"""
SEVERAL = """\
name: several
strategy: {kind: timing}
data: {symbols: [MSFT, KO, JPM], start: 2015-01-02, end: 2016-12-30}
walk_forward: {train: 250, refit: 130}
shared: {features: [return_1, FEATURE]}
forecasters:
  naive: {}
  ridge: {window: 5}
"""
LACKING = [
    ("column.spread", "the data has no column 'spread'"),
    ("rank.column.spread", "the data has no column 'spread'"),
    ("other.SPY.return_5", "the data has no symbol 'SPY'"),
    ("other.MFST.beta_5", "(did you mean 'MSFT'?)"),
    ("group.return_5", "say them with data.groups"),
    ("group.residual_5", "say them with data.groups"),
    ("ahead_5.column.dividend", "say so with data.known_ahead: {dividend: [5]}"),
    ("calendar.time_of_day", "is 1 on every bar of 1d; leave it out"),
]


@pytest.fixture
def nothing_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any fit is a failure."""

    def fail(*_: Any, **__: Any) -> None:
        pytest.fail("a fit was begun")

    monkeypatch.setattr("tradewind.engine.outlook.walk_forward", fail)


@pytest.mark.usefixtures("nothing_fits")
@pytest.mark.parametrize("command", ["backtest", "train", "audit"])
@pytest.mark.parametrize(("feature", "told"), LACKING[:1])
def test_every_command_says_what_a_feature_lacks_at_its_line(
    command: str, feature: str, told: str, project: Path, inside: Callable[..., Any]
) -> None:
    (project / "alone.yaml").write_text(ALONE.replace("FEATURE", feature))
    ended = inside(command, "alone.yaml")
    assert ended.code == 2
    ended.says("alone.yaml:8:24: forecaster.features.1: ", told)


@pytest.mark.usefixtures("nothing_fits")
@pytest.mark.parametrize(("feature", "told"), LACKING)
def test_a_leaderboard_says_it_at_the_line_of_what_is_shared(
    feature: str, told: str, project: Path, inside: Callable[..., Any]
) -> None:
    (project / "several.yaml").write_text(SEVERAL.replace("FEATURE", feature))
    ended = inside("train", "several.yaml")
    assert ended.code == 2
    ended.says("several.yaml:5:31: shared.features.1: ", told)


@pytest.mark.usefixtures("nothing_fits")
def test_a_leaderboard_says_it_at_the_line_of_the_forecasters_own(
    project: Path, inside: Callable[..., Any]
) -> None:
    text = SEVERAL.replace("{window: 5}", "{window: 5, features: [group.return_5]}")
    (project / "several.yaml").write_text(text.replace("FEATURE", "return_5"))
    ended = inside("train", "several.yaml")
    assert ended.code == 2
    ended.says("several.yaml:8:33: forecasters.ridge.features.0: ", "data.groups")


@pytest.mark.usefixtures("nothing_fits")
def test_calendar_features_without_a_calendar_are_refused_at_their_line(
    project: Path, inside: Callable[..., Any]
) -> None:
    days = [f"2020-01-{day:02d},{day},{day},{day},{day},5" for day in range(1, 32)]
    (project / "bars.csv").write_text("\n".join(["date,open,high,low,close,volume", *days]))
    text = ALONE.replace("FEATURE", "calendar.month_end")
    source = "data: {source: csv, path: bars.csv}"
    text = text.replace(text.splitlines()[2], source)
    (project / "alone.yaml").write_text(text)
    ended = inside("train", "alone.yaml")
    assert ended.code == 2
    ended.says("alone.yaml:8:24: forecaster.features.1: ", "set data.calendar")


@pytest.mark.usefixtures("nothing_fits")
def test_candidates_of_a_choice_are_checked_as_well(
    project: Path, inside: Callable[..., Any]
) -> None:
    choice = "  choose: {over: {features: [[return_5], [column.spread]]}}\n"
    (project / "alone.yaml").write_text(ALONE.replace("FEATURE", "return_5") + choice)
    ended = inside("train", "alone.yaml")
    assert ended.code == 2
    ended.says("alone.yaml:9:", "forecaster.choose.over.features: ", "no column 'spread'")


@pytest.mark.usefixtures("nothing_fits")
@pytest.mark.parametrize("key", ["device: cuda", "precision: bf16"])
def test_a_device_and_a_precision_that_are_not_there_are_refused_at_their_line(
    key: str, project: Path, inside: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx2": True})
    text = ALONE.replace("FEATURE", "return_5").replace("ridge", "lstm")
    (project / "alone.yaml").write_text(f"{text}  {key}\n")
    ended = inside("train", "alone.yaml")
    assert ended.code == 2
    ended.says(f"alone.yaml:9:3: forecaster.{key.split(':')[0]}: ", "set ")


@pytest.mark.usefixtures("nothing_fits")
def test_a_selector_of_ones_own_is_asked_too(project: Path, inside: Callable[..., Any]) -> None:
    (project / "mine.py").write_text(
        "from tradewind.engine.features import refuse_unmakeable\n\n\n"
        "class Mine:\n"
        "    horizon = warmup = 1\n\n"
        "    def __init__(self, features: tuple[str, ...] = ()):\n"
        "        self.features = features\n\n"
        "    def fit(self, past):\n        return self\n\n"
        "    def score(self, past, *, first):\n        return past.close[first:]\n\n"
        "    def check_before_fit(self, panel):\n"
        "        refuse_unmakeable(self.features, panel)\n"
    )
    text = ALONE.replace("forecaster:", "selector:").replace("ridge", "mine.py:Mine")
    text = text.replace("FEATURE", "group.return_5").replace("  window: 5\n", "")
    (project / "alone.yaml").write_text(text)
    ended = inside("train", "alone.yaml")
    assert ended.code == 2
    ended.says("alone.yaml:7:24: selector.features.1: ", "data.groups")
