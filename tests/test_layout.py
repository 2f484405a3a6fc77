"""Every folder is where the plan puts it, listed where it must be, and small enough to read."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]
CODE_FOLDERS = ("configs", "engine", "forecasters", "strategies")
PACKAGES = {
    **{f"tradewind.{name}": name for name in CODE_FOLDERS},
    "tradewind.contracts": "tests/contracts",  # for the tests of those who write plug-ins
}
TOP_LEVEL = {
    ".ci", ".gitignore", "CHANGELOG.md", "LICENSE", "Makefile", "NOTICE", "README.md",
    "benchmarks", "constraints.txt", "docs", "pyproject.toml", "results", "tests", *CODE_FOLDERS,
}  # fmt: skip
MADE_HERE = {"build", "dist", ".git", ".venv", ".venv-peers"}  # and caches, which hide themselves
MAX_LINES = 400
MAX_README_LINES = 60
PYTHON_FILES = [
    path
    for folder in (*CODE_FOLDERS, "tests", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def packages_on_disk() -> list[str]:
    return sorted(
        ".".join((package, *path.parent.relative_to(ROOT / folder).parts))
        for package, folder in PACKAGES.items()
        for path in (ROOT / folder).rglob("__init__.py")
    )


def test_the_packages_listed_are_the_folders_on_disk() -> None:
    assert len(packages_on_disk()) > len(PACKAGES)
    assert sorted(SETUPTOOLS["packages"]) == packages_on_disk()


def test_every_package_is_mapped_to_the_folder_of_its_name() -> None:
    assert SETUPTOOLS["package-dir"] == PACKAGES


def test_every_folder_with_code_is_a_package() -> None:
    bare = {
        str(path.parent.relative_to(ROOT))
        for folder in CODE_FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if not (path.parent / "__init__.py").is_file()
    }
    assert bare == {"engine/cli/templates"}, "its files are copied out, never imported"


def test_the_top_level_holds_nothing_unplanned() -> None:
    found = {path.name for path in ROOT.iterdir()}
    strange = {
        name
        for name in found - TOP_LEVEL - MADE_HERE
        if not (name.startswith(".") and name.endswith("_cache"))
        and name not in (".hypothesis", "shared")
        and not name.endswith(".egg-info")
    }
    assert not strange
    assert found >= TOP_LEVEL


@pytest.mark.parametrize("folder", CODE_FOLDERS)
def test_every_room_has_a_short_readme(folder: str) -> None:
    lines = (ROOT / folder / "README.md").read_text("utf-8").splitlines()
    assert 10 < len(lines) <= MAX_README_LINES


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_too_long_to_read_at_once(path: Path) -> None:
    n_lines = len(path.read_text("utf-8").splitlines())
    assert 0 < n_lines <= MAX_LINES


def test_a_file_has_one_place_in_tests_that_mirrors_its_own() -> None:
    mirrored = {"engine", "forecasters", "strategies"}
    assert mirrored <= {path.name for path in (ROOT / "tests").iterdir()}


def test_no_stub_is_left() -> None:
    stub = '"""To be ' + 'written."""'
    stubs = [path for path in PYTHON_FILES if stub in path.read_text("utf-8")]
    assert not stubs


def test_every_typed_package_says_so() -> None:
    for folder in ("engine", "forecasters", "strategies"):
        assert (ROOT / folder / "py.typed").is_file()


def test_the_constraints_pin_every_dependency_to_one_public_version() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").split()
    assert "torch==2.13.0" in lines
    assert all(line.count("==") == 1 and "+" not in line and "/" not in line for line in lines)
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in lines}
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(name for extra in extras.values() for name in extra)]
    names = {name.partition(">=")[0].strip().lower().replace("_", "-") for name in wanted}
    own = {name for name in names if name.startswith("tradewind[")}
    assert names - own <= pinned
    pulled = {extra for name in own for extra in name[len("tradewind[") : -1].split(",")}
    assert pulled == {*extras} - {"dev"}, "an extra that dev does not pull skips its tests"
    assert len(pinned) == len(lines), "a name stands twice"
