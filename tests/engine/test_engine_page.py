"""The examples of docs/engine.md: compiled, as plain Python, and on Cerebro, to the same fills."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewind.engine import runner
from tradewind.engine.config.file import parse, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.executors import reference
from tradewind.engine.report.run import Run
from tradewind.engine.types import Reason

PAGE = Path(__file__).parents[2] / "docs" / "engine.md"
BLOCK = re.compile(r"```python\n# (\w+\.py)\n(.*?)```", re.DOTALL)
EXAMPLES = dict(BLOCK.findall(PAGE.read_text("utf-8")))
SETTINGS = "settings.py"
KINDS = {"breakout.py": "Breakout", "dips.py": "Dips"}


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Run]:
    """Run of an example on an executor; each once, because a rule compiles for seconds."""
    folder = tmp_path_factory.mktemp("examples")

    @cache
    def trade(name: str, executor: str) -> Run:
        (folder / name).write_text(EXAMPLES[name])
        text = (
            "data: {source: embedded, symbols: [MSFT, KO, JPM], start: 2014-01-01, "
            "end: 2015-12-31}\n"
            f"strategy: {{kind: '{name}:{KINDS[name]}'}}\nexecutor: {executor}\n"
        )
        document = parse(text, where="config.yaml", folder=folder)
        return runner.compute(validate(RunConfig, document), document, cached=False)

    return trade


def reasons(run: Run) -> set[Reason]:
    return {Reason(int(code)) for code in run.simulation.orders["reason"]}


def test_the_page_has_these_examples() -> None:
    assert sorted(EXAMPLES) == sorted([*KINDS, SETTINGS])


def test_many_settings_in_one_call_end_as_each_does_alone() -> None:
    said: dict[str, Any] = {}
    exec(EXAMPLES[SETTINGS], said)
    found, given = said["found"], said["given"]
    assert len(set(found.equity.tolist())) == len(said["crosses"]) == 9
    for number in (0, 8):
        alone = reference.simulate(
            said["crosses"][number], said["inputs"], said["panel"], given, start=100
        )
        assert found.equity[number] == alone.equity[-1]
        assert found.fills[number] == len(alone.fills) > 10
    assert said["best"] in said["crosses"]


@pytest.mark.parametrize("name", sorted(KINDS))
@pytest.mark.parametrize("executor", ["interpreted", "cerebro"])
def test_an_example_trades_the_same_however_it_is_run(
    traded: Callable[[str, str], Run], name: str, executor: str
) -> None:
    plain, other = traded(name, "kernel"), traded(name, executor)
    fills: Any = plain.simulation.fills
    assert len(fills) > 20
    for field in ("symbol", "bar"):
        np.testing.assert_array_equal(fills[field], other.simulation.fills[field])
    for field in ("qty", "price", "fee"):
        np.testing.assert_allclose(fills[field], other.simulation.fills[field], rtol=1e-9)


def test_the_breakout_replaces_its_entry_and_brackets_what_it_bought(
    traded: Callable[[str, str], Run],
) -> None:
    found = reasons(traded("breakout.py", "kernel"))
    assert found >= {Reason.FILLED, Reason.CANCELLED_REPLACED, Reason.CANCELLED_BRACKET}


def test_the_dips_let_a_limit_expire_and_count_the_bars_they_hold(
    traded: Callable[[str, str], Run],
) -> None:
    run = traded("dips.py", "kernel")
    assert reasons(run) >= {Reason.FILLED, Reason.EXPIRED}
    closed = run.trades[run.trades["exit_bar"] >= 0]
    assert len(closed) > 5
    assert set((closed["exit_bar"] - closed["entry_bar"]).tolist()) == {10}
