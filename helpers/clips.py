"""Feed a network with clips: fixed-length excerpts of the frames in the feature store.

A batch has the shape (clips, frames, mel bands, 1): time comes first, then frequency. From a store
of samples (`helpers.features.extract_waveform`) it is (clips, samples, 1, 1).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from keras import ops

from helpers import store as store_files
from helpers.store import FeatureStore


def starts(n_frames: int, clip_frames: int, *, hop_frames: int | None = None) -> np.ndarray:
    """Return where the clips of a track begin."""
    return np.arange(0, max(n_frames - clip_frames, 0) + 1, hop_frames or clip_frames)


def cut(frames: np.ndarray, start: int, clip_frames: int) -> np.ndarray:
    """Return one clip as float32; a track that is too short is repeated.

    Parameters
    ----------
    frames : np.ndarray [shape=(n_frames, n_mels)]
        Frames of one track.
    start : int >= 0
        First frame.
    clip_frames : int > 0
        Length of the clip in frames.

    Returns
    -------
    np.ndarray [shape=(clip_frames, n_mels)]

    Examples
    --------
    >>> cut(np.arange(6).reshape(3, 2), 0, 4)[:, 0].tolist()
    [0.0, 2.0, 4.0, 0.0]
    """
    clip = frames[start : start + clip_frames]
    if len(clip) < clip_frames:
        clip = np.take(frames, np.arange(start, start + clip_frames), axis=0, mode="wrap")
    return np.asarray(clip, dtype=np.float32)


def band_statistics(
    store: FeatureStore, track_ids: list[str], *, max_tracks: int = 2000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of every mel band, from these tracks only: the training tracks.

    Parameters
    ----------
    store : FeatureStore
        Log-mel frames.
    track_ids : list of str
        Training tracks. Any other would leak.
    max_tracks : int
        A larger set is sampled.
    seed : int
        Seed of that sample.

    Returns
    -------
    mean, variance : np.ndarray [shape=(n_mels,)]
        In decibels and squared decibels; fit for `keras.layers.Normalization`.
    """
    if len(track_ids) == 0:
        raise ValueError("no training tracks to take the scaling from")
    if len(track_ids) > max_tracks:
        rng = np.random.default_rng(seed)
        track_ids = rng.choice(np.asarray(track_ids, dtype=object), max_tracks, replace=False)
    total, squares, n = 0.0, 0.0, 0
    for track_id in track_ids:
        frames = store.frames(track_id).astype(np.float64)
        total, squares, n = total + frames.sum(0), squares + (frames**2).sum(0), n + len(frames)
    mean = total / n
    return mean, np.maximum(squares / n - mean**2, 1e-6)


