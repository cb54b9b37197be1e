"""Check manifests before they are applied: ``python -m infra.k8s.check FILE...``; exit code 1 if there is a finding."""

from __future__ import annotations

import sys
from pathlib import Path

from infra.k8s.faults import faults
from infra.k8s.objects import read
from infra.k8s.policy import breaches


def main(files: list[str]) -> int:
    """Print the findings of each file, and how many objects it holds; a file without objects is a finding."""
    found = 0
    for file in files:
        items = read(Path(file).read_text(encoding="utf-8"))
        findings = [*faults(items), *breaches(items)] or (
            [] if items else ["holds no object; name a file of manifests"]
        )
        for finding in findings:
            print(f"{file}: {finding}", file=sys.stderr)
        print(f"{file}: {len(items)} objects, {len(findings)} findings")
        found += len(findings)
    return 1 if found or not files else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
