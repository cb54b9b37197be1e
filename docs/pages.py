"""Write the pages that are made from the code: ``make pages``. A test fails when one is out of date."""

from __future__ import annotations

import sys
from pathlib import Path

from churn_mlops.config import settings_reference
from churn_mlops.config.environment import secrets

sys.path.insert(0, str(Path(__file__).parent))
from rooms import between, rooms, rooms_within

DOCS = Path(__file__).parent


def configuration() -> str:
    """The page of all settings."""
    return f"""# Configuration

Settings come from `config/config.yaml` of the working directory, or from the file of `--config`. The file is
optional. It needs only the settings that differ from the defaults below.

The environment overrides the file, as `CHURN__SECTION__KEY`: `CHURN__SERVING__PORT=9000` sets `port` of `serving`. An
empty value, or `null`, means none. The two underscores matter: Kubernetes injects variables such as `CHURN_PORT` for a
service called `churn`.

A secret can come from a file, such as one that a container platform mounts: `CHURN__SECTION__KEY_FILE` names it.
`CHURN__STORE__URL_FILE=/run/secrets/store_url` reads `url` of `store` from there. The file holds the secret alone, as
text in UTF-8; a line end after it does not count. A file that is missing, empty, unreadable, longer than 64 KiB or no
regular file stops the start, and so does a secret that is given both ways. These settings are secret, and appear in no
message:
{secret_settings()}.

An unknown key is an error that names the key and the nearest known one. A value out of range is an error too. Paths are
relative to the working directory.

This file shows all settings with their defaults, and units in brackets:

```yaml
{settings_reference()}```

This page is made from `src/churn_mlops/config/settings.py` by `make pages`.
"""


def secret_settings() -> str:
    """The names of the settings that are secret, with commas between."""
    return ", ".join(f"`{name}`" for name in secrets())


def contributing() -> str:
    """The page for contributors, with the table of rooms."""
    return between((DOCS.parent / "CONTRIBUTING.md").read_text(encoding="utf-8"), "rooms", rooms())


def architecture() -> str:
    """The page about the house, with the tables of the rooms within rooms."""
    return between((DOCS / "architecture.md").read_text(encoding="utf-8"), "rooms within", rooms_within())


PAGES = {"configuration.md": configuration, "architecture.md": architecture, "../CONTRIBUTING.md": contributing}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
