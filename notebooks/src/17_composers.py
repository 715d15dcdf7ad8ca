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
# # Piano composers: who wrote it?
#
# *1 minute · needs nothing: without a network of notebook 07, it makes one first · writes `metrics/`, `tables/`*
#
# One instrument, five composers: an older project reached 92 % with twenty-second pictures of piano music. But it had one
# recording of each composer, cut into pieces, and the pieces were shuffled before they were divided. What did its network
# learn: the composer, the piano, or the microphone? This notebook builds the same trap on purpose and measures it. Then it
# does the task as it should be done, with whole compositions held back, and asks what in the notes gives a composer away.
#
# **You will learn**
#
# - what must stay together when the same piece is played by several people;
# - how much a single recording of each composer flatters, measured;
# - which traits of the notes carry the composer, beside what a network hears.
#
# **Before you start**: notebook 03 explains groups, notebook 07 trains the network.

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
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    StratifiedKFold,
    cross_val_predict,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers import clips, evaluate, plotting, symbolic, training
from helpers.audio import load_audio
from helpers.experiment import Experiment, run_first
from helpers.splits import StratifiedGroupKFold

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo_composers"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo_composers"  # folder for features, split, models, metrics
RUN_NAME: str = "17_composers"  # name of this step in the leaderboard
MODEL: str = ""  # network to open, such as 05_convpool-convpool; empty takes the lowest validation loss
CLIP_SECONDS: float = 3.0  # length of a clip in seconds
TRAP_DRAWS: int = 20  # draws of one recording a composer
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The data
#
# A **composition** is played by several people; each **performance** is a track. The composition is the group: whoever has
# heard one performance in training has heard the notes of all the others. Without a collection of MIDI files, the series
# renders its own: five composing procedures with names of people who never lived. No result on them holds for real music.
# The network is the one with the lowest loss on the validation tracks; if there is none, notebook 07 trains its
# CRNN on these performances first.

# %%
dataset = Experiment(globals()).dataset
if training.find_networks(f"{OUT_DIR}/models/{DATASET}").empty:
    run_first("07_crnn", globals(), CRNN_SECONDS=6.0, CRNN_MELS=48, LEARNING_RATE=0.002)
opened, network, card = training.open_network(f"{OUT_DIR}/models/{DATASET}", classes=dataset.classes, name=MODEL)
inputs = card["inputs"]
experiment = Experiment(globals(), card=card, dataset=dataset)
store, tracks = experiment.store, experiment.tracks
print(f"opened: {opened}, {network.count_params():,} parameters")

# %%
count = tracks.groupby("label").agg(compositions=("group", "nunique"), performances=("track_id", "size"))
count["performances a composition"] = (count["performances"] / count["compositions"]).round(1)
count["minutes"] = (tracks.groupby("label")["seconds"].sum() / 60).round(1)
count

# %% [markdown]
# Where there is MIDI there are notes, and they can be drawn beside the sound. The **pianoroll** shows what the composer wrote
# and the player played. The log-mel picture shows what a network gets: each note with its overtones, its attack and its decay.

# %%
has_midi = "midi" in tracks and tracks["midi"].ne("").all()
first = tracks.groupby("label")["track_id"].first().iloc[:2]
fig, axes = plt.subplots(2, len(first), figsize=(12, 5.4), sharex=True, squeeze=False, layout="constrained")
for (top, bottom), (label, track_id) in zip(axes.T, first.items()):
    if has_midi:
        roll = symbolic.pianoroll(symbolic.read_notes(tracks.loc[track_id, "midi"], seconds=12))
        top.imshow(roll.T, origin="lower", aspect="auto", extent=(0, len(roll) / 20, 20.5, 108.5), cmap="Greys")
    top.set(title=label, ylabel="pitch (60 is middle C)")
    S_db = store.frames(track_id)[: round(12 * store.frames_per_second)].T
    bottom.imshow(S_db, origin="lower", aspect="auto", extent=(0, 12, -0.5, store.n_mels - 0.5))
    bottom.set(xlabel="time (s)", ylabel="mel band", xlim=(0, 12))
