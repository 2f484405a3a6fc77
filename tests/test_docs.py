"""What the documents say can be typed and followed."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from tradewind.engine.cli.app import app

ROOT = Path(__file__).parents[1]
FOLDERS = (
    ".", "docs", "docs/broker-rules", "configs", "engine", "forecasters", "strategies",
    "benchmarks",
)  # fmt: skip
PAGES = [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.md"))]
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
SHELL = re.compile(r"```(?:sh|bash|console)\n(.*?)```", re.DOTALL)
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def commands() -> dict[str, Any]:
    """Every command and group by its full name."""
    found = {}
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        found[name] = command
        for part, leaf in getattr(command, "commands", {}).items():
            found[f"{name} {part}"] = leaf
    return found


def typed(text: str) -> list[list[str]]:
    """Words of every tradewind command in a page's shell blocks, comments left out."""
    lines = [line for block in SHELL.findall(text) for line in block.splitlines()]
    found = []
    for line in lines:
        for part in line.partition(" # ")[0].split("&&"):
            words = shlex.split(part.strip().removeprefix("$ "), comments=True)
            if words and Path(words[0]).name == "tradewind":
                found.append(words[1:])
    return found


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = [
        link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()
    ]
    assert not dead


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_command_shown_exists_with_its_options(page: Path) -> None:
    known = commands()
    for words in typed(page.read_text("utf-8")):
        if not words or words[0].startswith("-"):
            continue
        name = " ".join(words[:2]) if " ".join(words[:2]) in known else words[0]
        assert name in known, f"tradewind {' '.join(words)}"
        options = {option for parameter in known[name].params for option in parameter.opts}
        used = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert used <= options | {"--help"}, f"tradewind {' '.join(words)}"


def test_the_pages_do_show_commands() -> None:
    assert sum(len(typed(page.read_text("utf-8"))) for page in PAGES) > 10
