#!/usr/bin/env bash
# Evidently is installed beside the newest pandas, as its metadata allows, and asked for the drift of one column.
# Guess: it works, since pip found versions that fit together (`pandas[parquet]>=1.3.5`, without an upper bound).
# Instead: the first import ends in an ImportError. Evidently takes `infer_dtype_from_object` from a private module of
# pandas, which pandas removed (github.com/pandas-dev/pandas/pull/66111). Beside pandas 2.3 the same lines work.
# Seen with evidently 0.7.23, pandas 3.1.1 and 2.3.3.
# Met: comparing the alerts of this project with those of Evidently and NannyML on the same shifts.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > drift.py <<'EOF'
import os

os.environ["DO_NOT_TRACK"] = "1"
import pandas

print("pandas", pandas.__version__)
from evidently import Report
from evidently.metrics import DriftedColumnsCount

frame = pandas.DataFrame({"tenure": [float(value % 60) for value in range(600)]})
print("drifted columns:", Report([DriftedColumnsCount()]).run(frame, frame).dict()["metrics"][0]["value"]["count"])
EOF
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet evidently==0.7.23 pandas==3.1.1
if venv/bin/python drift.py > newest.txt 2>&1; then
    cat newest.txt
    echo "the behaviour has changed"
    exit 1
fi
head -n 1 newest.txt
tail -n 1 newest.txt | cut -d "(" -f 1
tail -n 1 newest.txt | grep --quiet "cannot import name 'infer_dtype_from_object'"
venv/bin/python -m pip install --quiet pandas==2.3.3
venv/bin/python drift.py 2> /dev/null | tee older.txt
grep --quiet "drifted columns: 0" older.txt
