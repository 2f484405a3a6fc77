"""What a walk-forward has to say to a reader: notes in words, facts for the record."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tradewind.engine.config.walk import ChooseConfig, WalkForwardConfig
from tradewind.engine.walkforward.report import Control, FoldReport

MOST_TOLD = 5  # different things said by folds; the manifest has them all
DEAF = (
    "the forecaster learned from bars outside the universe as well: it does not heed the column "
    "'eligible' in fit (its forecasts there were removed)"
)


def fit_notes(
    folds: Sequence[FoldReport],
    config: WalkForwardConfig,
    choose: ChooseConfig | None = None,
    *,
    deaf: bool = False,
) -> tuple[str, ...]:
    """Sentences for the notes of a run, in order of weight.

    Parameters
    ----------
    folds : sequence of FoldReport
    config : WalkForwardConfig
    choose : ChooseConfig or None
    deaf : bool
        Whether the forecaster learned where symbols were not eligible.
    """
    return tuple(
        filter(
            None,
            [
                DEAF if deaf else "",
                _warm_note([fold.control for fold in folds if fold.control], folds),
                _choice_note(folds, choose),
                _alike_note(folds, config),
                *_said_by_folds(folds),
                _cache_note(folds),
            ],
        )
    )


def _warm_note(controls: Sequence[Control], folds: Sequence[FoldReport]) -> str:
    """Whether the warm start helps, by the folds that were fitted both ways."""
    warm = sum(fold.warm for fold in folds)
    if not warm:
        return ""
    head = f"warm start: {warm} of {len(folds)} folds began from the weights of the fold before"
    if not controls:
        return f"{head}; none was fitted from scratch beside it, so whether that helps is not known"
    parts = [
        _against("stopping loss", [(c.warm_loss, c.loss) for c in controls]),
        _against("mean absolute error", [(c.warm_mae, c.mae) for c in controls]),
        _against("CRPS", [(c.warm_crps, c.crps) for c in controls]),
    ]
    took = sum(c.warm_seconds for c in controls) / max(sum(c.seconds for c in controls), 1e-9)
    known = "; ".join(filter(None, parts))
    beside = f"beside {len(controls)} fitted from scratch as well"
    return f"{head}; {beside}: {known or 'no outcome is known yet'}; {took:.0%} of the time"


def _against(what: str, pairs: Sequence[tuple[float | None, float | None]]) -> str:
    """``mean absolute error 0.4 % smaller, in 3 of 4``, of warm against from scratch."""
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    if not known:
        return ""
    warm, cold = (sum(side) for side in zip(*known, strict=True))
    better = sum(a < b for a, b in known)
    if cold == 0 or warm == cold:
        return f"{what} the same"
    side = "smaller" if warm < cold else "larger"
    # A loss may be negative, so the difference is measured in its size.
    return f"{what} {abs(warm - cold) / abs(cold):.2%} {side}, better in {better} of {len(known)}"


def _choice_note(folds: Sequence[FoldReport], choose: ChooseConfig | None) -> str:
    chosen = Counter(written(fold.choice.params) for fold in folds if fold.choice)
    if choose is None or not chosen:
        return ""
    said = ", ".join(f"{what} in {count}" for what, count in chosen.most_common())
    return (
        f"parameters chosen in each fold ({len(folds)}) from its training part alone, by "
        f"{choose.score} in combinatorial purged cross-validation ({choose.test} of "
        f"{choose.groups} groups held out): {said}"
    )


def _alike_note(folds: Sequence[FoldReport], config: WalkForwardConfig) -> str:
    """Members that say the same are no ensemble."""
    if config.seeds == 1 or not folds or not all(fold.alike for fold in folds):
        return ""
    return (
        f"the {config.seeds} fits of every fold gave the same forecasts, so nothing in this "
        "forecaster depends on its seed; walk_forward.seeds: 1 gives the same run sooner"
    )


def _said_by_folds(folds: Sequence[FoldReport]) -> list[str]:
    """What single folds have to say, such as where they fell back to, each thing once."""
    said = Counter(fold.note for fold in folds if fold.note)
    told = [f"{note} ({count} of {len(folds)} folds)" for note, count in said.most_common()]
    if len(told) > MOST_TOLD:
        more = len(told) - MOST_TOLD
        told[MOST_TOLD:] = [f"{more} more notes of single folds are in the record of the run"]
    return told


def _cache_note(folds: Sequence[FoldReport]) -> str:
    cached = sum(fold.from_cache for fold in folds)
    if not cached:
        return ""
    return f"forecasts of {cached} of {len(folds)} folds came from the cache, by content"


def written(params: Mapping[str, Any]) -> str:
    """``hidden 16, window 60``."""
    return ", ".join(f"{name} {_plain(value)}" for name, value in params.items())


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(str, value))}]"
    return str(value)


def fold_facts(report: FoldReport, days: Sequence[Any]) -> dict[str, Any]:
    """Everything known of a fold but its learning curves, as plain values.

    Parameters
    ----------
    report : FoldReport
    days : sequence
        Label of each bar of the panel.
    """
    fold = report.fold
    return {
        "fold": fold.number,
        "train": [fold.train_start, fold.train_stop],
        "test": [fold.test_start, fold.test_stop],
        "train_dates": [str(days[fold.learned_start]), str(days[fold.train_stop - 1])],
        "test_dates": [str(days[fold.test_start]), str(days[fold.test_stop - 1])],
        "seed": report.seed,
        "seeds": len({fit.member for fit in report.fits}),
        "fits": len(report.fits),
        "fits_from_cache": sum(fit.from_cache for fit in report.fits),
        "seconds": report.seconds,
        "from_cache": report.from_cache,
        "samples": report.n_samples,
        "forecasts": report.n_forecasts,
        "folder": None if report.folder is None else str(report.folder),
        "warm": report.warm,
        "control": None if report.control is None else asdict(report.control),
        "choice": None if report.choice is None else asdict(report.choice),
        "note": report.note,
    }
