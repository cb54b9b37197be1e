"""The dashboards of Grafana: made from one source, and known to Grafana's own types."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.infra.tools import ROOT, run, tool
from tests.npm import NODE

MADE = ROOT / "infra/monitoring/grafana"
DASHBOARDS: dict[str, dict[str, Any]] = {
    file.name: json.loads(file.read_text(encoding="utf-8")) for file in sorted(MADE.glob("*.json"))
}
PANELS = [
    pytest.param(panel, id=f"{board['title']}: {panel['title']}")
    for board in DASHBOARDS.values()
    for panel in board["panels"]
    if panel["type"] != "row"
]
TYPES = ROOT / ".venv/grafana"
RAW = TYPES / "node_modules/@grafana/schema/dist/types/raw"
SHAPES = {
    "stat": ("composable/stat/panelcfg/x/StatPanelCfg_types.gen.d.ts", "Options"),
    "timeseries": ("composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen.d.ts", "Options"),
    "table": ("composable/table/panelcfg/x/TablePanelCfg_types.gen.d.ts", "Options"),
    "dashboard": ("dashboard/x/dashboard_types.gen.d.ts", "Dashboard"),
}


def test_the_dashboards_are_those_of_their_source(tmp_path: Path) -> None:
    made = run(tool("python"), "-m", "infra.monitoring.grafana_dashboards", str(tmp_path))
    assert made.returncode == 0, made.stderr
    assert {file.name: json.loads(file.read_text()) for file in tmp_path.iterdir()} == DASHBOARDS


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_what_it_shows_in_what_unit_and_where_to_read_more(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    (page,) = [re.fullmatch(r"\$\{docs\}/(.+)\.html", link["url"]) for link in panel["links"]]
    assert page is not None
    assert (ROOT / f"docs/{page[1]}.md").exists()


def shape(kind: str) -> Draft7Validator:
    """The form of a dashboard, or of a panel's options, by Grafana's own types, which take no field that they lack."""
    file, name = SHAPES[kind]
    generator = TYPES / "node_modules/ts-json-schema-generator/bin/ts-json-schema-generator.js"
    if not generator.exists():
        pytest.skip(f"{generator} is not there: `make test` installs it")
    made = run(str(NODE), str(generator), "--path", str(RAW / file), "--type", name, "--no-type-check")
    assert made.returncode == 0, made.stderr
    return Draft7Validator(json.loads(made.stdout))


def test_grafana_knows_every_field() -> None:
    whole, options = shape("dashboard"), {kind: shape(kind) for kind in SHAPES if kind != "dashboard"}
    faults = [
        f"{name}: {error.json_path} {error.message}"
        for name, board in DASHBOARDS.items()
        for error in [
            *whole.iter_errors(board),
            *(
                error
                for panel in board["panels"]
                if panel["type"] != "row"
                for error in options[panel["type"]].iter_errors(panel["options"])
            ),
        ]
    ]
    assert faults == []
    planted = json.loads(json.dumps(DASHBOARDS["churn-model.json"]))
    planted["panels"][1]["fieldConfig"]["defaults"]["units"] = "s"
    assert not whole.is_valid(planted)
