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
# ## 1. Backwards
#
# Every validation clip is turned around, and then its frames are put into one random order. A network that only counts what
# it hears should lose little by the first: the same sounds are there. The second also tears each sound apart, its
# attack and its decay, so convolutions over time suffer as well as memories. What a network loses backwards, it owed to
# the order of the moments.

# %%
rng = np.random.default_rng(SEED)
changes = {"as it is": lambda X: X, "backwards": lambda X: X[:, ::-1], "shuffled": lambda X: X[:, rng.permutation(X.shape[1])]}
lost, known = {}, experiment.Y.loc[ids["valid"]].to_numpy()
for name, network in networks.items():
    part = in_order("valid", name)
    for change, turn in changes.items():
        of_clips = np.concatenate([evaluate.predict(network, turn(part[i][0])) for i in range(len(part))])
        score = evaluate.scores(known, evaluate.track_proba(of_clips, part.owner), n_boot=2)[SCORE]
        lost.setdefault(name, {})[change] = round(score, 2)
pd.DataFrame(lost).T

# %% [markdown]
# ## 2. Convolutions over MFCC
#
# The first layers stay as they are: cosine transform and scaling. The MFCC become a picture with one channel, three
# convolutions look for patterns in it, and an average over time takes the place of the memory. With so few epochs the
# comparison is no fair one: let both run to their end before you believe it.

# %%
trunk = mfcc_lstm()
layers = [keras.layers.Input((None, N_MELS, 1)), *trunk.layers[:3], keras.layers.Reshape((-1, N_MFCC, 1))]
for _ in range(3):
    layers += [
        keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
        keras.layers.BatchNormalization(momentum=0.9),
        keras.layers.MaxPooling2D(2, padding="same"),
    ]
layers += [keras.layers.TimeDistributed(keras.layers.Flatten()), keras.layers.GlobalAveragePooling1D()]
layers += [keras.layers.Dense(64, activation="relu"), keras.layers.Dropout(0.3)]
mfcc_cnn = keras.Sequential([*layers, keras.layers.Dense(n_answers, activation=ANSWER)], name="mfcc-cnn")

# %%
mfcc_cnn.compile(keras.optimizers.Adam(LEARNING_RATE), loss=LOSS)
few = min(EPOCHS, 8)
X = experiment.random_clips(clips_per_track=RIVAL_CLIPS)
training.fit(mfcc_cnn, X, in_order("valid", "mfcc-lstm"), epochs=few, patience=few)
_, row = evaluate.by_track(mfcc_cnn, in_order("test", "mfcc-lstm"), groups=groups, seed=SEED)
print("mfcc-cnn:", evaluate.describe(row, metric=SCORE))
if "mfcc-lstm" in rows:
    print("mfcc-lstm:", evaluate.describe(rows["mfcc-lstm"], metric=SCORE))

# %% [markdown]
# ## 3. A rate that shrinks too fast
#
# The decay is applied at every step, so after a few hundred steps hardly anything of the rate is left, and the network
# stops where it happens to be. Its loss still falls in the first epoch, which is why nobody notices. Draw the rate that
# the optimizer really uses, never the one that a formula promises.


# %%
class Shrinking(keras.callbacks.Callback):
    """The mistake: the decay of an epoch, applied at every step."""

    def on_train_begin(self, logs=None):
        self.rates = []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = LEARNING_RATE / (1 + 0.95 * len(self.rates))
        self.rates.append(float(self.model.optimizer.learning_rate))


# %%
shrinking, curves, epochs = Shrinking(), {}, min(EPOCHS, 3)
for label, callbacks in {"rate that stays": [], "rate that shrinks": [shrinking]}.items():
    keras.utils.set_random_seed(SEED)
    network = cnn("cnn-lstm")
    network.compile(keras.optimizers.Adam(LEARNING_RATE), loss=LOSS)
    X = experiment.random_clips(clips_per_track=RIVAL_CLIPS)
    curves[label] = network.fit(X, epochs=epochs, callbacks=callbacks, verbose=0, shuffle=False).history["loss"]
fig, axes = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
axes[0].semilogy(np.arange(1, len(shrinking.rates) + 1), shrinking.rates)
axes[0].set(xlabel="step", ylabel="learning rate", title="what the optimizer used")
for label, loss in curves.items():
    axes[1].plot(np.arange(1, epochs + 1), loss, "o-", label=label)
axes[1].set(xlabel="epoch", ylabel="training loss", title="what it learned")
axes[1].legend(fontsize=8)
plt.show()
print(f"after {len(shrinking.rates)} steps the rate is {shrinking.rates[0] / shrinking.rates[-1]:.0f} times smaller")
