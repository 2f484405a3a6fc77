"""What a strategy reads and wishes at a bar, when everything behind that bar is another."""

from collections.abc import Callable
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tradewind.engine.audit import made_up
from tradewind.engine.audit.findings import Check, Danger, Finding, Worth
from tradewind.engine.audit.stages import Effort, Stage, cuts
from tradewind.engine.audit.watching import Watched, watched
from tradewind.engine.audit.worth import compared
from tradewind.engine.causality import differing
from tradewind.engine.errors import StrategyError
from tradewind.engine.protocols import Book, Signals, Strategy, View
from tradewind.engine.records import Bools, Floats, Panel
from tradewind.engine.scoring.evaluation import realised
from tradewind.engine.tampering import readjusted, tampered
from tradewind.engine.types import Intent

Found = tuple[list[Finding], list[Check]]
Step = Callable[[], None]
HOWS = ("noise", "scaled", "reversed", "gone", "some", "dropped")


@dataclass(slots=True)
class Asked:
    """A strategy of its own on one panel, with its inputs watched.

    What ``prepare`` keeps on the strategy itself must stay that of this panel, so each is a copy.
    """

    strategy: Strategy
    inputs: Any
    arrays: dict[str, Watched]

    @classmethod
    def of(cls, strategy: Strategy, panel: Panel, said: Signals) -> "Asked":
        """Prepare a copy of a strategy on a panel."""
        try:
            own = deepcopy(strategy)
        except Exception:  # it holds a lock, a file, a generator
            own = copy(strategy)
        return cls(own, *watched(own.prepare(panel, said)))

    def decide(self, bar: int, book: Book) -> list[tuple[Any, ...]]:
        """Wishes at a bar; what was read for them is marked in the arrays."""
        for array in self.arrays.values():
            array.forget()
        fresh = book._replace(memory=np.zeros_like(book.memory))
        return [_as_row(wish) for wish in self.strategy.decide(View(bar, self.inputs, fresh))]


def _as_row(wish: Any) -> tuple[Any, ...]:
    """Every field of a wish, NaN made comparable."""
    values = (getattr(wish, name) for name in wish.__slots__)
    return tuple("nan" if value != value else value for value in values)


def decisions(
    name: str,
    strategy: Strategy,
    panel: Panel,
    said: Signals,
    effort: Effort,
    *,
    adjusted: bool = True,
    step: Step = lambda: None,
) -> Found:
    """Tamper with the future of prices and signals: neither what is read nor what is wished moves.

    Parameters
    ----------
    name : str
    strategy : Strategy
    panel : Panel
    said : Signals
        Of the panel.
    effort : Effort
    adjusted : bool
        Whether prices are adjusted, so that their level may not matter.
    step : callable

    Returns
    -------
    findings : list of Finding
        One for each array that is read with the future in it, one for the wishes.
    checks : list of Check
    """
    whole = Asked.of(strategy, panel, said)
    held = made_up.books(panel, int(getattr(strategy, "memory", 0)))
    first = strategy.warmup - 1
    stage = Stage(kind="strategy", name=name, compute=lambda p: {}, first=first)
    found: dict[str, Finding] = {}
    failed, n_tried = {}, 0
    for cut in cuts(stage, panel, effort.cuts):
        bars = [bar for bar in (cut - 1, cut - 2) if bar >= first]
        for how in HOWS:
            try:
                other_panel = tampered(panel, cut, how)
                other_said = made_up.other_future(said, cut, other_panel.n_bars)
                other = Asked.of(strategy, other_panel, other_said)
                for bar in bars:
                    _compare((whole, other), (panel, bar, cut, how), held[bar], found)
            except StrategyError:
                raise
            except IndexError as error:
                _read_beyond(name, panel, cut, error, found)
            except Exception as error:
                failed[how] = f"{how} from bar {cut}: {type(error).__name__}: {error}"
            n_tried += 1
            step()
    worths = _worths(strategy, panel, said, held, effort, found)
    told = [_placed(one, name, worths.get(key)) for key, one in found.items()]
    checks = [
        Check("tampering", "strategy", name, n_tried, len(told), "; ".join(failed.values())[:300])
    ]
    if adjusted:
        level = _level(name, strategy, panel, said, effort, held)
        told += level
        checks.append(Check("restated prices", "strategy", name, 2, len(level)))
    return told, checks


