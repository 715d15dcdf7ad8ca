"""Build, render, pull and check, with a tiny series in a temporary repository."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
from pathlib import Path

import nbformat
import numpy as np
import pytest
import soundfile
from IPython.display import Audio
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_notebook, new_output
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from PIL import Image

from helpers import interactive
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

# %% tags=["parameters"]
SEED: int = 0  # any number
DATASET: str = "demo"  # rendered music

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
NOISY = f"""
# %%
import sys

import matplotlib.pyplot as plt

from IPython.display import HTML, Audio, display

print("one")
print("a warning", file=sys.stderr)
display({{"application/vnd.jupyter.widget-view+json": {{"model_id": "1"}}}}, raw=True)
print("two")
display(Audio([0.0, 0.1], rate=8000))

# %%
HTML("<b>kept</b>")

# %%
sys.path.insert(0, {str(build.ROOT)!r})
plt.rcParams["figure.hooks"] = ["helpers.plotting:add_alt_text"]
plt.plot([1, 2])
plt.xlabel("time in seconds")
plt.show()
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


def test_build_puts_setup_cell_and_badge_into_the_notebook_and_leaves_the_source(root):
    assert build.build(root=root) == [target(root)]
    assert source(root).read_text() == SOURCE
    nb = read(root)
    assert nb.cells[1].source.endswith("\nhere = 1")
    assert nb.cells[0].source.startswith(f"# Loudness\n\n{BADGE}\n\n*one minute")
    assert [c.cell_type[0] for c in nb.cells] == ["m", "c", "c", "m", "c", "m"]
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
    assert [o for source, o in outputs.items() if "SEED: int = 1" in source] == [[]]
    assert [o[0].text for source, o in outputs.items() if "louder" in source] == ["3\n"]
    assert outputs["new = 1"] == []
    assert len({c.id for c in after.cells}) == len(after.cells)


def test_cells_of_plumbing_are_folded_and_the_source_knows_nothing_of_it(root):
    change(source(root), '# %% tags=["parameters"]', '# %% tags=["imports"]\nimport re\n\n'
           '# %% tags=["parameters", "other"]')  # fmt: skip
    build.build(root=root)
    text, nb = source(root).read_text(), read(root)
    for cell, title in zip(nb.cells[1:4], ["Setup", "Imports", "Parameters"], strict=True):
        assert cell.source.startswith(f"# @title {title}\n")  # a form of Colab
        assert cell.metadata.cellView == "form" and cell.metadata.jupyter == {"source_hidden": True}
    assert all(set(cell.metadata) <= {"tags"} for cell in nb.cells[4:])
    assert "@title" not in text and "cellView" not in text
    change(target(root), "# @title Parameters", "#@title Mine")  # is no part of the lesson
    change(target(root), "## Look", "## Listen")
    build.pull("05", root=root)
    assert source(root).read_text() == text.replace("## Look", "## Listen")
    assert read(root).cells[3].source.startswith("# @title Parameters\nSEED")


def test_papermill_finds_the_folded_parameters(root):
    build.build(root=root)
    assert build.parameters(read(root))["SEED"] == (0, "int")
    done = parameterize_notebook(load_notebook_node(str(target(root))), {"SEED": 3})
    given = done.cells[3]
    assert "SEED: int = 0" in done.cells[2].source and "SEED = 3" in given.source
    assert given.metadata.tags == ["injected-parameters"]


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

    assert "is missing" in problems()
    build.build(root=root)
    assert "no outputs yet" in problems()
    pretend_rendered(root)
    assert problems() == ""
    change(source(root), '["setup"]', '["setup"]\nmine = 1')
    assert "its setup cell must be empty" in problems()
    change(source(root), "\nmine = 1", "")
    change(source(root).with_name("00_template.py"), "here = 1", "here = 2")
    assert "not built from its source" in problems()
    build.build(root=root)
    assert problems() == ""  # nor does the setup cell, which stands in the template
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
    assert [c.execution_count for c in cells] == [1, 2, 3, 4, 5, 6]
    text, player = cells[3].outputs
    assert text.text == "one\ntwo\n"
    assert "data:audio/mpeg" in player.data["text/html"]
    assert cells[4].outputs[0].data["text/html"] == "<b>kept</b>"
    assert cells[5].outputs[0].metadata["image/png"]["alt"] == "Figure. x: time in seconds"
    assert all(set(c.metadata) <= {"tags", "cellView", "jupyter"} for c in read(root).cells)
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


