"""Which keys of a config can be varied, and the nearest one to a key that cannot."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from tradewind.engine import registry
from tradewind.engine.config.faults import models
from tradewind.engine.config.file import SWEEPING as KEY
from tradewind.engine.config.file import Document
from tradewind.engine.config.ranges import ChoiceConfig
from tradewind.engine.config.run import RunConfig
from tradewind.engine.config.sweeping import FORBIDDEN, run_document

GROUPS = {"strategy": "strategies", "forecaster": "forecasters", "selector": "selectors"}


def check_paths(space: dict[str, Any], document: Document) -> None:
    """Refuse a path that no config has, and a value that the key cannot have.

    Raises
    ------
    ConfigError
        At its line, naming the nearest valid path.
    """
    plain = run_document(document, {k: v for k, v in space.items() if not _varies(v)})
    valid = sorted(set(valid_paths(plain, space)))
    open_ended = {path[:-2] for path in valid if path.endswith(".*")}
    known = [path for path in valid if not path.endswith(".*")]
    for name in space:
        inside = any(name == path or name.startswith(f"{path}.") for path in open_ended)
        if name in known or inside:
            continue
        near = [] if "." in name else _by_last_part(name, known)
        near = near or get_close_matches(name, known, 1, 0.5) or _by_last_part(name, known)
        guess = f" (did you mean {near[0]!r}?)" if near else ""
        block = name.partition(".")[0]
        beside = [path for path in known if path.startswith(f"{block}.")]
        there = f"; {block} has {', '.join(beside)}" if beside and not near else ""
        raise document.error((KEY, "space", name), f"no key of a config{guess}{there}")


def _by_last_part(name: str, known: list[str]) -> list[str]:
    """Paths that end in the same word, or nearly."""
    last = name.rpartition(".")[2]
    ends = {path.rpartition(".")[2]: path for path in reversed(known)}
    return [ends[word] for word in get_close_matches(last, list(ends), 1, 0.8)]


def _varies(value: Any) -> bool:
    return hasattr(value, "when")


def valid_paths(document: Document, space: dict[str, Any]) -> Iterator[str]:
    """Every path that may be varied; one that ends in ``.*`` takes any key below it."""
    for path in _below(RunConfig, "", document.values, document, space):
        if not any(path == one or path.startswith(f"{one}.") for one in FORBIDDEN):
            yield path


def _below(
    model: type[BaseModel], prefix: str, values: Any, document: Document, space: dict[str, Any]
) -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = field.alias or name
        path = f"{prefix}{key}"
        yield path
        own = values.get(key) if isinstance(values, dict) else None
        members = models(field.annotation)
        if path in GROUPS:
            yield from (f"{path}.{p}" for p in _of_class(path, own, document, space))
        if members and not _is_collection(field.annotation):
            for member in _of_kind(members, path, own, space):
                yield from _below(member, f"{path}.", own, document, space)
        elif _is_collection(field.annotation):
            yield f"{path}.*"


def _is_collection(annotation: Any) -> bool:
    """Whether keys below are the user's own."""
    origin = get_origin(annotation)
    if origin in (dict,):
        return True
    return origin is not None and any(
        _is_collection(part) for part in get_args(annotation) if get_origin(part) is dict
    )


def _of_kind(
    members: list[type[BaseModel]], path: str, own: Any, space: dict[str, Any]
) -> list[type[BaseModel]]:
    """Members of a union that the kind of a block, given or varied, can mean."""
    kinds = _kinds(path, own, space)
    found = [m for m in members if _tags(m) & kinds]
    return found or members


def _tags(member: type[BaseModel]) -> set[str]:
    field = member.model_fields.get("kind")
    return set(get_args(field.annotation)) if field is not None else set()


def _kinds(path: str, own: Any, space: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for block in (own, *_choices(space.get(path))):
        if isinstance(block, dict) and isinstance(block.get("kind"), str):
            found.add(block["kind"])
    given = space.get(f"{path}.kind")
    found |= {kind for kind in _choices(given) if isinstance(kind, str)}
    return found


def _choices(given: Any) -> tuple[Any, ...]:
    if isinstance(given, ChoiceConfig):
        return given.choices
    return () if given is None or _varies(given) else (given,)


def _of_class(key: str, own: Any, document: Document, space: dict[str, Any]) -> Iterator[str]:
    """Arguments of the class or classes that a kind names."""
    for kind in sorted(_kinds(key, own, space)):
        cls = registry.find(GROUPS[key], kind, document, key=key)
        if not isinstance(cls, type) or not _has_signature(cls):
            continue
        for name, field in registry.signature_model(cls).model_fields.items():
            yield field.alias or name
            if dict in (get_origin(field.annotation), *map(get_origin, get_args(field.annotation))):
                yield f"{field.alias or name}.*"


def _has_signature(cls: type[Any]) -> bool:
    from tradewind.engine.executors import user_strategy

    return not user_strategy.is_backtrader(cls)
