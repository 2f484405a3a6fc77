"""A folder that travels: files by their names below it, as bytes."""

from pathlib import Path, PurePosixPath

from tradewind.engine.errors import CheckpointError

Parcel = dict[str, bytes]


def packed(folder: Path) -> Parcel | None:
    """Every file below a folder, or the file itself under an empty name; None where nothing is."""
    if folder.is_file():
        return {"": folder.read_bytes()}
    if not folder.is_dir():
        return None
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def unpack(parcel: Parcel, folder: Path) -> None:
    """Lay the files of a parcel below a folder.

    Raises
    ------
    CheckpointError
        If a name leads out of it.
    OSError
        If the disk is full or cannot be written.
    """
    for name, content in parcel.items():
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts:
            raise CheckpointError(f"{name}: leads out of the folder {folder} it is to be laid in")
        place = folder / inside if name else folder
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def weight_of(parcel: Parcel) -> int:
    """Bytes in all."""
    return sum(len(content) for content in parcel.values())
