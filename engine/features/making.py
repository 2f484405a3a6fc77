"""Whether features can be made from the data at hand, asked before anything is fitted on them."""

from collections.abc import Sequence

import numpy as np

from tradewind.engine.errors import ConfigError, DataError
from tradewind.engine.features.names import feature
from tradewind.engine.features.tape import lay
from tradewind.engine.records import Panel

TRIED = 2  # bars: what a feature takes beside prices is missing from one bar as from all


def refuse_unmakeable(names: Sequence[str], panel: Panel, *, key: str = "features") -> None:
    """Refuse features that take a column, symbol, group or calendar that the data does not have.

    Parameters
    ----------
    names : sequence of str
    panel : Panel
    key : str
        Parameter that holds the names.

    Raises
    ------
    ConfigError
        Its message begins with ``features.2: `` if the third of them cannot be made.
    """
    row = int(np.argmax((~np.isnan(panel.close)).sum(axis=1)))
    tape = lay(panel.rows(max(0, row + 1 - TRIED), row + 1))
    for k, name in enumerate(names):
        if "." not in name or name.startswith("ta."):
            continue  # made from the bars alone
        try:
            feature(name).compute(tape)
        except (ConfigError, DataError) as error:
            told = str(error).removeprefix("features: ")
            raise ConfigError(f"{key}.{k}: {told}") from None
