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
# # Several labels at once: multi-label tagging
#
# *reading 9 minutes · computing 1 minute · needs nothing: without the CRNN of notebook 07, it trains one first; online, it fetches musicnn (29 MB) and a song (0.4 MB) · writes `models/`, `metrics/`, `tables/`*
#
# "This part has jazz, then progressive rock, and a bit of grunge." Whoever describes music like this does not choose one
# class of ten. They say yes or no to many labels, and they say *when*. How does one train a network for that, how does
# one measure it, and can it know when, if nobody ever told it? At the end, a tagger that has learned from real music
# answers a real recording, or your own song.
#
# **You will learn**
#
# - how a tagger is trained and scored when most answers are no: sigmoid, ROC-AUC, average precision, macro and micro;
# - what softmax does to a task with several answers, and how to choose thresholds on validation tracks;
# - how to draw and hear tags over time, how to test whether the times are right, and which tags of a song to believe.
#
# **Before you start**: notebook 07 trains the network that we build on, notebook 03 explains the split.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]

# %% tags=["imports"]
import os
from dataclasses import replace
from pathlib import Path

import keras
import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML, Markdown, display

from helpers import clips, datasets, evaluate, interactive, published, training
from helpers.audio import load_audio
from helpers.classify import Classifier
from helpers.experiment import Experiment, open_network

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "15_multilabel_tagging"  # name of this step in the leaderboard
MODEL: str = ""  # network to open, such as 05_convpool-convpool; empty takes the lowest validation loss
HEAD_TRACKS: int = 200  # most training tracks that teach the heads
HEAD_EPOCHS: int = 200  # most epochs of a head
PATIENCE: int = 6  # stop after so many epochs without a better validation loss
SONG: str = ""  # audio file of yours that is asked about; empty takes an example
SHOWN_TAGS: int = 20  # most tags in a figure
FOLLOWED: int = 40  # most test tracks through which a window walks
WINDOW_HOP: float = 1.0  # distance between windows over a track in seconds
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The tagger
#
# A tagger shares most of its layers with any other network; only the end differs. So we open a trained one and keep all
# of it but the last layer, frozen. This is the **trunk**. For `demo` it is the CRNN of notebook 07, which has learned
# genres; its trunk turns each clip into 32 numbers. (Where a dataset is multi-label itself,
# notebook 07 leaves a tagger already, and that one is opened. `MODEL` names another network.)

# %%
experiment, models = Experiment(globals()), Path(OUT_DIR, "models", DATASET)
accepts = None if MODEL or experiment.dataset.multilabel else lambda network: network.name == "crnn"
opened, network, experiment = open_network(experiment, model=MODEL, accepts=accepts, first="07_crnn")
trunk = keras.Model(network.inputs[0], network.layers[-1].input)
print(f"opened: {opened}; a clip becomes {trunk.output_shape[-1]} numbers")

# %% [markdown]
# The card of the network says how sound becomes its input. The truth is a table of 0 and 1, one row a track, one column
# a tag. The demo dataset knows which instruments play. A tag that fewer than three training or test tracks have, or
# lack, can be neither learned nor scored, and one that no validation track has gets no threshold: they are left out.

# %%
dataset, card = experiment.dataset, experiment.card
store, tracks, split, ids = experiment.store, experiment.tracks, experiment.split, experiment.ids
groups, inputs = experiment.groups["test"], card["inputs"]
names = tracks["tags"].str.split("|") if "tags" in tracks and not dataset.multilabel else tracks["labels"]
every = dataset.classes if dataset.multilabel else sorted(set().union(*names) - {""})
T = pd.DataFrame([[int(tag in row) for tag in every] for row in names], tracks.index, every)
if not dataset.multilabel:
    least = np.min([np.minimum(S.sum(), (1 - S).sum()) for S in (T.loc[ids["train"]], T.loc[ids["test"]])], axis=0)
    T = T.loc[:, (least >= min(3, least.max())) & T.loc[ids["valid"]].any().to_numpy()]
TAGS = list(T)

# %%
n = T.sum().sort_values(ascending=False) / len(T)
Markdown(
    f"{split.rule}: {len(ids['train'])} training, {len(ids['valid'])} validation and {len(ids['test'])} test tracks of "
    f"{len(set(groups))} groups. {len(TAGS)} tags, {T.sum(axis=1).mean():.1f} on a track: *{n.index[0]}* is on "
    f"{n.iloc[0]:.0%} of the tracks, *{n.index[-1]}* on {n.iloc[-1]:.0%}."
)

