"""Columns of the data whose scale only the end of the file could tell.

A column that a file brings along cannot be made again on another future. But scaling by the whole
sample leaves a trace that nothing known bar by bar has: of each symbol's values the mean is zero
and the deviation one to many digits, or they are the ranks 1/n ... 1, each once.
"""

from collections.abc import Iterator

import numpy as np

from tradewind.engine.audit.data_facts import ASOF
from tradewind.engine.audit.facts import Found, fact
from tradewind.engine.audit.findings import Check, Danger, Finding
from tradewind.engine.quotes import QUOTES
from tradewind.engine.records import ELIGIBLE, GROUP, MEMBER, Floats, Panel

FEWEST = 60  # values of a symbol; fewer may look like anything
EXACT = 1e-4  # of a deviation: what files round; by chance 5e-6 a symbol of 500 values
ROW_EXACT = 1e-3  # of a deviation: a mean over symbols that is nothing but rounding


def further_columns(panel: Panel) -> dict[str, Floats]:
    """Columns that came with the data and that nothing in the engine explains."""
    known = {ELIGIBLE, MEMBER, GROUP, *QUOTES}
    return {
        name: values
        for name, values in panel.columns.items()
        if name not in known and not name.endswith(ASOF)
    }


def undated(panel: Panel) -> list[str]:
    """One sentence about the columns whose dates of publication are not in the data."""
    names = [name for name in further_columns(panel) if name + ASOF not in panel.columns]
    if not names:
        return []
    of = f"{', '.join(names[:5])}{' ...' if len(names) > 5 else ''}"
    return [
        f"The data does not say when the values of {of} were published (a column NAME{ASOF}): each "
        "was taken as known when its bar closed"
    ]


def whole_sample(panel: Panel) -> Found:
    """Columns that were scaled or ranked over all bars of the data.

    Parameters
    ----------
    panel : Panel
        With every bar of the data, because the trace is in all of them together.
    """
    columns = further_columns(panel)
    findings = [
        _finding(name, how, values, panel)
        for name, values in columns.items()
        if (how := _scaling(values))
    ]
    return findings, [Check("whole sample", "data", "columns", len(columns), len(findings))]


def _scaling(values: Floats) -> str:
    """How a column was scaled over all of its bars; empty where nothing shows."""
    each = [one for one in _by_symbol(values) if len(one) >= FEWEST]
    if not each:
        return ""
    if all(map(_is_standard, each)):
        return "mean zero and deviation one over all bars of each symbol"
    if all(map(_is_ranked, each)):
        return "the ranks 1/n ... 1 over all bars of each symbol, each once"
    if not _is_centred_by_row(values) and _is_standard(np.concatenate(each)):
        return "mean zero and deviation one over all bars of all symbols"
    return ""


def _by_symbol(values: Floats) -> Iterator[Floats]:
    for column in values.T:
        yield column[np.isfinite(column)]


def _is_standard(values: Floats) -> bool:
    """Mean 0 and deviation 1, whether divided by n or by n - 1."""
    own = float(values.std())
    of_sample = own * float(np.sqrt(len(values) / (len(values) - 1)))
    return abs(float(values.mean())) < EXACT and min(abs(own - 1), abs(of_sample - 1)) < EXACT


def _is_ranked(values: Floats) -> bool:
    n = len(values)
    return bool(np.abs(np.sort(values) - np.arange(1, n + 1) / n).max() < EXACT / 10)


def _is_centred_by_row(values: Floats) -> bool:
    """Whether each bar's values cancel over the symbols, as cross-sectional scaling makes them."""
    rows = values[np.isfinite(values).sum(axis=1) >= 2]
    means = np.nanmean(rows, axis=1) if len(rows) else np.ones(1)
    return bool(np.median(np.abs(means)) < ROW_EXACT)


def _finding(name: str, how: str, values: Floats, panel: Panel) -> Finding:
    bar = int(np.flatnonzero(np.isfinite(values).any(axis=1))[0])
    return fact(
        Danger.SCALER,
        "whole sample",
        name,
        f"has {how}: numbers that only the last bar makes known",
        "scale with what was known at each bar (rolling, expanding), or leave it to the "
        "forecaster, which fits its scaling on training bars (scaling:)",
        column=name,
        bar=bar,
        date=str(panel.dates[bar]),
    )
