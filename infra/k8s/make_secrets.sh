#!/usr/bin/env bash
# Makes the secrets of a namespace from files, one secret a file: make_secrets.sh NAMESPACE FOLDER | kubectl apply -f -
# The folder holds store_url (a user who reads and writes rows), owner_url (the owner of the database, who may change
# tables), customer_hash_key, admin_key, source_url, mlflow_url and webhook_secret. Nothing is printed unless all are there.
# It may hold webhook_url, too.
set -euo pipefail
namespace="$1" folder="$2" missing=0

for name in store_url owner_url customer_hash_key admin_key source_url mlflow_url webhook_secret; do
  [ -s "$folder/$name" ] || { echo "$folder/$name is missing or empty: put the secret there" >&2; missing=1; }
done
[ "$missing" = 0 ] || exit 1

secret() { # NAME KEY=FILE...
  local name="$1" pair files=()
  shift
  for pair in "$@"; do
    files+=("--from-file=${pair%=*}=$folder/${pair#*=}")
  done
  echo ---
  "${KUBECTL:-kubectl}" --namespace "$namespace" create secret generic "$name" --dry-run=client --output yaml "${files[@]}"
}

secret churn-api store_url=store_url customer_hash_key=customer_hash_key admin_key=admin_key
webhook=()
[ ! -s "$folder/webhook_url" ] || webhook=(webhook_url=webhook_url)
secret churn-jobs store_url=store_url customer_hash_key=customer_hash_key source_url=source_url \
  mlflow_url=mlflow_url webhook_secret=webhook_secret "${webhook[@]}"
secret churn-migration store_url=owner_url customer_hash_key=customer_hash_key
