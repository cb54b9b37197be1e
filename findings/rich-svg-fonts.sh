#!/usr/bin/env bash
# A terminal session is saved as an SVG by Rich, for a page of documentation.
# Guess: one file that holds what it needs, like the SVGs that vl-convert makes of charts.
# Instead: its style names a font on a public server (cdnjs), twice over. Whoever opens the picture by itself, on a
# machine without that font, asks that server; as an image of a page it is not loaded, and the letters drift.
# export_svg has no option for it; its code_format can be given without the rule.
# Seen with rich 15.0.0, vl-convert-python 1.9.0.post1. Another tool works round it in
# github.com/ewels/rich-codex/pull/66.
# Met: drawing the demo's pictures, in a project that fetches nothing at run time.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet rich==15.0.0 vl-convert-python==1.9.0.post1
venv/bin/python - <<'EOF'
import io
import re
from importlib.metadata import version

import vl_convert
from rich.console import Console

print("rich", version("rich"), "vl-convert", vl_convert.__version__)
console = Console(record=True, file=io.StringIO(), width=60)
console.print("347 of 100,000 customers are likely to churn")
chart = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
    "data": {"values": [{"month": 1, "left": 347}]},
    "mark": "bar",
    "encoding": {"x": {"field": "month"}, "y": {"field": "left", "type": "quantitative"}},
}
pictures = {"Rich": console.export_svg(title="churn"), "vl-convert": vl_convert.vegalite_to_svg(chart)}
found = {}
for name, picture in pictures.items():
    found[name] = re.findall(r"url\(\W*(https?://[^)\"']+)", picture)
    print(f"{name}: {len(found[name])} addresses to fetch", *found[name][:1])
same = len(found["Rich"]) == 4 and "cdnjs" in found["Rich"][0] and not found["vl-convert"]
raise SystemExit(0 if same else "the behaviour has changed")
EOF
