#!/usr/bin/env bash
# Spark writes Parquet to a local folder. Another program replaces one file with a valid file that has one row less.
# Guess: Spark reads the new file, because a Parquet file is complete in itself.
# Instead: Spark left a hidden checksum of the old bytes beside the file (.part-....parquet.crc), and pyarrow does not
# update it. Spark refuses the valid file with a ChecksumException. It reads the file after the .crc is removed.
# Seen with pyspark 4.3.0 and pyarrow 25.0.1. The checksums come from Hadoop's local file system.
# Met: erasing a customer from the scores that a run on Spark wrote (`churn forget`).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet pyspark==4.3.0 pyarrow==25.0.1
PYSPARK_PYTHON=venv/bin/python venv/bin/python - 2>spark.log <<'EOF' || { cat spark.log >&2; exit 1; }
from pathlib import Path

import pyarrow
import pyarrow.parquet as pq
import pyspark
from pyspark.sql import SparkSession

print("pyspark", pyspark.__version__, "pyarrow", pyarrow.__version__)
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.range(3).coalesce(1).write.parquet("scores")
(written,) = Path("scores").glob("*.parquet")
pq.write_table(pq.read_table(written).slice(1), written)
checksum = written.with_name(f".{written.name}.crc")
print("beside the file:", "a checksum" if checksum.exists() else "no checksum")


def counted() -> str:
    """How many rows Spark reads, or how it fails."""
    try:
        return str(len(spark.read.parquet("scores").collect()))
    except Exception as error:
        return "ChecksumException" if "ChecksumException" in str(error) else type(error).__name__


found = [counted()]
checksum.unlink()
found.append(counted())
print(f"pyarrow reads {pq.read_table(written).num_rows} rows, Spark: {found[0]}; without the checksum {found[1]}")
raise SystemExit(0 if found == ["ChecksumException", "2"] else "the behaviour has changed")
EOF
