"""How the pages become a site: ``make site``. Nothing is fetched, neither for building it nor for reading it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from churn_mlops import __version__

ROOT = Path(__file__).parents[1]

project = "churn-mlops"
version = release = __version__
html_title = f"churn-mlops {__version__}"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
highlight_language = "none"  # an example's output is no language
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # signatures would hold whole modules; the docstrings state shapes and units
autodoc_default_options = {"members": True}

# These stand above docs/, where a visitor of the repository looks for them, and have a page here that includes them.
PAGE_OF = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def _link_from_here(found: re.Match[str]) -> str:
    """A link of a file above docs/, as it is written from docs/."""
    target, hash_sign, anchor = found[1].partition("#")
    if "://" in target or not target:
        return found[0]
    here = PAGE_OF.get(target) or os.path.relpath(ROOT / target, ROOT / "docs")
    return f"]({here}{hash_sign}{anchor})"


def _rewrite_links(app: Any, path: Path, page: str, content: list[str]) -> None:
    content[0] = re.sub(r"\]\(([^)\s]+)\)", _link_from_here, content[0])


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("include-read", _rewrite_links)
