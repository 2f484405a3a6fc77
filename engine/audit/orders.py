"""What a simulation orders and fills up to a bar, when everything behind it is another."""

from collections.abc import Callable

import numpy as np

from tradewind.engine.audit.findings import Check, Danger, Finding, Worth
from tradewind.engine.audit.stages import Effort, Stage, cuts
from tradewind.engine.audit.worth import FEWEST, pooled_ic
from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Bools, Floats, Panel, Records, Simulation
from tradewind.engine.types import OrderType, Reason

Simulate = Callable[[int | None, str], tuple[Panel, Simulation]]
"""``simulate(cut, how)``: the panel it traded on, tampered with from ``cut`` on, and how it
went; ``cut`` None leaves everything as it is."""

CENT = 1e-9  # relative: below it two prices are one
KNOWN_THEN = ("symbol", "bar", "qty", "order_type", "limit", "stop", "tif", "until", "parent")
FILLED = ("symbol", "bar", "qty", "price", "fee")
GONE = Reason.DELISTED
FORCED = (Reason.DELISTED, Reason.LIQUIDATED, Reason.RECALLED)  # nobody decided these


def orders(
    name: str,
    simulate: Simulate,
    panel: Panel,
    effort: Effort,
    *,
    first: int = 0,
    hows: tuple[str, ...] = ("dropped", "noise", "reversed", "some"),
    step: Callable[[], None] = lambda: None,
) -> tuple[list[Finding], list[Check]]:
    """Orders, fills and equity up to a cut must not know what lies behind it.

    Parameters
    ----------
    name : str
    simulate : callable
    panel : Panel
    effort : Effort
    first : int
        First bar that may decide.
    hows : tuple of str
    step : callable

    Returns
    -------
    findings : list of Finding
        At most one for orders, one for fills, one for equity, and one for fills on their own bar.
    checks : list of Check
    """
    traded_on, whole = simulate(None, "")
    findings = same_bar(name, whole, traded_on)
    stage = Stage(kind="run", name=name, compute=lambda p: {}, first=first)
    found: dict[str, Finding] = {}
    failed, n_tried = {}, 0
    for cut in cuts(stage, panel, effort.cuts):
        for how in hows:
            try:
                _, other = simulate(cut, how)
            except Exception as error:
                failed[how] = f"{how} from bar {cut}: {type(error).__name__}: {error}"
                continue
            n_tried += 1
            _compare(name, (whole, other), (panel, cut, how), found)
            step()
    if found and not np.array_equal(simulate(None, "")[1].equity, whole.equity):
        raise StrategyError(
            f"audit: {name} trades otherwise when the same bars are simulated twice; seed its "
            "generators, then audit it again"
        )
    note = "; ".join(failed.values())[:300]
    n_fills = len(whole.fills)
    if n_fills == 0:
        note = "; ".join(filter(None, ["not a single fill: nothing was compared", note]))
    return findings + list(found.values()), [
        Check("same-bar fills", "run", name, n_fills, len(findings)),
        Check("tampering", "run", name, n_tried, len(found), note),
    ]


def _compare(
    name: str,
    pair: tuple[Simulation, Simulation],
    where: tuple[Panel, int, str],
    found: dict[str, Finding],
) -> None:
    whole, other = pair
    until = _same_until(whole.orders, other.orders, where[1])
    looks = (
        ("orders", whole.orders, other.orders, KNOWN_THEN),
        ("fills", whole.fills, other.fills, FILLED),
    )
    for what, ours, theirs, fields in looks:
        bar = _first_change(ours, theirs, fields, until)
        if bar is not None and (what not in found or bar < found[what].bar):
            found[what] = _finding(name, what, bar, where)
    off = np.flatnonzero(whole.equity[:until] != other.equity[:until])
    if off.size and ("equity" not in found or off[0] < found["equity"].bar):
        found["equity"] = _finding(name, "equity", int(off[0]), where)


def _same_until(ours: Records, theirs: Records, cut: int) -> int:
    """First bar that may differ: the cut, or an end that only one of them knows.

    What a symbol that leaves is worth is paid at its last close, by everybody's knowledge that it
    left: with another future it leaves on another bar.
    """
    ends = [
        {(int(row["symbol"]), int(row["bar"])) for row in orders[orders["reason"] == GONE]}
        for orders in (ours, theirs)
    ]
    return min([cut, *(bar for _, bar in ends[0] ^ ends[1])])


