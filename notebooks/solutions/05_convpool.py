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
# ## 1. Maximum instead of mean
#
# One layer changes: `GlobalMaxPooling1D` takes the place of the average. The mean asks how *often* a pattern occurred, the
# maximum whether it occurred *at all*. One loud accident is then enough, and a backbeat counts no more than a single
# stroke. Both are compared after the same few epochs here; for a verdict, let both run to their end.

# %%
few = min(EPOCHS, 8)
layers = [
    keras.layers.GlobalMaxPooling1D() if isinstance(layer, keras.layers.GlobalAveragePooling1D) else layer
    for layer in convpool().layers
]
keras.utils.set_random_seed(SEED)
maximum = keras.Sequential([keras.layers.Input((None, len(mean), 1)), *layers], name="convpool-max")
maximum.compile(keras.optimizers.Adam(CONV_RATE), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = training.fit(maximum, experiment.random_clips(), experiment.every_clip("valid"), epochs=few, patience=few)
lowest = {"mean": min(histories["convpool"]["val_loss"][:few]), "maximum": min(history["val_loss"])}
pd.Series(lowest, name=f"lowest validation loss in {few} epochs").to_frame().round(2)

# %% [markdown]
# ## 2. Longer clips without training
#
# Convolutions and the average over time do not care how long a clip is, so the network need not be trained again. Longer
# clips are easier, each by itself, because they hold more evidence. Short clips gain more from the vote, because there are
# more of them. After the vote, the lengths differ less than before it.

# %%
lengths = {}
for seconds in (1, 3, 8):
    part = experiment.every_clip("test", clip_frames=round(seconds * store.frames_per_second))
    _, row = evaluate.by_track(networks["convpool"], part, groups=groups, seed=SEED)
    lengths[f"{seconds} s"] = {"clips": len(part.y), "a clip": row["clip_accuracy"], "after the vote": row["accuracy"]}
lengths = pd.DataFrame(lengths).T
lengths.assign(gain=lengths["after the vote"] - lengths["a clip"]).round(2)

# %% [markdown]
# ## 3. How many clips are enough?
#
# The clips of a track are numbered by where they begin, and only the first ones vote. Each further clip of the same song
# brings less news, since neighbours resemble each other. What remains wrong after all clips is not bad luck with a clip:
# the network takes the whole song for something else.

# %%
of_clips, number = evaluate.predict(networks[chosen], test), test.start // clip_frames
enough = {}
for first in range(1, number.max() + 2):
    used = number < first
    vote = evaluate.track_proba(of_clips[used], test.owner[used])
    enough[first] = evaluate.scores(test.Y, vote, groups=groups, seed=SEED)
fig, ax = plotting.intervals(pd.DataFrame(enough).T, chance=1 / len(dataset.classes))
ax.set(ylabel="clips that vote", title=f"{chosen}: the first clips of each test track")
plt.show()