# --- sound ---------------------------------------------------------------------------------


def tone(seconds, sr=22050):
    y = 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * sr)) / sr)
    return Audio(y, rate=sr, normalize=False)._repr_html_()


def picture_player(seconds):
    y = np.zeros(22050 * seconds)
    return interactive.player(y, np.ones((1, 1)), ["a"], [0.0], 1.0, sr=22050)


def kept(root, monkeypatch, *pages, tags=()):
    """Render one cell that shows these pieces of HTML; return what is kept of each."""
    outputs = [new_output("display_data", {"text/html": page, "text/plain": "x"}) for page in pages]

    def execute(nb, where, root):
        cell = nb.cells[-2]
        cell.outputs, cell.metadata["tags"] = outputs, list(tags)
        return nb

    monkeypatch.setattr(build, "_execute", execute)
    build.render(["05"], root=root)
    data = [output.data for output in read(root).cells[-2].outputs]
    return [found.get("text/html") or found["text/plain"] for found in data]


def heard(page):
    """Decode the only sound of a page."""
    (sound,) = re.findall(r'src="data:audio/mpeg;base64,([^"]+)"', page)
    return soundfile.read(io.BytesIO(base64.b64decode(sound)))


def loudest(y, sr):
    return np.fft.rfftfreq(len(y), 1 / sr)[np.abs(np.fft.rfft(y)).argmax()]


@pytest.mark.parametrize(("seconds", "sr", "length"), [(12, 44100, 5), (2, 16000, 2)])
def test_rendered_music_is_kept_as_a_short_clip(root, monkeypatch, seconds, sr, length):
    (page,) = kept(root, monkeypatch, f"<b>A</b>{tone(seconds, sr)}<b>B</b>")
    y, rate = heard(page)
    assert rate == 22050 and len(y) / rate == pytest.approx(length, abs=0.01) and y.ndim == 1
    assert abs(y).max() == pytest.approx(0.8 * 0.5, abs=0.03)  # room for what MP3 adds
    assert loudest(y, rate) == pytest.approx(440, abs=1)
    assert "".join(re.sub("<audio .*</audio>", "AUDIO", page).split()).startswith("<b>A</b>AUDIO")
    assert page.endswith("<b>B</b>")
    assert re.findall(r"the first 5 of \d+ s", page) == ["the first 5 of 12 s"] * (seconds == 12)
    assert len(page) < 45_000


def test_sound_of_real_music_is_never_kept(root, monkeypatch):
    pages = [tone(1), picture_player(1), interactive.framed(tone(1))]
    assert kept(root, monkeypatch, *pages, tags=["real-sound"]) == [build.AUDIO_PLACEHOLDER] * 3
    change(source(root), '"demo"', '"gtzan_mini"')
    assert kept(root, monkeypatch, *pages) == [build.AUDIO_PLACEHOLDER] * 3
    change(source(root), 'DATASET: str = "gtzan_mini"  # rendered music\n', "")
    assert kept(root, monkeypatch, *pages) == [build.AUDIO_PLACEHOLDER] * 3
    assert "data:audio" not in target(root).read_text()


def test_a_player_of_a_file_is_not_kept(root, monkeypatch):
    there = Audio(url="https://example.org/song.mp3")._repr_html_()
    assert kept(root, monkeypatch, there) == [build.AUDIO_PLACEHOLDER]


