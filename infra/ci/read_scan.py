"""Read the reports of a scan: ``read_scan.py FOLDER LOCK...``; 1 if a library is vulnerable or was not looked up."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

Report = dict[str, Any]


def problems(canary: Report, reports: dict[str, Report], locked: dict[str, int]) -> list[str]:
    """A sentence for each reason not to trust, or not to ship, what was scanned.

    Args:
        canary: the report about a library with a known vulnerability.
        reports: the report about each lock.
        locked: the number of libraries in each lock.
    """
    found = []
    if not any(library.get("vulns") for library in canary["dependencies"]):
        found.append("the scan does not find a vulnerability that is known since 2019: it has looked nothing up")
    for lock, report in reports.items():
        libraries = report["dependencies"]
        if len(libraries) < locked[lock]:
            found.append(f"{lock}: {len(libraries)} of {locked[lock]} libraries are in the report")
        for library in libraries:
            if "skip_reason" in library:
                found.append(f"{lock}: {library['name']} was not looked up")
            for vulnerability in library.get("vulns", []):
                fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
                found.append(f"{lock}: {library['name']} {library['version']}: {vulnerability['id']}, fixed in {fixed}")
    return found


def main(folder: Path, locks: list[str]) -> int:
    """Print the problems and the number of libraries."""
    root = Path(__file__).parents[2]
    missing = [name for name in ("known-vulnerable", *locks) if not (folder / f"{name}.json").exists()]
    if missing:
        print(f"there is no report of {', '.join(missing)}: the database cannot be reached", file=sys.stderr)
        return 1
    read = {name: json.loads((folder / f"{name}.json").read_text()) for name in ("known-vulnerable", *locks)}
    # Libraries for other systems are in the lock and not in the report.
    entry = re.compile(r"^[\w.\-\[\]]+==[^;\n]+\\$", re.MULTILINE)
    locked = {lock: len(entry.findall((root / f"{lock}.txt").read_text())) for lock in locks}
    found = problems(read.pop("known-vulnerable"), read, locked)
    for problem in found:
        print(problem, file=sys.stderr)
    print(f"{sum(len(report['dependencies']) for report in read.values())} libraries, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), sys.argv[2:]))
