"""Time each symbol by its forecast, measured in units of the forecast's own uncertainty."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from annotated_types import Ge

from tradewind.engine.errors import StrategyError
from tradewind.engine.intents import target
from tradewind.engine.protocols import Book, Rule, Signals, View
from tradewind.engine.records import Floats, Panel
from tradewind.engine.types import Intent
from tradewind.strategies.deciding import decide_by


class TimingInputs(NamedTuple):
    """Forecast mean over forecast standard deviation; NaN where there is no forecast."""

    score: Floats  # (n_bars, n_symbols)


class TimingParams(NamedTuple):
    """Thresholds on the score, and whether the short side is traded."""

    entry: float
    exit: float
    short: bool


def rule(bar: int, inputs: TimingInputs, params: TimingParams, book: Book, intents: Any) -> int:
    """Enter beyond ``entry``, stay until the score falls back below ``exit``, then flat or flip."""
    n = 0
    for k in range(len(book.qty)):
        score = inputs.score[bar, k]
        if score != score:
            continue
        qty = book.qty[k]
        held = 1.0 if qty > 0.0 else (-1.0 if qty < 0.0 else 0.0)
        want = 0.0
        if score >= params.entry:
            want = 1.0
        elif params.short and -score >= params.entry:
            want = -1.0
        elif held * score >= params.exit:
            want = held  # between exit and entry nothing changes: costs would eat the difference
        if want != held:
            n = target(intents, n, k, want)
    return n


class Timing:
    """Long, flat or short by the forecast in units of its own uncertainty, with hysteresis.

    Parameters
    ----------
    entry : float
        Forecast mean / standard deviation at which a position is opened; > 0.
    exit : float
        A position is held until its score falls below this; <= ``entry``. The distance between
        the two is what keeps a forecast that wavers around a threshold from trading each bar.
    short : bool
        Trade the short side too.

    Notes
    -----
    A bar without a forecast changes nothing.
    """

    def __init__(
        self,
        *,
        entry: Annotated[float, Ge(0)] = 0.1,
        exit: float = 0.0,
        short: bool = True,
    ) -> None:
        if exit > entry:
            raise StrategyError(
                f"timing: exit {exit} lies above entry {entry}; a position would be left at once"
            )
        self.params = TimingParams(float(entry), float(exit), bool(short))

    @property
    def warmup(self) -> int:
        """One closed bar: the forecasts bring their own history."""
        return 1

    @property
    def rule(self) -> Rule:
        """The compiled decision."""
        return rule

    def prepare(self, panel: Panel, signals: Signals) -> TimingInputs:
        """Score the forecasts; raises StrategyError where there are none."""
        if signals.forecasts is None:
            raise StrategyError(
                "timing: there is no forecast to time by; add a 'forecaster:' block to the config, "
                "for example 'forecaster: {kind: drift}'"
            )
        if signals.forecasts.mean.shape != panel.shape:
            raise StrategyError(
                f"timing: forecasts of shape {signals.forecasts.mean.shape} do not belong to a "
                f"panel of shape {panel.shape}; wanted one row for each bar"
            )
        return TimingInputs(signals.forecasts.mean / signals.forecasts.std)

    @property
    def row_by_row(self) -> tuple[str, ...]:
        """The scores."""
        return ("score",)

    def prepare_next(
        self, inputs: TimingInputs, panel: Panel, signals: Signals
    ) -> Mapping[str, Floats]:
        """Score of the newest forecast."""
        assert signals.forecasts is not None  # prepare has refused to go without
        return {"score": signals.forecasts.mean[-1] / signals.forecasts.std[-1]}

    def decide(self, view: View) -> Sequence[Intent]:
        """Wishes at the close of ``view.bar``."""
        return decide_by(self.rule, self.params, view)
