"""What makes an alert of the jobs fire, and the commands of its runbook that end it."""

from __future__ import annotations

from tests.infra.alerts.observed import Observed, fix_of


def test_figures_and_a_list_grow_old_and_the_commands_of_their_pages_end_it(observed: Observed) -> None:
    observed.churn("churn monitor")
    observed.sleep(hours=47)
    observed.churn("churn score")
    observed.sleep(hours=24.8)
    observed.serve()
    observed.pass_minutes(10)
    observed.expect()
    observed.pass_minutes(5)
    observed.expect("FiguresOld")
    assert "(FiguresOld)" in observed.churn("churn status")
    observed.churn(fix_of("figures-old", "churn monitor"))
    observed.pass_minutes(2)
    observed.expect()
    observed.pass_minutes(65)
    observed.expect("ListMissing")
    assert "(ListMissing)" in observed.churn("churn status", code=1)
    observed.churn(fix_of("list-missing", "churn score"))
    observed.pass_minutes(2)
    observed.expect()
    observed.check()
