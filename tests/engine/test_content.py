import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewind.engine.content import (
    code_content,
    content_digest,
    find_module,
    package_version,
    plain,
)
from tradewind.engine.errors import ForecastError

SOURCE = """
import numpy as np
from helper_beside import scale

class Guess:
    def number(self):
        return scale(1.0)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with a forecaster and a module it imports, as a user's script sees it."""
    (tmp_path / "guess.py").write_text(SOURCE)
    (tmp_path / "helper_beside.py").write_text("def scale(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    code_content.cache_clear()


def code_of(project: Path) -> Any:
    code_content.cache_clear()
    return code_content(f"{project / 'guess.py'}:Guess")


def test_a_changed_line_changes_the_code(project: Path) -> None:
    before = code_of(project)
    (project / "guess.py").write_text(SOURCE.replace("1.0", "1.5"))
    assert code_of(project)["code"] != before["code"]


def test_a_comment_does_not_change_the_code(project: Path) -> None:
    before = code_of(project)
    (project / "guess.py").write_text(
        "# a remark\n" + SOURCE.replace("import numpy", "\nimport numpy")
    )
    assert code_of(project) == before


def test_a_changed_line_in_an_imported_file_changes_the_code(project: Path) -> None:
    before = code_of(project)
    (project / "helper_beside.py").write_text("def scale(x):\n    return 3 * x\n")
    assert code_of(project)["code"] != before["code"]


def test_an_import_inside_a_function_is_followed(project: Path) -> None:
    lazy = "def number():\n    from helper_beside import scale\n    return scale(1)\n"
    (project / "guess.py").write_text(lazy)
    before = code_of(project)
    (project / "helper_beside.py").write_text("def scale(x):\n    return 3 * x\n")
    assert code_of(project)["code"] != before["code"]


def test_installed_packages_count_by_version_and_the_standard_library_not_at_all(
    project: Path,
) -> None:
    assert code_of(project)["versions"] == {"numpy": np.__version__}


def test_our_own_forecasters_are_followed_into_what_they_share() -> None:
    content = code_content("tradewind.forecasters.recurrent:Lstm")
    assert {"torch", "numpy"} <= content["versions"].keys()
    assert "tradewind" not in content["versions"]


def test_a_package_is_followed_for_what_it_holds_itself_and_not_on_the_way_to_a_module(
    project: Path,
) -> None:
    package = project / "package_beside"
    package.mkdir()
    (package / "__init__.py").write_text("from helper_beside import scale\nOWN = 1\n")
    (package / "part.py").write_text("def scale(x):\n    return x\n")
    for line, moved in (("from package_beside import part", False),
                        ("from package_beside import part, OWN", True)):  # fmt: skip
        text = SOURCE.replace("from helper_beside import scale", line)
        (project / "guess.py").write_text(text.replace("scale(1.0)", "part.scale(1.0)"))
        found = []
        for factor in (2, 3):
            (project / "helper_beside.py").write_text(f"def scale(x):\n    return {factor} * x\n")
            found.append(code_of(project)["code"])
        assert (found[0] != found[1]) == moved


def test_the_library_of_indicators_counts_by_version_and_brokers_do_not() -> None:
    versions = code_content("tradewind.forecasters.recurrent:Lstm")["versions"]
    assert {"ta", "torch", "numpy", "pandas"} <= set(versions)
    assert not {"backtrader", "yfinance", "jinja2"} & set(versions)


def test_finding_a_module_does_not_import_it(project: Path) -> None:
    (project / "explosive.py").write_text("raise RuntimeError('imported')\n")
    assert find_module("explosive") == project / "explosive.py"
    assert "explosive" not in sys.modules


@pytest.mark.parametrize(
    "name", ["__main__", "no_such_module", "tradewind.engine.types.Bar", "sys"]
)
def test_what_has_no_source_file_is_not_found(name: str) -> None:
    assert find_module(name) is None


def test_a_package_is_named_by_the_distribution_it_comes_from() -> None:
    assert package_version("yaml").startswith("PyYAML=")
    assert package_version("json") == ""


def test_source_that_is_not_python_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text("class :\n")
    with pytest.raises(ForecastError, match=r"odd\.py: cannot be read as Python"):
        code_content(f"{tmp_path / 'odd.py'}:Guess")


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ((1, 2.5, "a", None, True), [1, 2.5, "a", None, True]),
        ({"b": 1, "a": (2,)}, {"a": [2], "b": 1}),
        (Colour.RED, "red"),
        ({3, 1, 2}, [1, 2, 3]),
    ],
)
def test_parameters_become_plain_values(value: Any, want: Any) -> None:
    assert plain(value, "x") == want


def test_a_parameter_without_a_stable_form_is_refused_by_name() -> None:
    with pytest.raises(ForecastError, match=r"parameter optimiser\.inner: a object"):
        plain({"inner": object()}, "optimiser")


def test_a_path_stands_for_what_lies_there(tmp_path: Path) -> None:
    weights = tmp_path / "weights.bin"
    weights.write_bytes(b"one")
    before = plain(weights, "weights")
    weights.write_bytes(b"two")
    assert plain(weights, "weights") != before


def test_the_digest_of_a_folder_covers_names_and_contents(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a").write_bytes(b"x")
    first = content_digest(folder)
    (folder / "a").rename(folder / "b")
    renamed = content_digest(folder)
    (folder / "b").write_bytes(b"y")
    assert len({first, renamed, content_digest(folder)}) == 3
    assert content_digest(tmp_path / "nothing") is None
