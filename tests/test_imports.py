"""Which room is whose: no circle, no private name of another module, no helper nobody imports."""

import ast
import re
from graphlib import TopologicalSorter

import imports  # of this folder: IPython 7 brings a package that is called tests, too
import pytest

from notebooks.tools import build, plan

ROOT = imports.ROOT


def test_no_import_runs_in_a_circle():
    """Neither between the boxes of the drawing, nor between files."""
    list(TopologicalSorter(imports.graph()).static_order())
    modules = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts)
               for path in imports.files()}  # fmt: skip
    of = {name.removesuffix(".__init__"): path for path, name in modules.items()}
    files = {}
    for path in modules:
        names = imports.imported(path)
        names |= {name.rsplit(".", 1)[0] for name in names}
        files[path] = {of[name] for name in names if name in of} - {path}
    list(TopologicalSorter(files).static_order())


@pytest.mark.parametrize("path", list(imports.files()), ids=lambda path: path.stem)
def test_no_private_name_of_another_module_is_used(path):
    tree = ast.parse(path.read_text(encoding="utf8"))
    names = imports.imported(path)
    assert [n for n in names if re.search(r"\._[a-z]", n) and "__main__" not in n] == []
    modules = {name.rsplit(".", 1)[1] for name in names}
    used = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.value.id in modules and re.match(r"_(?!fields|asdict|replace)[a-z]", node.attr)
    }
    assert used == set()


def test_helpers_holds_what_notebooks_import_and_nothing_else():
    code = "\n".join(path.read_text(encoding="utf8") for path in build.sources())
    needed = {path for path in plan.modules(code, ROOT)}
    there = {path for path in imports.files() if path.is_relative_to(ROOT / "helpers")}
    assert there - needed == {ROOT / "helpers" / "datasets" / "__main__.py"}


def test_helpers_names_its_modules_in_order():
    text = (ROOT / "helpers" / "__init__.py").read_text(encoding="utf8")
    named = re.findall(r"`(\w+)`", ast.get_docstring(ast.parse(text)))
    assert sorted(named) == sorted({n[8:] for n in imports.graph() if n.startswith("helpers.")})


def test_the_drawing_in_contributing_is_that_of_the_code():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf8")
    assert imports.drawing() in text, "run `make imports`"
