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
# # Test-set analysis
#
# *2 minutes, 4 without notebook 10 · compares what notebooks 04 to 10 left; without them it makes two networks first; with a network it fetches musicnn (29 MB) · writes `models/`, `tables/` and a collection to search in*
#
# An accuracy is one number. It does not say which songs go wrong, whether the network knows when it is guessing, or
# what in the sound it goes by. This notebook trains nothing. It takes the models of the series, sets them side by side
# on the same test tracks, and opens one of them: its mistakes, its confidence, its reasons, and what it takes to be
# similar. At the end you can ask it about your own song.
#
# **You will learn**
#
# - how to compare models when the test set is small, and when a lead is noise;
# - how to read a network's mistakes, confidence and reasons, and how to check each of these readings;
# - how a trained network becomes a recommender and a classifier for any file, and how good these are.
#
# **Before you start**: run at least notebooks 04 and 05; each further one adds its models to the comparison.

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

import keras
import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from IPython.display import HTML, Audio, Markdown, display
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from helpers import (
    clips,
    datasets,
    evaluate,
    features,
    interactive,
    pages,
    plotting,
    published,
    training,
)
from helpers.audio import load_audio
from helpers.classify import Classifier
from helpers.experiment import Experiment, run_first
from helpers.explain import grad_cam, largest, listen
from helpers.interactive import Recorder
from helpers.recommend import Recommender, embed, frequency, hubness, precision, skewness
from helpers.splits import StratifiedGroupKFold

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "11_test_set_analysis"  # name of this step in the leaderboard
MODEL: str = ""  # network to open, such as 05_convpool-convpool; empty takes the lowest validation loss
SONG: str = ""  # audio file of yours that is asked about; empty takes an example
SWAPPED: float = 0.1  # share of labels that are swapped to test the search for wrong labels
KEPT: float = 0.15  # share of a clip that an explanation may mark
EXPLAINED: int = 60  # most test tracks whose explanations are tested
NEIGHBOURS: int = 5  # length of a list of similar tracks
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The leaderboard
#
# Every notebook that trains leaves three things for each model: a row of figures, the answers to the test tracks, and,
# if it is a network, a file with its card. Read the rows that were measured on this dataset and this split.

# %%
def rows_of(folder):
    """Rows of the leaderboard, by model."""
    files = sorted((Path(folder) / "metrics").glob("*.json"))
    rows = [json.loads(file.read_text(encoding="utf8")) for file in files]
    return {f"{row['notebook'][:2]} {row['model']}": row for row in rows if row["dataset"] == DATASET}


dataset = Experiment(globals()).dataset
measured = rows_of(OUT_DIR)
if not any("parameters" in row for row in measured.values()):
    run_first("07_crnn" if dataset.multilabel else "05_convpool", globals())
    measured = rows_of(OUT_DIR)

# %% [markdown]
# Only models that answered the same test tracks can be compared. Their answers, one row of probabilities a track, come
# with the rows.

# %%
def path_of(row, folder, ending):
    """File that belongs to a row."""
    return Path(OUT_DIR) / folder / f"{row['notebook']}-{row['model']}{ending}"


def network_file(row):
    """The network of a row; not every model is one."""
    return path_of(row, f"models/{DATASET}", ".keras")


networks = {name: row for name, row in measured.items() if network_file(row).exists()}

# %% [markdown]
# One network is opened below. It is chosen by its loss on the *validation* tracks. Choosing it by its place on the
# leaderboard would make the test tracks a part of the choice, and its figures too good. It must read log-mels and
# have a convolution to look into.

# %%
def can_be_opened(row):
    """Does the network read log-mels, answer these classes, and look at time and frequency?"""
    card = training.read_card(network_file(row))
    if card["inputs"].get("kind") != "log_mel" or "bands_used" in card["inputs"] or card["classes"] != dataset.classes:
        return False
    layers = keras.models.load_model(network_file(row), compile=False).layers
    return any(isinstance(layer, keras.layers.Conv2D) for layer in layers)



# %%
by_loss = sorted(networks, key=lambda name: networks[name]["best_val_loss"])
wanted = [name for name in by_loss if MODEL in ("", network_file(networks[name]).stem)]
opened = next((name for name in wanted if can_be_opened(networks[name])), None)
if opened is None:
    raise SystemExit(f"No network {MODEL} that reads log-mels in {OUT_DIR}/models/{DATASET}: run notebook 05_convpool.")
card = training.read_card(network_file(networks[opened]))
network = keras.models.load_model(network_file(networks[opened]), compile=False, safe_mode=True)
print(f"opened: {opened}, {network.count_params():,} parameters, clips of {card['inputs']['clip_frames']} frames")

# %% [markdown]
# The card says how this network wants its log-mels. The split is the one that all notebooks met.

# %%
inputs = card["inputs"]
experiment = Experiment(globals(), card=card, dataset=dataset)
store, tracks, split, ids = experiment.store, experiment.tracks, experiment.split, experiment.ids
groups = experiment.groups["test"]
print(f"{split.rule}: {len(ids['test'])} test tracks of {len(set(groups))} groups")

# %% [markdown]
# The truth is a table of 0 and 1, one column a class. Where each track has one label, there is one 1 in each row, and
# the score is **accuracy**. Where it may have several, the score is **ROC-AUC**: the probability that a track with the
# label is ranked above one without it, the mean over the labels.
#
# A model that was trained with another split, on part of the tracks or for other classes cannot be compared; its name is
# printed and its row is left out.

