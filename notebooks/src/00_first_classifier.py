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
# # Your first classifier in five minutes
#
# *reading 8 minutes · computing 2 minutes · needs nothing: it renders its own music, and online it fetches musicnn (29 MB) · writes `tables/first_classifier.csv`*
#
# Blues or metal? You hear it at once, and could hardly say how. Can a program learn it? A program that sorts things
# into classes, such as songs into genres, is a **classifier**. On this page you make one, from the first sound to the
# first mistake, and nothing is hidden:
#
# ```
# ten seconds of a song  →  six numbers  →  a score for each genre  →  "blues"
# ```
#
# First you take the exam yourself, with ten sounds. Then the program takes it.
#
# **You will learn**
#
# - how a sound becomes a few numbers whose meaning you can hear;
# - how a program learns genres from examples, and how to measure fairly how often it is right;
# - how to find out why it was wrong, and what a network that has learned from real songs says about yours.
#
# **Before you start**: it helps to have seen some Python. You need no music theory and no mathematics.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]

# %% tags=["imports"]
from html import escape
from pathlib import Path

import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML, Audio, Markdown, display
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from helpers import datasets, evaluate, published, splits
from helpers.audio import load_audio
from helpers.classify import Classifier

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
CLASSES: list = []  # keep these classes only; empty keeps all
DATASET_OPTIONS: dict = {}  # further arguments of helpers.datasets.load
SR: int = 22050  # sample rate in hertz that all audio is brought to
SONG: str = ""  # audio file of yours that is asked about; empty takes an example
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## You go first
#
# The music on this page is **synthetic**: a program composed it, and sampled instruments play it. It is good enough to
# learn the method with, and no result here is a claim about real music. The first run renders it, which takes about a
# minute.
#
# Before anybody learns anything, we lock away a fifth of the artists. Their songs are the **test set**: the exam, which
# the program must not hear before. All others are the **training set**, to learn from. Why whole artists, and not
# single songs? Songs of one artist share a voice, instruments and a studio. A program could recognise the artist, and
# would get the genre for free.

# %%
dataset = datasets.load(DATASET, DATA_DIR, classes=CLASSES or None, **DATASET_OPTIONS)
split = splits.by_group(dataset.tracks, seed=SEED)  # the group of a track is its artist
splits.check(split, dataset.tracks)
train, test = split.ids("train", "valid"), split.ids("test")
tracks = dataset.tracks.set_index("track_id")
labels, artists = tracks["label"], tracks["group"]
print(f"{len(train)} songs by {artists[train].nunique()} artists to learn from, {len(test)} by "
      f"{artists[test].nunique()} others for the exam; genres: {', '.join(dataset.classes)}")  # fmt: skip

# %% [markdown]
# Your own exam is shorter: five seconds of one exam song of each genre, in no order. Play each sound and write down
# which of the genres above it is.


# %%
def excerpt(track_id, seconds):
    """The middle of a song."""
    return load_audio(tracks.loc[track_id, "path"], sr=SR, offset=None, max_seconds=seconds)


def players(sounds):
    """Players with their names, as many side by side as the screen has room for."""
    each = '<div style="display: inline-block; width: 310px; margin: 6px 0">{}<br>{}</div>'
    return HTML("".join(each.format(escape(name), Audio(y, rate=SR)._repr_html_()) for name, y in sounds.items()))


quiz = tracks.loc[test].groupby("label").sample(1, random_state=SEED).sample(frac=1, random_state=SEED)
sounds = {f"sound {i}": excerpt(track_id, 5) for i, track_id in enumerate(quiz.index, 1)}
players(sounds)

# %% [markdown]
# Done? Click on a sound to see what it was.

# %%
fold = '<details style="display: inline-block; width: 8em; vertical-align: top"><summary>{}</summary>{}</details>'
display(HTML("".join(fold.format(name, escape(genre)) for name, genre in zip(sounds, quiz["label"]))))
Markdown(
    f"How many did you get? Somebody who guesses blindly gets one in {len(dataset.classes)} right, on average. That "
    f"score, {1 / len(dataset.classes):.2f}, is called **chance**. You and the program have to beat it."
)

