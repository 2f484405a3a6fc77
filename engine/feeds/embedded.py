"""The data that ships with tradewind: 120 US stocks, daily, 2013 to 2017."""

from importlib import resources
from typing import Any

import numpy as np

from tradewind.engine.feeds import arrow
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.records import FIELDS

FILE = "us_daily_2013_2017.parquet"
CALENDAR = "XNYS"
SURVIVORSHIP = (
    "Embedded universe: 120 members of the S&P 500 of 2013, chosen among names without faulty "
    "bars; 100 trade to the end and 20 leave the index and end early, so survivors are "
    "over-represented: compare with an equal-weight portfolio of the same names."
)
NOTE = (
    "Embedded prices are Quandl WIKI end-of-day prices, adjusted for splits and dividends as known "
    "in 2017."
)


def read() -> list[RawBars]:
    """Every bar, symbols in alphabetical order; prices widened from float32 to float64."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = resources.files("tradewind.engine.feeds") / "embedded_data" / FILE
    with resources.as_file(source) as path, path.open("rb") as file:
        table = pq.ParquetFile(file).read()
    names, code = arrow.coded(table["symbol"])
    days = arrow.ints(table["date"].cast(pa.timestamp("ns")))
    values = {name: arrow.floats(table[name]) for name in FIELDS}
    order = np.argsort(code, kind="stable")
    bounds = np.searchsorted(code[order], np.arange(len(names) + 1))
    bars = []
    for k in np.argsort(names):
        at = order[bounds[k] : bounds[k + 1]]
        fields: Any = {name: array[at] for name, array in values.items()}
        bars.append(RawBars(names[k], days[at], **fields, origin=FILE, row=at + 1))
    return bars
