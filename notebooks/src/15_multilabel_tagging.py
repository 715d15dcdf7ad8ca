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
# *1 minute · needs nothing: without the taggers of notebook 07, it makes them first; with a network it fetches musicnn (29 MB) and a song (0.4 MB) · writes `tables/`, `models/`*
#
# "This part has jazz, then progressive rock, and a bit of grunge." Whoever describes music like this does not choose one
# class of ten. They say yes or no to many labels, and they say *when*. This notebook opens a tagger, measures it as taggers
# are measured, decides from which probability on a tag is claimed, and follows tags through a track. Beside it stands a
# tagger with a popular mistake, so that you see what the mistake costs. At its end, a tagger that has learned from real music
# answers a real recording, or your own song.
#
# **You will learn**
#
# - how a tagger is scored when most answers are no: ROC-AUC, average precision, macro and micro;
# - how to choose thresholds on validation tracks, and what softmax does to a task with several answers;
# - how to draw and hear tags over time, how to test whether the times are right, and which tags of a song to believe.
#
# **Before you start**: notebook 07 trains the taggers, in its section "Several answers".

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
import keras
import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML, Markdown, display

from helpers import clips, datasets, evaluate, interactive, published, training
from helpers.audio import load_audio
from helpers.classify import Classifier
from helpers.experiment import Experiment, run_first

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "15_multilabel_tagging"  # name of this step in the leaderboard
MODEL: str = ""  # network to open, such as 05_convpool-convpool; empty takes the lowest validation loss
SONG: str = ""  # audio file of yours that is asked about; empty takes an example
SHOWN_TAGS: int = 20  # most tags in a figure
FOLLOWED: int = 100  # most test tracks through which a window walks
WINDOW_HOP: float = 1.0  # distance between windows over a track in seconds
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The tagger
#
# A tagger is a network whose last layer has one **sigmoid** for each tag: each probability stands for itself. It was
# trained with **binary cross-entropy**, the sum of the losses of all yes-or-no questions. Which ones are there?

# %%
def find_taggers():
    """Networks that answer several labels from log-mels."""
    found = training.find_networks(f"{OUT_DIR}/models/{DATASET}")
    return found[found["multilabel"] & (found["kind"] == "log_mel") & ~found.index.str.startswith(RUN_NAME)]


if find_taggers().empty:
    run_first("07_crnn", globals())
found = find_taggers()
found[["made_by", "model", "parameters", "best_val_loss"]].round(3)

# %% [markdown]
# One of them was trained with softmax; it is the mistake, and waits for its section. Of the others we open the one with the
# lowest loss on the validation tracks, or the one that you name in `MODEL`.

# %%
softmax = found["activation"] == "softmax"
wanted = found[~softmax & found.index.isin([MODEL] if MODEL else found.index)]
if wanted.empty:
    raise SystemExit(f"No tagger {MODEL} in {OUT_DIR}/models/{DATASET}; there are: {', '.join(found.index[~softmax])}.")
opened, file = wanted.index[0], wanted["file"].iloc[0]
card, network = training.read_card(file), keras.models.load_model(file, compile=False, safe_mode=True)
TAGS = card["classes"]
print(f"opened: {opened}, {network.count_params():,} parameters, {len(TAGS)} tags")
print(f"last layer: {network.layers[-1].activation.__name__}, {network.output_shape}")

# %% [markdown]
# The card says how sound becomes input, and which tags the answers stand for. The truth is a table of 0 and 1: one row a
# track, one column a tag.

# %%
experiment = Experiment(globals(), card=card)
inputs, store, tracks, split, ids = card["inputs"], experiment.store, experiment.tracks, experiment.split, experiment.ids

# %%
names = tracks["labels"] if set(TAGS) <= set(experiment.dataset.classes) else tracks["tags"].str.split("|")
T = pd.DataFrame([[int(tag in row) for tag in TAGS] for row in names], tracks.index, TAGS)
groups, valid_groups = experiment.groups["test"], experiment.groups["valid"]
print(f"{split.rule}: {len(ids['test'])} test tracks of {len(set(groups))} groups")

# %% [markdown]
# ## The labels
#
# Labels of this kind are never balanced. A few stand on nearly every track and many on hardly any. And they come in
# company. The picture on the right reads by rows: of the tracks that have the tag of the row, what share has the tag of the
# column? A column that is dark all the way says only that its tag is frequent; a dark place in a pale column is company.

