"""The customer of a request, as peers declare it."""

from __future__ import annotations

from pydantic import BaseModel


class Customer(BaseModel):
    """The eight fields of the README's example."""

    tenure: float
    monthly_charges: float
    total_charges: float
    contract_type: str
    payment_method: str
    internet_service: str
    tech_support: str
    online_security: str
