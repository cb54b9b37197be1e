#!/usr/bin/env bash
# Refuses images that this pipeline has not signed for this commit: verify.sh REPOSITORY COMMIT
set -euo pipefail
cd "$(dirname "$0")/../.."
"${TOOLS:-.venv/infra/bin}/sigstore" verify github --repository "$1" --sha "$2" \
  --bundle build/images.txt.sigstore.json build/images.txt
