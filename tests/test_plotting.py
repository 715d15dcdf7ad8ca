"""Shared figures draw on the axes given, with labels and the values asked for."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd

from helpers import plotting


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