# %% [markdown]
# Tags are never balanced, and never independent. If one nearly always comes with another, a network may learn to hear
# only one of the two, and no test on music of the same kind will show it.
#
# Two new last layers are trained on the same 32 numbers. Such a layer is called a **head**.
#
# - *tagger*: one **sigmoid** for each tag, so each probability stands for itself. **Binary cross-entropy** adds up the
#   losses of all these yes-or-no questions.
# - *tagger-softmax*: a common mistake. **Softmax** shares one portion among all tags, so the targets have to be shares,
#   too: with four instruments, a quarter for each. (Where each track has one tag only, this is no mistake.)

# %%
sides = ids | {"train": np.random.default_rng(SEED).permutation(ids["train"])[:HEAD_TRACKS]}
batches = {side: experiment.every_clip(who, Y=T.astype(float), batch_size=16) for side, who in sides.items()}
Z = {side: evaluate.predict(trunk, batch) for side, batch in batches.items()}

# %%
HEADS = {"tagger": ("sigmoid", "binary_crossentropy"), "tagger-softmax": ("softmax", "categorical_crossentropy")}
heads, losses = {}, {}
for name, (activation, loss) in HEADS.items():
    keras.utils.set_random_seed(SEED)
    heads[name] = keras.Sequential([keras.layers.Input(Z["train"].shape[1:]), keras.layers.Dense(len(TAGS), activation)])
    heads[name].compile(keras.optimizers.Adam(0.01), loss=loss)
    parts = {s: np.maximum(b.y.sum(axis=1, keepdims=True), 1) if activation == "softmax" else 1 for s, b in batches.items()}
    y = {side: batch.y / parts[side] for side, batch in batches.items()}
    stop = keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)
    told = {"validation_data": (Z["valid"], y["valid"]), "epochs": HEAD_EPOCHS, "callbacks": [stop], "verbose": 0}
    history = heads[name].fit(Z["train"], y["train"], **told).history
    losses[name] = min(history["val_loss"])
    print(f"{name}: {len(history['loss'])} epochs, best {np.argmin(history['val_loss']) + 1}")

# %% [markdown]
# Training stopped when the validation loss had not fallen for some epochs, and went back to the best one. A track's
# answer is the mean of the answers to its clips. Trunk and head together are saved, the mistake under a name that says
# it.

# %%
path = models / f"{RUN_NAME}-tagger.keras"
if dataset.multilabel:  # the opened network is a tagger already
    path, _ = models / f"{opened}.keras", losses.pop("tagger")
    heads["tagger"] = keras.Sequential([keras.layers.Input(Z["train"].shape[1:]), network.layers[-1]])
proba = {
    (name, side): evaluate.track_proba(evaluate.predict(head, Z[side]), batches[side].owner)
    for name, head in heads.items() for side in ("valid", "test")
}  # fmt: skip
truth = {side: T.loc[ids[side]].to_numpy() for side in ("valid", "test")}
scores = {name: evaluate.scores(truth["test"], proba[name, "test"], groups=groups, seed=SEED) for name in heads}

# %%
tagged = replace(dataset, classes=TAGS, multilabel=True)
for name, loss in losses.items():
    layers = [keras.layers.Input(network.input_shape[1:]), *network.layers[:-1], heads[name].layers[-1]]
    told = {"network": keras.Sequential(layers), "inputs": inputs, "dataset": tagged, "best_val_loss": loss}
    print(experiment.record(name, scores[name], proba=proba[name, "test"], ablation=name == "tagger-softmax", **told))

# %% [markdown]
# ## The scores
#
# Accuracy would be useless here: a tagger that never claims *harp* is right on every track without a harp, which is
# nearly all of them. **ROC-AUC** is the probability that a track with the tag is ranked above a track without it; a
# guesser has 0.5. **Average precision** asks how pure the top of the list is; a guesser has the tag's share of the
# tracks. Neither needs a threshold.
#
# From the figures of many tags to one there are two ways. The **macro** mean takes each tag as equally important. The
# **micro** mean throws all decisions of all tags into one pot, so frequent tags dominate, and a tagger that only knows how
# frequent each tag is ranks this pot well. To see how much of a micro figure is just that, score such a tagger, too.

