"""What ``tradewind data`` is told to look at, as a ``data:`` block."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tradewind.engine.cli.options import DEFAULT_CONFIG
from tradewind.engine.config.file import checked, preset_names, read_document, validate
from tradewind.engine.config.run import DataConfig, RunConfig
from tradewind.engine.config.yaml import Document, Positions, copied
from tradewind.engine.errors import ConfigError

SUFFIXES = {".csv": "csv", ".txt": "csv", ".gz": "csv", ".parquet": "parquet", ".pq": "parquet"}


def data_config(what: Sequence[str], options: Mapping[str, Any]) -> DataConfig:
    """Data block that the words of a command line mean.

    Parameters
    ----------
    what : sequence of str
        A config, a preset, a data file or folder, or ``embedded``, then symbols; or only symbols,
        which are Yahoo's then. Empty: the default config.
    options : mapping
        Keys of the block given as options, None where not given.

    Raises
    ------
    ConfigError
        Naming the option, or the place in the config.
    """
    given = {key: value for key, value in options.items() if value is not None}
    head, *symbols = what or [DEFAULT_CONFIG]
    if _is_config(head):
        return _from_config(head, {**given, **({"symbols": symbols} if symbols else {})})
    if head == "embedded":
        values: dict[str, Any] = {"source": "embedded"}
    elif _is_path(head):
        values = {"source": _file_source(Path(head)), "path": str(Path(head).resolve())}
    else:
        values, symbols = {"source": "yahoo"}, [head, *symbols]
    if symbols:
        values["symbols"] = symbols
    values |= given
    document = Document("command line", Path.cwd(), {"data": values}, _positions(given))
    return checked(DataConfig, values, document, ("data",))


def _is_config(word: str) -> bool:
    return word.endswith((".yaml", ".yml")) or word in preset_names()


def _is_path(word: str) -> bool:
    path = Path(word)
    return path.exists() or "/" in word or path.suffix in SUFFIXES


def _from_config(source: str, given: Mapping[str, Any]) -> DataConfig:
    document = read_document(source)
    values = copied(document.values)
    block = values.setdefault("data", {})
    if isinstance(block, dict):
        block |= given
    positions = document.positions | _positions(given)
    return validate(RunConfig, Document(document.where, document.folder, values, positions)).data


def _positions(given: Mapping[str, Any]) -> Positions:
    """Options stand where they were typed: at themselves."""
    return {("data", key): f"--{key}" for key in given}


def _file_source(path: Path) -> str:
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder")
    names = [path.name] if path.is_file() else sorted(p.name for p in path.iterdir())
    found = {SUFFIXES[Path(name).suffix] for name in names if Path(name).suffix in SUFFIXES}
    if len(found) == 1:
        return found.pop()
    kinds = ", ".join(SUFFIXES)
    if found:
        raise ConfigError(f"{path}: holds CSV and Parquet files; name a config that says which")
    raise ConfigError(f"{path}: neither CSV nor Parquet by its name; wanted one of {kinds}")
