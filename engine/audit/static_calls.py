"""Which rules a call breaks."""

import ast
import re
from collections.abc import Callable, Iterator

from tradewind.engine.audit.static_words import (
    TEST,
    TRAINING,
    attribute_path,
    constant,
    has_slice,
    is_reversed,
    keyword,
    names_in,
    negative,
)

Faults = Iterator[str]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SMOOTHERS = _words(
    "savgol_filter filtfilt sosfiltfilt gaussian_filter gaussian_filter1d uniform_filter1d "
    "median_filter medfilt wiener lowess hpfilter bkfilter cffilter seasonal_decompose STL MSTL "
    "loess smooth UnivariateSpline make_smoothing_spline denoise_wavelet RTSSmoother"
)
WHOLE = _words("wavedec waverec dwt idwt fft rfft stft hilbert detrend resample_poly")
INTERPOLATORS = _words("interpolate interp interp1d CubicSpline Akima1DInterpolator")
CUMULATIONS = _words("cumsum cumprod cummax cummin accumulate cumulative_sum")
SHUFFLERS = _words("ShuffleSplit StratifiedShuffleSplit GroupShuffleSplit")
FOLDERS = _words("KFold StratifiedKFold GroupKFold RepeatedKFold")
SEARCHES = _words(
    "cross_val_score cross_val_predict cross_validate GridSearchCV RandomizedSearchCV"
)
SCALERS = re.compile(
    r"scal|pca|impute|encod|select|normali|standard|discreti|whiten|kbest|quantiletransf|svd|umap",
    re.IGNORECASE,
)
CHEATS = frozenset(("set_coc", "set_coo"))
CHEAT_KEYS = ("coc", "coo", "cheat_on_open", "cheat_on_close", "trade_on_close")
LEFT_UNLESS_TOLD = re.compile(r"\d*\s*(?:min|m|t|h|d|b|s|ms|wk)?$", re.IGNORECASE)


def call_faults(node: ast.Call) -> Faults:
    """Names of the rules of :mod:`.static_rules` that a call breaks."""
    path = attribute_path(node.func)
    name = path[-1] if path else ""
    for look in LOOKS:
        yield from look(node, name, path)


def _lags(node: ast.Call, name: str, path: list[str]) -> Faults:
    n = keyword(node, "periods", "shift", "n") or (node.args[0] if node.args else None)
    if name == "shift" and negative(n):
        yield "shift"
    elif name in ("pct_change", "diff") and path[:1] not in (["np"], ["numpy"]) and negative(n):
        yield "diff"
    elif name == "roll" and path[0] in ("np", "numpy", "torch"):
        n = keyword(node, "shift", "shifts") or (node.args[1] if len(node.args) > 1 else None)
        yield "roll" if negative(n) else "roll_wraps"


def _fills(node: ast.Call, name: str, path: list[str]) -> Faults:
    method = constant(keyword(node, "method", "fill_method", "direction"))
    if name in ("bfill", "backfill") or method in ("bfill", "backfill"):
        yield "backfill"
    elif method in ("nearest", "forward") and name in ("reindex", "merge_asof", "get_indexer"):
        yield "nearest"
    elif name in INTERPOLATORS and not {"functional", "F"} & set(path):  # torch resizes images
        yield "interpolate"


def _windows(node: ast.Call, name: str, path: list[str]) -> Faults:
    if constant(keyword(node, "center", "centered", "centre")) is True:
        yield "centred"
    if name in SMOOTHERS:
        yield "smoother"
    elif name in WHOLE and (len(path) > 1 or name not in ("fft",)):
        yield "whole_filter"
    elif name in ("convolve", "fftconvolve", "correlate"):
        mode = constant(keyword(node, "mode")) or (
            constant(node.args[2]) if len(node.args) > 2 else None
        )
        if mode == "same":
            yield "same_mode"


def _backwards(node: ast.Call, name: str, path: list[str]) -> Faults:
    if name not in CUMULATIONS:
        return
    of = [*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
    if any(is_reversed(one) for one in of):
        yield "backwards"


def _fits(node: ast.Call, name: str, path: list[str]) -> Faults:
    if name not in ("fit", "fit_transform", "fit_resample") or not node.args:
        return
    given = node.args[0]
    if TEST.search(names_in(given)):
        yield "fit_test"
        return
    learns = name != "fit" or SCALERS.search(" ".join(path[:-1]))
    if learns and not TRAINING.search(names_in(given)) and not has_slice(given):
        yield "fit_all"


def _splits(node: ast.Call, name: str, path: list[str]) -> Faults:
    shuffle = constant(keyword(node, "shuffle"))
    if (
        name in SHUFFLERS
        or (name in FOLDERS and shuffle is True)
        or (name == "train_test_split" and shuffle is not False)
    ):
        yield "shuffled"
    elif name in FOLDERS or (name in SEARCHES and keyword(node, "cv") is None):
        yield "no_time"
    elif name == "TimeSeriesSplit" and keyword(node, "gap") is None:
        yield "no_gap"
    for key in ("eval_set", "validation_data", "valid_sets", "val_data", "eval_sets"):
        given = keyword(node, key)
        if given is not None and TEST.search(names_in(given)):
            yield "test_stops"


def _resamples(node: ast.Call, name: str, path: list[str]) -> Faults:
    if name not in ("resample", "Grouper", "group_by_dynamic"):
        return
    told = constant(keyword(node, "label"))
    if told == "left":
        yield "left_label"
        return
    every = keyword(node, "rule", "freq", "every") or (node.args[0] if node.args else None)
    text = constant(every)
    if told is None and isinstance(text, str) and LEFT_UNLESS_TOLD.fullmatch(text):
        yield "default_label"


def _ranks(node: ast.Call, name: str, path: list[str]) -> Faults:
    if name in ("qcut",) and path[0] in ("pd", "pandas"):
        yield "quantile_bins"
    if name != "rank" or not isinstance(node.func, ast.Attribute):
        return
    apart = {"groupby", "rolling", "expanding", "over"} & set(path)
    if keyword(node, "axis") is None and not apart and not node.args:
        yield "rank"


def _tails(node: ast.Call, name: str, path: list[str]) -> Faults:
    """``(x.shift(-5) > x).astype(int)`` and ``np.where(x.shift(-5) > x, 1, 0)``."""
    compared: ast.expr | None = None
    if name in ("astype", "view") and isinstance(node.func, ast.Attribute):
        compared = node.func.value
    elif name == "where" and path[0] in ("np", "numpy") and node.args:
        compared = node.args[0]
    if not isinstance(compared, ast.Compare):
        return
    for part in ast.walk(compared):
        if isinstance(part, ast.Call) and next(_lags(part, *_name_of(part)), "") == "shift":
            yield "tail"
            return


def _name_of(node: ast.Call) -> tuple[str, list[str]]:
    path = attribute_path(node.func)
    return (path[-1] if path else ""), path


def _cheats(node: ast.Call, name: str, path: list[str]) -> Faults:
    switched = name in CHEATS and (not node.args or constant(node.args[0]) is not False)
    if switched or any(constant(keyword(node, key)) is True for key in CHEAT_KEYS):
        yield "cheat"


LOOKS: tuple[Callable[[ast.Call, str, list[str]], Faults], ...] = (
    _lags,
    _fills,
    _windows,
    _backwards,
    _fits,
    _splits,
    _resamples,
    _ranks,
    _tails,
    _cheats,
)
