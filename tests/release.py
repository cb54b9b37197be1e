"""What is released, built and installed as its users install it; used by the tests and by ``bench.release``."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
EPOCH = "1700000000"
"""Seconds since 1970 that stand in the archives as the time of every file."""


def build(folder: Path, *, epoch: str = EPOCH, source: Path = ROOT) -> dict[str, Path]:
    """The wheel and the sdist of ``source``, built into ``folder``, by ``wheel`` and ``sdist``."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=source, env=os.environ | {"SOURCE_DATE_EPOCH": epoch}, check=True, capture_output=True)
    return {"wheel": next(folder.glob("*.whl")), "sdist": next(folder.glob("*.tar.gz"))}


def environment(folder: Path) -> Path:
    """The Python of a new environment that has this one's libraries, but not the project itself."""
    venv.create(folder, symlinks=True)
    place = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    # Python adds the folder, but reads no .pth file in it: the project's editable install stays out.
    Path(place, "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return folder / "bin" / "python"


def install(python: Path, wheel: Path) -> None:
    """Install ``wheel`` alone into the environment of ``python``."""
    command = ["-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--python", str(python), str(wheel)]
    subprocess.run([sys.executable, *command], check=True, capture_output=True)


def bare_environ(**given: str) -> dict[str, str]:
    """The variables of a process that knows nothing of the repository."""
    kept = ("PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | given
