from __future__ import annotations

import os

import pytest

from infra.k8s.objects import Object, read
from tests.infra.tools import ROOT, run, tool
from tests.serving.process import Served, company_to_serve

PLAIN = ROOT / "infra/k8s/k8s-manifests.yaml"


def rendered(folder: str) -> str:
    """The manifests that Kustomize makes of a folder below ``infra/k8s``."""
    done = run("infra/k8s/render.sh", folder, environ=os.environ | {"KUBECTL": tool("kubectl")})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def plain() -> list[Object]:
    """The objects that `kubectl apply -f` takes, fresh for each test."""
    return read(PLAIN.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    folder = tmp_path_factory.mktemp("smoke")
    return company_to_serve(folder, f"sqlite:///{folder}/churn.db")