# %%
frequent = T.sum().sort_values(ascending=False).index[:SHOWN_TAGS]
together = (T.T @ T).div(T.sum().clip(lower=1), axis=0).loc[frequent, frequent]
fig, axes = plt.subplots(1, 3, figsize=(14, 1.6 + 0.22 * len(frequent)), width_ratios=(1, 1, 1.5), layout="constrained")
axes[0].barh(frequent, T[frequent].mean())
axes[0].set(xlabel="share of all tracks", xlim=(0, 1), title=f"{len(T):,} tracks, {len(TAGS)} tags")
axes[0].invert_yaxis()
per_track = T.sum(axis=1).value_counts().sort_index()
axes[1].bar(per_track.index, per_track)
axes[1].set(xlabel="tags on a track", ylabel="tracks", title=f"{T.sum(axis=1).mean():.1f} tags a track")
image = axes[2].imshow(together, vmin=0, vmax=1, cmap="Blues", aspect="auto")
axes[2].set_xticks(range(len(frequent)), frequent, rotation=90, fontsize=7)
axes[2].set_yticks(range(len(frequent)), frequent, fontsize=7)
fig.colorbar(image, label="share that has the other, too")
plt.show()

# %% [markdown]
# Company helps a tagger and misleads it. If one tag nearly always comes with another, the network may learn to hear only
# one of them, and no test on music of the same kind will show it. Which tags come together most, compared with what their
# frequencies alone would give?

# %%
share = T[frequent].mean()
lift = (together / share).where(together > 0)
pairs = lift.where(np.triu(np.ones(lift.shape, bool), 1)).rename_axis("tag").stack().dropna().rename_axis(["tag", "other"])
pairs = pairs[[T[list(pair)].all(axis=1).sum() >= 5 for pair in pairs.index]].sort_values(ascending=False)
pd.concat([pairs.head(3), pairs.tail(3)]).rename("times as often as by chance").round(2).to_frame()

# %% [markdown]
# ## The scores
#
# Accuracy would be useless: who never claims anything is right most of the time. **ROC-AUC** is the probability that a
# track with the tag is ranked above a track without it, 0.5 for a guesser. **Average precision** asks how pure the top of
# the list is; a guesser has the tag's share of the tracks. Neither needs a threshold.

# %%
def answers(network, side):
    """Mean answer to the clips of each track [shape=(tracks, tags)]."""
    part = experiment.every_clip(side, Y=T)
    return evaluate.track_proba(evaluate.predict(network, part), part.owner)


proba = {side: answers(network, side) for side in ("valid", "test")}
truth = {side: T.loc[ids[side]].to_numpy() for side in ("valid", "test")}
by_tag = evaluate.by_label(truth["test"], proba["test"], TAGS, groups=groups, seed=SEED)
by_tag.sort_values("roc_auc", ascending=False).head(SHOWN_TAGS).round(2)

# %% tags=["key-figure"]
scored = by_tag.dropna().sort_values("prevalence").tail(SHOWN_TAGS)
fig, axes = plt.subplots(1, 2, figsize=(12, 1.2 + 0.25 * len(scored)), sharey=True, layout="constrained")
labels = [f"{tag} ({n})" for tag, n in scored["n_tracks"].items()]
for ax, name in zip(axes, ("roc_auc", "average_precision")):
    low, high = scored[name] - scored[f"{name}_low"], scored[f"{name}_high"] - scored[name]
    ax.errorbar(scored[name], labels, xerr=[low.clip(0), high.clip(0)], fmt="o", capsize=3, label="tagger, 95 % interval")
    ax.plot(scored["prevalence"] if name != "roc_auc" else np.full(len(scored), 0.5), labels, "k|", ms=12, label="chance")
    ax.set(xlabel=name.replace("_", " ") + " on test tracks", xlim=(0, 1.02))
axes[0].legend(fontsize=8, loc="lower left")
axes[0].set_ylabel("tag (test tracks that have it)")
plt.show()

# %% [markdown]
# Rare tags have wide intervals: with three tracks, one of them decides. And the two pictures do not agree on what is good. A
# frequent tag has a high average precision without any merit; compare with its own chance mark.
#
# From many figures to one there are two ways. The **macro** mean takes each tag as equally important. The **micro** mean
# throws all decisions of all tags into one pot, so frequent tags dominate; and since a tagger that only knows how frequent
# each tag is ranks this pot well, micro figures are high. To see how much of them is just that, score such a tagger, too.

