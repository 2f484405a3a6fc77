"""Compiled code is found again when nothing it depends on has changed, and only then."""

import os
import subprocess
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from tradewind.engine.compiling import compiled, compiled_with, fused

LOOP = """
import helpers
from helpers import LIMIT, scaled
from numba import njit


def total(n):
    parts = [scaled(i) for i in range(n)]
    found = 0.0
    for part in parts:
        found += part
    return found + LIMIT + helpers.STEP + helpers.jitted(n)
"""
HELPERS = """
from numba import njit

LIMIT = 100.0
STEP = 10.0


def scaled(x):
    return 2.0 * x


@njit
def jitted(x):
    return 0.5
"""
SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from loops import total
from tradewind.engine.compiling import compiled
run = compiled(total)
print(run(3), sum(run.stats.cache_hits.values()))
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    for name, text in (("loops", LOOP), ("helpers", HELPERS), ("script", SCRIPT)):
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def start(work: Path, **environment: str) -> "subprocess.Popen[str]":
    env = {"PATH": "/usr/bin", "TRADEWIND_KERNELS": str(work / "kernels"), **environment}
    env["PYTHONDONTWRITEBYTECODE"] = "1"  # two edits in one second look alike to Python's own cache
    asked = [sys.executable, str(work / "script.py"), str(work)]
    return subprocess.Popen(
        asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    )


def outcome(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out.strip()


def test_what_a_loop_reads_from_another_module_is_part_of_its_name(work: Path) -> None:
    assert outcome(start(work)) == "116.5 0"
    assert outcome(start(work)) == "116.5 1"
    text = HELPERS
    for old, new, value in [
        ("LIMIT = 100.0", "LIMIT = 200.0", 216.5),
        ("STEP = 10.0", "STEP = 20.0", 226.5),
        ("return 2.0 * x", "return 3.0 * x", 229.5),
        ("return 0.5", "return 0.75", 229.75),
    ]:
        text = text.replace(old, new)
        (work / "helpers.py").write_text(text)
        assert outcome(start(work)) == f"{value} 0", new


def test_an_imported_number_counts_though_its_module_holds_no_function(work: Path) -> None:
    (work / "loops.py").write_text(
        "from numbers_of import LIMIT\n\n\ndef total(n):\n    return n + LIMIT\n"
    )
    for limit in (1.0, 2.0):
        (work / "numbers_of.py").write_text(f"LIMIT = {limit}\n")
        assert outcome(start(work)) == f"{3 + limit} 0"


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", [b"", b"no pickle"])
def test_damaged_compiled_code_is_compiled_again(work: Path, ending: str, damage: bytes) -> None:
    (work / "loops.py").write_text("def total(n):\n    return n + 0.5\n")
    assert outcome(start(work)) == "3.5 0"
    kept = list((work / "kernels").rglob(f"*.{ending}"))
    assert kept
    for path in kept:
        path.write_bytes(damage)
    assert outcome(start(work)) == "3.5 0"
    assert outcome(start(work)) == "3.5 1", "and what was compiled again is kept"


def test_two_processes_may_compile_the_same_at_once(work: Path) -> None:
    both = [start(work), start(work)]
    assert [outcome(process).split()[0] for process in both] == ["116.5", "116.5"]
    assert outcome(start(work)) == "116.5 1"


def test_a_cache_that_cannot_be_written_is_replaced_by_a_folder_of_our_own(work: Path) -> None:
    (work / "loops.py").write_text("def total(n):\n    return n + 0.5\n")
    (work / "file").write_text("a folder cannot be made below a file")
    (work / "tmp").mkdir()
    unusable = {"TRADEWIND_KERNELS": str(work / "file" / "kernels"), "TMPDIR": str(work / "tmp")}
    assert outcome(start(work, **unusable)) == "3.5 0"
    assert outcome(start(work, **unusable)) == "3.5 1"
    folder = work / "tmp" / f"tradewind-{os.getuid()}"
    assert folder.stat().st_mode & 0o077 == 0
    folder.chmod(0o777)
    refused = start(work, **unusable)
    _, err = refused.communicate()
    assert "set TRADEWIND_KERNELS to a folder" in err


def product_less(x: float, y: float, z: float) -> float:
    return x * y - z


@fused
def product_less_fused(x: float, y: float, z: float) -> float:
    return x * y - z


def test_only_what_is_marked_may_round_a_product_and_a_sum_once() -> None:
    from llvmlite.binding import get_host_cpu_features

    x = 1.0 + 2.0**-30
    assert compiled(product_less)(x, x, x * x) == 0.0
    lost = (
        2.0**-60 if get_host_cpu_features().get("fma") else 0.0
    )  # the last bit of x * x that rounding drops
    assert compiled(product_less_fused)(x, x, x * x) == lost


def twice(x: float) -> float:
    return 2.0 * x


def thrice(x: float) -> float:
    return 3.0 * x


def rule(x: float) -> float:
    raise NotImplementedError


def negated(x: float) -> float:
    return -x


def loop_with_a_rule(x: float) -> float:
    return rule(x) + twice(x)


def as_it_is(part: Any) -> FunctionType:
    loop = loop_with_a_rule
    return FunctionType(loop.__code__, {**loop.__globals__, "rule": part}, loop.__name__)


def with_thrice(part: Any) -> FunctionType:
    loop = loop_with_a_rule
    exchanged = {**loop.__globals__, "rule": part, "twice": thrice}
    return FunctionType(loop.__code__, exchanged, loop.__name__)


def test_a_function_exchanged_besides_the_part_is_compiled_and_kept_apart() -> None:
    plain = compiled_with(loop_with_a_rule, negated, as_it_is)
    other = compiled_with(loop_with_a_rule, negated, with_thrice)
    assert (plain(1.0), other(1.0)) == (1.0, 2.0)
