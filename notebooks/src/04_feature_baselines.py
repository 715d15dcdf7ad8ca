# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Feature baselines
#
# *3 minutes · needs nothing: it makes features and split itself · writes `models/` and `metrics/`*
#
# Before a network may read spectrograms, ask what a table can do: one row a track, one column a number such as its
# brightness. Which of these numbers carry genre? One of the projects that this series takes up asked exactly this.
# It drew another random split for each feature set, had no test set, and fed mel bands as power. We ask again, on
# one split, with four classical models and the project's own dense network. The result is the **baseline**: what
# every later notebook has to beat.
#
# **You will learn**
#
# - how to compare feature sets so that the difference is the features and not the split;
# - which features carry genre, alone and together, and what decibels are worth;
# - how to choose the smallest set that will do, and whether a dense network does better with it.
#
# **Before you start**: notebook 02 makes the features, notebook 03 explains the split and its audit.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = ""
folders = [Path.cwd(), *Path.cwd().parents, Path.cwd() / "music-classification"]
ROOT = next((p for p in folders if (p / "helpers" / "series.mplstyle").exists()), None)
alone = ROOT is None
if alone:
    ROOT = folders[-1]
    if not REPOSITORY:
        raise SystemExit("This notebook needs its series beside it: in Colab, drop music-classification.zip on the "
                         "panel Files, run !unzip -q music-classification.zip, and run this cell again.")
    if subprocess.run(["git", "clone", "--quiet", "--depth", "1", REPOSITORY, str(ROOT)]).returncode:
        raise SystemExit(f"This notebook needs its series: copy {REPOSITORY} to {ROOT}.")
os.chdir(ROOT)
sys.path.insert(0, str(ROOT))
if alone or "google.colab" in sys.modules:
    subprocess.run([sys.executable, "-m", "notebooks.tools.install"], check=True)
import helpers

helpers.keep_native_logs_out_of_cells()

# %% tags=["imports"]
import json
import re
import time

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Audio, Markdown
from scipy.special import softmax
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupShuffleSplit,
    cross_val_score,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_class_weight

from helpers import evaluate, features, plotting
from helpers.audio import load_audio
from helpers.experiment import Experiment
from helpers.splits import StratifiedGroupKFold

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "04_feature_baselines"  # name of this step in the leaderboard
EPOCH_STOPS: list = [10, 15, 20]  # epochs after which the small dense network is measured
LARGE_EPOCHS: int = 10  # most epochs of the large dense network
SEARCH_TRACKS: int = 2000  # most tracks that cross-validation uses
MODELS: list = ["logistic regression", "SVM", "k-NN", "random forest"]  # classical models that are compared
EPOCH_SETS: list = []  # feature sets on which the number of epochs is tried; empty takes all
SEEDS: int = 3  # number of repetitions with other seeds, for mean and spread
BATCH_SIZE: int = 32  # clips in a training batch
LEARNING_RATE: float = 0.001  # of the Adam optimizer
BALANCED: bool = False  # draw all classes equally often in training
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## Tracks as rows of numbers
#
# The **summary features** of notebook 02 are the subject: mean and standard deviation, over all frames of a track, of
# each classical measure. `Experiment` does in one call what notebook 03 builds step by step: it loads the tracks,
# computes the features that are not there yet, and takes the split that every notebook of the series meets. No artist
# and no near-duplicate stands on two sides of it.

# %%
experiment = Experiment(globals())
summary = experiment.extract(features.extract_summary)
experiment.keep(summary.index)
print(experiment)

# %%
dataset, tracks, split, ids, Y = (experiment.dataset, experiment.tracks, experiment.split, experiment.ids, experiment.Y)
X = summary.loc[tracks.index]
print("X", X.shape, "= (tracks, columns); Y", Y.shape)

# %% [markdown]
# ### Five families
#
# - **spectral**: six numbers about the shape of the spectrum, such as its centre of gravity (heard as brightness),
#   and **contrast**, the distance between peaks and valleys in seven bands;
# - **chroma**: how much of each pitch class sounds, whatever the octave; with 24 bins it tells quarter tones apart;
# - **MFCC**: the shape of the log-mel spectrum in few numbers, from coarse to fine;
# - **mel**: the level in mel bands itself, as power or in decibels.
#
# A regular expression picks the columns of a family from the table, and the statistic says whether its mean, its
# standard deviation, or both.

# %%
FAMILIES = {
    "spectral": "zero_crossing_rate|rms|centroid|bandwidth|rolloff|flatness",
    "contrast": r"contrast_\d",
    "chroma": "chroma_.+",
    "MFCC": r"mfcc_\d+",
    "mel dB": r"mel_db_\d+",
}


# %%
def columns(measures, statistics="mean"):
    """Columns of the table for these measures."""
    return [c for c in X if re.fullmatch(f"({measures})_({statistics})", c)]


