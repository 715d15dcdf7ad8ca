"""Static checks of the notebooks: form, rhythm, parameters, outputs. No kernel is started."""

import ast
import re
import statistics

import jupytext
import nbformat
import pytest

from helpers.experiment import DEFAULTS
from notebooks.tools import build, run

ROOT = build.ROOT
SOURCES = build.sources()
NAMES = [path.stem for path in SOURCES]
BUILT = sorted((ROOT / "notebooks").glob("*.ipynb"))


def source(name):
    return jupytext.read(ROOT / "notebooks" / "src" / f"{name}.py")


def built(name):
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)


def code(nb):
    return [c for c in nb.cells if c.cell_type == "code" and c.source.strip()]


def prose(nb):
    return "\n\n".join(c.source for c in nb.cells if c.cell_type == "markdown")


def n_lines(cell):
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def tagged(nb, tag):
    return [c for c in nb.cells if tag in c.metadata.get("tags", [])]


def test_every_source_is_built_and_every_notebook_has_a_source():
    assert [path.stem for path in BUILT] == NAMES
    assert len(NAMES) >= 4


def test_built_notebooks_and_outputs_belong_to_their_sources():
    assert build.check() == []


@pytest.mark.parametrize("name", NAMES)
def test_order_of_the_parts(name):
    text = prose(source(name))
    parts = ["# ", "**You will learn**", "**Before you start**", "## Setup", "## What we learned",
             "## Exercises", "## Next", "**References.**"]  # fmt: skip
    places = [text.find(part) for part in parts]
    assert -1 not in places, dict(zip(parts, places))
    assert places == sorted(places)
    first = text.split("## Setup")[0]
    assert re.search(r"^\*[^*\n]+·[^*\n]+·[^*\n]+\*$", first, re.M), "time · needs · writes"
    assert len(re.findall(r"^- ", first, re.M)) == 3, "three things to learn"
    assert 3 <= len(re.findall(r"^## ", text, re.M)) - 4 <= 8


@pytest.mark.parametrize("name", NAMES)
def test_the_badge_leads_to_where_the_setup_cell_clones_from(name):
    """While the series has no public address there is no badge, so none that leads nowhere."""
    nb = built(name)
    repository = re.search(r'^REPOSITORY = "(.*)"', tagged(nb, "setup")[0].source, re.M)[1]
    colab = repository.replace("https://github.com", "https://colab.research.google.com/github")
    badges = re.findall(r"\[!\[Open in Colab\]\([^)]*\)\]\(([^)]*)\)", prose(nb))
    assert badges == ([f"{colab}/blob/main/notebooks/{name}.ipynb"] if repository else [])
    assert "OWNER" not in prose(nb) + repository


@pytest.mark.parametrize("name", NAMES)
def test_rhythm(name):
    cells = code(source(name))
    sizes = sorted(n_lines(c) for c in cells if not c.metadata.get("tags"))
    assert statistics.median(sizes) <= 8
    assert sizes[int(0.9 * len(sizes))] <= 20
    assert max(sizes) <= 30
    assert 25 <= len(source(name).cells) <= 90
    words = len(re.findall(r"\w+", prose(source(name))))
    assert 6 <= words / sum(sizes) <= 25


@pytest.mark.parametrize("name", NAMES)
def test_code_is_plain_and_goes_anywhere(name):
    for cell in code(source(name)):
        tree = ast.parse(cell.source)  # magics and shell lines do not parse
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                assert node.names[0].name != "*"
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.match(r"/\w+/\w+/|[A-Z]:\\|~/", node.value), node.value
        assert "filterwarnings" not in cell.source and "simplefilter" not in cell.source


@pytest.mark.parametrize("name", NAMES)
def test_scaling_is_written_as_every_keras_reads_it(name):
    """Keras 3.10 to 3.13 lay a vector along the last axis, whatever single axis is named."""
    text = "\n".join(c.source for c in code(source(name)))
    assert not re.search(r"layers\.Normalization\(\s*axis=\d", text)


@pytest.mark.parametrize("name", NAMES)
def test_folds_keep_the_proportions_on_every_version(name):
    """scikit-learn 1.6 shuffles them away; `helpers.splits` has the folds that do not."""
    tree = ast.parse("\n".join(c.source for c in code(source(name))))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {(node.module, alias.name) for node in imports for alias in node.names}
    assert ("sklearn.model_selection", "StratifiedGroupKFold") not in names


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_typed_literals_with_a_comment(name):
    (cell,) = tagged(source(name), "parameters")
    for line in cell.source.splitlines():
        assert re.fullmatch(r"[A-Z][A-Z0-9_]*: (str|int|float|bool|list|dict) = .+?  # \w.+", line)
        assert "=" not in line.split("  # ")[1], "papermill does not see such a parameter"
    for node in ast.parse(cell.source).body:
        assert isinstance(ast.literal_eval(node.value), eval(node.annotation.id))


