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


def pruner_of(config: SweepConfig) -> Any:
    """Optuna's pruner."""
    from optuna import pruners

    if config.pruner is None:
        return pruners.NopPruner()
    return pruners.WilcoxonPruner(
        p_threshold=config.pruner.p_threshold, n_startup_steps=config.pruner.startup
    )


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
            self._study = optuna.create_study(
                storage=study_storage(),
                sampler=sampler_of(config, space, seed),
                pruner=pruner_of(config),
                directions=["maximize" if sign > 0 else "minimize" for sign in wanted.signs],
            )
        self._prunes = config.pruner is not None
        self._ranges = space.distributions()
        quick = config.sampler.kind == "tpe" and not space.conditional
        self._quick: Any = self._study.sampler if quick else None

    @property
    def optuna(self) -> Any:
        """The study itself."""
        return self._study

    def ask(self, n: int) -> list[Asked]:
        """Propose settings, at most ``n`` and at least one."""
        with quiet():
            if self._quick is not None:
                labels = self._quick.settings(self._study, n, self._ranges)
                return [Asked(None, self._space.unlabelled(one)) for one in labels]
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
        if self._quick is not None:
            self._prune(outcomes)
            self.remember(outcomes)
            return
        from optuna.trial import TrialState

        with quiet():
            for (trial, _), outcome in zip(asked, outcomes, strict=True):
                for name, excess in self._kept_to(outcome):
                    trial.set_constraint(name, excess)
                if outcome.state == "complete" and self._prunes and self._gives_up(trial, outcome):
                    outcome.state = "pruned"
                if outcome.state == "complete":
                    self._study.tell(trial, outcome.scores)
                elif outcome.state == "undefined":
                    self._study.tell(trial, state=TrialState.FAIL)
                else:
                    self._study.tell(trial, state=TrialState.PRUNED)

    def _kept_to(self, outcome: Outcome) -> list[tuple[str, float]]:
        """Constraints by name, and by how much each is broken."""
        names = ["{} {} {:g}".format(*constraint) for constraint in self._wanted.constraints]
        pairs = zip(names, outcome.excess, strict=False)
        return [(name, excess) for name, excess in pairs if excess == excess]

    def _gives_up(self, trial: Any, outcome: Outcome) -> bool:
        """Report fold after fold until the pruner has seen enough."""
        for step, value in enumerate(outcome.folds[0].tolist()):
            trial.report(value, step)
            if trial.should_prune():
                return True
        return False

    def _prune(self, outcomes: Sequence[Outcome]) -> None:
        """Show the pruner settings fold by fold that have no trial of their own."""
        if not self._prunes:
            return
        with quiet():
            for outcome in outcomes:
                if outcome.state != "complete":
                    continue
                seen = self._frozen(outcome, {})
                for step, value in enumerate(outcome.folds[0].tolist()):
                    seen.intermediate_values[step] = value
                    if self._study.pruner.prune(self._study, seen):
                        outcome.state = "pruned"
                        break

    def remember(self, outcomes: Sequence[Outcome]) -> None:
        """Add trials that are done, of an earlier session or of a batch without trials."""
        with quiet():
            self._study.add_trials([self._frozen(one, self._seen(one)) for one in outcomes])

    def _frozen(self, outcome: Outcome, seen: dict[int, float]) -> Any:
        from optuna.trial import TrialState, create_trial

        states = {"complete": TrialState.COMPLETE, "undefined": TrialState.FAIL}
        state = states.get(outcome.state, TrialState.PRUNED)
        values = self._space.labelled(outcome.values)
        trial = create_trial(
            state=state,
            values=outcome.scores if state == TrialState.COMPLETE else None,
            params=values,
            distributions={name: self._ranges[name] for name in values},
            intermediate_values=seen,
        )
        for name, excess in self._kept_to(outcome):
            trial.set_constraint(name, excess)
        return trial

    def _seen(self, outcome: Outcome) -> dict[int, float]:
        if not self._prunes or outcome.state not in ("complete", "pruned"):
            return {}
        return dict(enumerate(outcome.folds[0].tolist()))
