#!/usr/bin/env bash
# Looks up the libraries of both images in the database of vulnerabilities; ends with 1 if one is vulnerable, or if the
# database was not asked.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools="${TOOLS:-.venv/infra/bin}"
folder="${1:-build/scan}"
rm -rf "$folder"
mkdir -p "$folder"

audit() { # NAME ARGUMENTS: 1 stands for findings, which are read below
  "$tools/pip-audit" --disable-pip --progress-spinner off --format json --output "$folder/$1.json" "${@:2}" || [ $? = 1 ]
}

audit known-vulnerable --no-deps --requirement infra/ci/known-vulnerable.txt
for lock in requirements-serving requirements-serving-trees requirements; do
  audit "$lock" --require-hashes --requirement "$lock.txt"
done
"$tools/python" infra/ci/read_scan.py "$folder" requirements-serving requirements-serving-trees requirements
