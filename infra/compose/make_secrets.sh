#!/usr/bin/env bash
# Makes the secrets that are not there yet, in infra/compose/secrets, or in FOLDER, or of them only the named ones. Only the
# owner enters the folder; the files can be read by all, since the users inside the containers are others:
# make_secrets.sh [FOLDER [NAME...]]
set -euo pipefail
folder="${1:-$(dirname "$0")/secrets}" names=" ${*:2} "
umask 077
mkdir -p "$folder"

random() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

keep() { # NAME VALUE
  [ "$names" = "  " ] || [[ "$names" == *" $1 "* ]] || return 0
  [ -s "$folder/$1" ] && return
  printf '%s\n' "$2" > "$folder/$1.new"
  chmod 444 "$folder/$1.new"
  mv "$folder/$1.new" "$folder/$1"
}

keep postgres_password "$(random)"
keep store_url "postgresql://churn:$(cat "$folder/postgres_password" 2>/dev/null)@postgres/churn"
keep customer_hash_key "$(random)"
keep admin_key "churn_$(random)"
keep console_password "$(random)"
keep grafana_password "$(random)"
echo "The secrets are in $folder: keep a copy of customer_hash_key, which erased customers are recognised by."
