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
# # Feature baselines
#
# *reading 10 minutes · computing 1 minute · needs nothing: it makes features and split itself · writes `models/`, `metrics/`, `predictions/`*
#
# Before a network may read spectrograms, ask what a table can do: one row a track, one column a number, such as its
# brightness. Which of these numbers carry genre, and how many of them does it take? We compare feature sets and
# classical models on one split, beside a small dense network. The result is the **baseline**: what every later notebook
# has to beat.
#
# **You will learn**
#
# - how to compare feature sets so that the difference is the features and not the split;
# - which features carry genre, alone and together, and what decibels are worth;
# - how to choose the smallest set that keeps up with the best, and whether the test agrees.
#
# **Before you start**: notebook 02 makes the features, notebook 03 explains the split and cross-validation.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]

# %% tags=["imports"]
import re
import time

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML, Markdown
from scipy.special import softmax
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit, cross_val_predict, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight

from helpers import evaluate, features, plotting
from helpers.experiment import Experiment
from helpers.splits import StratifiedGroupKFold

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "04_feature_baselines"  # name of this step in the leaderboard
SEARCH_TRACKS: int = 2000  # most tracks that cross-validation uses
MODELS: list = ["logistic regression", "SVM", "k-NN", "random forest"]  # classical models that are compared
EPOCHS: int = 60  # most epochs to train
PATIENCE: int = 6  # stop after so many epochs without a better validation loss
BALANCED: bool = False  # draw all classes equally often in training
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## Tracks as rows of numbers
#
# The **summary features** of notebook 02 are the subject: mean and standard deviation, over all frames of a track, of
# each classical measure. `Experiment` does in one call what notebook 03 builds step by step: it loads the tracks,
# computes the features that are not there yet, and takes the split that every notebook of the series meets. No artist
# and no near-duplicate stands on two sides of it. The music is synthetic unless you change `DATASET`.

# %%
experiment = Experiment(globals())
summary = experiment.extract(features.extract_summary)
experiment.keep(summary.index)
dataset, tracks, split, ids, Y = (experiment.dataset, experiment.tracks, experiment.split, experiment.ids, experiment.Y)
X, CHANCE = summary.loc[tracks.index], 1 / len(dataset.classes)
print(experiment, f"X {X.shape} = (tracks, columns); Y {Y.shape}", sep="\n")

# %% [markdown]
# ### Five families
#
# - **spectral**: six numbers about the shape of the spectrum, such as its centre of gravity (heard as brightness);
# - **contrast**: the distance between peaks and valleys in seven bands, which tells clear notes from noise;
# - **chroma**: how much of each pitch class sounds, whatever the octave; with 24 bins it tells quarter tones apart;
# - **MFCC**: the shape of the log-mel spectrum in few numbers, from coarse to fine;
# - **mel**: the level in mel bands itself, as power or in decibels.
#
# A regular expression picks the columns of a family from the table. The statistic says whether we want means, standard
# deviations, or both.

# %%
FAMILIES = {
    "spectral": "zero_crossing_rate|rms|centroid|bandwidth|rolloff|flatness",
    "contrast": r"contrast_\d",
    "chroma": "chroma_.+",
    "MFCC": r"mfcc_\d+",
    "mel dB": r"mel_db_\d+",
}


def columns(measures, statistics="mean"):
    """Columns of the table for these measures."""
    return [c for c in X if re.fullmatch(f"({measures})_({statistics})", c)]


# %% [markdown]
# ### The feature sets
#
# The classical sets: seven spectral means (one of them the contrast of all bands), chroma, MFCC and mel at two sizes
# each, mel as power and in decibels, and MFCC with the six spectral means. *All* takes each family once, at its usual size: first its
# means, then its standard deviations as well. The other columns of the table are the same measures at other sizes.

