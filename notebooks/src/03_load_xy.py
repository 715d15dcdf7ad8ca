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
# # Load X and Y
#
# *3 minutes · needs nothing: it renders its own music · writes `split.csv` and `tables/leak_ladder.csv`*
#
# A network learns from pairs: X, a clip of music, and Y, its label. How those pairs are divided into training and
# test decides whether the final figure means anything. Published genre classifiers have lost 10 to 40 points when
# their split was repaired. This notebook builds X and Y, divides them in three ways, and measures how far each one
# flatters.
#
# **You will learn**
#
# - how tracks become X and Y, and which axis is which;
# - how to divide a dataset so that nothing leaks, and how to prove it;
# - how many points a careless split is worth: the leak ladder.
#
# **Before you start**: notebook 02 fills the feature store that is used here.

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
from IPython.display import Markdown
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from helpers import clips, datasets, evaluate, features, plotting, splits
from helpers.splits import StratifiedGroupKFold

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
CLASSES: list = []  # keep these classes only; empty keeps all
DATASET_OPTIONS: dict = {}  # further arguments of helpers.datasets.load
SPLIT_NAME: str = "split"  # the split file is OUT_DIR/SPLIT_NAME.csv; an existing file is used
SPLIT_RULE: str = "auto"  # auto, official, group or track
FOLD: int = 0  # which fifth of the groups is the test set, where no official list is
SR: int = 22050  # sample rate in hertz that all audio is brought to
N_FFT: int = 2048  # window of the Fourier transform in samples
HOP_LENGTH: int = 512  # distance between frames in samples
N_MELS: int = 64  # number of mel bands
MAX_SECONDS: float = 30.0  # longest excerpt of a track that is used
CLIP_SECONDS: float = 3.0  # length of a clip in seconds
LADDER_TRACKS: int = 600  # most tracks that the leak ladder uses
JOBS: int = 2  # number of files read at the same time
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## X and Y
#
# The table of tracks comes from the dataset, the frames from the feature store of notebook 02. The store is filled
# if it is not there yet. Tracks that could not be read are left out, and counted: a figure on 990 of 1000 tracks is
# fine, but it must say so.

# %%
dataset = datasets.load(DATASET, DATA_DIR, classes=CLASSES or None, **DATASET_OPTIONS)
store = features.extract(
    dataset.tracks, f"{OUT_DIR}/features", sr=SR, n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS,
    max_seconds=MAX_SECONDS, jobs=JOBS,
)  # fmt: skip

# %%
usable = store.index.loc[store.index["status"] == "ok", "track_id"]
tracks = dataset.tracks[dataset.tracks["track_id"].isin(usable)].reset_index(drop=True)
print(f"{len(tracks)} of {len(dataset.tracks)} tracks can be used.")

# %% [markdown]
# **Y** is a number for each track: the position of its label in the sorted list of classes. The list is sorted so
# that the same number means the same class in every notebook and every saved network. The numbers have no order:
# class 3 is not between 2 and 4.