def test_a_parameter_means_the_same_everywhere():
    seen = {}
    for name in NAMES:
        for line in tagged(source(name), "parameters")[0].source.splitlines():
            key = line.split(":")[0]
            if key in ("DATASET", "OUT_DIR"):  # 14 and 15 begin with a dataset of their own
                line = re.sub(r"demo(_instruments|_composers)?\"", 'demo"', line)
            if key != "RUN_NAME":
                assert seen.setdefault(key, line) == line
                default = ast.literal_eval(re.match(r"\w+: \w+ = (.+?)  # ", line)[1])
                assert DEFAULTS.get(key, default) == default
            else:
                assert f'"{name}"' in line


@pytest.mark.parametrize("name", NAMES)
def test_kept_outputs_are_clean(name):
    nb = built(name)
    assert [c.execution_count for c in code(nb)] == list(range(1, len(code(nb)) + 1))
    assert set(nb.metadata) <= {"kernelspec", "music_series", "language_info"}
    assert (ROOT / "notebooks" / f"{name}.ipynb").stat().st_size < build.MAX_BYTES
    figures = sound = 0
    for cell in code(nb):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr"
            data = output.get("data", {})
            page = str(data.get("text/html", ""))
            if "data:audio/" in page:
                assert "real-sound" not in cell.metadata.get("tags", [])
                sound += len(page)
            assert "application/vnd.jupyter.widget-view+json" not in data
            text = str(output.get("text", "")) + str(data.get("text/plain", ""))
            assert "WARNING" not in text and "Warning" not in text, text[:200]
            figures += "image/png" in data
    assert 3 <= figures <= 12 and sound <= build.SOUND_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_what_we_learned_is_computed(name):
    nb = source(name)
    at = next(i for i, c in enumerate(nb.cells) if c.source.startswith("## What we learned"))
    assert nb.cells[at].source.strip() == "## What we learned"
    answer = nb.cells[at + 1]
    assert answer.cell_type == "code" and answer.source.count('f"- ') == 3


@pytest.mark.parametrize("name", [n for n in NAMES if 4 <= int(n[:2]) <= 10])
def test_training_notebooks_audit_their_split_and_save_scores(name):
    text = "\n".join(c.source for c in code(source(name)))
    assert re.search(r"experiment\.split\b", text).start() < text.index("fit(")
    assert "experiment.record(" in text
    assert "network=" in text or '"network": network' in text


@pytest.mark.parametrize("name", [n for n in NAMES if 4 <= int(n[:2]) != 12])
def test_after_the_lesson_one_call_brings_tracks_features_and_split(name):
    """03 teaches the steps; later notebooks do not repeat them, nor name what they leave alone."""
    text = "\n".join(c.source for c in code(source(name)))
    for step in ("datasets.load(DATASET", "splits.prepare(", ".usable(", "pd.Categorical(tracks"):
        assert step not in text
    (cell,) = tagged(source(name), "parameters")
    for line in cell.source.splitlines():
        key = line.split(":")[0]
        used = re.search(rf"\b{key}\b", text.replace(cell.source, ""))
        assert used or key in {"DATASET", "DATA_DIR", "OUT_DIR", "RUN_NAME", "SEED"}, key


def test_the_readme_lists_every_notebook():
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    assert [n for n in NAMES if f"notebooks/{n}.ipynb" not in readme] == []


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks/studies").glob("*.yml")), ids=str)
def test_studies_declare_only_what_their_notebooks_know(path, tmp_path):
    loaded = run.load_study(path, data_dir=tmp_path, runs_dir=tmp_path)
    assert loaded.steps


REAL = sorted(p for p in (ROOT / "notebooks/studies").glob("*.yml") if p.stem != "demo")


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_studies_fail_at_once_without_their_data(path, tmp_path, capsys):
    """One message says what is missing, how to get it, and what the study costs."""
    status = run.main(
        [str(path), "--data-dir", str(tmp_path), "--runs-dir", str(tmp_path / "runs")]
    )
    message = capsys.readouterr().err
    assert status == 2 and message.startswith("dataset ") and "not found" in message
    for part in ("needs", "data: DATA_DIR/", "disk: ", "time: "):
        assert part in message
    assert not (tmp_path / "runs").exists()