# %%
by_tag = evaluate.by_label(truth["test"], proba["tagger", "test"], TAGS, groups=groups, seed=SEED).rename_axis(None)
by_tag[["n_tracks", "prevalence", "roc_auc", "average_precision"]].sort_values("roc_auc", ascending=False).round(2)

# %% tags=["key-figure"]
scored = by_tag.dropna().sort_values("prevalence").tail(SHOWN_TAGS)
fig, axes = plt.subplots(1, 2, figsize=(12, 1.4 + 0.25 * len(scored)), sharey=True, layout="constrained")
labels = [f"{tag} ({n})" for tag, n in scored["n_tracks"].items()]
for ax, name in zip(axes, ("roc_auc", "average_precision")):
    low, high = scored[name] - scored[f"{name}_low"], scored[f"{name}_high"] - scored[name]
    ax.errorbar(scored[name], labels, xerr=[low.clip(0), high.clip(0)], fmt="o", capsize=3, label="tagger, 95 % interval")
    ax.plot(scored["prevalence"] if name != "roc_auc" else np.full(len(scored), 0.5), labels, "k|", ms=12, label="chance")
    ax.set(xlabel=f"{name.replace('roc_auc', 'ROC-AUC').replace('_', ' ')} on test tracks", xlim=(0, 1.02))
axes[0].set_ylabel("tag (test tracks that have it)")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, fontsize=8)
plt.show()

# %%
best, worst, sure = by_tag["roc_auc"].max(), by_tag["roc_auc"].idxmin(), (by_tag["roc_auc_low"] > 0.5).sum()
first = by_tag.index[by_tag["roc_auc"] == best]
below = ", ".join(f"*{tag}*" for tag in by_tag.index[by_tag["roc_auc_high"] < 0.5])
frequency = np.tile(T.loc[ids["train"]].mean().to_numpy(), (len(groups), 1))
pot = [p.reshape(-1, 1) for p in (truth["test"], proba["tagger", "test"], frequency)]
micro, deaf = (float(evaluate.roc_auc(pot[0], p)[0]) for p in pot[1:])
macro = evaluate.describe(scores["tagger"], metric="roc_auc").replace("roc auc", "ROC-AUC")
Markdown(
    f"{', '.join(f'*{tag}*' for tag in first)} {'is' if len(first) == 1 else 'are'} ranked best (ROC-AUC {best:.2f}), *{worst}* worst "
    f"({by_tag.loc[worst, 'roc_auc']:.2f}). For {sure} of {by_tag['roc_auc'].count()} tags, the interval lies above "
    f"chance{f', wholly below it for {below}: there, the tagger goes by other sounds that such music has' if below else ''}. "
    + "At 1.00 all redrawn tests agree, so there is no interval, and no proof of perfection: a tag may go with a genre, and be "
    "ranked by the genre. " * bool(best == 1) + f"Macro: {macro}. Micro: {micro:.2f}; but {deaf:.2f} for a tagger that knows only how frequent each tag "
    "is and has heard no music, where macro says 0.50. Report macro figures, or both."
)

# %% [markdown]
# ## Softmax: the mistake
#
# Both heads met the same clips through the same trunk. How do they rank the test tracks, and what do their numbers mean?
# A sum of honest probabilities is the expected number of tags.

# %% tags=["key-figure"]
fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
n_tags, jitter = truth["test"].sum(axis=1), np.random.default_rng(SEED).uniform(-0.15, 0.15, len(ids["test"]))
for name, marker in zip(heads, "os"):
    ax.plot(n_tags + jitter, proba[name, "test"].sum(axis=1), marker, ms=4, alpha=0.6, label=name)
ax.axline((0, 0), slope=1, color="0.6", ls=":", label="as many as there are")
ax.set(xlabel="tags that the track has", ylabel="sum of its probabilities", xlim=(0, None), ylim=(0, None))
ax.legend(fontsize=8)
plt.show()

# %%
pair = [proba[name, "test"] for name in ("tagger-softmax", "tagger")]
gap = evaluate.compare(truth["test"], *pair, groups=groups, seed=SEED)
found = [(p >= 0.5)[truth["test"] == 1].mean() for p in pair]
ranks = ("ranks worse" if gap["difference_high"] < 0 else "ranks better" if gap["difference_low"] > 0 else
         "cannot be told from sigmoid by its ranking")  # fmt: skip
