"""Every registered selector keeps the contract, in each form that takes another path."""

import pickle
import re
from importlib.metadata import entry_points
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from tradewind.contracts import faulty_selectors as faulty
from tradewind.contracts.selector_contract import CHECKS, Check
from tradewind.engine.protocols import Selector
from tradewind.engine.registry import load_file, names

SMALL = {
    "hidden": (6, 3), "classifier": 4, "machine_epochs": 2, "epochs": 2, "patience": 2,
}  # fmt: skip
FEW = ("return_5", "scaled_return_20", "log_vol_20")
FORMS: dict[str, list[dict[str, Any]]] = {
    "rbm": [
        SMALL,
        SMALL | {"pretrain": False, "features": FEW, "formation": "week_end"},
        SMALL | {"steps": 2, "persistent": True, "formation": "month"},
    ],
    "logistic": [{}, {"features": FEW, "formation": "week"}],
    "lightgbm_ranker": [
        {"trees": 5, "least_rows": 5},
        {"trees": 5, "least_rows": 5, "objective": "binary", "features": FEW},
    ],
    "momentum": [{}, {"lookback": 20, "skip": 0, "formation": "week"}],
    "forecast": [{"of": {"kind": "ewma"}}, {"of": {"kind": "drift"}, "by": "ratio"}],
}
CASES = [
    pytest.param(kind, form, id=f"{kind}-{k}")
    for kind in names("selectors")
    for k, form in enumerate(FORMS.get(kind, [{}]))
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("kind", "form"), CASES)
def test_every_selector_keeps_the_contract(
    kind: str, form: dict[str, Any], check: Check, tmp_path: Path
) -> None:
    cls = entry_points(group="tradewind.selectors")[kind].load()

    def make(seed: int) -> Selector:
        seeded = {"seed": seed} if "seed" in signature(cls).parameters else {}
        built: Selector = cls(**form, **seeded)
        return built

    check(make, tmp_path)


def test_the_registered_selectors_are_found() -> None:
    wanted = {"equal", "forecast", "lightgbm_ranker", "logistic", "low_volatility", "momentum"}
    assert wanted | {"rbm", "reversal"} <= set(names("selectors"))


@pytest.mark.parametrize(
    ("cls", "found_by"),
    [
        (faulty.ReadsTheNextBar, "is_not_moved_by_the_future"),
        (faulty.RanksAgainstAll, "is_not_moved_by_the_future"),
        (faulty.RanksAgainstAll, "says_the_same_bar_by_bar"),
        (faulty.LooksBehindTheView, "fits_on_the_past_alone"),
        (faulty.KeepsTheBarred, "heeds_who_is_eligible"),
        (faulty.FillsGaps, "is_silent_without_a_bar_or_history"),
        (faulty.RanksByPrice, "is_indifferent_to_the_unit_of_a_price"),
        (faulty.Remembers, "forgets_earlier_fits"),
        (faulty.DrawsGlobally, "repeats_itself"),
        (faulty.ScribblesOnInput, "leaves_its_input_alone"),
        (faulty.CannotTravel, "travels_to_another_process"),
        (faulty.SharesState, "comes_back_from_disk"),
    ],
)
def test_the_contract_finds_the_fault(
    cls: type[faulty.Honest], found_by: str, tmp_path: Path
) -> None:
    check = {check.__name__: check for check in CHECKS}[found_by]
    with pytest.raises((AssertionError, pickle.PicklingError, AttributeError)):
        check(lambda seed: cls(seed=seed), tmp_path)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_selector_in_the_documents_keeps_the_contract(check: Check, tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "selectors.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "loud.py").write_text(code, "utf-8")
    cls = load_file(tmp_path / "loud.py").Loud
    check(lambda seed: cls(), tmp_path)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_contract_finds_no_fault_where_there_is_none(check: Check, tmp_path: Path) -> None:
    check(lambda seed: faulty.Honest(seed=seed), tmp_path)
