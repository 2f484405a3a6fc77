"""A config file to :class:`RunConfig`, with errors that point at file, line and column."""

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from tradewind.engine.config.faults import faults, hint
from tradewind.engine.config.run import RunConfig
from tradewind.engine.config.written_secrets import refuse_written_secrets
from tradewind.engine.config.yaml import Document, copied, kind, parse, parse_value
from tradewind.engine.errors import ConfigError

__all__ = [
    "Document",
    "absolute",
    "checked",
    "faults",
    "load",
    "override",
    "parse",
    "preset_names",
    "read_document",
    "validate",
]

# Keys of a config that compares several, and what one of them alone is called.
SEVERAL = {"forecasters": "forecaster", "selectors": "selector"}
BREEDING = "evolve"  # the key of a config that breeds portfolios
SWEEPING = "sweep"  # the key of a config whose settings are searched
MAX_BYTES = 256_000  # a config is read by people; a larger file is a mistake or an attack
PATHS = (
    ("data", "path"),
    ("data", "store"),
    ("data", "actions", "path"),
    ("data", "intrabar", "path"),
    ("data", "intrabar", "store"),
    ("data", "universe", "path"),
    ("costs", "borrow", "path"),
    ("selector", "factors", "path"),
)
SPACE = ("sweep", "space")  # a block whose keys are paths
Model = TypeVar("Model", bound=BaseModel)


def load(source: str | Path, assignments: Sequence[str] = ()) -> tuple[RunConfig, Document]:
    """Read, override and validate a config; relative data paths become absolute.

    Parameters
    ----------
    source : str or Path
        A file, or the name of a preset.
    assignments : sequence of str
        ``a.b=value``, applied in order.

    Raises
    ------
    ConfigError
        With file, line, key, the value found and the nearest valid key.
    """
    document = override(read_document(source), assignments)
    for several, one in SEVERAL.items():
        if several in document.values:
            raise document.error(
                (several,),
                f"compares several {several}, which 'tradewind train {source}' does; this command "
                f"runs one: write '{one}:' with the block of the one you want",
            )
    if BREEDING in document.values:
        raise document.error(
            (BREEDING,),
            f"breeds portfolios, which 'tradewind evolve {source}' does; this command runs one "
            "strategy: 'tradewind evolve RUN --choose knee --export FILE' writes one of them",
        )
    if SWEEPING in document.values:
        raise document.error(
            (SWEEPING,),
            f"tries many settings, which 'tradewind sweep {source}' does; this command runs one: "
            "the best.yaml of a sweep's folder, or this file without the block",
        )
    return validate(RunConfig, document), document


def read_document(source: str | Path) -> Document:
    """Read a file, or a preset by its name.

    Raises
    ------
    ConfigError
        If there is no such file or preset, or it is not YAML with a mapping at the top.
    """
    path = Path(source)
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except (OSError, ValueError):  # a name no file can have: too long, or with a zero byte
        is_file = is_folder = False
    if is_file:
        return parse(_read(path), where=str(source), folder=path.resolve().parent)
    if is_folder:
        raise ConfigError(f"{source}: is a folder; name a config file, for example {source}/x.yaml")
    presets = preset_names()
    stem = path.name.removesuffix(".yaml")
    if path.parent == Path() and stem in presets:
        text = (resources.files("tradewind.configs") / f"{stem}.yaml").read_text("utf-8")
        return parse(text, where=f"{stem}.yaml", folder=Path.cwd())
    raise ConfigError(
        f"{source}: no such file and no preset of that name{hint(stem, presets, 'presets')}"
    )


def preset_names() -> list[str]:
    """Names of the configs that ship with tradewind, sorted."""
    entries = resources.files("tradewind.configs").iterdir()
    return sorted(e.name.removesuffix(".yaml") for e in entries if e.name.endswith(".yaml"))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:  # not stat: a pipe or a device has no size
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES:,} bytes; that is no config file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text at byte {error.start}; is it YAML?") from None


