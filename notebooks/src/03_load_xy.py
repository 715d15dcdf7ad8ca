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
# *reading 8 minutes · computing 1 minute · needs nothing: it renders its own music · writes `split.csv`, `tables/`*
#
# A network learns from pairs: X, a clip of music, and Y, its label. How those pairs are divided into training and test
# decides whether the final figure means anything. Published genre classifiers have lost 10 to 40 points when their
# split was repaired. How many does ours lose? This notebook builds X and Y, divides them in three ways, and measures
# how far each way flatters.
#
# **You will learn**
#
# - how tracks become X and Y, and which axis is which;
# - how to divide a dataset so that nothing leaks, and how to prove it;
# - how many points a careless split is worth: the leak ladder.
#
# **Before you start**: notebook 02 explains log-mel spectrograms and the feature store that is used here. You should
# know what a classifier and a test set are (notebook 00).

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]

# %% tags=["imports"]
from pathlib import Path

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
HOP_LENGTH: int = 1024  # distance between frames in samples
N_MELS: int = 64  # number of mel bands
MAX_SECONDS: float = 30.0  # longest excerpt of a track that is used
CLIP_SECONDS: float = 3.0  # length of a clip in seconds
LADDER_TRACKS: int = 600  # most tracks that the leak ladder uses
JOBS: int = 2  # number of files read at the same time
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## X and Y
#
# The table of tracks comes from the dataset, the frames from the feature store of notebook 02. The store is filled if
# it is not there yet. Tracks that could not be read are left out, and counted. The music is synthetic unless you change
# `DATASET`.

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
# The axes matter. Time is axis 1 and frequency is axis 2. A common mistake is to feed a recurrent network with frequency
# where time should be. Nobody notices, because the shapes fit. Assert what you mean.

# %%
assert X_batch.shape[1:] == (clip_frames, store.n_mels, 1)

# %%
fig, axes = plt.subplots(1, 4, figsize=(11, 2.8), sharey=True)
levels = {}
for ax, i in zip(axes, np.linspace(0, len(every.owner) - 1, 4).astype(int)):
    batch, place = divmod(int(i), every.batch_size)
    clip, label = every[batch][0][place, :, :, 0], tracks["label"][every.owner[i]]
    levels[f"{label}, frame {every.start[i]}"] = [half.mean() for half in np.array_split(clip, 2, axis=1)]
    image = ax.imshow(clip.T, origin="lower", aspect="auto", vmin=-80, vmax=20)
    ax.set(title=f"{label}, frame {every.start[i]}", xlabel="frame (axis 1)")
axes[0].set_ylabel("mel band (axis 2)")
fig.colorbar(image, label="decibels")
plt.show()

# %%
told = "; ".join(f"*{name}*: {low:.0f} and {high:.0f}" for name, (low, high) in levels.items())
n_low = sum(low > high for low, high in levels.values())
Markdown(
    f"Each picture is {clip_frames} frames wide, {CLIP_SECONDS:g} seconds, and {store.n_mels} bands high. Bright is loud. "
    f"The mean level of the lower and the upper half of the bands, in decibels: {told}. The lower half is the louder one "
    f"in {n_low} of {len(levels)}."
)

# %% [markdown]
# ## A split without leaks
#
# ### Find the copies first
#
# The same recording may lie in a dataset under two names, and then one of them trains and the other tests. Exact
# copies are easy; **near-duplicates** are not: another level, another codec, cut a second later. So each track is
# reduced to a coarse picture, and pictures that correlate when shifted against each other are the same recording.

# %%
duplicates = splits.near_duplicates(store, tracks["track_id"])
for a, b, correlation in duplicates.head(3).itertuples(index=False):
    print(f"{a} and {b} are the same recording: correlation {correlation:.2f}")
print(f"{len(duplicates)} pairs of near-duplicates among {len(tracks)} tracks")

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
counts = pd.crosstab(tracks.set_index("track_id")["label"], split.sides).reindex(columns=list(splits.SIDES))
counts.rename_axis(index=None, columns=None)

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
# `mend` leaves copies out of the training side and never touches the test side. `check` stops the notebook with the
# names of the offenders if anything is left. It runs again before every training in this series.
#
# An alarm that has never rung proves nothing. Does the audit see a leak at all? Here is a common mistake: tracks drawn
# at random, whoever plays them.

