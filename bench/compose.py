"""The compose file, brought up from nothing: seconds to all healthy and to the first prediction; then it is taken down.

    python -m bench.compose [--profile full] [--without grafana] [--most 120]

It needs an engine that `docker compose` reaches (DOCKER_HOST may name one, Podman's too), our images, built by
`bench.images` or `docker compose build`, and the images of others; POSTGRES_IMAGE and the like name those at hand. No
other deployment of the same name may run, because its volumes would be deleted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "compose.json"
SECRETS = ROOT / "infra/compose/secrets"
ADDRESS = "http://localhost:8000"
MOST_SECONDS = 120.0


def main() -> None:
    """Bring it up, ask it, take it down; keep the figures in ``bench/compose.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=["full", "small"], default="full")
    parser.add_argument("--without", nargs="*", default=[], help="services that are left out")
    parser.add_argument("--most", type=float, default=MOST_SECONDS, help="most seconds from nothing to all healthy")
    given = parser.parse_args()
    if _compose(given.profile, "ps", "--all", "--quiet").strip():
        raise SystemExit("a deployment of this name is there already: take it down first (docker compose down)")
    try:
        found = measured(given.profile, given.without)
    finally:
        _compose(given.profile, "down", "--volumes", "--timeout", "20")
    print(json.dumps(found, indent=1))
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(results | {given.profile: found}, indent=1) + "\n", encoding="utf-8")
    if found["seconds"] > given.most:
        raise SystemExit(f"all was healthy after {found['seconds']} seconds, more than {given.most:g}")


def measured(profile: str, without: list[str]) -> dict[str, Any]:
    """The seconds until every service is healthy, and what the smoke test says then.

    Args:
        profile: of the compose file.
        without: services that are left out.
    """
    _run("infra/compose/make_secrets.sh")
    services = sorted(set(_compose(profile, "config", "--services").split()) - set(without))
    began = time.monotonic()
    _compose(profile, "up", "--detach", "--no-build", "--wait", *services)
    seconds = time.monotonic() - began
    said = _run("infra/ci/smoke.sh", ADDRESS, str(SECRETS / "admin_key")).split("\n")
    answered = time.monotonic() - began
    return {
        "seconds": round(seconds, 1),
        "seconds_to_first_prediction": round(answered, 1),
        "services": services,
        "without": sorted(without),
        "states": states(_compose(profile, "ps", "--all", "--format", "json")),
        "smoke": [line for line in said if line],
    }


def states(listed: str) -> dict[str, str]:
    """State and health of each service, as ``docker compose ps --format json`` lists them: an array, or a line each."""
    lines = listed.strip()
    items = json.loads(lines) if lines.startswith("[") else [json.loads(line) for line in lines.splitlines()]
    return {one["Service"]: one.get("Health") or f"{one['State']} ({one.get('ExitCode', 0)})" for one in items}


def _compose(profile: str, *words: str) -> str:
    return _run(*os.environ.get("COMPOSE", "docker compose").split(), "--profile", profile, *words)


def _run(*words: str) -> str:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr[-3000:]}{done.stdout[-1000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