# %%
every, ALL = "|".join(FAMILIES.values()), "all + deviations"
sets = {
    "spectral 7": columns(FAMILIES["spectral"] + "|contrast"),
    "chroma 12": columns(FAMILIES["chroma"]),
    "chroma 24": columns(r"chroma24_\d+"),
    "MFCC 12": columns(r"mfcc_(0\d|1[012])"),
    "MFCC 24": columns(FAMILIES["MFCC"]),
    "mel 12, power": columns(r"mel12_power_\d+"),
    "mel 12, dB": columns(r"mel12_db_\d+"),
    "mel 24, power": columns(r"mel_power_\d+"),
    "mel 24, dB": columns(FAMILIES["mel dB"]),
    "MFCC 24 + spectral 6": columns(FAMILIES["MFCC"] + "|" + FAMILIES["spectral"]),
    "all means": columns(every),
    ALL: columns(every, "mean|std"),
}

# %% [markdown]
# ## One split for all
#
# First a common mistake: a new random split for each feature set. What does the draw alone do? Take one model and two
# sets, and divide twenty times. The test tracks stay out of this: we draw from training and validation tracks only, and
# groups (artists) stay whole. At most `SEARCH_TRACKS` take part, because the cost of some models grows with the square
# of their number.

# %%
dev = pd.Series(split.ids("train", "valid"))
dev = dev.sample(min(SEARCH_TRACKS, len(dev)), random_state=SEED).sort_index().tolist()
groups = tracks.loc[dev, "group"]
draws = list(GroupShuffleSplit(20, test_size=0.3, random_state=SEED).split(dev, groups=groups))


def redrawn(table, *steps):
    """Accuracy of a logistic regression in each of the random splits."""
    model = make_pipeline(*steps, LogisticRegression(max_iter=5000))
    return cross_val_score(model, table, Y[dev], cv=draws, n_jobs=-1)


more, fewer = (redrawn(X.loc[dev, sets[name]], StandardScaler()) for name in ("MFCC 24", "MFCC 12"))
same, own = 100 * (more - fewer), 100 * np.subtract.outer(more, fewer)[~np.eye(len(draws), dtype=bool)]

# %%
fig, ax = plt.subplots(figsize=(8, 2.8))
for row, points in enumerate([own, same]):
    ax.plot(points, row + np.linspace(-0.25, 0.25, len(points)), ".", color=f"C{row}", alpha=0.3 + 0.5 * row)
ax.set_yticks([0, 1], ["own split\neach", "identical\nsplit"])
ax.axvline(0, color="0.5", lw=1)
ax.set(ylim=(1.5, -0.5), xlabel="points of accuracy", title="Lead of MFCC 24 over MFCC 12; each dot is a pair of tests")
plt.show()

# %%
Markdown(
    f"The draw alone moves one model on MFCC 24 from {more.min():.2f} to {more.max():.2f} (chance {CHANCE:.2f}). Its lead over "
    f"MFCC 12 is {same.mean():+.1f} points on average. On splits of their own, the lead has a standard deviation of "
    f"{own.std():.1f} points and MFCC 12 comes out ahead in {(own < 0).mean():.0%} of the pairs; on identical splits, "
    f"{same.std():.1f} points and {(same < 0).mean():.0%}: {'less' if same.std() < own.std() else 'no less'} luck."
)

# %% [markdown]
# A split that is easy for one set tends to be easy for the other, and on the same split this luck cancels. So from here
# on every set and every model meets the same folds.
#
# A second common mistake: to fit the scaler before the split, so that mean and variance come partly from the tracks that are held out. The
# pipeline above fits it inside each split, and costs nothing. Do it the wrong way, once.

# %%
gain, luck = 100 * (redrawn(StandardScaler().fit_transform(X.loc[dev, sets["MFCC 24"]])) - more), 100 * more.std()
Markdown(
    f"A scaler that has seen the held-out tracks changes the accuracy by {gain.mean():+.1f} points on average, in single splits "
    f"by {gain.min():+.1f} to {gain.max():+.1f}. That is {'small' if abs(gain.mean()) < luck / 2 else 'not small'} beside the "
    f"standard deviation of the draws, {luck:.1f} points."
)

