"""Both images, built by buildah: sizes by layer, and a start without rights: ``python -m bench.images``.

``--base`` names another base, ``--mount`` a folder of the machine that the builder may read, such as pip's settings.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "images.json"
TARGETS = {"serving": "churn-prediction-api", "jobs": "churn-prediction-jobs"}
MOST_MB = {"serving": 250.0}
"""Bars: most megabytes without the base."""
RESTRICTED = (
    "--rm",
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--network=none",
)
WRITABLE = "find / -xdev -writable ( -type f -o -type d ) -not -path /dev* -not -path /proc*"


def main() -> None:
    """Build, measure, start; keep the figures in ``bench/images.json``."""
    base, mounts = _arguments()
    if missing := [name for name in ("buildah", "podman") if shutil.which(name) is None]:
        raise SystemExit(
            f"{' and '.join(missing)} not found: install them (on Debian: apt-get install podman buildah runc)"
        )
    found = {target: _measured(target, base, mounts) for target in TARGETS}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for target, most in MOST_MB.items():
        if (size := float(str(found[target]["without_base_mb"]))) > most:
            raise SystemExit(f"{target} takes {size} MB without its base, more than {most}")


def layers(history: list[dict[str, object]]) -> dict[str, float]:
    """Megabytes of each layer that is not empty, by what made it; the base first.

    Args:
        history: as ``podman history --format json`` prints it, the last layer first.
    """
    sizes = [(str(one["CreatedBy"]), int(str(one["size"])) / 1e6) for one in reversed(history)]
    named = {"base": sizes[0][1]}
    for created_by, size in sizes[1:]:
        if size > 0:
            place = re.search(r"(/opt/\w+)|useradd|apt-get", created_by)
            named[place[0] if place else created_by[:60]] = size
    return {name: round(size, 2) for name, size in named.items()}


def _measured(target: str, base: str | None, mounts: list[str]) -> dict[str, object]:
    image = f"{TARGETS[target]}:measured"
    given = [f"--build-arg=BASE={base}"] if base else []
    volumes = [f"--volume={mount}:{mount}:ro" for mount in mounts]
    how = ("--format=docker", "--isolation=chroot", "--network=host", "--layers")
    _run("buildah", "bud", *how, *given, *volumes, f"--target={target}", f"--tag={image}", ".")
    sizes = layers(json.loads(_run("podman", "history", "--format=json", "--no-trunc", image)))
    user = _run("podman", "run", *RESTRICTED, "--entrypoint=id", image, "-u").strip()
    writable = _run("podman", "run", *RESTRICTED, "--entrypoint=find", image, *WRITABLE.split()[1:]).split()
    print(f"{image}: {sizes}, user {user}, {_run('podman', 'run', *RESTRICTED, image, '--version').strip()}")
    return {
        "layers_mb": sizes,
        "without_base_mb": round(sum(sizes.values()) - sizes["base"], 1),
        "user": int(user),
        "writable": sorted(writable),
    }


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0 and "--entrypoint=find" not in command:  # it may not enter every folder
        raise SystemExit(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return done.stdout


def _arguments() -> tuple[str | None, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", help="base of both images, with a digest or of this machine")
    parser.add_argument("--mount", action="append", default=[], help="folder that the builder may read")
    given = parser.parse_args()
    return given.base, given.mount


if __name__ == "__main__":
    main()
