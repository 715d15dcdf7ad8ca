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
# ## 1. Transpose
#
# Every performance is described twice, as it is and five semitones higher, and the change is counted in standard deviations
# of each number. The register moves. Density and dynamics ask for time and force, not for pitch, and stay. Harmony stays,
# too: it is counted from the key that fits best, and the key moves along.

# %%
if has_midi:
    higher = []
    for path in tracks["midi"]:
        notes = symbolic.read_notes(path, seconds=longest)
        higher.append(symbolic.describe_notes(notes.assign(pitch=notes["pitch"] + 5)))
    change = (pd.DataFrame(higher, N.index) - N).abs().mean() / N.std().clip(lower=1e-9)
    largest_change = {name: change[columns].max() for name, columns in families.items()}
    print(pd.Series(largest_change, name="largest change in standard deviations").round(2))

# %% [markdown]
# ## 2. More recordings
#
# The loop of the page once more, with one, two and four recordings of each composer. With more of them, clips of the same
# recordings become harder to tell apart, and clips of other compositions easier: the two figures approach each other, because
# the classifier can no longer live on what belongs to one recording.

# %%
most_of_all = int(np.bincount(y).min()) - 1  # at least one recording of each composer is left
rng, figures = np.random.default_rng(SEED), {}
for size in sorted({min(size, most_of_all) for size in (1, 2, 4)}):
    draws = []
    for draw in range(min(TRAP_DRAWS, 6)):
        some = np.concatenate([rng.choice(np.flatnonzero(y == k), size=size, replace=False) for k in range(K)])
        mine = np.flatnonzero(np.isin(owner, some))
        train, test = train_test_split(mine, test_size=1 / 3, stratify=y[owner[mine]], random_state=draw)
        model = classifier().fit(cut[train], y[owner[train]])
        strange = np.flatnonzero(~np.isin(group[owner], group[some]))
        draws.append([(model.predict(cut[part]) == y[owner[part]]).mean() if len(part) else np.nan for part in (test, strange)])
    figures[size] = np.nanmean(draws, axis=0)
more = pd.DataFrame(figures, trap.columns).T
ax = more.plot(style="o-", figsize=(7, 3.2), xlabel="recordings of each composer", ylabel="accuracy of clips", ylim=(0, 1.02))
ax.set(xticks=more.index, title="The trap closes slowly")
plt.show()
more.round(2)

# %% [markdown]
# ## 3. Who plays?
#
# The answers are now the pianists. Each composition is played by several of them, so whole compositions can be held back.
# What belongs to the player is how hard and how long the keys are held, and the pace; register and harmony are written down
# and the same for all who play the piece. So the families should change their places.

# %%
from sklearn.model_selection import GroupKFold

if has_midi and tracks["artist"].nunique() > 1:
    pianist, by_family = tracks["artist"].to_numpy(), {}
    for name, columns in (families | {"all": list(N)}).items():
        cv = GroupKFold(n_folds)
        hit = cross_val_predict(classifier(), N[columns], pianist, groups=group, cv=cv) == pianist
        by_family[name] = score(hit, group) | {"chance": 1 / len(set(pianist))}
    fig, ax = plotting.intervals(pd.DataFrame(by_family).T, chance=1 / len(set(pianist)))
    ax.set_title(f"Which of {len(set(pianist))} pianists plays?", fontsize=10)
    plt.show()
