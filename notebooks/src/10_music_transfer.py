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
# # Transfer from music
#
# *3 minutes · needs nothing: networks (32 MB) are fetched, or left out · writes `features/`, `models/`, `metrics/`*
#
# A few hundred songs are not much to learn music from. Other people's networks have heard two hundred thousand, and
# answer with tags such as *jazz*, *female vocalists* or *party*. We do not want their tags. We want what they notice
# on the way there: a few hundred numbers for each track, which a small classifier turns into our classes. This
# notebook opens three published networks, block by block, and asks how many labelled tracks they save.
#
# **You will learn**
#
# - how to use a published network safely: the same input, frozen statistics, and a check against what was published;
# - which of its blocks serves which task;
# - how much labelled music pretraining saves, beside summary features and training from scratch.
#
# **Before you start**: notebook 04 explains summary features and the support vector machine (SVM), notebook 05
# convolution, pooling and batch normalization.

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
import time

import keras
import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Audio, Markdown
from scipy.special import softmax
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from helpers import clips, datasets, evaluate, features, plotting, published, training
from helpers.audio import load_audio
from helpers.experiment import Experiment, run_first
from helpers.files import replacing, write_atomic
from helpers.splits import StratifiedGroupKFold

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "10_music_transfer"  # name of this step in the leaderboard
MUSICNN_WEIGHTS: str = "auto"  # auto or none
CONVNET_WEIGHTS: str = "auto"  # auto, none, or the path of compact_cnn_weights_theano.hdf5
TRANSFER_SECONDS: float = 29.0  # seconds of each track that a pretrained network hears
REFERENCE_TRACKS: int = 64  # training tracks that the frozen batch statistics are taken from
COMPANY_SECONDS: float = 10.0  # seconds of each track in the experiment with the order of batches
PROBE_TRACKS: int = 1000  # most training tracks on which blocks are compared
SHOTS: list = [1, 2, 5, 10, 20]  # training tracks of each class in the few-shot curve
DRAWS: int = 10  # random choices of those training tracks
BALANCED: bool = False  # draw all classes equally often in training
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The data
#
# Split and tracks are those of all notebooks, and the summary features of notebook 04 will be a competitor. A
# pretrained network wants **what it was trained on, to the detail**: musicnn 16 kHz, the networks of Choi et al.
# 12 kHz, both 96 mel bands and windows of 512 samples, 256 apart. Another rate would shift every pattern on the
# frequency axis, and nothing would complain. So each network gets a feature store of its own.

# %%
experiment = Experiment(globals())
dataset, split = experiment.dataset, experiment.split
summary = experiment.extract(features.extract_summary)
seconds = {"max_seconds": min(TRANSFER_SECONDS, experiment["MAX_SECONDS"])}
INPUT = {"n_fft": 512, "hop_length": 256, "n_mels": 96}
wide = experiment.extract(sr=16000, **INPUT, **seconds)  # for musicnn
heard = experiment.extract(sr=12000, **INPUT, **seconds)  # for the convnet
for kept in (summary.index, wide, heard):
    experiment.keep(kept)
tracks, ids, Y = experiment.tracks, experiment.ids, experiment.Y
used = [track_id for side in ids for track_id in ids[side]]
print(experiment)

# %% [markdown]
# ## musicnn
#
# **musicnn** (Pons and Serra, 2019; ISC licence) learned 50 tags from 200,000 songs. Its package is fetched from the
# index that installed everything else. Only the weights in it are used: the network is rebuilt in Keras by
# `helpers.published.build_musicnn`, and gives the answers of the original, where that does not overflow.

# %%
musicnn = None
if MUSICNN_WEIGHTS == "auto":
    try:
        musicnn = keras.models.load_model(published.musicnn(DATA_DIR, progress=False), compile=False)
        print(f"musicnn: {musicnn.count_params():,} parameters, {len(published.TAGS)} tags")
    except datasets.DatasetError as problem:
        print(f"musicnn cannot be had, and its rows are left out: {problem}")

# %% [markdown]
# **Its input.** The original takes the power S of each mel band and computes log10(10000 S + 1), in half precision.
# The largest number in half precision is 65,504, so loud music became infinite and its tags noise. Ours starts from
# decibels. With x = ln(10000 S), which is decibels times a constant plus another, the same value is
# ln(1 + exp(x)) / ln(10), and ln(1 + exp(x)) is a layer, **softplus**, that never computes exp(x) where it is large.

# %%
level = float(max(wide.frames(track_id).max() for track_id in ids["train"]))
scaled = level * np.log(10) / 10 + np.log(10000)  # x at the loudest point of the training tracks
print(f"{level:.0f} dB: 10000 S is {10000 * 10 ** (level / 10):,.0f}, in half precision at most "
      f"{np.finfo('float16').max:,.0f}; with softplus the input is {np.logaddexp(0, scaled) / np.log(10):.2f}")  # fmt: skip