def _first_change(
    ours: Records, theirs: Records, fields: tuple[str, ...], until: int
) -> int | None:
    """Bar of the first record before ``until`` that is not the same in both; None: all are."""
    a, b = ours[ours["bar"] < until], theirs[theirs["bar"] < until]
    n = min(len(a), len(b))
    unequal = np.zeros(n, np.bool_)
    for field in fields:
        x, y = a[field][:n], b[field][:n]
        unequal |= ~((x == y) | ((x != x) & (y != y)))
    off = np.flatnonzero(unequal)
    if off.size:
        return int(min(a["bar"][off[0]], b["bar"][off[0]]))
    longer = a if len(a) > n else b
    return int(longer["bar"][n]) if len(longer) > n else None


def _finding(name: str, what: str, bar: int, where: tuple[Panel, int, str]) -> Finding:
    panel, cut, how = where
    future = "dropped" if how == "dropped" else f"replaced ({how})"
    return Finding(
        danger=Danger.FUTURE_VALUE,
        means="truncation" if how == "dropped" else "tampering",
        stage="run",
        part=name,
        column=what,
        bar=bar,
        date=str(panel.dates[bar]),
        text=f"the {what} of bar {bar} are others when the bars from {cut} on are {future}",
        advice="look for the stage above it that moves too; if there is none, the simulator or "
        "what it was set to looks ahead",
    )


def same_bar(name: str, ran: Simulation, panel: Panel) -> list[Finding]:
    """Fills on the bar that decided them, or at the close that did, whatever bar they stand at."""
    fills = ran.fills
    if not len(fills):
        return []
    numbers = {int(number): i for i, number in enumerate(ran.orders["id"])}
    rows = np.array([numbers.get(int(number), -1) for number in fills["order"]])
    orders = ran.orders[rows]
    known = (rows >= 0) & ~np.isin(orders["reason"], FORCED) & (orders["parent"] < 0)
    decided = orders["bar"]
    early = known & (fills["bar"] <= decided)
    early |= _at_the_deciding_close(fills, orders, known, panel)
    if not early.any():
        return []
    i = int(np.flatnonzero(early)[0])
    bar, k = int(fills["bar"][i]), int(fills["symbol"][i])
    order, price = int(fills["order"][i]), float(fills["price"][i])
    found_early = Finding(
        danger=Danger.SAME_BAR_FILL,
        means="same-bar fills",
        stage="run",
        part=name,
        column="fills",
        bar=bar,
        date=str(panel.dates[bar]),
        symbol=panel.symbols[k],
        text=f"{int(early.sum())} of {len(fills)} fills have the bar or the close that decided "
        f"them: order {order} was decided with bar {int(decided[i])}, which closed at "
        f"{float(panel.close[decided[i], k]):g}, and filled on bar {bar} at {price:g}",
        advice="fill at the next bar, or send the order before the close it is to be filled at "
        "and decide without that close",
        worth=_worth(fills[early], panel),
    )
    return [found_early]


def _at_the_deciding_close(fills: Records, orders: Records, known: Bools, panel: Panel) -> Bools:
    """Market orders filled later at the very close they were decided with, as cheats on close are.

    A price that opens where it closed proves nothing, and one that comes back to the close to the
    last digit is a coincidence that does not make half of the fills.
    """
    at, k = orders["bar"], fills["symbol"]
    inside = np.minimum(fills["bar"], panel.n_bars - 1)
    close, later = panel.close[at, k], panel.open[inside, k]
    tells = known & (orders["order_type"] == OrderType.MARKET) & (close != later)
    tells &= fills["bar"] > at
    cheats = tells & (np.abs(fills["mid"] - close) <= CENT * close)
    enough = cheats.sum() >= 3 and 2 * cheats.sum() > tells.sum()
    return cheats if enough else np.zeros(len(fills), np.bool_)


def _worth(fills: Records, panel: Panel) -> Worth | None:
    """Correlation of the side taken with the return of the bar it was taken on, and after it."""
    side = np.sign(fills["qty"])
    own, later = _return(panel, fills, 0), _return(panel, fills, 1)
    known = np.isfinite(own) & np.isfinite(later)
    if known.sum() < FEWEST:
        return None
    return Worth(
        leaking=pooled_ic(side[known], own[known]),
        honest=pooled_ic(side[known], later[known]),
        se=float(np.sqrt(2.0 / known.sum())),
        n_pairs=int(known.sum()),
        horizon=1,
    )


def _return(panel: Panel, fills: Records, after: int) -> Floats:
    """Log return of the bar ``after`` bars behind each fill; NaN where there is none."""
    steps = np.full((panel.n_bars + 1, panel.n_symbols), np.nan)
    steps[1:-1] = np.diff(np.log(panel.close), axis=0)
    return np.asarray(steps[np.minimum(fills["bar"] + after, panel.n_bars), fills["symbol"]])