def test_a_page_keeps_so_much_sound_and_says_where_there_is_no_more(root, monkeypatch):
    clip = len(kept(root, monkeypatch, tone(2))[0])
    monkeypatch.setattr(build, "SOUND_BYTES", 2 * clip)
    pages = kept(root, monkeypatch, *[tone(2)] * 3, "no sound")
    assert [len(page) == clip for page in pages] == [True, True, False, False]
    assert pages[2:] == [build.NO_MORE_SOUND, "no sound"]


def test_a_picture_that_follows_its_sound_keeps_all_of_it(root, monkeypatch):
    page = picture_player(8)
    assert kept(root, monkeypatch, page) == [page] and len(heard(page)[0]) == 8 * 22050
    monkeypatch.setattr(build, "SOUND_BYTES", len(page) - 1)
    assert kept(root, monkeypatch, page) == [build.NO_MORE_SOUND]


# --- pictures ------------------------------------------------------------------------------


def reduced(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    before = base64.b64encode(buffer.getvalue()).decode()
    after = build._smaller(before)
    images = [Image.open(io.BytesIO(base64.b64decode(png))) for png in (before, after)]
    error = np.abs(np.subtract(*(np.asarray(image.convert("RGB"), dtype=int) for image in images)))
    return error.max(), len(after) / len(before)


@pytest.mark.parametrize("cmap", ["RdBu_r", "magma", "viridis"])
def test_a_colormap_keeps_its_colours(cmap):
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    ax = figure.subplots()
    shown = ax.imshow(np.linspace(-2, 2, 12000).reshape(60, 200), cmap=cmap, aspect="auto")
    figure.colorbar(shown, label="standard deviations")
    ax.plot([0, 199], [0, 59], color="C2")
    error, share = reduced(figure)
    assert error <= 16 and share < 0.6


def test_a_figure_of_lines_shrinks():
    figure = Figure(figsize=(8, 3.6))
    ax = figure.subplots()
    for k in range(4):
        ax.plot(np.sin(np.arange(200) / (k + 3)), label=f"curve {k}")
    ax.legend()
    error, share = reduced(figure)
    assert error <= build.MAX_ERROR and share < 0.5


def test_a_picture_with_too_many_colours_stays_as_it_is():
    figure = Figure(figsize=(4, 4))
    figure.subplots().imshow(np.random.default_rng(0).random((200, 200, 3)))
    assert reduced(figure)[0] == 0


def test_a_page_has_alternative_texts_and_folds_what_is_folded():
    dot = base64.b64encode(b"x").decode()
    outputs = [new_output("display_data", {"image/png": dot}, metadata={"image/png": {"alt": alt}})
               for alt in ('a < "b"', "c")]  # fmt: skip
    folded = {"jupyter": {"source_hidden": True}}
    cells = [new_code_cell("# @title Set-up <x>\nhere = 1", metadata=folded, outputs=outputs[:1]),
             new_code_cell("shown = 1", outputs=outputs[1:])]  # fmt: skip
    page = build.to_html(new_notebook(cells=cells), title="t")
    assert re.findall(r"<img alt=(.*?) class", page) == ["'a &lt; \"b\"'", '"c"']
    (inside,) = re.findall(r"<details.*?</details>", page, re.DOTALL)
    assert ">Set-up &lt;x&gt;</summary>" in inside and "here" in inside
    assert "<img" not in inside and "shown" not in inside


GLOSSARY = """# Glossary

Words of the field.

## loudness

How loud a "sound" seems: [see](x.md). More.

## mel band

A range of pitch. Taught elsewhere.

## MFCC

Numbers; few.
"""
WORDS = """# %% [markdown]
# ## Loudness and mel bands
#
# Some **loudness**; `loudness` in [mel bands](a.md), in mel bands, with mfcc and MFCCs.

# %% [markdown]
# Loudness, a mel band and another MFCC.

# %% [markdown]
# ## Next
"""


@pytest.fixture
def words(root):
    (root / "notebooks" / "glossary.md").write_text(GLOSSARY)
    change(source(root), "# %% [markdown]\n# ## Next\n", WORDS)
    return root


def test_the_first_use_of_a_term_leads_to_the_glossary(words):
    """Not from headings, code or other links; the definition is the link's title."""
    build.build(root=words)
    first, second = (cell.source for cell in read(words).cells[-3:-1])
    assert first.startswith("## Loudness and mel bands\n")
    assert first.endswith(
        "Some **[loudness](glossary.md#loudness \"How loud a 'sound' seems: see.\")**; "
        '`loudness` in [mel bands](a.md), in [mel bands](glossary.md#mel-band "A range of '
        'pitch."), with mfcc and [MFCCs](glossary.md#mfcc "Numbers;").'
    )
    assert second == "Loudness, a mel band and another MFCC."
    assert "glossary" not in source(words).read_text()


def test_pull_takes_the_links_away_again(words):
    build.build(root=words)
    before = source(words).read_text()
    build.pull("05", root=words)
    assert source(words).read_text() == before
    change(target(words), "another MFCC", "no MFCC")
    build.pull("05", root=words)
    assert source(words).read_text() == before.replace("another MFCC", "no MFCC")


def test_a_page_that_stands_alone_keeps_the_definitions_without_links(words):
    build.build(root=words)
    page = build.to_html(read(words), title="Loud")
    assert '<abbr title="A range of pitch.">mel bands</abbr>' in page
    assert "glossary.md" not in page


def executed(root):
    """Pretend that the demo study ran this notebook."""
    nb = read(root)
    nb.cells.insert(3, new_code_cell("SEED = 0", metadata={"tags": ["injected-parameters"]}))
    for number, cell in enumerate((c for c in nb.cells if c.cell_type == "code"), start=1):
        cell.outputs = [new_output("stream", text=f"{number}\n")]
    (root / "runs" / "demo").mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, root / "runs" / "demo" / "05_loud.ipynb")


