"""``docs/rbm-momentum.md`` from the boards of the comparisons."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tradewind.engine.report.leaderboard_board import Board
from tradewind.engine.report.sections.notes import folded
from tradewind.engine.report.words import number, percent, signed, signed_percent

Row = Mapping[str, Any]

TOP = """# Takeuchi and Lee's momentum network, measured

Takeuchi and Lee (2013) fed 33 numbers a stock and month (twelve cumulative monthly returns, twenty
cumulative daily ones, whether January follows) to a network pre-trained by restricted Boltzmann
machines, and ranked stocks by the chance that next month's return is above the median. They
reported 45.93 % a year for the top less the bottom decile from 1990 to 2009, before costs, where
plain momentum earned 10.53 %. Here is the same recipe beside the same network without
pre-training, logistic regression, LightGBM, plain 12-1 momentum, one-month reversal and equal
weight, all on the same formations, symbols, costs and strategy.

Nothing was tuned: sizes, schedules and rates are the defaults, the presets were written before the
first run and not changed after it, and the page shows whatever came out. It is written by
`python benchmarks/rbm_momentum.py`; no figure of a table or of a sentence about one is typed. The
selectors stand in [selectors.md](selectors.md), what the columns are in
[selection-board.md](selection-board.md).
"""

EMBEDDED = """## 120 stocks, embedded

`tradewind train rbm-momentum`, on the data that ships with tradewind. A few years to learn from
and {months} formations to be judged by: enough to see that everything runs, too few to prove
anything.
"""

LONG = """## 650 stocks, 1962 to 2017

`tradewind train rbm-momentum-long` with the panel, the factors and the published deciles named by
`--set`. The years to 1989 are learned from, as in the paper; 1990 to 2009 are the paper's years,
and what follows is what nobody had seen when it was written. The data ends on {last}.

