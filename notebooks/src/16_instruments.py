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
# # Instruments: which of them play?
#
# *1 minute · needs nothing: without a network of notebook 07, it makes one first · writes `metrics/`*
#
# A listener hears a flute in front and knows it, whatever plays behind. The data set IRMAS teaches machines the same: three
# seconds with **one** label, the instrument in front, to learn from; longer music with **several** labels to be tested on. So
# training and test differ in length, in number of labels and in difficulty. This notebook goes the way that the literature
# goes, and measures two habits that make results look better than they are: excerpts of one recording on both sides, and a
# score for which any label counts.
#
# **You will learn**
#
# - how a network that learned short excerpts answers for music of any length;
# - how predominant instruments are scored: micro and macro F1, and the ranking of the labels;
# - what a leak by excerpt is worth, and what a network hears in two instruments that it confuses.
#
# **Before you start**: notebook 07 trains the network, notebook 15 explains thresholds.

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
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Audio, Markdown, display
from sklearn.metrics import label_ranking_average_precision_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from helpers import clips, evaluate, features, training
from helpers.audio import load_audio
from helpers.experiment import Experiment, run_first
from helpers.explain import grad_cam, largest, listen
from helpers.splits import StratifiedGroupKFold

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo_instruments"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo_instruments"  # folder for features, split, models, metrics
RUN_NAME: str = "16_instruments"  # name of this step in the leaderboard
MODEL: str = ""  # network to open, such as 05_convpool-convpool; empty takes the lowest validation loss
WINDOW_HOP: float = 1.0  # distance between windows over a track in seconds
KEPT: float = 0.15  # share of a clip that an explanation may mark
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The data
#
# Training excerpts have one label and come in families: several are cut from one **recording**, so a recording is the group
# that must stay together. Test pieces have one to many labels. Without IRMAS, the series renders its own music in IRMAS's
# layout; it is synthetic, and says nothing about real instruments.

# %%
dataset = Experiment(globals()).dataset
print(dataset)

# %% [markdown]
# We open the network with the lowest loss on the validation excerpts, or the one that you name in `MODEL`. Its card says how
# it wants its log-mels, and on which split it was trained. If there is none, notebook 07 trains its CRNN on these excerpts
# first.

# %%
if training.find_networks(f"{OUT_DIR}/models/{DATASET}").empty:
    run_first("07_crnn", globals(), CRNN_SECONDS=3.0, CRNN_MELS=48, LEARNING_RATE=0.002)
opened, network, card = training.open_network(f"{OUT_DIR}/models/{DATASET}", classes=dataset.classes, name=MODEL)
inputs = card["inputs"]
print(f"opened: {opened}, {network.count_params():,} parameters, last layer: {network.layers[-1].activation.__name__}")

# %%
experiment = Experiment(globals(), card=card, dataset=dataset)
store, tracks, ids, groups = experiment.store, experiment.tracks, experiment.ids, experiment.groups
truth = {side: experiment.T.loc[ids[side]].to_numpy() for side in ids}
heard = store.index.set_index("track_id")["n_frames"] / store.frames_per_second  # seconds of each track
pd.DataFrame({
    side: {"tracks": len(ids[side]), "recordings": len(set(groups[side])), "labels a track": truth[side].sum(axis=1).mean(),
           "median seconds": heard[ids[side]].median()}
    for side in ids
}).T.round(2)  # fmt: skip

# %%
fig, axes = plt.subplots(1, 2, figsize=(12, 3.4), layout="constrained")
at = np.arange(len(dataset.classes))
for shift, side in zip((-0.25, 0, 0.25), ids):
    axes[0].bar(at + shift, truth[side].sum(axis=0), width=0.25, label=side)
axes[0].set_xticks(at, dataset.classes, rotation=40, ha="right")
axes[0].set(ylabel="tracks with the label")
axes[0].legend(fontsize=8)
seconds = heard[ids["test"]]
axes[1].scatter(seconds, truth["test"].sum(axis=1) + np.random.default_rng(SEED).uniform(-0.12, 0.12, len(seconds)), s=12)
axes[1].set(xlabel="length of the test piece (s)", ylabel="labels")
axes[1].yaxis.get_major_locator().set_params(integer=True)
plt.show()

# %% [markdown]
# Listen to an excerpt with one label, and to the test piece with most.