# %% [markdown]
# ## Four classical models
#
# - **logistic regression** draws one flat border for each class;
# - a **support vector machine** (SVM) draws curved borders, held by the tracks that lie next to them;
# - **k nearest neighbours** (k-NN) learns nothing: it asks the most similar training tracks;
# - a **random forest** asks fifty decision trees, each grown on another sample of tracks, with few columns to choose from at
#   each branch.
#
# Most have a setting to choose, so each is a list of candidates. `BALANCED` makes rare classes weigh as much as frequent
# ones; k-NN knows no such weight.

# %%
weight = "balanced" if BALANCED else None
models = {
    "logistic regression": [LogisticRegression(C=C, class_weight=weight, max_iter=5000) for C in (0.01, 0.1, 1, 10)],
    "SVM": [SVC(C=C, class_weight=weight) for C in (0.1, 1, 10, 100)],
    "k-NN": [KNeighborsClassifier(k, weights="distance") for k in (1, 3, 7, 15) if k <= len(dev) / 2],
    "random forest": [RandomForestClassifier(50, class_weight=weight, random_state=SEED)],
}

# %% [markdown]
# Who chooses the setting? Not the test set. **Cross-validation** divides the training and validation tracks into five
# folds, by group, and predicts each fold from the other four. So every track is answered once by a model that does not
# know its artist. The best setting's figure flatters a little, because these tracks have chosen it; so the test comes later.

# %%
grouped = StratifiedGroupKFold(min(5, groups.nunique()), shuffle=True, random_state=SEED)
truth, kinds, folds = Y[dev].to_numpy(), np.eye(len(dataset.classes)), list(grouped.split(dev, Y[dev], groups))


def cross_validate(candidates, chosen):
    """The best of the candidates on some columns, and its answers."""
    tried, table = [make_pipeline(StandardScaler(), candidate) for candidate in candidates], X.loc[dev, chosen]
    answers = [cross_val_predict(model, table, truth, cv=folds, n_jobs=-1) for model in tried]
    best = np.argmax([np.mean(answer == truth) for answer in answers])
    return tried[best], answers[best]


def accuracy(answer):
    """Accuracy of answers, with its 95 % interval over groups."""
    return evaluate.mean_score("accuracy", answer == truth, groups=groups, seed=SEED)


def lead(first, other):
    """Points by which answers lead others to the same tracks, with their 95 % interval."""
    found = evaluate.compare(truth, kinds[first], kinds[other], groups=groups, seed=SEED)
    return {f"points{end}": 100 * found[f"difference{end}"] for end in ("", "_low", "_high")}


# %%
pipelines, answers = {}, {}
for name, chosen in sets.items():
    for model in MODELS:
        pipelines[name, model], answers[name, model] = cross_validate(models[model], chosen)
cv = pd.DataFrame({key: accuracy(answer) for key, answer in answers.items()}).T
accuracies = cv["accuracy"].unstack().loc[list(sets), MODELS]
told = cv.apply(lambda row: "{:.2f} [{:.2f}, {:.2f}]".format(*row), axis=1).unstack().loc[list(sets), MODELS]
coloured = told.style.background_gradient("Blues", gmap=accuracies, axis=None).set_uuid("cv")
HTML(coloured.set_caption(f"Cross-validated accuracy of {len(dev)} tracks, chance {CHANCE:.2f}").to_html())

# %%
by_set, by_model = accuracies.mean(axis=1), accuracies.mean()
yardstick, spread = by_model.idxmax(), [100 * mean.std() for mean in (by_set, by_model)]
Markdown(
    f"Averaged over the models, *{by_set.idxmax()}* is the best set and *{by_set.idxmin()}* the worst; the sets have a "
    f"standard deviation of {spread[0]:.1f} points. Averaged over the sets, *{yardstick}* is the best model and "
    f"*{by_model.idxmin()}* the worst; the models have one of {spread[1]:.1f}. Among those tried here, the choice of "
    f"{'features' if spread[0] > spread[1] else 'a model'} moves the figure more. From here on, *{yardstick}* is the yardstick."
)

