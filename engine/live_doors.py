"""Further doors, for what is quick enough to be asked at every bar of a market that is open."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from tradewind.engine.protocols import Forecaster, Forecasts, Inputs, Signals, Strategy
from tradewind.engine.records import Floats, Panel


class Working(Protocol):
    """A fitted forecaster that is fed one bar after another."""

    def update(self, row: Any) -> Forecasts:
        """Forecasts of one row, of the bar given (``tradewind.engine.features.stream.Row``)."""
        ...


@runtime_checkable
class AtWork(Forecaster, Protocol):
    """A forecaster with a form that takes a bar at a time, in a time that no history lengthens."""

    def at_work(self, past: Panel) -> Working | None:
        """That form, having seen every bar of ``past``; None where these parameters have none.

        What it then says is what ``predict`` says of the same bars, in every bit.
        """
        ...


@runtime_checkable
class RowByRow(Strategy, Protocol):
    """A strategy that can prepare a new bar from what it prepared of those before it.

    A live step is then as quick after a year as on the first day. What it prepares row by row must
    be what ``prepare`` makes of the whole, in every bit.
    """

    @property
    def row_by_row(self) -> tuple[str, ...]:
        """Fields of its inputs that grow by a row with every bar; the others never change."""
        ...

    def prepare_next(self, inputs: Inputs, panel: Panel, signals: Signals) -> Mapping[str, Floats]:
        """Newest row of each of those fields.

        Parameters
        ----------
        inputs : NamedTuple
            Of the bars before the newest.
        panel : Panel
        signals : Signals
            With the newest bar.
        """
        ...
