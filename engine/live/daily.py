"""What a day of a paper run came to: a page and its numbers, for each day of the exchange."""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.bars.sessions import session_days
from tradewind.engine.errors import RunError
from tradewind.engine.journal.reader import JournalReader
from tradewind.engine.live.home import Home
from tradewind.engine.live.reading import PaperRun, read_paper
from tradewind.engine.records import Floats
from tradewind.engine.report.folder import put
from tradewind.engine.report.section import asset, render
from tradewind.engine.report.text import json_text

FOLDER = "daily"


@dataclass(frozen=True, slots=True)
class Day:
    """One day.

    Attributes
    ----------
    run, day, currency : str
    bars : int
    before, after : float
        Equity at the last close before the day, and at its last.
    by_symbol : tuple
        Rows of symbol, units at the end, P&L and fees of the day, account currency.
    fills : tuple
        Rows of time, symbol, units, price, fee.
    refused : tuple
        Rows of time, symbol, units, rule, reason.
    feed : mapping of str to int
        How often the feed was in each state that is not live.
    happened : tuple
        Commands, loss stops and errors: time, what.
    """

    run: str
    day: str
    currency: str
    bars: int
    before: float
    after: float
    by_symbol: tuple[dict[str, Any], ...]
    fills: tuple[dict[str, Any], ...]
    refused: tuple[dict[str, Any], ...]
    feed: dict[str, int]
    happened: tuple[dict[str, Any], ...]

    @property
    def pnl(self) -> float:
        """Gain of the day."""
        return self.after - self.before

    @property
    def sentence(self) -> str:
        """The day in one sentence."""
        share = self.pnl / self.before if self.before else 0.0
        return (
            f"{self.day}: {self.pnl:+,.2f} {self.currency} ({share:+.2%}), equity "
            f"{self.after:,.2f}, {len(self.fills)} fills, {len(self.refused)} orders refused"
        )


def days_of(run: PaperRun) -> list[str]:
    """Days of the run, by the exchange's sessions."""
    return sorted(set(_days(run)[run.first_row :].astype(str)))


def write_day(home: Home, day: str | None = None) -> tuple[Day, Path]:
    """Write the page of a day, by default the last; the day and where its page is.

    Raises
    ------
    RunError
        If the run has no such day, or the page cannot be written.
    """
    run = read_paper(home)
    known = days_of(run)
    if not known or (day is not None and day not in known):
        there = f"it has {known[0]} to {known[-1]}" if known else "it has taken no bar yet"
        raise RunError(f"{home.run}: has no day {day or ''}; {there}")
    found = day_of_run(home, run, day or known[-1])
    folder = home.folder / FOLDER
    page = folder / f"{found.day}.html"
    text = render("daily.html", day=found, css=asset("assets/report.css"))
    try:
        folder.mkdir(exist_ok=True)
        put(folder / f"{found.day}.json", f"{json_text(asdict(found))}\n".encode())
        put(page, text.encode())
    except OSError as error:
        raise RunError(f"{folder}: cannot be written: {error.strerror or error}") from None
    return found, page


def day_of_run(home: Home, run: PaperRun, day: str) -> Day:
    """Put one day of a run together."""
    rows = np.flatnonzero(_days(run).astype(str) == day)
    first, last = max(int(rows[0]), run.first_row), int(rows[-1])
    begun = run.equity[first - 1] if first > run.first_row else run.config.account.cash
    inside = (run.fills["bar"] >= first) & (run.fills["bar"] <= last)
    ts, names = run.panel.ts, run.panel.symbols
    said = _said(home, int(ts[first - 1]) if first else 0, int(ts[last]))
    return Day(
        run=run.name, day=day, currency=run.config.account.currency, bars=last - first + 1,
        before=float(begun), after=float(run.equity[last]),
        by_symbol=_by_symbol(run, first, last),
        fills=tuple(
            {"time": _time(ts[f["bar"]]), "symbol": names[f["symbol"]], "qty": float(f["qty"]),
             "price": float(f["price"]), "fee": float(f["fee"])}
            for f in run.fills[inside]
        ),
        **said,
    )  # fmt: skip


def _by_symbol(run: PaperRun, first: int, last: int) -> tuple[dict[str, Any], ...]:
    """P&L of each symbol that was held or traded."""
    fills, n = run.fills, run.panel.n_symbols
    paid, fees, before, after = (np.zeros(n) for _ in range(4))
    for fill in fills[fills["bar"] <= last]:
        k = int(fill["symbol"])
        after[k] += fill["qty"]
        if fill["bar"] < first:
            before[k] += fill["qty"]
        else:
            paid[k] += fill["qty"] * fill["price"] * fill["fx"]
            fees[k] += fill["fee"]
    worth = after * _closes(run, last) - before * _closes(run, first - 1)
    gained = worth - paid - fees
    return tuple(
        {"symbol": run.panel.symbols[k], "qty": float(after[k]), "pnl": float(gained[k]),
         "fee": float(fees[k])}
        for k in np.argsort(gained)
        if gained[k] or after[k]
    )  # fmt: skip


def _closes(run: PaperRun, row: int) -> Floats:
    """Last close of each symbol known at a row; 0 where there is none."""
    close = run.panel.close[: row + 1]
    found = np.zeros(run.panel.n_symbols)
    for k in range(run.panel.n_symbols):
        traded = np.flatnonzero(~np.isnan(close[:, k]))
        found[k] = close[traded[-1], k] if traded.size else 0.0
    return found


def _said(home: Home, after: int, upto: int) -> dict[str, Any]:
    """Refusals, feed and happenings between two closes, from the journal."""
    refused, happened, feed = [], [], Counter[str]()
    reader = JournalReader(home.journal)
    try:
        bar = 0
        for event in reader.events(kinds=("decision", "refused", "risk", "command", "error",
                                          "feed", "skipped")):  # fmt: skip
            bar = event.at if event.kind == "decision" else bar
            if not after < max(bar, 1) <= upto or event.kind == "decision":
                continue
            facts = event.facts
            if event.kind == "refused":
                refused.append({"time": _time(event.at), **facts})
            elif event.kind == "feed":
                feed[str(facts["state"])] += facts["state"] != "live"
            else:
                text = facts.get("reason") or f"{facts.get('name')} by {facts.get('by')}"
                happened.append({"time": _time(event.at), "what": f"{event.kind}: {text}"})
    finally:
        reader.close()
    states = {state: n for state, n in feed.items() if n}
    return {"refused": tuple(refused), "feed": states, "happened": tuple(happened)}


def _days(run: PaperRun) -> Any:
    panel = run.panel
    return session_days(panel.ts, panel.interval, panel.calendar_of_each[0])


def _time(ts: Any) -> str:
    return str(np.datetime64(int(ts), "ns").astype("datetime64[s]")).replace("T", " ")
