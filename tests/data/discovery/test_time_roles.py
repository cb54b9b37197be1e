"""What the names of times say: a start, an end, or neither."""

from __future__ import annotations

import pytest

from churn_mlops.data.discovery.time_roles import TimeRole, is_trial_end, role_by_name


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Vertragsbeginn", "start"), ("Eintrittsdatum", "start"), ("Date d'inscription", "start"),
        ("fecha de suscripción", "start"), ("data_iscrizione", "start"), ("ingangsdatum", "start"),
        ("Vertragsende", "end"), ("Abmeldedatum", "end"), ("Date de résiliation", "end"), ("fecha_baja", "end"),
        ("fin_suscripcion", "end"), ("Rechnungsdatum", "event"), ("date_facture", "event"), ("Geburtsdatum", "other"),
        ("Solved", "end"), ("Erledigt am", "end"),
    ],
)  # fmt: skip
def test_a_start_and_an_end_are_recognised_in_other_languages(name: str, role: TimeRole) -> None:
    assert role_by_name(name) == role


@pytest.mark.parametrize(
    "name", ["trial_end", "trial_ends_at", "Trial until", "Probezeitende", "fin_prueba", "fin d'essai"]
)
def test_the_end_of_a_trial_is_recognised(name: str) -> None:
    assert is_trial_end(name)


@pytest.mark.parametrize("name", ["trial_start", "Probezeitbeginn", "ended_at", "industrial_end", "current_period_end"])
def test_other_times_are_no_end_of_a_trial(name: str) -> None:
    assert not is_trial_end(name)
