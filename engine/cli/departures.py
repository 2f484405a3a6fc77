"""``tradewind compare LIVE [BACKTEST]``: where a paper run departed from its backtest."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tradewind.engine.cli.console import out, out_json, table
from tradewind.engine.cli.progress import watched
from tradewind.engine.errors import ConfigError

if TYPE_CHECKING:
    from tradewind.engine.live.departing import Departure


def show_departure(folders: Sequence[Path], as_json: bool) -> None:
    """Compare a paper run with a backtest, or with that of its own config."""
    from tradewind.engine.live.counterpart import both
    from tradewind.engine.live.departing import departure
    from tradewind.engine.live.home import Home
    from tradewind.engine.live.reading import read_paper
    from tradewind.engine.records import label

    if len(folders) > 2:
        raise ConfigError("compare: a paper run is compared with one backtest; name one, or none")
    with watched("compare", "nothing was changed") as bars:
        run = read_paper(Home(folders[0]))
        two = both(run, folders[1] if len(folders) == 2 else None, progress=bars)
        found = departure(two.live, two.backtest)
    against = folders[1].name if len(folders) == 2 else "its own config, backtested now"
    since, upto = label(two.since), label(two.upto)
    if as_json:
        facts = {"run": run.name, "against": against, "since": since, "upto": upto,
                 "anew": two.anew}  # fmt: skip
        out_json({**facts, "live_equity": two.live.equity,
                  "backtest_equity": two.backtest.equity, **found.as_dict()})  # fmt: skip
        return
    out(f"{run.name} and {against}, from the first decision at {since} up to {upto}")
    if two.anew:
        out(
            f"{against} had begun earlier or with other cash: it was traded anew from {since} on "
            f"with {run.config.account.cash:,.2f}, on its own bars and forecasts"
        )
    out(
        f"Equity {two.live.equity:,.2f} and {two.backtest.equity:,.2f}: {found.difference:+,.2f}. "
        f"{found.matched} orders are in both, {found.only_live} in the run alone, "
        f"{found.only_backtest} in the backtest alone."
    )
    _show(found)


def _show(found: "Departure") -> None:
    """Print the parts, and what interventions they hold."""
    rows = [("all", found.parts), *found.by_symbol.items()]
    table(
        "", ("", "data", "timing", "price", "fee", "intervention", "sum"),
        [(name, *(_money(value) for value in one.values), _money(one.total))
         for name, one in rows],
    )  # fmt: skip
    if found.interventions:
        table(
            "", ("intervention", "difference", "orders"),
            [(one.what, _money(one.difference), f"{one.orders:,}")
             for one in found.interventions],
        )  # fmt: skip
    if abs(found.other) >= 0.005:
        out(f"Dividends, splits and rates of exchange: {found.other:+,.2f}")


def _money(value: float) -> str:
    return f"{round(value, 2) + 0.0:+,.2f}"  # no rounding error is a loss of 0.00
