"""Clips: the right frames, in the right shape, the same for the same seed."""

import numpy as np
import pandas as pd
import pytest

from helpers import clips


class Ramp:
    """A store in which frame t of track i holds 1000 i + t in every band."""

    def __init__(self, lengths, n_mels=4):
        self.lengths, self.n_mels = lengths, n_mels
        self.index = pd.DataFrame({"track_id": list(lengths), "n_frames": list(lengths.values())})

    def frames(self, track_id):
        i = list(self.lengths).index(track_id)
        column = 1000 * i + np.arange(self.lengths[track_id])
        return np.repeat(column[:, None], self.n_mels, axis=1).astype(np.float32)


STORE = Ramp({"long": 100, "exact": 20, "short": 7})
IDS, Y = ["long", "exact", "short"], np.array([0, 1, 1])


def random_clips(**options):
    options = {"clip_frames": 20, "clips_per_track": 5, "batch_size": 4} | options
    return clips.RandomClips(STORE, IDS, Y, **options)


def all_batches(feed):
    batches = [feed[i] for i in range(len(feed))]
    return np.concatenate([X for X, _ in batches]), np.concatenate([y for _, y in batches])


def test_shape_is_time_then_frequency():
    X, y = random_clips()[0]
    assert X.shape == (4, 20, 4, 1) and X.dtype == np.float32
    assert (np.diff(X[y == 0][:, :, 0, 0], axis=1) == 1).all()  # time runs along axis 1
    assert (np.diff(X, axis=2) == 0).all()


def test_every_crop_is_a_real_excerpt_and_reaches_both_ends():
    feed = random_clips(clips_per_track=400)
    X, y = all_batches(feed)
    first = X[:, 0, 0, 0][X[:, 0, 0, 0] < 1000]
    assert first.min() == 0 and first.max() == 80
    assert np.bincount(y).tolist() == [400, 800]


def test_short_track_is_repeated():
    assert clips.cut(STORE.frames("short"), 0, 20)[:, 0].tolist() == [
        2000.0 + t % 7 for t in range(20)
    ]


def test_epochs_differ_and_seeds_repeat():
    one, two = random_clips(seed=1), random_clips(seed=1)
    first = all_batches(one)[0]
    assert np.array_equal(first, all_batches(two)[0])
    one.on_epoch_end()
    assert not np.array_equal(first, all_batches(one)[0])
    two.on_epoch_end()
    assert np.array_equal(all_batches(one)[0], all_batches(two)[0])
    assert not np.array_equal(first, all_batches(random_clips(seed=2))[0])


def test_balanced_draws_classes_equally():
    _, y = all_batches(random_clips(balanced=True, clips_per_track=1000))
    assert abs(np.bincount(y)[0] / len(y) - 0.5) < 0.03


def test_classes_are_balanced_only_where_a_track_has_one():
    with pytest.raises(ValueError, match="set BALANCED to False"):
        clips.RandomClips(STORE, IDS, np.eye(3), clip_frames=20, balanced=True)


def test_every_clip_covers_each_track_in_order():
    feed = clips.EveryClip(STORE, IDS, Y, clip_frames=20, batch_size=2)
    X, y = all_batches(feed)
    assert feed.owner.tolist() == [0] * 5 + [1, 2]
    assert feed.start.tolist() == [0, 20, 40, 60, 80, 0, 0]
    assert X.shape == (7, 20, 4, 1)
    assert y.tolist() == feed.y.tolist() == [0] * 5 + [1, 1]
    assert len(clips.EveryClip(STORE, IDS, Y, clip_frames=20, hop_frames=10).owner) == 9 + 2


def test_targets_must_match_tracks():
    for feed in (clips.RandomClips, clips.EveryClip):
        with pytest.raises(ValueError, match="3 tracks but 2 targets"):
            feed(STORE, IDS, Y[:2], clip_frames=5)


def test_multilabel_targets_follow_their_clips():
    rows = np.eye(3, dtype=np.float32)
    X, y = all_batches(clips.EveryClip(STORE, IDS, rows, clip_frames=20))
    assert y.shape == (7, 3) and y[-1].tolist() == [0, 0, 1]


def test_statistics_come_from_the_tracks_named():
    mean, variance = clips.band_statistics(STORE, ["exact"])
    assert mean == pytest.approx([1009.5] * 4)
    assert variance == pytest.approx([np.arange(20).var()] * 4)
    with pytest.raises(ValueError, match="no training tracks"):
        clips.band_statistics(STORE, [])


def test_keras_trains_on_them_the_same_way_twice():
    import keras

    def train():
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [keras.layers.Input((20, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(2)]
        )
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        feed = random_clips(seed=1)
        feed.store = Ramp({"long": 30, "exact": 20, "short": 7})
        return model.fit(feed, epochs=2, verbose=0, shuffle=False).history["loss"]

    assert train() == train()
