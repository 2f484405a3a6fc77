"""One listing by whatever name: BRK-B at Yahoo is BRK.B at Alpaca, and BTC-USD is BTC/USD."""

from collections import Counter
from collections.abc import Iterable, Mapping

STROKES = str.maketrans({mark: "-" for mark in "./_ "})


def common(symbol: str) -> str:
    """Name that all ways to write a listing share: as Yahoo writes it, in capitals."""
    return symbol.strip().upper().translate(STROKES)


def by_our_names(theirs: Mapping[str, float], ours: Iterable[str]) -> dict[str, float]:
    """What a broker holds, by the names of a run.

    Parameters
    ----------
    theirs : mapping of str to float
        Units by the broker's names.
    ours : iterable of str
        Symbols of the run. Where it has two that differ only in how they are written, each is
        matched as it is written.

    Returns
    -------
    dict of str to float
        What the run does not trade keeps the broker's name.
    """
    listed = list(ours)
    times = Counter(common(name) for name in listed)
    known = {common(name): name for name in listed if times[common(name)] == 1}
    exact = set(listed)
    found: dict[str, float] = {}
    for name, qty in theirs.items():
        own = name if name in exact else known.get(common(name), name)
        found[own] = found.get(own, 0.0) + qty
    return found
