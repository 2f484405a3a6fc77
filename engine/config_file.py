"""YAML to :class:`RunConfig`, with errors that point at file, line and column.

ruamel keeps the position of every key, refuses duplicate keys and python tags, and leaves ``NO`` a
string where PyYAML would make it False.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from tradewind.engine.config import RunConfig
from tradewind.engine.errors import ConfigError

MAX_BYTES = 1_000_000  # a config is read by people; a larger file is a mistake or an attack
Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed YAML file that remembers where everything stood.

    Attributes
    ----------
    where : str
        Name shown in messages.
    folder : Path
        What relative paths in it are relative to.
    values : dict
        Plain Python values.
    positions : dict
        Path of a key -> (line, column), both from 1; overrides stand at ``--set[i]``.
    """

    where: str
    folder: Path
    values: dict[str, Any]
    positions: dict[Path_, tuple[int, int] | str]

    def at(self, path: Path_) -> str:
        """Where ``path`` (or its nearest written parent) stands, ready to start a message."""
        for end in range(len(path), -1, -1):
            found = self.positions.get(path[:end])
            if isinstance(found, str):
                return f"{found}: "
            if found is not None:
                return f"{self.where}:{found[0]}:{found[1]}: "
        return f"{self.where}: "

    def error(self, path: Path_, what: str) -> ConfigError:
        """Return a ConfigError that points at ``path``."""
        dotted = ".".join(str(part) for part in path)
        return ConfigError(
            f"{self.at(path)}{dotted}: {what}" if dotted else f"{self.at(path)}{what}"
        )


def read_document(source: str | Path) -> Document:
    """Read a file, or a preset by its name.

    Raises
    ------
    ConfigError
        If there is no such file or preset, or it is not YAML with a mapping at the top.
    """
    path = Path(source)
    if path.is_file():
        return parse(_read(path), where=str(source), folder=path.resolve().parent)
    if path.is_dir():
        raise ConfigError(f"{source}: is a folder; name a config file, for example {source}/x.yaml")
    presets = preset_names()
    stem = path.name.removesuffix(".yaml")
    if path.parent == Path() and stem in presets:
        text = (resources.files("tradewind.configs") / f"{stem}.yaml").read_text("utf-8")
        return parse(text, where=f"{stem}.yaml", folder=Path.cwd())
    near = get_close_matches(stem, presets, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise ConfigError(
        f"{source}: no such file and no preset of that name{hint}; presets: {', '.join(presets)}"
    )


def preset_names() -> list[str]:
    """Names of the configs that ship with tradewind."""
    entries = resources.files("tradewind.configs").iterdir()
    return sorted(e.name.removesuffix(".yaml") for e in entries if e.name.endswith(".yaml"))


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_BYTES:,} bytes; that is no config file")
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text at byte {error.start}; is it YAML?") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None


def parse(text: str, *, where: str, folder: Path) -> Document:
    """YAML text to a :class:`Document`; raises ConfigError with line and column."""
    tree = _load_yaml(text, where)
    if tree is None:
        raise ConfigError(f"{where}: is empty; 'tradewind init' writes one to start from")
    if not isinstance(tree, dict):
        raise ConfigError(f"{where}:1:1: wanted keys and values at the top, found {_name(tree)}")
    positions: dict[Path_, tuple[int, int] | str] = {}
    _collect(tree, (), positions)
    return Document(where, folder, _plain(tree, where), positions)


def _load_yaml(text: str, where: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import DuplicateKeyError
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="rt")
    try:
        return yaml.load(text)
    except DuplicateKeyError as error:
        mark = error.problem_mark
        key = str(error.problem).split('"')[1] if '"' in str(error.problem) else "?"
        raise ConfigError(
            f"{where}:{mark.line + 1}:{mark.column + 1}: {key}: stands twice; keep one of them"
        ) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise ConfigError(f"{where}:{at}: not valid YAML: {error.problem}") from None
    except (YAMLError, RecursionError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{where}: not valid YAML: {first}") from None


def _collect(node: Any, path: Path_, into: dict[Path_, tuple[int, int] | str]) -> None:
    """Note the line and column of every key and list item below ``node``."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            line, column = node.lc.key(key)  # type: ignore[attr-defined]
            into[(*path, str(key))] = (line + 1, column + 1)
            _collect(value, (*path, str(key)), into)
    elif isinstance(node, list):
        for i, value in enumerate(node):
            line, column = node.lc.item(i)  # type: ignore[attr-defined]
            into[(*path, i)] = (line + 1, column + 1)
            _collect(value, (*path, i), into)


def _plain(node: Any, where: str) -> Any:
    """Ruamel's wrappers to the builtins pydantic checks best."""
    if isinstance(node, Mapping):
        return {str(key): _plain(value, where) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value, where) for value in node]
    tag = getattr(node, "tag", None)
    if tag is not None and str(getattr(tag, "value", "") or "").startswith("!"):
        raise ConfigError(f"{where}: the tag {tag.value} is not accepted; write a plain value")
    for kind in (bool, int, float, str):
        if isinstance(node, kind) and type(node) is not kind:
            return kind(node)
    return node


