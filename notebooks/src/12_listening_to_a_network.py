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
# # Listening to a network
#
# *reading 9 minutes · computing 1 minute · needs a network of notebooks 05 to 08; without one it makes two first · writes `tables/`: what the tests found*
#
# A network says "hip-hop". Did it hear the beat, the bass, or something that you would never think of? **Grad-CAM**
# marks the parts of a spectrogram that spoke for an answer. Such pictures are easy to make and easy to believe. Here you
# see them, you hear them, and then you test them: an explanation that has not passed its tests should not be believed yet.
#
# **You will learn**
#
# - how to mark what spoke for an answer in a spectrogram, and how to hear it;
# - how to test an explanation against controls: other places, the loudest places, an untrained network;
# - how to ask the same question without looking inside, and whether both answers agree.
#
# **Before you start**: notebook 05 builds such networks. The one with the lowest validation loss is opened; it may be the
# CRNN of notebook 07, which reads longer clips and fewer bands. Notebook 11 tells how often it is wrong.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]

# %% tags=["imports"]
from pathlib import Path

import keras
import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Audio, Markdown, display
from scipy.stats import rankdata

from helpers import clips, evaluate, interactive, training
from helpers.audio import load_audio
from helpers.experiment import Experiment, has_maps, open_network
from helpers.explain import grad_cam, largest, listen, occlusion

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "12_listening_to_a_network"  # name of this step in the leaderboard
MODEL: str = ""  # network to open, such as 05_convpool-convpool; empty takes the lowest validation loss
KEPT: float = 0.15  # share of a clip that an explanation may mark
EXPLAINED: int = 60  # most test tracks whose explanations are tested
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## A network and its clips
#
# We open the network with the lowest loss on the validation tracks. It must have a convolution over time and frequency,
# because that is where Grad-CAM looks.

# %%
stem, network, experiment = open_network(Experiment(globals()), model=MODEL, accepts=has_maps)
dataset, store, tracks, inputs = experiment.dataset, experiment.store, experiment.tracks, experiment.card["inputs"]
print(f"opened: {stem}, {network.count_params():,} parameters, classes: {', '.join(dataset.classes)}")

# %% [markdown]
# One clip is explained for each **test** track: the one in the middle, which holds neither the introduction nor the end.
# Clips of tracks that the network has learned would not be a fair test. (Notebook 11 lets all clips of a track vote, so it
# counts more right answers.)

