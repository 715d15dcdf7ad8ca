"""The kept pages, as a reader finds them: computed sentences, printed lines and tables."""

from __future__ import annotations

import re
from functools import lru_cache

import bs4
import nbformat
import pandas as pd

from notebooks.tools import build


class Page:
    """The outputs of a kept notebook."""

    def __init__(self, name: str):
        nb = nbformat.read(build.ROOT / "notebooks" / f"{name}.ipynb", 4)
        outputs = [o for c in nb.cells if c.cell_type == "code" for o in c.outputs]
        data = [o.get("data", {}) for o in outputs]
        html = [d["text/html"] for d in data if "<table" in d.get("text/html", "")]
        soups = [bs4.BeautifulSoup(page, "html.parser") for page in html]
        self.tables = [_frame(table) for soup in soups for table in soup.find_all("table")]
        said = [o.get("text") or o.get("data", {}).get("text/markdown", "") for o in outputs]
        self.text = "\n".join(text for text in said if text)

    def find(self, pattern: str) -> re.Match:
        """Return the first computed sentence that fits; not counting bold and line ends."""
        text = re.sub(r"[*`]+", "", re.sub(r"\s+", " ", self.text))
        found = re.search(pattern, text)
        assert found, f"no computed sentence has {pattern!r}"
        return found

    def table(self, *columns: str) -> pd.DataFrame:
        """Return the first table that shows these columns."""
        found = [t for t in self.tables if set(columns) <= {str(c) for c in t.columns}]
        assert found, f"no table has the columns {columns}"
        return found[0]


def _frame(table: bs4.Tag) -> pd.DataFrame:
    """Return what a table shows, as pandas wrote it: the first column is the index."""
    head = table.find("thead").find("tr")
    names = [cell.get_text() for cell in head.find_all(["th", "td"])][1:]
    body = table.find("tbody").find_all("tr")
    rows = [[c.get_text().strip() for c in row.find_all(["th", "td"])] for row in body]
    rows = [row for row in rows if len(row) == len(names) + 1]
    frame = pd.DataFrame([row[1:] for row in rows], [row[0] for row in rows], names)
    return frame.apply(_typed)


def _typed(column: pd.Series) -> pd.Series:
    if set(column) <= {"True", "False"}:
        return column == "True"
    try:
        return pd.to_numeric(column)
    except ValueError:
        return column


page = lru_cache(Page)
