"""A server process that is to be killed: ``python killable_server.py STORE``; it says its address when it answers."""

from __future__ import annotations

import sys

from churn_mlops import logs
from churn_mlops.config import Settings
from churn_mlops.serving.model.served_model import Live, LiveSource
from churn_mlops.serving.resilience.store_client import StoreLink
from churn_mlops.serving.server import Server, address_of, listen
from tests.serving.conftest import TenurePredictor

if __name__ == "__main__":
    logs.configure("info")
    listening = listen("127.0.0.1", 0)
    live = Live(TenurePredictor(), version="3", live_from="2026-11-23", model_type="fake")  # type: ignore[arg-type]
    settings = Settings.model_validate({"serving": {"answers_waiting": 500_000}})

    def ready() -> None:
        print(address_of(listening), flush=True)

    Server(LiveSource(live), settings, address_of(listening), ready, store=StoreLink(sys.argv[1])).run(
        sockets=[listening]
    )
