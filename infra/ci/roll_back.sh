#!/usr/bin/env bash
# Takes the last rollout back: the servers, and the image of the jobs. The store stays as it is, because the release
# before works on it: roll_back.sh staging|production
set -euo pipefail
cd "$(dirname "$0")/../.."
kubectl="${TOOLS:-.venv/infra/bin}/kubectl"
case "$1" in staging) namespace=churn-staging ;; production) namespace=churn ;; *) echo "no place: $1" >&2; exit 2 ;; esac
"$kubectl" --namespace "$namespace" rollout undo deployment/churn-prediction-api
jobs="$(cat build/deploy/jobs-before 2>/dev/null || true)"
if [ -n "$jobs" ]; then
  "$kubectl" --namespace "$namespace" set image cronjob --selector app.kubernetes.io/part-of=churn-mlops "*=$jobs"
fi
"$kubectl" --namespace "$namespace" rollout status deployment/churn-prediction-api --timeout 600s
echo "Rolled back: $namespace"
