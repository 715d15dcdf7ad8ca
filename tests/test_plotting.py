"""Shared figures draw on the axes given, with labels and the values asked for."""

from xml.etree import ElementTree

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from helpers import interactive, plotting


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
