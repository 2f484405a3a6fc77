"""What a source gave, what is wrong with it, and what was repaired."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tradewind.engine.records import Panel

Severity = Literal["refuse", "notice"]

REMEDY = {
    "crossed": "drop_bad_bars",
    "duplicate": "drop_duplicates",
    "future": "drop_future",
    "high_low": "widen_high_low or drop_bad_bars",
    "nan": "drop_bad_bars",
    "no_quote": "drop_bad_bars",
    "not_positive": "drop_bad_bars",
    "off_session": "drop_off_session",
    "quote_range": "drop_bad_bars",
    "stale": "drop_stale",
    "unsorted": "sort",
    "wide_quote": "drop_bad_bars",
}
"""Repair, by the kind of finding it answers; other kinds have none."""

ACCEPTABLE = (
    *("interval", "no_overlap", "off_session", "spike", "split_like", "split_unseen", "stale"),
)
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about the bars that is wrong or worth knowing.

    Attributes
    ----------
    kind : str
        One of the kinds listed in ``docs/data.md``.
    symbol : str
        Empty where it concerns all of them.
    date : str
        Day, or time in UTC for bars shorter than a day; empty where it has none.
    severity : "refuse" or "notice"
        Whether a backtest on it would be false.
    where : str
        ``file:row``, or the source.
    message : str
        What was found and what to do.
    n_rows : int
        Bars concerned.
    """

    kind: str
    symbol: str
    date: str
    severity: Severity
    where: str
    message: str
    n_rows: int = 1


@dataclass(frozen=True, slots=True)
class History:
    """Bars ready to use, with everything a reader of the results must know about them.

    Attributes
    ----------
    panel : Panel
    findings : tuple of Finding
        What remains after the repairs asked for.
    repairs : mapping of str to int
        Repair asked for to rows it changed or dropped, zero included.
    notes : tuple of str
        What the reader decided: which column, which prices, which calendar.
    survivorship : str
        What the universe of the source is, in one sentence.
    finer : Panel or None
        Bars that those of the panel are made of, or that lie inside them.
    """

    panel: Panel
    findings: tuple[Finding, ...] = ()
    repairs: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    survivorship: str = ""
    finer: Panel | None = None

    @property
    def refused(self) -> tuple[Finding, ...]:
        """Findings that forbid a backtest."""
        return tuple(f for f in self.findings if f.severity == "refuse")

    @property
    def remarks(self) -> tuple[str, ...]:
        """Everything in sentences, for a report: universe, notes, repairs, findings by kind."""
        repaired = [
            f"Repair {name}, asked for in the config, changed {count} rows."
            for name, count in self.repairs.items()
        ]
        return (self.survivorship, *self.notes, *repaired, *_by_kind(self.findings))


def _by_kind(findings: Iterable[Finding]) -> list[str]:
    """One sentence for each kind of finding, naming the first few."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.kind, []).append(finding)
    sentences = []
    for kind, group in groups.items():
        named = [" ".join(filter(None, (f.symbol or "all symbols", f.date))) for f in group]
        more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
        label = kind.replace("_", " ")
        if len(group) == 1:
            sentences.append(f"Noticed {label}: {named[0]}: {group[0].message}")
        else:
            listed = ", ".join(named[:SHOWN])
            sentences.append(f"Noticed {label}, {len(group)} times: {listed}{more}.")
    return sentences


def refusal(refused: tuple[Finding, ...], repaired: Iterable[str] = ()) -> str:
    """Message of the error that refuses a backtest: the first findings, and the way out.

    Parameters
    ----------
    refused : tuple of Finding
        Not empty.
    repaired : iterable of str
        Repairs already asked for; they are not proposed again.
    """
    n_rows = sum(f.n_rows for f in refused)
    lines = [
        f"data: {_count(n_rows, 'row')} in {_count(len(refused), 'finding')} would falsify a "
        "backtest"
    ]
    lines += [f"  {_line(finding)}" for finding in refused[:SHOWN]]
    if len(refused) > SHOWN:
        lines.append(f"  ... and {len(refused) - SHOWN} more")
    lines.append("see all of them with: tradewind data check CONFIG")
    lines += _ways_out({f.kind for f in refused}, set(repaired))
    return "\n".join(lines)


def _line(finding: Finding) -> str:
    what = " ".join(filter(None, (finding.symbol, finding.date)))
    return ": ".join(filter(None, (finding.where, what, finding.message)))


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _ways_out(kinds: set[str], repaired: set[str]) -> list[str]:
    """Which repairs would help by name, and which suspicions may be accepted."""
    lines = []
    names = {REMEDY[kind] for kind in kinds if kind in REMEDY}
    names = {name for name in names if not set(name.split(" or ")) <= repaired}
    if names:
        lines.append(f"correct the source, or ask for a repair: data.repair: {_listed(names)}")
    accepted = sorted(kinds.intersection(ACCEPTABLE))
    if accepted:
        lines.append(f"if you know them to be harmless: data.accept: [{', '.join(accepted)}]")
    return lines


def _listed(names: set[str]) -> str:
    alternatives = sorted(names)
    return "[" + ", ".join(name.replace(" or ", " | ") for name in alternatives) + "]"
