"""Which tests of the journal this machine can run."""

import os
import shutil
import subprocess
import tempfile

import pytest


def may_mount() -> bool:
    """Whether a small disk may be mounted here: as root, outside of a closed container."""
    if not shutil.which("mount") or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as place:
        command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place]
        if subprocess.run(command, capture_output=True).returncode != 0:
            return False
        subprocess.run(["umount", "-l", place], check=True)
    return True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a disk of its own; a limit on file sizes fills one everywhere."""
    wanting = [item for item in items if "small_disk" in getattr(item, "fixturenames", ())]
    if wanting and not may_mount():
        config.hook.pytest_deselected(items=wanting)
        items[:] = [item for item in items if item not in wanting]
