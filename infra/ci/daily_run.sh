#!/usr/bin/env bash
# The demo company in the image of the jobs, as restricted as in the cluster, and a second daily run; writes
# build/models.json for the model gate: daily_run.sh IMAGE
set -euo pipefail
cd "$(dirname "$0")/../.."
docker="${DOCKER:-docker}"
volume="churn-demo-$$"
trap '$docker volume rm "$volume" >/dev/null' EXIT
churn() {
  $docker run --rm --read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp \
    --volume "$volume:/srv/churn/demo" "$1" "${@:2}"
}
churn "$1" demo --no-serve
churn "$1" --config demo/config.yaml score
churn "$1" --config demo/config.yaml mature
churn "$1" --config demo/config.yaml monitor
churn "$1" --config demo/config.yaml models review
mkdir -p build
churn "$1" --config demo/config.yaml models list --json > build/models.json
