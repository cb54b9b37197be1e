"""Every command of ``churn``: its arguments and options as a script types them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from tests.surface import collect
from tests.surface.interface import without_blanks


def commands(group: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each command with the words that call it, groups and ``churn`` itself among them."""
    group = group or collect.command()
    yield words, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*words, name))


def described() -> dict[str, Any]:
    """All commands, without the prose of their help."""
    return {" ".join(["churn", *words]): _command(command) for words, command in commands()}


def _command(command: Any) -> dict[str, Any]:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    described = {
        "commands": sorted(getattr(command, "commands", {})),
        "hidden": command.hidden,
        "arguments": [
            without_blanks({"name": one.metavar or one.name.upper(), **_parameter(one)}) for one in arguments
        ],
        "options": {" ".join(sorted(one.opts)): without_blanks(_option(one)) for one in options},
    }
    return without_blanks(described)


def _option(option: Any) -> dict[str, Any]:
    return _parameter(option) | {
        "off": sorted(option.secondary_opts),
        "flag": option.is_flag,
        "count": option.count,
        "prompt": bool(option.prompt),
    }


def _parameter(parameter: Any) -> dict[str, Any]:
    kind = parameter.type_descriptor.annotation
    return {
        "type": getattr(kind, "__name__", str(kind)),
        "choices": [str(choice) for choice in get_args(kind)],
        "min": parameter.min,
        "max": parameter.max,
        "default": parameter.default if parameter.default is None else str(parameter.default),
        "required": parameter.required,
        "nargs": parameter.nargs,
        "multiple": parameter.multiple,
        "environment": parameter.envvar,
        "hidden": parameter.hidden,
    }
