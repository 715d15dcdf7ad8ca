"""Figures that several notebooks share. Each takes `ax=None` and returns `(fig, ax)`."""

from __future__ import annotations

import re
import textwrap
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.scale import LogScale, register_scale
from matplotlib.ticker import LogFormatterSciNotation

RAISED = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")


class _Powers(LogFormatterSciNotation):
    """Write powers as text, 10² or 2×10⁻³, where matplotlib writes formulas."""

    def __call__(self, x, pos=None):
        text = super().__call__(x, pos).removeprefix(r"$\mathdefault{").removesuffix("}$")
        text = text.replace(r"\times", "×")
        return re.sub(r"\^\{(.*?)\}", lambda power: power[1].translate(RAISED), text)


class _Log(LogScale):
    """Logarithmic axes for our style, which draws every text as it is written."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)

    def set_default_locators_and_formatters(self, axis):
        super().set_default_locators_and_formatters(axis)
        axis.set_major_formatter(_Powers(self.base))
        axis.set_minor_formatter(_Powers(self.base, labelOnlyBase=self.subs is not None))


register_scale(_Log)


def add_alt_text(fig) -> None:
    """Let a notebook keep the alternative text with the picture: a hook of our style."""
    fig._repr_mimebundle_ = partial(_metadata, fig)


def _metadata(fig, **_) -> tuple[dict, dict]:
    return {}, {"image/png": {"alt": alt_text(fig)}}


def alt_text(fig) -> str:
    """Say in one line what a figure shows: its titles, axes and legends."""
    places = ("left", "center", "right")
    legends = [*fig.legends, *filter(None, (ax.get_legend() for ax in fig.axes))]
    texts = {
        "Figure": [fig.get_suptitle(), *(ax.get_title(loc=p) for ax in fig.axes for p in places)],
        "x": [ax.get_xlabel() for ax in fig.axes],
        "y": [ax.get_ylabel() for ax in fig.axes],
        "legend": [text.get_text() for legend in legends for text in legend.get_texts()],
    }
    said = {what: "; ".join(filter(None, dict.fromkeys(found))) for what, found in texts.items()}
    parts = [f"{what}: {text}" for what, text in said.items() if text]
    parts = parts if said["Figure"] else ["Figure", *parts]
    return textwrap.shorten(". ".join(parts), 500, placeholder=" …")


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


def trainings(models: pd.DataFrame, each: pd.DataFrame, *, chance: float | None = None, ax=None):
    """Draw models with their 95 % intervals, and above each its folds and its single trainings.

    Parameters
    ----------
    models : pd.DataFrame [index=model]
        accuracy, accuracy_low, accuracy_high; first on top.
    each : pd.DataFrame
        model, fold, seed, accuracy: one row a training.
    chance : float, optional
        What a uniform guess scores.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    fig, ax
    """
    fig, ax = _axes(ax, figsize=(9, 1.2 + 0.55 * len(models)))
    intervals(models, chance=chance, ax=ax)
    rows = dict(zip(models.index, range(len(models))))
    each = each[each["model"].isin(models.index)]
    means = each.groupby(["model", "fold"], as_index=False)["accuracy"].mean()
    for table, look in ((each, {"marker": "|", "ms": 8}), (means, {"marker": "o", "ms": 4})):
        name = "one training" if table is each else "mean of a fold"
        at = table["model"].map(rows) - 0.25
        ax.plot(table["accuracy"], at, ls="", color="C1", alpha=0.7, label=name, **look)
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return fig, ax