# %%
METRIC = "roc_auc" if dataset.multilabel else "accuracy"
T, Y = experiment.T, experiment.Y
y_true, truth = Y.loc[ids["test"]].to_numpy(), T.loc[ids["test"]].to_numpy()

# %%
answers = {}
for name, row in measured.items():
    file = path_of(row, "predictions", ".parquet")
    found = pd.read_parquet(file) if file.exists() else pd.DataFrame()
    if row["split"] == split.rule and set(found.index) == set(ids["test"]) and list(found) == dataset.classes:
        answers[name] = found.loc[ids["test"]].to_numpy()
left_out = sorted(set(measured) - set(answers))
print(f"{len(answers)} models answered all {len(y_true)} test tracks of this split")
print("left out, because they met other tracks or answer other questions:", ", ".join(left_out) or "none")

# %% [markdown]
# All figures are computed here, from the answers, in one way for all models.

# %%
scored = {name: evaluate.scores(y_true, p, groups=groups, seed=SEED) for name, p in answers.items()}
board = pd.DataFrame(scored).T
cost = ["parameters", "train_seconds"]
board = board.join(pd.DataFrame({name: measured[name] for name in board.index}).T.reindex(columns=cost))
board = board.sort_values([METRIC, "log_loss"], ascending=[False, True]).astype(float)
shown = [METRIC, f"{METRIC}_low", f"{METRIC}_high", "macro_f1", "top3", "average_precision", "log_loss", *cost]
board[[column for column in shown if column in board]].round(2)

# %% tags=["key-figure"]
best = board.head(20)
fig, ax = plotting.intervals(best, metric=METRIC, chance=board["chance"].iloc[0])
if "majority" in board:
    ax.axvline(board["majority"].iloc[0], color="0.5", ls="--", lw=1)
    ax.set_xlabel(f"{ax.get_xlabel()}; dashed: always the most frequent class")
ax.set_title(f"the best {len(best)} of {len(board)} models, {len(y_true)} test tracks of {DATASET} ({split.rule})", fontsize=9, wrap=True)
plt.show()

# %% [markdown]
# Before you admire the top of this list: with many models on few tracks, somebody must be first by luck. The intervals
# overlap, but that does not settle it either, because all models met the *same* tracks and agree on most of them. The
# right question goes to pairs: on how many tracks was only one of them right? Redraw groups of tracks, and see how far
# the difference of the two moves. The answer is about the models that lie here. The same network, trained again with
# another seed, is another model.

# %%
pairs = pd.DataFrame([
    {"model": a, "other": b, **evaluate.compare(y_true, answers[a], answers[b], groups=groups, seed=SEED)}
    for i, a in enumerate(best.index) for b in best.index[i + 1 :]
])  # fmt: skip
sure = (pairs["difference_low"] > 0) | (pairs["difference_high"] < 0)
print(f"{sure.sum()} of {len(pairs)} pairs differ by more than noise; "
      f"about {0.05 * len(pairs):.0f} would if all were equally good")  # fmt: skip

# %%
def square(column):
    """One column of the pairs as a square table, best model first."""
    table = pairs.assign(sure=sure).pivot(index="model", columns="other", values=column)
    return table.reindex(index=best.index[:-1], columns=best.index[1:])


# %%
points, marks = 100 * square("difference").astype(float), square("sure").eq(True).to_numpy()
fig, ax = plt.subplots(figsize=(1.5 + 0.42 * len(points), 1.2 + 0.32 * len(points)))
image = ax.imshow(points, cmap="RdBu", vmin=-40, vmax=40, aspect="auto")
ax.plot(*np.argwhere(marks)[:, ::-1].T, "k.", ms=5)
ax.set_xticks(range(points.shape[1]), points.columns, rotation=90, fontsize=7)
ax.set_yticks(range(len(points)), points.index, fontsize=7)
fig.colorbar(image, label=f"{METRIC} of the row minus that of the column (points)")
ax.set_title("a dot: more than noise, by 95 % intervals over groups", fontsize=9)
plt.show()

# %% [markdown]
# Blue: the row did better than the column. The models stand in the order of their score, so nearly all is
# blue; what counts is where the dots are. They do not simply follow the colour. Two models that fail on the same tracks
# can be told apart by a small difference, two that fail on different tracks cannot be told apart by a large one.
#
# Read along the top row: how far to the right must you go until the dots begin? All models before that place are, as far as
# this test can tell, as good as the first. Which of them to take is then a matter of size and cost.
#
# Figures from the literature stand here, apart, and only for the dataset they belong to. They come from other
# training data or other protocols, so no row of the table above may be called better or worse than these.

# %%
LITERATURE = {
    "gtzan": ("fault-filtered lists of Kereliuk, Sturm and Larsen (2015), 290 test tracks", {
        "MFCC and SVM, sklearn-audio-transfer-learning": 0.534, "CLMR, linear (Castellon et al. 2021)": 0.686,
        "VGGish and SVM, sklearn-audio-transfer-learning": 0.772, "Jukebox probe (Castellon et al. 2021)": 0.797,
        "Musicset, supervised (McCallum et al. 2022)": 0.834}),
    "fma_small": ("official split", {"VGGish": 0.580, "BYOL-A": 0.643}),
    "fma_medium": ("official split by artist, Defferrard et al. 2017", {"MFCC, contrast, centroid and SVM": 0.634}),
}  # fmt: skip
protocol, figures = LITERATURE.get(DATASET, ("", {}))
print(f"Published accuracies for {DATASET}, {protocol}:" if figures else f"Nothing is published about {DATASET}.")
display(pd.Series(figures, name="accuracy", dtype=float).to_frame()) if figures else None

