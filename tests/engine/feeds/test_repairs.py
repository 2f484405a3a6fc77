from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from tradewind.engine.config.run import DataConfig
from tradewind.engine.feeds.history import History

Make = Callable[..., Any]
Write = Callable[..., Path]
Look = Callable[..., History]
Text = Callable[..., str]

ROWS = [f"2017-01-{9 + k:02d},{10 + k},{12 + k},{9 + k},{11 + k},{100 + k}" for k in range(5)]


@pytest.fixture
def mend(csv_of: Text, write: Write, look: Look) -> Any:
    """What is left of rows of one symbol after repairs."""

    def inspect(rows: Any, *repairs: Any, **keys: Any) -> Any:
        return look(write(csv_of(*rows), "AAA.csv"), repair=repairs, **keys)

    return inspect


@pytest.mark.parametrize(
    ("dirt", "repair"),
    [
        ("2017-01-16,15,17,14,,105", "drop_bad_bars"),
        ("2017-01-16,15,17,0,16,105", "drop_bad_bars"),
        ("2017-01-16,15,15.5,14,16,105", "drop_bad_bars"),
        ("2017-01-13,14,16,13,15,104", "drop_duplicates"),
        ("2026-06-01,15,17,14,16,105", "drop_future"),
    ],
)
def test_the_repair_asked_for_gives_the_clean_panel_and_is_counted(
    dirt: str, repair: str, mend: Look
) -> None:
    clean = mend(ROWS)
    found = mend([*ROWS, dirt], repair)
    assert found.panel.digest() == clean.panel.digest()
    assert found.findings == ()
    assert found.repairs == {repair: 1}


def test_nothing_is_repaired_unasked(mend: Look) -> None:
    found = mend([*ROWS, "2017-01-16,15,15.5,14,16,105"], "drop_duplicates", "drop_future")
    assert found.repairs == {"drop_duplicates": 0, "drop_future": 0}
    assert [f.kind for f in found.refused] == ["high_low"]


def test_sorting_counts_the_rows_that_stood_too_late(mend: Look) -> None:
    found = mend(ROWS[::-1], "sort")
    assert found.panel.digest() == mend(ROWS).panel.digest()
    assert found.repairs == {"sort": 4}


def test_a_widened_bar_holds_its_open_and_close(mend: Look) -> None:
    found = mend(
        [*ROWS, "2017-01-16,15,15.5,14.5,16,105", "2017-01-17,13,17,14,16,106"], "widen_high_low"
    )
    assert found.refused == ()
    assert found.repairs == {"widen_high_low": 2}
    assert found.panel.high[-2:, 0].tolist() == [16, 17]
    assert found.panel.low[-2:, 0].tolist() == [14.5, 13]


def test_widening_comes_before_dropping(mend: Look) -> None:
    found = mend([*ROWS, "2017-01-16,15,15.5,14.5,16,105"], "drop_bad_bars", "widen_high_low")
    assert found.repairs == {"widen_high_low": 1, "drop_bad_bars": 0}


def test_two_bars_for_one_time_with_other_numbers_stay_refused(
    mend: Look,
) -> None:
    found = mend(
        [*ROWS, "2017-01-13,14,16,13,15.5,104"], "drop_duplicates", "sort", "drop_bad_bars"
    )
    assert [f.kind for f in found.refused] == ["conflict"]


def test_a_bad_copy_of_a_good_bar_is_no_conflict_once_bad_bars_are_dropped(
    mend: Look,
) -> None:
    rows = [*ROWS, "2017-01-13,14,16,13,,104"]
    assert [f.kind for f in mend(rows).refused] == ["nan", "conflict"]
    found = mend(rows, "drop_bad_bars", "drop_duplicates")
    assert found.findings == ()
    assert found.panel.digest() == mend(ROWS).panel.digest()


def test_a_copied_run_keeps_its_first_bar(mend: Look) -> None:
    copies = [f"2017-01-{16 + k:02d},15,17,14,16,105" for k in range(5)]
    found = mend([*ROWS, *copies], "drop_stale")
    assert found.repairs == {"drop_stale": 4}
    assert found.panel.n_bars == 6
    assert found.refused == ()


def test_bars_on_holidays_are_dropped_by_name(mend: Look) -> None:
    rows = ["2017-01-13,10,12,9,11,100", "2017-01-16,10,12,9,11,101", "2017-01-17,10,12,9,11.5,102"]
    found = mend(rows, "drop_off_session", calendar="XNYS")
    assert found.repairs == {"drop_off_session": 1}
    assert found.findings == ()
    assert found.panel.n_bars == 2


def test_further_columns_follow_their_rows(market: Make, write: Write, look: Look) -> None:
    table = market(n_bars=6, symbols=("AAA",)).single("AAA")
    table = table.append_column("bid", pa.array(np.arange(6.0)))
    path = write(table.take([5, 4, 3, 2, 1, 0]), "AAA.csv")
    assert look(path, repair=("sort",)).panel.columns["bid"][:, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_a_symbol_of_which_repairs_leave_nothing_is_refused_by_name(
    csv_of: Text, write: Write, look: Look
) -> None:
    text = csv_of(
        *(f"AAA,{row}" for row in ROWS),
        "BBB,2017-01-09,-1,1,1,1,1",
        header="symbol,date,open,high,low,close,volume",
    )
    named = look(write(text), symbols=("AAA", "BBB"), repair=("drop_bad_bars",))
    assert [(f.kind, f.symbol) for f in named.refused] == [("no_bars", "BBB")]
    everything = look(write(text), repair=("drop_bad_bars",))
    assert everything.refused == ()
    assert everything.panel.symbols == ("AAA",)


def test_a_repair_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError, match="repair"):
        DataConfig.model_validate({"repair": ["fill_forward"]})
