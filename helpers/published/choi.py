"""The two networks of Choi et al., trained on the Million Song Dataset: their tags and weights."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from helpers.download import REGISTRY, DatasetError, fetch, how_to_get

# The 50 tags that both networks answer with, in their order.
TAGS = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s",
    "alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists", "classic rock",
    "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "90s", "chill", "instrumental",
    "punk", "oldies", "blues", "hard rock", "ambient", "acoustic", "experimental",
    "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country", "easy listening", "sexy",
    "catchy", "funk", "electro", "heavy metal", "Progressive rock", "60s", "rnb", "indie pop",
    "sad", "House", "happy",
)  # fmt: skip

_BLOCKS = 5

# What the CRNN hears: `crnn_input` makes it.
CRNN_INPUT = {"sr": 12000, "n_fft": 512, "hop_length": 256, "n_mels": 96, "seconds": 29.12,
              "frames": 1366}  # fmt: skip
_GATE = 1.2  # clip(0.2 x + 0.5, 0, 1) is today's hard_sigmoid, clip(x / 6 + 0.5, 0, 1), of 1.2 x


def fetch_weights(name: str, data_dir: str | os.PathLike) -> Path:
    """Return the file of a published network, fetched if need be; give up soon without a network.

    Parameters
    ----------
    name : str
        "msd_crnn" or "msd_convnet".
    data_dir : path
        The folder that holds the datasets; the file lies in its folder weights.

    Returns
    -------
    Path
        The file, its checksum compared.

    Raises
    ------
    DatasetError
        The file is not there and its server does not answer. The message says what to do.
    """
    import pooch
    import requests

    (remote,) = REGISTRY[name].remotes
    path = Path(data_dir, remote.path)
    if not path.exists():
        try:
            requests.head(remote.urls[0], timeout=5)
        except requests.RequestException:
            raise DatasetError(
                f"{path} is missing and its server does not answer. With a network, "
                f"{how_to_get(name, data_dir)}."
            ) from None
    log = pooch.get_logger()
    level = log.level
    log.setLevel("ERROR")  # it would tell every download on the standard error stream
    try:
        return fetch(name, data_dir, progress=False)
    finally:
        log.setLevel(level)


def convnet_weights(path: str | os.PathLike) -> dict:
    """Read the weights of the convnet, arranged for `keras.layers` that see time before frequency.

    Theano slides a kernel with both axes flipped and keeps its filters first: the kernels are
    flipped back, and their axes brought into the order of `keras.layers.Conv2D`. What the file
    calls the running mean and deviation of the batch normalizations was never used and is left out.

    Parameters
    ----------
    path : path
        compact_cnn_weights_theano.hdf5, as `helpers.datasets.fetch("msd_convnet", ...)` brings it.

    Returns
    -------
    dict
        blocks : list of 5 tuples, kernel [shape=(time, frequency, inputs, filters)], bias, gamma
        and beta [shape=(filters,)]; tags : kernel [shape=(filters, 50)] and bias of the layer that
        answers with `TAGS`; mel : the mel filters [shape=(n_bins, n_mels)]; dft : the windowed
        cosines and sines of its Fourier transform, each [shape=(n_fft, n_bins)].

    Raises
    ------
    FileNotFoundError
        The file is missing. The message says how to get it.
    ValueError
        The file is not this one; the message says what it lacks.

    Notes
    -----
    Source: Choi et al., *Transfer learning for music classification and regression tasks*, ISMIR
    2017.
    """
    read = _arrays(path, "convnet", _CONVNET)
    blocks = []
    for k in range(1, _BLOCKS + 1):
        W = read[f"ConvBNEluDr/convolution2d_{k}_W"]  # filters, inputs, frequency, time
        kernel = np.ascontiguousarray(W[:, :, ::-1, ::-1].transpose(3, 2, 1, 0))
        bias = read[f"ConvBNEluDr/convolution2d_{k}_b"]
        scaling = (read[f"ConvBNEluDr/batchnormalization_{k}_{p}"] for p in ("gamma", "beta"))
        blocks.append((kernel, bias, *scaling))
    return {
        "blocks": blocks,
        "tags": (read["dense_1/dense_1_W"], read["dense_1/dense_1_b"]),
        "mel": read["melgram/param_2"],
        "dft": (read["melgram/param_0"][:, 0, 0], read["melgram/param_1"][:, 0, 0]),
    }


def _convnet_shapes() -> dict[str, tuple[int, ...]]:
    shapes = {"melgram/param_0": (512, 1, 1, 257), "melgram/param_1": (512, 1, 1, 257),
              "melgram/param_2": (257, 96), "dense_1/dense_1_W": (32, len(TAGS)),
              "dense_1/dense_1_b": (len(TAGS),)}  # fmt: skip
    for k in range(1, _BLOCKS + 1):
        shapes[f"ConvBNEluDr/convolution2d_{k}_W"] = (32, 1 if k == 1 else 32, 3, 3)
        for name in ("convolution2d_{}_b", "batchnormalization_{}_gamma",
                     "batchnormalization_{}_beta"):  # fmt: skip
            shapes["ConvBNEluDr/" + name.format(k)] = (32,)
    return shapes


_CONVNET = _convnet_shapes()


def _arrays(path: str | os.PathLike, kind: str, shapes: dict) -> dict[str, np.ndarray]:
    """Read every array of a file of weights; refuse one that is not this file."""
    import h5py

    if not Path(path).exists():
        remedy = f'helpers.datasets.fetch("msd_{kind.lower()}", data_dir) downloads it'
        raise FileNotFoundError(f"{path} is missing: {remedy}")
    try:
        with h5py.File(path, "r") as file:
            return {name: _dataset(file, name, shape) for name, shape in shapes.items()}
    except (OSError, ValueError) as problem:
        raise ValueError(f"{path}: not the weights of the MSD {kind}; {problem}") from None


def _dataset(file, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return one array of an HDF5 file; ValueError if it is absent or of another shape."""
    if name not in file:
        raise ValueError(f"it has no {name}")
    values = file[name]
    if getattr(values, "shape", None) != shape:
        raise ValueError(f"{name} has the shape {getattr(values, 'shape', None)}, not {shape}")
    values = values[()].astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds values that are not finite")
    return values