# %%
Y = pd.Categorical(tracks["label"], categories=dataset.classes).codes.astype(int)
tracks.assign(Y=Y)[["track_id", "label", "Y", "group"]].iloc[:: max(1, len(tracks) // 5)].head()

# %% [markdown]
# **X** is made of clips. `CLIP_SECONDS` of sound are a fixed number of frames; a track yields as many clips as fit,
# side by side. Each clip is a slice of the store, so X takes no memory until a batch is asked for: a hundred
# thousand tracks need no more of it than a hundred. How long should a clip be? Long enough to hold a bar or two,
# short enough that a track gives several.

# %%
clip_frames = round(CLIP_SECONDS * store.frames_per_second)
every = clips.EveryClip(store, tracks["track_id"], Y, clip_frames=clip_frames)
X_batch, Y_batch = every[0]
print(f"{len(every.owner)} clips from {len(tracks)} tracks, {clip_frames} frames each")
print("one batch: X", X_batch.shape, "= (clips, frames, mel bands, channels); Y", Y_batch.shape)

# %% [markdown]
# The axes matter. Time is axis 1 and frequency is axis 2. One of the projects that this series takes up fed an LSTM
# with frequency where time should have been, and nobody noticed, because the shapes fitted. Assert what you mean.

# %%
assert X_batch.shape[1:] == (clip_frames, store.n_mels, 1)

# %%
fig, axes = plt.subplots(1, 4, figsize=(11, 2.8), sharey=True)
for ax, i in zip(axes, np.linspace(0, len(every.owner) - 1, 4).astype(int)):
    batch, place = divmod(int(i), every.batch_size)
    ax.imshow(every[batch][0][place, :, :, 0].T, origin="lower", aspect="auto")
    ax.set(title=f"{tracks['label'][every.owner[i]]}, frame {every.start[i]}", xlabel="frame (axis 1)")
axes[0].set_ylabel("mel band (axis 2)")
plt.show()

# %% [markdown]
# ## A split without leaks
#
# ### Find the copies first
#
# The same recording may lie in a dataset under two names, and then one of them trains and the other tests. Exact
# copies are easy; **near-duplicates** are not: another level, another codec, cut a second later. So each track is
# reduced to a coarse picture, and pictures that correlate when shifted against each other are the same recording.

# %%
prints = splits.fingerprints(store, tracks["track_id"])
duplicates = splits.near_duplicates(prints)
print(f"{len(duplicates)} pairs of near-duplicates among {len(tracks)} tracks")
duplicates.head()

# %% [markdown]
# ### Divide
#
# Official lists come first where a data set has them and the tracks at hand can follow them. Otherwise whole
# **groups** go to one side, copies with them, and classes keep their proportions. The result is a small CSV file.
# Every later notebook reads it, so all models meet the same test tracks. Delete the file to draw anew, or put your
# own in its place.

# %%
split = splits.make(
    tracks, f"{OUT_DIR}/{SPLIT_NAME}.csv", rule=SPLIT_RULE, fold=FOLD, seed=SEED, duplicates=duplicates
)
print(split.rule)
pd.crosstab(tracks.set_index("track_id")["label"], split.sides).reindex(columns=list(splits.SIDES))

# %% [markdown]
# Three sides, three uses. The networks learn from *train*. Choices, such as when to stop, are made on *valid*.
# *test* answers once, at the end. Every look at the test set that leads to a change turns it into a second
# validation set.
#
# ### The audit
#
# Trust no split, not even an official one. The audit looks for groups and for copies that stand on two sides.

# %%
leaks = splits.audit(split, tracks, duplicates)
print(f"{len(leaks)} leaks before mending")
split = splits.mend(split, duplicates)
splits.check(split, tracks, duplicates)
splits.write(split, f"{OUT_DIR}/{SPLIT_NAME}.csv")
print(split.rule)

# %% [markdown]
# What do these lines mean? `mend` leaves copies out of the training side and never touches the test side. `check` stops the notebook with
# the names of the offenders if anything is left. It runs again before every training in this series.
#
# An alarm that has never rung proves nothing. Does the audit see a leak at all? Here is a split by track, drawn at random, as many projects do it.

# %%
careless = splits.by_track(tracks, seed=SEED)
found = splits.audit(careless, tracks, duplicates)
print(f"{len(found)} leaks, for instance:")
found.head(3)

# %% [markdown]
# ## The leak ladder
#
# Now measure. One small model, three ways to divide, the same clips. The model is a support vector machine on the
# mean and standard deviation of each mel band in a clip.
#
# - **by clip**: clips of one track stand on both sides;
# - **by track**: tracks stay whole, but the artist stands on both sides;
# - **by group**: the artist is on one side only.
#
# Each clip is predicted exactly once, in five folds, so the three figures are about the same clips. Nothing about
# the model changes from rung to rung. Before you run the cell, guess: how many points lie between the first and
# the last?

# %%
def describe(X):
    """Mean and standard deviation over time [shape=(clips, 2 * n_mels)]."""
    return np.concatenate([X.mean(axis=1), X.std(axis=1)], axis=1)[..., 0]



# %%
sample = tracks.assign(Y=Y, group=splits.linked(tracks, duplicates))
sample = sample.sample(min(LADDER_TRACKS, len(tracks)), random_state=SEED)
part = clips.EveryClip(store, sample["track_id"], sample["Y"], clip_frames=clip_frames)
X = np.concatenate([describe(part[i][0]) for i in range(len(part))])
group = sample["group"].to_numpy()[part.owner]
X.shape

# %%
grouped = StratifiedGroupKFold(5, shuffle=True, random_state=SEED)
n_folds = grouped.get_n_splits(X, part.y, group)  # fewer where there are fewer groups
ways = {
    "by clip": StratifiedKFold(n_folds, shuffle=True, random_state=SEED).split(X, part.y),
    "by track": grouped.split(X, part.y, part.owner),
    "by group": grouped.split(X, part.y, group),
}
model = make_pipeline(StandardScaler(), SVC(C=10))

# %%
rows = {}
for name, folds in ways.items():
    y_pred = cross_val_predict(model, X, part.y, cv=list(folds), n_jobs=JOBS)
    proba = np.eye(len(dataset.classes))[y_pred]
    rows[name] = evaluate.scores(part.y, proba, groups=group, seed=SEED)

# %%
ladder = pd.DataFrame(rows).T
ladder[["accuracy", "accuracy_low", "accuracy_high", "macro_f1", "n_test", "n_groups"]].round(3)

# %% [markdown]
# Whole groups are redrawn for the intervals, because clips of one artist succeed and fail together. An interval
# over single clips would look several times more certain than it is.

# %% tags=["key-figure"]
fig, ax = plotting.intervals(ladder, chance=ladder["chance"].iloc[0])
ax.set_title(f"The leak ladder: one model, {len(part.owner)} clips, three splits")
plt.show()

# %%
step = ladder["accuracy"]
drop, artist_part = step["by clip"] - step["by group"], step["by track"] - step["by group"]
has_artists = tracks["group"].nunique() < 0.9 * len(tracks)
fall = f"From *by clip* to *by group* the same model falls from {step['by clip']:.2f} to {step['by group']:.2f}, "
fall += f"{100 * drop:.0f} points. It did not get worse: it was never that good. "
level = f"Here *by clip* ({step['by clip']:.2f}) and *by group* ({step['by group']:.2f}) are level. "
artists = f"Of these, {100 * artist_part:.0f} points come from artists it had met before."
no_artists = "This dataset names no artists, so each track is its own group, and the last two rungs nearly agree."
Markdown((fall if drop > 0.02 else level) + (artists if has_artists and drop > 0.02 else no_artists))

# %% [markdown]
# Where does the fall come from? Clips of one track share everything: key, tempo, instruments, the room, the mix. A model that finds
# the nearest clip has found the track, and with it the label. Between tracks of one artist much of this remains.
# Only the lowest rung answers the question that matters: how well does the model do on music by somebody it has
# never heard? Many published figures stand on the upper rungs.
#
# ## Scaling from the training part only
#
# Networks learn faster when inputs are centred: a band that always lies near −50 dB would drown one that moves
# around 0. The mean and variance of each band must come from training clips,
# because taking them from all clips is a leak too, if a small one. How small? Measure it, do not guess.

# %%
mean, variance = clips.band_statistics(store, split.ids("train"))
mean_all, _ = clips.band_statistics(store, split.sides.index.tolist())
print(f"mean and variance of {len(mean)} bands from {len(split.ids('train'))} training tracks")
print(f"with test tracks included the means would move by up to {np.abs(mean - mean_all).max():.2f} dB")

# %%
fig, ax = plt.subplots()
ax.plot(mean, label="mean of the training clips")
ax.fill_between(range(len(mean)), mean - variance**0.5, mean + variance**0.5, alpha=0.2, label="± one standard deviation")
ax.plot(mean_all, ":", color="C1", label="mean with the test clips: do not use")
ax.set(xlabel="mel band", ylabel="decibels")
ax.legend()
plt.show()

# %% [markdown]
# The curves lie close together, so here this leak is worth little. It costs nothing to avoid, and on small or
# uneven data it can matter. The networks of this series carry these numbers in their first layer, so a saved model needs nothing beside it.
#
# ## Feeding clips
#
# In training, clips start at random places and differ in each epoch: a free way to have more data. The seed fixes
# which ones, so a run can be repeated. For validation and test, all clips of a track are used, in order, and they
# vote.

# %%
train_ids = split.ids("train")
Y_of = pd.Series(Y, index=tracks["track_id"])
feed = clips.RandomClips(store, train_ids, Y_of[train_ids].to_numpy(), clip_frames=clip_frames, seed=SEED)

# %%
first = feed[0][0]
feed.on_epoch_end()
print(f"{len(feed)} batches an epoch; X {first.shape}")
print("the next epoch draws other clips:", not np.array_equal(first, feed[0][0]))

# %%
index = pd.DataFrame({"track_id": tracks["track_id"].to_numpy()[every.owner], "start": every.start, "Y": every.y})
index["split"] = index["track_id"].map(split.sides)
os.makedirs(f"{OUT_DIR}/tables", exist_ok=True)
index.to_csv(f"{OUT_DIR}/tables/clips_{SPLIT_NAME}.csv", index=False)
columns = ["accuracy", "accuracy_low", "accuracy_high", "macro_f1", "n_test", "n_groups", "chance"]
ladder[columns].to_csv(f"{OUT_DIR}/tables/leak_ladder_{SPLIT_NAME}.csv")

# %% [markdown]
# ## What we learned

# %%
counts = split.sides.value_counts()
Markdown(
    f"- {len(tracks)} tracks became {len(every.owner)} clips of shape {X_batch.shape[1:]}: time, frequency, channel.\n"
    f"- The split ({split.rule}) has {counts['train']} training, {counts['valid']} validation and {counts['test']} "
    f"test tracks; the audit found {len(leaks)} leaks before mending and none after, and {len(found)} in a careless "
    f"split.\n"
    f"- Dividing by clip scored {step['by clip']:.2f}, by track {step['by track']:.2f}, by group "
    f"{step['by group']:.2f} [{ladder.loc['by group', 'accuracy_low']:.2f}, "
    f"{ladder.loc['by group', 'accuracy_high']:.2f}], chance {ladder['chance'].iloc[0]:.2f}."
)

# %% [markdown]
# ## Exercises
#
# 1. Make clips shorter, `CLIP_SECONDS` = 1. Which rung of the ladder moves most, and why?
#    *Hint: how many clips of the same track are then in training?*
# 2. Replace the support vector machine by the nearest neighbour. Does the ladder get steeper?
#    *Hint: `sklearn.neighbors.KNeighborsClassifier(1)` remembers instead of learning.*
# 3. Draw the split with five seeds. How far does the test figure move? Is the interval wide enough?
#
# ## Next
#
# From here on one call, `helpers.experiment.Experiment(globals())`, does these steps, so that each notebook begins with
# its own subject. What a notebook's cell of parameters does not name, such as `FOLD` or `HOP_LENGTH`, has its default
# there; write the name into the cell to change it. Notebook 05 trains two convolutional networks on exactly these clips.
#
# **References.** E. Pampalk, A. Flexer, G. Widmer, *Improvements of audio-based music similarity and genre
# classification*, ISMIR 2005 (the artist filter). B. L. Sturm, *The state of the art ten years after a state of
# the art*, 2014. C. Kereliuk, B. L. Sturm, J. Larsen, *Deep learning and music adversaries*, 2015 (the
# fault-filtered split of GTZAN).