# %% [markdown]
# ## Mistakes
#
# From here on, one network: the one that was opened. Does it still answer what it answered when it was trained?

# %%
test, valid = experiment.every_clip("test"), experiment.every_clip("valid")
of_clips = evaluate.predict(network, test)
proba = evaluate.track_proba(of_clips, test.owner)
proba_valid = evaluate.track_proba(evaluate.predict(network, valid), valid.owner)
print("the answers are those of the training notebook:", np.allclose(proba, answers[opened], atol=1e-3))
print(evaluate.describe(scored[opened], metric=METRIC))

# %% [markdown]
# The first line is a small test with a large meaning: the file, the card and the features on disk are enough to get the
# same answers again. Everything below rests on that.
#
# What counts as its answer? As many classes as the track really has, the most probable ones. With one label a track, that
# is the class with the highest probability.

# %%
rank = np.argsort(np.argsort(-proba, axis=1, kind="stable"), axis=1, kind="stable")
claimed = rank < truth.sum(axis=1, keepdims=True)
right = (claimed == truth).all(axis=1)
name_of = {"truth": truth == 1, "answer": claimed}
name_of = {k: [", ".join(np.array(dataset.classes)[row]) for row in rows] for k, rows in name_of.items()}
print(f"{right.sum()} of {len(right)} tracks have just the right answer")

# %% [markdown]
# The **confusion matrix** sets what was missed against what was claimed in its place, as counts and as shares of the true
# class. Counts say how much there is to go by; with few tracks a class, a share of 0.33 may be two tracks.

# %%
wrong = ((truth == 1) & ~claimed).T.astype(int) @ ((truth == 0) & claimed)
counts = wrong + np.diag(((truth == 1) & claimed).sum(axis=0))
fig, axes = plt.subplots(1, 2, figsize=(12, 4.8))
for ax, values, name in zip(axes, (counts, counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)), ("tracks", "share")):
    image = ax.imshow(values, cmap="Blues", vmin=0)
    for (i, j), value in np.ndenumerate(values):
        if value:
            dark = value > 0.6 * values.max()
            ax.text(j, i, f"{value:.2g}", ha="center", va="center", color="w" if dark else "k", fontsize=8)
    ax.set_xticks(range(len(dataset.classes)), dataset.classes, rotation=60, ha="right")
    ax.set_yticks(range(len(dataset.classes)), dataset.classes)
    ax.set(xlabel="answer", ylabel="truth", title=f"{opened}: {name}")
plt.show()

# %% [markdown]
# A row says where the tracks of a class go. A column says who is behind a wrong answer: a class that swallows the others
# shows there, and only there.

# %%
found, n_true = np.diag(counts), truth.sum(axis=0)
lost, magnet = np.argmin(found / np.maximum(n_true, 1)), wrong.sum(axis=0).argmax()
to = ", ".join(f"{n} to {dataset.classes[k]}" for k, n in sorted(enumerate(wrong[lost]), key=lambda pair: -pair[1]) if n)
Markdown(
    f"{dataset.classes[lost].capitalize()} was found {found[lost]} of {n_true[lost]} times; of the others went {to or 'none'}. "
    f"Most often claimed in place of another was {dataset.classes[magnet]}: {wrong[:, magnet].sum()} of {wrong.sum()} wrong claims."
)

# %% [markdown]
# ### The most confident mistakes
#
# A hesitant mistake is forgivable. A confident one has a reason: in the music, in the label, or in the network. Here
# are those on which it staked most.

# %%
sure_of = np.where(claimed & (truth == 0), proba, 0).max(axis=1)  # of the wrong part of its answer
order = np.argsort(-sure_of, kind="stable")
mistakes = tracks.loc[ids["test"], ["artist", "title"]].assign(**name_of, confidence=sure_of.round(2))
mistakes.iloc[order[: int(min(6, (~right).sum()))]]

# %% [markdown]
# Look and listen. Above is the log-mel of the track, below is what the network says of each clip. Is it wrong all the
# time, or was it led astray by a part, by an introduction without drums, a solo, a break? A track that is two things in
# turn is a hard case for anybody who must answer with one word. Choose another track, if you sit in front of a live
# notebook: the list holds the most confident mistakes first.

