"""How the candle tables of the documents are worded: rows, wishes, fills, settings."""

import re
from pathlib import Path
from typing import Any

from tradewind.engine.config.yaml import parse
from tradewind.engine.records import Panel
from tradewind.engine.types import Action, Intent, OrderType, TimeInForce

FILL = re.compile(r"^([+-][\d.]+)(?: ([AB]))? @ ([\d.]+)(?: fee ([\d.]+))?$")
NUMBERS = (
    "limit", "stop", "trail", "trail_fraction", "stop_loss", "take_profit", "stop_trail",
    "stop_trail_fraction", "qty",
)  # fmt: skip
Row = dict[str, str]
Fills = list[tuple[int, int, float, float]]  # bar, column, units, price


def rows_of(text: str) -> list[Row]:
    """The rows of the markdown table in a text, by the names of its columns."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    names, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [dict(zip(names, row, strict=True)) for row in rows[1:]]


def settings(text: str | None, page: Path) -> dict[str, Any]:
    """A YAML mapping in a line of a page; nothing is the empty one."""
    document = parse(f"given: {text or '{}'}", where=page.name, folder=page.parent)
    return dict(document.values["given"])


def words(text: str) -> list[str]:
    """Names with commas between them."""
    return [word.strip(" `") for word in text.split(",") if word.strip()]


def place(row: Row) -> tuple[int, int]:
    """(bar, column) of a row; the bar stands alone where there is one symbol."""
    bar, _, symbol = row["bar"].partition(" ")
    return int(bar), "AB".index(symbol or "A")


def wishes(table: list[Row], panel: Panel) -> dict[int, list[Intent]]:
    """What is asked at the close of each bar."""
    asks: dict[int, list[Intent]] = {}
    for row in table:
        for said in filter(None, row["asked at its close"].split(";")):
            t, k = place(row)
            asks.setdefault(t, []).append(wish(said.split(), k, panel))
    return asks


def wish(said: list[str], k: int, panel: Panel) -> Intent:
    """``buy 5 stop 102 limit 101 oco 1 until 2`` and the like."""
    verb, number, *rest = said
    given = _named(rest, panel)
    if verb in ("cancel", "replace"):
        order = -1 if number == "all" else int(number)
        return Intent(k, action=Action[verb.upper()], order=order, **given)
    given.setdefault("order_type", _type(given))
    if verb == "target":
        return Intent(k, float(number), **given)
    assert verb in ("buy", "sell"), verb
    sign = 1.0 if verb == "buy" else -1.0
    return Intent(k, action=Action.ORDER, qty=sign * float(number), **given)


def _named(rest: list[str], panel: Panel) -> dict[str, Any]:
    given: dict[str, Any] = {}
    while rest:
        name = rest.pop(0)
        if name in ("day", "ioc"):
            given["tif"] = TimeInForce[name.upper()]
        elif name == "close":
            given["order_type"] = OrderType.MARKET_ON_CLOSE
        elif name == "reduce_only":
            given["reduce_only"] = True
        elif name == "until":
            given["tif"], given["until"] = TimeInForce.GTD, int(panel.ts[int(rest.pop(0))])
        elif name == "bars":
            given["tif"], given["until"] = TimeInForce.BARS, int(rest.pop(0))
        else:
            assert name in (*NUMBERS, "oco"), name
            given[name] = int(rest.pop(0)) if name == "oco" else float(rest.pop(0))
    return given


def _type(given: dict[str, Any]) -> OrderType:
    if "trail" in given or "trail_fraction" in given:
        return OrderType.TRAILING_STOP
    if "stop" in given:
        return OrderType.STOP_LIMIT if "limit" in given else OrderType.STOP
    return OrderType.LIMIT if "limit" in given else OrderType.MARKET


def filled_in(row: Row, column: str) -> list[tuple[float, float, float]]:
    """(units, price, fee) of each fill that a row tells."""
    found = []
    for text in filter(None, (part.strip() for part in row[column].split(","))):
        match = FILL.match(text)
        assert match, f"cannot be read as a fill: {text!r}"
        found.append((float(match[1]), float(match[3]), float(match[4] or 0.0)))
    return found


def fills(table: list[Row], column: str) -> Fills:
    """Every fill of a column, by bar and symbol."""
    return sorted(
        (*place(row), units, price) for row in table for units, price, _ in filled_in(row, column)
    )