# %%
def micro(p):
    """All pairs of track and tag as one long list; a group keeps all of its pairs."""
    Y = truth["test"]
    return evaluate.scores(Y.reshape(-1, 1), p.reshape(-1, 1), groups=np.repeat(groups, Y.shape[1]), seed=SEED)


frequency = np.tile(T.loc[ids["train"]].mean().to_numpy(), (len(groups), 1))
macro = evaluate.scores(truth["test"], proba["test"], groups=groups, seed=SEED)
table = pd.DataFrame({
    "macro": macro, "micro": micro(proba["test"]), "micro, by frequency alone": micro(frequency),
}).T  # fmt: skip
ends = [f"{name}{end}" for name in ("roc_auc", "average_precision") for end in ("", "_low", "_high")]
table[ends].astype(float).round(2)

# %% [markdown]
# The last row heard no music. Report macro figures, or both; a micro figure alone says little.
#
# ## Softmax: the mistake
#
# An older project trained a tagger with softmax. Its answers to a track add up to one, so its targets had to be shares:
# with four tags, a quarter for each. Notebook 07 trained such a tagger beside the right one, on the same clips with the same
# layers in front. How does it rank the tracks?

# %%
wrong = found[softmax & (found["classes"] == tuple(TAGS))]
rivals = {"sigmoid": proba["test"]}
if len(wrong):
    print(f"beside {opened}: {wrong.index[0]}")
    rivals["softmax"] = answers(keras.models.load_model(wrong["file"].iloc[0], compile=False), "test")
    gap = evaluate.compare(truth["test"], *rivals.values(), groups=groups, seed=SEED)
    print(f"sigmoid minus softmax: {gap['difference']:+.3f} [{gap['difference_low']:+.3f}, {gap['difference_high']:+.3f}] ROC-AUC")
pd.DataFrame({name: evaluate.scores(truth["test"], p, groups=groups, seed=SEED) for name, p in rivals.items()}).T[ends].round(2)

# %% [markdown]
# The ranking may hardly suffer, and this is why the mistake lives so long: who looks at ROC-AUC only does not see it. What is
# lost is the meaning of the numbers. A sum of honest probabilities is the expected number of tags.

# %%
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
rng, n_tags = np.random.default_rng(SEED), truth["test"].sum(axis=1)
for (name, p), marker in zip(rivals.items(), "os"):
    axes[0].plot(n_tags + rng.uniform(-0.15, 0.15, len(n_tags)), p.sum(axis=1), marker, ms=4, alpha=0.6, label=name)
    edges = np.quantile(p, np.linspace(0, 1, 9))
    which = np.clip(np.searchsorted(edges, p, side="right") - 1, 0, 7)
    cells = [(p[which == k].mean(), truth["test"][which == k].mean()) for k in range(8) if (which == k).any()]
    axes[1].plot(*zip(*cells), marker + "-", ms=4, label=name)
axes[0].set(xlabel="tags that the track has", ylabel="sum of its probabilities")
axes[1].set(xlabel="mean probability of a bin", ylabel="share that is really there", xlim=(0, 1), ylim=(0, 1))
for ax in axes:
    ax.axline((0, 0), slope=1, color="0.6", ls=":")
    ax.legend(fontsize=8)
plt.show()

# %% [markdown]
# On the left, softmax says "one" of every track. On the right, a point on the dotted line means that of all claims with this
# probability, just this share is true. Softmax stays far to the left of it: ten tags that are there for certain get a tenth
# each.
#
# ## Thresholds
#
# In the end somebody wants to know: is there a piano, yes or no? A **threshold** decides. 0.5 is a habit, not a law: a rare
# tag may never reach it. **F1**, the harmonic mean of precision and recall, is a common judge. The threshold is chosen on the
# *validation* tracks, either one for all tags or one for each.

# %%
def thresholds(Y, p):
    """Three ways to decide: by habit, one threshold for all tags, and one for each."""
    each = np.array([evaluate.best_threshold(Y[:, k], p[:, k]) for k in range(Y.shape[1])])
    return {"0.5 by habit": 0.5, "one for all": evaluate.best_threshold(Y, p), "one for each tag": each}


