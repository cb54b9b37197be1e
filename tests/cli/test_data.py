"""``churn init`` and ``churn validate``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from churn_mlops.config import load_settings
from churn_mlops.data.contract import DataContract
from tests.cli.conftest import Churn
from tests.companies.flat import write_demo

INIT = ("init", "--from", "customers.csv", "--customer", "customer_id", "--label", "churned")
CONTRACT, CONFIG = Path("config/contract.yaml"), Path("config/config.yaml")


@pytest.fixture
def here(churn: Churn) -> Churn:
    """The command, in a folder that holds a customer file and nothing else."""
    write_demo(Path(), 1000, 1)
    Path("contract.yaml").unlink()
    return churn


def test_init_writes_a_contract_and_settings_that_the_other_commands_read(here: Churn) -> None:
    result = here(*INIT)
    assert result.code == 0
    assert "8 features" in result.out
    assert "churned: " in result.out
    assert (
        "Wrote config/config.yaml, which names the source for the other commands.\nWrote config/contract.yaml"
        in result.out
    )
    assert set(DataContract.load(CONTRACT).features) == {
        "tenure", "monthly_charges", "total_charges", "contract_type", "payment_method", "internet_service",
        "tech_support", "online_security",
    }  # fmt: skip
    assert load_settings(environ={}).source.url == "customers.csv"
    result = here("validate")
    assert (result.code, result.out.splitlines()[-1]) == (0, "Go: 1,000 rows, 0 that stop, 0 warnings.")


def test_init_of_a_single_feature_speaks_of_one_and_offers_the_label(here: Churn) -> None:
    rows = "".join(f"C{row:04},{row % 7},{'Cancelled' if row % 5 == 0 else 'Active'}\n" for row in range(200))
    Path("few.csv").write_text("Client No.,visits,status\n" + rows)
    result = here("init", "--from", "few.csv", "--customer", "Client No.", "--label", "status")
    assert "1 feature\n" in "\n".join(line.strip() for line in result.out.splitlines()) + "\n"
    assert "horizon_days:" not in "".join(
        line for line in CONTRACT.read_text().splitlines() if not line.startswith("#")
    )
    assert "name it with `--label status`" in here("init", "--from", "few.csv", "--overwrite").out


def test_init_as_json_prints_json_alone(here: Churn) -> None:
    result = here(*INIT, "--json")
    document = json.loads(result.out)
    assert result.err == ""
    assert document["contract"] == "config/contract.yaml"
    assert document["advice"] is None
    assert document["settings"] == "config/config.yaml"
    assert {"column", "kind", "message"} == set(document["findings"][0])


def test_init_does_not_overwrite_a_contract_that_a_person_may_have_edited(here: Churn) -> None:
    here(*INIT)
    CONTRACT.write_text("edited")
    result = here(*INIT)
    assert result.code == 1
    assert "is there already: edit it, or replace it with --overwrite" in result.err
    assert CONTRACT.read_text() == "edited"
    assert here(*INIT, "--overwrite").code == 0
    assert "features" in CONTRACT.read_text()


def test_init_says_what_to_set_where_the_settings_name_another_source(here: Churn) -> None:
    CONFIG.parent.mkdir()
    CONFIG.write_text("source: {url: 'postgres://me:secret@host/db', table: people}\n")
    before = CONFIG.read_text()
    result = here(*INIT)
    assert result.code == 0
    assert "name another source, and were left as they are" in result.out
    assert "set source.url to customers.csv and source.table to null" in result.out
    assert "secret" not in result.out + result.err
    assert CONFIG.read_text() == before
    advice = json.loads(here(*INIT, "--overwrite", "--json").out)["advice"]
    assert "set source.url to customers.csv" in advice


def test_init_says_what_to_set_where_the_settings_name_no_source(here: Churn) -> None:
    CONFIG.parent.mkdir()
    CONFIG.write_text("training: {seed: 1}\n")
    result = here(*INIT)
    assert "name no source, and were left as they are: set source.url to customers.csv" in result.out


def test_init_says_so_where_the_environment_names_another_source(here: Churn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURN__SOURCE__URL", "other.csv")
    result = here(*INIT)
    assert "or the environment) name another source" in result.out
    assert not CONFIG.exists()


def test_init_again_of_the_same_source_has_nothing_to_say_about_settings(here: Churn) -> None:
    here(*INIT)
    result = here(*INIT, "--overwrite")
    assert "source.url" not in result.out
    assert "Wrote config/config.yaml" not in result.out


def test_init_of_a_column_that_is_not_there_writes_nothing(here: Churn) -> None:
    result = here("init", "--from", "customers.csv", "--customer", "customer", "--label", "churned")
    assert result.code == 1
    assert "customer_id" in result.err  # the nearest
    assert not CONFIG.parent.exists()


def test_init_into_a_folder_that_cannot_be_written_is_an_error(here: Churn) -> None:
    Path("config").write_text("in the way")
    Path("settings.yaml").write_text("contract: {path: config/contract.yaml}\n")
    result = here("--config", "settings.yaml", *INIT)
    assert result.code == 1
    assert "config/contract.yaml" in result.err


def test_validate_stops_with_1_and_all_problems_together(here: Churn) -> None:
    here(*INIT)
    lines = Path("customers.csv").read_text().splitlines()
    lines[1] = lines[2].replace(",", ",many", 1)
    Path("today.csv").write_text("\n".join(lines) + "\n")
    result = here("validate", "--from", "today.csv")
    assert result.code == 1
    assert "customer_id: customer repeated: 1 row" in result.out
    assert "tenure: " in result.out
    assert result.out.splitlines()[-1] == "Stop: 1,000 rows, 2 that stop, 0 warnings."
    document = json.loads(here("validate", "--from", "today.csv", "--json").out)
    assert document["stop"] is True
    assert {problem["column"] for problem in document["problems"]} == {"customer_id", "tenure"}


def test_validate_warns_where_training_would_refuse_for_want_of_a_label(here: Churn) -> None:
    assert here("init", "--from", "customers.csv", "--customer", "customer_id").code == 0
    result = here("validate")
    assert result.code == 0
    assert "no label declared" in result.out
    assert result.out.splitlines()[-1].endswith("0 that stop, 1 warning.")
    trained = here("train")
    assert trained.code == 1
    assert "declare `label` in the contract" in trained.err + trained.out


def test_brackets_in_the_data_are_shown_as_they_are(here: Churn) -> None:
    here(*INIT)
    lines = Path("customers.csv").read_text().splitlines()
    lines[1] = lines[1].replace(",", ",[red]x[/red]", 1)
    Path("today.csv").write_text("\n".join(lines) + "\n")
    assert "[red]x[/red]" in here("validate", "--from", "today.csv").out


def test_columns_that_are_missing_alike_are_one_line_for_people_and_apart_for_machines(here: Churn) -> None:
    lines = Path("customers.csv").read_text().splitlines()
    names = [f"x{place}" for place in range(8)]
    held = [[f"{(row * (place + 7)) % 97}.5" if (row + place) % 3 else "" for place in range(8)] for row in range(1000)]
    rows = [",".join([line, *cells]) for line, cells in zip(lines, [names, *held], strict=True)]
    Path("customers.csv").write_text("\n".join(rows) + "\n")
    printed = here(*INIT).out
    assert "  - x0, x1, x2 and 5 others: missing in 33." in printed
    assert "x4: " not in printed
    findings = json.loads(here(*INIT, "--overwrite", "--json").out)["findings"]
    assert [finding["column"] for finding in findings if finding["kind"] == "missing"] == names