# %% [markdown]
# ### What decibels are worth
#
# Power grows by a factor of ten with every 10 dB, so a few loud tracks lie far out and all others crowd near zero. After
# scaling they still crowd. Decibels, the logarithm, spread them out. What is that worth in points of accuracy?

# %%
pairs = {(n, m): (answers[f"mel {n}, dB", m], answers[f"mel {n}, power", m]) for m in MODELS for n in (12, 24)}
decibels = pd.DataFrame({f"{m}, {n} bands": lead(*pair) for (n, m), pair in pairs.items()}).T
decibels.round(1)

# %%
most = decibels["points"].idxmax()
above, below = (decibels["points_low"] > 0).sum(), (decibels["points_high"] < 0).sum()
Markdown(
    "Decibels instead of power gain most for *{}*: {:.1f} points, interval {:.1f} to {:.1f}. Of the {} intervals, {} lie "
    "wholly above zero and {} wholly below.".format(most, *decibels.loc[most], len(decibels), above, below)
)

# %% [markdown]
# The comparison is paired: both answered the same tracks. One artefact stays: the mean of decibels is not the decibel of
# the mean, so the logarithm also changes what is averaged (see the exercises).
#
# ## Alone and missed
#
# Now the families, with means and standard deviations. What can the yardstick do with one family **alone**? And if it
# has all families but one, how far does it fall: what is **missed**? The two need not agree.

# %%
rows = {}
for name, family in FAMILIES.items():
    key = f"{name} + deviations", yardstick
    sets[key[0]] = columns(family, "mean|std")
    pipelines[key], answers[key] = cross_validate(models[yardstick], sets[key[0]])
    _, without = cross_validate(models[yardstick], [c for c in sets[ALL] if c not in sets[key[0]]])
    rows[name] = accuracy(answers[key]) | lead(answers[ALL, yardstick], without)
importance = pd.DataFrame(rows).T
importance.round(3)

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 3.2), sharey=True)
plotting.intervals(importance, chance=CHANCE, ax=axes[0])[1].set_title(f"Alone: {yardstick}, cross-validated")
plotting.intervals(importance, metric="points", ax=axes[1])
axes[1].axvline(0, color="0.5", lw=1)
ends = importance["points_low"].min() - 2, importance["points_high"].max() + 4
axes[1].set(xlim=ends, xlabel="points lost (dot) and 95 % interval (bar)", title="Lost when this family is left out")
plt.show()

# %%
sure, alone, missed = importance.index[importance["points_low"] > 0], importance["accuracy"], importance["points"]
Markdown(
    f"Alone, *{alone.idxmax()}* carries most ({alone.max():.2f}) and *{alone.idxmin()}* least ({alone.min():.2f}). Missed "
    f"most is *{missed.idxmax()}*, {missed.max():.1f} points. Families whose interval lies above zero: "
    f"{', '.join(sure) or 'none'}. For the others these tracks show no clear loss, though up to "
    f"{importance.loc[importance['points_low'] <= 0, 'points_high'].max():.1f} points are possible."
)

# %% [markdown]
# Correlated families share their importance. MFCC are computed from mel bands in decibels, so each says much of what the
# other says: leave one out, and the other can stand in for it. So a loss is small beside what the family carries alone.
#
# ## The smallest set that keeps up
#
# The highest figure in a table of many is partly luck, and a larger set often comes out a little higher. Which sets lie
# *clearly* behind? All answered the same tracks, so take the difference to the best, paired track by track, with its
# interval. Where the interval holds 0, these tracks cannot tell the two apart: the set **keeps up**, though it may be as far
# behind as the upper end says. Of the sets that keep up, we choose the one with the fewest columns.

# %%
rows = {name: accuracy(answers[name, yardstick]) | {"columns": len(chosen)} for name, chosen in sets.items()}
measured = pd.DataFrame(rows).T.sort_values(["columns", "accuracy"], ascending=[True, False])
size, value, best = measured["columns"].astype(int), measured["accuracy"], measured["accuracy"].idxmax()
behind = pd.DataFrame({name: lead(answers[best, yardstick], answers[name, yardstick]) for name in measured.index}).T
smallest = measured.index[behind["points_low"] <= 0][0]
measured.join(behind.add_prefix("behind_")).round(3)