cut = thresholds(truth["valid"], proba["valid"])
rows = {
    (way, side): evaluate.claim_scores(truth[side], proba[side] >= t, groups=who, seed=SEED)
    for way, t in cut.items() for side, who in (("valid", valid_groups), ("test", groups))
}  # fmt: skip
decided = pd.DataFrame(rows).T
decided.round(2)

# %% [markdown]
# Compare the two sides, and mind the judge: thresholds for each tag serve the macro F1, one threshold for all serves the micro
# F1. A threshold for each tag looks best where it was chosen, because it had as many free numbers as there are tags. What
# counts is the test side. With few validation tracks of a tag, its own threshold is a matter of luck; the
# figure shows how flat or how jagged the ground was on which it was chosen.

# %%
levels = np.linspace(0.02, 0.98, 49)
fig, axes = plt.subplots(1, 2, figsize=(12, 3.6), layout="constrained")
for side, who in (("valid", valid_groups), ("test", groups)):
    f1 = [evaluate.claim_scores(truth[side], proba[side] >= t, groups=who, n_boot=2)["micro_f1"] for t in levels]
    axes[0].plot(levels, f1, label=side)
axes[0].axvline(cut["one for all"], color="0.4", ls="--", label="chosen on validation tracks")
axes[0].axvline(0.5, color="0.7", ls=":", label="0.5")
axes[0].set(xlabel="one threshold for all tags", ylabel="micro F1", ylim=(0, 1))
axes[0].legend(fontsize=8)
chosen = pd.DataFrame({"share": truth["valid"].mean(axis=0), "threshold": cut["one for each tag"]}, TAGS)
axes[1].plot(chosen["share"], chosen["threshold"], "o")
axes[1].axhline(0.5, color="0.7", ls=":")
for tag, *place in chosen.itertuples():
    axes[1].annotate(tag, place, fontsize=6, xytext=(3, 2), textcoords="offset points", rotation=30)
axes[1].set(xlabel="share of validation tracks that have the tag", ylabel="its threshold", xlim=(0, 1), ylim=(0, 1))
plt.show()

# %% [markdown]
# One often reads that rare tags need low thresholds, because their probabilities seldom come near 0.5. Is it so here? The
# **rank correlation** of share and threshold says: +1 where the rarer tag always has the lower threshold, 0 where rarity says
# nothing. Its interval comes from redrawn tags.

# %%
def rank_correlation(table):
    """Spearman's, of share and threshold."""
    return table.corr("spearman").iloc[0, 1]


chosen = chosen[chosen["share"] > 0]  # a tag without validation tracks has no threshold of its own
follows = rank_correlation(chosen)
draws = [rank_correlation(chosen.sample(frac=1, replace=True, random_state=s)) for s in range(500)]
low, high = np.nanpercentile(draws, [2.5, 97.5])
says = "rarer tags did get lower thresholds" if low > 0 else "rarer tags even got higher ones" if high < 0 else "no such rule can be seen"
Markdown(f"Rank correlation {follows:+.2f} [{low:+.2f}, {high:+.2f}] over {len(chosen)} tags: here, {says}.")

# %% [markdown]
# F1 does not count the tracks where nothing was claimed and nothing was there. If a wrong claim is expensive for you, choose
# by precision instead.
#
# ## A tree of genres
#
# FMA's genres form a tree: *Garage* is a kind of *Rock*. A tagger that answers each tag for itself does not know it, and may
# claim *Garage* without *Rock*. How often does that happen, and does it help to repair it? The repair lifts each parent to
# the probability of its strongest child.

# %%
tree = datasets.genre_tree(DATA_DIR) if DATASET.startswith("fma") else {}
edges = [(TAGS.index(tag), TAGS.index(parent)) for tag, parent in tree.items() if {tag, parent} <= set(TAGS)]


def lifted(p):
    """Each parent as probable as its most probable child, from the leaves to the root."""
    p = p.copy()
    for _ in range(4):  # the tree has at most four steps
        for child, parent in edges:
            p[:, parent] = np.maximum(p[:, parent], p[:, child])
    return p


