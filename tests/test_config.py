"""Settings: defaults, file, environment, and the errors about them."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from pydantic import ValidationError

from churn_mlops.config import Settings, load_settings, settings_reference
from churn_mlops.config.settings import settings_by_name
from churn_mlops.errors import ConfigError

ROOT = Path(__file__).parents[1]


def from_file(tmp_path: Path, text: str, **environ: str) -> Settings:
    file = tmp_path / "settings.yaml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file, environ)


def test_without_file_and_environment_the_defaults_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_settings(environ={}) == Settings()


def test_the_default_file_is_read_where_it_stands(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("serving: {port: 9000}")
    monkeypatch.chdir(tmp_path)
    assert load_settings(environ={}).serving.port == 9000


def test_the_environment_stands_over_the_file_and_the_file_over_the_defaults(tmp_path):
    settings = from_file(tmp_path, "serving: {port: 9000, host: 0.0.0.0}", CHURN__SERVING__PORT="9001")
    assert (settings.serving.port, settings.serving.host, settings.decision.threshold) == (9001, "0.0.0.0", 0.5)


@pytest.mark.parametrize("text", ["", "null"])
def test_an_empty_variable_means_none(tmp_path, text):
    settings = from_file(tmp_path, "decision: {capacity: 10}", CHURN__DECISION__CAPACITY=text)
    assert settings.decision.capacity is None


def test_the_amounts_of_money_that_no_one_set_are_known(tmp_path):
    assert from_file(tmp_path, "decision: {capacity: 10}").decision.default_amounts == ("customer_value", "offer_cost")
    given = from_file(tmp_path, "decision: {customer_value: 500}", CHURN__DECISION__OFFER_COST="20")
    assert given.decision.default_amounts == ()


@pytest.mark.parametrize("text", ["", "# nothing\n", "serving:\n", "serving: {}\n"])
def test_an_empty_file_or_section_changes_nothing(tmp_path, text):
    assert from_file(tmp_path, text) == Settings()


def test_other_variables_are_no_settings(tmp_path):
    environ = {"CHURN_PORT": "tcp://10.0.0.1:80", "CHURN_SERVICE_HOST": "10.0.0.1", "PATH": "/bin"}
    assert from_file(tmp_path, "", **environ) == Settings()


@pytest.mark.parametrize(
    ("text", "environ", "named"),
    [
        ("decision: {threshhold: 0.4}", {}, ["decision.threshhold", "did you mean decision.threshold?"]),
        ("desicion: {threshold: 0.4}", {}, ["desicion", "did you mean decision?"]),
        ("zzz: 1", {}, ["zzz is not a setting", "docs/configuration.md"]),
        ("1: 2", {}, ["1 is not a setting"]),
        ("serving: {port: http}", {}, ["serving.port", "integer", "'http'"]),
        ("serving: {port: true}", {}, ["serving.port", "truth value"]),
        ("serving: {port: 65536}", {}, ["serving.port", "65535", "65536"]),
        ("serving: {port: -1}", {}, ["serving.port"]),
        ("serving: {port: null}", {}, ["serving.port"]),
        ("serving: 8000", {}, ["serving: a section holds keys"]),
        ("decision: {threshold: 1.1}", {}, ["decision.threshold", "less than or equal to 1", "1.1"]),
        ("decision: {threshold: .nan}", {}, ["decision.threshold", "finite"]),
        ("decision: {customer_value: .inf}", {}, ["decision.customer_value", "finite"]),
        ("decision: {medium_from: 0.9}", {}, ["decision", "`medium_from` is above `high_from`"]),
        ("decision: {kept_share: 0.6, taken_and_left_share: 0.6}", {}, ["decision", "together above 1"]),
        ("schedule: {at: 24:00}", {}, ["schedule.at", "write it like 06:00", "'24:00'"]),
        ("schedule: {at: 6:00}", {}, ["schedule.at", "write it like 06:00"]),
        ("schedule: {time_zone: Europe/Bonn}", {}, ["schedule.time_zone", "like Europe/Berlin", "'Europe/Bonn'"]),
        ("schedule: {time_zone: ../UTC}", {}, ["schedule.time_zone", "like Europe/Berlin"]),
        ("schedule: {first_wait_seconds: 0}", {}, ["schedule.first_wait_seconds"]),
        ("webhook: {allowed_hosts: 1}", {}, ["webhook.allowed_hosts", "hosts are a list"]),
        ("decision: {never_contacted: 1}", {}, ["decision.never_contacted", "customer IDs are a list"]),
        ("decision: {never_contacted: [true]}", {}, ["decision.never_contacted"]),
        ("logging: {level: loud}", {}, ["logging.level", "'debug'"]),
        ("logging: {level: info, level: debug}", {}, ["not YAML", 'duplicate key "level"']),
        ("- a\n- b", {}, ["sections of keys"]),
        ("a: [", {}, ["not YAML"]),
        ("", {"CHURN__DECISION__THRESHHOLD": "1"}, ["CHURN__DECISION__THRESHHOLD", "mean CHURN__DECISION__THRESHOLD?"]),
        ("", {"CHURN__DECISION__THRESHOLD": "2"}, ["CHURN__DECISION__THRESHOLD: ", "'2'"]),
        ("", {"CHURN__DECISION__THRESHOLD__X": "2"}, ["CHURN__DECISION__THRESHOLD__X is not a setting"]),
        ("", {"CHURN__DECISION": "2"}, ["CHURN__DECISION is not a setting"]),
        ("", {"CHURN__": "2"}, ["CHURN__ is not a setting"]),
        ("", {"CHURN__NOTHING__AT_ALL": "2"}, ["CHURN__NOTHING__AT_ALL is not a setting"]),
        ("serving: 8000", {"CHURN__SERVING__PORT": "1"}, ["serving: a section holds keys"]),
        ("", {"CHURN__SERVING__PORT": ""}, ["CHURN__SERVING__PORT"]),
        ("source: {as_of: 0001-01-05}", {}, ["source.as_of", "0001-01-05 is no as-of date", "1900 to 2199"]),
        ("", {"CHURN__SOURCE__AS_OF": "9999-12-31"}, ["CHURN__SOURCE__AS_OF", "1900 to 2199"]),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, text, environ, named):
    with pytest.raises(ConfigError) as caught:
        from_file(tmp_path, text, **environ)
    for part in named:
        assert part in str(caught.value)


def test_all_faults_are_reported_together(tmp_path):
    with pytest.raises(ConfigError) as caught:
        from_file(tmp_path, "serving: {port: x, hosst: y}\nlogging: {level: loud}", CHURN__TRAINING__SED="1")
    message = str(caught.value)
    assert all(name in message for name in ["serving.port", "serving.hosst", "logging.level", "CHURN__TRAINING__SED"])


def test_a_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match=r"no settings file .*missing\.yaml"):
        load_settings(tmp_path / "missing.yaml", {})


def test_a_folder_or_other_encoding_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path, {})
    (tmp_path / "latin.yaml").write_bytes("source: {url: Käufer.csv}".encode("latin-1"))
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "latin.yaml", {})


def test_an_address_with_a_password_appears_in_no_message(tmp_path):
    settings = from_file(tmp_path, "", CHURN__SOURCE__URL="postgres://me:s3cret@db/customers")
    assert "s3cret" not in repr(settings)
    with pytest.raises(ConfigError) as caught:
        from_file(tmp_path, "source: {url: [postgres://me:s3cret@db/customers]}")
    assert "s3cret" not in str(caught.value)


def webhook(tmp_path: Path, **changed: object) -> Settings:
    keys = {"url": "https://crm.example.com/t0ken", "secret": "k" * 16, "allowed_hosts": "crm.example.com"} | changed
    return from_file(tmp_path, "", **{f"CHURN__WEBHOOK__{key.upper()}": value for key, value in keys.items()})


@pytest.mark.parametrize("hosts", ["crm.example.com", "other.example.com, CRM.example.com:443"])
def test_hosts_in_the_environment_are_a_list_with_commas(tmp_path, hosts):
    settings = webhook(tmp_path, allowed_hosts=hosts).webhook
    assert settings.allowed_hosts == tuple(host.strip().lower() for host in hosts.split(","))
    assert from_file(tmp_path, "webhook: {allowed_hosts: [A.b, c]}").webhook.allowed_hosts == ("a.b", "c")
    assert webhook(tmp_path, url="", allowed_hosts="").webhook.allowed_hosts == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"allowed_hosts": ""}, "leads to crm.example.com, which is not in `allowed_hosts`"),
        ({"allowed_hosts": "example.com,crm.example.com:8443"}, "not in `allowed_hosts`"),
        ({"secret": ""}, "needs a `secret`"),
        ({"secret": "s3cret"}, "at least 16 characters"),
        ({"url": "ftp://crm.example.com/t0ken"}, "no web address"),
        ({"url": "crm.example.com/t0ken"}, "no web address"),
        ({"url": "https://crm.example.com:x/t0ken"}, "no web address"),
        ({"url": "https://crm.example.com@evil.example.com/t0ken"}, "has a space, @ or backslash"),
        ({"url": "https://evil.example.com\\@crm.example.com/t0ken"}, "has a space, @ or backslash"),
        ({"url": "https://crm.example.com/t0ken\tx"}, "has a space, @ or backslash"),
    ],
)
def test_a_webhook_is_signed_and_leads_to_an_allowed_host_and_its_secrets_are_in_no_message(tmp_path, changed, said):
    with pytest.raises(ConfigError) as caught:
        webhook(tmp_path, **changed)
    assert said in str(caught.value)
    assert "t0ken" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "kkk" not in str(caught.value)


def test_settings_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().serving.port = 1


def test_the_reference_is_a_settings_file_of_all_defaults(tmp_path):
    assert from_file(tmp_path, settings_reference()) == Settings()


def test_every_setting_states_its_meaning():
    reference = settings_reference()
    for name, setting in settings_by_name().items():
        assert setting.description, f"{name} has no meaning"
        assert f"# {setting.description}" in reference


def test_every_number_that_counts_something_has_a_unit():
    without = {"training.seed", "serving.port"}
    for name, setting in settings_by_name().items():
        if isinstance(setting.default, int | float) and name not in without:
            assert isinstance(setting.json_schema_extra, dict)
            assert setting.json_schema_extra["unit"], f"{name} has no unit"


def test_the_pages_made_from_the_code_are_current():
    pages = runpy.run_path(str(ROOT / "docs/pages.py"))["PAGES"]
    for name, page in pages.items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == page(), f"docs/{name}: run `make pages`"


def test_ids_of_digits_are_texts_in_a_file_and_in_the_environment() -> None:
    written = Settings.model_validate({"decision": {"never_contacted": [7, "C1"]}})
    typed = Settings.model_validate({"decision": {"never_contacted": "7, C1"}})
    assert written.decision.never_contacted == typed.decision.never_contacted == ("7", "C1")
