"""Run all tests, with every network, in environments of other versions: `make test-versions`.

Each environment is made new with uv. The table goes to the terminal and, with its date, into
CONTRIBUTING.md. Names on the command line choose some: `python -m tests.versions oldest`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from datetime import date
from pathlib import Path

import pandas as pd
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from helpers.files import write_atomic

ROOT = Path(__file__).resolve().parents[1]
SHOWN = ("numpy", "pandas", "scikit-learn", "tensorflow", "keras", "librosa")
ENVIRONMENTS = {  # name: Python, further arguments of `uv pip install`
    "pinned": ("3.11", ["-c", "constraints.txt"]),
    "pinned-3.13": ("3.13", ["-c", "constraints.txt"]),
    "colab": ("3.12", ["-c", "tests/colab.txt"]),
    "oldest": ("3.11", ["--resolution", "lowest-direct"]),
}


def uv(*arguments: str) -> str:
    """Call uv and return what it prints."""
    command = [sys.executable, "-m", "uv", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def run_tests(python: str, folder: Path, name: str, *arguments: str, **variables: str) -> dict:
    """Run pytest; return how many tests passed, failed and were skipped."""
    report = folder / f"{name}.xml"
    command = [python, "-m", "pytest", "-q", f"--junitxml={report}", "--basetemp"]
    with open(folder / f"{name}.log", "w", encoding="utf8") as log:
        subprocess.run(
            [*command, folder / name, *arguments], cwd=ROOT, env=os.environ | variables,
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    if not report.exists():  # pytest itself could not start
        return {"passed": 0, "failed": 1, "skipped": 0}
    suite = ElementTree.parse(report).getroot().find("testsuite")
    failed = int(suite.get("failures")) + int(suite.get("errors"))
    skipped = int(suite.get("skipped"))
    return {"passed": int(suite.get("tests")) - failed - skipped, "failed": failed,
            "skipped": skipped}  # fmt: skip


def bounds_never_run(there: dict[str, str]) -> list[str]:
    """Name the lines of requirements.txt whose lower bound is not the installed version."""
    lines = [x.partition("#")[0].strip() for x in (ROOT / "requirements.txt").open()]
    found = []
    for requirement in map(Requirement, filter(None, lines)):
        (low,) = (s.version for s in requirement.specifier if s.operator == ">=")
        if Version(there[canonicalize_name(requirement.name)]) != Version(low):
            found.append(str(requirement))
    return found


def try_environment(name: str, folder: Path) -> dict:
    """Make an environment, run everything in it, and return a row of the table."""
    version, how = ENVIRONMENTS[name]
    began, python = time.time(), str(folder / name / "bin" / "python")
    uv("venv", "--quiet", "--seed", "--python", version, str(folder / name))
    row = {"environment": name, "Python": version}
    install = ["pip", "install", "--quiet", "--compile-bytecode", "--python", python]
    if name == "colab":  # first as Colab is: only what it ships, then a lonely notebook
        uv(*install, "-r", "tests/colab.txt")
        alone = run_tests(
            sys.executable, folder, "colab-alone", "tests/test_series.py", "-k", "alone",
            ALONE_PYTHON=python,
        )  # fmt: skip
        row["alone, as in Colab"] = "{passed} of {0} notebooks".format(sum(alone.values()), **alone)
    uv(*install, "-r", "requirements.txt", *how)
    there = dict(x.split("==") for x in uv("pip", "freeze", "--python", python).split())
    row |= {package: there[package] for package in SHOWN}
    if name == "oldest" and (never_run := bounds_never_run(there)):
        raise SystemExit(f"requirements.txt: lower bounds that no environment reaches: {never_run}")
    row |= run_tests(python, folder, f"{name}-tests", "-n", "2", EVERY_NETWORK="1")
    return row | {"minutes": round((time.time() - began) / 60)}


def main(names: list[str]) -> int:
    """Try the environments, print the table and keep it; the exit status is 1 if a test failed."""
    folder, rows = Path(tempfile.mkdtemp(prefix="versions-")), []
    print(f"Environments and logs: {folder}", flush=True)
    for name in names or ENVIRONMENTS:
        rows.append(try_environment(name, folder))
        print(rows[-1], flush=True)
    table = pd.DataFrame(rows).fillna("").astype(str)
    lines = [table.columns, ["---"] * table.shape[1], *table.to_numpy()]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    print(text)
    if not names:
        path = ROOT / "CONTRIBUTING.md"
        kept = f"<!-- versions -->\nRun on {date.today()}:\n\n{text}\n<!-- end -->"
        old = path.read_text(encoding="utf8")
        write_atomic(path, re.sub(r"<!-- versions -->.*<!-- end -->", kept, old, flags=re.DOTALL))
    return int(any(row["failed"] for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
