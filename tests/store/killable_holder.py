"""A process that is to be killed: ``python killable_holder.py ADDRESS hold|publish``; it says when it is ready."""

from __future__ import annotations

import sys

from churn_mlops.store import open_store
from churn_mlops.store.database.run_lock import scoring_lock
from churn_mlops.store.scoring.publishing import publish
from tests.store.builders import batches, run

CUSTOMERS = 20_000

if __name__ == "__main__":
    address, what = sys.argv[1:]
    with open_store(address) as store, scoring_lock(store):
        print("ready", flush=True)
        if what == "hold":
            sys.stdin.read()
        else:
            publish(store, run(version="new"), batches(CUSTOMERS, mark="N", size=500))
            print("published", flush=True)
