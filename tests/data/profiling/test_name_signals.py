"""Words of a column's name."""

from __future__ import annotations

import pytest

from churn_mlops.data.profiling.name_signals import names_identifier, names_leaving, speaks_of_customer, title


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("TotalCharges", "total charges"),
        ("StreamingTV", "streaming TV"),
        ("customer_id", "customer id"),
        ("monatliche_gebühr", "monatliche gebühr"),
        ("Straßentyp", "straßentyp"),
    ],
)
def test_a_name_is_split_into_words_of_any_script(name: str, words: str) -> None:
    assert title(name) == words


@pytest.mark.parametrize(
    ("name", "unit", "words"),
    [
        ("Tenure (months)", "months", "tenure"),
        ("tenure_month", "months", "tenure"),
        ("data_GB", "GB", "data"),
        ("Months", "months", "months"),
        ("Monthly Fee", "€", "monthly fee"),
    ],
)
def test_a_unit_that_follows_every_number_is_not_said_in_the_title_too(name: str, unit: str, words: str) -> None:
    assert title(name, unit) == words


@pytest.mark.parametrize(
    "name", ["companies", "kunden", "Kundennummer", "clientes", "id_utente", "Abonné", "müşteri_no", "顧客"]
)
def test_a_customer_is_recognised_in_other_languages(name: str) -> None:
    assert speaks_of_customer(name)


@pytest.mark.parametrize(
    ("name", "identifies"),
    [
        ("Kundennummer", True), ("numero_cliente", True), ("N° client", True), ("Código de cliente", True),
        ("numéro_abonné", True), ("Nummern", False), ("n_clients", False), ("no_of_calls", False),
    ],
)  # fmt: skip
def test_an_identifier_is_recognised_in_other_languages(name: str, identifies: bool) -> None:
    assert names_identifier(name) == identifies


@pytest.mark.parametrize(
    "name",
    ["Kündigungsgrund", "kuendigungsdatum", "fecha_de_baja", "motif_resiliation", "motivo_abandono", "opzegreden"],
)
def test_a_detail_of_leaving_is_recognised_in_other_languages(name: str) -> None:
    assert names_leaving(name)


@pytest.mark.parametrize(
    "name", ["Kündigungsfrist", "kuendigungsfrist_monate", "abandoned_carts", "fecha_alta", "bajo"]
)
def test_a_name_that_only_resembles_leaving_in_another_language_is_none(name: str) -> None:
    assert not names_leaving(name)