# %%
most = ids["test"][int(truth["test"].sum(axis=1).argmax())]
for track_id in (ids["train"][0], most):
    print(f"{track_id}: {', '.join(tracks.loc[track_id, 'labels'])}")
    display(Audio(load_audio(tracks.loc[track_id, "path"], sr=22050, max_seconds=15), rate=22050))

# %% [markdown]
# ## What the leak is worth
#
# Several excerpts of one recording share the player, the room and the microphone. If some are trained on and others tested,
# a classifier may recognize the *recording*. Measure it on the training excerpts, with the summary features of notebook 02
# and a support vector machine: five folds that tear recordings apart, and five folds that keep them together. All else is
# equal.

# %%
excerpts = tracks.loc[[*ids["train"], *ids["valid"]]]
summary = features.extract_summary(excerpts, f"{OUT_DIR}/features", jobs=experiment["JOBS"])
summary = summary.loc[summary.index.intersection(excerpts.index)].dropna()
label, recording = excerpts.loc[summary.index, "label"].to_numpy(), excerpts.loc[summary.index, "group"].to_numpy()
print(f"{len(summary)} excerpts of {len(set(recording))} recordings, {summary.shape[1]} features")

# %%
n_folds = int(min(5, pd.Series(recording).groupby(label).nunique().min()))
ways = {"by excerpt": (StratifiedKFold, None), "by recording": (StratifiedGroupKFold, recording)}
hits = {}
for way, (folds, kept_together) in ways.items():
    cv = folds(n_folds, shuffle=True, random_state=SEED)
    model = make_pipeline(StandardScaler(), SVC(C=10))
    hits[way] = cross_val_predict(model, summary, label, groups=kept_together, cv=cv) == label

# %% [markdown]
# An interval is needed for the difference, too, and it must be paired: both times the same excerpts are asked, so the
# difference is taken excerpt by excerpt, and recordings are redrawn as a whole.

# %%
leak = {way: evaluate.mean_score("accuracy", hit, groups=recording, seed=SEED) for way, hit in hits.items()}
gap = evaluate.mean_score("gap", hits["by excerpt"] * 1.0 - hits["by recording"], groups=recording, seed=SEED)
for way, row in leak.items():
    print(f"{way}: accuracy {row['accuracy']:.2f} [{row['accuracy_low']:.2f}, {row['accuracy_high']:.2f}], n = {len(label)}, "
          f"chance {1 / len(set(label)):.2f}")  # fmt: skip
print(f"the leak: {gap['gap']:+.2f} [{gap['gap_low']:+.2f}, {gap['gap_high']:+.2f}]")
if len(set(recording)) == len(recording):
    print("Here each recording gives one excerpt, so there is nothing to leak.")

# %% [markdown]
# Nothing was learned in addition, the music is the same: the difference is the recognition of recordings. From here on,
# recordings stay together, and the network is tested on pieces that share none with its training.
#
# ## From windows to a piece
#
# The network knows clips of a few seconds. A longer piece is heard through a **sliding window**, and each window is
# answered.

# %%
hop_frames = max(1, round(WINDOW_HOP * store.frames_per_second))
windows = {
    side: experiment.every_clip(side, Y=experiment.T, hop_frames=hop_frames) for side in ("valid", "test")
}
of_window = {side: evaluate.predict(network, part) for side, part in windows.items()}
print(*(f"{len(p):,} windows on {len(ids[side])} tracks ({side})" for side, p in of_window.items()), sep="\n")

# %% [markdown]
# Follow the piece with most labels. A line that stays high is an instrument that is heard all the time; a single peak may be
# an entry, or an accident. The lines of the true labels are thick.

# %%
own = windows["test"].owner == ids["test"].index(most)
begin = windows["test"].start[own] / store.frames_per_second
length = inputs["clip_frames"] / store.frames_per_second
fig, ax = plt.subplots(figsize=(10, 3), layout="constrained")
for k in np.argsort(-of_window["test"][own].max(axis=0))[:6]:
    there = truth["test"][ids["test"].index(most), k] == 1
    name = f"{dataset.classes[k]}{' (a label)' if there else ''}"
    ax.plot(begin + length / 2, of_window["test"][own][:, k], lw=2.5 if there else 1, ls="-" if there else "--", label=name)
ax.set(xlabel="middle of the window (s)", ylabel="probability", ylim=(0, 1), title=most)
ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# How do many answers become one? The **mean** asks what is there all the time. The **maximum** asks what is there at any time,
# and believes every accident. The third way divides the means of a piece by the largest of them: in music with many voices
# all probabilities are low, and only their relation counts.

