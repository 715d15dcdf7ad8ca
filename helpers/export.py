"""Take a network to another program, as ONNX or LiteRT: samples in, probabilities out.

``python -m helpers.classify --export onnx MODEL.keras OUT.onnx`` calls it, or ``--export litert``
with ``OUT.tflite``. Spectrogram and scaling are layers of the exported network.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path

import keras
import librosa
import numpy as np
from keras import layers, ops

from helpers.files import replacing, write_atomic

ENDINGS = {"onnx": ".onnx", "litert": ".tflite"}
HOW = (
    "Mono samples at the rate sr, between -1 and 1; repeat a sound that is shorter than a window. "
    "Put `pad` zeros before and behind them. Cut a window of n_samples every `hop` samples, as "
    "long as whole windows fit. The network answers a batch of windows with one probability a "
    "class for each. Take the mean over the windows. Where the card names a temperature, divide "
    "the logarithms of that mean by it (of p / (1 - p) for several labels a track), and go back: "
    "exponentials scaled to a sum of one (or the logistic function)."
)


def export(ask, out: str | os.PathLike, *, form: str) -> Path:
    """Write the network of a `Classifier` for another program, and a card beside it.

    Parameters
    ----------
    ask : helpers.classify.Classifier
        Its network reads log-mels or samples.
    out : path
        The file, which ends in ``.onnx`` or ``.tflite``. A card goes beside it, with ``.json``
        after its name. It says how to cut a sound into windows.
    form : {"onnx", "litert"}
        The format. LiteRT takes one window at a time.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        The ending is another one, or the network reads something that cannot be exported.
    RuntimeError
        A package is missing. The message says which.
    """
    out = Path(out)
    if out.suffix != ENDINGS[form]:
        raise ValueError(f"{out}: a file for {form} must end in {ENDINGS[form]}")
    if ask.inputs["kind"] not in FRONTS:
        raise ValueError(
            f"{ask.path} reads {ask.inputs['kind']!r}, which only Python computes; networks that "
            f"read {' or '.join(FRONTS)} can be exported"
        )
    network, cut = from_samples(ask)
    shape = (1 if form == "litert" else None, cut["n_samples"])
    window = keras.InputSpec("float32", shape, name="samples")
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with replacing(out) as temporary:
        try:
            network.export(str(temporary), format=form, verbose=False, input_signature=[window])
        except ImportError as problem:
            remedy = {"onnx": "pip install tf2onnx"}.get(form, "see there")
            raise RuntimeError(f"{form} needs a package: {remedy} ({problem})") from None
        digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
    card = {"file": out.name, "sha256": digest, "how": HOW, "sr": ask.inputs["sr"], **cut}
    write_atomic(card_of(out), json.dumps(card | {"card": ask.card}, indent=1) + "\n")
    return out


def card_of(out: Path) -> Path:
    """Return the file that says how to ask an exported network."""
    return out.with_name(f"{out.name}.json")


def from_samples(ask) -> tuple[keras.Model, dict]:
    """Return a network from windows of samples to probabilities, and how to cut the windows."""
    samples, X, cut = FRONTS[ask.inputs["kind"]](ask.inputs)
    whole = keras.models.load_model(ask.path, compile=False, safe_mode=True)
    network = keras.models.clone_model(whole, clone_function=_portable, recursive=True)
    network.set_weights(whole.get_weights())
    return keras.Model(samples, {"probabilities": network(X)}), cut


def _log_mel(inputs: dict) -> tuple[keras.KerasTensor, keras.KerasTensor, dict]:
    """`helpers.features.log_mel` as layers: the transform is a convolution with sines."""
    n_fft, hop, n_frames = inputs["n_fft"], inputs["hop_length"], inputs["clip_frames"]
    angle = 2 * np.pi / n_fft * np.outer(np.arange(n_fft), np.arange(n_fft // 2 + 1))
    window = librosa.filters.get_window("hann", n_fft)[:, np.newaxis]
    waves = np.concatenate([np.cos(angle) * window, np.sin(angle) * window], axis=1)
    bands = librosa.filters.mel(
        sr=inputs["sr"], n_fft=n_fft, n_mels=inputs["n_mels"],
        fmin=inputs["fmin"], fmax=inputs["fmax"],
    )  # fmt: skip
    n_samples = (n_frames - 1) * hop + n_fft
    samples = layers.Input((n_samples,), name="samples")
    transform = layers.Conv1D(waves.shape[1], n_fft, strides=hop, use_bias=False, name="stft")
    real, imaginary = ops.split(transform(samples[..., np.newaxis]), 2, axis=-1)
    mel = layers.Dense(len(bands), use_bias=False, name="mel")
    power = mel(ops.square(real) + ops.square(imaginary))
    transform.set_weights([waves[:, np.newaxis, :]])
    mel.set_weights([bands.T])
    S_db = ops.log10(ops.maximum(power, 1e-10)) * 10  # as librosa.power_to_db
    cut = {"n_samples": n_samples, "pad": n_fft // 2, "hop": n_frames * hop}
    return samples, S_db[..., np.newaxis], cut


def _waveform(inputs: dict) -> tuple[keras.KerasTensor, keras.KerasTensor, dict]:
    n_samples = inputs["clip_frames"]
    samples = layers.Input((n_samples,), name="samples")
    cut = {"n_samples": n_samples, "pad": 0, "hop": n_samples}
    return samples, samples[..., np.newaxis, np.newaxis], cut


FRONTS = {"log_mel": _log_mel, "waveform": _waveform}


def _portable(layer: keras.Layer) -> keras.Layer:
    """Copy a layer; the constants of Normalization would stay outside of an ONNX file."""
    if not isinstance(layer, layers.Normalization):
        return layer.__class__.from_config(layer.get_config())
    mean, variance = map(ops.convert_to_numpy, (layer.mean, layer.variance))
    scale = 1 / np.maximum(np.sqrt(variance), keras.config.epsilon())
    return layers.Rescaling(scale, -mean * scale, name=layer.name)