# %% tags=["key-figure"]
fig, ax = plt.subplots(figsize=(8, 5.6))
plotting.intervals(behind.set_axis([f"{name} ({n})" for name, n in size.items()]), metric="points", ax=ax)
ax.plot(behind.loc[smallest, "points"], behind.index.get_loc(smallest), "o", ms=15, mfc="none", mec="C1", label="the choice")
ax.axvline(0, color="0.5", lw=1, label=f"the best: {best}")
ends = min(0, behind["points_low"].min()) - 2, behind["points_high"].max() + 6
ax.set(xlim=ends, xlabel="points behind the best (dot) and 95 % interval (bar)", title=f"{yardstick}, {len(dev)} tracks")
fig.legend(loc="outside lower center", ncols=2)
plt.show()

# %%
told = f"No smaller set keeps up, so we stay with *{best}*: here its columns have earned their place."
if smallest != best:
    lag = "{:.1f} points behind [{:.1f}, {:.1f}]".format(*behind.loc[smallest])
    told = f"The smallest that keeps up is *{smallest}* with {size[smallest]} columns, {value[smallest]:.3f}: "
    told += f"{size[best] - size[smallest]} columns fewer, and {lag}."
Markdown(f"Best is *{best}* with {size[best]} columns, {value[best]:.3f}. {told}")

# %% [markdown]
# ## A dense network
#
# Three hidden layers of 128, 64 and 32 units, trained once and not tuned. Each unit is a weighted sum of all numbers before it, with negative sums set to
# zero. The first layer scales, with means and variances of the training tracks, and is saved with the network. There is
# no time and no frequency axis here: the columns may stand in any order.


# %%
def dense(chosen, widths=(128, 64, 32)):
    """A network of dense layers for some columns of the table."""
    known = X.loc[ids["train"], chosen].to_numpy()
    layers = [keras.layers.Input((len(chosen),)), keras.layers.Normalization(mean=known.mean(axis=0), variance=known.var(axis=0))]
    layers += [keras.layers.Dense(width, activation="relu") for width in widths]
    layers += [keras.layers.Dense(len(dataset.classes), activation="softmax")]
    return keras.Sequential(layers)


keras.utils.set_random_seed(SEED)
network = dense(sets[ALL])
batch = X.loc[ids["train"], sets[ALL]].to_numpy()[: experiment["BATCH_SIZE"]]
for layer in network.layers:
    batch = layer(batch)
    print(f"after {type(layer).__name__:13} {tuple(batch.shape)} = (tracks, numbers)")

# %% [markdown]
# Where parameters outnumber tracks, a network can learn every training track by heart. **Early stopping** watches the
# loss on the validation tracks, how wrong the answers are and how sure: when `PATIENCE` epochs bring nothing lower, training ends and goes back to the best
# epoch. A batch is made of tracks here, where other notebooks have clips.

# %%
arrays = {side: (X.loc[ids[side], sets[ALL]].to_numpy(), Y[ids[side]].to_numpy()) for side in ids}
network.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
stop, begin = keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True), time.perf_counter()
history = network.fit(
    *arrays["train"], sample_weight=compute_sample_weight(weight, arrays["train"][1]), validation_data=arrays["valid"],
    epochs=EPOCHS, batch_size=experiment["BATCH_SIZE"], callbacks=[stop], verbose=0,
).history  # fmt: skip
history["seconds"] = time.perf_counter() - begin

# %%
plotting.history({"dense": history}, metric="loss")[1].set_title("The dot marks the weights that are kept")
plt.show()
kept, ran, size_of = int(np.argmin(history["val_loss"])), len(history["loss"]), network.count_params()
Markdown(
    f"The network has {size_of:,} parameters, {size_of / len(ids['train']):.0f} for each training track. Its validation loss "
    f"was lowest in epoch {kept + 1} of {ran}, and {'early stopping' if ran < EPOCHS else 'the limit of `EPOCHS`'} ended the "
    f"training. Right in that epoch: {history['accuracy'][kept]:.0%} of the training tracks, "
    f"{history['val_accuracy'][kept]:.0%} of {len(ids['valid'])} validation tracks."
)

