"""Every registered forecaster, selector and strategy is audited on real bars, in a small form."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from inspect import signature
from typing import Any

import numpy as np
import pytest

from tradewind.engine import registry
from tradewind.engine.audit.auditing import Asked, Subject, audit
from tradewind.engine.audit.facts import Facts
from tradewind.engine.audit.findings import Danger
from tradewind.engine.audit.made_up import signals
from tradewind.engine.audit.stages import Effort, forecaster_stages, selector_stages
from tradewind.engine.bars.adjusting import forward_adjusted
from tradewind.engine.config.file import Document, read_document
from tradewind.engine.config.run import DataConfig
from tradewind.engine.feeds import load
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import FIELDS, Panel
from tradewind.engine.walkforward.conditions import seed_globals
from tradewind.forecasters.baselines import Drift

pytestmark = pytest.mark.slow  # all of them together: one alone takes a second or two

LIGHT = Effort(cuts=2, fit_hows=1, worth=0, placebos=0)
MARGIN = 60  # bars behind the fit, which the future is replaced in
# Given to every part that has a parameter of that name: networks of a few units, one epoch.
SMALL: Mapping[str, Any] = {
    "batch": 64, "channels": 4, "copies": 1, "epochs": 1, "features": ("return_1", "range"),
    "heads": 2, "hidden": 4, "layers": 1, "levels": 2, "max_p": 1, "max_q": 1, "trees": 5,
    "vol_lookback": 20, "window": 12,
}  # fmt: skip
# What a part needs beside that, or takes otherwise.
OWN: Mapping[str, Mapping[str, Any]] = {
    "dlinear": {"smooth": 5},
    "drift": {"lookback": 60},  # over all history it has, as it says, no warm-up to be over
    "forecast": {"of": {"kind": "ewma"}},
    "lightgbm": {"least_rows": 10},
    "lightgbm_ranker": {"least_rows": 10, "formation": "week_end"},
    "logistic": {"formation": "week_end"},
    "nhits": {"pools": (4, 1), "width": 3},
    "patchtst": {"width": 4, "patch": 5, "hop": 3},
    "rbm": {"hidden": (4, 2), "machine_epochs": 1, "formation": "week_end"},
    "sklearn": {"estimator": "sklearn.linear_model.Ridge"},
    "transformer": {"width": 4},
}
ELSEWHERE = {"chronos": "needs a folder of weights; tests/forecasters/test_zero_shot.py makes some"}
PARTS = [
    pytest.param(group, name, id=f"{group}-{name}")
    for group in ("forecasters", "selectors", "strategies")
    for name in registry.names(group)
    if name not in ELSEWHERE
]


@pytest.fixture(scope="module")
def market() -> Panel:
    """Eight stocks, of which one begins to trade later and one was halted for a week."""
    config = DataConfig(symbols=("MSFT", "KO", "JPM", "BA", "XOM", "PEP", "HD", "CVX"))
    panel = forward_adjusted(load(config).panel)
    fields = {name: getattr(panel, name).copy() for name in FIELDS}
    for values in fields.values():
        values[:150, 3] = values[260:265, 1] = np.nan
    return replace(panel, **fields)


@pytest.fixture(scope="module")
def document() -> Document:
    return read_document("sma-cross")


@pytest.mark.parametrize(("group", "name"), PARTS)
def test_a_registered_part_knows_nothing_of_the_future(
    group: str, name: str, market: Panel, document: Document
) -> None:
    cls = registry.find(group, name, document, key=group)
    taken = signature(cls).parameters
    params = {key: value for key, value in SMALL.items() if key in taken} | dict(OWN.get(name, {}))

    def make() -> Any:
        seed_globals(0)
        return cls(**params)

    report = audit(SUBJECTS[group](name, make, market), LIGHT)
    assert not report.failed
    assert not report.findings, [f"{one.where}: {one.text}" for one in report.findings]
    assert report.n_tried > 3


def _fitted(name: str, make: Callable[[], Any], market: Panel, stages: Any) -> Subject:
    sample = make()
    fitted = max(250, 2 * sample.warmup + 60)
    panel = market.past(fitted + MARGIN)
    assert panel.n_bars == fitted + MARGIN, f"{name}: give it smaller settings in OWN"
    made = stages(name, make, panel, fitted)
    return Subject(name=name, panel=panel, stages=made, facts=Facts(adjusted=True))


def _asked(name: str, make: Callable[[], Any], market: Panel) -> Subject:
    panel = market.past(make().warmup + 2 * MARGIN)
    asked = Asked(name, make(), panel, signals(panel))
    return Subject(name=name, panel=panel, strategies=(asked,), facts=Facts(adjusted=True))


SUBJECTS: Mapping[str, Callable[[str, Callable[[], Any], Panel], Subject]] = {
    "forecasters": lambda name, make, market: _fitted(name, make, market, forecaster_stages),
    "selectors": lambda name, make, market: _fitted(name, make, market, selector_stages),
    "strategies": _asked,
}


def test_what_is_asked_of_every_part_finds_one_that_peeks(market: Panel) -> None:
    class Peeks(Drift):
        def predict(self, past: Panel, *, first: int) -> Forecasts:
            said = super().predict(past, first=first)
            return Forecasts(said.mean * past.close[-1], said.std, said.horizon)

    report = audit(SUBJECTS["forecasters"]("peeks", lambda: Peeks(lookback=60), market), LIGHT)
    assert [one.danger for one in report.leaks] == [Danger.FUTURE_VALUE]
