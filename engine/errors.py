"""Every error a user can meet, as one tree.

::

    TradewindError                     exit 2: the input is wrong, the message says what to do
    ├── ConfigError                    a config file, an override or a command argument
    ├── DataError                      market data that cannot be trusted
    │   └── UnknownSymbolError         a name the source does not have
    ├── StoreError                     the local store is damaged
    ├── CheckpointError                weights or a cache entry that do not match their record
    ├── StrategyError                  a strategy that broke its contract
    ├── ForecastError                  a forecaster that cannot be fitted or gave no usable numbers
    │   └── TooLittleHistoryError      too few samples to fit anything on
    ├── RunError                       a run folder that is missing, damaged or cannot be written
    │   └── JournalError               a paper run's journal: damaged, locked, or of another run
    ├── InvariantError                 the simulator contradicts its own books: a bug of ours
    └── OutsideError                   exit 3: network, provider or disk failed, safe to retry
        ├── DiskError                  a run folder on a disk that is full or fails; a RunError too
        │   └── JournalDiskError       the same of a journal; a JournalError too
        ├── RateLimitedError
        ├── ProviderDownError
        ├── MalformedPayloadError
        └── PartialUniverseError

The class says who must act; the message says where, what was found, what was wanted and what to do.
"""

import errno


class TradewindError(Exception):
    """Base of every error raised on purpose; ``exit_code`` is what the command line returns."""

    exit_code = 2


class ConfigError(TradewindError, ValueError):
    """A config file, an override or a command argument that cannot be used."""


class DataError(TradewindError, ValueError):
    """Market data that cannot be trusted."""


class UnknownSymbolError(DataError, LookupError):
    """A symbol that the source does not have."""


class StoreError(TradewindError, OSError):
    """The local data store is damaged or cannot be used."""


class CheckpointError(TradewindError, ValueError):
    """Weights or a cache entry that do not match their own record."""


class StrategyError(TradewindError, ValueError):
    """A strategy that broke its contract."""


class ForecastError(TradewindError, ValueError):
    """A forecaster that cannot be fitted on this data or gave no usable numbers."""


class TooLittleHistoryError(ForecastError):
    """Too few samples to fit on; elsewhere, or for other symbols, there may be enough."""


class RunError(TradewindError, OSError):
    """A run folder that is missing, damaged or cannot be written."""


class JournalError(RunError):
    """The journal of a paper run is damaged, in use by another process, or cannot be written."""


class InvariantError(TradewindError, AssertionError):
    """The simulator contradicts its own books; a bug of ours, never the user's."""

    exit_code = 1


class OutsideError(TradewindError, OSError):
    """Something outside failed; trying again is safe."""

    exit_code = 3


class DiskError(RunError, OutsideError):
    """The disk of a run folder is full, read-only or fails."""


class JournalDiskError(JournalError, DiskError):
    """The disk of a journal is full, read-only or fails, or another program holds the file."""


class RateLimitedError(OutsideError):
    """The provider asked us to slow down and retries did not help."""


class ProviderDownError(OutsideError):
    """The provider could not be reached or answered with a server error."""


class MalformedPayloadError(OutsideError):
    """The provider answered with something that is not the data asked for."""


class PartialUniverseError(OutsideError):
    """Some of the symbols asked for could not be had; the message names them."""


OF_A_DISK = frozenset(
    getattr(errno, name)
    for name in (
        "ENOSPC",
        "EDQUOT",
        "EIO",
        "EROFS",
        "ENODEV",
        "ENXIO",
        "ESTALE",
        "ENFILE",
        "EMFILE",
    )
    if hasattr(errno, name)
)


def is_of_a_disk(error: OSError) -> bool:
    """Whether the disk or the machine failed, so that trying again may help; else a person must."""
    return error.errno in OF_A_DISK
