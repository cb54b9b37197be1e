"""The settings: whether they can be read, and where they come from."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from churn_mlops.config import DEFAULT_PATH, Reading, Settings
from churn_mlops.config.exposure import check_hash_key
from churn_mlops.config.settings import sections, settings_by_name
from churn_mlops.errors import ConfigError
from churn_mlops.pipelines.doctor.findings import Finding

_VARIABLE = re.compile(rf"CHURN_+({'|'.join(sections())})_", re.IGNORECASE)


def configuration_found(reading: Reading, config: Path | None) -> Iterator[Finding]:
    """Whether every key is known and within its bounds, and where the settings come from."""
    file = config or DEFAULT_PATH
    for problem in reading.problems:
        yield Finding("configuration", "failed", problem, "put it right; the checks below take its default")
    if reading.problems:
        return
    # The origin of a secret from a file names the file after its variable.
    variables = [origin.partition(",")[0] for origin in reading.origins.values() if origin.startswith("CHURN__")]
    summary = f"{file} sets {len(reading.origins) - len(variables)}" if file.exists() else f"no file {file}"
    if variables:
        summary += f", the environment {', '.join(sorted(variables))}"
    yield Finding("configuration", "ok", f"{summary}; the rest are defaults")


def hash_key_found(settings: Settings) -> Iterator[Finding]:
    """Whether a server and a schedule would start with this hash key; nothing where they would."""
    try:
        check_hash_key(settings)
    except ConfigError as error:
        yield Finding("hash key", "failed", str(error), "neither `churn serve` nor `churn schedule` starts with it")


def environment_found(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Variables that look like settings and are none, since their underscores or capitals are wrong."""
    known = {f"CHURN__{name.replace('.', '__').upper()}" for name in settings_by_name()}
    by_letters = {name.replace("_", ""): name for name in known}
    slips = sorted(name for name in environ if _VARIABLE.match(name) and not name.startswith("CHURN__"))
    for name in slips:
        close = difflib.get_close_matches(name.upper().replace("_", ""), by_letters, n=1)
        advice = f"write {by_letters[close[0]]}" if close else "docs/configuration.md lists the settings"
        yield Finding("environment", "warning", f"{name} looks like a setting, and is not read", advice)
    if not slips:
        yield Finding("environment", "ok", "no variable looks like a misspelt setting")
