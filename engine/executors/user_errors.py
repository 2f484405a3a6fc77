"""What a user's own code raised, as an error that names the line of that code and nothing else."""

import inspect
import linecache
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from tradewind.engine.errors import InvariantError, StrategyError, TradewindError

ENGINE = str(Path(__file__).resolve().parents[1])
MAX_MESSAGE = 2_000  # characters of the user's message


@contextmanager
def translated(name: str, home: str, when: Callable[[], str]) -> Iterator[None]:
    """Raise a StrategyError in place of whatever a user's code raises.

    Parameters
    ----------
    name : str
        Of the strategy, for the message.
    home : str
        File its class stands in; "" where there is none.
    when : callable
        Where in the data the run stood, in words; "" before it began.

    Raises
    ------
    StrategyError
        With file, line, source line, kind and message; ``sys.exit`` counts as an error too.
    """
    try:
        yield
    except InvariantError:
        raise
    except (Exception, SystemExit) as error:
        raise _told(name, when(), error, user_line(error.__traceback__, home)) from None


@contextmanager
def explained(strategy: object) -> Iterator[None]:
    """Raise a StrategyError in place of what a plug-in strategy's own code raises.

    Errors of ours, errors that passed through none of its code, and those of strategies that ship
    with tradewind stay what they are: those are faults of ours.
    """
    try:
        yield
    except Exception as error:
        cls = type(strategy)
        if isinstance(error, TradewindError) or cls.__module__.startswith("tradewind."):
            raise
        place = user_line(error.__traceback__, inspect.getsourcefile(cls) or "")
        if place is None:
            raise
        raise _told(cls.__name__, "", error, place) from None


def _told(
    name: str, moment: str, error: BaseException, place: tuple[str, int] | None
) -> StrategyError:
    what = f"stopped{f' at {moment}' if moment else ''} by {_said(error)}"
    if place is None:
        return StrategyError(f"{name}: {what}")
    file, line = place
    source = linecache.getline(file, line).strip()
    quoted = f"\n    {source}" if source else ""
    return StrategyError(f"{file}:{line}: {name}: {what}{quoted}")


def _said(error: BaseException) -> str:
    """Kind and message; of an error of ours the message alone."""
    text = str(error)[:MAX_MESSAGE]
    if isinstance(error, StrategyError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def user_line(trace: TracebackType | None, home: str) -> tuple[str, int] | None:
    """File and line of the innermost frame of the user's own code.

    Code of the user's is what is neither installed nor part of Python or of tradewind; where there
    is none, the innermost frame in ``home`` counts, which may well be installed.
    """
    frames = [(f.filename, f.lineno or 0) for f in traceback.extract_tb(trace)]
    own = [frame for frame in frames if not _foreign(frame[0])]
    at_home = [frame for frame in frames if home and frame[0] == home]
    found = own or at_home
    return found[-1] if found else None


def _foreign(file: str) -> bool:
    path = Path(file)
    if file.startswith("<") or {"site-packages", "dist-packages"} & set(path.parts):
        return True
    places: Any = sysconfig.get_paths()
    library = any(path.is_relative_to(places[name]) for name in ("stdlib", "platstdlib"))
    return library or str(path.resolve()).startswith(ENGINE)