# %%
ids = experiment.ids["test"]
ids = [ids[i] for i in np.random.default_rng(SEED).permutation(len(ids))[:EXPLAINED]]
lengths = store.index.set_index("track_id").loc[ids, "n_frames"]
start = ((lengths - inputs["clip_frames"]) // 2).clip(lower=0).to_numpy()
X = np.stack([clips.cut(store.frames(t), s, inputs["clip_frames"]) for t, s in zip(ids, start)])[..., np.newaxis]
print("X", X.shape, "= (clips, time, frequency, channel)")

# %%
proba = evaluate.predict(network, X)
named = proba.argmax(axis=1)
right = experiment.T.loc[ids].to_numpy()[np.arange(len(ids)), named] == 1
groups = tracks.loc[ids, "group"].to_numpy()
label = np.array(dataset.classes)
share, low, high = evaluate.mean_score("share", right, groups=groups, seed=SEED).values()
Markdown(
    f"The network names the class of {right.sum()} of these {len(ids)} clips by {len(set(groups))} artists: accuracy "
    f"{share:.2f} [{low:.2f}, {high:.2f}], chance {1 / len(label):.2f}. An explanation is about its answer, right or wrong."
)

# %% [markdown]
# ## Seeing it
#
# The last convolution of the network answers with **maps**, one for each pattern it has learned: where in time and
# frequency does the pattern fit? Grad-CAM makes one picture of them in four steps.
#
# 1. Send the clip through the network, and keep the maps.
# 2. Ask of each map how fast the probability of the class would rise if the map became stronger. That is its **gradient**;
#    its mean over the map is the weight of the map.
# 3. Add up the maps with these weights. Drop what is negative: it speaks against the class.
# 4. Stretch the sum to the size of the clip, and scale it from 0 to 1.
#
# The maps are coarse, because pooling has shrunk them: one point stands for many frames and many bands. So the picture
# is a blur by construction: between the points of the map it is drawn smoothly, and says nothing.

# %%
def heat_of(model, classes):
    """Grad-CAM of all clips [shape=(clips, frames, bands)], sixteen at a time."""
    parts = np.array_split(np.arange(len(X)), -(-len(X) // 16))
    return np.concatenate([grad_cam(model, X[part], classes[part]) for part in parts])


heat = heat_of(network, named)
last = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)][-1]
n_times, n_bands = keras.Model(network.inputs, last.output).compute_output_shape(X.shape)[1:3]
print(f"the last maps have {n_times} points in time and {n_bands} in frequency")

# %%
spoken = heat.max(axis=(1, 2)) > 0  # an empty picture marks nothing, so it cannot be tested
spoken |= not spoken.any()
X, heat, proba, named, right, groups, start = (part[spoken] for part in (X, heat, proba, named, right, groups, start))
ids = [track_id for track_id, has in zip(ids, spoken) if has]
Markdown(f"In {(~spoken).sum()} of {len(spoken)} clips nothing speaks for the answer, and the picture is empty. What follows is "
         f"about the other {spoken.sum()}.")  # fmt: skip

# %% tags=["key-figure"]
order = np.argsort(~right, kind="stable")  # right answers first
examples = order[np.unique(np.linspace(0, len(order) - 1, 4).astype(int))]
seconds = inputs["clip_frames"] / store.frames_per_second
fig, axes = plt.subplots(2, len(examples), figsize=(11, 5), sharex=True, sharey=True, squeeze=False)
for column, i in zip(axes.T, examples):
    extent = (0, seconds, 0, store.n_mels)
    column[0].imshow(X[i, :, :, 0].T, origin="lower", aspect="auto", extent=extent)
    image = column[1].imshow(heat[i].T, origin="lower", aspect="auto", extent=extent, vmin=0, vmax=1)
    column[0].set_title(f"{ids[i]}\ncalled {label[named[i]]} ({'right' if right[i] else 'wrong'})", fontsize=10)
    column[1].set_xlabel("time (s)")
axes[0, 0].set_ylabel("log-mel: mel band")
axes[1, 0].set_ylabel("Grad-CAM: mel band")
fig.colorbar(image, ax=axes[1], label="Grad-CAM (0 to 1)")
plt.show()

# %% [markdown]
# Above is what the network reads, below is what spoke for its answer: bright is strong, black is nothing. The clips on the
# left were answered rightly; mistakes, if there are any, stand on the right.
#
# Single clips differ. Which half of the frequencies speaks for which class? The maps have few points, so ask no more than
# that: how much of the heat lies in the lower half of the mel bands?

# %%
half = store.n_mels // 2
edge = librosa.mel_frequencies(store.n_mels + 2, fmin=inputs["fmin"], fmax=inputs["fmax"] or inputs["sr"] / 2)[half + 1]
below = heat[:, :, :half].sum(axis=(1, 2)) / np.maximum(heat.sum(axis=(1, 2)), 1e-12)
lower = pd.Series(below).groupby(label[named]).agg(["mean", "size"]).sort_values("mean")
lower.index = [f"{name} ({n})" for name, n in lower["size"].items()]

# %%
ax = lower["mean"].plot.barh(figsize=(8, 1.2 + 0.28 * len(lower)), xlim=(0, 1))
ax.axvline(0.5, color="0.5", ls=":")
ax.set(xlabel=f"share of the heat in the lower half of the bands, below {edge:,.0f} Hz", ylabel="answer (clips)")
ax.set_title("Which half speaks for an answer?")
plt.show()

# %%
most, least = lower.index[-1], lower.index[0]
Markdown(
    f"*{most}* has the largest share of its heat below {edge:,.0f} Hz, {lower.loc[most, 'mean']:.0%}, *{least}* the smallest, "
    f"{lower.loc[least, 'mean']:.0%}; in brackets, the number of clips. Such figures invite stories. So before you believe one, "
    "listen, and test."
)

# %% [markdown]
# ## Hearing it
#
# A picture of heat can be laid on the sound itself. The mask is brought from mel bands to the frequencies of the Fourier
# transform of the original recording, and multiplied; heat above one half is played in full. What remains keeps its own phases: nothing is guessed. You hear the
# clip, then what spoke for the answer, then the rest. Expect odd sounds: whole bands come and go, as if somebody moved the
# sliders of an equalizer. Ask yourself whether you would have named the same class from the second sound alone. If the
# third tells you more, the pictures point elsewhere than your ears do.

# %%
rate, pause = inputs["sr"], np.zeros(inputs["sr"] // 2)


def parts_of(i, masks):
    """Sound of a clip, and of what is left of it under each mask."""
    hop = inputs["hop_length"]
    y = load_audio(tracks.loc[ids[i], "path"], sr=rate, offset=None, max_seconds=inputs["max_seconds"])
    y = librosa.util.fix_length(y[start[i] * hop :], size=inputs["clip_frames"] * hop)
    return [y, *(listen(y, mask, sr=rate, n_fft=inputs["n_fft"]) for mask in masks)]


def level(y):
    """Level in decibels of full scale."""
    return 20 * np.log10(np.sqrt(np.square(y).mean()) + 1e-9)


# %%
def hear(track_id):
    """A clip, what spoke for its answer, and what did not."""
    i = ids.index(track_id)
    mask = np.clip(2 * heat[i], 0, 1)
    sounds = parts_of(i, [mask, 1 - mask])
    print(f"{track_id}, called {label[named[i]]}; level of the three: " + ", ".join(f"{level(y):.0f} dB" for y in sounds))
    display(Audio(np.concatenate([part for y in sounds for part in (y, pause)]), rate=rate))
    return sounds


interactive.explore(hear, track_id=[ids[i] for i in order])

# %% [markdown]
# ### Two explanations of one clip
#
# A mistake has two explanations: what spoke for the wrong class, and what spoke for the right one. Take the wrong answer
# that was most certain, or, if there is none, the answer that was least so and the class behind it.

# %%
wrong = np.flatnonzero(~right)
case = wrong[np.argmax(proba[wrong].max(axis=1))] if len(wrong) else np.argmin(proba.max(axis=1))
others = np.where((experiment.T.loc[ids[case]] == 1) | right[case], proba[case], -1)
others[named[case]] = -1
rival = int(others.argmax())
both = [heat[case], grad_cam(network, X[[case]], np.array([rival]))[0]]
masks = [largest(h, share=KEPT) & (h > 0) for h in both]
shared = (masks[0] & masks[1]).sum() / max(masks[0].sum(), 1)

# %%
pictures = {"log-mel": X[case, :, :, 0], f"for {label[named[case]]}": both[0], f"for {label[rival]}": both[1]}
fig, axes = plt.subplots(1, 3, figsize=(11, 3.2), sharey=True)
for ax, (name, picture) in zip(axes, pictures.items()):
    ax.imshow(picture.T, origin="lower", aspect="auto", extent=(0, seconds, 0, store.n_mels))
    ax.set(title=name, xlabel="time (s)")
axes[0].set_ylabel("mel band")
plt.show()
sounds = parts_of(case, [np.clip(2 * h, 0, 1) for h in both])[1:]
display(Audio(np.concatenate([sounds[0], pause, sounds[1]]), rate=rate))

# %%
truth_of = ", ".join(label[experiment.T.loc[ids[case]].to_numpy() == 1])
Markdown(
    f"*{ids[case]}* ({truth_of}) is called {label[named[case]]} with {proba[case].max():.2f}; {label[rival]} has "
    f"{proba[case, rival]:.2f}. Of the {KEPT:.0%} of the clip that speak most for the one, {shared:.0%} are also among those "
    f"that speak most for the other; two blobs laid at random share {KEPT:.0%} on average, and often nothing. You heard what spoke for {label[named[case]]}, then "
    f"what spoke for {label[rival]}."
)

# %% [markdown]
# ## Testing it
#
# **First test: does it matter?** If the marked places matter, the answer must suffer when they are taken away. Take away
# the brightest `KEPT` of each clip, by putting the mean of each band there. The answer suffers from any hole, so compare
# with **controls** of the same size: the same mask shifted to random places, ten of them, so that no lucky place decides;
# and the loudest places of the clip, which anybody could mark without a network.

# %%
mean, _ = clips.band_statistics(store, experiment.ids["train"])


def without(masks):
    """Probability of the named class when these points are the mean of their band."""
    hidden = np.where(masks[..., np.newaxis], mean[:, np.newaxis], X).astype("float32")
    return evaluate.predict(network, hidden)[np.arange(len(X)), named]


rng = np.random.default_rng(SEED)


def shifted(masks):
    """The same masks, each at a random place."""
    return np.stack([np.roll(mask, rng.integers(mask.shape), axis=(0, 1)) for mask in masks])


marked = np.stack([largest(h, share=KEPT) for h in heat])
loudest = np.stack([largest(x[:, :, 0], share=KEPT) for x in X])

# %%
whole = proba.max(axis=1)
left = {"what spoke for it": without(marked),
        "the same, shifted": np.mean([without(shifted(marked)) for _ in range(10)], axis=0),
        "the loudest places": without(loudest)}  # fmt: skip
drops = pd.DataFrame({name: whole - p for name, p in left.items()}, ids)
Path(OUT_DIR, "tables").mkdir(parents=True, exist_ok=True)
drops.assign(answer=label[named]).rename_axis("track_id").to_csv(f"{OUT_DIR}/tables/{RUN_NAME}-tests.csv")
drops.describe().loc[["mean", "50%"]].round(3)

# %% tags=["key-figure"]
fig, ax = plt.subplots(figsize=(8, 2.8))
ax.boxplot(drops, orientation="horizontal", tick_labels=drops.columns, showmeans=True)
ax.axvline(0, color="0.5", ls=":")
ax.invert_yaxis()
ax.set(xlabel="loss of probability when it is taken away (triangle: mean)", title=f"{KEPT:.0%} of the clip, {len(drops)} test clips")
plt.show()

# %%
def against(control):
    """How much more the marked places cost than a control, with the interval over artists."""
    gain = drops["what spoke for it"] - drops[control]
    d, low, high = evaluate.mean_score("gain", gain, groups=groups, seed=SEED).values()
    verdict = "passed" if low > 0 else "failed, the control costs more" if high < 0 else "not passed, the interval holds 0"
    return d, low, high, verdict


tests = pd.DataFrame({name: against(name) for name in drops.columns[1:]}, ["gain", "low", "high", "verdict"]).T
said = "; ".join(f"against *{t.Index}* {t.gain:+.2f} [{t.low:+.2f}, {t.high:+.2f}], **{t.verdict}**" for t in tests.itertuples())
Markdown(f"Without what spoke for it, the answer loses {drops.iloc[:, 0].mean():.2f} of {whole.mean():.2f} on average. "
         f"Compared with the controls (above 0, the marked places cost more): {said}.")  # fmt: skip

# %% [markdown]
# A pass says that the pictures mark something that counts, for this network and on average. It does not say that a
# single picture is the whole reason. *Not passed* against the shifted masks is the worse result: then nothing shows that the
# pictures mark what this network needs, however good they look. A failure against the loudest places does not make the
# pictures wrong: most of the music is where it is loud, so that control is a hard one. But you could have had as good a mark
# without them.
#
# **Second test: has it anything to do with learning?** Some methods draw a handsome picture of the *music*, whatever the
# network has learned. So give them a network that has learned nothing: the same layers with random weights. Its
# explanations should differ. Compare them point by point with the **rank correlation**: 1 if both put all points in
# the same order, 0 if the orders have nothing to do with each other. Two such networks, with other random weights, show
# what the music and the layers bring by themselves.

# %%
def rank_correlation(a, b):
    """Of each clip; nan where one of the two is the same everywhere."""
    a, b = (rankdata(part.reshape(len(part), -1), axis=1) for part in (a, b))
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    size = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return (a * b).sum(axis=1) / np.where(size > 0, size, np.nan)


def over_clips(values):
    """The mean over the clips that have a value, with its interval."""
    there = values.notna().to_numpy()
    return evaluate.mean_score("c", values[there], groups=groups[there], seed=SEED).values()


file = Path(OUT_DIR, "models", DATASET, f"{stem}.keras")
blank, other = (heat_of(training.untrained(file, seed=SEED + k), named) for k in (0, 1))
alike = pd.DataFrame({"ours and an untrained network": rank_correlation(heat, blank),
                      "two untrained networks": rank_correlation(blank, other),
                      "ours and loudness": rank_correlation(heat, X[..., 0])})  # fmt: skip

# %%
fig, ax = plt.subplots(figsize=(8, 2.8))
bins = np.linspace(-1, 1, 21)
for name, values in alike.items():
    ax.hist(values.dropna(), bins, histtype="step", lw=1.6, label=f"{name}, mean {values.mean():.2f}")
ax.axvline(0, color="0.5", ls=":")
ax.set(xlabel="rank correlation of two pictures", ylabel="clips", xticks=np.linspace(-1, 1, 5))
ax.set_title("What else would draw the same picture?")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %%
(c, low, high), (two, two_low, two_high), (loud, loud_low, loud_high) = [over_clips(values) for _, values in alike.items()]
said = ("The untrained one draws another picture. So would any random picture: no fault is found, no more" if high < 0.5 else
        "An untrained network draws nearly the same: do not trust these pictures" if low > 0.5 else
        "The music and the layers alone draw a part of the picture")  # fmt: skip
Markdown(
    f"The rank correlation with an untrained network is {c:.2f} [{low:.2f}, {high:.2f}], with plain loudness {loud:.2f} "
    f"[{loud_low:.2f}, {loud_high:.2f}]. Between two untrained networks it is {two:.2f} [{two_low:.2f}, "
    f"{two_high:.2f}]. {said}. Left out: {alike.isna().any(axis=1).sum()} clips in which one of the networks marks nothing."
)

# %% [markdown]
# ## Asking in another way
#
# **Occlusion** needs no look inside. Hide one stretch of time after another, and see how much the answer loses. It costs
# one prediction for each stretch, and it serves any network, a recurrent one, too. Here the silence is the mean of each band
# over the training clips, as above: digital silence would be a sound that the network has never met, and its answer to
# that means nothing.
#
# If two methods that work so differently point at the same moments, both become more believable. If they do not, then ask
# what each measures: occlusion finds what cannot be replaced, Grad-CAM finds what contributed.

# %%
PARTS = 12  # stretches of a clip
loss = occlusion(network, X, named, silence=mean, parts=PARTS)
in_time = np.stack([part.mean(axis=(1, 2)) for part in np.array_split(heat, PARTS, axis=1)], axis=1)
agree = rank_correlation(loss, in_time)

# %%
fig, ax = plt.subplots(figsize=(8, 3))
middle = seconds * (np.arange(PARTS) + 0.5) / PARTS
ax.bar(middle, loss[order[0]], 0.9 * seconds / PARTS, color="0.75", label="loss when hidden")
ax.plot(middle, in_time[order[0]] * np.abs(loss[order[0]]).max() / max(in_time[order[0]].max(), 1e-12), "o-", label="Grad-CAM, scaled")
ax.axhline(0, color="0.5", lw=1)
ax.set(xlabel="time (s)", ylabel="loss of probability", title=f"{ids[order[0]]}, called {label[named[order[0]]]}")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %%
both_ways, both_low, both_high = over_clips(pd.Series(agree))
answer = "agree" if both_low > 0 else "contradict each other" if both_high < 0 else "do not agree"
Markdown(
    f"In this clip, hiding the stretch at {middle[loss[order[0]].argmax()]:.1f} s costs most ({loss[order[0]].max():+.2f}) and "
    f"hiding the one at {middle[loss[order[0]].argmin()]:.1f} s least ({loss[order[0]].min():+.2f}; below 0, the answer gains), of a probability of {whole[order[0]]:.2f}. "
    f"Grad-CAM is brightest at {middle[in_time[order[0]].argmax()]:.1f} s. Over all {len(ids)} clips the rank correlation of the "
    f"two is {both_ways:.2f} [{both_low:.2f}, {both_high:.2f}]: about *when*, they {answer}."
)

# %% [markdown]
# ## What we learned

# %%
Markdown(
    f"- {len(ids)} answers of {stem} had a picture of what spoke for them, with {n_times} × {n_bands} points.\n"
    f"- To hide it instead of shifted masks changes the loss by {tests['gain'].iloc[0]:+.2f} ({tests['verdict'].iloc[0]}), "
    f"instead of the loudest places by {tests['gain'].iloc[1]:+.2f} ({tests['verdict'].iloc[1]}). The rank correlation with "
    f"the pictures of an untrained network is {c:.2f}.\n"
    f"- Occlusion and Grad-CAM {answer} about the moments that count: rank correlation {both_ways:.2f} "
    f"[{both_low:.2f}, {both_high:.2f}]."
)

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. The picture marks the bass drum. Does the network know what a bass drum is?</summary>
#
# The picture says where, not what. Something in that place and time speaks for the answer: the drum, the bass guitar that
# sounds with it, or the silence between two strokes.
#
# </details>
#
# <details><summary>2. Why is the mask shifted, and not replaced by single points drawn at random?</summary>
#
# Single points leave the music readable between them, so taking them away costs little. The control must do the same kind
# of harm; only its place may differ.
#
# </details>
#
# <details><summary>3. Taking the marked places away costs nothing. Is the explanation wrong?</summary>
#
# Perhaps not. A network may have several reasons, and rest on the others when one is gone. The test shows that the marked
# places are not *needed*. Whether they are enough is another test: the first exercise.
#
# </details>
#
# ## Exercises
#
# ### 1. Is it enough?
#
# Turn the test around: hide everything except the marked places. How much of the probability is left, and how much with
# shifted masks? *Hint: `without` takes any masks, and `~` turns one around.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. Another share
#
# Repeat the first test with 5, 15, 30 and 50 % of the clip. Where is the lead over the shifted mask largest, and why must
# it vanish at 100 %? *Hint: `largest(h, share=...)`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. Half of the bands
#
# Hide the upper or the lower half of the mel bands in all clips. Which answers survive? Do the shares above tell you
# beforehand? *Hint: a mask is an array; start with `np.zeros(X.shape[:3], dtype=bool)`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# Notebook 13 takes what this network computes just before it answers, and finds music that sounds alike.
#
# **References.** R. Selvaraju et al., *Grad-CAM*, ICCV 2017. J. Adebayo et al., *Sanity checks for saliency maps*, NeurIPS
# 2018. M. Zeiler, R. Fergus, *Visualizing and understanding convolutional networks*, ECCV 2014. W. Samek et al.,
# *Evaluating the visualization of what a deep neural network has learned*, IEEE Transactions on Neural Networks and
# Learning Systems, 2017.
