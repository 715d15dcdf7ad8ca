"""Exercises, their solutions, and what a class and its teacher get."""

import ast
import re

import jupytext
import nbformat
import pytest

from notebooks.tools import build, classroom

ROOT = build.ROOT
NAMES = [path.stem for path in build.sources()]


def source(name):
    return jupytext.read(ROOT / "notebooks" / "src" / f"{name}.py")


def answers(nb):
    return [c for c in nb.cells if "answer" in c.metadata.get("tags", [])]


@pytest.mark.parametrize("name", NAMES)
def test_each_page_has_three_exercises_with_a_cell_to_fill_and_a_solution(name):
    nb = source(name)
    text = "\n\n".join(c.source for c in nb.cells if c.cell_type == "markdown")
    exercises = text.partition("## Exercises")[2].partition("\n## Next")[0]
    titles = [title.strip() for _, title in classroom.EXERCISE.findall(exercises)]
    assert len(titles) == 3 and [c.source for c in answers(nb)] == ["# Your answer"] * 3
    solved = classroom.solutions(name)
    assert [title for title, _ in solved] == titles
    for _, cells in solved:
        assert cells[0].cell_type == "markdown" and cells[0].source.count(".") >= 2
        code = [c.source for c in cells if c.cell_type == "code"]
        assert code and all(ast.parse(text).body for text in code)


def test_every_solution_belongs_to_a_page():
    stems = sorted(path.stem for path in (ROOT / "notebooks" / "solutions").glob("*.py"))
    assert stems == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_three_questions_fold_their_answers(name):
    nb = source(name)
    (cell,) = [c for c in nb.cells if "\n## Three questions" in f"\n{c.source}"]
    folded = r"<details><summary>\d\. [^\n]*\?[^\n]*</summary>\n\n(.+?)\n\n</details>"
    found = re.findall(folded, cell.source, re.S)
    assert len(found) == 3 and all(len(answer.split()) >= 8 for answer in found)


@pytest.fixture
def written(tmp_path, capsys):
    """`python -m notebooks.tools.classroom 05`, in a copy of what it reads."""
    for folder in ("src", "solutions"):
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        (tmp_path / "notebooks" / folder).symlink_to(ROOT / "notebooks" / folder)
    name = "05_convpool.ipynb"
    (tmp_path / "notebooks" / name).write_bytes((ROOT / "notebooks" / name).read_bytes())
    assert classroom.main(["05"], root=tmp_path) == 0
    paths = capsys.readouterr().out.split()
    return [nbformat.read(tmp_path / path, as_version=4) for path in paths]


def test_a_class_gets_neither_outputs_nor_solutions(written):
    kept = nbformat.read(ROOT / "notebooks" / "05_convpool.ipynb", as_version=4)
    for_the_class, for_the_teacher = written
    for nb in written:
        assert all(not c.outputs for c in nb.cells if c.cell_type == "code")
        assert build.code_hash(nb) != "" and build.STAMP not in nb.metadata
    assert build.code_hash(for_the_class) == build.code_hash(kept)
    assert len(answers(for_the_class)) == 3
    text = str(for_the_class)
    assert "<details>" not in text and text.count("*Your answer:*") == 3
    assert "**Solution.**" not in text
    assert answers(for_the_teacher) == []
    text = str(for_the_teacher)
    assert text.count("**Solution.**") == 3 and text.count("<details>") == 3
    for title, cells in classroom.solutions("05_convpool"):
        assert title in text
        assert all(repr(c.source)[1:-1] in text for c in cells if c.cell_type == "code")


def test_what_is_missing_is_named(tmp_path, capsys):
    assert classroom.main(["98"]) == 1
    assert "no notebook '98'" in capsys.readouterr().err
    with pytest.raises(build.NotebookError, match="notebooks/solutions/05_convpool.py is missing"):
        classroom.solutions("05_convpool", tmp_path)
