"""An explanation must find what is known to matter, and its sound must hold just that."""

import keras
import numpy as np
import pytest

from helpers import explain


def high_or_low():
    """Class 0 is energy in the lower half of the bands, class 1 in the upper half."""
    network = keras.Sequential([
        keras.layers.Input((None, 16, 1)), keras.layers.Conv2D(2, 3, padding="same"),
        keras.layers.Activation("relu"), keras.layers.MaxPooling2D((4, 1)),
        keras.layers.TimeDistributed(keras.layers.Flatten()),
        keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(2, activation="softmax"),
    ])  # fmt: skip
    kernel = np.zeros((3, 3, 1, 2), dtype="float32")
    kernel[1, 1] = 1
    network.layers[0].set_weights([kernel, np.zeros(2)])
    W = np.zeros((16, 2, 2), dtype="float32")
    W[:8, 0, 0], W[8:, 1, 1] = 1, 1
    network.layers[-1].set_weights([W.reshape(32, 2), np.zeros(2)])
    return network


def clip(frames, bands, n_frames=24):
    X = np.zeros((1, n_frames, 16, 1), dtype="float32")
    X[:, frames, bands] = 5
    return X


def test_grad_cam_finds_the_note():
    X = clip(slice(8, 16), slice(10, 14)) + clip(slice(0, 24), slice(0, 2)) * 0.2
    heat = explain.grad_cam(high_or_low(), X, np.array([1]))[0]
    assert heat.shape == (24, 16) and heat.max() == 1
    inside = heat[8:16, 10:14].mean()
    assert inside > 0.9 and heat.sum() - heat[8:16, 10:14].sum() < 0.3 * heat.sum()


def test_nothing_speaks_for_a_class_that_is_not_there():
    assert explain.grad_cam(high_or_low(), 0 * clip(0, 0), np.array([0])).max() == 0


def test_a_network_without_convolutions_is_refused():
    network = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)], name="plain")
    with pytest.raises(ValueError, match="plain is no sequence of layers with a convolution"):
        explain.grad_cam(network, np.zeros((1, 4)), np.array([0]))


def test_occlusion_finds_the_moment():
    X = np.concatenate([clip(slice(12, 18), slice(10, 14)), clip(slice(0, 6), slice(1, 3))])
    suffers = explain.occlusion(high_or_low(), X, np.array([1, 0]), silence=np.zeros(16), parts=4)
    assert suffers.shape == (2, 4)
    assert suffers.argmax(axis=1).tolist() == [2, 0]
    assert np.allclose(np.delete(suffers[0], 2), 0, atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_the_share_is_exact(share):
    heat = np.zeros((10, 10))
    assert explain.largest(heat, share=share).sum() == round(100 * share)


def test_the_masked_sound_keeps_what_was_marked():
    """Two tones, one after the other and both at once: the mask keeps one of four corners."""
    sr, n = 8000, 16000
    time = np.arange(n) / sr
    low, high = np.sin(2 * np.pi * 300 * time), np.sin(2 * np.pi * 2500 * time)
    mask = np.zeros((50, 32))
    mask[:25, 16:] = 1  # first half, upper bands
    y = explain.listen((low + high).astype("float32"), mask, sr=sr, n_fft=512)
    assert y.shape == (n,)
    first, second = y[500:7500], y[8500:]
    power = np.abs(np.fft.rfft(first)) ** 2
    hertz = np.fft.rfftfreq(len(first), 1 / sr)
    assert power[np.abs(hertz - 2500) < 50].sum() > 0.95 * power.sum()
    assert np.square(second).mean() < 1e-3 * np.square(first).mean()
