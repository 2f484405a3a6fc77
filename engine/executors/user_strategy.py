"""A user's own ``bt.Strategy`` as a config names it: its class, its parameters, its setup.

backtrader is not imported here: a class can only be its strategy where somebody has imported it.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from tradewind.engine.config.backtrader import BacktraderConfig, CommissionConfig
from tradewind.engine.config.file import Document, checked
from tradewind.engine.config.run import RunConfig, StrategyConfig
from tradewind.engine.executors import backtrader_options
from tradewind.engine.executors.backtrader_terms import stock_settings
from tradewind.engine.registry import load_file

PLAIN = (bool, int, float, str, datetime, date, time, dict)


@dataclass(frozen=True, slots=True)
class BacktraderStrategy:
    """What runs in Cerebro and nowhere else.

    Attributes
    ----------
    cls : type
        Subclass of ``bt.Strategy``.
    params : mapping
        Parameters as a config writes them, defaults filled in.
    kwargs : mapping
        Those that differ from the class's own, as it takes them: indicators are classes there.
    setup : callable or None
        Is handed the Cerebro before the run.
    """

    cls: type[Any]
    params: Mapping[str, Any]
    kwargs: Mapping[str, Any]
    setup: Callable[[Any], Any] | None = None


def is_backtrader(cls: type[Any]) -> bool:
    """Whether a class is a strategy of backtrader's."""
    backtrader = sys.modules.get("backtrader")
    return backtrader is not None and issubclass(cls, backtrader.Strategy)


def resolved(
    config: RunConfig, cls: type[Any], document: Document
) -> tuple[RunConfig, BacktraderStrategy]:
    """Config with every default and absolute path written out, and the strategy it names.

    Raises
    ------
    ConfigError
        For a parameter that is wrong, a cost or a rule that backtrader's broker cannot express, or
        another executor or rule book than backtrader's.
    """
    for key, wanted in (("rules", "backtrader"), ("executor", "cerebro")):
        if document.values.get(key, wanted) != wanted:
            raise document.error(
                (key,),
                f"a backtrader strategy runs by backtrader's rules in its Cerebro; "
                f"leave {key!r} out or say {wanted}",
            )
    strategy = read_strategy(cls, config.strategy.params, config.backtrader.setup, document)
    stock_settings(config, document)
    backtrader_options.check(config, document)
    _refuse(config.backtrader, document)
    setup = config.backtrader.setup and absolute(config.backtrader.setup, document)
    update = {
        "strategy": StrategyConfig(
            kind=absolute(config.strategy.kind, document), **strategy.params
        ),
        "backtrader": config.backtrader.model_copy(update={"setup": setup}),
        "rules": "backtrader",
        "executor": "cerebro",
    }
    return config.model_copy(update=update), strategy


def _refuse(given: BacktraderConfig, document: Document) -> None:
    """Refuse accounts whose cash is not that of their fills, and switches that switch nothing."""
    plain = BacktraderConfig()
    for name in ("stale_bars", "value_order"):
        if getattr(given, name) != getattr(plain, name):
            raise document.error(
                ("backtrader", name), "is for strategies of tradewind's; backtrader has no choice"
            )
    schemes: dict[tuple[str, ...], CommissionConfig] = {
        ("schemes", symbol): scheme for symbol, scheme in given.schemes.items()
    }
    if given.commission is not None:
        schemes = {("commission",): given.commission, **schemes}
    for path, scheme in schemes.items():
        if not scheme.is_stock or scheme.leverage != 1.0 or scheme.mult != 1.0:
            raise document.error(
                ("backtrader", *path),
                "a future or a leverage moves less cash than the fill is worth, which the records "
                "of such a run cannot show; leave margin, mult and leverage out",
            )
    if not given.shortcash:
        raise document.error(
            ("backtrader", "shortcash"),
            "without it a short sale takes cash instead of giving it, which the records of such a "
            "run cannot show; leave it out",
        )


