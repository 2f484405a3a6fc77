"""The block ``evolve``: what its document says, and what it refuses."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

from tradewind.engine.config.evolving import EvolveConfig, evolve_config, run_document, spans
from tradewind.engine.config.faults import models
from tradewind.engine.config.file import load, parse, read_document
from tradewind.engine.config.yaml import parse_value
from tradewind.engine.errors import ConfigError

DOCUMENT = (Path(__file__).parents[3] / "docs" / "evolving.md").read_text("utf-8")
ROW = re.compile(r"^\| `([\w.]+)` \| (?:`(.*?)`|(\w+)) \|", re.MULTILINE)
TRAIN = "train: {end: 2016-02-26}"


def found(text: str) -> tuple[EvolveConfig, Any]:
    return evolve_config(parse(text, where="mine.yaml", folder=Path()))


def defaults(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """Key -> default, blocks followed."""
    said: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        inner = models(field.annotation)
        if inner:
            said |= defaults(inner[0], f"{prefix}{name}.")
            continue
        value = field.get_default(call_default_factory=True, validated_data={})
        missing = "required" if value is PydanticUndefined else "none"
        plain = value is PydanticUndefined or value is None
        said[prefix + name] = missing if plain else to_jsonable_python(value)
    return said


def test_every_key_is_documented_with_its_default() -> None:
    table = {
        key: word if word else parse_value(value, "docs", {})
        for key, value, word in ROW.findall(DOCUMENT)
    }
    assert table == defaults(EvolveConfig)


def test_the_example_is_valid() -> None:
    example = DOCUMENT.partition("```yaml\n")[2].partition("```")[0]
    block, config = found(example)
    assert block.objectives == ("annual_return", "max_drawdown")
    assert config.sizing.kind == "target_weight" and not config.account.fractional


def test_a_number_of_names_is_exact() -> None:
    block, _ = found(f"evolve: {{count: 8, {TRAIN}}}")
    assert (block.count.least, block.count.most) == (8, 8)


def test_the_test_begins_the_day_after_the_training() -> None:
    block, _ = found(f"evolve: {{{TRAIN}}}")
    assert spans(block) == ((None, date(2016, 2, 26)), (date(2016, 2, 27), None))


def test_a_portfolio_is_the_run_of_its_weights_on_the_days_of_its_span() -> None:
    document = parse(
        f"data: {{symbols: all}}\nevolve: {{{TRAIN}}}\nseed: 3\n", where="m", folder=Path()
    )
    alone = run_document(
        document, {"KO": 0.4, "MSFT": 0.6}, "week", start=date(2015, 1, 2), symbols=("KO", "MSFT")
    )
    assert alone.values == {
        "data": {"symbols": ["KO", "MSFT"], "start": date(2015, 1, 2)},
        "seed": 3,
        "sizing": {"kind": "target_weight", "weight": 1.0},
        "strategy": {
            "kind": "allocation", "weights": {"KO": 0.4, "MSFT": 0.6}, "rebalance": "week",
        },
    }  # fmt: skip


def test_a_run_says_which_command_breeds_portfolios() -> None:
    with pytest.raises(ConfigError, match="'tradewind evolve pareto-front' does"):
        load("pareto-front")


def test_the_preset_carries_its_own_name() -> None:
    _, config = evolve_config(read_document("pareto-front"))
    assert config.name == "pareto-front"


FAULTS = [
    ("name: x\n", "mine.yaml: has no 'evolve:' block"),
    (f"strategy: {{kind: x}}\nevolve: {{{TRAIN}}}\n", "1:1: strategy: stands beside 'evolve'"),
    ("evolve: 3\n", "1:1: evolve: wanted a block of keys"),
    ("evolve: {}\n", "evolve.train: is missing"),
    (f"evolve: {{cuont: 3, {TRAIN}}}\n", "evolve.cuont: unknown key (did you mean 'count'?)"),
    (f"evolve: {{count: 0, {TRAIN}}}\n", "1:10: evolve.count: wanted at least 1; found 0"),
    (f"evolve: {{count: {{least: 9, most: 3}}, {TRAIN}}}\n", "least 9 lies above most 3"),
    (f"evolve: {{weight: {{least: 0.9, most: 0.3}}, {TRAIN}}}\n", "least 0.9 lies above most 0.3"),
    (f"evolve: {{objectives: [annual_return], {TRAIN}}}\n", "wanted two or three different"),
    (f"evolve: {{objectives: [volatility, cvar], {TRAIN}}}\n", "wanted annual_return first"),
    (f"evolve: {{objectives: [annual_return, turnover], {TRAIN}}}\n", "then a risk"),
    (f"evolve: {{turnover: {{now: 0.5}}, {TRAIN}}}\n", "give current"),
    (f"evolve: {{turnover: {{current: {{KO: 1}}}}, {TRAIN}}}\n", "add now: 0.5"),
    (
        f"evolve: {{turnover: {{current: {{KO: 0.7, MSFT: 0.7}}, now: 1}}, {TRAIN}}}\n",
        "current holds 1.4 in all",
    ),
    (f"evolve: {{{TRAIN}, test: {{start: 2016-02-26}}}}\n", "is not after train.end"),
    (f"evolve: {{{TRAIN}, test: {{end: 2015-02-26}}}}\n", "is not after train.end"),
    ("evolve: {train: {start: 2017-01-01, end: 2016-01-01}}\n", "lies after end"),
    (f"sizing: {{kind: kelly}}\nevolve: {{{TRAIN}}}\n", "1:1: sizing: a weight is to be that"),
    (f"sizing: {{kind: target_weight}}\nevolve: {{{TRAIN}}}\n", "sizing: a weight is to be"),
    (
        f"sizing: {{weight: 1, max_weight: 1, kind: target_weight}}\nexecutor: cerebro\n"
        f"evolve: {{{TRAIN}}}\n",
        "2:1: executor: thousands of portfolios",
    ),
    (f"data: {{start: 2015-01-02}}\nevolve: {{{TRAIN}}}\n", "data.start: the days are in evolve"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_a_fault_is_told_at_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        found(text)
