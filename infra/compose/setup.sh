#!/bin/sh
# In the container: brings the tables of the store up to date, makes the demo company with its model and its list, and the
# first user of the console. A second time it changes only what is older than this version.
set -eu
if [ -e demo/config.yaml ]; then
  churn --config demo/config.yaml store migrate
fi
churn demo --no-serve
if ! churn --config demo/config.yaml people list --json | grep -q '"admin"'; then
  churn --config demo/config.yaml people add admin --role admin < /run/secrets/console_password
fi
