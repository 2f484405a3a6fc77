"""The optional members of forecasters against their contract, and the contract against a liar."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.walks import descent
from tradewind.contracts.optional_members import CHECKS
from tradewind.engine.protocols import Forecaster
from tradewind.forecasters import Lstm

SMALL: dict[str, Any] = {
    "window": 5, "hidden": 2, "epochs": 3, "horizon": 2, "vol_lookback": 10, "stride": 1,
    "features": ("scaled_return_1", "range"),
}  # fmt: skip
MAKERS: dict[str, Callable[[int], Forecaster]] = {
    "descent": lambda seed: descent().build(seed),
    "descent, each": lambda seed: descent(pooled=False).build(seed),
    "lstm": lambda seed: Lstm(**SMALL, seed=seed),
    "lstm, each": lambda seed: Lstm(**SMALL, pooled=False, seed=seed),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", MAKERS)
def test_optional_members_keep_their_contract(name: str, check: Any, tmp_path: Path) -> None:
    check(MAKERS[name], tmp_path)


def liar(**members: Any) -> Callable[[int], Any]:
    """Maker of the learner in epochs with other members."""
    cls = type(descent().build(0))
    return lambda seed: type("Liar", (cls,), members)(seed=seed, pooled=False)


def mute(self: Any, report: Callable[[Mapping[str, Any]], None]) -> None:
    """Hears nobody."""


def forgetful(self: Any, folder: Path) -> None:
    """Keeps nothing."""


def cold(self: Any, earlier: Any) -> Any:
    """Begins from nothing."""
    return self


def undivided(self: Any, names: Any) -> Any:
    """Does it all whatever is asked."""
    return self


@pytest.mark.parametrize(
    ("members", "check", "message"),
    [
        ({"watch": mute}, CHECKS[0], "never said how its fit"),
        ({"keep_progress": forgetful}, CHECKS[1], "began anew although"),
        ({"begin_from": cold}, CHECKS[2], "did not begin from it"),
        ({"for_symbols": undivided}, CHECKS[3], "speaks of symbols that are not its own"),
    ],
)
def test_the_contract_finds_members_that_do_nothing(
    members: dict[str, Any], check: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match=message):
        check(liar(**members), tmp_path)
