"""Curves over time as SVG."""

import re

import numpy as np

from tradewind.engine.report.lines import lines


def years_of(first: str, last: str) -> list[str]:
    dates = np.arange(np.datetime64(first), np.datetime64(last))
    curve = np.linspace(1.0, 2.0, len(dates))
    drawn = str(lines(dates, {"one": curve}, ["one"], "A curve."))
    return re.findall(r'class="unit"[^>]*>(\d{4})<', drawn)


def test_every_year_is_named_while_there_is_room() -> None:
    assert years_of("2012-06-01", "2016-03-01") == ["2013", "2014", "2015", "2016"]
    assert years_of("2012-06-01", "2012-09-01") == []


def test_of_many_years_every_second_or_third_is_named() -> None:
    found = years_of("1989-12-01", "2017-11-10")
    assert found[:3] == ["1990", "1992", "1994"]
    assert len(found) == 14
