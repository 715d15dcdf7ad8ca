"""The notebooks really run: a small study from nothing, and notebooks alone in an empty folder."""

import json
import math
import os
import re
import shutil
import subprocess
import sys

import keras
import nbformat
import numpy as np
import pandas as pd
import papermill
import pytest
import yaml

from helpers import training
from notebooks.tools import build, classroom, run
from tests.conftest import DESKTOP, PHONE, run_all, serious

ROOT = build.ROOT
pytestmark = pytest.mark.processes
TINY = {
    "DATASET_OPTIONS": {"artists_per_genre": 5, "tracks_per_artist": 2, "seconds": 6.0},
    "CLASSES": ["classical", "disco", "hiphop", "metal", "reggae"],  # far apart even in 30 tracks
    "JOBS": 1,  # no pool of processes for a few tracks: two steps run side by side
    "EPOCHS": 3,
    "PATIENCE": 8,
    "CLIPS_PER_TRACK": 2,
    "STORAGE_TRACKS": 50,
    "STEPS": 6,
    "AVERAGED": 2,
    "CRNN_MELS": 48,
    "CRNN_SECONDS": 3.0,
    "COMPARE_TRACKS": 12,
    "TUNE_TRACKS": 16,
    "HEAD_EPOCHS": 4,
    "WEIGHTS": "none",
    "TUNE_EPOCHS": 1,
    "WAVE_CLIPS": 2,
    "MUSICNN_WEIGHTS": "none",
    "CONVNET_WEIGHTS": "none",
    "DRAWS": 2,
    "TRAP_DRAWS": 3,
    "SEARCH_TRACKS": 40,
}
EVERY_NETWORK = "EVERY_NETWORK" in os.environ  # `make test-versions`; else one of a kind
if EVERY_NETWORK:
    pictures = ["linear STFT", "log-STFT", "log-mel", "CQT", "MFCC", "harmonic and percussive"]
    TINY |= {"EXPLAINED": 6, "SHUFFLES": 50, "PICTURES": pictures}
else:
    TINY |= {
        "MODELS": ["logistic regression", "k-NN"],
        "PICTURES": ["MFCC", "harmonic and percussive"],
        "WAYS": ["zoom", "mixup"],
    }
SMALL = {  # of the other demo datasets
    "demo_instruments": {"recordings_per_class": 4, "excerpts_per_recording": 2, "test_pieces": 20},
    "demo_composers": {"compositions": 4, "performances": 2, "seconds": 10.0},
}

OWN = {
    "02_feature_extraction": {"JOBS": 2},
    "04_feature_baselines": {"EPOCHS": 20},  # an epoch is one step there
    "05_convpool": {"EPOCHS": 12, "CLIPS_PER_TRACK": 4},  # its networks must learn
    "07_crnn": {"LEARNING_RATE": 0.004}
    | ({} if EVERY_NETWORK else {"RIVALS": ["cnn-lstm-reshape"]}),
}


STEPS = [path.stem for path in build.sources()]
# No step builds on these: to stay within its time, `make test` leaves them to test-versions.
LEAVES = [name for name in STEPS if name[:2] in ("01", "11", "12", "13", "14")]
LEAVES = set() if EVERY_NETWORK else set(LEAVES)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


def run_study(plan, data_dir, runs_dir):
    """Run a study; with every network also the solutions, each in its page."""
    study = run.load_study(plan, data_dir=data_dir, runs_dir=runs_dir)
    pages = [step for step in study.steps.values() if step.name == step.notebook]
    for step in pages if EVERY_NETWORK else ():
        step.nb = classroom.solved(step.nb, step.notebook)
        step.path = runs_dir / f"{step.notebook}-solved.ipynb"
        nbformat.write(step.nb, step.path)
    return [step.status for step in run.run_study(study, jobs=2).values()]


