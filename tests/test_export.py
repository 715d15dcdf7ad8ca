"""A network leaves the series as a file that needs no Python, and answers there as it did here."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import soundfile

from helpers import classify, clips, training

L = keras.layers
SR = 11025
LOG_MEL = {"kind": "log_mel", "sr": SR, "n_fft": 512, "hop_length": 256, "n_mels": 16}
LOG_MEL |= {"fmin": 50.0, "fmax": SR / 2, "clip_frames": 20}
WAVES = {"kind": "waveform", "sr": SR, "clip_frames": 4000}
CARD = {"made_by": "05_convpool", "classes": ["low", "high"], "multilabel": False}


def convolutional():
    """What the notebooks' networks are made of: scaling, augmentation, two axes, a memory."""
    scaling = L.Normalization(
        axis=(2, 3), mean=np.full((16, 1), -40.0), variance=np.full((16, 1), 80.0)
    )
    layers = [
        L.Input((None, 16, 1)), scaling, clips.SpecAugment(seed=0), L.Conv2D(4, 3, padding="same"),
        L.BatchNormalization(), L.Activation("elu"), L.MaxPooling2D(2, padding="same"),
        L.TimeDistributed(L.Flatten()), L.GRU(6), L.Dense(2, activation="softmax"),
    ]  # fmt: skip
    return keras.Sequential(layers)


def averaged():
    """The recipe of notebook 06: several networks in one."""
    X = L.Input((None, 16, 1))
    return keras.Model(X, L.Average()([convolutional()(X), convolutional()(X)]))


def waves():
    layers = [L.Input((None, 1, 1)), L.Conv2D(4, (32, 1), strides=(16, 1), activation="relu")]
    layers += [L.GlobalAveragePooling2D(), L.Dense(2, activation="sigmoid")]
    return keras.Sequential(layers)


NETWORKS = {
    "convolutional": (convolutional, LOG_MEL),
    "averaged": (averaged, LOG_MEL),
    "waves": (waves, WAVES),
}


def onnx(path, windows):
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(path)
    assert [i.name for i in session.get_inputs()] == ["samples"]
    return session.run(["probabilities"], {"samples": windows})[0]


def litert(path, windows):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(str(path))
    ask = interpreter.get_signature_runner()
    return np.concatenate([ask(samples=window[None])["probabilities"] for window in windows])


def as_the_card_says(y, told):
    """What a stranger does who has read the card."""
    y = np.pad(y, told["pad"])
    starts = range(0, len(y) - told["n_samples"] + 1, told["hop"])
    return np.stack([y[at : at + told["n_samples"]] for at in starts]).astype(np.float32)


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize(
    ("form", "ending", "run"), [("onnx", ".onnx", onnx), ("litert", ".tflite", litert)]
)
def test_another_program_gets_the_same_answers(kind, form, ending, run, tmp_path, capsys):
    if form not in keras.Model.export.__doc__:
        pytest.skip(f"Keras {keras.__version__} does not export {form}")
    build, inputs = NETWORKS[kind]
    keras.utils.set_random_seed(1)
    model = training.save(build(), tmp_path / "x.keras", CARD | {"inputs": inputs})
    time = np.arange(3 * SR) / SR
    y = (0.4 * np.sin(2 * np.pi * 200 * time * (1 + time)) + 0.01 * np.cos(9000 * time)).astype(
        np.float32
    )
    soundfile.write(tmp_path / "a.wav", y, SR, subtype="FLOAT")
    out = tmp_path / f"x{ending}"

    assert classify.main(["--export", form, str(model), str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    told = json.loads((tmp_path / f"{out.name}.json").read_text())
    assert told["sr"] == SR and told["card"]["classes"] == ["low", "high"]
    ours = classify.Classifier(model)(tmp_path / "a.wav").over_time.to_numpy()
    theirs = run(out, as_the_card_says(y, told))
    assert len(ours) > 3 and np.ptp(ours[:, 0]) > 1e-3  # the answers move with the sound
    np.testing.assert_allclose(theirs, ours, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--export", "onnx", "x.keras", "x.tflite"], "must end in .onnx"),
        (["--export", "litert", "x.keras", "x.onnx"], "must end in .tflite"),
        (["--export", "onnx", "x.keras", "x.onnx", "a.wav"], "give one file to write"),
        (["--export", "onnx", "x.keras"], "give one file to write"),
        (["--export", "onnx", "other.keras", "x.onnx"], "reads 'summary'"),
    ],
)
def test_what_cannot_be_exported_is_said(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    training.save(convolutional(), tmp_path / "x.keras", CARD | {"inputs": LOG_MEL})
    dense = keras.Sequential([L.Input((3,)), L.Dense(2, activation="softmax")])
    training.save(dense, tmp_path / "other.keras", CARD | {"inputs": {"kind": "summary"}})
    assert classify.main(arguments) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("x.onnx")) + list(tmp_path.glob("x.tflite"))


@pytest.mark.processes
def test_a_missing_package_is_named(tmp_path):
    training.save(convolutional(), tmp_path / "x.keras", CARD | {"inputs": LOG_MEL})
    code = (
        "import sys; sys.modules['tf2onnx'] = None; from helpers import classify; "
        "sys.exit(classify.main(sys.argv[1:]))"
    )
    told = ["--export", "onnx", str(tmp_path / "x.keras"), str(tmp_path / "x.onnx")]
    done = subprocess.run([sys.executable, "-c", code, *told], capture_output=True, text=True)
    assert done.returncode == 2 and "pip install tf2onnx" in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.json", "x.keras"]
