"""Which part of a clip a network's answer rests on, to be seen and to be heard."""

from __future__ import annotations

import keras
import librosa
import numpy as np
from scipy.ndimage import zoom

from helpers import evaluate


def grad_cam(network: keras.Model, X: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Find the regions that speak for a class, with Grad-CAM.

    The maps of the last convolution are added up, each with the weight that the class gives it:
    the mean of the gradient over the map. Only what speaks for the class is kept.

    Parameters
    ----------
    network : keras.Model
        Ends in probabilities; one of its layers is a two-dimensional convolution.
    X : np.ndarray [shape=(n_clips, n_frames, n_mels, 1)]
        Clips.
    classes : np.ndarray [shape=(n_clips,)]
        The class to explain in each clip.

    Returns
    -------
    np.ndarray [shape=(n_clips, n_frames, n_mels)]
        From 0 to 1 in each clip; all 0 where nothing speaks for the class.

    Raises
    ------
    ValueError
        The network has no convolution whose maps keep time and frequency.

    Notes
    -----
    Source: Selvaraju et al., *Grad-CAM*, ICCV 2017.
    """
    end = _behind_last_convolution(network)
    X, wanted = np.asarray(X, np.float32), keras.ops.one_hot(classes, network.output_shape[-1])

    def score(maps):
        own = keras.ops.sum(_through(network.layers[end:], maps) * wanted, axis=1)
        return keras.ops.sum(keras.ops.log(own + 1e-12))

    maps = _through(network.layers[:end], X)
    gradient = keras.ops.convert_to_numpy(_gradient(score, maps))
    maps = keras.ops.convert_to_numpy(maps)
    weights = gradient.mean(axis=(1, 2), keepdims=True)
    heat = np.maximum((weights * maps).sum(axis=-1), 0)
    factors = (1, X.shape[1] / heat.shape[1], X.shape[2] / heat.shape[2])
    heat = np.clip(zoom(heat, factors, order=1, grid_mode=True, mode="nearest"), 0, None)
    return heat / np.maximum(heat.max(axis=(1, 2), keepdims=True), 1e-12)


def _behind_last_convolution(network: keras.Model) -> int:
    """Return how many layers lead to the maps, as the layer behind them reads them."""
    layers = network.layers if isinstance(network, keras.Sequential) else []
    places = [i for i, layer in enumerate(layers) if isinstance(layer, keras.layers.Conv2D)]
    if not places:
        raise ValueError(f"{network.name} is no sequence of layers with a convolution over time "
                         "and frequency to look into")  # fmt: skip
    follow = (keras.layers.BatchNormalization, keras.layers.Activation, keras.layers.ReLU)
    end = places[-1] + 1
    while isinstance(layers[end], follow):
        end += 1
    return end


def _through(layers, X):
    """Send a batch through layers; outside of `fit`, each works as it does when it answers."""
    for layer in layers:
        X = layer(X)
    return X


def _gradient(function, x):
    """Gradient of a scalar function, on whichever backend Keras runs."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        return tape.gradient(value, x)
    if backend == "jax":
        import jax

        return jax.grad(function)(x)
    x = x.detach().requires_grad_()
    function(x).backward()
    return x.grad


def occlusion(
    network: keras.Model,
    X: np.ndarray,
    classes: np.ndarray,
    *,
    silence: np.ndarray,
    parts: int = 12,
) -> np.ndarray:
    """Hide one stretch of time after another, and see how much the answer suffers.

    It needs nothing but the network's answers, so it serves recurrent networks, too.

    Parameters
    ----------
    network : keras.Model
        Ends in probabilities.
    X : np.ndarray [shape=(n_clips, n_frames, n_mels, 1)]
        Clips.
    classes : np.ndarray [shape=(n_clips,)]
        The class to explain in each clip.
    silence : np.ndarray [shape=(n_mels,)]
        What stands in the hidden frames, such as the mean of each band.
    parts : int > 0
        Number of stretches.

    Returns
    -------
    np.ndarray [shape=(n_clips, parts)]
        Probability of the class, as it is minus with this stretch hidden.

    Notes
    -----
    Source: Zeiler and Fergus, *Visualizing and understanding convolutional networks*, ECCV 2014.
    """
    rows = np.arange(len(X))

    def answer(X):
        return evaluate.predict(network, X)[rows, classes]

    before, after = answer(np.asarray(X, dtype=np.float32)), []
    for stretch in np.array_split(np.arange(X.shape[1]), parts):
        hidden = np.array(X, dtype=np.float32)
        hidden[:, stretch] = silence[:, np.newaxis]
        after.append(answer(hidden))
    return before[:, np.newaxis] - np.stack(after, axis=1)


def largest(heat: np.ndarray, *, share: float) -> np.ndarray:
    """Mark the points of a clip that matter most.

    Parameters
    ----------
    heat : np.ndarray [shape=(n_frames, n_mels)]
        Importance of each point.
    share : float
        How much of the clip to mark, between 0 and 1.

    Returns
    -------
    np.ndarray of bool [shape=(n_frames, n_mels)]
        Exactly this share is true, rounded to points; ties are broken by place.

    Examples
    --------
    >>> largest(np.array([[0.1, 0.9], [0.5, 0.2]]), share=0.5).tolist()
    [[False, True], [True, False]]
    """
    marked = np.zeros(heat.size, dtype=bool)
    marked[np.argsort(-heat, axis=None, kind="stable")[: round(share * heat.size)]] = True
    return marked.reshape(heat.shape)


def listen(
    y: np.ndarray, mask: np.ndarray, *, sr: float, n_fft: int = 2048, fmax: float | None = None
) -> np.ndarray:
    """Return the sound that is left when a mask over time and mel bands is laid on it.

    The mask is brought from mel bands to the frequencies of the Fourier transform, so the sound
    keeps its own phases: nothing is guessed.

    Parameters
    ----------
    y : np.ndarray [shape=(n_samples,)]
        Mono samples.
    mask : np.ndarray [shape=(n_frames, n_mels)]
        From 0 (silence) to 1 (as it is), spread evenly over the length of `y`.
    sr : float
        Rate of the samples in hertz.
    n_fft : int
        Window of the Fourier transform in samples.
    fmax : float, optional
        Upper end of the mel bands in hertz; half of `sr` by default.

    Returns
    -------
    np.ndarray [shape=(n_samples,)]

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=8000).astype(np.float32)
    >>> bool(np.allclose(listen(y, np.ones((10, 8)), sr=8000), y, atol=1e-5))
    True
    """
    S = librosa.stft(y, n_fft=n_fft)
    n_frames, n_mels = mask.shape
    centres = librosa.mel_frequencies(n_mels + 2, fmax=fmax or sr / 2)[1:-1]
    hertz = librosa.fft_frequencies(sr=sr, n_fft=n_fft)
    moments = np.linspace(0, n_frames - 1, S.shape[1])
    in_time = np.stack([np.interp(moments, np.arange(n_frames), band) for band in mask.T], axis=1)
    laid = np.stack([np.interp(hertz, centres, frame) for frame in in_time], axis=1)
    return librosa.istft(S * laid, length=len(y))
