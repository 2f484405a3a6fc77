"""Gatev, Goetzmann and Rouwenhorst's experiment on the data at hand, put into ``docs/pairs.md``.

``python benchmarks/ggr.py [--data FOLDER] [--out docs/pairs.md] [--json]``. Runs the preset
``pairs-ggr`` with 5 and 20 pairs on the embedded stocks and, with a folder, on the long panel of US
stocks in it; without costs, as the paper has it, and after them. What stands between the marks of
the page is replaced.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ggr_page import section

from tradewind.engine import pipeline, trading
from tradewind.engine.config.file import load
from tradewind.engine.errors import TradewindError
from tradewind.engine.outlook import Outlook
from tradewind.engine.pipeline import Diary
from tradewind.engine.progress import SILENT
from tradewind.engine.protocols import Signals
from tradewind.engine.records import Floats, Ints, Panel
from tradewind.engine.scoring.newey_west import newey_west_mean
from tradewind.strategies.pairing.forming import due_bars
from tradewind.strategies.pairing.retelling import Course, retell
from tradewind.strategies.pairing.trading import PairInputs
from tradewind.strategies.pairs import Pairs

HERE = Path(__file__).resolve().parent
LONG = "us_stocks_daily_1962_2017.parquet"
NOTHING = ("costs.fee_bps=0", "costs.spread={kind: constant, bps: 0}", "costs.slippage_bps=0",
           "costs.borrow_annual=0")  # fmt: skip
LAGS = 6  # months that portfolios overlap, as in the paper
BEGIN, END = "<!-- begin ggr -->", "<!-- end ggr -->"


def value_by_formation(course: Course, inputs: PairInputs, per: int, n: int) -> Floats:
    """What the pairs of each formation earned on each bar before costs, (n_bars, n_formations)."""
    price = inputs.price
    rows = np.where(np.isnan(price), 0, np.arange(len(price))[:, None])
    close = np.take_along_axis(price, np.maximum.accumulate(rows, axis=0), axis=0)
    step = np.nan_to_num(np.diff(close, axis=0))
    earned = np.zeros((len(close), n))
    for s in range(course.side.shape[1]):
        # wanted at one close, held from the next on
        units, episode = course.units[:-2, s], course.episode[:-2, s]
        for j in range(units.shape[1]):
            held = np.flatnonzero(units[:, j] != 0.0)
            k = inputs.leg[episode[held], j]
            np.add.at(earned, (held + 2, episode[held] // per), units[held, j] * step[held + 1, k])
    return earned


def monthly(values: Floats, months: Ints, n_months: int) -> Floats:
    """Sum of rows by month."""
    found = np.zeros((n_months, values.shape[1]))
    np.add.at(found, months, values)
    return found


def returns(
    course: Course, inputs: PairInputs, panel: Panel, strategy: Pairs, equity: Floats
) -> tuple[Floats, Floats, Ints]:
    """Monthly returns on committed and on employed capital, and the number of each month.

    A portfolio is what one formation trades. Committed capital is one unit of money for each of
    its pairs, employed capital one for each pair that it opened at all. The return of a month is
    the mean over the portfolios in it.
    """
    plan = strategy.plan
    due = due_bars(plan, panel)
    per = plan.per_formation
    capital = equity[due] / plan.calendar.periods
    whole = panel.dates.astype("datetime64[M]").astype(np.int64)
    months = whole - whole[0]
    n_months = int(months[-1]) + 1
    earned = monthly(value_by_formation(course, inputs, per, len(due)), months, n_months)
    opened = np.zeros(len(due))
    for number in range(len(due)):
        own = (course.episode // per == number) & (course.side != 0.0)
        opened[number] = len(np.unique(course.episode[own]))
    alive = np.zeros((n_months, len(due)), np.bool_)
    for number, bar in enumerate(due):
        after = number + plan.calendar.periods
        stop = int(due[after]) if after < len(due) else panel.n_bars - 1
        alive[months[min(bar + 1, panel.n_bars - 1)] : months[stop], number] = True
    full = alive.sum(axis=1) == plan.calendar.periods
    committed = np.where(alive, earned / capital, 0.0).sum(axis=1)[full] / plan.calendar.periods
    share = np.where(opened > 0, per / np.maximum(opened, 1), 0.0)
    employed = np.where(alive, earned / capital * share, 0.0).sum(axis=1)[full]
    return committed, employed / plan.calendar.periods, np.flatnonzero(full) + int(whole[0])


def rows_of(name: str, changes: list[str]) -> Iterator[dict[str, Any]]:
    """Rows of one data set."""
    for count in (5, 20):
        config, document = load("pairs-ggr", [*changes, *NOTHING, f"strategy.count={count}"])
        parts = pipeline.resolve(config, document)
        panel = pipeline.read_history(config, document, Diary(), SILENT).panel
        strategy = parts.strategy
        assert isinstance(strategy, Pairs)
        traded = trading.simulate(parts, panel, Outlook(Signals(), 0), Diary(), explains=False)
        inputs = strategy.prepare(panel, Signals())
        course = retell(inputs, strategy.params, traded.simulation, panel, traded.start)
        equity = traded.simulation.equity
        committed, employed, months = returns(course, inputs, panel, strategy, equity)
        net = _net(config, document, changes, count)
        for capital, series in (("employed", employed), ("committed", committed)):
            yield {
                "data": name, "pairs": count, "capital": capital, "symbols": panel.n_symbols,
                "first": str(np.datetime64(int(months[0]), "M")),
                "last": str(np.datetime64(int(months[-1]), "M")), **_numbers(series),
                "periods": _by_decade(series, months), "net_annual": net,
            }  # fmt: skip


def _net(config: Any, document: Any, changes: list[str], count: int) -> float:
    """Return a year on the account after the preset's costs."""
    del config, document
    costly, document = load("pairs-ggr", [*changes, f"strategy.count={count}"])
    parts = pipeline.resolve(costly, document)
    panel = pipeline.read_history(costly, document, Diary(), SILENT).panel
    traded = trading.simulate(parts, panel, Outlook(Signals(), 0), Diary(), explains=False)
    numbers, _, _ = pipeline.measured(parts.config, panel, traded.simulation, traded.start)
    return float(numbers["strategy"]["annual_return"])


def _numbers(series: Floats) -> dict[str, Any]:
    found = newey_west_mean(series, overlap=LAGS)
    return {
        "mean": float(series.mean()), "t": found.t,
        "deviation": float(series.std(ddof=1)), "negative": float((series < 0).mean()),
        "n_months": len(series),
    }  # fmt: skip


def _by_decade(series: Floats, months: Ints) -> dict[str, float]:
    decade = (months + 1970 * 12) // 120 * 10
    return {f"{d}s": float(series[decade == d].mean()) for d in np.unique(decade).tolist()}


def main() -> int:
    """Run, print, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help=f"folder that holds {LONG}")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "pairs.md")
    parser.add_argument("--json", action="store_true", help="print rows, write nothing")
    given = parser.parse_args()
    sets = {"embedded": list[str]()}
    if given.data is not None:
        path = (given.data / LONG).resolve()
        sets["long"] = [
            "data={source: parquet, repair: [drop_bad_bars], accept: [split_like], path: "
            + str(path)
            + "}"
        ]
    try:
        rows = [row for name, changes in sets.items() for row in rows_of(name, changes)]
    except TradewindError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if given.json:
        for row in rows:
            print(json.dumps(row))
        return 0
    text = given.out.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    given.out.write_text(f"{head}{BEGIN}\n{section(rows)}\n{END}{tail}", "utf-8")
    print(f"wrote {given.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
