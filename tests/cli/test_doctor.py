"""``churn doctor``, for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Churn
from tests.companies.small import Company


@pytest.fixture(autouse=True)
def any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURN__SERVING__PORT", "0")


def test_a_line_for_each_check_and_0_where_nothing_failed(churn: Churn, company: Company) -> None:
    result = churn("--config", company.config(), "doctor")
    lines = result.out.splitlines()
    assert (result.code, result.err) == (0, "")
    assert lines[-1] == f"{len(lines) - 1} checks: 0 warnings, 0 failed."
    assert all(line.startswith("ok      ") for line in lines[:-1])
    assert "ok      champion: version 1 (logistic_regression), live since " in result.out


def test_1_if_a_check_failed_and_the_others_are_still_reported(churn: Churn) -> None:
    Path("settings.yaml").write_text("serving: {prot: 1}\nsource: {url: 'postgres://me:hunter2@127.0.0.1:1/shop'}\n")
    result = churn("--config", "settings.yaml", "doctor")
    assert result.code == 1
    assert "failed  configuration: settings.yaml: serving.prot is not a setting" in result.out
    assert "ok      machine: " in result.out
    assert result.out.splitlines()[-1].endswith(" failed.")
    assert "hunter2" not in result.out + result.err


def test_as_json_it_prints_json_alone(churn: Churn, company: Company) -> None:
    result = churn("--config", company.config(), "doctor", "--json")
    document = json.loads(result.out)
    assert (result.code, result.err, document["ok"]) == (0, "", True)
    assert {"check", "status", "found", "advice"} == set(document["checks"][0])
    failed = churn("--config", "none.yaml", "doctor", "--json")
    assert (failed.code, json.loads(failed.out)["ok"]) == (1, False)
