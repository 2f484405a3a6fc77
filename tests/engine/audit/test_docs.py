"""The examples of docs/audit.md run, and its table names every check."""

import re
from pathlib import Path

from tradewind.engine.audit.findings import CALLED, Danger

PAGE = (Path(__file__).parents[3] / "docs" / "audit.md").read_text("utf-8")


def test_the_python_example_finds_the_price_level_in_a_range() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (example,) = (block for block in blocks if "audit(" in block)
    held: dict[str, object] = {}
    exec(example, held)
    report = held["report"]
    assert [one.danger for one in report.findings] == [Danger.PRICE_LEVEL]  # type: ignore[attr-defined]


def test_every_danger_has_a_name() -> None:
    assert set(CALLED) == set(Danger)
    assert "filled on the deciding bar" in PAGE