**What this panel is not.** It holds {symbols} stocks that were still trading at its end: survivors
alone, where the paper had all of NYSE, AMEX and Nasdaq. A survivor that fell came back, so buying
what fell is flattered, and selling it short is punished; a long-only row is flattered throughout.
Prices are adjusted for splits, but for dividends from 2011 on only, so earlier returns lack them.
The paper's filter, a price above five dollars at the formation, needs prices as they were traded,
which the panel does not have: it is left out, not approximated ([data.md](data.md)). Costs are
those of large stocks today; in the years before decimal prices spreads were several times as wide,
so what is left after costs is too much for them.
"""


FLATTERS = """The close that a selector ranks by is also the close from which its outcome counts:
the bounce between bid and ask flatters every bet on reversal, and whoever sees twenty daily returns
may make such bets. The strategy below trades at the next open and pays the spread."""


def page(boards: Mapping[str, Board], changes: Sequence[str]) -> str:
    """Text of the page.

    Parameters
    ----------
    boards : mapping of str to Board
        ``embedded`` and ``long``, those that were made.
    changes : sequence of str
        Assignments that the presets were run with beside the places of files.
    """
    parts = [TOP]
    if changes:
        told = ", ".join(f"`{change}`" for change in changes)
        parts.append(f"**Run with changes to the presets:** {told}.\n")
    if "embedded" in boards:
        found = boards["embedded"].table
        parts += [EMBEDDED.format(months=found["n_dates"]), *_body(boards["embedded"])]
    if "long" in boards:
        found = boards["long"].table
        parts += [
            LONG.format(last=found["last_date"], symbols=found["n_symbols"]),
            *_body(boards["long"]),
        ]
    return "\n".join(part.rstrip() + "\n" for part in parts if part)


def _body(board: Board) -> Iterator[str]:
    found = board.table
    yield _setting(board)
    yield "\n".join([found["verdict"], *found["sentences"]])
    yield _ranks(found)
    yield FLATTERS
    yield _pretraining(found)
    yield _groups(found)
    if found["periods"]:
        yield _periods(found)
    yield _traded(found)
    yield _notes(board)


def _setting(board: Board) -> str:
    found, walk = board.table, board.values["walk_forward"]
    first = f", the first test bar {walk['first']}" if walk["first"] else ""
    seeds = f", {walk['seeds']} seeds averaged" if walk["seeds"] > 1 else ", one seed"
    return (
        f"Walk-forward: {walk['mode']}, at least {walk['train']} bars, refit {walk['refit']}"
        f"{first}{seeds}. {found['n_dates']} formations from {found['first_date']} to "
        f"{found['last_date']}, {number(found['n'], 0)} pairs of formation and stock, each judged "
        f"to the next, {found['horizon']} bars or about that. One side of a trade costs "
        f"{found['side_bps']:g} bps. Base of the paired differences: {found['base']}."
    )


def _mean(found: Row | None, digits: int = 2, *, share: bool = True) -> str:
    """A mean and its t."""
    if not found or found["value"] is None:
        return ""
    value = signed_percent(found["value"], digits) if share else signed(found["value"], digits)
    return value if found["t"] is None else f"{value} ({number(found['t'], 2)})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    line = "|".join(["---", *["--:"] * (len(head) - 1)])
    return "\n".join(
        [f"| {' | '.join(head)} |", f"|{line}|", *(f"| {' | '.join(row)} |" for row in rows)]
    )


def _ranks(found: Row) -> str:
    head = [
        "selector", "right half", "rank IC (t)", f"D{found['n_groups']}-D1 (t)", "after costs (t)",
        f"less {found['base']}'s (t)", "turnover", "alpha (t)", "fits, s",
    ]  # fmt: skip
    rows = [
        [
            name,
            percent(row["accuracy"]["value"], 2) if row["accuracy"] else "",
            _mean(row["rank_ic"], 4, share=False),
            _mean(row["spread"]),
            _mean(row["net"]),
            _mean(row["against"]),
            "" if row["turnover"] is None else percent(row["turnover"], 0),
            _mean(row["alpha"]),
            "" if row["train_seconds"] is None else number(row["train_seconds"], 0),
        ]
        for name, row in found["rows"].items()
    ]
    published = found["reference"]
    if published:
        told = f"{published['name']}, {published['n']} months"
        spread, alpha = _mean(published["spread"]), _mean(published["alpha"])
        rows.append([told, "", "", spread, "", "", "", alpha, ""])
    return _table(head, rows)


def _pretraining(found: Row) -> str:
    """What the machines are worth: the network that began from them less the one that did not."""
    row = found["rows"].get("rbm", {"less": {}})
    parts = [("all formations", row["less"].get("network"))]
    for one in found["periods"]:
        less = one["rows"].get("rbm", {"less": {}})["less"].get("network")
        parts.append((f"{one['first_date'][:4]} to {one['last_date'][:4]}", less))
    told = "; ".join(f"{name} {_mean(less)}" for name, less in parts if less)
    if not told:
        return ""
    top = f"D{found['n_groups']}-D1"
    return f"Pre-training: `rbm` less `network`, {top} formation by formation (t): {told}."


def _groups(found: Row) -> str:
    n = found["n_groups"]
    rows = [
        [name, *("" if x is None else signed_percent(x, 2) for x in row["groups"])]
        for name, row in found["rows"].items()
    ]
    published = found["reference"]
    if published and len(published["groups"]) == n:
        rows.append([published["name"], *(signed_percent(x, 2) for x in published["groups"])])
    head = ["mean return per formation", *(f"D{k + 1}" for k in range(n))]
    return f"{_table(head, rows)}\n\n{_drawing(found)}"


def _drawing(found: Row) -> str:
    """Deciles as bars of text, one scale for all selectors of a board."""
    known = {
        name: row["groups"]
        for name, row in found["rows"].items()
        if all(x is not None for x in row["groups"])
    }
    values = [x for groups in known.values() for x in groups]
    low, high = min([*values, 0.0]), max([*values, 0.0])
    marks = "▁▂▃▄▅▆▇█"
    span = (high - low) or 1.0
    lines = [
        f"{name:<16} {''.join(marks[round((x - low) / span * (len(marks) - 1))] for x in groups)}"
        for name, groups in known.items()
    ]
    scale = f"lowest score left; from {signed_percent(low, 2)} to {signed_percent(high, 2)}"
    return "\n".join(["```", *lines, scale, "```"])


def _periods(found: Row) -> str:
    periods = found["periods"]
    head = ["selector"]
    for one in periods:
        years = f"{one['first_date'][:4]} to {one['last_date'][:4]}"
        head += [f"{years}: D{found['n_groups']}-D1 (t)", "after costs (t)", "rank IC (t)"]
    rows = []
    for name in found["rows"]:
        cells = [name]
        for one in periods:
            row = one["rows"][name]
            cells += [_mean(row["spread"]), _mean(row["net"]),
                      _mean(row["rank_ic"], 4, share=False)]  # fmt: skip
        rows.append(cells)
    return _table(head, rows)


def _traded(found: Row) -> str:
    head = ["strategy on its scores", "", "Sharpe after costs", "a year", "drawdown", "turnover"]
    rows = []
    for name, row in found["rows"].items():
        for by, one in {"": row["strategy"], **row["strategies"]}.items():
            if one.get("sharpe") is None:
                rows.append([name, by, one.get("error", ""), "", "", ""])
            else:
                rows.append([name, by, *_growth(one), number(one["turnover_annual"], 1)])
    market = found["benchmark"]
    if market:
        rows.append(
            [f"{market['name'].replace('_', ' ')}, without costs", "", *_growth(market), ""]
        )
    return _table(head, rows)


def _growth(one: Row) -> list[str]:
    error = "" if one["sharpe_se"] is None else f" ± {number(one['sharpe_se'], 2)}"
    return [
        f"{number(one['sharpe'], 2)}{error}",
        signed_percent(one["annual_return"]),
        percent(one["max_drawdown"]),
    ]


def _notes(board: Board) -> str:
    """What holds of the data as a whole; findings about single bars are counted."""
    path = board.values["data"]["path"]
    notes = folded(board.notes)
    whole = [f"- {one.text}" for one in notes if not one.n_places]
    single = sum(one.n_places for one in notes)
    if single:
        whole.append(
            f"- {single:,} findings about single bars and symbols, which the report of the run "
            "lists and `tradewind data check` explains."
        )
    failed = [f"- Not compared: {one['name']}: {one['error']}" for one in board.table["failed"]]
    told = "\n".join(["What the reader of these figures must know:", "", *whole, *failed])
    return told if path is None else told.replace(str(path), Path(str(path)).name)