# %% [markdown]
# **Its filters** are shaped like musical questions. *Tall* ones cover a third or two thirds of the frequency axis and
# seven frames: what does this moment sound like, a guitar, a voice, a snare? *Long* ones are one band high and last up
# to two seconds: how does loudness move, is there a beat? Each answers at its best height only (a maximum over
# frequency), so an instrument that plays higher is still itself. Here they are, drawn to scale on one window.

# %%
first, WINDOW = ids["train"][0], 187  # frames that musicnn hears at once
S_db, hop = clips.cut(wide.frames(first), 0, WINDOW), 1 / wide.frames_per_second
fig, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
image = ax.imshow(S_db.T, origin="lower", aspect="auto", extent=(0, WINDOW * hop, 0, 96), cmap="gray")
fig.colorbar(image, label="dB")
for k, (n, bands, count) in enumerate([(7, 67, 204), (7, 38, 204), (128, 1, 51), (64, 1, 51), (32, 1, 51)]):
    at = (0.2 + 0.3 * k, 14) if bands > 1 else (0.8, 20 * k - 10)
    label = f"{count}: {n * hop:.1f} s × {bands}"
    ax.add_patch(plt.Rectangle(at, n * hop, max(bands, 1.5), color=f"C{k}", alpha=0.9, label=label))
ax.set(xlabel="time (s)", ylabel="mel band", title=f"{first}: one window, and the filters of musicnn's front")
ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=5, fontsize=7)
plt.show()

# %% [markdown]
# What follows is short. The **front** joins all filters, the **middle** adds three convolutions over time, the two
# poolings keep the **maximum** and the **mean** over the window, and a dense layer, the **penultimate**, stands before
# the tags. A track is cut into windows of three seconds, and each layer is averaged over them; the front over time,
# too. (The middle averaged over time *is* the layer "mean".)
#
# Listening takes long and learning does not, so `clips.kept_answers` keeps what was heard. It listens only to tracks that
# are new or have changed, and an interruption loses little.

# %%
kinds, widths = {}, {"front": 561, "mean": 753, "max": 753, "penultimate": 200, "tags": 50}
columns = [f"{name}_{k:03d}" for name, n in widths.items() for k in range(n)]
if musicnn:
    layers = {name: musicnn.get_layer(name).output for name in widths}
    layers["front"] = keras.layers.GlobalAveragePooling1D(name="front_mean")(layers["front"])
    joined = keras.layers.Concatenate(name="joined")([layers[name] for name in widths])
    answers, _ = clips.kept_answers(
        keras.Model(musicnn.input, joined, name="listener"), wide, tracks.loc[used], f"{OUT_DIR}/features/musicnn",
        clip_frames=WINDOW, batch_size=16, layers=list(widths),
    )  # fmt: skip
    windows = pd.concat({t: pd.DataFrame(answers.frames(t), columns=columns) for t in used}).droplevel(1)
    M = windows.groupby(level=0).mean().loc[used].rename_axis("track_id")
    kinds = {f"musicnn {name}": M.filter(regex=f"^{name}_") for name in widths}
    print("a row for each track:", ", ".join(f"{name} {X.shape}" for name, X in kinds.items()))

# %% [markdown]
# For other notebooks all of it is kept as one table, with a note that says what it is.

# %%
if musicnn:
    with replacing(Path(OUT_DIR, "features", "musicnn.parquet")) as temporary:
        M.to_parquet(temporary)
    note = {"network": "musicnn MSD", "licence": "ISC", "citation": "Pons, Serra, 2019", "dataset": DATASET,
            "rows": "tracks, the mean over their windows", "columns": widths, "clip_frames": WINDOW, "log_mel": wide.params}
    write_atomic(Path(OUT_DIR, "features", "musicnn.json"), json.dumps(note, indent=1) + "\n")

# %% [markdown]
# **What does it hear?** For each class, the three tags that rise most above their average over the training tracks.
# Tags that fit show that the network is alive and its input right. Tags that do not fit are no failure of transfer:
# a tag may be wrong while the pattern behind it still separates the classes.

# %%
if musicnn:
    says = M.filter(regex="^tags_").loc[ids["train"]].set_axis(published.TAGS, axis=1)
    lift = says.groupby(tracks["label"]).mean() / says.mean()
    print("\n".join(f"{label}: {', '.join(row.nlargest(3).index)}" for label, row in lift.iterrows()))
Audio(load_audio(tracks["path"][first], sr=22050, max_seconds=10), rate=22050)

