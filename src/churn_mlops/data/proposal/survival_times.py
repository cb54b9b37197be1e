"""Tables of survival times: how long each customer was observed, and whether the end was seen.

Such a time ends with the leaving, or with the last look. It is known only afterwards, and short where a customer left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from churn_mlops.data.contract import ExcludedColumn
from churn_mlops.data.profiling.sample import is_number
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.suggestions import words

_EVENTS = frozenset(
    "event events observed status death dead died censor censored censoring cens uncensored fail failed failure "
    "relapse relapsed recur recurred recurrence".split()
)
_TIMES = frozenset(
    "duration durationdays durationmonths time t stop tstop stoptime survtime survivaltime survivaldays futime "
    "followup followuptime followupdays timetoevent eventtime ttr tte rtime dtime lifetime observedtime "
    "daystoevent".split()
)


def survival_times(
    columns: Sequence[ColumnProfile], aside: Mapping[str, ExcludedColumn], label: str
) -> dict[str, ExcludedColumn]:
    """The columns of ``columns`` that hold how long a customer was observed, where ``label`` is called like an event.

    Both names have to speak of it: the "duration" of a call decides nothing beside a label such as "churned".
    """
    if not set(words(label)) & _EVENTS:
        return {}
    note = (
        f"the time until {label!r} or the last look, as in a table of survival times: known only afterwards. If it is "
        "counted until the day of the rows, as a tenure is, use it"
    )
    found = (column for column in columns if column.name not in aside and is_number(column))
    return {
        column.name: ExcludedColumn(reason="suspected_leak", note=note)
        for column in found
        if "".join(words(column.name)) in _TIMES
    }
