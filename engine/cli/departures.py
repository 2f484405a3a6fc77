"""``tradewind compare LIVE [BACKTEST]``: where a paper run departed from its backtest."""

from collections.abc import Sequence
from pathlib import Path

from tradewind.engine.cli.console import out, out_json, table
from tradewind.engine.cli.progress import watched
from tradewind.engine.errors import ConfigError


def show_departure(folders: Sequence[Path], as_json: bool) -> None:
    """Compare a paper run with a backtest, or with that of its own config."""
    from tradewind.engine.live.counterpart import both
    from tradewind.engine.live.departing import departure
    from tradewind.engine.live.home import Home
    from tradewind.engine.live.reading import read_paper
    from tradewind.engine.records import label
    from tradewind.engine.report.folder import read

    if len(folders) > 2:
        raise ConfigError("compare: a paper run is compared with one backtest; name one, or none")
    with watched("compare", "nothing was changed") as bars:
        run = read_paper(Home(folders[0]))
        backtest = read(folders[1]) if len(folders) == 2 else None
        live, other, upto = both(run, backtest, progress=bars)
        found = departure(live, other)
    against = folders[1].name if len(folders) == 2 else "its own config, backtested now"
    if as_json:
        facts = {"run": run.name, "against": against, "upto": label(upto)}
        out_json({**facts, "live_equity": live.equity, "backtest_equity": other.equity,
                  **found.as_dict()})  # fmt: skip
        return
    out(f"{run.name} and {against}, up to {label(upto)}")
    out(
        f"Equity {live.equity:,.2f} and {other.equity:,.2f}: {found.difference:+,.2f}. "
        f"{found.matched} orders are in both, {found.only_live} in the run alone, "
        f"{found.only_backtest} in the backtest alone."
    )
    rows = [("all", found.parts), *found.by_symbol.items()]
    table(
        "", ("", "data", "timing", "price", "fee", "sum"),
        [(name, *(f"{value:+,.2f}" for value in one.values), f"{one.total:+,.2f}")
         for name, one in rows],
    )  # fmt: skip
    if abs(found.other) >= 0.005:
        out(f"Dividends, splits and rates of exchange: {found.other:+,.2f}")
