"""Static checks of the notebooks: form, rhythm, parameters, outputs. No kernel is started."""

import ast
import re
import statistics

import jupytext
import nbformat
import pytest
import yaml

from helpers.experiment import DEFAULTS
from notebooks.tools import build, run
from notebooks.tools.glossary import anchor, read_terms

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
             "## Three questions", "## Exercises", "## Next", "**References.**"]  # fmt: skip
    places = [text.find(part) for part in parts]
    assert -1 not in places, dict(zip(parts, places))
    assert places == sorted(places)
    first = text.split("## Setup")[0]
    line = r"^\*reading \d+ minutes · computing \d+ minutes? · needs [^·*\n]+ · writes [^·*\n]+\*$"
    assert re.search(line, first, re.M)
    assert len(re.findall(r"^- ", first, re.M)) == 3, "three things to learn"
    assert 3 <= len(re.findall(r"^## ", text, re.M)) - 5 <= 8


@pytest.mark.parametrize("name", NAMES)
def test_the_reading_time_is_that_of_words_and_figures(name):
    """200 words a minute, and a minute for three figures."""
    text = prose(source(name))
    told = int(re.search(r"^\*reading (\d+) minutes", text, re.M)[1])
    figures = str(built(name)).count("image/png")
    assert told == pytest.approx(len(re.findall(r"\w+", text)) / 200 + figures / 3, abs=3, rel=0.25)


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
    assert 30 <= len(source(name).cells) <= 60
    code_lines = [s for c in cells for s in c.source.splitlines() if s and s.lstrip()[:1] != "#"]
    assert len(code_lines) <= 260  # the setup cell stands in the template
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
            if key in ("DATASET", "OUT_DIR"):  # 16 and 17 begin with a dataset of their own
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
            if "image/png" in data:
                assert len(output.metadata.get("image/png", {}).get("alt", "")) > 20
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


@pytest.mark.parametrize("name", [n for n in NAMES if 4 <= int(n[:2]) != 14])
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


def test_what_one_reads_is_what_make_run_computes():
    """The steps that carry a page's name take the page's own parameters."""
    plan = yaml.safe_load((ROOT / "notebooks/studies/demo.yml").read_text(encoding="utf8"))
    assert "parameters" not in plan
    pages = {s["notebook"]: s for s in plan["steps"] if s.get("name") in (None, s["notebook"])}
    assert sorted(pages) == NAMES
    for name, step in pages.items():
        assert set(step.get("parameters", {})) <= {"DATASET", "SPLIT_NAME"}, name


STUDIES = sorted((ROOT / "notebooks/studies").glob("*.yml"))
GLOSSARY = read_terms(ROOT / "notebooks" / "glossary.md")


def test_the_glossary_is_in_order_and_each_term_is_used():
    terms = list(GLOSSARY)
    assert len(terms) >= 40 and terms == sorted(terms, key=str.lower)
    every = "\n".join(prose(built(name)) for name in NAMES)
    assert [t for t in terms if f"](glossary.md#{anchor(t)} " not in every] == []


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    """To the glossary, where each term is linked once, and to other pages."""
    text = prose(built(name))
    linked = re.findall(r"\]\(glossary\.md#([\w-]+)", text)
    assert len(linked) == len(set(linked)) >= 5
    assert set(linked) <= {anchor(term) for term in GLOSSARY}
    for target in re.findall(r"\]\((?!https?:)([^)\s#]+)", text):
        assert (ROOT / "notebooks" / target).exists(), target


def before(graph, name):
    """Every page that one builds on, in the end."""
    parents = {a for a, b in graph if b == name}
    return parents | {old for parent in parents for old in before(graph, parent)}


@pytest.mark.parametrize("name", NAMES)
def test_the_table_of_the_readme_has_the_minutes_and_the_pages_before(name):
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    row = re.search(rf"^\| \[{name[:2]} .*?\]\(notebooks/{name}\.ipynb\) \|.*$", readme, re.M)[0]
    *_, minutes, after, _ = [cell.strip() for cell in row.split("|")]
    text = prose(source(name))
    assert minutes.split(" + ") == re.findall(r"(?:reading|computing) (\d+) minute", text)[:2]
    needs = re.search(r"\*\*Before you start\*\*(.*?)(?:\n\n|\Z)", text, re.S)[1]
    assert set(after.split(", ")) - {""} == set(re.findall(r"\b[01]\d\b", needs))


def test_the_map_of_the_readme_agrees_with_the_pages():
    """"An arrow points to a page that builds on another": what a page needs comes before it."""
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    drawing = re.search(r"```mermaid\ngraph LR\n(.*?)```", readme, re.S)[1]
    chains = [re.findall(r"\d\d", line) for line in drawing.splitlines()]
    graph = {pair for chain in chains for pair in zip(chain, chain[1:])}
    assert {number for pair in graph for number in pair} == {name[:2] for name in NAMES}
    for name in NAMES:
        text = prose(source(name))
        needs = re.search(r"\*\*Before you start\*\*(.*?)(?:\n\n|\Z)", text, re.S)[1]
        told = {n for n in re.findall(r"\b[01]\d\b", needs)}
        assert told <= before(graph, name[:2]), name


@pytest.mark.parametrize("path", STUDIES, ids=str)
def test_studies_declare_only_what_their_notebooks_know(path, tmp_path):
    loaded = run.load_study(path, data_dir=tmp_path, runs_dir=tmp_path)
    assert loaded.steps


REAL = [path for path in STUDIES if path.stem not in ("demo", "demo_full")]


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
