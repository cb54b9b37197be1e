#!/usr/bin/env bash
# Asks a deployment as its users do: ready, a prediction, the console. The key of a service or an agent is in a file, so
# that no list of processes shows it. Without a request of your own columns, as /docs of your server shows it, that of the
# README is sent, which the demo company takes: smoke.sh URL [KEY-FILE [REQUEST-FILE]]
set -euo pipefail
url="${1%/}" key_file="${2:-}" request="${3:-$(dirname "$0")/request.json}"
headers="$(mktemp)"
trap 'rm -f "$headers"' EXIT
if [ -n "$key_file" ]; then
  printf 'X-API-Key: %s\n' "$(cat "$key_file")" > "$headers"
fi
ask() { curl --silent --show-error --fail-with-body --max-time 15 --retry 3 --retry-connrefused --header "@$headers" "$@"; }

ask "$url/ready" > /dev/null
echo "ready"
answer="$(ask -X POST "$url/predict" -H "Content-Type: application/json" -d "@$request")" || {
  printf '%s\n' "$answer" "No prediction for $request: does it hold a request of your columns?" >&2
  exit 1
}
python3 -c '
import json, sys
answer = json.loads(sys.argv[1])
assert list(answer) == ["prediction", "will_churn", "churn_probability", "confidence"], answer
assert 0 < answer["churn_probability"] < 1, answer
' "$answer"
echo "predicts"
ask "$url/sign-in" | grep -q '<form'
echo "shows the console"
