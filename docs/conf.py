"""How the site is built: ``python -m sphinx -W --keep-going -b html docs site``.

`docs/building.md` says what the pages are made from.
"""

import os
import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(DOCS / "_extensions")]
os.environ.setdefault("MPLBACKEND", "Agg")

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "zeroone"
author = "The zeroone developers"
copyright = author
version = release = PROJECT["version"]
language = "en"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_nb",
    # The site's own, each one idea:
    "mathml",
    "formulas",
    "names",
    "docstrings",
    "borrowed",
    "reference",
    "command_line",
    "claims_table",
    "glossary",
    "gallery",
    "players",
    "navigation",
]
exclude_patterns = ["_build", "_extensions"]
nitpicky = True
# Names in docstrings that are arguments, or of other packages, or programs, have no page here.
nitpick_ignore_regex = [
    ("py:.*", r"(?!zeroone\.).*"),
    ("py:.*", r"zeroone\.(cli|commands|grading\.(supervisor|worker))\b.*"),
]
default_role = "py:obj"
# Quotes and primes, as in mu', stay as they are; a display is not Python.
smartquotes = False
highlight_language = "text"
viewcode_follow_imported_members = False

# The notebooks are executed already: a test sees to it that they equal their scripts. To execute
# them anew: -D nb_execution_mode=force
nb_execution_mode = "off"
nb_execution_timeout = 600
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 3
myst_dmath_double_inline = False
myst_update_mathjax = False

autodoc_typehints = "none"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
add_module_names = False
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"zeroone {release}"
html_baseurl = PROJECT["urls"]["Documentation"]
html_math_renderer = "mathml"
html_favicon = "_static/icon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
# Summaries of what a search finds are fetched, which browsers refuse for files on a disk.
html_show_search_summary = False