@pytest.fixture(scope="session")
def smoke(tmp_path_factory, data_dir):
    """Run the demo study, made small, from an empty folder."""
    folder = tmp_path_factory.mktemp("smoke")
    plan = yaml.safe_load((ROOT / "notebooks/studies/demo.yml").read_text(encoding="utf8"))
    plan |= {"name": "smoke", "parameters": TINY}
    plan["steps"] = [step for step in plan["steps"] if step["notebook"] not in LEAVES]
    for step in plan["steps"]:
        own = step.get("parameters", {})
        step["parameters"] = {name: value for name, value in own.items() if name not in TINY}
        step["parameters"] |= OWN.get(step.get("name", step["notebook"]), {})
        if dataset := own.get("DATASET"):
            step["parameters"] |= {"DATASET_OPTIONS": SMALL[dataset], "CLASSES": []}
    (folder / "smoke.yml").write_text(yaml.safe_dump(plan), encoding="utf8")
    ended = run_study(folder / "smoke.yml", data_dir, folder)
    assert set(ended) == {"done"}, "a step failed: see the messages above"
    return folder / "smoke"


def metrics(run):
    return [json.loads(p.read_text(encoding="utf8")) for p in (run / "metrics").glob("*.json")]


def test_every_code_cell_ran(smoke):
    for name in set(STEPS) - LEAVES:
        nb = nbformat.read(smoke / f"{name}.ipynb", 4)
        cells = [c for c in nb.cells if c.cell_type == "code" and c.source.strip()]
        assert all(c.execution_count for c in cells), name


PARAMETERS = {  # of every network, for five classes
    "04_feature_baselines-dense": 29_317,
    "05_convpool-convpool": 24_277,
    "05_convpool-convconvpool": 73_109,
    "05_convpool-convpool-cqt": 24_597,
    "05_convpool-convpool-harmonic-and-percussive": 24_421,
    "05_convpool-convpool-linear-stft": 24_277,
    "05_convpool-convpool-log-stft": 24_277,
    "05_convpool-convpool-mfcc": 23_957,
    "06_convpool_augmentation-convpool-none": 24_277,
    "06_convpool_augmentation-convpool-zoom": 24_277,  # augmenting layers learn nothing
    "06_convpool_augmentation-convpool-recipe": 2 * 24_277,  # of AVERAGED networks
    "07_crnn-mfcc-lstm": 58_309,
    "07_crnn-cnn-mean": 10_541,
    "07_crnn-cnn-lstm": 51_693,
    "07_crnn-cnn-lstm-reshape": 51_693,
    "07_crnn-crnn": 393_509,
    "08_raw_waveform-wavecnn": 67_461,
    "08_raw_waveform-samplecnn": 50_853,
    "09_resnet50_finetuning-resnet50-tuned": 23_597_957,
    "10_music_transfer-untrained-head": 38_757,
}


def test_every_network_has_the_parameters_it_should_have(smoke):
    rows = {f"{row['notebook']}-{row['model']}": row.get("parameters") for row in metrics(smoke)}
    trained = [name for name in PARAMETERS if name in rows]
    assert {name: rows[name] for name in trained} == {name: PARAMETERS[name] for name in trained}
    assert len(trained) == (len(PARAMETERS) if EVERY_NETWORK else len(PARAMETERS) - 6)


def test_networks_learn(smoke):
    """Each network's loss falls by a tenth; those of 05 answer far better than a guess.

    A guesser's log-loss is at least log(5), whatever the draw. Accuracy must be twice chance: with
    10 test tracks a guesser gets there in 12 of 100 draws, so the log-loss carries the proof.
    """
    rows = [row for row in metrics(smoke) if row["dataset"] == "demo" and "accuracy" in row]
    assert {row["notebook"] for row in rows} == {name for name in STEPS if "04" <= name[:2] <= "10"}
    for row in rows:
        assert row["n_test"] == 10 and row["chance"] == 0.2
        assert row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"]
    found = {row["model"]: row for row in rows}
    for row in rows:
        if row.get("epochs", 1) > 1:
            assert row["last_loss"] < 0.9 * row["first_loss"], row["model"]
    for row in (found["convpool"], found["convconvpool"]):
        assert row["accuracy"] >= 2 * row["chance"]
        assert row["log_loss"] < 0.75 * math.log(5)


