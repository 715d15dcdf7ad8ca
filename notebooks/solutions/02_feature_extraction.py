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
# ## 1. Half as many bands
#
# Powers add up, decibels do not: so go from decibels to power, add neighbours, and go back. The paired interval says
# whether the classifier notices. Where it holds 0, half the bytes do the same work for this classifier; a network that
# sees more than means and deviations may judge differently.

# %%
halved = []
for track_id in chosen["track_id"]:
    power = 10 ** (store.frames(track_id).astype(np.float64) / 10)
    power = power[:, : N_MELS // 2 * 2]
    S_half = gray(10 * np.log10(power[:, ::2] + power[:, 1::2]))
    halved.append(np.concatenate([S_half.mean(axis=0), S_half.std(axis=0)]))
model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
half = cross_val_predict(model, np.stack(halved), y_true, cv=folds, method="predict_proba")
print(evaluate.describe(evaluate.scores(y_true, half, groups=groups, seed=SEED)))
paired = evaluate.compare(y_true, half, proba["NumPy file, float32"], groups=groups, seed=SEED)
print(f"difference {paired['difference']:+.3f} [{paired['difference_low']:+.3f}, {paired['difference_high']:+.3f}]")

# %% [markdown]
# ## 2. How good must a JPEG be?
#
# Quality sets how coarsely JPEG rounds the patterns in each square of 8 × 8 points. The error falls with it, and the
# bytes rise, fastest near the end: the last steps pay for detail that no classifier here can use. The rounding to 256
# gray levels remains even at quality 100.

# %%
trial = {}
for quality in (50, 75, 85, 90, 95, 100):
    sizes, errors = [], []
    for track_id in chosen["track_id"].head(20):
        levels, file = gray(store.frames(track_id).astype(np.float32)), io.BytesIO()
        Image.fromarray(np.uint8(np.round(levels))).save(file, "JPEG", quality=quality)
        sizes.append(len(file.getvalue()) / 1000)
        errors.append(np.abs(np.asarray(Image.open(file), dtype=np.float32) - levels).mean())
    trial[quality] = {"KB a track": np.mean(sizes), "error in dB": np.mean(errors) * (HIGH - LOW) / 255}
trial = pd.DataFrame(trial).T.rename_axis("JPEG quality")
print("half a decibel from quality", next((q for q, e in trial["error in dB"].items() if e < 0.5), "none of these"), "on")
trial.round(2)

# %% [markdown]
# ## 3. A NumPy file, compressed
#
# Compression finds little to save in float32, whose last digits look like noise; float16 has fewer of them. Nothing is
# rounded by the compression itself. What is lost is the slice: a compressed array must be unpacked as a whole before a
# clip can be cut from it, just as a picture, while the store reads only the rows that are asked for.

# %%
packed = {"float32": [], "float16": []}
for track_id in chosen["track_id"].head(20):
    y = load_audio(dataset.tracks.set_index("track_id").loc[track_id, "path"], sr=SR, offset=None, max_seconds=MAX_SECONDS)
    S = features.log_mel(y, sr=SR, n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS).T
    for kind in packed:
        file = io.BytesIO()
        np.savez_compressed(file, S=S.astype(kind))
        packed[kind].append((S.nbytes // 4 * np.dtype(kind).itemsize / 1000, len(file.getvalue()) / 1000))
pd.DataFrame({kind: np.mean(v, axis=0) for kind, v in packed.items()}, ["KB as it is", "KB compressed"]).T.round(1)