def absolute(name: str, document: Document) -> str:
    """``file.py:Name`` with the whole path of the file; a registered name as it is."""
    if ".py:" not in name:
        return name
    file_name, _, attribute = name.rpartition(":")
    return f"{(document.folder / Path(file_name).expanduser()).resolve()}:{attribute}"


def read_strategy(
    cls: type[Any], params: Mapping[str, Any], setup: str | None, document: Document
) -> BacktraderStrategy:
    """Check a config's keys against the ``params`` of a class.

    A value has the type of its default: whole number, number, text, true or false, date, list or
    block; a default of None takes anything, a default that is an indicator takes the name of one
    (``EMA``). What a config cannot write, such as a function, keeps its default.

    Raises
    ------
    ConfigError
        For an unknown key, a value of another type, or an indicator that is not there.
    """
    model = parameter_model(cls)
    values = checked(model, params, document, ("strategy",))
    plain = {
        field.alias or name: getattr(values, name)
        for name, field in model.model_fields.items()
        if field.default is ... or _writable(getattr(values, name))
    }
    kwargs: dict[str, Any] = {}
    for name, default in cls.params._getitems():
        if name not in plain:
            continue
        value = plain[name]
        if isinstance(default, type):
            value = _indicator(value, name, document)
        elif isinstance(default, tuple):
            value = _tuples(value)
        if value != default:  # Cerebro itself says some of a signal strategy's
            kwargs[name] = value
    return BacktraderStrategy(cls, plain, kwargs, _setup(setup, document))


def parameter_model(cls: type[Any]) -> type[BaseModel]:
    """Pydantic model of a strategy's ``params``; aliases are their names."""
    fields: dict[str, Any] = {}
    for name, default in cls.params._getitems():
        if name == "kind":  # the config's own key
            continue
        wanted = _wanted(default)
        if wanted is not None:
            given = None if isinstance(default, type) else default
            fields[f"arg_{name}"] = (wanted, Field(given, alias=name))
    config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    model: type[BaseModel] = create_model(cls.__name__, __config__=config, **fields)
    return model


def _wanted(default: Any) -> Any:
    """Type of a value that may take the place of ``default``, None where a config has no word."""
    if default is None:
        return Any
    if isinstance(default, type):
        return str | None
    if isinstance(default, list | tuple):
        return list[Any]
    return next((kind for kind in PLAIN if isinstance(default, kind)), None)


def _writable(value: Any) -> bool:
    """Whether a value can be written into a config and read back."""
    if isinstance(value, Mapping):
        return all(_writable(part) for part in value.values())
    if isinstance(value, list | tuple):
        return all(_writable(part) for part in value)
    return value is not None and isinstance(value, bool | int | float | str | date)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _indicator(name: str, key: str, document: Document) -> type[Any]:
    """Class that a name means among backtrader's indicators, ``EMA`` or ``MovAv.EMA``."""
    indicators = sys.modules["backtrader"].indicators
    found: Any = indicators
    for part in name.split("."):
        found = getattr(found, part, None)
    if isinstance(found, type) and hasattr(found, "lines"):
        return found
    known = [known for known, value in vars(indicators).items() if hasattr(value, "lines")]
    near = get_close_matches(name, known, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else "; wanted a name such as EMA"
    raise document.error(("strategy", key), f"backtrader has no indicator {name!r}{hint}")


def _setup(text: str | None, document: Document) -> Callable[[Any], Any] | None:
    """Function that ``backtrader.setup`` names."""
    if text is None:
        return None
    key = ("backtrader", "setup")
    file_name, _, name = text.rpartition(":")
    path = (document.folder / Path(file_name).expanduser()).resolve()
    if not path.is_file():
        raise document.error(key, f"no file {path}; the path is relative to the config")
    try:
        found = getattr(load_file(path), name, None)
    except (Exception, SystemExit) as error:
        raise document.error(
            key, f"{path} does not load: {type(error).__name__}: {error}"
        ) from error
    if not callable(found) or isinstance(found, type):
        raise document.error(key, f"{path} has no function {name!r} that takes a Cerebro")
    return found  # type: ignore[no-any-return]