plt.show()

# %%
for label, track_id in first.items():
    print(f"{label}: {tracks.loc[track_id, 'title'] or track_id}")
    display(Audio(load_audio(tracks.loc[track_id, "path"], sr=22050, max_seconds=12), rate=22050))

# %% [markdown]
# ## Split by composition
#
# The test side holds compositions of which no performance was trained on. That is stricter than it sounds: a sonata has
# movements, and editions count them differently, so a data set must say what belongs together. Here the group says it, and the
# audit of notebook 03 looks for recordings that are the same in spite of different names.

# %%
split, ids, code = experiment.split, experiment.ids, experiment.Y
print(split.rule)
tracks.assign(side=split.sides).groupby("side").agg(
    performances=("track_id", "size"), compositions=("group", "nunique"), composers=("label", "nunique")
)

# %% [markdown]
# What would happen otherwise? Several performances of one composition share every note. A classifier that remembers notes, and
# knows nothing of composers, would be right about all of them. Describe each performance by the mean and the deviation of its mel bands, give that to a linear
# classifier, and test it twice: with performances divided at random, and with compositions kept together.

# %%
def of_bands(frames):
    """Mean and deviation of each mel band."""
    frames = np.asarray(frames, np.float32)
    return np.concatenate([frames.mean(axis=0), frames.std(axis=0)])