# %% [markdown]
# ## The networks of Choi et al.
#
# Their **convnet** (ISMIR 2017, MIT licence) is the ancestor of this idea. Five blocks: a convolution with 32 patterns
# of 3 × 3, batch normalization, an **ELU** (a ReLU with a soft knee) and pooling, after which a track of 29 seconds is
# a single point. The features of a block are the averages of its 32 maps: 5 × 32 = 160. Its input is relative,
# decibels below a loudest point and nothing lower than −80; we take the loudest point of the training tracks.

# %% tags=["architecture"]
POOLS = [(4, 2), (4, 3), (5, 2), (4, 2), (4, 4)]  # of the five blocks, over (time, frequency)


def block(k, pool, padding):
    """32 patterns, normalized, with a soft knee; then the strongest answer of each neighbourhood."""
    return keras.Sequential(
        [keras.layers.Conv2D(32, 3, padding="same"), keras.layers.BatchNormalization(),
         keras.layers.Activation("elu"), keras.layers.MaxPooling2D(pool, padding=padding)], name=f"block_{k}",
    )  # fmt: skip


def convnet(loudest, padding="same"):
    """The features of all blocks, [shape=(tracks, 160)]; with "same", from log-mels of any length in time."""
    relative = [keras.layers.Rescaling(1.0, 80.0 - loudest), keras.layers.ReLU(80.0), keras.layers.Rescaling(1.0, -80.0)]
    S_db = keras.layers.Input((None, 96, 1))
    X, averages = keras.Sequential(relative, name="decibels")(S_db), []
    for k, pool in enumerate(POOLS, 1):
        X = block(k, pool, padding)(X)
        averages.append(keras.layers.GlobalAveragePooling2D()(X))
    return keras.Model(S_db, keras.layers.Concatenate()(averages), name="convnet")


def fill(network, blocks):
    """Put kernels, biases and scalings into the network; the batch statistics start anew."""
    for k, (kernel, bias, gamma, beta) in enumerate(blocks, 1):
        conv, norm = network.get_layer(f"block_{k}").layers[:2]
        conv.set_weights([kernel, bias])
        norm.set_weights([gamma, beta, np.zeros_like(beta), np.ones_like(beta)])


# %% [markdown]
# `published.convnet_weights` undoes what Theano did: it slid its kernels with both axes flipped, frequency first. A
# kernel the wrong way round has the right shape and gives no error; a pattern for a rising tone answers to a falling one
# then. The file brings its own mel filters, so we can ask whether librosa's are the same. Beside the published network
# stands one with random weights, the **control**: random patterns describe a sound somehow, too, so the question is
# never "does it work?" but "what did the training add?"

# %%
def fetched(name):
    """Path of published weights, or None."""
    try:
        return published.fetch_weights(name, DATA_DIR)
    except datasets.DatasetError as problem:
        print(f"{name} is left out: {problem}")


# %%
path = fetched("msd_convnet") if CONVNET_WEIGHTS == "auto" else CONVNET_WEIGHTS.replace("none", "")
clip_frames = 1 + int(TRANSFER_SECONDS * 12000) // 256
padding = "valid" if clip_frames >= np.prod(POOLS, axis=0)[0] else "same"
loudest = float(max(heard.frames(track_id).max() for track_id in ids["train"]))
keras.utils.set_random_seed(SEED)
networks = {"untrained convnet": convnet(loudest, padding)}
if path:
    theirs, networks["convnet"] = published.convnet_weights(path), convnet(loudest, padding)
    fill(networks["convnet"], theirs["blocks"])
    mel = librosa.filters.mel(sr=12000, n_fft=512, n_mels=96).T
    print(f"largest difference of the mel filters: {np.abs(theirs['mel'] - mel).max():.0e} of {mel.max():.0e}")

# %% [markdown]
# ### A track must not depend on its neighbours
#
# Batch normalization subtracts a mean and divides by a deviation: in training those of the batch, afterwards running
# averages. musicnn brings its averages along. This network never collected any: its authors let it normalize by the
# batch at hand, always, so the features of a track depend on the tracks it is processed with. The remedy is to do
# once what training would have done: send a **reference set** of training tracks through the network, block by block, and
# keep its means and variances for good.