def _placed(finding: Finding, name: str, worth: Worth | None) -> Finding:
    return replace(finding, part=name, worth=worth)


def _compare(
    pair: tuple[Asked, Asked],
    where: tuple[Panel, int, int, str],
    book: Book,
    found: dict[str, Finding],
) -> None:
    whole, other = pair
    panel, bar, cut, how = where
    ours = whole.decide(bar, book)
    read = {key: array.was_read.copy() for key, array in whole.arrays.items()}
    theirs = other.decide(bar, book)
    future = "are dropped" if how == "dropped" else f"are replaced ({how})"
    for key, array in whole.arrays.items():
        twin = other.arrays.get(key)
        if twin is None:
            continue
        at = _first_difference(array, twin, _listed(read[key], panel, bar), panel.n_bars)
        if at is not None and (key not in found or bar < found[key].bar):
            now = float(np.asarray(array)[at])
            found[key] = _finding(
                panel, bar, key, at,
                f"prepare's {key or 'array'}[{', '.join(map(str, at))}] is read at bar {bar} as "
                f"{now:.6g}, and is another number when the bars from {cut} on {future}",
            )  # fmt: skip
    if ours != theirs and whole.decide(bar, book) != ours:
        raise StrategyError(
            f"audit: asked twice at bar {bar}, the strategy decides otherwise; a decision may "
            "depend on its view alone"
        )
    if ours != theirs and ("wishes" not in found or bar < found["wishes"].bar):
        found["wishes"] = _finding(
            panel, bar, "wishes", (bar,),
            f"wishes {_brief(ours, panel)} at bar {bar}, and {_brief(theirs, panel)} when the bars "
            f"from {cut} on {future}",
        )  # fmt: skip


def _brief(rows: list[tuple[Any, ...]], panel: Panel) -> str:
    """Say the first wishes."""
    said = [f"{row[1]:+g} of {panel.symbols[row[0]]}" for row in rows[:3]]
    return ", ".join(said) + (" ..." if len(rows) > 3 else "") if said else "nothing"


def _listed(read: Bools, panel: Panel, bar: int) -> Bools:
    """Only what was read of symbols that had a bar by then: of others nothing can be known."""
    if read.ndim == 0 or read.shape[-1] != panel.n_symbols:
        return read
    return np.asarray(read & (~np.isnan(panel.close[: bar + 1])).any(axis=0))


def _first_difference(
    array: Watched, twin: Watched, read: Bools, n_bars: int
) -> tuple[int, ...] | None:
    """First value that was read and is another in the twin; a shorter twin's lacks count."""
    ours, theirs = np.asarray(array), np.asarray(twin)
    if ours.shape != theirs.shape:
        if ours.ndim != theirs.ndim or ours.shape[1:] != theirs.shape[1:] or ours.ndim == 0:
            return None
        n = min(len(ours), len(theirs))
        beyond = np.argwhere(read[n:])
        if len(beyond) and len(ours) >= n_bars:
            first = beyond[0]
            return (int(first[0]) + n, *(int(i) for i in first[1:]))
        ours, theirs, read = ours[:n], theirs[:n], read[:n]
    with np.errstate(invalid="ignore"):
        off = read & differing(ours.astype(np.float64), theirs.astype(np.float64))
    at = np.argwhere(off)
    return tuple(int(i) for i in at[0]) if len(at) else None


