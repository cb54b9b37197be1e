"""A store that says of no model that it is live, that was lost, or that another program locks."""

from __future__ import annotations

import re

from tests.companies.small import Company
from tests.infra.alerts.conftest import Observe
from tests.infra.alerts.observed import Observed, fix_of
from tests.infra.alerts.program import churn


def test_a_server_that_started_without_its_store_has_no_model(own_company: Company, observe: Observe) -> None:
    """A new machine, beside one whose models folder alone says what is live, as before there was a store."""
    own_company.config()
    observed = observe(own_company.folder)
    observed.churn("churn score")
    observed.serve()
    observed.pass_minutes(2)
    observed.expect()
    observed.stop()
    with observed.locked(for_readers=True):
        observed.serve(models__folder="of-a-new-machine")
    observed.until(lambda: observed.ask("GET", "/metrics") == 200, "the keys are known")
    observed.pass_minutes(4)
    observed.expect("NoModel")
    assert "the first model" in observed.churn("churn models list")
    observed.churn(fix_of("no-model", "churn models sync"))
    observed.until(lambda: observed.ask("GET", "/ready") == 200, "the model is taken up")
    observed.pass_minutes(2)
    observed.expect()
    observed.check()


def test_a_store_that_was_lost_is_restored(observed: Observed) -> None:
    observed.churn("churn backup --new-key backup.key")
    key = re.search(r"age1\w+", (observed.folder / "backup.key").read_text())
    assert key
    observed.churn("churn backup", backup__recipients=key[0])
    observed.serve()
    observed.pass_minutes(2)
    observed.expect()
    observed.stop()
    for file in observed.folder.glob("churn.db*"):
        file.unlink()
    asked = ("--config", "config.yaml", "serve", "--port", "0")
    assert "no model is live" in observed.run(churn, *asked, code=1, models__folder="of-a-new-machine")
    observed.serve()
    observed.pass_minutes(7)
    observed.expect("StoreEmpty")
    observed.stop()
    observed.churn(fix_of("store-empty", "churn restore"))
    observed.serve()
    observed.pass_minutes(2)
    observed.expect()
    observed.check()


def test_predictions_beyond_the_queue_are_a_ticket_until_a_quarter_of_an_hour_after_the_outage(
    observed: Observed,
) -> None:
    observed.serve(serving__answers_waiting="40")
    observed.pass_minutes(3, lambda: observed.predict())
    observed.expect()
    with observed.locked():
        observed.pass_minutes(2, lambda: observed.predict(40))
        observed.expect("PredictionsNotLogged")
    observed.until(lambda: observed.shown("churn_answers_waiting") == 0, "the others are logged")
    observed.pass_minutes(20, lambda: observed.predict())
    observed.expect()
    observed.check()


def test_predictions_that_a_server_drops_as_it_stops_are_in_its_log_alone(observed: Observed) -> None:
    observed.serve()
    with observed.locked():
        observed.predict(3)
        observed.stop()
    assert re.search(r'"records":3,.*"event":"prediction_log_dropped"', (observed.folder / "server.log").read_text())
    observed.serve()
    assert observed.shown("churn_answers_dropped_total") == 0