# %% tags=["architecture"]
def freeze(network, batches):
    """Keep the batch statistics of these tracks, block by block; return the tracks' features."""
    X, n, F = [network.get_layer("decibels")(batch) for batch in batches], [len(batch) for batch in batches], []
    for k in range(1, len(POOLS) + 1):
        conv, norm = network.get_layer(f"block_{k}").layers[:2]
        moments = [keras.ops.moments(conv(x), axes=(0, 1, 2)) for x in X]
        means = np.array([keras.ops.convert_to_numpy(mean) for mean, _ in moments], dtype="float64")
        squares = [keras.ops.convert_to_numpy(variance) for _, variance in moments] + means**2
        mean = np.average(means, axis=0, weights=n)
        norm.set_weights([*norm.get_weights()[:2], mean, np.average(squares, axis=0, weights=n) - mean**2])
        X = [network.get_layer(f"block_{k}")(x, training=False) for x in X]
        F.append(np.concatenate([keras.ops.convert_to_numpy(x).mean(axis=(1, 2)) for x in X]))
    network.trainable = False
    return np.concatenate(F, axis=1)


# %%
def excerpts(track_ids, n_frames, batch=8):
    """The first so many frames of these tracks, in batches."""
    X = [clips.cut(heard.frames(track_id), 0, n_frames)[..., None] for track_id in track_ids]
    return [np.stack(X[i : i + batch]) for i in range(0, len(X), batch)]


# %%
rng = np.random.default_rng(SEED)
reference = sorted(rng.permutation(ids["train"])[:REFERENCE_TRACKS])
for name, network in networks.items():
    freeze(network, excerpts(reference, clip_frames))
    X = np.concatenate([evaluate.predict(network, batch) for batch in excerpts(used, clip_frames)])
    kinds[name] = pd.DataFrame(X, used).add_prefix("convnet")
print(f"statistics frozen from {len(reference)} training tracks:", ", ".join(networks))

# %% [markdown]
# What does the careless way do to accuracy? Lists of files are mostly sorted by class, so the company of a track depends
# on its class. Take three kinds of company: the next 16 of the sorted list; as many as the authors of the published
# GTZAN features took, 256 of 1,000 tracks in 10 genres, that is 2.56 classes; and as many, shuffled. The judge is an
# **SVM**, cross-validated over groups of training and validation tracks.

# %%
weight = "balanced" if BALANCED else None
SVM = make_pipeline(StandardScaler(), SVC(C=10, class_weight=weight))
probed = sorted(rng.permutation(split.ids("train", "valid"))[:PROBE_TRACKS])
truth = tracks.loc[probed]
folds = StratifiedGroupKFold(min(5, truth["group"].nunique()), shuffle=True, random_state=SEED)


def as_proba(z):
    """Probabilities from distances to the borders of an SVM, or from those of a regression."""
    return softmax(z if z.ndim == 2 else np.stack([-z, z], axis=1), axis=1)


def in_company(order, size):
    """Answers about tracks in this order, each normalized by the so many that it is processed with."""
    parts = [order[i : i + size] for i in range(0, len(order), size)]
    X = np.concatenate([freeze(careless, excerpts(part, company_frames)) for part in parts])
    X = pd.DataFrame(X, order).loc[probed]
    how = {"groups": truth["group"], "cv": folds, "method": "decision_function"}
    return as_proba(cross_val_predict(SVM, X, Y[probed], **how))


# %%
source = "convnet" if "convnet" in networks else "untrained convnet"
company_frames = round(COMPANY_SECONDS * heard.frames_per_second)
careless = convnet(loudest)
careless.set_weights(networks[source].get_weights())
by_class = truth.sort_values(["label", "track_id"]).index.tolist()
n = round(2.56 * len(probed) / len(dataset.classes))
ways = {"frozen": in_company(probed, len(probed)), f"shuffled, {n} at a time": in_company(rng.permutation(probed), n)}
ways |= {f"sorted by class, {size} at a time": in_company(by_class, size) for size in (n, 16)}
rows = {name: evaluate.scores(Y[probed], p, groups=truth["group"], seed=SEED) for name, p in ways.items()}

# %% tags=["key-figure"]
fig, ax = plotting.intervals(pd.DataFrame(rows).T, chance=1 / len(dataset.classes))
ax.set_title(f"{source}: statistics of which tracks? {len(probed)} tracks of {DATASET}, cross-validated", fontsize=9)
plt.show()

# %%
def against(name, other, answers, asked):
    """How accurate some answers are, and how much more so than others on the same tracks, in words."""
    diff = evaluate.compare(Y[asked], answers[name], answers[other], groups=tracks["group"][asked], seed=SEED)
    accuracy = (answers[name].argmax(axis=1) == Y[asked]).mean()
    interval = "{difference:+.2f} [{difference_low:+.2f}, {difference_high:+.2f}]".format(**diff)
    return f"{name}, {accuracy:.2f} ({interval} against {other})"


frozen, *others = ways
worth = "; ".join(against(name, frozen, ways, probed) for name in others)
Markdown(f"Same sound, weights and classifier: {rows[frozen]['accuracy']:.2f} with frozen statistics; {worth}.")

