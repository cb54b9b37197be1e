#!/usr/bin/env bash
# Migrates the store, then rolls the images out; a rollout that fails is taken back. The first deployment
# waits for no server, since there is no model yet. The images are two lines of build/images.txt, each with a digest:
# deploy.sh staging|production [IMAGES]
set -euo pipefail
cd "$(dirname "$0")/../.."
overlay="$1" images="${2:-build/images.txt}"
tools="${TOOLS:-.venv/infra/bin}"
kubectl="$tools/kubectl"

mkdir -p build/deploy
{
  echo "resources: [../../infra/k8s/overlays/$overlay]"
  echo "images:"
  for name in churn-prediction-api churn-prediction-jobs; do
    image="$(grep -E "/$name@sha256:[0-9a-f]{64}$" "$images")" || { echo "$images names no digest of $name" >&2; exit 1; }
    echo "  - {name: $name, newName: ${image%@*}, digest: ${image#*@}}"
  done
} > build/deploy/kustomization.yaml
"$kubectl" kustomize build/deploy > build/deploy/manifests.yaml
"$tools/python" -m infra.k8s.check build/deploy/manifests.yaml
namespace="$(sed -n 's/^  namespace: //p' build/deploy/manifests.yaml | sort -u)"

# What runs now, for roll_back.sh; empty where nothing does.
before="build/before/$overlay"
mkdir -p "$before"
"$kubectl" --namespace "$namespace" get deployment churn-prediction-api --ignore-not-found \
  --output 'jsonpath={.metadata.annotations.deployment\.kubernetes\.io/revision}' > "$before/servers"
"$kubectl" --namespace "$namespace" get cronjob churn-score --ignore-not-found \
  --output 'jsonpath={.spec.jobTemplate.spec.template.spec.containers[0].image}' > "$before/jobs"

# A job cannot be changed, so that of the release before makes room.
"$kubectl" --namespace "$namespace" delete job churn-migrate --ignore-not-found
"$kubectl" apply --filename build/deploy/manifests.yaml \
  --selector 'app.kubernetes.io/component notin (api, score, mature, monitor, review, retrain, backup)'
migrated() { # whether the job is complete; the job itself gives up after 900 seconds
  local ended
  for _ in $(seq 192); do
    ended="$("$kubectl" --namespace "$namespace" get job churn-migrate \
      --output 'jsonpath={.status.conditions[?(@.status=="True")].type}')"
    case "$ended" in *Complete*) return 0 ;; *Failed*) return 1 ;; esac
    sleep 5
  done
  return 1
}
if ! migrated; then
  echo "The store in $namespace was not migrated, and nothing was rolled out. The log of the job:" >&2
  "$kubectl" --namespace "$namespace" logs job/churn-migrate --tail 50 >&2 || true
  exit 1
fi
if ! "$kubectl" apply --filename build/deploy/manifests.yaml; then
  infra/ci/roll_back.sh "$overlay"
  exit 1
fi
if [ ! -s "$before/servers" ]; then
  echo "The first deployment in $namespace: no server is ready before there is a model (docs/deploy.md, Kubernetes)."
  exit 0
fi
if ! "$kubectl" --namespace "$namespace" rollout status deployment/churn-prediction-api --timeout 600s; then
  infra/ci/roll_back.sh "$overlay"
  exit 1
fi
