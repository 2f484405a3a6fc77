"""Nested walk-forward optimisation: choose on the past of each block, trade the block, move on.

Each choice is made by a search of its own on data that ends the day before its block, so nothing of
the block, nor of any later bar, can reach it. What is chosen then trades the block: it begins flat
at the close before it, pays for its entries, and what it holds at the end is worth its last close.
The blocks' returns one after another are the equity of somebody who re-optimised all along.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np

from tradewind.engine import pipeline, trading
from tradewind.engine.config.file import SWEEPING as KEY
from tradewind.engine.config.file import Document, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.config.yaml import copied
from tradewind.engine.pipeline import Diary
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.records import Floats
from tradewind.engine.scoring import metrics
from tradewind.engine.sweeping import measures
from tradewind.engine.sweeping.folds import Fold
from tradewind.engine.sweeping.found import Found
from tradewind.engine.sweeping.preparing import Plan, prepared


@dataclass(frozen=True, slots=True)
class Block:
    """One block: what was chosen on its past, and what that did on it.

    Attributes
    ----------
    fold : Fold
    values : mapping or None
        None where no setting could be chosen; the block is then passed in cash.
    past : float
        First objective on the past, by which it was chosen.
    tried : int
    returns : ndarray of float64
        On the block.
    first : ndarray of float64
        Of what was chosen on the first block's past.
    hindsight : ndarray of float64
        Of the best of the sweep over all bars.
    """

    fold: Fold
    values: Mapping[str, Any] | None
    past: float
    tried: int
    returns: Floats
    first: Floats
    hindsight: Floats


def past_document(plan: Plan, fold: Fold) -> Document:
    """Document of the search on a block's past: its data ends the day before the block."""
    begins = plan.bars.history.panel.dates[fold.spans[0][0]].astype("datetime64[D]")
    values = copied(plan.search.values)
    values.setdefault("data", {})["end"] = begins.astype(object) - timedelta(days=1)
    block = values[KEY]
    block["validate"], block["mode"] = {"kind": "none"}, "study"
    block["keep_returns"] = 0
    for key in ("holdout", "pruner", "name"):
        block.pop(key, None)
    return Document(plan.document.where, plan.document.folder, values, plan.document.positions)


def walked(plan: Plan, found: Found, search: Any, progress: Progress = SILENT) -> list[Block]:
    """Choose and trade, block after block.

    Parameters
    ----------
    plan : Plan
    found : Found
        The sweep over all bars, for comparison.
    search : callable
        :func:`tradewind.engine.sweeping.run.searched`.
    progress : Progress
    """
    task = "re-optimising"
    progress.start(task, len(plan.folds))
    blocks: list[Block] = []
    first: Mapping[str, Any] | None = None
    hindsight = None if found.best is None else found.outcomes[found.best].values
    for fold in plan.folds:
        diary = Diary()
        past = prepared(past_document(plan, fold), diary, SILENT)
        chosen = search(past, SILENT)
        if chosen.interrupted:
            raise KeyboardInterrupt
        best = None if chosen.best is None else chosen.outcomes[chosen.best]
        values = None if best is None else best.values
        first = first or values
        past_score = np.nan if best is None else best.scores[0]
        ways = [_traded(plan, fold, one) for one in (values, first, hindsight)]
        blocks.append(Block(fold, values, past_score, len(chosen.outcomes), *ways))
        progress.advance(task)
    progress.finish(task)
    return blocks


def _traded(plan: Plan, fold: Fold, values: Mapping[str, Any] | None) -> Floats:
    """Returns of a setting that begins flat at the close before a block."""
    begin, stop = fold.spans[0]
    if values is None:
        return np.zeros(stop - begin)
    document = plan.grounds.document_of(plan.space.whole(values))
    parts = pipeline.resolve(validate(RunConfig, document), document)
    bars = plan.grounds.bars(parts.config, document)
    outlook = plan.grounds.outlook(parts, document, bars)
    late = replace(outlook, first_bar=max(outlook.first_bar, begin - 1))
    run = trading.simulate(
        parts, bars.history.panel, late, Diary(), finer=bars.history.finer, explains=False
    )
    equity = run.simulation.equity[begin - 1 : stop]
    return np.asarray(equity[1:] / equity[:-1] - 1.0)


def stitched(blocks: list[Block], name: str = "returns") -> Floats:
    """Equity of all blocks one after another, from 1."""
    steps = [getattr(block, name) for block in blocks]
    return np.cumprod(np.concatenate([np.ones(1), *(1.0 + step for step in steps)]))


def told(plan: Plan, blocks: list[Block]) -> dict[str, Any]:
    """What is said about it: each block, and the three curves side by side."""
    per_year = plan.bars.per_year
    name = next(iter(plan.config.objectives))
    full = measures.short(name)
    days = plan.bars.history.panel.dates
    curves = {
        "re-optimised": stitched(blocks),
        "chosen once, before the first block": stitched(blocks, "first"),
        "best of all bars, in hindsight": stitched(blocks, "hindsight"),
    }
    rows = [
        {
            "number": block.fold.number,
            "first_date": str(days[block.fold.spans[0][0]]),
            "last_date": str(days[block.fold.spans[0][1] - 1]),
            "values": block.values,
            "past": block.past,
            "tried": block.tried,
            "next": _objective(block.returns, full, per_year),
        }
        for block in blocks
    ]
    numbers = {label: metrics.growth(curve, per_year) for label, curve in curves.items()}
    return {"objective": name, "blocks": rows, "curves": numbers, "verdict": _verdict(numbers)}


def _objective(returns: Floats, name: str, per_year: float) -> float:
    if not measures.of_curve([name]):
        return float("nan")
    curve = np.cumprod(np.concatenate([np.ones(1), 1.0 + returns]))
    return measures.measured(curve, [name], per_year)[0]


def _verdict(numbers: Mapping[str, Mapping[str, Any]]) -> str:
    again, once, _ = (numbers[label]["annual_return"] for label in numbers)
    return (
        f"Re-optimised before every block it made {100 * again:.1f} % a year on bars that the "
        f"choice had not seen; what was chosen once, before the first block, made "
        f"{100 * once:.1f} %."
    )


def curves_table(plan: Plan, blocks: list[Block]) -> Any:
    """One row a bar of the blocks: three curves, and the number of the block."""
    import pyarrow as pa

    from tradewind.engine.report import tables

    rows = np.concatenate([np.arange(*block.fold.spans[0]) for block in blocks])
    return pa.table(
        {
            "ts": tables.times(plan.bars.history.panel.ts[rows]),
            "fold": np.concatenate(
                [np.full(len(block.returns), block.fold.number) for block in blocks]
            ),
            "re_optimised": stitched(blocks)[1:],
            "chosen_once": stitched(blocks, "first")[1:],
            "hindsight": stitched(blocks, "hindsight")[1:],
        }
    )