# %%
def pieces(side, how):
    """One row of answers a track."""
    owner, p = windows[side].owner, of_window[side]
    if how == "maximum":
        return np.stack([p[owner == i].max(axis=0) for i in range(len(ids[side]))])
    mean = evaluate.track_proba(p, owner)
    return mean / mean.max(axis=1, keepdims=True) if how == "mean, normalised" else mean


WAYS = ("mean", "maximum", "mean, normalised")
answers = {how: {side: pieces(side, how) for side in windows} for how in WAYS}

# %% [markdown]
# A threshold decides which labels are claimed. It comes from the validation excerpts, as it must. But those have one label
# each, and the test pieces have several: the threshold is chosen for another task than it serves. This is a weakness of the
# IRMAS protocol, and it is visible: the dashed line below need not stand where the test curve is highest. Who moves it there
# has trained on the test set.

# %%
cuts = {how: evaluate.best_threshold(truth["valid"], answers[how]["valid"]) for how in WAYS}
levels = np.linspace(0.02, 0.98, 49)
fig, axes = plt.subplots(1, 3, figsize=(13, 3.2), sharey=True, layout="constrained")
for ax, how in zip(axes, WAYS):
    for side in ("valid", "test"):
        f1 = [evaluate.claim_scores(truth[side], answers[how][side] >= t, groups=groups[side], n_boot=2)["micro_f1"] for t in levels]
        ax.plot(levels, f1, label=side)
    ax.axvline(cuts[how], color="0.4", ls="--", label="chosen")
    ax.set(xlabel="threshold", title=how, ylim=(0, 1))
axes[0].set_ylabel("micro F1")
axes[0].legend(fontsize=8)
plt.show()

# %% [markdown]
# ## The test
#
# The literature reports **micro F1** (all decisions in one pot) and **macro F1** (the mean over instruments). **LRAP**, label
# ranking average precision, needs no threshold: for each true label, what share of the labels ranked as high is true? Its last
# companion, *any label*, is the score of an older project: it took the strongest answer and counted a hit if *any* of the
# piece's labels was that.

# %%
def test_row(how):
    """All figures of one way to join windows, with intervals over groups."""
    Y, p, who = truth["test"], answers[how]["test"], groups["test"]
    rank = [label_ranking_average_precision_score(Y[i : i + 1], p[i : i + 1]) for i in range(len(Y))]
    any_label = Y[np.arange(len(Y)), p.argmax(axis=1)]
    found = evaluate.claim_scores(Y, p >= cuts[how], groups=who, seed=SEED)
    found |= evaluate.mean_score("lrap", rank, groups=who, seed=SEED)
    return found | evaluate.mean_score("any_label", any_label, groups=who, seed=SEED)


table = pd.DataFrame({how: test_row(how) for how in WAYS}).T
table[["micro_f1", "micro_f1_low", "micro_f1_high", "macro_f1", "micro_precision", "micro_recall", "lrap", "any_label"]].round(2)

# %% [markdown]
# Two things about such a table. F1 depends on a threshold and LRAP does not, so a way to join windows may win by one and lose
# by the other: then its threshold was unlucky, not its order. And micro F1 follows the frequent instruments, macro F1 listens
# to the rare ones as well.
#
# What would chance be? Claim each label as often as its share of the training excerpts tells, without listening; and for the
# *any label* score, name one instrument at random.

# %%
rng, Y = np.random.default_rng(SEED), truth["test"]
blind = np.tile(truth["train"].mean(axis=0), (len(Y), 1))
guesses = [evaluate.claim_scores(Y, rng.random(Y.shape) < blind, groups=groups["test"], n_boot=2) for _ in range(50)]
shuffled = [rng.permuted(np.tile(np.arange(Y.shape[1]), (len(Y), 1)), axis=1) for _ in range(20)]
chance = {
    "micro_f1": np.mean([g["micro_f1"] for g in guesses]), "macro_f1": np.mean([g["macro_f1"] for g in guesses]),
    "lrap": np.mean([label_ranking_average_precision_score(Y, p) for p in shuffled]), "any_label": Y.mean(axis=1).mean(),
}  # fmt: skip
print(", ".join(f"{name} {value:.2f}" for name, value in chance.items()), "by chance")

