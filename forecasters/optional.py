"""Packages that only some forecasters need."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from tradewind.engine.errors import ForecastError


def require(package: str, *, who: str, extra: str) -> None:
    """Refuse a forecaster whose package is not installed, without loading the package.

    Parameters
    ----------
    package : str
        Top-level module.
    who : str
        Forecaster, for the message.
    extra : str
        Of tradewind's, that installs it.

    Raises
    ------
    ForecastError
        Saying what to install.
    """
    if find_spec(package) is None:
        raise ForecastError(
            f"{who}: needs the package {package!r}, which is not installed; "
            f"pip install 'tradewind[{extra}]'"
        )


def load(module: str, *, who: str, extra: str) -> ModuleType:
    """Import a module of an optional package.

    Raises
    ------
    ForecastError
        If the package is absent, or does not load here.
    """
    require(module.partition(".")[0], who=who, extra=extra)
    try:
        return import_module(module)
    except Exception as error:  # a library built for another system, a clash of versions
        raise ForecastError(
            f"{who}: {module} is installed but does not load ({type(error).__name__}: {error}); "
            f"install it anew with pip install --force-reinstall 'tradewind[{extra}]'"
        ) from error
