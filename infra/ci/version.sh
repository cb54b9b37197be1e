#!/usr/bin/env bash
# Prints the version of the images of a commit, as an output of a step: version.sh COMMIT
set -euo pipefail
version="$(sed -n 's/^version = "\(.*\)"$/\1/p' "$(dirname "$0")/../../pyproject.toml")"
echo "version=$version-${1:0:12}"
