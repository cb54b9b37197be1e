#!/usr/bin/env bash
# Writes the list of parts of both images (CycloneDX): sbom.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."
tools="${TOOLS:-.venv/infra/bin}"
folder="${1:-build/sbom}"
export PYTHONWARNINGS=ignore
mkdir -p "$folder"
"$tools/cyclonedx-py" requirements requirements-serving.txt --pyproject pyproject.toml --output-reproducible --no-validate \
  --output-file "$folder/churn-prediction-api.cdx.json"
"$tools/cyclonedx-py" requirements requirements.txt --pyproject pyproject.toml --output-reproducible --no-validate \
  --output-file "$folder/churn-prediction-jobs.cdx.json"
for name in api jobs; do
  count="$(grep -c '"purl"' "$folder/churn-prediction-$name.cdx.json")"
  [ "$count" -gt 20 ] || { echo "churn-prediction-$name.cdx.json names $count parts only" >&2; exit 1; }
  echo "churn-prediction-$name: $count parts"
done