Markdown(
    f"Softmax {ranks}: ROC-AUC {scores['tagger-softmax']['roc_auc']:.2f} against {scores['tagger']['roc_auc']:.2f} "
    f"(difference {gap['difference']:+.3f} [{gap['difference_low']:+.3f}, {gap['difference_high']:+.3f}]). But its "
    f"probabilities add up to {pair[0].sum(axis=1).mean():.1f} on every track, where tracks have {n_tags.mean():.1f} tags "
    f"on average and sigmoid says {pair[1].sum(axis=1).mean():.1f}. With a threshold of 0.5, sigmoid finds {found[1]:.0%} "
    f"of the tags that are there, softmax {found[0]:.0%}."
)

# %% [markdown]
# Whoever looks at ROC-AUC alone may not see the mistake: the order of the tracks can survive while the meaning of the
# numbers is lost.
#
# ## Thresholds
#
# In the end somebody wants to know: is there a piano, yes or no? A **threshold** decides. 0.5 is a habit, not a law.
# **F1**, the harmonic mean of precision and recall, is a common judge. The threshold is chosen on the *validation*
# tracks, either one for all tags or one for each.


# %%
def thresholds(Y, p):
    """Three ways to decide: by habit, one threshold for all tags, and one for each."""
    each = np.array([evaluate.best_threshold(Y[:, k], p[:, k]) for k in range(Y.shape[1])])
    return {"0.5 by habit": 0.5, "one for all": evaluate.best_threshold(Y, p), "one for each tag": each}


cut = thresholds(truth["valid"], proba["tagger", "valid"])
rows = {
    (way, side): evaluate.claim_scores(truth[side], proba["tagger", side] >= t, groups=experiment.groups[side], seed=SEED)
    for way, t in cut.items() for side in ("valid", "test")
}  # fmt: skip
decided = pd.DataFrame(rows).T
display(decided.round(2))
valid_f1, test_f1 = (decided.xs(side, level=1) for side in ("valid", "test"))
Markdown(
    "On test tracks, by habit, with one threshold for all and with one for each tag, micro F1 is "
    + ", ".join(f"{value:.2f}" for value in test_f1["micro_f1"]) + " and macro F1 "
    + ", ".join(f"{value:.2f}" for value in test_f1["macro_f1"]) + ". Mind how far the intervals reach. With one threshold for "
    f"each tag, macro F1 is {valid_f1['macro_f1'].iloc[-1]:.2f} where it was chosen and "
    f"{test_f1['macro_f1'].iloc[-1]:.2f} on test tracks."
)

# %% [markdown]
# One threshold for each tag has as many free numbers as there are tags, so it looks better where it was chosen than it is.
#
# One often reads that rare tags need low thresholds, because their probabilities seldom come near 0.5. Is it so here? In
# the figure, the most frequent tag is on top. The **rank correlation** of share and threshold is +1 where the rarer of two
# tags always has the lower threshold, and 0 where rarity says nothing. Its interval comes from redrawn tags.

# %%
chosen = pd.DataFrame({"share": truth["valid"].mean(axis=0), "threshold": cut["one for each tag"]}, TAGS)
chosen = chosen[chosen["share"] > 0].sort_values("share")  # without validation tracks there is nothing to choose by
shown = chosen.tail(SHOWN_TAGS)
fig, ax = plt.subplots(figsize=(9, 1.2 + 0.24 * len(shown)), layout="constrained")
ax.plot(shown["threshold"], [f"{tag} ({s:.0%})" for tag, s in shown["share"].items()], "o", label="one for each tag")
ax.axvline(cut["one for all"], color="C1", label="one for all")
ax.set(xlabel="threshold", ylabel="tag (share of validation tracks)", xlim=(0, 1))
ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %%
draws = [chosen.sample(frac=1, replace=True, random_state=s).corr("spearman").iloc[0, 1] for s in range(500)]
low, high = np.nanpercentile(draws, [2.5, 97.5])
way = "lower" if low > 0 else "higher" if high < 0 else ""
says = f"rarer tags got {way} thresholds" if way else "no rule can be told from chance"
Markdown(f"Rank correlation {chosen.corr('spearman').iloc[0, 1]:+.2f} [{low:+.2f}, {high:+.2f}] over {len(chosen)} tags: {says}.")