print(*columns(FAMILIES["spectral"], "mean|std"), sep=", ")

# %% [markdown]
# What does a class look like in these numbers? Take all means, subtract from each column its average over the
# training tracks, divide by its standard deviation, and average over the tracks of a class. White is the average
# track; a coloured cell says that the class lies apart in this column.

# %%
every = "|".join(FAMILIES.values())
shown = X.loc[ids["train"], [c for f in FAMILIES.values() for c in columns(f)]]
profile = ((shown - shown.mean()) / shown.std()).groupby(tracks["label"]).mean()
ends = np.cumsum([len(columns(f)) for f in FAMILIES.values()])

# %%
fig, ax = plt.subplots(figsize=(11, 3.4))
image = ax.imshow(profile, aspect="auto", cmap="RdBu_r", vmin=-2, vmax=2, interpolation="nearest")
ax.set_yticks(range(len(profile)), profile.index)
ax.set_xticks(ends - np.diff(ends, prepend=0) / 2 - 0.5, FAMILIES)
for end in ends[:-1]:
    ax.axvline(end - 0.5, color="black", lw=1)
fig.colorbar(image, label="standard deviations\nfrom the average track", extend="both")
ax.set(title="The average training track of each class", xlabel="column, by family", ylabel="class")
plt.show()

# %% [markdown]
# Read it by family. Where rows differ strongly, the family separates classes; where all rows are pale, it says
# little, at least in its means. Neighbouring columns look alike: they are **correlated**, which will matter when we
# ask for the importance of single columns.
#
# ### The feature sets
#
# The sets of the original come first: spectral means, chroma, MFCC and mel at two sizes each, and MFCC with the six
# spectral means. We add mel in decibels, and sets with standard deviations. *All* takes each family once, in its
# best form: mel in decibels, contrast by band.

# %%
sets = {
    "spectral 7": columns(FAMILIES["spectral"] + "|contrast"),
    "chroma 12": columns(FAMILIES["chroma"]),
    "chroma 24": columns(r"chroma24_\d+"),
    "MFCC 12": columns(r"mfcc_(0\d|1[012])"),
    "MFCC 24": columns(FAMILIES["MFCC"]),
    "mel 12, power": columns(r"mel12_power_\d+"),
    "mel 12, dB": columns(r"mel12_db_\d+"),
    "mel 24, power": columns(r"mel_power_\d+"),
    "mel 24, dB": columns(FAMILIES["mel dB"]),
    "MFCC 24 + spectral 6": columns(FAMILIES["MFCC"] + "|" + FAMILIES["spectral"]),
    "MFCC 24 + deviations": columns(FAMILIES["MFCC"], "mean|std"),
    "all means": columns(every),
    "all + deviations": columns(every, "mean|std"),
}
ALL = "all + deviations"
pd.Series({name: len(chosen) for name, chosen in sets.items()}, name="columns")

# %% [markdown]
# ## One split for all
#
# First the mistake, so that we know its size. The original drew a new random split for each feature set. What
# does that do? Take one model and one set, and divide again and again. Nothing changes but the draw. The test tracks
# stay out of this: we draw from training and validation tracks only, and groups (artists) stay whole. At most
# `SEARCH_TRACKS` take part, because the cost of some models grows with the square of their number.

# %%
dev = split.ids("train", "valid")
if len(dev) > SEARCH_TRACKS:
    dev = pd.Series(dev).sample(SEARCH_TRACKS, random_state=SEED).sort_index().tolist()
draws = list(GroupShuffleSplit(20, test_size=0.3, random_state=SEED).split(dev, groups=tracks.loc[dev, "group"]))


# %%
def redrawn(X_set, scaler):
    """Accuracy of a logistic regression in each of the random splits."""
    model = Pipeline([("scale", scaler), ("model", LogisticRegression(max_iter=5000))])
    return cross_val_score(model, X_set, Y[dev], cv=draws, n_jobs=experiment["JOBS"])


by_draw = pd.DataFrame({name: redrawn(X.loc[dev, chosen], StandardScaler()) for name, chosen in sets.items()})
by_draw.shape

# %% [markdown]
# Rows are splits, columns are feature sets. Now compare two sets, MFCC 24 with MFCC 12. With a split of its own for
# each, the difference could have been that of *any* two rows. On the identical split, it is the difference within a
# row: a split that is easy for one set tends to be easy for the other, and the luck cancels.

# %%
more, fewer = by_draw["MFCC 24"].to_numpy(), by_draw["MFCC 12"].to_numpy()
same = 100 * (more - fewer)
own = 100 * np.subtract.outer(more, fewer)[~np.eye(len(draws), dtype=bool)]
print(f"MFCC 24, one model, {len(draws)} splits: from {more.min():.2f} to {more.max():.2f}")
print(f"its lead over MFCC 12, own split each: {own.mean():+.1f} points, spread {own.std():.1f}")
print(f"its lead over MFCC 12, identical split: {same.mean():+.1f} points, spread {same.std():.1f}")