# %% [markdown]
# ## Six numbers that you can hear
#
# An audio file is a long list of numbers, thousands for each second. These lists differ for any two songs, even if they
# sound alike. So we describe a song by a few **features**: numbers that each tell one thing about its sound. The words in
# italics are their names in the field.
#
# - **loudness swing**: how far the loudness goes up and down, in decibels, the scale on which ears count it. Music
#   with pauses between its strokes swings widely; a wall of guitars does not.
# - **brightness**: the *spectral centroid*, the centre of gravity of all frequencies in the sound, in hertz, vibrations
#   a second. A cymbal is bright, a double bass is dark.
# - **brightness swing**: how far the brightness moves. Each stroke of a snare drum lifts it.
# - **attack**: the *onset strength*, how much begins at each moment. Plucked strings have more of it than bowed ones.
# - **bass**: the share of the energy that lies below 160 hertz, where bass guitar and bass drum live.
# - **note clarity**: the *spectral contrast* between 200 and 400 hertz, how far notes stand out from what lies between
#   them, in decibels. In a thick sound they drown.
#
# The library **librosa** computes all of them. The function first makes a table of how much of each frequency sounds at
# each moment: `S`, the **spectrogram**.


# %%
def six_numbers(y):
    """Describe a sound by the mean, or the swing (standard deviation), of what one hears in it."""
    S = np.abs(librosa.stft(y))
    level = librosa.amplitude_to_db(librosa.feature.rms(S=S), ref=np.max, top_db=60)
    centroid = librosa.feature.spectral_centroid(S=S, sr=SR)
    low = librosa.fft_frequencies(sr=SR) < 160
    return {
        "loudness swing": level.std(),
        "brightness": centroid.mean(),
        "brightness swing": centroid.std(),
        "attack": librosa.onset.onset_strength(y=y, sr=SR).mean(),
        "bass": (S[low] ** 2).sum() / max((S**2).sum(), 1e-9),
        "note clarity": librosa.feature.spectral_contrast(S=S, sr=SR)[1].mean(),
    }


# %%
heard = pd.DataFrame({name: six_numbers(y) for name, y in sounds.items()}).T
display(heard.round(2))
bright, bass = heard["brightness"], heard["bass"]
Markdown(
    f"Do your ears agree? The table calls **{bright.idxmax()}** the brightest ({bright.max():,.0f} hertz) and "
    f"**{bright.idxmin()}** the darkest ({bright.min():,.0f} hertz). **{bass.idxmax()}** has the most bass, "
    f"{bass.max():.0%} of its energy. Go back and play them."
)

# %% [markdown]
# Now the same for every song, ten seconds from its middle. This takes half a minute; after it there is little to wait for.

# %%
X = pd.DataFrame({track_id: six_numbers(excerpt(track_id, 10)) for track_id in tqdm(tracks.index, unit="song")}).T

# %% [markdown]
# What do genres look like in these numbers? Two of the six make a map. A dot is a song to learn from, and the name of a
# genre stands where its average song lies.

# %% tags=["key-figure"]
across, up = "note clarity", "loudness swing"
centre = X.loc[train].groupby(labels[train]).mean()
fig, ax = plt.subplots(figsize=(8, 5))
for i, (genre, average) in enumerate(centre.iterrows()):
    ax.scatter(across, up, 12, f"C{i}", alpha=0.6, data=X.loc[train][labels[train] == genre])
    ax.text(*average[[across, up]], genre, ha="center", va="center", bbox={"fc": f"C{i}", "lw": 0, "pad": 2}, color="white")
ax.set(xlabel=f"{across} (decibels)", ylabel=f"{up} (decibels)", title="A dot is a song, a name is a genre's average")
plt.show()

# %%
gap = X.loc[train, [across, up]].to_numpy()[:, np.newaxis] - centre[[across, up]].to_numpy()
strays = (centre.index[np.linalg.norm(gap, axis=2).argmin(axis=1)] != labels[train]).sum()
Markdown(
    f"On this map, *{centre[up].idxmax()}* has the widest {up}, {centre[up].max():.1f} decibels on average, and "
    f"*{centre[up].idxmin()}* the narrowest, {centre[up].min():.1f}. Notes are clearest in *{centre[across].idxmax()}* "
    f"and drown most in *{centre[across].idxmin()}*. Still, {strays} of the {len(train)} songs lie nearer to the name "
    "of another genre than to that of their own. Two numbers are not enough, so we use all six."
)

# %% [markdown]
# ## Let it learn
#
# **Logistic regression** is one of the plainest classifiers. For each genre it keeps six weights, one for each number
# of a song. Numbers times weights, added up, are the score of the genre. The scores become **probabilities**, which add
# up to 1, and the genre with the highest is the answer. To learn means to adjust the weights until songs whose genre is
# known get a high probability for it.
#
# One thing comes first. Brightness is counted in thousands of hertz, bass in a share below 1. `StandardScaler` brings
# all numbers to one scale: 0 is the average song, and 1 lies one **standard deviation**, a usual distance, above it. A
# **pipeline** does both steps in a row.

