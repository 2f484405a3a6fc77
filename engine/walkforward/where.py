"""Where fits are done: in processes of this machine, or in those of a Dask scheduler."""

import re
from dataclasses import dataclass

from tradewind.engine.errors import ConfigError

LOCAL = "local"
SCHEME = "dask://"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Dask scheduler, whose workers fit.

    Attributes
    ----------
    host : str
    port : int
    """

    host: str
    port: int

    @property
    def address(self) -> str:
        """As Dask writes it."""
        return f"tcp://{self.host}:{self.port}"

    def __str__(self) -> str:
        """As a person writes it."""
        return f"{SCHEME}{self.host}:{self.port}"


Workers = int | Cluster | None  # processes here, None: one per usable core; or a scheduler's


def cluster_at(text: str) -> Cluster | None:
    """Scheduler that ``dask://host:port`` means; None for ``local``.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    if text == LOCAL:
        return None
    found = re.fullmatch(r"dask://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})", text)
    if found is None or not 0 < int(found[2]) < 65_536:
        raise ConfigError(
            f"{text!r} says no place where forecasters could be fitted; wanted {LOCAL} or "
            f"{SCHEME}HOST:PORT, as in {SCHEME}10.0.0.5:8786"
        )
    return Cluster(found[1], int(found[2]))
