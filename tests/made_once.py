"""What takes seconds to make and is only read: the first process of tests that needs it makes it for all of them."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import pytest

T = TypeVar("T")


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder ``name``, which all processes of this run share, with what ``make`` writes into it."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = shared / "made-once" / name, shared / "made-once" / f"{name}.done"
    folder.parent.mkdir(exist_ok=True)
    with folder.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a process that failed half-way
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def object_made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], T]) -> T:
    """As :func:`made_once`, of an object that can be pickled; each process has its own copy."""

    def keep(folder: Path) -> None:
        (folder / "object.pickle").write_bytes(pickle.dumps(make(folder)))

    folder = made_once(factory, name, keep)
    return cast(T, pickle.loads((folder / "object.pickle").read_bytes()))