# %% tags=["key-figure"]
fig, ax = plt.subplots(figsize=(9, 3.4), layout="constrained")
for shift, (how, row) in zip((-0.25, 0, 0.25), table.iterrows()):
    at = np.arange(len(chance)) + shift
    bars = np.array([[row[name] - row[f"{name}_low"], row[f"{name}_high"] - row[name]] for name in chance]).T
    ax.errorbar(at, [row[name] for name in chance], yerr=bars.clip(0), fmt="o", capsize=3, label=how)
ax.plot(np.arange(len(chance)), chance.values(), "k_", ms=40, label="chance")
ax.set_xticks(range(len(chance)), [name.replace("_", " ") for name in chance])
ax.set(ylim=(0, 1.02), ylabel="score on test pieces", title=f"{len(Y)} test pieces of {DATASET}, {opened}")
ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# Why *any label* flatters: the more labels a piece has, the easier it is to hit one, and all that were not named are
# forgiven. A network that names one instrument a piece and misses every other can reach 100 %. Take it apart by the number of
# labels, and set beside it how often *all* labels of a piece were found:

# %%
top = answers["mean"]["test"].argmax(axis=1)
hit = truth["test"][np.arange(len(top)), top]
by_count = pd.DataFrame({"labels": truth["test"].sum(axis=1), "any label": hit, "all labels found": [
    (p[y == 1] >= cuts["mean"]).all() for y, p in zip(truth["test"], answers["mean"]["test"])
]})  # fmt: skip
by_count = by_count.groupby("labels").mean().astype(float).assign(pieces=by_count["labels"].value_counts())
by_count.assign(**{"any label by chance": by_count.index / len(dataset.classes)}).round(2)

# %% [markdown]
# Published results on the real IRMAS test set, for orientation: micro and macro F1 of 0.60 and 0.50 (Han et al. 2017), 0.67
# micro (Zhong et al. 2023). They belong to real music and stand apart from any figure of synthetic music.
#
# ## Who is mistaken for whom
#
# Each instrument by itself, and then the pairs: a label that was missed, set against an instrument that was claimed in its
# place. Mind how few pieces stand behind each row; an interval from nearly 0 to nearly 1 says that nothing was learned about
# that instrument in this test.

# %%
claimed = answers["mean"]["test"] >= cuts["mean"]
by_label = evaluate.by_label(truth["test"], answers["mean"]["test"], dataset.classes, groups=groups["test"], seed=SEED)
hits, said = (claimed & (truth["test"] == 1)).sum(axis=0), claimed.sum(axis=0)
by_label["precision"], by_label["recall"] = hits / np.maximum(said, 1), hits / np.maximum(by_label["n_tracks"], 1)
by_label[["n_tracks", "roc_auc", "roc_auc_low", "roc_auc_high", "precision", "recall"]].round(2)

# %%
missed = ((truth["test"] == 1) & ~claimed).T.astype(int) @ ((truth["test"] == 0) & claimed)
fig, ax = plt.subplots(figsize=(7, 5), layout="constrained")
image = ax.imshow(missed, cmap="Blues", vmin=0)
for (i, j), n in np.ndenumerate(missed):
    if n:
        ax.text(j, i, n, ha="center", va="center", fontsize=8, color="w" if n > 0.6 * missed.max() else "k")
ax.set_xticks(range(len(dataset.classes)), dataset.classes, rotation=60, ha="right")
ax.set_yticks(range(len(dataset.classes)), dataset.classes)
ax.set(xlabel="claimed, not there", ylabel="there, not claimed", title="test pieces")
plt.show()

# %% [markdown]
# ### What it hears in two of them
#
# Take the pair that is confused most, either way. For each of the two, take the validation excerpt of which the network is
# most certain. **Grad-CAM** (notebook 11) marks what spoke for each of the two answers. Left and right is the same sound; do
# the marks differ?

# %%
both_ways = missed + missed.T
a, b = np.unravel_index(np.triu(both_ways, 1).argmax(), both_ways.shape)
pair = [a, b] if (both_ways.max() > 0 and a != b) else [0, 1]
print("confused most:", " and ".join(dataset.classes[k] for k in pair), f"({both_ways[a, b]} times)")

# %%
single = truth["valid"].sum(axis=1) == 1
p_valid = answers["mean"]["valid"]
shown = [int(np.where((truth["valid"][:, k] == 1) & single, p_valid[:, k], -1).argmax()) for k in pair]
X = np.stack([clips.cut(store.frames(ids["valid"][i]), 0, inputs["clip_frames"]) for i in shown])[..., None].astype(np.float32)
heat = [grad_cam(network, X, np.full(2, k)) for k in pair]

