"""Keep the comparison of a finished study with the series: table, figure and a page of all results.

::

    python -m notebooks.tools.results demo_full     # or: make results STUDY=demo_full

Notebook 11 writes the table when a study runs it. What is kept holds figures only, no sound. The
README's figure is that of notebook 03's kept page; without a study, only it and the page are made.
"""

from __future__ import annotations

import base64
import math
import re
import shutil
import sys
from itertools import takewhile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import yaml

from helpers import __version__, plotting
from notebooks.tools.build import ROOT
from notebooks.tools.report import read_json

HEAD = """# Results

Written by `make results` from studies that anyone can repeat with `make study`. One or two models
of each notebook stand side by side; a name begins with the notebook's number. *Right* is the
accuracy by track. Its interval redraws test tracks (whole artists, where they are known) and
trainings. *Beats* counts the models of the same table that a model surely outscores, after [Holm's
correction](../11_test_set_analysis.ipynb) for the number of pairs; the CSV file names them. *Folds
× trainings* says on how many divisions of the tracks a model was tested, and how often it was
trained on each, with other seeds. *Seconds* is the time of one training. Models of notebooks 04, 10
and 17 draw nothing at random, so they have one training a fold. The recipe of 06 first takes crop
or SpecAugment, by the validation loss; then it trains three networks on training and validation
tracks together, and averages them.
"""
FOOT = """## What to doubt

- The recipe of 06 was put together while looking at the tests of synthetic music and of five
  genres, and the tracks of three genres are among those of five. So its figures flatter it there.
- The recipe changes several things at once: the way, more tracks, more steps, three networks. These
  tables cannot say which of them helps; notebook 06 takes it apart on one fold.
- The recipe also learns from the validation tracks, which choose the epoch of the other networks.
  So it has more tracks to learn from; the model of 04 to set beside it is the one called *both*.
- The plain network is that of notebook 05, which stops early. The one with SpecAugment trains at
  equal steps, as notebook 06 does. Where it leads, either may be the reason.
- The copies of GTZAN behind these tables are not complete: none has a track of the fault-filtered
  test list. The tables say how many tracks were tested.
- GTZAN repeats artists within a genre. The fault-filtered lists keep them apart. A study of all
  tracks without the lists, such as `gtzan_short_full`, does not, and flatters every model.
- Some songs of GTZAN may be among the 200,000 that the networks of 10 have learned from.
- GTZAN's genres differ in bandwidth: pop reaches above 10 kHz, blues and jazz hardly. Models of 04
  to 07 and 09 hear up to 11 kHz and may read that instead of music. musicnn hears up to 8 kHz, the
  convnet (msd-head) up to 6, SampleCNN up to 4, which may be a part of why it is low.
- Results on synthetic music say nothing about real music.

## What others report

On all ten genres of GTZAN with the fault-filtered lists, 290 test tracks (one is 0.3 points, an
interval spans about ten). Not comparable with the tables above, which have fewer tracks.

| system | accuracy | source |
| --- | --- | --- |
| MFCC with a support vector machine | 0.534 | sklearn-audio-transfer-learning |
| small 2-D convolutional network on mel, from scratch | 0.541 | ISMIR 2021 tutorial, part 3 |
| CLMR, linear probe | 0.686 | Castellon et al., ISMIR 2021 |
| MULE, unsupervised | 0.734 | McCallum et al., ISMIR 2022 |
| VGGish with a linear support vector machine | 0.772 | sklearn-audio-transfer-learning |
| Jukebox, probe | 0.797 | Castellon et al., ISMIR 2021 |
| features of several levels of SampleCNN | 0.821 | Lee et al., Applied Sciences 2018 |
| supervised on Musicset | 0.834 | McCallum et al., ISMIR 2022 |

On random splits, or splits by clip, figures above 0.9 are common: they are inflated (B. Sturm, *The
GTZAN dataset: its contents, its faults*, 2013).
"""
COLUMNS = ["model", "right", "95 % interval", "beats", "folds × trainings", "tracks", "seconds"]


