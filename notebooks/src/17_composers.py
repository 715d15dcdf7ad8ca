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
# *reading 8 minutes · computing 3 minutes · needs nothing: without a network of notebook 07, it makes one first · writes `metrics/`, `predictions/`, `tables/`*
#
# One instrument, five composers, and a network that names the composer of nine clips in ten. But there was one recording
# of each composer, cut into clips, and the clips were shuffled before they were divided. What did the network learn: the
# composer, the piano, or the microphone? This notebook builds that trap on purpose and measures it. Then it does the task
# with whole compositions held back, and asks what in the notes gives a composer away.
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

# %% tags=["imports"]
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Audio, Markdown, display
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import (
    StratifiedKFold,
    cross_val_predict,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers import clips, evaluate, plotting, symbolic
from helpers.audio import load_audio
from helpers.experiment import Experiment, open_network
from helpers.splits import StratifiedGroupKFold

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo_composers"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo_composers"  # folder for features, split, models, metrics
RUN_NAME: str = "17_composers"  # name of this step in the leaderboard
MODEL: str = ""  # network to open, such as 05_convpool-convpool; empty takes the lowest validation loss
CLIP_SECONDS: float = 3.0  # length of a clip in seconds
TRAP_DRAWS: int = 20  # draws of one recording per composer
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The data
#
# A **composition** is played by several people; each **performance** is a track. The composition is the group: whoever has
# heard one performance in training has heard the notes of all the others. Without a collection of MIDI files, the series
# renders its own **synthetic** music: five composing procedures with names of people who never lived, played by six
# invented pianists. No result on them holds for real music. The network is the one with the lowest loss on the validation
# performances; if there is none, notebook 07 trains its CRNN on these performances first.

# %%
opened, network, experiment = open_network(Experiment(globals()), model=MODEL, first="07_crnn", CRNN_MELS=24, CRNN_CLIPS=2, PATIENCE=4)
dataset, inputs = experiment.dataset, experiment.card["inputs"]
store, tracks, K = experiment.store, experiment.tracks, len(dataset.classes)
short = [name.split()[-1] for name in dataset.classes]
print(f"opened: {opened}, {network.count_params():,} parameters")

# %%
count = tracks.groupby("label").agg(compositions=("group", "nunique"), performances=("track_id", "size"))
count["minutes"] = (tracks.groupby("label")["seconds"].sum() / 60).round(1)
count

# %% [markdown]
# Where there is MIDI there are notes, and they can be drawn beside the sound. The **piano roll** shows which key is struck
# when, darker where harder. The log-mel picture below it shows what a network gets: each note with its overtones, its
# attack and its decay. Here are the first seconds of two performances of one composition. Play them and follow the roll.

# %%
has_midi, seconds = "midi" in tracks and tracks["midi"].ne("").all(), 5
twice = tracks[tracks["group"] == tracks["group"].value_counts().idxmax()].iloc[:2]
notes = {t: symbolic.read_notes(path, seconds=seconds) for t, path in twice["midi"].items()} if has_midi else {}
fig, axes = plt.subplots(2, len(twice), figsize=(11, 5), sharex=True, squeeze=False, layout="constrained")
for (top, bottom), track_id in zip(axes.T, twice.index):
    if has_midi:
        roll = symbolic.pianoroll(notes[track_id])
        top.imshow(roll.T, origin="lower", aspect="auto", extent=(0, len(roll) / 20, 20.5, 108.5), cmap="Greys")
    top.set(title=f"{track_id}: notes", ylabel="pitch (60 is middle C)", ylim=(24, 100))
    S_db = store.frames(track_id)[: round(seconds * store.frames_per_second)].T
    bottom.imshow(S_db, origin="lower", aspect="auto", extent=(0, seconds, -0.5, store.n_mels - 0.5))
    bottom.set(title="log-mel", xlabel="time (s)", ylabel="mel band", xlim=(0, seconds))
plt.show()
for track_id, path in twice["path"].items():
    print(f"{track_id}: {tracks.loc[track_id, 'label']}, played by {tracks.loc[track_id, 'artist'] or 'somebody unknown'}")
    display(Audio(load_audio(path, sr=22050, max_seconds=seconds), rate=22050))

# %%
struck = [table["pitch"].value_counts() for table in notes.values()] or [pd.Series(dtype=int)]
shared = pd.concat(struck, axis=1).min(axis=1, skipna=False).sum()
Markdown(
    f"In {seconds} seconds, " + " and ".join(f"`{t}` strikes {len(table)} notes" for t, table in notes.items())
    + f"; {shared:.0f} of them are the same keys. Touch and pace are the player's, the notes are the composer's."
    if has_midi else "There is no MIDI here, so no notes to draw."
)  # fmt: skip

# %% [markdown]
# ## Split by composition
#
# The test side holds compositions of which no performance was trained on. That is stricter than it sounds: a sonata has
# movements, and editions count them differently, so a data set must say what belongs together. Here the group says it, and
# the audit of notebook 03 looks for recordings that are the same in spite of different names.

# %%
split, ids, code = experiment.split, experiment.ids, experiment.Y
print(split.rule)
tracks.assign(side=split.sides).groupby("side").agg(
    performances=("track_id", "size"), compositions=("group", "nunique"), composers=("label", "nunique")
)

# %% [markdown]
# Tests as small as this one have a trap of their own. The **bootstrap** redraws compositions. If all of them are right, every
# draw is right, and its interval runs from 1.00 to 1.00: no interval at all, though a few compositions can well be right by
# luck. So wherever all or none are right, the series gives the **exact binomial interval** (of Clopper and Pearson) over
# compositions instead.

# %%
def score(hit, who):
    """Accuracy with its 95 % interval over compositions."""
    row = evaluate.mean_score("accuracy", hit, groups=who, seed=SEED)
    return row | {"chance": 1 / K, "n_test": len(hit), "n_groups": len(set(who))}


def told(row):
    """A score in words."""
    ends = f"[{row['accuracy_low']:.2f}, {row['accuracy_high']:.2f}]"
    return f"{row['accuracy']:.2f} {ends} ({row['n_groups']} compositions, chance {row['chance']:.2f})"


n_test = tracks.loc[ids["test"], "group"].nunique()
print(f"all {n_test} test compositions right, bootstrap: 1.00 [1.00, 1.00]")
print("the same, exact:", told(score(np.ones(n_test, bool), np.arange(n_test))))

# %% [markdown]
# What if performances were divided at random? Several performances of one composition share every note, so a classifier that
# remembers notes, and knows nothing of composers, could be right about all of them. Describe each performance by the mean
# and the deviation of its mel bands, give that to a linear classifier, and test it twice: with performances divided at
# random, and with compositions kept together. The sound is the same in both, and so is the classifier.

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
hits, ways = {}, {"performances at random": (StratifiedKFold, None), "compositions together": (StratifiedGroupKFold, group)}
for way, (folds, kept_together) in ways.items():
    cv = folds(n_folds, shuffle=True, random_state=SEED)
    hits[way] = cross_val_predict(classifier(), X, y, groups=kept_together, cv=cv) == y
by_way = {way: score(hit, group) for way, hit in hits.items()}
pd.DataFrame(by_way).T.round(2)

# %%
gap = np.subtract(*hits.values(), dtype=float)
leak = evaluate.mean_score("gap", gap, groups=group, seed=SEED)
Markdown(
    f"Divided at random, the classifier scores {told(by_way['performances at random'])}; with compositions together, "
    f"{told(by_way['compositions together'])}. The same performances were asked both times, and the paired difference is "
    f"{leak['gap']:+.2f} [{leak['gap_low']:+.2f}, {leak['gap_high']:+.2f}]. So much comes from having heard the piece before. It "
    "belongs to the split, not to the composer: only the second row asks *do I know this composer?*"
)

# %% [markdown]
# ## One recording of each composer
#
# Now the trap. Take **one** performance of each composer and throw the others away. Cut it into clips, shuffle the clips,
# train on two thirds of them and test on the rest. Then ask the same classifier for clips of *other* compositions by the
# same composers. Draw other performances and repeat. Beside it stands a classifier that was trained as it should be: on
# clips of all training performances, tested on clips of compositions that were held back.

# %%
clip_frames = round(CLIP_SECONDS * store.frames_per_second)
every = clips.EveryClip(store, list(tracks.index), y, clip_frames=clip_frames)
cut = [of_bands(clips.cut(store.frames(tracks.index[i]), at, clip_frames)) for i, at in zip(every.owner, every.start)]
cut, owner = np.stack(cut), every.owner
print(f"{len(cut):,} clips of {CLIP_SECONDS:g} s from {len(tracks)} performances")

# %%
rng, draws = np.random.default_rng(SEED), []
for draw in range(TRAP_DRAWS):
    one = [rng.choice(np.flatnonzero(y == k)) for k in range(K)]
    mine = np.flatnonzero(np.isin(owner, one))
    train, test = train_test_split(mine, test_size=1 / 3, stratify=y[owner[mine]], random_state=draw)
    model = classifier().fit(cut[train], y[owner[train]])
    strange = np.flatnonzero(~np.isin(group[owner], group[one]))
    draws.append([(model.predict(cut[part]) == y[owner[part]]).mean() for part in (test, strange)])
trap = pd.DataFrame(draws, columns=["other clips of the same recordings", "clips of other compositions"])

side = split.sides.reindex(tracks.index).to_numpy()[owner]
proper = classifier().fit(cut[side != "test"], y[owner[side != "test"]])
fair = score(proper.predict(cut[side == "test"]) == y[owner[side == "test"]], group[owner[side == "test"]])

# %% tags=["key-figure"]
fig, ax = plt.subplots(figsize=(9, 3.2), layout="constrained")
for k, name in enumerate(trap):
    ax.plot(trap[name], k + rng.uniform(-0.12, 0.12, TRAP_DRAWS), "o", ms=4, alpha=0.6)
    ax.plot([trap[name].mean()], [k], "k|", ms=24)
ax.plot([fair["accuracy_low"], fair["accuracy_high"]], [2, 2], color="C2")
ax.plot([fair["accuracy"]], [2], "s", color="C2")
ax.axvline(1 / K, color="0.5", ls=":")
ax.set_yticks(range(3), [f"one recording per composer:\n{name}" for name in trap] + ["many compositions:\nother compositions"])
ax.set(xlabel="accuracy of clips (dotted: chance; stroke: mean of the draws; line: 95 % interval)", xlim=(0, 1.02))
ax.set(ylim=(2.5, -0.5), title=f"{TRAP_DRAWS} choices of one recording per composer, and a fair test")
plt.show()

# %%
same, other = trap.mean()
higher = (trap.iloc[:, 0] > trap.iloc[:, 1]).sum()
Markdown(
    f"Such a project would report {same:.2f}, the mean of the first row. To somebody who brings another piece, it is worth "
    f"{other:.2f}: in {higher} of {TRAP_DRAWS} draws the first figure is the higher one. Trained on many compositions, the same "
    f"classifier scores {told(fair)} on clips of other compositions."
)

# %% [markdown]
# Clips of one recording share the piano, the room, the microphone, the loudness and the very piece. Any of these is enough to
# tell five recordings apart, and no clip of them can show which one was used. With one recording of each composer, composer
# and recording are the same thing, and no split of the clips can part them.
#
# ## What in the notes carries the composer?
#
# Notes can be described without any network. Four families: the **register** (which keys), the **density** (how many notes,
# how fast, how many at once), the **dynamics** (how hard, how long), and the **harmony** (which degrees of the key, and how
# clear the key is; it does not change when a piece is transposed). Dynamics belong to the player as much as to the composer.
#
# Notes have an advantage over sound: a trait has a name. If the register tells two composers apart, you can check it at the
# piano. And they have a blind spot: what a description does not ask for, it cannot find. Melody, form and rhythm beyond its
# pace are not among these numbers. Each family answers alone, all answer together, and all but one, always with whole
# compositions held back. *All but one* tells what the others cannot replace.

# %%
longest, cv = inputs["max_seconds"], StratifiedGroupKFold(n_folds, shuffle=True, random_state=SEED)
described = [symbolic.describe_notes(symbolic.read_notes(path, seconds=longest)) for path in tracks["midi"]] if has_midi else []
N = pd.DataFrame(described, tracks.index if has_midi else None)
families = {name: [c for c in N if c.startswith(name)] for name in ("register", "density", "dynamics", "harmony")}
sets = families | {"all": list(N)} | {f"all but {name}": [c for c in N if c not in own] for name, own in families.items()}
named = {}
for name, columns in sets.items() if has_midi else ():
    named[name] = cross_val_predict(classifier(), N[columns], y, groups=group, cv=cv) == y
scores = {name: score(hit, group) for name, hit in named.items()}

# %%
best_family, needed = "no notes to describe", ""
if has_midi:
    fig, ax = plotting.intervals(pd.DataFrame(scores).T, chance=1 / K)
    ax.set_title(f"{len(y)} performances of {len(set(group))} compositions, {n_folds} folds by composition", fontsize=10)
    plt.show()
    best = max(families, key=lambda name: scores[name]["accuracy"])
    worst = min(families, key=lambda name: scores[f"all but {name}"]["accuracy"])
    loss = evaluate.mean_score("loss", named["all"] * 1.0 - named[f"all but {worst}"], groups=group, seed=SEED)
    best_family = f"of the notes, {best} alone says most: {told(scores[best])}"
    needed = f"To leave out {worst} costs most, {loss['loss']:.2f} [{loss['loss_low']:.2f}, {loss['loss_high']:.2f}]"
    needed += ", which this test cannot tell from none" * bool(loss["loss_low"] <= 0) + "; the other three families together "
    needed += f"still reach {scores[f'all but {worst}']['accuracy']:.2f}."
    display(Markdown(f"{best_family.capitalize()}. All together score {told(scores['all'])}. {needed}"))

# %% [markdown]
# Look at single traits, too: how do the composers differ in the traits that separate them best? *Separate* means here: the
# variance between composers over the variance within them. A box holds the middle half of a composer's performances. Gaps and lengths
# are logarithms of seconds; *unevenness* is the deviation of the gaps over their mean.

# %%
if has_midi:
    between = N.groupby(y).transform("mean").var() / N.sub(N.groupby(y).transform("mean")).var().clip(lower=1e-9)
    traits = between.sort_values(ascending=False).index[:6]
    fig, axes = plt.subplots(2, 3, figsize=(12, 5), sharey=True, layout="constrained")
    for ax, name in zip(axes.flat, traits):
        ax.boxplot([N.loc[y == k, name] for k in range(K)], orientation="horizontal")
        ax.set(xlabel=name, yticks=range(1, K + 1), yticklabels=short)
    fig.suptitle("The six traits that separate the composers best")
    plt.show()
    middle = N[traits[0]].groupby(y).median()
    display(Markdown(
        f"*{traits[0]}* separates them best: its median is highest for {short[middle.idxmax()]} ({middle.max():.2f}) and lowest "
        f"for {short[middle.idxmin()]} ({middle.min():.2f}). Its variance between composers is {between[traits[0]]:.1f} times the "
        f"variance within them, that of *{traits[-1]}* {between[traits[-1]]:.1f} times."
    ))  # fmt: skip

# %% [markdown]
# ## The network
#
# The CRNN heard clips of audio and knows nothing of notes. Its clips vote for the performance, and all performances of a
# composition vote for the composition: mistakes that are not all alike can cancel.

# %%
windows = experiment.every_clip("test", batch_size=16)
of_clip = evaluate.predict(network, windows)
proba = evaluate.track_proba(of_clip, windows.owner)
truth, who = windows.Y, tracks.loc[ids["test"], "group"].to_numpy()
pieces, piece_of = np.unique(who, return_inverse=True)
of_piece, truth_of_piece = evaluate.track_proba(proba, piece_of), truth[np.unique(piece_of, return_index=True)[1]]

# %%
voted = {
    "a clip": score(of_clip.argmax(1) == windows.y, who[windows.owner]),
    "a performance": score(proba.argmax(1) == truth, who),
    "a composition": score(of_piece.argmax(1) == truth_of_piece, pieces),
}
pd.DataFrame(voted).T.round(2)

# %%
Markdown(
    f"{opened} names the composer of a clip with accuracy {told(voted['a clip'])}; after the vote, of a performance with "
    f"{voted['a performance']['accuracy']:.2f} and of a composition with {told(voted['a composition'])}. "
    f"{'The vote helped' if voted['a composition']['accuracy'] > voted['a clip']['accuracy'] else 'Here the vote did not help'}. "
    "Count the compositions, not the performances: performances of one composition tend to be right or wrong together."
)

# %% [markdown]
# And beside it, on the same test performances, the linear classifier that reads the notes. One hears, the other reads; neither
# was chosen by these figures.

# %%
answers, versus = {opened: proba}, "there was no MIDI to read"
if has_midi:
    rest = [*ids["train"], *ids["valid"]]
    answers["notes-linear"] = classifier().fit(N.loc[rest], code[rest]).predict_proba(N.loc[ids["test"]])
    gap = evaluate.compare(truth, answers["notes-linear"], proba, groups=who, seed=SEED)
    versus = f"{gap['difference']:+.2f} [{gap['difference_low']:+.2f}, {gap['difference_high']:+.2f}]"
    versus += ", which this test cannot tell from none" if gap["difference_low"] <= 0 <= gap["difference_high"] else ""
rows = {name: evaluate.scores(truth, p, groups=who, seed=SEED) | score(p.argmax(1) == truth, who) for name, p in answers.items()}
pd.DataFrame(rows).T[["accuracy", "accuracy_low", "accuracy_high", "macro_f1", "log_loss", "chance", "n_test", "n_groups"]].round(2)

# %%
fig, axes = plt.subplots(1, len(rows), figsize=(5.6 * len(rows), 4.4), squeeze=False, layout="constrained")
for ax, (name, p) in zip(axes[0], answers.items()):
    ConfusionMatrixDisplay.from_predictions(truth, p.argmax(1), labels=range(K), display_labels=short, cmap="Blues",
                                            xticks_rotation=40, colorbar=False, ax=ax)  # fmt: skip
    ax.set(xlabel="answer", ylabel="composer", title=f"{name}: test performances")
plt.show()

# %%
wrong = {name: set(np.flatnonzero(p.argmax(1) != truth)) for name, p in answers.items()}
Markdown(
    "; ".join(f"{name} is wrong on {len(errors)} of {len(truth)} performances" for name, errors in wrong.items())
    + f"; on {len(set.intersection(*wrong.values()))} of them together. Notes minus network, paired: {versus}. Where both err, "
    "the music may be alike. Where only one errs, the other heard or read something that it missed."
)

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
    print(experiment.record("notes-linear", rows["notes-linear"], proba=answers["notes-linear"]))

# %% [markdown]
# ## What we learned

# %%
Markdown(
    f"- One linear classifier scored {told(by_way['performances at random'])} with performances divided at random and "
    f"{told(by_way['compositions together'])} with compositions kept together.\n"
    f"- With one recording of each composer, clips of the same recordings scored {same:.2f}, clips of other compositions "
    f"{other:.2f} (means of {TRAP_DRAWS} draws).\n"
    f"- {opened} named the composer of a performance with accuracy {told(rows[opened])}; {best_family}."
)

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. All of six test compositions are right. Is the classifier perfect?</summary>
#
# Six of six says little: a classifier that is right for only six compositions in ten would get there in one test of
# twenty. That is what the exact interval tells, and what a bootstrap of six equal results cannot.
#
# </details>
#
# <details><summary>2. You have one long recording of each composer. Can a cleverer split save the experiment?</summary>
#
# No. Whatever tells the composers apart also tells the recordings apart. It takes a second recording, of another
# composition, by another pianist.
#
# </details>
#
# <details><summary>3. The dynamics name the composer well. Why be careful?</summary>
#
# How hard and how long keys are held is up to the player. If a composer is always played by the same people, the classifier
# may know the players.
#
# </details>
#
# ## Exercises
#
# ### 1. Transpose
#
# Play every piece five semitones higher: add 5 to all pitches before `symbolic.describe_notes`. Which family of numbers
# changes, and which do not? *Hint: `notes.assign(pitch=notes["pitch"] + 5)`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. More recordings
#
# Take two recordings of each composer into the trap, then four. How far do its two figures move together? *Hint:
# `rng.choice(np.flatnonzero(y == k), size=2, replace=False)`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. Who plays?
#
# Predict the pianist instead of the composer, again with whole compositions held back. Which family of notes tells most now?
# *Hint: `tracks["artist"]` holds the pianist; `GroupKFold` keeps compositions together.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# This was the last notebook. Take your own music: the study `my_music` runs the series on a folder.
#
# **References.** C. Hawthorne et al., *Enabling factorized piano music modeling and generation with the MAESTRO dataset*,
# ICLR 2019. F. Foscarin et al., *ASAP: a dataset of aligned scores and performances for piano transcription*, ISMIR 2020.
# C. Krumhansl, *Cognitive foundations of musical pitch*, 1990 (keys). C. Clopper, E. Pearson, *The use of confidence or
# fiducial limits illustrated in the case of the binomial*, Biometrika, 1934. S. Kim et al., *Deep composer classification
# using symbolic representation*, 2020 (composers of MAESTRO, split by piece).
