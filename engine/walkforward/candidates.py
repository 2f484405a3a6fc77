"""Candidates of a choice, refused before any fit where they cannot be compared or fitted."""

from collections.abc import Callable, Sequence

from tradewind.engine.config.walk import ChooseConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.protocols import Forecaster
from tradewind.engine.walkforward.notes import written
from tradewind.engine.walkforward.schedule import Fold

OF_ANY_MEAN = frozenset({"rank_ic"})  # scores that a mean which is no return can be given


def candidates_of(spec: ForecasterSpec, choose: ChooseConfig, seed: int) -> list[Forecaster]:
    """Build every candidate once.

    Raises
    ------
    ConfigError
        If they forecast other horizons, or are to be compared by errors of what is no return.
    """
    made = [spec.changed(params).build(seed) for params in choose.candidates]
    horizon = spec.build(seed).horizon
    if any(one.horizon != horizon for one in made):
        raise ConfigError(
            "choose.over: the horizon is what is forecast, so forecasts of several cannot be "
            "compared; leave it out"
        )
    scores = not all(getattr(one, "mean_is_return", True) for one in made)
    if scores and choose.score not in OF_ANY_MEAN:
        raise ConfigError(
            f"choose.score: {choose.score} measures errors of returns, and {spec.name} says scores "
            "for their sign and size alone, as the heads direction and position do; set it to "
            f"{' or '.join(sorted(OF_ANY_MEAN))}"
        )
    return made


def schedule_for(
    made: Sequence[Forecaster],
    choose: ChooseConfig,
    cut: Callable[[int], tuple[Fold, ...]],
) -> tuple[Fold, ...]:
    """Folds in whose training part every candidate finds samples for each group.

    Parameters
    ----------
    made : sequence of Forecaster
        From :func:`candidates_of`.
    choose : ChooseConfig
    cut : callable
        Folds for a warm-up in bars; raises ConfigError where the training part is too short.

    Raises
    ------
    ConfigError
        Naming the candidate whose warm-up is too long, and what to do.
    """
    cut(1)  # what fails without any warm-up is no candidate's fault
    for params, one in zip(choose.candidates, made, strict=True):
        try:
            first = cut(one.warmup)[0]
        except ConfigError as error:
            told = str(error).replace("or shorten the forecaster's window", "or leave it out")
            raise ConfigError(f"choose.over: candidate {written(params)}: {told}") from None
        n_samples = first.n_train - (one.warmup - 1) - one.horizon
        if n_samples < choose.groups:
            raise ConfigError(
                f"choose.over: candidate {written(params)}: its warm-up of {one.warmup} bars and "
                f"horizon of {one.horizon} leave {n_samples} of the {first.n_train} bars that the "
                f"first fold learns from, and choose.groups is {choose.groups}; leave the "
                "candidate out, raise walk_forward.train, or lower groups"
            )
    return cut(max(one.warmup for one in made))
