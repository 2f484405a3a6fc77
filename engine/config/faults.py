"""What pydantic finds wrong, in our words: one line a fault, each pointing at its place."""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from tradewind.engine.config.yaml import Document, Location, shown
from tradewind.engine.errors import ConfigError

WANTED: dict[str, str] = {
    "int_type": "wanted a whole number",
    "int_parsing": "wanted a whole number",
    "int_from_float": "wanted a whole number",
    "float_type": "wanted a number",
    "float_parsing": "wanted a number",
    "finite_number": "wanted a finite number",
    "bool_type": "wanted true or false",
    "bool_parsing": "wanted true or false",
    "string_type": "wanted text (put it in quotes)",
    "string_unicode": "wanted text that is valid Unicode",
    "tuple_type": "wanted a list, [a, b]",
    "list_type": "wanted a list, [a, b]",
    "dict_type": "wanted a block of keys",
    "model_type": "wanted a block of keys",
    "model_attributes_type": "wanted a block of keys",
    "path_type": "wanted a path",
    "date_type": "wanted a date such as 2013-03-01",
    "date_parsing": "wanted a date such as 2013-03-01",
    "date_from_datetime_parsing": "wanted a date such as 2013-03-01",
    "date_from_datetime_inexact": "wanted a date such as 2013-03-01, without a time of day",
}
MISSING = "is missing and has no default"
GUESS = re.compile(r"^unknown key \(did you mean '(.*)'\?\)$")
LIMITS: dict[str, tuple[str, str]] = {
    "greater_than": ("wanted more than", "gt"),
    "greater_than_equal": ("wanted at least", "ge"),
    "less_than": ("wanted less than", "lt"),
    "less_than_equal": ("wanted at most", "le"),
}


def faults(
    error: ValidationError, model: type[BaseModel], document: Document, prefix: Location
) -> ConfigError:
    """Every fault of a config block, in the order of the document.

    Parameters
    ----------
    error : ValidationError
    model : type of BaseModel
        What the block was checked against; for the nearest valid key.
    document : Document
    prefix : tuple
        Path of the block inside the document, empty for the whole.

    Returns
    -------
    ConfigError
        Several kinds wanted at one place stand in one line.
    """
    found: dict[Location, list[str]] = {}
    for item in error.errors(include_url=False):
        path = _written(tuple(item["loc"]), document, prefix, absent=item["type"] == "missing")
        path, what = _fault(dict(item), path, model, document, prefix)
        found.setdefault(path, []).append(what)
    ordered = sorted(_telling(found), key=lambda path: _order(document, path))
    return ConfigError(
        "\n".join(str(document.error(path, _joined(found[path]))) for path in ordered)
    )


def _telling(found: Mapping[Location, list[str]]) -> list[Location]:
    """Paths whose faults say something that no other fault says better.

    A union complains of the whole value where one member complains of a part of it, and a misspelt
    key is missing besides.
    """
    guesses = {
        (*path[:-1], guess[1])
        for path, faults_here in found.items()
        for guess in map(GUESS.match, faults_here)
        if guess
    }
    return [
        path
        for path in found
        if not any(len(other) > len(path) and other[: len(path)] == path for other in found)
        and not (found[path] == [MISSING] and path in guesses)
    ]


def _order(document: Document, path: Location) -> tuple[int, int]:
    for end in range(len(path), 0, -1):
        place = document.positions.get(path[:end])
        if isinstance(place, tuple):
            return place
        if place is not None:
            break
    return (0, 0)


def _joined(faults_here: list[str]) -> str:
    """Members of a union complain one by one of the same value."""
    unique = list(dict.fromkeys(faults_here))
    if len(unique) == 1:
        return unique[0]
    heads = [what.partition("; found ")[0].removeprefix("wanted ") for what in unique]
    tail = unique[0].partition("; found ")[2]
    return f"wanted {' or '.join(heads)}" + (f"; found {tail}" if tail else "")


