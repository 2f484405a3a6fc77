"""The parts of a config as something to audit."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine import pipeline, trading
from tradewind.engine.audit.auditing import Asked, Evaluated, Simulated, Subject
from tradewind.engine.audit.comparing import Found
from tradewind.engine.audit.data_facts import closes_of, lives_of, published, reloaded
from tradewind.engine.audit.facts import Facts, Split
from tradewind.engine.audit.made_up import other_future, signals
from tradewind.engine.audit.membership import missing_names, nobody_leaves
from tradewind.engine.audit.stages import Effort, Stage, forecaster_stages, named_features
from tradewind.engine.audit.statics import code_files
from tradewind.engine.audit.walking import Way, few_candidates, few_folds, on_placebos, walked
from tradewind.engine.audit.whole_sample import undated, whole_sample
from tradewind.engine.bars.adjusting import forward_adjusted
from tradewind.engine.config.file import Document
from tradewind.engine.config.run import (
    ForecasterConfig,
    RunConfig,
    SelectorConfig,
)
from tradewind.engine.config.walk import ChooseConfig
from tradewind.engine.executors.user_strategy import BacktraderStrategy
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.outlook import Outlook, derived
from tradewind.engine.pipeline import Diary, Parts
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.protocols import Signals
from tradewind.engine.records import ELIGIBLE, Panel, Simulation
from tradewind.engine.tampering import tampered
from tradewind.engine.walkforward.notes import written
from tradewind.engine.walkforward.plan import refuse_what_it_cannot
from tradewind.engine.walkforward.schedule import Fold, folds

RANKED = 24  # symbols, for a selector


def subject_of(
    config: RunConfig, document: Document, effort: Effort, progress: Progress = SILENT
) -> Subject:
    """Resolve a config, read its bars and lay out everything in it that can be audited.

    Raises
    ------
    TradewindError
        Config or data, as for a backtest.
    """
    parts = pipeline.resolve(config, document)
    history = pipeline.read_history(config, document, Diary(), progress)
    pipeline.refuse_unfit(parts, history.panel, document)
    newest = history.panel.rows(max(0, history.panel.n_bars - effort.bars), history.panel.n_bars)
    named = "".join(str(block.params) for block in (config.forecaster, config.selector) if block)
    # Who ranks learns from the symbols of a date together: of a handful there is nothing to learn.
    least = effort.symbols if config.selector is None else max(effort.symbols, RANKED)
    few = _fewer(forward_adjusted(newest), least, named)
    unseen = [history.survivorship] if history.survivorship else []
    unseen += undated(history.panel)
    facts = _facts(parts, few)
    stages: tuple[Stage, ...] = ()
    evaluations: tuple[Evaluated, ...] = ()
    for spec, one in _learned(parts):
        way, notes = _way(spec, one, few, effort, config.seed)
        unseen += notes
        more_stages, more_ways, facts = _forecasting(way, one, few, effort, facts)
        stages, evaluations = (*stages, *more_stages), (*evaluations, *more_ways)
    strategies, runs, more = _trading(parts, newest)
    return Subject(
        name=config.name,
        panel=few,
        stages=stages,
        strategies=strategies,
        runs=runs,
        evaluations=evaluations,
        facts=facts,
        code=tuple(_code(parts, document)),
        data=(
            partial(reloaded, config, history.panel, 1 if effort.cuts < 8 else 3),
            partial(_leavers, config, history.panel),
            partial(whole_sample, history.panel),
        ),
        unseen=(*unseen, *more),
    )


def _fewer(panel: Panel, n_symbols: int, named: str) -> Panel:
    """Only the symbols with most bars, in their own order; one that is young among them.

    Symbols that ``named``, the parameters of the forecaster, speaks of are kept.
    """
    if panel.n_symbols <= n_symbols:
        return panel
    n_bars = (~np.isnan(panel.close)).sum(axis=0)
    order = np.argsort(-n_bars, kind="stable")
    asked = [k for k, symbol in enumerate(panel.symbols) if f"{symbol}." in named]
    kept = np.unique([*order[: n_symbols - 1], order[-1], *asked]).astype(int)
    chosen = panel.select([panel.symbols[k] for k in kept])
    with_bars = np.flatnonzero((~np.isnan(chosen.close)).any(axis=0))
    return chosen.select([chosen.symbols[k] for k in with_bars])


def _learned(parts: Parts) -> list[tuple[ForecasterSpec, ForecasterConfig | SelectorConfig]]:
    """What a config fits, each with its block."""
    found: list[tuple[ForecasterSpec, ForecasterConfig | SelectorConfig]] = []
    if parts.forecaster is not None and parts.config.forecaster is not None:
        found.append((parts.forecaster, parts.config.forecaster))
    if parts.selector is not None and parts.config.selector is not None:
        found.append((parts.selector, parts.config.selector))
    return found


def _way(
    spec: ForecasterSpec,
    block: ForecasterConfig | SelectorConfig,
    panel: Panel,
    effort: Effort,
    seed: int,
) -> tuple[Way, list[str]]:
    """How the audit walks forward, and what of the config's own way it leaves out."""
    sample = spec.build(seed)
    refuse_what_it_cannot(sample, spec.name, block.walk_forward)
    choose, notes = few_candidates(_choice(block), effort)
    way = Way(spec, block.walk_forward, seed, choose)
    walk, more = few_folds(block.walk_forward, sample.horizon, way.warmup, panel, effort)
    return replace(way, walk=walk), [*more, *notes]


