#!/usr/bin/env bash
# Writes infra/k8s/k8s-manifests.yaml from the base: what `kubectl apply -f` takes without Kustomize.
# With a folder as argument, prints what that overlay makes.
set -euo pipefail
cd "$(dirname "$0")"
if [ $# = 1 ]; then
  exec "${KUBECTL:-kubectl}" kustomize "$1"
fi
{
  echo "# Made from base/ by infra/k8s/render.sh; change the base, not this file."
  "${KUBECTL:-kubectl}" kustomize base
} > k8s-manifests.yaml.new
mv k8s-manifests.yaml.new k8s-manifests.yaml
