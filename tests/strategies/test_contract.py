"""Every registered strategy keeps the contract, and the contract finds what breaks it."""

from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Any, NamedTuple

import numpy as np
import pytest

from tradewind.contracts import strategy_contract as contract
from tradewind.contracts.strategy_contract import CHECKS, Check
from tradewind.engine.protocols import Signals, Strategy, View
from tradewind.engine.records import Floats, Panel
from tradewind.engine.registry import names
from tradewind.engine.types import Intent
from tradewind.strategies.sma_cross import SmaCross

FORMS: dict[str, list[dict[str, Any]]] = {
    "inverse_volatility": [{"lookback": 20}, {"lookback": 60}],
    "momentum": [{"lookback": 60, "skip": 10, "top": 0.4}, {"lookback": 30, "skip": 0, "top": 1}],
    "pairs": [
        {"formation": 40, "find": "distance", "count": 2, "entry": 1.0},
        {
            "formation": 40,
            "find": "correlation",
            "count": 1,
            "entry": 0.7,
            "signal": "ou",
            "lot": 0,
            "periods": 2,
            "round_trip_bps": 1,
        },
    ],
    "sma_cross": [{"fast": 3, "slow": 10}, {"fast": 5, "slow": 40, "short": True}],
    "timing": [{"entry": 0.4}, {"entry": 1.0, "exit": 0.2, "short": False}],
}
CASES = [
    pytest.param(kind, form, id=f"{kind}-{k}")
    for kind in names("strategies")
    for k, form in enumerate(FORMS.get(kind, [{}]))
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("kind", "form"), CASES)
def test_every_strategy_keeps_the_contract(kind: str, form: dict[str, Any], check: Check) -> None:
    cls = entry_points(group="tradewind.strategies")[kind].load()

    def make() -> Strategy:
        built: Strategy = cls(**form)
        return built

    check(make)


def test_the_registered_strategies_are_found() -> None:
    assert {"inverse_volatility", "momentum", "sma_cross", "timing"} <= set(names("strategies"))


class Base:
    """Holds the symbol that rose over the last bar; right but for what a subclass breaks."""

    warmup: Any = 2

    def prepare(self, panel: Panel, signals: Signals) -> Floats:
        del signals
        rise = np.full(panel.shape, np.nan)
        rise[1:] = panel.close[1:] - panel.close[:-1]
        return rise

    def decide(self, view: View) -> Sequence[Intent]:
        row = view.inputs[view.bar]
        return [Intent(int(k), float(row[k] > 0)) for k in np.flatnonzero(~np.isnan(row))]


class PeeksAtTheNextBar(Base):
    def decide(self, view: View) -> Sequence[Intent]:
        later = View(min(view.bar + 1, len(view.inputs) - 1), view.inputs, view.book)
        return super().decide(later)


class ScalesWithAllData(Base):
    def prepare(self, panel: Panel, signals: Signals) -> Floats:
        rise = super().prepare(panel, signals)
        scaled: Floats = rise - np.nanmean(rise, axis=0)
        return scaled


class Remembers(Base):
    def __init__(self) -> None:
        self.asked = 0

    def decide(self, view: View) -> Sequence[Intent]:
        self.asked += 1
        return super().decide(view) if self.asked % 3 else []


class FillsGapsInPlace(Base):
    def prepare(self, panel: Panel, signals: Signals) -> Floats:
        panel.close[np.isnan(panel.close)] = 1.0
        return super().prepare(panel, signals)


class WishesForNan(Base):
    def decide(self, view: View) -> Sequence[Intent]:
        return [Intent(0, float("nan"))]


class NamesTwice(Base):
    def decide(self, view: View) -> Sequence[Intent]:
        return [Intent(0, 1.0), Intent(0, 0.5)]


class NeverWishes(Base):
    def decide(self, view: View) -> Sequence[Intent]:
        return []


class NeedsHalfABar(Base):
    warmup = 2.5


class SaysOneThingAndDoesAnother(SmaCross):
    """Its ``decide`` is not its rule."""

    def decide(self, view: View) -> Sequence[Intent]:
        return [Intent(wish.symbol, -wish.weight) for wish in super().decide(view)]


class TextParams(NamedTuple):
    fast: str = "three"
    slow: int = 10
    below: float = 0.0


class VariesAText(SmaCross):
    def __init__(self) -> None:
        super().__init__(fast=3, slow=10)
        self.params = TextParams()  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("cls", "found_by"),
    [
        (PeeksAtTheNextBar, contract.does_not_look_ahead),
        (ScalesWithAllData, contract.does_not_look_ahead),
        (Remembers, contract.asks_the_same_twice),
        (FillsGapsInPlace, contract.leaves_its_inputs_as_they_were),
        (WishesForNan, contract.wishes_are_finite_and_one_for_each_symbol),
        (NamesTwice, contract.wishes_are_finite_and_one_for_each_symbol),
        (NeverWishes, contract.wishes_are_finite_and_one_for_each_symbol),
        (NeedsHalfABar, contract.needs_a_whole_number_of_bars),
        (VariesAText, contract.params_are_plain_numbers),
    ],
)
def test_the_contract_finds_what_breaks_it(cls: type[Any], found_by: Check) -> None:
    with pytest.raises(AssertionError):
        found_by(cls)


def test_the_contract_finds_a_decide_that_is_not_the_rule() -> None:
    with pytest.raises(AssertionError, match="differ"):
        contract.compiled_and_interpreted_agree(lambda: SaysOneThingAndDoesAnother(fast=3, slow=10))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_strategy_the_faulty_ones_derive_from_is_not_faulty(check: Check) -> None:
    check(Base)
