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
# ## 1. Wider holes
#
# The masks stand behind the scaling, as in training, so take the network apart: scale, mask, and send the rest on. Narrow
# holes cost little, because a beat comes again and an instrument sounds in many bands. At some width the accuracy falls
# towards chance, and a network that was trained with holes should fall later.

# %%
def answer_changed(network, layer, batches):
    """Accuracy on clips that a layer changes behind the scaling."""
    right = []
    for k in range(len(batches)):
        X_k, y_k = batches[k]
        out = layer(network.layers[0](X_k), training=True)
        for part in network.layers[1:]:
            out = part(out)
        right.append(keras.ops.convert_to_numpy(out).argmax(axis=1) == y_k)
    return float(np.concatenate(right).mean())


masks = {width: clips.SpecAugment(time=width, frequency=width, masks=2, seed=SEED) for width in (0.0, 0.1, 0.3, 0.6)}
pd.DataFrame(
    {name: {w: answer_changed(networks[name], mask, test) for w, mask in masks.items()} for name in (plain, final.drop(plain).idxmin())}
).rename_axis("width of a mask").round(2)

# %%
fig, axes = plt.subplots(1, 4, figsize=(12, 3), sharey=True, layout="constrained")
for ax, (width, mask) in zip(axes, masks.items()):
    ax.imshow(np.asarray(mask(scale(X), training=True))[at, ..., 0].T, origin="lower", aspect="auto", vmin=-3, vmax=3, cmap="RdBu_r")
    ax.set(title=f"masks up to {width:g}", xlabel="frame")
axes[0].set_ylabel("mel band")
plt.show()

# %% [markdown]
# ## 2. Zoom on one axis
#
# Zoom on the time axis is another tempo, which music knows. Zoom on the frequency axis moves every instrument to another
# height, and the network, which flattens the bands at its end, asks *where* a pattern stands. So the second should cost
# more.

# %%
axes_of = {"none": ((0.0, 0.0), (0.0, 0.0)), "time": ((-ZOOM, ZOOM), (0.0, 0.0)), "frequency": ((0.0, 0.0), (-ZOOM, ZOOM))}
zooms = {name: keras.layers.RandomZoom(*both, fill_mode="nearest", seed=SEED) for name, both in axes_of.items()}
pd.Series({name: answer_changed(networks[plain], layer, test) for name, layer in zooms.items()}, name="accuracy of clips").round(2)

# %% [markdown]
# ## 3. Blend sounds
#
# Bring decibels back to power, add, and take decibels again. The louder sound wins: what is ten decibels quieter adds
# hardly anything. The blend of decibels is a mean, which keeps a trace of both, though nobody has ever heard such a sound.

# %%
rng = np.random.default_rng([SEED, batches.epoch, 0])  # the draws of the first batch
share = rng.beta(MIXUP, MIXUP, (len(X), 1))[at, 0]
one, other = X[at], X[rng.permutation(len(X))[at]]
power = 10 * np.log10(share * 10 ** (one / 10) + (1 - share) * 10 ** (other / 10))
blends = {"one": one, "the other": other, "decibels": share * one + (1 - share) * other, "powers": power}
fig, axes = plt.subplots(1, 4, figsize=(12, 3), sharey=True, layout="constrained")
for ax, (name, clip) in zip(axes, blends.items()):
    ax.imshow(scale(clip)[..., 0].T, origin="lower", aspect="auto", vmin=-3, vmax=3, cmap="RdBu_r")
    ax.set(title=name, xlabel="frame")
axes[0].set_ylabel("mel band")
plt.show()