def crnn_input(y: np.ndarray) -> np.ndarray:
    """Return what the CRNN hears of a track: the log-mel of its middle 29.12 seconds.

    As its authors made it: the power of 96 mel bands is *squared* before decibels are taken, so
    twice the amplitude is 12 dB more, and decibels end 80 below the loudest point. A shorter track
    is followed by silence.

    Parameters
    ----------
    y : np.ndarray [shape=(n_samples,)]
        Mono samples at 12,000 Hz.

    Returns
    -------
    np.ndarray [shape=(1366, 96)]
        Time first, float32.

    Raises
    ------
    ValueError
        `y` is empty or has more than one axis.

    Examples
    --------
    >>> y = np.sin(2 * np.pi * 440 * np.arange(12000) / 12000)
    >>> crnn_input(y).shape
    (1366, 96)

    Notes
    -----
    Source: audio_processor.py of keunwoochoi/music-auto_tagging-keras; in the librosa of its time,
    sound was mirrored beyond its ends.
    """
    import librosa

    y = np.asarray(y, dtype=np.float32)
    if y.ndim != 1 or not len(y):
        raise ValueError(f"y has the shape {y.shape}; give mono samples [n], at least one")
    n = int(CRNN_INPUT["seconds"] * CRNN_INPUT["sr"])
    start = max(0, (len(y) - n) // 2)
    y = np.pad(y[start : start + n], (0, max(0, n - len(y))))
    made_with = {name: CRNN_INPUT[name] for name in ("sr", "n_fft", "hop_length", "n_mels")}
    S = librosa.feature.melspectrogram(y=y, pad_mode="reflect", **made_with)
    return np.ascontiguousarray(librosa.power_to_db(S**2, top_db=80.0).T, dtype=np.float32)


def crnn_weights(path: str | os.PathLike) -> list[np.ndarray]:
    """Read the weights of the CRNN, arranged for a Keras network that sees time before frequency.

    The file's kernels are (filters, inputs, frequency, time); they are transposed, not flipped.
    What it calls a running deviation is a variance. Each gate of a GRU has arrays of its own, which
    are joined in the order update, reset, candidate. Its gates were clip(0.2 x + 0.5, 0, 1).
    Today's ``hard_sigmoid`` is clip(x / 6 + 0.5, 0, 1), the same function of 1.2 x, so both gates'
    weights are multiplied by 1.2, and the network needs no function of ours.

    Parameters
    ----------
    path : path
        music_tagger_crnn_weights_tensorflow.h5, as `fetch_weights` brings it.

    Returns
    -------
    list of np.ndarray
        For `keras.Model.set_weights`: a batch normalization over 1440 moments; four times a
        convolution and a batch normalization; two GRU layers (32, ``reset_after=False``,
        ``recurrent_activation="hard_sigmoid"``); a dense layer that answers with `TAGS`.

    Raises
    ------
    FileNotFoundError
        The file is missing. The message says how to get it.
    ValueError
        The file is not this one; the message says what it lacks.

    Notes
    -----
    Source: Choi et al., *Convolutional recurrent neural networks for music classification*, ICASSP
    2017.
    """
    read = _arrays(path, "CRNN", _CRNN)

    def stored(layer, parts):
        return [read[name] for name in _crnn_names(layer, parts)]

    weights = stored("bn_0_freq", _NORM)
    for k in range(1, 5):
        W, b = stored(f"conv{k}", _W)
        weights += [W.transpose(3, 2, 1, 0), b, *stored(f"bn{k}", _NORM)]
    for layer in ("gru1", "gru2"):
        for part in "WUb":
            z, r, h = stored(layer, [f"{part}_{gate}" for gate in "zrh"])
            weights.append(np.concatenate([_GATE * z, _GATE * r, h], axis=-1))
    return weights + stored("output", _W)


_NORM, _W = ("gamma_1", "beta_1", "running_mean_1", "running_std_1"), ("W_1", "b_1")


def _crnn_names(layer: str, parts) -> list[str]:
    return [f"{layer}/{layer}_{part}:0" for part in parts]


def _crnn_shapes() -> dict[str, tuple[int, ...]]:
    shapes = dict.fromkeys(_crnn_names("bn_0_freq", _NORM), (1440,))
    for k, (n_in, n_out) in enumerate([(1, 64), (64, 128), (128, 128), (128, 128)], 1):
        shapes |= dict(zip(_crnn_names(f"conv{k}", _W), [(n_out, n_in, 3, 3), (n_out,)]))
        shapes |= dict.fromkeys(_crnn_names(f"bn{k}", _NORM), (n_out,))
    for layer, n_in in (("gru1", 128), ("gru2", 32)):
        for gate in "zrh":
            names = _crnn_names(layer, [f"{part}_{gate}" for part in "WUb"])
            shapes |= dict(zip(names, [(n_in, 32), (32, 32), (32,)]))
    return shapes | dict(zip(_crnn_names("output", _W), [(32, len(TAGS)), (len(TAGS),)]))


_CRNN = _crnn_shapes()
