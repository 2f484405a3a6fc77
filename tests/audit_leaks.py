"""Classes of leaks, each with the step that plants it and where the audit must point."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests import audit_plants as plants
from tests.audit_plants import HOUR_NS, Plant, declared, fed, with_column, with_facts
from tests.audit_research import HORIZON, changed
from tradewind.engine.audit.findings import Danger


@dataclass(frozen=True)
class Leak:
    """A class of leaks.

    Attributes
    ----------
    name : str
        As people call it.
    plant : callable
        From an honest research to one that leaks.
    danger : Danger
        What the audit must call it.
    stage : str
        Where it must point.
    reach : int or None
        Bars that it looks ahead: the first bar that differs must lie so far before a cut, and no
        further. None: all of them, or not for this leak to say.
    column : str
    """

    name: str
    plant: Plant
    danger: Danger
    stage: str
    reach: int | None = None
    column: str = ""


def step(**leaky: Any) -> Plant:
    """Replace a step of the research by a leaky one."""
    return lambda research: changed(research, **leaky)


FUTURE, SCALER = Danger.FUTURE_VALUE, Danger.SCALER
LEAKS = (
    Leak("same-bar fill", step(fills=plants.on_the_same_bar), Danger.SAME_BAR_FILL, "run"),
    Leak("scaler on all data", fed(plants.scaled_by_all), SCALER, "feature", column="3"),
    Leak(
        "minimum and maximum of all data", fed(plants.min_max_of_all), SCALER, "feature", column="3"
    ),
    Leak("centred smoother", fed(plants.centred_smoother), FUTURE, "feature", 2, "3"),
    Leak("filter in both directions", fed(plants.symmetric_filter), FUTURE, "feature", column="3"),
    Leak("indicator with an offset", fed(plants.next_high), FUTURE, "feature", 1, "3"),
    Leak("left-labelled resample", fed(plants.week_labelled_left), FUTURE, "feature", column="3"),
    Leak(
        "normalisation over the horizon",
        fed(plants.over_the_horizon),
        FUTURE,
        "feature",
        HORIZON,
        "3",
    ),
    Leak("accumulated backwards", fed(plants.drawdown_to_come), FUTURE, "feature", column="3"),
    Leak("factor of all history", fed(plants.principal_component), FUTURE, "feature", column="3"),
    Leak("backfill", step(source=plants.backfilled), Danger.NOT_YET_KNOWN, "data", column="close"),
    Leak(
        "interpolation",
        step(source=plants.interpolated),
        Danger.NOT_YET_KNOWN,
        "data",
        column="close",
    ),
    Leak(
        "restated values",
        step(source=plants.restated),
        Danger.NOT_YET_KNOWN,
        "data",
        column="close",
    ),
    Leak(
        "survivors chosen in code",
        step(source=plants.survivors),
        Danger.NOT_YET_KNOWN,
        "data",
        column="close",
    ),
    Leak(
        "shuffled folds",
        step(splits=plants.shuffled_folds),
        Danger.FOLDS,
        "split",
        column="shuffled folds",
    ),
    Leak(
        "missing purge",
        step(splits=plants.without_purge),
        Danger.PURGE,
        "split",
        column="missing purge",
    ),
    Leak(
        "missing purge, seen in the forecasts",
        step(splits=plants.without_purge),
        FUTURE,
        "evaluation",
        column="forecasts",
    ),
    Leak(
        "target overlap",
        step(splits=plants.contiguous_folds),
        Danger.PURGE,
        "split",
        column="target overlap",
    ),
    Leak(
        "early stopping on test, declared",
        step(splits=declared("stopping", lambda s: s.test)),
        Danger.TEST_USED,
        "split",
        column="early stopping",
    ),
    Leak(
        "hyper-parameters chosen on test, declared",
        step(splits=declared("choosing", lambda s: s.test)),
        Danger.TEST_USED,
        "split",
        column="model choice",
    ),
    Leak(
        "early stopping on test",
        step(fit=plants.stops_on_test),
        FUTURE,
        "evaluation",
        column="forecasts",
    ),
    Leak(
        "feature selection on the whole",
        step(fit=plants.chooses_features_on_all),
        FUTURE,
        "evaluation",
        column="forecasts",
    ),
    Leak(
        "validation reused for model choice",
        step(splits=plants.validation_reused),
        Danger.TEST_USED,
        "split",
        column="validation reused",
    ),
    Leak(
        "unlabelled tail as class 0", step(labels=plants.tail_is_class_zero), Danger.LABELS, "label"
    ),
    Leak(
        "labels longer than declared",
        step(labels=plants.longer_than_declared),
        Danger.LABELS,
        "label",
    ),
    Leak(
        "signals one bar early",
        step(wishes=plants.next_forecast),
        FUTURE,
        "strategy",
        column="weight",
    ),
    Leak("reads the next row", step(read=lambda bar: bar + 1), FUTURE, "strategy"),
    Leak(
        "sized by the whole history",
        step(wishes=plants.sized_by_all),
        FUTURE,
        "strategy",
        column="weight",
    ),
    Leak(
        "adjusted prices from the future",
        fed(plants.price_filter),
        Danger.PRICE_LEVEL,
        "feature",
        column="3",
    ),
    Leak(
        "publication lag",
        with_column("earnings", plants.earnings, asof=plants.announced_late),
        Danger.NOT_YET_KNOWN,
        "data",
        column="earnings",
    ),
    Leak(
        "a column made with the future",
        with_column("score", plants.made_with_the_future),
        Danger.NOT_YET_KNOWN,
        "data",
        column="score",
    ),
    Leak(
        "survivorship",
        with_column("x", plants.earnings, lives=plants.lives_of),
        Danger.UNIVERSE,
        "data",
        column="survivorship",
    ),
    Leak(
        "membership not as of date",
        with_column("x", plants.earnings, members=plants.joined_later),
        Danger.UNIVERSE,
        "evaluation",
        column="forecasts",
    ),
    Leak(
        "asynchronous closes",
        with_facts(fed(plants.others_of_the_day), closes=np.array([-15, -15, 0, 0]) * HOUR_NS),
        Danger.NOT_YET_KNOWN,
        "feature",
        column="3",
    ),
)
