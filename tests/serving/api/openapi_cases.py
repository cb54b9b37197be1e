"""A server held to the description of its own interface: cases made out of it, and what was wrong with the answers."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.engine import Status, events, from_schema

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "missing_required_header",
    "ignored_auth",
    "unsupported_method",
    "allow_header_conformance",
)
# A batch within its number of customers may still be too large, and one above it is refused as too large.
_KNOWN = 0.6
"""Share of the cases that ask for what is known."""
_ACCEPTING = ("2xx", "401", "403", "404", "409", "413", "429")
_REJECTING = ("400", "401", "403", "404", "405", "409", "413", "415", "422", "429")
_TOO_LARGE = {
    "positive_data_acceptance": {"enabled": True, "expected-statuses": list(_ACCEPTING)},
    "negative_data_rejection": {"enabled": True, "expected-statuses": list(_REJECTING)},
}


_NO_SCHEMA_SAYS = (
    "is no active user who may work on the list",
    "must lie between",  # dates that are counted from today
    "is not the `next` of a page",
)
"""Refusals of values that are right by the description: whether they are depends on the store and the day."""


@dataclass
class Held:
    """The results of the cases."""

    cases: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    """Answers by route and status, such as ``POST /predict 200``."""
    checks: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    """The problems, each with the request that shows it."""

    def take(self, recorder: Any) -> None:
        """Take up what one part of a run recorded."""
        for case_id, interaction in recorder.interactions.items():
            self.cases += 1
            case = recorder.cases[case_id].value
            status = "no answer" if interaction.response is None else interaction.response.status_code
            self.statuses[f"{interaction.request.method} {case.operation.path} {status}"] += 1
            if interaction.response is None:
                self.failures[f"{case.operation.label}: no answer"] += 1
        for case_id, found in recorder.checks.items():
            interaction = recorder.interactions.get(case_id)
            answer = "" if interaction is None or interaction.response is None else interaction.response.text
            for check in found:
                self.checks[check.name] += 1
                excused = check.name == "positive_data_acceptance" and any(words in answer for words in _NO_SCHEMA_SAYS)
                if check.status is Status.FAILURE and not excused:
                    failed = check.failure_info
                    words = failed.failure.message.replace("\n", " ")
                    self.failures[f"{recorder.label}: {check.name}: {words}: {failed.code_sample}: {answer}"] += 1


def held_to_description(
    address: str,
    key: str,
    cases: int,
    *,
    examples: int,
    seed: int = 1,
    known: Mapping[str, Sequence[str]] | None = None,
) -> Held:
    """Ask a server at least ``cases`` times, in rounds of all its routes.

    Args:
        address: such as ``http://127.0.0.1:8000``.
        key: an admin's.
        cases: how many, at least.
        examples: most random cases of a route in each round.
        seed: of the first round.
        known: values of parameters that the server knows, such as customer IDs: it never knows drawn ones.
    """
    # A contact cannot lie in the future, which no schema can say.
    past = st.datetimes(datetime(2000, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))
    schemathesis.openapi.format("date-time", past.map(datetime.isoformat))
    held = Held()
    while held.cases < cases:
        before = held.cases
        _round(address, key, examples, seed, known or {}, held)
        assert held.cases > before, "nothing was asked"
        seed += 1
    return held


def prediction_ids(address: str, key: str, customer: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Ids of a plain answer, an explained one, a batch and one of its customers, and of an answer by customer ID."""
    host = address.removeprefix("http://")
    asked = [
        ("POST", "/predict", dict(customer)),
        ("POST", "/predict?explain=true", dict(customer)),
        ("POST", "/predict/batch", {"customers": [dict(customer)] * 3}),
        *(("GET", f"/customers/{name}/risk", None) for name in names),
    ]
    found = []
    with closing(http.client.HTTPConnection(host, timeout=30)) as connection:
        for method, path, body in asked:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"Authorization": f"Bearer {key}"})
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body
            if "X-Prediction-Id" in answer.headers:  # a score that was only published has none
                found.append(answer.headers["X-Prediction-Id"])
    return [*found, f"{found[2]}-1"]


def _round(address: str, key: str, examples: int, seed: int, known: Mapping[str, Sequence[str]], held: Held) -> None:
    config = schemathesis.Config.from_dict(
        {
            "seed": seed,
            "cache": {"enabled": False},
            "continue-on-failure": True,
            "auth": {"openapi": {"bearer": {"bearer": key}}},
            "generation": {"mode": "all", "max-examples": examples, "no-shrink": True, "database": "none"},
            "checks": {"enabled": False} | {name: {"enabled": True} for name in CHECKS} | _TOO_LARGE,
            "dictionaries": {name: {"values": list(values)} for name, values in known.items()},
            "parameters": {name: {"dictionary": name, "probability": _KNOWN} for name in known},
            "suppress-health-check": ["all"],
            "warnings": False,
        }
    )
    schema = schemathesis.openapi.from_url(
        f"{address}/openapi.json", config=config, headers={"Authorization": f"Bearer {key}"}
    )
    # Nor can a schema say what a CSV file holds.
    for event in from_schema(schema.exclude(path="/api/contacts/import")).execute():
        if isinstance(event, events.ScenarioFinished):
            held.take(event.recorder)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            error = event.info if isinstance(event, events.NonFatalError) else event.exception
            held.failures[f"the run itself failed: {error!r}"] += 1
