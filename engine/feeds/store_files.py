"""Files of the store: where they lie, written atomically, read only when their digest matches."""

import contextlib
import os
import secrets
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from tradewind.engine.errors import StoreError
from tradewind.engine.feeds.store_records import Entry, Key
from tradewind.engine.feeds.store_series import Series, decode_events, decode_prices

_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{d}{i}" for d in ("COM", "LPT") for i in range(10))}


def encoded(name: str) -> str:
    """Turn any name into one plain folder name, reversibly; none leaves its parent folder.

    Parameters
    ----------
    name : str
        A symbol: ``^GSPC`` becomes ``%5EGSPC``, ``..`` becomes ``%2E%2E``.
    """
    safe = quote(name, safe="")
    if safe.startswith(".") or safe.endswith("."):
        safe = safe.replace(".", "%2E")
    if safe.split(".")[0].upper() in _RESERVED:
        safe = f"%{ord(safe[0]):02X}{safe[1:]}"
    return safe


def place(folder: Path, key: Key) -> Path:
    """Folder of one series."""
    return folder / encoded(key.provider) / encoded(key.interval) / encoded(key.symbol)


def remedy(folder: Path, symbols: str, interval: str) -> str:
    """Return the command that replaces what is stored."""
    return f"tradewind data fetch {symbols} --interval {interval} --refetch --store {folder}"


def write_file(folder: Path, stem: str, content: bytes) -> tuple[str, str]:
    """Write a new file under a name that holds its digest; it is there whole or not at all.

    Returns
    -------
    (str, str)
        File name and SHA-256.
    """
    digest = sha256(content).hexdigest()
    name = f"{stem}-{digest[:16]}.parquet"
    temporary = folder / f".{name}.{secrets.token_hex(4)}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / name)
        _flush_folder(folder)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise StoreError(
            f"{folder / name}: cannot be written ({error}); free some space or make the folder "
            "writable, or name another one with data.store. What was stored before is untouched"
        ) from None
    return name, digest


def _flush_folder(folder: Path) -> None:
    """Make a rename survive a power cut; Windows does so by itself and opens no folders."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_series(folder: Path, entry: Entry) -> Series:
    """Read a series whose two files match their record.

    Raises
    ------
    FileNotFoundError
        If a file is gone, which a writer at work may cause.
    StoreError
        If a file is not what the manifest says.
    """
    prices = _verified(folder, entry, entry.prices_file, entry.prices_sha256)
    events = _verified(folder, entry, entry.events_file, entry.events_sha256)
    return Series(decode_prices(prices), decode_events(events))


def _verified(folder: Path, entry: Entry, name: str, digest: str) -> bytes:
    path = place(folder, entry.key) / name
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error}); check its permissions") from None
    if sha256(content).hexdigest() != digest:
        raise damaged(folder, entry, path, "does not match its SHA-256 in the manifest")
    return content


def damaged(folder: Path, entry: Entry, path: Path, what: str) -> StoreError:
    """Return the error for a file that is not what it was."""
    return StoreError(
        f"{path}: the stored data of {entry.symbol} {what}; it was damaged, edited or swapped and "
        f"is not used. To replace it, run: {remedy(folder, entry.symbol, entry.interval)}"
    )


def sweep(folder: Path, key: Key, entry: Entry | None) -> None:
    """Remove files of a series that its row does not refer to, and what a crash left behind."""
    keep = {entry.prices_file, entry.events_file} if entry else set()
    for path in place(folder, key).iterdir():
        if path.name not in keep:
            with contextlib.suppress(OSError):  # Windows keeps a file that somebody reads
                path.unlink()
