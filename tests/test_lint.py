"""Lint is part of the tests: helpers, tests and notebook sources."""

import subprocess
import sys

import pytest

from notebooks.tools.build import ROOT


def test_ruff_finds_nothing():
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "."], cwd=ROOT,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stdout


SOLUTIONS = sorted(ROOT.glob("notebooks/solutions/*.py"))


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_a_solution_uses_only_names_of_its_page_and_its_own(path):
    """`make test` does not run the solutions; a name that the page has lost is found here."""
    page = ROOT / "notebooks" / "src" / path.name
    code = page.read_text(encoding="utf8") + "\n" + path.read_text(encoding="utf8")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821"]
    command += ["--config", 'builtins=["display"]', "--stdin-filename", path.name, "-"]
    done = subprocess.run(command, input=code, capture_output=True, text=True, encoding="utf8")
    assert done.returncode == 0, done.stdout
