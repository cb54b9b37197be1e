#!/usr/bin/env bash
# From nothing to the console: infra/compose/up.sh [full|small|own]. `full` and `small` have the demo company, `own` your
# customers.
set -euo pipefail
cd "$(dirname "$0")/../.."
place="${1:-full}" secrets=infra/compose/secrets
files=(--file docker-compose.yml) profile="$place"
infra/compose/make_secrets.sh "$secrets"
if [ "$place" = own ]; then
  for needed in config/config.yaml config/contract.yaml "$secrets/source_url"; do
    [ -s "$needed" ] || { echo "$needed is missing: docs/deploy.md says what it holds (your own customers)" >&2; exit 1; }
  done
  mkdir -p data
  files+=(--file infra/compose/own.yml) profile=full
fi
${COMPOSE:-docker compose} "${files[@]}" --profile "$profile" up --build --detach --wait
echo "The console: http://localhost:8000, as admin, with the password in $secrets/console_password"
