"""What hides from the arrays of ``prepare``, and what must not be called clean or blamed twice."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tradewind.contracts import faulty_forecasters as faulty
from tradewind.engine.audit.auditing import Subject, audit
from tradewind.engine.audit.decisions import decisions
from tradewind.engine.audit.facts import Facts
from tradewind.engine.audit.findings import Danger
from tradewind.engine.audit.stages import Effort, feature_stage, forecaster_stages
from tradewind.engine.causality import probe
from tradewind.engine.protocols import Signals, View
from tradewind.engine.records import Floats, Panel
from tradewind.engine.types import Intent

LIGHT = Effort(cuts=3, worth=40, placebos=0)


def history() -> Panel:
    return probe(seed=7, n_bars=220, n_symbols=4)


class KeepsThePanel:
    """Keeps the panel on itself, where no array of ``prepare`` shows what is read."""

    warmup, ahead = 2, 0

    def prepare(self, panel: Panel, signals: Signals) -> tuple[()]:
        del signals
        self.panel = panel
        return ()

    def decide(self, view: View) -> list[Intent]:
        at = min(view.bar + self.ahead, self.panel.n_bars - 1)
        rises = self.panel.close[at] > self.panel.close[at - 1]
        return [Intent(k, float(up)) for k, up in enumerate(rises)]


class KeepsAndPeeks(KeepsThePanel):
    """Reads the next bar from it."""

    ahead = 1


class KeepsAChoice(KeepsThePanel):
    """Chooses by where prices end."""

    def prepare(self, panel: Panel, signals: Signals) -> tuple[()]:
        self.best = int(np.nansum(panel.close[-1])) % panel.n_symbols
        return ()

    def decide(self, view: View) -> list[Intent]:
        return [Intent(self.best, 1.0)]


class Unclonable(KeepsAndPeeks):
    """Holds what cannot be copied."""

    def __init__(self) -> None:
        self.rows = (row for row in range(3))


@pytest.mark.parametrize("strategy", [KeepsAndPeeks(), KeepsAChoice(), Unclonable()])
def test_a_strategy_that_keeps_the_future_on_itself_is_caught(strategy: Any) -> None:
    panel = history()
    found, _ = decisions("mine", strategy, panel, Signals(), LIGHT)
    assert [(one.column, one.danger) for one in found] == [("wishes", Danger.FUTURE_VALUE)]
    assert not decisions("mine", KeepsThePanel(), panel, Signals(), LIGHT)[0]


def test_what_reads_later_bars_is_not_blamed_for_its_price_level_as_well() -> None:
    def centred(panel: Panel) -> Floats:
        out = np.full(panel.shape, np.nan)
        out[1:-1] = np.log(panel.close[2:] / panel.close[:-2])
        return out

    stage = feature_stage("centred", centred, warmup=2)
    one = Subject(name="f", panel=history(), stages=(stage,), facts=Facts(adjusted=True))
    report = audit(one, LIGHT)
    assert [found.danger for found in report.findings] == [Danger.FUTURE_VALUE]
    notes = {check.means: check.note for check in report.checks}
    assert "reads later bars" in notes["restated prices"]


class Silent(faulty.Honest):
    """Forecasts nothing."""

    def predict(self, past: Panel, *, first: int) -> Any:
        said = super().predict(past, first=first)
        return replace(said, mean=said.mean * np.nan, std=said.std * np.nan)


class TooManyRows(faulty.Honest):
    """Forecasts from the first bar whatever it is asked."""

    def predict(self, past: Panel, *, first: int) -> Any:
        return super().predict(past, first=0)


@pytest.mark.parametrize(
    ("make", "said"), [(Silent, "says nothing on any"), (TooManyRows, "gave 220 rows, wanted 70")]
)
def test_forecasts_that_cannot_be_compared_are_not_called_clean(make: Any, said: str) -> None:
    report = audit(
        Subject(
            name="one", panel=history(), stages=forecaster_stages("mine", make, history(), 150)
        ),
        LIGHT,
    )
    assert not report.findings
    assert any(said in line for line in report.failed), report.failed
