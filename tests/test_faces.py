"""The three faces: sorted lists of what is public, light to import, with nothing of their own."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FACES = ("engine", "forecasters", "strategies")
HEAVY = (
    "backtrader", "exchange_calendars", "numba", "optuna", "pandas", "pyarrow", "pydantic", "scipy",
    "ta", "torch", "yfinance",
)  # fmt: skip


@pytest.mark.parametrize("face", FACES)
def test_a_face_lists_what_is_public_sorted_and_each_name_is_there(face: str) -> None:
    module = import_module(f"tradewind.{face}")
    names = module.__all__
    assert names
    assert names == sorted(set(names))
    for name in names:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = module.no_such_name


@pytest.mark.parametrize("face", FACES)
def test_a_face_only_re_exports(face: str) -> None:
    tree = ast.parse((ROOT / face / "__init__.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            assert node.name in ("__getattr__", "__dir__")
        else:
            assert isinstance(node, ast.Expr | ast.Import | ast.ImportFrom | ast.If | ast.Assign)
        if isinstance(node, ast.If):
            assert ast.unparse(node.test) == "TYPE_CHECKING"


@pytest.mark.parametrize("face", FACES)
def test_a_type_checker_sees_the_names_that_a_run_finds(face: str) -> None:
    tree = ast.parse((ROOT / face / "__init__.py").read_text("utf-8"))
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tradewind.")
        for alias in node.names
    }
    assert imported == set(import_module(f"tradewind.{face}").__all__)


@pytest.mark.parametrize("module", ["engine", "forecasters", "strategies", "engine.cli"])
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    code = (
        f"import sys, tradewind.{module}; "
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert found == []


def test_importing_the_feeds_loads_neither_pandas_nor_a_network_client() -> None:
    code = "import sys, tradewind.engine.feeds; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "tradewind.engine.feeds" in loaded
    assert not {"pandas", "yfinance", "exchange_calendars", "torch"} & set(loaded)


@pytest.mark.parametrize("face", FACES)
def test_no_module_inside_imports_the_face_of_its_own_package(face: str) -> None:
    inside = [path for path in (ROOT / face).rglob("*.py") if path != ROOT / face / "__init__.py"]
    assert inside
    for path in inside:
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == f"tradewind.{face}":
                modules = {p.stem for p in (ROOT / face).iterdir()}
                assert {alias.name for alias in node.names} <= modules, f"{path}: the face"
