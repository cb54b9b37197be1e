#!/usr/bin/env bash
# Signs the digests and the lists of parts, with the identity of this run of the pipeline: no key is kept anywhere.
set -euo pipefail
cd "$(dirname "$0")/../.."
"${TOOLS:-.venv/infra/bin}/sigstore" sign --bundle build/images.txt.sigstore.json build/images.txt
for file in build/sbom/*.cdx.json; do
  "${TOOLS:-.venv/infra/bin}/sigstore" sign --bundle "$file.sigstore.json" "$file"
done