# %%
fig, axes = plt.subplots(1, 2, figsize=(11, 4), width_ratios=[1.5, 1])
jitter = np.random.default_rng(SEED).uniform(-0.2, 0.2, len(own))
for row, name in enumerate(by_draw):
    axes[0].plot(by_draw[name], row + jitter[: len(draws)], ".", color="C0", alpha=0.5)
axes[0].set_yticks(range(len(sets)), sets)
axes[0].axvline(1 / len(dataset.classes), color="0.5", ls=":")
axes[0].set(xlim=(0, 1), ylim=(len(sets) - 0.5, -0.5), xlabel="accuracy (dotted: chance)", title="One dot, one split")
for row, points in enumerate([own, same]):
    axes[1].plot(points, row + jitter[: len(points)], ".", color=f"C{row}", alpha=0.3 + 0.4 * row)
axes[1].set_yticks([0, 1], ["own split\neach", "identical\nsplit"])
axes[1].axvline(0, color="0.5", lw=1)
axes[1].set(ylim=(1.5, -0.5), xlabel="points of accuracy", title="Lead of MFCC 24 over MFCC 12")
plt.show()

# %% [markdown]
# On the left, the width of each strip is the luck of the draw. Two sets whose strips overlap can come out in either
# order when each has its own split. On the right, compare the two rows: the narrower the lower one, the more of that
# luck the identical split removes. So from here on every set and every model meets the same folds.
#
# The original also fitted its scaler before it split, so the mean and the variance had seen the test tracks. What
# was that worth? The pipeline above fits the scaler inside each split. Do it the wrong way, once.

# %%
seen = StandardScaler().fit_transform(X.loc[dev, sets["MFCC 24"]])
gain = 100 * (redrawn(seen, "passthrough") - more)
print(f"scaler fitted before splitting: {gain.mean():+.1f} points on average, "
      f"from {gain.min():+.1f} to {gain.max():+.1f}")  # fmt: skip

# %% [markdown]
# Only two numbers a column pass through this leak, so it is small, and it can have either sign. The pipeline costs
# nothing, so there is no reason to wonder about it.
#
# ## Four classical models
#
# - **logistic regression** draws one flat border for each class;
# - a **support vector machine** (SVM) draws curved borders, held by the tracks that lie next to them;
# - **k nearest neighbours** (k-NN) learns nothing: it asks the most similar training tracks;
# - a **random forest** asks a hundred decision trees, each grown on another sample of tracks and columns.
#
# Each has a setting to choose. `BALANCED` makes rare classes weigh as much as frequent ones; k-NN knows no such
# weight.

# %%
weight = "balanced" if BALANCED else None
models = {
    "logistic regression": (LogisticRegression(class_weight=weight, max_iter=5000), {"C": [0.01, 0.1, 1, 10]}),
    "SVM": (SVC(class_weight=weight), {"C": [0.1, 1, 10, 100]}),
    "k-NN": (KNeighborsClassifier(weights="distance"), {"n_neighbors": [1, 3, 7, 15]}),
    "random forest": (RandomForestClassifier(100, class_weight=weight, random_state=SEED), {"max_features": ["sqrt"]}),
}

# %% [markdown]
# Who chooses the setting? Not the test set. **Cross-validation** divides the training and validation tracks into
# five folds, by group, and predicts each fold from the other four. With other seeds the folds fall differently, so
# we repeat it `SEEDS` times: the mean depends less on one division. All sets and all models meet the same folds.

# %%
FOLDS = min(5, tracks.loc[dev, "group"].nunique())
folds = []
for seed in range(SEED, SEED + SEEDS):
    divide = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    folds += divide.split(dev, Y[dev], tracks.loc[dev, "group"])
print(f"{len(folds)} folds, about {len(dev) // FOLDS} tracks each")

# %% [markdown]
# The **standard error** says how far the mean would move with other tracks: the spread of the folds, divided by the
# root of their number. Repetitions do not count as further folds, because they bring no new music.


# %%
def cross_validate(estimator, grid, chosen):
    """The best setting of a model on some columns, its accuracy and its standard error."""
    pipeline = Pipeline([("scale", StandardScaler()), ("model", estimator)])
    grid = {f"model__{name}": values for name, values in grid.items()}
    search = GridSearchCV(pipeline, grid, cv=folds, refit=False, n_jobs=experiment["JOBS"]).fit(X.loc[dev, chosen], Y[dev])
    scores = [search.cv_results_[f"split{i}_test_score"][search.best_index_] for i in range(len(folds))]
    row = {"accuracy": float(np.mean(scores)), "se": float(np.std(scores, ddof=1) / FOLDS**0.5)}
    return pipeline.set_params(**search.best_params_), row


