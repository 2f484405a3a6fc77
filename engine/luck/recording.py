"""Every trial goes into the ledger of its data; what keeps it out is told, and stops no run."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tradewind.engine.config.run import RunConfig
from tradewind.engine.luck.ledger import Entry, Ledger, LedgerError, default_folder, digest_of


def ledger_of(data_digest: str) -> Ledger | None:
    """Ledger of the bars with that digest; None where it is switched off."""
    folder = default_folder()
    return None if folder is None else Ledger(folder, data_digest)


def config_digest(config: RunConfig) -> str:
    """What a config decides, by digest: its name, executor and benchmark decide no trade."""
    return digest_of(
        config.model_dump(mode="json", exclude={"name", "executor", "benchmark", "paper"})
    )


def record(
    data_digest: str,
    kind: str,
    name: str,
    code: Any,
    trials: Sequence[str],
    best: float | None,
) -> str:
    """Append one line; returns what kept it from being written, empty where nothing did.

    Parameters
    ----------
    data_digest : str
    kind : str
        ``backtest``, ``sweep``.
    name : str
    code : Any
        Plain values that say which code decided.
    trials : sequence of str
        Digests of the configs.
    best : float or None
        Highest Sharpe ratio, a year's.
    """
    ledger = ledger_of(data_digest)
    if ledger is None:
        return ""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    kind = "notebook" if kind == "backtest" and hasattr(sys, "ps1") else kind
    try:
        ledger.append(Entry(kind, name, now, digest_of(code), tuple(trials), best))
    except LedgerError as error:
        return f"This trial is not in the ledger of its data: {error}"
    return ""


def ever_tried(data_digest: str, besides: Sequence[str]) -> tuple[int, str]:
    """(distinct configs ever tried on the bars, what kept them from being counted)."""
    ledger = ledger_of(data_digest)
    if ledger is None:
        return len(set(besides)), "The ledger of trials is switched off: only these are counted."
    try:
        return ledger.count(besides).trials, ""
    except LedgerError as error:
        return len(set(besides)), f"Earlier trials on this data cannot be counted: {error}"
