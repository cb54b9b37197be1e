"""The question about what a company does so that customers stay: a model would learn from the cure."""

from __future__ import annotations

from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.name_signals import names_treatment

_QUESTION = (
    "its name speaks of an attempt to keep customers, or of a test: was it set before the as-of date, and not because "
    "they were leaving? Is it a treatment, which only some got? If in doubt, "
)


def on_treatment(column: str) -> list[Finding]:
    """Whether the name of ``column`` speaks of an offer, a retention call or the group of a test."""
    if not names_treatment(column.rpartition(".")[2]):
        return []
    return [Finding(column, "treatment", _QUESTION + "move it to `set_aside` (reason: by_choice)")]


def on_treatment_table(table: str) -> list[Finding]:
    """The same about the rows of a table of a history."""
    if not names_treatment(table):
        return []
    return [Finding(table, "treatment", _QUESTION + "take the features that read it out of the contract")]
