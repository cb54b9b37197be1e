"""Settings of the environment: ``CHURN__SECTION__KEY``, for a secret also the file of ``CHURN__SECTION__KEY_FILE``."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from churn_mlops.config.settings import settings_by_name

# Two underscores: Kubernetes injects CHURN_PORT and the like for a service that is called churn.
PREFIX = "CHURN__"
FILE = "_FILE"
_MOST_BYTES = 65_536


@dataclass(frozen=True)
class FromEnvironment:
    """The settings that the environment holds.

    Args:
        values: by the name ``section.key``; None where the environment says none.
        origins: the variable of each value, with its file if it has one.
        problems: a sentence for each variable that gives no value.
    """

    values: Mapping[str, str | None]
    origins: Mapping[str, str]
    problems: tuple[str, ...]


def from_environment(environ: Mapping[str, str]) -> FromEnvironment:
    """Read the settings of ``environ``; an empty value or ``null`` means none, or no file."""
    direct = {variable_of(key): key for key in settings_by_name()}
    files = {variable_of(key) + FILE: key for key in secrets()}
    values: dict[str, str | None] = {}
    origins: dict[str, str] = {}
    problems: list[str] = []
    for name in sorted(name for name in environ if name.startswith(PREFIX)):
        text = None if environ[name] in ("", "null") else environ[name]
        if name in direct:
            values[direct[name]], origins[direct[name]] = text, name
        elif name not in files:
            problems.append(unknown(name, name, [*direct, *files]))
        elif text is not None and name.removesuffix(FILE) in environ:
            problems.append(f"{name.removesuffix(FILE)} and {name} are both given: leave one of them out")
        elif text is not None:
            try:
                values[files[name]], origins[files[name]] = _text_of(Path(text)), f"{name}, {text}"
            except ValueError as error:
                problems.append(f"{name}: {error}")
    return FromEnvironment(values, origins, tuple(problems))


def secrets() -> list[str]:
    """The names ``section.key`` of the secret settings, each of which a file may hold."""
    return [key for key, setting in settings_by_name().items() if not setting.repr]


def variable_of(key: str) -> str:
    """The variable of a setting: ``CHURN__STORE__URL`` of ``store.url``."""
    return PREFIX + key.replace(".", "__").upper()


def unknown(origin: str, key: str, known: list[str]) -> str:
    """Say that a key is not known, and which known one is nearest."""
    nearest = difflib.get_close_matches(key, known, n=1)
    advice = f"did you mean {nearest[0]}?" if nearest else "docs/configuration.md lists them"
    return f"{origin} is not a setting; {advice}"


def _text_of(file: Path) -> str:
    """The secret in ``file``, without the line end that most programs write after it."""
    try:
        text = _content(file).decode("utf-8").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"the file {file} cannot be read ({error.strerror}): put the secret there") from None
    except UnicodeDecodeError:
        raise ValueError(f"the file {file} is no text in UTF-8: put the secret there") from None
    if not text.strip():
        raise ValueError(f"the file {file} is empty: put the secret there")
    if "\n" in text:
        raise ValueError(f"the file {file} holds more than one line: put the secret there alone")
    return text


def _content(file: Path) -> bytes:
    # Not waiting: a pipe without a writer would keep the program from starting, and from saying why.
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as opened:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise ValueError(f"{file} is no regular file: put the secret into one")
        content = opened.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(f"the file {file} is longer than {_MOST_BYTES:,} bytes: put the secret there alone")
    return content