class RandomClips(keras.utils.PyDataset):
    """Training clips: each epoch draws new excerpts from every track.

    Parameters
    ----------
    store : FeatureStore
        Log-mel frames.
    track_ids : list of str [length=n]
        Training tracks.
    Y : np.ndarray [shape=(n,) or (n, n_classes)]
        Target of each track.
    clip_frames : int > 0
        Length of a clip in frames.
    clips_per_track : int > 0
        Clips that an epoch draws from each track.
    batch_size : int > 0
        Clips in a batch.
    balanced : bool
        Draw tracks so that classes come equally often (single-label targets only).
    redraw : bool
        Draw new clips in each epoch; without it, every epoch meets the clips of the first, in a
        new order.
    seed : int
        The same seed gives the same clips in the same order.

    Notes
    -----
    One worker thread keeps the order of the draws; reading is a slice of a memory map, so it does
    not hold training up.
    """

    def __init__(
        self,
        store: FeatureStore,
        track_ids: list[str],
        Y: np.ndarray,
        *,
        clip_frames: int,
        clips_per_track: int = 4,
        batch_size: int = 32,
        balanced: bool = False,
        redraw: bool = True,
        seed: int = 0,
    ):
        super().__init__()
        if len(track_ids) != len(Y):
            raise ValueError(f"{len(track_ids)} tracks but {len(Y)} targets")
        if balanced and np.ndim(Y) != 1:
            raise ValueError(
                "classes can be balanced where each track has one; set BALANCED to False"
            )
        self.store, self.track_ids, self.Y = store, list(track_ids), np.asarray(Y)
        self.clip_frames, self.batch_size = clip_frames, batch_size
        self.clips_per_track, self.balanced, self.seed = clips_per_track, balanced, seed
        self.redraw, self.epoch = redraw, 0
        self._draw()

    def _draw(self) -> None:
        rng = np.random.default_rng([self.seed, self.epoch])
        n = len(self.track_ids)
        if self.balanced:
            classes, counts = np.unique(self.Y, return_counts=True)
            weight = 1.0 / counts[np.searchsorted(classes, self.Y)]
            p = weight / weight.sum()
            self.order = rng.choice(n, n * self.clips_per_track, p=p)
        else:
            self.order = rng.permutation(np.repeat(np.arange(n), self.clips_per_track))
        self.position = rng.random(len(self.order))

    def _shuffle(self) -> None:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.order))
        self.order, self.position = self.order[order], self.position[order]

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return batch `index`: X [shape=(clips, clip_frames, n_mels, 1)] and Y."""
        part = slice(index * self.batch_size, (index + 1) * self.batch_size)
        X = [self._clip(i, at) for i, at in zip(self.order[part], self.position[part])]
        return np.stack(X)[..., np.newaxis], self.Y[self.order[part]]

    def _clip(self, i: int, at: float) -> np.ndarray:
        frames = self.store.frames(self.track_ids[i])
        free = max(len(frames) - self.clip_frames, 0)
        return cut(frames, int(at * (free + 1)), self.clip_frames)

    def on_epoch_end(self) -> None:
        """Draw the clips of the next epoch, or shuffle those there are."""
        self.epoch += 1
        (self._draw if self.redraw else self._shuffle)()


class EveryClip(keras.utils.PyDataset):
    """All clips of every track in a fixed order, to validate and to test.

    Parameters
    ----------
    store : FeatureStore
        Log-mel frames.
    track_ids : list of str [length=n]
        Tracks to cut.
    Y : np.ndarray [shape=(n,) or (n, n_classes)]
        Target of each track.
    clip_frames : int > 0
        Length of a clip in frames.
    hop_frames : int > 0, optional
        Distance between clips; no overlap by default.
    batch_size : int > 0
        Clips in a batch.

    Attributes
    ----------
    owner : np.ndarray [shape=(n_clips,)]
        Position of each clip's track in `track_ids`.
    start : np.ndarray [shape=(n_clips,)]
        First frame of each clip.
    Y : np.ndarray [shape=(n,) or (n, n_classes)]
        Target of each track.
    y : np.ndarray [shape=(n_clips,) or (n_clips, n_classes)]
        Target of each clip.
    """

    def __init__(
        self,
        store: FeatureStore,
        track_ids: list[str],
        Y: np.ndarray,
        *,
        clip_frames: int,
        hop_frames: int | None = None,
        batch_size: int = 64,
    ):
        super().__init__()
        if len(track_ids) != len(Y):
            raise ValueError(f"{len(track_ids)} tracks but {len(Y)} targets")
        self.store, self.track_ids = store, list(track_ids)
        self.clip_frames, self.batch_size = clip_frames, batch_size
        n_frames = store.index.set_index("track_id")["n_frames"]
        found = [
            starts(n_frames[track_id], clip_frames, hop_frames=hop_frames)
            for track_id in self.track_ids
        ]
        self.owner = np.repeat(np.arange(len(found)), [len(s) for s in found])
        self.start = np.concatenate(found) if found else np.zeros(0, dtype=int)
        self.Y = np.asarray(Y)
        self.y = self.Y[self.owner]

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-len(self.owner) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return batch `index`: X [shape=(clips, clip_frames, n_mels, 1)] and Y."""
        part = slice(index * self.batch_size, (index + 1) * self.batch_size)
        X = [
            cut(self.store.frames(self.track_ids[i]), start, self.clip_frames)
            for i, start in zip(self.owner[part], self.start[part])
        ]
        return np.stack(X)[..., np.newaxis], self.y[part]