# %% [markdown]
# One call first, to see what comes back: the pipeline with its setting, and the row.

# %%
cross_validate(*models["k-NN"], sets["MFCC 12"])

# %%
pipelines, rows = {}, {}
for name, chosen in sets.items():
    for model in MODELS:
        pipelines[name, model], rows[name, model] = cross_validate(*models[model], chosen)
cv = pd.DataFrame(rows).T
cv.shape


# %% [markdown]
# The whole table as a picture: feature sets down, models across. This drawing will serve twice, so it is a
# function.

# %%
def draw_grid(table, ax, *, spread=None, cmap="viridis", **options):
    """Draw a table as coloured cells with their values, and their spread where it is given."""
    image = ax.imshow(table, aspect="auto", cmap=cmap, interpolation="nearest", **options)
    for (i, j), value in np.ndenumerate(table.to_numpy()):
        text = f"{value:.2f}" if spread is None else f"{value:.2f} ± {spread.iloc[i, j]:.2f}"
        is_dark = np.mean(image.cmap(image.norm(value))[:3]) < 0.5
        ax.text(j, i, text, ha="center", va="center", fontsize=8, color="white" if is_dark else "black")
    ax.set_xticks(range(table.shape[1]), table.columns)
    ax.set_yticks(range(table.shape[0]), table.index)


# %% tags=["key-figure"]
accuracies = cv["accuracy"].unstack().loc[list(sets), MODELS]
fig, ax = plt.subplots(figsize=(8, 4.6))
draw_grid(accuracies, ax, vmin=1 / len(dataset.classes))
ax.set(title=f"Cross-validated accuracy, {len(dev)} tracks, chance {1 / len(dataset.classes):.2f}",
       xlabel="model", ylabel="feature set")  # fmt: skip
plt.show()

# %%
yardstick = accuracies.mean().idxmax()
print(f"best on average over the feature sets: {yardstick}")

# %% [markdown]
# Read along the rows and down the columns. If rows differ more than columns, the features matter more than the
# model: that is the usual finding, and a reason to look at the data before tuning a model. The model that does best
# on average is our yardstick for the features from here on.
#
# ## What decibels are worth
#
# The original fed its mel bands as power. Power grows by a factor of ten with every 10 dB, so a few loud tracks lie
# far out and all others crowd near zero. After scaling they still crowd. Look at one band in the middle, in both
# ways.

# %%
fig, axes = plt.subplots(1, 2, figsize=(10, 3), sharey=True)
for ax, column, unit in zip(axes, ("mel_power_12_mean", "mel_db_12_mean"), ("power", "decibels")):
    ax.hist(X.loc[ids["train"], column], bins=40)
    ax.set(xlabel=f"mean of mel band 12, {unit}", title=f"in {unit}")
axes[0].set_ylabel("training tracks")
plt.show()

# %% [markdown]
# The same frames, the same bands, the same tracks. What does the logarithm alone change in accuracy?

# %%
decibels = pd.DataFrame(
    {f"{n} bands": 100 * (accuracies.loc[f"mel {n}, dB"] - accuracies.loc[f"mel {n}, power"]) for n in (12, 24)}
)
decibels.round(1).rename_axis("points gained by decibels")

# %% [markdown]
# A positive number is what decibels gained. The gain is not free of an artefact: the mean of decibels is not the
# decibel of the mean, so the logarithm also changes what is averaged (see the exercises). Both speak for the same
# habit: take the logarithm first. Ears do so, too.
#
# ## The smallest set that will do
#
# The highest figure in a table of many is partly luck, and a larger set often comes out a little higher. The
# **one-standard-error rule** asks for less: take the smallest set whose accuracy lies within one standard error of
# the best. What lies that close to the best might, on other tracks, have been the best, so the larger set has not
# earned its columns.

# %%
measured = cv.xs(yardstick, level=1).assign(columns={name: len(chosen) for name, chosen in sets.items()})
measured = measured.sort_values(["columns", "accuracy"])
best = measured["accuracy"].idxmax()
limit = measured.loc[best, "accuracy"] - measured.loc[best, "se"]
smallest = measured.index[measured["accuracy"] >= limit][0]
print(f"best: {best}; within one standard error, the smallest: {smallest}")

# %% tags=["key-figure"]
fig, ax = plt.subplots(figsize=(8, 4.6))
places = np.arange(len(measured))
ax.errorbar(measured["accuracy"], places, xerr=measured["se"], fmt="o", capsize=3)
ax.plot(measured.loc[smallest, "accuracy"], measured.index.get_loc(smallest), "o", ms=15, mfc="none", mec="C1")
ax.axvline(limit, color="C1", ls="--", label="best minus one standard error")
ax.axvline(1 / len(dataset.classes), color="0.5", ls=":", label="chance")
ax.set_yticks(places, [f"{name} ({n})" for name, n in measured["columns"].items()])
ax.set(xlim=(0, 1), xlabel="cross-validated accuracy ± one standard error", ylabel="feature set (columns)",
       title=f"{yardstick}, {len(dev)} tracks; the ring marks the choice")  # fmt: skip