# %% [markdown]
# If an interval holds 0, this run cannot tell. Where it does not, here is why. Company of *one* class takes away what the
# tracks of that class share, and accuracy falls. Company of *a few* classes differs from
# one part of the list to the next, and so can label its members, those that are tested included. That can make accuracy
# rise, although nothing was learned about music; the figure shows what happened here. Whoever gets other figures than a paper should look here first.
#
# ### Is it the same network? A proof
#
# The authors published a second network, the **CRNN** that notebook 07 builds, and what it answers to four songs. That
# is a rare gift: we can check whether ours *is* theirs. Facts of their code: a clip of 1366 frames with 37 frames of
# zeros on both sides, a first normalization for each *moment*, and GRUs of an older make, whose reset gate acts before
# the multiplication and whose gates are straight lines with two bends. `published.crnn_weights` brings the arrays into
# our order. What goes wrong here often gives no error, only numbers that are nearly right. So the proof must be exact. Then
# the network is saved with a card, like every network of the series, for `helpers.classify` and other notebooks.

# %% tags=["architecture"]
def published_crnn(gate="hard_sigmoid"):
    """The CRNN as its authors trained it: four convolutions, each with pooling, then two GRU layers."""
    layers = [keras.layers.Input((1366, 96, 1)), keras.layers.ZeroPadding2D(((37, 37), (0, 0)))]
    layers += [keras.layers.BatchNormalization(axis=1)]
    for filters, pool in zip((64, 128, 128, 128), (2, 3, 4, 4)):
        layers += [keras.layers.Conv2D(filters, 3, padding="same"), keras.layers.BatchNormalization()]
        layers += [keras.layers.Activation("elu"), keras.layers.MaxPooling2D(pool, padding="same")]
    older = {"reset_after": False, "recurrent_activation": gate}
    layers += [keras.layers.TimeDistributed(keras.layers.Flatten())]
    layers += [keras.layers.GRU(32, return_sequences=True, **older), keras.layers.GRU(32, **older)]
    return keras.Sequential([*layers, keras.layers.Dense(50, activation="sigmoid")], name="crnn")


# %%
STATED = {"cute": "jazz 0.444", "actionable": "jazz 0.416", "dubstep": "Hip-Hop 0.245", "thejazzpiano": "jazz 0.299"}
tagger, proof = published_crnn(), {}
if weights := fetched("msd_crnn"):
    tagger.set_weights(published.crnn_weights(weights))
    examples = {song: Path(DATA_DIR, "weights", "examples", f"bensound-{song}.npy") for song in STATED}
    for song in [song for song, file in examples.items() if file.exists()]:
        answer = evaluate.predict(tagger, np.load(examples[song])[0, 0].T[None, :, :, None].astype("float32"))[0]
        proof[song] = f"{published.TAGS[answer.argmax()]} {answer.max():.3f}"
proved = f"{sum(proof[song] == STATED[song] for song in proof)} of {len(proof)} songs have the tag and figure published"
proved = proved if proof else "nothing to compare, because its weights or its authors' songs are not in this data folder"
print(f"CRNN, {tagger.count_params():,} parameters: {proved}", proof or "")

# %%
if weights:
    about = {"model": "crnn", "made_by": RUN_NAME, "classes": list(published.TAGS), "multilabel": True, "licence": "MIT"}
    about["inputs"] = {"kind": "msd_crnn", **published.CRNN_INPUT, "made_with": "helpers.published.crnn_input",
                       "decibels": "of the squared power, at most 80 below the maximum"}  # fmt: skip
    about["source"] = "https://github.com/keunwoochoi/music-auto_tagging-keras"
    about["dataset"] = {"name": "Million Song Dataset", "citation": "Choi et al., ICASSP 2017"}
    print(training.save(tagger, Path(OUT_DIR, "models", "msd", "crnn.keras"), about))

# %% [markdown]
# ## Which block serves which task?
#
# Choi et al. found that low blocks serve tempo and rhythm, and high blocks genre. Ask ours. Each block alone answers
# each question: what is the class? Where the dataset knows more, as the demo music does, also: how fast is it, are
# there drums, what is the keynote? The answers are cross-validated over groups of training and validation tracks: for
# tempo the rank correlation between guess and truth, else balanced accuracy. *The label itself* says how well a question
# can be answered by somebody who knows the class and nothing else.

# %%
def probe(X, target):
    """Cross-validated score of some features for one target."""
    X, groups = X.loc[target.index], truth["group"][target.index]
    if pd.api.types.is_float_dtype(target):
        model, cv = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 4, 11))), GroupKFold(folds.n_splits)
        return spearmanr(cross_val_predict(model, X, target, groups=groups, cv=cv), target).statistic
    return balanced_accuracy_score(target, cross_val_predict(SVM, X, target, groups=groups, cv=folds))