def override(document: Document, assignments: Sequence[str]) -> Document:
    """Apply ``a.b=value`` overrides, values typed as YAML.

    Raises
    ------
    ConfigError
        If an assignment has no ``=`` or runs through something that is not a block.
    """
    values = _copy(document.values)
    positions = dict(document.positions)
    for i, text in enumerate(assignments):
        spot = f"--set[{i}]"
        dotted, sign, raw = text.partition("=")
        if not sign or not dotted.strip():
            raise ConfigError(f"{spot}: {text!r}: wanted key=value, for example costs.fee_bps=2")
        path = tuple(dotted.strip().split("."))
        _put(values, path, _plain(_load_yaml(raw, spot), spot), spot)
        positions = {p: v for p, v in positions.items() if p[: len(path)] != path}
        positions[path] = spot
    return Document(document.where, document.folder, values, positions)


def _copy(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _copy(value) for key, value in node.items()}
    return [_copy(value) for value in node] if isinstance(node, list) else node


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any, spot: str) -> None:
    node = values
    for depth, key in enumerate(path[:-1]):
        node = node.setdefault(key, {})
        if not isinstance(node, dict):
            raise ConfigError(
                f"{spot}: {'.'.join(path[: depth + 1])} is {_name(node)}, not a block of keys"
            )
    node[path[-1]] = value


def load(source: str | Path, assignments: Sequence[str] = ()) -> tuple[RunConfig, Document]:
    """Read, override and validate a config; relative data paths become absolute.

    Raises
    ------
    ConfigError
        With file, line, key, the value found and the nearest valid key.
    """
    document = override(read_document(source), assignments)
    return validate(RunConfig, document), document


def validate(model: type[RunConfig], document: Document) -> RunConfig:
    """Check a document against the model, or raise one ConfigError that lists every fault."""
    values = _copy(document.values)
    data = values.get("data")
    if isinstance(data, dict):
        for key in ("path", "store"):
            if isinstance(data.get(key), str):
                data[key] = str((document.folder / Path(data[key]).expanduser()).resolve())
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise faults(error, model, document, ()) from None


def faults(
    error: ValidationError, model: type[BaseModel], document: Document, prefix: Path_
) -> ConfigError:
    """Pydantic's list of faults in our words, one line each, the document's order kept."""
    lines = [_fault(dict(item), model, document, prefix) for item in error.errors()]
    return ConfigError("\n".join(dict.fromkeys(lines)))


def _fault(item: dict[str, Any], model: type[BaseModel], document: Document, prefix: Path_) -> str:
    path = _written(tuple(item["loc"]), document, prefix)
    kind, found = item["type"], item.get("input")
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        valid = field_names(model, path[len(prefix) : -1], document.values, prefix)
        near = get_close_matches(str(path[-1]), valid, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else f"; valid keys: {', '.join(valid)}"
        return str(document.error(path, f"unknown key{hint}"))
    if kind in ("missing", "union_tag_not_found"):
        return str(document.error(path, "is missing and has no default"))
    message = str(item["msg"]).removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if kind == "value_error" and isinstance(found, (dict, BaseModel)):
        return str(document.error(path, message))
    return str(document.error(path, f"{message}; found {_show(found)}"))


def _written(loc: Path_, document: Document, prefix: Path_) -> Path_:
    """Drop the names of union members that pydantic puts into a location."""
    path: Path_ = prefix
    node: Any = document.values
    for part in prefix:
        node = node.get(part, {}) if isinstance(node, dict) else {}
    for i, part in enumerate(loc):
        inside = isinstance(node, dict) and part in node
        inside = inside or (isinstance(node, list) and isinstance(part, int))
        if inside or (i == len(loc) - 1 and isinstance(node, dict)):
            path = (*path, part)
            node = node[part] if inside else None
    return path


def field_names(
    model: type[BaseModel], path: Path_, values: Mapping[str, Any], prefix: Path_ = ()
) -> list[str]:
    """Keys a block takes, for the nearest-name hint."""
    node: Any = values
    for part in prefix:
        node = node.get(part, {}) if isinstance(node, dict) else {}
    current: type[BaseModel] = model
    for part in path:
        node = node.get(part) if isinstance(node, dict) else None
        found = current.model_fields.get(str(part))
        if found is None:
            return []
        members = [m for m in _models(found.annotation)]
        tag = node.get("kind") if isinstance(node, dict) else None
        chosen = [m for m in members if _is_kind(m, tag)] or members
        if not chosen:
            return []
        current = chosen[0]
    return sorted(current.model_fields)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _is_kind(model: type[BaseModel], tag: Any) -> bool:
    kind = model.model_fields.get("kind")
    return kind is not None and tag in get_args(kind.annotation)


def _name(value: Any) -> str:
    names = {dict: "a block of keys", list: "a list", str: "text", type(None): "nothing"}
    return names.get(type(value), repr(value))


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