# %% [markdown]
# ## The test
#
# All choices are made, so now the test tracks, once: each model on *all + deviations*, and the yardstick on the set that the
# rule chose (`features-smallest`), if that is a smaller one. The rule is a bet that fewer columns do about as well. The bet
# is lost if the smaller set does worse in the test and the interval of the difference leaves out 0. Whatever the test says, the choice stays,
# or the test set would have become a second validation set.
#
# The models learn from the training tracks alone, as the networks of the series do, so that their rows are comparable. One row
# more, `-both`, is the yardstick taught by training and validation tracks. Set it beside models that have learned from both.
#
# An SVM answers with distances from its borders, not with probabilities. **Softmax** turns distances into numbers that
# add up to one. Then one number, the **temperature**, fitted on the validation tracks, makes the probabilities of each
# classical model as sure as those tracks justify. It does not change which class comes first. `difference` is the accuracy minus that of the yardstick on
# all columns, paired track by track.


# %%
def answer_test(name, model, more=()):
    """Probabilities of the test tracks, by a classical model that has learned from the training tracks, and from `more`."""
    found = []
    for taught, asked_about in ((ids["train"], ids["valid"]), ([*ids["train"], *more], ids["test"])):
        fitted, table = pipelines[name, model].fit(X.loc[taught, sets[name]], Y[taught]), X.loc[asked_about, sets[name]]
        if hasattr(fitted, "predict_proba"):
            found.append(fitted.predict_proba(table))
        else:
            far = fitted.decision_function(table)
            found.append(softmax(far if far.ndim == 2 else np.stack([-far, far], axis=1), axis=1))
    return evaluate.temper(found[1], evaluate.fit_temperature(Y[ids["valid"]], found[0]))


# %%
short = {"logistic regression": "logreg", "SVM": "svm", "k-NN": "knn", "random forest": "forest"}
proba = {f"features-{short[model]}": answer_test(ALL, model) for model in MODELS}
proba[f"features-{short[yardstick]}-both"] = answer_test(ALL, yardstick, more=ids["valid"])
proba["dense"] = evaluate.predict(network, arrays["test"][0])
if smallest != ALL:
    proba["features-smallest"] = answer_test(smallest, yardstick)
on = {name: smallest if name == "features-smallest" else ALL for name in proba}

# %%
classical, y_test = f"features-{short[yardstick]}", arrays["test"][1]
asked = {"groups": experiment.groups["test"], "seed": SEED}
scores = {name: evaluate.scores(y_test, p, **asked) for name, p in proba.items()}
paired = {name: evaluate.compare(y_test, p, proba[classical], **asked) for name, p in proba.items()}
table = pd.DataFrame(scores).T.assign(features=on).join(pd.DataFrame(paired).T.filter(like="difference"))
table.filter(regex="features|accuracy|difference|chance|n_test").round(3)

# %%
top, promised, found = table["accuracy"].idxmax(), cv.loc[(ALL, yardstick), "accuracy"], scores[classical]
told_apart = table.index[(table["difference_low"] > 0) | (table["difference_high"] < 0)]
lost = smallest != ALL and table.loc["features-smallest", "difference_high"] < 0
Markdown(
    f"`{top}` scores highest: {evaluate.describe(scores[top])}. Paired, track by track, these have an interval of the "
    f"difference to `{classical}` without 0: {', '.join(told_apart) or 'none'} ({len(table) - 1} comparisons, not corrected; see "
    f"notebook 11). Cross-validation had promised `{classical}` {promised:.2f}; its interval "
    f"in the test {'includes' if found['accuracy_low'] <= promised <= found['accuracy_high'] else 'does not include'} that."
    + ("" if smallest == ALL else f" The rule {'lost' if lost else 'did not lose'} its bet on `features-smallest`.")
)

