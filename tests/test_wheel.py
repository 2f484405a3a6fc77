"""The wheel holds everything a run needs and works outside the repository."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = (
    "LICENSE", "NOTICE", "README.md", "configs", "engine", "forecasters", "pyproject.toml",
    "strategies", "tests/contracts",
)  # fmt: skip
INSIDE = (
    "tradewind/configs/lstm-timing.yaml",
    "tradewind/configs/sma-cross.yaml",
    "tradewind/contracts/py.typed",
    "tradewind/engine/cli/templates/README.md",
    "tradewind/engine/cli/templates/config.yaml",
    "tradewind/engine/cli/templates/strategy.py",
    "tradewind/engine/cli/templates/test_strategy.py",
    "tradewind/engine/feeds/embedded_data/us_daily_2013_2017.parquet",
    "tradewind/engine/py.typed",
    "tradewind/engine/report/assets/LICENSE-echarts",
    "tradewind/engine/report/assets/echarts-6.1.0.min.js",
    "tradewind/forecasters/py.typed",
    "tradewind/strategies/py.typed",
)
MAX_WHEEL_BYTES = 12_000_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this tree, built from a copy: building in place would leave files behind."""
    tree = tmp_path_factory.mktemp("tree")
    for name in SOURCES:
        source, copy = ROOT / name, tree / name
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tree / "out"), str(tree))
    (built,) = (tree / "out").iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scripts of a fresh environment with the wheel, and the libraries of this one beside it."""
    home = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    scripts = home / ("Scripts" if os.name == "nt" else "bin")
    pip("--python", str(scripts / "python"), "install", "--no-deps", "--no-index", str(wheel))
    # A folder named in a .pth file is searched, but its own .pth files, such as the one of an
    # editable tradewind, are not read.
    (site,) = home.glob("[Ll]ib/**/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_paths()["purelib"])
    return scripts


def pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "-q", *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def outside(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command from the root of the disk, with nothing of the repository."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        [str(installed / "tradewind"), *arguments],
        cwd=Path(ROOT.anchor),
        env=env,
        capture_output=True,
        text=True,
    )


def test_the_wheel_holds_data_presets_templates_and_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (top_level,) = (n for n in names if n.endswith("top_level.txt"))
        assert archive.read(top_level).decode().split() == ["tradewind"]
    missing = set(INSIDE) - set(names)
    assert not missing
    licences = {n.rpartition("licenses/")[2] for n in names if "licenses/" in n}
    assert {"LICENSE", "NOTICE"} <= licences
    roots = {name.partition("/")[0] for name in names}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"tradewind"}
    assert not [name for name in names if "__pycache__" in name or "/test_" in name.replace(
        "templates/test_strategy.py", "")]  # fmt: skip
    assert wheel.stat().st_size < MAX_WHEEL_BYTES


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    left_out = [
        str(path.relative_to(ROOT))
        for folder in ("configs", "engine", "forecasters", "strategies")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
        and path.name != "README.md"
        and "__pycache__" not in path.parts
        and f"tradewind/{path.relative_to(ROOT).as_posix()}" not in names
    ]
    assert not left_out


def test_the_installed_command_runs_from_anywhere(installed: Path, tmp_path: Path) -> None:
    version = outside(installed, "--version")
    assert version.stdout.startswith("tradewind 0.")
    done = outside(
        installed, "backtest", "sma-cross", "--json", "--out", str(tmp_path),
        "--set", "data.symbols=[MSFT, KO]", "strategy.slow=50",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["metrics"]["orders"]["fills"] > 0
    assert (Path(result["folder"]) / "report.html").is_file()


def test_the_installed_package_is_the_wheel_and_not_the_repository(installed: Path) -> None:
    code = "import tradewind.engine as e, importlib.resources as r; print(e.__file__)"
    found = subprocess.run(
        [str(installed / "python"), "-c", code], cwd=ROOT.anchor, capture_output=True, text=True
    )
    assert found.stdout.strip().startswith(str(installed.parent)), found.stderr