ax.invert_yaxis()
fig.legend(loc="outside lower center", ncols=2)
plt.show()

# %% [markdown]
# Sets are sorted by size. Follow the dots downwards: where does the climb end? Right of the dashed line nothing is
# clearly better than anything else. If the ring sits at the very bottom, every column has earned its place; if it
# sits higher, the rest is weight. The original wanted the smallest set for 80 % and did not reach it with any. Does
# one of ours?

# %%
reached = measured.index[measured["accuracy"] >= 0.8]
print(f"smallest set with 80 %: {reached[0]}" if len(reached) else f"none reaches 80 %; {best} has "
      f"{measured.loc[best, 'accuracy']:.0%}, cross-validated")  # fmt: skip

# %% [markdown]
# ## A dense network
#
# The original's network: three layers of 128, 64 and 32 units, each unit a weighted sum of all numbers before it,
# with negative sums set to zero. The first layer scales, with means and variances of training tracks only, and is
# saved with the network. There is no time and no frequency axis here: the columns may stand in any order.


# %%
def dense(chosen, widths, seed):
    """A network of dense layers for some columns of the table."""
    keras.utils.set_random_seed(seed)
    known = X.loc[ids["train"], chosen].to_numpy()
    layers = [keras.layers.Input((len(chosen),))]
    layers += [keras.layers.Normalization(mean=known.mean(axis=0), variance=known.var(axis=0))]
    layers += [keras.layers.Dense(width, activation="relu") for width in widths]
    layers += [keras.layers.Dense(len(dataset.classes), activation="softmax")]
    network = keras.Sequential(layers)
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    network.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return network


# %%
SMALL, LARGE, MIXED = (128, 64, 32), (512, 256, 128, 64), "MFCC 24 + spectral 6"
batch = X.loc[ids["train"][:BATCH_SIZE], sets[MIXED]].to_numpy()
print("one batch", batch.shape, "= (tracks, columns)")
for layer in dense(sets[MIXED], SMALL, SEED).layers:
    batch = layer(batch)
    print(f"after {type(layer).__name__:13} {tuple(batch.shape)}")

# %%
for name, widths in (("small", SMALL), ("large", LARGE)):
    count = dense(sets[MIXED], widths, SEED).count_params()
    print(f"{name}: {count:,} parameters, {count / len(ids['train']):,.0f} for each training track")

# %% [markdown]
# Where parameters outnumber tracks by far, a network can learn every training track by heart. How many epochs before
# it does? The original tried 10, 15 and 20. We train once to the last stop and look at the validation tracks at each,
# for each feature set and each seed. A batch is made of tracks here, where other notebooks have clips.


# %%
def arrays(side, chosen):
    """X and Y of one side of the split, for some columns."""
    return X.loc[ids[side], chosen].to_numpy(), Y[ids[side]].to_numpy()


class_weight = None
if BALANCED:
    present = np.unique(Y[ids["train"]])
    class_weight = dict(zip(present, compute_class_weight("balanced", classes=present, y=Y[ids["train"]])))

# %%
networks, rows = {}, []
for name in EPOCH_SETS or sets:
    for seed in range(SEED, SEED + SEEDS):
        network = networks[name, seed] = dense(sets[name], SMALL, seed)
        history = network.fit(
            *arrays("train", sets[name]), validation_data=arrays("valid", sets[name]), epochs=EPOCH_STOPS[-1],
            validation_freq=EPOCH_STOPS, batch_size=BATCH_SIZE, class_weight=class_weight, verbose=0,
        ).history  # fmt: skip
        for stop, loss, accuracy in zip(EPOCH_STOPS, history["val_loss"], history["val_accuracy"]):
            rows.append({"set": name, "epochs": stop, "seed": seed, "loss": loss, "accuracy": accuracy})

# %%
at_stops = pd.DataFrame(rows).groupby(["set", "epochs"])[["loss", "accuracy"]]
mean, spread = at_stops.mean(), at_stops.std(ddof=0)
fig, axes = plt.subplots(1, 2, figsize=(11, 4.8), sharey=True)
for ax, metric, cmap in zip(axes, ("loss", "accuracy"), ("viridis_r", "viridis")):
    table = mean[metric].unstack().loc[EPOCH_SETS or list(sets)]
    draw_grid(table, ax, spread=spread[metric].unstack().loc[table.index], cmap=cmap)
    ax.set(title=f"{metric} of {len(ids['valid'])} validation tracks", xlabel="epochs")
axes[0].set_ylabel("feature set")
plt.show()

