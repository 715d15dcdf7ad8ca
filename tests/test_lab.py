"""As people meet the pages: JupyterLab in a browser runs them, and what can be clicked answers."""

import shutil

import nbformat
import pytest

from notebooks.tools.build import ROOT, parameters
from tests.conftest import run_all
from tests.test_series import TINY

expect = pytest.importorskip("playwright.sync_api", reason="make test installs it").expect
pytestmark = pytest.mark.processes
later = pytest.mark.slow("test-browser", "IN_BROWSER")
unwanted = shutil.ignore_patterns("__pycache__", "results", ".*")


@pytest.fixture
def shown(lab, visit, tmp_path):
    """Run a page in JupyterLab, with few tracks; return it and the notebook that was saved."""

    def run(name):
        shutil.copytree(ROOT / "helpers", tmp_path / "helpers", ignore=unwanted)
        shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=unwanted)
        nb = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)
        (at,) = [i for i, c in enumerate(nb.cells) if "parameters" in c.metadata.get("tags", [])]
        few = {key: value for key, value in TINY.items() if key in parameters(nb)}
        few |= {"EPOCHS": 1} if "EPOCHS" in few else {}
        lines = "".join(f"\n{key} = {value!r}" for key, value in few.items())
        nb.cells[at].source += lines  # as somebody types who wants to be quick
        for cell in (cell for cell in nb.cells if cell.cell_type == "code"):
            cell.outputs, cell.execution_count = [], None
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        nbformat.write(nb, path)
        page = visit(f"{lab}/tree/notebooks/{name}.ipynb")
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


@later
def test_the_page_of_sounds_and_pictures_runs(shown):
    page, nb = shown("01_data_visualization")
    assert red(nb) == []
    assert page.locator(".jp-OutputArea-output img").count() >= 5


@later
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


@later
def test_the_recommender_runs_jumps_and_hears(shown):
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
