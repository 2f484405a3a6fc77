"""Calls that usually look ahead, and what to write in their place."""

from collections.abc import Mapping
from typing import NamedTuple

from tradewind.engine.audit.findings import Danger, Severity


class Rule(NamedTuple):
    """What is wrong with a piece of code, and what to write."""

    said: str
    instead: str
    danger: Danger = Danger.CODE
    severity: Severity = "leak"


RULES: Mapping[str, Rule] = {
    "shift": Rule(
        "a negative shift takes values from later bars",
        "shift by a positive number; for an outcome, name it a target or label",
    ),
    "diff": Rule("a negative lag takes values from later bars", "use a positive lag"),
    "roll": Rule(
        "np.roll by a negative number takes values from later bars, and wraps round",
        "slice, and leave NaN where nothing is known",
    ),
    "roll_wraps": Rule(
        "np.roll puts the last bars in place of the first",
        "slice, and leave NaN where nothing is known",
        severity="doubt",
    ),
    "backfill": Rule(
        "filling backwards puts later values into earlier holes",
        "leave holes NaN, or fill forward",
    ),
    "nearest": Rule(
        "the nearest or next row may be a later one",
        'use method="ffill", direction="backward"',
    ),
    "centred": Rule("a centred window is half in the future", "leave center out"),
    "interpolate": Rule(
        "interpolation draws a line to a later value", "leave holes NaN, or fill forward"
    ),
    "smoother": Rule(
        "this filter looks to both sides of each bar",
        "use a one-sided filter: scipy.signal.lfilter, ewm, a rolling mean",
    ),
    "whole_filter": Rule(
        "this transform of a whole series mixes all of its bars",
        "apply it inside a window that ends at each bar",
        severity="doubt",
    ),
    "same_mode": Rule(
        'convolve with mode="same" is centred', 'use mode="full" and keep the first n values'
    ),
    "fit_all": Rule(
        "fitted on something that is not named as training data",
        "fit on the training bars alone, then transform the rest",
        Danger.SCALER,
    ),
    "z_score": Rule(
        "mean and deviation of the whole series standardise every bar of it",
        "use those of the training bars, or rolling or expanding ones",
        Danger.SCALER,
        "doubt",
    ),
    "rank": Rule(
        "ranks along time compare each bar with later ones",
        "rank across symbols (axis=1), or in rolling windows",
        severity="doubt",
    ),
    "quantile_bins": Rule(
        "bins of the whole sample",
        "take the edges from the training bars",
        Danger.SCALER,
        "doubt",
    ),
    "backwards": Rule("accumulated from the end of the series", "accumulate from its beginning"),
    "shuffled": Rule(
        "shuffled samples put the neighbours of a test sample into the training",
        "split by time: tradewind's walk_forward, or TimeSeriesSplit with a gap",
        Danger.FOLDS,
    ),
    "no_time": Rule(
        "this splits without regard to time unless it is told how",
        "give it cv=TimeSeriesSplit(gap=horizon)",
        Danger.FOLDS,
        "doubt",
    ),
    "no_gap": Rule(
        "labels of the last training samples reach into the test window",
        "give it gap=horizon",
        Danger.PURGE,
        "doubt",
    ),
    "test_stops": Rule(
        "the test window ends the training or chooses the model",
        "hand over bars before the test window",
        Danger.TEST_USED,
    ),
    "fit_test": Rule("fitted on the test window", "fit on the training bars", Danger.TEST_USED),
    "left_label": Rule(
        "a longer bar labelled at its left edge is known only at its right one",
        'use label="right", closed="right"',
    ),
    "default_label": Rule(
        "pandas labels these longer bars at their left edge unless told otherwise",
        'say label="right", closed="right"',
    ),
    "tail": Rule(
        "a comparison with an unknown outcome is False, so the unlabelled tail becomes class 0",
        "keep it NaN and drop those rows before fitting",
        Danger.LABELS,
    ),
    "base": Rule(
        ".base reaches the array behind a slice, later bars among it",
        "use the slice itself",
        severity="doubt",
    ),
    "next_line": Rule("a positive index of a backtrader line is a later bar", "use [0], [-1] ..."),
    "cheat": Rule(
        "orders are filled with the prices that decided them",
        "leave it off: decide at the close, trade at the next open",
        Danger.SAME_BAR_FILL,
    ),
}
