#!/usr/bin/env bash
# An SQLite file with a write-ahead log, which nobody has open, is opened read-only (SQLITE_OPEN_READONLY, mode=ro).
# Guess: the folder stays as it was.
# Instead: the first query makes two files beside it, -wal and -shm, and closing leaves them there: only a connection
# that may write clears them away. With immutable=1 nothing is made, and a log that is there is not read either.
# Seen with SQLite 3.54.1 (of apsw 3.54.1.0).
# Met: `churn doctor`, which looks at a store and makes nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet apsw==3.54.1.0
venv/bin/python - <<'EOF'
import os

import apsw

print("SQLite", apsw.sqlite_lib_version())
URI = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI


def files_after(name: str, flags: int) -> list[str]:
    """What stands in the folder after one query and the end of the connection."""
    connection = apsw.Connection(name, flags=flags)
    connection.execute("SELECT * FROM scores").fetchall()
    connection.close()
    return sorted(os.listdir("store"))


os.mkdir("store")
writer = apsw.Connection("store/churn.db")
writer.execute("PRAGMA journal_mode = WAL")
writer.execute("CREATE TABLE scores (customer TEXT)")
writer.close()
found = [
    sorted(os.listdir("store")),
    files_after("file:store/churn.db?immutable=1", URI),
    files_after("file:store/churn.db?mode=ro", URI),
    files_after("store/churn.db", apsw.SQLITE_OPEN_READWRITE),
]
for name, files in zip(["before", "read with immutable=1", "read with mode=ro", "opened for writing"], found):
    print(f"{name}: {files}")
alone = ["churn.db"]
expected = [alone, alone, ["churn.db", "churn.db-shm", "churn.db-wal"], alone]
raise SystemExit(0 if found == expected else "the behaviour has changed")
EOF
