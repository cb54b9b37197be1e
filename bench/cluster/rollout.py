"""Rolling updates of the manifests' own pods under a steady load, there and back; then one pod is killed, one hangs.

    python -m bench.cluster.rollout [--rate 20]

It fails if a request fails during an update, if an acknowledged contact is lost, or if a dead or hanging pod stays in
rotation longer than its readiness probe allows.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory

from bench.cluster.database import database
from bench.cluster.manifest import Deployment, deployment
from bench.cluster.network import Host, Network, network
from bench.cluster.pods import Pod, Watch, pod
from bench.cluster.service import PORT, Service, service
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.store import migrate_store, open_store, publish
from churn_mlops.store.access.api_keys import make_key
from churn_mlops.store.contacts import contacts
from churn_mlops.store.database.migrate import MIGRATIONS
from churn_mlops.store.deployments import Deployments
from tests.serving.processes import ADMIN_KEY, ROOT, fill, program_before
from tests.store.builders import batches, run

LATE = 1.5
"""Seconds until the Service knows of a change."""
START_SECONDS = 120


@dataclass
class Cluster:
    """The pods of one Deployment behind a Service.

    Args:
        network: for their hosts.
        service: sends them requests.
        plan: of the manifest.
        secrets: text of each file of the Secret.
        folder: for files and logs.
        running: the pods, the oldest first, each with what ends it.
    """

    network: Network
    service: Service
    plan: Deployment
    secrets: dict[str, str]
    folder: Path
    running: list[tuple[Pod, Watch, ExitStack]] = field(default_factory=list)
    _started: int = 0

    def start(self, program: Path) -> None:
        """Start a pod of ``program``, and wait until it is available."""
        self._started += 1
        stack = ExitStack()
        made = stack.enter_context(
            pod(self.network, f"pod{self._started}", self.plan, program, self.secrets, self.folder)
        )
        watch = Watch(made, self.plan.readiness, self.service.change)
        self.running.append((made, watch, stack))
        if not watch.ready.wait(START_SECONDS):
            log = (self.folder / f"pod{self._started}.log").read_text(encoding="utf-8")
            raise AssertionError(f"{made.host.name} was not ready within {START_SECONDS} s:\n{log[-3000:]}")
        time.sleep(self.plan.ready_seconds)  # as the cluster waits

    def delete_oldest(self) -> float:
        """End the oldest pod; returns the seconds that it took."""
        made, watch, stack = self.running.pop(0)
        watch.stop()  # with the deletion it is no endpoint any more
        seconds = made.terminate()
        stack.close()
        return seconds

    def update(self, program: Path) -> list[float]:
        """Replace every pod by one of ``program``, as the strategy says; returns the seconds of each end."""
        assert (self.plan.surge, self.plan.unavailable) == (1, 0), "the strategy of the manifest is another"
        ends = []
        for _ in range(len(self.running)):
            self.start(program)
            ends.append(self.delete_oldest())
        return ends

    def close(self) -> None:
        """End all pods at once."""
        for _, watch, stack in self.running:
            watch.stop()
            stack.close()


def rollout(
    folder: Path, *, replicas: int | None = None, rate: float = 20, back: bool = True, faults: bool = True
) -> Any:
    """Run it.

    Args:
        folder: empty, short, and open to every user.
        replicas: how many pods; None takes as many as the manifest says.
        rate: requests a second.
        back: update back to the version before, too.
        faults: let one pod die and one hang.

    Returns:
        the counts; ``failed`` and ``lost`` are to be empty.
    """
    plan = deployment()
    plan = plan if replicas is None else replace(plan, replicas=replicas)
    before = list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())[1].revision
    old, new = program_before(folder / "before"), ROOT / "src"
    with ExitStack() as stack:
        net = stack.enter_context(network("chrn"))
        address = stack.enter_context(database(stack.enter_context(net.host("pg")), folder / "pg"))
        key = _filled_store(address, folder, before)
        rotation = stack.enter_context(service(stack.enter_context(net.host("svc")), folder, LATE))
        secrets = {"store_url": address, "customer_hash_key": "an own key of this company", "admin_key": ADMIN_KEY}
        cluster = Cluster(net, rotation, plan, secrets, folder)
        stack.callback(cluster.close)
        for _ in range(plan.replicas):
            cluster.start(old)
        time.sleep(LATE)
        found: dict[str, Any] = {"replicas": plan.replicas, "rate": rate}
        client = stack.enter_context(net.host("cli"))
        with load(client, rotation.host.address, key, rate) as result:
            migrate_store(address)  # the job that runs before the rollout
            found["end_seconds"] = cluster.update(new)
            if back:
                found["end_seconds"] += cluster.update(old)
        found |= {name: result[name] for name in ("answered", "failed")}
        found["contacts"] = len(result["acknowledged"])
        if faults:
            found["dead"] = _left_after(cluster, signal.SIGKILL)
            found["hanging"] = _left_after(cluster, signal.SIGSTOP)
            found["allowed"] = _allowed(plan)
        with open_store(address) as store:
            kept = {one.key for one in contacts(store, limit=10_000_000)}
        found["lost"] = sorted(set(result["acknowledged"]) - kept)
    return found


def _filled_store(address: str, folder: Path, revision: str) -> str:
    """Make the store, with a list and the model that is live, at an earlier revision; returns a key of the API."""
    migrate_store(address)
    fill(folder)
    cache = BundleCache(folder / "models")
    with open_store(address) as store:
        bundles = [stored for one in cache.history() if (stored := cache.bundle(one))]
        Deployments(store).adopt(cache.history(), bundles)
        publish(store, run(), batches(40))
        key, _ = make_key(store, "load", "service", by="rollout")
    migrate_store(address, revision)
    return key


@contextmanager
def load(client: Host, address: str, key: str, rate: float) -> Iterator[dict[str, Any]]:
    """Requests until the block ends; what came of them is in the mapping afterwards."""
    command = client.command(sys.executable, "-m", "bench.cluster.load", address, str(PORT), key, str(rate))
    result: dict[str, Any] = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield result
        finally:
            said, _ = process.communicate()
            result |= json.loads(said)


def _left_after(cluster: Cluster, fault: signal.Signals) -> float:
    """The seconds from a fault of the oldest pod until it is out of rotation."""
    made, watch, stack = cluster.running.pop(0)
    began = time.monotonic()
    made.signal(fault)
    assert watch.left.wait(60), f"{made.host.name} stays in rotation after {fault.name}"
    seconds = time.monotonic() - began
    watch.stop()
    stack.close()
    return round(seconds, 1)


def _allowed(plan: Deployment) -> float:
    """The longest time until a pod that fails is out of rotation: the probes that may pass, fail and hang."""
    probe = plan.readiness
    return (probe.failures + 1) * (probe.period + probe.timeout)


def main() -> None:
    """Run it with the manifest's number of replicas, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=20, help="requests a second")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        found = rollout(folder, rate=given.rate)
    print(json.dumps(found, indent=1))
    late = max(found["dead"], found["hanging"]) > found["allowed"]
    if found["failed"] or found["lost"] or late:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
