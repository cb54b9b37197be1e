"""Findings as a person reads them: many columns that are missing alike on one line, one line for a table left out."""

from __future__ import annotations

from collections.abc import Sequence

from churn_mlops.data.findings import Finding

_APART = 5  # up to so many columns have a line each
_NAMED = 3
_ASKED = frozenset("keys_nearly_meet keys_merged end_other end_table end_event unix_times newest_day".split())


def group_missing(findings: Sequence[Finding]) -> list[Finding]:
    """``findings`` with those of columns that are only missing as one, in the place of the first, if more than five."""
    alike = [finding for finding in findings if finding.share is not None]
    if len(alike) <= _APART:
        return list(findings)
    together = _together(alike)
    return [
        together if finding is alike[0] else finding
        for finding in findings
        if finding.share is None or finding is alike[0]
    ]


def group_left_out(findings: Sequence[Finding]) -> list[Finding]:
    """``findings`` with one for each table that is left out, and those that may be why, or what it says of the end."""
    left_out = {finding.column for finding in findings if finding.kind == "left_out"}

    def is_shown(finding: Finding) -> bool:
        table = (finding.column or "").partition(".")[0]
        return table not in left_out or finding.kind == "left_out" or finding.kind in _ASKED

    return [finding for finding in findings if is_shown(finding)]


def _together(alike: Sequence[Finding]) -> Finding:
    named = ", ".join(str(finding.column) for finding in alike[:_NAMED])
    shares = [finding.share for finding in alike if finding.share is not None]
    low, high = f"{min(shares):.2%}", f"{max(shares):.2%}"
    span = low if low == high else f"{low} to {high}"
    return Finding(None, "missing", f"{named} and {len(alike) - _NAMED} others: missing in {span} of the rows")
