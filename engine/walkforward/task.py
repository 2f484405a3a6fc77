"""What a fit of one fold is asked to do, and what all of them share."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tradewind.engine.cache import ForecastCache
from tradewind.engine.features.sharing import share
from tradewind.engine.features.store import FeatureStore
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.records import Panel
from tradewind.engine.shared_panel import map_panel
from tradewind.engine.walkforward.schedule import Fold


@dataclass(frozen=True, slots=True)
class Setting:
    """What all folds of a walk-forward share.

    Attributes
    ----------
    spec : ForecasterSpec
    panel : Panel
    cache : ForecastCache or None
    store : FeatureStore or None
        Columns of features.
    held : ExitStack
        What lasts as long as the setting does.
    """

    spec: ForecasterSpec
    panel: Panel
    cache: ForecastCache | None
    store: FeatureStore | None = None
    held: ExitStack = field(default_factory=ExitStack)

    def features_of(self, fold: Fold) -> AbstractContextManager[object]:
        """Columns of what a fold sees, where it begins later than the panel that all share.

        Its fit, its forecasts and the look for look-ahead then read one table, and so does another
        config with the same folds.
        """
        if self.store is None or fold.train_start == 0:
            return nullcontext()
        return share(self.panel.rows(fold.train_start, fold.test_stop), self.store)


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where the weights lie that a warm fit begins from, and the seed they were fitted with."""

    checkpoint: Path
    seed: int


@dataclass(frozen=True, slots=True)
class FoldTask:
    """One fit of a fold: of one member, on all symbols or a part of them.

    Attributes
    ----------
    fold : Fold
    seed : int
    key : str
        Name of its cache entry; empty without a cache.
    name : str
        Unlike those of all other tasks of the walk-forward.
    params : mapping
        What was chosen for the fold, over the parameters of the forecaster.
    member : int
    symbols : tuple of str
        Empty: all.
    before : str
        Name of the task whose weights it begins from; empty: from scratch.
    control : bool
        Whether it is there to be compared with a warm fit alone.
    begin : Beginning or None
    relay : Path or None
        Where to leave the checkpoint for the task that begins from it.
    """

    fold: Fold
    seed: int
    key: str
    name: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    member: int = 0
    symbols: tuple[str, ...] = ()
    before: str = ""
    control: bool = False
    begin: Beginning | None = None
    relay: Path | None = None


def open_setting(
    spec: ForecasterSpec, folder: Path, cache: ForecastCache | None, columns: Path
) -> Setting:
    """Setting of a worker process, with the panel another process wrote to ``folder``.

    Features of that panel come from ``columns`` for as long as the process lives.
    """
    store = FeatureStore(columns)
    setting = Setting(spec, map_panel(folder), cache, store)
    setting.held.enter_context(share(setting.panel, store))
    return setting