# %%
careless = splits.by_track(tracks, seed=SEED)
found = splits.audit(careless, tracks, duplicates)
print(f"{len(found)} leaks, for instance:")
found.head(3)

# %% [markdown]
# ## The leak ladder
#
# Now measure. One small model, three ways to divide, the same clips. The model is a support vector machine, which draws
# borders between classes. It sees the mean and standard deviation of each mel band in a clip.
#
# - **by clip**: clips of one track stand on both sides;
# - **by track**: tracks stay whole, but the artist stands on both sides;
# - **by group**: the artist is on one side only.
#
# In **cross-validation**, the clips are divided into folds, and each fold is predicted by a model that learned from the
# others. So each clip is predicted exactly once, and the three figures are about the same clips. Nothing about the model
# changes from rung to rung. Before you run the cell, guess: how many points lie between the first and the last?

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
    "by clip": list(StratifiedKFold(n_folds, shuffle=True, random_state=SEED).split(X, part.y)),
    "by track": list(grouped.split(X, part.y, part.owner)),
    "by group": list(grouped.split(X, part.y, group)),
}
model = make_pipeline(StandardScaler(), SVC(C=10))

# %%
answers, rows = {}, {}
for name, folds in ways.items():
    y_pred = cross_val_predict(model, X, part.y, cv=folds, n_jobs=-1)
    answers[name] = np.eye(len(dataset.classes))[y_pred]
    rows[name] = evaluate.scores(part.y, answers[name], groups=group, seed=SEED)

# %%
ladder = pd.DataFrame(rows).T
ladder[["accuracy", "accuracy_low", "accuracy_high", "macro_f1", "n_test", "n_groups", "chance"]].round(3)

# %% [markdown]
# `n_test` counts clips, `n_groups` artists or other groups. The intervals are **bootstrap** intervals that redraw whole groups, because clips of one
# artist succeed and fail together. An interval over single clips would be far too narrow wherever groups are kept apart.

# %% tags=["key-figure"]
rungs = ladder.rename({"by group": "by group:\nartists kept apart"})
fig, ax = plotting.intervals(rungs, chance=ladder["chance"].iloc[0])
ax.set_title(f"The leak ladder: one model, {len(part.owner)} clips, three splits")
plt.show()

# %%
step, CLIP, TRACK, GROUP = ladder["accuracy"], "by clip", "by track", "by group"
paired = evaluate.compare(part.y, answers[CLIP], answers[GROUP], groups=group, seed=SEED)
drop, low, high = (100 * paired[f"difference{end}"] for end in ("", "_low", "_high"))
told = f"From *by clip* to *by group* the same model goes from {step[CLIP]:.2f} to {step[GROUP]:.2f} (chance "
told += f"{ladder['chance'].iloc[0]:.2f}), {drop:.0f} points less, interval {low:.0f} to {high:.0f}. "
if low > 0:
    told += "It did not get worse: on music by others it was never that good. "
if tracks["group"].nunique() < 0.9 * len(tracks):
    told += f"From *by track* to *by group* it loses {100 * (step[TRACK] - step[GROUP]):.0f} points: so much came from "
    told += "artists that it had met before."
else:
    told += "This dataset names hardly any artists, so the last two rungs are nearly the same."
Markdown(told)

# %% [markdown]
# Why should clips of one track help so much? They share everything: key, tempo, instruments, the room, the mix. A model
# that finds the nearest clip has found the track, and with it the label. Between tracks of one artist much of this
# remains. Only the lowest rung answers the question that matters: how well does the model do on music by somebody it
# has never heard? Many published figures stand on the upper rungs.
#
# ## Scaling from the training part only
#
# Networks learn faster when inputs are centred: a band that always lies near −50 dB would drown one that moves near
# zero. The mean and variance of each band must come from training clips, because taking them from all clips is a leak
# too, if a small one. How small?