# %%
questions = {"class": truth["label"]}
if {"tempo", "drums", "key"} <= set(truth) and truth["tempo"].notna().all():
    questions |= {"tempo": truth["tempo"].astype(float), "drums": truth["drums"].astype(str)}
    questions["keynote"] = truth["key"].str.split().str[0]
often = {task: y.map(y.value_counts()) >= (task != "tempo") * folds.n_splits for task, y in questions.items()}
questions = {task: y[often[task]] for task, y in questions.items() if y[often[task]].nunique() > 1}
kinds["summary features"] = summary
known = kinds | {f"{source}, block {k + 1}": kinds[source].iloc[:, 32 * k : 32 * k + 32] for k in range(len(POOLS))}
known["the label itself"] = pd.get_dummies(tracks["label"]).astype(float)
by_task = {task: {name: probe(X, y) for name, X in known.items()} for task, y in questions.items()}
by_task = pd.DataFrame(by_task)
by_task.round(2)

# %%
blocks = by_task.drop(index=["summary features", "the label itself"])
best = [f"{task}: {blocks[task].idxmax()} {blocks[task].max():.2f} (summary features {by_task[task]['summary features']:.2f}, "
        f"the label itself {by_task[task]['the label itself']:.2f})" for task in by_task]  # fmt: skip
Markdown(f"The best for each question, {len(probed)} tracks: " + "; ".join(best) + ".")

# %% [markdown]
# A block that beats *the label itself* for tempo has heard tempo, not only genre. Of the keynote expect little: maxima and
# averages over frequency make a pattern count the same at every height, and what is lost there no classifier gets
# back. The summary features hold chroma, which is made for it.
#
# ## The test
#
# Once, the test tracks. "musicnn + convnet" means both beside each other; from scratch is the network of notebook 05,
# which learned from the same training tracks and nothing else. Every kind of features gets two classifiers, the SVM and
# **logistic regression**, each with one fixed setting. Their probabilities are adjusted by one number, the
# temperature, that fits best on the validation tracks. For GTZAN we can check the order of batches: the convnet's
# authors published features that were made in that order.

# %%
REGRESSION = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000, class_weight=weight))


def judge(X, model):
    """Learn from the training tracks; return the scores of the test tracks, and the answers to them."""
    model.fit(X.loc[ids["train"]], Y[ids["train"]])
    valid, test = (as_proba(model.decision_function(X.loc[ids[side]])) for side in ("valid", "test"))
    proba = evaluate.temper(test, evaluate.fit_temperature(Y[ids["valid"]], valid))
    return evaluate.scores(Y[ids["test"]], proba, groups=experiment.groups["test"], seed=SEED), proba


# %%
folder = Path(DATA_DIR, "gtzan_features")
if DATASET == "gtzan" and folder.is_dir():
    listed = pd.read_csv(folder / "gtzan_genre.csv")["filepath"].map(lambda file: Path(file).stem)
    arrays = np.concatenate([np.load(folder / f"gtzan_genre_layer_{k}.npy") for k in range(5)], axis=1)
    kinds["published arrays"] = pd.DataFrame(arrays, listed).add_prefix("convnet").loc[used]

# %%
for name in [name for name in ("convnet", "published arrays") if musicnn and name in kinds]:
    kinds[f"musicnn + {name}"] = kinds["musicnn penultimate"].join(kinds[name])
both = {"SVM": SVM, "LR": REGRESSION}
judged = {how: {name: judge(X, model) for name, X in kinds.items()} for how, model in both.items()}
from_scratch = Path(OUT_DIR, "metrics", "05_convpool-convpool.json")
if not from_scratch.exists():
    run_first("05_convpool", globals())
from_scratch = json.loads(from_scratch.read_text(encoding="utf8"))

# %% tags=["key-figure"]
rows = {name: row for name, (row, _) in judged["LR"].items()} | {"from scratch (05)": from_scratch}
fig, ax = plotting.intervals(pd.DataFrame(rows).T, chance=from_scratch["chance"])
ax.set_title(f"Logistic regression, {len(ids['test'])} test tracks of {DATASET} ({split.rule})", fontsize=9, wrap=True)
plt.show()

# %%
said = {name: proba for name, (_, proba) in judged["LR"].items()}
pairs = [("published arrays", "convnet"), ("musicnn + published arrays", "musicnn + convnet"),
         ("musicnn penultimate", "summary features"), ("musicnn penultimate", source), (source, "summary features")]  # fmt: skip
pairs = [pair for pair in pairs if set(pair) <= set(said)]
paired = "; ".join(against(*pair, said, ids["test"]) for pair in pairs)
Markdown(f"On the same {len(ids['test'])} test tracks: {paired}.")

