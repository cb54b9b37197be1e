#!/usr/bin/env bash
# An application with Alembic migrations keeps its tables in the database of MLflow's tracking server.
# Guess: both can share the database, because their tables have other names.
# Instead: MLflow stores its revision in `alembic_version`, Alembic's default table, as the application does. The second
# of the two fails, because it cannot find the revision of the first. If MLflow is the second, it creates some of its
# tables before it fails, and they stay.
# Seen with mlflow 3.17.2, alembic 1.20.1 and SQLite. Known: github.com/mlflow/mlflow/issues/3374 (open since 2020).
# Met: one database for the operational store and MLflow.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet mlflow==3.17.2 alembic==1.20.1 sqlalchemy==2.1.9
mkdir -p steps/versions
cat >steps/env.py <<'EOF'
from alembic import context
from sqlalchemy import create_engine

with create_engine(context.config.get_main_option("sqlalchemy.url")).begin() as connection:
    context.configure(connection=connection)
    context.run_migrations()
EOF
cat >steps/versions/first.py <<'EOF'
revision, down_revision = "ours", None


def upgrade():
    pass
EOF
venv/bin/python -W ignore - 2>errors.log <<'EOF' || { cat errors.log >&2; exit 1; }
import sqlite3
from importlib.metadata import version

import mlflow
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

print("mlflow", mlflow.__version__, "alembic", version("alembic"))


def application(url: str) -> None:
    config = Config()
    config.set_main_option("script_location", "steps")
    config.set_main_option("sqlalchemy.url", url)
    command.upgrade(config, "head")


def tracking(url: str) -> None:
    mlflow.MlflowClient(url).search_experiments(max_results=1)


refused = 0
for name, first, second in (("one.db", tracking, application), ("two.db", application, tracking)):
    first(f"sqlite:///{name}")
    try:
        second(f"sqlite:///{name}")
    except CommandError as error:
        refused += 1
        print(f"{first.__name__}, then {second.__name__}: {error}")
with sqlite3.connect("two.db") as file:
    left = [row[0] for row in file.execute("SELECT name FROM sqlite_master WHERE name IN ('experiments', 'runs')")]
print("tables that MLflow left behind:", *left)
raise SystemExit(0 if refused == 2 and left else "the behaviour has changed")
EOF
