"""Make what a class gets from a notebook, and what its teacher gets.

::

    python -m notebooks.tools.classroom 05

writes two notebooks into ``runs/assignments``: ``05_convpool.ipynb`` without outputs, without
solutions and without the answers to its questions, and ``05_convpool-solutions.ipynb`` with the
solutions in their cells. The solutions stand in ``notebooks/solutions``.
"""

from __future__ import annotations

import argparse
import copy
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from helpers.files import write_atomic
from notebooks.tools import build

FOLDED_ANSWER = re.compile(r"<details><summary>(.*?)</summary>.*?</details>", re.DOTALL)
EXERCISE = re.compile(r"^#{2,3} (\d)\. (.+)$", re.MULTILINE)


def solutions(stem: str, root: Path = build.ROOT) -> list[tuple[str, list]]:
    """Return the solutions of a notebook: title and cells of each, in order."""
    import jupytext

    path = root / "notebooks" / "solutions" / f"{stem}.py"
    if not path.exists():
        raise build.NotebookError(f"notebooks/solutions/{stem}.py is missing")
    found: list[tuple[str, list]] = []
    for cell in jupytext.read(path, fmt="py:percent").cells:
        title = EXERCISE.search(cell.source) if cell.cell_type == "markdown" else None
        if title:
            found.append((title[2].strip(), []))
        if found:
            found[-1][1].append(cell)
    return found


def solved(nb: nbformat.NotebookNode, stem: str, root: Path = build.ROOT) -> nbformat.NotebookNode:
    """Return the notebook with the solutions in place of the empty cells."""
    nb, left = copy.deepcopy(nb), solutions(stem, root)
    cells = []
    for cell in nb.cells:
        if "answer" not in cell.metadata.get("tags", []):
            cells.append(cell)
            continue
        if not left:
            raise build.NotebookError(f"notebooks/solutions/{stem}.py has too few solutions")
        for part in left.pop(0)[1]:
            new = new_code_cell if part.cell_type == "code" else new_markdown_cell
            cells.append(new(EXERCISE.sub("**Solution.**", part.source, count=1)))
    nb.cells = cells
    return nb


def without_outputs(nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the notebook as if it had never run."""
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nb.metadata.pop(build.STAMP, None)
    return nb


def without_answers(nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the notebook with its questions, but without what is folded below them."""
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        cell.source = FOLDED_ANSWER.sub(r"\1\n\n*Your answer:*", cell.source)
    return nb


def main(argv: Sequence[str] | None = None, *, root: Path = build.ROOT) -> int:
    """Run the command line; the exit status is 1 if something is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m notebooks.tools.classroom",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="+", metavar="NB", help="05 or 05_convpool")
    args = parser.parse_args(argv)
    try:
        for path in build.sources(args.names, root=root):
            for file in _write(path.stem, root):
                print(file.relative_to(root).as_posix())
    except build.NotebookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _write(stem: str, root: Path) -> list[Path]:
    nb = without_outputs(nbformat.read(root / "notebooks" / f"{stem}.ipynb", as_version=4))
    folder = root / "runs" / "assignments"
    folder.mkdir(parents=True, exist_ok=True)
    made = {f"{stem}.ipynb": without_answers(nb), f"{stem}-solutions.ipynb": solved(nb, stem, root)}
    for name, notebook in made.items():
        text = nbformat.writes(notebook, version=nbformat.NO_CONVERT)
        write_atomic(folder / name, text + "\n")
    return [folder / name for name in made]


if __name__ == "__main__":
    sys.exit(main())