# %% [markdown]
# Where an interval holds 0, this test cannot order the two. On GTZAN, the difference between
# the published arrays and our convnet shows what a list in genre order is worth, as far as we can tell: the authors took
# the first 29 seconds, we take the middle.
#
# Now both classifiers, and the price: numbers for each
# track, and for a network parameters, megabytes, and seconds a track after decoding and the log-mel.

# %%
def cost(network, store, n_frames):
    """Parameters, megabytes, seconds a track."""
    some, begin = experiment.every_clip(used[:4], store=store, clip_frames=n_frames, batch_size=8), time.perf_counter()
    evaluate.predict(network, some)
    return network.count_params(), 4e-6 * network.count_params(), (time.perf_counter() - begin) / 4


table = pd.DataFrame({how: {name: row["accuracy"] for name, (row, _) in both.items()} for how, both in judged.items()})
table.insert(0, "numbers", [X.shape[1] for X in kinds.values()])
costs = {name: cost(network, heard, clip_frames) for name, network in networks.items()}
costs |= {"musicnn penultimate": cost(musicnn, wide, WINDOW)} if musicnn else {}
table.join(pd.DataFrame(costs, ["parameters", "MB", "seconds a track"]).T).round(2).astype(object).fillna("")

# %% [markdown]
# ## How many tracks does pretraining save?
#
# Here is the reason to do all this. Labels are expensive: somebody has to listen. Give each kind of features only 1, 2,
# 5, ... tracks of each class, of as many artists as possible, and ask about the same test tracks. Which tracks these
# are is luck, so the draw is repeated.

# %%
def draw(n, seed):
    """At most n training tracks of each class, of as many artists as possible."""
    pool = tracks.loc[ids["train"]].sample(frac=1, random_state=seed)
    turn = pool.groupby(["label", "group"]).cumcount()
    return pool.loc[turn.sort_values(kind="stable").index].groupby("label").head(n).index.tolist()


most = int(Y[ids["train"]].value_counts().max())
shots = [n for n in SHOTS if n < most] + [most]
compared = [name for name in kinds if name.split()[-1] in ("penultimate", "convnet", "features")]
curve = [(name, n, REGRESSION.fit(kinds[name].loc[some], Y[some]).score(kinds[name].loc[ids["test"]], Y[ids["test"]]))
         for n in shots for some in [draw(n, seed) for seed in range(DRAWS if n < most else 1)] for name in compared]
by_shots = pd.DataFrame(curve, columns=["features", "tracks", "accuracy"]).groupby(["features", "tracks"])["accuracy"]
by_shots = by_shots.agg(["mean", "std"]).fillna(0.0)

# %% tags=["key-figure"]
mean, spread = (by_shots[column].unstack(0)[compared] for column in ("mean", "std"))
ax = mean.plot(style="o-", yerr=spread, capsize=3, logx=True, figsize=(9, 4.4))
ax.axhline(from_scratch["accuracy"], color="0.3", ls="--", label="from scratch, all tracks (05)")
ax.axhline(from_scratch["chance"], color="0.5", ls=":", label="chance")
ax.set_xticks(shots, [*map(str, shots[:-1]), f"all ({most})"])
ax.minorticks_off()
ax.set(ylim=(0, 1.02), xlabel="labelled tracks of each class (logarithmic)", ylabel="accuracy on the test tracks",
       title=f"{len(ids['test'])} test tracks of {DATASET}; bar: spread over {DRAWS} draws")  # fmt: skip
ax.legend(loc="upper left", fontsize=8, ncols=2)
plt.show()

# %%
enough = (mean >= from_scratch["accuracy"]).idxmax().where(mean.max() >= from_scratch["accuracy"])
reached = [f"{name} {'never' if np.isnan(n) else f'with {n:.0f}'}" for name, n in enough.items()]
Markdown(f"From scratch, up to {most} tracks of each class bring {from_scratch['accuracy']:.2f}. "
         f"That reach: {'; '.join(reached)}.")  # fmt: skip

# %% [markdown]
# The bar is the luck of the draw alone; the test tracks are the same everywhere, and few. Where the untrained curve
# keeps up with the pretrained one, the source had nothing to teach.
#
# ## Pictures in, classes out
#
# A network can be saved as one file and needs no second library. Logistic regression *is* a dense layer with softmax,
# and its scaling a normalization: put both behind the frozen extractor. musicnn's head learns from single windows,
# which vote for a track, so the file can say what happens when.

