"""The question that comes before a label where a system does not say when a customer ended."""

from __future__ import annotations

from collections.abc import Sequence

from churn_mlops.data.discovery.label_candidates import LabelChoice
from churn_mlops.data.findings import Finding
from churn_mlops.data.proposal.billing.known_system import KnownSystem
from churn_mlops.data.proposal.billing.renewals import renewals_of


def open_question(system: KnownSystem, choices: Sequence[LabelChoice]) -> Finding | None:
    """The finding that stands in place of a label; None where the tables say who left.

    Args:
        system: the tables.
        choices: the ways to decide who left.
    """
    decisive = system.decisive
    if decisive.times.end is not None:
        renewals = renewals_of(system)
        return None if renewals is None else renewals.finding()
    rare = next((one for one in choices if one.role is decisive and one.kind == "inactive" and one.too_rare), None)
    if rare is None:
        return None
    what = (
        f"no table says when a customer ends, and the rows of {decisive.name} are too rare to show it by inactivity"
        f"{rare.why}. So no label is proposed: after how many days without one has a customer left? If they buy once a "
        "year, say `--inactive-days 400`"
    )
    return Finding("label", "end_unknown", what)
