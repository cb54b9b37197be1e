#!/usr/bin/env bash
# Builds both images from the Dockerfile: build.sh VERSION REVISION BASE
# SERVING_LOCK=requirements-serving-trees.txt is for a champion that is a random forest or boosted trees.
set -euo pipefail
cd "$(dirname "$0")/../.."
version="$1" revision="$2" base="$3"
case "$base" in
  *@sha256:*) ;;
  *) echo "the base $base has no digest: give what infra/ci/resolve_base.sh prints" >&2; exit 1 ;;
esac
for target in serving jobs; do
  case "$target" in serving) image=churn-prediction-api ;; jobs) image=churn-prediction-jobs ;; esac
  ${DOCKER:-docker} build --target "$target" --tag "$image:$version" \
    --build-arg BASE="$base" --build-arg VERSION="$version" --build-arg REVISION="$revision" \
    --build-arg SERVING_LOCK="${SERVING_LOCK:-requirements-serving.txt}" .
done