def test_each_network_has_a_card(smoke):
    files = sorted((smoke / "models" / "demo").glob("*.keras"))
    assert len(files) >= 10
    for file in files:
        card = training.read_card(file)
        assert card["multilabel"] == ("tagger" in file.stem)
        assert card.items() <= json.loads(file.with_suffix(".json").read_text("utf8")).items()
        assert card["multilabel"] or card["classes"] == TINY["CLASSES"]
        assert card["dataset"]["licence"]
        assert card["split"]["train"] == 30 and card["metrics"]["n_test"] == 10
        assert card["parameters"]["SEED"] == 0 and card["versions"]["keras"] == keras.__version__


def test_each_model_leaves_its_answers(smoke):
    """They are what was scored: the row's accuracy follows from them."""
    for row in metrics(smoke):
        path = smoke / "predictions" / f"{row['notebook']}-{row['model']}.parquet"
        proba = pd.read_parquet(path)
        assert len(proba) == row["n_test"] and proba.shape[1] == row["n_classes"]
        if row["dataset"] != "demo" or "accuracy" not in row:
            continue
        assert proba.columns.tolist() == TINY["CLASSES"]
        assert np.allclose(proba.sum(axis=1), 1, atol=1e-3)
        right = proba.idxmax(axis=1) == proba.index.str.partition(".").get_level_values(0)
        assert right.mean() == pytest.approx(row["accuracy"])


def test_a_run_leaves_report_leaderboard_split_and_models(smoke):
    for name in ("report.html", "leaderboard.csv", "split.csv", "05_convpool.html"):
        assert (smoke / name).stat().st_size > 100
    report = (smoke / "report.html").read_text(encoding="utf8")
    assert report.count("data:image/png") >= 5
    assert 'src="http' not in report and "<script" not in report
    model = keras.models.load_model(smoke / "models" / "demo" / "05_convpool-convpool.keras")
    assert model.input_shape == (None, None, 64, 1) and model.output_shape[-1] == 5


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_in_a_browser_the_report_fits_and_can_be_used_by_everybody(smoke, visit, device):
    page = visit((smoke / "report.html").as_uri(), **device)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not serious(page)


def test_a_second_run_does_nothing(smoke, data_dir):
    before = {p: p.stat().st_mtime_ns for p in smoke.glob("*.ipynb")}
    ended = run_study(smoke.parent / "smoke.yml", data_dir, smoke.parent)
    assert set(ended) == {"unchanged"}
    assert before == {p: p.stat().st_mtime_ns for p in smoke.glob("*.ipynb")}


@pytest.fixture(scope="session")
def repository(tmp_path_factory):
    """Put the series into a repository, for the setup cell to clone."""
    origin = tmp_path_factory.mktemp("origin") / "series"
    unwanted = shutil.ignore_patterns("__pycache__")
    for folder in ("helpers", "notebooks"):
        shutil.copytree(ROOT / folder, origin / folder, ignore=unwanted)
    shutil.copy(ROOT / "requirements.txt", origin)
    (origin / ".gitignore").write_text("runs\n")
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "series"]):
        subprocess.run([*git, *command], cwd=origin, check=True)
    return origin


# Another Python, such as one with what Colab ships: `make test-versions`.
ALONE_PYTHON = os.environ.get("ALONE_PYTHON", sys.executable)
ALONE = STEPS if "ALONE_PYTHON" in os.environ else ["03_load_xy"]


