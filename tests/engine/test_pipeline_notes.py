from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tradewind.engine.feeds.history import Finding, History
from tradewind.engine.pipeline import notes
from tradewind.engine.records import Panel
from tradewind.engine.report.sections.notes import folded

LEAVES = "ends before the others; what is held of it is sold at its last close"


def finding(kind: str, symbol: str, date: str, message: str) -> Finding:
    return Finding(kind, symbol, date, "notice", "bars.csv:7", message)


@pytest.fixture
def panel(make_walk: Callable[..., Panel]) -> Panel:
    walk: Panel = make_walk(3, 20, 40)
    return walk


def said(panel: Panel, *findings: Finding) -> tuple[str, ...]:
    return notes(History(panel, findings), (), panel)


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            finding("missing_session", "", "2017-11-08", "no symbol has a bar on 2017-11-08"),
            "2017-11-08: no symbol has a bar",
        ),
        (
            finding("missing_session", "KO", "2017-11-08", "no bar on 2017-11-08"),
            "KO 2017-11-08: no bar",
        ),
        (
            finding("begins_late", "KO", "2014-02-03", "begins on 2014-02-03, later than 2013"),
            "KO: begins on 2014-02-03, later than 2013",
        ),
        (
            finding("gap", "KO", "2014-02-03", "no bar on 9 sessions from 2014-02-03 to 2014"),
            "KO: no bar on 9 sessions from 2014-02-03 to 2014",
        ),
        (finding("spike", "KO", "2014-02-03", "falls by half"), "KO 2014-02-03: falls by half"),
        (finding("volume", "KO", "", "no volume"), "KO: no volume"),
        (finding("interval", "", "", "bars are 1h apart"), "bars are 1h apart"),
    ],
)
def test_a_note_gives_the_place_and_the_date_once(panel: Panel, found: Finding, line: str) -> None:
    assert said(panel, found) == (line,)


def test_one_line_names_all_who_leave(panel: Panel) -> None:
    ends = np.full(panel.n_symbols, -1)
    ends[[1, 4]] = 9
    lives = [finding("ends_early", f"S{k}", "2014-02-03", LEAVES) for k in (1, 4)]
    assert said(replace(panel, ends=ends), *lives) == (
        "2 symbols stop trading inside the data and what is held is sold at their last close: "
        "S1, S4",
    )


def test_one_who_leaves_is_no_plural_and_a_crowd_is_counted(panel: Panel) -> None:
    ends = np.full(panel.n_symbols, -1)
    ends[3] = 9
    (line,) = said(replace(panel, ends=ends))
    assert line.startswith("1 symbol stops trading") and line.endswith("at its last close: S3")
    (line,) = said(replace(panel, ends=np.full(panel.n_symbols, 9)))
    assert line.startswith("40 symbols stop") and line.endswith("S28, S29 and 10 more")


def test_the_doubt_whether_a_symbol_has_ended_at_all_is_not_folded_away(panel: Panel) -> None:
    doubt = f"{LEAVES}, unless its file is merely older than theirs: then set data.end"
    assert said(panel, finding("ends_early", "S1", "2014-02-03", doubt)) == (
        f"S1 2014-02-03: {doubt}",
    )


def test_the_page_still_folds_what_is_said_of_several_dates(panel: Panel) -> None:
    days = ("2017-11-08", "2017-11-10")
    lines = said(panel, *(finding("missing_session", "KO", d, f"no bar on {d}") for d in days))
    (note,) = folded(lines)
    assert note.text == "no bar"
    assert note.places == ["KO 2017-11-08", "KO 2017-11-10"]
