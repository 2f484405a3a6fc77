"""``tradewind data``: fetch, show and check market data."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradewind.engine.cli.console import out, out_json, table
from tradewind.engine.cli.failures import DONE, NO
from tradewind.engine.cli.options import Group, JsonOption
from tradewind.engine.cli.progress import watched
from tradewind.engine.errors import ConfigError

if TYPE_CHECKING:
    from tradewind.engine.config.run import DataConfig
    from tradewind.engine.feeds.history import History

FETCHED_KEPT = "what had been fetched is kept in the store, so the same command goes on from there"

app = typer.Typer(
    cls=Group,
    help="Fetch, show and check market data.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

WhatArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="WHAT",
        help="A config, a CSV or Parquet file, a folder of them, or 'embedded', then symbols; "
        "or only symbols: those of Yahoo.",
        show_default=False,
    ),
]
StartOption = Annotated[str | None, typer.Option("--start", metavar="DAY", help="First day.")]
EndOption = Annotated[str | None, typer.Option("--end", metavar="DAY", help="Last day.")]
IntervalOption = Annotated[
    str | None, typer.Option("--interval", metavar="TEXT", help="Length of a bar: 1d, 1h, 5min.")
]
StoreOption = Annotated[
    Path | None, typer.Option("--store", metavar="DIR", help="Folder of the local store.")
]


def _config(
    what: list[str] | None,
    start: str | None,
    end: str | None,
    interval: str | None,
    store: Path | None,
) -> "DataConfig":
    from tradewind.engine.cli.data_config import data_config

    folder = str(store.expanduser().resolve()) if store else None
    options = {"start": start, "end": end, "interval": interval, "store": folder}
    return data_config(what or [], options)


@app.command()
def fetch(
    what: WhatArgument = None,
    start: StartOption = None,
    end: EndOption = None,
    interval: IntervalOption = None,
    store: StoreOption = None,
    refetch: Annotated[
        bool,
        typer.Option("--refetch", help="Ask for everything again and replace what is stored."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring bars of Yahoo into the local store; what it has already is not asked for again.

    Exit code 3 where Yahoo cannot be reached or slows us down: what was fetched is kept, and the
    same command goes on from there.
    """
    from tradewind.engine.feeds import yahoo

    config = _config(what, start, end, interval, store)
    if config.sources:
        raise ConfigError(
            "data.sources: one source is fetched at a time; name its symbols, for example: "
            "tradewind data fetch BTC-USD"
        )
    if config.source != "yahoo":
        raise ConfigError(
            f"data.source: {config.source} is not fetched, only yahoo is; 'tradewind data check' "
            "reads it where it is"
        )
    with watched("data fetch", FETCHED_KEPT) as bars:
        done = yahoo.fetch(
            config.symbols,
            start=config.start,
            end=config.end,
            interval=config.interval,
            store=config.store,
            refetch=refetch,
            progress=bars,
        )
    if as_json:
        series = [asdict(fetched) for fetched in done.fetched]
        out_json({"store": str(done.store), "series": series, "notes": done.notes})
        return
    rows = [
        (f.symbol, f.interval, f.covered_from, f.covered_to, f"{f.rows:,}", f"{f.added:,}")
        for f in done.fetched
    ]
    table(str(done.store), ("symbol", "interval", "from", "to", "bars", "new"), rows)
    for note in done.notes:
        out(f"Note: {note}")


