#!/usr/bin/env bash
# grafana-foundation-sdk, Grafana's own builders of dashboards, is installed with a lower bound: the builders of 11.6 or later.
# Guess: pip takes the newest builders, or at least none older than the bound.
# Instead: it takes the builders of Grafana 10.1, the oldest that there are. The epoch of each version is the second of its
# release. The release of a day goes from new to old, so 10.1.0 has the largest epoch, and any epoch is above ">=11.6".
# Seen with pip 25.3 and the releases up to epoch 1769699998. The builders of 11.6 of that day are 1769699379!11.6.0.
# Met: choosing a version of the builders for the dashboards.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet pip==25.3
venv/bin/python -m pip install --quiet 'grafana-foundation-sdk>=11.6,<=1769699998!10.1.0'
venv/bin/python - <<'PY'
from importlib.metadata import version

from grafana_foundation_sdk.builders.dashboard import Dashboard

found, schema = version("grafana-foundation-sdk"), Dashboard("any").build().schema_version
print("asked for >=11.6, got", found, "with schema version", schema)
raise SystemExit(0 if (found, schema) == ("1769699998!10.1.0", 36) else "the behaviour has changed")
PY
