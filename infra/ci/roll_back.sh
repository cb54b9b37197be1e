#!/usr/bin/env bash
# Takes the last rollout back: the servers, and the image of the jobs. The store stays as it is, because the release
# before works on it. It goes to what ran when deploy.sh began here; elsewhere, to the revision before the present one:
# roll_back.sh staging|production
set -euo pipefail
cd "$(dirname "$0")/../.."
kubectl="${TOOLS:-.venv/infra/bin}/kubectl"
case "$1" in staging) namespace=churn-staging ;; production) namespace=churn ;; *) echo "no place: $1" >&2; exit 2 ;; esac
before="build/before/$1" revision=""
if [ -e "$before/servers" ]; then
  revision="$(cat "$before/servers")"
  [ -n "$revision" ] || { echo "nothing ran in $namespace before, so there is nothing to go back to" >&2; exit 1; }
fi
"$kubectl" --namespace "$namespace" rollout undo deployment/churn-prediction-api ${revision:+"--to-revision=$revision"}
jobs="$(cat "$before/jobs" 2>/dev/null || true)"
if [ -n "$jobs" ]; then
  "$kubectl" --namespace "$namespace" set image cronjob --selector app.kubernetes.io/part-of=churn-mlops "*=$jobs"
fi
"$kubectl" --namespace "$namespace" rollout status deployment/churn-prediction-api --timeout 600s
echo "Rolled back: $namespace"