def test_keep_takes_the_outputs_of_the_demo_study(root):
    build.build(root=root)
    with pytest.raises(build.NotebookError, match="runs/demo/05_loud.ipynb is missing; `make run`"):
        build.keep(root=root)
    executed(root)
    build.keep(root=root)
    cells = [c for c in read(root).cells if c.cell_type == "code"]
    assert [c.outputs[0].text for c in cells] == ["1\n", "2\n", "4\n"]
    assert [c.execution_count for c in cells] == [1, 2, 3]
    assert build.check(root=root) == []


def test_keep_refuses_a_run_of_other_code(root):
    build.build(root=root)
    executed(root)
    change(source(root), "2 * y", "3 * y")
    with pytest.raises(build.NotebookError, match="is not a run of notebooks/05_loud.ipynb"):
        build.keep(root=root)


def test_a_cell_that_shows_the_data_of_others_keeps_none(root):
    change(source(root), '# %%\ndef louder', '# %% tags=["real-data"]\ndef louder')
    build.build(root=root)
    executed(root)
    build.keep(root=root)
    assert [c.outputs[0].text for c in read(root).cells if "real-data" in build._tags(c)] == [
        build.DATA_PLACEHOLDER
    ]


@pytest.mark.processes
def test_a_kernel_tidies_up_and_then_goes_at_once(tmp_path):
    """Workers and shared memory are given back; Python does not take every object apart."""
    source = f"""import atexit, pathlib
class Thing:
    def __del__(self, write=pathlib.Path({str(tmp_path / "apart")!r}).touch):
        write()
thing = Thing()
_ = atexit.register(pathlib.Path({str(tmp_path / "tidied")!r}).touch)"""
    nb = new_notebook(cells=[new_code_cell(source)])
    done = build._execute(nb, "here", tmp_path)
    assert done.cells[0].execution_count == 1
    assert [path.name for path in tmp_path.iterdir()] == ["tidied"]
