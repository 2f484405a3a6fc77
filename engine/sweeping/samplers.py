"""Samplers by the names that a config gives them."""

from importlib.util import find_spec
from typing import Any

from tradewind.engine.config.sweeping import SweepConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.sweeping.space import Space


def sampler_of(config: SweepConfig, space: Space, seed: int) -> Any:
    """Optuna's sampler; raises ConfigError where a package that it needs is missing."""
    from optuna import samplers

    asked = config.sampler
    seed = seed if asked.seed is None else asked.seed
    if asked.kind == "tpe":
        from tradewind.engine.sweeping.tpe import BatchedTpe

        return BatchedTpe(asked, batch=config.batch, seed=seed, group=space.conditional)
    if asked.kind == "cma":
        if find_spec("cmaes") is None:
            raise ConfigError(
                "sweep.sampler: cma needs the package 'cmaes', which is not installed; "
                "pip install 'tradewind[sweep]'"
            )
        return samplers.CmaEsSampler(
            n_startup_trials=1, seed=seed, popsize=config.batch if config.batch > 1 else None
        )
    if asked.kind == "nsga2":
        return samplers.NSGAIISampler(population_size=asked.population, seed=seed)
    if asked.kind == "nsga3":
        return samplers.NSGAIIISampler(population_size=asked.population, seed=seed)
    if asked.kind == "gp":
        return samplers.GPSampler(n_startup_trials=min(asked.startup, 10), seed=seed)
    if asked.kind == "qmc":
        return samplers.QMCSampler(seed=seed, scramble=True)
    return samplers.RandomSampler(seed=seed)
