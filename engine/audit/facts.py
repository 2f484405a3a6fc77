"""What tampering cannot see, first part: the contracts of splits and labels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tradewind.engine.audit.findings import Check, Danger, Finding
from tradewind.engine.causality import differing
from tradewind.engine.records import Bools, Floats, Ints, Panel

Found = tuple[list[Finding], list[Check]]
NOTHING = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Split:
    """Which bars one fit used, and for what.

    Attributes
    ----------
    name : str
    train : ndarray of int64
        Bars that training samples stand at.
    test : ndarray of int64
        Bars that are predicted and scored.
    stopping : ndarray of int64
        Bars that ended the training early.
    choosing : ndarray of int64
        Bars that a model, its parameters or its features were chosen on.
    """

    name: str
    train: Ints
    test: Ints
    stopping: Ints = field(default_factory=lambda: NOTHING)
    choosing: Ints = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about a run besides its functions.

    Attributes
    ----------
    horizon : int
        Bars that a label spans.
    splits : sequence of Split
    labels : callable or None
        From a panel to outcomes, shape (n_bars, n_symbols); NaN where not known yet.
    members : ndarray of bool, shape (n_bars, n_symbols), or None
        Who belonged to the universe at each bar, as of that bar.
    lives : mapping of str to (int, int)
        First and last day, UTC nanoseconds, of every name of the universe the panel was drawn
        from, those among them that are gone.
    asof : mapping of str to ndarray of float64, shape (n_bars, n_symbols)
        Column to the time each value was published, UTC nanoseconds; NaN where unknown.
    closes : ndarray of int64, shape (n_symbols,)
        When each symbol's bar closes, nanoseconds relative to the row's time; empty: together.
    adjusted : bool
        Whether prices are adjusted for later splits and dividends.
    """

    horizon: int = 1
    splits: Sequence[Split] = ()
    labels: Callable[[Panel], Floats] | None = None
    members: Bools | None = None
    lives: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    asof: Mapping[str, Floats] = field(default_factory=dict)
    closes: Ints = field(default_factory=lambda: NOTHING)
    adjusted: bool = False


def fact(danger: Danger, means: str, part: str, text: str, advice: str, **more: object) -> Finding:
    """Finding of a check that compares what is declared, not what is computed."""
    held = {"stage": "data", **more}
    return Finding(danger=danger, means=means, part=part, text=text, advice=advice, **held)  # type: ignore[arg-type]


