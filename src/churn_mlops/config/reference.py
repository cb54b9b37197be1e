"""The settings as a page that a person can read."""

from __future__ import annotations

from typing import Any

from pydantic.fields import FieldInfo

from churn_mlops.config.settings import sections


def settings_reference() -> str:
    """Every setting with its default as YAML, its meaning and unit as a comment; itself a valid settings file."""
    blocks = []
    for name, section in sections().items():
        lines = [f"# {(section.__doc__ or '').strip()}", f"{name}:"]
        for key, setting in section.model_fields.items():
            unit = _unit(setting)
            lines += [f"  # {setting.description}{f' [{unit}]' if unit else ''}", f"  {key}: {_yaml(setting.default)}"]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _unit(setting: FieldInfo) -> str | None:
    extra = setting.json_schema_extra
    unit = extra.get("unit") if isinstance(extra, dict) else None
    return None if unit is None else str(unit)


def _yaml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_yaml, value))}]"
    return "null" if value is None else str(value)
