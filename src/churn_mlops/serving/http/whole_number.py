"""Numbers of a request: in an address as this server writes them; in a body, no truth values."""

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


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):  # pydantic reads false as 0
        raise PydanticCustomError("a_number", "must be a number")
    return value


NUMBER = BeforeValidator(_no_truth_value)
"""A number in a body is no truth value; a form has texts, which may hold one."""
