from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tradewind.engine.errors import DataError
from tradewind.engine.records import FIELDS, Panel
from tradewind.engine.shared_panel import map_panel, read_only, write_panel


@pytest.fixture
def panel(make_walk: Callable[..., Panel]) -> Panel:
    walk = make_walk(0, 30, 3)
    walk.close[20:, 1] = np.nan
    return replace(
        walk,
        symbols=("MSFT", "BRK.B", "Ä"),
        ends=np.array([-1, 19, -1]),
        calendar="XNYS",
        columns={"bid/ask": walk.close - 1.0},
    )


def test_a_mapped_panel_is_the_panel_that_was_written(panel: Panel, tmp_path: Path) -> None:
    write_panel(panel, tmp_path)
    mapped = map_panel(tmp_path)
    assert mapped.digest() == panel.digest()
    assert mapped.columns.keys() == panel.columns.keys()
    assert type(mapped.close) is np.ndarray


def test_no_calendar_stays_no_calendar(make_walk: Callable[..., Panel], tmp_path: Path) -> None:
    write_panel(make_walk(0, 5, 1), tmp_path)
    assert map_panel(tmp_path).calendar is None


def test_calendars_that_differ_are_kept(panel: Panel, tmp_path: Path) -> None:
    mixed = replace(panel, calendar=None, calendars=("XNYS", None, "24/7"))
    write_panel(mixed, tmp_path)
    mapped = map_panel(tmp_path)
    assert mapped.calendar_of_each == ("XNYS", None, "24/7")
    assert mapped.digest() == mixed.digest() != panel.digest()
    assert mapped.select(["MSFT"]).calendar == "XNYS"
    with pytest.raises(DataError, match="wanted one for each of the 3 symbols, or one calendar"):
        replace(mixed, calendar="XNYS")


@pytest.mark.parametrize("name", [*FIELDS, "ts", "ends"])
def test_neither_form_can_be_written_to(panel: Panel, tmp_path: Path, name: str) -> None:
    write_panel(panel, tmp_path)
    for shared in (map_panel(tmp_path), read_only(panel)):
        with pytest.raises(ValueError, match="read-only"):
            getattr(shared, name)[0] = 1
    assert panel.close.flags.writeable
