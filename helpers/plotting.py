"""Figures that several notebooks share. Each takes `ax=None` and returns `(fig, ax)`."""

from __future__ import annotations

import html
import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex


def _axes(ax, **options):
    if ax is not None:
        return ax.figure, ax
    return plt.subplots(**options)


def history(histories: dict[str, dict], *, metric: str = "accuracy", ax=None):
    """Draw training and validation curves; a dot marks the epoch whose weights are kept.

    Parameters
    ----------
    histories : dict
        Name of the network -> the `history` of Keras's `History`: lists, one value an epoch.
    metric : str
        "loss" or a metric that the network was compiled with.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    fig, ax

    Notes
    -----
    Notebook: 05_convpool.
    """
    fig, ax = _axes(ax)
    for name, curves in histories.items():
        epochs = np.arange(1, len(curves[metric]) + 1)
        (line,) = ax.plot(epochs, curves[f"val_{metric}"], label=f"{name}, validation")
        ax.plot(epochs, curves[metric], "--", color=line.get_color(), alpha=0.6, lw=1.2,
                label=f"{name}, training")  # fmt: skip
        best = int(np.argmin(curves["val_loss"]))
        ax.plot(epochs[best], curves[f"val_{metric}"][best], "o", color=line.get_color())
    ax.set(xlabel="epoch", ylabel=metric)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend(fontsize=8)
    return fig, ax


def intervals(
    table: pd.DataFrame, *, metric: str = "accuracy", chance: float | None = None, ax=None
):
    """Draw one dot with its 95 % interval for each row, and the chance line.

    Parameters
    ----------
    table : pd.DataFrame
        Index: the names to show, first on top. Columns: metric, metric_low, metric_high.
    metric : str
        The score to draw.
    chance : float, optional
        What a uniform guess scores.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    fig, ax

    Notes
    -----
    Notebook: 03_load_xy.
    """
    fig, ax = _axes(ax, figsize=(8, 0.8 + 0.4 * len(table)))
    value, rows = table[metric].to_numpy(), np.arange(len(table))
    error = np.abs(table[[f"{metric}_low", f"{metric}_high"]].to_numpy().T - value)
    ax.errorbar(value, rows, xerr=error, fmt="o", capsize=3)
    for x, row in zip(table[f"{metric}_high"], rows):
        ax.annotate(f"{value[row]:.2f}", (x, row), (6, 0), textcoords="offset points", va="center")
    if chance is not None:
        ax.axvline(chance, color="0.5", ls=":")
        ax.annotate("chance", (chance, 0), (3, 3), xycoords=("data", "axes fraction"),
                    textcoords="offset points", color="0.4", fontsize=8)  # fmt: skip
    ax.set_yticks(rows, list(table.index))
    ax.set(xlim=(0, 1.05), ylim=(len(table) - 0.5, -0.5))
    ax.set_xlabel(f"{metric.replace('_', ' ')} (dot) and 95 % interval (bar)")
    return fig, ax


def explore(function, **choices):
    """Show a menu for each argument; where nobody can click, call the function once.

    Parameters
    ----------
    function : callable
        Draws or prints something for one choice of arguments.
    **choices
        Name of an argument -> what it may be: a list, or a range of numbers.

    Notes
    -----
    Notebook: 11_test_set_analysis. A study and a render call the function with the first choices,
    so that what is kept shows what a person would see first.
    """
    if os.environ.get("SERIES_STATIC"):
        function(**{name: values[0] for name, values in choices.items()})
        return
    import ipywidgets

    menus = {
        name: ipywidgets.IntSlider(values[0], min(values), max(values), continuous_update=False)
        if isinstance(values, range)
        else ipywidgets.Dropdown(options=values)
        for name, values in choices.items()
    }
    ipywidgets.interact(function, **menus)


def hover_map(points: np.ndarray, labels, titles, *, size: int = 560) -> str:
    """Draw a map whose points say their title when the mouse rests on them.

    Parameters
    ----------
    points : np.ndarray [shape=(n, 2)]
        Places.
    labels : sequence of str [length=n]
        What colours the points.
    titles : sequence of str [length=n]
        What a point says.
    size : int
        Width and height in pixels.

    Returns
    -------
    str
        An SVG picture for `IPython.display.HTML`. It needs no script, so it works in JupyterLab, in
        Colab and on a saved page.

    Examples
    --------
    >>> hover_map(np.array([[0, 0], [1, 1]]), ["a", "b"], ["one", "two"]).count("<title>")
    2

    Notes
    -----
    Notebook: 11_test_set_analysis.
    """
    points = np.asarray(points, dtype=float)
    low, span = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1e-9)
    places = 12 + (size - 24) * (points - low) / span
    kinds = list(dict.fromkeys(labels))
    cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    colours = {kind: to_hex(cycle[i % len(cycle)]) for i, kind in enumerate(kinds)}
    dots = [
        f'<circle cx="{x:.1f}" cy="{size - y:.1f}" r="5" fill="{colours[label]}">'
        f"<title>{html.escape(str(title))}</title></circle>"
        for (x, y), label, title in zip(places, labels, titles)
    ]
    names = [
        f'<circle cx="{size + 16}" cy="{20 + 18 * i}" r="5" fill="{colours[kind]}"/>'
        f'<text x="{size + 28}" y="{24 + 18 * i}" font-size="12">{html.escape(str(kind))}</text>'
        for i, kind in enumerate(kinds)
    ]
    inside = "".join(dots + names)
    height = max(size, 30 + 18 * len(kinds))
    return f'<svg viewBox="0 0 {size + 180} {height}" width="{size + 180}">{inside}</svg>'
