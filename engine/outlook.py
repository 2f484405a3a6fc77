"""What forecasters and selectors say about a panel, out of sample, and what that is worth."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from tradewind.engine.bars.adjusting import forward_adjusted
from tradewind.engine.cache import ForecastCache
from tradewind.engine.errors import ConfigError
from tradewind.engine.feeds.factors import factor_returns
from tradewind.engine.pipeline import Diary, Parts
from tradewind.engine.progress import Progress
from tradewind.engine.protocols import Deriving, Signals
from tradewind.engine.records import Panel
from tradewind.engine.scoring import conformal, evaluation, ranking
from tradewind.engine.walkforward.notes import fit_notes, fold_facts
from tradewind.engine.walkforward.of_config import of_selector
from tradewind.engine.walkforward.report import FoldReport
from tradewind.engine.walkforward.run import WalkForward
from tradewind.engine.walkforward.run import run as walk_forward
from tradewind.engine.walkforward.where import Workers


@dataclass(frozen=True, slots=True)
class Outlook:
    """What was forecast and ranked, by whom, and how well.

    Attributes
    ----------
    signals : Signals
    first_bar : int
        First bar for which all that was asked has been said.
    scores : mapping
        Accuracy of the forecasts (``engine/scoring/evaluation.py``).
    notes : tuple of str
    folds : tuple of FoldReport
        Of the forecaster.
    ranked : mapping
        What the rankings were worth; empty without a selector.
    selector_folds : tuple of FoldReport
    """

    signals: Signals
    first_bar: int
    scores: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    folds: tuple[FoldReport, ...] = ()
    ranked: Mapping[str, Any] = field(default_factory=dict)
    selector_folds: tuple[FoldReport, ...] = ()


def outlook(
    parts: Parts,
    panel: Panel,
    diary: Diary,
    progress: Progress,
    *,
    workers: Workers,
    cache: ForecastCache | None,
) -> Outlook:
    """Everything the config's forecaster and selector say, out of sample.

    Parameters
    ----------
    parts : Parts
    panel : Panel
    diary : Diary
    progress : Progress
    workers, cache
        As in :func:`tradewind.engine.walkforward.run.run`.
    """
    if parts.forecaster is None and parts.selector is None:
        return Outlook(Signals(), 0)
    series = derived(parts, panel)
    panel = forward_adjusted(panel)  # neither is to learn splits
    said = Outlook(Signals(), 0)
    if parts.forecaster is not None:
        about = panel if series is None else series
        said = _forecast(parts, about, diary, progress, workers, cache)
        said = replace(said, signals=replace(said.signals, series=series))
    if parts.selector is None:
        return said
    return _ranked(said, parts, panel, diary, progress, workers, cache)


def derived(parts: Parts, panel: Panel) -> Panel | None:
    """Series that the strategy wants forecast in place of the symbols, None where it does not.

    Raises
    ------
    ConfigError
        If there is a selector as well: scores are of symbols.
    """
    strategy = parts.strategy
    if parts.forecaster is None or not isinstance(strategy, Deriving):
        return None
    series = strategy.derived(panel)
    if series is not None and parts.selector is not None:
        raise ConfigError(
            f"strategy {parts.config.strategy.kind} has its own series forecast, and a selector "
            "ranks symbols; leave one of the two out"
        )
    return series


def _forecast(
    parts: Parts,
    panel: Panel,
    diary: Diary,
    progress: Progress,
    workers: Workers,
    cache: ForecastCache | None,
) -> Outlook:
    """Forecasts, scored beside those of the rivals."""
    block = parts.config.forecaster
    assert parts.forecaster is not None and block is not None
    with diary.stage("forecast"):
        walk = walk_forward(
            parts.forecaster, panel, block.walk_forward,
            seed=parts.config.seed, workers=workers, cache=cache, progress=progress,
            choose=block.choose,
        )  # fmt: skip
    _note_folds("fold", walk, panel, diary)
    with diary.stage("score"):
        scores = _scores(parts, panel, walk)
        said = walk.forecasts
        if block.conformal is not None:
            said = conformal.calibrated(walk.forecasts, panel, block.conformal)
            scores["conformal"] = conformal.measured(
                walk.forecasts, said, panel,
                levels=block.conformal.levels, first_bar=walk.first_bar,
            )  # fmt: skip
    doubt = evaluation.suspicion(scores, _called(block.kind))
    told = fit_notes(walk.folds, block.walk_forward, block.choose, deaf=walk.deaf)
    remarks = (*filter(None, [doubt]), *told)
    return Outlook(Signals(said), walk.first_bar, scores, remarks, walk.folds)


def _ranked(
    said: Outlook,
    parts: Parts,
    panel: Panel,
    diary: Diary,
    progress: Progress,
    workers: Workers,
    cache: ForecastCache | None,
) -> Outlook:
    """What was forecast, and how the selector ranks the symbols."""
    block = parts.config.selector
    assert parts.selector is not None and block is not None
    with diary.stage("select"), of_selector():
        walk = walk_forward(
            parts.selector, panel, block.walk_forward,
            seed=parts.config.seed, workers=workers, cache=cache, progress=progress,
        )  # fmt: skip
    _note_folds("selector fold", walk, panel, diary)
    told = fit_notes(walk.folds, block.walk_forward, None, deaf=walk.deaf)
    with diary.stage("rank"):
        ranked = ranking.measure(
            walk.forecasts.mean, panel, first_bar=walk.first_bar, horizon=walk.forecasts.horizon,
            delisting_return=parts.config.data.delisting_return,
            side_bps=parts.config.costs.side_bps,
            factors=partial(factor_returns, block.factors) if block.factors else None,
        )  # fmt: skip
    return replace(
        said,
        ranked=ranked,
        signals=replace(said.signals, scores=walk.forecasts.mean),
        first_bar=max(said.first_bar, walk.first_bar),
        notes=(*said.notes, *told),
        selector_folds=walk.folds,
    )


def _note_folds(event: str, walk: WalkForward, panel: Panel, diary: Diary) -> None:
    days = list(panel.dates)
    for report in walk.folds:
        facts = {**fold_facts(report, days), "seconds": round(report.seconds, 3)}
        diary.note(event, number=report.fold.number, **facts, history=report.history)


def _scores(parts: Parts, panel: Panel, walk: WalkForward) -> dict[str, Any]:
    """Accuracy beside the rivals, which cost too little for a process of their own."""
    block = parts.config.forecaster
    assert block is not None  # there is a walk-forward only where there is a forecaster
    rivals = {
        name: walk_forward(spec, panel, block.walk_forward.plain(), seed=0, workers=0).forecasts
        for name, spec in parts.rivals.items()
    }
    assert parts.forecaster is not None  # as above
    return evaluation.score(
        walk.forecasts, panel, first_bar=walk.first_bar, rivals=rivals, name=_called(block.kind),
        mean_is_return=getattr(parts.forecaster.build(0), "mean_is_return", True),
    )  # fmt: skip


def _called(kind: str) -> str:
    """What a sentence calls a forecaster: of ``path/to/mine.py:Mine`` the class."""
    return kind.rpartition(":")[2]
