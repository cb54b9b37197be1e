"""What the Dockerfile says: two images, of locked libraries, without rights and without build tools."""

from __future__ import annotations

import fnmatch
import re

from tests.infra.tools import ROOT, run, tool

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
STAGES = {
    found["name"]: found["text"]
    for found in re.finditer(
        r"^FROM (?P<base>\S+) AS (?P<name>\S+)\n(?P<text>.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL
    )
}
IMAGES = ("serving", "jobs")


def test_the_dockerfile_has_no_finding() -> None:
    done = run(tool("hadolint"), "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_every_exception_of_the_linter_has_a_reason_before_it() -> None:
    lines = DOCKERFILE.splitlines()
    places = [number for number, line in enumerate(lines) if "hadolint ignore" in line]
    assert [lines[number + 1] for number in places] == ["RUN apt-get update -qq \\"]


def test_a_base_by_tag_is_one_argument_of_all_stages() -> None:
    bases = dict(re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE))
    assert re.findall(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE) == ["docker.io/library/python:3.11-slim-bookworm"]
    assert set(bases) == {"${BASE}", "tools", "runtime"}


def test_both_images_run_as_a_user_by_number_and_hold_no_stage_that_builds() -> None:
    assert STAGES["runtime"].rstrip().splitlines()[-2:] == ["USER 10001:10001", 'ENTRYPOINT ["churn"]']
    for image in IMAGES:
        assert f"FROM runtime AS {image}\n" in DOCKERFILE
        assert re.findall(r"^USER (\S+)$", STAGES[image], re.MULTILINE)[-1:] in ([], ["10001:10001"])
        assert "pip" not in STAGES[image]
        assert len(re.findall(r"^COPY --from=(\S+)", STAGES[image], re.MULTILINE)) == 2


def test_every_library_is_installed_from_a_lock() -> None:
    installs = re.findall(r"pip .*install .*", DOCKERFILE)
    assert len(installs) == 4
    assert [line for line in installs if "--require-hashes" not in line and "--no-deps" not in line] == []
    assert "ARG SERVING_LOCK=requirements-serving.txt\n" in STAGES["serving-libraries"]


def test_the_builder_gets_what_the_dockerfile_copies_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    allowed = {line[1:] for line in lines if line.startswith("!")}
    copied = {name for line in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()}
    assert lines[0] == "*"
    assert copied == allowed
    assert not any(fnmatch.fnmatch("config", pattern) for pattern in allowed)


def test_a_server_says_whether_it_lives() -> None:
    assert "HEALTHCHECK" in STAGES["serving"]
    assert "EXPOSE 8000" in STAGES["serving"]


def test_both_images_say_what_they_are() -> None:
    for image in IMAGES:
        labels = set(re.findall(r"org\.opencontainers\.image\.(\w+)=", STAGES[image]))
        assert labels == {"title", "description", "licenses", "version", "revision"}