def _choice(block: ForecasterConfig | SelectorConfig) -> ChooseConfig | None:
    return block.choose if isinstance(block, ForecasterConfig) else None


def _forecasting(
    way: Way,
    block: ForecasterConfig | SelectorConfig,
    panel: Panel,
    effort: Effort,
    facts: Facts,
) -> tuple[tuple[Stage, ...], tuple[Evaluated, ...], Facts]:
    """Stages of what is fitted, and its walk-forward; the mean of a selector is its score."""
    horizon, name = way.make().horizon, way.spec.name
    schedule = folds(panel.n_bars, horizon=horizon, warmup=way.warmup, config=way.walk)
    names = block.params.get("features")
    own = named_features(names, horizon=horizon) if isinstance(names, list | tuple) else ()
    offered = way.choose.candidates if way.choose else (way.params,)
    fitted = forecaster_stages(name, way.make, panel, schedule[0].train_stop)
    evaluated = Evaluated(
        name=f"walk-forward of {name}",
        evaluate=partial(walked, way),
        horizon=horizon,
        first=schedule[0].test_start,
        borders=tuple(fold.test_start for fold in schedule),
        placebo=partial(on_placebos, way, offered[0]),
        costly=True,
    )
    further = tuple(
        replace(
            evaluated,
            name=f"{evaluated.name}, {written(params)}",
            placebo=partial(on_placebos, way, params),
            placebo_alone=True,
        )
        for params in offered[1:]
    )
    facts = replace(facts, horizon=horizon, splits=tuple(_split(f, horizon) for f in schedule))
    return (*own, *fitted), (evaluated, *further), facts


def _split(fold: Fold, horizon: int) -> Split:
    """What the schedule hands out: a sample's label must end inside the bars given to ``fit``."""
    return Split(
        f"fold {fold.number}",
        np.arange(fold.train_start, max(fold.train_start, fold.train_stop - horizon)),
        np.arange(fold.test_start, fold.test_stop),
    )


def _trading(
    parts: Parts, panel: Panel
) -> tuple[tuple[Asked, ...], tuple[Simulated, ...], list[str]]:
    name = parts.config.strategy.kind.rpartition(":")[2]
    said = _signals(parts, panel)
    unseen = []
    config = parts.config
    if config.execution.intrabar == "path":
        execution = config.execution.model_copy(update={"intrabar": "worst"})
        config = config.model_copy(update={"execution": execution})
        unseen.append("execution.intrabar: path was audited as worst, without the finer bars")
    parts = replace(parts, config=config)
    simulate = partial(_simulated, parts, panel, said)
    if isinstance(parts.strategy, BacktraderStrategy):
        unseen.append(f"{name} decides inside backtrader: its fills were compared, not its reads")
        return (), (Simulated(name, simulate, panel),), unseen
    from tradewind.engine.executors.terms import bars_needed

    run = Simulated(name, simulate, panel, bars_needed(parts.strategy, config))
    return (Asked(name, parts.strategy, panel, said),), (run,), unseen


def _signals(parts: Parts, panel: Panel) -> Signals:
    """Made-up signals of what is learned: of the symbols, or of series that are derived."""
    if not _learned(parts):
        return Signals()
    series = derived(parts, panel)
    return signals(panel) if series is None else replace(signals(series), series=series)


def _simulated(
    parts: Parts, panel: Panel, said: Signals, cut: int | None, how: str
) -> tuple[Panel, Simulation]:
    """Trade made-up signals; from ``cut`` on both bars and signals are others."""
    other, others = panel, said
    if cut is not None:
        other = tampered(panel, cut, how)
        others = other_future(said, cut, other.n_bars)
    traded = trading.simulate(parts, other, Outlook(others, 0), Diary(), explains=False)
    return other, traded.simulation


def _leavers(config: RunConfig, panel: Panel) -> Found:
    """Whether those who left the universe are in the data: by its file, else by their number."""
    if config.data.universe is None or config.data.universe.path is None:
        return nobody_leaves(panel)
    return missing_names(lives_of(config.data.universe), panel)


def _facts(parts: Parts, panel: Panel) -> Facts:
    columns = panel.columns
    members = panel.marked(ELIGIBLE) if ELIGIBLE in columns else None
    return Facts(
        members=members,
        asof=published(columns),
        closes=closes_of(panel),
        adjusted=parts.config.data.prices == "adjusted" and not parts.config.data.sources,
    )


def _code(parts: Parts, document: Document) -> Sequence[Path]:
    """Files of the user's that the config names, with what they import from beside them."""
    blocks: list[Any] = [parts.config.strategy, parts.config.forecaster, parts.config.selector]
    kinds = [str(block.kind) for block in blocks if block is not None]
    setup = parts.config.backtrader.setup
    kinds += [str(setup)] if setup else []
    files: list[Path] = []
    for kind in kinds:
        if ".py:" in kind:
            path = document.folder / Path(kind.rpartition(":")[0]).expanduser()
            files += code_files(path.resolve())
    return list(dict.fromkeys(files))
