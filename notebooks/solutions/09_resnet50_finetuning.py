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
# ## 1. Which block?
#
# `pooled` takes any network, so it takes the lower part, too. The logistic regression then reads what the blocks below
# the top have found. If the lower features do as well as the last ones, the top block knew little that music needs,
# and phase two had good reason to train it.

# %%
of_lower = means(answers_of(pooled(lower, picture), some["train"] + some["valid"], f"pooled, {cut.name}"))
print(f"last features, {width:,} numbers: {evaluate.describe(by_picture.loc[source])}")
below = evaluate.scores(Y[some["valid"]], probe(of_lower), **about)
print(f"behind {cut.name}, {of_lower.shape[1]:,} numbers: {evaluate.describe(below)}")

# %% [markdown]
# ## 2. A random head
#
# Both start from the borrowed weights of the top block. The loss behind the random head is high above all because the
# head itself has to be learned; to see what happened to the block, put the warm head behind the block that has learned
# with the random one. If that loss is higher than before, the random head has sent the block somewhere else. At the end
# the tuned weights go back to their place.

# %%
kept_weights, a_row = base.get_weights(), {"store": maps, "clip_frames": 1}
valid_maps = experiment.every_clip(tuned_on["valid"], **a_row)
for kind in ("warm", "random"):
    base.set_weights(start)
    keras.utils.set_random_seed(SEED)
    fresh = head(*scaling, len(dataset.classes), SEED)
    hasty = on_maps(fresh)
    if kind == "warm":
        fresh[-1].set_weights(decide[-1].get_weights())
    hasty.compile(keras.optimizers.Adam(TUNE_RATE), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    went = training.fit(hasty, experiment.random_clips(tuned_on["train"], **a_row), valid_maps, epochs=1, patience=1)
    fresh[-1].set_weights(decide[-1].get_weights())
    again = hasty.evaluate(valid_maps, verbose=0, return_dict=True)
    print(f"{kind} head: validation loss {begin['loss']:.2f} before, {went['val_loss'][0]:.2f} after one epoch, "
          f"{again['loss']:.2f} with the head of phase one put back")  # fmt: skip
base.set_weights(kept_weights)

# %% [markdown]
# ## 3. From nothing
#
# Every clip has to go through the whole network, forwards and back, in every epoch. Multiply the seconds of a step by
# the steps of an epoch, and by some dozens of epochs, since this network has everything to learn. Steps are measured
# one by one here, without the graph that Keras would compile for a long training, so a real epoch is faster, but not by
# an order of magnitude. Phase one needed one way forwards for each clip, once.

# %%
import time

ending = [keras.layers.Dropout(0.5, seed=SEED), keras.layers.Dense(len(dataset.classes), activation="softmax")]
scratch = joined(untrained, low, high, store.n_mels, ending, ENLARGE)
scratch.compile(keras.optimizers.Adam(LEARNING_RATE), loss="sparse_categorical_crossentropy", run_eagerly=True)
train_clips = experiment.random_clips()
begun = time.perf_counter()
for i in range(min(3, len(train_clips))):
    scratch.train_on_batch(*train_clips[i])
a_step = (time.perf_counter() - begun) / min(3, len(train_clips))
print(f"{a_step:.1f} s a step, {a_step * len(train_clips):.0f} s an epoch of {len(train_clips)} steps")
