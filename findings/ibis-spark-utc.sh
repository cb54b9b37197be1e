#!/usr/bin/env bash
# A Spark session has a time zone of its own. ibis.pyspark.connect(session) receives it.
# Guess: connecting changes nothing in the session.
# Instead: Ibis sets the time zone of the session to UTC, for everything that runs in it. From then on, queries that do
# not use Ibis put a payment at half past midnight in Berlin on the day before.
# Seen with ibis-framework 12.0.0 and pyspark 4.3.0. It is on purpose (github.com/ibis-project/ibis/pull/1830, 2019).
# Met: counting days in the time zone of the company on Spark.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet ibis-framework==12.0.0 pyspark==4.3.0 sqlglot==30.17.0 pandas==3.1.1 \
    pyarrow==25.0.1 pyarrow-hotfix==0.7 numpy==2.4.6 packaging==26.3 rich==15.0.0
PYSPARK_PYTHON=venv/bin/python venv/bin/python - 2>spark.log <<'EOF' || { cat spark.log >&2; exit 1; }
import ibis
import pyspark
from pyspark.sql import SparkSession

print("ibis", ibis.__version__, "pyspark", pyspark.__version__)
options = {"spark.sql.session.timeZone": "Europe/Berlin", "spark.ui.enabled": "false"}
spark = SparkSession.builder.master("local[1]").config(map=options).getOrCreate()


def day() -> tuple[str, str]:
    """The session's zone, and the day on which it puts half past midnight in Berlin."""
    row = spark.sql("SELECT CAST(DATE(TIMESTAMP '2024-11-30 23:30:00Z') AS STRING) AS day").first()
    return spark.conf.get("spark.sql.session.timeZone"), row["day"]


before = day()
ibis.pyspark.connect(spark)
after = day()
print("before:", *before)
print("after ibis.pyspark.connect:", *after)
expected = (("Europe/Berlin", "2024-12-01"), ("UTC", "2024-11-30"))
raise SystemExit(0 if (before, after) == expected else "the behaviour has changed")
EOF