def kept_answers(
    network: keras.Model,
    log_mels: FeatureStore,
    tracks: pd.DataFrame,
    folder: str | os.PathLike,
    *,
    clip_frames: int,
    batch_size: int = 32,
    tracks_a_shard: int = 64,
    **made_with,
) -> tuple[FeatureStore, int]:
    """Send every clip through a frozen network once, and keep what it answers on disk.

    What the folder holds already is not computed again, unless a file, the network's weights or
    `made_with` have changed. An interrupted call goes on where it stopped, and memory holds the
    answers of one shard.

    Parameters
    ----------
    network : keras.Model
        From clips [shape=(n, clip_frames, n_mels, 1)] to n answers of any shape.
    log_mels : FeatureStore
        Where the clips are cut from.
    tracks : DataFrame [index=track_id]
        Column path.
    folder : path
        Where the answers go.
    clip_frames : int
        Length of a clip in frames.
    batch_size : int
        Clips that are sent through at once.
    tracks_a_shard : int
        Tracks whose answers are written at once.
    **made_with
        What else the answers depend on, such as the layer that answers. Text or numbers.

    Returns
    -------
    answers : FeatureStore
        One row a clip: an answer, flattened; float32, since without training they may be tiny.
    n_computed : int
        Number of tracks that were not there yet.
    """
    weights = hashlib.sha256(b"".join(np.ascontiguousarray(w) for w in network.get_weights()))
    params = {"kind": "answers", "weights": weights.hexdigest()[:12], "clip_frames": clip_frames,
              "log_mel": log_mels.params, **made_with}  # fmt: skip
    target = store_files.write_params(Path(folder), params)
    looked = [store_files.File.look(i, str(path)) for i, path in tracks["path"].items()]
    files = pd.DataFrame(looked, columns=store_files.File._fields)

    def kept() -> pd.DataFrame:
        rows = store_files.read_all_rows(target).drop(columns="path")
        return files.merge(rows, on=["track_id", "size", "mtime_ns"]).drop_duplicates("track_id")

    lacking = files[~files["track_id"].isin(kept()["track_id"])]
    for i in range(0, len(lacking), tracks_a_shard):
        some = lacking[i : i + tracks_a_shard]
        shard = [store_files.File(*row) for row in some.itertuples(index=False)]
        ids, zeros = [file.track_id for file in shard], np.zeros(len(shard))
        X = EveryClip(log_mels, ids, zeros, clip_frames=clip_frames, batch_size=batch_size)
        rows = np.concatenate([network.predict_on_batch(X[k][0]) for k in range(len(X))])
        rows = rows.reshape(len(rows), -1)
        parts = np.split(rows, np.flatnonzero(np.diff(X.owner)) + 1)
        results = [store_files.Result(frames=part) for part in parts]
        store_files.write_shard(target, shard, results, dtype="<f4", columns=rows.shape[1])
    return FeatureStore(target.parent, params=params, rows=kept()), len(lacking)


@keras.saving.register_keras_serializable(package="helpers")
class SpecAugment(keras.layers.Layer):
    """Hide random stretches of time and random ranges of frequency, in training only.

    What is hidden becomes 0: behind a layer that subtracts the mean of each band, that is the
    mean. Each clip of a batch gets masks of its own.

    Parameters
    ----------
    time : float in [0, 1)
        Widest stretch of time that one mask hides, as a share of the clip.
    frequency : float in [0, 1)
        Widest range of bands that one mask hides, as a share of the bands.
    masks : int > 0
        Number of masks on each axis.
    seed : int, optional
        Seed of the masks.
    **options
        Those of every Keras layer, such as name.

    Raises
    ------
    ValueError
        A share or the number of masks is out of range.

    Examples
    --------
    >>> layer = SpecAugment(time=0.5, frequency=0.5, seed=0)
    >>> X = ops.ones((1, 8, 4, 1))  # (clips, time, frequency, channel)
    >>> bool(ops.all(layer(X) == X)), bool(ops.all(layer(X, training=True) == X))
    (True, False)

    Notes
    -----
    Source: D. Park et al., *SpecAugment*, Interspeech 2019, without its time warping, which its
    authors found to matter least.
    """

    def __init__(
        self,
        *,
        time: float = 0.2,
        frequency: float = 0.2,
        masks: int = 2,
        seed: int | None = None,
        **options,
    ):
        super().__init__(**options)
        if not (0 <= time < 1 and 0 <= frequency < 1 and masks > 0):
            raise ValueError(
                f"time and frequency are shares in [0, 1) and masks a positive number, "
                f"not {time}, {frequency} and {masks}"
            )
        self.time, self.frequency, self.masks, self.seed = time, frequency, masks, seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, X, training=False):
        """Return X [shape=(clips, time, frequency, channels)], masked where `training` is true."""
        if not training:
            return X
        n_clips, n_frames, n_bands = ops.shape(X)[:3]
        for _ in range(self.masks):
            X = X * ops.reshape(self._seen(n_clips, n_frames, self.time), (n_clips, n_frames, 1, 1))
            bands = self._seen(n_clips, n_bands, self.frequency)
            X = X * ops.reshape(bands, (n_clips, 1, n_bands, 1))
        return X

    def _seen(self, n_clips, length, share):
        """Draw 0 inside one random stretch of each clip and 1 elsewhere [n_clips, length]."""
        draw = keras.random.uniform((2, n_clips, 1), seed=self.generator)
        size = ops.cast(length, draw.dtype)
        width = draw[0] * share * size
        start = draw[1] * (size - width)
        place = ops.cast(ops.arange(length), draw.dtype)
        hidden = ops.logical_and(place >= start, place < start + width)
        return 1.0 - ops.cast(hidden, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Return the shape of the input."""
        return input_shape

    def get_config(self):
        """Return what the layer was made with, for the saved network."""
        made_with = {name: getattr(self, name) for name in ("time", "frequency", "masks", "seed")}
        return super().get_config() | made_with
