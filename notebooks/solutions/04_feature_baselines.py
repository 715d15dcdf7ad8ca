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
# ## 1. A larger network
#
# With many more parameters the network knows the training tracks by heart after fewer epochs, and early stopping ends it
# sooner. Compare the lowest validation losses. With so few validation tracks, a small difference means nothing: another
# seed may turn it round.

# %%
keras.utils.set_random_seed(SEED)
large = dense(sets[ALL], (512, 256, 128, 64))
large.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
stop_large = keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)
history_large = large.fit(
    *arrays["train"], validation_data=arrays["valid"], epochs=EPOCHS, batch_size=experiment["BATCH_SIZE"],
    callbacks=[stop_large], verbose=0,
).history  # fmt: skip

# %%
found = {"small": (network, history), "large": (large, history_large)}
rows = {
    name: {
        "parameters": net.count_params(),
        "epochs": len(h["loss"]),
        "best epoch": int(np.argmin(h["val_loss"])) + 1,
        "validation loss": min(h["val_loss"]),
        **evaluate.mean_score(
            "accuracy", evaluate.predict(net, arrays["valid"][0]).argmax(axis=1) == arrays["valid"][1],
            groups=experiment.groups["valid"], seed=SEED,
        ),
    }
    for name, (net, h) in found.items()
}  # fmt: skip
pd.DataFrame(rows).T.round(3)

# %% [markdown]
# ## 2. The logarithm of the mean
#
# Both sets hold one number a band, and both use the logarithm. The decibels of the mean are ruled by the loudest frames;
# the mean of the decibels gives soft frames their say. What the middle row gains over power is due to the logarithm, the
# rest to its being taken first.

# %%
power = X[sets["mel 24, power"]]
after = (10 * np.log10(power + 1e-10)).add_suffix("_in_db")
X = X.join(after[[c for c in after if c not in X]])
_, answer = cross_validate(models[yardstick], list(after))
kinds_of = {"power": answers["mel 24, power", yardstick], "decibels of the mean": answer,
            "mean of decibels": answers["mel 24, dB", yardstick]}  # fmt: skip
pd.DataFrame({name: accuracy(found) for name, found in kinds_of.items()}).T.round(2)

# %% [markdown]
# ## 3. Old acquaintances
#
# Families gain, because tracks of one artist resemble each other. What gains most tells more about the record than about
# the genre: instruments, mix and level. That is why a model that is tested on known artists looks so good.

# %%
from sklearn.model_selection import StratifiedKFold

by_artist, folds = folds, list(StratifiedKFold(len(folds), shuffle=True, random_state=SEED).split(dev, Y[dev]))
rows = {}
for name in FAMILIES:
    _, answer = cross_validate(models[yardstick], sets[f"{name} + deviations"])
    rows[name] = accuracy(answer) | {"by group": importance.loc[name, "accuracy"]}
folds = by_artist
table = pd.DataFrame(rows).T
table.assign(points=100 * (table["accuracy"] - table["by group"])).round(2).sort_values("points", ascending=False)