def _finding(panel: Panel, bar: int, key: str, at: tuple[int, ...], text: str) -> Finding:
    symbol = panel.symbols[at[-1]] if len(at) == 2 and at[-1] < panel.n_symbols else ""
    return Finding(
        danger=Danger.FUTURE_VALUE,
        means="tampering",
        stage="strategy",
        part="",
        column=key,
        bar=bar,
        date=str(panel.dates[bar]),
        symbol=symbol,
        text=text,
        advice="make every row of what prepare gives from rows up to its own, and read no row "
        "behind view.bar",
    )


def _read_beyond(
    name: str, panel: Panel, cut: int, error: IndexError, found: dict[str, Finding]
) -> None:
    """A row that is there only when later bars are."""
    if "wishes" in found:
        return
    found["wishes"] = _finding(
        panel, cut - 1, "wishes", (cut - 1,),
        f"{name} reads a row that does not exist when bar {cut - 1} is the last: {error}",
    )  # fmt: skip


def _worths(
    strategy: Strategy,
    panel: Panel,
    said: Signals,
    held: Any,
    effort: Effort,
    found: dict[str, Finding],
) -> dict[str, Worth]:
    """What the leaks add to the correlation of a bar's wishes with the next bar's return."""
    if not found or effort.worth == 0:
        return {}
    whole = Asked.of(strategy, panel, said)
    low = max(strategy.warmup, panel.n_bars // 5)
    rows = np.unique(np.linspace(low, panel.n_bars - 3, effort.worth).astype(int))
    truth = realised(panel, 1)
    leaking, honest = (np.full((len(rows), panel.n_symbols), np.nan) for _ in range(2))
    for i, bar in enumerate(rows):
        bar = int(bar)
        _lay(whole.decide(bar, held[bar]), leaking[i])
        try:
            past = panel.past(bar + 1)
            cut_off = made_up.other_future(said, bar + 1, bar + 1)
            _lay(Asked.of(strategy, past, cut_off).decide(bar, held[bar]), honest[i])
        except Exception:  # it needs the bar behind: without it there is no wish
            continue
    worth = compared(leaking, honest, truth[rows], 1)
    return dict.fromkeys(found, worth) if worth else {}


def _lay(rows: list[tuple[Any, ...]], out: Floats) -> None:
    for row in rows:
        out[row[0]] = row[1]


def _sides(rows: list[tuple[Any, ...]], lot: float) -> list[tuple[Any, ...]]:
    """Symbol and strength of each wish; an order of a lot is what rounding left of its price."""
    qty = list(Intent.__slots__).index("qty")
    return sorted(row[:2] for row in rows if row[qty] == "nan" or not abs(float(row[qty])) <= lot)


def _level(
    name: str, strategy: Strategy, panel: Panel, said: Signals, effort: Effort, held: Any
) -> list[Finding]:
    """Wishes that change when the past is restated by a later split."""
    whole = Asked.of(strategy, panel, said)
    first = strategy.warmup - 1
    last, lot = panel.n_bars - 1, float(getattr(strategy, "lot", 0.0))
    other = Asked.of(strategy, readjusted(panel, last), said)
    for bar in range(first, last, max(1, (last - first) // (4 * effort.cuts))):
        book = held[bar]
        half = book._replace(entry=book.entry * 0.5, qty=book.qty * 2.0)
        ours, theirs = whole.decide(bar, book), other.decide(bar, half)
        # Distances and prices of orders are in currency and follow the level; sides may not.
        if _sides(ours, lot) == _sides(theirs, 2.0 * lot):
            continue
        text = (
            f"wishes {_brief(ours, panel)}, and {_brief(theirs, panel)} when prices before bar "
            f"{last} are halved, as a later split would restate them"
        )
        moved = Finding(
            danger=Danger.PRICE_LEVEL,
            means="restated prices",
            stage="strategy",
            part=name,
            column="wishes",
            bar=bar,
            date=str(panel.dates[bar]),
            text=text,
            advice="use ratios or returns, or prices: raw for levels, filters and ticks",
        )
        return [moved]
    return []