# %% [markdown]
# Mean ± spread over seeds; the same network, the same tracks, other starting weights. Two things to look for. Where
# the loss rises from left to right while the accuracy stands still, the network becomes surer of its mistakes: it
# has begun to learn by heart. And where two cells differ by less than their spread, the seed may explain it.
#
# The best number of epochs need not be the same for all sets, so no fixed number is fair. The final networks
# therefore keep the epoch with the lowest validation loss. The small one gets the set with the lowest loss in the
# grid. The large one, 512-256-128-64, gets what the original gave it: 24 MFCC and six spectral means, at most
# `LARGE_EPOCHS` epochs.


# %%
def train(chosen, widths, epochs, seed):
    """A dense network with the weights of its best epoch, and its history."""
    network, begin = dense(chosen, widths, seed), time.perf_counter()
    keep = keras.callbacks.EarlyStopping(patience=epochs, restore_best_weights=True)
    history = network.fit(
        *arrays("train", chosen), validation_data=arrays("valid", chosen), epochs=epochs,
        batch_size=BATCH_SIZE, class_weight=class_weight, callbacks=[keep], verbose=0,
    ).history  # fmt: skip
    return network, history | {"seconds": time.perf_counter() - begin}


# %%
dense_set = mean["loss"].idxmin()[0]
plans = {"dense": (dense_set, SMALL, EPOCH_STOPS[-1]), "dense-large": (MIXED, LARGE, LARGE_EPOCHS)}
final = {
    name: [train(sets[on], widths, epochs, seed) for seed in range(SEED, SEED + SEEDS)]
    for name, (on, widths, epochs) in plans.items()
}
print({name: on for name, (on, _, _) in plans.items()})

# %%
fig, axes = plt.subplots(1, 2, figsize=(11, 3.4))
for ax, metric in zip(axes, ("loss", "accuracy")):
    plotting.history({name: runs[0][1] for name, runs in final.items()}, metric=metric, ax=ax)
axes[0].set_title("first seed; the dot marks the weights that are kept")
axes[1].axhline(1 / len(dataset.classes), color="0.5", ls=":")
axes[1].set_ylim(0, 1.02)
axes[0].legend().remove()
plt.show()

# %% [markdown]
# The dashed lines are training: when they reach the top, every training track is known by heart. The solid lines
# are validation. The gap between them is what the network has learned about these tracks and not about their genre.
#
# ## Which features carry genre?
#
# All choices are made, so now the test tracks, once. The classical models learn from the training tracks alone, as
# every network of the series does, so that their rows compare. An SVM answers with distances from its borders, not
# with probabilities. Softmax turns them into some, after multiplying by one number that fits best on the validation
# tracks; this does not change which class comes first.


# %%
def fitted(name, model):
    """A classical model with its chosen setting, fitted to the training tracks."""
    return clone(pipelines[name, model]).fit(X.loc[ids["train"], sets[name]], Y[ids["train"]])


def distances(model, X_side):
    """Distances from the borders, one for each class, also where there are two classes."""
    values = model.decision_function(X_side)
    return values if values.ndim == 2 else np.stack([-values, values], axis=1)


# %%
def answers(name, model):
    """Probabilities of the test tracks."""
    model = fitted(name, model)
    X_valid, X_test = X.loc[ids["valid"], sets[name]], X.loc[ids["test"], sets[name]]
    if hasattr(model, "predict_proba"):
        return model.predict_proba(X_test)
    steps, found = np.geomspace(0.25, 32, 29), distances(model, X_valid)
    losses = [log_loss(Y[ids["valid"]], softmax(found * t, axis=1), labels=model.classes_) for t in steps]
    return softmax(distances(model, X_test) * steps[np.argmin(losses)], axis=1)


# %%
y_true = Y[ids["test"]].to_numpy()
groups = tracks.loc[ids["test"], "group"].to_numpy()
proba = {name: answers(name, yardstick) for name in measured.index}
scores = {name: evaluate.scores(y_true, p, groups=groups, seed=SEED) for name, p in proba.items()}
for name in dict.fromkeys([best, smallest]):
    print(f"{yardstick} on {name}: {evaluate.describe(scores[name])}")

# %% [markdown]
# The dense networks of the grid answer the same tracks, with the weights of their last epoch: the mean over seeds.

# %%
asked = {key: X.loc[ids["test"], sets[key[0]]].to_numpy() for key in networks}
hits = {key: evaluate.predict(networks[key], table).argmax(axis=1) == y_true for key, table in asked.items()}
hits = pd.Series({key: hit.mean() for key, hit in hits.items()})
by_set = pd.DataFrame(scores).T
by_set["dense"] = hits.groupby(level=0).mean()
by_set[["accuracy", "accuracy_low", "accuracy_high", "dense", "n_test", "chance"]].round(3)

