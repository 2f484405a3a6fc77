"""By what a sweep and its trials are known: two that agree in it are the same."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from tradewind.engine import pipeline
from tradewind.engine.config.file import SWEEPING as KEY
from tradewind.engine.config.file import validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.jsonable import jsonable
from tradewind.engine.report.text import json_text
from tradewind.engine.sweeping.preparing import Plan

SAME = ("objectives", "constraints", "validate_on", "holdout", "mode", "pruner")


def identity(plan: Plan) -> dict[str, Any]:
    """What two sessions must have in common to be one study, as plain values."""
    rest = {k: v for k, v in plan.search.values.items() if k not in (KEY, "name")}
    block = plan.config.model_dump(mode="json")
    return dict(
        jsonable(
            {
                "space": plan.space.identity(),
                **{name: block[name] for name in SAME},
                "config": rest,
                "data": plan.bars.history.panel.digest(),
            }
        )
    )


def content_of(plan: Plan) -> str:
    """SHA-256 of everything that the numbers of all trials depend on alike: config, data, code."""
    base = pipeline.resolve(plan.base, plan.search)
    code = json_text(pipeline.strategy_code(base), indent=None)
    return sha256(json_text([identity(plan), code], indent=None).encode()).hexdigest()


def content_of_trial(content: str, values: Mapping[str, Any]) -> str:
    """SHA-256 of one setting with everything that its numbers depend on."""
    told = json_text([content, dict(sorted(values.items()))], indent=None)
    return sha256(told.encode()).hexdigest()


def config_of(plan: Plan, values: Mapping[str, Any]) -> RunConfig:
    """Resolved config of the run that a setting is; its bars are those of the search."""
    document = plan.grounds.document_of(plan.space.whole(values))
    return pipeline.resolve(validate(RunConfig, document), document).config


def portable(plan: Plan) -> dict[str, Any]:
    """Values as written, files of the data by their absolute paths."""
    values = dict(plan.document.values)
    data = values.get("data")
    if isinstance(data, dict):
        own = plan.base.data.model_dump()
        values["data"] = {k: own[k] if k in ("path", "store") else v for k, v in data.items()}
    return values


def differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """What differs between two identities, one line each."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            line
            for key in sorted({*ours, *theirs})
            for line in differences(ours.get(key), theirs.get(key), f"{path}.{key}".lstrip("."))
        ]
    return [] if ours == theirs else [f"{path}: {theirs!r} there, {ours!r} here"]
