"""Write the pages that are made from the code: ``make pages``. A test says when one is out of date."""

from __future__ import annotations

from pathlib import Path

from churn_mlops.config import settings_reference

DOCS = Path(__file__).parent


def configuration() -> str:
    """The page of all settings."""
    return f"""# Configuration

Settings stand in `config/config.yaml` of the working directory, or in the file that `--config` names. The file may be
missing, and may hold only what differs from the defaults below.

Over the file goes the environment, as `CHURN__SECTION__KEY`: `CHURN__SERVING__PORT=9000` sets `port` of `serving`. An
empty value, or `null`, means none. The two underscores matter: Kubernetes injects variables such as `CHURN_PORT` for a
service called `churn`.

An unknown key stops the start, naming the key and the nearest known one; so does a value out of range. Paths are taken
from the working directory.

All settings, with their defaults; a unit stands in brackets:

```yaml
{settings_reference()}```

This page is made from `src/churn_mlops/config/settings.py` by `make pages`.
"""


PAGES = {"configuration.md": configuration}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
