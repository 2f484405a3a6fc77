"""What a process on another machine must have in common with this one to fit with equal bits."""

import platform
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from tradewind.engine.content import code_content, find_module, package_version, plain
from tradewind.engine.errors import ConfigError
from tradewind.engine.forecaster_spec import ForecasterSpec, resolve

ALWAYS = ("tradewind", "numpy", "torch", "distributed")
PYTHON = "python"
OWN_CODE = "code of tradewind"
KNOWN = (PYTHON, OWN_CODE)  # told by other means than a package's version
Credentials = Mapping[str, str]


def credentials(packages: Sequence[str]) -> dict[str, str]:
    """Versions of Python and of packages, and a digest of tradewind's own source."""
    versions = {name: package_version(name) for name in packages if name not in KNOWN}
    return {PYTHON: platform.python_version(), **versions, OWN_CODE: _own_code()}


def packages_of(content: Mapping[str, Any]) -> list[str]:
    """Packages that decide a fit; ``content`` is that of a recipe for a forecaster."""
    return sorted({*ALWAYS, *_named(content)})


def dependence(spec: ForecasterSpec, *, brought: bool = False) -> dict[str, Any]:
    """What a recipe depends on beside what credentials tell: its parameters, files they name, code.

    Parameters
    ----------
    spec : ForecasterSpec
    brought : bool
        Whether its code travels, and so cannot differ.
    """
    made_of = getattr(resolve(spec.target), "made_of", None)
    inner = made_of(spec.params) if made_of else ()
    known = brought or spec.target.startswith("tradewind.")
    return {
        "params": {key: plain(value, key) for key, value in sorted(spec.params.items())},
        "made_of": [dependence(one) for one in inner],
        **({} if known else code_content(spec.target)),
    }


def _named(content: Mapping[str, Any]) -> Iterable[str]:
    yield from content["versions"]
    for inner in content.get("made_of", ()):
        yield from _named(inner)


def differing(here: Credentials, there: Credentials) -> list[str]:
    """What is not alike, in words."""
    return [
        f"{name} {_short(name, there.get(name))} there, {_short(name, own)} here"
        for name, own in here.items()
        if there.get(name) != own
    ]


def unlike(who: str, differences: Sequence[str]) -> ConfigError:
    """Error about a process of Dask on which the same fit might have other bits."""
    return ConfigError(
        f"the {who} is not like this machine: {'; '.join(differences)}; a fit there might "
        "have other bits, so install the same versions and restart it, or fit with --executor local"
    )


def _short(name: str, value: str | None) -> str:
    return (value or "none")[: 12 if name == OWN_CODE else None]


@cache
def _own_code() -> str:
    seal = sha256()
    for package in ("tradewind.engine", "tradewind.forecasters"):
        face = find_module(package)
        folder = Path() if face is None else face.parent
        for path in sorted(folder.rglob("*.py")) if face is not None else ():
            seal.update(f"{package}/{path.relative_to(folder).as_posix()}\0".encode())
            seal.update(path.read_bytes())
    return seal.hexdigest()