# %%
def show(track_id):
    """Log-mel of a track, the answers to its clips, and its sound."""
    i = ids["test"].index(track_id)
    frames, start = store.frames(track_id), test.start[test.owner == i] / store.frames_per_second
    fig, axes = plt.subplots(2, 1, figsize=(10, 4.4), sharex=True)
    axes[0].imshow(frames.T, origin="lower", aspect="auto", extent=(0, len(frames) / store.frames_per_second, 0, frames.shape[1]))
    axes[0].set(ylabel="mel band", title=f"{track_id}: {name_of['truth'][i]}, called {name_of['answer'][i]}")
    answer = of_clips[test.owner == i]
    edges = np.append(start, start[-1] + inputs["clip_frames"] / store.frames_per_second)
    for k in np.argsort(-answer.mean(axis=0))[:4]:
        axes[1].stairs(answer[:, k], edges, label=dataset.classes[k], baseline=None, lw=2)
    axes[1].set(xlabel="time (s)", ylabel="probability", ylim=(0, 1.02))
    axes[1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    plt.show()
    display(Audio(load_audio(tracks.loc[track_id, "path"], sr=inputs["sr"], max_seconds=10), rate=inputs["sr"]))


interactive.explore(show, track_id=[ids["test"][i] for i in order[:20]])

# %% [markdown]
# ### Is the label wrong?
#
# Some mistakes are not the network's: the label is wrong, and every real dataset holds such labels. **Confident
# learning** looks for tracks whose label gets little probability from a model that never saw the track. The model here
# is a logistic regression on the summary features of notebook 04, cross-validated over groups: cheap, and not the
# network that is being examined.
#
# Does the search work? Find out on labels of which we know that they are wrong: swap some. (With several labels a track, the
# first of each serves here.)

# %%
summary = experiment.extract(features.extract_summary)

# %%
main = pd.Series(T.to_numpy().argmax(axis=1), T.index)  # one label a track
known = [track_id for track_id in tracks.index if track_id in summary.index]
folds = min(5, tracks.loc[known, "group"].groupby(main[known]).nunique().min())


def out_of_sample(labels):
    """Probabilities of each track by models that have not seen its group."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    cv = StratifiedGroupKFold(max(2, folds), shuffle=True, random_state=SEED)
    return cross_val_predict(model, summary.loc[known], labels, groups=tracks.loc[known, "group"], cv=cv,
                             method="predict_proba")  # fmt: skip


# %%
rng = np.random.default_rng(SEED)
swapped = pd.Series(rng.random(len(known)) < SWAPPED, known)
shift = rng.integers(1, len(dataset.classes), len(known))
labels = main[known].where(~swapped, (main[known] + shift) % len(dataset.classes)).to_numpy()
guess = out_of_sample(labels)
found = find_label_issues(labels, guess, filter_by="both", return_indices_ranked_by="normalized_margin", n_jobs=1)
n_found = int(swapped.iloc[found].sum())
n_swapped, n_suspected = int(swapped.sum()), len(found)
print(f"{n_swapped} of {len(known)} labels were swapped. Confident learning suspects {len(found)}, of which {n_found} are: "
      f"precision {n_found / max(len(found), 1):.2f} (by guessing {n_swapped / len(known):.2f}), "
      f"recall {n_found / n_swapped:.2f}")  # fmt: skip

# %% [markdown]
# Precision and recall are those of a person who checks all suspects. The search cannot be worth more than the model behind
# it: what the model cannot tell apart, it suspects. A track of an unusual kind looks like a wrong label, too. So the list
# is for listening, not for deleting. Now the labels as they are: which would you check first?

# %%
scores = get_label_quality_scores(main[known].to_numpy(), out_of_sample(main[known].to_numpy()), method="normalized_margin")
believable = pd.Series(scores, known)
tracks.loc[believable.nsmallest(5).index, ["label", "artist", "title"]].assign(believable=believable.round(2))

# %% [markdown]
# ## Does it know when it is guessing?
#
# A network says 0.9. Is it right nine times in ten? Sort the test tracks by what was claimed, and compare with what
# came true. The mean distance between the two is the **expected calibration error** (ECE).
#
# The remedy is one number. Divide the logarithms of the probabilities by a **temperature**: above 1 it makes a boaster
# modest, below 1 it gives a hesitant network courage. Which class comes first stays the same. The number is fitted on
# the validation tracks, and the test tracks only show whether it helped.

# %%
y_valid = Y.loc[ids["valid"]].to_numpy()
temperature = evaluate.fit_temperature(y_valid, proba_valid)
calibrated = evaluate.temper(proba, temperature, multilabel=dataset.multilabel)

# %%
believed = {"as it is": proba, f"temperature {temperature:.2f}": calibrated}
pd.DataFrame({
    name: {"ECE": evaluate.ece(y_true, p), "log loss": evaluate.log_loss(y_true, p),
           **dict(zip(("mean claim", "came true"), map(np.mean, evaluate.confidence(y_true, p))))}
    for name, p in believed.items()
}).T.round(3)  # fmt: skip

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 4))
axes[0].plot([0, 1], [0, 1], color="0.6", ls=":")
for name, p in believed.items():
    table = evaluate.reliability(y_true, p, n_bins=5)
    error = np.clip([table["true"] - table["low"], table["high"] - table["true"]], 0, None)
    axes[0].errorbar(table["claimed"], table["true"], yerr=error, fmt="o-", capsize=3, label=name)
    curve = evaluate.abstention(y_true, p)
    axes[1].plot(curve["coverage"], curve["accuracy"], label=name)
axes[0].set(xlabel="claimed", ylabel="came true", title=f"{opened}, {len(y_true)} test tracks, 5 bins", xlim=(0, 1), ylim=(0, 1.02))
axes[1].set(xlabel="share of the questions that get an answer", ylabel="came true, of these answers", ylim=(0, 1.02))
axes[0].legend(fontsize=8)
plt.show()

# %% [markdown]
# On the dotted line, claims come true. Below it the network boasts, above it it is too modest. The bars are 95 %
# intervals; with so few tracks in a bin, they are long, and a small ECE is partly luck.
#
# On the right, a network that may **abstain**. From right to left it answers fewer and fewer tracks, those it is surest
# of. The curve should rise to the left: then its confidence means something, and somebody who sorts a large collection
# can leave the doubtful rest to ears.
#
# ### Sets instead of answers
#
# A third way to be honest: name *all* classes that may be right. **Conformal** sets come with a promise. Look up, on
# the validation tracks, how much probability a true label usually gets, and put every class with at least so much into
# the set. Then the sets hold the truth as often as you asked, if the new tracks are like those.

# %%
rows = {}
for promised in (0.7, 0.8, 0.9):
    of_true = np.nonzero(T.loc[ids["valid"]].to_numpy())  # track and class of each true label
    threshold = evaluate.conformal_threshold(of_true[1], proba_valid[of_true[0]], coverage=promised)
    sets = proba >= threshold
    held = sets[truth == 1]
    rows[promised] = {"held": held.mean(), "classes in a set": sets.sum(axis=1).mean(), "empty": (sets.sum(axis=1) == 0).mean()}
coverage = pd.DataFrame(rows).T.rename_axis("promised")
coverage.round(2)

# %% [markdown]
# *Held* should be near *promised*. Where it is lower, the test artists differ from the validation artists, and no
# arithmetic can promise anything about artists of another kind. The price of a promise is the size of the sets.
#
# ## What does it go by?
#
# The network looks at a picture. **Grad-CAM** asks its last convolution which places of the picture spoke for the
# answer. We take the clip in the middle of each track and the class that the network named.

# %%
def middle_clips(side):
    """The clip in the middle of each track [shape=(tracks, frames, bands, 1)], and where it starts."""
    lengths = store.index.set_index("track_id").loc[ids[side], "n_frames"]
    start = ((lengths - inputs["clip_frames"]) // 2).clip(lower=0).to_numpy()
    X = [clips.cut(store.frames(t), s, inputs["clip_frames"]) for t, s in zip(ids[side], start)]
    return np.stack(X)[..., np.newaxis], start


X, start = middle_clips("test")
named = evaluate.predict(network, X).argmax(axis=1)
chosen = np.random.default_rng(SEED).permutation(len(X))[:EXPLAINED]
heat = np.zeros(X.shape[:3])
for part in np.array_split(chosen, -(-len(chosen) // 16)):
    heat[part] = grad_cam(network, X[part], named[part])

# %% tags=["key-figure"]
fig, axes = plt.subplots(2, 4, figsize=(13, 5), sharex=True, sharey=True)
right_first = chosen[np.argsort(truth[chosen, named[chosen]] == 0, kind="stable")]
examples = np.unique(np.linspace(0, len(chosen) - 1, 4).astype(int))
seconds = inputs["clip_frames"] / store.frames_per_second
for column, i in zip(axes.T, right_first[examples]):
    extent = (0, seconds, 0, store.n_mels)
    column[0].imshow(X[i, :, :, 0].T, origin="lower", aspect="auto", extent=extent)
    column[1].imshow(heat[i].T, origin="lower", aspect="auto", extent=extent, vmin=0, vmax=1)
    column[0].set_title(f"{ids['test'][i]}\ncalled {dataset.classes[named[i]]}", fontsize=9)
    column[1].set_xlabel("time (s)")
axes[0, 0].set_ylabel("mel band")
axes[1, 0].set_ylabel("what spoke for it")
plt.show()

# %% [markdown]
# Bright below is what spoke for the answer. Is it the drums, the bass, the held chords? Such pictures invite stories, so
# we do two things with them before we believe one: we listen, and we test.
#
# ### Hear it
#
# Lay the bright region on the Fourier transform of the original sound. What remains are those sounds, with their own
# phases: nothing is guessed. First the clip, then what spoke for the answer, then the rest.

# %%
def parts_of(i):
    """Sound of a clip, of what spoke for its answer, and of what did not."""
    rate, hop = inputs["sr"], inputs["hop_length"]
    y = load_audio(tracks.loc[ids["test"][i], "path"], sr=rate, offset=None, max_seconds=inputs["max_seconds"])
    y = librosa.util.fix_length(y[start[i] * hop :], size=inputs["clip_frames"] * hop)
    mask = np.clip(2 * heat[i], 0, 1)
    return [y, *(listen(y, m, sr=rate, n_fft=inputs["n_fft"]) for m in (mask, 1 - mask))]


sounds = parts_of(right_first[0])
pause = np.zeros(inputs["sr"] // 2)
print(f"{ids['test'][right_first[0]]}, called {dataset.classes[named[right_first[0]]]}; level of the three: "
      + ", ".join(f"{20 * np.log10(np.sqrt(np.square(s).mean()) + 1e-9):.0f} dB" for s in sounds))  # fmt: skip
Audio(np.concatenate([part for sound in sounds for part in (sound, pause)]), rate=inputs["sr"])

# %% [markdown]
# ### Test it
#
# If the marked region matters, the answer must suffer when it is taken away, and suffer more than from the loss of any
# other region of the same size and shape. Take away the brightest `KEPT` of each clip, by putting the mean of each band
# there. Then do the same with the same mask, shifted to a random place.

# %%
mean, _ = clips.band_statistics(store, ids["train"])
rng = np.random.default_rng(SEED)


def without(masks):
    """Probability of the named class when these points are the mean of their band."""
    hidden = np.where(masks[..., np.newaxis], mean[:, np.newaxis], X[chosen]).astype("float32")
    return evaluate.predict(network, hidden)[np.arange(len(chosen)), named[chosen]]


marked = np.stack([largest(heat[i], share=KEPT) for i in chosen])
moved = np.stack([np.roll(m, rng.integers(m.shape), axis=(0, 1)) for m in marked])
whole = without(np.zeros_like(marked))

# %%
drops = pd.DataFrame({"what spoke for it": whole - without(marked), "elsewhere": whole - without(moved)})
gain = (drops["what spoke for it"] - drops["elsewhere"]).groupby(groups[chosen]).mean()
low, high = np.percentile([gain.sample(frac=1, replace=True, random_state=s).mean() for s in range(1000)], [2.5, 97.5])

# %%
fig, ax = plt.subplots(figsize=(8, 3))
ax.boxplot(drops, orientation="horizontal", tick_labels=drops.columns, showmeans=True)
ax.axvline(0, color="0.5", ls=":")
ax.set(xlabel="loss of probability when it is taken away", title=f"{100 * KEPT:.0f} % of the clip, {len(drops)} test clips")
plt.show()
print(f"taking away what spoke for it costs {gain.mean():+.2f} more than elsewhere [{low:.2f}, {high:.2f}]")

# %% [markdown]
# An interval above 0 says that the pictures mark something that counts, for this network and on average. It does not say
# that a single picture is the whole reason.
#
# ## Music that sounds alike
#
# What a network computes just before it decides is a description of the sound, and tracks with similar descriptions
# should sound alike. A common mistake is to compare its *answers* instead. A sure network gives all rock tracks nearly the
# same answer: such a list sorts by genre, and within a genre it is a lottery.
#
# A network that has learned from other music gives a description, too: the embedding of **musicnn**, 200 numbers a track,
# comes from 50 tags of 200,000 real songs. Is it a better one?

# %%
try:
    listener = Classifier(published.musicnn(DATA_DIR))
except datasets.DatasetError as problem:
    listener = None
    print(f"musicnn is left out: {problem}")


def heard_by_musicnn():
    """Its embedding of every track: as notebook 10 left it, else asked for track by track."""
    file = Path(OUT_DIR, "features", "musicnn.parquet")
    left = pd.read_parquet(file).filter(regex="^penultimate") if file.exists() else pd.DataFrame()
    if set(tracks.index) <= set(left.index):
        return left.loc[tracks.index]
    sounds = (load_audio(path, sr=16000, max_seconds=inputs["max_seconds"]) for path in tqdm(tracks["path"]))
    return pd.DataFrame([listener(y, sr=16000).embedding for y in sounds], tracks.index)


# %% [markdown]
# The recommenders: the opened network's description and its answers, the timbre of the summary features (means and
# deviations of MFCC), random numbers, and musicnn. They are asked about **test tracks**, which the network never met.

# %%
everything = experiment.every_clip(tracks.index, Y=main)
of_all = evaluate.track_proba(evaluate.predict(network, everything), everything.owner)
E = pd.DataFrame(embed(network, everything), tracks.index).add_prefix("e")
timbre = summary.filter(regex="^mfcc").reindex(tracks.index).dropna()
described = {
    "description": (E, "cosine"),
    "answers": (pd.DataFrame(of_all, tracks.index), "euclidean"),
    "timbre": ((timbre - timbre.mean()) / timbre.std(), "euclidean"),
    "random": (pd.DataFrame(np.random.default_rng(SEED).normal(size=(len(tracks), 16)), tracks.index), "cosine"),
}
if listener:
    described["musicnn"] = heard_by_musicnn(), "cosine"

# %% [markdown]
# *Same class* is the share of a list that has a label of the question; such a list may not name the artist of the
# question. It is a poor judge: the answers are made to win it, and a list of the right genre may hold nothing that sounds
# alike. *Same artist*, where the artist is allowed, judges better: nobody told the network the bands. The **ceiling** is the
# share in the best possible list, since an artist has only so many tracks; chance is that in any list. **Hubs** are tracks
# that stand in very many lists, and please nobody. *Skewness* tells of them: 0 where all tracks are recommended equally
# often, above 1 with a few hubs.

# %%
of = tracks.loc[timbre.index]
asked = np.flatnonzero(of.index.isin(ids["test"]))
in_test, in_all = of["group"].to_numpy()[asked], of["group"].to_numpy()
lists, judged, quality_of = {}, {}, {}
for name, (table, metric) in described.items():
    lists[name] = Recommender(table.loc[of.index], of["group"], metric=metric).lists(k=NEIGHBOURS)
    anybody = Recommender(table.loc[of.index], metric=metric).lists(k=NEIGHBOURS)
    judged[name] = {"same class": precision(lists[name], T.loc[of.index], rows=asked, groups=of["group"]),
                    "same artist": precision(anybody, of["group"], rows=asked)}  # fmt: skip
    quality_of[name] = hubness(lists[name], groups=in_all, seed=SEED)
    for by, found in judged[name].items():
        quality_of[name] |= evaluate.mean_score(by, found["precision"], groups=in_test, seed=SEED)

# %%
quality_of = pd.DataFrame(quality_of).T
limits = {name: found.mean() for name, found in judged["random"].items()}
fig, axes = plt.subplots(1, 3, figsize=(12, 0.9 + 0.35 * len(quality_of)), sharey=True, layout="constrained")
for ax, name in zip(axes, ("same class", "same artist", "skewness")):
    value, low_end, high_end = quality_of[[name, f"{name}_low", f"{name}_high"]].to_numpy().T
    ax.errorbar(value, quality_of.index, xerr=np.clip([value - low_end, high_end - value], 0, None), fmt="o", capsize=3)
    for limit, style in (("ceiling", "--"), ("chance", ":")) if name in limits else ():
        ax.axvline(limits[name][limit], color="0.5", ls=style, label=limit)
    ax.set(xlabel=f"{name}, test tracks, lists of {NEIGHBOURS}" if name in limits else "skewness (hubs), all lists")
axes[0].invert_yaxis()
fig.legend(*axes[0].get_legend_handles_labels(), fontsize=8, loc="outside right upper")
plt.show()

# %%
rival = "musicnn" if listener else "timbre"


def change(name):
    """What the rival changes, with its interval over artists, in words."""
    if name == "skewness":
        mine, its = frequency(lists["description"]), frequency(lists[rival])
        difference = evaluate.interval(lambda w: skewness(its, w) - skewness(mine, w), in_all, seed=SEED)
    else:
        gain = judged[rival][name]["precision"] - judged["description"][name]["precision"]
        difference = evaluate.mean_score(name, gain, groups=in_test, seed=SEED).values()
    d, low_end, high_end = difference
    verdict = "more" if low_end > 0 else "less" if high_end < 0 else "which may be chance"
    before, after = quality_of.loc[["description", rival], name]
    return f"{name} from {before:.2f} to {after:.2f} ({d:+.2f} [{low_end:+.2f}, {high_end:+.2f}], {verdict})"


changes = {name: change(name) for name in ("same class", "same artist", "skewness")}
Markdown(f"With {rival} in place of the opened network's description: {'; '.join(changes.values())}. " + " ".join(
    f"For *{name}* the ceiling is {at['ceiling']:.2f} and chance {at['chance']:.2f}." for name, at in limits.items()))  # fmt: skip

# %% [markdown]
# Numbers cannot say whether a list is good. Choose a track and a recommender, and listen: first the question, then its
# neighbours.

# %%
similar = {name: Recommender(table, tracks["group"], metric=metric) for name, (table, metric) in described.items()}


def neighbours(track_id, by, k):
    """The tracks nearest to one, to be read and heard."""
    found = similar[by].nearest(track_id, k=k).set_index("track_id")
    print(f"{track_id}: {tracks.loc[track_id, 'artist']}, {tracks.loc[track_id, 'title']}; by {by}")
    display(tracks.loc[found.index, ["label", "artist", "title"]].assign(distance=found["distance"].round(3)))
    heard = [load_audio(tracks.loc[t, "path"], sr=inputs["sr"], offset=None, max_seconds=4) for t in [track_id, *found.index]]
    display(Audio(np.concatenate([part for y in heard for part in (y, pause)]), rate=inputs["sr"]))


interactive.explore(neighbours, track_id=ids["test"], by=list(similar), k=range(NEIGHBOURS, 11))

# %% [markdown]
# ### A map of the music
#
# **t-SNE** lays the descriptions on a plane so that neighbours stay neighbours. What is near is alike; what is far means
# little, and the directions mean nothing.

# %%
drawn = E.sample(min(len(E), 3000), random_state=SEED).index  # a plane has no room for more
maps = {opened: E} | ({"musicnn": described["musicnn"][0]} if listener else {})
tsne = TSNE(perplexity=min(12, len(drawn) - 1), metric="cosine", random_state=SEED)
places = {who: tsne.fit_transform(table.loc[drawn].to_numpy()) for who, table in maps.items()}

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, len(places), figsize=(6.5 * len(places), 5), squeeze=False, layout="constrained")
tested = drawn.isin(ids["test"])
for ax, (who, at) in zip(axes.flat, places.items()):
    for k, label in enumerate(dataset.classes):
        of_class = (main[drawn] == k).to_numpy()
        ax.scatter(*at[of_class & ~tested].T, s=14, color=f"C{k % 10}", alpha=0.5)
        ax.scatter(*at[of_class & tested].T, s=60, color=f"C{k % 10}", marker="*", edgecolor="k", lw=0.4, label=label)
    ax.set(xticks=[], yticks=[], title=f"as {who} hears them")
fig.suptitle(f"{len(drawn)} tracks of {DATASET}; stars: test tracks")
axes[0, -1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# Look at the dots and the stars of the opened network apart. The dots are tracks that it has learned, so of course they stand
# in clean groups. The stars are what it makes of unknown artists, and only they tell how well the groups hold. (musicnn has
# learned neither.) In the next map, rest the mouse on a point, and it says its name.

# %%
named_by = tracks.loc[drawn].assign(label=np.array(dataset.classes)[main[drawn]])
titles = named_by["artist"] + ": " + named_by["title"] + " (" + named_by["label"] + ")"
interactive.explore(
    lambda who, colour: display(HTML(interactive.hover_map(places[who], named_by[colour].astype(str), titles))),
    who=list(places)[::-1], colour=[column for column in ("label", "artist", "album") if named_by[column].nunique() > 1],
)  # fmt: skip

# %% [markdown]
# ## Your own song
#
# A network that is to be used needs its temperature with it, and a collection to look for neighbours in. Write both: the
# network with a card that holds the temperature, and the descriptions of all tracks.

# %%
saved = training.save(
    network, f"{OUT_DIR}/models/{DATASET}/{RUN_NAME}-{card['model']}.keras", card | {"temperature": temperature}
)
collection = Path(f"{OUT_DIR}/tables/{RUN_NAME}-collection.parquet")
collection.parent.mkdir(parents=True, exist_ok=True)
E.to_parquet(collection)
print(saved, collection)

# %% [markdown]
# From here on, forget the notebook: `Classifier` knows nothing but that file. Give it any song: set `SONG`, or change
# the path below. It is brought to the right rate, cut into clips, and answered clip by clip.

# %%
ask = Classifier(saved)
song = SONG or tracks.loc[ids["test"][order[0]], "path"]
answer = ask(song)
answer.overall.head(4).round(2).to_frame()

# %% [markdown]
# These figures are calibrated, for music like that of the validation tracks. Your own song is most likely *not* like it.
# The network has never heard of any class but those it was taught, and must choose among them. When all four are low, it is
# telling you so; `answer.over_time` holds its answer to each clip. musicnn's tags are those of real songs; it, too, must
# choose among its 50. Notebook 15 follows them through a song.

# %%
embedded = {opened: (E, answer.embedding)}
if listener:
    heard = listener(song)
    embedded["musicnn"] = (described["musicnn"][0], heard.embedding)
    print("tags by musicnn:", ", ".join(f"{tag} {p:.2f}" for tag, p in heard.overall.head(8).items()))
for who, (table, embedding) in embedded.items():
    near = Recommender(table).nearest(embedding, k=NEIGHBOURS).set_index("track_id")
    print(f"nearest, as {who} hears it:")
    display(tracks.loc[near.index, ["label", "artist", "title"]].assign(distance=near["distance"].round(3)))

# %% [markdown]
# And to listen: click into the picture, and the song goes on from there. The sentences above it follow a rule that stands
# at the end of the page.

# %% tags=["real-sound"]
HTML(interactive.framed(pages.song_page(listener or ask, song)))

# %% [markdown]
# The shell makes the same page, `make listen SONG=song.mp3`; of a whole folder it makes a map to click at, with a search
# and playlists, or a table. Files that cannot be read are listed with a reason, and an interrupted run goes on where it
# stopped:
#
# ```
# make listen SONG=my_music PAGE=library.html
# python -m helpers.classify MODEL.keras my_music --csv answers.csv
# ```
#
# The button records ten seconds from the microphone of your browser, and musicnn answers, or the network where musicnn is
# missing. The sound goes to the kernel of this notebook and nowhere else.

# %%
Recorder(lambda y, sr: (listener or ask)(y, sr=sr).overall.head(3).round(2).to_string())

# %% [markdown]
# ## What we learned

# %%
first = board.index[0]
as_good = [first, *pairs[(pairs["model"] == first) & ~sure]["other"]]
Markdown(
    f"- {len(board)} models answered the same {len(y_true)} test tracks. The first was {first} with "
    f"{board[METRIC].iloc[0]:.2f} ({METRIC}); {len(as_good) - 1} others could not be told from it. The network that was opened, "
    f"{opened}: {evaluate.describe(scored[opened], metric=METRIC)}.\n"
    f"- Its expected calibration error went from {evaluate.ece(y_true, proba):.2f} to "
    f"{evaluate.ece(y_true, calibrated):.2f} with a temperature of {temperature:.2f}. Sets that promised "
    f"{coverage.index[-1]:.0%} held the truth in {coverage['held'].iloc[-1]:.0%} of the cases. Taking away what spoke for "
    f"an answer cost {gain.mean():+.2f} more than as much elsewhere [{low:.2f}, {high:.2f}]; the search for wrong labels "
    f"found {n_found} of {n_swapped}, among {n_suspected} that it suspected.\n"
    f"- Of {NEIGHBOURS} neighbours by other artists, {quality_of.loc['description', 'same class']:.0%} had the class of the "
    f"question, by its answers {quality_of.loc['answers', 'same class']:.0%}, by chance {limits['same class']['chance']:.0%}. "
    f"With {rival} in place of the description: {changes['same artist']}. The network answers any file from `{saved.name}` alone."
)

# %% [markdown]
# ## Exercises
#
# 1. Open another network with `MODEL`. Does it make the same mistakes? *Hint: `only_first` and `only_other` in `pairs`.*
# 2. Calibrate on the training tracks instead. What happens to the temperature, and why? *Hint: how often is a network
#    wrong about tracks it has learned?*
# 3. Let `listen` keep only the upper or the lower half of the bands. Which classes survive? *Hint: a mask is an array.*
# 4. Take the timbre features and the description together as one recommender. Is the pair better? *Hint: scale both
#    before you lay them side by side.*
# 5. Hide one stretch of time after another, in the network that is open and in a recurrent one. Which moments matter to
#    each? *Hint: `helpers.explain.occlusion`; hide with `mean`.*
#
# ## Next
#
# Notebook 14 takes a trained network to a discography, and follows a band through its years.
#
# **References.** B. Efron, R. Tibshirani, *An introduction to the bootstrap*, 1993. C. Guo et al., *On calibration of
# modern neural networks*, ICML 2017. M. Sadinle et al., *Least ambiguous set-valued classifiers*, JASA 2019. C.
# Northcutt et al., *Confident learning*, JAIR 2021. R. Selvaraju et al., *Grad-CAM*, ICCV 2017. M. Radovanović et al.,
# *Hubs in space*, JMLR 2010. J. Pons, X. Serra, *musicnn*, ISMIR late-breaking, 2019. L. van der Maaten, G. Hinton,
# *Visualizing data using t-SNE*, JMLR 2008.