def _fault(
    item: dict[str, Any],
    path: Location,
    model: type[BaseModel],
    document: Document,
    prefix: Location,
) -> tuple[Location, str]:
    """Path a fault belongs to, and what is wrong there."""
    code, found, context = item["type"], item.get("input"), item.get("ctx", {})
    if code in ("extra_forbidden", "unexpected_keyword_argument"):
        valid = field_names(model, path[len(prefix) : -1], document.values, prefix)
        return path, f"unknown key{hint(str(path[-1]), valid, 'valid keys')}"
    if code == "missing":
        return path, MISSING
    if code == "union_tag_not_found":
        return (*path, _discriminator(context)), MISSING
    if code == "union_tag_invalid":
        known = [name.strip(" '") for name in str(context["expected_tags"]).split(",")]
        tag = str(context["tag"])
        return (*path, _discriminator(context)), f"unknown {tag!r}{hint(tag, known, 'known')}"
    if code == "literal_error":
        return path, _literal(found, str(context["expected"]))
    if code in WANTED:
        return path, f"{WANTED[code]}; found {shown(found)}"
    if code in LIMITS:
        words, name = LIMITS[code]
        limit = context[name]
        limit = f"{limit:,g}" if isinstance(limit, float) else f"{limit:,}"
        return path, f"{words} {limit}; found {shown(found)}"
    message = str(item["msg"])
    ours = message.startswith("Value error, ")
    message = message.removeprefix("Value error, ") if ours else message[:1].lower() + message[1:]
    if code in ("value_error", "assertion_error") and isinstance(found, dict | list | BaseModel):
        return path, message
    return path, f"{message}; found {shown(found)}"


def _discriminator(context: Mapping[str, Any]) -> str:
    return str(context["discriminator"]).strip("'")


def _literal(found: Any, expected: str) -> str:
    choices = [choice.strip("'") for choice in expected.replace(" or ", ", ").split(", ")]
    near = get_close_matches(str(found), choices, 1)
    guess = f" (did you mean {near[0]!r}?)" if near else ""
    return f"wanted {expected}; found {shown(found)}{guess}"


def hint(word: str, valid: list[str], title: str) -> str:
    """The nearest valid word as a question, or the list of all of them."""
    near = get_close_matches(word, valid, 1)
    if near:
        return f" (did you mean {near[0]!r}?)"
    return f"; {title}: {', '.join(valid)}" if valid else ""


def _written(loc: Location, document: Document, prefix: Location, *, absent: bool) -> Location:
    """Drop the names of union members that pydantic puts into a location."""
    path: Location = prefix
    node = _inside(document.values, prefix)
    for i, part in enumerate(loc):
        inside = isinstance(node, dict) and part in node
        inside = inside or (isinstance(node, list) and isinstance(part, int))
        if inside or (absent and i == len(loc) - 1):
            path = (*path, part)
            node = node[part] if inside else None
    return path


def _inside(values: Any, path: Location) -> Any:
    for part in path:
        values = values.get(part, {}) if isinstance(values, dict) else {}
    return values


def field_names(
    model: type[BaseModel], path: Location, values: Mapping[str, Any], prefix: Location = ()
) -> list[str]:
    """Keys that the block at ``path`` takes, sorted."""
    node: Any = _inside(values, prefix)
    current: type[BaseModel] = model
    for part in path:
        node = node.get(part) if isinstance(node, dict) else None
        field = current.model_fields.get(str(part))
        members = models(field.annotation) if field else []
        if not members:
            return []
        tag = node.get("kind") if isinstance(node, dict) else None
        current = next(filter(_of_kind(tag), members), members[0])
    return sorted(field.alias or name for name, field in current.model_fields.items())


def models(annotation: Any) -> list[type[BaseModel]]:
    """Pydantic models named anywhere inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models(part)]


def _of_kind(tag: Any) -> Callable[[type[BaseModel]], bool]:
    def matches(model: type[BaseModel]) -> bool:
        field = model.model_fields.get("kind")
        return field is not None and tag in get_args(field.annotation)

    return matches
