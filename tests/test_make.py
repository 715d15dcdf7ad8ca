"""The two commands: help, one line for a wrong Python, nothing installed twice."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook

from notebooks.tools.build import KERNEL, ROOT


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


@pytest.fixture
def clone(project):
    """A clone in a folder with a blank, whose Python tells its arguments."""
    folder = project / "my clone"
    folder.mkdir()
    for path in project.glob("*.*"):
        shutil.copy(path, folder)
    shutil.copy(project / "Makefile", folder)
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
    python.chmod(0o755)
    (folder / ".venv" / ".installed").touch()
    return folder


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "DATA_DIR=my data"], "demo.yml><--data-dir><my data><--jobs><2>"),
        (["study", "STUDY=my study", "DATA_DIR=/a  b/c"],
         "<notebooks/studies/my study.yml><--data-dir></a  b/c><--jobs><2>"),
        (["study", "DASK=tcp://a b"], "<--data-dir><data><--jobs><2><--dask><tcp://a b>"),
        (["run", "DATA_DIR=~/my data"], f"<{Path.home()}/my data>"),
        (["fetch", "DATASET=my set", "DATA_DIR=my data"], "<helpers.datasets><my set><my data>"),
        (["render", "NB=05 06"], "<render><05><06>"),
    ],
)  # fmt: skip
def test_paths_may_hold_blanks(clone, arguments, told):
    assert told in make(clone, *arguments).stdout
    assert "help " in make(clone).stdout


def test_a_python_may_lie_in_a_folder_with_a_blank(clone):
    shutil.rmtree(clone / ".venv")
    stub = clone / "my python"
    stub.write_text("#!/bin/sh\nexit 3\n")
    stub.chmod(0o755)
    assert "Error 3" in make(clone, "run", f"PYTHON={stub}").stderr


@pytest.mark.processes
def test_a_study_runs_in_a_clone_with_a_blank(clone):
    for name in ("helpers", "notebooks/tools"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    python = clone / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    lines = 'DATA_DIR: str = ""\nOUT_DIR: str = ""'
    check = "assert DATA_DIR == 'my data' and __import__('os').path.isdir(OUT_DIR), DATA_DIR"
    first = new_code_cell(lines, metadata={"tags": ["parameters"]})
    nb = new_notebook(cells=[first, new_code_cell(check)], metadata=KERNEL)
    nbformat.write(nb, clone / "notebooks" / "01_a.ipynb")
    (clone / "notebooks" / "studies").mkdir()
    text = yaml.safe_dump({"name": "tiny", "dataset": "demo", "steps": [{"notebook": "01_a"}]})
    (clone / "notebooks" / "studies" / "my study.yml").write_text(text)
    done = make(clone, "study", "STUDY=my study", "DATA_DIR=my data", "JOBS=1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (clone / "runs" / "tiny" / "report.html").exists()


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