# %% tags=["architecture"]
def with_head(extractor, model, name):
    """The extractor, and a fitted logistic regression as its last two layers."""
    scaler, line = (step for _, step in model.steps)
    W, b = (v if len(line.classes_) > 2 else np.concatenate([-v, v]) / 2 for v in (line.coef_, line.intercept_))
    S_db = keras.layers.Input((None, 96, 1))
    X = keras.layers.Normalization(mean=scaler.mean_, variance=scaler.scale_**2)(extractor(S_db))
    answer = keras.layers.Dense(len(W), activation="softmax")
    network = keras.Model(S_db, answer(X), name=name)
    answer.set_weights([W.T, b])
    return network


# %%
SHORT = {"musicnn penultimate": "musicnn", "convnet": "msd", "musicnn + convnet": "musicnn+msd"}
SHORT = {name: short for name, short in SHORT.items() if name in kinds} or {"untrained convnet": "untrained"}
for name, short in SHORT.items():
    experiment.record(f"{short}-svm", judged["SVM"][name][0], proba=judged["SVM"][name][1], features=name)
extractors = {short: (networks[k], kinds[k], heard, clip_frames) for k, short in SHORT.items() if k in networks}
if musicnn:
    eye = keras.Model(musicnn.input, layers["penultimate"])
    extractors |= {"musicnn": (eye, windows.filter(regex="^penultimate_"), wide, WINDOW)}

# %%
for short, (extractor, X, store, n_frames) in extractors.items():
    extractor.trainable = False
    rows = {side: X.loc[ids[side]] for side in ids}
    REGRESSION.fit(rows["train"].to_numpy(), Y[rows["train"].index])
    valid, test = (REGRESSION.predict_proba(rows[side].to_numpy()) for side in ("valid", "test"))
    proba = evaluate.track_proba(test, pd.factorize(rows["test"].index)[0])
    row = evaluate.scores(Y[ids["test"]], proba, groups=experiment.groups["test"], seed=SEED)
    network = with_head(extractor, REGRESSION, f"{short}-head")
    told = {"inputs": {**store.params, "clip_frames": n_frames}, "network": network}
    told |= {"best_val_loss": evaluate.log_loss(Y[rows["valid"].index].to_numpy(), valid)}
    path = experiment.record(f"{short}-head", row, proba=proba, **told)
    print(f"{path}: {evaluate.describe(row)}")

clip = clips.cut(store.frames(ids["test"][0]), 0, n_frames)[None, ..., None]
answer = evaluate.predict(keras.models.load_model(path, safe_mode=True), clip)
print("the saved network answers like the regression:", np.allclose(answer, test[:1], atol=1e-3))

# %% [markdown]
# ## What we learned

# %%
best = max(judged["LR"], key=lambda name: judged["LR"][name][0]["accuracy"])
few = by_shots.xs(shots[0], level="tracks")["mean"]
Markdown(
    f"- The published CRNN: {proved}. What the order of files does to the {source}: "
    f"{worth}.\n"
    f"- The best block for each question: " + "; ".join(f"{task}, {blocks[task].idxmax()}" for task in by_task) + ".\n"
    f"- Best with logistic regression: {best} ({evaluate.describe(judged['LR'][best][0])}); from scratch "
    f"{evaluate.describe(from_scratch)}. With {shots[0]} track of each class: "
    + ", ".join(f"{name} {few[name]:.2f}" for name in compared) + ". "
    + ("This music is synthetic: nothing about real music follows." if DATASET.startswith("demo") else "")
)

# %% [markdown]
# ## Exercises
#
# 1. Put `gate="sigmoid"` into `published_crnn`. Which of the published figures still hold, and would you have noticed
#    without them?
# 2. Freeze the statistics from tracks of a single class. Which classes suffer? *Hint: `reference`.*
# 3. musicnn was also trained on another collection, with other tags: `published.musicnn(DATA_DIR, "MTT")`. Which of the
#    two serves your classes better? *Hint: `published.MTT_TAGS`.*
#
# ## Next
#
# Notebook 11 looks at the mistakes of all models, and recommends music with what musicnn noticed.
#
# **References.** J. Pons, X. Serra, *musicnn: pre-trained convolutional neural networks for music audio tagging*, ISMIR
# late-breaking, 2019. K. Choi, G. Fazekas, M. Sandler, K. Cho, *Transfer learning for music classification and regression
# tasks*, ISMIR 2017 (the convnet, its GTZAN features), and *Convolutional recurrent neural networks for music
# classification*, ICASSP 2017 (the CRNN). J. Pons, X. Serra, *Randomly weighted CNNs for (music) audio classification*,
# ICASSP 2019 (the untrained control). T. Bertin-Mahieux et al., *The Million Song Dataset*, ISMIR 2011. S. Ioffe, C.
# Szegedy, *Batch normalization*, ICML 2015.
