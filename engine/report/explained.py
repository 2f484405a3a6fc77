"""What a strategy told about a run: as JSON beside the run, and as a page of its own."""

from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup

from tradewind.engine.explanation import Curves, Explanation, Grid, Heat, Line, Sheet
from tradewind.engine.jsonable import jsonable
from tradewind.engine.report import packing, words
from tradewind.engine.report.page import SCRIPTS, skeleton
from tradewind.engine.report.section import Chart, Section, render

PAGE = "explanation.html"
NONE = "\u2013"
MOST_ROWS = 1_500  # of a table on the page; all are in the JSON


def packed(explanation: Explanation) -> dict[str, Any]:
    """Explanation as JSON, arrays packed as the page unpacks them."""
    return {
        "title": explanation.title,
        "numbers": jsonable(explanation.numbers),
        "sheets": [_sheet(sheet) for sheet in explanation.sheets],
    }


def _sheet(sheet: Sheet) -> dict[str, Any]:
    return {
        "title": sheet.title,
        "short": sheet.short or sheet.title,
        "sentences": list(sheet.sentences),
        "pictures": [
            _curves(one) if isinstance(one, Curves) else _heat(one) for one in sheet.pictures
        ],
        "grids": [_grid(one) for one in sheet.grids],
    }


def _curves(one: Curves) -> dict[str, Any]:
    data = {
        "time": packing.times(one.ts),
        "lines": [_line(line) for line in one.lines],
        "marks": [
            {"row": mark.row, "value": mark.value, "text": mark.text, "up": mark.up}
            for mark in one.marks
        ],
        "format": one.format,
    }
    return {"kind": "marked", "title": one.title, "label": one.label, "note": one.note,
            "height": one.height, "data": data}  # fmt: skip


def _line(line: Line) -> dict[str, Any]:
    found: dict[str, Any] = {"name": line.name, "values": packing.floats(line.values)}
    if line.role:
        found["role"] = line.role
    if line.low is not None and line.high is not None:
        found |= {"low": packing.floats(line.low), "high": packing.floats(line.high)}
    return found


def _heat(one: Heat) -> dict[str, Any]:
    data = {"names": list(one.names), "values": packing.floats(one.values.ravel()),
            "unit": one.unit}  # fmt: skip
    height = 120 + 14 * len(one.names)
    return {"kind": "heat", "title": one.title, "label": one.label, "note": one.note,
            "height": height, "data": data}  # fmt: skip


def _grid(one: Grid) -> dict[str, Any]:
    return {
        "caption": one.caption,
        "columns": [{"name": column.name, "kind": column.kind} for column in one.columns],
        "rows": jsonable([list(row) for row in one.rows]),
    }


def render_explanation(name: str, told: Mapping[str, Any]) -> str:
    """HTML of the page.

    Parameters
    ----------
    name : str
        Of the run.
    told : mapping
        From :func:`packed`, or read from a folder.
    """
    head = render("explanation_head.html", name=name, title=told["title"])
    sections = [_section(i, sheet) for i, sheet in enumerate(told["sheets"])]
    return skeleton(f"{told['title']}: {name}", head, sections, SCRIPTS)


def _section(i: int, sheet: Mapping[str, Any]) -> Section:
    charts = [
        (
            Chart(f"sheet-{i}-{j}", one["kind"], one["data"], one["label"], one["height"]),
            one["title"],
            one["note"],
        )
        for j, one in enumerate(sheet["pictures"])
    ]
    grids = [written(grid) for grid in sheet["grids"]]
    html = render(
        "explanation_sheet.html", sentences=sheet["sentences"], charts=charts, grids=grids
    )
    return Section(f"sheet-{i}", sheet["title"], html, sheet["short"])


def written(grid: Mapping[str, Any], most: int = MOST_ROWS) -> dict[str, Any]:
    """Table with its values as text, cut to ``most`` rows."""
    kinds = [column["kind"] for column in grid["columns"]]
    rows = [
        [(_text(value, kind), kind != "text") for value, kind in zip(row, kinds, strict=True)]
        for row in grid["rows"][:most]
    ]
    heads = [(column["name"], column["kind"] != "text") for column in grid["columns"]]
    return {"caption": grid["caption"], "heads": heads, "rows": rows,
            "more": max(0, len(grid["rows"]) - most)}  # fmt: skip


def _text(value: Any, kind: str) -> str | Markup:
    if value is None or isinstance(value, str):
        return NONE if value is None else value
    writers: dict[str, Callable[[Any], str]] = {
        "number": lambda v: words.significant(v, 4),
        "whole": lambda v: words.number(v, 0),
        "money": words.money,
        "percent": words.percent,
        "signed_percent": words.signed_percent,
    }
    return str(writers[kind](value)) if kind in writers else str(value)
