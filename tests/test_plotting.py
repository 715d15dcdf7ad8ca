"""Shared figures draw on the axes given, with labels and the values asked for."""

import pickle
from xml.etree import ElementTree

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.text import Text

from helpers import interactive, plotting
from notebooks.tools.build import ROOT


def test_history_marks_the_best_epoch():
    curves = {"loss": [3, 2, 1], "val_loss": [3, 1, 2], "accuracy": [0, 1, 1],
              "val_accuracy": [0.1, 0.2, 0.3]}  # fmt: skip
    fig, ax = plotting.history({"net": curves})
    dot = ax.lines[-1]
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (2, 0.2)
    assert ax.get_xlabel() == "epoch" and ax.get_ylabel() == "accuracy"
    plt.close(fig)


def test_intervals_on_given_axes():
    table = pd.DataFrame(
        {"accuracy": [0.5, 0.7], "accuracy_low": [0.4, 0.6], "accuracy_high": [0.6, 0.9]},
        index=["one", "two"],
    )
    fig, ax = plt.subplots()
    same = plotting.intervals(table, chance=0.1, ax=ax)
    assert same == (fig, ax)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["one", "two"]
    bars = ax.collections[0].get_segments()
    assert bars[0][:, 0].round(2).tolist() == [0.4, 0.6]
    assert any(t.get_text() == "chance" for t in ax.texts)
    plt.close(fig)


NAMES = ["A$AP", "$uicideboy$ & $", "wag$&oul$", "a_b^c", r"\frac{", "$x_1$"]


def drawn(fig, tmp_path, monkeypatch) -> set[str]:
    """Save a figure and return its texts; fail if one of them is drawn as a formula."""
    texts, draw = set(), Text.draw

    def note(self, *args, **options):
        assert self._preprocess_math(self.get_text())[1] is False, self.get_text()
        texts.add(self.get_text())
        draw(self, *args, **options)

    monkeypatch.setattr(Text, "draw", note)
    fig.savefig(tmp_path / "x.png")
    plt.close(fig)
    return texts


def test_names_are_drawn_as_they_are_written(tmp_path, monkeypatch):
    with plt.style.context(ROOT / "helpers" / "series.mplstyle"):
        table = pd.DataFrame({"accuracy": 0.5, "accuracy_low": 0.4, "accuracy_high": 0.6}, NAMES)
        fig, _ = plotting.intervals(table)
        assert drawn(fig, tmp_path, monkeypatch) >= set(NAMES)
        keys = ("loss", "val_loss", "accuracy", "val_accuracy")
        fig, _ = plotting.history({name: dict.fromkeys(keys, [0.1, 0.2]) for name in NAMES})
        assert drawn(fig, tmp_path, monkeypatch) >= {f"{name}, training" for name in NAMES}


@pytest.mark.parametrize(
    ("limits", "base", "expected"),
    [
        ((0.01, 1000), 10, {"10⁻²", "10⁰", "10³"}),
        ((1, 5), 10, {"10⁰", "2×10⁰", "3×10⁰"}),
        ((1, 8), 2, {"2⁰", "2³"}),
    ],
)
def test_a_logarithmic_axis_has_plain_numbers(tmp_path, monkeypatch, limits, base, expected):
    with plt.style.context(ROOT / "helpers" / "series.mplstyle"):
        fig, ax = plt.subplots()
        ax.set_yscale("log", base=base)
        ax.set_ylim(limits)
        texts = drawn(fig, tmp_path, monkeypatch)
    assert texts >= expected and not any("$" in text for text in texts)


def test_a_notebook_with_a_logarithmic_axis_has_plain_numbers():
    """The first figure brings the scale: the style that each notebook uses names the module."""
    style = (ROOT / "helpers" / "series.mplstyle").read_text(encoding="utf-8")
    assert "figure.hooks: helpers.plotting:" in style
    for path in (ROOT / "notebooks" / "src").glob("[01][0-9]_[!t]*.py"):
        text = path.read_text(encoding="utf-8")
        assert 'plt.style.use("helpers/series.mplstyle")' in text, path.name


@plt.rc_context({"axes.titlelocation": "left"})
def test_a_figure_says_what_it_shows():
    fig, axes = plt.subplots(1, 3)
    assert plotting.alt_text(fig) == "Figure"
    for ax, title in zip(axes, ["blues", "jazz", "jazz"]):
        ax.plot([1, 2], label="loss")
        ax.set(title=title, xlabel="time\nin seconds")
    axes[0].legend()
    axes[1].set_ylabel("amplitude")
    parts = ["blues; jazz", "x: time in seconds", "y: amplitude", "legend: loss"]
    assert plotting.alt_text(fig) == "Figure: " + ". ".join(parts)
    fig.suptitle("word " * 200)
    assert plotting.alt_text(fig).startswith("Figure: word") and len(plotting.alt_text(fig)) <= 500
    plt.close(fig)


@plt.rc_context({"figure.hooks": ["helpers.plotting:add_alt_text"]})
def test_a_notebook_keeps_what_a_figure_says():
    fig, ax = plt.subplots()
    ax.set_xlabel("set after the figure was made")
    for shown in (fig, pickle.loads(pickle.dumps(fig))):
        said = DisplayFormatter().format(shown)[1]["image/png"]["alt"]
        assert said == "Figure. x: set after the figure was made"
    plt.close("all")


def test_a_menu_appears_where_somebody_can_click(monkeypatch):
    called, shown = [], []
    monkeypatch.setattr("ipywidgets.interact", lambda function, **menus: shown.append(menus))
    monkeypatch.delenv("SERIES_STATIC", raising=False)
    interactive.explore(lambda **chosen: called.append(chosen), track=["b", "a"], k=range(3, 9))
    assert called == [] and shown[0]["track"].options == ("b", "a")
    assert (shown[0]["k"].value, shown[0]["k"].max) == (3, 8)
    monkeypatch.setenv("SERIES_STATIC", "1")
    interactive.explore(lambda **chosen: called.append(chosen), track=["b", "a"], k=range(3, 9))
    assert called == [{"track": "b", "k": 3}] and len(shown) == 1


def test_a_map_says_titles_and_nothing_else():
    """Whatever a title holds, it is text and no markup."""
    points = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0]])  # all at the same height
    svg = interactive.hover_map(points, ["a", "b", "a"], ["one", "<script>x</script>", 'q"'])
    root = ElementTree.fromstring(svg)
    dots = [c for c in root if c.find("title") is not None]
    assert [c.find("title").text for c in dots] == ["one", "<script>x</script>", 'q"']
    assert dots[0].get("fill") == dots[2].get("fill") != dots[1].get("fill")
    assert float(dots[0].get("cx")) < float(dots[1].get("cx")) < float(dots[2].get("cx"))
    assert root.find("script") is None
