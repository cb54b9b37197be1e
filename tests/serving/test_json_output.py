"""With ``logging.format: json``, all that a server writes is lines of JSON: also warnings and crashes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.serving.process import MAIN, PATIENT, ROOT, company_to_serve

# A library warns, a thread and the command itself end with an error that nothing catches.
TROUBLE = """
import threading, warnings
import churn_mlops.serving.server as server
real = server.serve
def serve(*given, **named):
    warnings.warn("a library warns")
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    real(*given, **named)
    raise LookupError("at the end")
server.serve = serve
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_everything_that_a_server_writes_is_lines_of_json(tmp_path: Path, workers: int) -> None:
    served, output = company_to_serve(tmp_path, f"sqlite:///{tmp_path}/churn.db"), tmp_path / "output"
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src"), "CHURN__STORE__URL": served.store} | PATIENT
    environ |= {"CHURN__LOGGING__FORMAT": "json"}
    command = [sys.executable, "-c", TROUBLE + MAIN, "serve", "--port", "0", "--workers", str(workers)]
    with (
        output.open("w") as written,
        subprocess.Popen(
            command, env=environ, cwd=served.folder, stdout=written, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(json.loads(line))
            if [one["event"] for one in lines].count("server_started") == workers and "address" in lines[-1]:
                urlopen(f"{lines[-1]['address']}/health").close()
                process.send_signal(signal.SIGINT)
        assert process.wait(20) == 1
    assert output.read_text() == ""
    events = [line["event"] for line in lines]
    assert {"server_started", "request_answered", "shutdown_started"} <= set(events)
    assert any("a library warns" in event for event in events)
    crashes = [line for line in lines if line["event"] == "uncaught_error"]
    assert [(line["kind"], 'File "' in line["frames"]) for line in crashes] == [
        ("ZeroDivisionError", True),
        ("LookupError", True),
    ]
    assert not any("at the end" in repr(line) for line in crashes)  # its message may quote a customer's values


def test_an_error_of_the_settings_is_a_line_of_json_too(tmp_path: Path) -> None:
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src"), "CHURN__LOGGING__FORMAT": "json", "CHURN__SERVING__X": "1"}
    command = [sys.executable, "-c", MAIN, "serve"]
    found = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
    (line,) = found.stderr.splitlines()
    assert (found.returncode, found.stdout, json.loads(line)["event"]) == (1, "", "command_failed")
    assert "CHURN__SERVING__X is not a setting" in json.loads(line)["error"]
