"""Build, render, pull and check, with a tiny series in a temporary repository."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from notebooks.tools import build

TEMPLATE = """# %% [markdown]
# # Title

# %% tags=["setup"]
REPOSITORY = "https://github.com/someone/music"
here = 1

# %%
"""
SOURCE = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Loudness
#
# *one minute · nothing · nothing*

# %% tags=["setup"]
old = 1

# %% tags=["parameters"]
SEED: int = 0  # any number

# %% [markdown]
# ## Look

# %%
def louder(y):
    return 2 * y


print("seed", SEED)

# %% [markdown]
# ## Next
"""
BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/someone/music/blob/main/notebooks/05_loud.ipynb)"
)
NOISY = """
# %%
import sys

from IPython.display import HTML, Audio, display

print("one")
print("a warning", file=sys.stderr)
display({"application/vnd.jupyter.widget-view+json": {"model_id": "1"}}, raw=True)
print("two")
display(Audio([0.0, 0.1], rate=8000))

# %%
HTML("<b>kept</b>")
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "notebooks" / "src"
    folder.mkdir(parents=True)
    (folder / "00_template.py").write_text(TEMPLATE)
    (folder / "05_loud.py").write_text(SOURCE)
    return tmp_path


def source(root: Path) -> Path:
    return root / "notebooks" / "src" / "05_loud.py"


def target(root: Path) -> Path:
    return root / "notebooks" / "05_loud.ipynb"


def read(root: Path) -> nbformat.NotebookNode:
    return nbformat.read(target(root), as_version=4)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def pretend_rendered(root: Path) -> None:
    """Give every code cell an output and stamp the notebook, without a kernel."""
    nb = read(root)
    for number, cell in enumerate((c for c in nb.cells if c.cell_type == "code"), start=1):
        cell.execution_count = number
        cell.outputs = [new_output("stream", text=f"{number}\n")]
    nb.metadata[build.STAMP]["code_hash"] = build.code_hash(nb)
    target(root).write_text(build._to_json(nb))


def test_build_writes_the_setup_cell_into_the_source_and_the_badge_into_the_notebook(root):
    assert build.build(root=root) == [target(root)]
    text = source(root).read_text()
    assert 'here = 1\n\n# %% tags=["parameters"]' in text and "old = 1" not in text
    assert "Colab" not in text
    nb = read(root)
    assert nb.cells[0].source.startswith(f"# Loudness\n\n{BADGE}\n\n*one minute")
    assert [c.cell_type[0] for c in nb.cells] == ["m", "c", "c", "m", "c", "m"]
    assert nb.cells[2].metadata == {"tags": ["parameters"]}
    assert nb.metadata.kernelspec.name == "python3"
    assert set(nb.metadata) == {"kernelspec", "language_info", build.STAMP}


def test_a_second_build_changes_nothing(root):
    build.build(root=root)
    before = [source(root).read_bytes(), target(root).read_bytes()]
    build.build(["05"], root=root)
    assert [source(root).read_bytes(), target(root).read_bytes()] == before
    target(root).unlink()
    build.build(["05_loud"], root=root)
    assert target(root).read_bytes() == before[1]


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("https://github.com/other/tunes", "https://github.com/other/tunes"),
        ("https://github.com/other/tunes.git", "https://github.com/other/tunes"),
        ("https://me:secret@github.com/other/tunes.git", "https://github.com/other/tunes"),
        ("git@github.com:other/my.tunes.git", "https://github.com/other/my.tunes"),
        ("ssh://git@github.com/other/tunes/", "https://github.com/other/tunes"),
        ("https://notgithub.com/other/tunes", "https://github.com/someone/music"),
        ("/home/me/tunes.git", "https://github.com/someone/music"),
        ("", "https://github.com/someone/music"),
    ],
)
def test_the_address_is_that_of_origin_on_github_or_the_setting(root, origin, expected):
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    if origin:
        subprocess.run(["git", "remote", "add", "origin", origin], cwd=root, check=True)
    build.build(root=root)
    first, setup = (read(root).cells[i].source for i in (0, 1))
    assert first.count("Open in Colab") == 1
    assert expected.replace("https://github.com", "github") + "/blob/main/notebooks/05" in first
    assert f'REPOSITORY = "{expected}"' in setup
    assert "secret" not in target(root).read_text()


@pytest.mark.parametrize("ending", ["/", ".git"])
def test_the_setting_may_be_what_a_browser_or_git_shows(root, ending):
    change(source(root).with_name("00_template.py"), "someone/music", f"someone/music{ending}")
    build.build(root=root)
    assert "github/someone/music/blob/main/notebooks/05" in read(root).cells[0].source


def test_a_new_address_is_no_edit_and_makes_no_output_stale(root):
    build.build(root=root)
    pretend_rendered(root)
    change(source(root).with_name("00_template.py"), "someone", "other")
    assert "setup cell is not the template's" in build.check(root=root)[0]
    build.build(root=root)
    assert build.check(root=root) == [] and "github/other/music" in target(root).read_text()
    build.pull("05", root=root)
    assert "Colab" not in source(root).read_text()
    assert build.check(root=root) == []


def test_a_clone_from_elsewhere_finds_nothing_out_of_date(root):
    """Who forks the series need not build it again before its tests pass."""
    build.build(root=root)
    pretend_rendered(root)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    git = ["git", "remote", "add", "origin", "https://github.com/fork/music"]
    subprocess.run(git, cwd=root, check=True)
    assert build.check(root=root) == []


def test_without_an_address_there_is_no_badge(root):
    change(source(root).with_name("00_template.py"), "https://github.com/someone/music", "")
    build.build(root=root)
    assert "colab" not in target(root).read_text().lower()
    assert read(root).cells[0].source == "# Loudness\n\n*one minute · nothing · nothing*"


def test_build_keeps_ids_and_outputs_of_unchanged_cells(root):
    build.build(root=root)
    pretend_rendered(root)
    before = read(root)
    change(source(root), "SEED: int = 0", "SEED: int = 1")
    change(
        source(root), "# %% [markdown]\n# ## Look", "# %%\nnew = 1\n\n# %% [markdown]\n# ## Look"
    )
    build.build(root=root)
    after = read(root)
    assert [c.id for c in after.cells if c.source != "new = 1"] == [c.id for c in before.cells]
    outputs = {c.source: c.outputs for c in after.cells if c.cell_type == "code"}
    assert outputs["SEED: int = 1  # any number"] == [] and outputs["new = 1"] == []
    assert [o[0].text for source, o in outputs.items() if "louder" in source] == ["3\n"]
    assert len({c.id for c in after.cells}) == len(after.cells)


def test_build_does_not_lose_an_edit_made_in_jupyterlab(root):
    build.build(root=root)
    change(target(root), "## Look", "## Listen")
    with pytest.raises(build.NotebookError, match="make pull NB=05_loud"):
        build.build(root=root)
    build.build(root=root, force=True)
    assert "## Listen" not in target(root).read_text()


def test_pull_brings_an_edit_back(root):
    build.build(root=root)
    before = source(root).read_text()
    build.pull("05", root=root)
    assert source(root).read_text() == before
    change(target(root), "## Look", "## Listen")
    build.pull("05", root=root)
    assert source(root).read_text() == before.replace("## Look", "## Listen")
    assert build.check(root=root) == [
        "notebooks/05_loud.ipynb has no outputs yet; `make render NB=05_loud`"
    ]


@pytest.mark.parametrize("minor", [0, 4])
def test_pull_reads_a_notebook_without_ids(root, minor):
    """Colab and VS Code save such ones."""
    build.build(root=root)
    pretend_rendered(root)
    before, text = read(root), source(root).read_text()
    nb = json.loads(target(root).read_text())
    nb["nbformat_minor"] = minor
    for cell in nb["cells"]:
        del cell["id"]
    target(root).write_text(json.dumps(nb))
    build.build(root=root)
    change(target(root), "## Look", "## Listen")
    build.pull("05", root=root)
    assert source(root).read_text() == text.replace("## Look", "## Listen")
    after = read(root)
    assert [c.get("outputs") for c in after.cells] == [c.get("outputs") for c in before.cells]
    assert [c.id for c in after.cells if "Listen" not in c.source] == [
        c.id for c in before.cells if "Look" not in c.source
    ]
    assert build.check(root=root) == []


def test_a_pull_that_fails_changes_nothing(root):
    build.build(root=root)
    change(target(root), "# Loudness", "Loudness")
    before = [source(root).read_bytes(), target(root).read_bytes()]
    with pytest.raises(build.NotebookError, match="05_loud.py has no title"):
        build.pull("05", root=root)
    assert [source(root).read_bytes(), target(root).read_bytes()] == before


def test_check_finds_what_is_out_of_date(root):
    def problems():
        return " ".join(build.check(root=root))

    assert "setup cell is not the template's" in problems()
    build.build(root=root)
    assert "no outputs yet" in problems()
    pretend_rendered(root)
    assert problems() == ""
    change(source(root), "## Look", "## Listen")
    assert "not built from its source" in problems()
    build.build(root=root)
    assert problems() == ""  # prose alone does not make outputs stale
    change(source(root), "SEED)", "SEED + 1)")
    build.build(root=root)
    assert "outputs of other code; `make render NB=05_loud`" in problems()
    assert build.main(["check"], root=root) == 1
    target(root).rename(target(root).with_name("06_stray.ipynb"))
    assert "05_loud.ipynb is missing" in problems() and "06_stray.ipynb has no source" in problems()


@pytest.mark.processes
def test_render_keeps_what_a_reader_needs_and_repeats_to_the_byte(root):
    source(root).write_text(SOURCE + NOISY)
    build.render(["05"], root=root)
    first = target(root).read_bytes()
    cells = [c for c in read(root).cells if c.cell_type == "code"]
    assert [c.execution_count for c in cells] == [1, 2, 3, 4, 5]
    text, player = cells[3].outputs
    assert text.text == "one\ntwo\n"
    assert player.data == {"text/plain": build.AUDIO_PLACEHOLDER}
    assert cells[4].outputs[0].data["text/html"] == "<b>kept</b>"
    assert all(set(c.metadata) <= {"tags"} for c in read(root).cells)
    assert set(read(root).metadata) == {"kernelspec", "language_info", build.STAMP}
    assert build.check(root=root) == []
    build.render(["05"], root=root)
    assert target(root).read_bytes() == first


@pytest.mark.processes
def test_a_failed_render_names_the_cell_and_keeps_the_file(root):
    build.build(root=root)
    change(source(root), 'print("seed", SEED)', 'raise KeyError("tempo")')
    build.build(root=root)
    before = target(root).read_bytes()
    with pytest.raises(build.NotebookError) as failed:
        build.render(root=root)
    assert str(failed.value) == "notebooks/05_loud.ipynb, cell In [3]: KeyError: 'tempo'"
    assert target(root).read_bytes() == before


def test_a_render_that_is_too_large_is_refused(root, monkeypatch):
    build.build(root=root)
    before = target(root).read_bytes()
    monkeypatch.setattr(build, "MAX_BYTES", 100)
    monkeypatch.setattr(build, "_execute", lambda nb, where, root: nb)
    with pytest.raises(build.NotebookError, match="more than 100; .* cell In"):
        build.render(root=root)
    assert target(root).read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('# %% tags=["setup"]', "# %%", "05_loud.py has no setup cell"),
        ("# # Loudness", "# Loudness", "05_loud.py has no title"),
    ],
)
def test_a_source_that_lacks_a_part_is_refused(root, old, new, message):
    change(source(root), old, new)
    with pytest.raises(build.NotebookError, match=message):
        build.build(root=root)


def test_unknown_names_and_broken_files_are_named(root, capsys):
    assert build.main(["build", "07"], root=root) == 1
    assert "no notebook '07' in notebooks/src; there are: 05_loud" in capsys.readouterr().err
    target(root).write_text("{")
    assert build.main(["build"], root=root) == 1
    assert "05_loud.ipynb is not a notebook" in capsys.readouterr().err


def test_parameters_are_parsed_not_searched():
    source = "A: int = 1  # use A=2 for more\nB = C = [1,\n     2]  # x = y\nD = print\nE: str\n1"
    nb = new_notebook(cells=[new_code_cell(source, metadata={"tags": ["parameters"]})])
    found = build.parameters(nb)
    assert list(found) == ["A", "B", "C", "D"]
    assert found["A"] == (1, "int") and found["B"].default == [1, 2]
    assert found["D"].default is build.UNKNOWN


def test_html_needs_no_network():
    source = "![a > plot](http://example.org/a.png)\n\n<link rel=x href=https://example.org/x.css>"
    page = build.to_html(new_notebook(cells=[nbformat.v4.new_markdown_cell(source)]), title="t")
    assert "a &gt; plot" in page
    assert "<script" not in page and "<link" not in page and "src=" not in page


def test_the_stamp_is_plain_json(root):
    build.build(root=root)
    stamp = json.loads(target(root).read_text())["metadata"][build.STAMP]
    assert set(stamp) == {"built_hash"} and len(stamp["built_hash"]) == 64


def test_html_shows_where_a_progress_bar_ended():
    bar = [
        new_output("stream", name="stderr", text=text) for text in ("\r bar-half", "\r100%", "\n")
    ]
    nb = new_notebook(cells=[new_code_cell("work()", outputs=bar)])
    page = build.to_html(nb, title="t")
    assert "100%</" in page.replace("\n", "") and "bar-half" not in page
    assert len(nb.cells[0].outputs) == 3
