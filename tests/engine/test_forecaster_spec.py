import pickle
from pathlib import Path

import pytest

from tradewind.engine.content import code_content
from tradewind.engine.errors import ForecastError
from tradewind.engine.forecaster_spec import ForecasterSpec, resolve, spec_of

LEARNERS = str(Path(__file__).with_name("learners.py"))


def test_a_recipe_survives_pickling_and_builds_the_class_with_its_parameters_and_seed() -> None:
    spec = pickle.loads(pickle.dumps(ForecasterSpec(f"{LEARNERS}:Slope", {"horizon": 7})))
    made = spec.build(11)
    assert (made.horizon, made.seed) == (7, 11)


def test_a_seed_reaches_only_a_constructor_that_takes_one() -> None:
    made = ForecasterSpec("tradewind.forecasters.baselines:Naive", {"horizon": 2}).build(3)
    assert made.horizon == 2
    assert not hasattr(made, "seed")


def test_the_recipe_of_an_importable_class_names_its_module() -> None:
    from tradewind.forecasters.baselines import Drift

    spec = spec_of(Drift, {"horizon": 4})
    assert spec == ForecasterSpec("tradewind.forecasters.baselines:Drift", {"horizon": 4})
    assert resolve(spec.target) is Drift


def test_the_recipe_of_a_class_from_a_file_names_the_file() -> None:
    slope = resolve(f"{LEARNERS}:Slope")
    spec = spec_of(slope, {})
    assert spec.target == f"{Path(LEARNERS).resolve()}:Slope"
    assert resolve(spec.target) is slope


def test_a_class_inside_a_function_has_no_recipe() -> None:
    class Hidden: ...

    with pytest.raises(ForecastError, match="cannot find this class again"):
        spec_of(Hidden, {})


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("no.such.module:Thing", "no.such.module does not load"),
        (f"{LEARNERS}:Nothing", "has no class 'Nothing'"),
        (f"{LEARNERS}:log_returns", "has no class 'log_returns'"),
        ("/nowhere/at/all.py:Thing", "does not load"),
    ],
)
def test_a_target_that_is_not_there_says_what_is_missing(target: str, message: str) -> None:
    with pytest.raises(ForecastError, match=message):
        resolve(target)


def test_a_class_that_is_no_forecaster_says_what_it_lacks() -> None:
    with pytest.raises(ForecastError, match="it lacks warmup, fit, predict"):
        ForecasterSpec(f"{LEARNERS}:NoDoor").build(0)


def test_a_parameter_the_constructor_does_not_take_is_an_error_of_ours() -> None:
    with pytest.raises(ForecastError, match=r"cannot be built.*windoww"):
        ForecasterSpec(f"{LEARNERS}:Slope", {"windoww": 3}).build(0)


def test_content_differs_by_parameter_and_not_by_the_order_they_were_written_in() -> None:
    first = ForecasterSpec(f"{LEARNERS}:Slope", {"horizon": 3, "window": 4}).content()
    again = ForecasterSpec(f"{LEARNERS}:Slope", {"window": 4, "horizon": 3}).content()
    other = ForecasterSpec(f"{LEARNERS}:Slope", {"window": 5, "horizon": 3}).content()
    assert first == again
    assert first != other


def test_content_differs_by_the_code_of_what_a_class_builds_by_name(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside.py", tmp_path / "outside.py"
    outside.write_text(
        "from tradewind.engine.forecaster_spec import ForecasterSpec\n"
        "class Outside:\n"
        "    @staticmethod\n"
        "    def made_of(params):\n"
        "        return (ForecasterSpec(params['of'], {}),)\n"
    )
    spec = ForecasterSpec(f"{outside}:Outside", {"of": f"{inside}:Inside"})

    def content(power: int) -> object:
        inside.write_text(f"class Inside:\n    power = {power}\n")
        code_content.cache_clear()
        return spec.content()

    first = content(1)
    assert content(1) == first
    assert content(2) != first


def test_a_file_already_loaded_by_another_door_is_not_loaded_twice(tmp_path: Path) -> None:
    from tradewind.engine.registry import load_file

    path = tmp_path / "loaded_once_example.py"
    path.write_text("class Guess: ...\n")
    assert resolve(f"{path}:Guess") is load_file(path).Guess