# %%
if edges:
    claims = proba["test"] >= cut["one for all"]
    said = sum(claims[:, child].sum() for child, _ in edges)
    orphans = sum((claims[:, child] & ~claims[:, parent]).sum() for child, parent in edges)
    print(f"{len(edges)} pairs of genre and parent; {orphans} of {said} claims lack their parent")
    repair = evaluate.compare(truth["test"], lifted(proba["test"]), proba["test"], groups=groups, seed=SEED)
    print(f"repaired minus as it was: {repair['difference']:+.3f} [{repair['difference_low']:+.3f}, {repair['difference_high']:+.3f}] ROC-AUC")
else:
    print(f"The tags of {DATASET} form no tree, so there is nothing to repair.")

# %% [markdown]
# ## The taggram
#
# A tag stands on a whole track, but a sax does not play all the time. Let a window walk over the track, one answer at each
# place: tags over time, the **taggram**. Windows overlap; the answer belongs to the middle of its window, and nothing shorter
# than the window can be told apart.

# %%
hop_frames = max(1, round(WINDOW_HOP * store.frames_per_second))
seconds = inputs["clip_frames"] / store.frames_per_second
followed = ids["test"][:: -(-len(ids["test"]) // FOLLOWED)]
Y = T.loc[followed].to_numpy()
windows = clips.EveryClip(store, followed, Y, clip_frames=inputs["clip_frames"], hop_frames=hop_frames, batch_size=32)
of_window = evaluate.predict(network, windows)
print(f"{len(of_window):,} windows of {seconds:.1f} s on {len(followed)} test tracks, one every {WINDOW_HOP:g} s")

# %% [markdown]
# For the demo tracks we know when each instrument plays: how much of each window it fills is the truth to compare with. Of
# real music, hardly anybody knows that.

# %%
file = Path(DATA_DIR) / DATASET / "tags.csv"
times = pd.read_csv(file) if file.exists() and "tags" in tracks else pd.DataFrame(columns=["track_id", "tag", "start", "end"])
present = np.zeros(of_window.shape)
for i, track_id in enumerate(followed):
    own = windows.owner == i
    begin = windows.start[own] / store.frames_per_second
    present[own] = interactive.heard(times[times["track_id"] == track_id], TAGS, begin, seconds)
print(f"{len(times):,} stretches of time are known")

# %% [markdown]
# Take the test track in which most of its tags come or go, and draw it. Blue is the answer; the orange line under a row
# is the truth, where it is known.

# %%
spread = np.array([np.ptp(present[windows.owner == i], axis=0).sum() for i in range(len(followed))])
spread = spread if spread.any() else Y.sum(axis=1)
ranked = [followed[i] for i in np.argsort(-spread, kind="stable")]


def tags_over_time(track_id):
    """Answers to the windows of a track, truth, their beginnings, and the tags worth a row."""
    own = windows.owner == followed.index(track_id)
    best = np.argsort(-(of_window[own].max(axis=0) + present[own].max(axis=0)))[:10]
    return of_window[own][:, best], present[own][:, best], windows.start[own] / store.frames_per_second, [TAGS[k] for k in best]


# %% tags=["key-figure"]
p, there, begin, rows_shown = tags_over_time(ranked[0])
fig, ax = plt.subplots(figsize=(11, 1.2 + 0.32 * len(rows_shown)), layout="constrained")
middle = begin + seconds / 2
image = ax.pcolormesh(middle, np.arange(len(rows_shown)), p.T, shading="nearest", vmin=0, vmax=1, cmap="Blues")
for k in range(len(rows_shown)):
    ax.plot(middle, np.where(there[:, k] > 0.5, k + 0.42, np.nan), color="C1", lw=4)
ax.set(yticks=range(len(rows_shown)), yticklabels=rows_shown, xlabel="middle of the window (s)",
       title=f"{ranked[0]}: orange where the instrument fills most of the window")  # fmt: skip
ax.invert_yaxis()
fig.colorbar(image, label="probability")
plt.show()

# %% [markdown]
# And to hear it: click into the picture, and the music goes on from there. The player is one piece of HTML that holds its
# sound, so it works in JupyterLab, in Colab and on a saved page. (The copy of this notebook on the web keeps no sound: run the
# cell.)

# %%
track = tracks.loc[ranked[0]]
y = load_audio(track["path"], sr=22050, max_seconds=min(60, inputs["max_seconds"] or 60))
title = f"{ranked[0]}: {track['title']} by {track['artist']}" if track["artist"] else ranked[0]
HTML(interactive.player(y, p, rows_shown, begin, seconds, sr=22050, truth=there > 0.5, title=title))

# %% [markdown]
# ### Are the times right?
#
# A network that was taught with tags of whole tracks was never told when. Does it know? Take each tag of each test track that
# is there for a part of the windows only, and ask within this track: is a window in which it plays ranked above a window in
# which it does not? This is ROC-AUC again, but no knowledge of genres or of frequent tags helps here. Chance is 0.5.

# %%
rows = []
for i, track_id in enumerate(followed):
    own = windows.owner == i
    clear = (present[own] > 0.75).astype(float)
    score = evaluate.roc_auc(clear, of_window[own])
    rows += [(track_id, tracks.loc[track_id, "group"], tag, s) for tag, s in zip(TAGS, score) if np.isfinite(s)]
inside = pd.DataFrame(rows, columns=["track_id", "group", "tag", "roc_auc"])

# %%
if len(inside):
    timing = evaluate.mean_score("roc_auc", inside["roc_auc"], groups=inside["group"].to_numpy(), seed=SEED)
    print(f"within a track: ROC-AUC {timing['roc_auc']:.2f} [{timing['roc_auc_low']:.2f}, {timing['roc_auc_high']:.2f}], "
          f"{len(inside)} tags that come or go on {inside['track_id'].nunique()} tracks, chance 0.50")  # fmt: skip
    display(inside.groupby("tag")["roc_auc"].agg(["mean", "count"]).sort_values("count", ascending=False).round(2).T)
else:
    print("No times are known for this dataset, so the times of the taggram cannot be tested.")

# %% [markdown]
# This figure is the honest one about a taggram. It is nearly always below the figure for whole tracks, since a tagger also lives
# on what goes *with* an instrument. A taggram that looks lively is not thereby right.
#
# ### A tagger that has learned from real music
#
# What does our tagger say about a recording from outside of its world? Beside it we ask **musicnn**, which has learned 50 tags
# of listeners from 200,000 real songs. The recording is yours, if you set `SONG`, or else *Vibe Ace* by Kevin MacLeod (CC BY),
# one of librosa's examples.

# %%
song, name, real = SONG, Path(SONG).stem, True
if not SONG:
    try:
        song, name = librosa.ex("vibeace"), "Vibe Ace by Kevin MacLeod"
    except (OSError, ValueError):
        song, name, real = track["path"], ranked[0], DATASET not in datasets.RENDERED
        print(f"Vibe Ace cannot be downloaded here, so {name} of {DATASET} is asked about"
              + ("." if real else ". It is synthetic: what musicnn says of it means nothing."))  # fmt: skip

# %%
listeners = {opened: Classifier(wanted["file"].iloc[0])}
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
    edges = [*curves.index, curves.index[-1] + window[who]]
    image = ax.pcolormesh(edges, np.arange(len(tops[who]) + 1) - 0.5, curves.T, vmin=0, vmax=1, cmap="Blues")
    ax.set(yticks=range(len(tops[who])), yticklabels=tops[who], title=f"{name}, as {who} hears it")
    ax.invert_yaxis()
fig.colorbar(image, ax=axes, label="probability")
axes[-1, 0].set_xlabel("time (s)")
plt.show()

# %% [markdown]
# A tagger always answers, with the tags that it has and no others. Which answers are nonsense? Ask the same network about
# plain noise: a tag that noise gets, too, to within 0.05, says nothing about the music. What is left, judge by ear: does
# anybody sing, is it for dancing? Some tags no ear can check, such as *80s* or *beautiful*.

# %%
noise = np.random.default_rng(SEED).normal(0, 0.1, 10 * 16000).astype("float32")
to_noise = {who: ask(noise, sr=16000).overall for who, ask in listeners.items()}


def read(who):
    """In words: the strongest tags, the one that changes most, and those that noise gets, too."""
    whole, curves = said[who].overall[tops[who]], said[who].over_time[tops[who]]
    tag = (curves.max() - curves.min()).idxmax()
    low, high = (f"{curves.loc[at, tag]:.2f} at {at // 60:.0f}:{at % 60:02.0f}" for at in (curves[tag].idxmin(), curves[tag].idxmax()))
    hollow = whole.index[to_noise[who][whole.index] >= whole - 0.05]
    return (f"**{who}** hears {', '.join(f'{t} {p:.2f}' for t, p in whole.head(3).items())}. Most changeable is {tag}, from "
            f"{low} to {high}. Noise gets as much of {len(hollow)} of these ten tags ({', '.join(hollow)}); its own first tag "
            f"is {to_noise[who].index[0]} ({to_noise[who].iloc[0]:.2f}).")  # fmt: skip


Markdown("\n\n".join(map(read, said)))

# %% [markdown]
# Now listen. A kept page does not contain the recording; a live notebook plays it, and a click into the picture jumps.

# %% tags=["real-sound"]
who, answer = list(said.items())[-1]
if real and "SERIES_STATIC" in os.environ:
    print(f"Run this cell in a live notebook to hear {name}.")
else:
    curves = answer.over_time[tops[who]]
    y = load_audio(song, sr=22050)
    display(HTML(interactive.player(y, curves, tops[who], curves.index, window[who], sr=22050, title=f"{name}, {who}")))

# %% [markdown]
# ## Results
#
# The scores of each tag go into a table. The tagger is saved once more with its thresholds in its card, so that whoever opens
# it can decide as we did.

# %%
folder = Path(OUT_DIR) / "tables"
folder.mkdir(parents=True, exist_ok=True)
by_tag.assign(threshold=cut["one for each tag"]).to_csv(folder / f"{RUN_NAME}-tags.csv")
card["thresholds"] = dict(zip(TAGS, map(float, cut["one for each tag"]))) | {"any": float(cut["one for all"])}
path = training.save(network, Path(OUT_DIR, "models", DATASET, f"{RUN_NAME}-{card['model']}.keras"), card)
print(path, folder / f"{RUN_NAME}-tags.csv")

# %% [markdown]
# ## What we learned

# %%
def both(row):
    """Micro and macro F1 with their intervals."""
    return " and ".join(f"{row[k]:.2f} [{row[f'{k}_low']:.2f}, {row[f'{k}_high']:.2f}] ({k[:5]})" for k in ("micro_f1", "macro_f1"))


habit, one, each = (decided.loc[(way, "test")] for way in cut)
worth = "no tagger with softmax was there to compare"
if len(wrong):
    worth = (f"a tagger with softmax ranks them, too (difference {-gap['difference']:+.2f} "
             f"[{-gap['difference_high']:+.2f}, {-gap['difference_low']:+.2f}]), but its answers to a track add up to one")  # fmt: skip
timed = "no times are known to test the taggram"
if len(inside):
    timed = f"within a track its times scored {timing['roc_auc']:.2f} [{timing['roc_auc_low']:.2f}, {timing['roc_auc_high']:.2f}], chance 0.50"
Markdown(
    f"- {opened} ranked the tags of test tracks with {evaluate.describe(macro, metric='roc_auc')}, mean of "
    f"{len(scored)} tags; {worth}.\n"
    f"- With a threshold of 0.5, F1 on test tracks was {both(habit)}; with one threshold from validation tracks "
    f"{both(one)}, with one for each tag {both(each)}.\n"
    f"- A window of {seconds:.1f} s walked over {len(followed)} tracks; {timed}. Of {name}, {who} said first "
    f"{answer.overall.index[0]} ({answer.overall.iloc[0]:.2f})."
)

# %% [markdown]
# ## Exercises
#
# 1. Choose the thresholds on the test tracks. How much better does the tagger look? *Hint: `thresholds(truth["test"], ...)`.*
# 2. Halve `WINDOW_HOP`. Does the taggram get sharper, or only smoother? *Hint: what is the shortest thing a window can hear?*
# 3. Train a tagger on tags from the first layer on: notebook 07 with `DATASET_OPTIONS = {"multilabel": True}`. Does it
#    know better *when*?
#
# ## Next
#
# Notebook 16 asks the same of real instruments: which of them play in this piece?
#
# **References.** K. Choi et al., *Convolutional recurrent neural networks for music classification*, ICASSP 2017. J. Pons et
# al., *End-to-end learning for music audio tagging at scale*, ISMIR 2018 (scores of taggers). Z. Lipton et al., *Optimal
# thresholding of classifiers to maximize F1 measure*, 2014. M. Defferrard et al., *FMA: a dataset for music analysis*, ISMIR
# 2017 (the tree). J. Pons, X. Serra, *musicnn: pre-trained convolutional neural networks for music audio tagging*, ISMIR
# late-breaking, 2019.