# %% [markdown]
# ## The taggram
#
# A tag stands on a whole track, but a sax does not play all the time. Let a window walk over the track, one answer at
# each place: tags over time, the **taggram**. Windows overlap; the answer belongs to the middle of its window, and
# nothing shorter than the window can be told apart. For the demo tracks we know when each instrument plays, and so how
# much of each window it fills. Of real music, hardly anybody knows that.

# %%
per_second, seconds = store.frames_per_second, inputs["clip_frames"] / store.frames_per_second
followed = ids["test"][:: -(-len(ids["test"]) // FOLLOWED)]
how = {"clip_frames": inputs["clip_frames"], "hop_frames": max(1, round(WINDOW_HOP * per_second)), "batch_size": 32}
windows = clips.EveryClip(store, followed, T.loc[followed].to_numpy(), **how)
of_window = evaluate.predict(heads["tagger"], evaluate.predict(trunk, windows))
file = Path(DATA_DIR, DATASET, "tags.csv")
times = pd.read_csv(file) if file.exists() else pd.DataFrame(columns=["track_id", "tag", "start", "end"])
present = np.zeros(of_window.shape)
for i, track_id in enumerate(followed):
    own = windows.owner == i
    present[own] = interactive.heard(times[times["track_id"] == track_id], TAGS, windows.start[own] / per_second, seconds)
print(f"{len(of_window):,} windows of {seconds:.1f} s on {len(followed)} test tracks, one every {WINDOW_HOP:g} s")

# %% [markdown]
# Take the track in which most comes and goes. Blue is the answer; the orange line under a row is the truth, where it is
# known. Click on the picture, and the music goes on from there.

# %%
most = int(np.argmax([np.ptp(present[windows.owner == i], axis=0).sum() for i in range(len(followed))]))
own, track = windows.owner == most, tracks.loc[followed[most]]
best_rows = np.argsort(-(of_window[own].max(axis=0) + present[own].max(axis=0)))[:10]
p, there, rows_shown = of_window[own][:, best_rows], present[own][:, best_rows] > 0.5, [TAGS[k] for k in best_rows]
y = load_audio(track["path"], sr=22050, max_seconds=min(60, inputs["max_seconds"] or 60))
title = f"{followed[most]}: {track['title']} by {track['artist']}" if track["artist"] else followed[most]
HTML(interactive.player(y, p, rows_shown, windows.start[own] / per_second, seconds, sr=22050, truth=there, title=title))

# %%
follow = "The truth is not known for this dataset."
tells = {k: [p[there[:, k], k].mean(), p[~there[:, k], k].mean()] for k in range(p.shape[1]) if 0 < there[:, k].mean() < 1}
if tells:
    k = max(tells, key=lambda k: tells[k][0] - tells[k][1])
    follow = (f"In the row that tells most, *{rows_shown[k]}*, the mean answer is {tells[k][0]:.2f} in windows that the "
              f"instrument mostly fills and {tells[k][1]:.2f} in the others.")  # fmt: skip
Markdown(f"{follow} One track proves nothing; the next section asks all of them.")

# %% [markdown]
# ### Are the times right?
#
# The tagger was taught with tags of whole tracks; nobody told it when. Does it know? Take each tag that is there for a
# part of a track only, and ask within this track: is a window that it fills by more than three quarters ranked above the
# others? This is ROC-AUC again, but knowing genres or frequent tags does not help here. Chance is 0.5.

# %%
rows = []
for i, track_id in enumerate(followed):
    own = windows.owner == i
    score = evaluate.roc_auc((present[own] > 0.75).astype(float), of_window[own])
    rows += [(track_id, tracks.loc[track_id, "group"], tag, s) for tag, s in zip(TAGS, score) if np.isfinite(s)]
inside = pd.DataFrame(rows, columns=["track_id", "group", "tag", "roc_auc"])

# %%
timed = "no times are known for this dataset, so the times of the taggram cannot be tested"
if len(inside):
    timing = evaluate.mean_score("roc_auc", inside["roc_auc"], groups=inside["group"].to_numpy(), seed=SEED)
    knows = "it knows something of when" if timing["roc_auc_low"] > 0.5 else "nothing shows that it knows when"
    timed = (f"within a track, the times score a ROC-AUC of {timing['roc_auc']:.2f} [{timing['roc_auc_low']:.2f}, "
             f"{timing['roc_auc_high']:.2f}], n = {len(inside)} pairs of a tag and one of "
             f"{inside['track_id'].nunique()} tracks on which it comes or goes, chance 0.50: {knows}")  # fmt: skip
Markdown(f"In this run, {timed}. Between tracks, the ROC-AUC is {scores['tagger']['roc_auc']:.2f}.")

# %% [markdown]
# Between tracks, a tagger also lives on what goes *with* an instrument, such as the genre. Within a track that helps
# nobody. A taggram that looks lively is not thereby right.
#
# ## A tagger that has learned from real music
#
# What does our tagger say about a recording from outside its world? Beside it we ask **musicnn**, which has learned 50
# tags of listeners from 200,000 real songs. The recording is yours, if you set `SONG`, or else *Vibe Ace* by Kevin MacLeod
# (CC BY), one of librosa's examples.

# %%
song, name, real = SONG, Path(SONG).stem, True
if not SONG:
    try:
        song, name = librosa.ex("vibeace"), "Vibe Ace by Kevin MacLeod"
    except (OSError, ValueError):
        song, name, real = track["path"], followed[most], DATASET not in datasets.RENDERED
        print(f"Vibe Ace cannot be downloaded here, so {name} of {DATASET} is asked about"
              + ("." if real else ". It is synthetic: what musicnn says of it means nothing."))  # fmt: skip

# %%
listeners = {"our tagger": Classifier(path)}
try:
    listeners["musicnn"] = Classifier(published.musicnn(DATA_DIR))
except datasets.DatasetError as problem:
    print(f"musicnn is left out: {problem}")
said = {who: ask(song) for who, ask in listeners.items()}
tops = {who: answer.overall.index[:10].tolist() for who, answer in said.items()}
window = {who: ask.inputs["clip_frames"] * ask.inputs["hop_length"] / ask.inputs["sr"] for who, ask in listeners.items()}

# %% tags=["key-figure"]
fig, axes = plt.subplots(len(said), 1, figsize=(11, 3.2 * len(said)), sharex=True, squeeze=False, layout="constrained")
for ax, (who, answer) in zip(axes.flat, said.items()):
    curves = answer.over_time[tops[who]]
    at = np.asarray(curves.index) + window[who] / 2, np.arange(len(tops[who]))
    image = ax.pcolormesh(*at, curves.T, shading="nearest", vmin=0, vmax=1, cmap="Blues")
    ax.set(yticks=at[1], yticklabels=tops[who], title=f"{name}, as {who} hears it")
    ax.invert_yaxis()
fig.colorbar(image, ax=axes, label="probability")
axes[-1, 0].set_xlabel("middle of the window (s)")
plt.show()

# %% [markdown]
# A tagger always answers, with the tags that it has and no others. Which answers are nonsense? Ask the same network about
# plain noise: a tag above 0.1 that noise gets, too, to within 0.05, says nothing about the music. What is left, judge by ear: does
# anybody sing, is it for dancing? Some tags no ear can check, such as *80s* or *beautiful*. (A saved page does not contain
# the recording; a live notebook plays it in the last cell of this section.)

# %%
noise = np.random.default_rng(SEED).normal(0, 0.1, 10 * 16000).astype("float32")
to_noise = {who: ask(noise, sr=16000).overall for who, ask in listeners.items()}


def read(who):
    """In words: the strongest tags, the one that changes most, and those that noise gets, too."""
    whole, curves = said[who].overall[tops[who]], said[who].over_time[tops[who]]
    tag = (curves.max() - curves.min()).idxmax()
    low, high = (f"{curves.loc[at, tag]:.2f} at {interactive.clock(at + window[who] / 2)}" for at in curves[tag].agg(["idxmin", "idxmax"]))
    clear = whole[whole > 0.1]
    hollow = clear.index[to_noise[who][clear.index] >= clear - 0.05]
    return (f"**{who}** hears {', '.join(f'{t} {p:.2f}' for t, p in whole.head(3).items())}. Most changeable is {tag}, "
            f"from {low} to {high}. Of its {len(whole)} strongest tags, {len(clear)} lie above 0.1; noise gets as much of {len(hollow)}"
            f"{': ' * bool(len(hollow))}{', '.join(hollow)}.")


Markdown("\n\n".join(map(read, said)))

# %% tags=["real-sound"]
who, answer = list(said.items())[-1]
if real and "SERIES_STATIC" in os.environ:
    print(f"Run this cell in a live notebook to hear {name}.")
else:
    sound, curves = load_audio(song, sr=22050), answer.over_time[tops[who]]
    display(HTML(interactive.player(sound, curves, tops[who], curves.index, window[who], sr=22050, title=name)))

# %% [markdown]
# ## Results
#
# The scores of each tag go into a table. The tagger is saved once more with its thresholds in its card, so that whoever
# opens it can decide as we did.

# %%
card = training.read_card(path)
card["thresholds"] = dict(zip(TAGS, map(float, cut["one for each tag"]))) | {"any": float(cut["one for all"])}
print(training.save(keras.models.load_model(path, compile=False), models / f"{RUN_NAME}-{card['model']}.keras", card))
Path(OUT_DIR, "tables").mkdir(parents=True, exist_ok=True)
by_tag.assign(threshold=cut["one for each tag"]).to_csv(f"{OUT_DIR}/tables/{RUN_NAME}-tags.csv", index_label="label")

# %% [markdown]
# ## What we learned

# %%
figures = test_f1[["macro_f1", "macro_f1_low", "macro_f1_high"]].to_numpy()
habit, one, each = ("{:.2f} [{:.2f}, {:.2f}]".format(*row) for row in figures)
Markdown(
    f"- The tagger ranked the tags of test tracks with {macro}, the mean of "
    f"{by_tag['roc_auc'].count()} tags.\n"
    f"- Softmax {ranks}, but its answers to a track add up to one. With a threshold of 0.5, macro F1 on test tracks was "
    f"{habit}; with one threshold from validation tracks {one}, with one for each tag {each}.\n"
    f"- A window of {seconds:.1f} s walked over {len(followed)} tracks: {timed}. Of {name}, {who} said first "
    f"{answer.overall.index[0]} ({answer.overall.iloc[0]:.2f})."
)

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. A tagger is right in 97 % of its yes-or-no answers. What do you ask?</summary>
#
# How many of the true answers are yes? If a track has 3 of 100 tags, a tagger that always says no is as good.
#
# </details>
#
# <details><summary>2. Why does a low threshold raise recall and lower precision?</summary>
#
# More is claimed. Some of it is really there, so more of what is there is found. Some of it is not, so a smaller part of
# what is claimed is true.
#
# </details>
#
# <details><summary>3. A tag is right for most tracks, but its row is as dark where the instrument pauses. Why?</summary>
#
# The network may hear the company of the instrument instead: the genre, the room, the other instruments. These do not
# pause.
#
# </details>

# %% [markdown]
# ## Exercises
#
# ### 1. Thresholds from the test tracks
#
# Choose the thresholds on the test tracks and score them there. How much better does the tagger look, and why is that
# number worth nothing? *Hint: `thresholds(truth["test"], proba["tagger", "test"])`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. The strongest clip decides
#
# An instrument that plays for five seconds is averaged away. Let each validation track answer with its strongest clip
# instead of the mean. Does the ranking gain? *Hint: `pd.DataFrame(...).groupby(batches["valid"].owner).max()`, then
# `evaluate.compare`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. A smaller step
#
# Draw the taggram of the same track with half of `WINDOW_HOP`. Does it get sharper, or only smoother? *Hint:
# `clips.EveryClip(store, [followed[most]], ...)`; what is the shortest thing that a window can tell apart?*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# Notebook 16 asks the same of real instruments: which of them play in this piece?
#
# **References.** K. Choi et al., *Convolutional recurrent neural networks for music classification*, ICASSP 2017. J. Pons et
# al., *End-to-end learning for music audio tagging at scale*, ISMIR 2018 (scores of taggers). Z. Lipton et al., *Optimal
# thresholding of classifiers to maximize F1 measure*, 2014. J. Pons, X. Serra, *musicnn: pre-trained convolutional neural
# networks for music audio tagging*, ISMIR late-breaking, 2019.
