"""Every command and every piece of Python on the pages does what it is written for, and the pages make a site."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from churn_mlops.config import Settings
from churn_mlops.data.demo_company.months import LAST_DAY
from churn_mlops.pipelines.onboarding.demo import FEWEST_MONTHS, make_company
from churn_mlops.pipelines.onboarding.demo_places import demo_settings
from churn_mlops.pipelines.training.train import train
from tests.command import Churn, runner
from tests.companies.small import CUSTOMERS
from tests.pages import COMMAND, PAGES, ROOT, Block, blocks, shape

SMALL = ("--customers", str(CUSTOMERS), "--months", str(FEWEST_MONTHS), "--seed", "1")
SERVE = [sys.executable, "-c", "from churn_mlops.cli import main; main()"]
PORT = ":8000"

# These end with another code than 0, since the page is about what they find.
CODES = {"churn validate --from today.csv": 1}
# These make words do, and more, what is done here in their stead with a small company; CI runs them as they are.
STAND_FOR = {"make demo": "churn demo"}
# Here the page shows what the default type prints; elsewhere the type that is fitted fastest does.
TRAINED_BY_DEFAULT = {"docs/cli.md"}
# A page shows here what depends on the machine that it was written on.
NOT_COMPARED = {"churn doctor", "churn demo --no-serve", "churn schedule --status"}
# Blocks of `sh` on these pages need root, containers or a cluster; tests/infra/test_deploy_page.py reads them.
ON_OTHER_MACHINES = {"docs/deploy.md", "docs/backup.md"}


class Reader:
    """Follows one page in a working directory of its own, typing what it says."""

    def __init__(self, churn: Churn, environ: dict[str, str]) -> None:
        self._churn = churn
        self._environ = environ
        self._server: subprocess.Popen[str] | None = None
        self._address = ""
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self.printed: list[str] = []
        """The output of the commands of the last block, one text each."""

    def follow(self, block: Block) -> None:
        if block.language == "python":
            exec(compile(block.text, "page", "exec"), self._names)
        elif block.language == "bash":
            self.printed = [self.run(command) for command in block.commands()]

    def run(self, command: str) -> str:
        words = shlex.split(STAND_FOR.get(command, command), comments=True)
        if words[0] == "churn":
            return self._run_churn(words[1:], CODES.get(command, 0))
        if words[0] == "make":
            return _check_word(words)
        return self._run_shell(command)

    def _run_churn(self, words: list[str], code: int) -> str:
        if "serve" in words:
            self._serve(words)
            return ""
        serves = "demo" in words and "--no-serve" not in words
        if "demo" in words:
            words = [*words, *SMALL, *(["--no-serve"] if serves else [])]
        result = self._churn(*words)
        assert result.code == code, f"churn {' '.join(words)}: {result.err}{result.out}"
        if serves:
            self._serve(["--config", "demo/config.yaml", "serve"])
        return result.out

    def _run_shell(self, command: str) -> str:
        if command.startswith("curl"):
            if not shutil.which("curl"):
                pytest.skip("there is no curl to follow the page with")
            assert self._address, f"nothing serves, when the page says {command}"
            command = command.replace("http://localhost" + PORT, self._address) + " -sS -w '\\n%{http_code}'"
        ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, f"{command}: {ended.stderr}"
        return ended.stdout

    def _serve(self, words: list[str]) -> None:
        """Start a server on a free port; the one before it is stopped."""
        self.stop()
        self._server = subprocess.Popen(
            [*SERVE, *words, "--port", "0"],
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._server.stdout is not None
        said = self._server.stdout.readline()
        found = re.match(r"Serving on http://127\.0\.0\.1(:\d+)", said)
        assert found, f"churn {' '.join(words)}: {said}"
        self._address = "http://localhost" + found[1]

    def stop(self) -> None:
        if self._server is not None:
            with self._server as server:
                server.send_signal(signal.SIGINT)
                assert server.wait(15) == 0


def _check_word(words: list[str]) -> str:
    known = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {word for word in words[1:] if word.isalpha()} <= set(known), words
    return ""


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory, record: Path) -> Path:
    """The working directory of a user who has the demo company with its model, and settings that point to it."""
    folder = tmp_path_factory.mktemp("settled")
    (folder / "demo/mlflow").mkdir(parents=True)
    shutil.copy(record, folder / "demo/mlflow/mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert make_company(Path("demo"), CUSTOMERS, FEWEST_MONTHS, 1, LAST_DAY)
        # MLflow keeps a database open under its address: so not by a relative one, which other tests have too.
        small = Settings.model_validate({"training": {"model_type": "logistic_regression"}})
        train(demo_settings(small, folder / "demo"))
    shutil.copy(folder / "demo/customers.csv", folder / "customers.csv")
    return folder


@pytest.fixture
def reader(
    settled: Path,
    record: Path,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Reader]:
    shutil.copytree(settled, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    makes_its_own = any("churn init" in block.text for block in blocks(request.getfixturevalue("page")))
    database = tmp_path / ("mlflow" if makes_its_own else "demo/mlflow") / "mlflow.db"
    if makes_its_own:
        database.parent.mkdir()
        shutil.copy(record, database)  # empty; making one takes seconds
    else:
        (tmp_path / "config").mkdir()
        shutil.copy("demo/config.yaml", "config/config.yaml")
    # As above: that of the page before would have the same address.
    monkeypatch.setenv("CHURN__MLFLOW__URI", f"sqlite:///{database}")
    if request.getfixturevalue("page") not in TRAINED_BY_DEFAULT:
        monkeypatch.setenv("CHURN__TRAINING__MODEL_TYPE", "logistic_regression")
        monkeypatch.setenv("CHURN__TRAINING__SNAPSHOTS", "5")
    monkeypatch.setenv("CHURN__SERVING__PORT", "0")  # `churn doctor` looks at the port
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    reader = Reader(runner(monkeypatch, capsys), environ)
    if request.getfixturevalue("page").startswith("docs/runbooks/"):  # the person on call has a server
        reader.run("churn serve")
    yield reader
    reader.stop()


FOLLOWED = [page for page in PAGES if any(block.language in ("bash", "python") for block in blocks(page))]


@pytest.mark.parametrize("page", FOLLOWED)
def test_a_page_can_be_followed(page: str, reader: Reader) -> None:
    last: list[str] = []
    for block in blocks(page):
        if block.language in ("bash", "python"):
            reader.follow(block)
            last = block.commands() if block.language == "bash" else []
        elif block.language == "json":
            check_answers(reader.printed, block.text)
        elif block.language == "" and last and last[-1] not in NOT_COMPARED:
            check_lines(reader.printed[-1], block.text)
            last = []


def check_answers(printed: list[str], documented: str) -> None:
    """Each answer in JSON has the status and the keys that the page shows, and the same problems, if any."""
    for answer, document in zip((text for text in printed if text.startswith("{")), documents(documented), strict=True):
        body, _, status = answer.rpartition("\n")
        assert list(json.loads(body)) == list(document)
        assert json.loads(body).get("fields") == document.get("fields")
        expected = document.get("status")
        assert int(status) == (expected if isinstance(expected, int) else 200)


def documents(text: str) -> Iterator[dict[str, Any]]:
    """The JSON documents that stand one after the other in ``text``."""
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:]


def check_lines(printed: str, documented: str) -> None:
    """Each sentence that the page shows is printed, but for the figures; a row of a table is not held against."""
    if not printed:
        return  # a server, whose one line was read
    said = {shape(line) for line in printed.splitlines()}
    sentences = [
        line
        for line in documented.splitlines()
        if line.strip() not in ("", "...") and not re.search(r"\S {2,}\S|──|^ {8}", line)
    ]
    assert [line for line in sentences if shape(line) not in said] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_command_stands_outside_a_block_that_is_run(page: str) -> None:
    run = ("bash", "python", *(["sh"] if page in ON_OTHER_MACHINES else []))
    stray = [block.text for block in blocks(page) if block.language not in run and COMMAND.search(block.text)]
    assert stray == []


def test_every_make_word_on_the_pages_is_there() -> None:
    for page in PAGES:
        for words in re.findall(r"`make ([a-z]+)", (ROOT / page).read_text(encoding="utf-8")):
            _check_word(["make", words])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "--fail-on-warning",
        "--keep-going",
        "--quiet",
        "-d",
        str(folder / "doctrees"),
    ]
    built = subprocess.run(
        [*command, str(ROOT / "docs"), str(folder / "html")],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder / "html"


def test_the_site_leads_from_its_first_page_to_every_page(site: Path) -> None:
    first = (site / "index.html").read_text(encoding="utf-8")
    pages = [page.removeprefix("docs/").removesuffix(".md") for page in PAGES if page.startswith("docs/")]
    assert [page for page in pages if f'href="{page}.html"' not in first and page != "index"] == []
    assert "Reads a subscription business" in first


def test_the_site_describes_the_python_interface(site: Path) -> None:
    page = (site / "python.html").read_text(encoding="utf-8")
    for name in ("data.load_csv", "data.validate_data", "data.DataContract", "features.FeatureEngineer"):
        assert f'id="churn_mlops.{name}"' in page
    for name in ("models.ChurnModel.fit", "models.ChurnPredictor.explain_one", "retention.Economics"):
        assert f'id="churn_mlops.{name}"' in page


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert re.findall(r'<(?:script|img|iframe)[^>]* src="(?:https?:)?//[^"]*"', text) == [], page
        assert re.findall(r'<link[^>]* href="(?:https?:)?//[^"]*"', text) == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", style.read_text(encoding="utf-8")), style
