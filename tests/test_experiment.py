"""A notebook that opens networks makes them first where there are none."""

import ast
import json

import jupytext
import pytest

from helpers import experiment
from notebooks.tools import build

SOURCE = """# %% [markdown]
# # Loud

# %% tags=["parameters"]
OUT_DIR: str = "runs"  # where
RUN_NAME: str = "05_loud"  # name
EPOCHS: int = 40  # many
CLASSES: list = []  # names

# %%
import json
from pathlib import Path

if EPOCHS == 13:
    raise ValueError("thirteen is too many")
found = {"OUT_DIR": OUT_DIR, "RUN_NAME": RUN_NAME, "EPOCHS": EPOCHS, "CLASSES": CLASSES}
Path(OUT_DIR).write_text(json.dumps(found))
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / "notebooks" / "src").mkdir(parents=True)
    (tmp_path / "notebooks" / "src" / "05_loud.py").write_text(SOURCE)
    monkeypatch.setattr(experiment, "ROOT", tmp_path)
    return tmp_path


def test_the_other_notebook_gets_what_it_declares_and_keeps_its_name(root, capsys):
    mine = {"OUT_DIR": "out.json", "RUN_NAME": "11_mine", "CLASSES": ["a'b"], "KEPT": 0.1}
    experiment.run_first("05_loud", mine, EPOCHS=2)
    found = json.loads((root / "out.json").read_text())
    assert found == {
        "OUT_DIR": "out.json", "RUN_NAME": "05_loud", "EPOCHS": 2, "CLASSES": ["a'b"],
    }  # fmt: skip
    assert "Notebook 05_loud has left nothing yet" in capsys.readouterr().out


def test_its_failure_is_said_in_one_line(root):
    with pytest.raises(RuntimeError, match="05_loud.* failed: ValueError: thirteen is too many"):
        experiment.run_first("05_loud", {}, EPOCHS=13)


def calls():
    """Every call of `run_first` in the series: notebook, what it asks for, further parameters."""
    for path in build.sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "run_first":
                given = {keyword.arg for keyword in node.keywords}
                for name in ast.walk(node.args[0]):
                    if isinstance(name, ast.Constant) and isinstance(name.value, str):
                        yield path.stem, name.value, given


@pytest.mark.parametrize("caller, needed, given", list(calls()))
def test_what_is_asked_for_exists(caller, needed, given):
    declared = build.parameters(jupytext.read(build.sources([needed])[0]))
    assert given | set(experiment.SMALL[needed]) <= set(declared)


def test_every_notebook_that_opens_networks_makes_them_first():
    assert {caller[:2] for caller, *_ in calls()} == {"06", "08", "11", "12", "13", "14", "15"}
