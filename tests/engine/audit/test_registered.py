"""What ``--all`` lays out: every part that its defaults suffice for, the rest by name."""

from pathlib import Path

import pytest

from tradewind.engine import features, registry
from tradewind.engine.audit import registered as module
from tradewind.engine.audit.auditing import audit
from tradewind.engine.audit.registered import registered
from tradewind.engine.audit.stages import Effort
from tradewind.engine.config.file import Document, load

FEW = {"forecasters": ["naive"], "selectors": [], "strategies": ["sma_cross", "timing"]}
LIGHT = Effort(cuts=2, fit_hows=1, worth=0, placebos=0)


@pytest.fixture
def document() -> Document:
    return load("sma-cross", [])[1]


def test_registered_parts_are_clean(monkeypatch: pytest.MonkeyPatch, document: Document) -> None:
    monkeypatch.setattr(registry, "names", lambda group: FEW[group])
    known = ("return_N", "rank.return_N", "group.return_N", "other.SPY.beta_N", "column.NAME")
    monkeypatch.setattr(features, "known", lambda: dict.fromkeys(known, ""))
    subject = registered(document, LIGHT)
    assert [stage.name for stage in subject.stages] == [
        "return_20", "rank.return_20", "group.return_20", "other.SPY.beta_20", "column.NAME",
        "naive", "naive",
    ]  # fmt: skip
    assert [asked.name for asked in subject.strategies] == ["sma_cross", "timing"]
    assert not subject.unseen
    report = audit(subject, LIGHT)
    assert not report.findings
    assert not report.failed
    assert report.n_tried > 50


def test_a_part_that_cannot_be_built_is_told(
    monkeypatch: pytest.MonkeyPatch, document: Document, tmp_path: Path
) -> None:
    class Needs:
        def __init__(self, *, weights: Path) -> None:
            self.weights = weights

    monkeypatch.setattr(registry, "names", lambda group: ["x"] if group == "forecasters" else [])
    monkeypatch.setattr(registry, "find", lambda *_, **__: Needs)
    monkeypatch.setattr(features, "known", dict)
    subject = registered(document, LIGHT)
    assert not subject.stages
    assert "forecasters x: cannot be built with its defaults" in subject.unseen[0]


def test_made_up_bars_hold_what_every_feature_asks_for() -> None:
    panel = module.made_up_bars(300)
    refused = []
    for name in features.known():
        if name.startswith("ta."):
            continue
        try:
            features.compute(panel, (name.replace("_N", f"_{module.LAG}"),))
        except ValueError as error:
            refused.append(f"{name}: {error}")
    assert [line.partition(":")[0] for line in refused] in ([], ["calendar.time_of_day"])
