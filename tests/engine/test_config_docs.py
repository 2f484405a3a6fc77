"""docs/config.md names every key that a config may hold, with the default it has."""

import inspect
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

from tradewind.engine import registry
from tradewind.engine.config.actions import ActionsConfig
from tradewind.engine.config.backtrader import SizerConfig
from tradewind.engine.config.bench import SelectorBench
from tradewind.engine.config.factors import FactorsConfig
from tradewind.engine.config.faults import models
from tradewind.engine.config.fees import AnyFeesConfig
from tradewind.engine.config.file import checked
from tradewind.engine.config.run import DataConfig, RunConfig, SourceConfig
from tradewind.engine.config.sizing import SizingConfig
from tradewind.engine.config.spread import SpreadConfig
from tradewind.engine.config.yaml import parse, parse_value
from tradewind.forecasters.tabular import TabularForecaster
from tradewind.forecasters.windowed import WindowedForecaster

TEXT = (Path(__file__).parents[2] / "docs" / "config.md").read_text("utf-8")
ROW = re.compile(r"^\| `([\w.]+)` \| (?:`(.*?)`|(\w+)) \| (.+) \|$")
REQUIRED, NONE = "required", "none"
KINDS = {"strategy": "strategies", "forecaster": "forecasters"}
SHARED: dict[type[Any], str] = {
    WindowedForecaster: "forecaster, every network",
    TabularForecaster: "forecaster, every learner over windows",
}
SIZINGS = {
    str(get_args(model.model_fields["kind"].annotation)[0]): model for model in models(SizingConfig)
}
SPREADS: dict[str, type[BaseModel]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model for model in models(SpreadConfig)
}
FEES, ACTIONS = (
    {get_args(model.model_fields["kind"].annotation)[0]: model for model in models(choice)}
    for choice in (AnyFeesConfig, ActionsConfig)
)
SIZERS = {
    str(get_args(model.model_fields["kind"].annotation)[0]): model for model in models(SizerConfig)
}
Table = dict[str, Any]


def documented() -> dict[str, Table]:
    """Key -> default of every table, by the heading above it."""
    tables: dict[str, Table] = {}
    heading = ""
    for line in TEXT.splitlines():
        if line.startswith("#"):
            heading = line.strip("# ")
        elif line.startswith("| `"):
            row = ROW.match(line)
            assert row, f"not a row of key, default, meaning: {line}"
            key, value, word, _ = row.groups()
            table = tables.setdefault(heading, {})
            assert key not in table, f"{key} stands twice"
            table[key] = word if word else parse_value(value, "docs", {})
    return tables


def defaults(model: type[BaseModel], prefix: str = "") -> Table:
    """Key -> default of a model; blocks are followed, a choice of blocks is not."""
    found: Table = {}
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = models(field.annotation)
        if inner == [SourceConfig]:  # its keys are listed once, those of data
            found[key] = _plain(field.get_default(call_default_factory=True))
        elif len(inner) == 1:
            found |= defaults(inner[0], f"{key}.")
        elif not inner:
            value = field.get_default(call_default_factory=True, validated_data={})
            found[key] = REQUIRED if value is PydanticUndefined else _plain(value)
    return found


def _plain(value: Any) -> Any:
    return NONE if value is None else to_jsonable_python(value)


def test_every_key_of_a_run_is_documented_with_its_default() -> None:
    tables = documented()
    plain = {key: v for name, t in tables.items() if ", " not in name for key, v in t.items()}
    assert plain == defaults(RunConfig)


def test_the_keys_that_every_source_has_are_named() -> None:
    said = TEXT.partition("### data, several sources and finer bars\n")[2].partition("The others")[
        0
    ]
    assert re.findall(r"`(\w+)`", said.partition(": ")[2]) == list(SourceConfig.model_fields)
    assert set(SourceConfig.model_fields) < set(DataConfig.model_fields)


@pytest.mark.parametrize("kind", SIZINGS)
def test_every_key_of_a_sizing_is_documented_with_its_default(kind: str) -> None:
    tables = documented()
    found = tables["sizing, every kind"] | tables[f"sizing, kind: {kind}"]
    assert found == defaults(SIZINGS[kind], "sizing.")


@pytest.mark.parametrize("kind", SIZERS)
def test_every_key_of_a_backtrader_sizer_is_documented_with_its_default(kind: str) -> None:
    found = documented()[f"backtrader.sizer, kind: {kind}"]
    assert found == defaults(SIZERS[kind], "backtrader.sizer.")


@pytest.mark.parametrize("kind", SPREADS)
def test_every_key_of_a_spread_is_documented_with_its_default(kind: str) -> None:
    assert documented()[f"costs.spread, kind: {kind}"] == defaults(SPREADS[kind], "costs.spread.")


@pytest.mark.parametrize("kind", FEES)
def test_every_key_of_a_kind_of_fees_is_documented_with_its_default(kind: str) -> None:
    assert documented()[f"costs.fees, kind: {kind}"] == defaults(FEES[kind], "costs.fees.")


@pytest.mark.parametrize("kind", ACTIONS)
def test_every_key_of_a_kind_of_actions_is_documented_with_its_default(kind: str) -> None:
    assert documented()[f"data.actions, kind: {kind}"] == defaults(ACTIONS[kind], "data.actions.")


@pytest.mark.parametrize(
    ("block", "kind"),
    [(block, kind) for block, group in KINDS.items() for kind in registry.names(group)],
)
def test_every_key_of_a_registered_class_is_documented_with_its_default(
    block: str, kind: str
) -> None:
    document = parse(f"{block}: {{kind: {kind}}}", where="c", folder=Path())
    cls = registry.find(KINDS[block], kind, document, key=block)
    wanted = defaults(registry.signature_model(cls), f"{block}.")
    tables = documented()
    shared = [tables[title] for base, title in SHARED.items() if issubclass(cls, base)]
    own = tables[f"{block}, kind: {kind}"]
    assert not any(own.keys() & table.keys() for table in shared)
    assert {key: value for table in [*shared, own] for key, value in table.items()} == wanted


def test_the_example_is_a_valid_config() -> None:
    example = TEXT.partition("```yaml\n")[2].partition("```")[0]
    document = parse(example, where="docs/config.md", folder=Path())
    assert checked(RunConfig, document.values, document).name == "lstm-timing"


def test_every_key_of_a_comparison_of_selectors_is_documented_with_its_default() -> None:
    text = (Path(__file__).parents[2] / "docs" / "selection-board.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (.*?) \|", text, re.MULTILINE))
    model = SelectorBench.model_fields
    blocks = {f"factors.{key}": one for key, one in FactorsConfig.model_fields.items()}
    assert rows.keys() == {*(model.keys() - {"factors"}), *blocks}
    assert rows["groups"] == f"`{model['groups'].default}`"
    assert rows["factors.names"] == f"`[{', '.join(blocks['factors.names'].default)}]`"


@pytest.mark.parametrize("kind", ["replay", "sim", "yahoo", "alpaca", "ccxt"])
def test_every_key_of_a_feed_stands_in_its_row(kind: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "paper.md").read_text("utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| `{kind}` |"))
    document = parse(f"feed: {{kind: {kind}}}", where="c", folder=Path())
    keys = inspect.signature(registry.find("feeds", kind, document, key="feed")).parameters
    assert not [name for name in keys if f"`{name}" not in row]
