"""The scripts that make secrets: each once, for their readers only, and in the cluster those that the pods mount."""

from __future__ import annotations

import os
import re
from base64 import b64decode
from contextlib import closing
from pathlib import Path

from churn_mlops.config import load_settings
from churn_mlops.serving.access_control import credential_cache_of
from churn_mlops.serving.resilience.store_client import StoreClient
from infra.k8s.objects import Object, pod_templates, read
from tests.infra.tools import run, tool

FILES = ("store_url", "owner_url", "customer_hash_key", "admin_key", "source_url", "mlflow_url", "webhook_secret")


def test_secrets_are_made_once_and_only_their_owner_enters_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert run("infra/compose/make_secrets.sh", str(folder)).returncode == 0
    made = {path.name: path.read_text() for path in folder.iterdir()}
    assert run("infra/compose/make_secrets.sh", str(folder)).returncode == 0
    assert {path.name: path.read_text() for path in folder.iterdir()} == made
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o444}
    assert len(set(made.values())) == len(made)
    assert f":{made['postgres_password'].strip()}@" in made["store_url"]


def test_the_named_secrets_alone_are_made(tmp_path: Path) -> None:
    done = run("infra/compose/make_secrets.sh", str(tmp_path / "secrets"), "customer_hash_key", "admin_key")
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in (tmp_path / "secrets").iterdir()} == {"customer_hash_key", "admin_key"}


def test_the_secrets_of_compose_are_such_as_the_program_takes(tmp_path: Path) -> None:
    run("infra/compose/make_secrets.sh", str(tmp_path / "secrets"))
    texts = {path.name: path.read_text().strip() for path in (tmp_path / "secrets").iterdir()}
    names = {"CHURN__STORE__URL": "store_url", "CHURN__STORE__CUSTOMER_HASH_KEY": "customer_hash_key"}
    (tmp_path / "empty.yaml").write_text("")
    settings = load_settings(tmp_path / "empty.yaml", {name: texts[file] for name, file in names.items()})
    assert settings.store.url.startswith("postgresql://churn:")
    assert re.fullmatch(r"churn_[0-9a-f]{64}", texts["admin_key"])
    with_key = {"CHURN__SERVING__ADMIN_KEY_FILE": str(tmp_path / "secrets/admin_key")}
    with closing(StoreClient(f"sqlite:///{tmp_path}/churn.db")) as store:
        assert credential_cache_of(load_settings(tmp_path / "empty.yaml", with_key), store)
    assert len(texts["console_password"]) >= 12


def made_for_the_cluster(folder: Path, *more: str) -> list[Object]:
    folder.mkdir()
    for name in (*FILES, *more):
        (folder / name).write_text(f"the {name}\n")
    environ = os.environ | {"KUBECTL": tool("kubectl"), "KUBECONFIG": "/dev/null"}
    done = run("infra/k8s/make_secrets.sh", "churn", str(folder), environ=environ)
    assert done.returncode == 0, done.stderr
    return read(done.stdout)


def test_the_cluster_gets_the_secrets_that_its_pods_mount(plain: list[Object], tmp_path: Path) -> None:
    made = {item["metadata"]["name"]: set(item["data"]) for item in made_for_the_cluster(tmp_path / "secrets")}
    used: dict[str, set[str]] = {}
    for _, template in pod_templates(plain):
        spec = template["spec"]
        (secret,) = [volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume]
        files = {
            Path(one["value"]).name for one in spec["containers"][0]["env"] if one["value"].startswith("/run/secrets/")
        }
        used[secret] = used.get(secret, set()) | (files - {"webhook_url"})
    assert made == used


def test_the_address_of_a_webhook_is_for_the_jobs_if_it_is_there(tmp_path: Path) -> None:
    made = made_for_the_cluster(tmp_path / "secrets", "webhook_url")
    assert [item["metadata"]["name"] for item in made if "webhook_url" in item["data"]] == ["churn-jobs"]


def test_only_the_migration_gets_the_owner_of_the_database(tmp_path: Path) -> None:
    made = {item["metadata"]["name"]: item["data"] for item in made_for_the_cluster(tmp_path / "secrets")}
    urls = {name: b64decode(data["store_url"]).decode().strip() for name, data in made.items()}
    assert urls == {"churn-api": "the store_url", "churn-jobs": "the store_url", "churn-migration": "the owner_url"}


def test_every_missing_secret_is_named_and_none_is_made_without_all(tmp_path: Path) -> None:
    (tmp_path / "store_url").write_text("postgresql://churn:secret@db/churn\n")
    done = run("infra/k8s/make_secrets.sh", "churn", str(tmp_path), environ=os.environ | {"KUBECTL": "echo"})
    assert (done.returncode, done.stdout) == (1, "")
    assert [f"{tmp_path}/{name} is missing or empty" in done.stderr for name in FILES] == [False, *[True] * 6]