def keep(study: str, root: Path = ROOT) -> Path:
    """Copy the table of a study's notebook 11 and draw it; return the copy.

    A study without notebook 11 compares nothing: what is kept of it is which steps ran.
    """
    told = yaml.safe_load((root / "notebooks" / "studies" / f"{study}.yml").read_text("utf-8"))
    if not any(step["notebook"].startswith("11") for step in told["steps"]):
        return keep_steps(study, told, root)
    found = sorted((root / "runs" / study / "tables").glob("11_*-comparison.csv"))
    if not found:
        raise FileNotFoundError(
            f"runs/{study}/tables holds no comparison: run `make study STUDY={study}` to its end"
        )
    kept = root / "notebooks" / "results" / f"{study}.csv"
    kept.parent.mkdir(exist_ok=True)
    shutil.copy(found[0], kept)
    models, each = read(kept)
    chance = re.search(r"; chance ([\d.]+)\)", kept.read_text(encoding="utf-8").splitlines()[0])
    with plt.style.context(root / "helpers" / "series.mplstyle"):
        draw = curve if len(shares(models)) > 1 else plotting.trainings
        fig, ax = draw(models, each, chance=float(chance[1]) if chance else None)
        ax.set_title(f"{study}: right answers on {models['n_test'].max():.0f} test tracks")
        fig.savefig(kept.with_suffix(".png"), dpi=120, bbox_inches="tight", metadata={})
    return kept


def keep_steps(study: str, told: dict, root: Path = ROOT) -> Path:
    """Write which steps of a study ran, on how many tracks, and how long they took."""
    folder = root / "runs" / study
    names = [step.get("name", step["notebook"]) for step in told["steps"]]
    ended = {name: read_json(folder / ".state" / f"{name}.json") for name in names}
    if not any(ended.values()):
        raise FileNotFoundError(f"runs/{study} holds no step: run `make study STUDY={study}`")
    rows = [(name, "ran" if state else "did not run", state.get("n_cells"), state.get("seconds"))
            for name, state in ended.items()]  # fmt: skip
    n = len(pd.read_csv(folder / "split.csv", comment="#"))
    day = max(state["finished"] for state in ended.values() if state)[:10]
    note = f"# {told['dataset']}, {n} tracks, run on {day}, version {__version__} of the series\n"
    table = pd.DataFrame(rows, columns=["step", "result", "cells", "seconds"])
    kept = root / "notebooks" / "results" / f"{study}.csv"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(note + table.round(0).astype({"cells": "Int64", "seconds": "Int64"})
                    .to_csv(index=False, lineterminator="\n"), encoding="utf-8")  # fmt: skip
    return kept


def shares(models: pd.DataFrame) -> dict[float, pd.DataFrame]:
    """Return the models of a learning curve, by the percent of tracks that have taught them."""
    name = models.index.str.partition(", ").to_frame(index=False)
    percent = pd.to_numeric(name[2].str.removesuffix(" %")).fillna(100)
    table = models.assign(name=name[0].to_numpy(), percent=percent.to_numpy())
    return {share: part.set_index("name") for share, part in table.groupby("percent")}


def curve(models: pd.DataFrame, each: pd.DataFrame, *, chance: float | None = None):
    """Draw accuracy over the share of tracks that teach, with intervals."""
    fig, ax = plt.subplots(figsize=(9, 3.8), layout="constrained")
    table = pd.concat(shares(models).values()).reset_index()
    for place, (name, row) in enumerate(table.groupby("name")):
        ends = abs(row[["accuracy_low", "accuracy_high"]].T - row["accuracy"])
        at = row["percent"] * 1.03 ** (place - 1)  # side by side
        ax.errorbar(at, row["accuracy"], ends.to_numpy(), marker="o", label=name)
    if chance:
        ax.axhline(chance, color="0.5", ls=":", label="chance")
    ax.set_xscale("log", base=2)
    ticks = table["percent"].unique()
    ax.set_xticks(ticks, [f"{share:g} %" for share in ticks])
    ax.set(xlabel="training and validation tracks that teach", ylabel="accuracy", ylim=(0, 1))
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig, ax