# %% [markdown]
# ### Importance
#
# A second way to ask. Let the yardstick learn from *all* columns, then shuffle the columns of one family among the
# validation tracks, so that every track wears the values of another, and see how far accuracy falls. This is
# **permutation importance**. scikit-learn shuffles single columns. To shuffle whole families, we hand it a table with
# one column a family that holds row numbers, and look the rows up when we score.


# %%
def score_rows(model, rows, y):
    """Accuracy when each family takes its values from the validation tracks in its column of `rows`."""
    X_shuffled = X_valid.copy()
    for i, family in enumerate(FAMILIES.values()):
        X_shuffled[columns(family, "mean|std")] = X_valid[columns(family, "mean|std")].to_numpy()[rows[:, i]]
    return model.score(X_shuffled, y)


model = fitted(ALL, yardstick)
X_valid, y_valid = X.loc[ids["valid"], sets[ALL]], Y[ids["valid"]]
rows = np.repeat(np.arange(len(X_valid))[:, np.newaxis], len(FAMILIES), axis=1)
whole = permutation_importance(model, rows, y_valid, scoring=score_rows, n_repeats=30, random_state=SEED)

# %%
enough = min(len(X_valid), 300)
single = permutation_importance(model, X_valid, y_valid, n_repeats=5, max_samples=enough, random_state=SEED)
top = single.importances_mean.argmax()
print(f"{yardstick} on {ALL}, {len(X_valid)} validation tracks: accuracy {model.score(X_valid, y_valid):.2f}")
print(f"the most important single column, {sets[ALL][top]}: {100 * single.importances_mean[top]:.1f} points")
print(f"the most important family, {list(FAMILIES)[whole.importances_mean.argmax()]}: "
      f"{100 * whole.importances_mean.max():.1f} points")  # fmt: skip

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, 2, figsize=(12, 4.6), width_ratios=[1.7, 1])
plotting.intervals(by_set, chance=by_set["chance"].iloc[0], ax=axes[0])
axes[0].plot(by_set["dense"], np.arange(len(by_set)) + 0.25, "D", color="C1", ms=4, label="dense network")
axes[0].set_title(f"Alone: {yardstick}, {len(y_true)} test tracks")
axes[0].legend(loc="lower right", bbox_to_anchor=(1, 1))
order = whole.importances_mean.argsort()
axes[1].barh(np.array(list(FAMILIES))[order], 100 * whole.importances_mean[order],
             xerr=100 * whole.importances_std[order], color="C2", capsize=3)  # fmt: skip
axes[1].axvline(0, color="0.5", lw=1)
axes[1].set(xlabel="points lost on validation tracks", title="Together: each family shuffled")
plt.show()

# %% [markdown]
# Left, what a set can do **alone**; right, what a model that has everything would **miss**. The two need not agree.
# MFCC are computed from mel bands in decibels, so each can stand in for the other: shuffle one, and the model falls
# back on what the other still says. Correlated columns share their importance. That is why a single column among
# many relatives is worth little by this measure, however much it carries. A family that is weak on the left and
# counts on the right adds something that the others do not have. The bars on the right show the spread of the
# shuffling only, not that of other tracks.
#
# The bars on the left redraw whole groups of test tracks. Where they overlap, the sets are not thereby equal, since
# all of them met the same tracks. But how high each stands is known no better than the bar says. Compare the dots with
# the cross-validated figures above, too. If those are much higher, the folds were too easy. Where a dataset names no
# artists, the folds share them, and only an official test list keeps them apart.
#
# ### Listen
#
# A test track that the seven spectral means get wrong and all features get right. What does the ear hear at once
# that brightness and noisiness do not say?

# %%
few, many = proba["spectral 7"].argmax(axis=1), proba[ALL].argmax(axis=1)
places = np.flatnonzero((few != y_true) & (many == y_true))
i = places[0] if len(places) else 0
heard = tracks.loc[ids["test"][i]]
if not len(places):
    print("There is no such track; here is another one.")
print(f"{heard['track_id']}: {heard['label']}; by spectral means {dataset.classes[few[i]]}, "
      f"by all features {dataset.classes[many[i]]}")  # fmt: skip
Audio(load_audio(heard["path"], sr=22050, max_seconds=10), rate=22050)

# %% [markdown]
# ## Results
#
# The rows for the leaderboard: each classical model on all features, and the two dense networks, each with its first
# seed. The mean and the spread over all seeds stand beside it.

