"""Pods: the program in a file system of its own, with what the manifest mounts, until it is deleted."""

from __future__ import annotations

import http.client
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.cluster.manifest import Deployment, Probe
from bench.cluster.network import Host, Network

PROGRAM = "from churn_mlops.cli import main; main()"


class Pod:
    """A pod that runs.

    Args:
        host: its own.
        deployment: what it is run by.
        process: the program.
    """

    def __init__(self, host: Host, deployment: Deployment, process: subprocess.Popen[bytes]) -> None:
        self.host, self.deployment, self.process = host, deployment, process

    def answers(self, probe: Probe) -> bool:
        """Whether it passes a probe now."""
        connection = http.client.HTTPConnection(self.host.address, self.deployment.port, timeout=probe.timeout)
        try:
            connection.request("GET", probe.path)
            return connection.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def terminate(self) -> float:
        """End it as the cluster does: preStop, SIGTERM, and SIGKILL when the grace is over.

        Returns:
            the seconds that it took.

        Raises:
            AssertionError: it did not end by itself.
        """
        began = time.monotonic()
        subprocess.run(self.deployment.pre_stop, check=True)
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(self.deployment.grace - (time.monotonic() - began))
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"{self.host.name} did not end within its grace of {self.deployment.grace:g} s"
            ) from None
        assert code == 0, f"{self.host.name} ended with {code}"
        return time.monotonic() - began

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it without a word, wherever it stands."""
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()


@contextmanager
def pod(
    network: Network, name: str, deployment: Deployment, program: Path, secrets: dict[str, str], folder: Path
) -> Iterator[Pod]:
    """A pod that is started, and not ready yet.

    Args:
        network: for its host.
        name: of the host.
        deployment: what it is run by.
        program: folder of the package.
        secrets: text of each file of the Secret.
        folder: for its files and its log.
    """
    own = folder / name
    with network.host(name) as host, (folder / f"{name}.log").open("wb") as log:
        mounting = list(_mounting(deployment, secrets, own))
        start = shlex.join([sys.executable, "-c", PROGRAM, *deployment.words])
        script = " && ".join([*mounting, "cd /srv/churn", f"exec {start}"])
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(program), "LANG": "C.UTF-8", **deployment.environ}
        # `ip netns exec` makes a file system of its own; what is mounted in it is seen by this pod alone.
        command = host.command("sh", "-c", script)
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
        running = Pod(host, deployment, process)
        try:
            yield running
        finally:
            running.kill()


def _mounting(deployment: Deployment, secrets: dict[str, str], own: Path) -> Iterator[str]:
    """The commands that mount what the manifest mounts, in a root of two empty folders."""
    yield "mount -t tmpfs none /srv"
    yield "mkdir -p /srv/churn"
    for number, (path, kind) in enumerate(deployment.mounts.items()):
        if Path(path) == Path(tempfile.gettempdir()):
            continue  # of the machine: the program of the tests lies there
        place = own / str(number)
        place.mkdir(parents=True)
        files = {"configMap": deployment.settings, "secret": secrets}.get(kind, {})
        for name, text in files.items():
            (place / name).write_text(text, encoding="utf-8")
        if not path.startswith("/srv/"):
            yield "mount -t tmpfs none /run"
        yield f"mkdir -p {path}"
        yield f"mount --bind {shlex.quote(str(place))} {path}"


class Watch:
    """Probes a pod as the cluster does, and says when it comes into rotation and when it leaves.

    Args:
        running: the pod.
        probe: readiness.
        changed: takes the pod and whether it is ready.
    """

    def __init__(self, running: Pod, probe: Probe, changed: Callable[[Pod, bool], None]) -> None:
        self._pod, self._probe, self._changed = running, probe, changed
        self.ready = threading.Event()
        self.left = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Probe no more: it is being deleted, and leaves the rotation in any case."""
        self._stopped.set()
        self._thread.join()
        if self.ready.is_set() and not self.left.is_set():
            self._changed(self._pod, False)

    def _run(self) -> None:
        failed = 0
        while not self._stopped.wait(self._probe.period):
            failed = 0 if self._pod.answers(self._probe) else failed + 1
            if failed == 0 and not self.ready.is_set():
                self._changed(self._pod, True)
                self.ready.set()
            elif failed >= self._probe.failures and self.ready.is_set() and not self.left.is_set():
                self._changed(self._pod, False)
                self.left.set()