# %%
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
model.fit(X.loc[train], labels[train])  # that is all the learning; what follows is the exam
proba = pd.DataFrame(model.predict_proba(X.loc[test]), test, model.classes_)
exam = pd.DataFrame({"genre": labels[test], "answer": proba.idxmax(axis=1), "probability": proba.max(axis=1)})
right = exam["genre"] == exam["answer"]
Path(OUT_DIR, "tables").mkdir(parents=True, exist_ok=True)
exam.join(X).to_csv(f"{OUT_DIR}/tables/first_classifier.csv")
truth = [dataset.classes.index(genre) for genre in labels[test]]
scores = evaluate.scores(truth, proba, groups=artists[test], seed=SEED)
Markdown(
    f"The program names the right genre for **{right.sum()} of {len(test)}** songs. That is an **accuracy** of "
    f"{scores['accuracy']:.2f}, where chance is {scores['chance']:.2f}. With other artists in the exam it could be "
    f"quite different: the **95 % interval**, here {scores['accuracy_low']:.2f} to {scores['accuracy_high']:.2f}, "
    f"says how far such luck reaches. Of the {len(quiz)} songs that you were asked about, the program is "
    f"right for {right[quiz.index].sum()}. And you?"
)

# %% [markdown]
# ## Where it goes wrong
#
# One number hides a lot. A **confusion matrix** shows more: each row is a genre, and the numbers in it say what its
# songs were taken for. What lies on the diagonal is right.

# %% tags=["key-figure"]
confusion = confusion_matrix(exam["genre"], exam["answer"], labels=dataset.classes)
fig, ax = plt.subplots(figsize=(6.4, 5.2))
drawing = ConfusionMatrixDisplay(confusion, display_labels=dataset.classes)
drawing.plot(cmap="Blues", colorbar=False, xticks_rotation=45, ax=ax)
ax.set(xlabel="what the program said", ylabel="what it was", title=f"{len(test)} songs by artists it has never heard")
plt.show()

# %%
table = pd.DataFrame(confusion, dataset.classes, dataset.classes)
found, total = pd.Series(np.diag(table), table.index), table.sum(axis=1)
share = found / total
best, worst = " and ".join(f"*{genre}*" for genre in share.index[share == share.max()]), share.idxmin()
lost = table.loc[worst].drop(worst)
Markdown(
    f"On these songs, {best} came out best, with {share.max():.0%} found. *{worst}* was found {found[worst]} of "
    f"{total[worst]} times; {lost.max()} went to *{lost.idxmax()}*." if lost.any() else "It was right for all songs."
)

# %% [markdown]
# ## One mistake to hear
#
# A table says *that* the program was wrong. Your ears may tell you *why*. Take the song whose wrong genre was furthest
# ahead of the right one. Beside it stands what it may have sounded like to the program: of all songs of that wrong
# genre that it learned from, the one with the most similar numbers.

# %%
rivals = {t: proba.loc[t].drop(labels[t]) for t in test}
mistake = max(test, key=lambda t: rivals[t].max() - proba.loc[t, labels[t]])
genre, taken = labels[mistake], rivals[mistake].idxmax()
Z = pd.DataFrame(model[0].transform(X), X.index)  # the six numbers on one scale
like_it = ((Z - Z.loc[mistake]) ** 2).sum(axis=1)[[t for t in train if labels[t] == taken]].idxmin()
verb = "almost taken for" if right[mistake] else "taken for"
names = {f"{genre}, {verb} {taken}": mistake, f"a song that is {taken}": like_it}
players({name: excerpt(track_id, 5) for name, track_id in names.items()})

# %% [markdown]
# Which of the six numbers misled it? Ask the program again, each time with one number replaced by that of the average
# song. If the wrong genre drops, that number had spoken for it.

# %%
changed = pd.DataFrame([X.loc[mistake]] * 7, ["as it is", *("average " + name for name in X)])
for name in X:
    changed.loc["average " + name, name] = X.loc[train, name].mean()
what_if = pd.DataFrame(model.predict_proba(changed), changed.index, model.classes_)[[taken, genre]]
ax = what_if.plot.barh(figsize=(8, 3.6), color=["C1", "C0"], width=0.7)
ax.invert_yaxis()
ax.set(xlim=(0, 1), xlabel="probability", title=f"One {genre} song, and what the program says of it")
plt.show()

# %%
misled = what_if[taken].idxmin()
Markdown(
    f"The song is *{genre}*. The program gave *{taken}* {what_if[taken].iloc[0]:.0%} and *{genre}* "
    f"{what_if[genre].iloc[0]:.0%}. "
    + (f"With {misled}, *{taken}* would get {what_if[taken].min():.0%}: that number spoke for *{taken}* most."
       if misled != "as it is" else f"No number, made average, would give *{taken}* less.")
)  # fmt: skip