# %%
fig, axes = plt.subplots(2, 2, figsize=(11, 5), sharex=True, sharey=True, layout="constrained")
for row, i in enumerate(shown):
    for column, k in enumerate(pair):
        ax, extent = axes[row, column], (0, length, -0.5, store.n_mels - 0.5)
        ax.imshow(X[row, ..., 0].T, origin="lower", aspect="auto", extent=extent, cmap="Greys_r")
        ax.imshow(heat[column][row].T, origin="lower", aspect="auto", extent=extent, cmap="inferno", alpha=0.5)
        truth_name = dataset.classes[int(truth["valid"][i].argmax())]
        ax.set_title(f"{truth_name}: what speaks for {dataset.classes[k]} ({p_valid[i, k]:.2f})", fontsize=9)
axes[1, 0].set(xlabel="time (s)", ylabel="mel band")
plt.show()

# %% [markdown]
# The picture is coarse, because the last convolution has pooled time and frequency many times. Read it as *where about*, not as
# *which partial*. If the same region lights up for both answers, the network has no place where it tells the two apart.
#
# And to hear: first the excerpt, then only the places that spoke for its own label.

# %%
for row, i in enumerate(shown):
    y = load_audio(tracks.loc[ids["valid"][i], "path"], sr=inputs["sr"], max_seconds=length)
    print(f"{ids['valid'][i]}: the excerpt, and what speaks for {dataset.classes[pair[row]]}")
    display(Audio(y, rate=inputs["sr"]))
    display(Audio(listen(y, largest(heat[row][row], share=KEPT) * 1.0, sr=inputs["sr"]), rate=inputs["sr"]))

# %% [markdown]
# ## Results
#
# Each way to join windows becomes a row of the leaderboard, with all of its figures.

# %%
for how in WAYS:
    p = answers[how]["test"]
    y = truth["test"] if dataset.multilabel else truth["test"].argmax(axis=1)
    scores = evaluate.scores(y, p, groups=groups["test"], seed=SEED) | table.loc[how].to_dict()
    name = f"{card['model']}-{how.replace(', ', '-')}"
    print(experiment.record(name, scores, proba=p, threshold=cuts[how]))

# %% [markdown]
# ## What we learned

# %%
row = table.loc["mean"]
Markdown(
    f"- Windows of {length:.1f} s every {WINDOW_HOP:g} s answered for pieces of {seconds.min():.0f} to {seconds.max():.0f} s; by their "
    f"mean, LRAP was {row['lrap']:.2f} [{row['lrap_low']:.2f}, {row['lrap_high']:.2f}], by their maximum "
    f"{table.loc['maximum', 'lrap']:.2f}, by chance {chance['lrap']:.2f} ({len(Y)} pieces).\n"
    f"- Micro F1 was {row['micro_f1']:.2f} [{row['micro_f1_low']:.2f}, {row['micro_f1_high']:.2f}] and macro F1 "
    f"{row['macro_f1']:.2f}; the score for which any label counts says {row['any_label']:.2f} of the same answers.\n"
    f"- Excerpts of one recording on both sides are worth {gap['gap']:+.2f} [{gap['gap_low']:+.2f}, {gap['gap_high']:+.2f}] "
    f"accuracy. Confused most: {' and '.join(dataset.classes[k] for k in pair)}."
)

# %% [markdown]
# ## Exercises
#
# 1. Choose the threshold on the test pieces. How much does micro F1 rise, and what have you measured then?
# 2. Set `WINDOW_HOP` to the length of a clip. Does overlap pay? *Hint: compare LRAP, which needs no threshold.*
# 3. Put two training excerpts on top of each other and label the sum with both. Does a network that is validated on such
#    mixtures choose a better threshold?
#
# ## Next
#
# Notebook 17 turns to one instrument and many hands: who composed this piano piece?
#
# **References.** J. Bosch et al., *A comparison of sound segregation techniques for predominant instrument recognition in
# musical audio signals*, ISMIR 2012 (IRMAS). Y. Han, J. Kim, K. Lee, *Deep convolutional neural networks for predominant
# instrument recognition in polyphonic music*, 2017 (windows, normalisation). G. Tsoumakas et al., *Mining multi-label data*,
# 2010 (LRAP).
