"""A release: one version everywhere, and a public host runs what the README says."""

import re
from pathlib import Path

import yaml

import helpers

ROOT = Path(helpers.__file__).parents[1]


def read(name):
    return (ROOT / name).read_text(encoding="utf8")


def test_a_test_holds_the_three_together():
    """"A test holds the three together": `__version__`, CITATION.cff and CHANGELOG.md."""
    newest = re.search(r"^## (\S+)", read("CHANGELOG.md"), re.M)[1]
    assert yaml.safe_load(read("CITATION.cff"))["version"] == newest == helpers.__version__


def test_a_public_host_calls_the_commands_of_the_readme():
    """The workflow "calls the two commands of the README", with a Python that it allows."""
    steps = yaml.safe_load(read(".github/workflows/tests.yml"))["jobs"]["test"]["steps"]
    called = [step["run"] for step in steps if "run" in step]
    block = re.search(r"```\n(make lab.*?)```", read("README.md"), re.S)[1]
    assert len(called) == 2 and all(f"{command} " in block for command in called)
    assert [s["with"]["python-version"] for s in steps if "with" in s] == ["3.12"]
