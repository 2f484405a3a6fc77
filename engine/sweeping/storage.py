"""Where a study keeps its trials: the one place that chooses.

A study in memory is gone with its process; what it found is in the folder of the sweep, from which
a study of the same name is gone on with.
"""

from typing import Any

from tradewind.engine.errors import ConfigError

MEMORY = "memory"


def study_storage(where: str = MEMORY) -> Any:
    """Optuna's storage for ``where``.

    Raises
    ------
    ConfigError
        If nothing of that name is known.
    """
    from optuna.storages import InMemoryStorage

    if where == MEMORY:
        return InMemoryStorage()
    raise ConfigError(f"storage {where!r}: unknown; wanted {MEMORY}")