@pytest.fixture(scope="session")
def alone_kernel(tmp_path_factory):
    """Name a kernel that runs `ALONE_PYTHON`."""
    folder = tmp_path_factory.mktemp("jupyter")
    spec = {"argv": [ALONE_PYTHON, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": "alone", "language": "python"}  # fmt: skip
    (folder / "kernels" / "alone").mkdir(parents=True)
    (folder / "kernels" / "alone" / "kernel.json").write_text(json.dumps(spec))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        yield "alone"


def installed():
    done = subprocess.run([ALONE_PYTHON, "-m", "pip", "freeze"], capture_output=True, text=True)
    return set(done.stdout.split("\n"))


@pytest.mark.parametrize("name", ALONE)
def test_a_notebook_alone_in_an_empty_folder(name, repository, data_dir, alone_kernel, tmp_path):
    """Opened by itself, as in Colab: it fetches the series and makes what it needs.

    What it lacks is installed; no package that is there gets another version. Cells show no log
    of native libraries, though nothing keeps the kernel from showing it.
    """
    nb = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)
    for cell in nb.cells:
        if "setup" in cell.metadata.get("tags", []):
            cell.source = build.REPOSITORY.sub(f'REPOSITORY = "{repository}"', cell.source)
    nbformat.write(nb, tmp_path / "alone.ipynb")
    parameters = {k: v for k, v in TINY.items() if k in build.parameters(nb)}
    if (dataset := build.parameters(nb)["DATASET"].default) in SMALL:
        parameters |= {"DATASET_OPTIONS": SMALL[dataset], "CLASSES": []}
    parameters |= {"DATA_DIR": str(data_dir), "OUT_DIR": "out"}
    parameters |= {"EPOCHS": 1} if "EPOCHS" in parameters else {}
    before = installed()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
        patch.setenv("SERIES_STATIC", "1")  # nobody is there to use a menu
        papermill.execute_notebook(
            tmp_path / "alone.ipynb", tmp_path / "done.ipynb", parameters,
            kernel_name=alone_kernel, cwd=tmp_path, progress_bar=False,
        )  # fmt: skip
    assert before <= installed()
    assert (tmp_path / "music-classification" / "out").is_dir() or name.startswith("01")
    done = nbformat.read(tmp_path / "done.ipynb", 4)
    shown = [o.text for c in done.cells for o in c.get("outputs", []) if o.get("name") == "stderr"]
    assert [text for text in shown if re.search(r"oneDNN|[Cc][Uu][Dd][Aa]|absl::", text)] == []


def test_without_the_series_a_notebook_says_so_in_one_sentence(tmp_path, monkeypatch, capfd):
    setup = tagged_setup()
    monkeypatch.chdir(tmp_path)
    missing = str(tmp_path / "nowhere")
    setup = build.REPOSITORY.sub(f'REPOSITORY = "{missing}"', setup)
    with pytest.raises(SystemExit, match="This notebook needs its series: copy .*nowhere"):
        exec(compile(setup, "setup", "exec"), {})


def test_the_three_tasks_leave_their_figures(smoke):
    """15 to 17 build on what 07 trained on genres, on instruments and on composers."""
    rows = {f"{row['notebook']}-{row['model']}": row for row in metrics(smoke)}
    tagger = rows["15_multilabel_tagging-tagger"]
    assert tagger["n_test"] == 10 and tagger["roc_auc_low"] <= tagger["roc_auc"]
    for how in ("mean", "maximum", "mean-normalised"):
        row = rows[f"16_instruments-crnn-{how}"]
        assert row["dataset"] == "demo_instruments" and row["n_test"] == 20
        assert row["lrap_low"] <= row["lrap"] <= row["lrap_high"] and 0 < row["threshold"] < 1
    reader = rows["17_composers-notes-linear"]
    assert reader["accuracy"] >= 2 * reader["chance"]  # the procedures differ in every trait
    tags = pd.read_csv(smoke / "tables" / "15_multilabel_tagging-tags.csv", index_col="label")
    assert tags["threshold"].between(0, 1).all() and tags["roc_auc"].mean() == pytest.approx(
        tagger["roc_auc"], abs=0.02
    )
    trap = pd.read_csv(smoke / "tables" / "17_composers-one-recording.csv")
    assert (trap.iloc[:, 0] > trap.iloc[:, 1]).all()
    page = (smoke / "15_multilabel_tagging.html").read_text(encoding="utf8")
    assert "data:audio/mpeg;base64," in page and "taggram" in page


def test_without_an_address_the_setup_cell_says_how_to_bring_the_folder(tmp_path, monkeypatch):
    """And once the folder is there, it is found."""
    setup = tagged_setup()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="in Colab, drop music-classification.zip on the panel"):
        exec(compile(build.REPOSITORY.sub('REPOSITORY = ""', setup), "setup", "exec"), {})
    (tmp_path / "music-classification").symlink_to(ROOT)
    names = {}
    monkeypatch.setattr(sys, "path", list(sys.path))
    exec(compile(setup, "setup", "exec"), names)
    assert names["ROOT"].samefile(ROOT)


