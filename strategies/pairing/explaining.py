"""The pages of a run of pairs: sheets of pairs, the candidates, every trade with its reasons."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradewind.engine.explanation import Column, Explanation, Grid, Heat, Sheet
from tradewind.engine.records import Panel, Simulation
from tradewind.strategies.pairing import forming
from tradewind.strategies.pairing.forming import Formed
from tradewind.strategies.pairing.retelling import retell
from tradewind.strategies.pairing.settings import Kind, Plan
from tradewind.strategies.pairing.sheets import pair_sheet
from tradewind.strategies.pairing.trades import PairTrade, leg_risk, trades
from tradewind.strategies.pairing.trading import PairInputs, PairParams

MOST_SHEETS = 8
MOST_TRADES = 3_000
MOST_NAMES = 40  # of the heat map
MOST_CANDIDATES = 30
UNITS: dict[Kind, str] = {
    "zscore": "standard deviations",
    "ou": "optimal thresholds",
    "copula": "cumulated probability",
}


class Told(NamedTuple):
    """A run as its explanation reads it."""

    plan: Plan
    params: PairParams
    panel: Panel
    simulation: Simulation
    trades: list[PairTrade]
    residual: float

    def name(self, columns: Sequence[int]) -> str:
        """Name a pair by its legs."""
        return " / ".join(self.panel.symbols[k] for k in columns)

    def day(self, bar: int) -> str:
        """Label of a bar."""
        text = str(self.panel.dates[bar].astype("datetime64[m]"))
        return text[:10] if self.panel.daily else text.replace("T", " ")


def explain(
    plan: Plan,
    params: PairParams,
    inputs: PairInputs,
    panel: Panel,
    simulation: Simulation,
    start: int,
) -> Explanation:
    """Tell a finished run pair by pair.

    Raises
    ------
    InvariantError
        If the run's orders are not those of its rule.
    """
    course = retell(inputs, params, simulation, panel, start)
    found = trades(course, inputs, panel, simulation, params.at_close)
    told = Told(plan, params, panel, simulation, found, leg_risk(found, simulation))
    best = _most_traded(found)
    formed = list(_kept(plan, panel, best))
    last = formed[-1] if formed else None
    sheets = [_summary(told)]
    if last is not None and last.found is not None:
        sheets.append(_candidates(told, last))
    sheets += [
        pair_sheet(told.name(pair), pair, formed, found, panel, plan, params)
        for pair in best[:MOST_SHEETS]
    ]
    sheets.append(_all_trades(told))
    return Explanation("Pairs", tuple(sheets), _numbers(told))


def _kept(plan: Plan, panel: Panel, pairs: Sequence[tuple[int, ...]]) -> list[Formed]:
    """Formations in which one of the pairs that have a sheet may trade, and the last one."""
    wanted = set(pairs[:MOST_SHEETS])
    kept: list[Formed] = []
    last: Formed | None = None
    for formed in forming.walk(plan, panel):
        last = formed
        if wanted.intersection(formed.pairs):
            kept.append(formed)
    if last is not None and (not kept or kept[-1].number != last.number):
        kept.append(last)
    return kept


def _most_traded(found: Sequence[PairTrade]) -> list[tuple[int, ...]]:
    """Pairs by how often they traded, then by what they came to."""
    count = Counter(one.columns for one in found)
    net: dict[tuple[int, ...], float] = {}
    for one in found:
        net[one.columns] = net.get(one.columns, 0.0) + one.net
    return sorted(count, key=lambda pair: (-count[pair], -abs(net[pair]), pair))


def _numbers(told: Told) -> dict[str, object]:
    reasons = Counter(one.why or "open at the end" for one in told.trades)
    return {
        "n_trades": len(told.trades),
        "n_pairs": len({one.columns for one in told.trades}),
        "net": sum(one.net for one in told.trades),
        "costs": sum(one.cost for one in told.trades),
        "financing": sum(one.financing for one in told.trades),
        "leg_risk": told.residual,
        "reasons": dict(sorted(reasons.items())),
    }


def _summary(told: Told) -> Sheet:
    """What each pair came to."""
    if not told.trades:
        return Sheet("What each pair came to", ["No pair was opened."], short="Pairs")
    groups: dict[tuple[int, ...], list[PairTrade]] = {}
    for one in told.trades:
        groups.setdefault(one.columns, []).append(one)
    rows = sorted(
        (
            [
                told.name(pair),
                len(own),
                sum(one.net > 0 for one in own) / len(own),
                float(np.mean([max(one.closed, one.opened) - one.opened for one in own])),
                sum(one.earned[0] for one in own),
                sum(sum(one.earned[1:]) for one in own),
                -sum(one.cost for one in own),
                sum(one.financing for one in own),
                sum(one.net for one in own),
            ]
            for pair, own in groups.items()
        ),
        key=lambda row: -float(row[-1]),
    )
    columns = [
        Column("Pair"), Column("Trades", "whole"), Column("Won", "percent"),
        Column("Mean bars", "number"), Column("First leg", "money"), Column("Other legs", "money"),
        Column("Costs", "money"), Column("Borrowing, dividends", "money"), Column("Net", "money"),
    ]  # fmt: skip
    shown = rows[:200]
    reasons = Counter(one.why or "was open at the end" for one in told.trades)
    said = ", ".join(f"{n} {why}" for why, n in reasons.most_common())
    cut = "" if len(shown) == len(rows) else f", the first {len(shown)} of {len(rows)}"
    return Sheet(
        "What each pair came to",
        [
            f"{len(told.trades):,} trades of {len(groups):,} pairs. Why they ended: {said}.",
            f"Legs that were missing or left over, rounding and interest made "
            f"{told.residual:,.2f} of the result: that is what was at risk in single legs.",
        ],
        grids=[
            Grid(
                f"Result by pair{cut}",
                columns, shown,
            )
        ],
        short="Pairs",
    )  # fmt: skip


def _candidates(told: Told, formed: Formed) -> Sheet:
    """The last formation: what was looked at, what was refused, what was kept."""
    found = formed.found
    assert found is not None  # there is a sheet of candidates only where pairs were looked for
    order = np.argsort(np.where(np.isnan(found.score), np.inf, found.score), kind="stable")
    kept = set(formed.pairs)
    rows = [
        [
            told.name(found.pairs[i]),
            *(
                None if np.isnan(column[i]) else float(column[i])
                for column in (found.score, found.p_value, found.correlation, found.half_life,
                               found.hurst)
            ),
            "yes" if tuple(int(k) for k in found.pairs[i]) in kept else "",
        ]
        for i in order[:MOST_CANDIDATES]
        if not np.isnan(found.score[i])
    ]  # fmt: skip
    columns = [
        Column("Pair"), Column(f"Score ({told.plan.search.find})", "number"),
        Column("p-value", "number"), Column("Correlation", "number"),
        Column("Half-life, bars", "number"), Column("Hurst", "number"), Column("Kept"),
    ]  # fmt: skip
    refused = ", ".join(f"{n:,} by {name}" for name, n in found.n_refused.items()) or "none"
    return Sheet(
        f"Candidates on {told.day(formed.bar)}",
        [
            f"{found.n_tested:,} pairs were tested on {formed.n_formation} bars; refused: "
            f"{refused}; {len(formed.pairs)} kept."
        ],
        pictures=[_heat(told, formed)],
        grids=[Grid("The best of them; lower scores are better", columns, rows)],
        short="Candidates",
    )


def _heat(told: Told, formed: Formed) -> Heat:
    """p-values, or scores where nothing was tested, of the names in the best pairs."""
    found = formed.found
    assert found is not None  # as above
    tested = not np.isnan(found.p_value).all()
    value = found.p_value if tested else found.score
    order = np.argsort(np.where(np.isnan(value), np.inf, value), kind="stable")
    names: list[int] = []
    for i in order:
        for k in found.pairs[i]:
            if int(k) not in names and len(names) < MOST_NAMES:
                names.append(int(k))
    names.sort()
    place = {k: i for i, k in enumerate(names)}
    table = np.full((len(names), len(names)), np.nan)
    for (y, x), v in zip(found.pairs, value, strict=True):
        if int(y) in place and int(x) in place:
            at = (place[int(y)], place[int(x)])
            table[at] = v
            if np.isnan(table[at[1], at[0]]):
                table[at[1], at[0]] = v
    return Heat(
        "Every pair of the best names",
        f"{'p-values' if tested else 'scores'} of {len(names)} names against each other",
        [told.panel.symbols[k] for k in names],
        table,
        "p-value" if tested else "score",
        note="Stronger cells have lower values. Row: dependent leg, column: the other one.",
    )


def _all_trades(told: Told) -> Sheet:
    """Every trade, newest last, with the reason for entry and exit."""
    unit = UNITS[told.plan.spread.kind]
    rows = [
        [
            told.name(one.columns),
            "bought" if one.side > 0 else "sold",
            told.day(one.opened),
            f"{abs(one.signal_in):.2f} {unit} too {'low' if one.side > 0 else 'high'}",
            told.day(one.closed) if one.closed >= 0 else "",
            one.why or "open at the end",
            (one.closed if one.closed >= 0 else told.panel.n_bars - 1) - one.opened,
            ", ".join(f"{units:+,.6g}" for units in one.units),
            *[one.earned[0], sum(one.earned[1:]), -one.cost, one.financing, one.net],
        ]
        for one in told.trades[:MOST_TRADES]
    ]
    columns = [
        Column("Pair"), Column("Spread"), Column("Decided"), Column("Why it opened"),
        Column("Closed"), Column("Why it closed"), Column("Bars", "whole"), Column("Units"),
        Column("First leg", "money"), Column("Other legs", "money"), Column("Costs", "money"),
        Column("Borrowing, dividends", "money"), Column("Net", "money"),
    ]  # fmt: skip
    left = len(told.trades) - len(rows)
    more = [f"{left:,} later trades are in explanation.json alone."] if left else []
    return Sheet(
        "All trades",
        ["Days are those of the decisions; orders fill on the bar behind.", *more],
        grids=[Grid("Round trips of pairs, account currency", columns, rows)],
        short="Trades",
    )