def override(document: Document, assignments: Sequence[str]) -> Document:
    """Apply ``a.b=value`` overrides, values typed as YAML.

    Below ``sweep.space`` a path is one key: ``sweep.space.strategy.fast={low: 2, high: 9}``.

    Raises
    ------
    ConfigError
        If an assignment has no ``=``, is not YAML, or runs through something that is not a block;
        or if what comes of it holds a secret.
    """
    values = copied(document.values)
    positions = dict(document.positions)
    for i, text in enumerate(assignments):
        spot = f"--set[{i}]"
        dotted, sign, raw = text.partition("=")
        parts = tuple(dotted.strip().split("."))
        if not sign or not all(parts):
            raise ConfigError(f"{spot}: {text!r}: wanted key=value, for example costs.fee_bps=2")
        path = _way(values, parts)
        _put(values, path, parse_value(raw, spot, {}), spot)
        positions = {p: v for p, v in positions.items() if p[: len(path)] != path}
        positions[path] = spot
    changed = Document(document.where, document.folder, values, positions)
    refuse_written_secrets(changed)
    return changed


def _way(values: Mapping[str, Any], parts: tuple[str, ...]) -> tuple[str, ...]:
    """Keys that a dotted text leads through; those of ``sweep.space`` hold dots themselves.

    There the longest name that the block has is one key, and a name that it has not is one as a
    whole: ``sweep.space.strategy.fast.low`` is the end of a range, ``sweep.space.seed`` a new one.
    """
    head, rest = parts[: len(SPACE)], parts[len(SPACE) :]
    if head != SPACE or not rest:
        return parts
    block: Any = values
    for key in SPACE:
        block = block.get(key) if isinstance(block, dict) else None
    known = block if isinstance(block, dict) else {}
    names = [".".join(rest[:n]) for n in range(len(rest), 0, -1)]
    name = next((one for one in names if one in known), names[0])
    return (*SPACE, name, *rest[name.count(".") + 1 :])


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any, spot: str) -> None:
    node = values
    for depth, key in enumerate(path[:-1]):
        if node.get(key) is None:  # a block may be written with nothing below it
            node[key] = {}
        node = node[key]
        if not isinstance(node, dict):
            at = ".".join(path[: depth + 1])
            raise ConfigError(f"{spot}: {at}: wanted a block of keys, found {kind(node)}")
    node[path[-1]] = value


def validate(model: type[Model], document: Document) -> Model:
    """Check a document against the model, or raise one ConfigError that lists every fault."""
    values = copied(document.values)
    for *way, last in _paths(values):
        block: Any = values
        for key in way:
            block = block[key] if isinstance(key, int) else block.get(key)
            if not isinstance(block, dict | list):
                break
        if isinstance(block, dict) and isinstance(block.get(last), str):
            block[last] = absolute(block[last], (*way, last), document)
    return checked(model, values, document)


def _paths(values: Mapping[str, Any]) -> list[tuple[str | int, ...]]:
    """Where a config may name a file, whether it does or not."""
    data = values.get("data")
    sources = data.get("sources") if isinstance(data, dict) else None
    each = range(len(sources)) if isinstance(sources, list) else ()
    account = values.get("account")
    fx = account.get("fx") if isinstance(account, dict) else None
    currencies = fx if isinstance(fx, dict) else {}
    return [
        *PATHS,
        *(("account", "fx", currency, "path") for currency in currencies),
        *(("data", "sources", i, key) for i in each for key in ("path", "store")),
        *(("data", "sources", i, "actions", "path") for i in each),
    ]


def absolute(text: str, key: tuple[str | int, ...], document: Document) -> str:
    """Path of a file that a config names, relative to the config; raises ConfigError."""
    try:
        return str((document.folder / Path(text).expanduser()).resolve())
    except (OSError, RuntimeError, ValueError) as error:
        raise document.error(key, f"{text!r} is no path: {error}") from None


def checked(
    model: type[Model], values: Mapping[str, Any], document: Document, prefix: tuple[str, ...] = ()
) -> Model:
    """Values against a model, strictly: ``"7"`` is no number and ``true`` is not 1.

    Strict checks of Python objects would refuse a list for a tuple and text for a date, which are
    all YAML can write; pydantic's strict check of JSON draws the line where a config needs it.

    Raises
    ------
    ConfigError
        One line for every fault, each at its place in ``document``.
    """
    try:
        text = to_json(values, inf_nan_mode="constants", fallback=_scalar)
    except PydanticSerializationError:
        raise document.error(prefix, "holds text that is not valid Unicode") from None
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise faults(error, model, document, prefix) from None


def _scalar(value: Any) -> Any:
    """A numpy number as Python's, anything else as its text."""
    return value.item() if hasattr(value, "item") else str(value)
