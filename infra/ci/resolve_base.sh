#!/usr/bin/env bash
# Prints the base image with its digest, as the registry knows it now: the argument BASE of the Dockerfile.
set -euo pipefail
tag="$(sed -n 's/^ARG BASE=//p' "$(dirname "$0")/../../Dockerfile")"
digest="$(skopeo inspect --override-os linux --override-arch amd64 --format '{{.Digest}}' "docker://$tag")"
case "$digest" in
  sha256:*) echo "${tag%:*}@$digest" ;;
  *) echo "the registry names no digest of $tag: it answered '$digest'" >&2; exit 1 ;;
esac