def tagged_setup():
    nb = nbformat.read(ROOT / "notebooks" / "03_load_xy.ipynb", 4)
    (setup,) = [c.source for c in nb.cells if "setup" in c.metadata.get("tags", [])]
    return setup


# --- as people meet the pages: JupyterLab in a browser -------------------------------------------


@pytest.fixture
def shown(smoke, data_dir, lab, visit):
    """Run a page in JupyterLab, on the small study; return it and the notebook that was saved."""
    for folder in ("helpers", "notebooks"):
        unwanted = shutil.ignore_patterns("__pycache__", "results", ".*")
        shutil.copytree(ROOT / folder, lab.folder / folder, ignore=unwanted)

    def run(name):
        nb = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)
        (at,) = [i for i, c in enumerate(nb.cells) if "parameters" in c.metadata.get("tags", [])]
        few = {key: value for key, value in TINY.items() if key in build.parameters(nb)}
        few |= {"DATA_DIR": str(data_dir), "OUT_DIR": str(smoke)}
        lines = "".join(f"\n{key} = {value!r}" for key, value in few.items())
        nb.cells[at].source += lines  # as somebody types who wants to be quick
        for cell in (cell for cell in nb.cells if cell.cell_type == "code"):
            cell.outputs, cell.execution_count = [], None
        path = lab.folder / "notebooks" / f"{name}.ipynb"
        nbformat.write(nb, path)
        page = visit(f"{lab.address}/tree/notebooks/{name}.ipynb")
        run_all(page)
        page.evaluate("jupyterapp.commands.execute('docmanager:save')")
        return page, nbformat.read(path, 4)

    return run


def red(nb):
    """Tell what a person would see in red, and which cells did not run."""
    cells = [c for c in nb.cells if c.cell_type == "code" and c.source.strip()]
    assert any(cell.outputs for cell in cells)
    told = [f"not run: {cell.source[:200]}" for cell in cells if not cell.execution_count]
    for cell in cells:
        for output in cell.outputs:
            if output.output_type == "error" or output.get("name") == "stderr":
                told.append(f"{cell.source[:200]}\n-> {output.get('text') or output.evalue}")
    return told


def test_the_first_page_runs_and_its_sounds_play(shown):
    page, nb = shown("00_first_classifier")
    assert red(nb) == []
    players = page.locator(".jp-OutputArea-output audio")
    assert players.count() > len(TINY["CLASSES"])  # one of each class, and more
    players.first.evaluate("player => player.play()")
    page.wait_for_function(
        "document.querySelector('.jp-OutputArea-output audio').currentTime > 0.2"
    )


def test_the_page_of_sounds_and_pictures_runs(shown):
    page, nb = shown("01_data_visualization")
    assert red(nb) == []
    assert page.locator(".jp-OutputArea-output img").count() >= 5


def test_the_analysis_runs_and_its_menu_answers(shown):
    page, nb = shown("11_test_set_analysis")
    assert red(nb) == []
    menu = page.locator(".jp-OutputArea-output select").first
    tracks = menu.locator("option").all_text_contents()
    below = page.locator(".widget-interact .jp-OutputArea").first
    before = below.inner_html()
    menu.select_option(tracks[1])
    page.wait_for_function(
        "old => document.querySelector('.widget-interact .jp-OutputArea').innerHTML !== old",
        arg=before,
    )


def test_the_recommender_runs_jumps_and_hears(shown):
    from playwright.sync_api import expect

    page, nb = shown("13_recommender")
    assert red(nb) == []
    song = page.frame_locator("iframe[title=song]")
    song.locator(".over").click()
    song.locator("body").evaluate(
        """async () => {
          const player = document.querySelector("audio");
          for (let i = 0; i < 100 && !(player.currentTime > 1 && !player.paused); i++)
            await new Promise(done => setTimeout(done, 100));
          if (player.paused || player.currentTime < 1) throw Error("it does not play from there");
        }"""
    )
    page.get_by_role("button", name="record 10 s").click()
    answer = page.locator("button:has-text('record') + pre")
    expect(answer).to_contain_text("0.", timeout=60_000)
    tags = answer.text_content()
    assert len(tags.splitlines()) == 3, tags
