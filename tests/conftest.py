"""What holds for every test."""

import os
from collections.abc import Generator

import pytest

REQUIRE_ALL = os.environ.get("TRADEWIND_REQUIRE_ALL") == "1"


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
