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
# ## 1. Poles and level at random
#
# A wrapper hands each batch on, multiplied by one random number a clip. Training goes on from the weights of the page,
# so three epochs are enough to see something. Swapped poles and half the loudness now occur in training, so fewer
# answers should depend on them; the changes in time are not touched, and the accuracy may suffer a little, where
# loudness had told something about genre.

# %%
class AtRandom(keras.utils.PyDataset):
    """Training clips, each multiplied by a random number between 0.25 and 1.5, positive or negative."""

    def __init__(self, batches):
        super().__init__()
        self.batches, self.rng = batches, np.random.default_rng(SEED)

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        X, y = self.batches[index]
        gain = self.rng.uniform(0.25, 1.5, len(X)) * self.rng.choice([-1, 1], len(X))
        return X * gain[:, None, None, None].astype("float32"), y

    def on_epoch_end(self):
        self.batches.on_epoch_end()


# %%
hardened = keras.models.clone_model(networks["wavecnn"])
hardened.set_weights(networks["wavecnn"].get_weights())
hardened.compile(keras.optimizers.Adam(0.001), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
training.fit(hardened, AtRandom(experiment.random_clips(store=waves)), experiment.every_clip("valid", store=waves),
             epochs=3, patience=3)  # fmt: skip
_, row = evaluate.by_track(hardened, experiment.every_clip("test", store=waves), groups=groups["test"], seed=SEED)
print("before:", evaluate.describe(rows["wavecnn"]))
print("after: ", evaluate.describe(row))

# %%
answers = {c: evaluate.predict(hardened, X).argmax(axis=1) for c, X in samples.items()}
after = {c: np.mean(a != answers["as it is"]) for c, a in answers.items()}
pd.DataFrame({"before": other["wavecnn"], "after": pd.Series(after)[other.index]}).round(3)

# %% [markdown]
# ## 2. Ask *samplecnn* with tones
#
# This is what a physiologist does with a nerve of the ear. All tones are as loud as the training clips. The diagonal
# alone proves nothing, because units are sorted by their best tone, and random units have one too: look at what lies
# beside it. Darkness means that a unit answers to few tones, so it has become a filter, made of layers that are none.
# Broad stripes mean that it tells low from high and not much more. A unit that waits for an onset or for noise stays
# unexplained.

# %%
tones = np.geomspace(50, 0.45 * WAVE_SR, 60)
time = np.arange(WAVE_SR // 2) / WAVE_SR
X_tones = np.sqrt(2 * variance[0]) * np.sin(2 * np.pi * tones[:, None] * time)
behind = [layer for layer in networks["samplecnn"].layers if isinstance(layer, keras.layers.Activation)][4]
inner = keras.Model(networks["samplecnn"].inputs, behind.output)
strength = keras.ops.convert_to_numpy(inner(X_tones[..., None, None].astype("float32"))).mean(axis=1)
span = np.ptp(strength, axis=0)
tuned = ((strength - strength.min(axis=0)) / np.maximum(span, 1e-9))[:, span > 1e-6]

# %%
fig, ax = plt.subplots(figsize=(7, 3.6))
shown = tuned[:, np.argsort(tuned.argmax(axis=0))]
drawn = ax.pcolormesh(np.arange(shown.shape[1]), tones, shown, shading="nearest")
ax.set(title="Units of samplecnn, asked with tones", xlabel="unit, sorted by its best tone", yscale="log")
ax.set_ylabel("frequency of the tone (Hz)")
fig.colorbar(drawn, ax=ax, label="answer")
plt.show()
print(f"A unit answers at least half as strongly as it can to {(tuned > 0.5).mean():.0%} of the tones.")

# %% [markdown]
# ## 3. Two opinions
#
# The mean of the probabilities lets the surer network decide. A pair helps most where its members are about equally
# good and err on different tracks. If one is much better, the other mainly disturbs.

# %%
pair = (proba["convpool-band"] + proba[chosen]) / 2
print("pair:", evaluate.describe(evaluate.scores(y_true, pair, groups=groups["test"], seed=SEED)))
ahead = max(("convpool-band", chosen), key=lambda name: rows[name]["accuracy"])
d = evaluate.compare(y_true, pair, proba[ahead], groups=groups["test"], seed=SEED)
print(f"pair minus {ahead}: {d['difference']:+.2f} [{d['difference_low']:+.2f}, {d['difference_high']:+.2f}]")
