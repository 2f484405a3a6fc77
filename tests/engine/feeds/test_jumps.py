from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tradewind.engine.feeds.history import History

Make = Callable[..., Any]
Write = Callable[..., Path]
Look = Callable[..., History]


def split_market(market: Make, ratio: float, turnover: float, spread: float = 1.0) -> pa.Table:
    """A market that opens ``ratio`` times lower on its 26th bar, with so much turnover."""
    table = market(n_bars=40, symbols=("AAA",)).single("AAA").to_pydict()
    for name in ("open", "high", "low", "close"):
        table[name][25:] = [value / ratio for value in table[name][25:]]
    table["volume"][25:] = [value * ratio for value in table["volume"][25:]]
    table["volume"][25] *= turnover
    table["high"][25] *= spread
    return pa.table(table)


@pytest.mark.parametrize("ratio", [2, 3, 1.5, 7, 20, 1 / 10, 1 / 2])
def test_a_split_nobody_adjusted_for_is_refused(
    ratio: float,
    market: Make,
    write: Write,
    look: Look,
) -> None:
    (found,) = look(write(split_market(market, ratio, 1.0), "AAA.csv")).refused
    assert (found.kind, found.date) == ("split_like", "2017-02-13")
    assert "not adjusted for" in found.message


@pytest.mark.parametrize(
    ("ratio", "turnover", "spread"),
    [(2, 8.0, 1.0), (2, 1.0, 1.5), (1.75, 1.0, 1.0), (1.6, 1.0, 1.0)],
    ids=["a crash trades more", "a crash ranges more", "no usual ratio", "no usual ratio either"],
)
def test_a_crash_is_noticed_and_not_taken_for_a_split(
    ratio: float,
    turnover: float,
    spread: float,
    market: Make,
    write: Write,
    look: Look,
) -> None:
    (found,) = look(write(split_market(market, ratio, turnover, spread), "AAA.csv")).findings
    assert (found.kind, found.severity) == ("jump", "notice")


def test_a_split_adjusted_in_the_adjusted_close_is_none(
    market: Make, write: Write, look: Look
) -> None:
    table = split_market(market, 2.0, 1.0)
    close = table["close"].to_pylist()
    adjusted = pa.array([c / 2 if k < 25 else c for k, c in enumerate(close)])
    history = look(write(table.append_column("Adj Close", adjusted), "AAA.csv"))
    assert history.findings == ()
    kinds = [f.kind for f in look(write(table, "AAA.csv")).refused]
    assert kinds == ["split_like"]


def test_without_volume_a_split_can_only_be_suspected(
    market: Make, write: Write, look: Look
) -> None:
    path = write(split_market(market, 2.0, 1.0), "AAA.csv")
    (found,) = look(path, columns={"volume": "none"}).findings
    assert (found.kind, found.severity) == ("split_like", "notice")


@pytest.mark.parametrize("factor", [10, 0.1, 0.01])
def test_a_misplaced_decimal_point_is_one_refusal(
    factor: float,
    market: Make,
    write: Write,
    look: Look,
) -> None:
    table = market(n_bars=40, symbols=("AAA",)).single("AAA").to_pydict()
    for name in ("open", "high", "low", "close"):
        table[name][25:27] = [value * factor for value in table[name][25:27]]
    (found,) = look(write(pa.table(table), "AAA.csv")).findings
    assert (found.kind, found.severity, found.date) == ("spike", "refuse", "2017-02-13")
    assert found.n_rows == 2
    assert "2 bars stand at" in found.message
