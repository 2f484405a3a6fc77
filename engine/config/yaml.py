"""YAML text to plain values that remember the line and column of every key.

The node graph is read, never YAML's objects: tags are refused, every key is text and stands once,
and aliases are counted at their full size before anything is built from them.
"""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from tradewind.engine.errors import ConfigError

MAX_DEPTH = 24  # levels of nesting; ours are four deep
MAX_NODES = 20_000  # keys, values and list items, aliases counted in full
YAML_TAG = "tag:yaml.org,2002:"
PLAIN = ("null", "bool", "int", "float", "str", "timestamp", "value", "merge")
Location = tuple[str | int, ...]
Positions = dict[Location, tuple[int, int] | str]


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
        Path of a key -> (line, column), both from 1; an override stands at ``--set[i]``.
    """

    where: str
    folder: Path
    values: dict[str, Any]
    positions: Positions

    def at(self, path: Location) -> str:
        """Where ``path`` (or its nearest written parent) stands, ready to start a message."""
        for end in range(len(path), -1, -1):
            found = self.positions.get(path[:end])
            if isinstance(found, str):
                return f"{found}: "
            if found is not None:
                return f"{self.where}:{found[0]}:{found[1]}: "
        return f"{self.where}: "

    def error(self, path: Location, what: str) -> ConfigError:
        """Return a ConfigError that points at ``path``."""
        dotted = ".".join(str(part) for part in path)
        return ConfigError(
            f"{self.at(path)}{dotted}: {what}" if dotted else f"{self.at(path)}{what}"
        )


def parse(text: str, *, where: str, folder: Path) -> Document:
    """YAML text to a :class:`Document`.

    Raises
    ------
    ConfigError
        With line and column, if it is not YAML, holds something else than a mapping at the top, a
        key twice, a tag, or more than a person would write.
    """
    positions: Positions = {}
    values = parse_value(text, where, positions)
    if values is None:
        raise ConfigError(f"{where}: is empty; 'tradewind init' writes one to start from")
    if not isinstance(values, dict):
        raise ConfigError(f"{where}:1:1: wanted keys and values at the top, found {kind(values)}")
    return Document(where, folder, values, positions)


def parse_value(text: str, where: str, positions: Positions) -> Any:
    """Any YAML value as plain Python; notes the place of every key in ``positions``."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ruamel warns of what is an error here
            _guard(yaml.parse(text), where)
            root = yaml.compose(text)
            return None if root is None else _Builder(where, positions, yaml).build(root, ())
    except ConfigError:
        raise
    except Exception as error:  # a parser of hostile text fails in ways it does not list
        raise ConfigError(_syntax(error, where)) from None


def _syntax(error: Exception, where: str) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    at = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
    problem = getattr(error, "problem", None) or str(error) or type(error).__name__
    return f"{where}{at}: not valid YAML: {str(problem).splitlines()[0]}"


def _guard(events: Iterator[Any], where: str) -> None:
    """Refuse nesting and aliases that would grow beyond reason, before anything is built."""
    sizes: dict[str, int] = {}  # full size of what each anchor names
    open_nodes: list[list[Any]] = []  # [anchor, size so far]
    for event in events:
        name = type(event).__name__
        if name.endswith("EndEvent"):
            anchor, size = open_nodes.pop() if open_nodes else (None, 0)
        elif name in ("MappingStartEvent", "SequenceStartEvent"):
            open_nodes.append([event.anchor, 1])
            if len(open_nodes) > MAX_DEPTH:
                raise ConfigError(_too_much(event, where, f"nested deeper than {MAX_DEPTH} levels"))
            continue
        elif name == "AliasEvent":
            inside_itself = any(event.anchor == anchor for anchor, _ in open_nodes)
            anchor, size = None, MAX_NODES if inside_itself else sizes.get(event.anchor, 1)
        elif name == "ScalarEvent":
            anchor, size = event.anchor, 1
        else:
            continue
        if anchor:
            sizes[anchor] = size
        if open_nodes:
            open_nodes[-1][1] += size
            if open_nodes[-1][1] > MAX_NODES:
                raise ConfigError(_too_much(event, where, f"holds more than {MAX_NODES:,} values"))


def _too_much(event: Any, where: str, what: str) -> str:
    mark = event.start_mark
    return f"{where}:{mark.line + 1}:{mark.column + 1}: {what}, aliases counted; that is no config"


class _Builder:
    """Node graph to builtins."""

    def __init__(self, where: str, positions: Positions, yaml: Any) -> None:
        self.where = where
        self.positions = positions
        self.constructor = yaml.constructor

    def build(self, node: Any, path: Location) -> Any:
        name = type(node).__name__
        self._refuse_tag(node, name)
        if name == "MappingNode":
            return self._mapping(node, path)
        if name == "SequenceNode":
            for i, item in enumerate(node.value):
                self.positions[(*path, i)] = self._place(item)
            return [self.build(item, (*path, i)) for i, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: Any, path: Location) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in values:
                raise self._error(key_node, f"{_dotted((*path, key))}: stands twice; keep one")
            self.positions[(*path, key)] = self._place(key_node)
            values[key] = self.build(value_node, (*path, key))
        return values

    def _key(self, node: Any) -> str:
        if type(node).__name__ != "ScalarNode":
            raise self._error(node, "a key must be text, found a block or a list")
        self._refuse_tag(node, "ScalarNode")
        if node.tag == f"{YAML_TAG}merge":
            raise self._error(node, "merge keys (<<) are not accepted; write the keys out")
        return str(node.value)

    def _scalar(self, node: Any) -> Any:
        if node.tag in (f"{YAML_TAG}value", f"{YAML_TAG}merge"):  # a lone = or <<
            return str(node.value)
        try:
            value = self.constructor.construct_object(node)
        except Exception:
            if node.tag == f"{YAML_TAG}timestamp":
                return str(node.value)  # 2013-02-31: whoever wants a date says so, with the key
            raise self._error(node, f"cannot be read: {shown(node.value)}") from None
        if value is None or isinstance(value, bool | int | float | str | date | datetime):
            return value
        raise self._error(node, f"cannot be used as a value: {shown(node.value)}")

    def _refuse_tag(self, node: Any, name: str) -> None:
        allowed = {"MappingNode": ("map",), "SequenceNode": ("seq",)}.get(name, PLAIN)
        if str(node.tag) not in [YAML_TAG + suffix for suffix in allowed]:
            raise self._error(node, f"the tag {node.tag} is not accepted; write a plain value")

    def _place(self, node: Any) -> tuple[int, int]:
        return node.start_mark.line + 1, node.start_mark.column + 1

    def _error(self, node: Any, what: str) -> ConfigError:
        line, column = self._place(node)
        return ConfigError(f"{self.where}:{line}:{column}: {what}")


def _dotted(path: Location) -> str:
    return ".".join(str(part) for part in path)


def kind(value: Any) -> str:
    """What a plain value is, in words for a message."""
    names = {dict: "a block of keys", list: "a list", str: "text", type(None): "nothing"}
    return names.get(type(value), repr(value))


def shown(value: Any) -> str:
    """A value as a message quotes it, shortened."""
    if value is None:
        return "nothing"
    text = str(value) if isinstance(value, date) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def copied(node: Any) -> Any:
    """Copy of plain values, containers included."""
    if isinstance(node, Mapping):
        return {key: copied(value) for key, value in node.items()}
    return [copied(value) for value in node] if isinstance(node, list) else node
