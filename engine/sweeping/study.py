"""An Optuna study that is asked for many settings at once and told what became of them."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from tradewind.engine.config.sweeping import SweepConfig
from tradewind.engine.sweeping.evaluating import Outcome, Wanted
from tradewind.engine.sweeping.samplers import sampler_of
from tradewind.engine.sweeping.space import Space
from tradewind.engine.sweeping.storage import study_storage


class Asked(NamedTuple):
    """A setting to be tried."""

    trial: Any
    values: dict[str, Any]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna's log and its warnings of what is experimental from the terminal."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)


class Study:
    """Asks, and is told.

    Parameters
    ----------
    config : SweepConfig
    space : Space
    wanted : Wanted
    seed : int
        Where the sampler has none of its own.
    """

    def __init__(self, config: SweepConfig, space: Space, wanted: Wanted, seed: int) -> None:
        import optuna

        self._space, self._wanted = space, wanted
        with quiet():
            pruner: Any = optuna.pruners.NopPruner()
            if config.pruner is not None:
                pruner = optuna.pruners.WilcoxonPruner(
                    p_threshold=config.pruner.p_threshold, n_startup_steps=config.pruner.startup
                )
            self._study = optuna.create_study(
                storage=study_storage(),
                sampler=sampler_of(config, space, seed),
                pruner=pruner,
                directions=["maximize" if sign > 0 else "minimize" for sign in wanted.signs],
            )
        self._prunes = config.pruner is not None

    @property
    def optuna(self) -> Any:
        """The study itself."""
        return self._study

    def ask(self, n: int) -> list[Asked]:
        """Propose settings."""
        with quiet():
            found = []
            for _ in range(n):
                trial = self._study.ask()
                found.append(Asked(trial, self._space.asked(trial)))
            return found

    def tell(self, asked: Sequence[Asked], outcomes: Sequence[Outcome]) -> None:
        """Report what became of them; a setting that the pruner gives up becomes ``pruned``.

        A setting that was refused or stopped counts as worse than any that was not, one whose
        objective is not defined as failed: neither is ever the best.
        """
        from optuna.trial import TrialState

        with quiet():
            for (trial, _), outcome in zip(asked, outcomes, strict=True):
                for constraint, excess in zip(
                    self._wanted.constraints, outcome.excess, strict=False
                ):
                    if excess == excess:
                        trial.set_constraint("{} {} {:g}".format(*constraint), excess)
                if outcome.state == "complete" and self._prunes and self._gives_up(trial, outcome):
                    outcome.state = "pruned"
                if outcome.state == "complete":
                    self._study.tell(trial, outcome.scores)
                elif outcome.state == "undefined":
                    self._study.tell(trial, state=TrialState.FAIL)
                else:
                    self._study.tell(trial, state=TrialState.PRUNED)

    def _gives_up(self, trial: Any, outcome: Outcome) -> bool:
        """Report fold after fold until the pruner has seen enough."""
        for step, value in enumerate(outcome.folds[0].tolist()):
            trial.report(value, step)
            if trial.should_prune():
                return True
        return False

    def remember(self, outcomes: Sequence[Outcome]) -> None:
        """Add trials of an earlier session."""
        from optuna.trial import TrialState, create_trial

        states = {"complete": TrialState.COMPLETE, "undefined": TrialState.FAIL}
        ranges = self._space.distributions()
        with quiet():
            trials = []
            for outcome in outcomes:
                state = states.get(outcome.state, TrialState.PRUNED)
                values = self._space.labelled(outcome.values)
                trial = create_trial(
                    state=state,
                    values=outcome.scores if state == TrialState.COMPLETE else None,
                    params=values,
                    distributions={name: ranges[name] for name in values},
                    intermediate_values=self._seen(outcome),
                )
                for c, excess in zip(self._wanted.constraints, outcome.excess, strict=False):
                    if excess == excess:
                        trial.set_constraint("{} {} {:g}".format(*c), excess)
                trials.append(trial)
            self._study.add_trials(trials)

    def _seen(self, outcome: Outcome) -> dict[int, float]:
        if not self._prunes or outcome.state not in ("complete", "pruned"):
            return {}
        return dict(enumerate(outcome.folds[0].tolist()))
