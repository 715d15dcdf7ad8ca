"""What an experiment needs before its subject begins."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Enough training for networks that can be looked into, in a minute or two on the demo dataset.
SMALL = {
    "05_convpool": {"EPOCHS": 8, "PICTURES": ["log-mel"], "PICTURE_STEPS": 8},
    "07_crnn": {"CRNN_EPOCHS": 8, "RIVALS": [], "RATE_EPOCHS": 1, "LENGTH_TRACKS": 5},
}


def run_first(notebook: str, parameters: dict, **others) -> None:
    """Run another notebook of the series, made small, because its networks are needed here.

    So a notebook that opens trained networks runs alone, too. Where the other notebook has left
    its networks already, do not call this.

    Parameters
    ----------
    notebook : str
        Such as "05_convpool".
    parameters : dict
        The caller's ``globals()``. What the other notebook declares as well is handed on, but for
        RUN_NAME.
    **others
        Further parameters of the other notebook.

    Raises
    ------
    RuntimeError
        The other notebook failed. The message ends with its error.

    Examples
    --------
    >>> run_first("99_none", {})
    Traceback (most recent call last):
    FileNotFoundError: there is no notebooks/src/99_none.py
    """
    path = ROOT / "notebooks" / "src" / f"{notebook}.py"
    if not path.is_file():
        raise FileNotFoundError(f"there is no notebooks/src/{notebook}.py")
    script = _with_parameters(path.read_text(encoding="utf-8"), notebook, parameters, others)
    print(f"Notebook {notebook} has left nothing yet: it runs first, made small, a minute or two.")
    quiet = {"MPLBACKEND": "agg", "TF_CPP_MIN_LOG_LEVEL": "3", "SERIES_STATIC": "1"}
    done = subprocess.run(
        [sys.executable, "-"], input=script, cwd=ROOT, env={**os.environ, **quiet},
        capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise RuntimeError(f"notebook {notebook}, which is needed first, failed: {lines[-1]}")


def _with_parameters(text: str, notebook: str, parameters: dict, others: dict) -> str:
    """Return the source with other values behind its cell of parameters, as papermill would."""
    cells = re.split(r"^(?=# %%)", text, flags=re.MULTILINE)
    at = next(i for i, cell in enumerate(cells) if re.match(r'# %%.*"parameters"', cell))
    declared = re.findall(r"^([A-Z][A-Z0-9_]*):", cells[at], flags=re.MULTILINE)
    known = {k: parameters[k] for k in declared if k in parameters and k != "RUN_NAME"}
    values = known | SMALL.get(notebook, {}) | others
    cells[at] += "".join(f"{name} = {value!r}\n" for name, value in values.items())
    return "".join(cells)
