#!/usr/bin/env bash
# Asks a deployment as its users do: ready, the request of the README, the console. The key of a service or an agent is in
# a file, so that no list of processes shows it: smoke.sh URL [KEY-FILE]
set -euo pipefail
url="${1%/}" key_file="${2:-}"
headers="$(mktemp)"
trap 'rm -f "$headers"' EXIT
if [ -n "$key_file" ]; then
  printf 'X-API-Key: %s\n' "$(cat "$key_file")" > "$headers"
fi
ask() { curl --silent --show-error --fail-with-body --max-time 15 --retry 3 --retry-connrefused --header "@$headers" "$@"; }

ask "$url/ready" > /dev/null
echo "ready"
answer="$(ask -X POST "$url/predict" -H "Content-Type: application/json" -d '{
  "tenure": 12, "monthly_charges": 65.50, "total_charges": 786.00,
  "contract_type": "month-to-month", "payment_method": "electronic_check",
  "internet_service": "fiber_optic", "tech_support": "no", "online_security": "no"}')"
python3 -c '
import json, sys
answer = json.loads(sys.argv[1])
assert list(answer) == ["prediction", "will_churn", "churn_probability", "confidence"], answer
assert 0 < answer["churn_probability"] < 1, answer
' "$answer"
echo "predicts"
ask "$url/sign-in" | grep -q '<form'
echo "shows the console"
