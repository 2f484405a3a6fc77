"""docs/sweeps.md names every key of the block, with the default it has; its examples are valid."""

import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

from tradewind.engine.config.faults import models
from tradewind.engine.config.sweeping import SweepConfig, sweep_config
from tradewind.engine.config.yaml import parse, parse_value
from tradewind.engine.sweeping.paths import check_paths
from tradewind.engine.sweeping.space import space_of

DOCUMENT = (Path(__file__).parents[3] / "docs" / "sweeps.md").read_text("utf-8")
ROW = re.compile(r"^\| `([\w.]+)` \| (?:`(.*?)`|(\w+)) \|", re.MULTILINE)


def defaults(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """Key -> default, blocks followed."""
    said: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        key, inner = field.alias or name, models(field.annotation)
        if inner:
            said |= defaults(inner[0], f"{prefix}{key}.")
            continue
        value = field.get_default(call_default_factory=True, validated_data={})
        missing = "required" if value is PydanticUndefined else "none"
        plain = value is PydanticUndefined or value is None
        said[prefix + key] = missing if plain else to_jsonable_python(value)
    return said


def test_every_key_is_documented_with_its_default() -> None:
    table = {
        key: word or parse_value(value, "sweeps.md", {})
        for key, value, word in ROW.findall(DOCUMENT)
    }
    assert table == defaults(SweepConfig)


def test_the_example_is_valid() -> None:
    example = DOCUMENT.partition("```yaml\n")[2].partition("```")[0]
    document = parse(example, where="sweeps.md", folder=Path())
    config, given = sweep_config(document)
    check_paths(given, document)
    space = space_of(given, document)
    assert [param.name for param in space.params] == [
        "strategy.fast", "strategy.slow", "strategy.short", "costs.fee_bps",
    ]  # fmt: skip
    assert space.fixed == {"account.max_leverage": 1.0}
    assert config.holdout is not None
