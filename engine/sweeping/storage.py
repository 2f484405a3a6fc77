"""Where a study keeps its trials: the one place that chooses among Optuna's storages.

::

    memory                             gone with its process; the folder keeps what was found
    sqlite:///FILE                     one process, or a few
    journal:FILE                       processes of one host
    postgresql://USER@HOST/DATABASE    machines
    grpc://HOST:PORT                   hundreds of workers, through a proxy before PostgreSQL
"""

import os
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tradewind.engine.errors import ConfigError, OutsideError

MEMORY, JOURNAL, GRPC = "memory", "journal:", "grpc://"
POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")
GRPC_PORT = 13_000
POOL_SECONDS = 10.0  # that a connection may take to come about


def shown(where: str) -> str:
    """Storage without the password that may stand in it."""
    if "://" not in where:
        return where
    parts = urlsplit(where)
    if parts.password is None:
        return where
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{host}"))


def study_storage(where: str = MEMORY) -> Any:
    """Optuna's storage for ``where``.

    Raises
    ------
    ConfigError
        If nothing of that kind is known, or a package that it needs is not installed.
    OutsideError
        If it cannot be reached.
    """
    from optuna.storages import InMemoryStorage

    if where == MEMORY:
        return InMemoryStorage()
    if where.startswith(JOURNAL):
        return _journal(where.removeprefix(JOURNAL))
    scheme = urlsplit(where).scheme
    if where.startswith(GRPC):
        return _grpc(where)
    if scheme == "sqlite" or scheme in POSTGRES:
        return _database(where, scheme)
    raise ConfigError(
        f"storage {shown(where)!r}: unknown; wanted memory, sqlite:///FILE, journal:FILE, "
        "postgresql://USER@HOST/DATABASE or grpc://HOST:PORT"
    )


def _journal(path: str) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    if not path:
        raise ConfigError("storage 'journal:': wanted a file behind the colon")
    file = Path(path).expanduser().resolve()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(str(file), lock_obj=lock_of(file)))
    except OSError as error:
        raise OutsideError(f"storage {file}: {error.strerror or error}") from None


def _database(where: str, scheme: str) -> Any:
    from optuna.exceptions import StorageInternalError
    from optuna.storages import RDBStorage

    options: dict[str, Any] = {"pool_pre_ping": True}
    url = where
    if scheme in POSTGRES:
        try:
            import psycopg  # noqa: F401
        except ImportError:
            raise ConfigError(
                "storage postgresql: needs the package 'psycopg', which is not installed; "
                "pip install 'tradewind[sweep]'"
            ) from None
        url = "postgresql+psycopg" + where[where.index(":") :]
        options["connect_args"] = {"connect_timeout": int(POOL_SECONDS)}
    try:
        return RDBStorage(url, engine_kwargs=options)
    except Exception as error:
        if not is_outage(error) and not isinstance(error, StorageInternalError):
            raise ConfigError(f"storage {shown(where)!r}: {_brief(error)}") from None
        raise OutsideError(
            f"storage {shown(where)!r} cannot be reached: {_brief(error)}; is it running, and may "
            "this user open the database?"
        ) from None


def _grpc(where: str) -> Any:
    try:
        import grpc
        from optuna.storages import GrpcStorageProxy
    except ImportError:
        raise ConfigError(
            "storage grpc: needs the package 'grpcio', which is not installed; "
            "pip install 'tradewind[sweep]'"
        ) from None
    parts = urlsplit(where)
    try:
        port = parts.port or GRPC_PORT
    except ValueError:
        raise ConfigError(f"storage {where!r}: the port is no number from 1 to 65535") from None
    storage = GrpcStorageProxy(host=parts.hostname or "localhost", port=port)
    try:
        storage.wait_server_ready(timeout=POOL_SECONDS)
    except (grpc.FutureTimeoutError, Exception) as error:
        raise OutsideError(
            f"storage {where!r} does not answer: {_brief(error)}; start it with 'tradewind sweep "
            "proxy --storage postgresql://...'"
        ) from None
    return storage


def serve(where: str, host: str, port: int) -> None:
    """Run Optuna's proxy before a storage until the process ends."""
    from optuna.storages import run_grpc_proxy_server

    run_grpc_proxy_server(study_storage(where), host=host, port=port)


def is_outage(error: BaseException) -> bool:
    """Whether a storage that failed like this may come back."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import DBAPIError, TimeoutError

    if isinstance(error, DBAPIError):
        return error.connection_invalidated or type(error).__name__ in (
            "OperationalError", "InterfaceError", "InternalError",
        )  # fmt: skip
    if isinstance(error, StorageInternalError | TimeoutError | ConnectionError):
        return True
    return type(error).__module__.startswith("grpc") or isinstance(error, TimeoutError)


def _brief(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _fcntl() -> ModuleType | None:
    """Locks of the system, None where it has none of this kind."""
    try:
        import fcntl
    except ImportError:
        return None
    return fcntl


def lock_of(file: Path) -> Any:
    """Lock of a journal that its holder's death releases.

    Optuna's own locks are files that a killed holder leaves behind: the next writer waits until
    they are old enough. A lock of the system goes with its process.
    """
    from optuna.storages.journal import JournalFileOpenLock
    from optuna.storages.journal._file import BaseJournalFileLock

    fcntl = _fcntl()
    if fcntl is None:
        return JournalFileOpenLock(str(file))
    locks: Any = fcntl

    class SystemLock(BaseJournalFileLock):
        """``flock`` on a file beside the journal."""

        def __init__(self, path: Path) -> None:
            self._path, self._handle = path, -1

        def acquire(self) -> bool:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            locks.flock(self._handle, locks.LOCK_EX)
            return True

        def release(self) -> None:
            handle, self._handle = self._handle, -1
            os.close(handle)

    return SystemLock(file.with_name(f"{file.name}.flock"))
