"""The tables of Salesforce as Fivetran and Airbyte write them, for made-up accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.companies.billing.contracts import DAY, Account, Contract, signed_on
from tests.companies.billing.lives import TODAY
from tests.companies.billing.tables import Rows, at, flag


def account_id(number: int) -> str:
    """The ID of an account, of 18 characters."""
    return f"0015g00000{number:05}AAB"


def fivetran(people: list[Account]) -> dict[str, Rows]:
    """Four tables, of today's rows."""
    held = [(one, contract) for one in people for contract in one.contracts]
    return {
        "account": [
            {
                "id": account_id(one.number), "_fivetran_deleted": "false", "is_deleted": "false",
                "created_date": at(one.made), "type": "Customer" if one.contracts else "Prospect",
                "account_source": ("Web", "Partner", "Event")[one.number % 3], "last_activity_date": at(TODAY),
            }
            for one in people
        ],
        "contract": [_contract(one, contract) for one, contract in held],
        "opportunity": [row for one, contract in held for row in _opportunities(one, contract)],
        "case": [row for one, contract in held for row in _cases(one, contract)],
    }  # fmt: skip


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"


def _contract(one: Account, contract: Contract) -> dict[str, Any]:
    return {
        "id": f"8005g{contract.number:010}AAC", "account_id": account_id(one.number), "_fivetran_deleted": "false",
        "is_deleted": flag(contract.is_deleted), "contract_number": f"{contract.number:08}",
        "start_date": _day(contract.start), "end_date": _day(contract.last), "status": contract.status,
        "activated_date": "" if contract.status == "Draft" else at(contract.start - 6 * DAY),
        "segment__c": ("small", "large")[one.number % 2],
    }  # fmt: skip


def _opportunities(one: Account, contract: Contract) -> Rows:
    """The deal of a contract; that of a draft was lost, or is still open."""
    is_open = contract.status == "Draft" and contract.start > TODAY
    closes = signed_on(contract) if not is_open else TODAY + 30 * DAY
    if contract.is_deleted:
        return []
    return [
        {
            "id": f"0065g{contract.number:010}AAD", "account_id": account_id(one.number), "is_deleted": "false",
            "stage_name": "Proposal" if is_open else "Closed Lost" if contract.status == "Draft" else "Closed Won",
            "is_won": flag(contract.status != "Draft"), "close_date": _day(closes),
            "created_date": at(min(closes, TODAY) - 40 * DAY), "amount": 1200.0 + 350 * (one.number % 7),
            "type": "New Business" if contract is one.contracts[0] else "Renewal",
        }
    ]  # fmt: skip


def _cases(one: Account, contract: Contract) -> Rows:
    """A case every seven weeks while a contract runs."""
    last = min(contract.last or TODAY, TODAY)
    days = range(10 + one.number % 13, max((last - contract.start).days, 0), 49) if contract.counts else ()
    return [
        {
            "id": f"5005g{contract.number:06}{day:04}AAE", "account_id": account_id(one.number), "is_deleted": "false",
            "case_number": f"{contract.number:06}{day:04}", "status": "Closed", "origin": ("Phone", "Web")[day % 2],
            "created_date": at(contract.start + day * DAY), "priority": "Medium",
        }
        for day in days
    ]  # fmt: skip


def airbyte(people: list[Account]) -> dict[str, Rows]:
    """Accounts and contracts with the names of Salesforce's own interface, as Airbyte and the data export keep them."""
    held = fivetran(people)
    return {
        table.capitalize(): [{_api_name(name): value for name, value in row.items()} for row in held[table]]
        for table in ("account", "contract")
    }


def _api_name(name: str) -> str:
    return name if name.endswith("__c") else "".join(word.capitalize() for word in name.removeprefix("_").split("_"))
