"""What travels between a walk-forward and the workers of a Dask scheduler, in both directions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.walkforward.credentials import Credentials
from tradewind.engine.walkforward.parcel import Parcel


@dataclass(frozen=True, slots=True)
class Errand:
    """What all tasks of a walk-forward share.

    Attributes
    ----------
    run : str
        Unlike that of all other walk-forwards.
    spec : ForecasterSpec
        Of code that travels the target is a file among ``sources``.
    sources : Parcel
        Code that no package brings along.
    content : mapping
        What the recipe must depend on over there as well; see :func:`.credentials.dependence`.
    wanted : mapping
        Credentials of this process.
    bars : str
        Digest of the panel.
    cached, fresh : bool
        Whether there is a cache, and whether it is to be read.
    """

    run: str
    spec: ForecasterSpec
    sources: Parcel
    content: Mapping[str, Any]
    wanted: Credentials
    bars: str
    cached: bool
    fresh: bool


@dataclass(frozen=True, slots=True)
class Request:
    """One task.

    Attributes
    ----------
    number : int
    ticket : str
        Unlike that of every other time the task was sent.
    function : function
    task : object
    """

    number: int
    ticket: str
    function: Callable[[Any, Any], Any]
    task: Any


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of it.

    Attributes
    ----------
    what : str
        ``done``, ``failed``, ``died`` or, from a worker without the bars, ``wanting``.
    value : object
        Result, exception or exit status.
    worker : str
        Address.
    entry, weights : Parcel or None
        The cache entry, and the checkpoint for the fit that begins from this one.
    """

    what: str
    value: Any
    worker: str
    entry: Parcel | None = None
    weights: Parcel | None = None
