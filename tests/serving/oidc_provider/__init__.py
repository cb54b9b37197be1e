"""A real identity provider, which the tests install from the npm registry and run beside the server."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import httpx

from tests.npm import NODE
from tests.pages import ROOT

INSTALLED = ROOT / ".venv/oidc"
CLIENT, SECRET = "churn", "the-secret-of-this-server"


@contextmanager
def provider(back_to: str) -> Iterator[str]:
    """Run the provider, which sends browsers back to ``back_to``; its issuer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(NODE), "provider.mjs", str(port), CLIENT, SECRET, back_to]
    with subprocess.Popen(command, cwd=INSTALLED, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.communicate()[1]
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def sign_in(address: str, login: str | None) -> str:
    """Sign in at the provider as a browser does, or refuse to (None); the address that it sends the browser back to."""
    with httpx.Client() as browser:
        answer = browser.get(address)
        while "location" in answer.headers:
            there = urljoin(str(answer.url), answer.headers["location"])
            if urlsplit(there).path.startswith("/who/"):
                form = {"refuse": "yes"} if login is None else {"login": login}
                answer = browser.post(there, data=form)
            elif urlsplit(there).netloc != urlsplit(address).netloc:
                return there
            else:
                answer = browser.get(there)
    raise AssertionError(f"the provider answered {answer.status_code}: {answer.text}")
