"""Texts of a run folder: JSON, and the config as YAML and as the hash by which a run is known."""

import json
from collections.abc import Mapping
from hashlib import sha256
from io import StringIO
from pathlib import PurePath
from typing import Any

from tradewind.engine.config.run import RunConfig
from tradewind.engine.jsonable import jsonable


def json_text(value: Any, *, indent: int | None = 2) -> str:
    """JSON of ``value``, one line where ``indent`` is None; what is no finite number is null."""
    separators = (",", ": ") if indent else (",", ":")
    return json.dumps(
        jsonable(value), indent=indent, separators=separators, ensure_ascii=False, allow_nan=False
    )


def config_hash(config: RunConfig) -> str:
    """SHA-256 of the resolved config: equal configs have equal hashes, in whatever file."""
    return sha256(json_text(config.model_dump(mode="json"), indent=None).encode()).hexdigest()


def config_text(config: RunConfig) -> str:
    """Config as YAML that :func:`tradewind.engine.config.file.load` reads back to its equal."""
    return yaml_text(config.model_dump())


def yaml_text(values: Mapping[str, Any]) -> str:
    """Plain values, dates and paths as YAML, in the order given."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    # The order of the model, not of the alphabet.
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 100
    out = StringIO()
    yaml.dump(_yaml_values(dict(values)), out)
    return out.getvalue()


def _yaml_values(value: Any) -> Any:
    """Builtins YAML has a notation for; dates stay dates, so that they need no quotes."""
    if isinstance(value, dict):
        return {key: _yaml_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_yaml_values(item) for item in value]
    return str(value) if isinstance(value, PurePath) else value
