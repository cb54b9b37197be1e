"""Settings of the environment, and secrets that come from files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from churn_mlops.config import load_settings, read_settings
from churn_mlops.config.environment import secrets, variable_of
from churn_mlops.config.settings import settings_by_name
from churn_mlops.errors import ConfigError

SECRET = "postgresql://churn:s3cret@db.internal/churn"


def refusal(path: Path, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(_empty(path), environ)
    return str(caught.value)


def _empty(path: Path) -> Path:
    file = path / "settings.yaml"
    file.touch()
    return file


def test_what_may_be_a_secret_is_a_known_list() -> None:
    assert secrets() == [
        "source.url",
        "store.url",
        "store.customer_hash_key",
        "mlflow.uri",
        "training.set_aside_key",
        "decision.campaign_key",
        "webhook.url",
        "webhook.secret",
        "oidc.client_secret",
    ]


@pytest.mark.parametrize("name", secrets())
def test_every_secret_can_come_from_a_file(name: str, tmp_path: Path) -> None:
    value = "https://crm.example.com/t0ken" if name == "webhook.url" else "a secret of 32 characters and so"
    file = tmp_path / "secret"
    file.write_text(f"{value}\n")
    others = {"CHURN__WEBHOOK__SECRET": "k" * 16, "CHURN__WEBHOOK__ALLOWED_HOSTS": "crm.example.com"}
    environ = others if name == "webhook.url" else {}
    settings = load_settings(_empty(tmp_path), environ | {f"{variable_of(name)}_FILE": str(file)})
    section, key = name.split(".")
    assert getattr(getattr(settings, section), key) == value


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_the_line_end_after_a_secret_is_no_part_of_it_and_blanks_are(end: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(f" k\u00e9y {end}".encode())
    settings = load_settings(_empty(tmp_path), {"CHURN__STORE__CUSTOMER_HASH_KEY_FILE": str(tmp_path / "key")})
    assert settings.store.customer_hash_key == " k\u00e9y "


def test_a_file_of_the_environment_stands_over_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(SECRET)
    settings = tmp_path / "settings.yaml"
    settings.write_text("store: {url: 'sqlite:///other.db'}")
    reading = read_settings(settings, {"CHURN__STORE__URL_FILE": str(tmp_path / "url")})
    assert reading.settings.store.url == SECRET
    assert reading.origins["store.url"] == f"CHURN__STORE__URL_FILE, {tmp_path / 'url'}"


def test_a_secret_that_is_given_twice_is_refused_by_both_names(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(SECRET)
    said = refusal(tmp_path, CHURN__STORE__URL=SECRET, CHURN__STORE__URL_FILE=str(tmp_path / "url"))
    assert "CHURN__STORE__URL and CHURN__STORE__URL_FILE are both given" in said
    assert "s3cret" not in said


@pytest.mark.parametrize("text", ["", "null"])
def test_an_empty_name_of_a_file_means_no_file(text: str, tmp_path: Path) -> None:
    environ = {"CHURN__STORE__URL": SECRET, "CHURN__STORE__URL_FILE": text}
    assert load_settings(_empty(tmp_path), environ).store.url == SECRET
    assert read_settings(_empty(tmp_path), {"CHURN__STORE__URL_FILE": text}).origins == {}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"one\ntwo\n", "holds more than one line"),
        (b"K\xe4ufer", "is no text in UTF-8"),
    ],
)
def test_a_file_that_holds_no_secret_is_named(content: bytes | None, why: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    said = refusal(tmp_path, CHURN__WEBHOOK__SECRET_FILE=str(file))
    assert f"CHURN__WEBHOOK__SECRET_FILE: the file {file} {why}" in said


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    assert f"the file {tmp_path} cannot be read" in refusal(tmp_path, CHURN__STORE__URL_FILE=str(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0)
    assert "cannot be read (Permission denied)" in refusal(tmp_path, CHURN__STORE__URL_FILE=str(tmp_path / "secret"))


def test_a_wrong_secret_of_a_file_is_refused_with_its_file_and_without_its_value(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("t00short")
    said = refusal(tmp_path, CHURN__WEBHOOK__SECRET_FILE=str(tmp_path / "secret"))
    assert f"CHURN__WEBHOOK__SECRET_FILE, {tmp_path / 'secret'}: " in said
    assert "t00short" not in said


def test_only_secrets_come_from_files_and_a_setting_whose_own_name_ends_in_file_stays_one(tmp_path: Path) -> None:
    assert "CHURN__SERVING__PORT_FILE is not a setting" in refusal(tmp_path, CHURN__SERVING__PORT_FILE="/port")
    settings = load_settings(_empty(tmp_path), {"CHURN__SERVING__ADMIN_KEY_FILE": "/run/secrets/admin"})
    assert settings.serving.admin_key_file == Path("/run/secrets/admin")
    assert not {f"{name}_file" for name in secrets()} & set(settings_by_name())


def test_a_slip_in_the_name_of_a_file_is_answered_with_the_nearest_name(tmp_path: Path) -> None:
    assert "did you mean CHURN__STORE__URL_FILE?" in refusal(tmp_path, CHURN__STORE__URLS_FILE="/url")


def test_a_pipe_a_device_a_folder_and_an_endless_file_are_refused_and_stop_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_bytes(b"s" * 65_537)
    for file, why in (
        (tmp_path / "pipe", "is no regular file"),
        (Path("/dev/zero"), "is no regular file"),
        (tmp_path, "is no regular file|Is a directory"),
        (tmp_path / "long", "is longer than 65,536 bytes"),
    ):
        with pytest.raises(ConfigError, match=why):
            load_settings(_empty(tmp_path), {"CHURN__STORE__URL_FILE": str(file)})
