"""Packages that only some forecasters need."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

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


@contextmanager
def importing(package: str, *, who: str, extra: str) -> Iterator[None]:
    """Turn what goes wrong while a package is imported inside into a message.

    The import itself is written out where it is needed: the cache of forecasts reads in the source
    which packages, and so which versions, a forecast depends on.

    Raises
    ------
    ForecastError
        If the package is absent, or does not load here.
    """
    require(package, who=who, extra=extra)
    try:
        yield
    except Exception as error:  # a library built for another system, a clash of versions
        raise ForecastError(
            f"{who}: {package} is installed but does not load ({type(error).__name__}: {error}); "
            f"install it anew with pip install --force-reinstall 'tradewind[{extra}]'"
        ) from error
