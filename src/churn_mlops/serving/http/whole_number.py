"""Numbers of a request: in an address as this server writes them; in a body, numbers and no other type."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError


def _written_plainly(value: Any) -> Any:
    """Refuse ``1.0``, ``+1``, ``01``, ``1_0`` and a space, which all read as whole numbers."""
    if isinstance(value, str) and not re.fullmatch(r"-?(0|[1-9][0-9]{0,30})", value):
        raise PydanticCustomError("whole_number", "must be a whole number, in digits alone")
    return value


WHOLE = BeforeValidator(_written_plainly)
"""The writing of a whole number in a path; bounds stand before it, in the same annotation."""
WholeNumber = Annotated[int, WHOLE]
"""A whole number of a query."""


def _no_other_type(value: Any) -> Any:
    if isinstance(value, bool | str):  # pydantic reads false as 0, and "1" as 1
        raise PydanticCustomError("a_number", "must be a number")
    return value


NUMBER = BeforeValidator(_no_other_type)
"""The type of a number in a JSON body: no truth value, and no text."""
