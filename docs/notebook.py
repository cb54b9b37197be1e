"""Runs the notebook and keeps what it prints and draws: ``make notebook``. A test says when that is out of date.

An argument names another file to write to.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

FILE = Path(__file__).parents[1] / "notebooks" / "exploration.ipynb"


def executed(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """``notebook`` with its outputs, run in an empty folder; without times and without what depends on the machine.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        # No port, which others on the machine could listen on.
        config = Config(KernelManager={"transport": "ipc", "ip": f"{folder}/kernel"})
        place = {"metadata": {"path": folder}}
        client = NotebookClient(notebook, timeout=300, record_timing=False, resources=place, config=config)
        done = client.execute(env=os.environ | {"IPYTHONDIR": folder})
    done.metadata = nbformat.from_dict(
        {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    return done


if __name__ == "__main__":
    nbformat.write(executed(nbformat.read(FILE, as_version=4)), sys.argv[1] if len(sys.argv) > 1 else FILE)
