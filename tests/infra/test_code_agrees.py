"""What the files of a deployment say of the code is so: commands, variables, secrets, ports, paths, metrics."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from churn_mlops import __version__
from churn_mlops.config import load_settings
from churn_mlops.config.settings import Settings, settings_by_name
from churn_mlops.data.contract import load_contract
from churn_mlops.serving.access.permissions import rule_of
from infra.k8s.objects import containers, of_kind, read
from tests.infra.deployed import Process, check_command, compose, own_customers, processes
from tests.infra.tools import ROOT

PROCESSES = processes()
CLUSTER = ROOT / "infra/k8s/base"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
DEPLOY = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
HOME = "/srv/churn/"
FILE = "_FILE"
VALUES = {"store_url": "postgresql://churn:secret@postgres/churn", "customer_hash_key": "k" * 64}


def id_of(process: Process) -> str:
    return f"{process.place} {' '.join(process.words)}"


each_process = pytest.mark.parametrize("process", PROCESSES, ids=id_of)


def variable_of(name: str) -> str:
    """The variable of the setting ``section.key``."""
    return "CHURN__" + name.replace(".", "__").upper()


def secrets() -> list[str]:
    """The names of the settings that are secret."""
    return [name for name, setting in settings_by_name().items() if not setting.repr]


def settings_of(process: Process, folder: Path) -> Settings:
    """The settings that a process has: what its files hold is made up, where they are is not."""
    environ = dict(process.environ)
    for variable in (variable_of(name) for name in secrets()):
        if (file := environ.pop(variable + FILE, None)) is not None:
            assert variable not in environ
            environ[variable] = VALUES.get(Path(file).name, "https://" + "x" * 20)
            if variable == "CHURN__WEBHOOK__URL":
                environ["CHURN__WEBHOOK__ALLOWED_HOSTS"] = "x" * 20
    config = folder / "config.yaml"
    text = (CLUSTER / "config.yaml").read_text(encoding="utf-8") if "k8s" in process.place else ""
    config.write_text(text, encoding="utf-8")
    return load_settings(config, environ)


@each_process
def test_every_command_is_one_of_the_program(process: Process) -> None:
    check_command(process.words)


@each_process
def test_every_variable_is_a_setting(process: Process, tmp_path: Path) -> None:
    assert settings_of(process, tmp_path)


@each_process
def test_every_secret_is_mounted_and_every_mounted_secret_is_used(process: Process) -> None:
    used = {value for value in process.environ.values() if value.startswith("/run/secrets/")}
    if "setup" in process.place:
        name = "setup_own.sh" if "own.yml" in process.place else "setup.sh"
        script = (ROOT / "infra/compose" / name).read_text(encoding="utf-8")
        used |= set(re.findall(r"/run/secrets/\w+", script))
    if process.secrets is not None:
        assert {f"/run/secrets/{name}" for name in process.secrets} == used
    else:
        assert all(path.startswith(tuple(process.mounts or ["/"])) for path in used)


def test_no_secret_stands_in_a_variable() -> None:
    variables = set(map(variable_of, secrets())) - {"CHURN__MLFLOW__URI"}
    assert [process.place for process in PROCESSES if variables & process.environ.keys()] == []
    assert [p.place for p in PROCESSES if "@" in p.environ.get("CHURN__MLFLOW__URI", "")] == []


def test_the_page_names_every_secret_setting_and_no_other() -> None:
    assert set(re.findall(r"`(CHURN__\w+_FILE)`", DEPLOY)) == {
        *(variable_of(name) + FILE for name in secrets()),
        variable_of("serving.admin_key_file"),
    }


def test_every_secret_of_compose_is_made_and_used() -> None:
    services, declared = compose()["services"], compose()["secrets"]
    script = (ROOT / "infra/compose/make_secrets.sh").read_text(encoding="utf-8")
    assert set(re.findall(r"^keep (\w+)", script, re.MULTILINE)) == set(declared)
    assert {name for service in services.values() for name in service.get("secrets", [])} == set(declared)
    assert {entry["file"] for entry in declared.values()} == {f"./infra/compose/secrets/{name}" for name in declared}
    assert "/infra/compose/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_the_version_of_compose_is_that_of_the_program() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"CHURN_VERSION:-([^}]+)", text)) == {__version__}


def test_every_volume_of_compose_is_declared_and_used() -> None:
    for services, declared in (
        (compose()["services"], set(compose()["volumes"])),
        (own_customers(), {*compose("infra/compose/own.yml")["volumes"], "company", "backups"}),
    ):
        named = {mount.split(":")[0] for service in services.values() for mount in service.get("volumes", [])}
        assert {name for name in named if not name.startswith(("./", "/"))} == declared


@each_process
def test_every_mount_is_a_folder_of_the_image(process: Process) -> None:
    made = set(re.search(r"mkdir (.+) \\", DOCKERFILE)[1].split())  # type: ignore[index]
    for mount in process.mounts:
        if mount.startswith(HOME):
            assert mount.removeprefix(HOME) in made, f"{process.place}: {mount}"


def test_every_folder_of_the_image_is_one_of_the_settings() -> None:
    values = [str(value) for section in Settings().model_dump(mode="json").values() for value in section.values()]
    made = re.search(r"mkdir (.+) \\", DOCKERFILE)[1].split()  # type: ignore[index]
    own = {"demo", "data"}  # the demo company, and a source of files
    for name in set(made) - own:
        assert any(re.search(rf"(^|///){name}\b", value) for value in values), name


@each_process
def test_every_folder_that_a_job_writes_is_mounted_in_the_cluster(process: Process, tmp_path: Path) -> None:
    if "k8s" not in process.place:
        return
    settings, command = settings_of(process, tmp_path), process.words[0]
    written = {"train": [settings.models.folder, Path("mlflow")], "backup": [settings.backup.folder]}.get(command, [])
    written = [*written, *([settings.models.folder] if command in ("serve", "score", "models") else [])]
    assert [path for path in written if str(Path(HOME) / path) not in process.mounts] == []
    assert settings.store.tombstones is None


def test_the_jobs_of_the_cluster_are_those_of_the_program() -> None:
    jobs = {" ".join(p.words) for p in PROCESSES if "CronJob/" in p.place}
    assert jobs == {"score", "mature", "monitor", "models review", "train --if-due", "backup"}


def _routes() -> list[tuple[str, str, int]]:
    """Place, path and port of all that a probe, a health check or Prometheus asks of a process of ours."""
    found = []
    for place, container, _ in containers(read((ROOT / "infra/k8s/k8s-manifests.yaml").read_text(encoding="utf-8"))):
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
        for key in ("startupProbe", "livenessProbe", "readinessProbe"):
            if key in container:
                asked = container[key]["httpGet"]
                found.append((f"{place}: {key}", asked["path"], ports[asked["port"]]))
    for name, service in compose()["services"].items():
        check = service.get("healthcheck", {}).get("test", "")
        found += [(name, path, int(port)) for port, path in _asked(str(check))]
    return [*found, *(("Dockerfile", path, int(port)) for port, path in _asked(DOCKERFILE))]


def _asked(text: str) -> list[tuple[str, str]]:
    return re.findall(r"urlopen\('http://127\.0\.0\.1:(\d+)(/\w+)'", text)


def test_every_probe_asks_an_open_route_of_the_port_that_the_process_has() -> None:
    api = [(place, path) for place, path, port in _routes() if port == Settings().serving.port]
    assert len(api) == 6
    assert {path for _, path in api} == {"/health", "/ready"}
    assert all(rule_of("GET", path).open for _, path in api)
    for process in PROCESSES:
        if "serve" in process.words and "--port" in process.words:
            assert process.words[process.words.index("--port") + 1] == str(Settings().serving.port)


def test_a_job_of_compose_keeps_what_its_commands_write() -> None:
    """The root is read-only: backups and the hashes of erased customers are on volumes."""
    for process in PROCESSES:
        if process.command == "schedule" and "systemd" not in process.place:
            assert f"{HOME}backups" in process.mounts
        if "own.yml" in process.place:
            assert {f"{HOME}{name}" for name in ("config", "data", "models", "erasures")} <= set(process.mounts)


def test_prometheus_asks_the_ports_that_compose_gives() -> None:
    text = (ROOT / "infra/compose/prometheus.yml").read_text(encoding="utf-8")
    assert set(re.findall(r'"(api|scheduler):(\d+)"', text)) == {("api", "8000"), ("scheduler", "9464")}
    scheduler = compose()["services"]["scheduler"]
    assert scheduler["environment"]["CHURN__SCHEDULE__METRICS_PORT"] == "9464"
    assert [port for place, _, port in _routes() if place == "scheduler"] == [9464]


def test_every_metric_of_an_alert_is_one_of_the_server() -> None:
    pages = "".join((ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("metrics.md", "daily.md"))
    alerts = (ROOT / "infra/monitoring/alerts.yml").read_text(encoding="utf-8")
    named = {name.removesuffix("_low") for name in re.findall(r"\bchurn_\w+", alerts)}  # the end of an interval
    assert named
    assert named <= set(re.findall(r"^\| `(churn_\w+)", pages, re.MULTILINE))  # tests hold those against the code


def test_the_smoke_test_asks_with_columns_of_the_clusters_contract() -> None:
    """The repository of a company has a contract and a request of its own; ours sends what the README shows."""
    contract = load_contract(CLUSTER / "contract.yaml")
    request = json.loads((ROOT / "infra/ci/request.json").read_text(encoding="utf-8"))
    assert request
    assert request.keys() <= contract.features.keys()
    if contract.name == "demo":
        shown = re.search(r"-d '(\{.*?\})'", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
        assert shown
        assert request == json.loads(shown[1])


def test_the_cluster_has_the_time_of_the_pods() -> None:
    """The grace period is longer than all that a server does after its node wants it to stop."""
    items = read((ROOT / "infra/k8s/k8s-manifests.yaml").read_text(encoding="utf-8"))
    spec: dict[str, Any] = of_kind(items, "Deployment")[0]["spec"]["template"]["spec"]
    (wait,) = spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1:]
    drain = load_settings(CLUSTER / "config.yaml", {}).serving.drain_seconds
    assert spec["terminationGracePeriodSeconds"] > int(wait) + drain + 10 + 5
