"""Networks trained in a group against each trained alone."""

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Any

import numpy as np
import pytest
import torch

from tradewind.engine.causality import probe
from tradewind.engine.errors import ConfigError, ForecastError
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Panel
from tradewind.forecasters import Lstm
from tradewind.forecasters.training import grouped, hardware, together
from tradewind.forecasters.training.guided import Guided
from tradewind.forecasters.training.together import fit_together
from tradewind.forecasters.windowed import WindowedForecaster

CPU = torch.device("cpu")
SMALL: dict[str, Any] = {
    "window": 8,
    "features": ("scaled_return_1", "range"),
    "epochs": 3,
    "patience": 3,
    "stride": 1,
    "batch": 48,
    "dropout": 0.2,
    "horizon": 2,
}
SHAPES: dict[str, dict[str, Any]] = {
    "Lstm": {"hidden": 5, "layers": 2},
    "Gru": {"hidden": 5, "layers": 2},
    "Rnn": {"hidden": 5, "layers": 2},
    "LstmAttention": {"hidden": 5},
    "Tcn": {"channels": 4, "levels": 2},
    "PatchTst": {"patch": 4, "hop": 2, "width": 8, "heads": 2, "layers": 1},
    "Transformer": {"width": 8, "heads": 2, "layers": 1},
    "Nhits": {"pools": (4, 1), "hidden": 8, "width": 4},
    "DLinear": {"smooth": 3},
    "NLinear": {},
}
RELATIVE = 1e-4


def families() -> dict[str, type[WindowedForecaster]]:
    loaded = [entry.load() for entry in entry_points(group="tradewind.forecasters")]
    found = [cls for cls in loaded if isinstance(cls, type) and issubclass(cls, WindowedForecaster)]
    return {cls.__name__: cls for cls in found}


def history() -> Panel:
    return probe(seed=3, n_bars=300, n_symbols=2)


def both(
    cls: type[WindowedForecaster], params: dict[str, Any], **options: Any
) -> tuple[list[Any], list[Any]]:
    """Two seeds on two pasts, fitted one by one and together."""
    pasts = [history(), history().past(260)]
    alone = [cls(**params, seed=seed).fit(past) for seed, past in enumerate(pasts)]
    many = [cls(**params, seed=seed) for seed in range(2)]
    fit_together(many, pasts, CPU, **options)
    return alone, many


def agree(alone: Sequence[Guided], many: Sequence[Guided], relative: float = RELATIVE) -> None:
    for one, other in zip(alone, many, strict=True):
        mine, theirs = (np.array([point[1:] for point in f.history]) for f in (one, other))  # type: ignore[attr-defined]
        np.testing.assert_allclose(theirs, mine, rtol=relative, atol=relative)
        a, b = (f.predict(history(), first=200) for f in (one, other))  # type: ignore[attr-defined]
        assert np.isfinite(a.mean).any()
        assert distance(a, b) < relative


def distance(a: Forecasts, b: Forecasts) -> float:
    """Largest difference of two forecasts in units of their standard deviation."""
    assert (np.isfinite(a.mean) == np.isfinite(b.mean)).all()
    apart = np.abs(a.mean - b.mean) + np.abs(a.std - b.std)
    return float(np.nanmax(apart / a.std))


@pytest.mark.parametrize("pooled", [True, False], ids=["pooled", "each symbol"])
@pytest.mark.parametrize("name", SHAPES)
def test_every_family_learns_in_a_group_what_it_learns_alone(name: str, pooled: bool) -> None:
    params = SMALL | SHAPES[name] | ({"embedding": 2} if pooled else {"pooled": False})
    agree(*both(families()[name], params))


def test_no_family_is_left_out() -> None:
    assert set(SHAPES) == set(families())


@pytest.mark.parametrize(
    "head", ["gaussian", "student_t", "quantile", "direction", "volatility", "position"]
)
def test_every_head_learns_in_a_group_what_it_learns_alone(head: str) -> None:
    params = SMALL | {"hidden": 4, "head": head, "pooled": False, "stride": None}
    agree(*both(Lstm, params))


@pytest.mark.parametrize("scaling", ["symbol", "cross_section", "window"])
def test_features_scaled_in_any_way_are_learned_from_alike_in_a_group(scaling: str) -> None:
    agree(*both(Lstm, SMALL | {"hidden": 4, "scaling": scaling}))


def test_a_state_that_is_carried_on_is_learned_alone_and_noted() -> None:
    params = SMALL | {"hidden": 4, "serving": "stateful", "epochs": 1}
    alone, many = both(Lstm, params)
    agree(alone, many, relative=1e-12)
    assert "cannot be grouped" in many[0].notes[0]


