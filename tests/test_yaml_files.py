"""YAML files of people: an error states the place, and never what stands there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from churn_mlops.errors import ConfigError
from churn_mlops.yaml_files import read_yaml

SECRET = "SEKRETpw"


def read(folder: Path, text: str) -> Any:
    file = folder / "settings.yaml"
    file.write_text(text)
    return read_yaml(file, "the settings file", ConfigError, "there is none")


def test_plain_data_comes_back(tmp_path: Path) -> None:
    assert read(tmp_path, "a: {b: [1, x]}\nc: &kept 2\nd: *kept\n") == {"a": {"b": [1, "x"]}, "c": 2, "d": 2}
    with pytest.raises(ConfigError, match="there is none"):
        read_yaml(tmp_path / "nowhere.yaml", "the settings file", ConfigError, "there is none")


@pytest.mark.parametrize(
    "text",
    [
        f"store:\n  url: postgresql://churn:{SECRET}@db/x\n  url: postgresql://churn:{SECRET}@db/y\n",
        f"webhook:\n  secret: '{SECRET}\nport: 1\n",
        f"webhook:\n  secret: {SECRET}: x\n  - {SECRET}\n",
        f"a: *{SECRET}\n",
        f"a: !{SECRET} 1\n",
    ],
)
def test_an_error_states_the_place_and_not_what_stands_there(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"settings\.yaml is not YAML: line \d+, column \d+: \w+") as caught:
        read(tmp_path, text)
    assert SECRET not in str(caught.value)


def test_aliases_that_repeat_each_other_without_end_are_refused_immediately(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(ConfigError, match="is too large: 100,000 keys and values"):
        read(tmp_path, "\n".join(lines))


def test_merges_that_repeat_each_other_without_end_are_refused_immediately(tmp_path: Path) -> None:
    lines = ["a0: &a0 {k: 1, l: 2}"]
    lines += [f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(ConfigError, match="is too large: 100,000 keys and values"):
        read(tmp_path, "\n".join(lines))


def test_a_merge_adds_the_keys_of_another(tmp_path: Path) -> None:
    assert read(tmp_path, "a: &a {k: 1}\nb: {<<: *a, l: 2}\n") == {"a": {"k": 1}, "b": {"k": 1, "l": 2}}


@pytest.mark.parametrize(
    "value", ["2026-02-30", "2026-02-28 25:99:99", "9" * 5000, f"!!int {SECRET}", f"!!float {SECRET}"]
)
def test_a_date_or_number_that_does_not_exist_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match="a date or number in it does not exist") as caught:
        read(tmp_path, f"as_of: {value}\n")
    assert SECRET not in str(caught.value)


def test_what_nests_too_deeply_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nests too deeply"):
        read(tmp_path, "a: " + "[" * 20_000)
