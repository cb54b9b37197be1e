"""``churn doctor``."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Annotated

import typer

from churn_mlops.cli.terminal import print_json, remark, say


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Check settings, contract, source, models, MLflow, disk, port and libraries, and say what to do.

    Changes nothing. Exit code 1 if a check failed; a warning does not count.

    Example: `churn doctor`
    """
    from churn_mlops.pipelines.doctor import Finding, examine
    from churn_mlops.serving.server import listen

    findings: list[Finding] = []
    for finding in examine(context.obj, os.environ, listen):
        findings.append(finding)
        if not as_json:
            remark(finding.status, f"{finding.check}: {finding}")
    counted = {status: sum(finding.status == status for finding in findings) for status in ("warning", "failed")}
    if as_json:
        print_json({"ok": not counted["failed"], "checks": [asdict(finding) for finding in findings]})
    else:
        warnings = f"{counted['warning']} warning{'' if counted['warning'] == 1 else 's'}"
        say(f"{len(findings)} checks: {warnings}, {counted['failed']} failed.")
    if counted["failed"]:
        raise typer.Exit(1)
