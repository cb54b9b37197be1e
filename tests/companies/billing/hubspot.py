"""The tables of HubSpot as Fivetran writes them, for made-up accounts: a deal for each of their contracts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.companies.billing.contracts import DAY, Account, Contract, signed_on
from tests.companies.billing.lives import TODAY
from tests.companies.billing.tables import Rows, at, flag

STAGES = {"won": "closedwon", "lost": "closedlost", "open": "4127735"}
_FIRST_ID = 2_182_162_000


def company_id(number: int) -> str:
    """The ID of a company."""
    return str(_FIRST_ID + 37 * number)


def fivetran(people: list[Account]) -> dict[str, Rows]:
    """Three tables; those of the associations stay out, for the deals name their primary company."""
    return {
        "company": [
            {
                "id": company_id(one.number), "is_deleted": "false", "property_createdate": at(one.made),
                "property_lifecyclestage": "customer" if one.contracts else "lead", "property_country": "Norway",
                "property_hs_analytics_source": ("PAID_SEARCH", "REFERRALS")[one.number % 2],
            }
            for one in people
        ],
        "deal": [_deal(one, contract) for one in people for contract in one.contracts],
        "ticket": [row for one in people for contract in one.contracts for row in _tickets(one, contract)],
    }  # fmt: skip


def _deal(one: Account, contract: Contract) -> dict[str, Any]:
    is_open = contract.status == "Draft" and contract.start > TODAY
    ends_as = "open" if is_open else "lost" if contract.status == "Draft" else "won"
    closes = TODAY + 30 * DAY if is_open else signed_on(contract) + timedelta(hours=7)
    return {
        "deal_id": 9_000_000 + contract.number, "is_deleted": flag(contract.is_deleted),
        "property_dealstage": STAGES[ends_as], "property_closedate": at(closes),
        "property_createdate": at(min(closes, TODAY) - 25 * DAY), "property_amount": 900 + 100 * (one.number % 5),
        "property_dealtype": "newbusiness" if contract is one.contracts[0] else "existingbusiness",
        "property_hs_is_closed_won": flag(ends_as == "won"),
        "property_hs_primary_associated_company": company_id(one.number),
    }  # fmt: skip


def _tickets(one: Account, contract: Contract) -> Rows:
    """A ticket every seven weeks after a deal, with the company that a view joins to it."""
    last = min(contract.last or TODAY, TODAY)
    days = range(5 + one.number % 17, max((last - contract.start).days, 0), 49) if contract.counts else ()
    return [
        {
            "id": 60_000_000 + 1000 * contract.number + day, "is_deleted": "false",
            "company_id": company_id(one.number), "property_createdate": at(contract.start + day * DAY),
            "property_hs_pipeline_stage": "4",
        }
        for day in days
    ]  # fmt: skip
