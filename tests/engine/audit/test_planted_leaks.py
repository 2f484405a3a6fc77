"""Every class of leaks is found in three kinds of research, and named where it is."""

import pytest

from tests.audit_leaks import LEAKS, Leak
from tests.audit_research import EFFORT, KINDS, Research, subject
from tradewind.engine.audit.auditing import audit
from tradewind.engine.audit.findings import Finding, Report
from tradewind.engine.audit.stages import cuts


def of(report: Report, leak: Leak) -> list[Finding]:
    """Leaks of the right class at the right place."""
    return [
        found
        for found in report.leaks
        if (found.danger, found.stage) == (leak.danger, leak.stage)
        and leak.column in ("", found.column)
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.name)
def test_a_planted_leak_is_found_and_named(leak: Leak, kind: str) -> None:
    planted = subject(leak.plant(Research(kind)))
    report = audit(planted, EFFORT)
    found = of(report, leak)
    assert found, [f"{f.danger.name} {f.where} {f.text}" for f in report.findings]
    assert all(one.text and one.advice for one in report.findings)
    if leak.reach is not None:
        stage = planted.stages[0]
        first = cuts(stage, planted.panel, EFFORT.cuts)[0]
        assert found[0].bar == first - leak.reach


def test_there_are_at_least_twenty_classes() -> None:
    assert len({leak.name for leak in LEAKS}) == len(LEAKS) >= 20
