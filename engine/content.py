"""What a piece of code and its parameters depend on, as digests: the ground of content caches."""

import ast
import json
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from datetime import date
from enum import Enum
from functools import cache
from hashlib import file_digest, sha256
from importlib import metadata
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from tradewind.engine.errors import CheckpointError, ForecastError


def find_module(name: str) -> Path | None:
    """Source file of an importable module, found without importing it or its parents.

    None where there is none: a built-in, a folder without ``__init__``, or ``__main__``.
    """
    if name == "__main__":
        return None
    parts = name.split(".")
    try:
        found = _find_below(parts[0], None)
        for end in range(2, len(parts) + 1):
            if found is None or found.submodule_search_locations is None:
                return None
            found = _find_below(".".join(parts[:end]), list(found.submodule_search_locations))
    except (ImportError, ValueError):
        return None
    if found is None or found.origin is None or not found.origin.endswith(".py"):
        return None
    return Path(found.origin)


def _find_below(name: str, folders: list[str] | None) -> ModuleSpec | None:
    # Not importlib.util.find_spec: it answers from what is loaded, which another process has not.
    for finder in sys.meta_path:
        found = finder.find_spec(name, folders) if hasattr(finder, "find_spec") else None
        if found is not None:
            return found
    return None


def plain(value: Any, where: str) -> Any:
    """Turn a parameter into JSON-able values that are equal exactly when the parameters are.

    A ``Path`` to something that exists stands for its content: weights under an unchanged name may
    have changed.

    Raises
    ------
    ForecastError
        For an object without a stable written form.
    """
    if isinstance(value, Path):
        return {"path": str(value), "content": content_digest(value)}
    if isinstance(value, Enum):
        return plain(value.value, where)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(value[key], f"{where}.{key}") for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [plain(part, where) for part in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(part, where) for part in value), key=json.dumps)
    raise ForecastError(
        f"parameter {where}: a {type(value).__name__} cannot be told from another by content; "
        "use numbers, text, lists or mappings"
    )


def content_digest(path: Path) -> str | None:
    """SHA-256 of a file, or of all names and contents below a folder; None where nothing is.

    Raises
    ------
    CheckpointError
        If something is there and cannot be read.
    """
    try:
        if path.is_file():
            with path.open("rb") as file:
                return file_digest(file, "sha256").hexdigest()
        if path.is_dir():
            seal = sha256()
            for part in sorted(path.rglob("*")):
                if part.is_file():
                    seal.update(f"{part.relative_to(path).as_posix()}\0".encode())
                    seal.update(bytes.fromhex(content_digest(part) or ""))
            return seal.hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from None
    return None


@cache
def code_content(target: str) -> dict[str, Any]:
    """Digest of the source a target runs, and the versions of the packages that source imports.

    The class's own module is followed through its imports, lazy ones included: into its own
    package, into tradewind, and into whatever is not installed (a user's working folder). What is
    installed counts by version. Comments and layout do not count.

    Raises
    ------
    ForecastError
        If there is no source, or it cannot be parsed.
    """
    sources, foreign = _followed(target)
    seal = sha256("".join(sorted(digest for _, digest in sources.values())).encode()).hexdigest()
    versions = {package: package_version(package) for package in sorted(foreign)}
    return {"code": seal, "versions": {p: v for p, v in versions.items() if v}}


def own_sources(target: str) -> dict[str, Path]:
    """Files of a target that no package brings along, by where Python finds them again.

    Returns
    -------
    dict of str to Path
        ``folder/module.py`` below a folder to be searched for modules; that of a target which is
        a file is its name. Empty for a target that is installed or part of tradewind.

    Raises
    ------
    ForecastError
        As :func:`code_content`.
    """
    where = target.rpartition(":")[0]
    found: dict[str, Path] = {}
    if where.partition(".")[0] == "tradewind":
        return found
    for name, (path, _) in _followed(target, leave="tradewind")[0].items():
        if _installed(path):
            continue
        if name == where and where.endswith(".py"):
            found[path.name] = path
            continue
        parts = name.split(".")
        package = ["__init__.py"] if path.name == "__init__.py" else []
        found["/".join([*parts, *package]) + ("" if package else ".py")] = path
        for end in range(1, len(parts)):
            above = find_module(".".join(parts[:end]))
            if above is not None:
                found["/".join([*parts[:end], "__init__.py"])] = above
    return found


def _followed(target: str, leave: str = "") -> tuple[dict[str, tuple[Path, str]], set[str]]:
    """(path and digest of modules that count by their source, packages that do by version).

    ``leave`` is a package that is not followed into.
    """
    where = target.rpartition(":")[0]
    root = Path(where) if where.endswith(".py") else find_module(where)
    if root is None:
        raise ForecastError(f"{target}: has no source file, so its results cannot be cached")
    own = {"tradewind", where.partition(".")[0]}
    todo, sources, foreign = [(where, root)], {}, set[str]()
    seen = {where}
    while todo:
        name, path = todo.pop()
        tree = _parse(path)
        sources[name] = (path, sha256(ast.dump(tree).encode()).hexdigest())
        for wanted in _imports(tree, name):
            source = find_module(wanted)
            package = wanted.partition(".")[0]
            if package == leave:
                continue
            if package not in own and (source is None or _installed(source)):
                foreign.add(package)
            elif source is not None and wanted not in seen:
                seen.add(wanted)
                todo.append((wanted, source))
    return sources, foreign


def _installed(source: Path) -> bool:
    if {"site-packages", "dist-packages"} & set(source.parts):
        return True
    library = sysconfig.get_paths()
    return any(source.is_relative_to(library[name]) for name in ("stdlib", "platstdlib"))


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        raise ForecastError(f"{path}: cannot be read as Python: {error}") from error


def _imports(tree: ast.Module, module: str) -> Iterator[str]:
    """Every module a source may import, at its top or inside a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")[: -node.level]
                base = ".".join([*parents, base] if base else parents)
            if base:
                # "from package import name": where the name is a module of its own, the package is
                # a folder to it, as in "import package.name"; its face may lead to everything.
                modules = [f"{base}.{alias.name}" for alias in node.names]
                yield from modules
                if not all(find_module(module) for module in modules):
                    yield base


@cache
def package_version(package: str) -> str:
    """Version of an installed package by its import name, empty for the standard library."""
    if package in sys.stdlib_module_names:
        return ""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        names = metadata.packages_distributions().get(package, ())
        return ",".join(f"{name}={metadata.version(name)}" for name in sorted(set(names)))
