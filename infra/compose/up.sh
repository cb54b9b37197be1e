#!/usr/bin/env bash
# From nothing to the console of the demo company: infra/compose/up.sh [full|small]
set -euo pipefail
cd "$(dirname "$0")/../.."
profile="${1:-full}"
infra/compose/make_secrets.sh
${COMPOSE:-docker compose} --profile "$profile" up --build --detach --wait
echo "The console: http://localhost:8000, as admin, with the password in infra/compose/secrets/console_password"