# %% [markdown]
# ## A real network, and your own song
#
# Six numbers and synthetic music are a beginning. **musicnn** is a **network**, a classifier with hundreds of thousands
# of weights, that has learned from 200,000 real songs what listeners write about them. It does not choose one genre: it
# gives each of 50 **tags**, such as *jazz* or *female vocalists*, a probability of its own. To ask it about your own
# song, write the path of an audio file into `SONG`, in the cell of parameters, run that cell, and then the cell below.
# (In Colab, drop the file on the panel *Files* and copy its path from its menu.) While `SONG` is empty, it is asked
# about your sound 1: that shows how it works, and says nothing about real music.

# %%
kind = "synthetic " * (DATASET in datasets.RENDERED) + quiz["label"].iloc[0]
song, name = (SONG, f"*{Path(SONG).stem}*") if SONG else (quiz["path"].iloc[0], f"sound 1, which is {kind}")
try:
    tags = Classifier(published.musicnn(DATA_DIR))(song).overall
    ax = tags.head(8)[::-1].plot.barh(figsize=(8, 3), width=0.7)
    ax.set(xlim=(0, 1), xlabel="probability", title="The strongest tags of musicnn")
    plt.show()
    said = f"In {name}, musicnn hears above all " + ", ".join(f"*{t}* ({p:.0%})" for t, p in tags.head(3).items())
except datasets.DatasetError as problem:
    print(f"musicnn is left out: {problem}")
    said = "musicnn could not be fetched, so no real network was asked"
Markdown(f"{said}.")

# %% [markdown]
# ## What we learned

# %%
Markdown(
    f"- Six numbers describe a sound, and one can hear them: {bright.idxmax()} is {bright.max() / bright.min():.1f} "
    f"times as bright as {bright.idxmin()}.\n"
    f"- Logistic regression learned from {len(train)} songs and was right for {right.sum()} of {len(test)} by other artists: "
    f"accuracy {scores['accuracy']:.2f}, interval {scores['accuracy_low']:.2f} to {scores['accuracy_high']:.2f}, "
    f"chance {scores['chance']:.2f}.\n"
    f"- Its worst answer: a *{genre}* song, {verb} *{taken}*. {said}."
)

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. A friend's classifier is right for 90 of 100 songs. What do you ask?</summary>
#
# Did it learn from songs by the same artists? And how many of the 100 songs belong to the largest genre? If 90 do,
# always giving that answer is as good.
#
# </details>
#
# <details><summary>2. Why do we bring the six numbers to one scale?</summary>
#
# Learning keeps the weights small. Bass is a number below 1 and would need a large weight to count at all; brightness,
# in the thousands, would not.
#
# </details>
#
# <details><summary>3. The interval is wide. Would more songs by the same exam artists make it narrow?</summary>
#
# Hardly. Songs of one artist tend to be right or wrong together. It takes more *artists*.
#
# </details>
#
# ## Exercises
#
# ### 1. Which number is worth most?
#
# Take one of the six numbers away and learn again. Which one costs most songs? The exam must stay an exam, so ask the
# training songs: divide them into five parts by artist, and let the program name each part after it has learned from the
# other four. *Hint: `X.drop(columns="bass")`, and `cross_val_predict` with `cv=GroupKFold(5)` and
# `groups=artists[train]`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. A seventh number
#
# Add a number of your own and see in the same way whether it helps. *Hint:
# `librosa.feature.zero_crossing_rate(y).mean()`, or `librosa.feature.tempo(y=y, sr=SR)[0]`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. Your own song
#
# Ask your own classifier about your own song, and say why you would not trust the answer. *Hint:
# `six_numbers(load_audio(SONG, sr=SR, offset=None, max_seconds=10))`; how many standard deviations do its numbers lie
# from the average song?*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# Notebook 01 looks at music with more care: what pictures of sound show, and which files would mislead a classifier.
# Notebook 04 does this page thoroughly, with hundreds of features and stronger models. In notebook 05, a network finds
# out for itself what to listen for.
#
# **References.** G. Tzanetakis and P. Cook, *Musical genre classification of audio signals*, IEEE Transactions on
# Speech and Audio Processing, 2002. B. McFee et al., *librosa: audio and music signal analysis in Python*, SciPy 2015.
# J. Pons, X. Serra, *musicnn: pre-trained convolutional neural networks for music audio tagging*, ISMIR late-breaking,
# 2019.