def doubling(models: pd.DataFrame) -> str:
    """Say what twice as many tracks brought to each model of a learning curve."""
    parts = shares(models)
    (first, few), (last, many) = min(parts.items()), max(parts.items())
    gain = (many["accuracy"] - few["accuracy"]) / math.log2(last / first)
    told = "; ".join(f"{name} {100 * points:+.1f} points" for name, points in gain.items())
    return (
        f"From {first:g} % to {last:g} % of the tracks, each doubling brought, on average: {told}. "
        "Whether the next doubling brings as much, no table can say."
    )


def read(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read models and single trainings from a table that is kept."""
    table = pd.read_csv(path, comment="#")
    return table[table["fold"] == "all"].set_index("model"), table[table["fold"] != "all"]


def page(root: Path = ROOT) -> str:
    """Write the page of all tables that are kept."""
    parts = [HEAD]
    for path in sorted((root / "notebooks" / "results").glob("*.csv")):
        study = (root / "notebooks" / "studies" / f"{path.stem}.yml").read_text(encoding="utf-8")
        about = " ".join(line[2:] for line in takewhile(lambda x: x[0] == "#", study.splitlines()))
        told = yaml.safe_load(study)
        note = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        note = f"{told['needs']['time']}; {note}"
        table = pd.read_csv(path, comment="#", dtype=str).fillna("")
        parts += [f"## {told['title']}\n", f"{about}\n",
                  f"`make study STUDY={path.stem}`, {note}.\n"]  # fmt: skip
        parts += [_rows(table)] if "step" in table else _compared(path, told["title"])
    return "\n".join([*parts, FOOT])


def _compared(path: Path, title: str) -> list[str]:
    """Write figure, table and what is sure of a comparison that is kept."""
    models, _ = read(path)
    rows = []
    for name, row in models.iterrows():
        beaten = row["better_than"].split("; ") if pd.notna(row["better_than"]) else []
        seconds = f"{row['train_seconds']:.0f}" if pd.notna(row["train_seconds"]) else ""
        ends = f"{row['accuracy_low']:.2f} to {row['accuracy_high']:.2f}"
        trained = f"{row['folds']:.0f} × {row['seeds']:.0f}"
        rows.append([name, f"{row['accuracy']:.2f}", ends, str(len(beaten)), trained,
                     f"{row['n_test']:.0f}", seconds])  # fmt: skip
    parts = [f"![{title}: models with folds and single trainings]({path.stem}.png)\n"]
    parts += [_rows(pd.DataFrame(rows, columns=COLUMNS))]
    sure = models["better_than"].notna().any()
    parts += [] if sure else ["No difference in this table is sure.\n"]
    return parts + ([doubling(models) + "\n"] if len(shares(models)) > 1 else [])


def _rows(table: pd.DataFrame) -> str:
    rows = [[*table], ["---"] * table.shape[1], *table.to_numpy()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def ladder(root: Path = ROOT) -> bytes:
    """Return the figure of the leak ladder in the kept page of notebook 03, for the README."""
    nb = nbformat.read(root / "notebooks" / "03_load_xy.ipynb", as_version=4)
    cell = next(c for c in nb.cells if "key-figure" in c.metadata.get("tags", []))
    return base64.b64decode(next(o.data["image/png"] for o in cell.outputs if "data" in o))


def main(studies: list[str], root: Path = ROOT) -> int:
    """Keep the comparisons of these studies; return the exit status."""
    try:
        for study in studies:
            print(keep(study, root).relative_to(root))
    except FileNotFoundError as problem:
        print(problem, file=sys.stderr)
        return 2
    folder = root / "notebooks" / "results"
    (folder / "README.md").write_text(page(root), encoding="utf-8")
    (folder / "leak_ladder.png").write_bytes(ladder(root))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
