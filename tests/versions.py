"""Run all tests, with every network, in environments of other versions: `make test-versions`.

Each environment is made new with uv. The table goes to the terminal and into CONTRIBUTING.md, each
row with its date. Names on the command line choose some: `python -m tests.versions oldest`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from datetime import date
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from helpers.files import write_atomic

ROOT = Path(__file__).resolve().parents[1]
SHOWN = ("numpy", "pandas", "scikit-learn", "tensorflow", "keras", "librosa")
RESULTS = ("passed", "failed", "skipped", "alone", "minutes")
COLUMNS = ("environment", "date", "Python", *SHOWN, *RESULTS)
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
    row = {"environment": name, "date": date.today(), "Python": version}
    install = ["pip", "install", "--quiet", "--compile-bytecode", "--python", python]
    if name == "colab":  # first as Colab is: only what it ships, then a lonely notebook
        uv(*install, "-r", "tests/colab.txt", "ipykernel==6.17.1")  # our tools want a later one
        alone = run_tests(
            sys.executable, folder, "colab-alone", "tests/test_series.py", "-k", "alone",
            ALONE_PYTHON=python,
        )  # fmt: skip
        row["alone"] = f"{alone['passed']} of {sum(alone.values())}"
    uv(*install, "-r", "requirements.txt", *how)
    # Kernels and tests that compile librosa's functions at the same time would spoil its cache.
    subprocess.run([python, "-m", "notebooks.tools.warmup", "all"], cwd=ROOT, check=True)
    there = dict(x.split("==") for x in uv("pip", "freeze", "--python", python).split())
    row |= {package: there[package] for package in SHOWN}
    if name == "oldest" and (never_run := bounds_never_run(there)):
        raise SystemExit(f"requirements.txt: lower bounds that no environment reaches: {never_run}")
    row |= run_tests(python, folder, f"{name}-tests", "-n", "2", EVERY_NETWORK="1")
    if name == "colab":
        row["failed"] += alone["failed"]
    return row | {"minutes": round((time.time() - began) / 60)}


def keep(row: dict) -> str:
    """Put a row into the table of CONTRIBUTING.md, in place of an older one; return the table."""
    path = ROOT / "CONTRIBUTING.md"
    before, _, rest = path.read_text(encoding="utf8").partition("<!-- versions -->\n")
    table, _, after = rest.partition("<!-- end -->")
    lines = {line.split(" | ")[0].strip("| "): line for line in table.splitlines()[2:]}
    lines[row["environment"]] = "| " + " | ".join(str(row.get(c, "")) for c in COLUMNS) + " |"
    head = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    table = "\n".join([*head, *(lines[name] for name in ENVIRONMENTS if name in lines)])
    write_atomic(path, f"{before}<!-- versions -->\n{table}\n<!-- end -->{after}")
    return table


def main(names: list[str]) -> int:
    """Try the environments and keep the table; the exit status is 1 if a test failed."""
    folder, failed = Path(tempfile.mkdtemp(prefix="versions-")), 0
    print(f"Environments and logs: {folder}", flush=True)
    for name in names or ENVIRONMENTS:
        row = try_environment(name, folder)
        failed += row["failed"]
        print(f"{name}: {row['passed']} passed, {row['failed']} failed", flush=True)
        table = keep(row)
    print(table)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
