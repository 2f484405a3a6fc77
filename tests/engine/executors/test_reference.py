"""What the loop says to an author whose strategy is wrong, and how compiled code is kept."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.markets import book, candles, terms, trade
from tradewind.engine.compiling import cache_folder, compiled, reached
from tradewind.engine.errors import StrategyError
from tradewind.engine.executors import reference
from tradewind.engine.executors.state import market_of
from tradewind.engine.intents import target
from tradewind.engine.protocols import Signals, View
from tradewind.engine.records import FILL, ORDER
from tradewind.engine.types import Intent
from tradewind.strategies.deciding import decide_by

TWICE, NO_NUMBER, STRANGER, BEYOND = 1.0, 2.0, 3.0, 4.0
BARS = [(100.0, 101.0, 99.0, 100.0)] * 6


class Nothing(NamedTuple):
    one: float = 1.0


class Broken:
    """A compiled strategy with the rule it is given."""

    warmup = 1
    params = Nothing()

    def __init__(self, rule: Any) -> None:
        self.rule = rule

    def prepare(self, panel: Any, signals: Any) -> Any:
        del signals
        return Nothing()

    def decide(self, view: Any) -> list[Intent]:
        raise NotImplementedError


def uses_a_dict(bar: int, inputs: Any, params: Any, book: Any, intents: Any) -> int:
    table = {"text": object()}
    return len(table)


def faulty(bar: int, inputs: Any, params: Any, book: Any, intents: Any) -> int:
    """Wish for what nobody may, one way for each number, so that one rule is compiled."""
    n = target(intents, 0, 0, 1.0)
    if inputs.one == TWICE:
        return target(intents, n, 0, 1.0)
    if inputs.one == NO_NUMBER:
        return target(intents, n, 1, np.nan)
    if inputs.one == STRANGER:
        return target(intents, n, 7, 1.0)
    for _ in range(len(intents)):
        n = target(intents, n, 0, 1.0)
    return n


def run(rule: Any, which: float = 0.0) -> Any:
    panel = candles(BARS, BARS)
    return reference.simulate(Broken(rule), Nothing(which), panel, terms(panel), start=2)


def test_a_line_numba_cannot_compile_is_named_with_the_way_out() -> None:
    with pytest.raises(StrategyError) as caught:
        run(uses_a_dict)
    message = str(caught.value)
    assert "Broken: numba cannot compile" in message
    assert "test_reference.py" in message
    assert "line" in message
    assert "--executor interpreted" in message


@pytest.mark.parametrize(
    ("which", "says"),
    [
        (TWICE, r"Broken: at bar 2 \(1970-01-03\) the strategy wrote two targets for A"),
        (NO_NUMBER, r"at bar 2 .* asked for a weight or quantity of B that is not a finite number"),
        (STRANGER, r"named column 7; the panel has columns 0 to 1"),
        (BEYOND, r"wrote more intents than there is room for \(\d+\)"),
    ],
)
def test_an_impossible_wish_of_a_compiled_rule_is_refused(which: float, says: str) -> None:
    with pytest.raises(StrategyError, match=says):
        run(faulty, which)


def test_a_closure_is_refused_because_it_could_not_be_found_again() -> None:
    size = 2.0

    def rule(bar: int, inputs: Any, params: Any, book: Any, intents: Any) -> int:
        return target(intents, 0, 0, size)

    with pytest.raises(StrategyError, match="plain module-level function"):
        run(rule)


def double(x: float) -> float:
    return 2.0 * x


def quadruple(x: float) -> float:
    return double(double(x))


def test_functions_reached_by_name_are_compiled_along() -> None:
    assert reached([quadruple]) == [quadruple, double]
    assert compiled(quadruple)(1.5) == 6.0


def test_the_next_process_finds_the_machine_code(tmp_path: Path) -> None:
    script = tmp_path / "work.py"
    script.write_text(
        "import sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from loops import triple\n"
        "from tradewind.engine.compiling import compiled\n"
        "run = compiled(triple)\n"
        "print(run(2.0), sum(run.stats.cache_hits.values()))\n"
    )
    (tmp_path / "loops.py").write_text("def triple(x):\n    return 3.0 * x\n")

    def again() -> str:
        asked = [sys.executable, str(script), str(tmp_path)]
        env = {"TRADEWIND_KERNELS": str(tmp_path / "kernels"), "PATH": "/usr/bin"}
        return subprocess.run(asked, capture_output=True, text=True, check=True, env=env).stdout

    assert again() == "6.0 0\n"
    assert again() == "6.0 1\n"
    (tmp_path / "loops.py").write_text("def triple(x):\n    return 4.0 * x\n")
    assert again() == "8.0 0\n", "another source is another program"


def test_compiled_code_is_kept_where_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_KERNELS", "/somewhere/else")
    assert cache_folder() == Path("/somewhere/else")


def test_records_grow_beyond_their_first_room_without_losing_a_row() -> None:
    n_bars = 400
    panel = candles([(100.0, 101.0, 99.0, 100.0 + i % 7) for i in range(n_bars)])
    wishes = np.where(np.arange(n_bars) % 2 == 0, 0.5, 0.0)
    found = trade("kernel", panel, wishes, terms(panel, cash=1e5))
    assert len(found.fills) == n_bars - 1
    np.testing.assert_array_equal(found.fills["order"], np.arange(n_bars - 1))
    np.testing.assert_array_equal(found.orders["id"], np.arange(n_bars))
    assert found.orders.dtype == ORDER
    assert found.fills.dtype == FILL


def test_the_first_decision_waits_for_the_strategy_and_for_the_sizing() -> None:
    from tradewind.engine.config.run import RunConfig
    from tradewind.engine.executors.terms import bars_needed
    from tradewind.strategies.sma_cross import SmaCross

    blocks = {"strategy": {"kind": "sma_cross"}}
    fixed = RunConfig.model_validate(blocks)
    aiming = RunConfig.model_validate(
        {**blocks, "sizing": {"kind": "volatility_target", "lookback": 300}}
    )
    assert bars_needed(SmaCross(fast=2, slow=50), fixed) == 50
    assert bars_needed(SmaCross(fast=2, slow=50), aiming) == 301


def test_bars_that_lie_column_by_column_are_no_other_program() -> None:
    panel = candles(BARS, BARS)
    names = ("open", "high", "low", "close", "volume")
    columns: dict[str, Any] = {n: np.asfortranarray(getattr(panel, n)) for n in names}
    turned = replace(panel, **columns)
    assert not turned.close.flags.c_contiguous
    market = market_of(turned)
    for name in names:
        assert getattr(market, name).flags.c_contiguous
        np.testing.assert_array_equal(getattr(market, name), getattr(panel, name))
    assert market_of(panel).close is panel.close, "nothing is copied where nothing has to be"


def test_signals_are_empty_unless_somebody_made_some() -> None:
    assert Signals().forecasts is None


def test_a_rule_that_writes_too_much_is_refused_uncompiled_too() -> None:
    said = r"faulty: at bar 3 the rule wrote \d+ intents, there is room for \d+"
    with pytest.raises(StrategyError, match=said):
        decide_by(faulty, None, View(3, Nothing(BEYOND), book([0.0, 0.0])))