# %% [markdown]
# ## Results
#
# One row for each model goes to the leaderboard, the table of all results. The smallest set was tried to show what columns are
# worth: such models are **ablations**, and have a table of their own. The network is saved as a
# `.keras` file with a card that names its columns and how they are made. The classical models are not saved: Python's
# usual way to do so is a pickle, and a pickle can run any code when it is loaded. Fitting them again takes a second.

# %%
inputs = {"kind": "summary", "sr": experiment["SR"], "max_seconds": experiment["MAX_SECONDS"], "excerpt": "middle", "columns": sets[ALL]}
for name, row in scores.items():
    told = ({"network": network, "history": history, "inputs": inputs} if name == "dense" else {}) | {"features": on[name], "ablation": name == "features-smallest"}
    print(experiment.record(name, row, proba=proba[name], **told))

# %% [markdown]
# ## What we learned

# %%
strongest = importance.loc[alone.idxmax()].to_dict() | {"n_test": len(dev), "chance": CHANCE}
Markdown(
    f"- The draw of a split moved one model from {more.min():.2f} to {more.max():.2f} (chance {CHANCE:.2f}); the lead of MFCC 24 "
    f"over MFCC 12 had a standard deviation of {own.std():.1f} points with a split each, {same.std():.1f} on the same one.\n"
    f"- Alone, *{alone.idxmax()}* carried most: {evaluate.describe(strongest)}. Missed most would be *{missed.idxmax()}*, by "
    f"{missed.max():.1f} points. For {yardstick} at 24 bands, decibels were worth "
    + "{:+.1f} points [{:+.1f}, {:+.1f}].\n".format(*decibels.loc[f"{yardstick}, 24 bands"])
    + f"- The smallest set that keeps up with the best was *{smallest}*, {size[smallest]} of {size[ALL]} columns. In "
    f"the test: {evaluate.describe(scores.get('features-smallest', found))}; all columns: {evaluate.describe(found)}; a dense "
    f"network on all of them: {evaluate.describe(scores['dense'])}.{' The bet was lost: *not told apart* is not *equally good*.' * bool(lost)}"
)

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. Two feature sets, each tested on a random split of its own: one scores four points more. Is it better?</summary>
#
# Nobody knows. The draw alone may move a figure by more. Ask for the same folds and for the interval of the difference.
#
# </details>
#
# <details><summary>2. A family does well alone, and nothing is lost without it. Is it useless?</summary>
#
# No. Others say the same, so either can go, but not both. Alone and missed answer two questions.
#
# </details>
#
# <details><summary>3. Why not choose the feature set by the test tracks?</summary>
#
# The best of many is partly the luckiest. Its luck would be counted as skill, and there would be no tracks left to find
# out.
#
# </details>
#
# ## Exercises
#
# ### 1. A larger network
#
# Train layers of 512, 256, 128 and 64 units in the same way. How many epochs until early stopping ends it, and is it
# better on the validation tracks? *Hint: `dense(sets[ALL], (512, 256, 128, 64))`; leave the test tracks alone.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. The logarithm of the mean
#
# Convert the *means* of the 24 power bands to decibels and cross-validate them. How much of the gain was the logarithm,
# how much that it was taken before averaging? *Hint: `10 * np.log10(X[sets["mel 24, power"]] + 1e-10)`; give X these
# columns under new names.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. Old acquaintances
#
# Cross-validate the families by track instead of by group, so that the artists are known. Which family gains most?
# *Hint: `StratifiedKFold(5, shuffle=True, random_state=SEED)` of scikit-learn makes such `folds`; the order matters, since
# tracks of an artist are neighbours in the table.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# Notebook 05 gives up the averages over time: its networks read the spectrogram itself.
#
# **References.** G. Tzanetakis, P. Cook, *Musical genre classification of audio signals*, 2002 (features of this kind, and
# GTZAN). L. Breiman et al., *Classification and regression trees*, 1984 (a related rule: the simplest
# model within one standard error of the best). B. Logan, *Mel
# frequency cepstral coefficients for music modeling*, ISMIR 2000. D.-N. Jiang et al., *Music type classification by
# spectral contrast feature*, ICME 2002.
