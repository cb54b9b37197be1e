"""Whether features may know what was not known at the time."""

from __future__ import annotations

from churn_mlops.reporting.number_text import plural
from churn_mlops.reporting.report_data import Noticed, Report


def too_good(report: Report) -> str:
    """The result of the leakage checks, in one sentence, and what it means for the figures."""
    found = report.noticed or ()
    shown = _shown(report)
    if shown:
        verb = "knows" if len(shown) == 1 else "know"
        return (
            f"{plural(len(shown), 'feature')} that the model is shown most likely {verb} what was not known at the "
            "time. Do not trust the figures on this page until these features are dropped: churn train --strict."
        )
    aside = {each.feature for each in found if each.set_aside}
    if aside:
        return f"{plural(len(aside), 'feature')} that seemed to know what was not known at the time: dropped."
    if report.blind:
        return "The leakage checks found nothing sure, which means little: on this data they are not reliable."
    if found:
        return "Nothing is sure to know what was not known at the time, but some things are worth a look."
    return "No feature seems to know what was not known at the time."


def is_too_good(report: Report) -> bool:
    """Whether the model is shown a feature that most likely leaks."""
    return bool(_shown(report))


def noticed(report: Report) -> list[str]:
    """Each finding in a sentence."""
    return [f"{each.feature}: {each.message} ({_what_became(each)})" for each in report.noticed or ()]


def _shown(report: Report) -> set[str]:
    return {each.feature for each in report.noticed or () if each.sure and not each.set_aside}


def _what_became(each: Noticed) -> str:
    if each.set_aside:
        return "dropped"
    return "the model is shown it" if each.sure else "worth a look"
