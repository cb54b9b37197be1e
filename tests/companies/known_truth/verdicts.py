"""The verdicts on what is proposed for a company, by a person who knows it and answers if asked for the customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import ibis.expr.types as ir

from churn_mlops.data.proposal.history_proposal import HistoryProposal, propose_history
from churn_mlops.data.proposal.shapes.panel import find_panel
from churn_mlops.data.proposal.shapes.single_table import SingleTable
from churn_mlops.errors import ContractError
from tests.companies.known_truth.company import Company
from tests.companies.known_truth.judge import Judged, judge
from tests.companies.known_truth.leak_check import checked_for_leaks

_TO_BE_NAMED = "`--customer`"


def verdicts(company: Company, *, training: bool = False) -> list[Judged]:
    """The verdict on each aspect of what is proposed for ``company``.

    Args:
        company: knows what is right.
        training: whether to go on to the leakage checks of a training where all else is right; these must then catch a
            planted leak that a feature reads.
    """
    tables = company.opened()
    try:
        proposal, asked = proposed(company, tables)
    except ContractError as error:
        return [Judged("refused", "silently wrong", str(error), "a contract, or a question")]
    found = judge(company, proposal.contract, proposal.findings, tables)
    of_training = "leaks"
    if training and all(one.verdict == "right" for one in found if one.aspect != of_training):
        found = [one for one in found if one.aspect != of_training]
        found += checked_for_leaks(company, proposal.contract, tables)
    return asked + found


def proposed(company: Company, tables: Mapping[str, ir.Table]) -> tuple[HistoryProposal, list[Judged]]:
    """What is proposed, and whether it was asked who the customers are; if so, it is proposed by the answer.

    A question that the answer leaves open is none.

    Raises:
        ContractError: nothing is proposed.
    """
    column = company.truth.customers[1]
    panel = find_panel(SingleTable(next(iter(tables.values())))) if len(tables) == 1 else None
    try:
        proposal = propose_history(tables, name="company", panel=panel)
        who = next(
            one for one in judge(company, proposal.contract, proposal.findings, tables) if one.aspect == "customer"
        )
    except ContractError as error:
        if _TO_BE_NAMED not in str(error):
            raise
        who = Judged("customer", "asked", str(error), column)
    if who.verdict != "asked":
        return proposal, []
    asked = [Judged("customer, before the answer", "asked", who.has, who.right)]
    answered = propose_history(tables, name="company", customer=column)
    return replace(answered, findings=tuple(one for one in answered.findings if one.kind != "customers")), asked
