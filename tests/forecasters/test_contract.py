"""Every registered forecaster keeps the contract, in each form that takes another path."""

import pickle
from importlib.metadata import entry_points
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from tradewind.contracts import faulty_forecasters as faulty
from tradewind.contracts.forecaster_contract import CHECKS, Check
from tradewind.engine.protocols import Forecaster
from tradewind.engine.registry import names

SMALL = {
    "window": 12,
    "features": ("scaled_return_1", "range", "volume_20"),
    "epochs": 2,
    "stride": 1,
}
QUICK = SMALL | {"hidden": 4}
ATTENTIVE = SMALL | {"width": 4, "heads": 2, "layers": 1}
ROWS = {"window": 8, "features": ("scaled_return_1", "range", "volume_20"), "stride": 1}
FORMS: dict[str, list[dict[str, Any]]] = {
    "lightgbm": [ROWS | {"trees": 10, "least_rows": 10}],
    "ridge": [ROWS, ROWS | {"pooled": False, "penalty": 0.1, "horizon": 1}],
    "sklearn": [
        ROWS | {"estimator": "sklearn.linear_model.HuberRegressor", "pooled": False},
        ROWS
        | {
            "estimator": "sklearn.ensemble.RandomForestRegressor",
            "settings": {"n_estimators": 5},
        },
    ],
    "dlinear": [SMALL | {"smooth": 5}],
    "nhits": [SMALL | {"pools": (4, 1), "hidden": 4, "width": 3}],
    "nlinear": [SMALL, SMALL | {"embedding": 2}],
    "patchtst": [ATTENTIVE | {"patch": 5, "hop": 3}],
    "tcn": [SMALL | {"channels": 4, "levels": 2}],
    "transformer": [ATTENTIVE],
    "lstm": [
        QUICK,
        QUICK | {"pooled": False, "dropout": 0.3},
        QUICK | {"layers": 2, "features": ("return_1", "ta.momentum_stoch"), "horizon": 1},
        *(QUICK | {"head": head} for head in ("direction", "student_t", "volatility")),
        QUICK | {"head": {"kind": "quantile", "levels": [0.1, 0.6, 0.9]}},
        QUICK | {"head": {"kind": "position", "run": 8}, "horizon": 1},
    ],
    "ar": [{}, {"lags": 2, "pooled": True, "horizon": 1}],
    "auto_arima": [{"max_p": 1, "max_q": 1}],
    "auto_ets": [{}],
    "rnn": [QUICK],
    "gru": [QUICK | {"layers": 2}, QUICK | {"serving": "stateful", "scaling": "symbol"}],
    "lstm_attention": [QUICK, QUICK | {"serving": "stateful", "pooled": False}],
    "drift": [{}, {"lookback": 20, "horizon": 3}],
    "ewma": [{}, {"halflife": 5, "vol_halflife": 10, "horizon": 1}],
}
ELSEWHERE = {"chronos": "needs weights: tests/forecasters/test_zero_shot.py makes some"}
CASES = [
    pytest.param(kind, form, id=f"{kind}-{k}")
    for kind in names("forecasters")
    if kind not in ELSEWHERE
    for k, form in enumerate(FORMS.get(kind, [{}]))
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("kind", "form"), CASES)
def test_every_forecaster_keeps_the_contract(
    kind: str, form: dict[str, Any], check: Check, tmp_path: Path
) -> None:
    entry = entry_points(group="tradewind.forecasters")[kind]
    cls = entry.load()

    def make(seed: int) -> Forecaster:
        seeded = {"seed": seed} if "seed" in signature(cls).parameters else {}
        built: Forecaster = cls(**form, **seeded)
        return built

    check(make, tmp_path)


def test_the_registered_forecasters_are_found() -> None:
    wanted = {"ar", "auto_arima", "auto_ets", "drift", "ewma", "gru", "lstm", "naive", "rnn"}
    assert wanted <= set(names("forecasters"))


@pytest.mark.parametrize(
    ("cls", "found_by"),
    [
        (faulty.ReadsTheNextBar, "is_not_moved_by_the_future"),
        (faulty.ScalesByAll, "is_not_moved_by_the_future"),
        (faulty.ScalesByAll, "says_the_same_bar_by_bar"),
        (faulty.LooksBehindTheView, "fits_on_the_past_alone"),
        (faulty.Remembers, "forgets_earlier_fits"),
        (faulty.DrawsGlobally, "repeats_itself"),
        (faulty.ChangesThreads, "does_not_mind_threads"),
        (faulty.FillsGaps, "is_silent_without_a_bar_or_history"),
        (faulty.ScribblesOnInput, "leaves_its_input_alone"),
        (faulty.CannotTravel, "travels_to_another_process"),
        (faulty.SharesState, "comes_back_from_disk"),
    ],
)
def test_the_contract_finds_the_fault(
    cls: type[faulty.Honest], found_by: str, tmp_path: Path
) -> None:
    import torch

    check = {check.__name__: check for check in CHECKS}[found_by]
    threads = torch.get_num_threads()
    try:
        with pytest.raises((AssertionError, pickle.PicklingError, AttributeError)):
            check(lambda seed: cls(seed=seed), tmp_path)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_contract_finds_no_fault_where_there_is_none(check: Check, tmp_path: Path) -> None:
    check(lambda seed: faulty.Honest(seed=seed), tmp_path)
