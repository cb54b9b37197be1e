"""A server process that is to be killed: ``python killable_server.py STORE``; it says its address when it answers."""

from __future__ import annotations

import sys

from churn_mlops import logs
from churn_mlops.config import Settings
from churn_mlops.serving.model.served_model import ModelSlot, ServedModel
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.serving.server import Server, address_of, listen
from tests.serving.conftest import TenurePredictor

if __name__ == "__main__":
    logs.configure("info")
    listening = listen("127.0.0.1", 0)
    live = ServedModel(TenurePredictor(), version="3", live_from="2026-11-23", model_type="fake")  # type: ignore[arg-type]
    settings = Settings.model_validate({"serving": {"answers_waiting": 500_000}})

    def ready() -> None:
        print(address_of(listening), flush=True)

    Server(ModelSlot(live), settings, address_of(listening), ready, store=StoreClient(sys.argv[1])).run(
        sockets=[listening]
    )
