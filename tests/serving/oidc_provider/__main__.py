"""Install the identity provider of the tests: ``python -m tests.serving.oidc_provider FOLDER``."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.serving.oidc_provider import NODE, NPM

FILES = ("package.json", "package-lock.json", "provider.mjs")


def main(folder: Path) -> int:
    """Copy the files and install what the lock names, by the Node.js that pip installed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(Path(__file__).with_name(name), folder)
    quiet = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts")
    return subprocess.run([NODE, NPM, "ci", "--prefix", folder, *quiet], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
