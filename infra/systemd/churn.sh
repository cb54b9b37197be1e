#!/bin/sh
# `churn` as the services run it: their user, folder and variables. For root: install it as /usr/local/bin/churn.
set -eu
cd /srv/churn
set -a
# shellcheck source=infra/systemd/churn.env
. /etc/churn/environment
HOME=/srv/churn
exec runuser -u churn -- .venv/bin/churn "$@"