def labels(facts: Facts, panel: Panel) -> Found:
    """Outcomes must be unknown while they are, and never change once they are known."""
    if facts.labels is None:
        return [], []
    whole = np.asarray(facts.labels(panel), np.float64)
    tail = whole[panel.n_bars - facts.horizon :]
    findings = []
    if np.isfinite(tail).any():
        row, k = (int(i) for i in np.argwhere(np.isfinite(tail))[0])
        bar = panel.n_bars - facts.horizon + row
        findings.append(
            fact(
                Danger.LABELS, "label contract", "outcomes",
                f"bar {bar} has the outcome {tail[row, k]:g}, though its {facts.horizon} bars are "
                f"not over: an unknown outcome is coded as a value ({int(np.isfinite(tail).sum())} "
                "of them)",
                "leave the outcome NaN, and such samples out of the training",
                stage="label", bar=bar, date=str(panel.dates[bar]), symbol=panel.symbols[k],
            )
        )  # fmt: skip
    tries = (panel.n_bars // 2, 3 * panel.n_bars // 4)
    for cut in tries:
        known = np.asarray(facts.labels(panel.past(cut)), np.float64)[: cut - facts.horizon]
        off = np.argwhere(differing(known, whole[: len(known)]))
        if len(off):
            row, k = int(off[0][0]), int(off[0][1])
            findings.append(
                fact(
                    Danger.LABELS, "label contract", "outcomes",
                    f"bar {row} has the outcome {whole[row, k]:g}, and {known[row, k]:g} when "
                    f"{cut} bars are known, {cut - row} of them behind it: a label spans more than "
                    f"the declared horizon of {facts.horizon} bars or is scaled by later ones",
                    "make a label from the bars up to its horizon alone",
                    stage="label", bar=row, date=str(panel.dates[row]), symbol=panel.symbols[k],
                )
            )  # fmt: skip
            break
    return findings, [Check("label contract", "label", "outcomes", 1 + len(tries), len(findings))]


def splits(facts: Facts, panel: Panel) -> Found:
    """Test windows must lie behind the training, apart from its labels, and be used for nothing."""
    findings: dict[str, Finding] = {}
    for split in facts.splits:
        for one in _faults(split, facts.horizon, panel):
            findings.setdefault(one.column, one)
    if not facts.splits:
        return [], []
    checks = [Check("split contract", "split", "folds", len(facts.splits), len(findings))]
    return list(findings.values()), checks


def _faults(split: Split, horizon: int, panel: Panel) -> list[Finding]:
    found = []
    train, test = np.unique(split.train), np.unique(split.test)
    if not len(test):
        return []

    def say(danger: Danger, column: str, bar: int, text: str, advice: str) -> None:
        found.append(
            fact(danger, "split contract", split.name, text, advice, stage="split", column=column,
                 bar=int(bar), date=str(panel.dates[int(bar)]))
        )  # fmt: skip

    both = np.intersect1d(train, test)
    if len(both):
        say(Danger.FOLDS, "shared bars", both[0], f"{len(both)} bars are trained on and tested on",
            "keep them apart")  # fmt: skip
    inside = train[(train > test[0]) & (train < test[-1])]
    blocks = 1 + int((np.diff(test) > 1).sum())
    if len(inside) and blocks > 1 and len(inside) > blocks // 2:
        say(Danger.FOLDS, "shuffled folds", test[0],
            f"training bars stand between test bars ({blocks} pieces): with labels of {horizon} "
            "bars each test outcome is that of its neighbours",
            "test on what comes after the training: walk forward, or purged blocks")  # fmt: skip
    reach = np.array([b for b in train if _touches(b, test, horizon)], np.int64)
    if len(reach) and not len(both):
        behind = reach > test[-1]
        if (~behind).any():
            say(Danger.PURGE, "missing purge", reach[~behind][-1],
                f"{int((~behind).sum())} training samples before the test window have labels of "
                f"{horizon} bars that end inside it (bar {int(reach[~behind][-1])} reaches to "
                f"{int(reach[~behind][-1]) + horizon}, the window begins at {int(test[0])})",
                f"leave out the last {horizon} training samples before the window")  # fmt: skip
        if behind.any():
            say(Danger.PURGE, "target overlap", reach[behind][0],
                f"{int(behind.sum())} training samples after the test window share part of their "
                f"outcome with it: its labels reach to bar {int(test[-1]) + horizon}",
                f"embargo {horizon} bars behind the window")  # fmt: skip
    for column, used, word in (
        ("early stopping", split.stopping, "ended the training"),
        ("model choice", split.choosing, "chose the model or its features"),
    ):
        shared = np.intersect1d(used, test)
        if len(shared):
            say(Danger.TEST_USED, column, shared[0], f"{len(shared)} test bars {word}",
                "stop and choose on bars before the test window")  # fmt: skip
    reused = np.intersect1d(split.stopping, split.choosing)
    if len(reused) and not len(np.intersect1d(reused, test)):
        say(Danger.TEST_USED, "validation reused", reused[0],
            f"{len(reused)} bars both ended the training and chose the model: their score is no "
            "estimate of anything any more", "choose on bars that stopped nothing")  # fmt: skip
    return found


def _touches(bar: int, test: Ints, horizon: int) -> bool:
    """Whether the label of a training bar shares a bar with the span the test window is scored on.

    A sample at ``s`` has its outcome from ``s + 1`` to ``s + horizon``. Before a block, a label
    that ends beyond the block's first bar holds prices the forecast at that bar may not know;
    behind it, a sample shares outcome while the block's own labels last.
    """
    at = int(np.searchsorted(test, bar))
    before = at < len(test) and bar + horizon > test[at]
    behind = at > 0 and bar < test[at - 1] + horizon
    return bool(before or behind)
