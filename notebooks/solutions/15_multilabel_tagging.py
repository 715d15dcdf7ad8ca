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
# ## 1. Thresholds from the test tracks
#
# The same function, fed with the test tracks, and scored on them. Of all thresholds, these are the best for these
# tracks, so each F1 that was optimised can only look better. The gain is largest for one threshold for each tag, which
# has the most numbers to fit. It says how lucky one could be with these tracks, and nothing about the next ones.

# %%
flattering = thresholds(truth["test"], proba["tagger", "test"])
rows = {
    way: evaluate.claim_scores(truth["test"], proba["tagger", "test"] >= t, groups=groups, seed=SEED)
    for way, t in flattering.items()
}
looks = pd.DataFrame(rows).T
pd.concat({"from validation tracks": test_f1, "from test tracks": looks}, axis=1).xs("macro_f1", axis=1, level=1).round(2)

# %% [markdown]
# ## 2. The strongest clip decides
#
# The maximum over the clips asks: is it there anywhere? The mean asks: how much of it is there? A short solo counts more
# with the maximum; so does a single mistake. The interval of the difference says whether these validation tracks can
# tell the two apart.

# %%
of_clip = evaluate.predict(heads["tagger"], Z["valid"])
strongest = pd.DataFrame(of_clip).groupby(batches["valid"].owner).max().to_numpy()
known = {"groups": experiment.groups["valid"], "seed": SEED}
found = evaluate.compare(truth["valid"], strongest, proba["tagger", "valid"], **known)
print(f"maximum minus mean, ROC-AUC: {found['difference']:+.3f} [{found['difference_low']:+.3f}, {found['difference_high']:+.3f}]")

# %% [markdown]
# ## 3. A smaller step
#
# Twice as many windows, but each is as long as before. Neighbours now share more of their sound, so the picture gets
# smoother and not sharper: two events that fall into one window stay one. Sharper answers need shorter windows, and a
# network that was trained on them.

# %%
smaller = {**how, "hop_frames": max(1, how["hop_frames"] // 2)}
closer = clips.EveryClip(store, [followed[most]], T.loc[[followed[most]]].to_numpy(), **smaller)
answer_of = evaluate.predict(heads["tagger"], evaluate.predict(trunk, closer))[:, best_rows]
fig, axes = plt.subplots(2, 1, figsize=(10, 6.4), sharex=True, layout="constrained")
own = windows.owner == most
for ax, (start, values, title) in zip(axes, (
    (windows.start[own], of_window[own][:, best_rows], f"a window every {how['hop_frames'] / per_second:.2f} s"),
    (closer.start, answer_of, f"a window every {smaller['hop_frames'] / per_second:.2f} s"),
)):  # fmt: skip
    at = start / per_second + seconds / 2, np.arange(len(rows_shown))
    image = ax.pcolormesh(*at, values.T, shading="nearest", vmin=0, vmax=1, cmap="Blues")
    ax.set(yticks=at[1], yticklabels=rows_shown, title=title)
    ax.invert_yaxis()
axes[-1].set_xlabel("middle of the window (s)")
fig.colorbar(image, ax=axes, label="probability")
plt.show()
