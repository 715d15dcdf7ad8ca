"""SpecAugment hides in training, never at inference, and travels with the network."""

import keras
import numpy as np
import pytest

from helpers.clips import SpecAugment

X = np.ones((64, 40, 20, 1), dtype="float32")


def masked(**options):
    return np.asarray(SpecAugment(seed=1, **options)(X, training=True))[..., 0]


def test_it_is_off_at_inference():
    layer = SpecAugment(seed=1)
    assert np.array_equal(layer(X), X) and np.array_equal(layer(X, training=False), X)


def test_one_time_mask_is_one_stretch_over_all_bands():
    out = masked(time=0.5, frequency=0.0, masks=1)
    assert set(np.unique(out)) == {0.0, 1.0}
    assert (out == out[:, :, :1]).all()  # the same for every band
    hidden = 1 - out[:, :, 0]
    assert (np.abs(np.diff(hidden, axis=1)).sum(axis=1) <= 2).all()  # one stretch
    width = hidden.sum(axis=1)
    assert width.max() <= 20 and 8 < width.mean() < 12  # up to half of 40 frames, uniform
    assert len(np.unique(hidden, axis=0)) > 40  # each clip has its own


def test_frequency_masks_hide_bands_over_all_time():
    out = masked(time=0.0, frequency=0.4, masks=2)
    assert (out == out[:, :1, :]).all()
    assert (1 - out[:, 0]).sum(axis=1).max() <= 16  # two masks of up to 8 of 20 bands
    assert 0 < (1 - out).mean() < 0.4


def test_masks_differ_from_call_to_call_and_agree_between_runs():
    one, two = SpecAugment(seed=3), SpecAugment(seed=3)
    first = np.asarray(one(X, training=True))
    assert np.array_equal(first, two(X, training=True))
    assert not np.array_equal(first, one(X, training=True))


def test_it_is_saved_with_the_network(tmp_path):
    layer = SpecAugment(time=0.3, frequency=0.1, masks=3, seed=5)
    layers = [keras.layers.Input((None, 20, 1)), layer,
              keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]  # fmt: skip
    network = keras.Sequential(layers)
    network.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras", safe_mode=True)
    layer = again.layers[0]
    assert (layer.time, layer.frequency, layer.masks, layer.seed) == (0.3, 0.1, 3, 5)
    assert np.array_equal(again.predict(X, verbose=0), network.predict(X, verbose=0))
    masked = keras.ops.convert_to_numpy(again(X, training=True))
    assert not np.allclose(masked, again.predict(X, verbose=0))
    assert again(X[:, :7]).shape == (64, 2)  # any length


def test_training_with_it_works_for_any_length():
    layers = [keras.layers.Input((None, 20, 1)), SpecAugment(seed=0),
              keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)]  # fmt: skip
    network = keras.Sequential(layers)
    network.compile(loss="mse")
    for length in (40, 13):
        network.fit(X[:, :length], np.ones(64), verbose=0)


@pytest.mark.parametrize("options", [{"time": 1.0}, {"frequency": -0.1}, {"masks": 0}])
def test_it_refuses_what_makes_no_sense(options):
    with pytest.raises(ValueError, match="shares in"):
        SpecAugment(**options)
