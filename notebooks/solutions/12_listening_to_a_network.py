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
# ## 1. Is it enough?
#
# Turn the masks around with `~`: everything is hidden except the marked places. If these are enough for the answer, more
# of the probability is left than with shifted masks, which show as many places. Little is left in both cases, because
# such a clip is like nothing that the network has learned. The comparison with the control is fair all the same: both
# clips are equally strange.

# %%
left_over = pd.DataFrame({"the whole clip": whole, "only what spoke for it": without(~marked),
                          "only the same, shifted": np.mean([without(~shifted(marked)) for _ in range(10)], axis=0)})  # fmt: skip
gain = left_over["only what spoke for it"] - left_over["only the same, shifted"]
d, low, high = evaluate.mean_score("gain", gain, groups=groups, seed=SEED).values()
display(left_over.mean().round(3).to_frame("probability"))
print(f"what spoke for it keeps {d:+.2f} [{low:+.2f}, {high:+.2f}] more than shifted masks")

# %% [markdown]
# ## 2. Another share
#
# With a small share little is taken away, so both losses are small. With the whole clip both masks are the same, so the
# lead is zero by definition. In between it has its largest value. If somebody reports a single share, ask how it was
# chosen: whoever tries many and shows the best has chosen by the result.

# %%
rows = {}
for share in (0.05, 0.15, 0.3, 0.5, 1.0):
    ours = np.stack([largest(h, share=share) for h in heat])
    gain = np.mean([without(shifted(ours)) for _ in range(5)], axis=0) - without(ours)
    rows[share] = evaluate.mean_score("lead", gain, groups=groups, seed=SEED)
pd.DataFrame(rows).T.rename_axis("share of the clip").round(3)

# %% [markdown]
# ## 3. Half of the bands
#
# A mask that is true for all frames of some bands hides them in every clip. Compare, class by class, how much of the
# probability is left. A class with most of its heat below should suffer more without the lower half. Where it does not, the
# picture and the test disagree, and the test is the better witness.

# %%
low_half = np.zeros(X.shape[:3], dtype=bool)
low_half[:, :, : store.n_mels // 2] = True
kept_by = pd.DataFrame({"whole": whole, "without the lower half": without(low_half),
                        "without the upper half": without(~low_half)}).groupby(label[named]).mean()  # fmt: skip
kept_by.assign(below=pd.Series(below).groupby(label[named]).mean()).round(2)
