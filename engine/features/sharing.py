"""Columns of features made once for a panel and all of its beginnings.

A fold sees the beginning of a panel, and features are causal to the last bit: what a column of the
whole panel says of those bars is what it would say had nothing come after. So a panel is announced
once, and tables of its beginnings are cut from columns that a store keeps. A slice that begins
later is never served: averages that never quite forget would remember bars it does not have.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from tradewind.engine.causality import differing
from tradewind.engine.errors import ForecastError
from tradewind.engine.features.feature import Feature
from tradewind.engine.features.tape import Tape, lay
from tradewind.engine.records import ELIGIBLE, FIELDS, Floats, Panel


class ColumnStore(Protocol):
    """Where columns are kept."""

    def column(self, digest: str, name: str, make: Callable[[], Floats]) -> Floats:
        """Column of the panel with that digest; made where it is not there yet."""
        ...


@dataclass(frozen=True, eq=False)
class Shared:
    """A panel that was announced, with its columns.

    Attributes
    ----------
    panel : Panel
    store : ColumnStore
    """

    panel: Panel
    store: ColumnStore
    _columns: dict[str, Floats] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """Content of the panel, but for who is eligible, which no shared feature reads."""
        columns = {name: c for name, c in self.panel.columns.items() if name != ELIGIBLE}
        return replace(self.panel, columns=columns).digest()

    @cached_property
    def tape(self) -> Tape:
        """Every bar of the panel."""
        return lay(self.panel)

    def begins_with(self, panel: Panel) -> bool:
        """Whether a panel is the beginning of this one, told by where its arrays lie."""
        own = self.panel
        return (
            panel.n_bars <= own.n_bars
            and panel.symbols == own.symbols
            and panel.interval == own.interval
            and panel.calendar_of_each == own.calendar_of_each
            and panel.columns.keys() - {ELIGIBLE} == own.columns.keys() - {ELIGIBLE}
            and _starts_at(panel.ts, own.ts)
            and all(_starts_at(getattr(panel, name), getattr(own, name)) for name in FIELDS)
            and all(
                _starts_at(panel.columns[name], array)
                for name, array in own.columns.items()
                if name != ELIGIBLE
            )
        )

    def column(self, feature: Feature, panel: Panel) -> Floats | None:
        """Values of a feature on a beginning, shape (n_rows,); None where it reads what differs."""
        if f"column.{ELIGIBLE}" in feature.name:
            return None
        if feature.name not in self._columns:
            self._columns[feature.name] = self.store.column(
                self.digest, feature.name, lambda: self._made(feature)
            )
        whole = self._columns[feature.name]
        if panel.n_bars == self.panel.n_bars:
            return whole
        return whole[self.tape.bar < panel.n_bars]

    def _made(self, feature: Feature) -> Floats:
        """Column of the whole panel, after a look at whether it knew what was to come.

        Nobody sees that in a forecast any more once all folds read one column.
        """
        values = feature.compute(self.tape)
        middle = self.panel.n_bars // 2
        for n_bars in {max(1, middle), min(middle + 1, self.panel.n_bars)}:
            early = feature.compute(lay(self.panel.past(n_bars)))
            if differing(early, values[self.tape.bar < n_bars]).any():
                raise ForecastError(
                    f"features: {feature.name} looks ahead: its first {n_bars} bars read otherwise "
                    "once later ones are known; leave it out"
                )
        return values


def _starts_at(part: np.ndarray, whole: np.ndarray) -> bool:
    """Whether two arrays begin at one place in memory and run on alike."""
    return (
        part.__array_interface__["data"][0] == whole.__array_interface__["data"][0]
        and part.strides == whole.strides
        and part.dtype == whole.dtype
    )


_SHARED: list[Shared] = []


@contextmanager
def share(panel: Panel, store: ColumnStore) -> Iterator[Shared]:
    """Serve tables of ``panel`` and of its beginnings from columns kept in ``store``.

    Parameters
    ----------
    panel : Panel
        Must not be written to while it is shared.
    store : ColumnStore
    """
    shared = Shared(panel, store)
    _SHARED.append(shared)
    try:
        yield shared
    finally:
        _SHARED.remove(shared)


def shared_with(panel: Panel) -> Shared | None:
    """Panel announced last that begins with this one, None where there is none."""
    return next((one for one in reversed(_SHARED) if one.begins_with(panel)), None)