# %%
mean, variance = clips.band_statistics(store, split.ids("train"))
mean_all, _ = clips.band_statistics(store, split.sides.index.tolist())
print(f"mean and variance of {len(mean)} bands from {len(split.ids('train'))} training tracks")

# %%
fig, ax = plt.subplots()
ax.plot(mean, label="mean of the training clips")
ax.fill_between(range(len(mean)), mean - variance**0.5, mean + variance**0.5, alpha=0.2, label="± one standard deviation")
ax.plot(mean_all, ":", color="C1", label="mean of all clips: do not use")
ax.set(xlabel="mel band", ylabel="decibels", title="Mean and spread of each mel band")
ax.legend()
plt.show()

# %%
moved = np.abs(mean_all - mean)
share = moved / variance**0.5
Markdown(
    f"The mean lies highest in band {mean.argmax()} ({mean.max():.0f} dB) and lowest in band {mean.argmin()} "
    f"({mean.min():.0f} dB). With the clips of all tracks it would move most in band {share.argmax()}, by "
    f"{moved[share.argmax()]:.2f} dB where a standard deviation is {variance[share.argmax()] ** 0.5:.1f} dB: "
    f"{share.max():.0%} of it. "
    + ("Here this leak is small." if share.max() < 0.2 else "Here this leak is not small.")
)

# %% [markdown]
# Avoiding this leak costs nothing; with few or uneven tracks, it can matter. The networks of this series carry these
# numbers in their first layer, so a saved model needs nothing beside it.
#
# ## Feeding clips
#
# In training, clips start at random places and differ in each epoch: a free way to have more data. The seed fixes
# which ones, so a run can be repeated. For validation and test, the clips of a track come in order, and they vote.

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
Path(OUT_DIR, "tables").mkdir(parents=True, exist_ok=True)
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
    f"test tracks; the audit found {len(leaks)} leaks before mending and none after, and {len(found)} in a split "
    "drawn track by track.\n"
    f"- Dividing by clip scored {step[CLIP]:.2f}, by track {step[TRACK]:.2f}, by group {step[GROUP]:.2f} "
    f"[{ladder.loc[GROUP, 'accuracy_low']:.2f}, {ladder.loc[GROUP, 'accuracy_high']:.2f}] of {len(part.owner)} clips, "
    f"chance {ladder['chance'].iloc[0]:.2f}: clips of a track on both sides flatter by {drop:.0f} points, "
    f"artists on both sides by {100 * (step[TRACK] - step[GROUP]):.0f}."
)

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. A thousand songs are cut into clips and shuffled; a model gets 95 % of the test clips right. What does that say?</summary>
#
# How well the model knows these songs again. Nearly every test clip has a clip of the same song in training. It says
# nothing about songs that the model has not met.
#
# </details>
#
# <details><summary>2. Your dataset names no artists. What can you do?</summary>
#
# Divide by track, look for near-duplicates, and say beside the figure that artists may stand on both sides. Album names,
# the tags in the files or a list published by others may still tell who plays.
#
# </details>
#
# <details><summary>3. The mean of a band holds no labels. Why must it not come from all tracks?</summary>
#
# The test tracks stand for music that does not exist yet, so nothing may be computed from them beforehand. Here it costs
# little. The same habit protects you where it costs much, as when features are *chosen* with the test tracks.
#
# </details>
#
# ## Exercises
#
# ### 1. Longer clips
#
# Climb the ladder with clips of six seconds. Which rung moves most, and why? *Hint: `clips.EveryClip` with another
# `clip_frames`. How many clips of the same track are then in training, and what does one clip hold?*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. A model that remembers
#
# Replace the support vector machine by the nearest neighbour. Does the ladder get steeper? *Hint:
# `sklearn.neighbors.KNeighborsClassifier(1)` remembers instead of learning; the folds in `ways` can be used again.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. Five draws
#
# Draw the split with five seeds, train on *train*, test on *test*. How far does the accuracy move? Is the interval wide
# enough? *Hint: `splits.by_group(tracks, seed=…).sides`, and `part.owner` says which track of `sample` a clip is from.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
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
