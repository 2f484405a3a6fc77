"""A sweep as its page reads it: from the folder alone, so that the page can be made again."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.errors import RunError
from tradewind.engine.records import Bools, Floats, Ints
from tradewind.engine.report import tables
from tradewind.engine.report.reading import SWEEP, check_files, manifest_of, read_json

IMPORTANCE_TRIALS = 1_000
TREES = 32
SEED = 0


@dataclass(frozen=True)
class SweepData:
    """What stands in the folder of a sweep.

    Attributes
    ----------
    name : str
    table : mapping
        ``sweep.json``.
    trials : pyarrow.Table
    returns : ndarray, shape (n_kept, n_bars - 1)
    kept : ndarray of int, shape (n_kept,)
        Number of the trial of each row of ``returns``.
    ts : ndarray of int64, shape (n_bars,)
    benchmark, best : ndarray of float64, shape (n_bars,)
        Returns.
    config : str
    """

    name: str
    table: Mapping[str, Any]
    trials: Any
    returns: Any
    kept: Ints
    ts: Ints
    benchmark: Floats
    best: Floats
    config: str

    @property
    def objectives(self) -> list[str]:
        """Names, the first decides."""
        return list(self.table["objectives"])

    @cached_property
    def sign(self) -> float:
        """1 where more of the first objective is better."""
        return 1.0 if self.table["objectives"][self.objectives[0]] == "maximize" else -1.0

    @property
    def params(self) -> list[str]:
        """What was varied."""
        return list(self.table["params"])

    def column(self, name: str) -> Floats:
        """Numbers of a column, NaN where there is none."""
        values = self.trials[name].to_pylist()
        return np.array([np.nan if v is None else float(v) for v in values])

    def values(self, name: str) -> list[Any]:
        """Values of a parameter as they are, None where it does not apply."""
        return list(self.trials[name].to_pylist())

    @cached_property
    def score(self) -> Floats:
        """First objective of every trial, NaN of those that have none."""
        return self.column(f"score {self.objectives[0]}")

    @cached_property
    def feasible(self) -> Bools:
        """Which could be the best."""
        return np.array(self.trials["feasible"].to_pylist(), np.bool_)

    @cached_property
    def folds(self) -> Floats:
        """First objective by fold, (n_trials, n_folds)."""
        name = self.objectives[0]
        found = [c for c in self.trials.column_names if c.startswith("fold ")]
        own = [c for c in found if c.split(" ", 2)[2] == name]
        return np.column_stack([self.column(c) for c in own]) if own else np.empty((0, 0))

    def is_numeric(self, name: str) -> bool:
        """Whether a parameter is a number on a scale, rather than a word or a switch."""
        known = [v for v in self.values(name) if v is not None]
        return bool(known) and all(
            isinstance(v, int | float) and not isinstance(v, bool) for v in known
        )

    @cached_property
    def importances(self) -> dict[str, float]:
        """Share of each parameter in the scores' variance; empty where it cannot be told.

        References
        ----------
        Hutter, Hoos and Leyton-Brown (2014), functional ANOVA, as in Optuna; without scikit-learn
        Optuna's PED-ANOVA (Watanabe, Bansal and Hutter 2023).
        """
        import optuna

        rows = np.flatnonzero(self.feasible & np.isfinite(self.score))
        always = [n for n in self.params if all(v is not None for v in self.values(n))]
        if len(rows) < 20 or len(always) < 2 or np.ptp(self.score[rows]) == 0.0:
            return {}
        if len(rows) > IMPORTANCE_TRIALS:
            rows = np.random.default_rng(SEED).choice(rows, IMPORTANCE_TRIALS, replace=False)
        columns = {name: self.values(name) for name in always}
        ranges = {name: self._range(name) for name in always}
        ranges = {name: one for name, one in ranges.items() if one is not None}
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            study = optuna.create_study(direction="maximize" if self.sign > 0 else "minimize")
            study.add_trials(
                [
                    optuna.trial.create_trial(
                        params={n: _plain(columns[n][i]) for n in ranges},
                        distributions=ranges,
                        value=float(self.score[i]),
                    )
                    for i in rows.tolist()
                ]
            )
            return _importances(study)
        finally:
            optuna.logging.set_verbosity(verbosity)

    def _range(self, name: str) -> Any:
        from optuna.distributions import CategoricalDistribution, FloatDistribution

        values = self.values(name)
        if self.is_numeric(name):
            low, high = float(min(values)), float(max(values))
            return FloatDistribution(low, high) if high > low else None
        choices = sorted({_plain(v) for v in values}, key=str)
        return CategoricalDistribution(choices) if len(choices) > 1 else None


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _importances(study: Any) -> dict[str, float]:
    import warnings
    from importlib.util import find_spec

    from optuna import importance

    evaluator: Any = importance.PedAnovaImportanceEvaluator()
    if find_spec("sklearn") is not None:
        evaluator = importance.FanovaImportanceEvaluator(n_trees=TREES, seed=SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = importance.get_param_importances(study, evaluator=evaluator)
    return {str(name): float(share) for name, share in found.items()}


def read_sweep(folder: Path) -> SweepData:
    """Sweep from its folder.

    Raises
    ------
    RunError
        If it is none, or damaged.
    """
    manifest = manifest_of(folder)
    if manifest.get("kind") != SWEEP:
        raise RunError(f"{folder}: holds no sweep; 'tradewind sweep' makes one")
    check_files(folder, manifest["files"], tuple(manifest["files"]))
    bars, path = tables.read_table(folder / "bars.parquet"), folder / "bars.parquet"
    return SweepData(
        folder.resolve().name,
        read_json(folder / "sweep.json"),
        tables.read_table(folder / "trials.parquet"),
        np.load(folder / "returns.npy", allow_pickle=False),
        np.array(manifest["kept"]["numbers"], np.int64),
        np.asarray(tables.column(bars, "ts", path).cast("int64")),
        tables.floats(bars, "benchmark_return", path),
        tables.floats(bars, "best_return", path),
        (folder / "config.yaml").read_text("utf-8"),
    )


def is_sweep(folder: Path) -> bool:
    """Whether a folder holds a sweep; raises RunError where it is no run folder at all."""
    return manifest_of(folder).get("kind") == SWEEP
