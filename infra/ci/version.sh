#!/usr/bin/env bash
# Prints the version of the images of a commit, as an output of a step: version.sh COMMIT
set -euo pipefail
version="$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$(dirname "$0")/../../src/churn_mlops/__init__.py")"
echo "version=$version-${1:0:12}"
