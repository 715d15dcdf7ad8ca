"""Results that are kept: the page follows the tables, and a study without one is refused."""

import json
import shutil

import nbformat
import pytest

from helpers.experiment import DEFAULTS
from helpers.published.choi import CRNN_INPUT
from helpers.published.musicnn import INPUTS
from notebooks.tools import build, results
from notebooks.tools.build import ROOT

TABLE = """# demo, computed on 2026-01-01 with keras 3
model,fold,seed,n_test,accuracy,accuracy_low,accuracy_high,folds,seeds,n_groups,parameters,train_seconds,better_than
05 b,all,all,60,0.75,0.5,0.9,2,1,20,9,12.3,04 a
04 a,all,all,60,0.25,0.1,0.4,2,1,20,,,
05 b,0,0,30,0.8,,,,,,,,
05 b,1,0,30,0.7,,,,,,,,
04 a,0,0,30,0.2,,,,,,,,
04 a,1,0,30,0.3,,,,,,,,
"""


@pytest.fixture
def root(tmp_path):
    for folder in ("notebooks/studies", "helpers"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "notebooks/studies/demo_full.yml", tmp_path / "notebooks/studies")
    shutil.copy(ROOT / "helpers/series.mplstyle", tmp_path / "helpers")
    shutil.copy(ROOT / "notebooks/03_load_xy.ipynb", tmp_path / "notebooks")
    return tmp_path


def test_a_finished_study_leaves_table_figure_and_page(root, capsys):
    (root / "runs/demo_full/tables").mkdir(parents=True)
    made = root / "runs/demo_full/tables/11_test_set_analysis-comparison.csv"
    made.write_text(TABLE, encoding="utf8")
    assert results.main(["demo_full"], root) == 0
    assert capsys.readouterr().out.strip() == "notebooks/results/demo_full.csv"
    kept = root / "notebooks/results"
    assert (kept / "demo_full.csv").read_text(encoding="utf8") == TABLE
    assert (kept / "demo_full.png").stat().st_size > 5000
    page = (kept / "README.md").read_text(encoding="utf8")
    assert "| 05 b | 0.75 | 0.50 to 0.90 | 1 | 2 × 1 | 60 | 12 |\n" in page
    assert "| 04 a | 0.25 | 0.10 to 0.40 | 0 | 2 × 1 | 60 |  |\n" in page
    assert "on two cores; demo, computed on 2026-01-01 with keras 3." in page


def test_a_learning_curve_is_drawn_and_told(root):
    """Twice as many tracks, twice: 10 points in all for one, 40 for the other."""
    few = TABLE
    for share, b, a in ((25, 0.65, -0.15), (50, 0.7, 0.05)):
        few += f'"05 b, {share} %",all,all,60,{b},0.1,0.9,1,1,20,9,1,\n'
        few += f'"04 a, {share} %",all,all,60,{a},-0.2,0.9,1,1,20,9,1,\n'
    (root / "notebooks/results").mkdir()
    (root / "notebooks/results/demo_full.csv").write_text(few, encoding="utf8")
    models, each = results.read(root / "notebooks/results/demo_full.csv")
    assert "on average: 05 b +5.0 points; 04 a +20.0 points" in results.page(root)
    fig, ax = results.curve(models, each, chance=0.1)
    assert ax.get_legend_handles_labels()[1] == ["chance", "04 a", "05 b"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["25 %", "50 %", "100 %"]


def test_a_study_that_has_not_ended_is_refused(root, capsys):
    assert results.main(["demo_full"], root) == 2
    assert "run `make study STUDY=demo_full` to its end" in capsys.readouterr().err
    assert not (root / "notebooks/results").exists()


def test_a_study_that_compares_nothing_leaves_what_ran(root, capsys):
    shutil.copy(ROOT / "notebooks/studies/fma_clips.yml", root / "notebooks/studies")
    assert results.main(["fma_clips"], root) == 2
    assert "run `make study STUDY=fma_clips`" in capsys.readouterr().err
    (root / "runs/fma_clips/.state").mkdir(parents=True)
    state = {"finished": "2026-01-02T10:00:00", "seconds": 12.6, "n_cells": 31}
    (root / "runs/fma_clips/.state/03_load_xy.json").write_text(json.dumps(state))
    (root / "runs/fma_clips/split.csv").write_text("# by hand\ntrack_id,split\na,train\nb,test\n")
    assert results.main(["fma_clips"], root) == 0
    page = (root / "notebooks/results/README.md").read_text(encoding="utf8")
    assert "| 03_load_xy | ran | 31 | 13 |\n" in page
    assert "| 05_convpool | did not run |  |  |\n" in page
    assert "fma_small, 2 tracks, run on 2026-01-02, version" in page


def test_what_the_readme_says_of_five_genres_is_in_the_table():
    """"Come first", and "of all the leads only musicnn's ..."."""
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    assert "only musicnn's, over SampleCNN and over EfficientNet, are sure" in readme
    models, _ = results.read(ROOT / "notebooks/results/gtzan_five_full.csv")
    assert models.index[:2].tolist() == ["10 musicnn-head", "10 msd-head"]
    sure = {name: set(row.split("; ")) for name, row in models["better_than"].dropna().items()}
    tuned, waves = "09 effnet-tuned", "08 samplecnn"
    assert sure == {"10 musicnn-head": {tuned, waves}}
    assert f"{models['n_test'].max():.0f} tracks of the validation list" in readme


def test_who_hears_how_high_is_what_the_networks_read():
    """A doubt of the page: "musicnn up to 8 kHz, the convnet up to 6, SampleCNN up to 4"."""
    said = " ".join(results.FOOT.split())
    page = nbformat.read(ROOT / "notebooks/08_raw_waveform.ipynb", 4)
    samples = int(build.parameters(page)["WAVE_SR"].default) / 2000
    convnet, tagger = CRNN_INPUT["sr"] / 2000, INPUTS["sr"] / 2000
    assert f"musicnn hears up to {tagger:g} kHz" in said
    assert f"(msd-head) up to {convnet:g}, SampleCNN up to {samples:g}," in said
    assert f"hear up to {DEFAULTS['SR'] / 2000:.0f} kHz" in said


def test_the_page_in_the_repository_is_that_of_its_tables():
    folder = ROOT / "notebooks/results"
    assert (folder / "README.md").read_text(encoding="utf8") == results.page()
    assert (folder / "leak_ladder.png").read_bytes() == results.ladder()
    for table in folder.glob("*.csv"):
        drawn = not table.read_text(encoding="utf8").splitlines()[1].startswith("step,")
        assert table.with_suffix(".png").exists() == drawn
        assert (f"({table.stem}.png)" in results.page()) == drawn
