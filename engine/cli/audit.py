"""``tradewind audit``: find whatever in a config knows the future."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewind.engine.cli.console import err, out, out_json, table
from tradewind.engine.cli.failures import DONE, NO, WRONG_INPUT
from tradewind.engine.cli.options import DEFAULT_CONFIG, ConfigArgument, JsonOption, SetOption
from tradewind.engine.cli.progress import watched

if TYPE_CHECKING:
    from tradewind.engine.audit.auditing import Subject
    from tradewind.engine.audit.findings import Finding, Report
    from tradewind.engine.audit.stages import Effort
    from tradewind.engine.cli.progress import Bars

QuickOption = Annotated[
    bool, typer.Option("--quick", help="Fewer bars, symbols and cuts; no placebo.")
]
AllOption = Annotated[
    bool,
    typer.Option("--all", help="Audit every registered part on made-up bars, in place of CONFIG."),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Exit code 1 for doubts as well.")]


def audit(
    config: ConfigArgument = DEFAULT_CONFIG,
    assignments: SetOption = None,
    quick: QuickOption = False,
    everything: AllOption = False,
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> int:
    """Look for knowledge of the future in data, features, forecaster, strategy and fills.

    Replaces everything after a bar and requires equal bits up to it; tries shorter histories,
    random walks and permuted histories; reads the code a config names. CONFIG may also be a Python
    file or a folder of them, whose code is then only read. Exit code 1 where a leak was found.
    """
    from tradewind.engine.audit.stages import FULL, QUICK

    effort = QUICK if quick else FULL
    with watched("audit") as bars:
        from tradewind.engine.audit.auditing import audit as audited

        subject = _subject(config, assignments or [], effort, bars, everything=everything)
        report = audited(subject, effort, bars)
    if as_json:
        out_json({"name": subject.name, "quick": quick, **report.as_mapping()})
    else:
        _show(subject.name, report)
    for line in report.failed:
        err(f"not audited, because it fails as it is: {line}")
    if report.findings if strict else report.leaks:
        return NO
    return WRONG_INPUT if report.failed else DONE


def _subject(
    config: str, assignments: list[str], effort: "Effort", bars: "Bars", *, everything: bool
) -> "Subject":
    from tradewind.engine.config.file import load

    if not everything and (config.endswith(".py") or Path(config).is_dir()):
        from tradewind.engine.audit.auditing import code_alone

        return code_alone(Path(config))
    settings, document = load(config, assignments)
    if everything:
        from tradewind.engine.audit.registered import registered

        return registered(document, effort)
    from tradewind.engine.audit.from_config import subject_of

    return subject_of(settings, document, effort, bars)


def _show(name: str, report: "Report") -> None:
    if report.findings:
        columns = ("", "danger", "where", "bar", "date", "symbol", "found by", "worth in IC")
        table(f"{name}: the most dangerous first", columns, [_row(f) for f in report.findings])
        for number, found in enumerate(report.findings, 1):
            out(f"{number}. {found.where}: {found.text}.\n   Instead: {found.advice}.")
    rows = [
        (
            check.means,
            f"{check.stage} {check.part}",
            f"{check.n_tried:,}",
            "clean" if not check.n_found else f"{check.n_found} found",
            check.note,
        )
        for check in report.checks
        if check.n_tried or check.note
    ]
    table(f"{name}: what was tried", ("check", "of", "tried", "result", ""), rows)
    for line in report.unseen:
        out(f"Not seen: {line.removesuffix('.')}.")
    out(_verdict(report))


def _row(found: "Finding") -> tuple[str, ...]:
    from tradewind.engine.audit.findings import CALLED

    return (
        found.severity,
        CALLED[found.danger],
        found.where,
        "" if found.bar < 0 else str(found.bar),
        found.date,
        found.symbol,
        found.means,
        _worth(found.worth),
    )


def _worth(worth: Any) -> str:
    if worth is None:
        return ""
    return f"{worth.ic:+.3f} ({worth.honest:+.3f} to {worth.leaking:+.3f})"


def _verdict(report: "Report") -> str:
    doubts = len(report.doubts)
    if report.failed:
        return f"Not all could be audited (see below); {len(report.leaks)} leaks found."
    also = f", {doubts} to be looked at" if doubts else ""
    if not report.leaks:
        return f"No leak found in {report.n_tried:,} comparisons{also}."
    n = len(report.leaks)
    return f"{n} {'leak' if n == 1 else 'leaks'} found in {report.n_tried:,} comparisons{also}."