def test_networks_leave_the_group_when_they_are_done_and_the_others_go_on() -> None:
    params = SMALL | {"hidden": 4, "pooled": False, "epochs": 12, "patience": 1}
    alone, many = both(Lstm, params)
    lengths = [sum(point.network == name for point in f.history) for f in many for name in f.fitted]
    assert len(set(lengths)) > 1, "all stopped together, so nothing is shown"
    agree(alone, many)


def test_in_smaller_groups_they_learn_the_same() -> None:
    params = SMALL | {"hidden": 4, "pooled": False}
    agree(*both(Lstm, params, at_once=3))


def test_networks_that_begin_elsewhere_keep_their_own_learning_rate() -> None:
    params = SMALL | {"hidden": 4, "pooled": False}
    earlier = Lstm(**params).fit(history().past(240))
    alone = [Lstm(**params).begin_from(earlier).fit(history()), Lstm(**params).fit(history())]
    many = [Lstm(**params).begin_from(earlier), Lstm(**params)]
    fit_together(many, [history()] * 2, CPU)
    agree(alone, many)


def test_each_epoch_of_each_network_is_told() -> None:
    told: list[tuple[str, int]] = []
    one = Lstm(**SMALL, hidden=4, pooled=False)
    one.watch(lambda report: told.append((report["network"], report["epoch"])))
    fit_together([one], [history()], CPU)
    assert sorted(told) == [(name, k) for name in history().symbols for k in (1, 2, 3)]


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """A memory that holds so many networks; returns the sizes of groups that were tried."""

    def limit(most: int) -> list[int]:
        tried: list[int] = []
        evaluate = grouped._Group._evaluate

        def checked(self: Any, part: Any) -> Any:
            if part is self.stopping and len(self.states[0].curve) == 1:  # in the middle of it
                tried.append(len(self.states))
                if len(self.states) > most:
                    raise torch.OutOfMemoryError("no room")
            return evaluate(self, part)

        monkeypatch.setattr(grouped._Group, "_evaluate", checked)
        return tried

    return limit


def test_a_group_that_does_not_fit_into_memory_is_halved(
    tight: Callable[[int], list[int]],
) -> None:
    params = SMALL | {"hidden": 4, "pooled": False}
    tried = tight(2)
    alone, many = both(Lstm, params)
    assert tried == [4, 2, 2]
    agree(alone, many)


def test_a_memory_for_not_one_network_is_an_error_that_says_what_to_lower(
    tight: Callable[[int], list[int]],
) -> None:
    tight(0)
    with pytest.raises(ForecastError, match="does not hold a single network; lower 'batch'"):
        fit_together([Lstm(**SMALL, hidden=4)], [history()], CPU)


def test_a_loss_that_explodes_in_a_group_is_refused_and_earlier_fits_stay() -> None:
    good, bad = Lstm(**SMALL, hidden=4).fit(history()), Lstm(**SMALL, hidden=4)
    before = good.predict(history(), first=290).mean
    bad.learning_rate = 1e38
    with pytest.raises(ForecastError, match="lower learning_rate"):
        fit_together([good, bad], [history()] * 2, CPU)
    np.testing.assert_array_equal(good.predict(history(), first=290).mean, before)


def test_bf16_in_a_group_is_as_near_as_bf16_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_has_bf16", lambda device: True)
    for name in ("Lstm", "Gru", "Tcn"):
        alone, many = both(families()[name], SMALL | SHAPES[name] | {"precision": "bf16"})
        agree(alone, many, relative=0.05)


def test_cuda_asked_for_and_absent_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ForecastError, match=r"Lstm: device cuda, but .*; set device: cpu, or auto"):
        Lstm(**SMALL, hidden=4, device="cuda").fit(history())
    with pytest.raises(ConfigError, match="device is 'gpu'; wanted cpu or cuda or auto"):
        Lstm(device="gpu")  # type: ignore[arg-type]


def test_auto_without_a_gpu_is_the_cpu_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    chosen = Lstm(**SMALL, hidden=4, device="auto").fit(history())
    plain = Lstm(**SMALL, hidden=4).fit(history())
    assert chosen.grouped is False
    assert "device auto: trained on the CPU" in chosen.notes[0]
    assert distance(*(f.predict(history(), first=200) for f in (chosen, plain))) == 0.0


def test_with_a_gpu_all_fits_go_there_in_one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, str]] = []

    def seen(jobs: Any, device: torch.device, tell: Any, *, at_once: int | None) -> Any:
        asked.append((len(jobs), device.type))
        return train(jobs, CPU, tell, at_once=at_once)

    train = grouped.train_grouped
    monkeypatch.setattr(together, "train_grouped", seen)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    one = Lstm(**SMALL, hidden=4, pooled=False, device="cuda")
    assert one.grouped
    one.fit(history())
    assert asked == [(2, "cuda")]
    assert one.n_samples > 0
