"""The two commands: help, one line for a wrong Python, nothing installed twice."""

import os
import shutil
import subprocess
import sys
import time

import pytest
import yaml

from notebooks.tools.build import ROOT


@pytest.fixture
def project(tmp_path):
    for name in ("Makefile", "requirements.txt", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(folder, *arguments):
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(["make", *arguments], cwd=folder, env=env, capture_output=True, text=True)


def test_make_alone_prints_help(project):
    done = make(project)
    assert done.returncode == 0
    for target in ("run", "study", "fetch", "test", "lab", "notebooks", "render", "bench", "clean"):
        assert f"\n{target} " in "\n" + done.stdout
    assert not (project / ".venv").exists()


def test_another_python_is_refused_in_one_line(project):
    stub = project / "oldpython"
    stub.write_text(f"""#!/bin/sh
exec {sys.executable} -c "import sys; sys.version_info = (3, 9, 1)
$2"
""")
    stub.chmod(0o755)
    done = make(project, "run", "PYTHON=./oldpython")
    assert done.returncode != 0
    assert "Python 3.11 to 3.13 is needed, ./oldpython is 3.9" in done.stderr
    assert not (project / ".venv").exists()


def test_a_second_call_installs_nothing(project):
    (project / ".venv").mkdir()
    stamp = project / ".venv" / ".installed"
    stamp.touch()
    later = time.time() + 10
    os.utime(stamp, (later, later))
    assert "pip install" not in make(project, "-n", "test").stdout
    os.utime(project / "requirements.txt", (later + 10, later + 10))
    assert "pip install" in make(project, "-n", "test").stdout


def test_one_list_of_dependencies():
    """conda installs the list of pip; every pin lies inside its bounds."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert {"pip": ["-r requirements.txt"]} in environment["dependencies"]
    lines = [x.partition("#")[0].strip() for x in (ROOT / "requirements.txt").open()]
    pins = dict(x.strip().split("==") for x in (ROOT / "constraints.txt").open() if "==" in x)
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    for requirement in map(Requirement, filter(None, lines)):
        version = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement
