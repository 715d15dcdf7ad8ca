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
# *reading 12 minutes · computing 2 minutes · needs nothing: two networks (31 MB) are fetched, or left out · writes `features/`, `models/`, `metrics/`*
#
# A few hundred labelled songs are not much to learn music from. Two published networks have learned from far more:
# about 200,000 songs of the *Million Song Dataset*, with 50 tags that listeners of Last.fm gave them, such as *jazz*
# or *party*. We do not need the tags. What these networks compute on the way there, a few hundred numbers a track,
# may describe our tracks as well. How many labelled tracks does that save?
#
# **You will learn**
#
# - how to use a published network safely: the input it knows, frozen statistics, an untrained control;
# - which of its blocks serves which task;
# - how many labelled tracks pretraining saves, beside summary features and training from scratch.
#
# **Before you start**: notebook 04 explains summary features, the support vector machine (SVM) and logistic
# regression, notebook 05 convolution, pooling and batch normalization.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]

# %% tags=["imports"]
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from helpers import clips, datasets, evaluate, features, plotting, published
from helpers.experiment import Experiment, run_first
from helpers.splits import StratifiedGroupKFold

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "10_music_transfer"  # name of this step in the leaderboard
MUSICNN_WEIGHTS: str = "auto"  # auto or none
CONVNET_WEIGHTS: str = "auto"  # auto or none
TRANSFER_SECONDS: float = 9.0  # seconds of each track that a pretrained network hears
REFERENCE_TRACKS: int = 64  # training tracks that the frozen batch statistics are taken from
PROBE_TRACKS: int = 1000  # most training and validation tracks on which blocks are compared
NETWORKS_FROM: str = "05_convpool"  # RUN_NAME of the step whose networks are used
SHOTS: list = [1, 2, 5, 10, 20]  # training tracks of each class in the few-shot curve
DRAWS: int = 10  # random choices of those training tracks
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The data
#
# Tracks and split are those of the whole series, and the summary features of notebook 04 will be a competitor. A
# pretrained network wants **what it was trained on, to the detail**. musicnn knows sound at 16 kHz, the network of
# Choi et al. at 12 kHz, both with 96 mel bands and windows of 512 samples, 256 apart. Another sample rate would shift
# every pattern along the frequency axis, and nothing would complain (exercise 1). So each network gets a feature
# store of its own. To save time both hear only `TRANSFER_SECONDS` from the middle of a track; their competitors hear
# all of it.

# %%
experiment = Experiment(globals())
dataset, split = experiment.dataset, experiment.split
summary = experiment.extract(features.extract_summary)
INPUT = {"n_fft": 512, "hop_length": 256, "n_mels": 96, "max_seconds": TRANSFER_SECONDS}
wide = experiment.extract(sr=16000, **INPUT)  # for musicnn
heard = experiment.extract(sr=12000, **INPUT)  # for the convnet
for usable in (summary.index, wide, heard):
    experiment.keep(usable)
tracks, ids, Y = experiment.tracks, experiment.ids, experiment.Y
used = [track_id for side in ids.values() for track_id in side]
print(experiment)

# %% [markdown]
# ## musicnn
#
# **musicnn** (Pons and Serra, 2019; ISC licence) comes from the package index. Only the weights in its package are
# used: `helpers.published.build_musicnn` rebuilds the network in Keras, and a test compares its answers with the
# original's.
#
# Its filters are shaped like musical questions. *Tall* ones cover a third or two thirds of the frequency axis and a
# tenth of a second: what does this moment sound like, a guitar, a voice, a snare? *Long* ones are one band high and
# last up to two seconds: how does loudness move, is there a beat? Each passes on only its maximum over frequency, so
# an instrument that plays higher is still itself. Three convolutions over time follow. Two poolings keep their
# **mean** and their **max** over a window of three seconds, and a dense layer, the **penultimate**, stands before the
# **tags**.
#
# What cannot be fetched is left out, here and in all figures.

# %%
def fetched(wanted, fetch, *name, **how):
    """The file of a published network, or None."""
    try:
        return fetch(*name, DATA_DIR, **how) if wanted == "auto" else None
    except datasets.DatasetError as problem:
        print(f"Left out: {problem}")


musicnn_file = fetched(MUSICNN_WEIGHTS, published.musicnn, progress=False)
convnet_file = fetched(CONVNET_WEIGHTS, published.fetch_weights, "msd_convnet")

# %% [markdown]
# A layer's answer to a track is an **embedding**: a row of numbers that places the track among others, similar sounds
# close together. We cut each track into windows and average four layers over them. The tags are one of the four: how
# well do 50 words describe a track, and what gets lost on the way to words? Listening takes long and learning does
# not, so `clips.kept_answers` keeps what the network answered, and next time only new or changed tracks are sent
# through. The averages go into one table, which notebook 13 reads as well.

# %%
kinds, WINDOW = {"summary features": summary}, 187  # features of all tracks, by name; frames of a window of musicnn
if musicnn_file:
    musicnn = keras.models.load_model(musicnn_file, compile=False)
    outputs = {name: musicnn.get_layer(name).output for name in ("mean", "max", "penultimate", "tags")}
    columns = [f"{name}_{k:03d}" for name, output in outputs.items() for k in range(output.shape[-1])]
    listener = keras.Model(musicnn.input, keras.layers.Concatenate(name="joined")([*outputs.values()]))
    answers, _ = clips.kept_answers(listener, wide, tracks.loc[used], f"{OUT_DIR}/features/musicnn",
                                    clip_frames=WINDOW, batch_size=16, layers=[*outputs])  # fmt: skip
    windows = pd.concat({t: pd.DataFrame(answers.frames(t), columns=columns) for t in used}).droplevel(1)
    M = windows.groupby(level=0).mean().loc[used].rename_axis("track_id")
    M.to_parquet(f"{OUT_DIR}/features/musicnn.parquet")
    kinds |= {f"musicnn {name}": M.filter(regex=f"^{name}_") for name in outputs}
print("a row for each track:", ", ".join(f"{name} {X.shape}" for name, X in kinds.items()))

# %% [markdown]
# ## The convnet of Choi et al.
#
# The **convnet** (ISMIR 2017, MIT licence) is the ancestor of this idea, and smaller by far. It has five blocks: a
# convolution with 32 patterns of 3 × 3, batch normalization, an **ELU** (a ReLU with a soft knee) and pooling. The
# features of a block are the averages of its 32 maps, 5 × 32 = 160 in all. Its input is relative: decibels below a
# loudest point, and nothing lower than −80. We take the loudest point of the training tracks.

# %% tags=["architecture"]
layers = keras.layers
POOLS = [(4, 2), (4, 3), (5, 2), (4, 2), (4, 4)]  # of the five blocks, over (time, frequency)


def convnet(loudest, padding="same"):
    """The features of all blocks, [shape=(tracks, 160)]; with "same", from log-mels of any length in time."""
    relative = [layers.Rescaling(1.0, 80.0 - loudest), layers.ReLU(80.0), layers.Rescaling(1.0, -80.0)]
    S_db = layers.Input((None, 96, 1))
    X, averages = keras.Sequential(relative, name="decibels")(S_db), []
    for k, pool in enumerate(POOLS, 1):
        block = [layers.Conv2D(32, 3, padding="same"), layers.BatchNormalization(), layers.Activation("elu")]
        X = keras.Sequential([*block, layers.MaxPooling2D(pool, padding=padding)], name=f"block_{k}")(X)
        averages.append(layers.GlobalAveragePooling2D()(X))
    return keras.Model(S_db, layers.Concatenate()(averages), name="convnet")


def fill(network, blocks):
    """Put kernels, biases and scalings into the network; the batch statistics start anew."""
    for k, (kernel, bias, gamma, beta) in enumerate(blocks, 1):
        conv, norm = network.get_layer(f"block_{k}").layers[:2]
        conv.set_weights([kernel, bias])
        norm.set_weights([gamma, beta, np.zeros_like(beta), np.ones_like(beta)])


# %% [markdown]
# ### A track must not depend on its neighbours
#
# Batch normalization subtracts a mean and divides by a deviation: in training those of the batch, afterwards running
# averages. musicnn brings its averages along. The convnet never collected any. It was always normalized by the batch
# at hand, so the features of a track depend on the tracks that it is processed with. The remedy is to do once what
# training would have done: `freeze` sends a **reference set** of training tracks through the network, block by block,
# and keeps their means and variances for good. Memory holds few tracks at a time, so means are joined by the sizes of
# the batches, and the variance counts both the spread within batches and the spread between them.

# %% tags=["architecture"]
def freeze(network, batches):
    """Keep the batch statistics of these tracks, block by block; return the tracks' features."""
    X, F, array = [network.get_layer("decibels")(batch) for batch in batches], [], keras.ops.convert_to_numpy
    for k in range(1, len(POOLS) + 1):
        block = network.get_layer(f"block_{k}")
        conv, norm = block.layers[:2]
        moments = [[array(m) for m in keras.ops.moments(conv(x), axes=(0, 1, 2))] for x in X]
        means, variances = np.array(moments, dtype="float64").transpose(1, 0, 2)
        mean, square = (np.average(m, axis=0, weights=[len(x) for x in X]) for m in (means, variances + means**2))
        norm.set_weights([*norm.get_weights()[:2], mean, square - mean**2])
        X = [block(x, training=False) for x in X]
        F.append(np.concatenate([array(x).mean(axis=(1, 2)) for x in X]))
    network.trainable = False
    return np.concatenate(F, axis=1)


# %% [markdown]
# `published.convnet_weights` undoes what the library of its time did. Theano slid its kernels with both axes flipped,
# frequency first. A kernel the wrong way round has the right shape and gives no error; a pattern for a rising tone
# would answer to a falling one.
#
# Beside the published network stands a **control**, the same network with random weights, treated alike in every
# step. Random patterns describe a sound somehow, too: a block of them still tells loud from soft, dull from bright,
# steady from jumpy. So the question is never "does it work?" but "what did the training add?"

# %%
def excerpts(track_ids):
    """What the convnet hears of these tracks, in batches of eight."""
    every = experiment.every_clip(list(track_ids), store=heard, clip_frames=clip_frames, batch_size=8)
    return (every[i][0] for i in range(len(every)))


# %%
rng, clip_frames = np.random.default_rng(SEED), 1 + int(TRANSFER_SECONDS * 12000) // 256
loudest = float(max(heard.frames(track_id).max() for track_id in ids["train"]))
reference = sorted(rng.permutation(ids["train"])[:REFERENCE_TRACKS])
keras.utils.set_random_seed(SEED)
networks = {"untrained convnet": convnet(loudest)}
if convnet_file:
    networks["convnet"] = convnet(loudest)
    fill(networks["convnet"], published.convnet_weights(convnet_file)["blocks"])
for source, network in networks.items():  # `source` ends as the published one, where there is one
    freeze(network, excerpts(reference))
    X = np.concatenate([evaluate.predict(network, batch) for batch in excerpts(used)])
    kinds[source] = pd.DataFrame(X, used).add_prefix("convnet")
print(f"statistics frozen from {len(reference)} training tracks:", ", ".join(networks))

# %% [markdown]
# What would the careless way do to accuracy? Lists of files are mostly sorted by class, so the company of a track
# depends on its class. We send the training and validation tracks through sixteen at a time, once in random order and
# once as the sorted list has them. An **SVM** judges by cross-validation over artists: it answers only about artists
# that it has not learned from. The test tracks wait.

# %%
SVM = make_pipeline(StandardScaler(), SVC(C=10))
probed = sorted(rng.permutation(ids["train"] + ids["valid"])[:PROBE_TRACKS])
truth = tracks.loc[probed]
folds = StratifiedGroupKFold(min(5, truth["group"].nunique()), shuffle=True, random_state=SEED)


def guess(X, y):
    """Cross-validated answers: a row for each track, 1 for the class that the SVM names."""
    return np.eye(y.max() + 1)[cross_val_predict(SVM, X.loc[y.index], y, groups=truth["group"][y.index], cv=folds)]


def score(y, proba):
    """Accuracy and more, with intervals over artists."""
    return evaluate.scores(y, proba, groups=tracks["group"][y.index], seed=SEED)


def in_company(order, size=16):
    """Features of tracks that go through the network in this order, normalized by the so many of a batch."""
    parts = [order[i : i + size] for i in range(0, len(order), size)]
    return pd.DataFrame(np.concatenate([freeze(careless, excerpts(part)) for part in parts]), order)


# %% tags=["key-figure"]
careless, chance = convnet(loudest), 1 / len(dataset.classes)
careless.set_weights(networks[source].get_weights())
orders = {"random order": rng.permutation(probed), "the order of classes": truth.sort_values(["label", "track_id"]).index}
company = {"frozen": kinds[source]} | {f"16 in {name}": in_company(order) for name, order in orders.items()}
ways = {name: guess(X, Y[probed]) for name, X in company.items()}
rows = pd.DataFrame({name: score(Y[probed], proba) for name, proba in ways.items()}).T
fig, ax = plotting.intervals(rows, chance=chance)
ax.set_title(f"{source}: normalized by which tracks? {len(probed)} tracks of {DATASET}, cross-validated", fontsize=9)
plt.show()

# %%
def cite(row):
    """An accuracy with its interval."""
    return f"{row['accuracy']:.2f} [{row['accuracy_low']:.2f}, {row['accuracy_high']:.2f}]"


def against(name, other, answers, asked):
    """How much more accurate some answers are than others to the same tracks, in words."""
    found = evaluate.compare(Y[asked], answers[name], answers[other], groups=tracks["group"][asked], seed=SEED)
    gain, low, high = (found[f"difference{end}"] for end in ("", "_low", "_high"))
    verdict = "more" if low > 0 else "less" if high < 0 else "undecided"
    return f"{name} against {other} {gain:+.2f} [{low:+.2f}, {high:+.2f}], {verdict}"


worth = "; ".join(against(name, "frozen", ways, probed) for name in ways if name != "frozen")
accuracies = "; ".join(f"{name} {cite(row)}" for name, row in rows.iterrows())
Markdown(f"Same sound, same weights, same classifier, {len(probed)} tracks, chance {chance:.2f}. Accuracy: "
         f"{accuracies}. Track by track: {worth}.")  # fmt: skip

# %% [markdown]
# *Undecided* means that the interval of the difference holds 0. Tracks of *one* class in a batch have much in common,
# and normalization subtracts just that. There is a second trap, more treacherous: a batch of *a few* neighbouring
# classes differs from the next one, and so its mean can label its members, those that are tested included. Accuracy
# may then even rise, although nothing was learned about music (exercise 2). If your figures differ from a paper's,
# look here first.
#
# ## Which block serves which task?
#
# Choi et al. found that low blocks serve tempo and rhythm, and high blocks genre. Ask ours: each block alone answers
# each question. What is the class? Where the dataset knows more, as the demo music does, also: is the tempo slow,
# medium or fast (a third of the tracks each), and what is the keynote? The judge is the same cross-validated SVM.
# *The label itself* says how well somebody answers who knows the class and hears nothing.

# %%
questions = {"class": truth["label"]}
if {"tempo", "key"} <= set(truth) and truth["tempo"].notna().all():
    questions["tempo"] = pd.qcut(truth["tempo"].astype(float), 3, labels=False, duplicates="drop")
    questions["keynote"] = truth["key"].str.split().str[0]
blocks = {name: X for name, X in kinds.items() if name.startswith("musicnn")}
blocks |= {f"{source}, block {k + 1}": kinds[source].iloc[:, 32 * k : 32 * k + 32] for k in range(len(POOLS))}
known = blocks | {"summary features": summary, "the label itself": pd.get_dummies(tracks["label"]).astype(float)}
by_task = {}
for task, y in questions.items():
    y = y[y.map(y.value_counts()) >= folds.n_splits]  # rarer answers cannot be learned in every fold
    if y.nunique() > 1:
        y = pd.Series(pd.factorize(y, sort=True)[0], y.index)
        by_task[task] = pd.DataFrame({name: score(y, guess(X, y)) for name, X in known.items()}).T

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, len(by_task), figsize=(3 + 2.2 * len(by_task), 4.6), sharey=True, squeeze=False)
for ax, (task, found) in zip(axes[0], by_task.items()):
    plotting.intervals(found, chance=found["chance"].iloc[0], ax=ax)
    ax.set(xlim=(0, 1.2), xlabel="", title=task)
fig.supxlabel(f"accuracy (dot) and 95 % interval (bar), {len(probed)} tracks of {DATASET}, cross-validated", fontsize=10)
plt.show()

# %%
best = {task: found.loc[[*blocks], "accuracy"].idxmax() for task, found in by_task.items()}
others = ["summary features", "the label itself"]
told = [f"**{task}**: " + ", ".join(f"{k} {cite(found.loc[k])}" for k in [best[task], *others])
        + f", chance {found['chance'].iloc[0]:.2f}" for task, found in by_task.items()]  # fmt: skip
Markdown("The best block for each question. " + "; ".join(told) + ".")

# %% [markdown]
# The best of many blocks is flattered a little; the figure shows how close the others come. A block that beats *the
# label itself* for tempo has heard tempo, not only genre. For the keynote expect little of any block: maxima and
# averages over frequency make a pattern count the same at every height, and what is lost there no classifier gets
# back. The summary features hold chroma, which is made for it. So choose the block for the task: the last one is the
# nearest to the tags, and not always the best.
#
# ## The test
#
# Now the test tracks, once. *From scratch* is the network of notebook 05, which learned from the same training tracks
# and nothing else. All features get two classifiers, the SVM and **logistic regression**, each with one fixed setting
# that was not chosen here. If a result hangs on the classifier, it is not a property of the features. One number, the
# **temperature**, fits their probabilities to the validation tracks.

# %%
REGRESSION, Y_test = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)), Y[ids["test"]]


def judge(X, model):
    """Learn from the training tracks; return the answers to the test tracks."""
    model.fit(X.loc[ids["train"]], Y[ids["train"]])
    far = [model.decision_function(X.loc[ids[side]]) for side in ("valid", "test")]
    valid, test = (softmax(z if z.ndim == 2 else np.stack([-z, z], axis=1), axis=1) for z in far)
    return evaluate.temper(test, evaluate.fit_temperature(Y[ids["valid"]], valid))


# %% tags=["key-figure"]
said = {how: {name: judge(X, model) for name, X in kinds.items()}
        for how, model in {"SVM": SVM, "logistic regression": REGRESSION}.items()}  # fmt: skip
from_scratch = Path(OUT_DIR, "predictions", f"{NETWORKS_FROM}-convpool.parquet")
if not from_scratch.exists():
    run_first("05_convpool", globals(), RUN_NAME=NETWORKS_FROM)
lr = said["logistic regression"] | {"from scratch (05)": pd.read_parquet(from_scratch).loc[Y_test.index].to_numpy()}
rows = pd.DataFrame({name: score(Y_test, proba) for name, proba in lr.items()}).T
fig, ax = plotting.intervals(rows, chance=chance)
ax.set_title(f"Logistic regression, {len(Y_test)} test tracks of {DATASET} ({split.rule})", fontsize=9, wrap=True)
plt.show()

# %%
scratch, top = rows.loc["from scratch (05)"], rows["accuracy"].idxmax()
pairs = [("musicnn penultimate", "convnet"), ("convnet", "untrained convnet")]
pairs += [(k, other) for k in ("musicnn penultimate", source) for other in ("summary features", "from scratch (05)")]
paired = "; ".join(against(*pair, lr, Y_test.index) for pair in pairs if set(pair) <= set(lr))
Markdown(f"The most accurate is {top}, {cite(rows.loc[top])} (n = {len(Y_test)}, chance {chance:.2f}). "
         f"On the same tracks: {paired}.")  # fmt: skip

# %% [markdown]
# A small test leaves wide intervals. What two models have in common cancels out in their difference, track by track,
# so the differences say more than two intervals that overlap.
#
# Both classifiers, and the price: how many numbers describe a track, and for a network its parameters and its size.

# %%
table = {how: {k: cite(score(Y_test, p)) for k, p in found.items()} for how, found in said.items()}
table = pd.DataFrame(table | {"numbers": {name: X.shape[1] for name, X in kinds.items()}})
networks |= {"musicnn penultimate": keras.Model(musicnn.input, outputs["penultimate"])} if musicnn_file else {}
price = {name: f"{n.count_params():,} ({4e-6 * n.count_params():.2f} MB)" for name, n in networks.items()}
table.assign(parameters=pd.Series(price)).fillna("")

# %% [markdown]
# ## How many tracks does pretraining save?
#
# Here is the reason to do all this. Labels are expensive: somebody has to listen. Give each kind of features only 1,
# 2, 5, ... tracks of each class and ask about the same test tracks: **few-shot** learning. Which tracks these are is
# luck, so the draw is repeated; it takes one track of each artist before a second of any. The bar in the figure is
# the spread over draws, the luck of the choice alone. The test tracks are the same everywhere, and few.

# %%
def draw(n, seed):
    """At most n training tracks of each class, of as many artists as possible."""
    pool = tracks.loc[ids["train"]].sample(frac=1, random_state=seed)
    turn = pool.groupby(["label", "group"]).cumcount()
    return pool.loc[turn.sort_values(kind="stable").index].groupby("label").head(n).index.tolist()


most = int(Y[ids["train"]].value_counts().max())
shots = [n for n in SHOTS if n < most] + [most]
compared = [name for name in kinds if name.split()[-1] in ("penultimate", "convnet", "features")]
curve = [(name, n, REGRESSION.fit(kinds[name].loc[some], Y[some]).score(kinds[name].loc[Y_test.index], Y_test))
         for n in shots for some in [draw(n, seed) for seed in range(DRAWS if n < most else 1)] for name in compared]
curve = pd.DataFrame(curve, columns=["features", "tracks", "accuracy"]).groupby(["tracks", "features"])["accuracy"]
mean, spread = curve.mean().unstack()[compared], curve.std().fillna(0.0).unstack()[compared]

# %% tags=["key-figure"]
ax = mean.plot(style="o-", yerr=spread, capsize=3, logx=True, figsize=(9, 4.4))
ax.axhline(scratch["accuracy"], color="0.3", ls="--", label="from scratch (05), all tracks")
ax.axhline(chance, color="0.5", ls=":", label="chance")
ax.set_xticks(shots, [*map(str, shots[:-1]), f"all ({most})"])
ax.minorticks_off()
ax.set(ylim=(0, 1.02), xlabel="labelled tracks of each class (logarithmic)", ylabel="accuracy on the test tracks",
       title=f"{len(Y_test)} test tracks of {DATASET}; bar: standard deviation over {DRAWS} draws")  # fmt: skip
ax.legend(loc="upper left", fontsize=8, ncols=2)
plt.show()

# %%
reached = {k: next((f"reaches that level with {n}" for n in shots if mean[k][n] >= scratch["accuracy"]), "never reaches that level")
           for k in compared}  # fmt: skip
told = [f"{k} climbs from {mean[k].iloc[0]:.2f} ± {spread[k].iloc[0]:.2f} to {mean[k].iloc[-1]:.2f} and {reached[k]}"
        for k in compared]  # fmt: skip
Markdown(f"From scratch, up to {most} tracks of each class bring {cite(scratch)} (n = {len(Y_test)}, chance {chance:.2f}). "
         f"The curves, from {shots[0]} track of each class to all: " + "; ".join(told) + ".")  # fmt: skip

# %% [markdown]
# The bars do not contain the luck of the test, so a curve that crosses the dashed line has not been proved better.
# Look at the left end: with few labels it matters most what a network brings along. Where the untrained curve keeps
# up with the pretrained one, the training had nothing to add.
#
# ## Log-mels in, classes out
#
# A network can be saved as one file that needs no second library. Logistic regression *is* a dense layer with
# softmax, and its scaling a normalization: put both, as a **head**, behind the frozen extractor. musicnn's head
# learns from single windows, which vote for a track, so the file can also say what happens when. Beside the weights
# the file carries a card with sample rate, mel bands and length of a clip, so `helpers.classify` gives the network
# the input it knows without being told.

# %% tags=["architecture"]
def with_head(extractor, model, name):
    """The extractor, and a fitted logistic regression as its last two layers."""
    scaler, line = (step for _, step in model.steps)
    W, b = (v if len(line.classes_) > 2 else np.concatenate([-v, v]) / 2 for v in (line.coef_, line.intercept_))
    S_db = layers.Input((None, 96, 1))
    X = layers.Normalization(mean=scaler.mean_, variance=scaler.scale_**2)(extractor(S_db))
    answer = layers.Dense(len(W), activation="softmax")
    network = keras.Model(S_db, answer(X), name=name)
    answer.set_weights([W.T, b])
    return network


# %%
SHORT = {"musicnn penultimate": "musicnn", "untrained convnet": "untrained", "convnet": "msd"}
for name in [name for name in SHORT if name in networks]:
    X, store, n_frames, svm = kinds[name], heard, clip_frames, said["SVM"][name]
    if name.startswith("musicnn"):
        X, store, n_frames = windows[X.columns], wide, WINDOW
    networks[name].trainable = False
    train, valid, test = (X.loc[ids[side]] for side in ("train", "valid", "test"))
    REGRESSION.fit(train.to_numpy(), Y[train.index])
    votes = pd.DataFrame(REGRESSION.predict_proba(test.to_numpy()), test.index).groupby(level=0).mean().loc[Y_test.index]
    network = with_head(networks[name], REGRESSION, f"{SHORT[name]}-head")
    loss = evaluate.log_loss(Y[valid.index], REGRESSION.predict_proba(valid.to_numpy()))
    more = {"inputs": {**store.params, "clip_frames": n_frames}, "best_val_loss": loss, "proba": votes.to_numpy()}
    control = {"ablation": name == "untrained convnet"}
    path = experiment.record(f"{SHORT[name]}-head", score(Y_test, votes), network=network, **more, **control)
    print(f"{path}: {evaluate.describe(score(Y_test, votes))}")
    experiment.record(f"{SHORT[name]}-svm", score(Y_test, svm), proba=svm, features=name, **control)

# %%
clip, expected = clips.cut(store.frames(Y_test.index[0]), 0, n_frames), REGRESSION.predict_proba(test[:1].to_numpy())
answer = evaluate.predict(keras.models.load_model(path, safe_mode=True), clip[None, ..., None])
print("the saved network answers like the regression:", np.allclose(answer, expected, atol=1e-3))

# %% [markdown]
# ## What we learned

# %%
Markdown(
    f"- Normalized by batches of 16 tracks instead of frozen statistics, the {source} changes in accuracy: {worth}.\n"
    f"- The best block for each question: " + "; ".join(f"{task}: {name}" for task, name in best.items()) + ".\n"
    f"- With {shots[0]} track of each class: " + ", ".join(f"{k} {mean[k].iloc[0]:.2f}" for k in compared)
    + f". With all, {top} is highest, {cite(rows.loc[top])}; from scratch {cite(scratch)}."
    + " This music is synthetic: nothing about real music follows." * (DATASET in datasets.RENDERED))  # fmt: skip

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. Your features of a track change when you extract them in another order. What is wrong?</summary>
#
# The network normalizes by the batch at hand. Freeze its statistics, or call it with `training=False` if it has
# collected any.
#
# </details>
#
# <details><summary>2. A pretrained network beats your baseline by ten points. Why also ask an untrained one?</summary>
#
# Even random filters describe a sound. Only the distance to them is what the training has added.
#
# </details>
#
# <details><summary>3. Two intervals overlap. May one set of features still be proved better than the other?</summary>
#
# Yes. Both answered the same tracks, and easy and hard tracks cancel out in the difference. What counts is whether
# the interval of the *difference* holds 0.
#
# </details>
#
# ## Exercises
#
# ### 1. The wrong sample rate
#
# Train logistic regression on the convnet's features as they are, and test it on features that the same frozen
# network makes from the log-mels at 16 kHz. What does the mistake cost, and what would have warned you? *Hint:
# `wide`, and* `experiment.every_clip(ids["test"], store=wide, clip_frames=clip_frames)`.

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. A few classes in a batch
#
# Features published for GTZAN were made 256 of 1,000 sorted tracks at a time: 2.56 of ten classes in a batch. Do the
# same here. Does accuracy fall or rise against frozen statistics? *Hint: `in_company` has a second argument.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. Is it the same network?
#
# Choi et al. also published the weights of a **CRNN**, and what it answers to four songs: *jazz* with 0.444 to "cute",
# *jazz* with 0.416 to "actionable", *Hip-Hop* with 0.245 to "dubstep", *jazz* with 0.299 to "thejazzpiano". Rebuild the
# network, so that all four come out to three decimals. Facts of their code: log-mels of 1366 frames, 37 frames of zeros
# on both sides, a first normalization for each *moment*, four convolutions of 3 × 3 with 64, 128, 128 and 128 filters,
# each followed by batch normalization, ELU and pooling by 2, 3, 4 and 4, two GRUs of 32, and 50 tags. Which mistake
# would you not have noticed without the published answers? *Hint: the GRUs are of an older make,* `reset_after=False,
# recurrent_activation="hard_sigmoid"`; `published.crnn_weights` *has the arrays in order, and the songs' log-mels are*
# `data/bensound-*.npy` *in* keunwoochoi/music-auto_tagging-keras; *put them into* `data/weights/examples`.

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# Notebook 11 looks at the mistakes of all models. Notebook 13 recommends music with what musicnn noticed.
#
# **References.** J. Pons, X. Serra, *musicnn: pre-trained convolutional neural networks for music audio tagging*,
# ISMIR late-breaking, 2019. K. Choi, G. Fazekas, M. Sandler, K. Cho, *Transfer learning for music classification and
# regression tasks*, ISMIR 2017 (the convnet, its GTZAN features), and *Convolutional recurrent neural networks for
# music classification*, ICASSP 2017 (the CRNN). J. Pons, X. Serra, *Randomly weighted CNNs for (music) audio
# classification*, ICASSP 2019 (the untrained control). T. Bertin-Mahieux et al., *The Million Song Dataset*, ISMIR
# 2011. S. Ioffe, C. Szegedy, *Batch normalization*, ICML 2015.
