#!/usr/bin/env bash
# Spark, with Berlin as its time zone, writes midnight to Parquet. DuckDB reads the file.
# Guess: DuckDB gives midnight, or 23:00 of the day before as TIMESTAMP WITH TIME ZONE. It does the latter for a file in
# which Spark wrote TIMESTAMP_MICROS, because Spark's TIMESTAMP is a point in time.
# Instead: Spark's default is still INT96, a type that cannot say "this is UTC". DuckDB gives a plain TIMESTAMP of 23:00
# on the day before. Its type does not show that a time zone was lost.
# Seen with pyspark 4.3.0 and duckdb 2.0.0. An issue reports the same for Hive (github.com/duckdb/duckdb/issues/6580).
# Met: tables written by Spark and read as Parquet files; midnight in Berlin fell on the day before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet pyspark==4.3.0 duckdb==2.0.0
PYSPARK_PYTHON=venv/bin/python venv/bin/python - 2>spark.log <<'EOF' || { cat spark.log >&2; exit 1; }
import duckdb
import pyspark
from pyspark.sql import SparkSession

print("pyspark", pyspark.__version__, "duckdb", duckdb.__version__)
options = {"spark.sql.session.timeZone": "Europe/Berlin", "spark.ui.enabled": "false"}
spark = SparkSession.builder.master("local[1]").config(map=options).getOrCreate()
spark.sparkContext.setLogLevel("OFF")
paid = spark.sql("SELECT TIMESTAMP '2024-12-01 00:00:00' AS paid_at")
found = {}
for kind in (spark.conf.get("spark.sql.parquet.outputTimestampType"), "TIMESTAMP_MICROS"):
    spark.conf.set("spark.sql.parquet.outputTimestampType", kind)
    paid.write.parquet(kind)
    query = f"SELECT typeof(paid_at), paid_at::VARCHAR FROM '{kind}/*.parquet'"
    found[kind] = duckdb.sql(query).fetchall()[0]
    print(f"written as {kind}, DuckDB reads {found[kind]}")
expected = ("TIMESTAMP", "2024-11-30 23:00:00")
changed = found.get("INT96") != expected or found["TIMESTAMP_MICROS"][0] != "TIMESTAMP WITH TIME ZONE"
raise SystemExit("the behaviour has changed" if changed else 0)
EOF
