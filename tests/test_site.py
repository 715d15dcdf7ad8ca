"""The site: `make site` builds it without a warning, and nothing in it leads nowhere or outside."""

import re
import shutil
import subprocess
from urllib.parse import unquote

import bs4
import pytest

from notebooks.tools.build import ROOT
from tests.conftest import DESKTOP, PHONE, serious

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """All pages, by their place in the site."""
    copy = tmp_path_factory.mktemp("site") / "series"
    shutil.copytree(ROOT / "notebooks", copy / "notebooks", ignore=shutil.ignore_patterns(".*"))
    (copy / "data" / "gtzan").mkdir(parents=True)  # data sets may be large, and are not copied
    (copy / "data" / "gtzan" / "NOTES.md").write_text("# Not a page of the site")
    (copy / "models").mkdir()
    for name in ("Makefile", "requirements.txt", "constraints.txt", "README.md", "CONTRIBUTING.md",
                 "CHANGELOG.md", "data/README.md", "models/README.md"):  # fmt: skip
        shutil.copy2(ROOT / name, copy / name)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    done = subprocess.run(["make", "site"], cwd=copy, capture_output=True, text=True)
    said = done.stdout + done.stderr
    if done.returncode and re.search("Failed to (fetch|download)|error sending request", said):
        pytest.skip("the package index, which `make site` installs Sphinx from, is out of reach")
    assert done.returncode == 0 and "WARNING" not in said, said[-2000:]
    html = copy / "runs" / "site"
    files = [path for path in html.rglob("*.html") if "_static" not in path.parts]
    texts = {path.relative_to(html): path.read_text(encoding="utf8") for path in files}
    return html, {path: bs4.BeautifulSoup(text, "html.parser") for path, text in texts.items()}


def test_every_notebook_and_the_glossary_have_a_page(pages):
    _, soups = pages
    names = {path.stem for path in soups}
    assert {path.stem for path in ROOT.glob("notebooks/[0-9]*.ipynb")} | {"glossary"} <= names
    assert "NOTES" not in names


def test_every_link_and_picture_within_the_site_is_there(pages):
    html, soups = pages
    lost, seen = [], 0
    for path, soup in soups.items():
        for tag, name in (("a", "href"), ("img", "src"), ("script", "src"), ("link", "href")):
            for found in soup.find_all(tag, **{name: True}):
                target, _, anchor = found[name].partition("#")
                if re.match(r"[a-z]+:|//", target):
                    continue
                file, seen = html / path, seen + 1
                if target:
                    file = file.parent / unquote(target.split("?")[0])
                if not file.exists():
                    lost.append(f"{path}: {found[name]}")
                elif anchor and file.suffix == ".html":
                    other = soups[file.resolve().relative_to(html.resolve())]
                    if not other.find(id=unquote(anchor)):
                        lost.append(f"{path}: {found[name]}")
    assert seen > 1000 and not lost, lost[:10]


def test_no_page_loads_anything_from_outside(pages):
    _, soups = pages
    for path, soup in soups.items():
        loaded = [tag["src"] for tag in soup.find_all(["script", "img", "audio"], src=True)]
        loaded += [tag["href"] for tag in soup.find_all("link", rel="stylesheet")]
        assert not [url for url in loaded if re.match(r"https?:|//", url)], path


def test_players_play_and_tables_of_contents_lead_on(pages):
    _, soups = pages
    (first,) = [soup for path, soup in soups.items() if path.stem == "00_first_classifier"]
    players = [tag.get("src", "") for tag in first.find_all(["audio", "source"])]
    assert sum(url.startswith("data:audio/") for url in players) >= 10
    assert first.find("a", class_="right-next") and first.find("a", class_="left-prev")


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("page", ["README", "notebooks/00_first_classifier", "notebooks/glossary"])
def test_in_a_browser_a_page_fits_and_can_be_used_by_everybody(pages, visit, page, device):
    shown = visit((pages[0] / f"{page}.html").as_uri(), **device)
    shown.wait_for_load_state()
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not serious(shown)


def test_what_jupyterlab_folds_is_folded(pages):
    _, soups = pages
    (page,) = [soup for path, soup in soups.items() if path.stem == "05_convpool"]
    folded = [cell.get_text() for cell in page.select(".cell.tag_hide-input")]
    for title in ("Setup", "Imports", "Parameters"):
        assert sum(f"# @title {title}" in text for text in folded) == 1
    assert len(folded) == 3


def test_in_a_browser_a_figure_opens_alone(pages, visit):
    shown = visit((pages[0] / "notebooks" / "03_load_xy.html").as_uri(), **PHONE)
    figure = shown.locator("article .cell_output img").first
    name, wide = figure.get_attribute("src"), figure.evaluate("image => image.naturalWidth")
    assert wide > figure.bounding_box()["width"]
    figure.click()
    shown.wait_for_url(f"**/{name.rpartition('/')[2]}")
    assert shown.evaluate("document.images[0].naturalWidth") == wide


def test_in_a_browser_the_search_finds_a_page(pages, visit):
    shown = visit((pages[0] / "search.html").as_uri() + "?q=SpecAugment")
    shown.get_by_role("link", name="Augmentation").first.wait_for(timeout=20_000)