# %%
short = dict(zip(models, ("logreg", "svm", "knn", "forest")))
proba = {f"features-{short[model]}": answers(ALL, model) for model in MODELS}
rows = {name: evaluate.scores(y_true, p, groups=groups, seed=SEED) for name, p in proba.items()}
for name, (on, _, _) in plans.items():
    answered = [evaluate.predict(network, X.loc[ids["test"], sets[on]].to_numpy()) for network, _ in final[name]]
    proba[name] = answered[0]
    found = [evaluate.scores(y_true, answer, groups=groups, seed=SEED) for answer in answered]
    seeds = [row["accuracy"] for row in found]
    rows[name] = found[0] | {"seeds_mean": np.mean(seeds), "seeds_spread": np.std(seeds)}
    print(f"{name}, seeds: {SEEDS}, accuracy {np.mean(seeds):.2f} ± {np.std(seeds):.2f}")

# %%
shown = ["accuracy", "accuracy_low", "accuracy_high", "macro_f1", "top3", "log_loss", "chance", "majority", "n_test"]
pd.DataFrame(rows).T[shown].round(3)

# %% [markdown]
# The networks are saved as `.keras` files, each with a card that names its columns and how they are made. The
# classical models are not saved. Python's usual way to do so is a pickle, and a pickle can run any code when it is
# loaded; fitting them again takes a second.

# %%
for name, row in rows.items():
    on, network, history, inputs = ALL, None, None, None
    if name in plans:
        on, (network, history) = plans[name][0], final[name][0]
        made_with = {"sr": experiment["SR"], "max_seconds": experiment["MAX_SECONDS"], "excerpt": "middle"}
        inputs = {"kind": "summary", **made_with, "columns": sets[on]}
    told = {"network": network, "history": history, "inputs": inputs, "features": on}
    print(experiment.record(name, row, proba=proba[name], **told))

# %% [markdown]
# Is the card enough? Start from nothing but the two files and a piece of audio, and the answer must be the same.

# %%
path = f"{OUT_DIR}/models/{DATASET}/{RUN_NAME}-dense"
card = json.loads(Path(f"{path}.json").read_text(encoding="utf8"))
again, needs = keras.models.load_model(f"{path}.keras", safe_mode=True), card["inputs"]
y = load_audio(heard["path"], sr=needs["sr"], offset=None, max_seconds=needs["max_seconds"])
values = features.summary_features(y, sr=needs["sr"])
answer = evaluate.predict(again, np.array([[values[column] for column in needs["columns"]]]))[0]
expected = evaluate.predict(final["dense"][0][0], X.loc[[heard["track_id"]], needs["columns"]].to_numpy())[0]
print(card["classes"][np.argmax(answer)], "- the same answer:", np.allclose(answer, expected, atol=1e-3))

# %% [markdown]
# ## What we learned

# %%
Markdown(
    f"- One model on one feature set scored from {more.min():.2f} to {more.max():.2f} over {len(draws)} random splits "
    f"of {len(dev)} tracks (chance {1 / len(dataset.classes):.2f}); the lead of MFCC 24 over MFCC 12 had a spread of "
    f"{own.std():.1f} points with a split each and of {same.std():.1f} on the identical split.\n"
    f"- With {yardstick}, {best} carried most in cross-validation; on the test tracks: "
    f"{evaluate.describe(scores[best])}. The family it would miss most was {list(FAMILIES)[order[-1]]}. Decibels "
    f"instead of power were worth {decibels.loc[yardstick, '24 bands']:+.1f} points at 24 mel bands.\n"
    f"- The smallest set within one standard error of the best was {smallest} ({len(sets[smallest])} columns). The "
    f"dense network scored {rows['dense']['seeds_mean']:.2f} ± {rows['dense']['seeds_spread']:.2f} (seeds: {SEEDS}) "
    f"and the large one {rows['dense-large']['seeds_mean']:.2f} ± {rows['dense-large']['seeds_spread']:.2f}, beside "
    f"{scores[ALL]['accuracy']:.2f} for {yardstick} on all features (n = {len(y_true)}, chance "
    f"{1 / len(dataset.classes):.2f})."
)

# %% [markdown]
# ## Exercises
#
# 1. Convert the *means* of the power bands to decibels, with `10 * np.log10(X + 1e-10)`, and add them as a set. How
#    much of the gain was the logarithm, how much that it was taken before averaging?
# 2. Cross-validate by track instead of by group. Which family gains most from knowing the artist?
#    *Hint: `StratifiedKFold` in the cell that makes `folds`. The mix of a record is in its mel bands.*
# 3. Roll the 12 chroma of each track so that its strongest pitch class comes first. Does chroma carry more genre
#    without the key? *Hint: `np.argmax` and `np.roll`.*
#
# ## Next
#
# Notebook 05 gives up the averages over time: its networks read the spectrogram itself.
#
# **References.** G. Tzanetakis, P. Cook, *Musical genre classification of audio signals*, 2002 (features of this
# kind, and GTZAN). L. Breiman, *Random forests*, 2001 (permutation importance). L. Breiman et al., *Classification
# and regression trees*, 1984 (the one-standard-error rule). B. Logan, *Mel frequency cepstral coefficients for music
# modeling*, ISMIR 2000.
