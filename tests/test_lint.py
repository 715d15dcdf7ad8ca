"""Lint is part of the tests: helpers, tests and notebook sources."""

import subprocess
import sys

from notebooks.tools.build import ROOT


def test_ruff_finds_nothing():
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "."], cwd=ROOT,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stdout
