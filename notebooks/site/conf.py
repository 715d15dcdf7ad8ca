"""The series as static pages, from the kept notebooks: `make site`."""

import json

project = "Music classification notebooks"
extensions = ["myst_nb", "sphinx_external_toc", "sphinx_copybutton", "sphinxcontrib.mermaid"]
external_toc_path = "notebooks/site/_toc.yml"
external_toc_exclude_missing = True
exclude_patterns = [
    ".venv", ".git", ".pytest_cache", ".ruff_cache", "runs", "tests", "helpers", "notebooks/src",
    "notebooks/solutions", "data/[!R]*", "models/[!R]*",
]  # fmt: skip

nb_execution_mode = "off"
myst_enable_extensions = ["linkify"]
myst_linkify_fuzzy_links = False
myst_heading_anchors = 3
myst_update_mathjax = False
myst_fence_as_directive = ["mermaid"]
mermaid_version = ""  # no script from elsewhere: site.css hides what GitHub draws
mermaid_init_js = ""

html_theme = "sphinx_book_theme"
html_title = project
html_theme_options = {"navbar_persistent": [], "use_download_button": True}
html_static_path = ["static"]
html_css_files, html_js_files = ["site.css"], ["site.js"]
html_show_copyright = html_show_sphinx = False
html_show_search_summary = False  # it would be fetched, which a page on a disk may not do


def fold(app, name, source):
    """Fold on the site the cells that are folded in JupyterLab: setup, imports, parameters."""
    if app.env.doc2path(name).endswith(".ipynb"):
        nb = json.loads(source[0])
        for cell in nb["cells"]:
            if cell["metadata"].get("jupyter", {}).get("source_hidden"):
                cell["metadata"].setdefault("tags", []).append("hide-input")
        source[0] = json.dumps(nb)


def setup(app):
    """Let Sphinx call `fold` with every file that it reads."""
    app.connect("source-read", fold)
