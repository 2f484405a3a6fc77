"""The config and the manifest: what it takes to get this page again."""

from collections.abc import Iterator, Mapping
from typing import Any

from tradewind.engine.jsonable import jsonable
from tradewind.engine.report.section import Context, Section, render
from tradewind.engine.report.text import config_text

MAX_CONFIG = 20_000  # characters shown; a list of thousands of symbols is cut
MAX_ROWS = 120


def setup(context: Context) -> Section:
    """Resolved config as YAML, manifest as a table of dotted keys."""
    text = config_text(context.run.config)
    cut = len(text) > MAX_CONFIG
    rows = list(flat(jsonable(context.run.manifest)))
    html = render(
        "setup.html",
        config=text[:MAX_CONFIG],
        cut=cut,
        rows=rows[:MAX_ROWS],
        more=max(0, len(rows) - MAX_ROWS),
        name=context.run.name,
    )
    return Section("setup", "How to get this run again", html, "Config")


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Leaves of nested mappings, with dotted keys; long values are cut."""
    for key, value in values.items():
        name = f"{prefix}{key}"[:200]
        if isinstance(value, Mapping):
            yield from flat(value, f"{name}.")
        else:
            items = [str(v) for v in value] if isinstance(value, list) else None
            text = ", ".join(items) if items is not None else str(value)
            yield name, text if len(text) <= 300 else f"{text[:300]}…"
