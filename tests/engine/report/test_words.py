"""Numbers as a person reads them."""

from math import inf, nan
from typing import Any

import numpy as np
import pytest

from tradewind.engine.report import words


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (words.number(1234.567), "1,234.57"),
        (words.number(-0.5), "-0.50"),
        (words.number(-0.001), "0.00"),
        (words.number(None), "none"),
        (words.number(nan), "none"),
        (words.number(inf), "∞"),
        (words.number(-inf), "-∞"),
        (words.number(True), "none"),
        (words.number(np.float64(2.5)), "2.50"),
        (words.percent(0.1234), "12.3%"),
        (words.percent(-0.0001), "0.0%"),
        (words.percent(None), "none"),
        (words.signed(0.5), "+0.50"),
        (words.signed(0.001), "0.00"),
        (words.signed_percent(-0.02), "-2.0%"),
        (words.money(1234.5), "1,234"),
        (words.money(12.345), "12.35"),
        (words.money(12.345, 5_000), "12"),
        (words.significant(0.00123456), "0.00123"),
        (words.significant(123456.0, 4), "123,456"),
        (words.significant(0), "0"),
        (words.significant(1.5e-12), "1.50e-12"),
        (words.p_value(0.0004), "< 0.001"),
        (words.p_value(0.04), "0.040"),
        (words.plus_minus(1.5, 0.25), "1.50\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.25"),
        (words.plus_minus(1.5, None), "1.50"),
        (words.plural(1, "trade"), "1 trade"),
        (words.plural(2_000, "trade"), "2,000 trades"),
        (words.moment(np.datetime64("2020-01-02")), "2020-01-02"),
        (words.moment(np.datetime64("2020-01-02T15:30:00.5", "ns")), "2020-01-02 15:30"),
    ],
)  # fmt: skip
def test_a_number_is_written_so(shown: Any, wanted: str) -> None:
    assert shown.replace(words.MINUS, "-").replace(words.MISSING, "none") == wanted


def test_a_minus_is_a_minus_and_no_hyphen() -> None:
    assert words.number(-1) == "\N{MINUS SIGN}1.00"
    assert words.number(None) == "\N{EN DASH}"