@app.command()
def check(
    what: WhatArgument = None,
    start: StartOption = None,
    end: EndOption = None,
    interval: IntervalOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> int:
    """List everything that is wrong with the data or worth knowing.

    Exit code 1 if a backtest on it would be refused. Without WHAT it checks the default config's.
    """
    from tradewind.engine import feeds

    config = _config(what, start, end, interval, store)
    with watched("data check", FETCHED_KEPT) as bars:
        history = feeds.inspect(config, progress=bars)
    if as_json:
        out_json(_findings(history))
    else:
        _show_findings(history)
    return NO if history.refused else DONE


def _findings(history: "History") -> dict[str, object]:
    return {
        "symbols": history.panel.n_symbols,
        "bars": history.panel.n_bars,
        "refused": len(history.refused),
        "noticed": len(history.findings) - len(history.refused),
        "findings": [asdict(finding) for finding in history.findings],
        "repairs": history.repairs,
        "notes": [*filter(None, [history.survivorship]), *history.notes],
    }


def _show_findings(history: "History") -> None:
    panel = history.panel
    if history.findings:
        rows = [
            (f.severity, f.kind.replace("_", " "), f.symbol, f.date, f.where, f.message)
            for f in history.findings
        ]
        table("", ("", "finding", "symbol", "date", "where", "what"), rows)
    for remark in (history.survivorship, *history.notes):
        if remark:
            out(f"Note: {remark}")
    for name, count in history.repairs.items():
        out(f"Repair {name} changed {count:,} rows")
    counts = Counter(finding.severity for finding in history.findings)
    out(
        f"{panel.n_symbols:,} symbols, {panel.n_bars:,} bars: {counts['refuse']:,} findings that "
        f"forbid a backtest, {counts['notice']:,} to know of"
    )


@app.command()
def show(
    what: WhatArgument = None,
    start: StartOption = None,
    end: EndOption = None,
    interval: IntervalOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the symbols of a source and how far each reaches; without WHAT, the local store.

    Nothing is fetched.
    """
    if not what:
        _show_store(store, as_json)
        return
    from tradewind.engine import feeds

    config = _config(what, start, end, interval, store)
    with watched("data show") as bars:
        history = feeds.inspect(config.model_copy(update={"offline": True}), progress=bars)
    rows = _symbol_rows(history)
    if as_json:
        keys = ("symbol", "first", "last", "bars", "missing", "ended")
        symbols = [dict(zip(keys, row, strict=True)) for row in rows]
        out_json({"source": config.source, "symbols": symbols, "notes": list(history.remarks)})
        return
    printed = [(s, a, b, f"{n:,}", f"{m:,}", "ended" if e else "") for s, a, b, n, m, e in rows]
    table("", ("symbol", "first", "last", "bars", "missing", ""), printed)
    for remark in history.remarks:
        if remark:
            out(f"Note: {remark}")


def _symbol_rows(history: "History") -> list[tuple[str, str, str, int, int, bool]]:
    """Symbol, first and last bar, bars, bars missing between them, whether it ended early."""
    import numpy as np

    panel = history.panel
    dates = panel.dates
    rows = []
    for k, symbol in enumerate(panel.symbols):
        alive = np.flatnonzero(~np.isnan(panel.close[:, k]))
        if not len(alive):
            rows.append((symbol, "", "", 0, 0, False))
            continue
        first, last = int(alive[0]), int(alive[-1])
        missing = last - first + 1 - len(alive)
        ended = bool(panel.ends[k] >= 0)
        rows.append((symbol, str(dates[first]), str(dates[last]), len(alive), missing, ended))
    return rows


def _show_store(folder: Path | None, as_json: bool) -> None:
    from tradewind.engine.feeds.store import Store, default_folder

    store = Store(folder.expanduser().resolve() if folder else default_folder())
    entries = store.contents()
    if as_json:
        out_json({"store": str(store.folder), "series": [asdict(entry) for entry in entries]})
        return
    if not entries:
        out(f"{store.folder}: holds nothing yet; tradewind data fetch SYMBOL... fills it")
        return
    rows = [
        (
            entry.provider,
            entry.symbol,
            entry.interval,
            entry.covered_from,
            entry.covered_to,
            f"{entry.rows:,}",
            f"{entry.bytes:,}",
            str(entry.revisions),
            entry.last_error,
        )
        for entry in entries
    ]
    columns = ("source", "symbol", "interval", "from", "to", "bars", "bytes", "revised", "trouble")
    table(str(store.folder), columns, rows)