def classifier():
    """A linear classifier on scaled features; the scaling is learned with it."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=5000))


X = np.stack([of_bands(store.frames(track_id)) for track_id in tracks.index])
y, group = code.to_numpy(), tracks["group"].to_numpy()
n_folds = int(min(5, tracks.groupby("label")["group"].nunique().min()))

# %%
by_way = {}
ways = {"performances at random": (StratifiedKFold, None), "compositions together": (StratifiedGroupKFold, group)}
for way, (folds, kept_together) in ways.items():
    cv = folds(n_folds, shuffle=True, random_state=SEED)
    hit = cross_val_predict(classifier(), X, y, groups=kept_together, cv=cv) == y
    by_way[way] = evaluate.mean_score("accuracy", hit, groups=group, seed=SEED)
pd.DataFrame(by_way).T.assign(chance=1 / len(dataset.classes), n=len(y)).round(2)

# %% [markdown]
# The first row answers the question "have I heard this piece?", the second "do I know this hand?". Only the second is the task.
# The sound is the same in both, and so is the classifier.
#
# ## One recording of each composer
#
# Now the trap of the older project. Take **one** performance of each composer and throw the others away. Cut it into clips,
# shuffle the clips, train on two thirds of them and test on the rest. Then ask the same classifier for clips of *other*
# compositions by the same composers. Draw other performances and repeat.

# %%
clip_frames = round(CLIP_SECONDS * store.frames_per_second)
every = clips.EveryClip(store, list(tracks.index), y, clip_frames=clip_frames)
cut = [of_bands(clips.cut(store.frames(tracks.index[i]), at, clip_frames)) for i, at in zip(every.owner, every.start)]
cut, owner = np.stack(cut), every.owner
print(f"{len(cut):,} clips of {CLIP_SECONDS:g} s from {len(tracks)} performances")

# %%
rng, rows = np.random.default_rng(SEED), []
for draw in range(TRAP_DRAWS):
    one = [rng.choice(np.flatnonzero(y == k)) for k in range(len(dataset.classes))]
    mine = np.flatnonzero(np.isin(owner, one))
    train, test = train_test_split(mine, test_size=1 / 3, stratify=y[owner[mine]], random_state=draw)
    model = classifier().fit(cut[train], y[owner[train]])
    strange = np.flatnonzero(~np.isin(group[owner], group[one]))
    rows.append([(model.predict(cut[part]) == y[owner[part]]).mean() for part in (test, strange)])
trap = pd.DataFrame(rows, columns=["other clips of the same recordings", "clips of other compositions"])

# %% [markdown]
# Why not simply trust a second set of clips? Because clips of one recording share the piano, the room, the microphone, the
# loudness and the very piece. Any of these is enough to tell five recordings apart, and no clip of them can show which one was
# used.
#
# Last, a classifier that was trained as it should be: on clips of all training performances, tested on clips of compositions
# that were held back.

# %%
side = split.sides.reindex(tracks.index).to_numpy()[owner]
proper = classifier().fit(cut[side != "test"], y[owner[side != "test"]])
hit = proper.predict(cut[side == "test"]) == y[owner[side == "test"]]
fair = evaluate.mean_score("accuracy", hit, groups=group[owner[side == "test"]], seed=SEED)
print(f"trained on many compositions, clips of other compositions: {fair['accuracy']:.2f} "
      f"[{fair['accuracy_low']:.2f}, {fair['accuracy_high']:.2f}]")  # fmt: skip
trap.describe().loc[["mean", "min", "max"]].round(2)

# %% tags=["key-figure"]
fig, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
for k, name in enumerate(trap):
    ax.plot(trap[name], k + rng.uniform(-0.12, 0.12, TRAP_DRAWS), "o", ms=4, alpha=0.6)
    ax.plot([trap[name].mean()], [k], "k|", ms=24)
bars = [[fair["accuracy"] - fair["accuracy_low"]], [fair["accuracy_high"] - fair["accuracy"]]]
ax.errorbar([fair["accuracy"]], [2], xerr=np.clip(bars, 0, None), fmt="s", capsize=4, color="C2")
ax.axvline(1 / len(dataset.classes), color="0.5", ls=":")
ax.set_yticks(range(3), [f"one recording a composer:\n{name}" for name in trap] + ["many compositions:\nother compositions"])
ax.set(xlabel="accuracy of clips (dotted: chance)", xlim=(0, 1.02), ylim=(2.5, -0.5))
plt.show()

# %% [markdown]
# The first row is what such a project reports. The second is what it would be worth to somebody who brings another piece. Each
# dot is another choice of recordings. The distance between the rows is not a detail of the method. It *is* the result: with
# one recording of each composer, composer and recording are the same thing, and no split of the clips can part them.
#
# ## What in the notes carries the composer?
#
# Notes can be described without any network. Four families: the **register** (which keys), the **density** (how many notes,
# how fast, how many at once), the **dynamics** (how hard, how long), and the **harmony** (which degrees of the key, and how
# clear the key is; it does not change when a piece is transposed). Dynamics belong to the player as much as to the composer.
#
# Notes have an advantage over sound: a trait has a name. If the register tells two composers apart, you can check it at the
# piano. And they have a blind spot: what a description does not ask for, it cannot find. Melody, form and rhythm beyond its
# pace are not among these numbers.

# %%
longest = inputs["max_seconds"]
described = [symbolic.describe_notes(symbolic.read_notes(path, seconds=longest)) for path in tracks["midi"]] if has_midi else []
N = pd.DataFrame(described, tracks.index if has_midi else None)
families = {name: [c for c in N if c.startswith(name)] for name in ("register", "density", "dynamics", "harmony")}
print({name: len(columns) for name, columns in families.items()} if has_midi else "No MIDI here, so no notes to describe.")

# %% [markdown]
# Each family alone, all together, and all but one, always with whole compositions held back. *All but one* tells what the
# others cannot replace.

# %%
sets = families | {"all": list(N)} | {f"all but {name}": [c for c in N if c not in own] for name, own in families.items()}
cv = StratifiedGroupKFold(n_folds, shuffle=True, random_state=SEED)
scores = {}
for name, columns in sets.items() if has_midi else ():
    hit = cross_val_predict(classifier(), N[columns], y, groups=group, cv=cv) == y
    scores[name] = evaluate.mean_score("accuracy", hit, groups=group, seed=SEED)
if has_midi:
    fig, ax = plotting.intervals(pd.DataFrame(scores).T, chance=1 / len(dataset.classes))
    ax.set_title(f"{len(y)} performances of {len(set(group))} compositions, {n_folds} folds by composition", fontsize=9)
    plt.show()

# %% [markdown]
# Add up the families in your head: they are not independent. If *all* is hardly better than the best family alone, the others
# repeat what it says; if leaving one out costs nothing, the rest can stand in for it.
#
# Look at the single traits, too: how do the composers differ in the traits that separate them best? *Separate* means here: the
# spread between composers over the spread within them.

# %%
if has_midi:
    between = N.groupby(y).transform("mean").var() / N.sub(N.groupby(y).transform("mean")).var().clip(lower=1e-9)
    best = between.sort_values(ascending=False).index[:6]
    fig, axes = plt.subplots(2, 3, figsize=(12, 5), layout="constrained")
    for ax, name in zip(axes.flat, best):
        ax.boxplot([N.loc[y == k, name] for k in range(len(dataset.classes))], orientation="horizontal")
        ax.set(xlabel=name, yticks=range(1, len(dataset.classes) + 1), yticklabels=[c.split()[-1] for c in dataset.classes])
    plt.show()

# %% [markdown]
# ## The network
#
# The CRNN heard clips of audio and knows nothing of notes. Its clips vote for the performance, and all performances of a
# composition vote for the composition: mistakes that are not all alike cancel.

# %%
windows = experiment.every_clip("test", batch_size=16)
of_clip = evaluate.predict(network, windows)
proba = evaluate.track_proba(of_clip, windows.owner)
truth, who = windows.Y, tracks.loc[ids["test"], "group"].to_numpy()
pieces, piece_of = np.unique(who, return_inverse=True)
of_piece = np.stack([proba[piece_of == i].mean(axis=0) for i in range(len(pieces))])
truth_of_piece = np.array([truth[piece_of == i][0] for i in range(len(pieces))])

# %%
levels = {
    "a clip": (of_clip.argmax(1) == windows.y, who[windows.owner]),
    "a performance": (proba.argmax(1) == truth, who),
    "a composition": (of_piece.argmax(1) == truth_of_piece, pieces),
}
voted = {level: evaluate.mean_score("accuracy", hit, groups=g, seed=SEED) | {"n": len(hit)} for level, (hit, g) in levels.items()}
pd.DataFrame(voted).T.round(2)

# %% [markdown]
# And beside it, on the same test performances, the linear classifier that reads the notes. One hears, the other reads; neither
# was chosen by these figures.

# %%
rows = {opened: evaluate.scores(truth, proba, groups=who, seed=SEED)}
if has_midi:
    rest = [*ids["train"], *ids["valid"]]
    reader = classifier().fit(N.loc[rest], code[rest])
    read = reader.predict_proba(N.loc[ids["test"]])
    rows["notes, linear"] = evaluate.scores(truth, read, groups=who, seed=SEED)
    gap = evaluate.compare(truth, read, proba, groups=who, seed=SEED)
    print(f"notes minus network: {gap['difference']:+.2f} [{gap['difference_low']:+.2f}, {gap['difference_high']:+.2f}]")
table = pd.DataFrame(rows).T.astype(float)
table[["accuracy", "accuracy_low", "accuracy_high", "macro_f1", "log_loss", "chance", "n_test", "n_groups"]].round(2)

# %%
fig, axes = plt.subplots(1, len(rows), figsize=(5.6 * len(rows), 4), squeeze=False, layout="constrained")
for ax, (name, p) in zip(axes[0], {opened: proba, **({"notes, linear": read} if has_midi else {})}.items()):
    confusion = np.zeros((len(dataset.classes),) * 2, int)
    np.add.at(confusion, (truth, p.argmax(axis=1)), 1)
    ax.imshow(confusion, cmap="Blues", vmin=0)
    for (i, j), n in np.ndenumerate(confusion):
        ax.text(j, i, n or "", ha="center", va="center", color="w" if n > 0.6 * confusion.max() else "k", fontsize=8)
    ax.set_xticks(range(len(dataset.classes)), [c.split()[-1] for c in dataset.classes], rotation=40, ha="right")
    ax.set_yticks(range(len(dataset.classes)), [c.split()[-1] for c in dataset.classes])
    ax.set(xlabel="answer", ylabel="composer", title=f"{name}: performances")
plt.show()

# %% [markdown]
# Count the compositions, not the performances: performances of one composition are right or wrong together, and the intervals,
# which redraw compositions, are as wide as that makes them.
#
# Look for composers that are mistaken for each other by both, the one that reads and the one that hears: there the music itself is
# alike. Where only one of them errs, something is lost in its way of looking.
#
# How long must one listen? Let only the first clips of each performance vote.

# %%
order = windows.start // inputs["clip_frames"]
heard = []
for n in range(1, int(order.max()) + 2):
    part = order < n
    p = evaluate.track_proba(of_clip[part], windows.owner[part])
    heard.append((p.argmax(axis=1) == truth).mean())
length = inputs["clip_frames"] / store.frames_per_second
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.plot(length * np.arange(1, len(heard) + 1), heard, "o-")
ax.axhline(1 / len(dataset.classes), color="0.5", ls=":")
ax.set(xlabel="seconds heard", ylabel="accuracy of performances", ylim=(0, 1.02))
plt.show()

# %% [markdown]
# ## Results
#
# The network's row is there since notebook 07; the classifier of notes gets its own.

# %%
folder = Path(OUT_DIR) / "tables"
folder.mkdir(parents=True, exist_ok=True)
trap.to_csv(folder / f"{RUN_NAME}-one-recording.csv", index=False)
pd.DataFrame(scores).T.to_csv(folder / f"{RUN_NAME}-families.csv")
if has_midi:
    print(experiment.record("notes-linear", rows["notes, linear"], proba=read))

# %% [markdown]
# ## What we learned

# %%
of = by_way["performances at random"]["accuracy"], by_way["compositions together"]["accuracy"]
best_family = max(families, key=lambda name: scores[name]["accuracy"]) if has_midi else ""
told = f"of the notes, {best_family} alone says most: {evaluate.describe(scores[best_family] | {'n_test': len(y), 'chance': 1 / len(dataset.classes)})}" if has_midi else "there was no MIDI to read"
Markdown(
    f"- One linear classifier scored {of[0]:.2f} with performances divided at random and {of[1]:.2f} with compositions kept "
    f"together (chance {1 / len(dataset.classes):.2f}).\n"
    f"- With one recording of each composer, clips of the same recordings scored {trap.iloc[:, 0].mean():.2f}, clips of other "
    f"compositions {trap.iloc[:, 1].mean():.2f} (means of {TRAP_DRAWS} draws).\n"
    f"- {opened} scored {evaluate.describe(rows[opened])}, {len(pieces)} compositions; {told}."
)

# %% [markdown]
# ## Exercises
#
# 1. Transpose: add 5 to all pitches before `notes.describe`. Which family changes, which does not?
# 2. Take two recordings of each composer in the trap, then four. Where do the two rows meet? *Hint: `rng.choice(..., size=2)`.*
# 3. Predict the *performer* instead of the composer. Which family tells most now?
#
# ## Next
#
# This was the last notebook. Take your own music: the study `my_music` runs the series on a folder.
#
# **References.** C. Hawthorne et al., *Enabling factorized piano music modeling and generation with the MAESTRO dataset*,
# ICLR 2019. F. Foscarin et al., *ASAP: a dataset of aligned scores and performances for piano transcription*, ISMIR 2020.
# C. Krumhansl, *Cognitive foundations of musical pitch*, 1990 (keys). S. Kim et al., *Deep composer classification using
# symbolic representation*, 2020 (composers of MAESTRO, split by piece).
