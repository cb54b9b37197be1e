#!/usr/bin/env bash
# A column of whole numbers, one of them NULL, comes from Spark through Ibis as Arrow.
# Guess: to_pyarrow() is exact, as it is on DuckDB and PostgreSQL, because Arrow has nulls for whole numbers.
# Instead: on Spark the rows pass through a pandas DataFrame. One NULL makes the column float64, and Ibis turns that
# into an Arrow column of int64. The ID 9007199254740993 arrives as 9007199254740992. It is right without the NULL, and
# Spark's own toArrow() is right in both cases.
# Seen with ibis-framework 12.0.0, pyspark 4.3.0 and pandas 3.1.1. No issue of Ibis was found. A pull request repairs
# the same loss in Spark's pandas functions (github.com/apache/spark/pull/53730).
# Met: reading a snapshot from Spark as Arrow.
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
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
connection = ibis.pyspark.connect(spark)
ID = 2**53 + 1
spark.sql(f"SELECT {ID} AS id UNION ALL SELECT CAST(NULL AS BIGINT)").createOrReplaceTempView("with_null")
spark.sql(f"SELECT {ID} AS id").createOrReplaceTempView("without_null")
found = {}
for view in ("without_null", "with_null"):
    ours = connection.table(view).to_pyarrow()["id"]
    found[view] = max(value for value in ours.to_pylist() if value is not None)
    print(f"{view}: Ibis gives {found[view]} ({ours.type})")
spark_itself = max(value for value in spark.table("with_null").toArrow()["id"].to_pylist() if value is not None)
print("with_null: Spark's toArrow gives", spark_itself)
expected = {"without_null": ID, "with_null": ID - 1}
raise SystemExit(0 if found == expected and spark_itself == ID else "the behaviour has changed")
EOF
