"""What holds for every test."""

import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

REQUIRE_ALL = os.environ.get("TRADEWIND_REQUIRE_ALL") == "1"


def pytest_configure(config: pytest.Config) -> None:
    """Keep tests out of the user's folders; compiled simulators may stay between runs."""
    kept = getattr(config, "cache", None)
    kernels = kept.mkdir("kernels") if kept else Path(tempfile.mkdtemp(prefix="tradewind-kernels-"))
    os.environ.setdefault("TRADEWIND_KERNELS", str(kernels))
    home = Path(tempfile.mkdtemp(prefix="tradewind-tests-"))
    config.add_cleanup(lambda: _remove(home))
    os.environ["TRADEWIND_CACHE"] = str(home / "cache")
    os.environ["TRADEWIND_STORE"] = str(home / "store")
    os.environ["TRADEWIND_LEDGER"] = str(home / "ledger")
    os.environ["XDG_STATE_HOME"] = str(home / "state")


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """On the build server a test that does not run has failed."""
    report = yield
    expected_failure = hasattr(report, "wasxfail")
    if REQUIRE_ALL and report.skipped and not expected_failure:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, but TRADEWIND_REQUIRE_ALL=1: {call.excinfo}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself while it is collected."""
    report = yield
    if REQUIRE_ALL and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped, but TRADEWIND_REQUIRE_ALL=1"
    return report
