"""The finer bars of ``intrabar: path``, as the simulator reads them."""

from tradewind.engine.bars.nesting import nested
from tradewind.engine.executors.state import Path
from tradewind.engine.records import Panel


def path_of(fine: Panel, coarse: Panel) -> Path:
    """Finer bars inside those of ``coarse``.

    Parameters
    ----------
    fine : Panel
        Shorter bars of at least the same symbols.
    coarse : Panel
        The bars a run trades on.

    Raises
    ------
    DataError
        As :func:`tradewind.engine.bars.nesting.nested`.
    """
    found = nested(fine, coarse)
    return Path(found.first, found.open, found.high, found.low, found.close)
