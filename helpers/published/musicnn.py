"""musicnn: a tagger with musical filters that has learned from 200,000 real songs.

Source: Pons, Serra, *musicnn: pre-trained convolutional neural networks for music audio tagging*,
ISMIR late-breaking, 2019. Its package is fetched for its checkpoints; nothing of it is run.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import layers

from helpers import training
from helpers.download import REGISTRY, fetch
from helpers.published.choi import TAGS

MTT_TAGS = (
    "guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast",
    "piano", "ambient", "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male",
    "singing", "vocals", "no vocals", "harpsichord", "loud", "quiet", "flute", "woman",
    "male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man", "classic", "choir", "voice",
    "new age", "dance", "male voice", "female vocal", "beats", "harp", "cello", "no voice",
    "weird", "country", "metal", "female voice", "choral",
)  # fmt: skip
INPUTS = {"kind": "log_mel", "sr": 16000, "n_fft": 512, "hop_length": 256, "n_mels": 96,
          "fmin": 0.0, "fmax": 8000.0, "clip_frames": 187}  # fmt: skip
_TRAINED_ON = {
    "MSD": "Million Song Dataset, 50 tags of Last.fm's listeners",
    "MTT": "MagnaTagATune, 50 tags",
}
# Filters, and their size in frames and mel bands: tall ones see timbre, long ones see time.
_FRONT = ((204, (7, 38)), (204, (7, 67)), (51, (128, 1)), (51, (64, 1)), (51, (32, 1)))


def musicnn(data_dir: str | os.PathLike, name: str = "MSD", *, progress: bool = True) -> Path:
    """Return musicnn as one ``.keras`` file with its card, fetched and rebuilt if need be.

    Parameters
    ----------
    data_dir : path
        The folder that holds the datasets; the file lies in its folder weights/musicnn.
    name : {"MSD", "MTT"}
        What it has learned from: the Million Song Dataset, whose tags are `TAGS`, or
        MagnaTagATune, whose tags are `MTT_TAGS`.
    progress : bool
        Show a progress bar while it is fetched.

    Returns
    -------
    Path
        A file for `helpers.classify.Classifier`, or for ``keras.models.load_model``.

    Raises
    ------
    DatasetError
        The package cannot be fetched, or holds something else. The message says what to do.
    ValueError
        Another name.
    """
    if name not in _TRAINED_ON:
        raise ValueError(f"there is no musicnn {name!r}; choose {' or '.join(_TRAINED_ON)}")
    path = Path(data_dir, "weights", "musicnn", f"musicnn-{name}.keras")
    if path.exists():
        return path
    folder = fetch("musicnn", data_dir, progress=progress) / f"{name}_musicnn"
    network = build_musicnn()
    _fill(network, folder)
    source = REGISTRY["musicnn"]
    card = {
        "model": f"musicnn {name}",
        "made_by": "helpers.published.musicnn",
        "inputs": INPUTS,
        "classes": list(TAGS if name == "MSD" else MTT_TAGS),
        "multilabel": True,
        "dataset": {"name": _TRAINED_ON[name]},
        "licence": source.licence,
        "citation": source.citation,
        "metrics": {"parameters": network.count_params()},
    }
    return training.save(network, path, card)


def build_musicnn(n_tags: int = 50) -> keras.Model:
    """Build musicnn without weights; it reads log-mels in decibels, as all networks here do.

    Parameters
    ----------
    n_tags : int
        Number of answers.

    Returns
    -------
    keras.Model
        From log-mels [shape=(n, frames, 96, 1)], in decibels, to probabilities [shape=(n, n_tags)].
        Its layers "front" (561 channels), "middle" (753), "max" and "mean" (753 each) and
        "penultimate" (200) are known features.

    Examples
    --------
    >>> build_musicnn().count_params()
    792079
    """
    S_db = layers.Input((None, 96, 1))
    # softplus(x) is log(1 + exp(x)): three layers turn decibels into log10(10000 S + 1).
    X = layers.Rescaling(math.log(10) / 10, offset=math.log(10000))(S_db)
    X = layers.Activation("softplus")(X)
    X = layers.Rescaling(1 / math.log(10), name="log_power")(X)
    X = _norm(X)
    front = layers.Concatenate(name="front")([_branch(X, *branch) for branch in _FRONT])
    first = _in_time(front)
    second = layers.Add()([_in_time(first), first])
    third = layers.Add()([_in_time(second), second])
    middle = layers.Concatenate(name="middle")([front, first, second, third])
    pooled = [
        layers.GlobalMaxPooling1D(name="max")(middle),
        layers.GlobalAveragePooling1D(name="mean")(middle),
    ]
    side_by_side = [layers.Reshape((-1, 1))(X) for X in pooled]
    X = _norm(layers.Flatten()(layers.Concatenate()(side_by_side)))
    X = _norm(layers.Dense(200, activation="relu")(X), name="penultimate")
    return keras.Model(S_db, layers.Dense(n_tags, "sigmoid", name="tags")(X), name="musicnn")


def _norm(X, **named):
    return layers.BatchNormalization(epsilon=1e-3, **named)(X)


def _branch(X, filters: int, size: tuple[int, int]):
    """Find one kind of pattern; how high it stands does not matter."""
    if size[1] > 1:
        X = layers.ZeroPadding2D((size[0] // 2, 0))(X)
    padding = "valid" if size[1] > 1 else "same"
    X = _norm(layers.Conv2D(filters, size, padding=padding, activation="relu")(X))
    return layers.Reshape((-1, filters))(layers.MaxPooling2D((1, X.shape[2]))(X))


def _in_time(X):
    return _norm(layers.Conv1D(64, 7, padding="same", activation="relu")(X))


def _fill(network: keras.Model, folder: Path) -> None:
    """Give the network the arrays of a checkpoint, in the order of its layers."""
    kinds = (
        ("conv2d", (layers.Conv2D, layers.Conv1D), ("kernel", "bias")),
        ("batch_normalization", layers.BatchNormalization,
         ("gamma", "beta", "moving_mean", "moving_variance")),
        ("dense", layers.Dense, ("kernel", "bias")),
    )  # fmt: skip
    arrays = _checkpoint(folder)
    for kind, types, parts in kinds:
        found = [layer for layer in network.layers if isinstance(layer, types)]
        for i, layer in enumerate(found):
            named = [arrays[f"{kind}_{i}/{part}" if i else f"{kind}/{part}"] for part in parts]
            shapes = [weights.shape for weights in layer.get_weights()]
            layer.set_weights([a.reshape(shape) for a, shape in zip(named, shapes)])


def _checkpoint(folder: Path) -> dict[str, np.ndarray]:
    """Read TensorFlow's checkpoint, whose files lack the prefix that its reader needs."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as work:
        for end in (".index", ".data-00000-of-00001"):
            shutil.copy(folder / end, Path(work, f"weights{end}"))
        reader = tf.train.load_checkpoint(str(Path(work, "weights")))
        names = reader.get_variable_to_shape_map()
        return {name: reader.get_tensor(name) for name in names if "Adam" not in name}
