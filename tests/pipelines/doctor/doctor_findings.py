"""The findings of ``churn doctor``, by check."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from churn_mlops.pipelines.doctor import Finding, examine
from churn_mlops.serving.server import listen

CHECKS = {
    "configuration", "environment", "contract", "source", "models folder", "champion", "champion's contract", "MLflow",
    "store", "disk", "port", "package", "Python", "libraries", "machine",
}  # fmt: skip
Found = dict[str, Finding]


def found(config: Path | None, environ: Mapping[str, str] | None = None) -> Found:
    return {
        finding.check: finding for finding in examine(config, {"CHURN__SERVING__PORT": "0"} | (environ or {}), listen)
    }


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything on disk, with when it was written."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*")
    }


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
